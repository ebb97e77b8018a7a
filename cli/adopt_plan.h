// SPDX-License-Identifier: BSD-2-Clause
// Who of the people that this host has already is whom in HR's listing, and may keep the
// uid. Pure.
#ifndef CLI_ADOPT_PLAN_H
#define CLI_ADOPT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adopt_local {
    char name[64], home[256];
    uint32_t uid, gid;
};

struct adopt_row {
    char key[200]; // as the engine joins: join_prefix and employeeNumber, or the id
    char number[200], name[64], home[256], where[128];
    bool has_uid, has_left;
    uint64_t uid;
    bool pinned; // the engine has given a uid already
    uint32_t pinned_uid;
};

enum adopt_verdict {
    ADOPT_KEEPS,    // uid and home stay
    ADOPT_NEW_UID,  // the uid cannot stay: files must change hands
    ADOPT_CONFLICT, // nothing is done; `why` says what
    ADOPT_NOBODY,   // HR does not know them: stays local
};

struct adopt_person {
    const struct adopt_local *local;
    const struct adopt_row *row; // NULL: ADOPT_NOBODY
    enum adopt_verdict verdict;
    bool map; // needs a line in uid-map
    char why[320];
};

// One of the locals, against all rows and all locals. System accounts (uid below 1000, the
// ids that systemd gives dynamically, nobody) are never offered.
bool adopt_is_person(const struct adopt_local *local);
void adopt_judge(const struct adopt_local *locals, size_t n_locals, size_t which,
                 const struct adopt_row *rows, size_t n_rows, uint32_t id_min, uint32_t id_max,
                 struct adopt_person *ret);
const char *adopt_verdict_name(enum adopt_verdict verdict);

// A file of lines whose first field names somebody (passwd, shadow): without those lines.
// With `members`, as in group and gshadow: without their private group, and without their
// names in the last field. NULL when memory is out.
char *adopt_edit_without(const char *text, const char *const names[], size_t n, bool members);
// uid-map with a line more for each person that needs one.
char *adopt_edit_map(const char *text, const struct adopt_person *people, size_t n);
// Line by line, by the first field: what we changed is changed back, what somebody else
// changed since stays.
char *adopt_merge(const char *path, const char *before, const char *after, const char *now);

#endif
