// SPDX-License-Identifier: BSD-2-Clause
// A log of fixed-size records with a check each: the ground under the lock journal and
// the ids ledger. Preallocated in blocks, appended with one fdatasync, torn tails cut.
#ifndef ROLLCALL_RECORD_LOG_H
#define ROLLCALL_RECORD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_LOG_HEAD 64

struct record_log_head {
    char magic[8];
    uint32_t endian, version;
    uint8_t id[16];
    uint32_t record_size, unused;
    uint64_t check;
};

struct record_log {
    char *path;
    int fd;
    size_t record_size; // with the 8 bytes of check at its end
    uint64_t next;      // number of the next record
    uint64_t room;      // records that are preallocated
    uint8_t id[16];
};

// `replay` gets each record that stands, in order. A record whose check fails, before
// one that holds, was damaged: it is skipped and counted. After the last that holds
// stands nothing. A file of another kind or version: -EBADMSG, untouched.
int record_log_open(const char *path, const char *magic, size_t record_size, uint64_t preallocate,
                    int (*replay)(void *ctx, const void *record), void *ctx, unsigned *ret_damaged,
                    struct record_log *ret);
void record_log_close(struct record_log *log);
// Makes sure that the next n records have their room on the disk. -ENOSPC: nothing changed.
int record_log_reserve(struct record_log *log, size_t n);
// n records of record_size, the check's room at their ends; filled in place.
int record_log_append(struct record_log *log, void *records, size_t n);
// A new file with just these records takes the place of the old; same id.
int record_log_restart(struct record_log *log, const char *magic, void *records, size_t n,
                       uint64_t preallocate);

#endif
