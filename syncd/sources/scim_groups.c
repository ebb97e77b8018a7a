// SPDX-License-Identifier: BSD-2-Clause
// Who is in the assigned groups.
#define XXH_INLINE_ALL
#include "syncd/sources/scim_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rollcall/random.h"

struct group {
    uint64_t id;
    size_t first, n; // of the members
    bool in;         // of the closure
};

struct scim_groups {
    uint8_t secret[XXH3_SECRET_DEFAULT_SIZE]; // nobody who chooses an id chooses whose hash it has
    struct group *group;
    size_t n_groups, room_groups;
    uint64_t *member;
    size_t n_members, room_members;
    uint64_t *in; // sorted: who is in the assigned groups
    size_t n_in;
    uint64_t sum; // of those
};

struct scim_groups *scim_groups_new(void)
{
    struct scim_groups *g = calloc(1, sizeof(*g));

    if (g && rollcall_random(g->secret, sizeof(g->secret)) < 0) {
        free(g);
        return NULL;
    }
    return g;
}

void scim_groups_free(struct scim_groups *g)
{
    if (!g)
        return;
    free(g->group);
    free(g->member);
    free(g->in);
    free(g);
}

static uint64_t hash(const struct scim_groups *g, const char *id)
{
    return XXH3_64bits_withSecret(id, strlen(id), g->secret, sizeof(g->secret));
}

void scim_groups_begin(struct scim_groups *g)
{
    g->n_groups = g->n_members = 0;
}

int scim_groups_group(struct scim_groups *g, const char *id)
{
    if (g->n_groups == g->room_groups) {
        size_t room = g->room_groups ? g->room_groups * 2 : 64;
        struct group *p = reallocarray(g->group, room, sizeof(*p));
        if (!p)
            return -ENOMEM;
        g->group = p;
        g->room_groups = room;
    }
    g->group[g->n_groups++] = (struct group){.id = hash(g, id), .first = g->n_members};
    return 0;
}

int scim_groups_member(struct scim_groups *g, const char *id)
{
    if (g->n_members == g->room_members) {
        size_t room = g->room_members ? g->room_members * 2 : 1024;
        uint64_t *p = reallocarray(g->member, room, sizeof(*p));
        if (!p)
            return -ENOMEM;
        g->member = p;
        g->room_members = room;
    }
    g->member[g->n_members++] = hash(g, id);
    if (g->n_groups > 0)
        g->group[g->n_groups - 1].n++;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static struct group *find(const struct scim_groups *g, uint64_t id)
{
    struct group key = {.id = id};

    return g->n_groups ? bsearch(&key, g->group, g->n_groups, sizeof(key), by_id) : NULL;
}

// Marks a group and all groups in it. A circle ends where a mark is. `work` has room for each.
static void mark(struct scim_groups *g, struct group *from, struct group **work)
{
    size_t n = 0;

    if (from->in)
        return;
    from->in = true;
    work[n++] = from;
    while (n > 0) {
        const struct group *at = work[--n];
        for (size_t i = 0; i < at->n; i++) {
            struct group *inner = find(g, g->member[at->first + i]);
            if (inner && !inner->in) {
                inner->in = true;
                work[n++] = inner;
            }
        }
    }
}

// Sorted, each once: who is asked about from now on.
static int settle(struct scim_groups *g, uint64_t *in, size_t all, bool *ret_changed)
{
    uint64_t sum = 0;
    size_t n = 0;

    qsort(in, all, sizeof(*in), by_number);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || in[i] != in[n - 1]) {
            in[n++] = in[i];
            sum += in[n - 1];
        }
    if (ret_changed)
        *ret_changed = n != g->n_in || sum != g->sum;
    free(g->in);
    g->in = in;
    g->n_in = n;
    g->sum = sum;
    return 0;
}

// `keep`: whoever was in stays.
static int collect(struct scim_groups *g, bool all, bool keep, bool *ret_changed)
{
    uint64_t *in = calloc(g->n_members + g->n_in + 1, sizeof(*in));
    size_t n = 0;

    if (!in)
        return -ENOMEM;
    for (size_t i = 0; keep && i < g->n_in; i++)
        in[n++] = g->in[i];
    for (size_t i = 0; all && i < g->n_members; i++)
        in[n++] = g->member[i];
    for (size_t i = 0; i < g->n_groups && !all; i++)
        for (size_t k = 0; g->group[i].in && k < g->group[i].n; k++)
            if (!find(g, g->member[g->group[i].first + k]))
                in[n++] = g->member[g->group[i].first + k];
    if (n == 0 && !all) {
        free(in);
        return -ENODATA;
    }
    return settle(g, in, n, ret_changed);
}

int scim_groups_close(struct scim_groups *g, const json_t *assigned, bool *ret_changed)
{
    struct group **work = calloc(g->n_groups + 1, sizeof(struct group *)), *found;
    const json_t *one;
    size_t i;
    int r = work ? 0 : -ENOMEM;
    bool lacks = false;

    if (g->n_groups > 0)
        qsort(g->group, g->n_groups, sizeof(*g->group), by_id);
    json_array_foreach(assigned, i, one)
    {
        found = r == 0 ? find(g, hash(g, json_string_value(one))) : NULL;
        if (found)
            mark(g, found, work);
        lacks = lacks || (r == 0 && !found);
    }
    free(work);
    if (r == 0)
        r = collect(g, !assigned, lacks, ret_changed);
    return lacks && (r == 0 || r == -ENODATA) ? -ENOENT : r;
}

bool scim_groups_is(const struct scim_groups *g, const char *id)
{
    return find(g, hash(g, id));
}

size_t scim_groups_count(const struct scim_groups *g)
{
    return g->n_in;
}

bool scim_groups_has(const struct scim_groups *g, const char *id)
{
    uint64_t key = hash(g, id);

    return g->n_in && bsearch(&key, g->in, g->n_in, sizeof(key), by_number);
}
