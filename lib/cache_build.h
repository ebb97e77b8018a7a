// SPDX-License-Identifier: BSD-2-Clause
// Building a cache file: sections are written one after the other beside the path, as
// their content comes; then the file is read back, and renamed. Memory holds what has to
// be seen again, never the file. Only the writers of this folder include it.
#ifndef ROLLCALL_CACHE_BUILD_H
#define ROLLCALL_CACHE_BUILD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/cache_map.h"

struct rc_build {
    struct rc_map self; // the header in the making, so that hashes are the reader's own
    char path[PATH_MAX], tmp[PATH_MAX];
    int fd, error; // the first error; what follows it is dropped
    unsigned char *out;
    size_t out_len;
    uint64_t at; // end of what was written
    int section; // the open one, or -1
    void *check; // of the bytes so far
};

// Starts PATH.new. Always close, which removes what was not finished.
int rc_build_open(struct rc_build *b, const char *path, const char *magic, uint64_t generation,
                  const uint8_t ledger_id[16], uint32_t slots);
void rc_build_close(struct rc_build *b);
static inline struct rc_header *rc_build_head(struct rc_build *b)
{
    return b->self.head;
}

// Sections come in any order, each once; what is written goes to the open one. An error
// (a full disk) is kept for finish.
void rc_build_begin(struct rc_build *b, enum rc_section s);
uint64_t rc_build_write(struct rc_build *b, const void *data, size_t len); // its offset
uint64_t rc_build_len(const struct rc_build *b);                           // of the open section
void rc_build_end(struct rc_build *b);
void rc_build_section(struct rc_build *b, enum rc_section s, const void *data, size_t len);

// Buckets for `keys` keys: key() gives the hash and record number of each below `range`, or
// false where there is none. Enlarged until every chain is within RC_PROBES. -EEXIST where
// that cannot be reached by this seed: whoever writes the file begins again.
int rc_build_index(struct rc_build *b, enum rc_section s, uint64_t keys, uint64_t range,
                   bool (*key)(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref),
                   void *ctx);
// The same for ids, uids or gids: here the factor of their hash is looked for, too, and written
// into the header.
int rc_build_id_index(struct rc_build *b, enum rc_section s, uint64_t keys, uint64_t range,
                      bool (*id)(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref),
                      void *ctx);
// Does a reader who looks for `hash` come by `wanted`?
bool rc_build_found(const struct rc_map *m, enum rc_section s, uint64_t hash, uint32_t wanted);
// For a verify that goes through a section once: what is before `at` leaves memory, a window
// at a time. `*from` is where that begins, the section's start at first.
void rc_build_pass(const unsigned char **from, const void *at);
// Header, fsync, read back, rename. `verify` sees the file as a reader would, before the
// rename; negative errno refuses it.
int rc_build_finish(struct rc_build *b, mode_t mode, gid_t group, size_t record_size,
                    int (*verify)(const struct rc_map *m, void *ctx), void *ctx);

#endif
