// SPDX-License-Identifier: BSD-2-Clause
// What a program can no longer do, each asked in a process of its own.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/confinement.h"
#include "tests/unit/child.h"
#include "tests/unit/scratch.h"

static int open_errno(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int make_errno(int r)
{
    return r < 0 ? errno : 0;
}

static int files_confined(void)
{
    int ruleset = confinement_files();

    confinement_allow(ruleset, "kept", CONFINEMENT_READ);
    confinement_allow(ruleset, "file", CONFINEMENT_READ);
    confinement_allow(ruleset, "not-there", CONFINEMENT_READ);
    if (confinement_keep_down() < 0)
        return 1;
    confinement_files_close(ruleset);
    if (open_errno("kept", O_RDONLY | O_DIRECTORY) != 0 || open_errno("kept/one", O_RDONLY) != 0)
        return 2;
    if (open_errno("file", O_RDONLY) != 0)
        return 3;
    if (open_errno("other", O_RDONLY) != EACCES || open_errno(".", O_RDONLY) != EACCES)
        return 4;
    if (open_errno("kept/one", O_WRONLY) != EACCES ||
        open_errno("kept/new", O_WRONLY | O_CREAT) != EACCES)
        return 5;
    if (make_errno(mkdir("kept/d", 0700)) != EACCES ||
        make_errno(mkfifo("kept/f", 0600)) != EACCES ||
        make_errno(symlink("one", "kept/l")) != EACCES)
        return 6;
    if (make_errno(unlink("kept/one")) != EACCES || make_errno(rmdir("empty")) != EACCES)
        return 7;
    return make_errno(execl("kept/one", "one", (char *)NULL)) == EACCES ? 0 : 8;
}

static void nothing_of_the_disk_is_left_but_what_was_allowed(void **state)
{
    int ruleset = confinement_files();

    (void)state;
    if (ruleset < 0) {
        print_message("this kernel has no Landlock\n");
        skip();
    }
    close(ruleset);
    in_a_child(files_confined);
}

static int calls_confined(void)
{
    const int refused[] = {SCMP_SYS(kill), SCMP_SYS(chmod)};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    if (confinement_keep_down() < 0 ||
        confinement_calls_close(ctx, confinement_refuse(ctx, refused, 2)) < 0)
        return 1;
    if (make_errno(kill(getpid(), 0)) != EPERM || make_errno(chmod("file", 0600)) != EPERM)
        return 2;
    return access("file", R_OK) == 0 ? 0 : 3;
}

static void calls_that_are_given_up_fail_and_the_others_do_not(void **state)
{
    (void)state;
    in_a_child(calls_confined);
}

static void without_memory_for_a_filter_nothing_is_said_to_be_confined(void **state)
{
    const int refused[] = {SCMP_SYS(kill)};

    (void)state;
    assert_int_equal(confinement_refuse(NULL, refused, 1), -ENOMEM);
    assert_int_equal(confinement_calls_close(NULL, -ENOMEM), -ENOMEM);
}

static int kept_down(void)
{
    struct rlimit core, files;

    confinement_limit(RLIMIT_NOFILE, 17);
    if (confinement_keep_down() < 0 || getrlimit(RLIMIT_CORE, &core) < 0 ||
        getrlimit(RLIMIT_NOFILE, &files) < 0)
        return 1;
    if (core.rlim_cur != 0 || core.rlim_max != 0)
        return 2;
    if (files.rlim_cur != 17 || files.rlim_max != 17)
        return 3;
    return prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static void limits_are_hard_and_nobody_reads_the_memory(void **state)
{
    (void)state;
    in_a_child(kept_down);
}

static int prepare(void **state)
{
    (void)state;
    scratch_enter();
    assert_int_equal(mkdir("kept", 0700), 0);
    assert_int_equal(mkdir("empty", 0700), 0);
    assert_int_equal(open_errno("file", O_WRONLY | O_CREAT), 0);
    assert_int_equal(open_errno("other", O_WRONLY | O_CREAT), 0);
    assert_int_equal(open_errno("kept/one", O_WRONLY | O_CREAT), 0);
    assert_int_equal(chmod("kept/one", 0700), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_disk_is_left_but_what_was_allowed),
        cmocka_unit_test(calls_that_are_given_up_fail_and_the_others_do_not),
        cmocka_unit_test(without_memory_for_a_filter_nothing_is_said_to_be_confined),
        cmocka_unit_test(limits_are_hard_and_nobody_reads_the_memory),
    };

    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
