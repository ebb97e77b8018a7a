// SPDX-License-Identifier: BSD-2-Clause
// What an answer of the module is held to. One struct of these for each thread that looks
// up; nothing of it is shared.
#ifndef TESTS_TORTURE_ANSWERS_H
#define TESTS_TORTURE_ANSWERS_H

#include <grp.h>
#include <pwd.h>

#include "tests/torture/torture.h"

struct looker {
    bool alone; // in its process
    uint64_t dice;
    uint64_t newest; // generation of an answer so far
    uint64_t lookups, enumerations, locks_seen;
    // Of the lookup that runs.
    int64_t began;   // of torture_tick
    bool enumerates; // from files that its first lookup opened
    uint32_t slot, state, boards;
    char buf[16384];
};

uint32_t looker_roll(struct looker *l, uint32_t n);
// Before each lookup; `slot` is of whom it asks, or PEOPLE.
void looker_begin(struct looker *l, uint32_t slot);
// In a child of fork: it has one thread, and counts anew.
void looker_forked(struct looker *l);
void looker_count(struct looker *l);

// The answer is of one generation, which this returns, no older than is allowed. Whether it
// is whole: name, gecos, home, shell and ids say the same.
uint64_t answer_person(struct looker *l, const struct passwd *pw);
uint64_t answer_team(struct looker *l, const struct group *gr);
void answer_memberships(struct looker *l, const gid_t *gids, long n);

#endif
