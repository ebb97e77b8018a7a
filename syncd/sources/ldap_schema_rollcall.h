// SPDX-License-Identifier: BSD-2-Clause
// schema = rollcall: what a hub's sink wrote, docs/doors/directory.md. Pure.
#ifndef ROLLCALL_SOURCES_LDAP_SCHEMA_ROLLCALL_H
#define ROLLCALL_SOURCES_LDAP_SCHEMA_ROLLCALL_H

#include <jansson.h>
#include <stdint.h>

#include "syncd/sources/ldap_entry.h"

extern const char *const dir_hub_attributes[]; // what to ask for besides; ends with NULL

struct dir_hub_beat {
    int64_t as_of;       // of the authority that spoke longest ago; 0: none has
    uint64_t generation; // all changes of the hub up to this one came before
};

bool dir_hub_is_beat(const struct dir_entry *e);
// What cannot be read leaves *beat as it is; neither number ever goes back.
void dir_hub_take_beat(const struct dir_entry *e, struct dir_hub_beat *beat);

// Puts into a user what rollcall's attributes say: `ours` is its extension. -EBADMSG with a
// sentence.
int dir_hub_user(const struct dir_entry *e, json_t *user, json_t *ours, char *why, size_t why_len);

#endif
