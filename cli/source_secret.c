// SPDX-License-Identifier: BSD-2-Clause
// A secret that somebody types, into a file of root's.
#include "cli/source_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/silent.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define SECRET_MAX 4096

static int make_folder(const char *path)
{
    char folder[PATH_MAX];

    if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
        return -ENAMETOOLONG;
    return mkdir(dirname(folder), 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int put(const char *path, const char *secret, size_t len)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return -errno;
    r = rollcall_write_all(fd, secret, len);
    if (r == 0)
        r = rollcall_write_all(fd, "\n", 1);
    if (r == 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0))
        r = -errno;
    if (r < 0)
        unlink(path);
    return r;
}

int source_secret_ask(const char *prompt, const char *path)
{
    char secret[SECRET_MAX] = "";
    int r = access(path, F_OK) == 0 ? -EEXIST : 0;

    if (r == 0)
        r = cli_ask_silently(prompt, secret, sizeof(secret));
    if (r == 0 && !*secret)
        r = -ECANCELED;
    if (r == 0)
        r = make_folder(path);
    if (r == 0)
        r = put(path, secret, strlen(secret));
    explicit_bzero(secret, sizeof(secret));
    return r;
}
