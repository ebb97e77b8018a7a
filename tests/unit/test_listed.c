// SPDX-License-Identifier: BSD-2-Clause
// What a source remembers of its last listing.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/sources/listed.h"

static char absent[200];

static void note_absent(const char *id)
{
    strncat(absent, id, sizeof(absent) - strlen(absent) - 1);
    strncat(absent, " ", sizeof(absent) - strlen(absent) - 1);
}

static const char *who_is_absent(const struct listed *l)
{
    *absent = 0;
    listed_absent(l, note_absent);
    return absent;
}

static enum listed_word record(struct listed *l, const char *id, const char *content)
{
    listed_bytes_begin(l);
    listed_bytes(l, content, strlen(content));
    return listed_record(l, id, listed_bytes_end(l), true);
}

static bool changed(struct listed *l, const char *id, const char *content)
{
    listed_bytes_begin(l);
    listed_bytes(l, content, strlen(content));
    return listed_changed(l, id, listed_bytes_end(l));
}

// A pass over "id=content id=content"; what was new, as a string of ids.
static const char *pass(struct listed *l, const char *records)
{
    static char said[200];
    char copy[200], *save = NULL;

    *said = 0;
    snprintf(copy, sizeof(copy), "%s", records);
    listed_begin(l);
    for (char *r = strtok_r(copy, " ", &save); r; r = strtok_r(NULL, " ", &save)) {
        char *content = strchr(r, '=');
        *content++ = 0;
        if (record(l, r, content) == LISTED_NEW)
            snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s ", r);
    }
    return said;
}

static void what_did_not_change_is_not_said_and_what_vanished_is_absent(void **state)
{
    struct listed *l = *state;

    assert_false(listed_known(l));
    assert_string_equal(pass(l, "a=1 b=1 c=1"), "a b c ");
    listed_keep(l, true);
    assert_true(listed_known(l));
    listed_begin(l);
    assert_false(changed(l, "a", "1"));
    assert_true(changed(l, "a", "2"));
    assert_false(changed(l, "d", "2")); // it is new
    assert_string_equal(pass(l, "c=1 b=2 d=1"), "b d ");
    assert_false(changed(l, "b", "3")); // met already
    assert_string_equal(who_is_absent(l), "a ");
    listed_keep(l, true);
    assert_string_equal(pass(l, "b=2 c=1 d=1"), "");
    assert_string_equal(who_is_absent(l), "");
    listed_keep(l, true);
    assert_string_equal(pass(l, "b=2 c=1 d=1 a=1"), "a "); // a is back
}

static void a_pass_that_ends_early_leaves_the_last_listing_as_it_was(void **state)
{
    struct listed *l = *state;

    pass(l, "a=1 b=1 c=1");
    listed_keep(l, true);
    pass(l, "a=2 d=1");
    assert_string_equal(pass(l, "a=2 b=1 c=1 d=1"), "a d ");
    assert_string_equal(who_is_absent(l), "");
}

static void an_id_is_seen_twice_in_one_pass(void **state)
{
    struct listed *l = *state;

    listed_begin(l);
    assert_int_equal(record(l, "a", "1"), LISTED_NEW);
    assert_int_equal(record(l, "a", "1"), LISTED_REPEATED);
    assert_int_equal(record(l, "a", "2"), LISTED_TWICE);
    listed_keep(l, true);
    listed_begin(l);
    assert_int_equal(record(l, "a", "1"), LISTED_SAME);
    assert_int_equal(record(l, "a", "1"), LISTED_REPEATED);
    assert_int_equal(record(l, "a", "2"), LISTED_TWICE);
    assert_false(listed_again(l));
}

static void rows_of_one_id_are_all_said_if_need_be_in_another_pass(void **state)
{
    struct listed *l = *state;

    pass(l, "a=1 b=1");
    listed_keep(l, true);
    listed_begin(l);
    assert_int_equal(record(l, "a", "1"), LISTED_SAME);
    assert_int_equal(record(l, "a", "2"), LISTED_TWICE);
    listed_rows(l, "a");
    assert_true(listed_again(l));
    listed_begin(l);
    assert_int_equal(record(l, "a", "1"), LISTED_NEW);
    assert_int_equal(record(l, "a", "2"), LISTED_TWICE);
    listed_rows(l, "a");
    assert_false(listed_again(l));
    assert_int_equal(record(l, "b", "1"), LISTED_SAME);
    listed_keep(l, true);
    listed_begin(l);
    assert_int_equal(record(l, "a", "1"), LISTED_NEW); // for it stood twice
}

