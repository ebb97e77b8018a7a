// SPDX-License-Identifier: BSD-2-Clause
// Each way in which a file can be broken, for each file of the cache: the module answers
// UNAVAIL, the readers of PAM and verifier refuse, authorized-keys has no keys; and
// rollcall_cache_fault says which file and why.
#include <errno.h>
#include <nss.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rollcall/admission.h"
#include "rollcall/cache.h"
#include "rollcall/cache_fault.h"
#include "rollcall/cache_map.h"
#include "tests/unit/broken_files.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/nss_symbols.h"
#include "tests/unit/scratch.h"

#define PEOPLE   8u
#define FOLDER   "state/cache/"
#define ACCOUNTS FOLDER "accounts"
#define BOARD    FOLDER "board"
#define PRIVATE  FOLDER "private"
#define DELTA    FOLDER "private" ROLLCALL_DELTA_SUFFIX
#define KEYS     FOLDER "keys"
#define NOW      2000 // within the lease of the fixture's board

static char build_folder[PATH_MAX];

static void write_good_files(void)
{
    assert_int_equal(fixture_accounts(ACCOUNTS, PEOPLE, 1, false), 0);
    assert_int_equal(fixture_private(PRIVATE, PEOPLE), 0);
    assert_int_equal(fixture_private(DELTA, 2), 0);
    assert_int_equal(fixture_keys(KEYS, PEOPLE), 0);
    assert_int_equal(fixture_board(BOARD, PEOPLE, 1, NULL), 0);
}

static int prepare(void **state)
{
    (void)state;
    load_module(build_folder);
    scratch_enter_state();
    return 0;
}

// ---- what readers make of the cache as it stands ----

static enum nss_status module_says(const char *name)
{
    __typeof__(&_nss_rollcall_getpwnam_r) look_up = load_fresh_module(build_folder);
    struct passwd pw;
    char buf[1024];
    int err = 42;
    enum nss_status s = look_up(name, &pw, buf, sizeof(buf), &err);

    assert_int_equal(err, s == NSS_STATUS_SUCCESS ? 42 : ENOENT);
    return s;
}

static enum rollcall_admission_cause pam_says(const char *name)
{
    struct rollcall_admission a;

    rollcall_admission_look_up(BOARD, PRIVATE, name, 0, NOW, &a, NULL, NULL, 0);
    return a.cause;
}

static int keys_say(void)
{
    struct rollcall_keys *k = NULL;
    int r = rollcall_keys_open(KEYS, &k);

    rollcall_keys_close(k);
    return r;
}

static void all_is_well(void)
{
    static const char *const paths[] = {ACCOUNTS, PRIVATE, KEYS, BOARD};
    char why[ROLLCALL_CACHE_FAULT_MAX] = "untouched";

    assert_int_equal(module_says("p4"), NSS_STATUS_SUCCESS);
    assert_int_equal(pam_says("p4"), ROLLCALL_ADMIT);
    assert_int_equal(keys_say(), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            rollcall_cache_fault(paths[i], (enum rollcall_cache_file)i, why, sizeof(why)), 0);
    assert_string_equal(why, "untouched");
}

// ---- one broken file ----

static void says_why(const char *path, enum rollcall_cache_file kind, const struct broken_file *b)
{
    char why[ROLLCALL_CACHE_FAULT_MAX] = "";

    assert_true(rollcall_cache_fault(path, kind, why, sizeof(why)) < 0);
    if (!strstr(why, b->why))
        fail_msg("%s, %s: \"%s\" is said, and not \"%s\"", path, b->test, why, b->why);
}

static void break_accounts(const struct broken_file *b)
{
    b->make(ACCOUNTS, PRIVATE);
    says_why(ACCOUNTS, ROLLCALL_CACHE_ACCOUNTS, b);
    assert_int_equal(module_says("p4"), NSS_STATUS_UNAVAIL);
    assert_int_equal(module_says("nobody-here"), NSS_STATUS_UNAVAIL);
    assert_int_equal(pam_says("p4"), ROLLCALL_ADMIT); // who names people does not let them in
}

