// SPDX-License-Identifier: BSD-2-Clause
// Members of the assigned groups, and who is in them in the end. An id is kept once, with a number;
// a group is two sets of such numbers.
#define XXH_INLINE_ALL
#include "syncd/sources/graph_assigned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rollcall/random.h"

#define NONE    UINT32_MAX
#define IDS_MAX (2 * GRAPH_MEMBERS_MAX) // with those who left since all was forgotten

// A set of numbers.
struct bits {
    uint64_t *word;
    size_t n; // words
};

struct group {
    unsigned char id[GRAPH_ID];
    bool root, reached;
    bool missing, removed;     // not there; by the tenant's own word
    bool reading, read;        // its members are asked for; are known
    struct bits in, groups_in; // all members; those that are groups
    size_t n;
};

struct graph_assigned {
    struct group *group;
    size_t n, room, members;
    bool dirty;
    unsigned char (*id)[GRAPH_ID];
    size_t n_ids, ids_room;
    uint32_t *slot; // of ids, by their hash: the number plus one
    size_t slots;
    uint64_t seed; // whoever writes ids does not know where they stand
    struct bits people;
    size_t n_people;
    unsigned char *changed; // GRAPH_ID bytes each
    size_t n_changed, changed_room;
};

struct graph_assigned *graph_assigned_new(void)
{
    struct graph_assigned *a = calloc(1, sizeof(*a));

    if (a && rollcall_random(&a->seed, sizeof(a->seed)) < 0) {
        free(a);
        return NULL;
    }
    if (a)
        a->dirty = true;
    return a;
}

static void group_done(struct group *g)
{
    free(g->in.word);
    free(g->groups_in.word);
}

void graph_assigned_free(struct graph_assigned *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        group_done(&a->group[i]);
    free(a->group);
    free(a->id);
    free(a->slot);
    free(a->people.word);
    free(a->changed);
    free(a);
}

// ---- sets of numbers ----

static bool has_bit(const struct bits *b, size_t i)
{
    return i / 64 < b->n && (b->word[i / 64] >> i % 64 & 1);
}

static int make_room(struct bits *b, size_t words)
{
    size_t n = b->n ? b->n : 16;
    uint64_t *p;

    if (words <= b->n)
        return 0;
    while (n < words)
        n *= 2;
    p = reallocarray(b->word, n, sizeof(*p));
    if (!p)
        return -ENOMEM;
    memset(p + b->n, 0, (n - b->n) * sizeof(*p));
    b->word = p;
    b->n = n;
    return 0;
}

static int set_bit(struct bits *b, size_t i)
{
    int r = make_room(b, i / 64 + 1);

    if (r == 0)
        b->word[i / 64] |= UINT64_C(1) << i % 64;
    return r;
}

