// SPDX-License-Identifier: BSD-2-Clause
// Groups in groups, and members that the group names: who is let in by them, and what takes
// it away.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "tests/unit/engine_fixture.h"

// ---- saying it ----

#define LIST(...)                                                                                  \
    ((struct rollcall_strings){(const char *const[]){__VA_ARGS__},                                 \
                               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})
#define NOBODY ((struct rollcall_strings){0})

static int send(struct engine *e, const struct rollcall_message *m)
{
    return engine_core_message(e->core, "hr", m, e->now);
}

static void open_as(struct engine *e, bool full, const char *since)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = full, .as_of = ++e->now, .since = since};

    assert_int_equal(send(e, &m), 0);
}

static void say_members(struct engine *e, const char *group, struct rollcall_strings values)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_MEMBERS,
                                       .group_id = group,
                                       .values_present = true,
                                       .values = values};

    assert_int_equal(send(e, &m), 0);
}

static void say_change(struct engine *e, const char *group, struct rollcall_strings add,
                       struct rollcall_strings remove)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_MEMBERS, .group_id = group, .add = add, .remove = remove};

    assert_int_equal(send(e, &m), 0);
}

static void say_group(struct engine *e, const char *group, struct rollcall_strings parents,
                      struct rollcall_strings aliases)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_GROUP,
                                       .group_id = group,
                                       .group_name = group,
                                       .parents_present = true,
                                       .parents = parents,
                                       .aliases = aliases};

    assert_int_equal(send(e, &m), 0);
}

// People whose rows say no group: they come in by a group's list alone.
static void people(struct rollcall_user_record *rows, size_t n)
{
    crowd(rows, n);
    for (size_t i = 0; i < n; i++) {
        rows[i].groups = NULL;
        rows[i].n_groups = 0;
    }
}

static void say_rows(struct engine *e, const struct rollcall_user_record *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        say_row(e, "hr", &rows[i]);
}

static bool allowed(struct engine *e, const char *name)
{
    return flags_of_person(e, name) & ROLLCALL_FLAG_ALLOWED_HERE;
}

static int64_t groups_of(struct engine *e, const char *name)
{
    return store_number(&e->core->store, -1, "SELECT length(groups) / 4 FROM person WHERE name = ?",
                        "s", name);
}

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
        send(e, &(struct rollcall_message){.kind = ROLLCALL_MESSAGE_ABSENT, .id = "1000"}), 0);
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

// ---- what takes it away ----

static void staff(struct engine *e, struct rollcall_user_record *rows, size_t n)
{
    const char *ids[64];

    people(rows, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].id;
    open_as(e, true, NULL);
    say_members(e, "linux-users", (struct rollcall_strings){ids, n});
    say_rows(e, rows, n);
    assert_int_equal(commit(e, "hr", n), 0);
    for (size_t i = 0; i < n; i++)
        assert_true(allowed(e, rows[i].user_name));
}

