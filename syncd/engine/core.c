// SPDX-License-Identifier: BSD-2-Clause
// Opening and closing the core: ledger, journal and state brought to one truth before
// anything is published.
#include "syncd/engine/core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cache_map.h"
#include "syncd/engine/core_internal.h"
#include "syncd/engine/nesting.h"
#include "syncd/engine/outbox.h"

static int on_ledger_entry(void *ctx, const struct rollcall_ledger_entry *e)
{
    return ids_learn(ctx, e);
}

int ids_reload(struct engine_core *core)
{
    struct rollcall_ledger *fresh;
    int r = rollcall_ledger_open(core->paths.ledger, on_ledger_entry, core, &fresh);

    core->ledger_behind = r < 0;
    if (r < 0)
        return r;
    rollcall_ledger_close(core->ledger);
    core->ledger = fresh;
    return 0;
}

// People whom the ledger knows and the database does not: their ids stand, and they wait
// until a source lists them again.
static int restore_people(struct engine_core *core, int64_t now)
{
    return store_run(
        &core->store,
        "INSERT INTO person(slot, key, uid, gid, state, reason, since, recovery, flags)"
        " SELECT slot, key, number, number, 3, 14, ?, 1, 8 FROM ledger WHERE kind = 1 AND NOT "
        "EXISTS"
        "(SELECT 1 FROM person p WHERE p.slot = ledger.slot OR p.key = ledger.key OR"
        " p.uid = ledger.number)",
        "i", now);
}

struct replay {
    struct engine_core *core;
    int64_t known; // the last journal sequence that the database knew
    uint64_t locks;
};

// A lock that the journal has and the database lost stands until an authority speaks
// afresh; an admin's until an admin lifts it.
static int on_journal_entry(void *ctx, const struct rollcall_journal_entry *e)
{
    struct replay *r = ctx;
    bool lock = e->state > ROLLCALL_STATE_ACTIVE;

    if ((int64_t)e->sequence <= r->known)
        return 0;
    r->locks += lock;
    if (e->reason == ROLLCALL_REASON_ADMIN_LOCK || !lock)
        store_run(&r->core->store, "UPDATE person SET admin_lock = ? WHERE slot = ? AND uid = ?",
                  "iii", (int64_t)lock, (int64_t)e->slot, (int64_t)e->uid);
    return store_run(&r->core->store,
                     "UPDATE person SET journal_lock = ?1, state = CASE WHEN ?1 THEN max(state, "
                     "?2) ELSE state END,"
                     " reason = CASE WHEN ?1 THEN ?3 ELSE reason END, flags = CASE WHEN ?1 THEN ?4 "
                     "ELSE flags END"
                     " WHERE slot = ?5 AND uid = ?6",
                     "iiiiii", (int64_t)lock, (int64_t)e->state, (int64_t)e->reason,
                     (int64_t)e->flags, (int64_t)e->slot, (int64_t)e->uid);
}

static int open_journal(struct engine_core *core)
{
    struct replay replay = {.core = core};
    unsigned damaged = 0;
    int r;

    replay.known =
        store_number(&core->store, -1, "SELECT value FROM meta WHERE key = 'journal'", "");
    r = rollcall_journal_open(core->paths.journal, on_journal_entry, &replay, &damaged,
                              &core->journal);
    if (r == -EBADMSG) {
        // Not ours to read: set aside, so that new locks have a place; everybody waits for
        // an authority to speak afresh, as after a lost state.
        char aside[4200];
        snprintf(aside, sizeof(aside), "%s.lost", core->paths.journal);
        if (rename(core->paths.journal, aside) < 0)
            return -errno;
        damaged++;
        r = rollcall_journal_open(core->paths.journal, NULL, NULL, &(unsigned){0}, &core->journal);
        replay.locks++;
    }
    if (r < 0)
        return r;
    // An entry that state.db takes for one it knows would be no lock after the next crash.
    if (replay.known >= 0)
        rollcall_journal_go_on(core->journal, (uint64_t)replay.known);
    if (damaged > 0) {
        engine_audit(core, json_pack("{s:s, s:s, s:i}", "event", "journal-damaged", "path",
                                     core->paths.journal, "records", (int)damaged));
        store_run(&core->store, "UPDATE person SET recovery = 1 WHERE state = 1", "");
    }
    // Sources must speak in full again where something was lost between two steps.
    if (replay.locks > 0 || damaged > 0)
        store_run(&core->store, "UPDATE source SET cursor = NULL", "");
    return 0;
}

