// SPDX-License-Identifier: BSD-2-Clause
// Starting a source: for the launcher, and for `rollcall source run`, which must start it in
// no other way.
#include "syncd/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

int syncd_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    struct passwd pw, *found;
    char buf[8192];

    while (f && fgetpwent_r(f, &pw, buf, sizeof(buf), &found) == 0) {
        if (strcmp(pw.pw_name, name) != 0)
            continue;
        *ret_uid = pw.pw_uid;
        *ret_gid = pw.pw_gid;
        return 0;
    }
    return -ENOENT;
}

int syncd_ids_read(struct syncd_ids *ret)
{
    uid_t ignored;

    if (syncd_user(ROLLCALL_USER_ENGINE, &ret->engine_uid, &ret->engine_gid) < 0 ||
        syncd_user(ROLLCALL_USER_SOURCE, &ret->source_uid, &ret->source_gid) < 0 ||
        syncd_user(ROLLCALL_USER_VERIFIER, &ignored, &ret->verifier_gid) < 0 ||
        syncd_user(ROLLCALL_USER_KEYS, &ignored, &ret->keys_gid) < 0)
        return -ENOENT;
    return 0;
}

static void close_pipes(int p[3][2])
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            if (p[i][k] >= 0)
                close(p[i][k]);
}

int source_spawn(const struct rollcall_source_config *source, const struct syncd_ids *ids,
                 int ret[3], pid_t *ret_pid)
{
    int p[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t pid;

    for (int i = 0; i < 3; i++)
        if (pipe2(p[i], O_CLOEXEC) < 0) {
            close_pipes(p);
            return -errno;
        }
    pid = fork();
    if (pid < 0) {
        int r = -errno;
        close_pipes(p);
        return r;
    }
    if (pid == 0)
        confine_and_exec(source, ids, p[0][0], p[1][1], p[2][1]);
    *ret_pid = pid;
    ret[0] = p[0][1];
    ret[1] = p[1][0];
    ret[2] = p[2][0];
    close(p[0][0]);
    close(p[1][1]);
    close(p[2][1]);
    return 0;
}
