// SPDX-License-Identifier: BSD-2-Clause
// Members of the assigned groups, and who is in them in the end.
#include "syncd/sources/graph_assigned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"

// What was said of one member, in the order in which it was said.
struct word {
    unsigned char id[GRAPH_ID];
    uint32_t order;
    bool is_group, present;
};

struct group {
    unsigned char id[GRAPH_ID];
    bool root, read, reached;
    struct word *word;
    size_t n, room;
};

struct ids {
    unsigned char *id; // GRAPH_ID bytes each, sorted
    size_t n, room;
};

struct graph_assigned {
    struct group *group;
    size_t n, room, members;
    bool dirty;
    struct ids people, changed;
};

struct graph_assigned *graph_assigned_new(void)
{
    struct graph_assigned *a = calloc(1, sizeof(*a));

    if (a)
        a->dirty = true;
    return a;
}

void graph_assigned_free(struct graph_assigned *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        free(a->group[i].word);
    free(a->group);
    free(a->people.id);
    free(a->changed.id);
    free(a);
}

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
        struct group *p = realloc(a->group, room * sizeof(*p));
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

void graph_assigned_forget(struct graph_assigned *a)
{
    for (size_t i = 0; i < a->n; i++) {
        a->group[i].read = false;
        a->group[i].n = 0;
    }
    a->members = 0;
    a->dirty = true;
}

bool graph_assigned_root_is(const struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    const struct group *g = find(a, group);

    return g && g->root;
}

int graph_assigned_member(struct graph_assigned *a, const unsigned char group[GRAPH_ID],
                          const unsigned char member[GRAPH_ID], bool is_group, bool present)
{
    struct group *g = find(a, group);
    struct word *w;

    if (!g)
        return 0;
    if (a->members >= GRAPH_MEMBERS_MAX)
        return -EFBIG;
    if (g->n == g->room) {
        size_t room = g->room ? g->room * 2 : 64;
        struct word *p = realloc(g->word, room * sizeof(*p));
        if (!p)
            return -ENOMEM;
        g->word = p;
        g->room = room;
    }
    w = &g->word[g->n];
    *w = (struct word){.order = (uint32_t)g->n++, .is_group = is_group, .present = present};
    memcpy(w->id, member, GRAPH_ID);
    a->members++;
    a->dirty = true;
    return 0;
}

void graph_assigned_empty(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = find(a, group);

    if (!g)
        return;
    a->members -= g->n;
    g->n = 0;
    g->read = true;
    a->dirty = true;
}

void graph_assigned_read(struct graph_assigned *a, const unsigned char group[GRAPH_ID])
{
    struct group *g = find(a, group);

    if (g)
        g->read = true;
}

// ---- settling ----

static int by_member(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    int r = memcmp(x->id, y->id, GRAPH_ID);

    return r ? r : (x->order > y->order) - (x->order < y->order);
}

// Of each member the last word, where it says that it is there.
static void keep_last_words(struct graph_assigned *a, struct group *g)
{
    size_t n = 0;

    a->members -= g->n;
    if (g->n > 1)
        qsort(g->word, g->n, sizeof(*g->word), by_member);
    for (size_t i = 0; i < g->n; i++)
        if ((i + 1 == g->n || memcmp(g->word[i].id, g->word[i + 1].id, GRAPH_ID) != 0) &&
            g->word[i].present)
            g->word[n++] = g->word[i];
    for (size_t i = 0; i < n; i++)
        g->word[i].order = (uint32_t)i;
    g->n = n;
    a->members += n;
}

static int ids_add(struct ids *l, const unsigned char id[GRAPH_ID])
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 256;
        unsigned char *p = realloc(l->id, room * GRAPH_ID);
        if (!p)
            return -ENOMEM;
        l->id = p;
        l->room = room;
    }
    memcpy(l->id + l->n++ * GRAPH_ID, id, GRAPH_ID);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, GRAPH_ID);
}

