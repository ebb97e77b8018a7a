// SPDX-License-Identifier: BSD-2-Clause
// status and user, as docs/doors/syncd-control.md has them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/admission.h"
#include "syncd/engine/nesting.h"

static void set_time(json_t *o, const char *key, int64_t t)
{
    if (t != ROLLCALL_TIME_UNSET)
        json_object_set_new(o, key, json_integer(t));
}

static int64_t time_of(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? ROLLCALL_TIME_UNSET
                                                         : sqlite3_column_int64(q, column);
}

static json_t *people_of(struct engine_core *core)
{
    json_t *o = json_object();
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT state, count(*) FROM person GROUP BY state", "");
    int64_t total = 0;
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        json_object_set_new(o, rollcall_state_name(sqlite3_column_int(q, 0)),
                            json_integer(sqlite3_column_int64(q, 1)));
        total += sqlite3_column_int64(q, 1);
    }
    json_object_set_new(o, "total", json_integer(total));
    return o;
}

static void put_tristate(json_t *o, const char *key, sqlite3_stmt *q, int column)
{
    if (sqlite3_column_type(q, column) != SQLITE_NULL)
        json_object_set_new(o, key, json_boolean(sqlite3_column_int(q, column)));
}

// What the identity provider said of this machine.
static void put_device(struct engine_core *core, json_t *source, const char *name)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT device_at, compliant, managed, device FROM source WHERE"
                                 " name = ? AND device_at IS NOT NULL",
                                 "s", name);
    int error = 0;
    json_t *o;

    if (!store_step(&core->store, q, &error))
        return;
    o = json_pack("{s:I}", "since", (json_int_t)sqlite3_column_int64(q, 0));
    put_tristate(o, "compliant", q, 1);
    put_tristate(o, "managed", q, 2);
    if (*store_text(q, 3))
        json_object_set_new(o, "id", json_string(store_text(q, 3)));
    json_object_set_new(source, "device", o);
    sqlite3_reset(q);
}

static json_t *roles_of(unsigned role)
{
    json_t *a = json_array();

    if (role & ROLLCALL_ROLE_AUTHORITY)
        json_array_append_new(a, json_string("authority"));
    if (role & ROLLCALL_ROLE_DIRECTORY)
        json_array_append_new(a, json_string("directory"));
    if (role & ROLLCALL_ROLE_SIGNAL)
        json_array_append_new(a, json_string("signal"));
    return a;
}

static void alarm_about(json_t *alarms, const char *source, const char *what)
{
    char text[400];

    snprintf(text, sizeof(text), "%s: %s", source, what);
    json_array_append_new(alarms, json_string(text));
}

json_t *query_source(struct engine_core *core, const struct rollcall_source_config *src,
                     int64_t now, json_t *alarms)
{
    json_t *o = json_pack("{s:s, s:s, s:o}", "name", src->name, "type", src->type, "roles",
                          roles_of(src->role));
    sqlite3_stmt *q = store_bind(&core->store, "SELECT as_of, problem FROM source WHERE name = ?",
                                 "s", src->name);
    int64_t as_of = 0;
    int error = 0;
    bool late;

    if (store_step(&core->store, q, &error)) {
        as_of = sqlite3_column_int64(q, 0);
        if (*store_text(q, 1)) {
            json_object_set_new(o, "problem", json_string(store_text(q, 1)));
            alarm_about(alarms, src->name, store_text(q, 1));
        }
        sqlite3_reset(q);
    }
    if (as_of > 0) {
        set_time(o, "as_of", as_of);
        set_time(o, "lease_ends", lease_ends(core, src, as_of));
        if (lease_extended(core, src->name) > as_of + (int64_t)src->lease)
            set_time(o, "lease_extended", lease_extended(core, src->name));
        if (src->expect_every)
            set_time(o, "expect_by", as_of + (int64_t)src->expect_every);
    }
    late = src->expect_every && as_of > 0 && now > as_of + (int64_t)src->expect_every;
    if (late)
        alarm_about(alarms, src->name, "has not spoken for longer than expect_every");
    if (as_of > 0 && now >= lease_ends(core, src, as_of) && (src->role & ROLLCALL_ROLE_AUTHORITY))
        alarm_about(alarms, src->name, "the lease is over: its people are refused");
    json_object_set_new(o, "late", json_boolean(late));
    put_device(core, o, src->name);
    json_object_set_new(o, "rows",
                        json_integer(store_number(&core->store, 0,
                                                  "SELECT count(*) FROM record WHERE source = ?"
                                                  " AND gone = 0",
                                                  "s", src->name)));
    json_object_set_new(o, "skipped",
                        json_integer(store_number(&core->store, 0,
                                                  "SELECT count(*) FROM refused WHERE source = ?"
                                                  " AND id > ''",
                                                  "s", src->name)));
    return o;
}

