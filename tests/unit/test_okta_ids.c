// SPDX-License-Identifier: BSD-2-Clause
// Who is in a group of Okta's: one who comes or goes costs what one costs.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/sources/okta.h"

#define MANY 100000

static const char *id_of(unsigned n)
{
    static char id[OKTA_SHORT];

    snprintf(id, sizeof(id), "00u%017u", n);
    return id;
}

static void fill(struct okta_ids *ids, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++)
        assert_int_equal(okta_ids_add(ids, id_of(i)), 0);
    assert_int_equal(ids->n, n);
}

static void one_who_joins_moves_nobody_and_one_who_leaves_one_at_most(void **state)
{
    struct okta_ids ids = {0};
    char(*before)[OKTA_SHORT] = calloc(MANY, OKTA_SHORT);
    size_t moved = 0;

    (void)state;
    assert_non_null(before);
    fill(&ids, 1, MANY);
    memcpy(before, ids.id, (size_t)MANY * OKTA_SHORT);
    assert_int_equal(okta_ids_add(&ids, id_of(0)), 0); // before all others by its letters
    assert_memory_equal(ids.id, before, (size_t)MANY * OKTA_SHORT);
    okta_ids_remove(&ids, id_of(1));
    for (size_t i = 0; i < MANY; i++)
        moved += memcmp(ids.id[i], before[i], OKTA_SHORT) != 0;
    assert_int_equal(moved, 1);
    assert_int_equal(ids.n, MANY);
    assert_true(okta_ids_has(&ids, id_of(0)) && !okta_ids_has(&ids, id_of(1)));
    free(before);
    okta_ids_done(&ids);
}

static void an_id_that_is_in_stays_in_once(void **state)
{
    struct okta_ids ids = {0};

    (void)state;
    assert_false(okta_ids_has(&ids, "00u1"));
    okta_ids_remove(&ids, "00u1");
    for (int i = 0; i < 3; i++)
        assert_int_equal(okta_ids_add(&ids, "00u1"), 0);
    assert_int_equal(ids.n, 1);
    assert_false(okta_ids_has(&ids, "00u") || okta_ids_has(&ids, "00u11"));
    assert_int_equal(okta_ids_add(&ids, "00u4567890123456789012345678901234567890"), -EBADMSG);
    assert_false(okta_ids_has(&ids, "00u4567890123456789012345678901234567890"));
    okta_ids_remove(&ids, "00u1");
    assert_int_equal(ids.n, 0);
    assert_false(okta_ids_has(&ids, "00u1"));
    okta_ids_done(&ids);
}

// In an order that any order may be, against a list of who is in.
static void whoever_came_and_did_not_leave_is_in(void **state)
{
    enum { PEOPLE = 600 };
    struct okta_ids ids = {0};
    bool in[PEOPLE] = {false};
    uint32_t x = 2463534242u;
    size_t n = 0;

    (void)state;
    for (unsigned step = 0; step < 60000; step++) {
        unsigned who;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        who = x % PEOPLE;
        n += !in[who];
        n -= in[who];
        if (in[who])
            okta_ids_remove(&ids, id_of(who));
        else
            assert_int_equal(okta_ids_add(&ids, id_of(who)), 0);
        in[who] = !in[who];
        assert_int_equal(ids.n, n);
        if (step % 500 == 0)
            for (unsigned i = 0; i < PEOPLE; i++)
                assert_true(okta_ids_has(&ids, id_of(i)) == in[i]);
    }
    okta_ids_done(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_who_joins_moves_nobody_and_one_who_leaves_one_at_most),
        cmocka_unit_test(an_id_that_is_in_stays_in_once),
        cmocka_unit_test(whoever_came_and_did_not_leave_is_in),
    };

    return cmocka_run_group_tests_name("sets of ids", tests, NULL, NULL);
}
