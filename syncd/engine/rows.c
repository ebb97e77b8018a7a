// SPDX-License-Identifier: BSD-2-Clause
// Taking the rows of a listing that say something new.
#include "syncd/engine/nesting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"

static void row_done(struct row *row)
{
    free(row->text);
    free(row->place);
    free(row->old_text);
    body_done(&row->body);
}
#define _cleanup_row_ _cleanup_(row_done)

static int row_read(struct engine_core *core, struct row *row)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT i.body, i.hash, i.place, r.body, r.groups_pending,"
                                 " coalesce(r.slot, -1), coalesce(r.key, '') FROM incoming i"
                                 " LEFT JOIN record r ON r.source = i.source AND r.id = i.id"
                                 " WHERE i.source = ? AND i.id = ?",
                                 "ss", row->src->name, row->id);
    int error = -ENOENT, r;

    if (!store_step(&core->store, q, &error))
        return error;
    row->text = strdup(store_text(q, 0));
    row->hash = sqlite3_column_int64(q, 1);
    row->place = strdup(store_text(q, 2));
    row->old_text = sqlite3_column_type(q, 3) == SQLITE_NULL ? NULL : strdup(store_text(q, 3));
    row->groups_pending = sqlite3_column_type(q, 4) == SQLITE_NULL ? 0 : sqlite3_column_int64(q, 4);
    row->stood_with = sqlite3_column_int64(q, 5);
    snprintf(row->stood_as, sizeof(row->stood_as), "%s", store_text(q, 6));
    sqlite3_reset(q);
    if (!row->text || !row->place)
        return -ENOMEM;
    r = body_parse(row->text, &row->body);
    snprintf(row->key, sizeof(row->key), "%s%s", row->src->join_prefix ? row->src->join_prefix : "",
             row->body.employee_number ? row->body.employee_number : row->id);
    row->slot =
        store_number(&core->store, -1, "SELECT slot FROM person WHERE key = ?", "s", row->key);
    return r;
}

// What a directory says beside the name.
static int row_describe(struct engine_core *core, struct row *row, int64_t now)
{
    char home[300] = "", name[ROLLCALL_NAME_MAX + 1] = "";
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT coalesce(name, ''), coalesce(home, ''), gid FROM person WHERE slot = ?",
                   "i", row->slot);
    struct described d;
    int64_t gid = -1;
    int error = 0, r;

    if (store_step(&core->store, q, &error)) {
        snprintf(name, sizeof(name), "%s", store_text(q, 0));
        snprintf(home, sizeof(home), "%s", store_text(q, 1));
        gid = sqlite3_column_int64(q, 2);
    }
    sqlite3_reset(q);
    row_described(core, row, name, home, gid, now, &d);
    r = store_run(&core->store,
                  "UPDATE person SET gecos = ?1, display_name = ?1, home = ?2, shell = ?3"
                  " WHERE slot = ?4 AND (gecos IS NOT ?1 OR display_name IS NOT ?1 OR"
                  " home IS NOT ?2 OR shell IS NOT ?3)",
                  "sssi", d.gecos, d.home, d.shell, row->slot);
    if (r == 0 && sqlite3_changes(core->store.db) > 0)
        core->dirty |= DIRTY_ACCOUNTS;
    publish_changed(core, (uint32_t)row->slot);
    return r == 0 ? store_run(&core->store,
                              "UPDATE person SET immutable_id = ?, dn = ? WHERE slot = ?", "ssi",
                              d.immutable_id, d.dn, row->slot)
                  : r;
}

static int insert_person(struct engine_core *core, struct row *row, uint32_t uid, int64_t now)
{
    return store_run(&core->store,
                     "INSERT INTO person(slot, key, uid, gid, name, state, reason, since)"
                     " VALUES(?1, ?2, ?3, ?3, ?4, 0, 0, ?5)",
                     "isisi", row->slot, row->key, (int64_t)uid, row->body.user_name, now);
}

