// SPDX-License-Identifier: BSD-2-Clause
// Building a cache file: sections grow in memory, then the file is written beside its
// path, read back, and renamed. Only the writers of this folder include it.
#ifndef ROLLCALL_CACHE_BUILD_H
#define ROLLCALL_CACHE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/cache_map.h"

struct rc_buf {
    unsigned char *data;
    size_t len, room;
};

struct rc_index_entry {
    uint64_t hash;
    uint32_t ref;
};

struct rc_build {
    struct rc_header head;
    struct rc_buf section[RC_SECTIONS];
};

void rc_build_start(struct rc_build *b, const char *magic, uint64_t generation,
                    const uint8_t ledger_id[16], uint32_t slots, uint64_t seed);
void rc_build_free(struct rc_build *b);
// Appends; the offset it went to, or negative errno.
int64_t rc_build_add(struct rc_build *b, enum rc_section s, const void *data, size_t len);
// Records are reached by slot: makes room for all of them, zeroed.
int rc_build_records(struct rc_build *b, size_t record_size);
void *rc_build_record(struct rc_build *b, size_t record_size, uint32_t slot);
uint64_t rc_build_hash(const struct rc_build *b, const void *key, size_t len);
uint64_t rc_build_hash_id(const struct rc_build *b, uint32_t id);
// Buckets from entries; enlarged until every chain is within RC_PROBES. -EEXIST where
// that cannot be reached.
int rc_build_index(struct rc_build *b, enum rc_section s, const struct rc_index_entry *entries,
                   size_t n);
// `verify` sees the file as a reader would, before the rename; negative errno refuses it.
int rc_build_finish(struct rc_build *b, const char *path, mode_t mode, gid_t group,
                    size_t record_size, int (*verify)(const struct rc_map *m, void *ctx),
                    void *ctx);

#endif
