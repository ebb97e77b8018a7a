// SPDX-License-Identifier: BSD-2-Clause
// Runs nss_races, which is built for ThreadSanitizer and cannot be a test of cmocka's.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/built.h"

#define REPORTED 66 // the sanitizer's exit status

static char program[PATH_MAX + 64];

static int status_of(const char *what, bool quietly)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        // The sanitizer's memory has fixed places, which a layout at random may have taken.
        (void)personality(ADDR_NO_RANDOMIZE);
        setenv("TSAN_OPTIONS", "exitcode=66:halt_on_error=0", 1);
        if (quietly && !freopen("/dev/null", "w", stderr))
            _exit(3);
        execl(program, program, what, (char *)NULL);
        _exit(4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_sanitizer_sees_a_race(void **state)
{
    (void)state;
    assert_int_equal(status_of("planted", true), REPORTED);
}

static void threads_that_look_up_do_not_race_with_each_other_nor_with_the_writer(void **state)
{
    (void)state;
    assert_int_equal(status_of("5", false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sanitizer_sees_a_race),
        cmocka_unit_test(threads_that_look_up_do_not_race_with_each_other_nor_with_the_writer),
    };
    char build[PATH_MAX];

    built_folder(build);
    snprintf(program, sizeof(program), "%s/tests/tsan/nss_races", build);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
