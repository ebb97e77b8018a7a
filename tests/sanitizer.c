// SPDX-License-Identifier: BSD-2-Clause
// Linked into programs when SANITIZE=1. The leak check stops its process from outside,
// which a program that is not dumpable forbids, as those that hold secrets do: there it
// would end every run in an error of its own.
#include <sys/prctl.h>

int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return prctl(PR_GET_DUMPABLE) != 1;
}
