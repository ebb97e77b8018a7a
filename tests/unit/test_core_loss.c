// SPDX-License-Identifier: BSD-2-Clause
// What is lost, and what is not: state.db, the journal, a process between two steps.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "rollcall/cache_writer.h"
#include "tests/unit/company.h"

// Takes from a database what version 3 had not.
#define OF_VERSION_4                                                                               \
    "DROP INDEX record_left_out;"                                                                  \
    "ALTER TABLE record DROP COLUMN dropped; ALTER TABLE source DROP COLUMN compliant;"            \
    "ALTER TABLE source DROP COLUMN managed; ALTER TABLE source DROP COLUMN device;"               \
    "ALTER TABLE source DROP COLUMN device_at; DROP TABLE dropped; DROP TABLE drop_count;"         \
    "PRAGMA user_version = 4;"
#define OF_VERSION_3                                                                               \
    "ALTER TABLE person DROP COLUMN dn; ALTER TABLE person DROP COLUMN groups_cut;"                \
    "ALTER TABLE source DROP COLUMN nested; DROP TABLE entry; DROP TABLE member; DROP TABLE "      \
    "own;" OF_VERSION_4 "PRAGMA user_version = 3;"

static void lose_state(struct company *c)
{
    char path[128];

    company_kill(c);
    assert_int_equal(unlink(c->paths.state_db), 0);
    snprintf(path, sizeof(path), "%s-wal", c->paths.state_db);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", c->paths.state_db);
    unlink(path);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
}

static void lock(struct company *c, const char *name, bool locked)
{
    json_t *answer = NULL;

    if (locked)
        assert_int_equal(engine_core_lock(c->core, name, "root", "test", c->now, &answer), 0);
    else
        assert_int_equal(engine_core_unlock(c->core, name, "root", c->now, &answer), 0);
    json_decref(answer);
    company_publish(c);
}

static bool comes_in(const struct company *c, const char *name)
{
    return company_ask(c, name).cause == ROLLCALL_ADMIT;
}

static void without_its_state_nobody_comes_in_until_listed_again_under_the_same_uid(void **state)
{
    struct company *c = *state;
    uid_t uids[10];

    assert_int_equal(company_listing(c), 0);
    for (size_t i = 0; i < 10; i++)
        uids[i] = company_uid(c, c->staff[i].name);
    lose_state(c);
    for (size_t i = 0; i < 10; i++)
        assert_false(comes_in(c, c->staff[i].name));
    // In another order: uids come from the ledger, not from who is first.
    for (size_t i = 0; i < 5; i++) {
        struct rollcall_user_record row = c->staff[i].row;
        c->staff[i].row = c->staff[9 - i].row;
        c->staff[9 - i].row = row;
    }
    assert_int_equal(company_listing(c), 0);
    for (size_t i = 0; i < 10; i++) {
        assert_true(comes_in(c, c->staff[i].name));
        assert_int_equal(company_uid(c, c->staff[i].name), uids[i]);
    }
}

static void a_state_that_cannot_be_read_is_set_aside_loudly(void **state)
{
    struct company *c = *state;
    int fd;

    assert_int_equal(company_listing(c), 0);
    company_kill(c);
    fd = open(c->paths.state_db, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "this is no database, but it is long enough", 42), 42);
    close(fd);
    company_forget(c);
    assert_int_equal(company_restart(c), 0);
    assert_int_equal(company_events(c, "state-lost"), 1);
    assert_int_equal(company_listing(c), 0);
    assert_true(comes_in(c, "p0"));
}

// What an upgrade finds. Were it set aside, nobody would come in until HR's next file.
static void a_state_of_the_version_before_is_brought_on_and_loses_nobody(void **state)
{
    struct company *c = *state;
    sqlite3 *db;

    assert_int_equal(company_listing(c), 0);
    company_kill(c);
    assert_int_equal(sqlite3_open(c->paths.state_db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, OF_VERSION_3, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    company_forget(c);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_int_equal(company_events(c, "state-lost"), 0);
    assert_true(comes_in(c, "p0"));
    c->staff[0].row.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_state(c, "p0"), ROLLCALL_STATE_TERMINATED);
    assert_true(comes_in(c, "p1"));
}

static void an_admins_lock_survives_the_loss_of_state(void **state)
{
    struct company *c = *state;

    assert_int_equal(company_listing(c), 0);
    lock(c, "p1", true);
    lose_state(c);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_LOCKED);
    assert_true(comes_in(c, "p2"));
    lock(c, "p1", false);
    assert_true(comes_in(c, "p1"));
}

static void an_admins_lock_of_a_leaver_survives_it_too(void **state)
{
    struct company *c = *state;

    assert_int_equal(company_listing(c), 0);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(company_listing(c), 0);
    lock(c, "p1", true);
    lose_state(c);
    c->staff[1].row.status = ROLLCALL_STATUS_ACTIVE;
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_LOCKED);
}

