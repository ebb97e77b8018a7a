// SPDX-License-Identifier: BSD-2-Clause
// Dates as HR systems write them. What is only a date stays one: which instant a last day ends at
// depends on the source's rules and on the zone in use.
#ifndef ROLLCALL_SOURCES_JSONAPI_DATE_H
#define ROLLCALL_SOURCES_JSONAPI_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hr_date_rules {
    bool month_first;      // 11/30/2026 is a date too
    bool midnight_is_date; // 2026-11-30T00:00:00Z says a date
    bool first_day_out;    // an end names the first day without access, not the last one with it
    int lock_at;           // minutes of the last day after which it is over, or -1: with the day
};

enum hr_date_kind { HR_DATE_NONE, HR_DATE_DAY, HR_DATE_INSTANT };
struct hr_date {
    enum hr_date_kind kind;
    char day[11]; // of HR_DATE_DAY: "2026-11-30"
    int64_t at;   // HR_DATE_INSTANT; of a day its first instant in the zone in use
    int64_t over; // of a day the first instant behind it
};

// Reads:
//   2026-11-30, 2026-11-30-08:00 and 2026-11-30Z (XML's date with a zone, which says where it
//   was printed): a day
//   2026-11-30T17:00:00+01:00: an instant; without offset wall time in the zone in use; midnight
//   without offset, or of any offset with `midnight_is_date`: a day
//   /Date(1609459200000)/, /Date(1609459200000+0000)/ (OData 2): a day where it is midnight in
//   UTC, else an instant
//   11/30/2026 or 11-30-2026 with `month_first`: a day
//   "", 0000-00-00: none
// -EBADMSG with a sentence for all else, years of two digits by name.
int hr_date_read(const struct hr_date_rules *rules, const char *text, struct hr_date *ret,
                 char *why, size_t why_len);

// The first instant of access, and the first one without. ROLLCALL_TIME_UNSET for none; an end
// of the year 9999 is none.
int64_t hr_date_start(const struct hr_date *d);
// `inclusive`: it is a last day, whatever `first_day_out` says.
int64_t hr_date_end(const struct hr_date_rules *rules, const struct hr_date *d, bool inclusive);

#endif
