// SPDX-License-Identifier: BSD-2-Clause
// What each generation of the company says: all of it follows from its number.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/torture/torture.h"

struct shared *shared;

int64_t torture_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t torture_tick(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void torture_fault(const char *format, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    // The first few say it all.
    if (atomic_fetch_add(&shared->faults, 1) < 10)
        fprintf(stderr, "torture: %s\n", line);
    atomic_store(&shared->stop, true);
}

void torture_most(_Atomic int64_t *at, int64_t value)
{
    int64_t seen = atomic_load(at);

    while (seen < value && !atomic_compare_exchange_weak(at, &seen, value))
        ;
}

struct told told_person(uint64_t generation, uint32_t slot)
{
    struct told t = {0};
    unsigned long long g = generation;

    snprintf(t.name, sizeof(t.name), told_renamed(slot) ? "r%u-%llu" : "p%u", slot, g);
    // In the record, and in the pool.
    if (slot % 5)
        snprintf(t.gecos, sizeof(t.gecos), "g%llu s%u", g, slot);
    else
        snprintf(t.gecos, sizeof(t.gecos), "g%llu s%u, whose name fills more than a record", g,
                 slot);
    if (slot % 3)
        snprintf(t.home, sizeof(t.home), "/home/%s", t.name); // by rule
    else
        snprintf(t.home, sizeof(t.home), "/srv/g%llu/%u", g, slot);
    snprintf(t.shell, sizeof(t.shell), "/bin/sh-%llu-%u", g % 97, slot % 3);
    return t;
}

void told_team_name(uint64_t generation, uint32_t team, char ret[33])
{
    snprintf(ret, 33, "team%u-g%llu", team, (unsigned long long)generation);
}

uint64_t told_generation(const char *text)
{
    const char *g = strchr(text, 'g');
    char *end;
    uint64_t n = g ? strtoull(g + 1, &end, 10) : 0;

    return n < GENERATIONS ? n : 0;
}

uint32_t told_people(uint64_t generation)
{
    uint32_t n = 0;

    for (uint32_t slot = 0; slot < PEOPLE; slot++)
        n += told_there(generation, slot);
    return n;
}
