// SPDX-License-Identifier: BSD-2-Clause
// Stands in front of libc's functions. An executable's own definitions come first for its
// libraries too, so SQLite's calls come by here.
#undef _FORTIFY_SOURCE // its inline functions have the names that are defined here
#include "tests/torture/recorder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAPS 16

static struct {
    bool on;
    char root[PATH_MAX];
    ino_t folder[2];
    struct recording r;
    bool *gone; // of each file: it has no name any more, and its number may come again
    // Mapped files that may be stored into, and what they held when last looked at.
    struct {
        unsigned char *at, *seen;
        size_t len;
        int file;
    } map[MAPS];
} rec;

static const char *const folders[2] = {"state", "cache"};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct op *add(enum op_kind kind, int file)
{
    struct recording *r = &rec.r;

    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 1024;
        r->op = must(reallocarray(r->op, r->room, sizeof(*r->op)));
    }
    r->op[r->n] = (struct op){.kind = kind, .file = file};
    return &r->op[r->n++];
}

static void add_data(enum op_kind kind, int file, uint64_t at, const void *data, size_t len)
{
    struct op *op = add(kind, file);

    op->at = at;
    op->len = len;
    if (len == 0)
        return;
    op->data = must(malloc(len));
    memcpy(op->data, data, len);
}

static int file_of(ino_t ino)
{
    for (int i = rec.r.files - 1; i >= 0; i--)
        if (rec.r.ino[i] == ino && !rec.gone[i])
            return i;
    return -1;
}

static void about_to_go(const char *path)
{
    struct stat st;
    int file;

    if (lstat(path, &st) == 0 && st.st_nlink == 1 && (file = file_of(st.st_ino)) >= 0)
        rec.gone[file] = true;
}

static int new_file(ino_t ino)
{
    rec.r.ino = must(reallocarray(rec.r.ino, (size_t)rec.r.files + 1, sizeof(ino_t)));
    rec.gone = must(reallocarray(rec.gone, (size_t)rec.r.files + 1, sizeof(bool)));
    rec.gone[rec.r.files] = false;
    rec.r.ino[rec.r.files] = ino;
    return rec.r.files++;
}

static bool ends_in_shm(const char *name)
{
    size_t len = strlen(name);

    return len >= 4 && strcmp(name + len - 4, "-shm") == 0;
}

// Relative to the root; NULL for what is elsewhere, or no file of ours.
static const char *ours(const char *path)
{
    // The root stands in the working folder, and is given in full by SQLite.
    const char *root = path[0] == '/' ? rec.root : strrchr(rec.root, '/') + 1;
    size_t len = strlen(root);

    if (strncmp(path, root, len) != 0 || path[len] != '/')
        return NULL;
    path += len + 1;
    len = strlen(path);
    if (len < 7 || len >= OP_NAME_MAX || ends_in_shm(path))
        return NULL;
    return strncmp(path, "state/", 6) == 0 || strncmp(path, "cache/", 6) == 0 ? path : NULL;
}

static int file_of_descriptor(int fd)
{
    struct stat st;

    return rec.on && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? file_of(st.st_ino) : -1;
}

static void set_name(char to[OP_NAME_MAX], const char *name)
{
    snprintf(to, OP_NAME_MAX, "%s", name);
}

// ---- mapped files ----

// A store is one of eight bytes; those that stand together are told together.
static void look_at_maps(void)
{
    for (int i = 0; i < MAPS; i++) {
        size_t words = rec.map[i].len / 8, from;
        for (size_t w = 0; w < words; w++) {
            if (memcmp(rec.map[i].at + 8 * w, rec.map[i].seen + 8 * w, 8) == 0)
                continue;
            for (from = w; w < words && w - from < 64 &&
                           memcmp(rec.map[i].at + 8 * w, rec.map[i].seen + 8 * w, 8) != 0;)
                w++;
            memcpy(rec.map[i].seen + 8 * from, rec.map[i].at + 8 * from, 8 * (w - from));
            add_data(OP_WRITE, rec.map[i].file, 8 * from, rec.map[i].seen + 8 * from,
                     8 * (w - from));
            w--;
        }
    }
}

static void watch_map(void *at, size_t len, int file)
{
    for (int i = 0; i < MAPS; i++) {
        if (rec.map[i].len)
            continue;
        rec.map[i].at = at;
        rec.map[i].len = len;
        rec.map[i].file = file;
        rec.map[i].seen = must(malloc(len));
        memcpy(rec.map[i].seen, at, len);
        return;
    }
    abort();
}

