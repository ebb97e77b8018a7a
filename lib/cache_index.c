// SPDX-License-Identifier: BSD-2-Clause
// Writing an index: buckets that a reader finds every key in, within RC_PROBES of them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cache_build.h"
#include "lib/cache_find.h"
#include "rollcall/cleanup.h"

#define AHEAD   16 // keys whose buckets are fetched while earlier ones are placed
#define SIZES   6
#define KEYS    4 // in a bucket, on an average
#define FACTORS 8 // tried for each size
#define GOLDEN  0x9e3779b97f4a7c15u

struct key {
    uint64_t hash;
    uint32_t ref;
};

// What an index is made of.
struct keys {
    bool (*next)(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref);
    void *ctx;
    uint64_t number, range;
};

// The buckets of one attempt, and the keys that came to a home that was taken.
struct index {
    struct rc_bucket *buckets;
    uint32_t n;
    struct key *late;
    uint64_t n_late, late_room;
};

static bool take(struct rc_bucket *b, uint32_t place, const struct key *key)
{
    if (b->ref[place] != RC_EMPTY)
        return false;
    b->tag[place] = (uint32_t)key->hash;
    b->ref[place] = key->ref;
    return true;
}

// At home if that is free, or it waits until everybody has come who finds a free one.
static int place(struct index *x, const struct key *key)
{
    struct rc_home home = rc_home_of(key->hash, x->n);

    if (take(&x->buckets[home.bucket], home.place, key))
        return 0;
    if (x->n_late == x->late_room) {
        uint64_t room = x->late_room ? x->late_room * 2 : 64;
        struct key *p = reallocarray(x->late, room, sizeof(*p));
        if (!p)
            return -ENOMEM;
        x->late = p;
        x->late_room = room;
    }
    x->late[x->n_late++] = *key;
    return 0;
}

// Returns how many buckets further than its own the key went; -EAGAIN: too far.
static int place_late(const struct index *x, const struct key *key)
{
    uint32_t at = rc_home_of(key->hash, x->n).bucket;

    for (int probe = 0; probe < RC_PROBES; probe++, at = at + 1 == x->n ? 0 : at + 1)
        for (uint32_t k = 0; k < RC_BUCKET_SLOTS; k++)
            if (take(&x->buckets[at], k, key))
                return probe;
    return -EAGAIN;
}

static void clear(struct index *x)
{
    x->n_late = 0;
    memset(x->buckets, 0, sizeof(*x->buckets) * x->n);
    for (uint32_t i = 0; i < x->n; i++)
        memset(x->buckets[i].ref, 0xff, sizeof(x->buckets[i].ref)); // RC_EMPTY
}

// One attempt. *ret_away: how many keys stand in another bucket than their own. -EAGAIN
// where a chain got too long.
static int fill(struct index *x, const struct keys *keys, uint64_t *ret_away)
{
    struct key ahead[AHEAD];
    uint64_t in = 0, out = 0, away = 0;
    int r = 0;

    clear(x);
    for (uint64_t i = 0; i < keys->range && r == 0; i++) {
        struct key *k = &ahead[in % AHEAD];
        if (!keys->next(keys->ctx, i, &k->hash, &k->ref))
            continue;
        __builtin_prefetch(&x->buckets[rc_home_of(k->hash, x->n).bucket], 1);
        in++;
        if (in - out == AHEAD)
            r = place(x, &ahead[out++ % AHEAD]);
    }
    while (out < in && r == 0)
        r = place(x, &ahead[out++ % AHEAD]);
    for (uint64_t i = 0; i < x->n_late && r >= 0; i++) {
        r = place_late(x, &x->late[i]);
        away += r > 0;
    }
    if (r < 0)
        return r;
    *ret_away = away;
    return 0;
}

static int build(struct rc_build *b, enum rc_section s, const struct keys *keys,
                 int (*attempt)(struct index *x, const struct keys *keys))
{
    uint64_t n = keys->number / KEYS + 1;

    for (int size = 0; size < SIZES; size++, n += n / 2 + 1) {
        _cleanup_free_ struct rc_bucket *mem = NULL;
        struct index x;
        int r;
        if (n > UINT32_MAX)
            return -EOVERFLOW;
        mem = malloc(sizeof(*mem) * n);
        if (!mem)
            return -ENOMEM;
        x = (struct index){.buckets = mem, .n = (uint32_t)n};
        r = attempt(&x, keys);
        free(x.late);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        rc_build_section(b, s, mem, sizeof(*mem) * n);
        return 0;
    }
    return -EEXIST;
}

static int attempt_once(struct index *x, const struct keys *keys)
{
    uint64_t away;

    return fill(x, keys, &away);
}

int rc_build_index(struct rc_build *b, enum rc_section s, uint64_t keys, uint64_t range,
                   bool (*key)(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref),
                   void *ctx)
{
    struct keys all = {.next = key, .ctx = ctx, .number = keys, .range = range};

    return build(b, s, &all, attempt_once);
}

// ---- ids ----

struct ids {
    bool (*id)(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref);
    void *ctx;
    uint64_t seed, factor;
};

static bool next_id(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref)
{
    const struct ids *ids = ctx;
    uint32_t id;

    if (!ids->id(ids->ctx, i, &id, ret_ref))
        return false;
    *ret_hash = rc_id_hash(ids->factor, id);
    return true;
}

// The golden ratio's first: it deals out ids that follow each other as evenly as can be. The
// others are at random, which nobody who gives ids knows.
static uint64_t factor(uint64_t seed, unsigned nth)
{
    uint64_t h = (seed + nth) * rc_odd[3];

    return nth == 0 ? GOLDEN : ((h ^ h >> 31) * rc_odd[4]) | 1;
}

// With each factor in turn. Good enough is one that leaves an eighth of the ids or less
// outside their own bucket (ids at random: a twentieth); else the best of all.
static int attempt_factors(struct index *x, const struct keys *keys)
{
    struct ids *ids = keys->ctx;
    uint64_t away, least = UINT64_MAX, best = 0;
    int r;

    for (unsigned nth = 0; nth < FACTORS; nth++) {
        ids->factor = factor(ids->seed, nth);
        r = fill(x, keys, &away);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        if (away <= keys->number / 8)
            return 0;
        if (away < least) {
            least = away;
            best = ids->factor;
        }
    }
    if (least == UINT64_MAX)
        return -EAGAIN;
    ids->factor = best;
    return fill(x, keys, &away);
}

int rc_build_id_index(struct rc_build *b, enum rc_section s, uint64_t keys, uint64_t range,
                      bool (*id)(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref),
                      void *ctx)
{
    struct rc_header *h = rc_build_head(b);
    struct ids ids = {.id = id, .ctx = ctx, .seed = h->seed};
    struct keys all = {.next = next_id, .ctx = &ids, .number = keys, .range = range};
    int r = build(b, s, &all, attempt_factors);

    if (r == 0)
        *(s == RC_GIDS ? &h->gid_factor : &h->id_factor) = ids.factor;
    return r;
}

bool rc_build_found(const struct rc_map *m, enum rc_section s, uint64_t hash, uint32_t wanted)
{
    struct rc_probe p;
    uint32_t found;

    rc_probe_start(m, s, hash, m->head->slots, &p);
    while ((found = rc_probe_next(&p)) != RC_EMPTY && found != wanted)
        ;
    return found == wanted;
}
