// SPDX-License-Identifier: BSD-2-Clause
// The maths and the text of a progress line.
#include "cli/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"

#define SETTLE_MS 200 // a rate over less than this is a guess
#define BAR       20
#define SILENT_MS 1500 // syncd speaks of each source that still runs twice a second

uint64_t cli_progress_rate(const struct cli_progress *progress)
{
    if (progress->elapsed_ms < SETTLE_MS || progress->done > UINT64_MAX / 1000)
        return 0;
    return progress->done * 1000 / (uint64_t)progress->elapsed_ms;
}

int64_t cli_progress_left(const struct cli_progress *progress)
{
    uint64_t rate = cli_progress_rate(progress);

    if (rate == 0 || progress->total == 0)
        return -1;
    if (progress->done >= progress->total)
        return 0;
    return (int64_t)((progress->total - progress->done + rate - 1) / rate);
}

int cli_progress_percent(const struct cli_progress *progress)
{
    if (progress->total == 0)
        return -1;
    if (progress->done >= progress->total)
        return 100;
    return (int)((double)progress->done * 100.0 / (double)progress->total);
}

void cli_progress_line(const struct cli_progress *progress, unsigned columns, char *buf, size_t len)
{
    char line[256], bar[BAR + 1], done[32], total[32], rate[32], left[32];
    int percent = cli_progress_percent(progress);
    uint64_t speed = cli_progress_rate(progress);
    int64_t remaining = cli_progress_left(progress);
    size_t n;

    memset(bar, ' ', BAR);
    if (percent >= 0)
        memset(bar, '=', (size_t)(percent * BAR / 100));
    bar[BAR] = 0;
    cli_count(progress->done, done, sizeof(done));
    if (percent >= 0)
        snprintf(line, sizeof(line), "[%s] %3d %%  %s of %s", bar, percent, done,
                 cli_count(progress->total, total, sizeof(total)));
    else
        snprintf(line, sizeof(line), "%s", done);
    n = strlen(line);
    if (speed > 0)
        n += (size_t)snprintf(line + n, sizeof(line) - n, "  %s/s",
                              cli_count(speed, rate, sizeof(rate)));
    if (remaining >= 0)
        snprintf(line + n, sizeof(line) - n, "  %s left", cli_span(remaining, left, sizeof(left)));
    if (cli_columns(progress->what) + 2 + strlen(line) <= columns)
        snprintf(buf, len, "%s  %s", progress->what, line);
    else // the name makes way; the rest is ASCII, so bytes are columns
        snprintf(buf, len > columns ? columns + 1u : len, "%s", line);
}

void cli_progress_add_up(const struct cli_reading *reading, size_t n, int64_t now, char *what,
                         size_t len, struct cli_progress *ret)
{
    size_t running = 0, at = 0;
    int64_t started = now;
    bool all = true;

    *what = 0;
    *ret = (struct cli_progress){.what = what};
    for (size_t i = 0; i < n; i++) {
        const struct cli_reading *r = &reading[i];
        if (now - r->heard_ms > SILENT_MS)
            continue;
        if (at < len)
            at += (size_t)snprintf(what + at, len - at, "%s%s: %s", running++ ? ", " : "", r->name,
                                   r->phase);
        ret->done += r->done;
        ret->total += r->total;
        all = all && r->total > 0;
        started = r->started_ms < started ? r->started_ms : started;
    }
    ret->total = all ? ret->total : 0;
    ret->elapsed_ms = now - started;
}