// Rule 11: the admin said that this number is the leaver come back.
static int rehire(struct engine_core *core, struct row *row, int64_t now)
{
    int64_t slot =
        store_number(&core->store, -1, "SELECT slot FROM person WHERE name = ? AND state >= 5", "s",
                     row->body.user_name);
    int r;

    if (slot < 0)
        return -ENOENT;
    row->slot = slot;
    core->facts.slotless = true;
    // What was said of the old number is about the past; what of the new one, counts.
    r = store_run(&core->store,
                  "UPDATE record SET gone = 1, slot = NULL, dropped = CASE dropped WHEN 2 THEN 0"
                  " ELSE dropped END WHERE slot = ?",
                  "i", slot);
    if (r == 0)
        r = store_run(&core->store, "UPDATE record SET slot = ? WHERE key = ? AND slot IS NULL",
                      "is", slot, row->key);
    if (r == 0)
        r = store_run(&core->store, "UPDATE person SET key = ? WHERE slot = ?", "si", row->key,
                      slot);
    if (r == 0)
        r = ids_rekey(core, row->key, (uint32_t)slot,
                      (uint32_t)store_number(&core->store, 0,
                                             "SELECT uid FROM person WHERE slot = ?", "i", slot),
                      now);
    if (r == 0)
        r = person_event(core, (uint32_t)slot, now, "rehired as %s", row->key);
    publish_changed(core, (uint32_t)slot);
    return r;
}

// Rule 11: another person; the leaver's name becomes a former one.
static int release_name(struct engine_core *core, const char *name)
{
    core->dirty |= DIRTY_ALL;
    core->changed.overflow = true; // who had it drops out of `private`
    return store_run(
        &core->store,
        "UPDATE person SET name = NULL, former_name = NULL WHERE name = ? AND state >= 5", "s",
        name);
}

// Another source said something of this number already.
static bool said_before(struct engine_core *core, const char *key)
{
    return core->facts.slotless &&
           store_number(&core->store, 0,
                        "SELECT 1 FROM record WHERE key = ? AND slot IS NULL LIMIT 1", "s", key);
}

static int row_new_person(struct engine_core *core, struct row *row, int64_t now)
{
    char why[300];
    uint32_t slot, uid;
    size_t given = core->n_pending;
    int r = 0;

    if (core->facts.approved && rows_approved(core, row->key, "rehire")) {
        r = rehire(core, row, now);
        if (r != -ENOENT) // nobody left whose name it is
            return r;
        r = 0;
    }
    // A hub was told whose the name is.
    if ((core->facts.approved && rows_approved(core, row->key, "another")) ||
        (rollcall_source_is_hub(row->src) &&
         store_number(&core->store, 0, "SELECT 1 FROM person WHERE name = ? AND state >= 5", "s",
                      row->body.user_name)))
        r = release_name(core, row->body.user_name);
    if (r == 0)
        r = rows_name_free(core, row->src, row->id, row->key, &row->body, -1, now);
    if (r < 0)
        return r;
    if (row->body.has_uid && core->facts.rivals &&
        store_number(&core->store, 0, "SELECT 1 FROM rival WHERE kind = 3 AND value = ? LIMIT 1",
                     "i", (int64_t)row->body.uid)) {
        rows_refuse(core, row->src->name, row->id, "uid", row->body.user_name, now,
                    "uidNumber %llu stands in two rows of one listing; neither is taken (rule 4)",
                    (unsigned long long)row->body.uid);
        return -EEXIST;
    }
    r = ids_person(core, row->key, row->src->name, &row->body, row->id, now, &slot, &uid, why,
                   sizeof(why));
    if (r == -EEXIST || r == -ERANGE) {
        rows_refuse(core, row->src->name, row->id, "uid", row->body.user_name, now,
                    "\"%s\" is refused: %s", row->body.user_name, why);
        return -EEXIST;
    }
    if (r < 0)
        return r;
    row->slot = slot;
    row->uid = uid;
    // The uid is a new one, so there is no such row; the name was found to be free.
    row->newcomer = core->n_pending > given && !row->old_text && !said_before(core, row->key);
    if (row->newcomer)
        return 0;
    r = insert_person(core, row, uid, now);
    if (r < 0)
        row->slot = -1; // nobody's, rather than somebody else's
    // What another source said of this number before now has its person.
    if (r == 0)
        r = store_run(&core->store, "UPDATE record SET slot = ? WHERE key = ? AND slot IS NULL",
                      "is", row->slot, row->key);
    return r;
}

