// SPDX-License-Identifier: BSD-2-Clause
// Who is in one of the assigned groups, as members come and go one at a time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "syncd/sources/graph_assigned.h"

// What the server has: people are small letters, groups capital ones.
static char server[26][64];
static unsigned asked;
static struct graph_assigned *a;

static const unsigned char *id(char c)
{
    static unsigned char ids[4][GRAPH_ID];
    static int turn;
    unsigned char *p = ids[turn = (turn + 1) % 4];

    p[0] = (unsigned char)c;
    return p;
}

static void say(char group, char member, bool present)
{
    assert_int_equal(
        graph_assigned_member(a, id(group), id(member), member >= 'A' && member <= 'Z', present),
        0);
}

// Who changed, in order.
static const char *settle(void)
{
    static char text[64];
    const unsigned char *ids;
    unsigned char group[GRAPH_ID];
    size_t n;
    int r;

    while ((r = graph_assigned_settle(a, group)) > 0) {
        asked++;
        for (const char *p = server[group[0] - 'A']; *p; p++)
            say((char)group[0], *p, true);
        graph_assigned_read(a, group);
    }
    assert_int_equal(r, 0);
    n = graph_assigned_changed(a, &ids);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)ids[i * GRAPH_ID];
    text[n] = 0;
    return text;
}

static int setup(void **state)
{
    (void)state;
    memset(server, 0, sizeof(server));
    snprintf(server[0], sizeof(server[0]), "abB");
    snprintf(server[1], sizeof(server[1]), "bcA"); // and a circle
    asked = 0;
    a = graph_assigned_new();
    return graph_assigned_root(a, id('A'));
}

static int teardown(void **state)
{
    (void)state;
    graph_assigned_free(a);
    return 0;
}

static void groups_in_groups_are_followed_and_a_circle_does_no_harm(void **state)
{
    (void)state;
    assert_string_equal(settle(), "abc");
    assert_int_equal(asked, 2);
    assert_true(graph_assigned_has(a, id('c')));
    assert_false(graph_assigned_has(a, id('d')));
    assert_true(graph_assigned_root_is(a, id('A')));
    assert_false(graph_assigned_root_is(a, id('B')));
}

static void a_member_that_comes_or_goes_costs_no_request(void **state)
{
    (void)state;
    settle();
    say('B', 'd', true);
    say('A', 'a', false);
    say('Z', 'z', true); // of no group that counts
    assert_string_equal(settle(), "ad");
    say('A', 'b', false); // is in B as well
    assert_string_equal(settle(), "");
    say('A', 'e', true);
    say('A', 'e', false);
    assert_string_equal(settle(), ""); // the last word counts
    assert_int_equal(asked, 2);
}

static void
a_group_that_falls_out_takes_its_people_and_is_read_anew_when_it_comes_back(void **state)
{
    (void)state;
    settle();
    say('A', 'B', false);
    assert_string_equal(settle(), "c");
    snprintf(server[1], sizeof(server[1]), "x");
    say('A', 'B', true);
    assert_string_equal(settle(), "x");
    assert_int_equal(asked, 3);
    graph_assigned_empty(a, id('A'));
    assert_string_equal(settle(), "abx");
    assert_int_equal(graph_assigned_count(a), 0);
}

static void what_was_said_of_a_group_before_it_is_read_is_older(void **state)
{
    (void)state;
    say('A', 'q', true); // from the feed, before the members were asked for
    assert_string_equal(settle(), "abc");
}

static void the_same_people_have_the_same_hash_in_any_order(void **state)
{
    uint64_t hash;

    (void)state;
    settle();
    hash = graph_assigned_hash(a);
    say('A', 'd', true);
    settle();
    assert_true(graph_assigned_hash(a) != hash);
    say('A', 'd', false);
    settle();
    assert_true(graph_assigned_hash(a) == hash);
    graph_assigned_forget(a);
    snprintf(server[0], sizeof(server[0]), "Bcba");
    assert_string_equal(settle(), "");
    assert_true(graph_assigned_hash(a) == hash);
}

static const unsigned char *person(unsigned i)
{
    static unsigned char p[GRAPH_ID];

    memcpy(p, &i, sizeof(i));
    p[GRAPH_ID - 1] = 1;
    return p;
}

static void read_people(unsigned from, unsigned to)
{
    unsigned char group[GRAPH_ID];

    assert_int_equal(graph_assigned_settle(a, group), 1);
    for (unsigned i = from; i < to; i++)
        assert_int_equal(graph_assigned_member(a, group, person(i), false, true), 0);
    graph_assigned_read(a, group);
    assert_int_equal(graph_assigned_settle(a, group), 0);
}

static void of_thousands_it_is_known_who_left_while_all_was_read_anew(void **state)
{
    const unsigned char *ids;

    (void)state;
    read_people(0, 5000);
    assert_int_equal(graph_assigned_changed(a, &ids), 5000);
    for (int round = 0; round < 3; round++) {
        graph_assigned_forget(a);
        read_people(1000, 6000);
        assert_int_equal(graph_assigned_changed(a, &ids), round == 0 ? 2000 : 0);
    }
    assert_int_equal(graph_assigned_count(a), 5000);
    for (unsigned i = 0; i < 7000; i++)
        assert_int_equal(graph_assigned_has(a, person(i)), i >= 1000 && i < 6000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(groups_in_groups_are_followed_and_a_circle_does_no_harm),
        T(a_member_that_comes_or_goes_costs_no_request),
        T(a_group_that_falls_out_takes_its_people_and_is_read_anew_when_it_comes_back),
        T(what_was_said_of_a_group_before_it_is_read_is_older),
        T(the_same_people_have_the_same_hash_in_any_order),
        T(of_thousands_it_is_known_who_left_while_all_was_read_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
