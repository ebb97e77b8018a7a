// SPDX-License-Identifier: BSD-2-Clause
// The hold of people who are in a list no more. After cmocka.h.
#ifndef TESTS_DROPPED_HOLD_H
#define TESTS_DROPPED_HOLD_H

#include <stdio.h>

#include "tests/unit/engine_fixture.h"

static inline int64_t held_people(struct engine *e)
{
    return store_number(&e->core->store, 0, "SELECT n FROM hold WHERE kind = 'dropped'", "");
}

static inline void approve(struct engine *e)
{
    json_t *answer = NULL;
    char hold[24];

    snprintf(hold, sizeof(hold), "%lld",
             (long long)store_number(&e->core->store, -1,
                                     "SELECT id FROM hold WHERE kind = 'dropped'", ""));
    assert_int_equal(engine_core_approve(e->core, hold, "root", e->now, &answer), 0);
    json_decref(answer);
}

#endif
