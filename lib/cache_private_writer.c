// SPDX-License-Identifier: BSD-2-Clause
// Private and keys: what only root, the verifier and sshd's command may read.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cache_build.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"

struct index {
    struct rc_index_entry *entry;
    size_t n, room;
};

static int index_add(struct index *x, uint64_t hash, uint32_t ref)
{
    if (x->n == x->room) {
        size_t want = x->room ? x->room * 2 : 256;
        struct rc_index_entry *p = realloc(x->entry, want * sizeof(*p));
        if (!p)
            return -ENOMEM;
        x->entry = p;
        x->room = want;
    }
    x->entry[x->n++] = (struct rc_index_entry){hash, ref};
    return 0;
}

static int add_date(struct rc_build *b, int64_t date)
{
    if (date == ROLLCALL_TIME_UNSET)
        return 0;
    return rc_build_add(b, RC_DATES, &date, sizeof(date)) < 0 ? -ENOMEM : 0;
}

static int compare_dates(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int add_person(struct rc_build *b, const struct rollcall_person *p, struct index *names,
                      struct index *ids)
{
    const char *strings[RC_PERSON_STRINGS] = {
        p->name,         p->former_name, p->display_name, p->employee_number,
        p->immutable_id, p->home,        p->shell};
    struct rc_person_record r = {.uid = p->uid,
                                 .gid = p->gid,
                                 .since = p->since,
                                 .not_before = p->not_before,
                                 .not_after = p->not_after,
                                 .hr_time = p->hr_time,
                                 .received = p->received,
                                 .incarnation = p->incarnation,
                                 .state = (uint8_t)p->state,
                                 .reason = (uint8_t)p->reason,
                                 .authority = p->authority,
                                 .flags = p->flags,
                                 .used = 1};
    void *at = rc_build_record(b, sizeof(r), p->slot);
    int e;

    if (!at || b->section[RC_POOL].len > UINT32_MAX)
        return -ERANGE;
    r.pool = (uint32_t)b->section[RC_POOL].len;
    for (int i = 0; i < RC_PERSON_STRINGS; i++) {
        size_t len = strnlen(strings[i], 1024);
        r.len[i] = (uint16_t)len;
        if (rc_build_add(b, RC_POOL, strings[i], len) < 0 || rc_build_add(b, RC_POOL, "", 1) < 0)
            return -ENOMEM;
    }
    r.check = rc_check16(&r, sizeof(r), p->slot);
    memcpy(at, &r, sizeof(r));
    e = index_add(names, rc_build_hash(b, p->name, strlen(p->name)), p->slot);
    // The old name leads to its person too, so that PAM knows it as ours; it logs
    // nobody in (rule 15).
    if (e == 0 && *p->former_name && strcmp(p->former_name, p->name) != 0)
        e = index_add(names, rc_build_hash(b, p->former_name, strlen(p->former_name)), p->slot);
    if (e == 0)
        e = index_add(ids, rc_build_hash_id(b, p->uid), p->slot);
    if (e == 0)
        e = add_date(b, p->not_before);
    return e == 0 ? add_date(b, p->not_after) : e;
}

static int verify_private(const struct rc_map *m, void *ctx)
{
    const struct rc_person_record *r = rc_section(m, RC_RECORDS);
    (void)ctx;
    for (uint32_t slot = 0; slot < m->head->slots; slot++) {
        struct rc_probe p;
        uint32_t found;
        const char *name;
        if (!r[slot].used)
            continue;
        name = rc_pool(m, r[slot].pool, r[slot].len[0]);
        if (!name)
            return -EBADMSG;
        rc_probe_start(m, RC_NAMES, rc_hash_bytes(m, name, r[slot].len[0]), m->head->slots, &p);
        while ((found = rc_probe_next(&p)) != RC_EMPTY && found != slot)
            ;
        if (found != slot)
            return -EBADMSG;
        rc_probe_start(m, RC_IDS, rc_hash_id(m, r[slot].uid), m->head->slots, &p);
        while ((found = rc_probe_next(&p)) != RC_EMPTY && found != slot)
            ;
        if (found != slot)
            return -EBADMSG;
    }
    return 0;
}

int rollcall_private_write(const char *path, const struct rollcall_private_feed *feed, gid_t group)
{
    struct rc_build b;
    struct index names = {0}, ids = {0};
    struct rollcall_person p;
    int r;

    rc_build_start(&b, ROLLCALL_MAGIC_PRIVATE, feed->generation, feed->ledger_id, feed->slots, 0);
    b.head.id_min = ROLLCALL_ID_DEFAULT_MIN;
    b.head.id_max = ROLLCALL_ID_DEFAULT_MAX;
    r = rc_build_records(&b, sizeof(struct rc_person_record));
    while (r >= 0 && (r = feed->next_person(feed->ctx, &p)) > 0)
        r = add_person(&b, &p, &names, &ids);
    b.head.count = (uint32_t)ids.n;
    if (b.section[RC_DATES].len)
        qsort(b.section[RC_DATES].data, b.section[RC_DATES].len / 8, 8, compare_dates);
    if (r == 0)
        r = rc_build_index(&b, RC_NAMES, names.entry, names.n);
    if (r == 0)
        r = rc_build_index(&b, RC_IDS, ids.entry, ids.n);
    if (r == 0)
        r = rc_build_finish(&b, path, 0640, group, sizeof(struct rc_person_record), verify_private,
                            NULL);
    free(names.entry);
    free(ids.entry);
    rc_build_free(&b);
    return r;
}

static int add_keys(struct rc_build *b, const struct rollcall_keys_account *a, struct index *names)
{
    struct rc_keys_record r = {.uid = a->uid, .name_len = (uint8_t)strlen(a->name), .used = 1};
    void *at = rc_build_record(b, sizeof(r), a->slot);
    size_t start;

    if (r.name_len == 0 || strlen(a->name) > ROLLCALL_NAME_MAX)
        return -EINVAL;
    if (!at || b->section[RC_POOL].len > UINT32_MAX)
        return -ERANGE;
    r.pool = (uint32_t)b->section[RC_POOL].len;
    if (rc_build_add(b, RC_POOL, a->name, r.name_len + 1u) < 0)
        return -ENOMEM;
    start = b->section[RC_POOL].len;
    for (size_t i = 0; i < a->n_keys; i++)
        if (rc_build_add(b, RC_POOL, a->keys[i], strlen(a->keys[i])) < 0 ||
            rc_build_add(b, RC_POOL, "\n", 1) < 0)
            return -ENOMEM;
    r.keys_len = (uint32_t)(b->section[RC_POOL].len - start);
    r.check = rc_check16(&r, sizeof(r), a->slot);
    memcpy(at, &r, sizeof(r));
    return index_add(names, rc_build_hash(b, a->name, r.name_len), a->slot);
}

static int verify_keys(const struct rc_map *m, void *ctx)
{
    const struct rc_keys_record *r = rc_section(m, RC_RECORDS);
    (void)ctx;
    for (uint32_t slot = 0; slot < m->head->slots; slot++) {
        struct rc_probe p;
        uint32_t found;
        const char *name;
        if (!r[slot].used)
            continue;
        name = rc_pool(m, r[slot].pool, (uint64_t)r[slot].name_len + 1 + r[slot].keys_len);
        if (!name)
            return -EBADMSG;
        rc_probe_start(m, RC_NAMES, rc_hash_bytes(m, name, r[slot].name_len), m->head->slots, &p);
        while ((found = rc_probe_next(&p)) != RC_EMPTY && found != slot)
            ;
        if (found != slot)
            return -EBADMSG;
    }
    return 0;
}

int rollcall_keys_write(const char *path, const struct rollcall_keys_feed *feed, gid_t group)
{
    struct rc_build b;
    struct index names = {0};
    struct rollcall_keys_account a;
    int r;

    rc_build_start(&b, ROLLCALL_MAGIC_KEYS, feed->generation, feed->ledger_id, feed->slots, 0);
    b.head.id_min = ROLLCALL_ID_DEFAULT_MIN;
    b.head.id_max = ROLLCALL_ID_DEFAULT_MAX;
    r = rc_build_records(&b, sizeof(struct rc_keys_record));
    while (r >= 0 && (r = feed->next_account(feed->ctx, &a)) > 0)
        r = add_keys(&b, &a, &names);
    b.head.count = (uint32_t)names.n;
    if (r == 0)
        r = rc_build_index(&b, RC_NAMES, names.entry, names.n);
    if (r == 0)
        r = rc_build_finish(&b, path, 0640, group, sizeof(struct rc_keys_record), verify_keys,
                            NULL);
    free(names.entry);
    rc_build_free(&b);
    return r;
}