static void a_list_that_names_others_takes_at_once(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[4];

    staff(e, rows, 4);
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("1000", "1001", "1003"));
    say_rows(e, rows, 4);
    assert_int_equal(commit(e, "hr", 4), 0);
    assert_false(allowed(e, "p2"));
    assert_true(allowed(e, "p3"));
    open_as(e, true, "c");
    say_change(e, "linux-users", LIST("1002"), LIST("1003"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p2"));
    assert_false(allowed(e, "p3"));
    open_as(e, true, "c"); // what is not said stands
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p2"));
    assert_int_equal(state_of(e, "p3"), ROLLCALL_STATE_ACTIVE); // no session ends by a group
}

static void an_emptied_list_waits_for_a_second_listing_with_a_later_time(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    staff(e, rows, 2);
    open_as(e, true, NULL);
    say_members(e, "linux-users", NOBODY);
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_true(allowed(e, "p0"));
    assert_int_equal(audited(e, "members-missing", "linux-users"), 1);
    assert_int_equal(begin(e, "hr", true, e->now), 0); // the same time again counts for nothing
    say_members(e, "linux-users", NOBODY);
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_true(allowed(e, "p0"));
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("1000")); // one is named again: of the other it is a word
    say_rows(e, rows, 2);
    assert_int_equal(commit(e, "hr", 2), 0);
    assert_true(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
    for (int i = 0; i < 2; i++) {
        assert_true(allowed(e, "p0"));
        open_as(e, true, NULL);
        say_members(e, "linux-users", NOBODY);
        say_rows(e, rows, 2);
        assert_int_equal(commit(e, "hr", 2), 0);
    }
    assert_false(allowed(e, "p0"));
}

static void a_group_that_vanished_waits_for_a_second_listing(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    staff(e, rows, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(allowed(e, "p0"));
        open_as(e, true, NULL);
        if (i == 0) { // whoever cannot be read may be anybody, and their group anywhere
            say_broken(e, "hr", NULL, false);
            say_rows(e, rows, 2);
            assert_int_equal(commit(e, "hr", 2), 0);
            assert_true(allowed(e, "p0"));
            open_as(e, true, NULL);
        }
        say_rows(e, rows, 2);
        assert_int_equal(commit(e, "hr", 2), 0);
    }
    assert_false(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
}

static void an_emptied_list_stays_so_in_the_next_difference_though_nothing_is_said(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    staff(e, rows, 2);
    open_as(e, true, "c");
    say_members(e, "linux-users", NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p0"));
    open_as(e, false, NULL); // a delta about other things is no second listing
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p0"));
    open_as(e, true, "c");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_false(allowed(e, "p0"));
}

static void a_group_that_is_gone_by_word_is_empty_at_once(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    staff(e, rows, 2);
    open_as(e, false, NULL);
    say_gone(e, "hr", "linux-users");
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_false(allowed(e, "p0"));
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_ACTIVE);
}

static void an_edge_that_goes_takes_from_all_below_it_by_whatever_they_are_in(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    people(rows, 3);
    rows[0].groups = (const char *const[]){"team"};
    rows[0].n_groups = 1;
    open_as(e, true, NULL);
    say_group(e, "team", LIST("admins"), NOBODY);
    say_group(e, "admins", LIST("linux-users"), NOBODY);
    say_members(e, "team", LIST("1001"));
    say_members(e, "linux-users", LIST("1002"));
    say_rows(e, rows, 3);
    assert_int_equal(commit(e, "hr", 3), 0);
    assert_true(allowed(e, "p0") && allowed(e, "p1") && allowed(e, "p2"));
    open_as(e, true, "c");
    say_group(e, "admins", NOBODY, NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_false(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
    assert_true(allowed(e, "p2"));
    assert_int_equal(groups_of(e, "p0"), 2);
    open_as(e, true, "c");
    say_group(e, "admins", LIST("linux-users"), NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p0") && allowed(e, "p1"));
}

// A source that said own rows alone begins to say which groups are in which.
static void people_of_before_are_found_when_a_source_begins_to_nest(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    people(rows, 2);
    rows[0].groups = (const char *const[]){"team"};
    rows[0].n_groups = 1;
    listing(e, rows, 2);
    assert_false(allowed(e, "p0"));
    open_as(e, true, "c");
    say_group(e, "team", LIST("linux-users"), NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p0"));
    assert_false(allowed(e, "p1"));
}

// What a person gains and loses in one listing is one change: the board has the last of it.
static void gained_by_the_row_and_lost_by_the_list_is_lost(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];
    char more[] = "more";

    staff(e, rows, 3);
    e->config.lease_exempt_group.item[0] = more;
    e->config.lease_exempt_group.n = 1;
    rows[1].groups = (const char *const[]){"more"};
    rows[1].n_groups = 1;
    open_as(e, true, "c");
    say_row(e, "hr", &rows[1]);
    say_change(e, "linux-users", NOBODY, LIST("1001"));
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(flags_of_person(e, "p1"), ROLLCALL_FLAG_LEASE_EXEMPT);
    e->config.lease_exempt_group.n = 0;
}

// ---- the breaker ----

static int approve(struct engine *e, const char *id)
{
    json_t *answer = NULL;
    int r = engine_core_approve(e->core, id, "root", e->now, &answer);

    json_decref(answer);
    return r;
}

static int64_t held_people(struct engine *e)
{
    json_t *status = NULL, *held;
    int64_t n;

    assert_int_equal(engine_core_status(e->core, e->now, &status), 0);
    held = json_object_get(status, "held");
    n = json_array_size(held) == 1
            ? json_integer_value(json_object_get(json_array_get(held, 0), "people"))
            : -1;
    json_decref(status);
    return n;
}

static void a_list_that_loses_more_people_than_the_breaker_allows_is_held_whole(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    char id[24];

    staff(e, rows, 12);
    open_as(e, true, "c");
    say_members(e, "linux-users", LIST("1000", "new"));
    rows[0].status = ROLLCALL_STATUS_TERMINATED; // a word about one is not held up by it
    say_row(e, "hr", &rows[0]);
    assert_int_equal(commit(e, "hr", 1), 0);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_TERMINATED);
    for (int i = 1; i < 12; i++)
        assert_true(allowed(e, rows[i].user_name));
    assert_int_equal(audited(e, "hold", NULL), 1);
    assert_int_equal(held_people(e), 11);
    open_as(e, true, "c"); // a held change never takes effect by itself (rule 9)
    assert_int_equal(commit(e, "hr", 0), 0);
    open_as(e, true, NULL);
    say_members(e, "linux-users", LIST("1000", "1001"));
    say_rows(e, rows, 12);
    assert_int_equal(commit(e, "hr", 12), 0);
    assert_int_equal(audited(e, "hold", NULL), 1);
    assert_true(allowed(e, "p1"));
    assert_true(allowed(e, "p2"));
    open_as(e, true, "c"); // a later word about one is a batch of its own (rule 14)
    say_change(e, "linux-users", NOBODY, LIST("1001"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_false(allowed(e, "p1"));
    assert_true(allowed(e, "p2"));
    engine_reopen(e);
    assert_int_equal(approve(e, the_hold(e, id)), 0);
    assert_false(allowed(e, "p2"));
    assert_false(allowed(e, "p11"));
    assert_string_equal(the_hold(e, id), "");
    assert_int_equal(state_of(e, "p11"), ROLLCALL_STATE_ACTIVE); // no session ends
}

static void whoever_is_named_again_is_held_no_more(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    const char *ids[12];
    char id[24];

    staff(e, rows, 12);
    for (size_t i = 0; i < 12; i++)
        ids[i] = rows[i].id;
    for (int i = 0; i < 3; i++) { // by inference: twice, and held at the second
        open_as(e, true, NULL);
        say_rows(e, rows, 12);
        assert_int_equal(commit(e, "hr", 12), 0);
        assert_int_equal(audited(e, "hold", NULL), i > 0);
    }
    assert_int_equal(held_people(e), 12);
    assert_true(allowed(e, "p0"));
    open_as(e, true, "c");
    say_members(e, "linux-users", (struct rollcall_strings){ids, 12});
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_string_equal(the_hold(e, id), "");
    assert_true(allowed(e, "p11"));
}

static void an_edge_between_groups_is_held_like_a_list(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    const char *ids[12];

    people(rows, 12);
    for (size_t i = 0; i < 12; i++)
        ids[i] = rows[i].id;
    open_as(e, true, NULL);
    say_group(e, "team", LIST("linux-users"), NOBODY);
    say_members(e, "team", (struct rollcall_strings){ids, 12});
    say_rows(e, rows, 12);
    assert_int_equal(commit(e, "hr", 12), 0);
    open_as(e, true, "c");
    say_group(e, "team", NOBODY, NOBODY);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(held_people(e), 12);
    assert_true(allowed(e, "p0"));
}

static void a_list_that_was_to_go_on_and_did_not_refuses_the_listing(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_MEMBERS,
                                 .group_id = "linux-users",
                                 .values_present = true,
                                 .more = true,
                                 .values = LIST("1000")};

    staff(e, rows, 2);
    open_as(e, true, "c");
    assert_int_equal(send(e, &m), 0);
    assert_int_equal(commit(e, "hr", 0), -EBADMSG);
    assert_true(audited_why(e, "listing-refused", "were to go on"));
    assert_true(allowed(e, "p1"));
    open_as(e, true, "c");
    assert_int_equal(send(e, &m), 0);
    m.more = false;
    m.values = LIST("1001");
    assert_int_equal(send(e, &m), 0);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p0"));
    assert_true(allowed(e, "p1"));
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
        TEST(a_list_that_names_others_takes_at_once),
        TEST(an_emptied_list_waits_for_a_second_listing_with_a_later_time),
        TEST(a_group_that_vanished_waits_for_a_second_listing),
        TEST(an_emptied_list_stays_so_in_the_next_difference_though_nothing_is_said),
        TEST(a_group_that_is_gone_by_word_is_empty_at_once),
        TEST(an_edge_that_goes_takes_from_all_below_it_by_whatever_they_are_in),
        TEST(people_of_before_are_found_when_a_source_begins_to_nest),
        TEST(gained_by_the_row_and_lost_by_the_list_is_lost),
        TEST(a_list_that_loses_more_people_than_the_breaker_allows_is_held_whole),
        TEST(whoever_is_named_again_is_held_no_more),
        TEST(an_edge_between_groups_is_held_like_a_list),
        TEST(a_list_that_was_to_go_on_and_did_not_refuses_the_listing),
#undef TEST
        cmocka_unit_test(a_change_of_one_member_costs_no_more_in_a_larger_group),
    };

    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
