// SPDX-License-Identifier: BSD-2-Clause
// One source: its people by state, its groups, risks, and whom it leaves out.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "syncd/engine/core_internal.h"

#define EXAMPLES 5
#define PAGE     1000 // of the list, in one answer

// What each reason means, for people.
static const char *sentence_of(const char *reason)
{
    static const struct {
        const char *reason, *sentence;
    } known[] = {
        {"guest", "a guest of another organisation"},
        {"external", "an account of another organisation"},
        {"self-registered", "somebody who signed up by themselves"},
        {"customer", "a customer"},
        {"social", "an account of a social network"},
        {"unassigned", "in none of assigned_groups"},
        {"population", "of another population"},
        {"user-type", "of a user type that is not among user_types"},
        {"domain", "a name of none of the domains"},
        {"no-marker", "without an attribute of require_attributes"},
        {"service-account", "a service account"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].reason, reason) == 0)
            return known[i].sentence;
    return reason;
}

static void say(char *text, size_t len, const char *source, const char *id, const char *reason)
{
    snprintf(text, len, "source \"%s\" leaves the account %s out: %s (%s)", source, id,
             sentence_of(reason), reason);
}

bool query_dropped(struct engine_core *core, const char *source, const char *id, char *text,
                   size_t len)
{
    sqlite3_stmt *q = store_bind(
        &core->store, "SELECT reason FROM dropped WHERE source = ? AND id = ?", "ss", source, id);
    int error = 0;

    if (!store_step(&core->store, q, &error))
        return false;
    say(text, len, source, id, store_text(q, 0));
    sqlite3_reset(q);
    return true;
}

bool query_dropped_name(struct engine_core *core, const char *name, char *text, size_t len)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT source, id, reason FROM dropped WHERE name = ?1 OR id = ?1 AND source IN"
                   " (SELECT name FROM source) LIMIT 1",
                   "s", name);
    int error = 0;

    if (!store_step(&core->store, q, &error))
        return false;
    say(text, len, store_text(q, 0), store_text(q, 1), store_text(q, 2));
    sqlite3_reset(q);
    return true;
}

static json_t *entry_of_row(sqlite3_stmt *q)
{
    return json_pack("{s:s, s:s, s:s*, s:I}", "id", store_text(q, 0), "reason", store_text(q, 1),
                     "name", *store_text(q, 2) ? store_text(q, 2) : NULL, "since",
                     (json_int_t)sqlite3_column_int64(q, 3));
}

static json_t *examples_of(struct engine_core *core, const char *source, const char *reason)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT id, reason, name, at FROM dropped WHERE source = ? AND"
                                 " reason = ? ORDER BY id LIMIT ?",
                                 "ssi", source, reason, (int64_t)EXAMPLES);
    json_t *a = json_array();
    int error = 0;

    while (store_step(&core->store, q, &error))
        json_array_append_new(a, entry_of_row(q));
    return a;
}

static json_t *reasons_of(struct engine_core *core, const char *source)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT reason, n FROM drop_count WHERE source = ? AND n > 0"
                                 " ORDER BY n DESC, reason",
                                 "s", source);
    json_t *a = json_array(), *o = json_object();
    int64_t total = 0;
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        total += sqlite3_column_int64(q, 1);
        json_array_append_new(a, json_pack("{s:s, s:s, s:I, s:o}", "reason", store_text(q, 0),
                                           "sentence", sentence_of(store_text(q, 0)), "n",
                                           (json_int_t)sqlite3_column_int64(q, 1), "examples",
                                           examples_of(core, source, store_text(q, 0))));
    }
    json_object_set_new(o, "total", json_integer(total));
    json_object_set_new(o, "reasons", a);
    return o;
}

static json_t *list_of(struct engine_core *core, const char *source, const char *after)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT id, reason, name, at FROM dropped WHERE source = ? AND"
                                 " id > ? ORDER BY id LIMIT ?",
                                 "ssi", source, after, (int64_t)PAGE);
    json_t *a = json_array();
    int error = 0;

    while (store_step(&core->store, q, &error))
        json_array_append_new(a, entry_of_row(q));
    return a;
}

static json_t *people_of(struct engine_core *core, const char *source)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT coalesce(p.state, 0), count(*) FROM record r LEFT JOIN person p ON"
                   " p.slot = r.slot WHERE r.source = ? AND NOT r.gone GROUP BY 1",
                   "s", source);
    json_t *o = json_object();
    int error = 0;

    while (store_step(&core->store, q, &error))
        json_object_set_new(o,
                            sqlite3_column_int(q, 0)
                                ? rollcall_state_name(sqlite3_column_int(q, 0))
                                : "nobody", // a record of which no person was made
                            json_integer(sqlite3_column_int64(q, 1)));
    return o;
}

static json_t *risks_of(struct engine_core *core, const char *source)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT json_extract(body, '$.risk') AS risk, count(*) FROM record"
                                 " WHERE source = ? AND NOT gone AND risk NOT NULL GROUP BY risk",
                                 "s", source);
    json_t *o = json_object();
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        const char *name = rollcall_risk_name((enum rollcall_risk)sqlite3_column_int(q, 0));
        if (name)
            json_object_set_new(o, name, json_integer(sqlite3_column_int64(q, 1)));
    }
    return o;
}

int engine_core_source(struct engine_core *core, const char *name, const char *after, int64_t now,
                       json_t **ret)
{
    const struct rollcall_source_config *src = rollcall_config_source(core->config, name);
    json_t *o, *alarms;

    if (!src) {
        *ret = json_pack("{s:s, s:s}", "error", "unknown-source", "hint",
                         "there is no source of this name in the configuration");
        return -ENOENT;
    }
    if (after) {
        *ret = json_pack("{s:o}", "list", list_of(core, name, after));
        return *ret ? 0 : -ENOMEM;
    }
    alarms = json_array();
    o = query_source(core, src, now, alarms);
    json_object_set_new(o, "alarms", alarms);
    json_object_set_new(o, "people", people_of(core, name));
    json_object_set_new(
        o, "groups",
        json_integer(
            store_number(&core->store, 0, "SELECT count(*) FROM grp WHERE source = ?", "s", name)));
    json_object_set_new(o, "dropped", reasons_of(core, name));
    if (src->role & ROLLCALL_ROLE_SIGNAL)
        json_object_set_new(o, "risk", risks_of(core, name));
    *ret = o;
    return 0;
}
