// SPDX-License-Identifier: BSD-2-Clause
// Groups as a source says them, for tests of nested ones. Only tests/unit/*.c include it.
#ifndef ROLLCALL_TESTS_GROUP_WORDS_H
#define ROLLCALL_TESTS_GROUP_WORDS_H

#include "tests/unit/engine_fixture.h"

#define LIST(...)                                                                                  \
    ((struct rollcall_strings){(const char *const[]){__VA_ARGS__},                                 \
                               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})
#define NOBODY ((struct rollcall_strings){0})

int group_send(struct engine *e, const struct rollcall_message *m); // of "hr"
// A listing of a later time each; `since` is the cursor of the one that it is a difference to.
void open_as(struct engine *e, bool full, const char *since);
void say_members(struct engine *e, const char *group, struct rollcall_strings values);
void say_change(struct engine *e, const char *group, struct rollcall_strings add,
                struct rollcall_strings remove);
void say_group(struct engine *e, const char *group, struct rollcall_strings parents,
               struct rollcall_strings aliases);
// People whose rows say no group: they come in by a group's list alone.
void people(struct rollcall_user_record *rows, size_t n);
void say_rows(struct engine *e, const struct rollcall_user_record *rows, size_t n);
bool allowed(struct engine *e, const char *name);
int64_t groups_of(struct engine *e, const char *name);

#endif
