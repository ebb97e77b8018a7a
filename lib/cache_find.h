// SPDX-License-Identifier: BSD-2-Clause
// The ways into a mapped file that every lookup of every process takes, to be inlined: the
// index, the record's own check, and the limits that hold whatever a file says. Every byte
// of a record is read once, into a copy that is checked and then used: who can write the
// file cannot change it in between. For lib/cache_find.c and nss_module/ alone; the
// contracts are in rollcall/cache_map.h.
#ifndef ROLLCALL_LIB_CACHE_FIND_H
#define ROLLCALL_LIB_CACHE_FIND_H

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "rollcall/account.h"
#include "rollcall/cache.h"
#include "rollcall/cache_map.h"

#define RC_ACCOUNT_WORDS (sizeof(struct rc_account_record) / 8)

// Which way a lookup goes on, as a rule: that way is laid out without a jump.
#define RC_MOSTLY(x) __builtin_expect(!!(x), 1)
#define RC_RARELY(x) __builtin_expect(!!(x), 0)

_Static_assert(sizeof(struct rc_person_record) <= 8 * RC_CHECK_WORDS, "the check covers all");

// Bits at random, odd.
static const uint64_t rc_odd[RC_CHECK_WORDS + 2] = {
    0x8d2b9c6e51f4a037u, 0xc3a5c85c97cb3127u, 0xb492b66fbe98f273u, 0x9ae16a3b2f90404fu,
    0xe7037ed1a0b428dbu, 0xa0761d6478bd642fu, 0x589965cc75374cc3u, 0x1d8e4e27c47d124fu,
    0xeb44accab455d165u, 0x6c8e9cf570932bd5u, 0x2d358dccaa6c78a5u, 0x9e3779b97f4a7c15u,
};
// The same for an account, where the check itself counts for nothing.
static const _Alignas(16) uint64_t rc_account_odd[RC_ACCOUNT_WORDS] = {
    0x8d2b9c6e51f4a037u, 0xc3a5c85c97cb3127u, 0xb492b66fbe98f273u,
    0x9ae16a3b2f90404fu, 0xe7037ed1a0b428dbu, 0xa0761d6478bd642fu,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    0x5899000075374cc3u,
#else
    0x589965cc00004cc3u,
#endif
    0x1d8e4e27c47d124fu,
};
_Static_assert(offsetof(struct rc_account_record, check) == 6 * 8 + 4, "its place above");

// One multiplication, by a factor that the writer found to deal the file's ids out: any fixed
// one puts ids at the steps of its fraction (of the golden ratio: 1597, 2584) into a few
// buckets. The tag is the id itself.
static inline uint64_t rc_id_hash(uint64_t factor, uint32_t id)
{
    return (id * factor & ~(uint64_t)UINT32_MAX) | id;
}

// ---- checks ----

// What a word adds to a record's check: its four numbers of 16 bits with sign, each times
// a constant of its own, summed by halves. One that changes always moves its half: it does
// so by at most 65535 times 32768. In this form two words are one instruction.
static inline uint32_t rc_check_half(uint32_t w, uint32_t by)
{
    return (uint32_t)((int16_t)w * (int16_t)by) +
           (uint32_t)((int16_t)(w >> 16) * (int16_t)(by >> 16));
}

// Sums of the low and of the high halves, side by side.
static inline uint64_t rc_check_add(uint64_t sum, uint64_t w, uint64_t by)
{
    uint32_t low = rc_check_half((uint32_t)w, (uint32_t)by);
    uint32_t high = rc_check_half((uint32_t)(w >> 32), (uint32_t)(by >> 32));

    return (uint64_t)((uint32_t)(sum >> 32) + high) << 32 | ((uint32_t)sum + low);
}

// One more than the number: zeros are not their own check at the first place.
static inline uint16_t rc_check_end(uint64_t sum, uint32_t slot)
{
    return (uint16_t)(((sum ^ (slot + 1ull) * rc_odd[10]) * rc_odd[11]) >> 48);
}

// Each word is loaded once: the compiler must not go back to the file for one it has.
static inline void rc_copy_words(void *to, const void *from, size_t len)
{
    for (size_t i = 0; i < len / 8; i++) {
        uint64_t w = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
        memcpy((char *)to + 8 * i, &w, 8);
    }
}

// ---- index ----

// Where a key is at home: a bucket of `n`, and one of its places but for the last. A key
// stands there unless another came first; then it stands elsewhere in the bucket, and in a later
// one where the bucket is full.
struct rc_home {
    uint32_t bucket, place;
};

