// SPDX-License-Identifier: BSD-2-Clause
// A user of Microsoft Entra ID, as Microsoft Graph v1.0 has it
// (https://learn.microsoft.com/graph/api/resources/user), into a line of the source protocol, a
// drop with its reason, or a sentence. Allow-lists first: what is not known to be a member of
// this company's workforce is none. Pure: no request, no clock.
#ifndef ROLLCALL_SOURCES_GRAPH_MAP_H
#define ROLLCALL_SOURCES_GRAPH_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "rollcall/json_writer.h"
#include "syncd/sources/person.h"
#include "syncd/sources/value.h"

#define GRAPH_ID      16 // bytes of an object's id, a UUID
#define GRAPH_ID_TEXT 37 // as text, in lower case, with its NUL
#define GRAPH_WHY_MAX 300
#define GRAPH_USER_MAX                                                                             \
    (250 * 1024) // bytes of a user, without what stands around it on a line of the protocol

bool graph_id_parse(const char *text, unsigned char ret[GRAPH_ID]); // in any case
const char *graph_id_text(const unsigned char id[GRAPH_ID], char buf[GRAPH_ID_TEXT]);

struct graph_rules {
    struct person_rules person; // user_types: employeeType
    bool untyped;               // no userType at all counts as Member
    const json_t *map;          // {our name: path of a property}, of graph_map_read; or NULL
};

// `map` of the section, a list of NAME:PROPERTY or NULL. -EINVAL with a sentence; the caller's.
int graph_map_read(const json_t *list, json_t **ret, char *why, size_t why_len);

enum graph_fate {
    GRAPH_PERSON,
    GRAPH_DROPPED, // not one of ours: `reason`
    GRAPH_SKIPPED, // cannot be taken: `why`
};

struct graph_taken {
    enum graph_fate fate;
    char id[GRAPH_ID_TEXT];
    const char *reason;      // GRAPH_DROPPED: a word of the protocol
    const char *name;        // userPrincipalName for the sysadmin's eyes, or NULL; the object's
    bool disabled;           // the object says so: accountEnabled is false
    char why[GRAPH_WHY_MAX]; // GRAPH_SKIPPED; of a person a warning, or empty
};

// `assigned`: is in one of assigned_groups, or none are configured. `risk`: a word of the
// protocol, or NULL: not known. GRAPH_PERSON is written to `out`, from its beginning. -EBADMSG
// where the object has no id that could be.
int graph_user_take(const struct graph_rules *rules, const struct value *object, bool assigned,
                    const char *risk, struct json_writer *out, struct graph_taken *ret);

// What a delta that says "at least what changed" may leave out, and no mapper may guess: then
// the user has to be read whole.
bool graph_user_whole(const struct value *object);

// The name of a group here. Only one of assigned_groups (`named`) bears its displayName, made
// portable: in most tenants anybody can create a group of any name. Others are called by their id.
const char *graph_group_name(const char *display_name, const unsigned char id[GRAPH_ID], bool named,
                             char *buf, size_t len);

// riskState and riskLevel of a riskyUser as a word of the protocol. What is unknown counts as
// high: it is shown, and takes nothing away.
const char *graph_risk(const struct value *risky_user);

#endif
