// SPDX-License-Identifier: BSD-2-Clause
// A company of any size, written by the real writers, and a walk over everything that
// the readers can reach in a file.
#ifndef TESTS_CACHE_FIXTURE_H
#define TESTS_CACHE_FIXTURE_H

#include <stdint.h>

#include "rollcall/account.h"
#include "rollcall/cache_writer.h"

#define FIXTURE_FIRST (ROLLCALL_ID_DEFAULT_MIN + 1000)
#define FIXTURE_STAFF (ROLLCALL_ID_DEFAULT_MIN + 1) // gid of "engineers", everybody's group

extern const uint8_t fixture_ledger[16];

// Person i: name "p<i>", uid FIXTURE_FIRST + i, home by rule but for every third, a long
// gecos for every fifth, member of "engineers", the even ones of local gid 27 too.
int fixture_accounts(const char *path, uint32_t people, uint64_t generation, bool observe);
int fixture_private(const char *path, uint32_t people);
int fixture_keys(const char *path, uint32_t people); // i % 3 of them each
int fixture_keys_of(const char *path, uint32_t people, const uint8_t ledger_id[16]);
// Everybody active; the writer stays open in *ret unless it is NULL.
int fixture_board(const char *path, uint32_t people, uint64_t generation,
                  struct rollcall_board_writer **ret);

// Everything that can be asked of a file. Returns how many answers were good, or the
// negative errno of the open.
int fixture_walk_accounts(const char *path);
int fixture_walk_private(const char *path);
int fixture_walk_keys(const char *path);
int fixture_walk_board(const char *path);

#endif
