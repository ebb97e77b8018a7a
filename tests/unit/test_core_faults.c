// SPDX-License-Identifier: BSD-2-Clause
// A statement of a batch that the database refuses: whichever it is, what stands afterwards is what
// stood before, and the same batch said again is taken whole.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/engine_fixture.h"

// ---- the n-th statement fails ----

struct fault {
    unsigned at, seen; // at 0: none
    bool now, hit, committed;
    char what[120];
};

// Each time that a statement begins, or a part of one that a trigger runs.
static int on_statement(unsigned kind, void *ctx, void *stmt, void *text)
{
    struct fault *f = ctx;

    (void)kind;
    (void)stmt;
    f->committed = f->committed || (!f->hit && strcmp(text, "COMMIT") == 0);
    if (strcmp(text, "ROLLBACK") != 0 && ++f->seen == f->at) {
        f->now = true;
        snprintf(f->what, sizeof(f->what), "%s", (const char *)text);
    }
    return 0;
}

// At the first step of it. SQLite then rolls a transaction back by itself where the statement
// writes, as it does when a disk is full, and not where it reads.
static int on_step(void *ctx)
{
    struct fault *f = ctx;
    bool now = f->now;

    f->hit = f->hit || now;
    f->now = false;
    return now;
}

static void arm(struct engine *e, struct fault *f, unsigned at)
{
    *f = (struct fault){.at = at};
    sqlite3_trace_v2(e->core->store.db, at ? SQLITE_TRACE_STMT : 0, at ? on_statement : NULL, f);
    sqlite3_progress_handler(e->core->store.db, at ? 1 : 0, at ? on_step : NULL, f);
}

// ---- what stands ----

static int add_row(void *ctx, int n, char **value, char **name)
{
    json_t *row = json_array();

    (void)name;
    for (int i = 0; i < n; i++)
        json_array_append_new(row, value[i] ? json_string(value[i]) : json_null());
    json_array_append_new(ctx, row);
    return 0;
}

static char *all_of(struct engine *e)
{
    static const char *const tables[] = {
        "SELECT name, cursor, as_of, full_as_of FROM source ORDER BY 1",
        "SELECT source, id, key, slot, body, missing_since, missing, gone, name, number, waits,"
        " ended FROM record ORDER BY 1, 2",
        "SELECT slot, key, uid, name, former_name, hex(groups), state, reason, flags FROM person"
        " ORDER BY 1",
        "SELECT source, id, name, gid FROM grp ORDER BY 1, 2",
        "SELECT source, id, kind, text FROM refused ORDER BY 1, 2, 3",
        "SELECT slot, text FROM event ORDER BY id",
        "SELECT source, kind, n FROM hold ORDER BY id",
        "SELECT source, kind, slot FROM effect ORDER BY at, slot",
    };
    json_t *all = json_array();
    char *text;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        assert_int_equal(sqlite3_exec(e->core->store.db, tables[i], add_row, all, NULL), SQLITE_OK);
    text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    return text;
}

static void differs(const struct fault *f, const char *before, const char *after)
{
    size_t i = 0;

    while (before[i] == after[i])
        i++;
    i -= i > 80 ? 80 : i;
    fail_msg("statement %u (%s)\nbefore: %.200s\nafter:  %.200s", f->at, f->what, before + i,
             after + i);
}

// ---- the batch ----

#define PEOPLE 9

static struct rollcall_user_record left(const char *number, const char *name)
{
    struct rollcall_user_record r = row(number, name);

    r.status = ROLLCALL_STATUS_TERMINATED;
    return r;
}

static void approve(struct engine *e, const char *word)
{
    json_t *answer = NULL;

    assert_int_equal(engine_core_approve(e->core, word, "root", e->now, &answer), 0);
    json_decref(answer);
}

// One who comes back under another number, one who has a leaver's name, one who is new, one who is
// renamed, one who leaves, one who is missing for the second time, one name that is in use.
static void before_it(struct engine *e)
{
    struct rollcall_user_record rows[] = {
        row("1001", "anna"), row("1002", "bert"), row("1003", "carl"), row("1004", "dora"),
        row("1005", "emil"), row("2001", "anna"), row("2002", "bert"), row("1006", "fred")};

    listing(e, rows, 5);
    rows[0] = left("1001", "anna");
    rows[1] = left("1002", "bert");
    listing(e, rows, 8);
    listing(e, rows, 7); // without fred
    approve(e, "2001=rehire");
    approve(e, "2002=another");
}

static int say_it(struct engine *e, struct fault *f, unsigned at)
{
    struct rollcall_user_record rows[] = {
        row("2001", "anna"),  row("2002", "bert"),   row("2003", "gina"),
        left("1001", "anna"), row("1003", "caroll"), left("1004", "dora"),
        row("2004", "emil"),  row("1005", "emil"),   left("1002", "bert")};
    int r;

    e->now++;
    engine_forget(e);
    assert_int_equal(begin(e, "hr", true, e->now), 0);
    for (size_t i = 0; i < PEOPLE; i++)
        say_row(e, "hr", &rows[i]);
    arm(e, f, at);
    r = commit(e, "hr", PEOPLE);
    arm(e, &(struct fault){0}, 0);
    return r;
}

static void check_new(struct engine *e, int64_t anna, int64_t bert)
{
    assert_int_equal(state_of(e, "anna"), ROLLCALL_STATE_ACTIVE);
    assert_true(uid_of(e, "anna") == anna); // a rehire: the same uid
    assert_int_equal(state_of(e, "bert"), ROLLCALL_STATE_ACTIVE);
    assert_true(uid_of(e, "bert") != bert); // another person
    assert_int_equal(state_of(e, "gina"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(state_of(e, "dora"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(state_of(e, "fred"), ROLLCALL_STATE_LOCKED);
    assert_true(uid_of(e, "emil") > 0);
    assert_true(uid_of(e, "caroll") > 0);
}

static void a_statement_that_fails_leaves_what_stood(void **state)
{
    struct engine *e = *state;
    int64_t anna, bert;
    unsigned failed = 0, n = 0;
    struct fault f = {.hit = true};
    char *before;

    before_it(e);
    anna = uid_of(e, "anna");
    bert = uid_of(e, "bert");
    before = all_of(e);
    while (f.hit && !f.committed) {
        int r = say_it(e, &f, ++n);
        char *after = all_of(e);
        if (r < 0 && strcmp(after, before) != 0)
            differs(&f, before, after);
        if (r == 0 && f.hit && !f.committed)
            fail_msg("statement %u (%s) failed, and nobody saw it", n, f.what);
        if (r == 0)
            check_new(e, anna, bert);
        failed += r < 0;
        free(after);
    }
    free(before);
    assert_true(failed > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_statement_that_fails_leaves_what_stood, engine_setup,
                                        engine_teardown),
    };

    return cmocka_run_group_tests_name("a database that fails", tests, NULL, NULL);
}
