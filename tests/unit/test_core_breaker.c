// SPDX-License-Identifier: BSD-2-Clause
// The breaker: a broken export takes nobody's sessions, one person's termination is never
// held up by it, and what is held waits for a word.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/engine/core_internal.h"
#include "tests/unit/company.h"

static struct company *hundred(size_t n)
{
    struct company *c = company_open(n);

    assert_int_equal(company_listing(c), 0);
    company_forget(c);
    return c;
}

static void terminate(struct company *c, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        c->staff[i].row.status = ROLLCALL_STATUS_TERMINATED;
}

static void leave_at(struct company *c, size_t from, size_t to, int64_t at)
{
    for (size_t i = from; i < to; i++)
        c->staff[i].row.terminated_at = at;
}

static size_t refused(const struct company *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += company_ask(c, c->staff[i].name).cause != ROLLCALL_ADMIT;
    return n;
}

static size_t ended(const struct company *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += company_ends_sessions(c, c->staff[i].name);
    return n;
}

static void the_limit_is_the_larger_of_count_and_share(void **state)
{
    (void)state;
    assert_int_equal(breaker_limit(50, 1000, 100), 50);
    assert_int_equal(breaker_limit(50, 1000, 500), 50);
    assert_int_equal(breaker_limit(50, 1000, 510), 51);
    assert_int_equal(breaker_limit(5, 200, 10000), 200);
    assert_int_equal(breaker_limit(5, 200, 0), 5);
    assert_true(breaker_limit(5, 200, UINT64_MAX) >= 5);
}

static void explicit_leavers_up_to_the_limit_are_refused_and_ended(void **state)
{
    struct company *c = hundred(100);

    (void)state;
    terminate(c, 0, 50);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 50);
    assert_int_equal(ended(c), 50);
    assert_int_equal(company_events(c, "hold"), 0);
    assert_true(c->rings > 0);
    company_close(c);
}

static void one_more_is_refused_at_once_and_ends_no_session_of_the_whole_batch(void **state)
{
    struct company *c = hundred(100);
    char id[32];

    (void)state;
    terminate(c, 0, 51);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 51);
    assert_int_equal(ended(c), 0);
    assert_int_equal(company_events(c, "hold"), 1);
    assert_int_equal(c->rings, 0);
    assert_string_not_equal(company_held(c, id), "");
    company_close(c);
}

static void an_approved_batch_ends_its_sessions(void **state)
{
    struct company *c = hundred(100);
    char id[32];

    (void)state;
    terminate(c, 0, 60);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(ended(c), 0);
    assert_int_equal(company_approve(c, company_held(c, id)), 0);
    assert_int_equal(ended(c), 60);
    assert_true(c->rings > 0);
    assert_string_equal(company_held(c, id), "");
    company_close(c);
}

static void a_later_single_termination_is_not_held_up_by_a_held_batch(void **state)
{
    struct company *c = hundred(200);

    (void)state;
    terminate(c, 0, 60);
    assert_int_equal(company_listing(c), 0);
    terminate(c, 60, 61);
    assert_int_equal(company_listing(c), 0);
    assert_true(company_ends_sessions(c, "p60"));
    assert_int_equal(ended(c), 1);
    company_close(c);
}

static void the_share_is_of_those_who_were_employed_before_the_batch(void **state)
{
    struct company *c = hundred(1000);

    (void)state;
    terminate(c, 0, 100); // 10 % to the head
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_events(c, "hold"), 0);
    assert_int_equal(ended(c), 100);
    company_close(c);
}

static void leavers_of_the_same_day_are_counted_together(void **state)
{
    struct company *c = hundred(200);

    (void)state;
    terminate(c, 0, 40);
    assert_int_equal(company_listing(c), 0);
    terminate(c, 40, 60);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(ended(c), 40); // the first forty; the twenty after them are held
    assert_int_equal(refused(c), 60);
    company_close(c);
}

static void leavers_of_another_day_are_not(void **state)
{
    struct company *c = hundred(200);

    (void)state;
    terminate(c, 0, 40);
    assert_int_equal(company_listing(c), 0);
    company_wait(c, COMPANY_DAY);
    terminate(c, 40, 60);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_events(c, "hold"), 0);
    assert_true(company_ends_sessions(c, "p59"));
    company_close(c);
}

static void an_announced_layoff_is_not_held(void **state)
{
    struct company *c = hundred(100);
    json_t *answer = NULL;

    (void)state;
    assert_int_equal(
        engine_core_expect_leavers(c->core, 20, c->now + 3600, "root", c->now, &answer), 0);
    json_decref(answer);
    terminate(c, 0, 70);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(ended(c), 70);
    company_close(c);
}

static void an_announcement_that_is_over_counts_no_more(void **state)
{
    struct company *c = hundred(100);
    json_t *answer = NULL;

    (void)state;
    assert_int_equal(
        engine_core_expect_leavers(c->core, 20, c->now + 3600, "root", c->now, &answer), 0);
    json_decref(answer);
    company_wait(c, 3600);
    terminate(c, 0, 70);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 70);
    assert_int_equal(ended(c), 0);
    company_close(c);
}

// ---- rule 9: a held change never takes effect by itself ----

static void a_held_batch_stays_held_when_its_rows_change(void **state)
{
    struct company *c = hundred(100);

    (void)state;
    leave_at(c, 0, 60, c->now); // status still says active, as HR's files do
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 60);
    for (size_t i = 0; i < 60; i++)
        c->staff[i].row.display_name = "Changed";
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(ended(c), 0);
    assert_int_equal(c->rings, 0);
    company_close(c);
}