static int row_rename(struct engine_core *core, struct row *row, int64_t now)
{
    int64_t same = store_number(&core->store, 0, "SELECT name = ? FROM person WHERE slot = ?", "si",
                                row->body.user_name ? row->body.user_name : "", row->slot);
    int r;

    if (same || !row->body.user_name)
        return 0;
    r = rows_name_free(core, row->src, row->id, row->key, &row->body, row->slot, now);
    if (r < 0)
        return r == -EEXIST ? 0 : r; // the established name stands; the row is taken
    r = person_event(core, (uint32_t)row->slot, now, "renamed to %s", row->body.user_name);
    if (r == 0)
        r = store_run(&core->store, "UPDATE person SET former_name = name, name = ? WHERE slot = ?",
                      "si", row->body.user_name, row->slot);
    publish_changed(core, (uint32_t)row->slot);
    core->dirty |= DIRTY_ACCOUNTS | DIRTY_KEYS;
    return r;
}

static int row_check_uid(struct engine_core *core, struct row *row, int64_t now)
{
    int64_t uid =
        store_number(&core->store, 0, "SELECT uid FROM person WHERE slot = ?", "i", row->slot);

    if (row->body.has_uid && row->body.uid != (uint64_t)uid)
        return rows_refuse(core, row->src->name, row->id, "uid", row->body.user_name, now,
                           "uidNumber %llu differs from %lld, which is kept: files belong to it",
                           (unsigned long long)row->body.uid, (long long)uid);
    return 0;
}

// Rule 1: groups that are not there any more because the cell is empty or the column
// missing are kept until a second, later listing says the same.
static int row_keep(struct engine_core *core, struct row *row, int64_t now)
{
    _cleanup_free_ char *kept = NULL;
    struct body old = {0};
    int64_t pending = ROLLCALL_TIME_UNSET;
    int r;

    if (!row->body.groups_present && row->old_text && body_parse(row->old_text, &old) == 0 &&
        old.groups_present &&
        (row->groups_held || !row->groups_pending || row->stage->as_of <= row->groups_pending)) {
        kept = body_with_groups(row->text, old.groups);
        pending = row->groups_pending ? row->groups_pending : row->stage->as_of;
        if (!row->groups_pending)
            engine_audit(core,
                         json_pack("{s:s, s:s, s:s, s:s}", "event", "groups-missing", "source",
                                   row->src->name, "id", row->id, "why",
                                   "the groups are gone by inference; they stand until a second "
                                   "listing agrees (rule 1)"));
    }
    body_done(&old);
    r = store_run(
        &core->store,
        "INSERT INTO record(source, id, key, slot, hash, body, place, first_seen, received,"
        " groups_pending, name, number, uid, waits) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9,"
        " ?10, ?11, ?12, CASE WHEN ?13 THEN"
        " EXISTS(SELECT 1 FROM refused WHERE source = ?1 AND id = ?2 AND at > 0 AND (?4 IS NULL"
        " OR kind IN ('rename', 'alias'))) ELSE 0 END)"
        " ON CONFLICT(source, id) DO UPDATE SET key = ?3, slot = ?4, hash = ?5, body = ?6,"
        " place = ?7, received = ?8, groups_pending = ?9, missing_since = NULL, missing = 0,"
        " gone = 0, hold = NULL, name = ?10, number = ?11, uid = ?12, waits = excluded.waits,"
        " dropped = 0,"
        " ended = CASE WHEN slot IS ?4 THEN ended ELSE 0 END",
        "sssiissiissii", row->src->name, row->id, row->key,
        row->slot < 0 ? ROLLCALL_TIME_UNSET : row->slot, row->hash, kept ? kept : row->text,
        row->place, now, pending, row->body.user_name, row->body.employee_number,
        row->body.has_uid && row->body.uid <= INT64_MAX ? (int64_t)row->body.uid
                                                        : ROLLCALL_TIME_UNSET,
        (int64_t)(row->slot < 0 || core->facts.refused));
    core->facts.slotless = core->facts.slotless || row->slot < 0;
    return r;
}

