// SPDX-License-Identifier: BSD-2-Clause
// The public snapshot: accounts, groups, memberships. What is long (member lists, texts)
// goes to the file as it comes; records and memberships are kept until the end.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cache_build.h"
#include "lib/cache_members.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"

struct snapshot {
    struct rc_build build;
    struct rc_account_record *records;
    struct rc_members members;
    struct rc_former_record *formers;
    uint32_t n_formers;
    char shells[255][256];
    struct rc_span shell[255];
    unsigned n_shells;
};

// Number of a shell in the table; a company has few. Beyond 255 the first one stands.
static unsigned shell_number(struct snapshot *s, const char *shell)
{
    size_t len = strlen(shell);

    for (unsigned i = 0; i < s->n_shells; i++)
        if (strcmp(s->shells[i], shell) == 0)
            return i;
    if (s->n_shells == 255 || len >= sizeof(s->shells[0]))
        return 0;
    memcpy(s->shells[s->n_shells], shell, len + 1);
    s->shell[s->n_shells] =
        (struct rc_span){.off = rc_build_write(&s->build, shell, len + 1), .len = len};
    return s->n_shells++;
}

static bool home_by_rule(const char *home, const char *name)
{
    return strncmp(home, "/home/", 6) == 0 && strcmp(home + 6, name) == 0;
}

static int add_strings(struct snapshot *s, const struct rollcall_snapshot_account *a,
                       struct rc_account_record *r)
{
    size_t name = strlen(a->name), gecos = strlen(a->gecos), home = strlen(a->home);
    uint64_t at = rc_build_len(&s->build);

    if (name == 0 || name > ROLLCALL_NAME_MAX || gecos > 255 || home > 255)
        return -EINVAL;
    if (at > UINT32_MAX)
        return -EOVERFLOW;
    r->name_len = (uint8_t)name;
    r->gecos_len = (uint8_t)gecos;
    memcpy(r->text, a->name, name);
    r->pool = (uint32_t)at;
    if (name + gecos + 2 <= RC_ACCOUNT_TEXT) {
        memcpy(r->text + name + 1, a->gecos, gecos);
    } else {
        r->flags |= RC_ACCOUNT_GECOS_POOL;
        rc_build_write(&s->build, a->gecos, gecos);
    }
    if (home_by_rule(a->home, a->name)) {
        r->flags |= RC_ACCOUNT_HOME_RULE;
    } else {
        r->home_len = (uint16_t)home;
        rc_build_write(&s->build, a->home, home);
    }
    return 0;
}

static int add_account(struct snapshot *s, const struct rollcall_snapshot_account *a)
{
    struct rc_account_record r = {.uid = a->uid, .gid = a->gid};
    uint32_t mship;
    int e;

    if (a->slot >= rc_build_head(&s->build)->slots)
        return -ERANGE;
    if (a->n_groups > UINT16_MAX || a->n_local > UINT16_MAX)
        return -EOVERFLOW;
    r.shell = (uint8_t)shell_number(s, a->shell);
    e = add_strings(s, a, &r);
    if (e == 0)
        e = rc_members_join(&s->members, r.name_len, a->groups, a->n_groups, a->local_gids,
                            a->n_local, &mship);
    if (e < 0)
        return e;
    r.mship = mship;
    r.n_groups = (uint16_t)a->n_groups;
    r.n_local = (uint16_t)a->n_local; // its check comes when its memberships have their place
    s->records[a->slot] = r;
    rc_build_head(&s->build)->count++;
    return 0;
}

static int add_former(struct snapshot *s, const struct rollcall_snapshot_former *f)
{
    size_t len = strlen(f->name);
    struct rc_former_record r = {.slot = f->slot, .name_len = (uint8_t)len}, *more;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return -EINVAL;
    if (f->slot >= rc_build_head(&s->build)->slots || !s->records[f->slot].name_len)
        return 0; // who is not in the file has no former name in it either
    // The room doubles at each power of two.
    if ((s->n_formers & (s->n_formers - 1)) == 0) {
        more = reallocarray(s->formers, s->n_formers ? 2 * (size_t)s->n_formers : 1, sizeof(r));
        if (!more)
            return -ENOMEM;
        s->formers = more;
    }
    memcpy(r.name, f->name, len);
    r.check = rc_check16(&r, sizeof(r), s->n_formers);
    s->formers[s->n_formers++] = r;
    return 0;
}

