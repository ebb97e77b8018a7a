// SPDX-License-Identifier: BSD-2-Clause
// Dates as HR systems write them.
#include "syncd/sources/jsonapi_date.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/parse.h"
#include "rollcall/timeparse.h"
#include "rollcall/lifecycle.h"

#define DAY_MS 86400000

static int wrong(char *why, size_t why_len, const char *text, const char *should)
{
    snprintf(why, why_len, "\"%.60s\" is no date: %s", text, should);
    return -EBADMSG;
}

// A company has few dates, and libc's way to an instant is long: the last ones are kept.
static struct day {
    char zone[40], day[11];
    int64_t first, over;
} days[4096];

static struct day *place_of(const char day[11])
{
    unsigned h = 0;

    for (const char *p = day; *p; p++)
        h = h * 31 + (unsigned char)*p;
    return &days[h % (sizeof(days) / sizeof(days[0]))];
}

static int take_day(const char day[11], struct hr_date *ret)
{
    const char *zone = getenv("TZ") ?: "";
    struct hr_date d = {.kind = HR_DATE_DAY};
    struct day *kept = place_of(day);
    enum rollcall_time_kind kind;

    if (strcmp(kept->day, day) != 0 || strcmp(kept->zone, zone) != 0) {
        if (rollcall_time_parse(day, &kind, &d.at) < 0 || kind != ROLLCALL_TIME_DATE ||
            rollcall_date_end(day, &d.over) < 0)
            return -EBADMSG;
        *kept = (struct day){.first = d.at, .over = d.over};
        memcpy(kept->day, day, sizeof(kept->day));
        // A name that was cut off is no zone's, and is never found again.
        snprintf(kept->zone, sizeof(kept->zone), "%.39s", zone);
    }
    d.at = kept->first;
    d.over = kept->over;
    memcpy(d.day, kept->day, sizeof(d.day));
    *ret = d;
    return 0;
}

// "/Date(1609459200000+0000)/": milliseconds of UTC; the offset is for display.
static int take_odata(const char *text, struct hr_date *ret)
{
    const char *from = text + strlen("/Date(");
    size_t n = strspn(from, "0123456789"), offset = 0;
    char digits[20], instant[ROLLCALL_TIME_TEXT], day[11] = "";
    uint64_t ms;

    if (n == 0 || n >= sizeof(digits))
        return -EBADMSG;
    if (from[n] == '+' || from[n] == '-')
        offset = 1 + strspn(from + n + 1, "0123456789");
    if (offset > 5 || offset == 1 || strcmp(from + n + offset, ")/") != 0)
        return -EBADMSG;
    memcpy(digits, from, n);
    digits[n] = 0;
    if (rollcall_parse_u64(digits, 0, ROLLCALL_TIME_LAST * 1000 + 999, &ms) < 0)
        return -EBADMSG;
    if (ms % DAY_MS == 0) {
        rollcall_time_format((int64_t)(ms / 1000), -1, instant, sizeof(instant));
        memcpy(day, instant, sizeof(day) - 1);
        return take_day(day, ret);
    }
    *ret = (struct hr_date){.kind = HR_DATE_INSTANT, .at = (int64_t)(ms / 1000)};
    return 0;
}

// Month, day and year between two equal slashes or hyphens.
static bool split(const char *text, unsigned part[3], size_t *ret_year_digits)
{
    char sep = 0;

    for (int i = 0; i < 3; i++) {
        size_t n = strspn(text, "0123456789");
        if (n == 0 || n > (i == 2 ? 4u : 2u))
            return false;
        part[i] = 0;
        for (size_t k = 0; k < n; k++)
            part[i] = part[i] * 10 + (unsigned)(text[k] - '0');
        text += n;
        if (i == 2) {
            *ret_year_digits = n;
            return !*text;
        }
        if ((*text != '/' && *text != '-' && *text != '.') || (sep && *text != sep))
            return false;
        sep = *text++;
    }
    return false;
}

static int take_split(const struct hr_date_rules *rules, const char *text, struct hr_date *ret,
                      char *why, size_t why_len)
{
    unsigned part[3];
    size_t year_digits;
    char day[11], turned[24];

    if (!split(text, part, &year_digits))
        return wrong(why, why_len, text, "write 2026-11-30");
    if (year_digits != 4)
        return wrong(why, why_len, text, "its year has not four digits; write 2026-11-30");
    if (!rules->month_first)
        return wrong(why, why_len, text,
                     "which is the month? Write 2026-11-30, or dates = month-first");
    snprintf(turned, sizeof(turned), "%04u-%02u-%02u", part[2], part[0], part[1]);
    memcpy(day, turned, sizeof(day)); // it has ten characters: four digits, and two twice
    if (take_day(day, ret) < 0)
        return wrong(why, why_len, text, "there is no such day, month first");
    return 0;
}

