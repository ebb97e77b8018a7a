// SPDX-License-Identifier: BSD-2-Clause
// Rules 1 to 10 where a listing leaves room, each by name, over the real core, state.db,
// board and journal.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/engine_fixture.h"

#define ALLOWED ROLLCALL_FLAG_ALLOWED_HERE
#define KEPT    ROLLCALL_FLAG_REFUSE_ONLY // sessions are kept

static void rule_1_a_group_gone_from_a_present_row_is_gone_at_once(void **state)
{
    static const char *const both[] = {"linux-users", "dba"}, *const other[] = {"dba"};
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;

    a.groups = both;
    a.n_groups = 2;
    listing(e, &a, 1);
    assert_int_equal(flags_of_person(e, "alice"), ALLOWED);
    a.groups = other;
    a.n_groups = 1;
    listing(e, &a, 1);
    assert_int_equal(flags_of_person(e, "alice"), 0);
}

static void rule_1_an_empty_cell_of_groups_waits_for_a_second_listing(void **state)
{
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;

    listing(e, &a, 1);
    a.groups_present = false;
    listing(e, &a, 1);
    assert_int_equal(flags_of_person(e, "alice"), ALLOWED);
    assert_int_equal(audited(e, "groups-missing", "1"), 1);
    assert_int_equal(begin(e, "hr", true, e->now), 0); // the same listing again
    say_row(e, "hr", &a);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(flags_of_person(e, "alice"), ALLOWED);
    listing(e, &a, 1);
    assert_int_equal(flags_of_person(e, "alice"), 0);
}

static void rule_1_groups_that_come_back_in_time_were_never_gone(void **state)
{
    struct rollcall_user_record a = row("1", "alice"), empty = a;
    struct engine *e = *state;

    empty.groups_present = false;
    listing(e, &a, 1);
    listing(e, &empty, 1);
    listing(e, &a, 1);
    listing(e, &empty, 1);
    assert_int_equal(flags_of_person(e, "alice"), ALLOWED);
}

static void rule_2_a_row_that_cannot_be_read_is_not_an_absence(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    listing(e, rows, 2);
    for (int i = 0; i < 4; i++) {
        e->now++;
        assert_int_equal(begin(e, "hr", true, e->now), 0);
        say_row(e, "hr", &rows[1]);
        say_broken(e, "hr", "1", false);
        assert_int_equal(commit(e, "hr", 1), 0);
        assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    }
    assert_int_equal(audited(e, "row-skipped", "1"), 4); // loudly, however often
    assert_int_equal(audited(e, "missing", NULL), 0);
}

static void rule_2_while_a_row_names_nobody_no_absence_counts(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    listing(e, rows, 2);
    for (int i = 0; i < 3; i++) {
        e->now++;
        assert_int_equal(begin(e, "hr", true, e->now), 0);
        say_row(e, "hr", &rows[1]);
        say_broken(e, "hr", NULL, false);
        assert_int_equal(commit(e, "hr", 1), 0);
    }
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "absences-not-counted", NULL), 3);
}

static void rule_3_an_unreadable_row_that_says_terminated_locks(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    listing(e, rows, 2);
    engine_forget(e);
    e->now++;
    assert_int_equal(begin(e, "hr", true, e->now), 0);
    say_row(e, "hr", &rows[1]);
    say_broken(e, "hr", "1", true);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
    assert_string_equal(reason_of(e, "alice"), "status-terminated");
    assert_int_equal(flags_of_person(e, "alice") & KEPT, 0);
    assert_int_equal(e->rings, 1);
    listing(e, rows, 2); // and a good row, the same as ever, is a fresh word
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
}

static void rule_4_two_rows_with_one_number_leave_the_established_state(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("1", "alice"), row("2", "eve"),
                                          row("2", "mallory")};
    struct engine *e = *state;

    listing(e, rows, 1);
    rows[1].status = ROLLCALL_STATUS_TERMINATED;
    for (int i = 0; i < 3; i++) {
        listing(e, rows, 4);
        assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    }
    assert_int_equal(state_of(e, "eve"), ROLLCALL_STATE_NONE);
    assert_int_equal(state_of(e, "mallory"), ROLLCALL_STATE_NONE);
    assert_true(audited_why(e, "row-refused", "rule 4"));
    assert_int_equal(audited(e, "missing", NULL), 0);
}

