// SPDX-License-Identifier: BSD-2-Clause
// Numbers, durations, shares, dates and instants from outside.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "rollcall/log.h"
#include "rollcall/parse.h"
#include "rollcall/timeparse.h"
#include "rollcall/utf8.h"

#define HOUR 3600

static int64_t at(const char *text, enum rollcall_time_kind kind)
{
    enum rollcall_time_kind got;
    int64_t t;

    if (rollcall_time_parse(text, &got, &t) < 0)
        fail_msg("\"%s\" is not read", text);
    assert_int_equal(got, kind);
    return t;
}

static int64_t instant(const char *text)
{
    return at(text, ROLLCALL_TIME_INSTANT);
}

static int64_t end_of(const char *date)
{
    int64_t t;

    assert_int_equal(rollcall_date_end(date, &t), 0);
    return t;
}

static void a_number_is_the_whole_text(void **state)
{
    static const char *const bad[] = {"",    " 1", "1 ", "+1", "-1", "0x1", "1.0",
                                      "1e3", "a",  "1a", "\n", "٣",  "--",  "1,000"};
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rollcall_parse_u64(bad[i], 0, UINT64_MAX, &n), -EINVAL);
    assert_int_equal(rollcall_parse_u64("18446744073709551616", 0, UINT64_MAX, &n), -ERANGE);
    assert_int_equal(rollcall_parse_u64("99999999999999999999999", 0, 9, &n), -ERANGE);
    assert_int_equal(rollcall_parse_u64("10", 0, 9, &n), -ERANGE);
    assert_int_equal(rollcall_parse_u64("4", 5, 9, &n), -ERANGE);
    assert_int_equal(n, 77);
    assert_int_equal(rollcall_parse_u64("18446744073709551615", 0, UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(rollcall_parse_u64("007", 5, 9, &n), 0);
    assert_int_equal(n, 7);
}

static void a_duration_has_one_number_and_one_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } good[] = {{"0s", 0},        {"90s", 90},         {"15m", 900},
                {"8h", 8 * HOUR}, {"14d", 14 * 86400}, {"2w", 14 * 86400}};
    static const char *const bad[] = {"", "s", "90", "90 s", "1h30m", "-5m", "5M", "5min", "1.5h"};
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rollcall_parse_duration(bad[i], 0, UINT64_MAX, &n), -EINVAL);
    assert_int_equal(rollcall_parse_duration("18446744073709551615w", 0, UINT64_MAX, &n), -ERANGE);
    assert_int_equal(rollcall_parse_duration("59s", 60, 100, &n), -ERANGE);
    assert_int_equal(rollcall_parse_duration("2m", 60, 100, &n), -ERANGE);
    assert_int_equal(n, 77);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(rollcall_parse_duration(good[i].text, 0, UINT64_MAX, &n), 0);
        assert_int_equal(n, good[i].seconds);
    }
}

