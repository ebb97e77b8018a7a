// SPDX-License-Identifier: BSD-2-Clause
// Where a test and what it tests were built.
#ifndef TESTS_BUILT_H
#define TESTS_BUILT_H

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The folder that everything was built in; this program is in its folder "tests".
static inline void built_folder(char ret[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

    if (n <= 0)
        abort();
    ret[n] = 0;
    for (int i = 0; i < 2; i++)
        *strrchr(ret, '/') = 0;
}

#endif
