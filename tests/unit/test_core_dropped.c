// SPDX-License-Identifier: BSD-2-Clause
// Whom a source leaves out on purpose, what it says of risks, and of this machine. That a
// difference says the same as a whole listing is in test_core_difference.c, and what happens to
// many at once in test_core_dropped_held.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/engine_fixture.h"

static void say_dropped_as(struct engine *e, const char *id, const char *reason,
                           enum rollcall_status status)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_DROPPED,
                                       .id = id,
                                       .reason = reason,
                                       .name = "Eve of Elsewhere",
                                       .gone_status = status};

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
}

static void say_dropped(struct engine *e, const char *id, const char *reason)
{
    say_dropped_as(e, id, reason, ROLLCALL_STATUS_UNKNOWN);
}

// A full listing of `n` rows, and of those who are dropped, by id.
static void listing_without(struct engine *e, const struct rollcall_user_record *rows, size_t n,
                            const char *dropped)
{
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (size_t i = 0; i < n; i++)
        say_row(e, "hr", &rows[i]);
    if (dropped)
        say_dropped(e, dropped, "guest");
    assert_int_equal(commit(e, "hr", n), 0);
}

static json_t *ask_source(struct engine *e, const char *after)
{
    json_t *o = NULL;

    assert_int_equal(engine_core_source(e->core, "hr", after, e->now, &o), 0);
    return o;
}

static int64_t number_of_dropped(struct engine *e)
{
    json_t *o = ask_source(e, NULL);
    int64_t n = json_integer_value(json_object_get(json_object_get(o, "dropped"), "total"));

    json_decref(o);
    return n;
}

static char *said_about(struct engine *e, const char *name)
{
    json_t *o = NULL;
    char *text;

    engine_core_user(e->core, name, e->now, &o);
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static void who_was_a_person_is_refused_and_keeps_session_and_uid(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];
    int64_t uid;
    char *why;

    crowd(rows, 3);
    listing(e, rows, 3);
    uid = uid_of(e, "p2");
    listing_without(e, rows, 2, "1002");
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_LOCKED);
    assert_true(flags_of_person(e, "p2") & ROLLCALL_FLAG_REFUSE_ONLY);
    assert_string_equal(reason_of(e, "p2"), "dropped");
    why = said_about(e, "p2");
    assert_non_null(strstr(why, "leaves the account 1002 out: a guest of another organisation"));
    free(why);
    listing_without(e, rows, 2, "1002"); // it is no absence
    assert_int_equal(audited(e, "missing", NULL), 0);
    engine_reopen(e);
    listing(e, rows, 3);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(uid_of(e, "p2"), uid);
    assert_int_equal(number_of_dropped(e), 0);
}

static void nobody_is_made_of_a_dropped_record_and_it_is_listed_with_its_reason(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[1];
    json_t *o, *reason;
    char *why;

    crowd(rows, 1);
    listing_without(e, rows, 1, "g-77");
    o = ask_source(e, NULL);
    reason = json_array_get(json_object_get(json_object_get(o, "dropped"), "reasons"), 0);
    assert_string_equal(json_string_value(json_object_get(reason, "reason")), "guest");
    assert_int_equal(json_integer_value(json_object_get(reason, "n")), 1);
    json_decref(o);
    o = ask_source(e, "");
    assert_int_equal(json_array_size(json_object_get(o, "list")), 1);
    json_decref(o);
    o = ask_source(e, "g-77");
    assert_int_equal(json_array_size(json_object_get(o, "list")), 0);
    json_decref(o);
    why = said_about(e, "Eve of Elsewhere");
    assert_non_null(strstr(why, "unknown-user"));
    assert_non_null(strstr(why, "leaves the account g-77 out"));
    free(why);
    // A source may well name who left before this host knew them: that is not denied.
    why = said_about(e, "nora");
    assert_non_null(strstr(why, "nobody of this name has an account here"));
    free(why);
}

static void an_end_of_employment_is_not_taken_back_by_a_drop(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    crowd(rows, 2);
    listing(e, rows, 2);
    rows[1].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 2);
    listing_without(e, rows, 1, "1001");
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(number_of_dropped(e), 1);
}

static void say_deleted(struct engine *e, const char *id, enum rollcall_status status)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_GONE, .id = id, .gone_status = status};

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
}

static bool ends_sessions(struct engine *e, const char *name)
{
    return state_of(e, name) >= ROLLCALL_STATE_SUSPENDED &&
           !(flags_of_person(e, name) & ROLLCALL_FLAG_REFUSE_ONLY);
}

