// SPDX-License-Identifier: BSD-2-Clause
// What the parts of the core share. Only syncd/engine/*.c include it.
#ifndef ROLLCALL_ENGINE_CORE_INTERNAL_H
#define ROLLCALL_ENGINE_CORE_INTERNAL_H

#include "rollcall/cache_writer.h"
#include "syncd/engine/core.h"
#include "syncd/engine/store.h"

// Two million people; what is beyond SQLite's cache lies in a file.
#define STAGE_BYTES_MAX (1024ull * 1024 * 1024)

#define ABOUT_MAX       4 // problems of a listing that name nobody, and are kept for status
#define ABOUT_BYTES     360

// One source's batch between begin and commit.
struct stage {
    char source[32];
    bool open, refused, full;
    bool difference; // full, but said as what is new since the last commit
    int64_t as_of, seen_at, begun;
    char version[200];
    uint64_t rows;                      // users and gone lines that came
    uint64_t bytes;                     // what they take in memory, about
    uint64_t unattributed;              // rows that cannot be read and name nobody
    uint64_t dropped;                   // lines of those who are left out on purpose
    char about[ABOUT_MAX][ABOUT_BYTES]; // of those problems, the first
};

// A change of somebody's word, decided but not yet in effect.
struct change {
    uint32_t slot;
    uid_t uid;
    struct rollcall_word before, after;
    enum rollcall_reason reason;
    int64_t hr_time, received;
    char name[ROLLCALL_NAME_MAX + 1];
    char source[32];
    bool judged; // by the breaker, as an inferred loss
};

struct changes {
    struct change *item;
    size_t n, room;
};

// The uid map as it stood when this transaction asked for it.
#define IDS_MAP_BYTES_MAX (4 * 1024 * 1024)
struct ids_map {
    bool read;
    char *text;
    struct ids_map_line *line; // by whom it is of
    size_t n;
};

// What is known of the batch in work as a whole, so that nobody looks for what it has not.
struct facts {
    bool rivals;   // two rows claim the same, or perhaps: see rivals.c
    bool twice;    // a row came twice
    bool bodiless; // of a row nothing was said that can be taken
    bool went;     // a record is gone, or what cannot be read says terminated
    // What there is beside it.
    bool first;    // of this source there was no record
    bool refused;  // of this source something was refused, but for groups
    bool approved; // an administrator approved of somebody
    bool slotless; // there is a record that is nobody's
};

struct engine_core {
    const struct rollcall_config *config; // borrowed
    struct engine_paths paths;
    struct engine_hooks hooks;
    struct store store;
    struct rollcall_journal *journal;
    struct rollcall_ledger *ledger;
    struct rollcall_board_writer *board;
    struct stage stage[ROLLCALL_SOURCES_MAX];
    uint64_t stage_bytes_max;          // of one listing
    uint64_t dropped_max;              // of a source: who is left out and remembered
    bool nested[ROLLCALL_SOURCES_MAX]; // says groups in groups, or members of groups
    char cursor[65536];
    uint64_t generation;
    int64_t clock_mark;
    unsigned dirty; // DIRTY_*: what the files of the cache do not say yet
    // Whose row in `private` is older than the person's. Beyond DELTA_MAX the whole file is
    // written again.
    struct {
        uint32_t *slot;
        size_t n, room;
        bool overflow;
    } changed;
    uint64_t private_generation; // of the whole file that stands
    int64_t people;              // person_count(); -1: to be counted
    bool marked_once;
    int64_t mark_stored, purge_looked, alarms_looked;
    unsigned alarm_level[ROLLCALL_SOURCES_MAX]; // of each source, that was said last
    struct rollcall_ledger_entry *pending;      // ids given in this transaction
    size_t n_pending, pending_room;
    bool ledger_behind; // the table of the ledger's entries may lack some that are in the file
    struct ids_map uid_map;
    struct facts facts;
    uint32_t claimed;     // the uid of the newcomer in work, whose row is not there yet; or 0
    struct changes retry; // locks whose journal record could not be written yet
    struct changes lifts; // what could not be given yet for the same reason
};

enum {
    DIRTY_ACCOUNTS = 1,
    DIRTY_PRIVATE = 2, // only the rows in `changed`
    DIRTY_KEYS = 4,
    DIRTY_ALL = 7,
};
// More people than this in a delta would cost more than they save.
#define DELTA_MAX 1024

// ---- what a user says, as it is kept (body.c) ----
struct body {
    struct body_owner *owner; // of all that is pointed to
    const char *user_name, *display_name, *email, *department, *manager, *worker_type;
    const char *login_shell, *home_directory, *dn, *employee_number;
    enum rollcall_status status;
    int64_t start, end, terminated_at;
    bool has_uid, has_gid, groups_present, password_blocked, rehire_conflict;
    uint64_t uid, gid;
    int64_t incarnation; // 0: not said
    enum rollcall_risk risk;
    json_t *groups, *keys, *aliases;    // arrays of strings, or NULL
    int64_t status_number, risk_number; // as they stand in the text
};
char *body_from_record(const struct rollcall_user_record *u); // JSON text; free()
int body_parse(const char *text, struct body *ret);
void body_done(struct body *b);
int64_t body_hash(const char *text);
// The same body with other groups; free().
char *body_with_groups(const char *body, json_t *groups);

