// SPDX-License-Identifier: BSD-2-Clause
// Writing the cache: only syncd's engine does. Every file but the board is written
// whole beside its path, fsynced, checked by looking every name up again, renamed;
// the folder is fsynced. The board is preallocated and changed in place by atomic
// stores.
#ifndef ROLLCALL_CACHE_WRITER_H
#define ROLLCALL_CACHE_WRITER_H

#include "rollcall/cache.h"

// ---- Snapshot (accounts) ----------------------------------------------------

struct rollcall_snapshot_group {
    gid_t gid;
    const char *name;
};

struct rollcall_snapshot_account {
    uint32_t slot;
    uid_t uid;
    gid_t gid;
    const char *name, *gecos, *home, *shell;
    // The person's groups: their positions in the order in which they were fed, from 0,
    // ascending.
    const uint32_t *groups;
    size_t n_groups;
    const gid_t *local_gids; // granted by [local_group]: the one exception to the range
    size_t n_local;
};

struct rollcall_snapshot_former {
    uint32_t slot; // of an account that was fed
    const char *name;
};

// What the writer pulls from: all groups, then all accounts in slot order, then (where
// next_former is not NULL) the former names that are to resolve, none of them a present
// name. Each `next` returns 1 with *ret filled (pointers valid until the next call), 0 at
// the end, negative errno. Member lists and memberships, private groups (gid = uid, name =
// user name) and rollcall-people are made by the writer itself.
struct rollcall_snapshot_feed {
    int (*next_group)(void *ctx, struct rollcall_snapshot_group *ret);
    int (*next_account)(void *ctx, struct rollcall_snapshot_account *ret);
    int (*next_former)(void *ctx, struct rollcall_snapshot_former *ret);
    void *ctx;
    uint32_t slots; // highest slot + 1
    uint64_t generation;
    uint8_t ledger_id[16];
    uint32_t id_min, id_max;
    uint32_t members_max; // a group of more members than this lists none; 0: no limit
    bool no_members;      // no group lists any
    bool observe;         // mode = observe: readers show the real shell
    bool no_enumerate;    // getpwent and getgrent answer nothing
    bool hide_locked;     // whoever the board calls locked is not found
};

// Memory: a record and the memberships of each account, and 32 MiB. -EINVAL for what no
// reader may see (a name too long, a group that was not fed), -ENOSPC on a full disk.
int rollcall_snapshot_write(const char *path, const struct rollcall_snapshot_feed *feed);

// ---- Private and keys ---------------------------------------------------------

struct rollcall_private_feed {
    int (*next_person)(void *ctx, struct rollcall_person *ret); // in slot order
    void *ctx;
    uint32_t people;     // about as many, or 0: room is made for them at once
    uint64_t generation; // of a delta: that of the file whose people it replaces
    uint8_t ledger_id[16];
};
int rollcall_private_write(const char *path, const struct rollcall_private_feed *feed, gid_t group);
// PATH.delta: people who changed since PATH of that generation was written. Readers take
// them in place of those in PATH; one of an older generation counts for nothing, and a new
// PATH takes it away.
int rollcall_private_write_delta(const char *path, const struct rollcall_private_feed *feed,
                                 gid_t group);

struct rollcall_keys_account {
    uint32_t slot;
    uid_t uid;
    const char *name;
    const char *const *keys; // validated single lines
    size_t n_keys;
};
struct rollcall_keys_feed {
    int (*next_account)(void *ctx, struct rollcall_keys_account *ret);
    void *ctx;
    uint32_t slots;
    uint64_t generation;
    uint8_t ledger_id[16];
};
int rollcall_keys_write(const char *path, const struct rollcall_keys_feed *feed, gid_t group);

// ---- Board -----------------------------------------------------------------

struct rollcall_board_writer; // the engine's mapping

// Makes a fresh board (new id) beside `path` with room for `slots` (rounded up),
// preallocated. `fill` is called to store words before the rename; the board that
// stood at `path` is marked replaced after it.
int rollcall_board_create(const char *path, uint32_t slots, const uint8_t ledger_id[16],
                          uint32_t id_min, uint32_t id_max, bool observe,
                          int (*fill)(void *ctx, struct rollcall_board_writer *w), void *ctx,
                          struct rollcall_board_writer **ret);
