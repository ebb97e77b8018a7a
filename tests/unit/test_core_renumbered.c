// SPDX-License-Identifier: BSD-2-Clause
// A record keeps its id while its employeeNumber becomes another: a contractor who is hired. And
// the other way round: a new id with the same number.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

// A record under a new id, with the number of one that its source deleted (rule 11).
static void who_was_deleted_and_is_listed_under_a_new_id_is_employed(void **state)
{
    static const enum rollcall_status words[] = {ROLLCALL_STATUS_UNKNOWN, ROLLCALL_STATUS_LOCKED,
                                                 ROLLCALL_STATUS_TERMINATED};
    struct engine *e = *state;
    char id[16] = "w0";
    int64_t uid;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct rollcall_message deleted = {
            .kind = ROLLCALL_MESSAGE_GONE, .id = id, .gone_status = words[i]};
        struct rollcall_user_record r = numbered(id, "1008", "ivan");

        listing(e, &r, 1);
        assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_ACTIVE);
        uid = uid_of(e, "ivan");
        r.end = e->now - DAY; // and the last day was over
        assert_int_equal(begin(e, "hr", false, ++e->now), 0);
        say_row(e, "hr", &r);
        assert_int_equal(engine_core_message(e->core, "hr", &deleted, e->now), 0);
        assert_int_equal(commit(e, "hr", 1), 0);
        assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_TERMINATED);
        snprintf(id, sizeof(id), "w%zu", i + 1);
        r = numbered(id, "1008", "ivan");
        listing(e, &r, 1);
        assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_ACTIVE);
        assert_true(uid_of(e, "ivan") == uid);
    }
}

// `reread` asks a directory about the entry that it has.
static void of_two_records_the_one_that_is_listed_is_asked_about(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record r = numbered("w1", "1008", "ivan");
    char id[160] = "";

    listing(e, &r, 1);
    r.id = "w2"; // made anew in the directory
    for (int i = 0; i < 2; i++)
        listing(e, &r, 1);
    assert_int_equal(engine_core_record_id(e->core, "hr", "ivan", id, sizeof(id)), 0);
    assert_string_equal(id, "w2");
    assert_int_equal(engine_core_record_id(e->core, "hr", "eve", id, sizeof(id)), -ENOENT);
}

// Where it was there before, the deletion is the later word.
static void who_is_deleted_beside_another_record_of_the_same_number_is_out(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record a = numbered("w1", "1008", "ivan"), b = a;
    const struct rollcall_message deleted = {
        .kind = ROLLCALL_MESSAGE_GONE, .id = "w1", .gone_status = ROLLCALL_STATUS_TERMINATED};

    listing(e, &a, 1);
    b.id = "w2";
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    say_row(e, "hr", &b);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    assert_int_equal(engine_core_message(e->core, "hr", &deleted, e->now), 0);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(state_of(e, "ivan"), ROLLCALL_STATE_TERMINATED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_record_stays_with_its_person_who_is_terminated_by_it),
        TEST(one_whose_number_changes_with_the_end_is_terminated),
        TEST(who_was_deleted_and_is_listed_under_a_new_id_is_employed),
        TEST(of_two_records_the_one_that_is_listed_is_asked_about),
        TEST(who_is_deleted_beside_another_record_of_the_same_number_is_out),
        TEST(with_another_name_too_it_stays_and_makes_nobody),
    };
#undef TEST

    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