// Names under which groups list the person.
static int row_aliases(struct engine_core *core, struct row *row, int64_t now)
{
    const json_t *alias;
    size_t i;
    int r = 0;

    json_array_foreach(row->body.aliases, i, alias)
    {
        const char *name = json_string_value(alias);
        int64_t entry = name ? entry_of(core, row->src->name, ENTRY_NAME, name, true) : -EBADMSG;
        bool taken = true;
        if (entry < 0)
            return (int)entry;
        r = entry_claim(core, row->stage, entry, row->id, -1, row->slot >= 0, &taken);
        if (r == 0 && !taken)
            r = rows_refuse(core, row->src->name, row->id, "alias", row->body.user_name, now,
                            "the name \"%.200s\" of \"%.100s\" is another's; the established claim "
                            "stands (rule 15)",
                            name, row->id);
        if (r < 0)
            return r;
    }
    return 0;
}

// What follows for the person from a row that was taken.
static int row_effect(struct engine_core *core, struct row *row, bool directory, int64_t now,
                      struct changes *changes)
{
    int r = 0;

    if (row->slot < 0)
        return 0;
    if (row->newcomer)
        return newcomer_take(core, row, now, changes);
    // A fresh word of an authority is what a lost state, or a lock known from the journal
    // alone, was waiting for.
    if (row->src->role & ROLLCALL_ROLE_AUTHORITY)
        r = store_run(&core->store,
                      "UPDATE person SET recovery = 0, journal_lock = 0 WHERE slot = ? AND"
                      " (recovery OR journal_lock)",
                      "i", row->slot);
    if (r == 0 && directory)
        r = row_describe(core, row, now);
    if (r == 0 && directory)
        r = rows_members(core, (uint32_t)row->slot, now, NULL);
    return r == 0 ? person_merge(core, (uint32_t)row->slot, row->src->name, now, changes) : r;
}

// A record keeps its id when its number changes, as a contractor's does who is hired. Where nobody
// has the new number, and nobody can be made of it, it stays with the person whose it was: what
// it says from now on, that employment is over above all, is that person's.
static void row_stays(struct row *row)
{
    if (row->stood_with < 0)
        return;
    row->slot = row->stood_with;
    snprintf(row->key, sizeof(row->key), "%s", row->stood_as);
}

static int take_one(struct engine_core *core, struct row *row, int64_t now, struct changes *changes)
{
    bool directory = row->src->role & ROLLCALL_ROLE_DIRECTORY, was_refused;
    int r = row_read(core, row);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    // What is refused for the same reason again was said already.
    if (core->facts.refused)
        r = store_run(&core->store,
                      "UPDATE refused SET at = 0 WHERE source = ? AND id = ? AND kind <> 'group'",
                      "ss", row->src->name, row->id);
    was_refused = r == 0 && core->facts.refused && sqlite3_changes(core->store.db) > 0;
    // Somebody who left before we ever knew them needs no account.
    if (r == 0 && row->slot < 0 && directory && row->body.status != ROLLCALL_STATUS_TERMINATED) {
        r = row_new_person(core, row, now);
        if (r == -EEXIST)
            r = 0;
    } else if (r == 0 && row->slot >= 0 && directory) {
        r = row_rename(core, row, now);
        if (r == 0)
            r = row_check_uid(core, row, now);
    }
    if (r == 0 && row->slot < 0)
        row_stays(row);
    if (r == 0 && directory)
        r = row_aliases(core, row, now);
    if (r == 0)
        r = row_keep(core, row, now);
    if (r == 0 && directory && !row->old_text)
        r = entry_appeared(core, row->src->name, row->id);
    if (r == 0)
        r = row_effect(core, row, directory, now, changes);
    // Who lost this record to another number is vouched for by what is left.
    if (r == 0 && row->stood_with >= 0 && row->stood_with != row->slot)
        r = person_merge(core, (uint32_t)row->stood_with, row->src->name, now, changes);
    return r == 0 && was_refused
               ? store_run(&core->store,
                           "DELETE FROM refused WHERE source = ? AND id = ? AND at = 0", "ss",
                           row->src->name, row->id)
               : r;
}

