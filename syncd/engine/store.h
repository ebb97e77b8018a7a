// SPDX-License-Identifier: BSD-2-Clause
// state.db: SQLite in WAL mode, one connection, prepared statements kept.
#ifndef ROLLCALL_ENGINE_STORE_H
#define ROLLCALL_ENGINE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define STORE_STATEMENTS 384  // more than there are literals in the engine
#define STORE_PLACES     1024 // a power of two, and free places among them

struct store {
    sqlite3 *db;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
    } kept[STORE_STATEMENTS];
    uint16_t place[STORE_PLACES]; // of the literal in `kept`, by its address; 0: free, else + 1
    unsigned n;
    bool fresh; // made anew at this open
    bool begun; // a transaction is in work
    int fault;  // in it: what ended it before its time, or 0
};

// Opens or makes the database. One that is corrupt or of another version is set aside
// (renamed to PATH.lost-TIME) and made anew; *ret_lost says so.
int store_open(const char *path, int64_t now, struct store *ret, bool *ret_lost);
void store_close(struct store *s);

// All of it or nothing. A statement that fails for a reason other than a constraint ends the
// transaction, whoever looks at the failure or does not: nothing runs in it any more (SQLite may
// have rolled it back by itself, and what ran then would stand alone), and store_commit returns
// what it was. A commit that fails wants a rollback.
int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);

// A statement, ready: prepared once, bound by `format`, one letter a parameter: 'i' int64_t,
// 's' const char * (NULL is NULL), 'b' const void * and size_t. `sql` must be a literal. NULL when
// SQLite refuses, or the transaction is over.
sqlite3_stmt *store_bind(struct store *s, const char *sql, const char *format, ...);
// Steps to the next row: true while there is one; resets at the end. *error gets a
// negative errno where it ended for another reason.
bool store_step(struct store *s, sqlite3_stmt *stmt, int *error);
// For a statement without rows.
int store_run(struct store *s, const char *sql, const char *format, ...);
int store_exec(struct store *s, const char *sql);
// First column of the first row, or `otherwise`: there is none, or it failed.
int64_t store_number(struct store *s, int64_t otherwise, const char *sql, const char *format, ...);
static inline const char *store_text(sqlite3_stmt *stmt, int column)
{
    const char *t = (const char *)sqlite3_column_text(stmt, column);
    return t ? t : "";
}

#endif
