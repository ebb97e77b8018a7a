// SPDX-License-Identifier: BSD-2-Clause
// What all sources over an API ask of a record before it is a person: the shared options
// assigned_groups, user_types, require_attributes and domain. Pure.
#ifndef ROLLCALL_SOURCES_PERSON_H
#define ROLLCALL_SOURCES_PERSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// Of a `user`: RFC 7643 (4.3) and our own.
#define PERSON_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define PERSON_EXTENSION  "urn:rollcall:1.0:User"

#define PERSON_ID_MAX     128   // bytes of an id (docs/source-protocol.md)
#define PERSON_TEXT_MAX   16384 // of any other text

// The lists of the section, borrowed; NULL or empty: not asked.
struct person_rules {
    const json_t *user_types, *require_attributes, *domain;
};

// A string member, or NULL: absent, null, no string, empty, longer than PERSON_TEXT_MAX.
const char *person_text(const json_t *record, const char *member);
// Is this text one of the list's? False where the list is NULL or empty.
bool person_listed(const json_t *list, const char *text);
// A member that counts as there: not null, no empty text, list or object.
bool person_has(const json_t *value);

// The same of a record that is made of values (value.h), and the member at a path "name.given", by
// dots; NULL where there is none.
struct value;
const char *person_value_text(const struct value *record, const char *member);
const struct value *person_value_at(const struct value *record, const char *path);
bool person_value_has(const struct value *value);
bool person_value_unset(const struct value *value); // not there, or null
// The first of a list; NULL where it is none.
const struct value *person_value_list(const struct value *value);

// Why this record is no employee of this company's, as `dropped` says it ("user-type",
// "no-marker"), or NULL. `type` is what user_types is compared with, NULL where it has none.
const char *person_value_refused(const struct person_rules *rules, const struct value *record,
                                 const char *type);

// The login name that this is here: what stands before the @ where what stands after it is one
// of the domains (compared without case); the name as it is where it has no @, or no domain is
// configured. false: of another domain ("domain"), or longer than `len`.
bool person_login(const json_t *domain, const char *name, char *ret, size_t len);

#endif