// Whom a hold of memberships keeps in: everybody below what it holds; on a hub, in their groups.
static json_t *names_of_members_hold(struct engine_core *core, int64_t id, int64_t *people)
{
    json_t *a = json_array();
    struct slots s = {0};

    if (members_held(core, id, &s) < 0)
        return a;
    *people = 0;
    for (size_t i = 0; i < s.n; i++) {
        sqlite3_stmt *q =
            store_bind(&core->store,
                       "SELECT coalesce(name, key) FROM person WHERE slot = ? AND"
                       " CASE WHEN ? THEN state < 5 AND (flags & 1) ELSE state < 3"
                       " END",
                       "ii", (int64_t)s.slot[i], (int64_t)core->config->has_allow_groups);
        int error = 0;
        if (!store_step(&core->store, q, &error))
            continue;
        if ((*people)++ < 20)
            json_array_append_new(a, json_string(store_text(q, 0)));
        sqlite3_reset(q);
    }
    free(s.slot);
    return a;
}

static json_t *names_of_hold(struct engine_core *core, int64_t id, const char *kind,
                             int64_t *people)
{
    json_t *a = json_array();
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT coalesce(name, key) FROM person WHERE hold = ?1 OR slot IN"
                                 " (SELECT slot FROM record WHERE record.hold = ?1) OR slot IN"
                                 " (SELECT r.slot FROM hold h JOIN record r ON r.source = h.source"
                                 " WHERE h.id = ?1 AND h.kind = 'groups' AND"
                                 " r.groups_pending IS NOT NULL) OR slot IN (SELECT r.slot FROM"
                                 " hold h JOIN record r ON r.source = h.source WHERE h.id = ?1 AND"
                                 " h.kind = 'dropped' AND r.dropped = 2) LIMIT 20",
                                 "i", id);
    int error = 0;

    if (strcmp(kind, "members") == 0) {
        json_decref(a);
        return names_of_members_hold(core, id, people);
    }
    while (store_step(&core->store, q, &error))
        json_array_append_new(a, json_string(store_text(q, 0)));
    return a;
}

static const char *why_held(const char *kind)
{
    if (strcmp(kind, "missing") == 0)
        return "more people are absent than the breaker allows; nothing was done to them";
    if (strcmp(kind, "groups") == 0)
        return "groups vanish for more people than the breaker allows; they stand";
    if (strcmp(kind, "members") == 0)
        return "a group's list would shut out more people than the breaker allows; they stay in it";
    if (strcmp(kind, "dropped") == 0)
        return "more people are in none of assigned_groups any more, or lack an attribute of "
               "require_attributes, than the breaker allows; nothing was done to them. Was a group "
               "emptied or deleted?";
    return "more people left at once than the breaker allows; they are refused, no session was "
           "ended";
}

static json_t *held_of(struct engine_core *core)
{
    json_t *a = json_array();
    sqlite3_stmt *q = store_bind(&core->store, "SELECT id, source, kind, n, at FROM hold", "");
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        int64_t people = sqlite3_column_int64(q, 3);
        json_t *names = names_of_hold(core, sqlite3_column_int64(q, 0), store_text(q, 2), &people);
        char id[40];
        snprintf(id, sizeof(id), "%lld", (long long)sqlite3_column_int64(q, 0));
        json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:s}", "id", id, "kind",
                                           store_text(q, 2), "source", store_text(q, 1), "people",
                                           (json_int_t)people, "since",
                                           (json_int_t)sqlite3_column_int64(q, 4), "names", names,
                                           "why", why_held(store_text(q, 2))));
    }
    q = store_bind(
        &core->store,
        "SELECT record.key, source, kind, coalesce(refused.name, ''), text, at FROM refused JOIN"
        " record USING(source, id) WHERE kind = 'rehire' LIMIT 100",
        "");
    while (store_step(&core->store, q, &error)) {
        char id[200];
        snprintf(id, sizeof(id), "%s=rehire", store_text(q, 0));
        json_array_append_new(
            a, json_pack("{s:s, s:s, s:s, s:i, s:[s], s:I, s:s}", "id", id, "kind", "rehire",
                         "source", store_text(q, 1), "people", 1, "names", store_text(q, 3),
                         "since", (json_int_t)sqlite3_column_int64(q, 5), "why", store_text(q, 4)));
    }
    return a;
}