// ---- ids (ids.c) ----
uint32_t ids_hash(const struct rollcall_config *config, const char *authority, const char *id);
// A line of the uid map (ids_map.c) for this key or name: 0, or -ENOENT. It is read at the first
// question.
int ids_map_look_up(struct ids_map *m, const char *path, const char *key, const char *name,
                    uint32_t *ret);
void ids_map_forget(struct ids_map *m);
// Slot and uid of a key: from the ledger, or new (durable when this returns). -EEXIST: the
// uid belongs to somebody else; -ERANGE: outside id_range. `why` gets a sentence.
int ids_person(struct engine_core *core, const char *key, const char *source, const struct body *b,
               const char *id, int64_t now, uint32_t *ret_slot, uint32_t *ret_uid, char *why,
               size_t why_len);
// An entry of the ledger, into the table of them: of two keys with one slot the later one
// is the person's.
int ids_learn(struct engine_core *core, const struct rollcall_ledger_entry *e);
// A person is known by another key from now on, under the same slot and uid (rule 11).
int ids_rekey(struct engine_core *core, const char *key, uint32_t slot, uint32_t uid, int64_t now);
// Makes the ids of this transaction durable: before its commit.
int ids_flush(struct engine_core *core);
// Opens the ledger again, so that ids of a transaction that was rolled back are known.
int ids_reload(struct engine_core *core);
int ids_group(struct engine_core *core, const char *source, const char *id, bool has_gid,
              uint64_t gid, int64_t now, uint32_t *ret_gid, char *why, size_t why_len);

// ---- people (person.c) ----
// Merges what is known of a person and updates the row; appends to `changes` when the
// word changes. `source` is whose batch it was, or NULL for time and admins.
int person_merge(struct engine_core *core, uint32_t slot, const char *source, int64_t now,
                 struct changes *changes);
// A person whom nobody knew, from the one record that there is of them: the row with all that is
// known, which the source says first. `b` is that record.
struct newcomer {
    uint32_t slot;
    uid_t uid;
    const char *key, *name, *gecos, *home, *shell, *immutable_id, *dn;
    const struct membership *groups;
    bool groups_cut;
};
int person_new(struct engine_core *core, const struct newcomer *n,
               const struct rollcall_source_config *src, const struct body *b, int64_t now,
               struct changes *changes);
