// SPDX-License-Identifier: BSD-2-Clause
// The private file: what only root and the verifier may read. All of it, or the people who
// changed since.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cache_build.h"
#include "rollcall/account.h"

// What the indexes and dates are made of, kept until the last row has come.
struct people {
    struct rc_person_record *record;
    uint64_t *name, *former; // hashes; a former name that leads nowhere is its person's own
    struct rc_date *date;
    uint32_t n, n_formers, room, expected;
    size_t n_dates, dates_room;
};

static int room_for_one(struct people *p)
{
    uint32_t want = p->room ? p->room + p->room / 2 : p->expected ? p->expected : 256;
    struct rc_person_record *record;
    uint64_t *name, *former;

    if (p->n < p->room)
        return 0;
    record = reallocarray(p->record, want, sizeof(*record));
    if (record)
        p->record = record;
    name = reallocarray(p->name, want, sizeof(*name));
    if (name)
        p->name = name;
    former = reallocarray(p->former, want, sizeof(*former));
    if (former)
        p->former = former;
    if (!record || !name || !former)
        return -ENOMEM;
    p->room = want;
    return 0;
}

static int add_date(struct people *p, int64_t date, uint32_t slot)
{
    if (date == ROLLCALL_TIME_UNSET)
        return 0;
    if (p->n_dates == p->dates_room) {
        size_t want = p->dates_room ? p->dates_room * 2 : 64;
        struct rc_date *more = reallocarray(p->date, want, sizeof(*more));
        if (!more)
            return -ENOMEM;
        p->date = more;
        p->dates_room = want;
    }
    p->date[p->n_dates++] = (struct rc_date){.at = date, .slot = slot};
    return 0;
}

static int compare_dates(const void *a, const void *b)
{
    const struct rc_date *x = a, *y = b;

    return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
                          : (x->slot > y->slot) - (x->slot < y->slot);
}

static int add_person(struct rc_build *b, const struct rollcall_person *p, struct people *all)
{
    const char *strings[RC_PERSON_STRINGS] = {
        p->name,         p->former_name, p->display_name, p->employee_number,
        p->immutable_id, p->home,        p->shell,        p->dn ? p->dn : ""};
    struct rc_person_record r = {.uid = p->uid,
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
                                 .slot = p->slot};
    int e = room_for_one(all);

    if (e < 0)
        return e;
    if (rc_build_len(b) > UINT32_MAX)
        return -EOVERFLOW;
    if (all->n > 0 && all->record[all->n - 1].slot >= p->slot)
        return -EINVAL; // out of order
    r.pool = (uint32_t)rc_build_len(b);
    for (int i = 0; i < RC_PERSON_STRINGS; i++) {
        size_t len = strnlen(strings[i], ROLLCALL_DN_MAX + 1);
        if (len > ROLLCALL_DN_MAX) // a DN cut short would be somebody else's
            len = strings[i] == p->dn ? 0 : ROLLCALL_DN_MAX;
        r.len[i] = (uint16_t)len;
        rc_build_write(b, strings[i], len);
        rc_build_write(b, "", 1);
    }
    r.check = rc_check16(&r, sizeof(r), all->n);
    all->record[all->n] = r;
    all->name[all->n] = rc_hash_bytes(&b->self, p->name, r.len[0]);
    // The old name leads to its person too, so that PAM knows it as ours; it logs
    // nobody in (rule 15).
    all->former[all->n] = rc_hash_bytes(&b->self, p->former_name, r.len[1]);
    if (r.len[1] == 0)
        all->former[all->n] = all->name[all->n];
    else
        all->n_formers++;
    all->n++;
    e = add_date(all, p->not_before, p->slot);
    return e == 0 ? add_date(all, p->not_after, p->slot) : e;
}

// Two keys a person: the name now, and the one before.
static bool person_name(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref)
{
    const struct people *p = ctx;
    uint32_t at = (uint32_t)(i / 2);

    *ret_ref = at;
    *ret_hash = i % 2 ? p->former[at] : p->name[at];
    return i % 2 == 0 || p->former[at] != p->name[at];
}

