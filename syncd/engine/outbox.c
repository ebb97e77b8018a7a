// SPDX-License-Identifier: BSD-2-Clause
// The queue of a hub's sinks.
#include "syncd/engine/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "syncd/engine/core_internal.h"

static const char tables[] =
    // confirmed: the last generation that stands in the directory.
    "CREATE TABLE IF NOT EXISTS sink(name TEXT PRIMARY KEY, confirmed INTEGER NOT NULL DEFAULT -1)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS outbox(sink TEXT NOT NULL, slot INTEGER NOT NULL, generation"
    " INTEGER NOT NULL, urgent INTEGER NOT NULL, PRIMARY KEY(sink, slot)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS outbox_order ON outbox(sink, urgent DESC, generation);"
    "CREATE INDEX IF NOT EXISTS outbox_first ON outbox(sink, generation);"
    // Explicit locks, for the proof that each host has them.
    "CREATE TABLE IF NOT EXISTS fleet_lock(slot INTEGER PRIMARY KEY, generation INTEGER NOT NULL,"
    " at INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS fleet_lock_order ON fleet_lock(generation);"
    "CREATE TABLE IF NOT EXISTS fleet_host(name TEXT PRIMARY KEY, generation INTEGER NOT NULL, gone"
    " INTEGER NOT NULL, people_left INTEGER NOT NULL, time INTEGER NOT NULL, version TEXT,"
    " heard INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO meta VALUES('outbox', 0);"
    "INSERT OR IGNORE INTO meta VALUES('horizon', 0);";

// Locked with an explicit word: it ends sessions, so it goes first.
#define URGENT(row) "(" row ".state BETWEEN 3 AND 5 AND (" row ".flags & 8) = 0)"
#define COUNT_ONE   "UPDATE meta SET value = value + 1 WHERE key = 'outbox';"
#define GENERATION  "(SELECT value FROM meta WHERE key = 'outbox')"
#define QUEUE(slot, urgent)                                                                        \
    "INSERT OR REPLACE INTO outbox SELECT s.name, " slot ", " GENERATION ", " urgent " FROM sink " \
    "s;"
#define QUEUE_SLOT(slot)                                                                           \
    QUEUE(slot, "coalesce((SELECT " URGENT("p") " FROM person p WHERE p.slot = " slot "), 0)")

// Temporary: where no sink is configured, nobody pays for them.
static const char triggers[] =
    "CREATE TEMP TRIGGER IF NOT EXISTS outbox_person AFTER UPDATE ON main.person WHEN"
    " new.name IS NOT old.name OR new.key IS NOT old.key OR"
    " new.display_name IS NOT old.display_name OR new.home IS NOT old.home OR"
    " new.shell IS NOT old.shell OR new.groups IS NOT old.groups OR new.state <> old.state OR"
    " new.reason <> old.reason OR (new.flags & 10) <> (old.flags & 10) OR"
    " new.not_before IS NOT old.not_before OR new.not_after IS NOT old.not_after OR"
    " new.authority <> old.authority OR new.incarnation <> old.incarnation"
    " BEGIN " COUNT_ONE QUEUE(
        "new.slot",
        URGENT(
            "new")) " END;"
                    // Whom nobody knew is inserted with all that is known.
                    "CREATE TEMP TRIGGER IF NOT EXISTS outbox_new AFTER INSERT ON main.person "
                    "WHEN new.state > 0"
                    " BEGIN " COUNT_ONE QUEUE(
                        "new.slot",
                        URGENT(
                            "new")) " END;"
                                    "CREATE TEMP TRIGGER IF NOT EXISTS outbox_new_lock AFTER "
                                    "INSERT ON "
                                    "main.person WHEN " URGENT(
                                        "new") " BEGIN INSERT OR REPLACE INTO fleet_lock "
                                               "VALUES(new.slot, " GENERATION ", new.since); END;"
                                               "CREATE TEMP TRIGGER IF NOT EXISTS outbox_lock "
                                               "AFTER UPDATE OF state, flags "
                                               "ON main.person WHEN"
                                               " " URGENT("new") " AND NOT " URGENT(
                                                   "old") " AND old.state < 6"
                                                          " BEGIN INSERT OR REPLACE INTO "
                                                          "fleet_lock "
                                                          "VALUES(new.slot, " GENERATION
                                                          ", new.since); END;"
                                                          "CREATE TEMP TRIGGER IF NOT EXISTS "
                                                          "outbox_key AFTER INSERT ON "
                                                          "main.ssh_key"
                                                          " BEGIN " COUNT_ONE QUEUE_SLOT(
                                                              "new.slot") " END;"
                                                                          "CREATE TEMP TRIGGER IF "
                                                                          "NOT EXISTS "
                                                                          "outbox_no_key "
                                                                          "AFTER DELETE ON "
                                                                          "main.ssh_key"
                                                                          " BEGIN " COUNT_ONE
                                                                              QUEUE_SLOT(
                                                                                  "old.slot") " END"
                                                                                              ";";