// Between two readings both happened: somebody left, and is out of the groups that count.
static void an_end_stands_that_is_said_in_one_delta_with_a_drop(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[6];

    e->config.breaker_explicit_count = 20;
    crowd(rows, 6);
    listing(e, rows, 6);
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    rows[0].status = ROLLCALL_STATUS_TERMINATED;
    say_row(e, "hr", &rows[0]);
    say_dropped(e, "1000", "unassigned");
    say_deleted(e, "1001", ROLLCALL_STATUS_TERMINATED);
    say_dropped(e, "1001", "unassigned");
    say_deleted(e, "1002", ROLLCALL_STATUS_LOCKED);
    say_dropped(e, "1002", "unassigned");
    say_broken(e, "hr", "1003", true);
    say_dropped(e, "1003", "unassigned");
    say_dropped(e, "1004", "unassigned");
    say_broken(e, "hr", "1004", true);
    rows[5].status = ROLLCALL_STATUS_DISABLED;
    say_row(e, "hr", &rows[5]);
    say_dropped(e, "1005", "unassigned");
    say_dropped(e, "1005", "no-marker");
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(state_of(e, "p3"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p4"), ROLLCALL_STATE_TERMINATED);
    assert_true(ends_sessions(e, "p2"));
    assert_true(ends_sessions(e, "p5"));
    assert_int_equal(number_of_dropped(e), 6);
}

// A source that just began knows nothing of what it said before: it says what it sees.
static void an_end_that_is_said_with_a_drop_ends_sessions(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[4];

    crowd(rows, 4);
    listing(e, rows, 4);
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    say_dropped_as(e, "1000", "unassigned", ROLLCALL_STATUS_TERMINATED);
    say_dropped_as(e, "1001", "unassigned", ROLLCALL_STATUS_DISABLED);
    say_dropped(e, "1002", "unassigned");
    say_dropped_as(e, "1003", "guest", ROLLCALL_STATUS_LOCKED);
    say_dropped_as(e, "1003", "guest", ROLLCALL_STATUS_DISABLED); // the strictest stands
    say_dropped_as(e, "a stranger", "unassigned", ROLLCALL_STATUS_TERMINATED);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_SUSPENDED);
    assert_int_equal(state_of(e, "p3"), ROLLCALL_STATE_LOCKED);
    assert_true(ends_sessions(e, "p1") && ends_sessions(e, "p3"));
    assert_false(ends_sessions(e, "p2"));
    engine_reopen(e);
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (int i = 0; i < 4; i++)
        say_dropped_as(e, rows[i].id, "unassigned", ROLLCALL_STATUS_TERMINATED);
    assert_int_equal(commit(e, "hr", 0), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(state_of(e, rows[i].user_name), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(store_number(&e->core->store, -1, "SELECT count(*) FROM person", ""), 4);
}

// Somebody moved to another account, and the old one is cleared away.
static void the_end_of_an_account_that_was_left_out_ends_nobody_who_has_another(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    listing(e, rows, 3);
    listing_without(e, rows, 2, "1002");
    rows[2].id = "made-anew";
    listing_without(e, rows, 3, "1002");
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    say_dropped_as(e, "1002", "guest", ROLLCALL_STATUS_DISABLED);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    say_deleted(e, "1002", ROLLCALL_STATUS_TERMINATED);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_ACTIVE);
    rows[2].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 3);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_TERMINATED);
}

// Rule 11, with the old account still there.
static void who_gets_an_account_after_the_end_of_one_is_employed_again(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    listing(e, rows, 3);
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    say_dropped_as(e, "1001", "unassigned", ROLLCALL_STATUS_TERMINATED);
    say_deleted(e, "1002", ROLLCALL_STATUS_LOCKED);
    assert_int_equal(commit(e, "hr", 0), 0);
    rows[1].id = "new-1";
    rows[2].id = "new-2";
    for (int again = 0; again < 2; again++) { // a process that just began says all of it again
        assert_int_equal(begin(e, "hr", true, ++e->now), 0);
        for (int i = 0; i < 3; i++)
            say_row(e, "hr", &rows[i]);
        say_dropped_as(e, "1001", "unassigned", ROLLCALL_STATUS_TERMINATED);
        say_deleted(e, "1002", ROLLCALL_STATUS_LOCKED);
        assert_int_equal(commit(e, "hr", 3), 0);
        assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
        assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_ACTIVE);
    }
}

