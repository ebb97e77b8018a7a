// SPDX-License-Identifier: BSD-2-Clause
// Finding a record in a mapped file: what is not inlined.
#include "lib/cache_find.h"

#include <errno.h>

#define PEOPLE "rollcall-people"

uint64_t rc_hash_bytes_seeded(uint64_t seed, const void *key, size_t len)
{
    struct rc_key k;
    uint64_t h = seed;

    // Names have 32 bytes at most; what is longer is hashed piece by piece.
    for (const char *at = key; len > 0;) {
        size_t n = len < sizeof(k) ? len : sizeof(k);
        rc_key_of(at, n, &k);
        h = rc_key_hash(h, &k, n);
        at += n;
        len -= n;
    }
    return h;
}

uint64_t rc_hash_bytes(const struct rc_map *m, const void *key, size_t len)
{
    return rc_hash_bytes_seeded(m->head->seed, key, len);
}

uint64_t rc_hash_uid(const struct rc_map *m, uint32_t uid)
{
    return rc_id_hash(m->head->id_factor, uid);
}

uint64_t rc_hash_gid(const struct rc_map *m, uint32_t gid)
{
    return rc_id_hash(m->head->gid_factor, gid);
}

uint16_t rc_check16(const void *record, size_t len, uint32_t slot)
{
    const char *at = record;
    uint64_t sum = 0, w;
    size_t i = 0;
#ifdef __SSE2__
    __m128i both = _mm_setzero_si128();

    for (; i + 2 <= len / 8; i += 2)
        both = _mm_add_epi32(
            both, _mm_madd_epi16(_mm_loadu_si128((const __m128i *)(const void *)(at + 8 * i)),
                                 _mm_loadu_si128((const __m128i *)(const void *)(rc_odd + i))));
    both = _mm_add_epi32(both, _mm_unpackhi_epi64(both, both));
    sum = (uint64_t)_mm_cvtsi128_si64(both);
#endif
    for (; i < len / 8; i++) {
        memcpy(&w, at + 8 * i, 8);
        sum = rc_check_add(sum, w, rc_odd[i]);
    }
    return rc_check_end(sum, slot);
}

void rc_probe_start(const struct rc_map *m, enum rc_section s, uint64_t hash, uint32_t limit,
                    struct rc_probe *ret)
{
    rc_probe_first(m, s, hash, limit, ret);
}

uint32_t rc_probe_next(struct rc_probe *p)
{
    return rc_probe_on(p);
}

// ---- accounts ----

bool rc_find_name_further(const struct rc_map *m, const struct rc_key *key, size_t len,
                          uint64_t hash, uint32_t *ret_slot, struct rc_account_record *ret)
{
    struct rc_probe p;
    uint32_t slot;

    rc_probe_first(m, RC_NAMES, hash, m->head->slots, &p);
    while ((slot = rc_probe_on(&p)) != RC_EMPTY)
        if (rc_account_named(m, slot, key, len, ret)) {
            *ret_slot = slot;
            return true;
        }
    return false;
}

bool rc_find_uid_further(const struct rc_map *m, uint32_t uid, uint32_t *ret_slot,
                         struct rc_account_record *ret)
{
    struct rc_probe p;
    uint32_t slot;

    if (!rc_uid_ok(m, uid))
        return false;
    rc_probe_first(m, RC_IDS, rc_hash_uid(m, uid), m->head->slots, &p);
    while ((slot = rc_probe_on(&p)) != RC_EMPTY)
        if (rc_account_numbered(m, slot, uid, ret)) {
            *ret_slot = slot;
            return true;
        }
    return false;
}

bool rc_account_at(const struct rc_map *m, uint32_t slot, struct rc_account_record *ret)
{
    uint32_t nuls;

    return slot < m->head->slots && rc_load_account(m, slot, ret, &nuls) &&
           rc_account_name_ends(ret, nuls) && rc_uid_ok(m, ret->uid) && rc_account_ok(m, ret) &&
           rc_account_mships_ok(m, ret);
}

bool rc_account_by_name(const struct rc_map *m, const char *name, size_t len, uint32_t *ret_slot,
                        struct rc_account_record *ret)
{
    return rc_find_name(m, name, len, rc_fetch_word, ret_slot, ret) && rc_account_mships_ok(m, ret);
}

bool rc_account_by_uid(const struct rc_map *m, uint32_t uid, uint32_t *ret_slot,
                       struct rc_account_record *ret)
{
    return rc_find_uid(m, uid, ret_slot, ret) && rc_account_mships_ok(m, ret);
}

static bool former_at(const struct rc_map *m, uint32_t number, struct rc_former_record *ret)
{
    struct rc_former_record r;
    uint16_t check;

    rc_copy_words(&r, (const struct rc_former_record *)rc_section(m, RC_FORMER) + number,
                  sizeof(r));
    check = r.check;
    r.check = 0;
    if (rc_check16(&r, sizeof(r), number) != check || r.name_len == 0 ||
        r.name_len > sizeof(r.name) || rollcall_name_reserved(r.name, r.name_len))
        return false;
    *ret = r;
    return true;
}