// Ids of the rows that say something new; the rest costs a comparison.
static int changed_rows(struct engine_core *core, const char *source, int64_t now, char ***ret,
                        size_t *ret_n)
{
    sqlite3_stmt *q = store_bind(
        &core->store,
        "SELECT i.id FROM incoming i LEFT JOIN record r ON r.source = i.source AND r.id = i.id"
        " LEFT JOIN person p ON p.slot = r.slot"
        " WHERE i.source = ? AND i.body IS NOT NULL AND i.copies = 1 AND NOT i.shared AND"
        " (r.id IS NULL OR r.hash <> i.hash"
        // A clock that ran ahead for a while took what was not due yet.
        " OR (p.reason IN (5, 6) AND p.not_after > ?2)"
        " OR r.waits OR r.missing OR r.gone OR r.groups_pending IS NOT NULL OR p.journal_lock OR "
        "p.recovery OR"
        " (r.missing_since IS NOT NULL AND p.state = 2) OR"
        " (r.slot IS NULL AND EXISTS(SELECT 1 FROM refused f WHERE f.source = i.source AND f.id = "
        "i.id))) ORDER BY i.id",
        "si", source, now);
    char **ids = NULL;
    size_t n = 0, room = 0;
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        if (n == room) {
            char **p = realloc(ids, (room = room ? room * 2 : 256) * sizeof(*p));
            if (!p) {
                error = -ENOMEM;
                break;
            }
            ids = p;
        }
        ids[n] = strdup(store_text(q, 0));
        if (!ids[n]) {
            error = -ENOMEM;
            break;
        }
        n++;
    }
    sqlite3_reset(q);
    *ret = ids;
    *ret_n = n;
    return error;
}

// Rule 4 for numbers: the same employeeNumber twice in one listing, by id or by number.
static int refuse_doubles(struct engine_core *core, const char *source, int64_t now)
{
    sqlite3_stmt *q;
    int error = 0;
    int r = rivals_find(core, source);

    if (r == 0 && core->facts.rivals)
        r = store_run(&core->store,
                      "UPDATE incoming SET shared = 1 WHERE source = ? AND id IN"
                      " (SELECT id FROM rival WHERE kind = 2)",
                      "s", source);
    if (r < 0 || (!core->facts.rivals && !core->facts.twice))
        return r;
    q = store_bind(
        &core->store,
        "SELECT id, place, name FROM incoming WHERE source = ? AND (copies > 1 OR shared)", "s",
        source);
    while (r == 0 && store_step(&core->store, q, &error)) {
        char id[160], name[100];
        snprintf(id, sizeof(id), "%s", store_text(q, 0));
        snprintf(name, sizeof(name), "%s", store_text(q, 2));
        r = rows_refuse(core, source, id, "double", name, now,
                        "employeeNumber \"%.60s\" stands in more than one row (last at %.80s); the "
                        "established state stands (rule 4)",
                        id, store_text(q, 1));
    }
    return r < 0 ? r : error;
}

int rows_take(struct engine_core *core, const struct rollcall_source_config *src,
              struct stage *stage, int64_t now, struct changes *changes)
{
    char **ids;
    size_t n;
    bool groups_held = false;
    int r = refuse_doubles(core, src->name, now), e = 0;

    if (r == 0)
        r = listing_groups_held(core, src, stage, now, &groups_held);
    if (r < 0)
        return r;
    if ((src->role & ROLLCALL_ROLE_DIRECTORY) && !core->facts.first)
        r = entries_release(core, src->name);
    if (r < 0)
        return r;
    r = changed_rows(core, src->name, now, &ids, &n);
    for (size_t i = 0; i < n; i++) {
        _cleanup_row_ struct row row = {
            .src = src, .stage = stage, .slot = -1, .groups_held = groups_held};
        snprintf(row.id, sizeof(row.id), "%s", ids[i]);
        if (r == 0 && e == 0)
            e = take_one(core, &row, now, changes);
        free(ids[i]);
    }
    free(ids);
    return r < 0 ? r : e;
}
