// SPDX-License-Identifier: BSD-2-Clause
// The shape of cache files, for a fuzzer: changes that hit a member of a record, and checks
// put right behind a change, so that it reaches what stands behind them.
#ifndef TESTS_FUZZ_CACHE_SHAPE_H
#define TESTS_FUZZ_CACHE_SHAPE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/cache_format.h"

enum shape { SHAPE_ACCOUNTS, SHAPE_PRIVATE, SHAPE_KEYS, SHAPE_BOARD };

// What is not put right: the input says so, a bit each.
enum {
    LEAVE_HEADER = 1,    // magic, byte order, version, size, check
    LEAVE_SECTIONS = 2,  // where they stand and how long they are
    LEAVE_RECORDS = 4,   // their checks
    LEAVE_INDEX = 8,     // tags that fit what they point at
    LEAVE_BOARD = 16,    // its header, and its inode
    LEAVE_WORDS = 32,    // their checks
    LEAVE_LEDGER = 64,   // one for snapshot and board
    AMONG_THREADS = 128, // no repair: this process has other threads
};

// A file of 320 bytes or more; what is shorter stays as it is.
void shape_repair(unsigned char *file, size_t len, enum shape kind, unsigned leave);
// `accounts`, or NULL, says whose words they are.
void shape_repair_board(unsigned char *board, size_t len, const unsigned char *accounts,
                        size_t accounts_len, ino_t ino, unsigned leave);

// A board as a fuzzer's input has it: the used part of its header, then the words.
#define SHAPE_BOARD_HEAD sizeof(struct rc_board_header)
size_t shape_unfold_board(const unsigned char *folded, size_t len, unsigned char *ret, size_t room);
size_t shape_fold_board(const unsigned char *board, size_t len, unsigned char *ret);

// Changes one member of one record, header or index of the file to something telling.
void shape_mutate(unsigned char *file, size_t len, enum shape kind, uint64_t *random);

static inline uint64_t shape_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