static inline struct rc_home rc_home_of(uint64_t hash, uint32_t n)
{
    uint64_t at = (hash >> 32) * n;

    return (struct rc_home){(uint32_t)(at >> 32),
                            (uint32_t)(((at & UINT32_MAX) * (RC_BUCKET_SLOTS - 1)) >> 32)};
}

// The places of a bucket whose tag fits, a bit each; eight bits higher, the empty ones.
static inline unsigned rc_look(const struct rc_bucket *b, uint32_t tag)
{
#ifdef __SSE2__
    const __m128i *v = (const void *)b;
    __m128i t = _mm_set1_epi32((int)tag), none = _mm_set1_epi32(-1);
    __m128i tags = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_loadu_si128(v), t),
                                   _mm_cmpeq_epi32(_mm_loadu_si128(v + 1), t));
    __m128i refs = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_loadu_si128(v + 2), none),
                                   _mm_cmpeq_epi32(_mm_loadu_si128(v + 3), none));
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(tags, refs));
#else
    unsigned bits = 0;

    for (unsigned i = 0; i < RC_BUCKET_SLOTS; i++)
        bits |= (unsigned)(b->tag[i] == tag) << i | (unsigned)(b->ref[i] == RC_EMPTY) << (8 + i);
    return bits;
#endif
}

static inline void rc_probe_bucket(struct rc_probe *p)
{
    p->bits = rc_look(&p->buckets[p->at], p->tag);
    p->left--;
}

static inline void rc_probe_first(const struct rc_map *m, enum rc_section s, uint64_t hash,
                                  uint32_t limit, struct rc_probe *ret)
{
    uint32_t n = (uint32_t)(m->head->section[s].len / sizeof(struct rc_bucket));

    *ret = (struct rc_probe){.buckets = rc_section(m, s),
                             .n = n,
                             .at = rc_home_of(hash, n).bucket,
                             .tag = (uint32_t)hash,
                             .limit = limit,
                             .left = RC_PROBES};
    if (n > 0)
        rc_probe_bucket(ret);
    else
        ret->left = 0;
}

static inline uint32_t rc_probe_on(struct rc_probe *p)
{
    for (;;) {
        while (p->bits & 0xff) {
            unsigned i = (unsigned)__builtin_ctz(p->bits);
            // Once: what is compared with the limit is what is returned.
            uint32_t ref = __atomic_load_n(&p->buckets[p->at].ref[i], __ATOMIC_RELAXED);
            p->bits &= p->bits - 1;
            if (ref < p->limit)
                return ref;
        }
        // Whoever is at home in a bucket is in a later one only if it is full.
        if (p->bits || p->left == 0)
            return RC_EMPTY;
        p->at = p->at + 1 == p->n ? 0 : p->at + 1;
        rc_probe_bucket(p);
    }
}

// The record number beside the tag, where one fits, in the key's own bucket, where nearly every
// search ends. Most stand at home: there the processor goes on to the record before it
// has compared. Else it comes by way of the comparison's own mask: to count out the place and
// load from there takes longer. Where two fit it is a mixture, and no worse than any other wrong
// number: who finds nobody there looks again, the long way.
static inline bool rc_match(const struct rc_bucket *b, uint32_t place, uint32_t tag,
                            uint32_t *ret_ref)
{
#ifdef __SSE2__
    const __m128i *v = (const void *)b;
    __m128i t, low, high, ref;
#endif

    if (RC_MOSTLY(__atomic_load_n(&b->tag[place], __ATOMIC_RELAXED) == tag)) {
        *ret_ref = __atomic_load_n(&b->ref[place], __ATOMIC_RELAXED);
        return true;
    }
#ifdef __SSE2__
    t = _mm_set1_epi32((int)tag);
    low = _mm_cmpeq_epi32(_mm_loadu_si128(v), t);
    high = _mm_cmpeq_epi32(_mm_loadu_si128(v + 1), t);
    if (!_mm_movemask_epi8(_mm_or_si128(low, high)))
        return false;
    ref = _mm_or_si128(_mm_and_si128(_mm_loadu_si128(v + 2), low),
                       _mm_and_si128(_mm_loadu_si128(v + 3), high));
    ref = _mm_or_si128(ref, _mm_unpackhi_epi64(ref, ref));
    ref = _mm_or_si128(ref, _mm_shuffle_epi32(ref, 1));
    *ret_ref = (uint32_t)_mm_cvtsi128_si32(ref);
    __asm__("" : "+r"(*ret_ref)); // once: what is compared with the limit is what is used
    return true;
#else
    unsigned bits = rc_look(b, tag) & 0xff;

    if (!bits)
        return false;
    *ret_ref = __atomic_load_n(&b->ref[__builtin_ctz(bits)], __ATOMIC_RELAXED);
    return true;
#endif
}

