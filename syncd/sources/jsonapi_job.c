// SPDX-License-Identifier: BSD-2-Clause
// Employments, and which of several counts.
#include "syncd/sources/jsonapi_job.h"

#include <stdlib.h>

#include "rollcall/lifecycle.h"

// ROLLCALL_TIME_UNSET is the smallest number: right for a start.
static int64_t end_of(const struct hr_job *j)
{
    return j->end == ROLLCALL_TIME_UNSET ? INT64_MAX : j->end;
}

static int by_start(const void *a, const void *b)
{
    const struct hr_job *x = a, *y = b;

    return x->start != y->start ? (x->start < y->start ? -1 : 1)
                                : (end_of(x) > end_of(y)) - (end_of(x) < end_of(y));
}

static bool is_now(const struct hr_job *j, int64_t now)
{
    return j->start <= now && now < end_of(j);
}

// Is `a`, which begins before `b`, the one that counts?
static bool goes_before(const struct hr_job *a, const struct hr_job *b, int64_t now)
{
    if (is_now(a, now) || is_now(b, now))
        return is_now(a, now);
    return a->start > now; // both are to come; else b is the later end, or the first to come
}

// The word, and the type, of a stretch of `n` employments.
static void describe(struct hr_job *stretch, const struct hr_job *jobs, size_t n, int64_t now)
{
    const struct hr_job *best = NULL;

    for (int step = 0; step < 2 && !best; step++)
        for (size_t i = 0; i < n; i++)
            if ((step == 1 || is_now(&jobs[i], now)) && (!best || jobs[i].word > best->word))
                best = &jobs[i];
    stretch->word = best->word;
    stretch->user_type = best->user_type;
    for (size_t i = 0; i < sizeof(stretch->said); i++)
        stretch->said[i] = best->said[i];
}

// An employment that is over by its word, with no end to tell since when, holds nothing
// together: another one beside it counts.
static size_t without_over(struct hr_job *jobs, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (jobs[i].word > HR_WORD_TERMINATED) {
            struct hr_job j = jobs[kept];
            jobs[kept++] = jobs[i];
            jobs[i] = j;
        }
    return kept > 0 ? kept : n;
}

struct hr_job hr_job_choose(struct hr_job *jobs, size_t n, int64_t now)
{
    struct hr_job chosen = {0};
    bool any = false;

    n = without_over(jobs, n);
    qsort(jobs, n, sizeof(*jobs), by_start);
    for (size_t i = 0; i < n;) {
        struct hr_job stretch = jobs[i];
        size_t from = i++;
        while (i < n && jobs[i].start <= end_of(&stretch)) {
            if (end_of(&jobs[i]) > end_of(&stretch))
                stretch.end = jobs[i].end;
            i++;
        }
        describe(&stretch, jobs + from, i - from, now);
        if (!any || !goes_before(&chosen, &stretch, now))
            chosen = stretch;
        any = true;
    }
    return chosen;
}
