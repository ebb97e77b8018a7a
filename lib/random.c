// SPDX-License-Identifier: BSD-2-Clause
#include "rollcall/random.h"

#include <errno.h>
#include <sys/random.h>

int rollcall_random(void *ret, size_t len)
{
    unsigned char *at = ret;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -EIO;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}