int person_word(struct engine_core *core, uint32_t slot, struct rollcall_word *ret);
// People who are known and not terminated: what the breaker's share is of.
int64_t person_count(struct engine_core *core);
int person_event(struct engine_core *core, uint32_t slot, int64_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// ---- effects (effects.c) ----
bool change_is_stricter(const struct change *c);
bool change_is_loss(const struct change *c); // of somebody who came in, or was to
struct change *changes_add(struct changes *list);
void changes_free(struct changes *list);
// Makes one of several changes of one person.
int changes_settle(struct changes *list);
// Before the commit: locks go to the board, then to the journal.
int effects_lock(struct engine_core *core, const struct changes *list, int64_t now);
// After the commit: lifts go to the journal, then to the board; everything is audited.
int effects_lift(struct engine_core *core, const struct changes *list, int64_t now);
int effects_retry(struct engine_core *core, int64_t now);
// An admin's own lock (or its end) of somebody whose state it does not change: else the
// loss of state.db would lose it.
int effects_admin_lock(struct engine_core *core, uint32_t slot, bool lock, int64_t now);
// Keeps the journal's preallocated room free, for locks on a full disk.
int effects_compact(struct engine_core *core);
int effects_board_fresh(struct engine_core *core, int64_t now);
// Runs `work` in a transaction with the effects in their order around it.
int effects_transaction(struct engine_core *core, int64_t now,
                        int (*work)(struct engine_core *core, struct changes *changes, void *ctx),
                        void *ctx);
void engine_audit(struct engine_core *core, json_t *record); // takes the reference
void engine_phase(struct engine_core *core, const char *phase);
void put_time(json_t *o, const char *key, int64_t t);

// ---- listings (stage.c, listing.c, rows.c) ----
int listing_apply(struct engine_core *core, struct stage *stage, const char *cursor, int64_t now);
int rows_take(struct engine_core *core, const struct rollcall_source_config *src,
              struct stage *stage, int64_t now, struct changes *changes);
int rows_groups(struct engine_core *core, const struct rollcall_source_config *src, int64_t now);
int rows_refuse(struct engine_core *core, const char *source, const char *id, const char *kind,
                const char *name, int64_t now, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
int source_index(const struct rollcall_config *config, const char *name);

// ---- full listings that are said as a difference to the last one (difference.c) ----
// Completes what was said by the unchanged rows that have to be looked at again, or that
// claim what a row of this listing claims.
int difference_complete(struct engine_core *core, const char *source, int64_t now);
// Keeps what the listing has and nobody took, for the next one.
int difference_keep_aside(struct engine_core *core, const struct stage *stage);
// Notes which records the source's listing has now.
int difference_mark(struct engine_core *core, const struct stage *stage);

// ---- who is left out on purpose (dropped.c) ----
int dropped_stage(struct engine_core *core, struct stage *stage, const struct rollcall_message *m);
// What was said of this id so far is that it is dropped; `unsaid`: and that is over.
bool dropped_said(struct engine_core *core, const struct stage *stage, const char *id);
int dropped_unsaid(struct engine_core *core, const struct stage *stage, const char *id);
// Of one that is dropped it is said that employment is over, or the account locked or disabled.
int dropped_ended(struct engine_core *core, const struct stage *stage, const char *id,
                  enum rollcall_status status);
// After the rows, before who is gone: people become refused, and the list says what was said.
int dropped_take(struct engine_core *core, const struct rollcall_source_config *src,
                 const struct stage *stage, int64_t now, struct changes *changes);
// Of these who were people: refused, or held (dropped_people.c).
int dropped_people(struct engine_core *core, const char *source, int64_t now,
                   struct changes *changes);
// Who is held and named as a person again is held no more.
int dropped_held_return(struct engine_core *core, const char *source);
// At the end of a batch: the hold says how many are left, and is over where nobody is.
int dropped_held_settle(struct engine_core *core, const char *source);
// A hold that was approved: everybody it held is refused.
int dropped_held_release(struct engine_core *core, int64_t hold, int64_t now,
                         struct changes *changes, int64_t *ret_people);
// Which of them the source's listing has now; see difference_mark().
int dropped_mark(struct engine_core *core, const struct stage *stage);
// A full listing that counts: who is absent from two of them is on the list no more.
int dropped_absences(struct engine_core *core, const struct stage *stage);

// ---- what counts against the breaker, and what is held (holds.c) ----
enum effect_kind { EFFECT_INFERRED = 1, EFFECT_EXPLICIT = 2 };
int64_t effects_in_window(struct engine_core *core, const char *source, enum effect_kind kind,
                          int64_t now);
int64_t effects_expected(struct engine_core *core, int64_t now); // leavers that were announced
int effects_note(struct engine_core *core, const char *source, enum effect_kind kind, uint32_t slot,
                 int64_t now);
// A hold of this kind with `n` people more, new or standing; its id. Whoever is held
// already is not counted again (rule 14).
int64_t breaker_hold(struct engine_core *core, const char *source, const char *kind, int64_t n,
                     int64_t now);

// ---- breaker (breaker.c): pure ----
uint64_t breaker_limit(uint64_t count, uint32_t share, uint64_t people);
uint64_t breaker_inferred_limit(const struct rollcall_config *c, uint64_t people);
uint64_t breaker_explicit_limit(const struct rollcall_config *c, uint64_t people);

int lease_publish(struct engine_core *core, int64_t now);
bool clock_synchronised(struct engine_core *core);

// Of all options that a person's word and row follow from: where it is not the one in meta,
// everybody is judged anew at the start.
int64_t options_hash(const struct rollcall_config *c);

// ---- silence (alarms.c) ----
void alarms_tick(struct engine_core *core, int64_t now);
// Until when an administrator extended the source's lease; 0: never.
int64_t lease_extended(struct engine_core *core, const char *source);
int64_t lease_ends(struct engine_core *core, const struct rollcall_source_config *src,
                   int64_t as_of);

// ---- membership (membership.c): groups by number, ascending ----
struct membership {
    uint32_t *number;
    size_t n, room;
};
void membership_done(struct membership *m);
int membership_add(struct membership *m, uint32_t number); // keeps the order; once each
int membership_read(struct engine_core *core, uint32_t slot, struct membership *ret);
int membership_write(struct engine_core *core, uint32_t slot, const struct membership *m);
// Of a column that holds one; borrowed, valid until the next step.
const uint32_t *membership_column(sqlite3_stmt *stmt, int column, size_t *ret_n);
#define MEMBERSHIP_MAX 1024 // groups of a person that are counted
// Is one of them a group of the list? By immutable id.
bool membership_in(struct engine_core *core, const struct membership *m,
                   const struct rollcall_list *list);

// ---- answers (query.c, query_source.c) ----
// A source as `status` has it; what is wrong goes to `alarms` too.
json_t *query_source(struct engine_core *core, const struct rollcall_source_config *src,
                     int64_t now, json_t *alarms);
// By which reason the source leaves this record out, in a sentence; false: it does not.
bool query_dropped(struct engine_core *core, const char *source, const char *id, char *text,
                   size_t len);
// The same of a name that is nobody's here.
bool query_dropped_name(struct engine_core *core, const char *name, char *text, size_t len);

// ---- publication (publish*.c) ----
// A person's row in `private` is to be written again.
void publish_changed(struct engine_core *core, uint32_t slot);
// Writes the files of `what`.
int publish_files(struct engine_core *core, unsigned what, int64_t now);

#endif
