// SPDX-License-Identifier: BSD-2-Clause
// Reading the private file and its delta as one. libc only: the PAM module uses it too.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rollcall/account.h"
#include "rollcall/cache.h"
#include "rollcall/cache_map.h"

#define OPEN_TRIES 16
#define PATH_LEN   512 // the cache's own paths, which are compiled in

struct rollcall_private {
    // The people who changed, or nobody; then everybody. Who is in the first is not looked
    // for in the second.
    struct rc_map delta, all;
};

// ---- opening ----

static int delta_of(const char *path, char ret[PATH_LEN])
{
    size_t n = strlen(path);

    if (n + sizeof(ROLLCALL_DELTA_SUFFIX) > PATH_LEN)
        return -ENAMETOOLONG;
    memcpy(ret, path, n);
    memcpy(ret + n, ROLLCALL_DELTA_SUFFIX, sizeof(ROLLCALL_DELTA_SUFFIX));
    return 0;
}

// -EAGAIN: the writer replaced them while we looked.
static int open_pair(const char *path, const char *delta_path, struct rollcall_private *p)
{
    int r = rc_map_open(path, ROLLCALL_MAGIC_PRIVATE, sizeof(struct rc_person_record), &p->all);

    if (r < 0)
        return r;
    r = rc_map_open_beside(delta_path, ROLLCALL_MAGIC_PRIVATE, sizeof(struct rc_person_record),
                           p->all.owner, &p->delta);
    if (r < 0 && r != -ENOENT)
        return r; // there is one, and it cannot be used: nothing here is known to be new
    // A delta goes only after a new PATH has come: whoever saw none, or an old one, has to
    // see that PATH is still the same.
    if (!rc_map_current(&p->all, path))
        return -EAGAIN;
    if (r == 0 && (p->delta.head->generation > p->all.head->generation ||
                   memcmp(p->delta.head->ledger_id, p->all.head->ledger_id, 16) != 0))
        return -EAGAIN;
    if (r == 0 && p->delta.head->generation < p->all.head->generation)
        rc_map_close(&p->delta);
    return 0;
}

int rollcall_private_open(const char *path, struct rollcall_private **ret)
{
    struct rollcall_private *p = calloc(1, sizeof(*p));
    char delta[PATH_LEN];
    int r = delta_of(path, delta);

    if (!p)
        return -ENOMEM;
    if (r == 0)
        r = -EAGAIN;
    for (int i = 0; i < OPEN_TRIES && r == -EAGAIN; i++) {
        rc_map_close(&p->all);
        rc_map_close(&p->delta);
        r = open_pair(path, delta, p);
    }
    if (r < 0) {
        rollcall_private_close(p);
        return r == -EAGAIN ? -EBADMSG : r;
    }
    *ret = p;
    return 0;
}

struct rollcall_private *rollcall_private_close(struct rollcall_private *p)
{
    if (p) {
        rc_map_close(&p->all);
        rc_map_close(&p->delta);
    }
    free(p);
    return NULL;
}

bool rollcall_private_current(const struct rollcall_private *p, const char *path)
{
    char delta[PATH_LEN];
    struct stat st;
    bool same;

    if (delta_of(path, delta) < 0)
        return false;
    // In the order of opening, and for its reason. One that is older than PATH was not kept, and
    // is on its way out.
    same =
        p->delta.base ? rc_map_current(&p->delta, delta) : lstat(delta, &st) < 0 && errno == ENOENT;
    return same && rc_map_current(&p->all, path);
}

int rollcall_private_generation(const struct rollcall_private *p, uint64_t *ret_generation,
                                uint8_t ret_ledger_id[16])
{
    *ret_generation = p->all.head->generation;
    memcpy(ret_ledger_id, p->all.head->ledger_id, 16);
    return 0;
}

// ---- one file ----

static int person_at(const struct rc_map *m, uint32_t i, struct rollcall_person *ret)
{
    struct rc_person_record r;
    uint16_t check;
    uint64_t at;
    const char *s[RC_PERSON_STRINGS];

    if (i >= m->head->slots)
        return -ENOENT;
    r = ((const struct rc_person_record *)rc_section(m, RC_RECORDS))[i];
    check = r.check;
    r.check = 0;
    if (rc_check16(&r, sizeof(r), i) != check || r.state > ROLLCALL_STATE_PURGED ||
        !rollcall_id_in_compiled_limits(r.uid) || r.len[0] == 0 || r.len[0] > ROLLCALL_NAME_MAX)
        return -EBADMSG;
    at = r.pool;
    for (int k = 0; k < RC_PERSON_STRINGS; k++) {
        s[k] = rc_pool(m, at, r.len[k] + 1u);
        if (!s[k] || memchr(s[k], 0, r.len[k] + 1u) != s[k] + r.len[k])
            return -EBADMSG;
        at += r.len[k] + 1u;
    }
    *ret = (struct rollcall_person){.slot = r.slot,
                                    .uid = r.uid,
                                    .gid = r.uid,
                                    .name = s[0],
                                    .former_name = s[1],
                                    .display_name = s[2],
                                    .employee_number = s[3],
                                    .immutable_id = s[4],
                                    .home = s[5],
                                    .shell = s[6],
                                    .dn = s[7],
                                    .state = r.state,
                                    .reason = r.reason,
                                    .since = r.since,
                                    .not_before = r.not_before,
                                    .not_after = r.not_after,
                                    .hr_time = r.hr_time,
                                    .received = r.received,
                                    .incarnation = r.incarnation,
                                    .authority = r.authority,
                                    .flags = r.flags};
    return 0;
}

