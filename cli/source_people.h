// SPDX-License-Identifier: BSD-2-Clause
// What would come of a source's people here: its messages go in, by the engine's own checks come
// the first of them as they would look, and those who would have no account.
#ifndef CLI_SOURCE_PEOPLE_H
#define CLI_SOURCE_PEOPLE_H

#include <jansson.h>
#include <stdint.h>

#include "rollcall/config.h"
#include "rollcall/source.h"

#define SOURCE_PEOPLE_SHOWN 10

struct source_people {
    const struct rollcall_config *config;
    const struct rollcall_source_config *source;
    uint64_t n, groups, refused;
    json_t *first;    // up to ten: {name, number, state, reason, groups, refused}
    json_t *without;  // up to ten of those with no account, of the same shape
    json_t *coverage; // how many have each attribute
    json_t *names;    // userName to its row's id: who has it first
    json_t *group;    // id to displayName
    json_t *local;    // names of local accounts
    json_t *listed;   // entries of groups' lists of members, to ids of groups
};

void source_people_init(struct source_people *p, const struct rollcall_config *config,
                        const struct rollcall_source_config *source);
void source_people_hear(struct source_people *p, const struct rollcall_message *m);
// When all is heard: names of groups, and groups that list their members.
void source_people_finish(struct source_people *p);
void source_people_done(struct source_people *p);

#endif
