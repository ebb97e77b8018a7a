// SPDX-License-Identifier: BSD-2-Clause
// What hosts acknowledged, and who is locked at the hub but not yet everywhere.
#include <errno.h>

#include "syncd/engine/core_internal.h"
#include "syncd/engine/outbox.h"

#define SILENT   900 // seconds without a word while there is something to acknowledge
#define OPEN_MAX 100

int engine_core_fleet_host(struct engine_core *core, const char *name, int64_t generation,
                           int64_t gone, int64_t left, int64_t time, const char *version,
                           int64_t now)
{
    return store_run(&core->store, "INSERT OR REPLACE INTO fleet_host VALUES(?, ?, ?, ?, ?, ?, ?)",
                     "siiiisi", name, generation, gone, left, time, version, now);
}

int engine_core_fleet_forget(struct engine_core *core, int64_t since)
{
    return store_run(&core->store, "DELETE FROM fleet_host WHERE heard < ?", "i", since);
}

// Locks that stand, and that some host has not acknowledged to the last process.
static json_t *open_locks(struct engine_core *core)
{
    json_t *a = json_array();
    sqlite3_stmt *q = store_bind(
        &core->store,
        "SELECT coalesce(p.name, p.key), l.generation, l.at,"
        " (SELECT count(*) FROM fleet_host h WHERE h.generation < l.generation),"
        " (SELECT count(*) FROM fleet_host h WHERE h.gone < l.generation),"
        " (SELECT h.name FROM fleet_host h WHERE h.gone < l.generation ORDER BY h.generation LIMIT "
        "1)"
        " FROM fleet_lock l JOIN person p ON p.slot = l.slot WHERE p.state BETWEEN 3 AND 6 AND"
        " l.generation > (SELECT coalesce(min(min(h.generation, h.gone)), 0) FROM fleet_host h)"
        " ORDER BY l.generation LIMIT ?",
        "i", (int64_t)OPEN_MAX);
    int error = 0;

    while (store_step(&core->store, q, &error))
        json_array_append_new(
            a, json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "user", store_text(q, 0), "generation",
                         (json_int_t)sqlite3_column_int64(q, 1), "since",
                         (json_int_t)sqlite3_column_int64(q, 2), "not_locked",
                         (json_int_t)sqlite3_column_int64(q, 3), "not_gone",
                         (json_int_t)sqlite3_column_int64(q, 4), "first", store_text(q, 5)));
    return a;
}

// Worst first: whoever has most locks open, then who is furthest behind.
static json_t *hosts_of(struct engine_core *core, int64_t last, int64_t now)
{
    json_t *a = json_array();
    sqlite3_stmt *q = store_bind(
        &core->store,
        "SELECT h.name, h.generation, h.gone, h.people_left, h.time, coalesce(h.version, ''),"
        " h.heard, (SELECT count(*) FROM fleet_lock l JOIN person p ON p.slot = l.slot WHERE"
        " l.generation > h.generation AND p.state BETWEEN 3 AND 6) AS locks,"
        " (SELECT count(*) FROM fleet_lock l JOIN person p ON p.slot = l.slot WHERE"
        " l.generation > h.gone AND p.state BETWEEN 3 AND 6) AS sessions,"
        " coalesce((SELECT min(l.at) FROM fleet_lock l WHERE l.generation > h.generation), 0)"
        " FROM fleet_host h ORDER BY locks DESC, sessions DESC, h.generation, h.time, h.name",
        "");
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        int64_t behind = last - sqlite3_column_int64(q, 1), time = sqlite3_column_int64(q, 4);
        json_array_append_new(
            a,
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:b, s:I}", "host",
                      store_text(q, 0), "generation", (json_int_t)sqlite3_column_int64(q, 1),
                      "behind", (json_int_t)(behind > 0 ? behind : 0), "people_left",
                      (json_int_t)sqlite3_column_int64(q, 3), "time", (json_int_t)time, "version",
                      store_text(q, 5), "heard", (json_int_t)sqlite3_column_int64(q, 6),
                      "open_locks", (json_int_t)sqlite3_column_int64(q, 7), "open_sessions",
                      (json_int_t)sqlite3_column_int64(q, 8), "silent",
                      time == 0 || (behind > 0 && now - time > SILENT), "waiting_since",
                      (json_int_t)sqlite3_column_int64(q, 9)));
    }
    return a;
}

int engine_core_fleet(struct engine_core *core, int64_t now, json_t **ret)
{
    int64_t last;

    if (core->config->n_sinks == 0) {
        *ret = json_pack("{s:s, s:s}", "error", "refused", "hint",
                         "this host is no hub: its configuration has no [sink NAME]");
        return -EINVAL;
    }
    last = engine_core_outbox_last(core);
    *ret = json_pack("{s:I, s:I, s:I, s:o, s:o}", "now", (json_int_t)now, "generation",
                     (json_int_t)last, "queued",
                     (json_int_t)store_number(&core->store, 0, "SELECT count(*) FROM outbox", ""),
                     "hosts", hosts_of(core, last, now), "open", open_locks(core));
    return *ret ? 0 : -ENOMEM;
}
