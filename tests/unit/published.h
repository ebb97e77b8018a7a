// SPDX-License-Identifier: BSD-2-Clause
// A company as syncd publishes it, again and again, where the module under test looks for it:
// in the folder of scratch_enter_state. After cmocka.h; for the tests that load the module.
#ifndef TESTS_PUBLISHED_H
#define TESTS_PUBLISHED_H

#include "tests/unit/cache_fixture.h"

#define ACCOUNTS "state/cache/accounts"
#define BOARD    "state/cache/board"

static struct rollcall_board_writer *board;
static uint64_t generation;

// A new pair at the path; the board is replaced, so every process sees it at once.
static inline void publish_people(uint32_t people, bool observe)
{
    struct rollcall_board_writer *old = board;

    assert_int_equal(fixture_accounts(ACCOUNTS, people, ++generation, observe), 0);
    assert_int_equal(fixture_board(BOARD, people, generation, &board), 0);
    rollcall_board_writer_close(old);
}

// A reason to open both files again.
static inline void move_on(void)
{
    rollcall_board_set_generation(board, ++generation);
}

#endif
