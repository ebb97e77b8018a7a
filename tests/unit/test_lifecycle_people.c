// SPDX-License-Identifier: BSD-2-Clause
// Rules 11 to 16 where a listing leaves room, each by name, over the real core, state.db,
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

#include "rollcall/admission.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/csv_row.h"
#include "tests/unit/engine_fixture.h"

#define KEPT ROLLCALL_FLAG_REFUSE_ONLY // sessions are kept

// Alice, number 1, has left; number 2 wants her userName.
static int64_t alice_left(struct engine *e, struct rollcall_user_record rows[2])
{
    rows[0] = row("1", "alice");
    rows[1] = row("2", "alice");
    listing(e, rows, 1);
    rows[0].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 1);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
    listing(e, rows, 2);
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
    assert_true(audited_why(e, "row-refused", "rule 11"));
    return uid_of(e, "alice");
}

static void say_of_2(struct engine *e, const char *what)
{
    json_t *answer = NULL;

    assert_int_equal(engine_core_approve(e->core, what, "root", e->now, &answer), 0);
    json_decref(answer);
}

static void rule_11_a_leavers_name_under_a_new_number_waits_for_a_word(void **state)
{
    struct rollcall_user_record rows[2];

    alice_left(*state, rows);
}

static void rule_11_another_person_gets_the_name_and_never_the_uid(void **state)
{
    struct rollcall_user_record rows[2];
    struct engine *e = *state;
    int64_t uid = alice_left(e, rows);

    say_of_2(e, "2=another");
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_not_equal(uid_of(e, "alice"), uid);
}

static void rule_11_a_rehire_by_word_gets_the_uid_back_and_keeps_it(void **state)
{
    struct rollcall_user_record rows[2];
    struct engine *e = *state;
    int64_t uid = alice_left(e, rows);

    say_of_2(e, "2=rehire");
    for (int i = 0; i < 3; i++) {
        listing(e, rows, 2); // the old number's row, terminated, is still in the file
        assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
        assert_int_equal(uid_of(e, "alice"), uid);
    }
}

static void rule_11_a_rehire_by_word_outlives_the_loss_of_the_state(void **state)
{
    struct rollcall_user_record rows[2], back;
    struct engine *e = *state;
    int64_t uid = alice_left(e, rows);

    say_of_2(e, "2=rehire");
    listing(e, rows, 2);
    engine_lose_state(e);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_NONE); // no name until a source speaks
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(uid_of(e, "alice"), uid);
    back = row("1", "alicia"); // the number that she has no more gives nobody her uid
    listing(e, (struct rollcall_user_record[]){back, rows[1]}, 2);
    assert_int_equal(uid_of(e, "alice"), uid);
    assert_int_not_equal(uid_of(e, "alicia"), uid);
}

static void rule_11_the_word_is_found_behind_a_join_prefix(void **state)
{
    struct rollcall_user_record rows[2];
    struct engine *e = *state;
    char prefix[] = "hr-";
    int64_t uid;

    e->config.source[0].join_prefix = prefix;
    uid = alice_left(e, rows);
    say_of_2(e, "hr-2=rehire");
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(uid_of(e, "alice"), uid);
}

static void rule_11_the_same_number_active_again_is_a_rehire_with_fresh_factors(void **state)
{
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;
    json_t *user;
    int64_t uid;

    listing(e, &a, 1);
    uid = uid_of(e, "alice");
    a.status = ROLLCALL_STATUS_TERMINATED;
    listing(e, &a, 1);
    a.status = ROLLCALL_STATUS_ACTIVE;
    listing(e, &a, 1);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(uid_of(e, "alice"), uid);
    assert_int_equal(engine_core_user(e->core, "alice", e->now, &user), 0);
    assert_int_equal(json_integer_value(json_object_get(user, "incarnation")), 2);
    assert_string_equal(json_string_value(json_object_get(user, "home")), "/home/alice");
    json_decref(user);
}

// A row of these dates through the csv source's mapper.
static json_t *map_dates(const char *start, const char *end, const char *at, char warning[300])
{
    static const char *const names[] = {"employeeNumber", "userName", "status",
                                        "startDate",      "endDate",  "terminatedAt"};
    const char *const cells[] = {"1", "alice", "active", start, end, at};
    struct csv_row_fault fault = {0};
    struct csv_header header;
    json_t *user = NULL;

    assert_int_equal(csv_header_take(names, 6, &header, warning, 300), 0);
    assert_int_equal(csv_row_take(&header, cells, 6, &user, &fault, warning, 300), 0);
    return user;
}