static void what_ends_sessions_is_not_weakened_by_a_drop(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    listing(e, rows, 3);
    rows[1].status = ROLLCALL_STATUS_DISABLED;
    rows[2].status = ROLLCALL_STATUS_LEAVE;
    listing(e, rows, 3);
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    say_dropped(e, "1001", "unassigned");
    say_dropped(e, "1002", "unassigned");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(ends_sessions(e, "p1"));
    assert_true(ends_sessions(e, "p2"));
    rows[1].status = ROLLCALL_STATUS_ACTIVE;
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    say_row(e, "hr", &rows[1]);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
}

// One of two accounts of an employee's is made a guest's, or was never an employee's to be.
static void a_dropped_account_says_nothing_beside_one_that_is_listed(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];
    int64_t uid;

    crowd(rows, 2);
    listing(e, rows, 2);
    uid = uid_of(e, "p1");
    listing_without(e, rows, 1, "1001");
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_LOCKED);
    rows[1].id = "made-anew";
    listing_without(e, rows, 2, "1001");
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(uid_of(e, "p1"), uid);
    rows[1].status = ROLLCALL_STATUS_TERMINATED;
    listing_without(e, rows, 2, "1001");
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_TERMINATED);
}

static void two_listings_without_it_or_a_word_that_it_is_gone_end_a_drop(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    crowd(rows, 2);
    listing(e, rows, 2);
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    say_row(e, "hr", &rows[0]);
    say_dropped(e, "1001", "guest");
    say_dropped(e, "g-1", "customer");
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(number_of_dropped(e), 2);
    listing(e, rows, 1);
    assert_int_equal(number_of_dropped(e), 2);
    listing(e, rows, 1);
    assert_int_equal(number_of_dropped(e), 0);
    assert_string_equal(reason_of(e, "p1"), "missing");
    listing_without(e, rows, 1, "g-1");
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    say_gone(e, "hr", "g-1");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(number_of_dropped(e), 0);
}

static void of_two_words_in_one_delta_the_later_counts(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    listing(e, rows, 3);
    assert_int_equal(begin(e, "hr", false, e->now), 0);
    say_row(e, "hr", &rows[0]);
    say_dropped(e, "1000", "guest");
    say_dropped(e, "1001", "guest");
    say_row(e, "hr", &rows[1]);
    say_gone(e, "hr", "1002");
    say_dropped(e, "1002", "guest");
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_string_equal(reason_of(e, "p0"), "dropped");
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_string_equal(reason_of(e, "p2"), "dropped");
    assert_int_equal(audited(e, "row-refused", NULL), 0);
}

static void a_listing_that_is_not_committed_drops_nobody(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    crowd(rows, 2);
    listing(e, rows, 2);
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    say_dropped(e, "1000", "guest");
    engine_core_abort(e->core, "hr", "it ended", e->now);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(number_of_dropped(e), 0);
}