static void clear_bit(struct bits *b, size_t i)
{
    if (i / 64 < b->n)
        b->word[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static void clear_all(struct bits *b)
{
    if (b->n > 0)
        memset(b->word, 0, b->n * sizeof(*b->word));
}

// The first number of the set from `i` on; NONE: there is none.
static size_t next_bit(const struct bits *b, size_t i)
{
    for (size_t k = i / 64; k < b->n; k++) {
        uint64_t word = b->word[k] & (k == i / 64 ? UINT64_MAX << i % 64 : UINT64_MAX);
        if (word)
            return k * 64 + (size_t)__builtin_ctzll(word);
    }
    return NONE;
}

// ---- ids and their numbers ----

static size_t place_of(const struct graph_assigned *a, const unsigned char id[GRAPH_ID])
{
    size_t i = XXH3_64bits_withSeed(id, GRAPH_ID, a->seed) & (a->slots - 1);

    while (a->slot[i] && memcmp(a->id[a->slot[i] - 1], id, GRAPH_ID) != 0)
        i = (i + 1) & (a->slots - 1);
    return i;
}

static uint32_t number_of(const struct graph_assigned *a, const unsigned char id[GRAPH_ID])
{
    return a->slots > 0 ? a->slot[place_of(a, id)] - 1 : NONE; // 0 less 1 is NONE
}

// At most four fifths full.
static int find_again(struct graph_assigned *a, size_t slots)
{
    uint32_t *p = calloc(slots, sizeof(*p));

    if (!p)
        return -ENOMEM;
    free(a->slot);
    a->slot = p;
    a->slots = slots;
    for (size_t i = 0; i < a->n_ids; i++)
        a->slot[place_of(a, a->id[i])] = (uint32_t)i + 1;
    return 0;
}

static int number_new(struct graph_assigned *a, const unsigned char id[GRAPH_ID], uint32_t *ret)
{
    uint32_t number = number_of(a, id);
    int r = 0;

    if (number != NONE) {
        *ret = number;
        return 0;
    }
    if (a->n_ids == IDS_MAX)
        return -EFBIG;
    if (a->n_ids == a->ids_room) {
        size_t room = a->ids_room ? a->ids_room * 2 : 256;
        void *p = reallocarray(a->id, room, GRAPH_ID);
        if (!p)
            return -ENOMEM;
        a->id = p;
        a->ids_room = room;
    }
    if (a->n_ids + 1 > a->slots / 5 * 4)
        r = find_again(a, a->slots ? a->slots * 2 : 512);
    if (r < 0)
        return r;
    memcpy(a->id[a->n_ids], id, GRAPH_ID);
    a->slot[place_of(a, id)] = (uint32_t)a->n_ids + 1;
    *ret = (uint32_t)a->n_ids++;
    return 0;
}

// Ids that nobody needs who is not in, as nothing is known of members.
static void keep_people_alone(struct graph_assigned *a)
{
    size_t n = 0;

    for (size_t i = next_bit(&a->people, 0); i != NONE; i = next_bit(&a->people, i + 1))
        memmove(a->id[n++], a->id[i], GRAPH_ID);
    clear_all(&a->people);
    for (size_t i = 0; i < n; i++)
        a->people.word[i / 64] |= UINT64_C(1) << i % 64;
    a->n_ids = n;
    if (a->slots > 0)
        memset(a->slot, 0, a->slots * sizeof(*a->slot));
    for (size_t i = 0; i < n; i++)
        a->slot[place_of(a, a->id[i])] = (uint32_t)i + 1;
}

// ---- groups ----

static struct group *find(const struct graph_assigned *a, const unsigned char id[GRAPH_ID])
{
    for (size_t i = 0; i < a->n; i++)
        if (memcmp(a->group[i].id, id, GRAPH_ID) == 0)
            return &a->group[i];
    return NULL;
}

static struct group *add_group(struct graph_assigned *a, const unsigned char id[GRAPH_ID])
{
    struct group *g = find(a, id);

    if (g)
        return g;
    if (a->n == a->room) {
        size_t room = a->room ? a->room * 2 : 16;
        struct group *p = reallocarray(a->group, room, sizeof(*p));
        if (!p)
            return NULL;
        a->group = p;
        a->room = room;
    }
    g = &a->group[a->n++];
    *g = (struct group){0};
    memcpy(g->id, id, GRAPH_ID);
    a->dirty = true;
    return g;
}

int graph_assigned_root(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = add_group(a, group);

    if (!g)
        return -ENOMEM;
    g->root = g->reached = true;
    return 0;
}

// Nobody is in it, as far as is known.
static void empty(struct graph_assigned *a, struct group *g)
{
    a->members -= g->n;
    g->n = 0;
    clear_all(&g->in);
    clear_all(&g->groups_in);
}

void graph_assigned_forget(struct graph_assigned *a)
{
    for (size_t i = 0; i < a->n; i++) {
        empty(a, &a->group[i]);
        a->group[i].read = a->group[i].reading = a->group[i].missing = false;
    }
    keep_people_alone(a);
    a->dirty = true;
}

bool graph_assigned_root_is(const struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    const struct group *g = find(a, group);

    return g && g->root;
}

static int add_member(struct graph_assigned *a, struct group *g, uint32_t number, bool is_group)
{
    int r;

    if (!has_bit(&g->in, number)) {
        if (a->members >= GRAPH_MEMBERS_MAX)
            return -EFBIG;
        r = set_bit(&g->in, number);
        if (r < 0)
            return r;
        g->n++;
        a->members++;
    }
    if (is_group)
        return set_bit(&g->groups_in, number);
    clear_bit(&g->groups_in, number);
    return 0;
}

int graph_assigned_member(struct graph_assigned *a, const unsigned char group[GRAPH_ID],
                          const unsigned char member[GRAPH_ID], bool is_group, bool present)
{
    struct group *g = find(a, group);
    uint32_t number;
    int r;

    if (!g || (!g->read && !g->reading)) // what is read of it will be newer
        return 0;
    a->dirty = true;
    if (present) {
        r = number_new(a, member, &number);
        return r == 0 ? add_member(a, g, number, is_group) : r;
    }
    number = number_of(a, member);
    if (number == NONE || !has_bit(&g->in, number))
        return 0;
    clear_bit(&g->in, number);
    clear_bit(&g->groups_in, number);
    g->n--;
    a->members--;
    return 0;
}

void graph_assigned_empty(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = find(a, group);

    if (!g)
        return;
    empty(a, g);
    g->read = g->removed = true;
    g->missing = false;
    a->dirty = true;
}

void graph_assigned_seen(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = find(a, group);

    if (!g)
        return;
    g->removed = false;
    if (!g->missing)
        return;
    g->missing = g->read = false;
    a->dirty = true;
}

bool graph_assigned_missing(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = find(a, group);

    if (!g)
        return false;
    g->read = true;
    g->missing = g->root && !g->removed;
    return g->missing;
}

bool graph_assigned_next_missing(const struct graph_assigned *a, size_t *at,
                                 unsigned char ret_group[GRAPH_ID])
{
    while (*at < a->n) {
        const struct group *g = &a->group[(*at)++];
        if (!g->missing)
            continue;
        memcpy(ret_group, g->id, GRAPH_ID);
        return true;
    }
    return false;
}

bool graph_assigned_unknown(const struct graph_assigned *a)
{
    unsigned char group[GRAPH_ID];

    return graph_assigned_next_missing(a, &(size_t){0}, group);
}

bool graph_assigned_none(const struct graph_assigned *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->group[i].root && !a->group[i].missing)
            return false;
    return true;
}

void graph_assigned_read(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = find(a, group);

    if (g)
        g->read = true;
}

// ---- settling ----

// The groups in a->group[i] are reached too. 1: one was not before.
static int reach_inside(struct graph_assigned *a, size_t i)
{
    int more = 0;

    for (size_t k = next_bit(&a->group[i].groups_in, 0); k != NONE;
         k = next_bit(&a->group[i].groups_in, k + 1)) {
        struct group *inner = add_group(a, a->id[k]); // may move a->group
        if (!inner)
            return -ENOMEM;
        more = more || !inner->reached;
        inner->reached = true;
    }
    return more;
}

// From the roots through groups in groups: the first whose members are not known, or none.
// A circle does no harm: each is walked once.
static int reach(struct graph_assigned *a, struct group **ret_unread)
{
    int more = 1;

    for (size_t i = 0; i < a->n; i++)
        a->group[i].reached = a->group[i].root;
    while (more > 0) {
        more = 0;
        for (size_t i = 0; i < a->n; i++) {
            int r;
            if (!a->group[i].reached)
                continue;
            if (!a->group[i].read) {
                *ret_unread = &a->group[i];
                return 0;
            }
            r = reach_inside(a, i);
            if (r < 0)
                return r;
            more = more || r;
        }
    }
    *ret_unread = NULL;
    return 0;
}

// What is inside no more is read anew should it come back.
static void leave_out(struct graph_assigned *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++) {
        if (a->group[i].reached) {
            a->group[n++] = a->group[i];
            continue;
        }
        a->members -= a->group[i].n;
        group_done(&a->group[i]);
    }
    a->n = n;
}

