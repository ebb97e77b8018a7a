// SPDX-License-Identifier: BSD-2-Clause
// What a process may do to itself once. After cmocka.h.
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

// `what` returns 0, or the number of the first thing that was not so.
static inline void in_a_child(int (*what)(void))
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(what());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#endif
