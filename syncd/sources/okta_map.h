// SPDX-License-Identifier: BSD-2-Clause
// A user of Okta (GET /api/v1/users, https://developer.okta.com/docs/api, "User") into a line of
// the source protocol, into a drop with its reason, or into a sentence. Pure: no request, no
// clock. Facts of status values: docs/man/rollcall-source-okta.8.
#ifndef ROLLCALL_SOURCES_OKTA_MAP_H
#define ROLLCALL_SOURCES_OKTA_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "rollcall/json_writer.h"
#include "syncd/sources/person.h"
#include "syncd/sources/value.h"

#define OKTA_ID_MAX  PERSON_ID_MAX
#define OKTA_WHY_MAX 300
#define OKTA_USER_MAX                                                                              \
    (250 * 1024) // bytes of a user, without what stands around it on a line of the protocol

struct okta_map; // what the attributes of the profile are called

// Who is a person of this company's.
struct okta_rules {
    struct person_rules person; // user_types: type.id or profile.userType
    const json_t *realms;       // realmId, a list; NULL: any
    const struct okta_map *map;
};

enum okta_fate {
    OKTA_PERSON,
    OKTA_DROPPED, // not one of ours: `reason`
    OKTA_SKIPPED, // cannot be taken: `why`
};

struct okta_taken {
    enum okta_fate fate;
    char id[OKTA_ID_MAX + 1];
    const char *reason;     // OKTA_DROPPED: a word of the protocol
    const char *login;      // for the sysadmin's eyes, or NULL; the object's
    bool has_number;        // employeeNumber
    bool terminated;        // the object's status says so
    bool disabled;          // suspended, or on the way out: somebody's word, which ends sessions
    bool out;               // it says that nobody comes in by it: a hint that was confirmed
    char why[OKTA_WHY_MAX]; // OKTA_SKIPPED; of a person a warning, or empty
};

// OKTA_PERSON is written to `out`, from its beginning. -EBADMSG where the object has no id that
// could be.
int okta_user_take(const struct okta_rules *rules, const struct value *object,
                   struct json_writer *out, struct okta_taken *ret);

// `map` of the section, a list of NAME:ATTRIBUTE or NULL, over what is usual. -EINVAL with a
// sentence; the caller's.
int okta_map_read(const json_t *list, struct okta_map **ret, char *why, size_t why_len);
void okta_map_free(struct okta_map *map); // NULL
// The attribute that is the employeeNumber; NULL: none is.
const char *okta_map_number(const struct okta_map *map);

#endif