static int collect(struct snapshot *s, const struct rollcall_snapshot_feed *feed)
{
    struct rollcall_snapshot_account a;
    struct rollcall_snapshot_former f;
    struct rollcall_snapshot_group g;
    int r = rc_members_group(&s->members, "rollcall-people", feed->id_min);

    while (r >= 0 && (r = feed->next_group(feed->ctx, &g)) > 0)
        r = rc_members_group(&s->members, g.name, g.gid);
    rc_build_begin(&s->build, RC_POOL);
    while (r >= 0 && (r = feed->next_account(feed->ctx, &a)) > 0)
        r = add_account(s, &a);
    while (r >= 0 && feed->next_former && (r = feed->next_former(feed->ctx, &f)) > 0)
        r = add_former(s, &f);
    if (r == 0)
        r = rc_members_write(&s->members, &s->build, s->records,
                             feed->no_members        ? 0
                             : feed->members_max > 0 ? feed->members_max
                                                     : UINT32_MAX);
    rc_build_end(&s->build);
    return r;
}

// ---- sections ----

static bool account_name(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref)
{
    const struct snapshot *s = ctx;
    const struct rc_account_record *r = &s->records[i];

    *ret_hash = rc_hash_bytes(&s->build.self, r->text, r->name_len);
    *ret_ref = (uint32_t)i;
    return r->name_len > 0;
}

static bool account_id(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref)
{
    const struct snapshot *s = ctx;

    *ret_id = s->records[i].uid;
    *ret_ref = (uint32_t)i;
    return s->records[i].name_len > 0;
}

static bool group_name(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref)
{
    const struct snapshot *s = ctx;
    const char *name = rc_members_name(&s->members, (uint32_t)i);

    *ret_hash = rc_hash_bytes(&s->build.self, name, strlen(name));
    *ret_ref = (uint32_t)i;
    return true;
}

static bool group_id(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref)
{
    const struct snapshot *s = ctx;

    *ret_id = s->members.group[i].record.gid;
    *ret_ref = (uint32_t)i;
    return true;
}

static bool former_name(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref)
{
    const struct snapshot *s = ctx;

    *ret_hash = rc_hash_bytes(&s->build.self, s->formers[i].name, s->formers[i].name_len);
    *ret_ref = (uint32_t)i;
    return true;
}

static void write_order(struct snapshot *s)
{
    rc_build_begin(&s->build, RC_ORDER);
    for (uint32_t slot = 0; slot < rc_build_head(&s->build)->slots; slot++)
        if (s->records[slot].name_len)
            rc_build_write(&s->build, &slot, sizeof(slot));
    rc_build_end(&s->build);
}

static int write_sections(struct snapshot *s)
{
    struct rc_build *b = &s->build;
    uint32_t slots = rc_build_head(b)->slots, people = rc_build_head(b)->count;
    uint32_t groups = s->members.n;
    int r;

    r = rc_members_write_sections(&s->members, b, s->records, slots);
    if (r < 0)
        return r;
    rc_build_section(b, RC_RECORDS, s->records, sizeof(*s->records) * slots);
    write_order(s);
    rc_build_section(b, RC_SHELLS, s->shell, sizeof(*s->shell) * s->n_shells);
    r = rc_build_index(b, RC_NAMES, people, slots, account_name, s);
    if (r == 0)
        r = rc_build_id_index(b, RC_IDS, people, slots, account_id, s);
    if (r == 0)
        r = rc_build_index(b, RC_GNAMES, groups, groups, group_name, s);
    if (r == 0)
        r = rc_build_id_index(b, RC_GIDS, groups, groups, group_id, s);
    if (r == 0 && s->n_formers > 0) {
        rc_build_section(b, RC_FORMER, s->formers, sizeof(*s->formers) * s->n_formers);
        r = rc_build_index(b, RC_FNAMES, s->n_formers, s->n_formers, former_name, s);
    }
    return r;
}

