// SPDX-License-Identifier: BSD-2-Clause
// What the last listing of a file had.
#define XXH_INLINE_ALL
#include "syncd/sources/csv_listed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

enum {
    ODD = 1,  // cannot be read, or stands twice: said with every listing
    DEAD = 2, // in the listing no more
};

struct entry {
    XXH128_hash_t hash; // of the row's bytes
    const char *id;
    uint32_t seen; // the reading that met it last
    uint8_t flags;
};

// Rows, found by their bytes and by their id: open addressing, places of `entry` plus one.
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

struct csv_listed {
    // Nobody who can write a cell may choose two rows of one hash: the key is random.
    uint8_t secret[XXH3_SECRET_DEFAULT_SIZE];
    XXH3_state_t *row; // of the bytes of the row in work
    struct set base;   // the last listing
    struct set fresh;  // of this reading: what is not as it was
    struct block *ids;
    XXH128_hash_t header, base_header;
    uint32_t reading;
    bool known, again, failed;
};

struct csv_listed *csv_listed_new(void)
{
    struct csv_listed *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->row = XXH3_createState();
    if (!l->row || getrandom(l->secret, sizeof(l->secret), 0) != (ssize_t)sizeof(l->secret)) {
        csv_listed_free(l);
        return NULL;
    }
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

void csv_listed_forget(struct csv_listed *l)
{
    set_free(&l->base);
    set_free(&l->fresh);
    ids_free(l->ids);
    l->ids = NULL;
    l->known = false;
}

void csv_listed_free(struct csv_listed *l)
{
    if (!l)
        return;
    csv_listed_forget(l);
    XXH3_freeState(l->row);
    free(l);
}

bool csv_listed_known(const struct csv_listed *l)
{
    return l->known;
}

static const char *keep_id(struct csv_listed *l, const char *id)
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
    return at;
}

// ---- the two tables of a set ----

static uint64_t id_hash(const struct csv_listed *l, const char *id)
{
    return XXH3_64bits_withSecret(id, strlen(id), l->secret, sizeof(l->secret));
}

static void put(uint32_t *table, size_t slots, uint64_t hash, size_t place)
{
    size_t i = hash & (slots - 1);

    while (table[i])
        i = (i + 1) & (slots - 1);
    table[i] = (uint32_t)place + 1;
}

static struct entry *by_id(const struct csv_listed *l, const struct set *s, const char *id)
{
    if (!s->slots)
        return NULL;
    for (size_t i = id_hash(l, id) & (s->slots - 1); s->by_id[i]; i = (i + 1) & (s->slots - 1)) {
        struct entry *e = &s->entry[s->by_id[i] - 1];
        if (strcmp(e->id, id) == 0)
            return e;
    }
    return NULL;
}

static struct entry *by_hash(const struct set *s, XXH128_hash_t hash)
{
    if (!s->slots)
        return NULL;
    for (size_t i = hash.low64 & (s->slots - 1); s->by_hash[i]; i = (i + 1) & (s->slots - 1)) {
        struct entry *e = &s->entry[s->by_hash[i] - 1];
        if (XXH128_isEqual(e->hash, hash) && !(e->flags & (ODD | DEAD)))
            return e;
    }
    return NULL;
}

static void put_hash(struct set *s, size_t place)
{
    if (s->entry[place].flags & (ODD | DEAD))
        return; // never found by its bytes
    put(s->by_hash, s->slots, s->entry[place].hash.low64, place);
    s->used++;
}

