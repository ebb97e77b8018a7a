// SPDX-License-Identifier: BSD-2-Clause
// The public snapshot: accounts, groups, memberships.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cache_build.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"

struct snapshot {
    struct rc_build build;
    struct rc_index_entry *names, *ids, *group_names, *gids;
    size_t n, n_room, n_groups, groups_room;
    char shells[255][256];
    unsigned n_shells;
};

static int room_for(struct rc_index_entry **a, struct rc_index_entry **b, size_t n, size_t *room)
{
    size_t want = *room ? *room * 2 : 256;
    struct rc_index_entry *x, *y;

    if (n < *room)
        return 0;
    x = realloc(*a, want * sizeof(*x));
    if (x)
        *a = x;
    y = realloc(*b, want * sizeof(*y));
    if (y)
        *b = y;
    if (!x || !y)
        return -ENOMEM;
    *room = want;
    return 0;
}

// Number of a shell in the table; a company has few. Beyond 255 the first one stands.
static int shell_number(struct snapshot *s, const char *shell)
{
    struct rc_span span;
    int64_t at;

    for (unsigned i = 0; i < s->n_shells; i++)
        if (strcmp(s->shells[i], shell) == 0)
            return (int)i;
    if (s->n_shells == 255 || strlen(shell) >= sizeof(s->shells[0]))
        return 0;
    at = rc_build_add(&s->build, RC_POOL, shell, strlen(shell) + 1);
    if (at < 0)
        return (int)at;
    span = (struct rc_span){.off = (uint64_t)at, .len = strlen(shell)};
    if (rc_build_add(&s->build, RC_SHELLS, &span, sizeof(span)) < 0)
        return -ENOMEM;
    memcpy(s->shells[s->n_shells], shell, strlen(shell) + 1);
    return (int)s->n_shells++;
}

static bool home_by_rule(const char *home, const char *name)
{
    return strncmp(home, "/home/", 6) == 0 && strcmp(home + 6, name) == 0;
}

static int add_strings(struct snapshot *s, const struct rollcall_snapshot_account *a,
                       struct rc_account_record *r)
{
    size_t name = strlen(a->name), gecos = strlen(a->gecos), home = strlen(a->home);
    int64_t at = (int64_t)s->build.section[RC_POOL].len;