static int note_changed(struct graph_assigned *a, const unsigned char id[GRAPH_ID])
{
    if (a->n_changed == a->changed_room) {
        size_t room = a->changed_room ? a->changed_room * 2 : 64;
        void *p = reallocarray(a->changed, room, GRAPH_ID);
        if (!p)
            return -ENOMEM;
        a->changed = p;
        a->changed_room = room;
    }
    memcpy(a->changed + a->n_changed++ * GRAPH_ID, id, GRAPH_ID);
    return 0;
}

static uint64_t word_of(const struct bits *b, size_t i)
{
    return i < b->n ? b->word[i] : 0;
}

// `now`: who is in some group. Who stands in one of the two sets alone has changed.
static int compare(struct graph_assigned *a, const struct bits *now)
{
    size_t people = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < now->n; i++) {
        uint64_t other = now->word[i] ^ word_of(&a->people, i);
        people += (size_t)__builtin_popcountll(now->word[i]);
        for (; r == 0 && other; other &= other - 1)
            r = note_changed(a, a->id[i * 64 + (size_t)__builtin_ctzll(other)]);
    }
    if (r == 0)
        a->n_people = people;
    return r;
}

static int gather(struct graph_assigned *a)
{
    struct bits now = {0};
    int r = make_room(&now, a->n_ids / 64 + 1);

    for (size_t i = 0; r == 0 && i < a->n; i++)
        for (size_t k = 0; k < a->group[i].in.n && k < now.n; k++)
            now.word[k] |= a->group[i].in.word[k] & ~word_of(&a->group[i].groups_in, k);
    if (r == 0)
        r = compare(a, &now);
    if (r < 0) {
        free(now.word);
        return r;
    }
    free(a->people.word);
    a->people = now;
    return 0;
}

int graph_assigned_settle(struct graph_assigned *a, unsigned char ret_group[GRAPH_ID])
{
    struct group *unread = NULL;
    int r;

    a->n_changed = 0;
    if (!a->dirty)
        return 0;
    r = reach(a, &unread);
    if (r < 0)
        return r;
    if (unread) { // what was said of it before is older than what is read now
        empty(a, unread);
        unread->reading = true;
        memcpy(ret_group, unread->id, GRAPH_ID);
        return 1;
    }
    leave_out(a);
    r = gather(a);
    if (r == 0)
        a->dirty = false;
    return r;
}

bool graph_assigned_has(const struct graph_assigned *a, const unsigned char user[GRAPH_ID])
{
    uint32_t number = number_of(a, user);

    return number != NONE && has_bit(&a->people, number);
}

size_t graph_assigned_changed(const struct graph_assigned *a, const unsigned char **ret_ids)
{
    *ret_ids = a->changed;
    return a->n_changed;
}

size_t graph_assigned_count(const struct graph_assigned *a)
{
    return a->n_people;
}

uint64_t graph_assigned_hash(const struct graph_assigned *a)
{
    uint64_t h = 0; // of a set: in which order they came does not count

    for (size_t i = next_bit(&a->people, 0); i != NONE; i = next_bit(&a->people, i + 1))
        h += XXH3_64bits(a->id[i], GRAPH_ID);
    return h;
}