// ---- every account and group is found again by name and by id, as a reader would ----

// What the lookup of the one a little further on will touch.
static void fetch_ahead(const struct rc_map *m, uint32_t slot)
{
    const struct rc_account_record *r;
    struct rc_probe p;

    if (slot >= m->head->slots)
        return;
    r = (const struct rc_account_record *)rc_section(m, RC_RECORDS) + slot;
    if (r->name_len > ROLLCALL_NAME_MAX)
        return;
    rc_probe_start(m, RC_NAMES, rc_hash_bytes(m, r->text, r->name_len), m->head->slots, &p);
    __builtin_prefetch(&p.buckets[p.at]);
    rc_probe_start(m, RC_IDS, rc_hash_uid(m, r->uid), m->head->slots, &p);
    __builtin_prefetch(&p.buckets[p.at]);
}

static int verify(const struct rc_map *m, void *ctx)
{
    const unsigned char *blocks = rc_section(m, RC_POOL);

    (void)ctx;
    for (uint32_t slot = 0; slot < m->head->slots; slot++) {
        struct rc_account_record r, found;
        uint32_t at;
        fetch_ahead(m, slot + 16);
        if (!((const struct rc_account_record *)rc_section(m, RC_RECORDS))[slot].name_len)
            continue;
        if (!rc_account_at(m, slot, &r) ||
            !rc_account_by_name(m, r.text, r.name_len, &at, &found) || at != slot ||
            !rc_account_by_uid(m, r.uid, &at, &found) || at != slot)
            return -EBADMSG;
    }
    for (uint32_t i = 0; i < m->head->groups; i++) {
        struct rc_group_record r, found;
        if (!rc_group_at(m, i, &r) ||
            !rc_group_by_name(m, rc_group_name(m, &r), r.name_len, &found) || found.gid != r.gid ||
            !rc_group_by_gid(m, r.gid, &found))
            return -EBADMSG;
        rc_build_pass(&blocks, rc_group_name(m, &r)); // each name brings its list along
    }
    return 0;
}

static void release(struct snapshot *s)
{
    rc_members_free(&s->members);
    free(s->records);
    free(s->formers);
    s->records = NULL;
    s->formers = NULL;
}

static int write_all(struct snapshot *s, const char *path,
                     const struct rollcall_snapshot_feed *feed)
{
    struct rc_header *h = rc_build_head(&s->build);
    int r = rc_build_open(&s->build, path, ROLLCALL_MAGIC_ACCOUNTS, feed->generation,
                          feed->ledger_id, feed->slots);

    if (r < 0)
        return r;
    s->records = calloc(feed->slots ? feed->slots : 1, sizeof(*s->records));
    if (!s->records)
        return -ENOMEM;
    h->id_min = feed->id_min;
    h->id_max = feed->id_max;
    h->flags = (feed->observe ? RC_FLAG_OBSERVE : 0) |
               (feed->no_enumerate ? 0 : RC_FLAG_ENUMERATE) |
               (feed->hide_locked ? RC_FLAG_HIDE_LOCKED : 0);
    r = collect(s, feed);
    h->groups = s->members.n;
    if (r == 0)
        r = write_sections(s);
    release(s); // the file is looked at next, and takes memory of its own
    if (r == 0)
        r = rc_build_finish(&s->build, 0644, (gid_t)-1, sizeof(struct rc_account_record), verify,
                            NULL);
    return r;
}

int rollcall_snapshot_write(const char *path, const struct rollcall_snapshot_feed *feed)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    s->build.fd = -1;
    r = write_all(s, path, feed);
    rc_build_close(&s->build);
    release(s);
    free(s);
    return r;
}
