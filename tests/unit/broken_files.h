// SPDX-License-Identifier: BSD-2-Clause
// The ways in which a file of the cache can be broken. What stood at the path is gone
// afterwards; the caller writes a good one again.
#ifndef TESTS_BROKEN_FILES_H
#define TESTS_BROKEN_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct broken_file {
    const char *test;                                  // its name
    void (*make)(const char *path, const char *other); // `other`: a good file of another kind
    const char *why;                                   // rollcall_cache_fault says
    bool root_only;
};

#define BROKEN_FILES 18
extern const struct broken_file broken_files[BROKEN_FILES];

#endif