// New tables for the entries that live, at most half full.
static bool rehash(const struct csv_listed *l, struct set *s)
{
    size_t slots = 1024, n = 0;

    while (slots < 4 * (s->n + 1))
        slots *= 2;
    free(s->by_hash);
    free(s->by_id);
    s->slots = s->used = 0;
    s->by_hash = calloc(slots, sizeof(*s->by_hash));
    s->by_id = calloc(slots, sizeof(*s->by_id));
    if (!s->by_hash || !s->by_id)
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

static bool add(struct csv_listed *l, struct set *s, const struct entry *e)
{
    if (s->n == CSV_LISTED_MAX)
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
    put(s->by_id, s->slots, id_hash(l, e->id), s->n);
    s->n++;
    return true;
}

// ---- a reading ----

void csv_listed_begin(struct csv_listed *l)
{
    set_free(&l->fresh);
    l->again = l->failed = false;
    if (++l->reading == 0) { // so that no old mark looks like one of this reading
        for (size_t i = 0; i < l->base.n; i++)
            l->base.entry[i].seen = 0;
        l->reading = 1;
    }
    XXH3_128bits_reset_withSecret(l->row, l->secret, sizeof(l->secret));
}

// Met a second time, though the first was passed over. From now on it is always said.
static void stands_twice(struct csv_listed *l, struct entry *e)
{
    e->flags |= ODD;
    l->again = true;
}

bool csv_listed_line(struct csv_listed *l, const char *line, size_t len, bool starts)
{
    struct entry *e = NULL;

    if (starts) {
        if (l->base.n > 0)
            e = by_hash(&l->base, XXH3_128bits_withSecret(line, len, l->secret, sizeof(l->secret)));
        if (e && e->seen == l->reading)
            stands_twice(l, e);
        if (e) {
            e->seen = l->reading;
            return true;
        }
        XXH3_128bits_reset_withSecret(l->row, l->secret, sizeof(l->secret));
    }
    XXH3_128bits_update(l->row, line, len);
    return false;
}

bool csv_listed_header(struct csv_listed *l)
{
    l->header = XXH3_128bits_digest(l->row);
    return !l->known || XXH128_isEqual(l->header, l->base_header);
}

bool csv_listed_row(struct csv_listed *l, const char *id, bool good)
{
    struct entry *fresh = by_id(l, &l->fresh, id), *was = by_id(l, &l->base, id);
    struct entry e = {.hash = XXH3_128bits_digest(l->row), .flags = good ? 0 : ODD};

    if (was && (was->flags & DEAD))
        was = NULL;
    if (fresh) {
        fresh->flags |= ODD;
        return true;
    }
    if (was && was->seen == l->reading) {
        stands_twice(l, was);
        return true;
    }
    if (was) {
        was->seen = l->reading;
        if (good && !(was->flags & ODD) && XXH128_isEqual(was->hash, e.hash))
            return false;
    }
    e.id = was ? was->id : keep_id(l, id);
    if (!e.id || !add(l, &l->fresh, &e))
        l->failed = true; // said, but not remembered
    return true;
}

bool csv_listed_again(const struct csv_listed *l)
{
    return l->again;
}

void csv_listed_absent(const struct csv_listed *l, void (*absent)(const char *id))
{
    for (size_t i = 0; i < l->base.n; i++)
        if (!(l->base.entry[i].flags & DEAD) && l->base.entry[i].seen != l->reading)
            absent(l->base.entry[i].id);
}

static bool merge(struct csv_listed *l)
{
    struct set *s = &l->base;

    for (size_t i = 0; i < s->n; i++)
        if (s->entry[i].seen != l->reading)
            s->entry[i].flags = DEAD;
    for (size_t i = 0; i < l->fresh.n; i++) {
        const struct entry *e = &l->fresh.entry[i];
        struct entry *was = by_id(l, s, e->id);
        if (!was) {
            if (!add(l, s, e))
                return false;
            continue;
        }
        if (s->used + 1 > s->slots / 2 && !rehash(l, s))
            return false;
        was = by_id(l, s, e->id); // the entries may have moved
        if (!was && !add(l, s, e))
            return false;
        if (was) {
            was->hash = e->hash;
            was->flags = e->flags;
            put_hash(s, (size_t)(was - s->entry));
        }
    }
    return true;
}

void csv_listed_keep(struct csv_listed *l)
{
    if (!l->failed && l->base.n == 0) {
        set_free(&l->base);
        l->base = l->fresh;
        l->fresh = (struct set){0};
    } else if (l->failed || !merge(l)) {
        csv_listed_forget(l);
        return;
    }
    set_free(&l->fresh);
    l->base_header = l->header;
    l->known = true;
}