static void no_more_are_kept_than_the_limit_and_all_of_them_are_refused(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[4];

    crowd(rows, 4);
    listing(e, rows, 4);
    e->core->dropped_max = 2;
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (int i = 0; i < 4; i++)
        say_dropped(e, rows[i].id, "guest");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(number_of_dropped(e), 2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(state_of(e, rows[i].user_name), ROLLCALL_STATE_LOCKED);
}

// Instructions of SQLite for a difference with one more who is left out, one who is so no more,
// and one who is absent, beside `n` of them.
static int64_t cost_beside(unsigned n)
{
    void *fresh = NULL;
    struct rollcall_user_record one[1];
    struct engine *e;
    int64_t steps = 0;
    char id[24];

    assert_int_equal(engine_setup(&fresh), 0);
    e = fresh;
    crowd(one, 1);
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (unsigned i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "g-%u", i);
        say_dropped(e, id, i % 2 ? "guest" : "customer");
    }
    assert_int_equal(commit(e, "hr", 0), 0);
    for (int again = 0; again < 2; again++) { // the first one prepares the statements
        const struct rollcall_message since = {
            .kind = ROLLCALL_MESSAGE_BEGIN, .full = true, .as_of = ++e->now, .since = "c"};
        const struct rollcall_message absent = {.kind = ROLLCALL_MESSAGE_ABSENT,
                                                .id = again ? "g-2" : "g-1"};
        for (unsigned i = 0; i < e->core->store.n; i++)
            sqlite3_stmt_status(e->core->store.kept[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
        assert_int_equal(engine_core_message(e->core, "hr", &since, e->now), 0);
        say_dropped(e, again ? "h-2" : "h-1", "guest");
        one[0].id = again ? "g-4" : "g-3";
        one[0].user_name = again ? "p4" : "p3";
        one[0].employee_number = one[0].id;
        say_row(e, "hr", &one[0]);
        assert_int_equal(engine_core_message(e->core, "hr", &absent, e->now), 0);
        assert_int_equal(commit(e, "hr", 1), 0);
    }
    for (unsigned i = 0; i < e->core->store.n; i++)
        steps += sqlite3_stmt_status(e->core->store.kept[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    assert_int_equal(number_of_dropped(e), n - 1); // two more, two people, one absent twice
    assert_int_equal(engine_teardown(&fresh), 0);
    return steps;
}

static void what_changes_among_them_costs_no_more_beside_many(void **state)
{
    int64_t few = cost_beside(100), many = cost_beside(2000);

    (void)state;
    print_message("%lld instructions beside 100, %lld beside 2000\n", (long long)few,
                  (long long)many);
    assert_true(many < few + few / 10);
}

static void listen_to_risk(struct engine *e, unsigned role)
{
    struct rollcall_user_record u = row("1000", "p0");

    engine_add_source(e, "idp", role);
    u.risk = ROLLCALL_RISK_COMPROMISED;
    assert_int_equal(begin(e, "idp", true, ++e->now), 0);
    say_row(e, "idp", &u);
    assert_int_equal(commit(e, "idp", 1), 0);
}

static void a_compromised_account_is_locked_by_a_signal_and_by_nobody_else(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[1];
    char *text;

    crowd(rows, 1);
    listing(e, rows, 1);
    listen_to_risk(e, ROLLCALL_ROLE_AUTHORITY);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_ACTIVE);
    text = said_about(e, "p0");
    assert_null(strstr(text, "risk"));
    free(text);
    e->config.source[1].role = ROLLCALL_ROLE_SIGNAL;
    assert_int_equal(engine_core_reconfigure(e->core, &e->config, e->now), 0);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_LOCKED);
    assert_false(flags_of_person(e, "p0") & ROLLCALL_FLAG_REFUSE_ONLY);
    assert_string_equal(reason_of(e, "p0"), "signal");
    text = said_about(e, "p0");
    assert_non_null(strstr(text, "\"risk\":\"compromised\""));
    free(text);
}

static void what_is_said_of_the_machine_is_kept_and_shown(void **state)
{
    struct engine *e = *state;
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_DEVICE,
                                       .compliant = ROLLCALL_NO,
                                       .managed = ROLLCALL_UNKNOWN,
                                       .id = "d-1"};
    json_t *o, *device;

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
    engine_reopen(e);
    o = ask_source(e, NULL);
    device = json_object_get(o, "device");
    assert_true(json_is_false(json_object_get(device, "compliant")));
    assert_null(json_object_get(device, "managed"));
    assert_string_equal(json_string_value(json_object_get(device, "id")), "d-1");
    json_decref(o);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_was_a_person_is_refused_and_keeps_session_and_uid),
        TEST(nobody_is_made_of_a_dropped_record_and_it_is_listed_with_its_reason),
        TEST(an_end_of_employment_is_not_taken_back_by_a_drop),
        TEST(an_end_stands_that_is_said_in_one_delta_with_a_drop),
        TEST(an_end_that_is_said_with_a_drop_ends_sessions),
        TEST(the_end_of_an_account_that_was_left_out_ends_nobody_who_has_another),
        TEST(who_gets_an_account_after_the_end_of_one_is_employed_again),
        TEST(what_ends_sessions_is_not_weakened_by_a_drop),
        TEST(a_dropped_account_says_nothing_beside_one_that_is_listed),
        TEST(two_listings_without_it_or_a_word_that_it_is_gone_end_a_drop),
        TEST(of_two_words_in_one_delta_the_later_counts),
        TEST(a_listing_that_is_not_committed_drops_nobody),
        TEST(no_more_are_kept_than_the_limit_and_all_of_them_are_refused),
        TEST(a_compromised_account_is_locked_by_a_signal_and_by_nobody_else),
        TEST(what_is_said_of_the_machine_is_kept_and_shown),
        cmocka_unit_test(what_changes_among_them_costs_no_more_beside_many),
    };
#undef TEST

    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
