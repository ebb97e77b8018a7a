// SPDX-License-Identifier: BSD-2-Clause
// May this account come in now: every cause refuses, and what is unknown refuses too.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rollcall/admission.h"

#define NOW 1000000

static struct rollcall_board_facts facts;
static struct rollcall_word word;
static struct rollcall_person person;

static int good(void **state)
{
    (void)state;
    facts = (struct rollcall_board_facts){.clock_mark = NOW - 10,
                                          .leases[2] = {.as_of = NOW - 100, .length = 1000}};
    word = (struct rollcall_word){
        .state = ROLLCALL_STATE_ACTIVE, .flags = ROLLCALL_FLAG_ALLOWED_HERE, .authority = 2};
    person = (struct rollcall_person){.name = "alice",
                                      .former_name = "alicia",
                                      .not_before = ROLLCALL_TIME_UNSET,
                                      .not_after = ROLLCALL_TIME_UNSET};
    return 0;
}

static struct rollcall_admission at(int64_t now, const char *name)
{
    struct rollcall_admission a;

    rollcall_admission_decide(&facts, &word, 0, &person, name, now, &a);
    return a;
}

static void an_employee_with_nothing_against_comes_in(void **state)
{
    (void)state;
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_ADMIT);
    assert_int_equal(at(NOW, NULL).cause, ROLLCALL_ADMIT);
    assert_int_equal(at(NOW, "alice").lease_used_percent, 10);
    assert_int_equal(at(NOW, "alice").next, NOW + 900);
    assert_false(at(NOW, "alice").ends_sessions);
}

static void nothing_known_is_a_refusal(void **state)
{
    struct rollcall_admission a;

    (void)state;
    rollcall_admission_decide(NULL, NULL, 0, NULL, "alice", NOW, &a);
    assert_int_equal(a.cause, ROLLCALL_REFUSE_NO_CACHE);
    rollcall_admission_decide(&facts, NULL, 0, NULL, "alice", NOW, &a);
    assert_int_equal(a.cause, ROLLCALL_REFUSE_UNKNOWN);
    rollcall_admission_decide(&facts, &word, -EBADMSG, &person, "alice", NOW, &a);
    assert_int_equal(a.cause, ROLLCALL_REFUSE_NO_CACHE);
    assert_false(a.ends_sessions);
    rollcall_admission_decide(&facts, NULL, 0, &person, "alice", NOW, &a);
    assert_int_equal(a.cause, ROLLCALL_REFUSE_NO_CACHE);
}

static void every_state_but_active_refuses(void **state)
{
    (void)state;
    for (int s = 0; s < 16; s++) {
        word.state = (enum rollcall_state)s;
        assert_int_equal(at(NOW, "alice").cause == ROLLCALL_ADMIT, s == ROLLCALL_STATE_ACTIVE);
    }
    word.state = ROLLCALL_STATE_TERMINATED;
    assert_true(at(NOW, "alice").ends_sessions);
    word.flags |= ROLLCALL_FLAG_REFUSE_ONLY;
    assert_false(at(NOW, "alice").ends_sessions);
}

static void the_dates_hold_to_the_second(void **state)
{
    (void)state;
    person.not_after = NOW;
    assert_int_equal(at(NOW - 1, "alice").cause, ROLLCALL_ADMIT);
    assert_int_equal(at(NOW - 1, "alice").next, NOW);
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_REFUSE_ENDED);
    assert_true(at(NOW, "alice").ends_sessions);
    person.not_after = ROLLCALL_TIME_UNSET;
    person.not_before = NOW;
    assert_int_equal(at(NOW - 1, "alice").cause, ROLLCALL_REFUSE_NOT_STARTED);
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_ADMIT);
}

static void a_lease_ends_to_the_second_and_may_be_extended(void **state)
{
    (void)state;
    assert_int_equal(at(NOW + 899, "alice").cause, ROLLCALL_ADMIT);
    assert_int_equal(at(NOW + 900, "alice").cause, ROLLCALL_REFUSE_LEASE);
    assert_false(at(NOW + 900, "alice").ends_sessions);
    facts.leases[2].extended = NOW + 2000;
    assert_int_equal(at(NOW + 1999, "alice").cause, ROLLCALL_ADMIT);
    facts.leases[2].extended = 0;
    word.flags |= ROLLCALL_FLAG_LEASE_EXEMPT;
    assert_int_equal(at(NOW + 90000, "alice").cause, ROLLCALL_ADMIT);
    word.flags = ROLLCALL_FLAG_ALLOWED_HERE;
    word.authority = ROLLCALL_AUTHORITY_NONE;
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_REFUSE_LEASE);
    word.authority = 3; // never spoke
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_REFUSE_LEASE);
}

static void a_clock_below_its_mark_refuses_and_ends_nothing(void **state)
{
    (void)state;
    facts.clock_mark = NOW + ROLLCALL_CLOCK_TOLERANCE;
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_ADMIT);
    facts.clock_mark = NOW + ROLLCALL_CLOCK_TOLERANCE + 1;
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_REFUSE_CLOCK);
    person.not_after = NOW - 5;
    assert_false(at(NOW, "alice").ends_sessions);
}

static void who_is_not_let_in_here_or_was_renamed_is_refused(void **state)
{
    (void)state;
    assert_int_equal(at(NOW, "alicia").cause, ROLLCALL_REFUSE_FORMER_NAME);
    word.flags = 0;
    assert_int_equal(at(NOW, "alice").cause, ROLLCALL_REFUSE_NOT_ALLOWED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_employee_with_nothing_against_comes_in, good),
        cmocka_unit_test_setup(nothing_known_is_a_refusal, good),
        cmocka_unit_test_setup(every_state_but_active_refuses, good),
        cmocka_unit_test_setup(the_dates_hold_to_the_second, good),
        cmocka_unit_test_setup(a_lease_ends_to_the_second_and_may_be_extended, good),
        cmocka_unit_test_setup(a_clock_below_its_mark_refuses_and_ends_nothing, good),
        cmocka_unit_test_setup(who_is_not_let_in_here_or_was_renamed_is_refused, good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
