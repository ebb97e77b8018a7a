// SPDX-License-Identifier: BSD-2-Clause
#include "rollcall/local_users.h"

#include <errno.h>

bool rollcall_local_user_next(FILE *f, struct passwd *ret, char *buf, size_t len)
{
    struct passwd *found;
    int r, c;

    *ret = (struct passwd){0};
    // glibc gives a line that had no room again and again.
    while ((r = fgetpwent_r(f, ret, buf, len, &found)) == ERANGE)
        while ((c = getc(f)) != '\n')
            if (c == EOF)
                return false;
    return r == 0;
}