// ---- what the board says and nobody wrote down ----

// A word of the old board that is stricter than all that is known: an admin's lock or the
// enforcer's of a date, made while no engine ran, or an engine killed after its first step.
static int carry_word(struct engine_core *core, const struct rollcall_word *word, uint32_t slot,
                      int64_t now)
{
    bool admin = word->state == ROLLCALL_STATE_LOCKED &&
                 !(word->flags & (ROLLCALL_FLAG_INFERRED | ROLLCALL_FLAG_REFUSE_ONLY));
    struct rollcall_journal_entry e = {.slot = slot,
                                       .uid = word->uid,
                                       .state = word->state,
                                       .reason = admin ? ROLLCALL_REASON_ADMIN_LOCK
                                                       : ROLLCALL_REASON_REPLAYED,
                                       .flags = word->flags,
                                       .at = now,
                                       .hr_time = ROLLCALL_TIME_UNSET};
    int r = rollcall_journal_append(core->journal, &e, 1);

    if (r == 0)
        r = store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('journal', ?)", "i",
                      (int64_t)e.sequence);
    if (r < 0)
        return r;
    return store_run(&core->store,
                     "UPDATE person SET journal_lock = 1, admin_lock = max(admin_lock, ?), state ="
                     " ?, reason = ?, flags = ? WHERE slot = ?",
                     "iiiii", (int64_t)admin, (int64_t)e.state, (int64_t)e.reason, (int64_t)e.flags,
                     (int64_t)slot);
}

static int64_t next_slot(struct engine_core *core, int64_t slot)
{
    return store_number(&core->store, -1,
                        "SELECT slot FROM person WHERE slot > ? ORDER BY slot LIMIT 1", "i", slot);
}

static int carry_board(struct engine_core *core, int64_t now)
{
    struct rollcall_board *board;
    struct rollcall_board_facts facts;
    unsigned carried = 0;
    int r = 0;

    // None, or none that can be read: state.db and journal are all there is.
    if (rollcall_board_open(core->paths.board, &board) < 0)
        return 0;
    if (rollcall_board_facts(board, &facts) == 0 &&
        memcmp(facts.ledger_id, rollcall_ledger_id(core->ledger), 16) == 0)
        for (int64_t slot = next_slot(core, -1); r == 0 && slot >= 0;
             slot = next_slot(core, slot)) {
            struct rollcall_word known, word;
            r = person_word(core, (uint32_t)slot, &known);
            if (r < 0 || rollcall_board_read(board, (uint32_t)slot, known.uid, &word) < 0 ||
                word.state < ROLLCALL_STATE_SUSPENDED || word.state <= known.state)
                continue;
            r = carry_word(core, &word, (uint32_t)slot, now);
            carried++;
        }
    rollcall_board_close(board);
    if (r < 0 || carried == 0)
        return r;
    engine_audit(core, json_pack("{s:s, s:i, s:s}", "event", "locks-carried-over", "people",
                                 (int)carried, "hint",
                                 "locked on the board while no engine ran; they stand until an "
                                 "authority speaks afresh, an administrator's until unlocked"));
    return store_run(&core->store, "UPDATE source SET cursor = NULL", "");
}

// Words that are in force after all replaying: recovery and replayed locks included.
static int settle(struct engine_core *core, int64_t now)
{
    struct changes changes = {0};
    int r = 0;

    for (int64_t slot = -1; r == 0;) {
        slot = store_number(
            &core->store, -1,
            "SELECT slot FROM person WHERE slot > ? AND recovery ORDER BY slot LIMIT 1", "i", slot);
        if (slot < 0)
            break;
        r = person_merge(core, (uint32_t)slot, NULL, now, &changes);
    }
    changes_free(&changes);
    return r;
}