// The last place of a bucket is filled last: while it is empty, the buckets behind have
// nothing of this one.
static inline bool rc_has_hole(const struct rc_bucket *b)
{
    return __atomic_load_n(&b->ref[RC_BUCKET_SLOTS - 1], __ATOMIC_RELAXED) == RC_EMPTY;
}

// ---- names ----

// A name as four words, zeros behind it, with no byte read that is not the name's.
struct rc_key {
    uint64_t w[4];
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline uint64_t rc_bytes8(const char *p)
{
    uint64_t w;

    memcpy(&w, p, 8);
    return w;
}

static inline uint64_t rc_bytes_few(const char *p, size_t n) // 1 to 7
{
    uint32_t first, last;

    if (n < 4)
        return (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 * (n / 2) |
               (uint64_t)(unsigned char)p[n - 1] << 8 * (n - 1);
    memcpy(&first, p, 4);
    memcpy(&last, p + n - 4, 4);
    return first | (uint64_t)last << 8 * (n - 4);
}

// 1 to 32 bytes.
static inline void rc_key_of(const char *name, size_t len, struct rc_key *ret)
{
    size_t full = len & ~(size_t)7, few = len & 7;
    uint64_t last;

    if (len < 8) {
        *ret = (struct rc_key){{rc_bytes_few(name, len)}};
        return;
    }
    last = few ? rc_bytes8(name + len - 8) >> (64 - 8 * few) % 64 : 0;
    if (len < 16) {
        *ret = (struct rc_key){{rc_bytes8(name), last}};
        return;
    }
    *ret = (struct rc_key){{rc_bytes8(name), rc_bytes8(name + 8)}};
    if (len >= 24)
        ret->w[2] = rc_bytes8(name + 16);
    if (few)
        ret->w[full / 8] = last;
    else if (len == 32)
        ret->w[3] = rc_bytes8(name + 24);
}

// 32 bytes, of which the first `len` are ones and the others zero.
static inline const char *rc_mask(size_t len)
{
    static const uint64_t ones[8] = {~0ull, ~0ull, ~0ull, ~0ull, 0, 0, 0, 0};

    return (const char *)ones + 32 - len;
}

// Whether a text begins with the key's `len` bytes and a NUL.
static inline bool rc_text_is(const char text[RC_ACCOUNT_TEXT], const struct rc_key *k, size_t len)
{
    const char *mask = rc_mask(len);
    uint64_t differ = ((rc_bytes8(text) & rc_bytes8(mask)) ^ k->w[0]) |
                      ((rc_bytes8(text + 8) & rc_bytes8(mask + 8)) ^ k->w[1]);

    if (len > 16)
        differ |= ((rc_bytes8(text + 16) & rc_bytes8(mask + 16)) ^ k->w[2]) |
                  ((rc_bytes8(text + 24) & rc_bytes8(mask + 24)) ^ k->w[3]);
    return (differ | (unsigned char)text[len]) == 0;
}
#else
static inline void rc_key_of(const char *name, size_t len, struct rc_key *ret)
{
    *ret = (struct rc_key){{0}};
    memcpy(ret->w, name, len);
}

static inline bool rc_text_is(const char text[RC_ACCOUNT_TEXT], const struct rc_key *k, size_t len)
{
    return memcmp(text, k->w, len) == 0 && !text[len];
}
#endif

// High and low half of the whole product.
static inline uint64_t rc_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    unsigned __int128 p = (unsigned __int128)a * b;

    return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
    uint64_t low = (a & 0xffffffffu) * (b & 0xffffffffu), high = (a >> 32) * (b >> 32);
    uint64_t x = (a >> 32) * (b & 0xffffffffu) + (low >> 32);
    uint64_t y = (a & 0xffffffffu) * (b >> 32) + (x & 0xffffffffu);

    return ((y << 32) | (low & 0xffffffffu)) ^ (high + (x >> 32) + (y >> 32));
#endif
}

// Of a name, in the words that it is compared by. The seed is in both factors: who chooses
// names without knowing it cannot choose where they go.
static inline uint64_t rc_key_hash(uint64_t seed, const struct rc_key *k, size_t len)
{
    uint64_t h = rc_fold(k->w[0] ^ seed, k->w[1] ^ (seed << 32 | seed >> 32) ^ rc_odd[2]);

    if (len > 16)
        h = rc_fold(h ^ k->w[2] ^ rc_odd[3], k->w[3] ^ seed ^ rc_odd[4]);
    return h;
}

// ---- accounts ----

static inline bool rc_id_ok(const struct rc_map *m, uint32_t id)
{
    return id >= m->head->id_min && id <= m->head->id_max &&
           (m->plain_ids || rollcall_id_in_compiled_limits(id));
}

// What may be an account's: id_min is the gid of rollcall-people.
static inline bool rc_uid_ok(const struct rc_map *m, uint32_t uid)
{
    return uid - m->head->id_min - 1 < m->head->id_max - m->head->id_min &&
           (m->plain_ids || rollcall_id_in_compiled_limits(uid));
}

// Copies a record out and sums it; *ret_nuls has a bit for each NUL among the first 32
// bytes of its text. Each byte is loaded once: what is summed is what stands in the copy.
static inline uint64_t rc_copy_account(const void *from, struct rc_account_record *ret,
                                       uint32_t *ret_nuls)
{
#ifdef __SSE2__
    const __m128i *odd = (const void *)rc_account_odd;
    __m128i sum = _mm_setzero_si128();

    __asm__("" : "+r"(odd)); // multiplied from memory: four registers less

    *ret_nuls = 0;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m128i w = _mm_loadu_si128((const __m128i *)from + i);
        __asm__("" : "+x"(w)); // no going back to the file for it
        _mm_storeu_si128((__m128i *)(void *)ret + i, w);
        if (i < 2)
            *ret_nuls |= (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(w, _mm_setzero_si128()))
                         << 16 * i;
        sum = _mm_add_epi32(sum, _mm_madd_epi16(w, _mm_load_si128(odd + i)));
    }
    // From here on in memory: gcc would get each member out of a vector by way of memory.
    __asm__("" : "+m"(*ret));
    sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
    return (uint64_t)_mm_cvtsi128_si64(sum);
#else
    uint64_t w, sum = 0;