static void a_share_is_at_most_everybody(void **state)
{
    static const char *const bad[] = {"2", "%", "2.%", ".5%", "2%%", "2 %", "-2%"};
    uint32_t n = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rollcall_parse_percent(bad[i], &n), -EINVAL);
    assert_true(rollcall_parse_percent("2.555%", &n) < 0);
    assert_true(rollcall_parse_percent("2.555%", &n) < 0);
    assert_int_equal(rollcall_parse_percent("101%", &n), -ERANGE);
    assert_int_equal(rollcall_parse_percent("100.01%", &n), -ERANGE);
    assert_int_equal(n, 77);
    assert_int_equal(rollcall_parse_percent("2%", &n), 0);
    assert_int_equal(n, 200);
    assert_int_equal(rollcall_parse_percent("0.5%", &n), 0);
    assert_int_equal(n, 50);
    assert_int_equal(rollcall_parse_percent("0.05%", &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(rollcall_parse_percent("100.00%", &n), 0);
    assert_int_equal(n, 10000);
}

static void an_instant_means_the_same_in_every_zone(void **state)
{
    static const char *const same[] = {
        "2026-11-30T17:00:00Z",          "2026-11-30T17:00Z",
        "2026-11-30T18:00:00+01:00",     "2026-11-30T18:00:00+0100",
        "2026-11-30T12:00:00.999-05:00", "2026-11-30t17:00:00z",
        "2026-11-30 22:45:00+05:45",     "2026-12-01T00:00:00+07:00"};

    (void)state;
    assert_int_equal(rollcall_timezone_use("America/New_York"), 0);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_int_equal(instant(same[i]), 1796058000);
}

static void what_is_no_date_is_refused_and_nothing_written(void **state)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-1-1",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-02-29",
                                      "2026-04-31",
                                      "2100-02-29",
                                      "1969-12-31",
                                      "0000-00-00",
                                      "20261130",
                                      "30.11.2026",
                                      "11/30/2026",
                                      "2026-11-30T",
                                      "2026-11-30T24:00",
                                      "2026-11-30x",
                                      "2026-11-30T17:00:00+24:00",
                                      "2026-11-30T17:60",
                                      "2026-11-30T17:00:61Z",
                                      "2026-11-30T17:00:00.Z",
                                      "2026-11-30T17:00:00ZZ",
                                      " 2026-11-30",
                                      "2026-11-30 ",
                                      "2026-11-30T17:00:00+1",
                                      "12026-11-30",
                                      "-2026-11-30",
                                      "2026-11-30T17:00 Z",
                                      "2026/11/30"};
    enum rollcall_time_kind kind = ROLLCALL_TIME_WALL;
    int64_t t = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (rollcall_time_parse(bad[i], &kind, &t) != -EINVAL)
            fail_msg("\"%s\" was read", bad[i]);
        assert_int_equal(rollcall_date_end(bad[i], &t), -EINVAL);
    }
    assert_int_equal(rollcall_date_end("2026-11-30T17:00:00Z", &t), -EINVAL);
    assert_int_equal(t, 77);
    assert_int_equal(kind, ROLLCALL_TIME_WALL);
    assert_true(at("2028-02-29", ROLLCALL_TIME_DATE) > 0);
}

static void days_of_23_and_25_hours_end_at_midnight(void **state)
{
    (void)state;
    assert_int_equal(rollcall_timezone_use("Europe/Berlin"), 0);
    assert_int_equal(end_of("2026-03-28"), instant("2026-03-29T00:00:00+01:00"));
    assert_int_equal(end_of("2026-03-29"), instant("2026-03-30T00:00:00+02:00"));
    assert_int_equal(end_of("2026-03-29") - end_of("2026-03-28"), 23 * HOUR);
    assert_int_equal(end_of("2026-10-25"), instant("2026-10-26T00:00:00+01:00"));
    assert_int_equal(end_of("2026-10-25") - end_of("2026-10-24"), 25 * HOUR);
    assert_int_equal(end_of("2026-12-31"), instant("2027-01-01T00:00:00+01:00"));
    assert_int_equal(end_of("2028-02-28"), instant("2028-02-29T00:00:00+01:00"));
}

static void an_hour_that_stands_twice_is_its_first_time(void **state)
{
    (void)state;
    assert_int_equal(rollcall_timezone_use("Europe/Berlin"), 0);
    assert_int_equal(at("2026-10-25T02:30", ROLLCALL_TIME_WALL),
                     instant("2026-10-25T02:30:00+02:00"));
    // Clocks were put back without summer time's end: both readings are standard time.
    assert_int_equal(rollcall_timezone_use("Europe/Moscow"), 0);
    assert_int_equal(at("2014-10-26T01:30", ROLLCALL_TIME_WALL),
                     instant("2014-10-26T01:30:00+04:00"));
}

static void an_hour_that_is_skipped_is_the_earlier_reading(void **state)
{
    (void)state;
    assert_int_equal(rollcall_timezone_use("Europe/Berlin"), 0);
    assert_int_equal(at("2026-03-29T02:30", ROLLCALL_TIME_WALL),
                     instant("2026-03-29T02:30:00+02:00"));
    assert_int_equal(at("2026-07-01T12:00:30", ROLLCALL_TIME_WALL),
                     instant("2026-07-01T10:00:30Z"));
}