static int restore(struct engine_core *core, bool lost, int64_t now)
{
    int r = rollcall_ledger_open(core->paths.ledger, on_ledger_entry, core, &core->ledger);

    if (r < 0) {
        engine_audit(core, json_pack("{s:s, s:s, s:s}", "event", "ledger-unreadable", "path",
                                     core->paths.ledger, "why", strerror(-r)));
        return r; // ids could be given twice: nothing is published at all
    }
    if (lost)
        engine_audit(
            core,
            json_pack(
                "{s:s, s:s}", "event", "state-lost", "why",
                "state.db could not be read and was set aside; ids come from the ledger, locks "
                "from the journal, and everybody waits for a source"));
    r = store_begin(&core->store);
    if (r == 0)
        r = restore_people(core, now);
    if (r == 0)
        r = open_journal(core);
    if (r == 0)
        r = carry_board(core, now);
    nesting_refresh(core);
    if (r == 0)
        r = settle(core, now);
    return r == 0 ? store_commit(&core->store) : r;
}

static uint64_t generation_of_private(const char *path)
{
    struct rollcall_private *private = NULL;
    uint64_t generation = 0;
    uint8_t ledger[16];

    if (rollcall_private_open(path, &private) == 0)
        rollcall_private_generation(private, &generation, ledger);
    rollcall_private_close(private);
    return generation;
}

static uint64_t generation_of_accounts(const char *path)
{
    struct rc_map m;
    uint64_t generation;

    if (rc_map_open(path, ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record), &m) < 0)
        return 0;
    generation = m.head->generation;
    rc_map_close(&m);
    return generation;
}

// The highest that was ever given, also where state.db is lost: one that is given twice
// would make an old delta of `private` look like a new one.
static uint64_t last_generation(struct engine_core *core)
{
    uint64_t last = (uint64_t)store_number(&core->store, 0,
                                           "SELECT value FROM meta WHERE key = 'generation'", "");
    uint64_t private = generation_of_private(core->paths.private_);
    uint64_t accounts = generation_of_accounts(core->paths.accounts);

    last = private > last ? private : last;
    return accounts > last ? accounts : last;
}

static int merge_all(struct engine_core *core, struct changes *changes, void *ctx)
{
    int64_t now = *(int64_t *)ctx;

    for (int64_t slot = -1;;) {
        int r;
        slot =
            store_number(&core->store, -1,
                         "SELECT slot FROM person WHERE slot > ? ORDER BY slot LIMIT 1", "i", slot);
        if (slot < 0)
            return 0;
        r = person_merge(core, (uint32_t)slot, NULL, now, changes);
        if (r < 0)
            return r;
    }
}

// ---- options that stand in what is known of each person ----

static int64_t mix(int64_t hash, const char *text)
{
    char all[64];

    snprintf(all, sizeof(all), "%016llx%016llx", (unsigned long long)hash,
             (unsigned long long)body_hash(text ? text : ""));
    return body_hash(all);
}

static int64_t mix_list(int64_t hash, const struct rollcall_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        hash = mix(hash, list->item[i]);
    return mix(hash, "end");
}

int64_t options_hash(const struct rollcall_config *c)
{
    int64_t hash = mix_list(c->has_allow_groups, &c->allow_groups);

    hash = mix_list(hash, &c->lease_exempt_group);
    hash = mix_list(hash, &c->multi_groups);
    hash = mix_list(hash, &c->phishing_resistant_groups);
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct rollcall_source_config *s = &c->source[i];
        char text[64];
        snprintf(text, sizeof(text), "%u %d %llu", s->role, (int)s->when_missing,
                 (unsigned long long)s->default_end);
        hash = mix(mix(hash, s->name), text);
    }
    return hash;
}

static int merge_all_by_options(struct engine_core *core, struct changes *changes, void *ctx)
{
    int r = merge_all(core, changes, ctx);

    return r == 0 ? store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('options', ?)", "i",
                              options_hash(core->config))
                  : r;
}