    for (unsigned i = 0; i < RC_ACCOUNT_WORDS; i++) {
        w = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
        memcpy((char *)ret + 8 * i, &w, 8);
        sum = rc_check_add(sum, w, rc_account_odd[i]);
    }
    *ret_nuls = 0;
    for (unsigned i = 0; i < 32; i++)
        *ret_nuls |= (uint32_t)!ret->text[i] << i;
    return sum;
#endif
}

// The slot is below the file's.
static inline bool rc_load_account(const struct rc_map *m, uint32_t slot,
                                   struct rc_account_record *ret, uint32_t *ret_nuls)
{
    const struct rc_account_record *at = m->records;

    return rc_check_end(rc_copy_account(at + slot, ret, ret_nuls), slot) == ret->check;
}

// A name of `len` bytes, 1 to 32, is a string of that length: `nuls` has a bit for each NUL
// among its first 32 bytes.
static inline bool rc_account_name_ends(const struct rc_account_record *r, uint32_t nuls)
{
    unsigned len = r->name_len;

    if (RC_MOSTLY(nuls))
        return (unsigned)__builtin_ctz(nuls) == len && len > 0;
    return len == 32 && !r->text[32];
}

// The limits hold whatever the file says; so do reserved names.
static inline bool rc_account_ok(const struct rc_map *m, const struct rc_account_record *r)
{
    if (RC_RARELY(r->gid != r->uid) && !rc_id_ok(m, r->gid))
        return false;
    return RC_MOSTLY(!rollcall_name_maybe_reserved(r->text, r->name_len)) ||
           !rollcall_name_reserved(r->text, r->name_len);
}

// For who goes on to the memberships.
static inline bool rc_account_mships_ok(const struct rc_map *m, const struct rc_account_record *r)
{
    return (uint64_t)r->mship + r->n_groups + r->n_local <= m->head->section[RC_MSHIPS].len / 4;
}

// What stands beside the record, so to speak, and is fetched together with it; never followed.
// The board's word. Where there is no board the address is nobody's, and fetching it does nothing.
static inline void rc_fetch_word(const struct rc_map *m, uint32_t slot)
{
    __builtin_prefetch((const void *)((uintptr_t)m->words + (size_t)slot * 8));
}

// The memberships, where the writer puts a run that is not long, whatever the record says.
static inline void rc_fetch_run(const struct rc_map *m, uint32_t slot)
{
    __builtin_prefetch((const void *)((uintptr_t)rc_section(m, RC_MSHIPS) +
                                      (uintptr_t)slot * RC_MSHIP_RUN * sizeof(uint32_t)));
}