static void a_lock_that_was_lifted_does_not_come_back(void **state)
{
    struct company *c = *state;

    assert_int_equal(company_listing(c), 0);
    lock(c, "p1", true);
    lock(c, "p1", false);
    c->staff[2].row.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(company_listing(c), 0);
    lock(c, "p2", true);
    lock(c, "p2", false); // lifts the admin's word; the termination stands
    assert_int_equal(company_state(c, "p2"), ROLLCALL_STATE_TERMINATED);
    lose_state(c);
    assert_false(comes_in(c, "p2"));
    c->staff[2].row.status = ROLLCALL_STATUS_ACTIVE;
    assert_int_equal(company_listing(c), 0);
    assert_true(comes_in(c, "p1"));
    assert_true(comes_in(c, "p2"));
}

static void a_lost_journal_costs_no_lock_that_the_state_holds(void **state)
{
    struct company *c = *state;

    assert_int_equal(company_listing(c), 0);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(company_listing(c), 0);
    lock(c, "p2", true);
    company_kill(c);
    assert_int_equal(unlink(c->paths.journal), 0);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(company_state(c, "p2"), ROLLCALL_STATE_LOCKED);
    // and new locks are known again after the loss of the state
    lock(c, "p3", true);
    lose_state(c);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_state(c, "p3"), ROLLCALL_STATE_LOCKED);
}

static void without_a_readable_ledger_nothing_is_published(void **state)
{
    struct company *c = *state;
    int fd;

    assert_int_equal(company_listing(c), 0);
    company_kill(c);
    fd = open(c->paths.ledger, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "XXXXXXXX", 8, 0), 8);
    close(fd);
    assert_true(company_restart(c) < 0);
    assert_null(c->core);
    assert_int_equal(company_events(c, "ledger-unreadable"), 1);
}

static int count(void *ctx, const struct rollcall_journal_entry *entry)
{
    (void)entry;
    ++*(unsigned *)ctx;
    return 0;
}

static void the_journal_is_compacted_and_loses_no_lock_by_it(void **state)
{
    struct company *c = *state;
    struct rollcall_journal *j;
    unsigned standing = 0, damaged = 0;

    assert_int_equal(company_listing(c), 0);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(company_listing(c), 0);
    lock(c, "p1", true);
    lock(c, "p3", true);
    for (int i = 0; i < 2100; i++) {
        json_t *a = NULL, *b = NULL;
        assert_int_equal(engine_core_lock(c->core, "p2", "root", "test", c->now, &a), 0);
        assert_int_equal(engine_core_unlock(c->core, "p2", "root", c->now, &b), 0);
        json_decref(a);
        json_decref(b);
    }
    lock(c, "p4", true);
    company_kill(c);
    assert_int_equal(rollcall_journal_open(c->paths.journal, count, &standing, &damaged, &j), 0);
    assert_true(rollcall_journal_last(j) > 4200); // were written
    assert_true(standing < 4200);
    rollcall_journal_close(j);
    assert_int_equal(company_restart(c), 0);
    lose_state(c);
    c->staff[1].row.status = ROLLCALL_STATUS_ACTIVE;
    assert_int_equal(company_listing(c), 0);
    assert_true(comes_in(c, "p2"));
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(company_state(c, "p3"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(company_state(c, "p4"), ROLLCALL_STATE_LOCKED);
}

static void tighten(struct company *c, const char *name, enum rollcall_state to)
{
    char buf[ROLLCALL_ADMISSION_BUF];
    struct rollcall_admission a;
    struct rollcall_person p;
    struct rollcall_board *board;

    rollcall_admission_look_up(c->paths.board, c->paths.private_, name, 0, c->now, &a, &p, buf,
                               sizeof(buf));
    assert_int_equal(rollcall_board_open_tighten(c->paths.board, &board), 0);
    assert_int_equal(rollcall_board_tighten(board, p.slot, p.uid, to), 0);
    rollcall_board_close(board);
}

static void a_lock_made_while_no_engine_runs_stands_until_an_admin_lifts_it(void **state)
{
    struct company *c = *state;

    assert_int_equal(company_listing(c), 0);
    company_kill(c);
    tighten(c, "p1", ROLLCALL_STATE_LOCKED);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_int_equal(company_events(c, "locks-carried-over"), 1);
    assert_true(company_ends_sessions(c, "p1"));
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_LOCKED);
    lose_state(c);
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_LOCKED);
    lock(c, "p1", false);
    assert_true(comes_in(c, "p1"));
}

static void an_end_that_the_enforcer_noted_stands_until_hr_speaks_afresh(void **state)
{
    struct company *c = *state;

    assert_int_equal(company_listing(c), 0);
    company_kill(c);
    tighten(c, "p1", ROLLCALL_STATE_TERMINATED);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(company_listing(c), 0);
    assert_true(comes_in(c, "p1"));
}