static void ids_sort(struct ids *l)
{
    size_t n = 0;

    if (l->n > 1)
        qsort(l->id, l->n, GRAPH_ID, by_id);
    for (size_t i = 0; i < l->n; i++)
        if (n == 0 || by_id(l->id + (n - 1) * GRAPH_ID, l->id + i * GRAPH_ID) != 0)
            memmove(l->id + n++ * GRAPH_ID, l->id + i * GRAPH_ID, GRAPH_ID);
    l->n = n;
}

// From the roots through groups in groups: the first whose members are not known, or none.
// A circle does no harm: each is walked once.
static int reach(struct graph_assigned *a, struct group **ret_unread)
{
    bool more = true;

    for (size_t i = 0; i < a->n; i++)
        a->group[i].reached = a->group[i].root;
    while (more) {
        more = false;
        for (size_t i = 0; i < a->n; i++) {
            if (!a->group[i].reached)
                continue;
            if (!a->group[i].read) {
                *ret_unread = &a->group[i];
                return 0;
            }
            for (size_t k = 0; k < a->group[i].n; k++) {
                struct group *inner;
                if (!a->group[i].word[k].is_group)
                    continue;
                inner = add_group(a, a->group[i].word[k].id); // may move a->group
                if (!inner)
                    return -ENOMEM;
                more = more || !inner->reached;
                inner->reached = true;
            }
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
        free(a->group[i].word);
    }
    a->n = n;
}

// Both sorted: what stands in one of them alone.
static int differ(const struct ids *a, const struct ids *b, struct ids *ret)
{
    size_t i = 0, k = 0;
    int r = 0;

    while (r == 0 && (i < a->n || k < b->n)) {
        int c = i == a->n ? 1 : k == b->n ? -1 : by_id(a->id + i * GRAPH_ID, b->id + k * GRAPH_ID);
        if (c < 0)
            r = ids_add(ret, a->id + i * GRAPH_ID);
        else if (c > 0)
            r = ids_add(ret, b->id + k * GRAPH_ID);
        i += c <= 0;
        k += c >= 0;
    }
    return r;
}

static int gather(struct graph_assigned *a)
{
    struct ids people = {0};
    int r = 0;

    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; r == 0 && k < a->group[i].n; k++)
            if (!a->group[i].word[k].is_group)
                r = ids_add(&people, a->group[i].word[k].id);
    ids_sort(&people);
    if (r == 0)
        r = differ(&a->people, &people, &a->changed);
    if (r < 0) {
        free(people.id);
        return r;
    }
    free(a->people.id);
    a->people = people;
    return 0;
}

int graph_assigned_settle(struct graph_assigned *a, unsigned char ret_group[GRAPH_ID])
{
    struct group *unread = NULL;
    int r;

    a->changed.n = 0;
    if (!a->dirty)
        return 0;
    for (size_t i = 0; i < a->n; i++)
        keep_last_words(a, &a->group[i]);
    r = reach(a, &unread);
    if (r < 0)
        return r;
    if (unread) { // what was said of it before is older than what is read now
        a->members -= unread->n;
        unread->n = 0;
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
    return a->people.n > 0 && bsearch(user, a->people.id, a->people.n, GRAPH_ID, by_id);
}

size_t graph_assigned_changed(const struct graph_assigned *a, const unsigned char **ret_ids)
{
    *ret_ids = a->changed.id;
    return a->changed.n;
}

size_t graph_assigned_count(const struct graph_assigned *a)
{
    return a->people.n;
}

uint64_t graph_assigned_hash(const struct graph_assigned *a)
{
    uint64_t h = 14695981039346656037u; // FNV-1a: ids are the server's random numbers

    for (size_t i = 0; i < a->people.n * GRAPH_ID; i++)
        h = (h ^ a->people.id[i]) * 1099511628211u;
    return h;
}
