// SPDX-License-Identifier: BSD-2-Clause
// Many who are in a list no more: held whole, as it stood, until somebody approves or the source
// names them again.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/dropped_hold.h"

static void drop(struct engine *e, const char *id, const char *reason)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_DROPPED, .id = id, .reason = reason, .name = "somebody"};

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
}

// A full listing of rows, of which those from `from` up to `to` are left out.
static void leave_out(struct engine *e, const struct rollcall_user_record *rows, size_t n,
                      size_t from, size_t to, const char *reason)
{
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (size_t i = 0; i < n; i++) {
        if (i >= from && i < to)
            drop(e, rows[i].id, reason);
        else
            say_row(e, "hr", &rows[i]);
    }
    assert_int_equal(commit(e, "hr", n - (to - from)), 0);
}

static size_t in_state(struct engine *e, const struct rollcall_user_record *rows, size_t n,
                       enum rollcall_state state)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found += state_of(e, rows[i].user_name) == state;
    return found;
}

static bool says(struct engine *e, const char *name, const char *text)
{
    json_t *o = NULL;
    char *said;
    bool found;

    if (name)
        engine_core_user(e->core, name, e->now, &o);
    else
        engine_core_status(e->core, e->now, &o);
    said = json_dumps(o, JSON_COMPACT);
    found = said && strstr(said, text);
    free(said);
    json_decref(o);
    return found;
}

static void a_drop_of_most_people_is_held_whole_and_nothing_changes(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    for (int again = 0; again < 3; again++) {
        leave_out(e, rows, 12, 0, 12, again ? "no-marker" : "unassigned");
        engine_reopen(e);
        tick(e, e->now + 3600);
    }
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_ACTIVE), 12);
    assert_int_equal(held_people(e), 12);
    assert_int_equal(audited(e, "hold", NULL), 1);
    assert_true(says(e, NULL, "Was a group emptied or deleted?"));
    assert_true(says(e, NULL, "\"p3\""));
    assert_true(says(e, "p3", "it is held, and nothing was done"));
    assert_true(says(e, "p3", "\"held\":\"1\""));
}

static void an_approved_drop_refuses_and_ends_no_session(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    leave_out(e, rows, 12, 2, 12, "unassigned");
    approve(e);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 10);
    assert_string_equal(reason_of(e, "p5"), "dropped");
    assert_true(flags_of_person(e, "p5") & ROLLCALL_FLAG_REFUSE_ONLY);
    assert_int_equal(e->rings, 0);
    assert_int_equal(held_people(e), 0);
    assert_false(says(e, "p5", "it is held"));
    listing(e, rows, 12);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_ACTIVE), 12);
}

static void who_is_named_again_is_held_no_more_and_the_rest_stays_held(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    leave_out(e, rows, 12, 0, 12, "unassigned");
    leave_out(e, rows, 12, 0, 2, "unassigned"); // so few would pass, and are held all the same
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_ACTIVE), 12);
    assert_int_equal(held_people(e), 2);
    assert_false(says(e, "p3", "it is held"));
    engine_reopen(e);
    listing(e, rows, 12);
    assert_int_equal(held_people(e), 0);
    assert_int_equal(audited(e, "hold-over", NULL), 1);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_ACTIVE), 12);
    leave_out(e, rows, 12, 0, 1, "unassigned"); // and one is one again
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_LOCKED);
}

static void say_end(struct engine *e, enum rollcall_message_kind kind, const char *id)
{
    const struct rollcall_message m = {.kind = kind,
                                       .id = id,
                                       .text = "is over",
                                       .says_terminated = true,
                                       .gone_status = ROLLCALL_STATUS_LOCKED};

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
}

static void a_leaver_among_those_who_are_held_is_locked_at_once(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    e->config.breaker_explicit_count = 20;
    crowd(rows, 12);
    listing(e, rows, 12);
    leave_out(e, rows, 12, 0, 12, "unassigned");
    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    rows[0].status = ROLLCALL_STATUS_TERMINATED;
    say_row(e, "hr", &rows[0]);
    say_end(e, ROLLCALL_MESSAGE_GONE, "1001");
    say_end(e, ROLLCALL_MESSAGE_PROBLEM, "1002");
    rows[3].status = ROLLCALL_STATUS_DISABLED;
    say_row(e, "hr", &rows[3]);
    drop(e, "1003", "unassigned");
    drop(e, "1004", "guest"); // a word about the account itself
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p3"), ROLLCALL_STATE_SUSPENDED);
    assert_string_equal(reason_of(e, "p4"), "dropped");
    for (int i = 0; i < 4; i++)
        assert_false(flags_of_person(e, rows[i].user_name) & ROLLCALL_FLAG_REFUSE_ONLY);
    assert_int_equal(held_people(e), 7);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_ACTIVE), 7);
    rows[5].status = ROLLCALL_STATUS_TERMINATED;
    leave_out(e, rows, 6, 0, 5, "unassigned"); // the others are absent once
    assert_int_equal(state_of(e, "p5"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_TERMINATED);
}