    if (name == 0 || name > ROLLCALL_NAME_MAX || gecos > 255 || home > 255)
        return -EINVAL;
    r->name_len = (uint8_t)name;
    r->gecos_len = (uint8_t)gecos;
    memcpy(r->text, a->name, name);
    r->pool = (uint32_t)at;
    if (at > UINT32_MAX)
        return -EOVERFLOW;
    if (name + gecos <= RC_ACCOUNT_TEXT) {
        memcpy(r->text + name, a->gecos, gecos);
    } else {
        r->flags |= RC_ACCOUNT_GECOS_POOL;
        if (rc_build_add(&s->build, RC_POOL, a->gecos, gecos) < 0)
            return -ENOMEM;
    }
    if (home_by_rule(a->home, a->name)) {
        r->flags |= RC_ACCOUNT_HOME_RULE;
    } else {
        r->home_len = (uint16_t)home;
        if (rc_build_add(&s->build, RC_POOL, a->home, home) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_account(struct snapshot *s, const struct rollcall_snapshot_account *a)
{
    struct rc_account_record r = {.uid = a->uid, .gid = a->gid};
    void *at = rc_build_record(&s->build, sizeof(r), a->slot);
    size_t mship = s->build.section[RC_MSHIPS].len / 4;
    int shell = shell_number(s, a->shell), e;

    if (!at || shell < 0 || mship > UINT32_MAX || a->n_gids > UINT16_MAX || a->n_local > UINT16_MAX)
        return !at ? -ERANGE : shell < 0 ? shell : -EOVERFLOW;
    e = room_for(&s->names, &s->ids, s->n, &s->n_room);
    if (e == 0)
        e = add_strings(s, a, &r);
    if (e < 0)
        return e;
    r.shell = (uint8_t)shell;
    r.mship = (uint32_t)mship;
    r.n_groups = (uint16_t)a->n_gids;
    r.n_local = (uint16_t)a->n_local;
    if (rc_build_add(&s->build, RC_MSHIPS, a->gids, a->n_gids * 4) < 0 ||
        rc_build_add(&s->build, RC_MSHIPS, a->local_gids, a->n_local * 4) < 0 ||
        rc_build_add(&s->build, RC_ORDER, &a->slot, 4) < 0)
        return -ENOMEM;
    r.check = rc_check16(&r, sizeof(r), a->slot);
    memcpy(at, &r, sizeof(r));
    s->names[s->n] =
        (struct rc_index_entry){rc_build_hash(&s->build, a->name, r.name_len), a->slot};
    s->ids[s->n] = (struct rc_index_entry){rc_build_hash_id(&s->build, a->uid), a->slot};
    s->n++;
    return 0;
}

// The names of a group's members, ready to be copied: length bytes, then the names.
static int add_members(struct snapshot *s, const struct rollcall_snapshot_group *g,
                       struct rc_group_record *r)
{
    _cleanup_free_ unsigned char *lens = malloc(g->n_members + 1);
    _cleanup_free_ char *names = malloc(g->n_members * (ROLLCALL_NAME_MAX + 1) + 1);
    size_t n = 0, len = 0;

    if (!lens || !names)
        return -ENOMEM;
    for (size_t i = 0; i < g->n_members; i++) {
        const struct rc_account_record *a = rc_build_record(&s->build, sizeof(*a), g->members[i]);
        if (!a || a->name_len == 0)
            continue; // not in the public file: first day to come, or left out
        lens[n++] = a->name_len;
        memcpy(names + len, a->text, a->name_len);
        len += a->name_len;
        names[len++] = 0;
    }
    r->members = s->build.section[RC_POOL].len;
    r->n_members = (uint32_t)n;
    r->members_len = (uint32_t)len;
    if (len > UINT32_MAX || rc_build_add(&s->build, RC_POOL, lens, n) < 0 ||
        rc_build_add(&s->build, RC_POOL, names, len) < 0)
        return -ENOMEM;
    return 0;
}

static int add_group(struct snapshot *s, const struct rollcall_snapshot_group *g)
{
    struct rc_group_record r = {.gid = g->gid};
    size_t len = strlen(g->name);
    int64_t at = rc_build_add(&s->build, RC_POOL, g->name, len + 1);
    int e;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return -EINVAL;
    if (at < 0 || at > UINT32_MAX)
        return -EOVERFLOW;
    r.name = (uint32_t)at;
    r.name_len = (uint8_t)len;
    e = add_members(s, g, &r);
    if (e == 0)
        e = room_for(&s->group_names, &s->gids, s->n_groups, &s->groups_room);
    if (e < 0)
        return e;
    r.check = rc_check16(&r, sizeof(r), (uint32_t)s->n_groups);
    if (rc_build_add(&s->build, RC_GROUPS, &r, sizeof(r)) < 0)
        return -ENOMEM;
    s->group_names[s->n_groups] =
        (struct rc_index_entry){rc_build_hash(&s->build, g->name, len), (uint32_t)s->n_groups};
    s->gids[s->n_groups] =
        (struct rc_index_entry){rc_build_hash_id(&s->build, g->gid), (uint32_t)s->n_groups};
    s->n_groups++;
    return 0;
}

// Every account and group is found again by name and by id, as a reader would.
static int verify(const struct rc_map *m, void *ctx)
{
    (void)ctx;
    for (uint32_t slot = 0; slot < m->head->slots; slot++) {
        struct rc_account_record r, found;
        uint32_t at;
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
            !rc_group_by_name(m, rc_pool(m, r.name, r.name_len), r.name_len, &found) ||
            found.gid != r.gid || !rc_group_by_gid(m, r.gid, &found))
            return -EBADMSG;
    }
    return 0;
}

static int collect(struct snapshot *s, const struct rollcall_snapshot_feed *feed)
{
    struct rollcall_snapshot_account a;
    struct rollcall_snapshot_group g, people = {.gid = feed->id_min, .name = "rollcall-people"};
    int r = rc_build_records(&s->build, sizeof(struct rc_account_record));

    while (r >= 0 && (r = feed->next_account(feed->ctx, &a)) > 0)
        r = add_account(s, &a);
    if (r == 0)
        r = add_group(s, &people);
    while (r >= 0 && (r = feed->next_group(feed->ctx, &g)) > 0)
        r = add_group(s, &g);
    return r;
}

int rollcall_snapshot_write(const char *path, const struct rollcall_snapshot_feed *feed)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    rc_build_start(&s->build, ROLLCALL_MAGIC_ACCOUNTS, feed->generation, feed->ledger_id,
                   feed->slots, 0);
    s->build.head.id_min = feed->id_min;
    s->build.head.id_max = feed->id_max;
    s->build.head.flags = (feed->observe ? RC_FLAG_OBSERVE : 0) | RC_FLAG_ENUMERATE;
    r = collect(s, feed);
    s->build.head.count = (uint32_t)s->n;
    s->build.head.groups = (uint32_t)s->n_groups;
    if (r == 0)
        r = rc_build_index(&s->build, RC_NAMES, s->names, s->n);
    if (r == 0)
        r = rc_build_index(&s->build, RC_IDS, s->ids, s->n);
    if (r == 0)
        r = rc_build_index(&s->build, RC_GNAMES, s->group_names, s->n_groups);
    if (r == 0)
        r = rc_build_index(&s->build, RC_GIDS, s->gids, s->n_groups);
    if (r == 0)
        r = rc_build_finish(&s->build, path, 0644, (gid_t)-1, sizeof(struct rc_account_record),
                            verify, NULL);
    free(s->names);
    free(s->ids);
    free(s->group_names);
    free(s->gids);
    rc_build_free(&s->build);
    free(s);
    return r;
}
