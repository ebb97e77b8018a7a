// SPDX-License-Identifier: BSD-2-Clause
// The emergency account in the local file: NSS would ask our own module.
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/breakglass.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"
#include "rollcall/paths.h"

int rollcall_breakglass_local_uid(const char *name, uint32_t *ret)
{
    _cleanup_fclose_ FILE *f = fopen(ROLLCALL_PASSWD_FILE, "re");
    struct passwd pw;
    char buf[16384];

    if (!f)
        return -errno;
    while (rollcall_local_user_next(f, &pw, buf, sizeof(buf)))
        if (strcmp(pw.pw_name, name) == 0) {
            *ret = pw.pw_uid;
            return 0;
        }
    return -ENOENT;
}