static bool is_midnight(const char *clock)
{
    size_t n;

    if (strncmp(clock, "00:00", 5) != 0)
        return false;
    n = strncmp(clock + 5, ":00", 3) == 0 ? 8 : 5;
    if (clock[n] == '.')
        n += 1 + strspn(clock + n + 1, "0");
    return !isdigit((unsigned char)clock[n]) && clock[n] != ':';
}

// A company has few of them: the last one that was good is kept.
static bool is_zone(const char *text)
{
    static char last[7];
    char clock[] = "1970-01-01T00:00:00+00:00";
    enum rollcall_time_kind kind;
    size_t len = strlen(text);
    int64_t at;

    if (len >= sizeof(last))
        return false;
    if (strcmp(text, last) == 0)
        return true;
    memcpy(clock + 19, text, len + 1);
    if (rollcall_time_parse(clock, &kind, &at) < 0)
        return false;
    memcpy(last, text, len + 1);
    return true;
}

static int take_iso(const struct hr_date_rules *rules, const char *text, struct hr_date *ret)
{
    struct hr_date d = {.kind = HR_DATE_INSTANT};
    enum rollcall_time_kind kind;
    char day[11];
    int r;

    memcpy(day, text, sizeof(day) - 1);
    day[10] = 0;
    if (text[10] == 0)
        return take_day(day, ret);
    if (text[10] == '+' || text[10] == '-' || text[10] == 'Z') // XML's date with a zone
        return is_zone(text + 10) ? take_day(day, ret) : -EBADMSG;
    r = rollcall_time_parse(text, &kind, &d.at);
    if (r < 0)
        return -EBADMSG;
    if (is_midnight(text + 11) && (kind == ROLLCALL_TIME_WALL || rules->midnight_is_date))
        return take_day(day, ret);
    *ret = d;
    return 0;
}

int hr_date_read(const struct hr_date_rules *rules, const char *text, struct hr_date *ret,
                 char *why, size_t why_len)
{
    if (!*text || strcmp(text, "0000-00-00") == 0) {
        *ret = (struct hr_date){.kind = HR_DATE_NONE};
        return 0;
    }
    if (strncmp(text, "/Date(", 6) == 0)
        return take_odata(text, ret) == 0
                   ? 0
                   : wrong(why, why_len, text, "write /Date(1609459200000)/");
    if (strspn(text, "0123456789") == 4 && strlen(text) >= 10)
        return take_iso(rules, text, ret) == 0
                   ? 0
                   : wrong(why, why_len, text,
                           "write 2026-11-30 or 2026-11-30T17:00:00+01:00, not before 1970");
    return take_split(rules, text, ret, why, why_len);
}

int64_t hr_date_start(const struct hr_date *d)
{
    return d->kind == HR_DATE_NONE ? ROLLCALL_TIME_UNSET : d->at;
}

// The day before, by the calendar.
static void day_before(const char *day, char ret[11])
{
    struct tm tm = {0};
    time_t t;

    strptime(day, "%Y-%m-%d", &tm);
    t = timegm(&tm) - DAY_MS / 1000;
    gmtime_r(&t, &tm);
    strftime(ret, 11, "%Y-%m-%d", &tm);
}

int64_t hr_date_end(const struct hr_date_rules *rules, const struct hr_date *d, bool inclusive)
{
    bool out = rules->first_day_out && !inclusive;
    enum rollcall_time_kind kind;
    char last[11], text[32];
    int64_t t;

    if (d->kind == HR_DATE_NONE || strncmp(d->day, "9999", 4) == 0)
        return ROLLCALL_TIME_UNSET;
    if (d->kind == HR_DATE_INSTANT)
        return d->at;
    if (out && rules->lock_at < 0)
        return d->at;
    if (out)
        day_before(d->day, last);
    else
        snprintf(last, sizeof(last), "%s", d->day);
    if (rules->lock_at < 0)
        return d->over;
    snprintf(text, sizeof(text), "%sT%02d:%02d", last, rules->lock_at / 60 % 24,
             rules->lock_at % 60);
    return rollcall_time_parse(text, &kind, &t) == 0 ? t : d->at;
}
