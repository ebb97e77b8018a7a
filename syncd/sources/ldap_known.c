// SPDX-License-Identifier: BSD-2-Clause
// Which entries the last listing had. Open addressing; a removed entry's successors move up.
#include "syncd/sources/ldap_known.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct dir_known {
    struct dir_known_entry *place;
    size_t room, n, max; // room: a power of two, or 0
    uint64_t key[2];
};

struct dir_known *dir_known_new(size_t max)
{
    struct dir_known *k = calloc(1, sizeof(*k));

    if (k)
        k->max = max;
    if (k && getrandom(k->key, sizeof(k->key), 0) != (ssize_t)sizeof(k->key))
        k->key[0] = 0x9e3779b97f4a7c15u; // a server could choose ids that collide: slow, no more
    return k;
}

void dir_known_forget(struct dir_known *k)
{
    for (size_t i = 0; i < k->room; i++)
        free(k->place[i].group);
    free(k->place);
    k->place = NULL;
    k->room = k->n = 0;
}

struct dir_known *dir_known_free(struct dir_known *k)
{
    if (k)
        dir_known_forget(k);
    free(k);
    return NULL;
}

size_t dir_known_count(const struct dir_known *k)
{
    return k->n;
}

static size_t home_of(const struct dir_known *k, const unsigned char *uuid)
{
    uint64_t a, b;

    memcpy(&a, uuid, 8);
    memcpy(&b, uuid + 8, 8);
    a = (a ^ k->key[0]) * 0x9e3779b97f4a7c15u;
    b = (b ^ k->key[1] ^ a >> 32) * 0xc2b2ae3d27d4eb4fu;
    return (size_t)(b ^ b >> 29) & (k->room - 1);
}

// The entry's place, or the free one where it would be.
static struct dir_known_entry *place_of(struct dir_known *k, const unsigned char *uuid)
{
    size_t i = home_of(k, uuid);

    while (k->place[i].kind != DIR_NOBODY && memcmp(k->place[i].uuid, uuid, DIR_UUID) != 0)
        i = (i + 1) & (k->room - 1);
    return &k->place[i];
}

struct dir_known_entry *dir_known_find(struct dir_known *k, const unsigned char uuid[DIR_UUID])
{
    struct dir_known_entry *e = k->room ? place_of(k, uuid) : NULL;

    return e && e->kind != DIR_NOBODY ? e : NULL;
}

static bool grow(struct dir_known *k)
{
    struct dir_known wider = {.room = k->room ? k->room * 2 : 1024, .key = {k->key[0], k->key[1]}};

    if (k->n >= k->max)
        return false;
    if (k->room && k->n < k->room / 2)
        return true;
    wider.place = calloc(wider.room, sizeof(*wider.place));
    if (!wider.place)
        return false;
    for (size_t i = 0; i < k->room; i++)
        if (k->place[i].kind != DIR_NOBODY)
            *place_of(&wider, k->place[i].uuid) = k->place[i];
    free(k->place);
    k->place = wider.place;
    k->room = wider.room;
    return true;
}

struct dir_known_entry *dir_known_put(struct dir_known *k, const unsigned char uuid[DIR_UUID],
                                      enum dir_kind kind, const char *group)
{
    char *copy = group ? strdup(group) : NULL;
    struct dir_known_entry *e;

    if ((group && !copy) || !grow(k)) {
        free(copy);
        return NULL;
    }
    e = place_of(k, uuid);
    k->n += e->kind == DIR_NOBODY;
    free(e->group);
    memcpy(e->uuid, uuid, DIR_UUID);
    e->kind = kind;
    e->group = copy;
    e->seen = true;
    e->absent = e->leaving = false;
    return e;
}

void dir_known_remove(struct dir_known *k, const unsigned char uuid[DIR_UUID])
{
    struct dir_known_entry *e = dir_known_find(k, uuid);
    size_t i;

    if (!e)
        return;
    free(e->group);
    *e = (struct dir_known_entry){0};
    k->n--;
    for (i = (size_t)(e - k->place + 1) & (k->room - 1); k->place[i].kind != DIR_NOBODY;
         i = (i + 1) & (k->room - 1)) {
        struct dir_known_entry moved = k->place[i];
        k->place[i] = (struct dir_known_entry){0};
        *place_of(k, moved.uuid) = moved;
    }
}

void dir_known_unsee(struct dir_known *k)
{
    for (size_t i = 0; i < k->room; i++)
        k->place[i].seen = false;
}

void dir_known_each(struct dir_known *k, void (*each)(struct dir_known_entry *e, void *ctx),
                    void *ctx)
{
    for (size_t i = 0; i < k->room; i++)
        if (k->place[i].kind != DIR_NOBODY)
            each(&k->place[i], ctx);
}
