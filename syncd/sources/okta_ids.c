// SPDX-License-Identifier: BSD-2-Clause
// Sets of ids: each once, in no order, found by a table of their hashes. Ids are given by Okta, and
// nobody chooses one for the place where it stands.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "syncd/sources/okta.h"

static size_t home_of(const struct okta_ids *ids, const char key[OKTA_SHORT])
{
    return XXH3_64bits(key, OKTA_SHORT) & (ids->slots - 1);
}

// Where it stands in the table, or the free place where it would.
static size_t place_of(const struct okta_ids *ids, const char key[OKTA_SHORT])
{
    size_t i = home_of(ids, key);

    while (ids->slot[i] && memcmp(ids->id[ids->slot[i] - 1], key, OKTA_SHORT) != 0)
        i = (i + 1) & (ids->slots - 1);
    return i;
}

static bool make_key(const char *id, char ret[OKTA_SHORT])
{
    size_t n = strlen(id);

    if (n >= OKTA_SHORT)
        return false;
    memset(ret, 0, OKTA_SHORT);
    memcpy(ret, id, n);
    return true;
}

bool okta_ids_has(const struct okta_ids *ids, const char *id)
{
    char key[OKTA_SHORT];

    return ids->n > 0 && make_key(id, key) && ids->slot[place_of(ids, key)];
}

// At most three quarters full.
static int make_slots(struct okta_ids *ids)
{
    size_t slots = ids->slots ? ids->slots * 2 : 256;
    uint32_t *p;

    if (ids->n + 1 <= ids->slots / 4 * 3)
        return 0;
    p = calloc(slots, sizeof(*p));
    if (!p)
        return -ENOMEM;
    free(ids->slot);
    ids->slot = p;
    ids->slots = slots;
    for (size_t i = 0; i < ids->n; i++)
        ids->slot[place_of(ids, ids->id[i])] = (uint32_t)i + 1;
    return 0;
}

static int make_room(struct okta_ids *ids)
{
    size_t room = ids->room ? ids->room * 2 : 256;
    void *p;

    if (ids->n < ids->room)
        return 0;
    p = reallocarray(ids->id, room, OKTA_SHORT);
    if (!p)
        return -ENOMEM;
    ids->id = p;
    ids->room = room;
    return 0;
}

int okta_ids_add(struct okta_ids *ids, const char *id)
{
    char key[OKTA_SHORT];
    int r;

    if (!make_key(id, key))
        return -EBADMSG;
    if (okta_ids_has(ids, id))
        return 0;
    if (ids->n == UINT32_MAX - 1)
        return -EFBIG;
    r = make_slots(ids);
    if (r == 0)
        r = make_room(ids);
    if (r < 0)
        return r;
    memcpy(ids->id[ids->n], key, OKTA_SHORT);
    ids->slot[place_of(ids, key)] = (uint32_t)ids->n + 1;
    ids->n++;
    return 0;
}

// Whoever stands behind the hole and would not be found over it comes into it.
static void free_place(struct okta_ids *ids, size_t hole)
{
    size_t last = ids->slots - 1;

    for (size_t i = (hole + 1) & last; ids->slot[i]; i = (i + 1) & last)
        if (((i - home_of(ids, ids->id[ids->slot[i] - 1])) & last) >= ((i - hole) & last)) {
            ids->slot[hole] = ids->slot[i];
            hole = i;
        }
    ids->slot[hole] = 0;
}

// The last one comes where it stood.
void okta_ids_remove(struct okta_ids *ids, const char *id)
{
    char key[OKTA_SHORT];
    size_t at, last;

    if (!okta_ids_has(ids, id) || !make_key(id, key))
        return;
    at = ids->slot[place_of(ids, key)] - 1;
    free_place(ids, place_of(ids, key));
    last = --ids->n;
    if (at == last)
        return;
    ids->slot[place_of(ids, ids->id[last])] = (uint32_t)at + 1;
    memcpy(ids->id[at], ids->id[last], OKTA_SHORT);
}

void okta_ids_done(struct okta_ids *ids)
{
    free(ids->id);
    free(ids->slot);
    *ids = (struct okta_ids){0};
}