static const char no_triggers[] =
    "DROP TRIGGER IF EXISTS temp.outbox_person; DROP TRIGGER IF EXISTS temp.outbox_new;"
    "DROP TRIGGER IF EXISTS temp.outbox_new_lock; DROP TRIGGER IF EXISTS temp.outbox_lock;"
    "DROP TRIGGER IF EXISTS temp.outbox_key; DROP TRIGGER IF EXISTS temp.outbox_no_key;";

static const char *key_of_whole(const char *sink, char buf[48])
{
    snprintf(buf, 48, "whole of %.32s", sink);
    return buf;
}

int engine_core_outbox_whole(struct engine_core *core, const char *sink)
{
    char key[48];
    int r = store_exec(&core->store, COUNT_ONE);

    if (r == 0)
        r = store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES(?, " GENERATION ")", "s",
                      key_of_whole(sink, key));
    return r < 0 ? r
                 : store_run(&core->store,
                             "INSERT OR REPLACE INTO outbox SELECT ?, p.slot, " GENERATION
                             ", " URGENT("p") " FROM person p WHERE p.state > 0",
                             "s", sink);
}

bool engine_core_outbox_in_whole(struct engine_core *core, const char *sink)
{
    char key[48];

    return store_number(&core->store, 0, "SELECT 1 FROM meta WHERE key = ?", "s",
                        key_of_whole(sink, key));
}

int engine_core_outbox_whole_done(struct engine_core *core, const char *sink)
{
    char key[48];

    return store_run(&core->store, "DELETE FROM meta WHERE key = ?", "s", key_of_whole(sink, key));
}

static bool is_known(struct engine_core *core, const char *sink)
{
    return store_number(&core->store, 0, "SELECT 1 FROM sink WHERE name = ?", "s", sink);
}

int outbox_configure(struct engine_core *core)
{
    int r = store_exec(&core->store, no_triggers);

    if (r < 0 || core->config->n_sinks == 0)
        return r;
    r = store_exec(&core->store, tables);
    for (size_t i = 0; r == 0 && i < core->config->n_sinks; i++) {
        const char *name = core->config->sink[i].name;
        if (is_known(core, name))
            continue;
        r = store_run(&core->store, "INSERT INTO sink(name) VALUES(?)", "s", name);
        if (r == 0)
            r = engine_core_outbox_whole(core, name);
    }
    // A sink that is configured no more is forgotten: were it to come back, all is said anew.
    for (bool more = r == 0; more;) {
        sqlite3_stmt *q = store_bind(&core->store, "SELECT name FROM sink", "");
        char gone[64] = "";
        int error = 0;
        while (!*gone && store_step(&core->store, q, &error)) {
            char process[80];
            snprintf(process, sizeof(process), "@%s", store_text(q, 0));
            if (!rollcall_config_process(core->config, process))
                snprintf(gone, sizeof(gone), "%s", store_text(q, 0));
        }
        if (q)
            sqlite3_reset(q);
        more = *gone;
        if (more)
            store_run(&core->store, "DELETE FROM outbox WHERE sink = ?", "s", gone);
        if (more)
            engine_core_outbox_whole_done(core, gone);
        if (more && store_run(&core->store, "DELETE FROM sink WHERE name = ?", "s", gone) < 0)
            return -EIO;
    }
    return r == 0 ? store_exec(&core->store, triggers) : r;
}

int64_t engine_core_outbox_last(struct engine_core *core)
{
    return store_number(&core->store, 0, "SELECT value FROM meta WHERE key = 'outbox'", "");
}

int engine_core_outbox_raise(struct engine_core *core, int64_t generation)
{
    if (generation > OUTBOX_GENERATION_MAX)
        return -ERANGE;
    return store_run(&core->store, "UPDATE meta SET value = max(value, ?) WHERE key = 'outbox'",
                     "i", generation);
}

bool engine_core_outbox_waits(struct engine_core *core, const char *sink)
{
    return store_number(&core->store, 0, "SELECT 1 FROM outbox WHERE sink = ? LIMIT 1", "s", sink);
}

int64_t engine_core_outbox_confirmed(struct engine_core *core, const char *sink)
{
    return store_number(&core->store, -1, "SELECT confirmed FROM sink WHERE name = ?", "s", sink);
}

