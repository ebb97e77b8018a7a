// SPDX-License-Identifier: BSD-2-Clause
// state.db.
#include "syncd/engine/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/lifecycle.h"

#define SCHEMA_VERSION 5

static const char schema[] =
    "CREATE TABLE source(name TEXT PRIMARY KEY, cursor TEXT, as_of INTEGER NOT NULL DEFAULT 0,"
    " full_as_of INTEGER NOT NULL DEFAULT 0, version TEXT, problem TEXT, problem_at INTEGER) "
    "WITHOUT ROWID;"
    // What a source said of somebody; body is our JSON of it, hash that of the body.
    "CREATE TABLE record(source TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, slot INTEGER, "
    "hash INTEGER NOT NULL,"
    " body TEXT NOT NULL, place TEXT, first_seen INTEGER NOT NULL, received INTEGER NOT NULL,"
    " missing_since INTEGER, missing INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0,"
    " groups_pending INTEGER, hold INTEGER,"
    // What the row claims, as it was said: rules 4, 5 and 15 look for others who claim it.
    " name TEXT, number TEXT, uid INTEGER,"
    // absent: the last full listing did not have the row. waits: it was refused and is
    // nobody's. ended: its person left; only a hint, so that the absences of those who
    // left years ago are not walked.
    " absent INTEGER NOT NULL DEFAULT 0, waits INTEGER NOT NULL DEFAULT 0,"
    " ended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(source, id)) WITHOUT ROWID;"
    "CREATE INDEX record_slot ON record(slot);"
    "CREATE INDEX record_key ON record(key);"
    "CREATE INDEX record_name ON record(source, name);"
    "CREATE INDEX record_number ON record(source, number) WHERE number <> id;"
    "CREATE INDEX record_uid ON record(source, uid) WHERE uid IS NOT NULL;"
    // Few rows each: what a commit must look at beside what it was told.
    "CREATE INDEX record_waits ON record(source) WHERE waits;"
    "CREATE INDEX record_odd ON record(source) WHERE (gone OR missing) AND NOT absent;"
    "CREATE INDEX record_pending ON record(source) WHERE groups_pending IS NOT NULL;"
    "CREATE INDEX record_question ON record(source) WHERE missing_since IS NOT NULL OR"
    " hold IS NOT NULL;"
    "CREATE INDEX record_hold ON record(hold) WHERE hold IS NOT NULL;"
    "CREATE INDEX record_nobody ON record(source) WHERE slot IS NULL AND absent;"
    "CREATE INDEX record_absent ON record(source) WHERE absent AND NOT missing AND NOT gone AND"
    " NOT ended AND hold IS NULL;"
    // Rows of the last listing that were not taken: what cannot be read, and what stands
    // twice. A difference is completed by them.
    "CREATE TABLE aside(source TEXT NOT NULL, id TEXT NOT NULL, hash INTEGER, body TEXT, place "
    "TEXT,"
    " number TEXT, name TEXT, uid INTEGER, copies INTEGER NOT NULL, terminated INTEGER NOT NULL,"
    " PRIMARY KEY(source, id)) WITHOUT ROWID;"
    "CREATE TABLE person(slot INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, uid INTEGER NOT NULL "
    "UNIQUE,"
    " name TEXT UNIQUE, former_name TEXT, gid INTEGER NOT NULL, gecos TEXT, home TEXT, shell TEXT,"
    " display_name TEXT, immutable_id TEXT, groups BLOB,"
    " state INTEGER NOT NULL, reason INTEGER NOT NULL, flags INTEGER NOT NULL DEFAULT 0,"
    " authority INTEGER NOT NULL DEFAULT 15, since INTEGER NOT NULL, not_before INTEGER, not_after "
    "INTEGER,"
    " hr_time INTEGER, received INTEGER NOT NULL DEFAULT 0, incarnation INTEGER NOT NULL DEFAULT 1,"
    " next INTEGER, admin_lock INTEGER NOT NULL DEFAULT 0, admin_by TEXT, admin_reason TEXT,"
    " journal_lock INTEGER NOT NULL DEFAULT 0, recovery INTEGER NOT NULL DEFAULT 0, hold INTEGER);"
    "CREATE INDEX person_next ON person(next) WHERE next IS NOT NULL;"
    "CREATE INDEX person_former ON person(former_name);"
    "CREATE INDEX person_state ON person(state);"
    "CREATE INDEX person_hold ON person(hold) WHERE hold IS NOT NULL;"
    "CREATE INDEX person_unsettled ON person(slot) WHERE journal_lock OR recovery;"
    // Taken while a clock ran ahead.
    "CREATE INDEX person_early ON person(not_after) WHERE reason IN (5, 6);"
    "CREATE TABLE grp(number INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, name "
    "TEXT NOT NULL,"
    " gid INTEGER NOT NULL UNIQUE, UNIQUE(source, id));"
    "CREATE INDEX grp_name ON grp(name);"
    // Keys that a directory says, a line each; nobody without any has a row.
    "CREATE TABLE ssh_key(slot INTEGER PRIMARY KEY, keys TEXT NOT NULL);"
    // Names, numbers and rows that were refused, for status and --why.
    "CREATE TABLE refused(source TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT,"
    " text TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(source, id, kind)) WITHOUT ROWID;"
    "CREATE TABLE approved(key TEXT PRIMARY KEY, word TEXT NOT NULL, by TEXT, at INTEGER NOT NULL) "
    "WITHOUT ROWID;"
    "CREATE TABLE hold(id INTEGER PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, n INTEGER "
    "NOT NULL,"
    " at INTEGER NOT NULL);"
    "CREATE TABLE effect(source TEXT NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, slot "
    "INTEGER NOT NULL);"
    "CREATE INDEX effect_at ON effect(source, kind, at);"
    "CREATE TABLE expected(n INTEGER NOT NULL, until INTEGER NOT NULL, by TEXT);"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, at INTEGER NOT NULL, text "
    "TEXT NOT NULL);"
    "CREATE INDEX event_slot ON event(slot, id);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;";

