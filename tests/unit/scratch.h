// SPDX-License-Identifier: BSD-2-Clause
// A folder that a test may fill, and files read, written and cut whole.
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH "/rollcall-test-"

// A new folder in `top`. The text is the caller's to free.
static inline char *scratch_make(const char *top)
{
    char *path = NULL;

    if (asprintf(&path, "%s" SCRATCH "XXXXXX", top) < 0 || !mkdtemp(path))
        abort();
    return path;
}

// A new folder in $TMPDIR or /tmp, and the process in it: tests use short names.
static inline void scratch_enter(void)
{
    const char *top = getenv("TMPDIR");
    char *path = scratch_make(top ? top : "/tmp");

    if (chdir(path) < 0)
        abort();
    free(path);
}

// As cmocka's setup; scratch_leave is the teardown.
static inline int scratch_setup(void **state)
{
    (void)state;
    scratch_enter();
    return 0;
}

// A folder like it, with the folders in which the modules under test look for the cache.
static inline void scratch_enter_state(void)
{
    scratch_enter();
    if (mkdir("state", 0755) < 0 || mkdir("state/cache", 0755) < 0)
        abort();
}

// Where a disk would be waited for; in memory, where there is some.
static inline const char *scratch_memory(void)
{
    const char *top = getenv("TMPDIR");

    return top ? top : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int scratch_leave(void **state)
{
    char here[4096];

    (void)state;
    if (!getcwd(here, sizeof(here)) || chdir("/") < 0)
        return -1;
    // A test whose preparation failed before it entered is where it was started: in the
    // tree that it was built from.
    if (!strstr(here, SCRATCH))
        return -1;
    return nftw(here, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}

// Empties a folder, and makes it again.
static inline void scratch_clear(const char *folder)
{
    if (nftw(folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS) != 0 || mkdir(folder, 0755) < 0)
        abort();
}

static inline unsigned char *scratch_read(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    unsigned char *data;

    if (!f || fstat(fileno(f), &st) < 0 || !(data = malloc((size_t)st.st_size + 1)) ||
        fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        abort();
    fclose(f);
    *ret_len = (size_t)st.st_size;
    return data;
}

// In place, so that the inode stays: a board knows its own.
static inline void scratch_write(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0 || ftruncate(fd, 0) < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    close(fd);
}

#endif