static void forget_map(const void *at)
{
    for (int i = 0; i < MAPS; i++) {
        if (!rec.map[i].len || rec.map[i].at != at)
            continue;
        free(rec.map[i].seen);
        memset(&rec.map[i], 0, sizeof(rec.map[i]));
    }
}

static bool recording(void)
{
    if (rec.on)
        look_at_maps();
    return rec.on;
}

// ---- starting and stopping ----

static void take_file(const char *name)
{
    char path[PATH_MAX + OP_NAME_MAX];
    unsigned char *data;
    struct stat st;
    int fd, file;

    snprintf(path, sizeof(path), "%s/%s", rec.root, name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0)
        abort();
    data = must(malloc((size_t)st.st_size + 1));
    if (read(fd, data, (size_t)st.st_size) != st.st_size)
        abort();
    close(fd);
    file = new_file(st.st_ino);
    add_data(OP_WRITE, file, 0, data, (size_t)st.st_size);
    add(OP_SYNC, file);
    set_name(add(OP_NAME, file)->name, name);
    free(data);
}

static void take_what_stands(void)
{
    add(OP_FORGET, -1);
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX + 8], name[OP_NAME_MAX];
        struct dirent *e;
        struct stat st;
        DIR *d;
        snprintf(path, sizeof(path), "%s/%s", rec.root, folders[i]);
        d = must(opendir(path));
        if (fstat(dirfd(d), &st) < 0)
            abort();
        rec.folder[i] = st.st_ino;
        while ((e = readdir(d)))
            if (e->d_name[0] != '.' && !ends_in_shm(e->d_name)) {
                snprintf(name, sizeof(name), "%s/%.40s", folders[i], e->d_name);
                take_file(name);
            }
        closedir(d);
        set_name(add(OP_SYNC_DIR, -1)->name, folders[i]);
    }
    add(OP_STANDS, -1);
}

void recorder_start(const char *root)
{
    snprintf(rec.root, sizeof(rec.root), "%s", root);
    recorder_go_on();
}

void recorder_pause(void)
{
    if (recording())
        rec.on = false;
}

void recorder_go_on(void)
{
    take_what_stands();
    for (int i = 0; i < MAPS; i++) {
        if (!rec.map[i].len)
            continue;
        rec.map[i].file = file_of(rec.r.ino[rec.map[i].file]);
        memcpy(rec.map[i].seen, rec.map[i].at, rec.map[i].len);
    }
    rec.on = true;
}

void recorder_mark(int mark, const void *data, size_t len)
{
    if (!recording())
        return;
    add_data(OP_MARK, -1, 0, data, len);
    rec.r.op[rec.r.n - 1].mark = mark;
}

const struct recording *recorder_stop(void)
{
    recorder_pause();
    for (int i = 0; i < MAPS; i++)
        forget_map(rec.map[i].at);
    return &rec.r;
}

void recorder_free(void)
{
    for (size_t i = 0; i < rec.r.n; i++)
        free(rec.r.op[i].data);
    free(rec.r.op);
    free(rec.r.ino);
    free(rec.gone);
    rec.gone = NULL;
    rec.r = (struct recording){0};
}

// ---- libc's functions ----

static int do_open(const char *path, int flags, mode_t mode)
{
    bool watch = recording() && (flags & (O_CREAT | O_TRUNC)) && ours(path);
    bool was_there = watch && access(path, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), file;
    struct stat st;

    if (fd < 0 || !watch || fstat(fd, &st) < 0)
        return fd;
    file = was_there ? file_of(st.st_ino) : new_file(st.st_ino);
    if (!was_there)
        set_name(add(OP_NAME, file)->name, ours(path));
    else if (flags & O_TRUNC)
        add_data(OP_SIZE, file, 0, NULL, 0);
    return fd;
}

#define MODE_OF(flags, last)                                                                       \
    mode_t mode = 0;                                                                               \
    if ((flags)&O_CREAT) {                                                                         \
        va_list ap;                                                                                \
        va_start(ap, last);                                                                        \
        mode = va_arg(ap, mode_t);                                                                 \
        va_end(ap);                                                                                \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, flags)
    return do_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags, flags)
    return do_open(path, flags | O_LARGEFILE, mode);
}

