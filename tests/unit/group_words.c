// SPDX-License-Identifier: BSD-2-Clause
// Groups as a source says them; see the header.
#include "tests/unit/group_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int group_send(struct engine *e, const struct rollcall_message *m)
{
    return engine_core_message(e->core, "hr", m, e->now);
}

void open_as(struct engine *e, bool full, const char *since)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = full, .as_of = ++e->now, .since = since};

    assert_int_equal(group_send(e, &m), 0);
}

void say_members(struct engine *e, const char *group, struct rollcall_strings values)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_MEMBERS,
                                       .group_id = group,
                                       .values_present = true,
                                       .values = values};

    assert_int_equal(group_send(e, &m), 0);
}

void say_change(struct engine *e, const char *group, struct rollcall_strings add,
                struct rollcall_strings remove)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_MEMBERS, .group_id = group, .add = add, .remove = remove};

    assert_int_equal(group_send(e, &m), 0);
}

void say_group(struct engine *e, const char *group, struct rollcall_strings parents,
               struct rollcall_strings aliases)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_GROUP,
                                       .group_id = group,
                                       .group_name = group,
                                       .parents_present = true,
                                       .parents = parents,
                                       .aliases = aliases};

    assert_int_equal(group_send(e, &m), 0);
}

// People whose rows say no group: they come in by a group's list alone.
void people(struct rollcall_user_record *rows, size_t n)
{
    crowd(rows, n);
    for (size_t i = 0; i < n; i++) {
        rows[i].groups = NULL;
        rows[i].n_groups = 0;
    }
}

void say_rows(struct engine *e, const struct rollcall_user_record *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        say_row(e, "hr", &rows[i]);
}

bool allowed(struct engine *e, const char *name)
{
    return flags_of_person(e, name) & ROLLCALL_FLAG_ALLOWED_HERE;
}

int64_t groups_of(struct engine *e, const char *name)
{
    return store_number(&e->core->store, -1, "SELECT length(groups) / 4 FROM person WHERE name = ?",
                        "s", name);
}