static void rule_12_a_rehire_with_an_end_before_its_start_stays_terminated(void **state)
{
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;
    char warning[300];
    json_t *user = map_dates("2026-11-02", "2026-03-31", "", warning);

    assert_non_null(strstr(warning, "endDate \"2026-03-31\""));
    assert_non_null(strstr(warning, "startDate \"2026-11-02\""));
    assert_true(json_is_true(
        json_object_get(json_object_get(user, "urn:rollcall:1.0:User"), "rehireConflict")));
    json_decref(user);
    listing(e, &a, 1);
    a.status = ROLLCALL_STATUS_TERMINATED;
    listing(e, &a, 1);
    a.status = ROLLCALL_STATUS_ACTIVE;
    a.rehire_conflict = true;
    listing(e, &a, 1);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
    assert_string_equal(reason_of(e, "alice"), "rehire-dates");
}

static void check_date(const char *column, const char *text, const char *want, bool warned)
{
    char warning[300];
    bool at = strcmp(column, "terminatedAt") == 0;
    json_t *user = map_dates("", at ? "" : text, at ? text : "", warning);
    const json_t *ours = json_object_get(user, "urn:rollcall:1.0:User");

    assert_string_equal(json_string_value(json_object_get(ours, at ? column : "end")), want);
    assert_int_equal(*warning != 0, warned);
    json_decref(user);
}

static void rule_13_dates_are_read_in_the_configured_zone(void **state)
{
    (void)state;
    assert_int_equal(rollcall_timezone_use("Europe/Berlin"), 0);
    check_date("terminatedAt", "2026-06-10T12:00:00+02:00", "2026-06-10T10:00:00Z", false);
    check_date("terminatedAt", "2026-06-10T12:00", "2026-06-10T10:00:00Z", true);
    check_date("terminatedAt", "2026-12-10", "2026-12-09T23:00:00Z", true);
    check_date("endDate", "2026-06-10", "2026-06-10T22:00:00Z", false);
    check_date("endDate", "2026-03-29", "2026-03-29T22:00:00Z", false); // a day of 23 hours
    check_date("endDate", "2026-10-25", "2026-10-25T23:00:00Z", false); // a day of 25 hours
}

static void rule_14_beyond_the_limit_the_whole_batch_is_held(void **state)
{
    struct rollcall_user_record rows[10];
    struct engine *e = *state;
    json_t *answer;
    char buf[24];

    crowd(rows, 10);
    listing(e, rows, 10);
    for (int i = 0; i < 5; i++) // four are allowed
        rows[i].status = ROLLCALL_STATUS_TERMINATED;
    engine_forget(e);
    listing(e, rows, 10);
    for (int i = 0; i < 5; i++) { // refused at once, and no session ends
        char name[] = {'p', (char)('0' + i), 0};
        assert_int_equal(state_of(e, name), ROLLCALL_STATE_TERMINATED);
        assert_int_equal(flags_of_person(e, name) & KEPT, KEPT);
    }
    assert_int_equal(e->rings, 0);
    assert_int_equal(engine_core_user(e->core, "p0", e->now, &answer), 0);
    assert_string_equal(json_string_value(json_object_get(answer, "held")), the_hold(e, buf));
    json_decref(answer);
    tick(e, e->now + 2 * DAY); // and never by itself
    engine_reopen(e);
    assert_int_equal(flags_of_person(e, "p0") & KEPT, KEPT);
    assert_int_equal(engine_core_approve(e->core, the_hold(e, buf), "root", e->now, &answer), 0);
    json_decref(answer);
    assert_int_equal(flags_of_person(e, "p0") & KEPT, 0);
    assert_int_equal(e->rings, 1);
}

static void rule_14_held_people_do_not_count_again_and_a_later_one_is_a_batch(void **state)
{
    struct rollcall_user_record rows[12];
    struct engine *e = *state;

    crowd(rows, 12);
    listing(e, rows, 12);
    for (int i = 0; i < 5; i++)
        rows[i].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 12);
    rows[5].status = ROLLCALL_STATUS_TERMINATED;
    engine_forget(e);
    listing(e, rows, 12);
    assert_int_equal(flags_of_person(e, "p5") & KEPT, 0);
    assert_int_equal(e->rings, 1);
    assert_int_equal(flags_of_person(e, "p0") & KEPT, KEPT);
}

