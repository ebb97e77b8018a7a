// SPDX-License-Identifier: BSD-2-Clause
// ISO 8601 dates and instants (the profile of RFC 3339, and dates alone). Times are
// seconds since the epoch; fractions are cut off. Years 1970 to 9999: what an offset or a zone
// carries out of them by hours is the first or the last instant of them.
#ifndef ROLLCALL_TIMEPARSE_H
#define ROLLCALL_TIMEPARSE_H

#include <stddef.h>
#include <stdint.h>

#define ROLLCALL_TIME_LAST 253402300799LL // 9999-12-31T23:59:59Z

enum rollcall_time_kind {
    ROLLCALL_TIME_DATE,    // 2026-11-30
    ROLLCALL_TIME_WALL,    // 2026-11-30T17:00, no offset
    ROLLCALL_TIME_INSTANT, // 2026-11-30T17:00:00+01:00, ...Z
};

// The one time zone of this process, by its IANA name; sets TZ. Call before threads
// start. -EINVAL for a name with odd characters, -ENOENT where the zone is unknown.
int rollcall_timezone_use(const char *name);
// The same checks without using it.
int rollcall_timezone_check(const char *name);

// Text to an instant. A date is the first instant of its day in the zone in use; wall
// time is read in it. A wall time that a clock change makes ambiguous or skips is the
// earlier of its readings: a leaver is out early rather than late. -EINVAL.
int rollcall_time_parse(const char *text, enum rollcall_time_kind *ret_kind, int64_t *ret);
// A date to the first instant of the day after it, on days of 23 and 25 hours too.
int rollcall_date_end(const char *text, int64_t *ret);

// "2026-11-30T17:00:00Z"; with microseconds where usec is not negative.
#define ROLLCALL_TIME_TEXT 40
const char *rollcall_time_format(int64_t t, long usec, char *buf, size_t len);

#endif