struct rollcall_board_writer *rollcall_board_writer_close(struct rollcall_board_writer *w);
// One atomic 8-byte store, seen by every process at its next lookup. -ERANGE where
// the slot is beyond the board: create a larger one.
int rollcall_board_store(struct rollcall_board_writer *w, uint32_t slot,
                         const struct rollcall_word *word);
int rollcall_board_get(const struct rollcall_board_writer *w, uint32_t slot,
                       struct rollcall_word *ret);
int rollcall_board_set_lease(struct rollcall_board_writer *w, unsigned authority,
                             const struct rollcall_lease *lease);
int rollcall_board_set_clock_mark(struct rollcall_board_writer *w, int64_t mark);
int rollcall_board_set_generation(struct rollcall_board_writer *w, uint64_t generation);
uint32_t rollcall_board_capacity(const struct rollcall_board_writer *w);
int rollcall_board_sync(struct rollcall_board_writer *w); // fdatasync

// ---- Lock journal: preallocated, appended, fdatasynced ------------------------

struct rollcall_journal_entry {
    uint32_t slot;
    uid_t uid;
    enum rollcall_state state; // > active: a lock; active: lifted
    enum rollcall_reason reason;
    uint8_t flags;
    int64_t at;        // when the engine stored it
    int64_t hr_time;   // or ROLLCALL_TIME_UNSET
    uint64_t sequence; // given by the journal
};

struct rollcall_journal;

// Opens or makes (preallocated) the journal and calls `replay` for every whole entry
// in order. A damaged entry ends a replay of the rest of its block only, loudly
// (*ret_damaged counts); a lift of a lock is never inferred from damage.
int rollcall_journal_open(const char *path,
                          int (*replay)(void *ctx, const struct rollcall_journal_entry *entry),
                          void *ctx, unsigned *ret_damaged, struct rollcall_journal **ret);
struct rollcall_journal *rollcall_journal_close(struct rollcall_journal *j);
// All entries with one fdatasync. -ENOSPC only where preallocation is used up and cannot grow.
int rollcall_journal_append(struct rollcall_journal *j, struct rollcall_journal_entry *entries,
                            size_t n);
// After state.db holds everything up to here: starts over in a new file holding
// `standing` (the locks in force). Old or new, never between.
int rollcall_journal_compact(struct rollcall_journal *j,
                             const struct rollcall_journal_entry *standing, size_t n);
// Sequences go on behind `last`: what the reader of the journal knows must not be counted
// twice, though the file that it knew it from is gone, or was compacted to nothing.
void rollcall_journal_go_on(struct rollcall_journal *j, uint64_t last);
// The sequence of the last entry, 0 before the first.
uint64_t rollcall_journal_last(const struct rollcall_journal *j);
bool rollcall_journal_wants_compaction(const struct rollcall_journal *j);

// ---- Ids ledger: append-only, who has which slot, uid and gid ------------------

enum rollcall_ledger_kind { ROLLCALL_LEDGER_PERSON = 1, ROLLCALL_LEDGER_GROUP = 2 };

struct rollcall_ledger_entry {
    enum rollcall_ledger_kind kind;
    uint32_t slot; // persons: board slot, never reused; groups: 0
    uint32_t id;   // uid (a person's private gid too) or gid
    int64_t at;
    char key[200]; // namespace + NUL-free immutable key, e.g. "hr\t1042" or "hr\tlinux-users"
};

struct rollcall_ledger;

int rollcall_ledger_open(const char *path,
                         int (*replay)(void *ctx, const struct rollcall_ledger_entry *entry),
                         void *ctx, struct rollcall_ledger **ret);
struct rollcall_ledger *rollcall_ledger_close(struct rollcall_ledger *l);
const uint8_t *rollcall_ledger_id(const struct rollcall_ledger *l); // 16 bytes
// Durable (one fdatasync for all) when it returns 0; before any of them is published.
int rollcall_ledger_append(struct rollcall_ledger *l, const struct rollcall_ledger_entry *entries,
                           size_t n);

#endif
