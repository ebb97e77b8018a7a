// SPDX-License-Identifier: BSD-2-Clause
// What is wrong with a cache file, in words. Readers know "absent" alone, and those in
// strangers' processes say nothing; this is for the one daemon and the command that do.
#ifndef ROLLCALL_CACHE_FAULT_H
#define ROLLCALL_CACHE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum rollcall_cache_file {
    ROLLCALL_CACHE_ACCOUNTS,
    ROLLCALL_CACHE_PRIVATE, // and its delta
    ROLLCALL_CACHE_KEYS,
    ROLLCALL_CACHE_BOARD,
};

#define ROLLCALL_CACHE_FAULT_MAX 200

// The files of this host.
#define ROLLCALL_CACHE_FILES 5
struct rollcall_cache_path {
    const char *path;
    enum rollcall_cache_file kind;
    bool optional; // that it is not there is no fault
};
extern const struct rollcall_cache_path rollcall_cache_paths[ROLLCALL_CACHE_FILES];

// 0: its readers take the file; buf is untouched. Else what they are told (-ENOENT, -EACCES,
// -EBADMSG, ...), and in buf what is wrong, as the end of a sentence that begins with the path.
// Looks at the header, as readers do, and not at the records.
int rollcall_cache_fault(const char *path, enum rollcall_cache_file kind, char *buf, size_t len);

#endif
