// SPDX-License-Identifier: BSD-2-Clause
// What the last listing had.
#define XXH_INLINE_ALL
#include "syncd/sources/listed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

enum {
    ODD = 1,  // a problem, or stands twice: said with every listing
    DEAD = 2, // in the listing no more
};

struct entry {
    struct listed_hash hash; // of its content
    const char *id;
    uint32_t seen; // the pass that met it last
    uint8_t flags;
};

// Records, found by their id and their content: open addressing, places of `entry` plus one.
struct set {
    struct entry *entry;
    size_t n, room;
    uint32_t *by_hash, *by_id;
    size_t slots, used; // used: of by_hash, also by what is stale there
};

// Memory for ids, in blocks that never move.
struct block {
    struct block *next;
    size_t used;
    char bytes[65536 - 2 * sizeof(void *)];
};

struct listed {
    // Nobody who can write a record may choose two of one hash: the key is random.
    uint8_t secret[XXH3_SECRET_DEFAULT_SIZE];
    XXH3_state_t *content; // of the record in work
    struct set base;       // the last listing
    struct set fresh;      // of this pass: what is not as it was
    struct block *ids;
    size_t n_ids, kept_ids; // bytes of ids; as it was before this pass
    uint32_t pass;
    bool with_hashes, known, again, failed;
};

struct listed *listed_new(bool by_hash)
{
    struct listed *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->content = XXH3_createState();
    if (!l->content || getrandom(l->secret, sizeof(l->secret), 0) != (ssize_t)sizeof(l->secret)) {
        listed_free(l);
        return NULL;
    }
    l->with_hashes = by_hash;
    return l;
}

static void set_free(struct set *s)
{
    free(s->entry);
    free(s->by_hash);
    free(s->by_id);
    *s = (struct set){0};
}

static void ids_free(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void listed_forget(struct listed *l)
{
    set_free(&l->base);
    set_free(&l->fresh);
    ids_free(l->ids);
    l->ids = NULL;
    l->n_ids = l->kept_ids = 0;
    l->known = false;
}

void listed_free(struct listed *l)
{
    if (!l)
        return;
    listed_forget(l);
    XXH3_freeState(l->content);
    free(l);
}

bool listed_known(const struct listed *l)
{
    return l->known;
}

static const char *keep_id(struct listed *l, const char *id)
{
    size_t n = strlen(id) + 1;
    struct block *b = l->ids;
    char *at;

    if (n > sizeof(b->bytes))
        return NULL;
    if (!b || sizeof(b->bytes) - b->used < n) {
        b = malloc(sizeof(*b));
        if (!b)
            return NULL;
        b->next = l->ids;
        b->used = 0;
        l->ids = b;
    }
    at = b->bytes + b->used;
    memcpy(at, id, n);
    b->used += n;
    l->n_ids += n;
    return at;
}

// A pass that was not kept leaves no ids behind, however often it fails.
static void drop_new_ids(struct listed *l)
{
    while (l->n_ids > l->kept_ids) {
        struct block *b = l->ids;
        size_t n = l->n_ids - l->kept_ids < b->used ? l->n_ids - l->kept_ids : b->used;
        b->used -= n;
        l->n_ids -= n;
        if (b->used > 0)
            continue;
        l->ids = b->next;
        free(b);
    }
}

// Whoever came and went leaves none either: once half of them are nobody's, the rest move.
static bool repack_ids(struct listed *l)
{
    struct block *old = l->ids;
    size_t living = 0;
    bool ok = true;

    for (size_t i = 0; i < l->base.n; i++)
        living += l->base.entry[i].flags & DEAD ? 0 : strlen(l->base.entry[i].id) + 1;
    if (l->n_ids < 2 * living + sizeof(old->bytes))
        return true;
    l->ids = NULL;
    l->n_ids = 0;
    for (size_t i = 0; i < l->base.n && ok; i++) {
        l->base.entry[i].id = keep_id(l, l->base.entry[i].id);
        ok = l->base.entry[i].id != NULL;
    }
    ids_free(old);
    return ok;
}

// ---- the two tables of a set ----

static bool same(struct listed_hash a, struct listed_hash b)
{
    return a.low == b.low && a.high == b.high;
}

static uint64_t id_hash(const struct listed *l, const char *id)
{
    return XXH3_64bits_withSecret(id, strlen(id), l->secret, sizeof(l->secret));
}

// A slot has the place, counted from 1, and above it bits of the hash: an entry that is another's
// is not looked at, for it is far away.
#define PLACE_BITS 22
static_assert(LISTED_MAX < (1u << PLACE_BITS) - 1, "places fit into a slot");

static uint32_t mark_of(uint64_t hash)
{
    return (uint32_t)(hash >> (32 + PLACE_BITS)) << PLACE_BITS;
}

static bool is_marked(uint32_t slot, uint32_t mark)
{
    return slot >> PLACE_BITS == mark >> PLACE_BITS;
}

static struct entry *entry_of(const struct set *s, uint32_t slot)
{
    return &s->entry[(slot & ((1u << PLACE_BITS) - 1)) - 1];
}

static void put(uint32_t *table, size_t slots, uint64_t hash, size_t place)
{
    size_t i = hash & (slots - 1);

    while (table[i])
        i = (i + 1) & (slots - 1);
    table[i] = mark_of(hash) | ((uint32_t)place + 1);
}

static struct entry *find(const struct set *s, uint64_t hash, const char *id)
{
    uint32_t mark = mark_of(hash);

    if (!s->slots)
        return NULL;
    for (size_t i = hash & (s->slots - 1); s->by_id[i]; i = (i + 1) & (s->slots - 1)) {
        struct entry *e = is_marked(s->by_id[i], mark) ? entry_of(s, s->by_id[i]) : NULL;
        if (e && strcmp(e->id, id) == 0)
            return e;
    }
    return NULL;
}

static struct entry *by_id(const struct listed *l, const struct set *s, const char *id)
{
    return s->slots ? find(s, id_hash(l, id), id) : NULL;
}

static struct entry *by_hash(const struct set *s, struct listed_hash hash)
{
    if (!s->slots || !s->by_hash)
        return NULL;
    for (size_t i = hash.low & (s->slots - 1); s->by_hash[i]; i = (i + 1) & (s->slots - 1)) {
        struct entry *e = entry_of(s, s->by_hash[i]);
        if (!is_marked(s->by_hash[i], mark_of(hash.low)))
            continue;
        if (same(e->hash, hash) && !(e->flags & (ODD | DEAD)))
            return e;
    }
    return NULL;
}

static void put_hash(struct set *s, size_t place)
{
    if (!s->by_hash || s->entry[place].flags & (ODD | DEAD))
        return; // never found by its content
    put(s->by_hash, s->slots, s->entry[place].hash.low, place);
    s->used++;
}

// New tables for the entries that live, at most half full.
static bool rehash(const struct listed *l, struct set *s)
{
    size_t slots = 1024, n = 0;

    while (slots < 3 * (s->n + 1))
        slots *= 2;
    free(s->by_hash);
    free(s->by_id);
    s->slots = s->used = 0;
    s->by_hash = l->with_hashes ? calloc(slots, sizeof(*s->by_hash)) : NULL;
    s->by_id = calloc(slots, sizeof(*s->by_id));
    if ((l->with_hashes && !s->by_hash) || !s->by_id)
        return false;
    s->slots = slots;
    for (size_t i = 0; i < s->n; i++)
        if (!(s->entry[i].flags & DEAD))
            s->entry[n++] = s->entry[i];
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        put_hash(s, i);
        put(s->by_id, slots, id_hash(l, s->entry[i].id), i);
    }
    return true;
}

