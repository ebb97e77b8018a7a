// SPDX-License-Identifier: BSD-2-Clause
// Groups in groups, and members that the group names: who is in by them, and what a change costs.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "tests/unit/group_words.h"
#include "tests/unit/scratch.h"

// ---- who is in ----

static void whoever_is_in_a_group_is_in_those_that_it_is_in(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[4];

    people(rows, 4);
    rows[3].groups = (const char *const[]){"platform-team"};
    rows[3].n_groups = 1;
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("admins"));
    say_members(e, "admins", LIST("1001", "oncall"));
    say_members(e, "oncall", LIST("1002"));
    say_group(e, "platform-team", LIST("oncall"), NOBODY);
    say_rows(e, rows, 4);
    assert_int_equal(commit(e, "hr", 4), 0);
    assert_false(allowed(e, "p0"));
    assert_true(allowed(e, "p1"));
    assert_int_equal(groups_of(e, "p1"), 2);
    assert_true(allowed(e, "p2"));
    assert_int_equal(groups_of(e, "p2"), 3);
    assert_true(allowed(e, "p3")); // by the own row, and up three steps
    assert_int_equal(groups_of(e, "p3"), 4);
    engine_reopen(e);
    assert_true(allowed(e, "p3"));
}

static void a_circle_of_groups_does_no_harm(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    people(rows, 2);
    open_as(e, true, NULL);
    say_members(e, "a", LIST("b", "1000"));
    say_members(e, "b", LIST("c", "b"));
    say_members(e, "c", LIST("a", "linux-users"));
    say_members(e, "linux-users", LIST("a", "1001"));
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_int_equal(groups_of(e, "p0"), 4);
    assert_int_equal(groups_of(e, "p1"), 4);
    open_as(e, false, NULL);
    say_change(e, "linux-users", NOBODY, LIST("a"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_false(allowed(e, "p0"));
    assert_true(allowed(e, "p1"));
}

static void a_name_that_is_nobodys_counts_from_the_moment_somebody_has_it(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    people(rows, 3);
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("uid:p0", "cn=team", "1002"));
    say_members(e, "team", LIST("1001"));
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_false(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
    rows[0].aliases = LIST("dn of p0", "uid:p0");
    open_as(e, false, NULL);
    say_row(e, "hr", &rows[0]);
    say_row(e, "hr", &rows[2]);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_true(allowed(e, "p0"));
    assert_true(allowed(e, "p2")); // named by the id before there was such a row
    assert_false(allowed(e, "p1"));
    open_as(e, false, NULL);
    say_group(e, "team", NOBODY, LIST("cn=team"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p1"));
    rows[0].aliases = LIST("dn of p0");
    open_as(e, false, NULL);
    say_row(e, "hr", &rows[0]);
    say_group(e, "team", NOBODY, NOBODY);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_false(allowed(e, "p0")); // given up: nobody's again
    assert_false(allowed(e, "p1"));
}

static void a_name_that_somebody_has_is_taken_by_nobody_else_until_they_leave(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    people(rows, 2);
    rows[0].aliases = LIST("cn=alice");
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("cn=alice"));
    say_rows(e, rows, 1);
    assert_int_equal(commit(e, "hr", 1), 0);
    rows[1].aliases = LIST("cn=alice");
    open_as(e, true, "c");
    say_row(e, "hr", &rows[1]);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_true(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
    assert_int_equal(audited(e, "row-refused", "1001"), 1);
    open_as(e, true, "c"); // nothing is said again, and not refused again
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(audited(e, "row-refused", "1001"), 1);
    assert_false(allowed(e, "p1"));
    open_as(e, true, "c");
    assert_int_equal(
        group_send(e, &(struct rollcall_message){.kind = ROLLCALL_MESSAGE_ABSENT, .id = "1000"}),
        0);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p1"));
    assert_false(allowed(e, "p0"));
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_ACTIVE); // absent once: no session ends
}

static void two_who_exchange_their_names_in_one_listing_have_each_others(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    people(rows, 2);
    rows[0].aliases = LIST("cn=a");
    rows[1].aliases = LIST("cn=b");
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("cn=a"));
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_true(allowed(e, "p0"));
    rows[0].aliases = LIST("cn=b");
    rows[1].aliases = LIST("cn=a");
    open_as(e, false, NULL);
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_false(allowed(e, "p0"));
    assert_true(allowed(e, "p1"));
    assert_int_equal(audited(e, "row-refused", NULL), 0);
}

static void an_id_that_a_person_and_a_group_have_is_nobodys_in_a_list(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    people(rows, 2);
    rows[0].id = "admin";
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("admin"));
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_true(allowed(e, "p0"));
    open_as(e, false, NULL);
    say_members(e, "admin", LIST("1001"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_false(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
    assert_int_equal(audited(e, "name-ambiguous", NULL), 1);
}

static void a_group_that_can_be_none_of_this_host_leads_to_others_all_the_same(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[1];

    people(rows, 1);
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("Domain Users"));
    say_members(e, "Domain Users", LIST("1000"));
    say_rows(e, rows, 1);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_true(allowed(e, "p0"));
    assert_int_equal(groups_of(e, "p0"), 1);
}

// Of those who are in more groups than are counted, some may be in one of which more is asked.
static void in_more_groups_than_are_counted_one_is_read_strictly(void **state)
{
    static char many[1100][16];
    const char *parents[1100];
    struct engine *e = *state;
    struct rollcall_user_record rows[1];
    char multi[] = "asks-more";

    people(rows, 1);
    e->config.multi_groups.item[0] = multi;
    e->config.multi_groups.n = 1;
    for (size_t i = 0; i < 1100; i++) {
        snprintf(many[i], sizeof(many[i]), "g%zu", i);
        parents[i] = many[i];
    }
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("1000"));
    say_group(e, "linux-users", (struct rollcall_strings){parents, 500}, NOBODY);
    say_rows(e, rows, 1);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(groups_of(e, "p0"), 501);
    assert_int_equal(flags_of_person(e, "p0") & ROLLCALL_FLAG_NEEDS_MULTI, 0);
    open_as(e, true, "c");
    say_group(e, "g0", (struct rollcall_strings){parents + 500, 600}, NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(groups_of(e, "p0"), MEMBERSHIP_MAX);
    assert_true(allowed(e, "p0")); // the rest is served
    assert_int_equal(flags_of_person(e, "p0") & ROLLCALL_FLAG_NEEDS_MULTI,
                     ROLLCALL_FLAG_NEEDS_MULTI);
    assert_true(audited_why(e, "row-refused", "more than 1024 groups"));
    open_as(e, true, "c");
    say_group(e, "g0", NOBODY, NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(flags_of_person(e, "p0") & ROLLCALL_FLAG_NEEDS_MULTI, 0);
    assert_int_equal(
        store_number(&e->core->store, 0, "SELECT count(*) FROM refused WHERE kind = 'many'", ""),
        0);
    e->config.multi_groups.n = 0;
}

static void who_asks_is_told_through_which_groups_a_membership_comes(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[1];
    json_t *user = NULL, *want;

    people(rows, 1);
    rows[0].groups = (const char *const[]){"platform-team"};
    rows[0].n_groups = 1;
    open_as(e, true, NULL);
    say_group(e, "platform-team", LIST("engineers"), NOBODY);
    say_members(e, "linux-users", LIST("engineers"));
    say_rows(e, rows, 1);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(engine_core_user(e->core, "p0", e->now, &user), 0);
    want = json_pack("[{s:s, s:[s]}, {s:s, s:[s, s]}]", "group", "engineers", "path",
                     "platform-team", "group", "linux-users", "path", "platform-team", "engineers");
    assert_true(json_equal(json_object_get(user, "through"), want));
    assert_int_equal(json_array_size(json_object_get(user, "groups")), 3);
    json_decref(want);
    json_decref(user);
}

// ---- cost ----

static int64_t steps(struct engine *e)
{
    int64_t n = 0;

    for (unsigned i = 0; i < e->core->store.n; i++)
        n += sqlite3_stmt_status(e->core->store.kept[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    return n;
}

static void say_all(struct engine *e, unsigned n)
{
    static char number[24], name[24];
    const char *id = number;

    for (unsigned i = 0; i < n; i++) {
        struct rollcall_user_record r = row(number, name);
        snprintf(number, sizeof(number), "%u", i);
        snprintf(name, sizeof(name), "p%u", i);
        r.n_groups = 0;
        r.has_uid = true;
        r.uid = ROLLCALL_ID_DEFAULT_MIN + 1 + i;
        say_row(e, "hr", &r);
        say_change(e, "everybody", (struct rollcall_strings){&id, 1}, NOBODY);
    }
}

// One member more and one less in a large group that is in two others.
static int64_t cost_in_a_group_of(unsigned n)
{
    void *fresh = NULL;
    struct engine *e;
    int64_t cost;

    assert_int_equal(engine_setup(&fresh), 0);
    e = fresh;
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("staff"));
    say_members(e, "staff", LIST("everybody"));
    say_all(e, n);
    assert_int_equal(commit(e, "hr", n), 0);
    assert_int_equal(engine_core_publish(e->core, e->now), 0);
    e->now += 2 * DAY;
    engine_reopen(e);
    open_as(e, true, "c");
    say_change(e, "everybody", NOBODY, LIST("6"));
    assert_int_equal(commit(e, "hr", 0), 0);
    steps(e);
    open_as(e, true, "c");
    say_change(e, "everybody", LIST("6"), LIST("7"));
    assert_int_equal(commit(e, "hr", 0), 0);
    cost = steps(e);
    assert_true(allowed(e, "p6"));
    assert_false(allowed(e, "p7"));
    assert_true(allowed(e, "p8"));
    assert_int_equal(engine_teardown(&fresh), 0);
    return cost;
}

static void a_change_of_one_member_costs_no_more_in_a_larger_group(void **state)
{
    int64_t small = cost_in_a_group_of(200), large = cost_in_a_group_of(1800);

    (void)state;
    print_message("%lld instructions; %lld in a group 9 times as large\n", (long long)small,
                  (long long)large);
    assert_true(large < small + small / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
        TEST(whoever_is_in_a_group_is_in_those_that_it_is_in),
        TEST(a_circle_of_groups_does_no_harm),
        TEST(a_name_that_is_nobodys_counts_from_the_moment_somebody_has_it),
        TEST(a_name_that_somebody_has_is_taken_by_nobody_else_until_they_leave),
        TEST(two_who_exchange_their_names_in_one_listing_have_each_others),
        TEST(an_id_that_a_person_and_a_group_have_is_nobodys_in_a_list),
        TEST(a_group_that_can_be_none_of_this_host_leads_to_others_all_the_same),
        TEST(in_more_groups_than_are_counted_one_is_read_strictly),
        TEST(who_asks_is_told_through_which_groups_a_membership_comes),
#undef TEST
        cmocka_unit_test(a_change_of_one_member_costs_no_more_in_a_larger_group),
    };

    setenv("TMPDIR", scratch_memory(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
