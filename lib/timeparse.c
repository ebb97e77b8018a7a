// SPDX-License-Identifier: BSD-2-Clause
// ISO 8601 dates and instants.
#include "rollcall/timeparse.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"

// A folder such as Europe, or a table beside the zones, would be taken for UTC by libc.
// Zones are links to one another: this open follows them.
static bool is_zone(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char magic[4];

    return fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
           memcmp(magic, "TZif", sizeof(magic)) == 0;
}

int rollcall_timezone_check(const char *name)
{
    char path[PATH_MAX];

    if (!*name || *name == '/' || *name == '.' || strstr(name, ".."))
        return -EINVAL;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
            return -EINVAL;
    if (snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name) >= (int)sizeof(path))
        return -EINVAL;
    return is_zone(path) || strcmp(name, "UTC") == 0 ? 0 : -ENOENT;
}

int rollcall_timezone_use(const char *name)
{
    int r = rollcall_timezone_check(name);

    if (r < 0)
        return r;
    if (setenv("TZ", name, 1) < 0)
        return -errno;
    tzset();
    return 0;
}

// Exactly `n` digits.
static bool take(const char **p, int n, int *ret)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*p)[i]))
            return false;
        v = v * 10 + ((*p)[i] - '0');
    }
    *p += n;
    *ret = v;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **p, struct tm *tm)
{
    int y, m, d;

    if (!take(p, 4, &y) || *(*p)++ != '-' || !take(p, 2, &m) || *(*p)++ != '-' || !take(p, 2, &d))
        return false;
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > days_of(y, m))
        return false;
    *tm = (struct tm){.tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d, .tm_isdst = -1};
    return true;
}

static bool take_clock(const char **p, struct tm *tm)
{
    int h, m, s = 0;

    if (!take(p, 2, &h) || *(*p)++ != ':' || !take(p, 2, &m))
        return false;
    if (**p == ':') {
        (*p)++;
        if (!take(p, 2, &s))
            return false;
        if (**p == '.') {
            (*p)++;
            if (!isdigit((unsigned char)**p))
                return false;
            while (isdigit((unsigned char)**p))
                (*p)++;
        }
    }
    if (h > 23 || m > 59 || s > 60) // 60: a leap second, RFC 3339 section 5.6
        return false;
    tm->tm_hour = h;
    tm->tm_min = m;
    tm->tm_sec = s == 60 ? 59 : s;
    return true;
}

// "Z", "+01:00", "+0100"; seconds east of Greenwich.
static bool take_offset(const char **p, int *ret)
{
    int h, m, sign;

    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        *ret = 0;
        return true;
    }
    if (**p != '+' && **p != '-')
        return false;
    sign = *(*p)++ == '-' ? -1 : 1;
    if (!take(p, 2, &h))
        return false;
    if (**p == ':')
        (*p)++;
    if (!take(p, 2, &m) || h > 23 || m > 59)
        return false;
    *ret = sign * (h * 3600 + m * 60);
    return true;
}

// Wall time in the zone in use. mktime() is asked for both readings of an hour that
// stands twice; a reading counts if it reads back as what was asked.
static int64_t from_wall(const struct tm *wall)
{
    int64_t best = INT64_MAX, any = INT64_MAX;

    for (int dst = 0; dst <= 1; dst++) {
        struct tm tm = *wall, back;
        time_t t;

        tm.tm_isdst = dst;
        t = mktime(&tm);
        if (t < any)
            any = t;
        if (!localtime_r(&t, &back) || back.tm_mday != wall->tm_mday ||
            back.tm_hour != wall->tm_hour || back.tm_min != wall->tm_min)
            continue;
        if (t < best)
            best = t;
    }
    return best != INT64_MAX ? best : any;
}

// The first instant of a day: midnight, or what stands in its place where clocks go
// forward at midnight.
static int64_t first_instant(const struct tm *date)
{
    struct tm tm = *date;
    int64_t t;

    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    t = from_wall(&tm);
    for (int i = 0; i < 3 * 4; i++) {
        time_t probe = t;
        struct tm back;
        if (localtime_r(&probe, &back) && back.tm_mday == tm.tm_mday)
            break;
        t += 900;
    }
    return t;
}

// In UTC the first day of 1970 began in 1969, and the last one of 9999 ends in 10000, which could
// be written but not read back: what lies outside stands for the nearest instant inside.
static int64_t readable(int64_t t)
{
    return t < 0 ? 0 : t > ROLLCALL_TIME_LAST ? ROLLCALL_TIME_LAST : t;
}

int rollcall_time_parse(const char *text, enum rollcall_time_kind *ret_kind, int64_t *ret)
{
    struct tm tm;
    int offset;

    if (!take_date(&text, &tm))
        return -EINVAL;
    if (!*text) {
        *ret_kind = ROLLCALL_TIME_DATE;
        *ret = readable(first_instant(&tm));
        return 0;
    }
    if (*text != 'T' && *text != 't' && *text != ' ')
        return -EINVAL;
    text++;
    if (!take_clock(&text, &tm))
        return -EINVAL;
    if (!*text) {
        *ret_kind = ROLLCALL_TIME_WALL;
        *ret = readable(from_wall(&tm));
        return 0;
    }
    if (!take_offset(&text, &offset) || *text)
        return -EINVAL;
    *ret_kind = ROLLCALL_TIME_INSTANT;
    *ret = readable(timegm(&tm) - offset);
    return 0;
}

int rollcall_date_end(const char *text, int64_t *ret)
{
    struct tm tm, next;
    time_t noon;

    if (!take_date(&text, &tm) || *text)
        return -EINVAL;
    // 36 hours after midnight UTC falls on the next date in calendar arithmetic,
    // whatever the zone does with its hours.
    noon = timegm(&tm) + 36 * 3600;
    if (!gmtime_r(&noon, &next))
        return -EINVAL;
    next.tm_isdst = -1;
    *ret = readable(first_instant(&next));
    return 0;
}

static char *put_two(char *to, int n, char behind)
{
    *to++ = (char)('0' + n / 10);
    *to++ = (char)('0' + n % 10);
    *to++ = behind;
    return to;
}

// What nearly every instant is, without strftime's long way: of a year of four digits.
static void put_instant(const struct tm *tm, char *buf)
{
    int year = tm->tm_year + 1900;

    buf = put_two(buf, year / 100, 0) - 1;
    buf = put_two(buf, year % 100, '-');
    buf = put_two(buf, tm->tm_mon + 1, '-');
    buf = put_two(buf, tm->tm_mday, 'T');
    buf = put_two(buf, tm->tm_hour, ':');
    buf = put_two(buf, tm->tm_min, ':');
    buf = put_two(buf, tm->tm_sec, 'Z');
    *buf = 0;
}

const char *rollcall_time_format(int64_t t, long usec, char *buf, size_t len)
{
    time_t s = t;
    struct tm tm;
    size_t n;

    if (len == 0)
        return "";
    buf[0] = 0;
    if (!gmtime_r(&s, &tm))
        return buf;
    if (usec < 0 && len > 20 && tm.tm_year >= 1000 - 1900 && tm.tm_year <= 9999 - 1900) {
        put_instant(&tm, buf);
        return buf;
    }
    n = strftime(buf, len, "%Y-%m-%dT%H:%M:%S", &tm);
    if (n == 0) {
        buf[0] = 0; // strftime leaves what fitted
        return buf;
    }
    if (usec >= 0)
        snprintf(buf + n, len - n, ".%06ldZ", usec);
    else
        snprintf(buf + n, len - n, "Z");
    return buf;
}
