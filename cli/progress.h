// SPDX-License-Identifier: BSD-2-Clause
// A progress line: how much, how fast, how long still. Pure; the caller has the clock.
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct cli_progress {
    const char *what; // "hr: reading", escaped already
    uint64_t done;
    uint64_t total; // 0: not known
    int64_t elapsed_ms;
};

// Things a second; 0 before anything can be said (nothing done, or less than 200 ms).
uint64_t cli_progress_rate(const struct cli_progress *progress);
// Seconds, rounded up; -1 where it cannot be said.
int64_t cli_progress_left(const struct cli_progress *progress);
// Per cent, 0 to 100; -1 where the total is not known. A source that found more than it
// announced stays at 100.
int cli_progress_percent(const struct cli_progress *progress);
// One line of at most `columns` columns, no newline.
void cli_progress_line(const struct cli_progress *progress, unsigned columns, char *buf,
                       size_t len);

// One source of several that are read at once.
struct cli_reading {
    char name[41], phase[61];
    int64_t started_ms, heard_ms; // when its phase began; last
    uint64_t done, total;
};

// What is still read, as one: people and totals added up, the rate since the first began; a total
// that one of them does not know is none. Who was not heard for 1.5 s is over. ret->what is `what`.
void cli_progress_add_up(const struct cli_reading *reading, size_t n, int64_t now, char *what,
                         size_t len, struct cli_progress *ret);

#endif