// What version 4 has beside version 3, and 5 beside 4: a database of those is brought on, for its
// people would else wait for their source's word.
static const char since_3[] =
    "ALTER TABLE person ADD COLUMN dn TEXT;"
    // In more groups than are counted.
    "ALTER TABLE person ADD COLUMN groups_cut INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE source ADD COLUMN nested INTEGER NOT NULL DEFAULT 0;"
    // See nesting.h.
    "CREATE TABLE entry(number INTEGER PRIMARY KEY, source TEXT NOT NULL, kind INTEGER NOT NULL,"
    " name TEXT NOT NULL, user TEXT, grp INTEGER, UNIQUE(source, kind, name));"
    "CREATE INDEX entry_user ON entry(source, user) WHERE user IS NOT NULL;"
    "CREATE INDEX entry_grp ON entry(grp) WHERE grp IS NOT NULL;"
    "CREATE TABLE member(grp INTEGER NOT NULL, entry INTEGER NOT NULL, side INTEGER NOT NULL,"
    " said INTEGER NOT NULL DEFAULT 1, since INTEGER, hold INTEGER, PRIMARY KEY(grp, entry, side))"
    " WITHOUT ROWID;"
    "CREATE INDEX member_entry ON member(entry, grp);"
    "CREATE INDEX member_unsaid ON member(grp) WHERE NOT said;"
    "CREATE INDEX member_hold ON member(hold) WHERE hold IS NOT NULL;"
    // Groups of people's own rows, of sources that say which groups are in which.
    "CREATE TABLE own(grp INTEGER NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY(grp, slot)) WITHOUT "
    "ROWID;"
    "CREATE INDEX own_slot ON own(slot);"
    "PRAGMA user_version = 4;";