static void a_later_single_drop_is_not_held_up_by_a_hold(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[14];

    crowd(rows, 14);
    listing(e, rows, 14);
    leave_out(e, rows, 14, 0, 12, "unassigned");
    leave_out(e, rows, 14, 0, 13, "unassigned");
    assert_int_equal(state_of(e, "p12"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(in_state(e, rows, 14, ROLLCALL_STATE_ACTIVE), 13);
    assert_int_equal(held_people(e), 12);
}

static void drops_of_one_day_are_counted_together(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    for (size_t n = 2; n <= 12; n += 2)
        leave_out(e, rows, 12, 0, n, "unassigned");
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 2);
    assert_int_equal(held_people(e), 10);
    assert_int_equal(store_number(&e->core->store, -1, "SELECT count(*) FROM effect", ""), 2);
}

static void a_hold_lets_nobody_in_who_was_out(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12], all[14];

    crowd(rows, 12);
    crowd(all, 14);
    rows[1].status = ROLLCALL_STATUS_LEAVE;
    listing(e, rows, 12);
    leave_out(e, rows, 12, 0, 1, "unassigned");
    leave_out(e, all, 14, 0, 14, "unassigned");
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_SUSPENDED);
    assert_int_equal(state_of(e, "p12"), 0);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_ACTIVE), 10);
    approve(e);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_SUSPENDED); // the stricter word stands
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 11);
}

static void what_tells_of_the_account_itself_is_refused_however_many_they_are(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    leave_out(e, rows, 12, 0, 12, "guest");
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 12);
    assert_int_equal(held_people(e), 0);
    assert_true(says(e, NULL, "\"kind\":\"explicit\""));
}

static void drops_that_were_announced_are_not_held(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    json_t *answer = NULL;

    crowd(rows, 12);
    listing(e, rows, 12);
    engine_core_expect_leavers(e->core, 9, e->now + DAY, "root", e->now, &answer);
    json_decref(answer);
    leave_out(e, rows, 12, 0, 12, "unassigned");
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 12);
    assert_int_equal(held_people(e), 0);
}

// The absence is another loss, and has its own rule.
static void who_is_held_and_absent_from_two_listings_is_missing(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    leave_out(e, rows, 12, 0, 12, "unassigned");
    leave_out(e, rows, 11, 0, 11, "unassigned");
    assert_int_equal(held_people(e), 12);
    leave_out(e, rows, 11, 0, 11, "unassigned");
    assert_string_equal(reason_of(e, "p11"), "missing");
    assert_int_equal(held_people(e), 11);
    leave_out(e, rows, 12, 0, 12, "unassigned");
    assert_string_equal(reason_of(e, "p11"), "dropped");
    assert_int_equal(held_people(e), 11);
}

// Held are those whom no list can hold any more as well.
static void more_are_held_than_are_listed(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];

    crowd(rows, 12);
    listing(e, rows, 12);
    e->core->dropped_max = 2;
    leave_out(e, rows, 12, 0, 12, "unassigned");
    assert_int_equal(held_people(e), 12);
    approve(e);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 12);
}

static void members_are(struct engine *e, const char *const *ids, size_t n)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_MEMBERS,
                                       .group_id = "linux-users",
                                       .values_present = true,
                                       .values = {ids, n}};

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
}

// As an identity provider tells it that was asked for changes: the members go, and so they are
// assigned no more.
static void empty_the_group(struct engine *e, const char *const *ids, size_t n, bool gone)
{
    const struct rollcall_message remove = {
        .kind = ROLLCALL_MESSAGE_MEMBERS, .group_id = "linux-users", .remove = {ids, n}};

    assert_int_equal(begin(e, "hr", false, ++e->now), 0);
    if (gone)
        say_gone(e, "hr", "linux-users");
    else
        assert_int_equal(engine_core_message(e->core, "hr", &remove, e->now), 0);
    for (size_t i = 0; i < n; i++)
        drop(e, ids[i], "unassigned");
    assert_int_equal(commit(e, "hr", 0), 0);
}

static size_t let_in(struct engine *e, size_t n)
{
    char name[24];
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "p%zu", i);
        found += state_of(e, name) == ROLLCALL_STATE_ACTIVE &&
                 (flags_of_person(e, name) & ROLLCALL_FLAG_ALLOWED_HERE);
    }
    return found;
}

static void whole_company_again(struct engine *e, struct rollcall_user_record *rows,
                                const char **ids)
{
    crowd(rows, 10);
    for (size_t i = 0; i < 10; i++) {
        rows[i].groups_present = false;
        ids[i] = rows[i].id;
    }
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    members_are(e, ids, 10);
    for (size_t i = 0; i < 10; i++)
        say_row(e, "hr", &rows[i]);
    assert_int_equal(commit(e, "hr", 10), 0);
}

static void whole_company(struct engine *e, struct rollcall_user_record *rows, const char **ids)
{
    whole_company_again(e, rows, ids);
    assert_int_equal(let_in(e, 10), 10);
}