bool rc_account_by_former_name(const struct rc_map *m, const char *name, size_t len,
                               uint32_t *ret_slot, struct rc_account_record *ret)
{
    uint64_t n = m->head->section[RC_FORMER].len / sizeof(struct rc_former_record);
    struct rc_former_record f;
    struct rc_probe p;
    uint32_t number;

    if (n == 0 || len == 0 || len > sizeof(f.name))
        return false;
    rc_probe_first(m, RC_FNAMES, rc_hash_bytes(m, name, len), n > RC_EMPTY ? RC_EMPTY : (uint32_t)n,
                   &p);
    while ((number = rc_probe_on(&p)) != RC_EMPTY) {
        if (!former_at(m, number, &f) || f.name_len != len || memcmp(f.name, name, len) != 0 ||
            !rc_account_at(m, f.slot, ret))
            continue;
        *ret_slot = f.slot;
        return true;
    }
    return false;
}

// ---- groups ----

// rollcall-people is the one reserved name that is ours to serve, and its gid nobody else's.
bool rc_group_name_ok(const struct rc_map *m, const char *name, const struct rc_group_record *g)
{
    size_t len = g->name_len;

    if (name[len] || memchr(name, 0, len))
        return false;
    if (g->gid == m->head->id_min)
        return len == sizeof(PEOPLE) - 1 && memcmp(name, PEOPLE, sizeof(PEOPLE) - 1) == 0;
    return !rollcall_name_reserved(name, len);
}

// Its name and its list: the processor sees a row of lines coming only when it has missed
// some of them.
static inline void fetch_ahead(const char *from, uint64_t len)
{
    for (const char *line = from, *end = from + (len < 4096 ? len : 4096); line < end; line += 64)
        __builtin_prefetch(line);
}

static inline bool group_at(const struct rc_map *m, uint32_t number, struct rc_group_record *ret,
                            const char **ret_name)
{
    struct rc_group_record r;
    uint16_t check;
    uint64_t len;
    const char *name;

    if (number >= m->head->groups)
        return false;
    rc_copy_words(&r, (const struct rc_group_record *)rc_section(m, RC_GROUPS) + number, sizeof(r));
    check = r.check;
    r.check = 0;
    if (r.name_len == 0 || r.name_len > ROLLCALL_NAME_MAX ||
        rc_check16(&r, sizeof(r), number) != check || !rc_id_ok(m, r.gid))
        return false;
    len = r.name_len + 1u + (uint64_t)r.n_members + r.members_len;
    name = rc_pool(m, r.pool, len);
    if (!name)
        return false;
    fetch_ahead(name, len);
    if (!rc_group_name_ok(m, name, &r))
        return false;
    *ret = r;
    *ret_name = name;
    return true;
}

bool rc_group_at(const struct rc_map *m, uint32_t number, struct rc_group_record *ret)
{
    const char *name;

    return group_at(m, number, ret, &name);
}

bool rc_group_by_name(const struct rc_map *m, const char *name, size_t len,
                      struct rc_group_record *ret)
{
    struct rc_probe p;
    const char *its;
    uint32_t number;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return false;
    rc_probe_first(m, RC_GNAMES, rc_hash_bytes(m, name, len), m->head->groups, &p);
    while ((number = rc_probe_on(&p)) != RC_EMPTY)
        if (group_at(m, number, ret, &its) && ret->name_len == len && memcmp(its, name, len) == 0)
            return true;
    return false;
}

bool rc_group_by_gid(const struct rc_map *m, uint32_t gid, struct rc_group_record *ret)
{
    uint64_t hash = rc_id_hash(m->head->gid_factor, gid);
    struct rc_home home = rc_home_of(hash, m->n_gids);
    const struct rc_bucket *b = m->gids + home.bucket;
    struct rc_probe p;
    const char *its;
    uint32_t number;

    if (gid < m->head->id_min || gid > m->head->id_max)
        return false;
    if (rc_match(b, home.place, gid, &number)) {
        if (RC_MOSTLY(group_at(m, number, ret, &its)) && RC_MOSTLY(ret->gid == gid))
            return true;
    } else if (RC_MOSTLY(rc_has_hole(b))) {
        return false;
    }
    rc_probe_first(m, RC_GIDS, hash, m->head->groups, &p);
    while ((number = rc_probe_on(&p)) != RC_EMPTY)
        if (group_at(m, number, ret, &its) && ret->gid == gid)
            return true;
    return false;
}

// ---- words of the board ----

uint64_t rc_board_word_pack(const uint8_t ledger_id[16], uint32_t slot, uint32_t uid,
                            unsigned state, unsigned authority, unsigned flags)
{
    uint64_t w =
        (uint64_t)uid << 32 | (flags & 0xffu) << 8 | (authority & 15u) << 4 | (state & 15u);

    return w | rc_word_check(rc_ledger_seed(ledger_id), slot, w) << 16;
}

int rc_board_word_unpack(const struct rc_board_map *b, uint32_t slot, uint32_t uid, uint64_t w,
                         enum rollcall_state *ret_state, uint8_t *ret_flags, uint8_t *ret_authority)
{
    if (!rc_word_ok(rc_ledger_seed(b->head->ledger_id), slot, uid, w))
        return -EBADMSG;
    *ret_state = (enum rollcall_state)(w & 15);
    *ret_authority = (uint8_t)(w >> 4 & 15);
    *ret_flags = (uint8_t)(w >> 8 & 255);
    return 0;
}