static ssize_t do_pwrite(int fd, const void *data, size_t len, off_t at)
{
    int file = recording() ? file_of_descriptor(fd) : -1;
    ssize_t n = syscall(SYS_pwrite64, fd, data, len, at);

    if (file >= 0 && n > 0)
        add_data(OP_WRITE, file, (uint64_t)at, data, (size_t)n);
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return do_pwrite(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    return do_pwrite(fd, data, len, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
    int file = recording() ? file_of_descriptor(fd) : -1;
    off_t at = file >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t n = syscall(SYS_write, fd, data, len);

    if (file >= 0 && n > 0)
        add_data(OP_WRITE, file, (uint64_t)at, data, (size_t)n);
    return n;
}

static int do_ftruncate(int fd, off_t size)
{
    int file = recording() ? file_of_descriptor(fd) : -1;
    int r = (int)syscall(SYS_ftruncate, fd, size);

    if (file >= 0 && r == 0)
        add_data(OP_SIZE, file, (uint64_t)size, NULL, 0);
    return r;
}

int ftruncate(int fd, off_t size)
{
    return do_ftruncate(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return do_ftruncate(fd, size);
}

static int do_fallocate(int fd, off_t at, off_t len)
{
    int file = recording() ? file_of_descriptor(fd) : -1;
    int r = syscall(SYS_fallocate, fd, 0, at, len) == 0 ? 0 : errno;

    if (file >= 0 && r == 0)
        add_data(OP_ROOM, file, (uint64_t)(at + len), NULL, 0);
    return r;
}

int posix_fallocate(int fd, off_t at, off_t len)
{
    return do_fallocate(fd, at, len);
}

int posix_fallocate64(int fd, off64_t at, off64_t len)
{
    return do_fallocate(fd, at, len);
}

static int do_sync(int fd, long number)
{
    bool watch = recording();
    int file = watch ? file_of_descriptor(fd) : -1, r = (int)syscall(number, fd);
    struct stat st;

    if (file >= 0 && r == 0)
        add(OP_SYNC, file);
    if (!watch || r < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
        return r;
    for (int i = 0; i < 2; i++)
        if (st.st_ino == rec.folder[i])
            set_name(add(OP_SYNC_DIR, -1)->name, folders[i]);
    return r;
}

int fsync(int fd)
{
    return do_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return do_sync(fd, SYS_fdatasync);
}

static int file_at(const char *path)
{
    struct stat st;

    return recording() && ours(path) && lstat(path, &st) == 0 ? file_of(st.st_ino) : -1;
}

int rename(const char *from, const char *to)
{
    int file = file_at(from), r;
    struct op *op;

    if (file >= 0)
        about_to_go(to);
    r = (int)syscall(SYS_rename, from, to);
    if (file < 0 || r < 0)
        return r;
    op = add(OP_RENAME, file);
    set_name(op->name, ours(to));
    set_name(op->from, ours(from));
    return r;
}

int link(const char *from, const char *to)
{
    int file = file_at(from), r = (int)syscall(SYS_link, from, to);

    if (file >= 0 && r == 0)
        set_name(add(OP_NAME, file)->name, ours(to));
    return r;
}

int unlink(const char *path)
{
    int file = file_at(path), r;

    if (file >= 0)
        about_to_go(path);
    r = (int)syscall(SYS_unlink, path);
    if (file >= 0 && r == 0)
        set_name(add(OP_UNLINK, file)->name, ours(path));
    return r;
}

static void *do_mmap(void *at, size_t len, int protection, int flags, int fd, off_t from)
{
    bool watch = fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && recording();
    int file = watch ? file_of_descriptor(fd) : -1;
    void *p = (void *)syscall(SYS_mmap, at, len, protection, flags, fd, from);

    if (file >= 0 && p != MAP_FAILED && from == 0)
        watch_map(p, len, file);
    return p;
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t from)
{
    return do_mmap(at, len, protection, flags, fd, from);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t from)
{
    return do_mmap(at, len, protection, flags, fd, from);
}

int munmap(void *at, size_t len)
{
    (void)recording();
    forget_map(at);
    return (int)syscall(SYS_munmap, at, len);
}

int msync(void *at, size_t len, int flags)
{
    int file = -1, r;

    if (recording())
        for (int i = 0; i < MAPS; i++)
            if (rec.map[i].len && rec.map[i].at == at)
                file = rec.map[i].file;
    r = (int)syscall(SYS_msync, at, len, flags);
    if (file >= 0 && r == 0)
        add(OP_SYNC, file);
    return r;
}