// Fewer than the breaker allows for words, which a membership's end is.
static void memberships_stay_with_people_whose_drop_is_held(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[10];
    const char *ids[10];

    e->config.breaker_explicit_count = 50;
    whole_company(e, rows, ids);
    empty_the_group(e, ids, 9, false);
    assert_int_equal(let_in(e, 10), 10);
    engine_reopen(e);
    tick(e, e->now + 3600);
    assert_int_equal(let_in(e, 10), 10);
    assert_int_equal(begin(e, "hr", false, ++e->now), 0); // one of them is a leaver
    say_end(e, ROLLCALL_MESSAGE_GONE, ids[8]);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(begin(e, "hr", false, ++e->now), 0); // filled again with the others
    members_are(e, ids, 8);
    for (size_t i = 0; i < 8; i++)
        say_row(e, "hr", &rows[i]);
    assert_int_equal(commit(e, "hr", 8), 0);
    assert_int_equal(store_number(&e->core->store, 0, "SELECT count(*) FROM hold", ""), 0);
    assert_int_equal(let_in(e, 8), 8);
    assert_int_equal(state_of(e, "p8"), ROLLCALL_STATE_LOCKED);
    whole_company(e, rows, ids);
    empty_the_group(e, ids, 2, false); // so few are out at once
    assert_int_equal(let_in(e, 10), 8);
}

static void a_deleted_group_is_held_for_those_it_let_in(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[10];
    const char *ids[10];

    e->config.breaker_explicit_count = 50;
    whole_company(e, rows, ids);
    empty_the_group(e, ids, 10, true);
    assert_int_equal(let_in(e, 10), 10);
    approve(e);
    assert_int_equal(let_in(e, 10), 0);
    assert_int_equal(in_state(e, rows, 10, ROLLCALL_STATE_LOCKED), 10);
}

// The record of the old number is nobody's then, and nobody's is not refused on approval.
static void who_is_hired_under_another_number_is_held_no_more(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[13], gone;
    json_t *answer = NULL;

    engine_add_source(e, "idp", ROLLCALL_ROLE_AUTHORITY);
    crowd(rows, 12);
    listing(e, rows, 12);
    leave_out(e, rows, 12, 0, 12, "unassigned");
    gone = rows[1];
    gone.status = ROLLCALL_STATUS_TERMINATED;
    say_alone(e, "idp", &gone);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_TERMINATED);
    rows[12] = row("2000", "p1");
    say_alone(e, "hr", &rows[12]);
    assert_int_equal(engine_core_approve(e->core, "2000=rehire", "root", e->now, &answer), 0);
    json_decref(answer);
    say_alone(e, "hr", &rows[12]);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(held_people(e), 11);
    approve(e);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(in_state(e, rows, 12, ROLLCALL_STATE_LOCKED), 11);
    assert_int_equal(store_number(&e->core->store, 0,
                                  "SELECT count(*) FROM record WHERE slot IS NULL AND NOT gone",
                                  ""),
                     0);
}

// A hub lets nobody in itself: which group does on a host it cannot know.
static void a_hub_keeps_the_memberships_of_people_whose_drop_is_held(void **state)
{
    static const char members[] = "SELECT count(*) FROM person WHERE length(groups) > 0";
    struct engine *e = *state;
    struct rollcall_user_record rows[10];
    const char *ids[10];

    e->config.breaker_explicit_count = 50;
    whole_company(e, rows, ids);
    e->config.has_allow_groups = false;
    engine_reopen(e);
    empty_the_group(e, ids, 9, false);
    assert_int_equal(held_people(e), 9);
    assert_int_equal(store_number(&e->core->store, 0, members, ""), 10);
    whole_company_again(e, rows, ids);
    assert_int_equal(store_number(&e->core->store, 0, "SELECT count(*) FROM hold", ""), 0);
    empty_the_group(e, ids, 2, false); // so few are out at once, and of the group too
    assert_int_equal(store_number(&e->core->store, 0, members, ""), 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_drop_of_most_people_is_held_whole_and_nothing_changes),
        TEST(an_approved_drop_refuses_and_ends_no_session),
        TEST(who_is_named_again_is_held_no_more_and_the_rest_stays_held),
        TEST(a_leaver_among_those_who_are_held_is_locked_at_once),
        TEST(a_later_single_drop_is_not_held_up_by_a_hold),
        TEST(drops_of_one_day_are_counted_together),
        TEST(a_hold_lets_nobody_in_who_was_out),
        TEST(what_tells_of_the_account_itself_is_refused_however_many_they_are),
        TEST(drops_that_were_announced_are_not_held),
        TEST(who_is_held_and_absent_from_two_listings_is_missing),
        TEST(more_are_held_than_are_listed),
        TEST(memberships_stay_with_people_whose_drop_is_held),
        TEST(who_is_hired_under_another_number_is_held_no_more),
        TEST(a_hub_keeps_the_memberships_of_people_whose_drop_is_held),
        TEST(a_deleted_group_is_held_for_those_it_let_in),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
