// SPDX-License-Identifier: BSD-2-Clause
// A company in a folder of its own: the real engine core over real files, one source
// "hr" that lists people, and a clock that the test moves. What is asked is what PAM,
// the enforcer and `rollcall` would read: board and private, by their own readers.
#ifndef TESTS_COMPANY_H
#define TESTS_COMPANY_H

#include <jansson.h>

#include "rollcall/admission.h"
#include "rollcall/config.h"
#include "rollcall/source.h"
#include "syncd/engine/core.h"

#define COMPANY_NOW   INT64_C(1795521600)
#define COMPANY_STAFF 1200
#define COMPANY_DAY   INT64_C(86400)

struct colleague {
    char number[16], name[16], title[64];
    bool listed; // stands in HR's next file
    struct rollcall_user_record row;
};

struct company {
    char folder[64];
    char path[9][96];
    struct rollcall_config config;
    struct engine_paths paths;
    struct engine_core *core;
    int64_t now, as_of;
    json_t *audit; // every record since it was last cleared
    unsigned rings, phases;
    unsigned die_at;   // the process ends at this phase of the engine; 0: never
    bool synchronised; // somebody keeps the clock
    struct colleague staff[COMPANY_STAFF];
    size_t n;
};

// Opens the core over an empty folder, with n people who are employed and may come in
// here; HR has not spoken yet. cmocka's setup and teardown shapes are company_setup
// (ten people) and company_teardown.
struct company *company_open(size_t n);
void company_close(struct company *c);
int company_setup(void **state);
int company_teardown(void **state);

// Somebody new, like the first of the staff but for number and name, whom HR's next file lists.
struct colleague *company_hire(struct company *c, const char *number, const char *name);

// The engine is killed and started again: nothing is closed in order that a kill would
// not close. 0 or what engine_core_open said.
int company_restart(struct company *c);
void company_kill(struct company *c);

// HR's file with everybody who is `listed`, written anew a minute later; published.
// Returns what the commit said.
int company_listing(struct company *c);
// The same file read again: the time of its own is the last one's.
int company_same_listing(struct company *c);
// The same in parts, for tests that stand between.
int company_begin(struct company *c, int64_t as_of);
int company_say(struct company *c, const struct colleague *who);
int company_commit(struct company *c, uint64_t rows);
void company_publish(struct company *c);
// The clock moves on, and the engine looks at it as its loop would.
void company_wait(struct company *c, int64_t seconds);

// What a reader says of somebody now.
struct rollcall_admission company_ask(const struct company *c, const char *name);
enum rollcall_state company_state(const struct company *c, const char *name);
bool company_ends_sessions(const struct company *c, const char *name);
// By what the last publication says; 0 where nobody has this name.
uid_t company_uid(const struct company *c, const char *name);

// Records of this event since they were last cleared.
unsigned company_events(const struct company *c, const char *event);
void company_forget(struct company *c); // clears events and rings
// The id of the only held batch, as `rollcall status` lists it. "" where nothing is held.
const char *company_held(struct company *c, char buf[32]);
int company_approve(struct company *c, const char *what);

#endif
