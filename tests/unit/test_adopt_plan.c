// SPDX-License-Identifier: BSD-2-Clause
// Who of the people that this host has is whom in HR's listing, and the way back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/adopt_plan.h"

#define MIN 1879048192u
#define MAX 2147483646u
#define UID (MIN + 5)

static enum adopt_verdict judge(const struct adopt_local *local, const struct adopt_row *row)
{
    struct adopt_person p;

    adopt_judge(local, 1, 0, row, 1, MIN, MAX, &p);
    return p.verdict;
}

static void only_people_are_offered(void **state)
{
    static const uint32_t never[] = {0, 1, 999, 61184, 65534, 65535, 524288, 2147483647u};

    (void)state;
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        struct adopt_local l = {.name = "x", .uid = never[i]};
        assert_false(adopt_is_person(&l));
    }
    assert_true(adopt_is_person(&(struct adopt_local){.name = "x", .uid = 1000}));
    assert_false(adopt_is_person(&(struct adopt_local){.name = "root", .uid = 1000}));
}

static void a_uid_stays_where_it_can(void **state)
{
    struct adopt_local l = {.name = "amy", .home = "/home/amy", .uid = UID, .gid = UID};
    struct adopt_row row = {.key = "1", .number = "1", .name = "amy"};

    (void)state;
    assert_int_equal(judge(&l, &row), ADOPT_KEEPS);
    l.uid = 1001;
    assert_int_equal(judge(&l, &row), ADOPT_NEW_UID);
    l.uid = MIN; // rollcall-people's
    assert_int_equal(judge(&l, &row), ADOPT_NEW_UID);
    l.uid = UID;
    row.pinned = true;
    row.pinned_uid = UID;
    assert_int_equal(judge(&l, &row), ADOPT_KEEPS);
    row.pinned_uid = UID + 1;
    assert_int_equal(judge(&l, &row), ADOPT_NEW_UID);
    row.has_left = true;
    assert_int_equal(judge(&l, &row), ADOPT_CONFLICT);
}

static void a_number_is_a_name_where_no_name_fits(void **state)
{
    struct adopt_local l = {.name = "e1042", .home = "/home/amy", .uid = UID, .gid = UID};
    struct adopt_row row = {.key = "e1042", .number = "e1042", .name = "amy"};

    (void)state;
    assert_int_equal(judge(&l, &row), ADOPT_KEEPS);
    row.number[0] = 0;
    assert_int_equal(judge(&l, &row), ADOPT_NOBODY);
}

static void names_leave_lines_and_lists_and_no_others(void **state)
{
    static const char *const names[] = {"amy"};
    char *got = adopt_edit_without(
        "a:x:1:\namy:x:2:\namya:x:3:amy\nsudo:x:27:bob,amy,carol\nx:y:4:amya", names, 1, true);

    (void)state;
    assert_string_equal(got, "a:x:1:\namya:x:3:\nsudo:x:27:bob,carol\nx:y:4:amya");
    free(got);
}

static void the_way_back_keeps_what_others_did(void **state)
{
    const char *before = "root:0\namy:1\nbob:2\nsudo:amy,bob\n";
    const char *after = "root:0\nbob:2\nsudo:bob\nmapped 1\n";
    char *got;

    (void)state;
    got = adopt_merge("", before, after, after);
    assert_string_equal(got, "root:0\nbob:2\nsudo:amy,bob\namy:1\n");
    free(got);
    // bob changed, zoe is new, somebody made another amy, sudo's members are others now.
    got = adopt_merge("", before, after, "root:0\nbob:3\nsudo:bob,zoe\nzoe:9\namy:8\n");
    assert_string_equal(got, "root:0\nbob:3\nsudo:bob,zoe\nzoe:9\namy:8\n");
    free(got);
}

static void the_map_gains_a_line_once(void **state)
{
    struct adopt_local l = {.name = "amy", .uid = UID};
    struct adopt_row row = {.key = "1", .name = "amy"}, odd = {.key = "1 2", .name = "amy"};
    struct adopt_person p = {.local = &l, .row = &row, .map = true};
    char *once = adopt_edit_map("# mine", &p, 1), *twice = adopt_edit_map(once, &p, 1);

    (void)state;
    assert_string_equal(once, "# mine\n1 1879048197 # amy, by rollcall adopt\n");
    assert_string_equal(twice, once);
    free(twice);
    free(once);
    p.row = &odd; // a key with a blank is no word; the engine knows the name too
    once = adopt_edit_map("", &p, 1);
    assert_string_equal(once, "amy 1879048197 # amy, by rollcall adopt\n");
    free(once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_people_are_offered),
        cmocka_unit_test(a_uid_stays_where_it_can),
        cmocka_unit_test(a_number_is_a_name_where_no_name_fits),
        cmocka_unit_test(names_leave_lines_and_lists_and_no_others),
        cmocka_unit_test(the_way_back_keeps_what_others_did),
        cmocka_unit_test(the_map_gains_a_line_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