static void rule_14_so_is_one_more_who_is_missing_beside_those_that_are_held(void **state)
{
    struct rollcall_user_record rows[12];
    struct engine *e = *state;

    crowd(rows, 12);
    listing(e, rows, 12);
    listing(e, rows, 7); // five are held
    listing(e, rows, 6);
    assert_int_equal(state_of(e, "p6"), ROLLCALL_STATE_ACTIVE);
    listing(e, rows, 6);
    assert_int_equal(state_of(e, "p6"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(state_of(e, "p7"), ROLLCALL_STATE_ACTIVE);
}

static void rule_14_the_window_adds_up_and_forgets(void **state)
{
    struct rollcall_user_record rows[20];
    struct engine *e = *state;
    char buf[24];

    crowd(rows, 20);
    listing(e, rows, 20);
    for (int i = 0; i < 4; i++) {
        rows[i].status = ROLLCALL_STATUS_TERMINATED;
        listing(e, rows, 20);
    }
    assert_string_equal(the_hold(e, buf), "");
    e->now += DAY + 60;
    rows[4].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 20);
    assert_int_equal(flags_of_person(e, "p4") & KEPT, 0);
    for (int i = 5; i < 9; i++) // with the one before, five within a day
        rows[i].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 20);
    assert_int_equal(flags_of_person(e, "p5") & KEPT, KEPT);
}

static void rule_14_the_share_is_of_people_who_are_not_terminated(void **state)
{
    (void)state;
    assert_int_equal(breaker_limit(5, 200, 1000), 20);
    assert_int_equal(breaker_limit(5, 200, 100), 5);
    assert_int_equal(breaker_limit(0, 10000, UINT64_MAX), UINT64_MAX);
}

static void rule_14_an_inferred_lock_refuses_and_an_explicit_word_ends_sessions(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;

    listing(e, rows, 2);
    engine_forget(e);
    listing(e, rows, 1);
    listing(e, rows, 1);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(flags_of_person(e, "bob") & KEPT, KEPT);
    assert_int_equal(e->rings, 0);
    rows[1].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 2);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(flags_of_person(e, "bob") & KEPT, 0);
    assert_int_equal(e->rings, 1);
}

static void rule_15_swapped_names_both_stand(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;
    int64_t alice, bob;

    listing(e, rows, 2);
    alice = uid_of(e, "alice");
    bob = uid_of(e, "bob");
    rows[0].user_name = "bob";
    rows[1].user_name = "alice";
    listing(e, rows, 2);
    listing(e, rows, 2);
    assert_int_equal(uid_of(e, "alice"), alice);
    assert_int_equal(uid_of(e, "bob"), bob);
    assert_true(audited_why(e, "row-refused", "rule 15"));
}

static void rule_15_a_renamed_persons_old_name_logs_nobody_in(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "alice")};
    struct rollcall_admission admission;
    struct engine *e = *state;
    int64_t uid;

    listing(e, rows, 1);
    uid = uid_of(e, "alice");
    rows[0].user_name = "alison";
    listing(e, rows, 2); // and nobody else gets it
    assert_int_equal(uid_of(e, "alison"), uid);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_NONE);
    assert_int_equal(engine_core_publish(e->core, e->now), 0);
    rollcall_admission_look_up(e->paths.board, e->paths.private_, "alice", 0, e->now, &admission,
                               NULL, NULL, 0);
    assert_int_equal(admission.cause, ROLLCALL_REFUSE_FORMER_NAME);
    rollcall_admission_look_up(e->paths.board, e->paths.private_, "alison", 0, e->now, &admission,
                               NULL, NULL, 0);
    assert_int_equal(admission.cause, ROLLCALL_ADMIT);
}

static void what_was_refused_is_told_of_the_one_whose_name_it_is(void **state)
{
    struct rollcall_user_record rows[] = {row("1", "alice"), row("2", "bob")};
    struct engine *e = *state;
    json_t *user, *refused;

    listing(e, rows, 2);
    rows[1].user_name = "alice";
    listing(e, rows, 2);
    for (int i = 0; i < 2; i++) { // of both: who has the name, and who wants it
        assert_int_equal(engine_core_user(e->core, i ? "bob" : "alice", e->now, &user), 0);
        refused = json_object_get(user, "refused");
        assert_int_equal(json_array_size(refused), 1);
        assert_non_null(strstr(json_string_value(json_array_get(refused, 0)), "(rule 15)"));
        json_decref(user);
    }
    rows[1].user_name = "bob";
    listing(e, rows, 2);
    assert_int_equal(engine_core_user(e->core, "alice", e->now, &user), 0);
    assert_int_equal(json_array_size(json_object_get(user, "refused")), 0);
    json_decref(user);
}

static void rule_16_the_strictest_of_two_sources_wins(void **state)
{
    struct rollcall_user_record a = row("1", "alice"), b = a;
    struct engine *e = *state;

    engine_add_source(e, "idp", ROLLCALL_ROLE_SIGNAL);
    listing(e, &a, 1);
    b.status = ROLLCALL_STATUS_TERMINATED;
    say_alone(e, "idp", &b);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
    a.display_name = "Alice A.";
    listing(e, &a, 1); // HR's active does not give what the other takes
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
}

