// SPDX-License-Identifier: BSD-2-Clause
// A User or a Group of a SCIM 2.0 server (RFC 7643), as vendors send them, into what rollcall
// takes. Pure: no network, no clock, no memory between two calls.
//
// Names of attributes and URNs have no case. null, absent and [] are one thing (2.5). Booleans
// come as true, "True" and 1. What an employee can write into the own profile (a display name, a
// mail address) hides nothing else: where it cannot be taken it is left out, with a word.
#ifndef ROLLCALL_SOURCES_SCIM_MAP_H
#define ROLLCALL_SOURCES_SCIM_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "syncd/sources/person.h"
#include "syncd/sources/value.h"

#define SCIM_WHY_MAX  400
#define SCIM_TEXT_MAX 1024 // bytes of a name, an address, a department
#define SCIM_NUMBER   24   // of a whole number

// Of a User without `active`, whose meaning RFC 7643 leaves to the server.
enum scim_absent {
    SCIM_ABSENT_KEEP,   // whoever is known stands as before, nobody new gets in
    SCIM_ABSENT_DENY,   // no login, and no session ends
    SCIM_ABSENT_ACTIVE, // active
};

struct scim_rules {
    const json_t *require_attributes, *user_types, *domain; // lists, or NULL
    const char *extension; // a URN where the members below are; NULL: at the User
    // Members of it: a name, or a JSON Pointer (RFC 6901); or NULL.
    const char *start, *end, *status, *keys;
    enum scim_absent active_absent;
    bool groups_of_user; // who is in a group is said by User.groups
};

enum scim_kind {
    SCIM_PERSON,
    SCIM_DROPPED, // on purpose: `reason`, as in docs/source-protocol.md
    SCIM_PROBLEM, // cannot be taken; `why` says it
};

struct scim_taken {
    enum scim_kind kind;
    char id[PERSON_ID_MAX + 1]; // "": cannot be read, and it is a problem
    const struct value *user;   // SCIM_PERSON: in the caller's room
    bool inactive;              // it says active = false, or the word for an end
    bool terminated;            // it says the word for an end
    const char *reason;         // SCIM_DROPPED
    char name[80];              // of a dropped one, for a sysadmin's eyes
    char why[SCIM_WHY_MAX];     // SCIM_PERSON, SCIM_DROPPED: a warning, or ""
};

// Takes the option map: "end:lastDay", "status:/job/0/state". A sentence where it means nothing;
// else NULL. `rules` borrows its texts.
const char *scim_rules_map(struct scim_rules *rules, const json_t *map);

// What is made of the row is put into the room `in`; `ret` points into it, and into the row.
void scim_user_take(const struct scim_rules *rules, const struct value *row, struct values *in,
                    struct scim_taken *ret);
// The same person, left out for being in no assigned group.
void scim_user_unassigned(struct scim_taken *t);

// One of the groups that the person's own row says is in `list`.
bool scim_user_in(const struct value *user, const json_t *list);

// {"id", "displayName"} of a Group, the caller's; NULL where its id cannot be read. `members`:
// its list, borrowed, or NULL.
json_t *scim_group_take(const struct value *row, const struct value **ret_members);
// The same of an entry of a User's own groups.
json_t *scim_user_group(const struct value *entry);
// The id that an entry of a list of members is, borrowed; NULL: none.
const char *scim_member(const struct value *entry);

// A member by its name, of any case: NULL where it is absent or null.
const struct value *scim_get(const struct value *object, const char *name);
// Whether a member stands there in two spellings that say two things: a reader that takes the first
// and one that takes the last must not differ about who somebody is. (The parser of an answer saw
// to one spelling.)
bool scim_says_two(const struct value *object, const char *name);
// A text of 1 to SCIM_TEXT_MAX bytes, or a whole number where a server keeps one there, which is
// written into `number`. NULL: it is neither.
const char *scim_text(const struct value *v, char number[SCIM_NUMBER]);
// meta.lastModified, or ROLLCALL_TIME_UNSET.
int64_t scim_last_modified(const struct value *row);
// `true`, `"True"`, 1: 1. `false`, `"false"`, 0: 0. Absent: -ENOENT. Anything else: -EINVAL.
int scim_bool(const struct value *value);

#endif
