// SPDX-License-Identifier: BSD-2-Clause
// Files of a source that root reads. A source gets their bytes, never a path: it may run
// as a user that can open none of them, and what it holds is what it was started with.
#include "syncd/source_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define FILE_MAX (1024 * 1024)

static bool is_secret(int file)
{
    return file != ROLLCALL_FILE_CA && file != ROLLCALL_FILE_CERT;
}

static int read_bytes(int fd, size_t size, char **ret, size_t *ret_len)
{
    char *bytes = malloc(size + 1);
    size_t len = 0;
    ssize_t n = 1;

    while (bytes && len < size && n > 0) {
        n = read(fd, bytes + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (!bytes || n < 0) {
        free(bytes);
        return bytes ? -EIO : -ENOMEM;
    }
    *ret = bytes;
    *ret_len = len;
    return 0;
}

static int read_one(const char *path, bool secret, char **ret, size_t *ret_len,
                    const char **ret_why)
{
    _cleanup_close_ int fd = rollcall_open(path, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;

    if (fd < 0) {
        *ret_why = fd == -ELOOP ? "is a symbolic link; name the file itself" : strerror(-fd);
        return fd;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *ret_why = "is no regular file";
        return -EINVAL;
    }
    if (secret && (st.st_uid != 0 || (st.st_mode & 077))) {
        *ret_why = "is a secret, and others than root can read it; chown root, chmod 600";
        return -EPERM;
    }
    if (st.st_size > FILE_MAX) {
        *ret_why = "is larger than 1 MiB";
        return -EFBIG;
    }
    *ret_why = "cannot be read";
    return read_bytes(fd, (size_t)st.st_size, ret, ret_len);
}

// Where systemd put a credential for rollcall-syncd.service; by hand (rollcall source run) there
// is no environment, and root can read the unit's own folder.
static int credential_path(const char *name, char *path, size_t len, const char **ret_why)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (!folder)
        folder = "/run/credentials/rollcall-syncd.service";
    if (strchr(name, '/') || *name == '.') { // the configuration refuses it; root reads here
        *ret_why = "is a path, not a credential's name";
        return -EINVAL;
    }
    if ((size_t)snprintf(path, len, "%s/%s", folder, name) >= len) {
        *ret_why = "is too long";
        return -ENAMETOOLONG;
    }
    return 0;
}

static int read_file(int which, const char *name, char **ret, size_t *ret_len, const char **ret_why)
{
    char path[PATH_MAX];
    int r;

    if (which != ROLLCALL_FILE_CREDENTIAL)
        return read_one(name, is_secret(which), ret, ret_len, ret_why);
    r = credential_path(name, path, sizeof(path), ret_why);
    return r < 0 ? r : read_one(path, true, ret, ret_len, ret_why);
}

int source_files_read(const struct rollcall_source_config *source, struct source_files *ret,
                      char *why, size_t why_len)
{
    const char *cause = "";

    *ret = (struct source_files){0};
    for (int i = 0; i < ROLLCALL_SOURCE_FILES; i++) {
        int r = source->file[i]
                    ? read_file(i, source->file[i], &ret->file[i].bytes, &ret->file[i].len, &cause)
                    : 0;
        if (r < 0) {
            snprintf(why, why_len, "%s %s: %s", rollcall_source_file_option(i), source->file[i],
                     cause);
            return r;
        }
    }
    return 0;
}

// A sealed file in memory that can be opened by path too: TLS libraries want paths.
static int place_one(char *bytes, size_t len, int at)
{
    _cleanup_close_ int fd = memfd_create("rollcall-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = fd < 0 ? -errno : rollcall_write_all(fd, bytes, len);

    explicit_bzero(bytes, len);
    free(bytes);
    if (r < 0)
        return r;
    if (fchmod(fd, 0400) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return -errno;
    return dup2(fd, at) < 0 ? -errno : 0; // without O_CLOEXEC
}

int source_files_place(struct source_files *files)
{
    int holder, r = 0;

    // Every place is taken, so that no file in work has a number that another is to have.
    do
        holder = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (holder >= 0 && holder < ROLLCALL_SOURCE_FILES_FD + ROLLCALL_SOURCE_FILES);
    if (holder < 0)
        return -errno;
    for (int i = 0; r == 0 && i < ROLLCALL_SOURCE_FILES; i++) {
        int at = ROLLCALL_SOURCE_FILES_FD + i;
        if (!files->file[i].bytes)
            continue; // /dev/null stands there, and goes at exec
        r = place_one(files->file[i].bytes, files->file[i].len, at);
        files->file[i].bytes = NULL;
    }
    close_range(ROLLCALL_SOURCE_FILES_FD + ROLLCALL_SOURCE_FILES, ~0u, 0);
    return r;
}