static const char since_4[] =
    "ALTER TABLE record ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;"
    // The identity provider's word on this machine: 1, 0, NULL: not known.
    "ALTER TABLE source ADD COLUMN compliant INTEGER;"
    "ALTER TABLE source ADD COLUMN managed INTEGER;"
    "ALTER TABLE source ADD COLUMN device TEXT;"
    "ALTER TABLE source ADD COLUMN device_at INTEGER;"
    // Who is left out on purpose. absent, missing_since: as in record.
    "CREATE TABLE dropped(source TEXT NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL, name TEXT,"
    " at INTEGER NOT NULL, absent INTEGER NOT NULL DEFAULT 0, missing_since INTEGER,"
    " PRIMARY KEY(source, id)) WITHOUT ROWID;"
    "CREATE INDEX dropped_name ON dropped(name);"
    "CREATE INDEX dropped_absent ON dropped(source) WHERE absent;"
    // Their number, so that a commit need not count a million.
    "CREATE TABLE drop_count(source TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY(source, reason)) WITHOUT ROWID;"
    "CREATE TRIGGER dropped_more AFTER INSERT ON dropped BEGIN INSERT INTO drop_count"
    " VALUES(new.source, new.reason, 1) ON CONFLICT DO UPDATE SET n = n + 1; END;"
    "CREATE TRIGGER dropped_less AFTER DELETE ON dropped BEGIN UPDATE drop_count SET n = n - 1"
    " WHERE source = old.source AND reason = old.reason; END;"
    "CREATE TRIGGER dropped_other AFTER UPDATE OF reason ON dropped BEGIN UPDATE drop_count SET"
    " n = n - 1 WHERE source = old.source AND reason = old.reason; INSERT INTO drop_count"
    " VALUES(new.source, new.reason, 1) ON CONFLICT DO UPDATE SET n = n + 1; END;"
    "PRAGMA user_version = 5;";

// No version of its own: an older engine keeps it and does without.
static const char later[] =
    "CREATE INDEX IF NOT EXISTS record_left_out ON record(source) WHERE dropped = 2;";

static const char staging[] =
    // A row staged is a statement of its own: it stays in memory until there are many,
    // rather than going to a file each time a quarter of a small cache is dirty.
    "PRAGMA temp.journal_mode = MEMORY; PRAGMA temp.cache_size = -131072;"
    // The long texts last, so that the rest is found without them.
    "CREATE TEMP TABLE incoming(source TEXT NOT NULL, id TEXT NOT NULL, hash INTEGER, number TEXT,"
    " name TEXT, uid INTEGER, copies INTEGER NOT NULL DEFAULT 1, terminated INTEGER "
    "NOT NULL DEFAULT 0,"
    " gone INTEGER NOT NULL DEFAULT 0,"
    // shared: another row has the same number. listed: the listing has the row; 0: it was
    // said that it has not; NULL: nothing was said. present: it counts as no absence.
    " shared INTEGER NOT NULL DEFAULT 0, listed INTEGER DEFAULT 1,"
    " present INTEGER NOT NULL DEFAULT 1,"
    // The reason why it is left out on purpose, and its name; and the status that was said of it in
    // the same batch.
    " dropped TEXT, drop_name TEXT, drop_status INTEGER NOT NULL DEFAULT 0, place TEXT, body TEXT,"
    " PRIMARY KEY(source, id)) WITHOUT ROWID;"
    "CREATE INDEX temp.incoming_dropped ON incoming(source) WHERE dropped IS NOT NULL;"
    // See rivals.c. kind: 1 a name, 2 a number, 3 a uid.
    "CREATE TEMP TABLE rival(kind INTEGER NOT NULL, value NOT NULL, id TEXT NOT NULL, PRIMARY "
    "KEY(kind, value, id)) WITHOUT ROWID;"
    // The ids ledger as it stood when it was opened.
    "CREATE TEMP TABLE ledger(kind INTEGER NOT NULL, key TEXT NOT NULL, slot INTEGER NOT NULL,"
    " number INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
    "CREATE INDEX temp.ledger_number ON ledger(number);"
    "CREATE INDEX temp.ledger_slot ON ledger(slot);"
    "CREATE TEMP TABLE incoming_group(source TEXT NOT NULL, id TEXT NOT NULL, name TEXT, gid "
    "INTEGER,"
    " parents TEXT, aliases TEXT, PRIMARY KEY(source, id)) WITHOUT ROWID;"
    // state: 1 begun, 2 whole, 3 the group is gone. said 0: to be removed.
    "CREATE TEMP TABLE incoming_list(source TEXT NOT NULL, grp TEXT NOT NULL, state INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(source, grp)) WITHOUT ROWID;"
    "CREATE TEMP TABLE incoming_member(source TEXT NOT NULL, grp TEXT NOT NULL, entry TEXT NOT "
    "NULL,"
    " said INTEGER NOT NULL, PRIMARY KEY(source, grp, entry)) WITHOUT ROWID;"
    // Within one transaction. kind of touched: 0 a name, 1 a group, 2 a person; of losing: 0
    // explicit, 1 inferred.
    "CREATE TEMP TABLE touched(kind INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(kind, "
    "number)) WITHOUT ROWID;"
    "CREATE TEMP TABLE losing(kind INTEGER NOT NULL, grp INTEGER NOT NULL, entry INTEGER NOT NULL,"
    " side INTEGER NOT NULL, PRIMARY KEY(kind, grp, entry, side)) WITHOUT ROWID;"
    "CREATE TEMP TABLE releasing(number INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE naming(id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(id, name)) WITHOUT "
    "ROWID;";

