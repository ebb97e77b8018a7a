// SPDX-License-Identifier: BSD-2-Clause
// Taking the rows of a listing. Only syncd/engine/*.c include it.
#ifndef ROLLCALL_ENGINE_ROWS_H
#define ROLLCALL_ENGINE_ROWS_H

#include "syncd/engine/core_internal.h"

// Whether the breaker holds the groups that vanish with this listing; counts them where
// it does not.
int listing_groups_held(struct engine_core *core, const struct rollcall_source_config *src,
                        const struct stage *stage, int64_t now, bool *ret);
// The groups, through any number of others, and keys that all directories say of a person.
// *ret_changed: the groups are others than before; may be NULL.
int rows_members(struct engine_core *core, uint32_t slot, int64_t now, bool *ret_changed);
// The groups alone, and nothing is written.
int rows_membership(struct engine_core *core, uint32_t slot, int64_t now, struct membership *ret);
// Which of a person's groups come through others: [{group, path}], in the path what names the
// person first. New reference.
json_t *rows_paths(struct engine_core *core, uint32_t slot, int64_t now);
// The group's number, made at its first mention. -ENOENT where it was refused.
int64_t group_number(struct engine_core *core, const char *source, const char *id, const char *name,
                     bool has_gid, uint64_t gid, int64_t now);
// Whose name may a row have? See lifecycle rules 4, 5, 11 and 15. 0, or -EEXIST after the
// refusal was recorded. `slot` is the row's own person, or -1 for a new one.
int rows_name_free(struct engine_core *core, const struct rollcall_source_config *src,
                   const char *id, const char *key, const struct body *b, int64_t slot,
                   int64_t now);
// ---- rows of one batch that claim the same (rivals.c) ----
enum rival_kind { RIVAL_NAME = 1, RIVAL_NUMBER = 2, RIVAL_UID = 3 };
// Into the table of them, and core->facts.
int rivals_find(struct engine_core *core, const char *source);

// Tells whether an admin said `word` of this key (rule 11).
bool rows_approved(struct engine_core *core, const char *key, const char *word);

#endif
