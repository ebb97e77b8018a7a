// SPDX-License-Identifier: BSD-2-Clause
// Members that a group names no more, and groups in no other any more: what is believed at
// once, what waits for a second listing, and what is held.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/group_words.h"
#include "tests/unit/scratch.h"

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

static void who_is_missing_besides_is_not_missing_by_the_word_about_a_group(void **state)
{
    const uint8_t inferred = ROLLCALL_FLAG_REFUSE_ONLY | ROLLCALL_FLAG_INFERRED;
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    char id[24];

    staff(e, rows, 12);
    open_as(e, true, "c");
    say_members(e, "linux-users", LIST("1000"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(held_people(e), 11);
    for (int i = 0; i < 2; i++) {
        open_as(e, true, NULL);
        say_members(e, "linux-users", LIST("1000"));
        say_rows(e, rows, 11);
        assert_int_equal(commit(e, "hr", 11), 0);
    }
    assert_int_equal(flags_of_person(e, "p11") & inferred, inferred);
    assert_true(allowed(e, "p11"));
    assert_int_equal(approve(e, the_hold(e, id)), 0);
    assert_false(allowed(e, "p11"));
    assert_int_equal(flags_of_person(e, "p11") & inferred, inferred); // no session ends
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

// As on a hub: nobody comes in there, and which group lets people in on a host it does not know.
static void become_a_hub(struct engine *e)
{
    static char name[] = "fleet", type[] = "ldap";

    e->config.has_allow_groups = false;
    e->config.sink[0] = (struct rollcall_source_config){.sink = true, .name = name, .type = type};
    e->config.n_sinks = 1;
    engine_reopen(e);
}

static void a_hub_holds_the_last_memberships_of_more_people_than_the_breaker_allows(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    char id[24];

    staff(e, rows, 12);
    become_a_hub(e);
    open_as(e, true, "c");
    say_members(e, "linux-users", LIST("1000"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(held_people(e), 11);
    for (int i = 0; i < 12; i++)
        assert_int_equal(groups_of(e, rows[i].user_name), 1);
    assert_int_equal(approve(e, the_hold(e, id)), 0);
    assert_int_equal(groups_of(e, "p0"), 1);
    assert_int_equal(groups_of(e, "p11"), 0);
    assert_int_equal(state_of(e, "p11"), ROLLCALL_STATE_ACTIVE);
}

static void on_a_hub_whoever_is_in_another_group_counts_as_no_loss(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[12];
    const char *ids[12];

    staff(e, rows, 12);
    for (size_t i = 0; i < 12; i++)
        ids[i] = rows[i].id;
    become_a_hub(e);
    open_as(e, true, "c");
    say_group(e, "others", NOBODY, NOBODY);
    say_members(e, "others", (struct rollcall_strings){ids, 12});
    assert_int_equal(commit(e, "hr", 0), 0);
    open_as(e, true, "c"); // from one group into the other, as a company does
    say_members(e, "linux-users", LIST("1000"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(audited(e, "hold", NULL), 0);
    assert_int_equal(groups_of(e, "p11"), 1);
    assert_int_equal(groups_of(e, "p0"), 2);
    open_as(e, true, "c"); // and a few, out of all
    say_change(e, "others", NOBODY, LIST("1011"));
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(audited(e, "hold", NULL), 0);
    assert_int_equal(groups_of(e, "p11"), 0);
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
    assert_int_equal(group_send(e, &m), 0);
    assert_int_equal(commit(e, "hr", 0), -EBADMSG);
    assert_true(audited_why(e, "listing-refused", "were to go on"));
    assert_true(allowed(e, "p1"));
    open_as(e, true, "c");
    assert_int_equal(group_send(e, &m), 0);
    m.more = false;
    m.values = LIST("1001");
    assert_int_equal(group_send(e, &m), 0);
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_true(allowed(e, "p0"));
    assert_true(allowed(e, "p1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
        TEST(a_list_that_names_others_takes_at_once),
        TEST(an_emptied_list_waits_for_a_second_listing_with_a_later_time),
        TEST(a_group_that_vanished_waits_for_a_second_listing),
        TEST(an_emptied_list_stays_so_in_the_next_difference_though_nothing_is_said),
        TEST(a_group_that_is_gone_by_word_is_empty_at_once),
        TEST(an_edge_that_goes_takes_from_all_below_it_by_whatever_they_are_in),
        TEST(people_of_before_are_found_when_a_source_begins_to_nest),
        TEST(gained_by_the_row_and_lost_by_the_list_is_lost),
        TEST(a_list_that_loses_more_people_than_the_breaker_allows_is_held_whole),
        TEST(who_is_missing_besides_is_not_missing_by_the_word_about_a_group),
        TEST(whoever_is_named_again_is_held_no_more),
        TEST(a_hub_holds_the_last_memberships_of_more_people_than_the_breaker_allows),
        TEST(on_a_hub_whoever_is_in_another_group_counts_as_no_loss),
        TEST(an_edge_between_groups_is_held_like_a_list),
        TEST(a_list_that_was_to_go_on_and_did_not_refuses_the_listing),
#undef TEST
    };

    setenv("TMPDIR", scratch_memory(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
