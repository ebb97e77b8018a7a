// SPDX-License-Identifier: BSD-2-Clause
// Files: opened without following links, read with a bound, replaced whole.
#include "rollcall/safeio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "rollcall/cleanup.h"

int rollcall_open(const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode);

    return fd < 0 ? -errno : fd;
}

int rollcall_read_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
    _cleanup_close_ int fd = rollcall_open(path, O_RDONLY | O_NONBLOCK, 0);
    _cleanup_free_ char *buf = NULL;
    struct stat st;
    size_t got = 0, room;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return -EFBIG;
    // Room for one byte beyond what is allowed, so that it shows, and for the NUL.
    room = max < (size_t)st.st_size + 4096 ? max + 1 : (size_t)st.st_size + 4096;
    buf = malloc(room + 1);
    if (!buf)
        return -ENOMEM;
    for (;;) {
        ssize_t n = read(fd, buf + got, room - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
        if (got == room)
            return -EFBIG; // it grew under us beyond what was announced
    }
    buf[got] = 0;
    *ret = ROLLCALL_TAKE(buf);
    *ret_len = got;
    return 0;
}

int rollcall_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int rollcall_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 1;
    _cleanup_close_ int fd = -1;

    if (len >= sizeof(folder))
        return -ENAMETOOLONG;
    memcpy(folder, slash ? path : ".", len);
    folder[len] = 0;
    fd = rollcall_open(len ? folder : "/", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    return fsync(fd) < 0 ? -errno : 0;
}

int rollcall_put_in_place(const char *tmp, int fd, const char *path, int r)
{
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && rename(tmp, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(tmp);
        return r;
    }
    return rollcall_sync_folder(path);
}

int rollcall_replace_file(const char *path, const void *data, size_t len, mode_t mode)
{
    return rollcall_replace_file_as(path, data, len, mode, (uid_t)-1, (gid_t)-1);
}

int rollcall_replace_file_as(const char *path, const void *data, size_t len, mode_t mode, uid_t uid,
                             gid_t gid)
{
    char tmp[PATH_MAX];
    _cleanup_close_ int fd = -1;
    int r;

    if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
        return -ENAMETOOLONG;
    if (unlink(tmp) < 0 && errno != ENOENT)
        return -errno;
    fd = rollcall_open(tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd < 0)
        return fd;
    r = rollcall_write_all(fd, data, len);
    // Before the mode: a change of owner takes some of its bits away.
    if (r == 0 && fchown(fd, uid, gid) < 0)
        r = -errno;
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    return rollcall_put_in_place(tmp, fd, path, r);
}