static json_t *expected_of(struct engine_core *core, int64_t now)
{
    json_t *a = json_array();
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT n, until, by FROM expected WHERE until > ?", "i", now);
    int error = 0;

    while (store_step(&core->store, q, &error))
        json_array_append_new(
            a, json_pack("{s:I, s:I, s:s}", "n", (json_int_t)sqlite3_column_int64(q, 0), "until",
                         (json_int_t)sqlite3_column_int64(q, 1), "by", store_text(q, 2)));
    return a;
}

static void alarms_of_rows(struct engine_core *core, json_t *alarms)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT source, text FROM refused ORDER BY at DESC LIMIT 20", "");
    int error = 0;

    while (store_step(&core->store, q, &error))
        alarm_about(alarms, store_text(q, 0), store_text(q, 1));
}

int engine_core_status(struct engine_core *core, int64_t now, json_t **ret)
{
    json_t *alarms = json_array(), *sources = json_array();
    json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "version", ROLLCALL_VERSION, "mode",
                          core->config->mode == ROLLCALL_MODE_OBSERVE ? "observe" : "enforce",
                          "now", (json_int_t)now, "generation", (json_int_t)core->generation);

    if (!o)
        return -ENOMEM;
    json_object_set_new(o, "people", people_of(core));
    json_object_set_new(
        o, "groups", json_integer(store_number(&core->store, 0, "SELECT count(*) FROM grp", "")));
    for (size_t i = 0; i < core->config->n_sources; i++)
        json_array_append_new(sources, query_source(core, &core->config->source[i], now, alarms));
    if (core->retry.n || core->lifts.n)
        alarm_about(alarms, "journal",
                    "locks stand on the board, but the journal cannot be written");
    alarms_of_rows(core, alarms);
    json_object_set_new(o, "sources", sources);
    json_object_set_new(o, "held", held_of(core));
    json_object_set_new(o, "recovery",
                        json_boolean(store_number(
                            &core->store, 0, "SELECT 1 FROM person WHERE recovery LIMIT 1", "")));
    json_object_set_new(o, "expected", expected_of(core, now));
    if (now < core->clock_mark - ROLLCALL_CLOCK_TOLERANCE)
        alarm_about(alarms, "clock",
                    "it stands behind a time that was seen before, and everybody is refused; once "
                    "it is right and kept by NTP: rollcall recover --clock");
    json_object_set_new(o, "alarms", alarms);
    set_time(o, "clock_mark", core->clock_mark);
    *ret = o;
    return 0;
}

// ---- one person ----

static json_t *groups_of(struct engine_core *core, int64_t slot)
{
    json_t *a = json_array();
    struct membership m;

    if (membership_read(core, (uint32_t)slot, &m) < 0)
        return a;
    for (size_t i = 0; i < m.n; i++) {
        sqlite3_stmt *q = store_bind(&core->store, "SELECT name FROM grp WHERE number = ?", "i",
                                     (int64_t)m.number[i]);
        int error = 0;
        if (!store_step(&core->store, q, &error))
            continue;
        json_array_append_new(a, json_string(store_text(q, 0)));
        sqlite3_reset(q);
    }
    membership_done(&m);
    return a;
}

