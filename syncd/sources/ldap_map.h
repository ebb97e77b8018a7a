// SPDX-License-Identifier: BSD-2-Clause
// From an entry of a directory to a person or a group of the source protocol. Pure.
#ifndef ROLLCALL_SOURCES_LDAP_MAP_H
#define ROLLCALL_SOURCES_LDAP_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "syncd/sources/ldap_entry.h"

// What an attribute can be; names as in the option `map`.
enum dir_field {
    DIR_USER_NAME,
    DIR_EMPLOYEE_NUMBER,
    DIR_DISPLAY_NAME,
    DIR_EMAIL,
    DIR_DEPARTMENT,
    DIR_MANAGER,
    DIR_USER_TYPE,
    DIR_UID_NUMBER,
    DIR_GID_NUMBER,
    DIR_LOGIN_SHELL,
    DIR_HOME_DIRECTORY,
    DIR_SSH_PUBLIC_KEYS,
    DIR_STATUS,
    DIR_START,
    DIR_END,
    DIR_TERMINATED_AT,
    DIR_GROUP_ID,
    DIR_GROUP_NAME,
    DIR_GROUP_GID,
    DIR_GROUP_MEMBERS,
    DIR_GROUP_MEMBERS_ALSO,
    DIR_FIELDS
};

struct dir_map {
    char *attribute[DIR_FIELDS];             // NULL: the directory does not say it
    bool members_are_names;                  // memberUid
    bool hub;                                // what a hub's sink wrote: ldap_schema_rollcall.h
    const char *user_filter, *group_filter;  // the schema's
    const char *const *group_classes;        // objectClass of a group; ends with NULL
    const char *user_base, *group_base;      // normalised, or NULL; the caller's
    const char *attributes[DIR_FIELDS + 24]; // to ask for; ends with NULL
};

// A schema's table ("rfc2307", ...) with what `map` changes: "employeeNumber:acmeStaffNo".
// -EINVAL with a sentence.
int dir_map_init(struct dir_map *m, const char *schema, const json_t *changes, char *why,
                 size_t why_len);
void dir_map_done(struct dir_map *m);

enum dir_kind { DIR_NOBODY, DIR_USER, DIR_GROUP };
// By its classes and the bases. `dn` is normalised.
enum dir_kind dir_kind_of(const struct dir_map *m, const struct dir_entry *e, const char *dn);

// A SCIM User with the id; -EBADMSG with a sentence that names the attribute. With 0 `why` holds
// a warning, or "". `dn` is normalised.
int dir_user_take(const struct dir_map *m, const struct dir_entry *e, const char *id,
                  const char *dn, json_t **ret, char *why, size_t why_len);
// Of an entry that cannot be taken: whether it says that employment is over (lifecycle, rule 3).
bool dir_says_terminated(const struct dir_map *m, const struct dir_entry *e);

struct dir_group {
    char id[129];
    json_t *group; // as the message `group` has it
    const struct dir_attr *members[2];
};
// The caller releases ret->group.
int dir_group_take(const struct dir_map *m, const struct dir_entry *e, const char *dn,
                   struct dir_group *ret, char *why, size_t why_len);
// One member as an alias; NULL where it can be nobody's. New reference.
json_t *dir_member(const struct dir_map *m, const struct berval *value);

#endif
