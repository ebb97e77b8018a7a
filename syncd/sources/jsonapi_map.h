// SPDX-License-Identifier: BSD-2-Clause
// From one record of an HR system to a person of the source protocol, by pointers. Pure but for
// the time zone in use. What the options mean to a sysadmin: rollcall-source-json(8).
#ifndef ROLLCALL_SOURCES_JSONAPI_MAP_H
#define ROLLCALL_SOURCES_JSONAPI_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncd/sources/jsonapi_date.h"
#include "syncd/sources/jsonapi_pointer.h"

// What a member of a record can be; names as in the option `map`.
enum hr_field {
    HR_ID,
    HR_EMPLOYEE_NUMBER,
    HR_USER_NAME,
    HR_DISPLAY_NAME,
    HR_GIVEN_NAME, // with familyName in place of displayName
    HR_FAMILY_NAME,
    HR_EMAIL,
    HR_DEPARTMENT,
    HR_MANAGER,
    HR_USER_TYPE,
    HR_STATUS,
    HR_ACTIVE, // true or false
    HR_LEAVE,
    HR_START,
    HR_END,
    HR_LAST_DAY, // of work: where it is earlier than `end`, it counts
    HR_TERMINATED_AT,
    HR_ZONE, // of this person
    HR_GROUPS,
    HR_UID_NUMBER,
    HR_GID_NUMBER,
    HR_LOGIN_SHELL,
    HR_HOME_DIRECTORY,
    HR_SSH_PUBLIC_KEYS,
    HR_EMPLOYMENTS, // a list; those below stand in each of its elements
    HR_JOB_STATUS,
    HR_JOB_ACTIVE,
    HR_JOB_START,
    HR_JOB_END,
    HR_JOB_LAST_DAY,
    HR_JOB_USER_TYPE,
    HR_JOB_PRIMARY, // where one is mapped, those that are not true do not count
    HR_JOB_RECORDS, // effective-dated: the one in force says the status
    HR_RECORD_STATUS,
    HR_RECORD_START,
    HR_FIELDS
};
extern const char *const hr_field_names[HR_FIELDS];

#define HR_POINTERS_MAX   4 // of a field: the first that a record has counts
#define HR_STATUSES_MAX   64
#define HR_JOBS_MAX       64 // of one person
#define HR_CONDITIONS_MAX 64

struct hr_place {
    struct pointer pointer[HR_POINTERS_MAX];
    size_t n;
};

struct hr_rules {
    struct hr_place place[HR_FIELDS];
    struct {
        struct pointer pointer;
        const char *path;          // a name, or names by dots; NULL: by pointer
    } required[HR_CONDITIONS_MAX]; // require_attributes
    size_t n_required;
    struct {
        const char *value, *means; // means: a status of the protocol
        size_t value_len;
    } status[HR_STATUSES_MAX];
    size_t n_statuses;
    struct hr_date_rules dates;
    const char *zone;                  // where a record says none
    const json_t *user_types, *domain; // lists of the section, or NULL
    struct pointer rows;
    const char *paging; // of the preset, where the section says none
};

// By the section, whose strings it borrows. -EINVAL with a sentence, -ENOMEM.
int hr_rules_init(struct hr_rules *r, const json_t *section, const char *timezone, char *why,
                  size_t why_len);
void hr_rules_done(struct hr_rules *r);

enum hr_outcome {
    HR_PERSON,     // `user`
    HR_LEFT_OUT,   // `reason`: on purpose (`dropped`)
    HR_UNREADABLE, // `text`
};

// What points somewhere is good as long as the values of the record, and until the next one.
struct hr_said {
    const struct value *user;
    const char *json; // the same as text
    size_t len;
    char id[129]; // "" where it cannot be read
    char name[129];
    bool terminated;    // HR_UNREADABLE, HR_LEFT_OUT: employment is over (lifecycle, rule 3)
    const char *reason; // HR_LEFT_OUT
    char text[300];     // HR_UNREADABLE
    char warning[300];  // HR_PERSON; or ""
    uint64_t has;       // bit i: field i was there
};

// `now` only chooses between several employments, and knows a first day that is to come.
enum hr_outcome hr_take(const struct hr_rules *r, const struct value *row, int64_t now,
                        struct hr_said *ret);

#endif