static json_t *said_of(struct engine_core *core, int64_t slot)
{
    static const char *const words[] = {"unknown",    "active", "leave",  "disabled",
                                        "terminated", "locked", "refused"};
    json_t *a = json_array();
    sqlite3_stmt *q = store_bind(
        &core->store,
        "SELECT source, body, place, missing_since, received, gone, dropped, id FROM record"
        " WHERE slot = ?",
        "i", slot);
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        const struct rollcall_source_config *src =
            rollcall_config_source(core->config, store_text(q, 0));
        struct body b;
        char why[400];
        json_t *o;
        if (body_parse(store_text(q, 1), &b) < 0)
            continue;
        o = json_pack("{s:s, s:s, s:s, s:b}", "source", store_text(q, 0), "status",
                      sqlite3_column_int(q, 5)                                ? "gone"
                      : (unsigned)b.status < sizeof(words) / sizeof(words[0]) ? words[b.status]
                                                                              : "unknown",
                      "where", store_text(q, 2), "missing",
                      sqlite3_column_type(q, 3) != SQLITE_NULL);
        json_object_set_new(o, "role",
                            json_string(!src                                  ? "not configured"
                                        : src->role & ROLLCALL_ROLE_AUTHORITY ? "authority"
                                        : src->role & ROLLCALL_ROLE_DIRECTORY ? "directory"
                                                                              : "signal"));
        if (src && (src->role & ROLLCALL_ROLE_SIGNAL) && rollcall_risk_name(b.risk))
            json_object_set_new(o, "risk", json_string(rollcall_risk_name(b.risk)));
        if (sqlite3_column_int(q, 6) &&
            query_dropped(core, store_text(q, 0), store_text(q, 7), why, sizeof(why)))
            json_object_set_new(o, "dropped",
                                json_sprintf("%s%s", why,
                                             sqlite3_column_int(q, 6) == 2
                                                 ? "; so are more people than the breaker allows: "
                                                   "it is held, and nothing was done"
                                                 : ""));
        set_time(o, "start", b.start);
        set_time(o, "end", b.end);
        set_time(o, "terminated_at", b.terminated_at);
        set_time(o, "as_of", sqlite3_column_int64(q, 4));
        json_array_append_new(a, o);
        body_done(&b);
    }
    return a;
}

static json_t *changes_of(struct engine_core *core, int64_t slot)
{
    json_t *a = json_array();
    sqlite3_stmt *q = store_bind(
        &core->store, "SELECT at, text FROM event WHERE slot = ? ORDER BY id DESC LIMIT 10", "i",
        slot);
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        char to[40];
        const char *text = store_text(q, 1), *colon = strchr(text, ':');
        snprintf(to, sizeof(to), "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
        json_array_append_new(a, json_pack("{s:I, s:s, s:s}", "at",
                                           (json_int_t)sqlite3_column_int64(q, 0), "to", to,
                                           "reason", colon ? colon + 2 : text));
    }
    return a;
}

// The worst that any source says.
static void put_risk(json_t *user, const json_t *sources)
{
    int worst = 0;
    const json_t *o;
    size_t i;

    json_array_foreach(sources, i, o)
    {
        const char *word = json_string_value(json_object_get(o, "risk"));
        for (int risk = ROLLCALL_RISK_COMPROMISED; word && risk > worst; risk--)
            if (strcmp(word, rollcall_risk_name(risk)) == 0)
                worst = risk;
    }
    if (worst)
        json_object_set_new(user, "risk", json_string(rollcall_risk_name(worst)));
}

// What was asked for this person, or for their name, and is not done: each names its rule.
static json_t *refused_of(struct engine_core *core, int64_t slot)
{
    json_t *a = json_array();
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT DISTINCT f.text FROM refused f WHERE EXISTS(SELECT 1 FROM record r WHERE"
                   " r.source = f.source AND r.id = f.id AND r.slot = ?1) OR f.name ="
                   " (SELECT name FROM person WHERE slot = ?1) ORDER BY f.text LIMIT 10",
                   "i", slot);
    int error = 0;

    while (store_step(&core->store, q, &error))
        json_array_append_new(a, json_string(store_text(q, 0)));
    return a;
}

static json_t *flags_of(int flags)
{
    static const char *const names[] = {"allowed-here", "password-blocked", "lease-exempt",
                                        "refuse-only", "inferred"};
    json_t *a = json_array();

    for (int i = 0; i < 5; i++)
        if (flags & 1 << i)
            json_array_append_new(a, json_string(names[i]));
    return a;
}

static int unknown_user(struct engine_core *core, const char *name, json_t **ret)
{
    json_t *similar = json_array();
    char start[8], why[400];
    sqlite3_stmt *q;
    int error = 0;

    snprintf(start, sizeof(start), "%.3s%%", name);
    q = store_bind(&core->store, "SELECT name FROM person WHERE name LIKE ? ORDER BY name LIMIT 3",
                   "s", start);
    while (store_step(&core->store, q, &error))
        json_array_append_new(similar, json_string(store_text(q, 0)));
    q = store_bind(&core->store, "SELECT text FROM refused WHERE name = ? LIMIT 1", "s", name);
    *ret = json_pack("{s:s, s:o}", "error", "unknown-user", "similar", similar);
    if (store_step(&core->store, q, &error)) {
        json_object_set_new(*ret, "hint", json_string(store_text(q, 0)));
        sqlite3_reset(q);
    } else if (query_dropped_name(core, name, why, sizeof(why))) {
        json_object_set_new(*ret, "hint", json_string(why));
    } else {
        json_object_set_new(*ret, "hint",
                            json_string("nobody of this name has an account here, or had one"));
    }
    return -ENOENT;
}

