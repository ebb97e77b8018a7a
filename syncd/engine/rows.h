// SPDX-License-Identifier: BSD-2-Clause
// Taking the rows of a listing. Only syncd/engine/*.c include it.
#ifndef ROLLCALL_ENGINE_ROWS_H
#define ROLLCALL_ENGINE_ROWS_H

#include "rollcall/cleanup.h"
#include "syncd/engine/core_internal.h"

// From a person upward: groups by their nodes, see nesting.h.
#define WALK_MAX 1024
struct walk {
    int64_t node[WALK_MAX];
    int via[WALK_MAX]; // the one below it that led there; -1: it names the person itself
    size_t n;
    bool cut; // there were more
};

// One row in work.
struct row {
    const struct rollcall_source_config *src;
    struct stage *stage;
    char id[160], key[200];
    char *text, *place; // the body as it came
    struct body body;
    int64_t hash, slot; // slot -1: nobody yet
    int64_t stood_with; // whose record this id was before, or -1
    char stood_as[200]; // under this key
    int64_t groups_pending;
    bool groups_held; // the breaker holds what vanished
    char *old_text;
    bool newcomer; // of a person whom this row makes, and no other record says a word of
    uint32_t uid;  // of a newcomer
};

// What a directory says of a person beside the name.
struct described {
    char gecos[256], home_made[300], immutable_id[200];
    const char *home, *shell, *dn; // dn may be NULL
};
// `home`: where it stands, or "". `gid` -1: none yet. What cannot be is made harmless, and said.
void row_described(struct engine_core *core, const struct row *row, const char *name,
                   const char *home, int64_t gid, int64_t now, struct described *ret);

// ---- a person whom nobody knew (newcomer.c): one statement, in place of some twelve ----
int newcomer_take(struct engine_core *core, struct row *row, int64_t now, struct changes *changes);

// What the directories say of one person's groups and keys (groups.c).
struct gathered {
    struct membership groups;
    struct walk walk;
    size_t n_own; // of the walk: the groups of the person's own rows, first
    char *keys;
    char source[32], id[160]; // of the first of them, for messages
    bool cut;
};
void gathered_init(struct gathered *g); // the walk is large, and most people's is short
void gathered_done(struct gathered *g);
#define _cleanup_gathered_ _cleanup_(gathered_done)
// Of one row alone, which is no record of anybody yet.
int gather_newcomer(struct engine_core *core, const struct row *row, int64_t now,
                    struct gathered *ret);
// What stands in other tables than the person's own row.
int gathered_keep_new(struct engine_core *core, uint32_t slot, const struct gathered *g,
                      int64_t now);

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
// core->facts, of what there is beside the batch; before anything of it is taken.
void facts_begin(struct engine_core *core, const char *source);
// Into the table of them, and the rest of core->facts.
int rivals_find(struct engine_core *core, const char *source);

// Tells whether an admin said `word` of this key (rule 11).
bool rows_approved(struct engine_core *core, const char *key, const char *word);

#endif