static bool add(struct listed *l, struct set *s, const struct entry *e, uint64_t id)
{
    if (s->n == LISTED_MAX)
        return false;
    if (s->n == s->room) {
        size_t want = s->room ? s->room * 2 : 1024;
        struct entry *p = reallocarray(s->entry, want, sizeof(*p));
        if (!p)
            return false;
        s->entry = p;
        s->room = want;
    }
    if ((s->n + 1 > s->slots / 2 || s->used + 1 > s->slots / 2) && !rehash(l, s))
        return false;
    s->entry[s->n] = *e;
    put_hash(s, s->n);
    put(s->by_id, s->slots, id, s->n);
    s->n++;
    return true;
}

// ---- a pass ----

void listed_begin(struct listed *l)
{
    set_free(&l->fresh);
    drop_new_ids(l);
    l->again = l->failed = false;
    if (++l->pass == 0) { // so that no old mark looks like one of this reading
        for (size_t i = 0; i < l->base.n; i++)
            l->base.entry[i].seen = 0;
        l->pass = 1;
    }
}

void listed_bytes_begin(struct listed *l)
{
    XXH3_128bits_reset_withSecret(l->content, l->secret, sizeof(l->secret));
}

void listed_bytes(struct listed *l, const void *bytes, size_t len)
{
    XXH3_128bits_update(l->content, bytes, len);
}

struct listed_hash listed_bytes_end(struct listed *l)
{
    XXH128_hash_t h = XXH3_128bits_digest(l->content);

    return (struct listed_hash){.low = h.low64, .high = h.high64};
}

struct listed_hash listed_bytes_hash(const struct listed *l, const void *bytes, size_t len)
{
    XXH128_hash_t h = XXH3_128bits_withSecret(bytes, len, l->secret, sizeof(l->secret));

    return (struct listed_hash){.low = h.low64, .high = h.high64};
}

