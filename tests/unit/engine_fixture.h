// SPDX-License-Identifier: BSD-2-Clause
// The engine's core in a folder of its own, with an injected clock and sources that are
// played by the test. Only tests/unit/*.c include it.
#ifndef ROLLCALL_TESTS_ENGINE_FIXTURE_H
#define ROLLCALL_TESTS_ENGINE_FIXTURE_H

#include <jansson.h>

#include "syncd/engine/core_internal.h"

#define START 1764500000 // an instant for the tests to begin at
#define DAY   86400

struct engine {
    char dir[64], path[10][96];
    struct rollcall_config config;
    struct engine_paths paths;
    struct engine_core *core;
    int64_t now;
    json_t *audit; // all records since the last engine_forget
    unsigned rings;
};

// cmocka's setup and teardown: one authority and directory "hr", breaker 3 inferred and
// 4 explicit, allow_groups = linux-users.
int engine_setup(void **state);
int engine_teardown(void **state);
// As after a crash of the process: the core is opened anew over the same files.
void engine_reopen(struct engine *e);
// The same, with state.db gone: ledger and journal are what is left.
void engine_lose_state(struct engine *e);
void engine_add_source(struct engine *e, const char *name, unsigned role);

// An active row of this number and name, in the group linux-users.
struct rollcall_user_record row(const char *number, const char *name);
// Rows 1000+i named p<i>, into `rows`.
void crowd(struct rollcall_user_record *rows, size_t n);

// A listing, piece by piece: begin at its own time, then rows, then commit.
int begin(struct engine *e, const char *source, bool full, int64_t as_of);
void say_row(struct engine *e, const char *source, const struct rollcall_user_record *u);
// A row that cannot be read; `number` is NULL where not even that could be.
void say_broken(struct engine *e, const char *source, const char *number, bool terminated);
void say_gone(struct engine *e, const char *source, const char *id);
int commit(struct engine *e, const char *source, uint64_t rows);
// All of it in one: a full listing of "hr", a second after the last thing that happened.
void listing(struct engine *e, const struct rollcall_user_record *rows, size_t n);
// A difference of one row.
void say_alone(struct engine *e, const char *source, const struct rollcall_user_record *u);
void tick(struct engine *e, int64_t now);

// What the board says, which must be what state.db says; 0 for a name nobody has.
enum rollcall_state state_of(struct engine *e, const char *name);
uint8_t flags_of_person(struct engine *e, const char *name);
const char *reason_of(struct engine *e, const char *name);
int64_t uid_of(struct engine *e, const char *name);
// Records of this event since the last engine_forget; of `id` where that is not NULL.
size_t audited(const struct engine *e, const char *event, const char *id);
// Tells whether such a record has this text in its `why`.
bool audited_why(const struct engine *e, const char *event, const char *text);
void engine_forget(struct engine *e);
// The id of the one hold there is, as `rollcall approve` wants it; "" where none is.
const char *the_hold(struct engine *e, char buf[24]);

#endif
