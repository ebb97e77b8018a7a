// SPDX-License-Identifier: BSD-2-Clause
// What the tests of the engine's core start from: one source "hr", a CSV file, and what it
// says of somebody.
#ifndef TESTS_HR_SOURCE_H
#define TESTS_HR_SOURCE_H

#include "rollcall/account.h"
#include "rollcall/config.h"
#include "rollcall/source.h"

// "hr" alone, authority and directory; linux-users come in here; the breaker as in a
// configuration that says nothing of it. What it points at stays.
static inline struct rollcall_config hr_alone(void)
{
    static char group[] = "linux-users", hr[] = "hr", csv[] = "csv", path[] = "people.csv";
    struct rollcall_config config = {.n_sources = 1,
                                     .enumerate = true,
                                     .has_allow_groups = true,
                                     .breaker_window = 86400,
                                     .breaker_inferred_count = 5,
                                     .breaker_inferred_share = 200,
                                     .breaker_explicit_count = 50,
                                     .breaker_explicit_share = 1000,
                                     .id_min = ROLLCALL_ID_DEFAULT_MIN,
                                     .id_max = ROLLCALL_ID_DEFAULT_MAX};

    config.allow_groups.item[config.allow_groups.n++] = group;
    config.source[0] =
        (struct rollcall_source_config){.name = hr,
                                        .type = csv,
                                        .path = path,
                                        .role = ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY,
                                        .lease = 10 * 86400,
                                        .when_missing = ROLLCALL_MISSING_LOCK};
    return config;
}

// Active, in linux-users. The texts are the caller's.
static inline struct rollcall_user_record employee(const char *number, const char *name)
{
    static const char *const groups[] = {"linux-users"};

    return (struct rollcall_user_record){.id = number,
                                         .employee_number = number,
                                         .user_name = name,
                                         .display_name = name,
                                         .status = ROLLCALL_STATUS_ACTIVE,
                                         .status_text = "active",
                                         .start = ROLLCALL_TIME_UNSET,
                                         .end = ROLLCALL_TIME_UNSET,
                                         .terminated_at = ROLLCALL_TIME_UNSET,
                                         .groups_present = true,
                                         .groups = groups,
                                         .n_groups = 1,
                                         .where = "people.csv:2"};
}

#endif
