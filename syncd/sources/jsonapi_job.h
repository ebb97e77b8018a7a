// SPDX-License-Identifier: BSD-2-Clause
// Employments, and which of several counts. Pure.
#ifndef ROLLCALL_SOURCES_JSONAPI_JOB_H
#define ROLLCALL_SOURCES_JSONAPI_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In order: of two employments at one time, the larger word counts.
enum hr_word {
    HR_WORD_NONE, // nothing was said
    HR_WORD_TERMINATED,
    HR_WORD_UNKNOWN, // refuses, and ends nothing
    HR_WORD_DISABLED,
    HR_WORD_LEAVE,
    HR_WORD_ACTIVE,
};

struct hr_job {
    enum hr_word word;
    int64_t start, end; // instants or ROLLCALL_TIME_UNSET
    char said[61];      // the word as HR wrote it
    const char *user_type;
};

// Employments that overlap, or follow each other without a gap, are one. Of those the one counts
// that is now; else the next that is to come; else the last that is over. Its word is the best of
// those that are now. Reorders. `n` is at least 1.
struct hr_job hr_job_choose(struct hr_job *jobs, size_t n, int64_t now);

#endif