// Midnight itself is skipped in Cairo, Beirut and Santiago.
static void every_day_of_ten_years_ends_where_the_next_begins(void **state)
{
    static const char *const zones[] = {"UTC",
                                        "Europe/Berlin",
                                        "America/New_York",
                                        "America/Santiago",
                                        "Africa/Cairo",
                                        "Asia/Beirut",
                                        "Asia/Kathmandu",
                                        "Asia/Kolkata",
                                        "Australia/Lord_Howe",
                                        "Pacific/Chatham",
                                        "Pacific/Kiritimati",
                                        "America/St_Johns",
                                        "Africa/Casablanca",
                                        "Europe/Dublin",
                                        "America/Havana",
                                        "Asia/Tehran"};

    (void)state;
    for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
        assert_int_equal(rollcall_timezone_use(zones[z]), 0);
        for (time_t noon = 1704110400; noon < 1704110400 + 3653 * 86400LL; noon += 86400) {
            struct tm day, before, first;
            char text[16];
            time_t end, last;
            gmtime_r(&noon, &day);
            strftime(text, sizeof(text), "%Y-%m-%d", &day);
            end = end_of(text);
            last = end - 1;
            localtime_r(&last, &before);
            localtime_r(&end, &first);
            if (before.tm_mday != day.tm_mday || first.tm_mday == day.tm_mday)
                fail_msg("%s: %s ends at %lld", zones[z], text, (long long)end);
        }
    }
}

static void a_folder_or_a_table_is_no_time_zone(void **state)
{
    static const char *const bad[] = {"Europe",        "posix", "Mars/Olympus",   "tzdata.zi",
                                      "zone.tab",      "",      "/etc/localtime", "../zoneinfo/UTC",
                                      "Europe/../UTC", ":UTC",  "UTC0 x",         "."};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(rollcall_timezone_check(bad[i]) < 0);
    assert_int_equal(rollcall_timezone_check("UTC"), 0);
    assert_int_equal(rollcall_timezone_check("America/Argentina/Buenos_Aires"), 0);
    assert_int_equal(rollcall_timezone_check("Etc/GMT+5"), 0);
    assert_true(rollcall_timezone_use("Europe") < 0);
}

static void a_time_is_written_as_it_is_read(void **state)
{
    char buf[ROLLCALL_TIME_TEXT], small[8];

    (void)state;
    assert_string_equal(rollcall_time_format(1796058000, -1, buf, sizeof(buf)),
                        "2026-11-30T17:00:00Z");
    assert_int_equal(instant(buf), 1796058000);
    assert_string_equal(rollcall_time_format(1796058000, 42, buf, sizeof(buf)),
                        "2026-11-30T17:00:00.000042Z");
    assert_int_equal(instant(buf), 1796058000);
    assert_string_equal(rollcall_time_format(1796058000, -1, small, sizeof(small)), "");
    assert_string_equal(rollcall_time_format(INT64_MAX, -1, buf, sizeof(buf)), "");
}

static void what_a_zone_carries_out_of_the_years_stays_readable(void **state)
{
    char buf[ROLLCALL_TIME_TEXT];

    (void)state;
    assert_int_equal(rollcall_timezone_use("Europe/Berlin"), 0);
    assert_int_equal(at("1970-01-01", ROLLCALL_TIME_DATE), 0);
    assert_int_equal(at("1970-01-01T00:30", ROLLCALL_TIME_WALL), 0);
    assert_int_equal(instant("1970-01-01T00:30:00+01:00"), 0);
    assert_int_equal(end_of("1970-01-01"), 23 * HOUR);
    assert_int_equal(rollcall_timezone_use("America/New_York"), 0);
    assert_int_equal(end_of("9999-12-31"), ROLLCALL_TIME_LAST);
    assert_int_equal(instant("9999-12-31T23:59:59-05:00"), ROLLCALL_TIME_LAST);
    rollcall_time_format(end_of("9999-12-31"), -1, buf, sizeof(buf));
    assert_string_equal(buf, "9999-12-31T23:59:59Z");
    assert_int_equal(instant(buf), ROLLCALL_TIME_LAST);
    assert_int_equal(rollcall_timezone_use("UTC"), 0);
}