int engine_core_user(struct engine_core *core, const char *name, int64_t now, json_t **ret)
{
    sqlite3_stmt *q = store_bind(
        &core->store,
        "SELECT slot, uid, gid, coalesce(name, ''), coalesce(former_name, ''),"
        " coalesce(display_name, ''), key, coalesce(home, ''), coalesce(shell, ''), state,"
        " reason, flags, since, not_before, not_after, hr_time, received, incarnation,"
        " admin_lock, coalesce(admin_by, ''), coalesce(admin_reason, ''), coalesce(hold,"
        " (SELECT r.hold FROM record r WHERE r.slot = person.slot AND r.hold IS NOT NULL),"
        " (SELECT h.id FROM record r JOIN hold h ON h.source = r.source AND h.kind = 'dropped'"
        " WHERE r.slot = person.slot AND r.dropped = 2))"
        " FROM person WHERE name = ?1 OR former_name = ?1 ORDER BY name IS NOT ?1",
        "s", name);
    int64_t slot;
    int error = 0;
    json_t *o;

    if (!store_step(&core->store, q, &error))
        return unknown_user(core, name, ret);
    slot = sqlite3_column_int64(q, 0);
    o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "user",
                  store_text(q, 3), "former_name", store_text(q, 4), "display_name",
                  store_text(q, 5), "employee_number", store_text(q, 6), "uid",
                  (json_int_t)sqlite3_column_int64(q, 1), "gid",
                  (json_int_t)sqlite3_column_int64(q, 2), "home", store_text(q, 7), "shell",
                  store_text(q, 8), "state", rollcall_state_name(sqlite3_column_int(q, 9)),
                  "reason", rollcall_reason_name(sqlite3_column_int(q, 10)), "sentence",
                  rollcall_reason_sentence(sqlite3_column_int(q, 10)), "incarnation",
                  (json_int_t)sqlite3_column_int64(q, 17));
    json_object_set_new(o, "flags", flags_of(sqlite3_column_int(q, 11)));
    set_time(o, "since", sqlite3_column_int64(q, 12));
    set_time(o, "not_before", time_of(q, 13));
    set_time(o, "not_after", time_of(q, 14));
    set_time(o, "hr_time", time_of(q, 15));
    set_time(o, "received", time_of(q, 16));
    json_object_set_new(o, "admin_lock",
                        sqlite3_column_int(q, 18) ? json_pack("{s:s, s:s}", "by", store_text(q, 19),
                                                              "reason", store_text(q, 20))
                                                  : json_null());
    // As text: it is what `rollcall approve` takes.
    json_object_set_new(o, "held",
                        sqlite3_column_type(q, 21) == SQLITE_NULL ? json_null()
                                                                  : json_string(store_text(q, 21)));
    sqlite3_reset(q);
    json_object_set_new(o, "groups", groups_of(core, slot));
    json_object_set_new(o, "through", rows_paths(core, (uint32_t)slot, now));
    json_object_set_new(o, "sources", said_of(core, slot));
    put_risk(o, json_object_get(o, "sources"));
    json_object_set_new(o, "changes", changes_of(core, slot));
    json_object_set_new(o, "refused", refused_of(core, slot));
    *ret = o;
    return 0;
}

int engine_core_record_id(struct engine_core *core, const char *source, const char *name, char *buf,
                          size_t len)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT r.id FROM person p CROSS JOIN record r ON r.slot = p.slot"
                                 " WHERE p.name = ? AND r.source = ? ORDER BY r.gone OR r.missing,"
                                 " r.dropped, r.received DESC LIMIT 1",
                                 "ss", name, source);
    int error = -ENOENT;

    if (!store_step(&core->store, q, &error))
        return -ENOENT;
    snprintf(buf, len, "%s", store_text(q, 0));
    sqlite3_reset(q);
    return 0;
}