// A directory's entry that is changed twice within a moment comes twice in one delta. Once that
// was taken for a number that stands twice, and a termination was lost until the next change.
static void of_two_changes_of_one_record_in_a_delta_the_later_counts(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob"), row("3", "carol")};
    struct rollcall_user_record twice = rows[0], left = rows[0], back = rows[1];
    struct engine *e = *state;

    left.status = twice.status = ROLLCALL_STATUS_TERMINATED;
    twice.display_name = "Alice Arnold";
    listing(e, rows, 3);
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    say_row(e, "hr", &left);
    say_row(e, "hr", &twice);
    say_gone(e, "hr", "2");
    say_row(e, "hr", &back);
    rows[2].status = ROLLCALL_STATUS_TERMINATED;
    say_row(e, "hr", &rows[2]);
    say_broken(e, "hr", "3", false);
    assert_int_equal(commit(e, "hr", 4), 0);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
    // The last good row stands, and it said so.
    assert_int_equal(state_of(e, "carol"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(audited(e, "row-refused", NULL), 0);
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    say_row(e, "hr", &back);
    say_broken(e, "hr", "2", true);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_TERMINATED);
}

static void rule_4_two_new_rows_with_one_user_name_are_both_refused(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "alice")};
    struct engine *e = *state;

    listing(e, rows, 2);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_NONE);
    assert_true(audited_why(e, "row-refused", "rule 4"));
}

static void rule_5_a_number_without_its_zeros_is_refused_and_its_owner_present(void **state)
{
    const struct rollcall_user_record right = row("0042", "alice"), wrong = row("42", "alice");
    struct engine *e = *state;
    int64_t uid;

    listing(e, &right, 1);
    uid = uid_of(e, "alice");
    for (int i = 0; i < 4; i++)
        listing(e, &wrong, 1);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(uid_of(e, "alice"), uid);
    assert_true(audited_why(e, "row-refused", "rule 5"));
    assert_int_equal(audited(e, "missing", NULL), 0);
}

static void rule_5_holds_behind_a_join_prefix(void **state)
{
    const struct rollcall_user_record right = row("0042", "alice"), wrong = row("42", "alice");
    struct engine *e = *state;
    char prefix[] = "hr-";

    e->config.source[0].join_prefix = prefix;
    listing(e, &right, 1);
    for (int i = 0; i < 4; i++)
        listing(e, &wrong, 1);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_true(audited_why(e, "row-refused", "rule 5"));
}

static void rule_6_a_file_written_anew_with_the_same_bytes_is_a_second_listing(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    listing(e, rows, 2);
    listing(e, rows, 1);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "missing", "2"), 1);
    listing(e, rows, 1);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_LOCKED);
    assert_string_equal(reason_of(e, "bob"), "missing");
}

static void rule_6_a_poll_of_the_same_file_never_counts(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;
    int64_t as_of;

    listing(e, rows, 2);
    listing(e, rows, 1);
    as_of = e->now;
    for (int i = 0; i < 5; i++) {
        e->now += 3600;
        assert_int_equal(begin(e, "hr", true, as_of), 0);
        say_row(e, "hr", &rows[0]);
        assert_int_equal(commit(e, "hr", 1), 0);
    }
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
}

static void rule_6_one_who_is_seen_between_two_absences_was_never_absent(void **state)
{
    const struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    for (int i = 0; i < 3; i++) {
        listing(e, rows, 2);
        listing(e, rows, 1);
    }
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
}

static void rule_7_a_file_older_than_the_last_is_refused_whole(void **state)
{
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;

    listing(e, &a, 1);
    a.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(begin(e, "hr", true, e->now - 1), -EBADMSG);
    say_row(e, "hr", &a);
    assert_int_equal(commit(e, "hr", 1), -EBADMSG);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_true(audited_why(e, "listing-refused", "rule 7"));
}

static void rule_8_a_listing_that_lacks_too_many_counts_for_nobody(void **state)
{
    struct rollcall_user_record rows[10];
    struct engine *e = *state;
    char buf[24];

    crowd(rows, 10);
    listing(e, rows, 10);
    listing(e, rows, 6); // four lack; three are allowed
    assert_int_equal(audited(e, "hold", NULL), 1);
    assert_int_equal(audited(e, "missing", NULL), 0);
    listing(e, rows, 10);
    assert_string_equal(the_hold(e, buf), "");
    listing(e, rows, 9); // a first absence, not a second
    assert_int_equal(state_of(e, "p9"), ROLLCALL_STATE_ACTIVE);
}

