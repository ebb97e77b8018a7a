// SPDX-License-Identifier: BSD-2-Clause
// A record keeps its id while its employeeNumber becomes another: a contractor who is hired.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/engine_fixture.h"

static struct rollcall_user_record numbered(const char *id, const char *number, const char *name)
{
    struct rollcall_user_record r = row(number, name);

    r.id = id;
    return r;
}

static void the_record_stays_with_its_person_who_is_terminated_by_it(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record r = numbered("w1", "C-77", "ivan");
    int64_t uid;

    listing(e, &r, 1);
    uid = uid_of(e, "ivan");
    assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_ACTIVE);
    engine_forget(e);
    r = numbered("w1", "1008", "ivan");
    listing(e, &r, 1);
    assert_true(audited_why(e, "row-refused", "belongs to C-77"));
    assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_ACTIVE);
    r.status = ROLLCALL_STATUS_TERMINATED;
    listing(e, &r, 1);
    assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_TERMINATED);
    assert_true(uid_of(e, "ivan") == uid);
}

static void one_whose_number_changes_with_the_end_is_terminated(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record r = numbered("w1", "C-77", "ivan");

    listing(e, &r, 1);
    r = numbered("w1", "1008", "ivan");
    r.status = ROLLCALL_STATUS_TERMINATED;
    listing(e, &r, 1);
    assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_TERMINATED);
}

// The uid follows from the record's id: nobody else is made of it.
static void with_another_name_too_it_stays_and_makes_nobody(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record r = numbered("w1", "C-77", "ivan");

    listing(e, &r, 1);
    r = numbered("w1", "1008", "johann");
    listing(e, &r, 1);
    assert_int_equal(state_of(e, "johann"), ROLLCALL_STATE_NONE);
    r.status = ROLLCALL_STATUS_TERMINATED;
    listing(e, &r, 1);
    assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_TERMINATED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_record_stays_with_its_person_who_is_terminated_by_it),
        TEST(one_whose_number_changes_with_the_end_is_terminated),
        TEST(with_another_name_too_it_stays_and_makes_nobody),
    };
#undef TEST

    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