bool engine_core_recovering(struct engine_core *core)
{
    return store_number(&core->store, 0, "SELECT 1 FROM person WHERE recovery LIMIT 1", "");
}

void engine_core_hub_id(struct engine_core *core, char ret[33])
{
    const uint8_t *id = rollcall_ledger_id(core->ledger);

    for (int i = 0; i < 16; i++)
        snprintf(ret + 2 * i, 3, "%02x", id[i]);
}

// ---- what is said of a person ----

static json_t *groups_of(struct engine_core *core, int64_t slot)
{
    json_t *a = json_array();
    struct membership m;

    if (membership_read(core, (uint32_t)slot, &m) < 0)
        return a;
    for (size_t i = 0; i < m.n; i++) {
        sqlite3_stmt *q = store_bind(&core->store, "SELECT name, gid FROM grp WHERE number = ?",
                                     "i", (int64_t)m.number[i]);
        int error = 0;
        if (!store_step(&core->store, q, &error))
            continue;
        json_array_append_new(
            a, json_pack("[s, I]", store_text(q, 0), (json_int_t)sqlite3_column_int64(q, 1)));
        sqlite3_reset(q);
    }
    membership_done(&m);
    return a;
}

static json_t *keys_of(struct engine_core *core, int64_t slot)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT keys FROM ssh_key WHERE slot = ?", "i", slot);
    json_t *a = json_array();
    int error = 0;

    if (!store_step(&core->store, q, &error))
        return a;
    for (const char *line = store_text(q, 0); *line;) {
        size_t n = strcspn(line, "\n");
        json_array_append_new(a, json_stringn(line, n));
        line += n + (line[n] == '\n');
    }
    sqlite3_reset(q);
    return a;
}

// What ends no session has a word of its own; what is destroyed is the hosts' own affair.
static const char *state_of(int state, int flags)
{
    if (state >= ROLLCALL_STATE_SUSPENDED && (flags & ROLLCALL_FLAG_REFUSE_ONLY))
        return "refused";
    return rollcall_state_name(state == ROLLCALL_STATE_PURGED ? ROLLCALL_STATE_TERMINATED : state);
}

#define COLUMNS                                                                                    \
    "o.slot, o.generation, p.uid, p.name, p.key, coalesce(p.display_name, ''),"                    \
    " coalesce(p.home, ''), coalesce(p.shell, ''), p.state, p.reason, p.flags, p.not_before,"      \
    " p.not_after, p.authority, p.incarnation"

static void put_date(json_t *o, const char *key, sqlite3_stmt *q, int column, int64_t horizon)
{
    if (sqlite3_column_type(q, column) != SQLITE_NULL && sqlite3_column_int64(q, column) <= horizon)
        json_object_set_new(o, key, json_integer(sqlite3_column_int64(q, column)));
}

// What is nothing to anybody who has not heard of this person, and has to be said to whoever
// has: the first day moved out of reach, or another has the leaver's name now.
static bool only_where_known(sqlite3_stmt *q, int state, int64_t horizon)
{
    return !*store_text(q, 3) ||
           (state == ROLLCALL_STATE_PENDING && sqlite3_column_type(q, 11) != SQLITE_NULL &&
            sqlite3_column_int64(q, 11) > horizon);
}

// NULL where nothing is to be said: nobody has had a name yet.
static json_t *user_of(struct engine_core *core, sqlite3_stmt *q, int64_t horizon)
{
    int state = sqlite3_column_int(q, 8), flags = sqlite3_column_int(q, 10);
    int authority = sqlite3_column_int(q, 13);
    json_t *o;

    if (state == ROLLCALL_STATE_NONE || (!*store_text(q, 3) && state < ROLLCALL_STATE_TERMINATED))
        return NULL;
    o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:b, s:I}", "uid",
                  (json_int_t)sqlite3_column_int64(q, 2), "name", store_text(q, 3), "key",
                  store_text(q, 4), "display", store_text(q, 5), "home", store_text(q, 6), "shell",
                  store_text(q, 7), "state", state_of(state, flags), "reason",
                  sqlite3_column_int(q, 9), "incarnation", (json_int_t)sqlite3_column_int64(q, 14),
                  "blocked", (flags & ROLLCALL_FLAG_PASSWORD_BLOCKED) != 0, "generation",
                  (json_int_t)sqlite3_column_int64(q, 1));
    json_object_set_new(o, "there", json_boolean(only_where_known(q, state, horizon)));
    put_date(o, "not_before", q, 11, horizon);
    put_date(o, "not_after", q, 12, horizon);
    if (authority >= 0 && (size_t)authority < core->config->n_sources)
        json_object_set_new(o, "authority", json_string(core->config->source[authority].name));
    return o;
}