static void rule_9_a_held_batch_stays_held_until_it_is_approved(void **state)
{
    struct rollcall_user_record rows[10];
    struct engine *e = *state;
    json_t *answer;
    char buf[24];

    crowd(rows, 10);
    listing(e, rows, 10);
    for (int i = 0; i < 3; i++) {
        listing(e, rows, 6);
        tick(e, e->now + 2 * DAY);
    }
    assert_int_equal(state_of(e, "p9"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(engine_core_approve(e->core, the_hold(e, buf), "root", e->now, &answer), 0);
    assert_int_equal(json_integer_value(json_object_get(answer, "people")), 4);
    json_decref(answer);
    assert_int_equal(state_of(e, "p9"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(flags_of_person(e, "p9") & KEPT, 0); // approval ends sessions
    assert_int_equal(state_of(e, "p5"), ROLLCALL_STATE_ACTIVE);
}

static int64_t held_by_groups(struct engine *e)
{
    return store_number(&e->core->store, 0, "SELECT n FROM hold WHERE kind = 'groups'", "");
}

static size_t allowed(struct engine *e, const struct rollcall_user_record *rows, size_t n)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found += flags_of_person(e, rows[i].user_name) == ALLOWED;
    return found;
}

// A change of one person, or of somebody else, is not the second listing that lets it through.
static void rule_9_held_groups_stand_when_a_batch_has_none_of_them(void **state)
{
    struct rollcall_user_record rows[12], other = row("9", "zoe");
    struct engine *e = *state;

    crowd(rows, 12);
    listing(e, rows, 12);
    for (size_t i = 0; i < 12; i++)
        rows[i].groups_present = false;
    listing(e, rows, 12);
    listing(e, rows, 12);
    assert_int_equal(held_by_groups(e), 12);
    say_alone(e, "hr", &other);
    assert_int_equal(held_by_groups(e), 12);
    say_alone(e, "hr", &rows[3]);
    assert_int_equal(held_by_groups(e), 12);
    assert_int_equal(allowed(e, rows, 12), 12);
    for (size_t i = 0; i < 11; i++) {
        rows[i].groups_present = true;
        say_alone(e, "hr", &rows[i]);
    }
    assert_int_equal(held_by_groups(e), 1);
    rows[11].department = "new";
    say_alone(e, "hr", &rows[11]);
    assert_int_equal(allowed(e, rows, 12), 12);
    rows[11].groups_present = true;
    say_alone(e, "hr", &rows[11]);
    assert_int_equal(held_by_groups(e), 0);
    assert_int_equal(allowed(e, rows, 12), 12);
}

static void rule_9_held_people_do_not_slip_through_when_others_of_the_batch_return(void **state)
{
    struct rollcall_user_record rows[10];
    struct engine *e = *state;

    crowd(rows, 10);
    listing(e, rows, 10);
    listing(e, rows, 5);
    for (int i = 0; i < 3; i++)
        listing(e, rows, 8); // two of the five are still not there
    assert_int_equal(state_of(e, "p7"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(state_of(e, "p8"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(state_of(e, "p9"), ROLLCALL_STATE_ACTIVE);
}

static void rule_10_a_pending_person_missing_on_the_first_day_stays_pending(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    rows[1].start = START + DAY;
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_PENDING);
    listing(e, rows, 1);
    tick(e, START + DAY);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_PENDING);
    listing(e, rows, 1);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_PENDING);
    tick(e, START + 2 * DAY);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_PENDING);
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
}

static void rule_10_one_absence_and_then_the_row_is_enough_to_start(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    rows[1].start = START + DAY;
    listing(e, rows, 2);
    listing(e, rows, 1);
    tick(e, START + DAY);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_PENDING);
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
}

static void rule_10_who_is_listed_starts_on_the_second(void **state)
{
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;

    a.start = START + DAY;
    listing(e, &a, 1);
    assert_int_equal(engine_core_deadline(e->core), START + DAY);
    tick(e, START + DAY - 1);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_PENDING);
    tick(e, START + DAY);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_1_a_group_gone_from_a_present_row_is_gone_at_once),
        TEST(rule_1_an_empty_cell_of_groups_waits_for_a_second_listing),
        TEST(rule_1_groups_that_come_back_in_time_were_never_gone),
        TEST(rule_2_a_row_that_cannot_be_read_is_not_an_absence),
        TEST(rule_2_while_a_row_names_nobody_no_absence_counts),
        TEST(rule_3_an_unreadable_row_that_says_terminated_locks),
        TEST(rule_4_two_rows_with_one_number_leave_the_established_state),
        TEST(of_two_changes_of_one_record_in_a_delta_the_later_counts),
        TEST(rule_4_two_new_rows_with_one_user_name_are_both_refused),
        TEST(rule_5_a_number_without_its_zeros_is_refused_and_its_owner_present),
        TEST(rule_5_holds_behind_a_join_prefix),
        TEST(rule_6_a_file_written_anew_with_the_same_bytes_is_a_second_listing),
        TEST(rule_6_a_poll_of_the_same_file_never_counts),
        TEST(rule_6_one_who_is_seen_between_two_absences_was_never_absent),
        TEST(rule_7_a_file_older_than_the_last_is_refused_whole),
        TEST(rule_8_a_listing_that_lacks_too_many_counts_for_nobody),
        TEST(rule_9_a_held_batch_stays_held_until_it_is_approved),
        TEST(rule_9_held_groups_stand_when_a_batch_has_none_of_them),
        TEST(rule_9_held_people_do_not_slip_through_when_others_of_the_batch_return),
        TEST(rule_10_a_pending_person_missing_on_the_first_day_stays_pending),
        TEST(rule_10_one_absence_and_then_the_row_is_enough_to_start),
        TEST(rule_10_who_is_listed_starts_on_the_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
