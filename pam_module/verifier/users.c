// SPDX-License-Identifier: BSD-2-Clause
// Users of our own, from the local file.
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"

int privilege_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    struct passwd pw;
    char buf[8192];

    while (f && rollcall_local_user_next(f, &pw, buf, sizeof(buf))) {
        if (strcmp(pw.pw_name, name) != 0)
            continue;
        *ret_uid = pw.pw_uid;
        *ret_gid = pw.pw_gid;
        return *ret_uid == 0 ? -EPERM : 0;
    }
    return -ENOENT;
}
