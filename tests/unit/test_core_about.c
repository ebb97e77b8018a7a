// SPDX-License-Identifier: BSD-2-Clause
// A problem that names nobody: nobody counts as absent beside it, so status says why for as long as
// the source's listings have it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/engine_fixture.h"

static void say_about(struct engine *e, const char *where, const char *text, bool warning)
{
    struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_PROBLEM, .where = where, .text = text, .warning = warning};

    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
}

static size_t alarms(struct engine *e, const char *text)
{
    json_t *status = NULL, *one;
    size_t i, n = 0;

    assert_int_equal(engine_core_status(e->core, e->now, &status), 0);
    json_array_foreach(json_object_get(status, "alarms"), i, one)
    {
        n += strstr(json_string_value(one), text) != NULL;
    }
    json_decref(status);
    return n;
}

static void tell(struct engine *e, bool full, const char *where, const char *text, bool warning)
{
    struct rollcall_user_record anna = row("1001", "anna");

    e->now++;
    assert_int_equal(begin(e, "hr", full, e->now), 0);
    if (text)
        say_about(e, where, text, warning);
    say_row(e, "hr", &anna);
    assert_int_equal(commit(e, "hr", 1), 0);
}

static void a_problem_that_names_nobody_stands_in_status_until_a_listing_has_none(void **state)
{
    struct engine *e = *state;

    tell(e, true, "hr", "the group linux is not there", false);
    assert_int_equal(alarms(e, "hr: the group linux is not there"), 1);
    tell(e, true, "hr", "the group linux is not there", false);
    assert_int_equal(alarms(e, "the group linux is not there"), 1);
    tell(e, false, NULL, NULL, false); // what changed, in between
    engine_reopen(e);
    assert_int_equal(alarms(e, "the group linux is not there"), 1);
    tell(e, true, "hr", "people.csv:9 cannot be read", true);
    assert_int_equal(alarms(e, "cannot be read"), 0); // a warning: the row was taken
    assert_int_equal(alarms(e, "the group linux is not there"), 0);
    tell(e, false, "people.csv:7", "nobody's", false);
    assert_int_equal(alarms(e, "hr: people.csv:7: nobody's"), 1);
    tell(e, true, NULL, NULL, false);
    assert_int_equal(alarms(e, "nobody's"), 0);
}

static void of_many_the_first_few_stand_there(void **state)
{
    struct engine *e = *state;

    e->now++;
    assert_int_equal(begin(e, "hr", true, e->now), 0);
    for (int i = 0; i < 30; i++) {
        char text[1000];
        snprintf(text, sizeof(text), "row %d is nobody's: ", i);
        for (size_t n = strlen(text); n + 2 < sizeof(text); n += 2)
            snprintf(text + n, sizeof(text) - n, "\xc3\xa4");
        say_about(e, NULL, text, false);
    }
    assert_int_equal(commit(e, "hr", 0), 0);
    assert_int_equal(alarms(e, "is nobody's"), ABOUT_MAX);
    assert_int_equal(alarms(e, "row 0 is nobody's"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_problem_that_names_nobody_stands_in_status_until_a_listing_has_none),
        TEST(of_many_the_first_few_stand_there),
    };

    return cmocka_run_group_tests_name("problems that name nobody", tests, NULL, NULL);
}