static void a_problem_is_said_with_every_listing(void **state)
{
    struct listed *l = *state;

    for (int i = 0; i < 3; i++) {
        listed_begin(l);
        listed_bytes_begin(l);
        assert_int_equal(listed_record(l, "a", listed_bytes_end(l), false), LISTED_NEW);
        listed_keep(l, true);
    }
}

static void a_delta_between_two_listings_is_remembered_too(void **state)
{
    struct listed *l = *state;

    pass(l, "a=1 b=1 c=1");
    listed_keep(l, true);
    pass(l, "b=2 d=1");
    listed_gone(l, "c");
    listed_keep(l, false);
    assert_string_equal(pass(l, "a=1 b=2 d=1"), "");
    assert_string_equal(who_is_absent(l), "");
    listed_keep(l, true);
    assert_string_equal(pass(l, "a=1 c=1"), "c ");
    assert_string_equal(who_is_absent(l), "b d ");
}

static void a_delta_with_no_listing_before_it_is_none(void **state)
{
    struct listed *l = *state;

    pass(l, "a=1");
    listed_keep(l, false);
    assert_false(listed_known(l));
}

static void the_order_of_members_is_no_change(void **state)
{
    struct listed *l = *state;
    json_t *one = json_loads("{\"a\":1,\"b\":{\"c\":[1,2],\"d\":null}}", 0, NULL);
    json_t *two = json_loads("{\"b\":{\"d\":null,\"c\":[1,2]},\"a\":1}", 0, NULL);
    json_t *three = json_loads("{\"b\":{\"d\":null,\"c\":[2,1]},\"a\":1}", 0, NULL);

    listed_begin(l);
    assert_int_equal(listed_record(l, "a", listed_json_hash(l, one), true), LISTED_NEW);
    assert_int_equal(listed_record(l, "a", listed_json_hash(l, two), true), LISTED_REPEATED);
    assert_int_equal(listed_record(l, "a", listed_json_hash(l, three), true), LISTED_TWICE);
    json_decref(one);
    json_decref(two);
    json_decref(three);
}

// Thousands who come and go, passes that fail, in many rounds, beside a plain list.
static void any_listing_said_as_a_difference_makes_the_same_listing(void **state)
{
    struct listed *l = *state;
    enum { PEOPLE = 3000 };
    static unsigned has[PEOPLE]; // what the other side knows: 0, or the content and one
    char id[40], content[16];

    memset(has, 0, sizeof(has));
    for (unsigned round = 1; round <= 40; round++) {
        bool fails = round % 5 == 0;
        listed_begin(l);
        for (unsigned i = 0; i < PEOPLE; i++) {
            unsigned now = (i * 7 + round * 13) % 11 < 4 ? 0 : 1 + (i + round) % 3;
            snprintf(id, sizeof(id), "00000000-0000-0000-0000-%012u", i);
            snprintf(content, sizeof(content), "%u", now);
            if (fails && i > PEOPLE / 2)
                break;
            if (now)
                assert_int_equal(record(l, id, content), has[i] == now ? LISTED_SAME : LISTED_NEW);
            if (!fails)
                has[i] = now;
        }
        if (!fails)
            listed_keep(l, true);
    }
}

static int setup(void **state)
{
    *state = listed_new(false);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    listed_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_did_not_change_is_not_said_and_what_vanished_is_absent),
        TEST(a_pass_that_ends_early_leaves_the_last_listing_as_it_was),
        TEST(an_id_is_seen_twice_in_one_pass),
        TEST(rows_of_one_id_are_all_said_if_need_be_in_another_pass),
        TEST(a_problem_is_said_with_every_listing),
        TEST(a_delta_between_two_listings_is_remembered_too),
        TEST(a_delta_with_no_listing_before_it_is_none),
        TEST(the_order_of_members_is_no_change),
        TEST(any_listing_said_as_a_difference_makes_the_same_listing),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