// The errno of a result of SQLite's that is a failure; it ends the transaction that is in work.
static int failed(struct store *s, int result)
{
    int error = result == SQLITE_FULL         ? -ENOSPC
                : result == SQLITE_CONSTRAINT ? -EEXIST
                : result == SQLITE_CORRUPT    ? -EBADMSG
                                              : -EIO;

    if (s->begun && s->fault == 0 && error != -EEXIST)
        s->fault = error;
    return error;
}

int store_exec(struct store *s, const char *sql)
{
    int r;

    if (s->fault < 0)
        return s->fault;
    r = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return r == SQLITE_OK ? 0 : failed(s, r);
}

int store_begin(struct store *s)
{
    int r = store_exec(s, "BEGIN IMMEDIATE");

    s->begun = r == 0;
    return r;
}

int store_commit(struct store *s)
{
    int r = store_exec(s, "COMMIT");

    if (r == 0)
        s->begun = false;
    return r;
}

void store_rollback(struct store *s)
{
    s->begun = false;
    s->fault = 0;
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

// -EBADMSG: of a version that nobody can bring on.
static int make_schema(struct store *s)
{
    int64_t version = store_number(s, -1, "PRAGMA user_version", "");
    int r;

    if (version == SCHEMA_VERSION)
        return 0;
    if (version != 0 && version != 3 && version != 4)
        return -EBADMSG;
    s->fresh = version == 0;
    r = store_begin(s);
    if (r == 0 && s->fresh)
        r = store_exec(s, schema);
    if (r == 0 && version < 4)
        r = store_exec(s, since_3);
    if (r == 0)
        r = store_exec(s, since_4);
    if (r == 0)
        r = store_commit(s);
    return r == 0 ? 0 : -EIO;
}

// -EBADMSG for a file that is not ours to use.
static int open_once(const char *path, struct store *s)
{
    sqlite3_stmt *q;
    int error = 0, r;

    // One thread has it: no lock a call. Statistics of memory take one at each allocation; once
    // SQLite is in use, that is refused and no matter.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open_v2(path, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return -EIO;
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 512, 1000);
    sqlite3_busy_timeout(s->db, 5000);
    // What is staged stands in memory: a full disk must not keep a listing, and the lock in
    // it, from being read; and a statement a row costs no journal on disk.
    if (store_exec(
            s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
               "PRAGMA wal_autocheckpoint = 2000; PRAGMA cache_size = -32768;") < 0)
        return -EBADMSG;
    q = store_bind(s, "PRAGMA quick_check(1)", "");
    if (!q || !store_step(s, q, &error) || strcmp(store_text(q, 0), "ok") != 0)
        return -EBADMSG;
    sqlite3_reset(q);
    r = make_schema(s);
    if (r == 0)
        r = store_exec(s, later);
    return r == 0 ? store_exec(s, staging) : r;
}