// Where the short way has no answer: every limit and every bucket.
bool rc_find_name_further(const struct rc_map *m, const struct rc_key *key, size_t len,
                          uint64_t hash, uint32_t *ret_slot, struct rc_account_record *ret);
bool rc_find_uid_further(const struct rc_map *m, uint32_t uid, uint32_t *ret_slot,
                         struct rc_account_record *ret);

static inline bool rc_account_named(const struct rc_map *m, uint32_t slot, const struct rc_key *key,
                                    size_t len, struct rc_account_record *ret)
{
    uint32_t nuls;

    return RC_MOSTLY(rc_load_account(m, slot, ret, &nuls)) && RC_MOSTLY(ret->name_len == len) &&
           RC_MOSTLY(rc_text_is(ret->text, key, len)) && RC_MOSTLY(rc_uid_ok(m, ret->uid)) &&
           RC_MOSTLY(rc_account_ok(m, ret));
}

// The uid was looked at.
static inline bool rc_account_numbered(const struct rc_map *m, uint32_t slot, uint32_t uid,
                                       struct rc_account_record *ret)
{
    uint32_t nuls;

    rc_fetch_word(m, slot);
    return RC_MOSTLY(rc_load_account(m, slot, ret, &nuls)) && RC_MOSTLY(ret->uid == uid) &&
           RC_MOSTLY(rc_account_name_ends(ret, nuls)) && RC_MOSTLY(rc_account_ok(m, ret));
}

// `fetch` has the processor fetch what is looked at besides the record, before that has come.
static inline __attribute__((always_inline)) bool
rc_find_name(const struct rc_map *m, const char *name, size_t len,
             void (*fetch)(const struct rc_map *m, uint32_t slot), uint32_t *ret_slot,
             struct rc_account_record *ret)
{
    const struct rc_bucket *b;
    struct rc_home home;
    struct rc_key key;
    uint64_t hash;
    uint32_t slot;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return false;
    rc_key_of(name, len, &key);
    hash = rc_key_hash(m->head->seed, &key, len);
    home = rc_home_of(hash, m->n_names);
    b = m->names + home.bucket;
    if (rc_match(b, home.place, (uint32_t)hash, &slot)) {
        fetch(m, slot);
        if (RC_MOSTLY(slot < m->head->slots) &&
            RC_MOSTLY(rc_account_named(m, slot, &key, len, ret))) {
            *ret_slot = slot;
            return true;
        }
    } else if (RC_MOSTLY(rc_has_hole(b))) {
        return false;
    }
    return rc_find_name_further(m, &key, len, hash, ret_slot, ret);
}

static inline bool rc_find_uid(const struct rc_map *m, uint32_t uid, uint32_t *ret_slot,
                               struct rc_account_record *ret)
{
    struct rc_home home = rc_home_of(rc_id_hash(m->head->id_factor, uid), m->n_ids);
    const struct rc_bucket *b = m->ids + home.bucket;

    if (RC_RARELY(uid - m->first_uid >= m->n_uids)) {
        if (m->plain_ids)
            return false;
    } else if (rc_match(b, home.place, uid, ret_slot)) {
        if (RC_MOSTLY(*ret_slot < m->head->slots) &&
            RC_MOSTLY(rc_account_numbered(m, *ret_slot, uid, ret)))
            return true;
    } else if (RC_MOSTLY(rc_has_hole(b))) {
        return false;
    }
    return rc_find_uid_further(m, uid, ret_slot, ret);
}

// ---- words of the board ----

static inline uint64_t rc_ledger_seed(const uint8_t ledger_id[16])
{
    uint64_t seed;

    memcpy(&seed, ledger_id, sizeof(seed));
    return seed;
}

// Every bit of the word, the slot and the ledger moves the check.
static inline uint64_t rc_word_check(uint64_t seed, uint32_t slot, uint64_t word)
{
    uint64_t h = (word ^ seed) * rc_odd[0] + slot * rc_odd[1];
    return ((h ^ h >> 32) * rc_odd[2]) >> 48;
}

// The seed is the ledger's.
static inline bool rc_word_ok(uint64_t seed, uint32_t slot, uint32_t uid, uint64_t w)
{
    return RC_MOSTLY(w >> 32 == uid) && RC_MOSTLY((w & 15) - 1 < ROLLCALL_STATE_PURGED) &&
           RC_MOSTLY(rc_word_check(seed, slot, w & ~0xffff0000ull) == (w >> 16 & 0xffff));
}

#endif
