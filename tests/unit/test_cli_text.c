// SPDX-License-Identifier: BSD-2-Clause
// The command's decisions and text: escaping, widths, times, suggestions, progress.
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/progress.h"
#include "cli/suggest.h"
#include "cli/text.h"
#include "rollcall/lifecycle.h"
#include "rollcall/timeparse.h"

#define NOW INT64_C(1795521600) // 2026-11-24T12:00:00Z

static void expect_escape(const char *from, const char *to)
{
    char *out = cli_escape(from);

    assert_non_null(out);
    assert_string_equal(out, to);
    free(out);
}

static void a_gecos_with_an_escape_sequence_cannot_steer_the_terminal(void **state)
{
    (void)state;
    expect_escape("Eve\033[2J", "Eve\\x1b[2J");
    expect_escape("a\nb\tc\r", "a\\nb\\tc\\x0d");
    expect_escape("\x7f", "\\x7f");
}

static void a_c1_control_character_is_escaped_byte_for_byte(void **state)
{
    (void)state;
    expect_escape("\xc2\x9b"
                  "2J",
                  "\\xc2\\x9b2J"); // CSI as one character
}

static void writing_direction_cannot_be_turned(void **state)
{
    (void)state;
    expect_escape("a\xe2\x80\xae"
                  "b",
                  "a\\xe2\\x80\\xaeb");
    expect_escape("a\xe2\x81\xa6"
                  "b",
                  "a\\xe2\\x81\\xa6b");
}