static bool person_id(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref)
{
    const struct people *p = ctx;

    *ret_ref = (uint32_t)i;
    *ret_id = p->record[i].uid;
    return true;
}

static int verify_private(const struct rc_map *m, void *ctx)
{
    const struct rc_person_record *r = rc_section(m, RC_RECORDS);
    const unsigned char *records = rc_section(m, RC_RECORDS), *names = rc_section(m, RC_POOL);

    (void)ctx;
    for (uint32_t i = 0; i < m->head->slots; i++) {
        const char *name = rc_pool(m, r[i].pool, r[i].len[0]);
        if (!name || !rc_build_found(m, RC_NAMES, rc_hash_bytes(m, name, r[i].len[0]), i) ||
            !rc_build_found(m, RC_IDS, rc_hash_uid(m, r[i].uid), i))
            return -EBADMSG;
        rc_build_pass(&records, r + i);
        rc_build_pass(&names, name);
    }
    return 0;
}

static int write_people(struct rc_build *b, const struct rollcall_private_feed *feed,
                        struct people *all)
{
    struct rollcall_person p;
    int r = 0;

    rc_build_begin(b, RC_POOL);
    while (r >= 0 && (r = feed->next_person(feed->ctx, &p)) > 0)
        r = add_person(b, &p, all);
    rc_build_end(b);
    if (r < 0)
        return r;
    rc_build_head(b)->slots = rc_build_head(b)->count = all->n;
    rc_build_section(b, RC_RECORDS, all->record, sizeof(*all->record) * all->n);
    if (all->n_dates > 0)
        qsort(all->date, all->n_dates, sizeof(*all->date), compare_dates);
    rc_build_section(b, RC_DATES, all->date, sizeof(*all->date) * all->n_dates);
    r = rc_build_index(b, RC_NAMES, (uint64_t)all->n + all->n_formers, 2 * (uint64_t)all->n,
                       person_name, all);
    return r == 0 ? rc_build_id_index(b, RC_IDS, all->n, all->n, person_id, all) : r;
}

static int write_file(const char *path, const struct rollcall_private_feed *feed, gid_t group)
{
    struct rc_build b = {.fd = -1};
    struct people all = {.expected = feed->people};
    int r = rc_build_open(&b, path, ROLLCALL_MAGIC_PRIVATE, feed->generation, feed->ledger_id, 0);

    rc_build_head(&b)->id_min = ROLLCALL_ID_DEFAULT_MIN;
    rc_build_head(&b)->id_max = ROLLCALL_ID_DEFAULT_MAX;
    if (r == 0)
        r = write_people(&b, feed, &all);
    free(all.record);
    free(all.name);
    free(all.former);
    free(all.date);
    if (r == 0)
        r = rc_build_finish(&b, 0640, group, sizeof(struct rc_person_record), verify_private, NULL);
    rc_build_close(&b);
    return r;
}

int rollcall_private_write(const char *path, const struct rollcall_private_feed *feed, gid_t group)
{
    char delta[PATH_MAX];
    int r;

    if (snprintf(delta, sizeof(delta), "%s" ROLLCALL_DELTA_SUFFIX, path) >= (int)sizeof(delta))
        return -ENAMETOOLONG;
    r = write_file(path, feed, group);
    // Of an older generation now: it counts for nothing, and goes.
    if (r == 0)
        unlink(delta);
    return r;
}

int rollcall_private_write_delta(const char *path, const struct rollcall_private_feed *feed,
                                 gid_t group)
{
    char delta[PATH_MAX];

    if (snprintf(delta, sizeof(delta), "%s" ROLLCALL_DELTA_SUFFIX, path) >= (int)sizeof(delta))
        return -ENAMETOOLONG;
    return write_file(delta, feed, group);
}
