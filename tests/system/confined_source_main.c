// SPDX-License-Identifier: BSD-2-Clause
// confined_source TYPE [OPTION=PATH...]: becomes rollcall-source-TYPE as the launcher starts it:
// its user, its walls, its files, with our standard input and output for its pipes.
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/paths.h"
#include "syncd/launcher.h"

// No section here names a user.
int syncd_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    (void)name;
    (void)ret_uid;
    (void)ret_gid;
    return -ENOENT;
}

static int take_file(struct rollcall_source_config *source, char *option)
{
    char *path = strchr(option, '=');

    if (!path)
        return -EINVAL;
    *path++ = 0;
    for (int i = 0; i < ROLLCALL_SOURCE_FILES; i++)
        if (strcmp(rollcall_source_file_option((enum rollcall_source_file)i), option) == 0) {
            source->file[i] = path;
            return 0;
        }
    return -EINVAL;
}

int main(int argc, char **argv)
{
    struct rollcall_source_config source = {0};
    struct syncd_ids ids = {0};
    struct passwd pw, *user = NULL;
    char buf[4096];

    if (getpwnam_r(ROLLCALL_USER_SOURCE, &pw, buf, sizeof(buf), &user) != 0)
        user = NULL;
    source.type = argc > 1 ? argv[1] : NULL;
    for (int i = 2; i < argc; i++)
        if (take_file(&source, argv[i]) < 0)
            source.type = NULL;
    if (!source.type || !user) {
        fputs("usage: confined_source TYPE [OPTION=PATH...]\n", stderr);
        return 2;
    }
    ids.source_uid = user->pw_uid;
    ids.source_gid = user->pw_gid;
    confine_and_exec(&source, &ids, 0, 1, 2);
}