int store_open(const char *path, int64_t now, struct store *ret, bool *ret_lost)
{
    struct store s = {0};
    int r = open_once(path, &s);

    *ret_lost = false;
    if (r == -EBADMSG) {
        char aside[4200];
        static const char *const tails[] = {"", "-wal", "-shm"};
        store_close(&s);
        for (int i = 0; i < 3; i++) {
            char from[4096];
            snprintf(from, sizeof(from), "%s%s", path, tails[i]);
            snprintf(aside, sizeof(aside), "%s.lost-%lld%s", path, (long long)now, tails[i]);
            if (rename(from, aside) < 0 && errno != ENOENT && i == 0)
                return -errno;
        }
        *ret_lost = true;
        s = (struct store){0};
        r = open_once(path, &s);
    }
    if (r < 0) {
        store_close(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    for (unsigned i = 0; i < s->n; i++)
        sqlite3_finalize(s->kept[i].stmt);
    sqlite3_close(s->db);
    *s = (struct store){0};
}

static uint16_t *place_of(struct store *s, const char *sql)
{
    size_t i = (uintptr_t)sql * 0x9e3779b97f4a7c15u >> 54;

    while (s->place[i] && s->kept[s->place[i] - 1].sql != sql)
        i = (i + 1) % STORE_PLACES;
    return &s->place[i];
}

static sqlite3_stmt *prepare(struct store *s, const char *sql)
{
    sqlite3_stmt *stmt;

    uint16_t *place = place_of(s, sql);

    if (s->fault < 0)
        return NULL;
    if (*place) {
        stmt = s->kept[*place - 1].stmt;
        sqlite3_reset(stmt);
        return stmt;
    }
    if (s->n == STORE_STATEMENTS)
        return NULL;
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "state.db: %s: %s\n", sqlite3_errmsg(s->db), sql);
        return NULL;
    }
    s->kept[s->n].sql = sql;
    s->kept[s->n++].stmt = stmt;
    *place = (uint16_t)s->n;
    return stmt;
}

// `how`: SQLITE_STATIC where the caller's texts outlive the statement's run.
static sqlite3_stmt *bind_all(struct store *s, const char *sql, const char *format,
                              sqlite3_destructor_type how, va_list ap)
{
    sqlite3_stmt *stmt = prepare(s, sql);

    for (int i = 1; stmt && *format; format++, i++) {
        if (*format == 'i') {
            int64_t n = va_arg(ap, int64_t);
            // "No such date" is NULL in the database.
            if (n == ROLLCALL_TIME_UNSET)
                sqlite3_bind_null(stmt, i);
            else
                sqlite3_bind_int64(stmt, i, n);
        } else if (*format == 'b') {
            const void *data = va_arg(ap, const void *);
            size_t len = va_arg(ap, size_t);
            sqlite3_bind_blob64(stmt, i, len ? data : "", len, how);
        } else {
            sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, how);
        }
    }
    return stmt;
}

sqlite3_stmt *store_bind(struct store *s, const char *sql, const char *format, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, format);
    stmt = bind_all(s, sql, format, SQLITE_TRANSIENT, ap);
    va_end(ap);
    return stmt;
}

bool store_step(struct store *s, sqlite3_stmt *stmt, int *error)
{
    int r = stmt && s->fault == 0 ? sqlite3_step(stmt) : SQLITE_ERROR;

    if (r == SQLITE_ROW)
        return true;
    if (r != SQLITE_DONE)
        *error = s->fault < 0 ? s->fault : failed(s, r);
    if (stmt)
        sqlite3_reset(stmt);
    return false;
}

int store_run(struct store *s, const char *sql, const char *format, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    int error = 0;

    va_start(ap, format);
    stmt = bind_all(s, sql, format, SQLITE_STATIC, ap);
    va_end(ap);
    while (store_step(s, stmt, &error))
        ;
    return error;
}

int64_t store_number(struct store *s, int64_t otherwise, const char *sql, const char *format, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    int error = 0;
    int64_t n = otherwise;

    va_start(ap, format);
    stmt = bind_all(s, sql, format, SQLITE_STATIC, ap);
    va_end(ap);
    if (store_step(s, stmt, &error)) {
        if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
            n = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    return n;
}