static void break_board(const struct broken_file *b)
{
    struct rollcall_board *board = NULL;

    b->make(BOARD, ACCOUNTS);
    says_why(BOARD, ROLLCALL_CACHE_BOARD, b);
    assert_int_equal(module_says("p4"), NSS_STATUS_UNAVAIL);
    assert_int_equal(pam_says("p4"), ROLLCALL_REFUSE_NO_CACHE);
    assert_true(rollcall_board_open(BOARD, &board) < 0);
    assert_true(rollcall_board_open_tighten(BOARD, &board) < 0);
}

static void break_private(const struct broken_file *b)
{
    b->make(PRIVATE, ACCOUNTS);
    says_why(PRIVATE, ROLLCALL_CACHE_PRIVATE, b);
    assert_int_equal(pam_says("p4"), ROLLCALL_REFUSE_NO_CACHE);
    assert_int_equal(module_says("p4"), NSS_STATUS_SUCCESS);
}

static void break_delta(const struct broken_file *b)
{
    b->make(DELTA, ACCOUNTS);
    says_why(DELTA, ROLLCALL_CACHE_PRIVATE, b);
    // None is as good as an empty one; one that cannot be used hides what is new.
    assert_int_equal(pam_says("p4"), strcmp(b->test, "an_absent_file_is_absent") == 0
                                         ? ROLLCALL_ADMIT
                                         : ROLLCALL_REFUSE_NO_CACHE);
}

static void break_keys(const struct broken_file *b)
{
    b->make(KEYS, ACCOUNTS);
    says_why(KEYS, ROLLCALL_CACHE_KEYS, b);
    assert_true(keys_say() < 0);
    assert_int_equal(module_says("p4"), NSS_STATUS_SUCCESS);
    assert_int_equal(pam_says("p4"), ROLLCALL_ADMIT);
}

static void whatever_file_it_is(void **state)
{
    static void (*const each[])(const struct broken_file *b) = {
        break_accounts, break_board, break_private, break_delta, break_keys};
    const struct broken_file *b = *state;

    if (b->root_only && geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        write_good_files();
        all_is_well();
        each[i](b);
        scratch_clear(FOLDER);
    }
}

// ---- a copy of a board ----

static void a_board_that_was_copied_in_its_place_is_not_trusted(void **state)
{
    char why[ROLLCALL_CACHE_FAULT_MAX] = "";
    unsigned char *data;
    size_t len;

    (void)state;
    write_good_files();
    data = scratch_read(BOARD, &len);
    // As a backup is restored: the same bytes, owner and mode in another inode.
    scratch_write(BOARD ".restored", data, len);
    assert_int_equal(rename(BOARD ".restored", BOARD), 0);
    assert_int_equal(module_says("p4"), NSS_STATUS_UNAVAIL);
    assert_int_equal(pam_says("p4"), ROLLCALL_REFUSE_NO_CACHE);
    assert_int_equal(rollcall_cache_fault(BOARD, ROLLCALL_CACHE_BOARD, why, sizeof(why)), -EBADMSG);
    assert_non_null(strstr(why, "is a copy of a board"));
    free(data);
    scratch_clear(FOLDER);
}

// The others may be copies: whether somebody comes in stands on the board.
static void the_other_files_may_be_copies(void **state)
{
    static const char *const paths[] = {ACCOUNTS, PRIVATE, KEYS};

    (void)state;
    write_good_files();
    for (int i = 0; i < 3; i++) {
        size_t len;
        unsigned char *data = scratch_read(paths[i], &len);
        scratch_write(FOLDER "restored", data, len);
        assert_int_equal(rename(FOLDER "restored", paths[i]), 0);
        free(data);
    }
    all_is_well();
    scratch_clear(FOLDER);
}

int main(void)
{
    struct CMUnitTest tests[BROKEN_FILES + 2] = {
        cmocka_unit_test(a_board_that_was_copied_in_its_place_is_not_trusted),
        cmocka_unit_test(the_other_files_may_be_copies),
    };

    for (int i = 0; i < BROKEN_FILES; i++)
        tests[i + 2] = (struct CMUnitTest){.name = broken_files[i].test,
                                           .test_func = whatever_file_it_is,
                                           .initial_state = (void *)(uintptr_t)&broken_files[i]};
    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
