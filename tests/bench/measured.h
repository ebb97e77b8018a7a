// SPDX-License-Identifier: BSD-2-Clause
// For the benchmarks of the engine: its files in the current folder, and what a step took.
#ifndef TESTS_BENCH_MEASURED_H
#define TESTS_BENCH_MEASURED_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "syncd/engine/core.h"

static inline void must(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(-r));
    exit(1);
}

// Seconds, by the clock and of this process's processor time.
static inline double wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double cpu(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

// For qsort, of doubles.
static inline int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline struct engine_paths paths_here(void)
{
    return (struct engine_paths){.state_db = "state.db",
                                 .journal = "locks.journal",
                                 .ledger = "ids.ledger",
                                 .board = "board",
                                 .accounts = "accounts",
                                 .private_ = "private",
                                 .keys = "keys",
                                 .passwd = "/etc/passwd",
                                 .group = "/etc/group",
                                 .uid_map = "uid-map",
                                 .verifier_gid = getgid(),
                                 .keys_gid = getgid()};
}

#endif