static void a_held_batch_stays_held_over_a_reload_and_a_restart(void **state)
{
    struct company *c = hundred(100);

    (void)state;
    leave_at(c, 0, 60, c->now);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(engine_core_reconfigure(c->core, &c->config, c->now), 0);
    company_publish(c);
    assert_int_equal(refused(c), 60);
    assert_int_equal(ended(c), 0);
    assert_int_equal(company_restart(c), 0);
    company_wait(c, 60);
    assert_int_equal(refused(c), 60);
    assert_int_equal(ended(c), 0);
    company_close(c);
}

static void held_people_who_are_seen_again_come_in_again(void **state)
{
    struct company *c = hundred(100);
    char id[32];

    (void)state;
    terminate(c, 0, 60);
    assert_int_equal(company_listing(c), 0);
    for (size_t i = 0; i < 60; i++)
        c->staff[i].row.status = ROLLCALL_STATUS_ACTIVE;
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 0);
    assert_string_equal(company_held(c, id), "");
    company_close(c);
}

static void a_leave_date_that_was_accepted_earlier_is_never_held(void **state)
{
    struct company *c = hundred(100);

    (void)state;
    leave_at(c, 0, 60, c->now + 3600);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 0);
    company_wait(c, 3600 - 60 - 1);
    assert_int_equal(refused(c), 0);
    company_wait(c, 1);
    assert_int_equal(ended(c), 60);
    assert_true(c->rings > 0);
    company_close(c);
}

// ---- inferred losses ----

static void miss(struct company *c, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        c->staff[i].listed = false;
}

static void absence_refuses_after_a_second_listing_and_ends_nothing(void **state)
{
    struct company *c = hundred(100);

    (void)state;
    miss(c, 0, 5);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 0);
    assert_int_equal(company_same_listing(c), 0);
    assert_int_equal(refused(c), 0);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 5);
    assert_int_equal(ended(c), 0);
    company_close(c);
}

static void more_absences_than_the_breaker_allows_do_nothing_however_often(void **state)
{
    struct company *c = hundred(100);
    char id[32];

    (void)state;
    miss(c, 0, 6);
    for (int i = 0; i < 5; i++)
        assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 0);
    assert_string_not_equal(company_held(c, id), "");
    company_close(c);
}

static void held_absences_lock_on_approval_and_end_sessions(void **state)
{
    struct company *c = hundred(100);
    char id[32];

    (void)state;
    miss(c, 0, 6);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_approve(c, company_held(c, id)), 0);
    assert_int_equal(refused(c), 6);
    assert_int_equal(ended(c), 6);
    company_close(c);
}

static void held_absences_are_not_let_through_when_some_of_them_return(void **state)
{
    struct company *c = hundred(100);
    char id[32];

    (void)state;
    miss(c, 0, 10);
    assert_int_equal(company_listing(c), 0);
    for (size_t i = 3; i < 10; i++)
        c->staff[i].listed = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(company_listing(c), 0);
    assert_int_equal(refused(c), 0);
    assert_int_equal(company_approve(c, company_held(c, id)), 0);
    assert_int_equal(refused(c), 3);
    company_close(c);
}

static void absences_spread_over_listings_of_one_day_are_counted_together(void **state)
{
    struct company *c = hundred(100);

    (void)state;
    for (size_t i = 0; i < 12; i += 3) {
        miss(c, i, i + 3);
        assert_int_equal(company_listing(c), 0);
        assert_int_equal(company_listing(c), 0);
    }
    assert_true(refused(c) <= 5);
    assert_true(company_events(c, "hold") > 0);
    company_close(c);
}

static void a_listing_with_unreadable_rows_that_name_nobody_makes_nobody_absent(void **state)
{
    struct company *c = hundred(100);
    struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_PROBLEM, .text = "cut", .where = "people.csv:7:3"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        c->now += 60;
        assert_int_equal(company_begin(c, c->now), 0);
        for (size_t k = 1; k < c->n; k++)
            assert_int_equal(company_say(c, &c->staff[k]), 0);
        assert_int_equal(engine_core_message(c->core, "hr", &m, c->now), 0);
        assert_int_equal(company_commit(c, c->n - 1), 0);
        company_publish(c);
    }
    assert_int_equal(refused(c), 0);
    company_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_the_larger_of_count_and_share),
        cmocka_unit_test(explicit_leavers_up_to_the_limit_are_refused_and_ended),
        cmocka_unit_test(one_more_is_refused_at_once_and_ends_no_session_of_the_whole_batch),
        cmocka_unit_test(an_approved_batch_ends_its_sessions),
        cmocka_unit_test(a_later_single_termination_is_not_held_up_by_a_held_batch),
        cmocka_unit_test(the_share_is_of_those_who_were_employed_before_the_batch),
        cmocka_unit_test(leavers_of_the_same_day_are_counted_together),
        cmocka_unit_test(leavers_of_another_day_are_not),
        cmocka_unit_test(an_announced_layoff_is_not_held),
        cmocka_unit_test(an_announcement_that_is_over_counts_no_more),
        cmocka_unit_test(a_held_batch_stays_held_when_its_rows_change),
        cmocka_unit_test(a_held_batch_stays_held_over_a_reload_and_a_restart),
        cmocka_unit_test(held_people_who_are_seen_again_come_in_again),
        cmocka_unit_test(a_leave_date_that_was_accepted_earlier_is_never_held),
        cmocka_unit_test(absence_refuses_after_a_second_listing_and_ends_nothing),
        cmocka_unit_test(more_absences_than_the_breaker_allows_do_nothing_however_often),
        cmocka_unit_test(held_absences_lock_on_approval_and_end_sessions),
        cmocka_unit_test(held_absences_are_not_let_through_when_some_of_them_return),
        cmocka_unit_test(absences_spread_over_listings_of_one_day_are_counted_together),
        cmocka_unit_test(a_listing_with_unreadable_rows_that_name_nobody_makes_nobody_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
