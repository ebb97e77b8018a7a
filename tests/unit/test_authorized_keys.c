// SPDX-License-Identifier: BSD-2-Clause
// sshd's AuthorizedKeysCommand over a cache in the test's folder: keys for who is let in,
// silence and success for everybody else.
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/built.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

#define PEOPLE 6u
#define BOARD  "state/cache/board"
#define KEYS   "state/cache/keys"

static char command[PATH_MAX + 64];
static struct rollcall_board_writer *board;

static int prepare(void **state)
{
    char build[PATH_MAX];

    (void)state;
    built_folder(build);
    snprintf(command, sizeof(command), "%s/tests/keys/rollcall-authorized-keys", build);
    scratch_enter_state();
    return 0;
}

static int fresh(void **state)
{
    struct rollcall_lease lease = {.as_of = time(NULL) - 60, .length = 3600, .source = "hr"};

    (void)state;
    board = rollcall_board_writer_close(board);
    assert_int_equal(fixture_keys(KEYS, PEOPLE), 0);
    assert_int_equal(fixture_board(BOARD, PEOPLE, 1, &board), 0);
    return rollcall_board_set_lease(board, 0, &lease);
}

// How many keys it prints for a name. It always exits 0.
static int keys_of(const char *name)
{
    char *argv[] = {command, strdup(name), NULL};
    char *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    unsigned char *out;
    int status, keys = 0;
    size_t len;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(posix_spawn(&pid, command, &actions, NULL, argv, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    out = scratch_read("out", &len);
    for (size_t i = 0; i < len; i++)
        keys += out[i] == '\n';
    assert_true(len == 0 || strncmp((const char *)out, "ssh-ed25519 ", 12) == 0);
    free(out);
    free(argv[1]);
    return keys;
}

static void an_employee_has_the_keys_of_the_directory(void **state)
{
    (void)state;
    assert_int_equal(keys_of("p1"), 1);
    assert_int_equal(keys_of("p2"), 2);
    assert_int_equal(keys_of("p3"), 0);
}

static void nobody_else_has_any(void **state)
{
    static const char *const names[] = {"root",
                                        "nobody",
                                        "p99",
                                        "",
                                        "p",
                                        "../p1",
                                        "a-name-that-is-longer-than-any-name-may-ever-be"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(keys_of(names[i]), 0);
}

static void who_is_refused_has_none(void **state)
{
    struct rollcall_word word = {.state = ROLLCALL_STATE_LOCKED,
                                 .flags = ROLLCALL_FLAG_ALLOWED_HERE,
                                 .uid = FIXTURE_FIRST + 1};

    (void)state;
    rollcall_board_store(board, 1, &word);
    assert_int_equal(keys_of("p1"), 0);
    assert_int_equal(keys_of("p2"), 2);
    word.state = ROLLCALL_STATE_ACTIVE;
    word.flags = 0; // in no group of this host
    rollcall_board_store(board, 1, &word);
    assert_int_equal(keys_of("p1"), 0);
    word.flags = ROLLCALL_FLAG_ALLOWED_HERE;
    rollcall_board_store(board, 1, &word);
    assert_int_equal(keys_of("p1"), 1);
}

static void a_lease_that_is_over_or_a_clock_that_is_behind_has_none(void **state)
{
    struct rollcall_lease lease = {.as_of = time(NULL) - 7200, .length = 3600, .source = "hr"};

    (void)state;
    rollcall_board_set_lease(board, 0, &lease);
    assert_int_equal(keys_of("p1"), 0);
    lease.extended = time(NULL) + 3600;
    rollcall_board_set_lease(board, 0, &lease);
    assert_int_equal(keys_of("p1"), 1);
    rollcall_board_set_clock_mark(board, time(NULL) + 3600);
    assert_int_equal(keys_of("p1"), 0);
}

static void a_cache_that_is_absent_or_of_another_ledger_has_none(void **state)
{
    static const uint8_t another[16] = "not that ledger";
    unsigned char *data;
    size_t len;

    (void)state;
    assert_int_equal(unlink(BOARD), 0);
    assert_int_equal(keys_of("p1"), 0);
    fresh(NULL);
    data = scratch_read(KEYS, &len);
    scratch_write(KEYS, data, len / 2);
    assert_int_equal(keys_of("p1"), 0);
    free(data);
    fresh(NULL);
    assert_int_equal(fixture_keys_of(KEYS, PEOPLE, another), 0);
    assert_int_equal(keys_of("p1"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_employee_has_the_keys_of_the_directory, fresh),
        cmocka_unit_test_setup(nobody_else_has_any, fresh),
        cmocka_unit_test_setup(who_is_refused_has_none, fresh),
        cmocka_unit_test_setup(a_lease_that_is_over_or_a_clock_that_is_behind_has_none, fresh),
        cmocka_unit_test_setup(a_cache_that_is_absent_or_of_another_ledger_has_none, fresh),
    };

    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