static int by_uid(const struct rc_map *m, uid_t uid, struct rollcall_person *ret)
{
    struct rc_probe p;
    uint32_t i;
    int result = -ENOENT;

    if (!m->base)
        return -ENOENT;
    rc_probe_start(m, RC_IDS, rc_hash_uid(m, uid), m->head->slots, &p);
    while ((i = rc_probe_next(&p)) != RC_EMPTY) {
        struct rollcall_person person;
        int r = person_at(m, i, &person);
        if (r == 0 && person.uid == uid) {
            *ret = person;
            return 0;
        }
        if (r == -EBADMSG)
            result = r;
    }
    return result;
}

// Is what the whole file says of this person replaced?
static bool changed(const struct rollcall_private *p, const struct rollcall_person *person)
{
    struct rollcall_person newer;

    // A record of the delta that cannot be read replaces too: what was before is not known
    // to hold.
    return by_uid(&p->delta, person->uid, &newer) != -ENOENT;
}

struct named {
    struct rollcall_person present, former;
    bool has_present, has_former, damaged;
};

static void by_name(const struct rollcall_private *p, const struct rc_map *m, const char *name,
                    struct named *n)
{
    struct rc_probe probe;
    uint32_t i;

    if (!m->base)
        return;
    rc_probe_start(m, RC_NAMES, rc_hash_bytes(m, name, strlen(name)), m->head->slots, &probe);
    while ((i = rc_probe_next(&probe)) != RC_EMPTY) {
        struct rollcall_person person;
        int r = person_at(m, i, &person);
        n->damaged = n->damaged || r == -EBADMSG;
        if (r < 0 || (m == &p->all && changed(p, &person)))
            continue;
        if (!n->has_present && strcmp(person.name, name) == 0) {
            n->present = person;
            n->has_present = true;
        } else if (!n->has_former && strcmp(person.former_name, name) == 0) {
            n->former = person;
            n->has_former = true;
        }
    }
}

// ---- both as one ----

int rollcall_private_by_name(const struct rollcall_private *p, const char *name,
                             struct rollcall_person *ret)
{
    size_t len = strnlen(name, ROLLCALL_NAME_MAX + 1);
    struct named n = {0};

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return -ENOENT;
    by_name(p, &p->delta, name, &n);
    if (!n.has_present)
        by_name(p, &p->all, name, &n);
    // A name that somebody gave up and another has now is the other's.
    if (n.has_present)
        *ret = n.present;
    else if (n.has_former)
        *ret = n.former;
    else
        return n.damaged ? -EBADMSG : -ENOENT;
    return 0;
}

int rollcall_private_by_uid(const struct rollcall_private *p, uid_t uid,
                            struct rollcall_person *ret)
{
    int r = by_uid(&p->delta, uid, ret);

    return r == -ENOENT ? by_uid(&p->all, uid, ret) : r;
}

// Records stand in slot order.
static int by_slot(const struct rc_map *m, uint32_t slot, struct rollcall_person *ret)
{
    const struct rc_person_record *r = m->base ? rc_section(m, RC_RECORDS) : NULL;
    uint32_t lo = 0, n = m->base ? m->head->slots : 0, hi = n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r[mid].slot < slot)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && r[lo].slot == slot ? person_at(m, lo, ret) : -ENOENT;
}

int rollcall_private_by_slot(const struct rollcall_private *p, uint32_t slot,
                             struct rollcall_person *ret)
{
    int r = by_slot(&p->delta, slot, ret);

    return r == -ENOENT ? by_slot(&p->all, slot, ret) : r;
}

int rollcall_private_next(const struct rollcall_private *p, uint32_t *cursor,
                          struct rollcall_person *ret)
{
    uint32_t all = p->all.head->slots, delta = p->delta.base ? p->delta.head->slots : 0;

    while (*cursor < all)
        if (person_at(&p->all, (*cursor)++, ret) == 0 && !changed(p, ret))
            return 0;
    while (*cursor - all < delta)
        if (person_at(&p->delta, (*cursor)++ - all, ret) == 0)
            return 0;
    return -ENOENT;
}

// ---- dates ----

static uint32_t first_after(const struct rc_map *m, int64_t after, uint32_t *ret_n)
{
    const struct rc_date *d = m->base ? rc_section(m, RC_DATES) : NULL;
    uint32_t n = m->base ? (uint32_t)(m->head->section[RC_DATES].len / sizeof(*d)) : 0;
    uint32_t lo = 0, hi = n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (d[mid].at <= after)
            lo = mid + 1;
        else
            hi = mid;
    }
    *ret_n = n;
    return lo;
}

static int64_t next_date(const struct rc_map *m, int64_t after)
{
    uint32_t n, i = first_after(m, after, &n);

    return i < n ? ((const struct rc_date *)rc_section(m, RC_DATES))[i].at : ROLLCALL_TIME_UNSET;
}

int64_t rollcall_private_next_date(const struct rollcall_private *p, int64_t after)
{
    int64_t a = next_date(&p->all, after), b = next_date(&p->delta, after);

    return a == ROLLCALL_TIME_UNSET || (b != ROLLCALL_TIME_UNSET && b < a) ? b : a;
}

int rollcall_private_dated(const struct rollcall_private *p, int64_t after, int64_t until,
                           uint32_t *cursor, struct rollcall_person *ret)
{
    const struct rc_map *maps[] = {&p->all, &p->delta};
    uint32_t passed = 0;

    for (int i = 0; i < 2; i++) {
        uint32_t n, at = first_after(maps[i], after, &n);
        for (; at < n; at++) {
            const struct rc_date *d = (const struct rc_date *)rc_section(maps[i], RC_DATES) + at;
            if (d->at > until)
                break;
            if (passed++ < *cursor)
                continue;
            *cursor = passed;
            if (rollcall_private_by_slot(p, d->slot, ret) == 0)
                return 0;
        }
    }
    return -ENOENT;
}
