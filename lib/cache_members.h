// SPDX-License-Identifier: BSD-2-Clause
// Groups and who is in them, both ways, while a snapshot is written.
#ifndef ROLLCALL_CACHE_MEMBERS_H
#define ROLLCALL_CACHE_MEMBERS_H

#include "lib/cache_build.h"

struct rc_members {
    struct group {
        struct rc_group_record record;
        char name[33];
    } * group; // number 0 is rollcall-people, which lists nobody
    uint32_t n, room;
    // A run for each account: numbers of groups, then local gids. An account's record says
    // how many of each.
    uint32_t *run;
    uint32_t run_len, run_room;
};

void rc_members_free(struct rc_members *m);
int rc_members_group(struct rc_members *m, const char *name, uint32_t gid);
static inline const char *rc_members_name(const struct rc_members *m, uint32_t number)
{
    return m->group[number].name;
}
// An account with a name of `name_len` bytes; `groups` are positions behind rollcall-people.
// -EINVAL: one that is not there, or not ascending.
int rc_members_join(struct rc_members *m, uint8_t name_len, const uint32_t *groups, size_t n_groups,
                    const uint32_t *local, size_t n_local, uint32_t *ret_run);
// The groups' names and member lists, into the open pool.
int rc_members_write(struct rc_members *m, struct rc_build *b,
                     const struct rc_account_record *records, uint32_t members_max);
// RC_MSHIPS and RC_GROUPS. From then on the runs hold gids, and the records say where they are
// in the file.
int rc_members_write_sections(struct rc_members *m, struct rc_build *b,
                              struct rc_account_record *records, uint32_t slots);

#endif