static void bytes_that_are_no_utf8_are_shown_as_bytes(void **state)
{
    (void)state;
    expect_escape("\xff", "\\xff");
    expect_escape("\xc3", "\\xc3");                   // cut
    expect_escape("\xc0\xaf", "\\xc0\\xaf");          // overlong
    expect_escape("\xed\xa0\x80", "\\xed\\xa0\\x80"); // a surrogate
    expect_escape("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

static void names_of_the_world_stay_as_they_are(void **state)
{
    (void)state;
    expect_escape("Jürgen Łukasz 田中", "Jürgen Łukasz 田中");
    expect_escape(NULL, "");
}

static void a_wide_character_counts_two_columns_and_a_combining_one_none(void **state)
{
    (void)state;
    assert_int_equal(cli_columns("Jürgen"), 6);
    assert_int_equal(cli_columns("田中"), 4);
    assert_int_equal(cli_columns("e\xcc\x81"), 1);
}

static void columns_line_up_when_names_are_not_ascii(void **state)
{
    struct cli_table table = {.columns = 2, .right = 2};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    cli_table_add(&table, "NAME", CLI_PLAIN);
    cli_table_add(&table, "N", CLI_PLAIN);
    cli_table_add(&table, "田中", CLI_PLAIN);
    cli_table_add(&table, "5", CLI_PLAIN);
    cli_table_add(&table, "Jürgen", CLI_RED);
    cli_table_add(&table, "12", CLI_PLAIN);
    cli_table_print(&table, out, false);
    fclose(out);
    assert_string_equal(text, "NAME     N\n田中     5\nJürgen  12\n");
    free(text);
    cli_table_free(&table);
}

static void colour_is_off_where_it_is_not_wanted(void **state)
{
    (void)state;
    assert_string_equal(cli_colour(false, CLI_RED), "");
    assert_string_equal(cli_colour(true, CLI_RED), "\033[31m");
    assert_int_equal(cli_state_colour("active"), CLI_GREEN);
    assert_int_equal(cli_state_colour("a state of a later version"), CLI_RED);
}

static void thousands_are_separated(void **state)
{
    char buf[32];

    (void)state;
    assert_string_equal(cli_count(0, buf, sizeof(buf)), "0");
    assert_string_equal(cli_count(999, buf, sizeof(buf)), "999");
    assert_string_equal(cli_count(1000, buf, sizeof(buf)), "1,000");
    assert_string_equal(cli_count(1234567, buf, sizeof(buf)), "1,234,567");
    assert_string_equal(cli_count(UINT64_MAX, buf, sizeof(buf)), "18,446,744,073,709,551,615");
}

static void a_span_is_told_in_the_unit_that_fits(void **state)
{
    char buf[32];

    (void)state;
    assert_string_equal(cli_span(-5, buf, sizeof(buf)), "0 s");
    assert_string_equal(cli_span(89, buf, sizeof(buf)), "89 s");
    assert_string_equal(cli_span(90, buf, sizeof(buf)), "1 min");
    assert_string_equal(cli_span(12000, buf, sizeof(buf)), "3 h 20 min");
    assert_string_equal(cli_span(7200, buf, sizeof(buf)), "2 h");
    assert_string_equal(cli_span(86400 * 5 + 7, buf, sizeof(buf)), "5 days");
}

static void an_instant_is_told_with_its_distance(void **state)
{
    char buf[80];

    (void)state;
    assert_int_equal(rollcall_timezone_use("UTC"), 0);
    assert_string_equal(cli_when(ROLLCALL_TIME_UNSET, NOW, buf, sizeof(buf)), "-");
    assert_string_equal(cli_when(NOW - 600, NOW, buf, sizeof(buf)),
                        "2026-11-24 11:50:00 UTC (10 min ago)");
    assert_string_equal(cli_when(NOW + 3600 * 72, NOW, buf, sizeof(buf)),
                        "2026-11-27 12:00:00 UTC (in 3 days)");
}

static int64_t until(const char *text)
{
    int64_t t = -1;

    assert_int_equal(cli_until(text, NOW, &t), 0);
    return t;
}

static void until_takes_a_span_an_instant_wall_time_and_a_date(void **state)
{
    (void)state;
    assert_int_equal(rollcall_timezone_use("Europe/Berlin"), 0);
    assert_int_equal(until("2d"), NOW + 2 * 86400);
    assert_int_equal(until("8h"), NOW + 8 * 3600);
    assert_int_equal(until("2026-12-01T18:00:00Z"), INT64_C(1796148000));
    assert_int_equal(until("2026-12-01T18:00"), INT64_C(1796148000) - 3600);
    // A date lasts to its end: midnight after it, in the zone.
    assert_int_equal(until("2026-12-01"), INT64_C(1796083200) + 86400 - 3600);
}

static void until_refuses_the_past_and_what_is_no_time(void **state)
{
    int64_t t = 42;

    (void)state;
    assert_int_equal(rollcall_timezone_use("UTC"), 0);
    assert_int_equal(cli_until("2026-11-24T12:00:00Z", NOW, &t), -ERANGE);
    assert_int_equal(cli_until("2020-01-01", NOW, &t), -ERANGE);
    assert_int_equal(cli_until("900w", NOW, &t), -ERANGE);
    assert_int_equal(cli_until("tomorrow", NOW, &t), -EINVAL);
    assert_int_equal(cli_until("", NOW, &t), -EINVAL);
    assert_int_equal(cli_until("2d2", NOW, &t), -EINVAL);
    assert_int_equal(cli_until("-2d", NOW, &t), -EINVAL);
    assert_int_equal(t, 42);
}

static void distance_counts_a_swap_of_neighbours_as_one(void **state)
{
    (void)state;
    assert_int_equal(cli_suggest_distance("alice", "alice"), 0);
    assert_int_equal(cli_suggest_distance("alice", "alcie"), 1);
    assert_int_equal(cli_suggest_distance("alice", "alic"), 1);
    assert_int_equal(cli_suggest_distance("", "abc"), 3);
    assert_int_equal(cli_suggest_distance("kitten", "sitting"), 3);
    char longer[100];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[99] = 0;
    assert_int_equal(cli_suggest_distance("a", longer), 1000);
}

static void the_nearest_names_are_offered_and_far_ones_never(void **state)
{
    struct cli_suggest near = {.wanted = "alcie"};
    static const char *const people[] = {"bob", "alicia", "alice", "malice", "alci", "zebra"};

    (void)state;
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        cli_suggest_offer(&near, people[i]);
    assert_int_equal(near.n, 2);
    assert_string_equal(near.name[0], "alice");
    assert_string_equal(near.name[1], "alci");
}

static void a_fourth_name_pushes_out_the_farthest(void **state)
{
    struct cli_suggest near = {.wanted = "aaaaaa"};

    (void)state;
    cli_suggest_offer(&near, "aaaabb");
    cli_suggest_offer(&near, "aaaaab");
    cli_suggest_offer(&near, "aaaacc");
    cli_suggest_offer(&near, "aaaaaa");
    assert_int_equal(near.n, 3);
    assert_string_equal(near.name[0], "aaaaaa");
    assert_string_equal(near.name[1], "aaaaab");
    assert_string_equal(near.name[2], "aaaabb");
}

static void progress_says_nothing_of_speed_before_it_can_know(void **state)
{
    struct cli_progress p = {.what = "hr", .done = 10, .total = 100, .elapsed_ms = 10};

    (void)state;
    assert_int_equal(cli_progress_rate(&p), 0);
    assert_int_equal(cli_progress_left(&p), -1);
    assert_int_equal(cli_progress_percent(&p), 10);
}

static void progress_tells_rate_and_time_left(void **state)
{
    struct cli_progress p = {.what = "hr", .done = 2500, .total = 10000, .elapsed_ms = 2000};
    char line[256];

    (void)state;
    assert_int_equal(cli_progress_rate(&p), 1250);
    assert_int_equal(cli_progress_left(&p), 6);
    cli_progress_line(&p, 100, line, sizeof(line));
    assert_string_equal(line,
                        "hr  [=====               ]  25 %  2,500 of 10,000  1,250/s  6 s left");
}

static void a_source_that_found_more_than_it_announced_stays_at_100_per_cent(void **state)
{
    struct cli_progress p = {.what = "hr", .done = 120, .total = 100, .elapsed_ms = 1000};

    (void)state;
    assert_int_equal(cli_progress_percent(&p), 100);
    assert_int_equal(cli_progress_left(&p), 0);
}

static void without_a_total_there_is_a_count_and_no_bar(void **state)
{
    struct cli_progress p = {.what = "hr", .done = 1200, .elapsed_ms = 1000};
    char line[256];

    (void)state;
    cli_progress_line(&p, 80, line, sizeof(line));
    assert_string_equal(line, "hr  1,200  1,200/s");
}

static void a_progress_line_never_wraps(void **state)
{
    struct cli_progress p = {
        .what = "a source with a very long name", .done = 2500, .total = 10000, .elapsed_ms = 2000};
    char line[256];

    (void)state;
    for (unsigned columns = 1; columns < 120; columns++) {
        cli_progress_line(&p, columns, line, sizeof(line));
        assert_true(cli_columns(line) <= columns);
    }
}

static void sources_that_are_read_at_once_are_added_up(void **state)
{
    struct cli_reading r[3] = {{"hr", "reading", 1000, 5000, 300, 1000},
                               {"okta", "reading", 3000, 5000, 100, 1000},
                               {"old", "reading", 0, 2000, 7, 7}};
    struct cli_progress p;
    char what[100];

    (void)state;
    cli_progress_add_up(r, 3, 5000, what, sizeof(what), &p);
    assert_string_equal(what, "hr: reading, okta: reading");
    assert_int_equal(p.done, 400);
    assert_int_equal(p.total, 2000);
    assert_int_equal(cli_progress_rate(&p), 100);
    assert_int_equal(cli_progress_left(&p), 16);
    r[1].total = 0; // it does not know how many there are: no time left is better than a wrong one
    cli_progress_add_up(r, 2, 5000, what, sizeof(what), &p);
    assert_int_equal(p.total, 0);
    assert_int_equal(cli_progress_left(&p), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_that_are_read_at_once_are_added_up),
        cmocka_unit_test(a_gecos_with_an_escape_sequence_cannot_steer_the_terminal),
        cmocka_unit_test(a_c1_control_character_is_escaped_byte_for_byte),
        cmocka_unit_test(writing_direction_cannot_be_turned),
        cmocka_unit_test(bytes_that_are_no_utf8_are_shown_as_bytes),
        cmocka_unit_test(names_of_the_world_stay_as_they_are),
        cmocka_unit_test(a_wide_character_counts_two_columns_and_a_combining_one_none),
        cmocka_unit_test(columns_line_up_when_names_are_not_ascii),
        cmocka_unit_test(colour_is_off_where_it_is_not_wanted),
        cmocka_unit_test(thousands_are_separated),
        cmocka_unit_test(a_span_is_told_in_the_unit_that_fits),
        cmocka_unit_test(an_instant_is_told_with_its_distance),
        cmocka_unit_test(until_takes_a_span_an_instant_wall_time_and_a_date),
        cmocka_unit_test(until_refuses_the_past_and_what_is_no_time),
        cmocka_unit_test(distance_counts_a_swap_of_neighbours_as_one),
        cmocka_unit_test(the_nearest_names_are_offered_and_far_ones_never),
        cmocka_unit_test(a_fourth_name_pushes_out_the_farthest),
        cmocka_unit_test(progress_says_nothing_of_speed_before_it_can_know),
        cmocka_unit_test(progress_tells_rate_and_time_left),
        cmocka_unit_test(a_source_that_found_more_than_it_announced_stays_at_100_per_cent),
        cmocka_unit_test(without_a_total_there_is_a_count_and_no_bar),
        cmocka_unit_test(a_progress_line_never_wraps),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