static int take(const char *bytes, size_t len, void *ctx)
{
    listed_bytes(ctx, bytes, len);
    return 0;
}

struct listed_hash listed_json_hash(struct listed *l, const json_t *json)
{
    listed_bytes_begin(l);
    if (json_dump_callback(json, take, l, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) != 0)
        l->failed = true;
    return listed_bytes_end(l);
}

static struct entry *living(const struct listed *l, const char *id)
{
    struct entry *e = by_id(l, &l->base, id);

    return e && !(e->flags & DEAD) ? e : NULL;
}

enum listed_word listed_record(struct listed *l, const char *id, struct listed_hash hash, bool good)
{
    uint64_t h = id_hash(l, id);
    struct entry *fresh = find(&l->fresh, h, id), *was = find(&l->base, h, id);
    struct entry e = {.hash = hash, .flags = good ? 0 : ODD};

    if (was && was->flags & DEAD)
        was = NULL;
    if (fresh)
        return same(fresh->hash, hash) ? LISTED_REPEATED : LISTED_TWICE;
    if (was && was->seen == l->pass)
        return same(was->hash, hash) ? LISTED_REPEATED : LISTED_TWICE;
    if (was) {
        was->seen = l->pass;
        if (good && !(was->flags & ODD) && same(was->hash, hash))
            return LISTED_SAME;
    }
    e.id = was ? was->id : keep_id(l, id);
    if (!e.id || !add(l, &l->fresh, &e, h))
        l->failed = true; // said, but not remembered
    return LISTED_NEW;
}

bool listed_changed(const struct listed *l, const char *id, struct listed_hash hash)
{
    const struct entry *was = living(l, id);

    return was && was->seen != l->pass && !same(was->hash, hash) && !by_id(l, &l->fresh, id);
}

// Met a second time, though the first was passed over. From now on it is always said.
static void stands_twice(struct listed *l, struct entry *e)
{
    e->flags |= ODD;
    l->again = true;
}

bool listed_found(struct listed *l, struct listed_hash hash)
{
    struct entry *e = by_hash(&l->base, hash);

    if (!e)
        return false;
    if (e->seen == l->pass)
        stands_twice(l, e);
    e->seen = l->pass;
    return true;
}

void listed_rows(struct listed *l, const char *id)
{
    struct entry *fresh = by_id(l, &l->fresh, id), *was = living(l, id);

    if (fresh)
        fresh->flags |= ODD;
    else if (was)
        stands_twice(l, was);
}

bool listed_again(const struct listed *l)
{
    return l->again;
}

void listed_absent(const struct listed *l, void (*absent)(const char *id))
{
    for (size_t i = 0; i < l->base.n; i++)
        if (!(l->base.entry[i].flags & DEAD) && l->base.entry[i].seen != l->pass)
            absent(l->base.entry[i].id);
}

void listed_gone(struct listed *l, const char *id)
{
    struct entry *e = by_id(l, &l->base, id);

    if (e)
        e->flags = DEAD;
}

static bool merge(struct listed *l, bool whole)
{
    struct set *s = &l->base;

    for (size_t i = 0; whole && i < s->n; i++)
        if (s->entry[i].seen != l->pass)
            s->entry[i].flags = DEAD;
    for (size_t i = 0; i < l->fresh.n; i++) {
        const struct entry *e = &l->fresh.entry[i];
        struct entry *was = by_id(l, s, e->id);
        if (!was) {
            if (!add(l, s, e, id_hash(l, e->id)))
                return false;
            continue;
        }
        if (s->used + 1 > s->slots / 2 && !rehash(l, s))
            return false;
        was = by_id(l, s, e->id); // the entries may have moved
        if (!was && !add(l, s, e, id_hash(l, e->id)))
            return false;
        if (was) {
            was->hash = e->hash;
            was->flags = e->flags;
            put_hash(s, (size_t)(was - s->entry));
        }
    }
    return true;
}

// The dead leave the tables before their ids go.
static bool tidy(struct listed *l)
{
    size_t dead = 0;

    for (size_t i = 0; i < l->base.n; i++)
        dead += (l->base.entry[i].flags & DEAD) != 0;
    if (dead > l->base.n / 4 && !rehash(l, &l->base))
        return false;
    return repack_ids(l);
}

void listed_keep(struct listed *l, bool whole)
{
    if (!whole && !l->known)
        return;
    if (!l->failed && l->base.n == 0) {
        set_free(&l->base);
        l->base = l->fresh;
        l->fresh = (struct set){0};
    } else if (l->failed || !merge(l, whole)) {
        listed_forget(l);
        return;
    }
    set_free(&l->fresh);
    if (!tidy(l)) {
        listed_forget(l);
        return;
    }
    l->kept_ids = l->n_ids;
    l->known = true;
}