// All up to here is in when the batch is: before the first row that is left behind.
static int64_t generation_after(struct engine_core *core, const char *sink,
                                const struct outbox_batch *batch)
{
    int64_t last = engine_core_outbox_last(core);
    sqlite3_stmt *q = store_bind(
        &core->store, "SELECT slot, generation FROM outbox WHERE sink = ? ORDER BY generation", "s",
        sink);
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        bool ours = false;
        for (size_t i = 0; !ours && i < batch->n; i++)
            ours = batch->row[i].slot == sqlite3_column_int64(q, 0);
        if (ours)
            continue;
        last = sqlite3_column_int64(q, 1) - 1;
        sqlite3_reset(q);
        break;
    }
    return last;
}

int engine_core_outbox_take(struct engine_core *core, const char *sink, int64_t now,
                            struct outbox_batch *ret, json_t **users)
{
    int64_t horizon = now + (int64_t)core->config->dates_ahead;
    struct outbox_batch batch = {0};
    json_t *list = json_array();
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT " COLUMNS " FROM outbox o JOIN person p ON p.slot = o.slot"
                                 " WHERE o.sink = ? ORDER BY o.urgent DESC, o.generation LIMIT ?",
                                 "si", sink, (int64_t)OUTBOX_BATCH);
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        json_t *o = user_of(core, q, horizon);
        batch.row[batch.n].slot = sqlite3_column_int64(q, 0);
        batch.row[batch.n++].generation = sqlite3_column_int64(q, 1);
        if (!o)
            continue;
        json_object_set_new(o, "groups", groups_of(core, sqlite3_column_int64(q, 0)));
        json_object_set_new(o, "keys", keys_of(core, sqlite3_column_int64(q, 0)));
        json_array_append_new(list, o);
    }
    if (error < 0) {
        json_decref(list);
        return error;
    }
    batch.generation = generation_after(core, sink, &batch);
    *ret = batch;
    *users = list;
    return 0;
}

int engine_core_outbox_done(struct engine_core *core, const char *sink,
                            const struct outbox_batch *batch)
{
    int r = store_begin(&core->store);

    for (size_t i = 0; r == 0 && i < batch->n; i++)
        r = store_run(&core->store,
                      "DELETE FROM outbox WHERE sink = ? AND slot = ? AND generation = ?", "sii",
                      sink, batch->row[i].slot, batch->row[i].generation);
    if (r == 0)
        r = store_run(&core->store, "UPDATE sink SET confirmed = ? WHERE name = ?", "is",
                      batch->generation, sink);
    if (r == 0)
        r = store_commit(&core->store);
    if (r < 0)
        store_rollback(&core->store);
    return r;
}

// A date within reach is the person's next one, which has an index.
int engine_core_outbox_tick(struct engine_core *core, int64_t now)
{
    int64_t was, horizon = now + (int64_t)core->config->dates_ahead;
    bool some;
    int r;

    if (core->config->n_sinks == 0)
        return 0;
    was = store_number(&core->store, 0, "SELECT value FROM meta WHERE key = 'horizon'", "");
    if (horizon < was + 60)
        return 0;
    some = store_number(&core->store, 0, "SELECT 1 FROM person WHERE next > ? AND next <= ?", "ii",
                        was, horizon);
    r = store_begin(&core->store);
    if (r == 0 && some)
        r = store_exec(&core->store, COUNT_ONE);
    if (r == 0)
        r = store_run(&core->store,
                      "INSERT OR REPLACE INTO outbox SELECT s.name, p.slot, " GENERATION ", 0 FROM"
                      " sink s, person p WHERE p.next > ? AND p.next <= ?",
                      "ii", was, horizon);
    if (r == 0)
        r = store_run(&core->store, "UPDATE meta SET value = ? WHERE key = 'horizon'", "i",
                      horizon);
    if (r == 0)
        r = store_commit(&core->store);
    if (r < 0)
        store_rollback(&core->store);
    return r;
}

json_t *engine_core_heartbeat(struct engine_core *core, int64_t now)
{
    json_t *o = json_object();

    for (size_t i = 0; i < core->config->n_sources; i++) {
        const struct rollcall_source_config *src = &core->config->source[i];
        int64_t as_of = store_number(&core->store, 0, "SELECT as_of FROM source WHERE name = ?",
                                     "s", src->name);
        // One that was not heard since state.db was lost is said as never heard: left out, it
        // would not hold the others' time back where its people are let in.
        if ((src->role & ROLLCALL_ROLE_AUTHORITY) && (as_of > 0 || engine_core_recovering(core)))
            json_object_set_new(o, src->name, json_integer(as_of > now ? now : as_of));
    }
    return o;
}
