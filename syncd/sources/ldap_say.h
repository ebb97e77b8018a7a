// SPDX-License-Identifier: BSD-2-Clause
// Listings as rollcall-source-ldap says them, and the cursor that carries the directory's
// cookie: "ldap1 FINGERPRINT COUNTER WHOLE-AT COOKIE", all of them hex.
#ifndef ROLLCALL_SOURCES_LDAP_SAY_H
#define ROLLCALL_SOURCES_LDAP_SAY_H

#include "syncd/sources/ldap_control.h"
#include "syncd/sources/ldap_known.h"
#include "syncd/sources/ldap_schema_rollcall.h"
#include "syncd/sources/ldap_settings.h"

struct dir_say {
    const struct dir_settings *set;
    char cursor[16384]; // of the last commit, "" where none
    uint64_t counter;
    bool open, full, whole;
    uint64_t rows, done;
    int64_t whole_at;        // when all of it was read last, be it by a process before this one
    int64_t full_as_of;      // of the last full listing that was committed
    int64_t as_of;           // of the one that is open
    json_t *groups;          // by id: the UUID of the entry that has it
    json_t *waiting;         // ids that another entry would have too
    struct dir_hub_beat hub; // schema = rollcall: what the heartbeat said last
    // What it said in the midst of a search: people who were read before it may have been changed
    // since, up to what it says. It counts where changes come in their order.
    struct dir_hub_beat seen;
    bool in_order;
    // What it said when a listing was committed last: a server is asked anew from there, for
    // what another one said of itself vouches for nothing that is read of this one.
    struct dir_hub_beat committed;
};

void dir_say_init(struct dir_say *say, const struct dir_settings *set);
// The cookie of the engine's cursor, where it is one of ours for this configuration.
bool dir_say_cookie(struct dir_say *say, struct dir_cookie *ret);

enum dir_listing { DIR_WHOLE, DIR_DELTA, DIR_DIFFERENCE };
// Begins, and drops what was open. A difference is one to the last commit.
void dir_say_begin(struct dir_say *say, enum dir_listing what, int64_t as_of);
void dir_say_commit(struct dir_say *say, const struct dir_cookie *cookie);
// Says a difference of nothing, of the same time: an engine that refused the listing just
// committed starts this source again, instead of taking what changed since for all there is.
void dir_say_check(struct dir_say *say, const struct dir_cookie *cookie);

// An entry in the listing that is open: a person, a group with its members, a problem.
// The kind that it was taken for; `known` learns it. -ENOMEM.
int dir_say_entry(struct dir_say *say, const struct dir_entry *e,
                  const unsigned char uuid[DIR_UUID], struct dir_known *known);

// A group's entry is no more: nobody is in the group, where no other entry has its id by now. True
// where another waits for it.
bool dir_say_group_gone(struct dir_say *say, const struct dir_known_entry *e);

#endif
