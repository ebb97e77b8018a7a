// SPDX-License-Identifier: BSD-2-Clause
// Groups in groups, and members that a group names. Only syncd/engine/*.c include it.
//
// state.db keeps it in two tables. `entry` is a name that lists use (kind 0), whoever has
// it: a record of its source (`user`), a group (`grp`), or nobody yet; or a group itself
// (kind 1), whose number stands for the group everywhere here. `member` says that an entry is
// in a group: named by the group's list (side 0), or by the `groups` of the group that is in
// it (side 1). A row that stands counts; `said` 0: its source says it no more, and it waits
// for a second listing (`since`) or for an administrator (`hold`).
#ifndef ROLLCALL_ENGINE_NESTING_H
#define ROLLCALL_ENGINE_NESTING_H

#include "syncd/engine/core_internal.h"
#include "syncd/engine/rows.h"

enum { ENTRY_NAME = 0, ENTRY_GROUP = 1 };
enum { SIDE_GROUP = 0, SIDE_MEMBER = 1 };

// ---- names (entries.c) ----
// -ENOENT where there is none and none is to be made.
int64_t entry_of(struct engine_core *core, const char *source, int kind, const char *name,
                 bool make);
// A record or a group of this id is new: what the name stood for before is looked at again.
int entry_appeared(struct engine_core *core, const char *source, const char *id);
// The names that rows of this listing give up, before any of it takes one.
int entries_release(struct engine_core *core, const char *source);
// A name that somebody established has stays theirs: false, and the caller says so. `settles`: the
// caller computes the memberships of the user's person anew afterwards.
int entry_claim(struct engine_core *core, const struct stage *stage, int64_t entry,
                const char *user, int64_t group, bool settles, bool *ret_taken);
int entry_give_up(struct engine_core *core, int64_t entry);

// ---- who has to be looked at again: a temporary table (nesting.c) ----
int touch_entry(struct engine_core *core, int64_t entry);
struct slots {
    uint32_t *slot;
    size_t n, room;
};
// Whose membership may follow from what was touched: they, whoever is in it through groups.
int touched_slots(struct engine_core *core, struct slots *ret);
// Computes the memberships of them all anew, and empties the table.
// `source` may be NULL.
int touched_settle(struct engine_core *core, const char *source, int64_t now,
                   struct changes *changes);

// Which sources say such things, after the state was opened or rolled back.
void nesting_refresh(struct engine_core *core);

// ---- from a person upward (nesting.c) ----
int walk_from(struct engine_core *core, const char *source, const char *record, struct walk *w);
int walk_add(struct walk *w, int64_t node, int via);
int walk_up(struct engine_core *core, struct walk *w);

// ---- lists as they were said (members.c) ----
int members_stage(struct engine_core *core, const struct stage *stage,
                  const struct rollcall_message *m);
// A list that was begun and not ended, or NULL; valid until the next step.
int members_unended(struct engine_core *core, const struct stage *stage, const char **ret);
// What is new takes effect; what is not there any more is only noted.
int members_take(struct engine_core *core, const struct rollcall_source_config *src,
                 const struct stage *stage, int64_t now);
// What was noted ends, or is held whole (losses.c). `people`: what the breaker's share is of.
int members_lose(struct engine_core *core, const struct rollcall_source_config *src,
                 uint64_t people, int64_t now, struct changes *changes);
// Everybody below what a hold of this kind holds; free() the slots.
int members_held(struct engine_core *core, int64_t hold, struct slots *ret);
// A hold that was approved: what it held ends. Counts whose groups changed.
int members_release(struct engine_core *core, int64_t hold, int64_t now, struct changes *changes,
                    int64_t *ret_people);

#endif