// One listing with a leaver, a new colleague and one who is on leave, by an engine that
// is killed at its n-th step. False when it came to its end.
static bool killed_at(struct company *c, unsigned n)
{
    int status;
    pid_t pid;

    company_kill(c);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        c->phases = 0;
        c->die_at = n;
        _exit(company_restart(c) == 0 && company_listing(c) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0));
    return WEXITSTATUS(status) == 9;
}

static void a_held_batch_that_a_kill_interrupted_ends_no_session(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct company *c = company_open(100);
        bool killed;

        assert_int_equal(company_listing(c), 0);
        for (size_t i = 0; i < 60; i++)
            c->staff[i].row.terminated_at = c->now;
        killed = killed_at(c, n);
        assert_int_equal(company_restart(c), 0);
        company_wait(c, 60);
        assert_int_equal(engine_core_reconfigure(c->core, &c->config, c->now), 0);
        company_publish(c);
        for (size_t i = 0; i < 60; i++)
            assert_false(company_ends_sessions(c, c->staff[i].name));
        company_close(c);
        if (!killed)
            break;
    }
}

static void killed_between_any_two_steps_no_lock_and_no_id_is_lost(void **state)
{
    unsigned n, board_first = 0;

    (void)state;
    for (n = 1;; n++) {
        struct company *c = company_open(12);
        uid_t uids[12];
        bool killed, was_locked;

        c->staff[11].listed = false;
        assert_int_equal(company_listing(c), 0);
        for (size_t i = 0; i < 11; i++)
            uids[i] = company_uid(c, c->staff[i].name);
        c->staff[11].listed = true;
        c->staff[0].row.status = ROLLCALL_STATUS_TERMINATED;
        c->staff[1].row.status = ROLLCALL_STATUS_LEAVE;
        killed = killed_at(c, n);
        // What every reader sees while no engine runs.
        was_locked = !comes_in(c, "p0");
        board_first += was_locked && killed;
        for (size_t i = 2; i < 11; i++)
            assert_int_equal(company_uid(c, c->staff[i].name), uids[i]);
        assert_int_equal(company_restart(c), 0);
        company_publish(c);
        if (was_locked)
            assert_false(comes_in(c, "p0")); // a lock that fell stays, whoever was killed
        assert_int_equal(company_listing(c), 0);
        assert_int_equal(company_state(c, "p0"), ROLLCALL_STATE_TERMINATED);
        assert_int_equal(company_state(c, "p1"), ROLLCALL_STATE_SUSPENDED);
        for (size_t i = 2; i < 12; i++)
            assert_true(comes_in(c, c->staff[i].name));
        for (size_t i = 0; i < 11; i++)
            assert_int_equal(company_uid(c, c->staff[i].name), uids[i]);
        company_close(c);
        if (!killed)
            break;
    }
    assert_true(n > 5);           // there were steps to be killed at
    assert_true(board_first > 0); // and some of them after the lock fell
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            without_its_state_nobody_comes_in_until_listed_again_under_the_same_uid, company_setup,
            company_teardown),
        cmocka_unit_test_setup_teardown(a_state_that_cannot_be_read_is_set_aside_loudly,
                                        company_setup, company_teardown),
        cmocka_unit_test_setup_teardown(
            a_state_of_the_version_before_is_brought_on_and_loses_nobody, company_setup,
            company_teardown),
        cmocka_unit_test_setup_teardown(an_admins_lock_survives_the_loss_of_state, company_setup,
                                        company_teardown),
        cmocka_unit_test_setup_teardown(an_admins_lock_of_a_leaver_survives_it_too, company_setup,
                                        company_teardown),
        cmocka_unit_test_setup_teardown(a_lock_that_was_lifted_does_not_come_back, company_setup,
                                        company_teardown),
        cmocka_unit_test_setup_teardown(a_lost_journal_costs_no_lock_that_the_state_holds,
                                        company_setup, company_teardown),
        cmocka_unit_test_setup_teardown(without_a_readable_ledger_nothing_is_published,
                                        company_setup, company_teardown),
        cmocka_unit_test_setup_teardown(
            a_lock_made_while_no_engine_runs_stands_until_an_admin_lifts_it, company_setup,
            company_teardown),
        cmocka_unit_test_setup_teardown(
            an_end_that_the_enforcer_noted_stands_until_hr_speaks_afresh, company_setup,
            company_teardown),
        cmocka_unit_test(a_held_batch_that_a_kill_interrupted_ends_no_session),
        cmocka_unit_test(killed_between_any_two_steps_no_lock_and_no_id_is_lost),
        cmocka_unit_test_setup_teardown(the_journal_is_compacted_and_loses_no_lock_by_it,
                                        company_setup, company_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