static void rule_16_silence_about_anothers_people_means_nothing(void **state)
{
    const struct rollcall_user_record a = row("1", "alice"), b = row("9", "bob");
    struct engine *e = *state;

    engine_add_source(e, "agency", ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY);
    listing(e, &a, 1);
    for (int i = 0; i < 3; i++) {
        e->now++;
        assert_int_equal(begin(e, "agency", true, e->now), 0);
        say_row(e, "agency", &b);
        assert_int_equal(commit(e, "agency", 1), 0);
    }
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_ACTIVE);
}

static void rule_16_a_record_that_is_gone_never_unlocks(void **state)
{
    struct rollcall_user_record a = row("1", "alice"), b = a;
    struct engine *e = *state;

    engine_add_source(e, "idp", ROLLCALL_ROLE_SIGNAL);
    listing(e, &a, 1);
    b.status = ROLLCALL_STATUS_DISABLED;
    say_alone(e, "idp", &b);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_SUSPENDED);
    e->now++;
    assert_int_equal(begin(e, "idp", false, e->now), 0);
    say_gone(e, "idp", "1");
    assert_int_equal(commit(e, "idp", 0), 0);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_SUSPENDED);
    b.status = ROLLCALL_STATUS_ACTIVE; // a fresh word of the one that took does give
    say_alone(e, "idp", &b);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
}

static void rule_16_nor_does_a_leavers_row_that_is_deleted(void **state)
{
    struct rollcall_user_record a = row("1", "alice");
    struct engine *e = *state;

    listing(e, &a, 1);
    a.status = ROLLCALL_STATUS_TERMINATED;
    listing(e, &a, 1);
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    say_gone(e, "hr", "1");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_TERMINATED);
}

static void a_record_that_was_deleted_on_purpose_locks_and_ends_sessions(void **state)
{
    struct rollcall_user_record a = row("1", "alice"), b = row("2", "bob");
    const struct rollcall_message deleted = {
        .kind = ROLLCALL_MESSAGE_GONE, .id = "1", .gone_status = ROLLCALL_STATUS_LOCKED};
    const struct rollcall_user_record both[] = {a, b};
    struct engine *e = *state;

    listing(e, both, 2);
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    assert_int_equal(engine_core_message(e->core, "hr", &deleted, e->now), 0);
    say_gone(e, "hr", "2");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(state_of(e, "bob"), ROLLCALL_STATE_LOCKED);
    assert_false(flags_of_person(e, "alice") & ROLLCALL_FLAG_REFUSE_ONLY);
    assert_true(flags_of_person(e, "bob") & ROLLCALL_FLAG_REFUSE_ONLY);
    e->now++; // restored
    say_alone(e, "hr", &a);
    assert_int_equal(state_of(e, "alice"), ROLLCALL_STATE_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_that_was_deleted_on_purpose_locks_and_ends_sessions),
        TEST(rule_11_a_leavers_name_under_a_new_number_waits_for_a_word),
        TEST(rule_11_another_person_gets_the_name_and_never_the_uid),
        TEST(rule_11_a_rehire_by_word_gets_the_uid_back_and_keeps_it),
        TEST(rule_11_a_rehire_by_word_outlives_the_loss_of_the_state),
        TEST(rule_11_the_word_is_found_behind_a_join_prefix),
        TEST(rule_11_the_same_number_active_again_is_a_rehire_with_fresh_factors),
        TEST(rule_12_a_rehire_with_an_end_before_its_start_stays_terminated),
        TEST(rule_13_dates_are_read_in_the_configured_zone),
        TEST(rule_14_beyond_the_limit_the_whole_batch_is_held),
        TEST(rule_14_held_people_do_not_count_again_and_a_later_one_is_a_batch),
        TEST(rule_14_so_is_one_more_who_is_missing_beside_those_that_are_held),
        TEST(rule_14_the_window_adds_up_and_forgets),
        TEST(rule_14_the_share_is_of_people_who_are_not_terminated),
        TEST(rule_14_an_inferred_lock_refuses_and_an_explicit_word_ends_sessions),
        TEST(rule_15_swapped_names_both_stand),
        TEST(rule_15_a_renamed_persons_old_name_logs_nobody_in),
        TEST(what_was_refused_is_told_of_the_one_whose_name_it_is),
        TEST(rule_16_the_strictest_of_two_sources_wins),
        TEST(rule_16_silence_about_anothers_people_means_nothing),
        TEST(rule_16_a_record_that_is_gone_never_unlocks),
        TEST(rule_16_nor_does_a_leavers_row_that_is_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