// What was changed while no engine ran bites when the next one starts, not with the next listing.
static int take_options(struct engine_core *core, int64_t now)
{
    int64_t known =
        store_number(&core->store, 0, "SELECT value FROM meta WHERE key = 'options'", "");

    return known == options_hash(core->config)
               ? 0
               : effects_transaction(core, now, merge_all_by_options, &now);
}

int engine_core_open(const struct rollcall_config *config, const struct engine_paths *paths,
                     const struct engine_hooks *hooks, int64_t now, struct engine_core **ret)
{
    struct engine_core *core = calloc(1, sizeof(*core));
    bool lost;
    int r;

    if (!core)
        return -ENOMEM;
    core->config = config;
    core->paths = *paths;
    core->hooks = *hooks;
    core->stage_bytes_max = STAGE_BYTES_MAX;
    core->dropped_max = 1000000;
    core->people = -1;
    r = store_open(paths->state_db, now, &core->store, &lost);
    if (r == 0)
        r = restore(core, lost, now);
    if (r == 0)
        r = outbox_configure(core);
    if (r == 0) {
        core->generation = last_generation(core) + 1;
        core->clock_mark =
            store_number(&core->store, 0, "SELECT value FROM meta WHERE key = 'clock'", "");
        r = effects_board_fresh(core, now > core->clock_mark ? now : core->clock_mark);
    }
    if (r == 0)
        r = take_options(core, now);
    if (r < 0) {
        engine_core_close(core);
        return r;
    }
    core->dirty = DIRTY_ALL;
    *ret = core;
    return 0;
}

struct engine_core *engine_core_close(struct engine_core *core)
{
    if (!core)
        return NULL;
    rollcall_board_writer_close(core->board);
    rollcall_journal_close(core->journal);
    rollcall_ledger_close(core->ledger);
    store_close(&core->store);
    changes_free(&core->retry);
    changes_free(&core->lifts);
    free(core->pending);
    ids_map_forget(&core->uid_map);
    free(core->changed.slot);
    free(core);
    return NULL;
}

int engine_core_reconfigure(struct engine_core *core, const struct rollcall_config *config,
                            int64_t now)
{
    const struct rollcall_config *old = core->config;
    int r;

    for (size_t i = 0; i < old->n_sources; i++)
        engine_core_abort(core, old->source[i].name, "the configuration was read again", now);
    core->config = config;
    nesting_refresh(core);
    r = outbox_configure(core);
    if (r == 0)
        r = effects_transaction(core, now, merge_all_by_options, &now);
    if (r < 0) {
        core->config = old;
        nesting_refresh(core);
        return r;
    }
    return effects_board_fresh(core, now);
}

const char *engine_core_cursor(struct engine_core *core, const char *source)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT cursor FROM source WHERE name = ?", "s", source);
    int error = 0;

    if (!store_step(&core->store, q, &error))
        return NULL;
    snprintf(core->cursor, sizeof(core->cursor), "%s", store_text(q, 0));
    sqlite3_reset(q);
    return core->cursor[0] ? core->cursor : NULL;
}

bool engine_core_dirty(const struct engine_core *core)
{
    return core->dirty;
}

// An index is hashed by a seed at random, and of 20,000 seeds one or two bring so many of a
// company's names to one place that no index can be made (-EEXIST). Another one does.
#define SEEDS 4

int engine_core_publish(struct engine_core *core, int64_t now)
{
    unsigned what = core->dirty;
    int r = -EEXIST;

    if (!what)
        return 0;
    core->dirty = 0;
    for (int i = 0; i < SEEDS && r == -EEXIST; i++)
        r = publish_files(core, what, now);
    if (r < 0) {
        core->dirty |= what;
        engine_audit(core, json_pack("{s:s, s:s}", "event", "publish-failed", "why", strerror(-r)));
    }
    return r;
}

int engine_core_local_files_changed(struct engine_core *core, int64_t now)
{
    core->dirty |= DIRTY_ACCOUNTS;
    return engine_core_publish(core, now);
}