static void outside_text_breaks_no_log_line_and_steers_no_terminal(void **state)
{
    char buf[64], small[12];

    (void)state;
    rollcall_log_escape("alice", buf, sizeof(buf));
    assert_string_equal(buf, "alice");
    rollcall_log_escape("", buf, sizeof(buf));
    assert_string_equal(buf, "\"\"");
    rollcall_log_escape("a b=\"c\"\\", buf, sizeof(buf));
    assert_string_equal(buf, "\"a b=\\\"c\\\"\\\\\"");
    rollcall_log_escape("x\nlock user=root\x1b[2J\x7f", buf, sizeof(buf));
    assert_string_equal(buf, "\"x\\x0alock user=root\\x1b[2J\\x7f\"");
    rollcall_log_escape("M\xc3\xbcller", buf, sizeof(buf));
    assert_string_equal(buf, "M\xc3\xbcller");
    rollcall_log_escape("\xc2\x9b"
                        "2J",
                        buf, sizeof(buf)); // CSI as one character
    assert_null(strstr(buf, "\xc2\x9b"));
    memset(small, 'z', sizeof(small));
    assert_true(rollcall_log_escape("\n\n\n\n\n\n\n\n", small, sizeof(small) - 1) < 11);
    assert_int_equal(small[11], 'z');
    assert_int_equal(rollcall_log_escape("aaaaaaaaaaaaaaaaaaaaa", small, sizeof(small)), 11);
    assert_int_equal(rollcall_log_escape("a", small, 0), 0);
}

static void text_that_was_cut_or_is_no_utf_8_becomes_some(void **state)
{
    static const char *const mended[][2] = {
        {"", ""},
        {"Zo\xc3\xab", "Zo\xc3\xab"},
        {"Zo\xc3", "Zo"},
        {"\xe2\x82", ""},
        {"\xf0\x9f\x98", ""},
        {"a\xe2\x82.", "a??."},
        {"\xff\x80z", "??z"},
        {"\xc0\xaf", "??"},           // longer than need be
        {"\xed\xa0\x80", "???"},      // half of a surrogate pair
        {"\xf4\x90\x80\x80", "????"}, // behind U+10FFFF
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    };
    char buf[16];

    (void)state;
    for (size_t i = 0; i < sizeof(mended) / sizeof(mended[0]); i++) {
        snprintf(buf, sizeof(buf), "%s", mended[i][0]);
        rollcall_utf8_mend(buf);
        assert_string_equal(buf, mended[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_the_whole_text),
        cmocka_unit_test(a_duration_has_one_number_and_one_unit),
        cmocka_unit_test(a_share_is_at_most_everybody),
        cmocka_unit_test(an_instant_means_the_same_in_every_zone),
        cmocka_unit_test(what_is_no_date_is_refused_and_nothing_written),
        cmocka_unit_test(days_of_23_and_25_hours_end_at_midnight),
        cmocka_unit_test(an_hour_that_stands_twice_is_its_first_time),
        cmocka_unit_test(an_hour_that_is_skipped_is_the_earlier_reading),
        cmocka_unit_test(every_day_of_ten_years_ends_where_the_next_begins),
        cmocka_unit_test(a_folder_or_a_table_is_no_time_zone),
        cmocka_unit_test(a_time_is_written_as_it_is_read),
        cmocka_unit_test(what_a_zone_carries_out_of_the_years_stays_readable),
        cmocka_unit_test(outside_text_breaks_no_log_line_and_steers_no_terminal),
        cmocka_unit_test(text_that_was_cut_or_is_no_utf_8_becomes_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
