// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/memory_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#define DESCRIPTORS 64
#define FIRST_FD    900
#define MAPPINGS    1200

// Blocks come and go thousands of times a second: where one was allocated is told by the
// stack of the failure, and a small quarantine stays in the processor's cache.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8:malloc_context_size=2";
}

// What the linker makes of the names that build.mk wraps. Reserved names, for it is its
// convention.
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_fstat(int fd, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __real_lstat(const char *path, struct stat *st);
int __real_statx(int fd, const char *path, int flags, unsigned mask, struct statx *ret);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __real_munmap(void *at, size_t len);
ssize_t __real_read(int fd, void *buf, size_t len);
time_t __real_time(time_t *ret);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);
int __wrap_lstat(const char *path, struct stat *st);
int __wrap_statx(int fd, const char *path, int flags, unsigned mask, struct statx *ret);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __wrap_munmap(void *at, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);
time_t __wrap_time(time_t *ret);
extern char __wrap___libc_single_threaded;

struct mapping {
    unsigned char *at;
    size_t len;
    const struct memory_file *of; // NULL: of no file
};

static struct memory_file *shown, *descriptor[DESCRIPTORS];
static size_t position[DESCRIPTORS];
static size_t n_shown, n_faults_left;
static const uint8_t *next_fault;
static struct mapping mapping[MAPPINGS];
static unsigned n_mappings;

int64_t memory_files_now = 1000;
unsigned memory_files_faults_injected;
char __wrap___libc_single_threaded;

void memory_files_show(struct memory_file *files, size_t n, const uint8_t *faults, size_t n_faults)
{
    shown = files;
    n_shown = n;
    next_fault = faults;
    n_faults_left = n_faults;
}

void memory_files_hide(void)
{
    memory_files_show(NULL, 0, NULL, 0);
}

void memory_files_among_threads(bool threads)
{
    __wrap___libc_single_threaded = !threads;
}

unsigned memory_files_descriptors(void)
{
    unsigned n = 0;

    for (int i = 0; i < DESCRIPTORS; i++)
        n += descriptor[i] != NULL;
    return n;
}

unsigned memory_files_mappings(void)
{
    return n_mappings;
}

const unsigned char *memory_files_mapping(const struct memory_file *file, size_t i, size_t *ret_len)
{
    for (unsigned k = 0; k < n_mappings; k++)
        if (mapping[k].of == file && i-- == 0) {
            *ret_len = mapping[k].len;
            return mapping[k].at;
        }
    return NULL;
}

void memory_files_poke(struct memory_file *file, size_t at, const void *bytes, size_t len)
{
    if (at > file->len || len > file->len - at)
        return;
    memcpy(file->data + at, bytes, len);
    for (unsigned k = 0; k < n_mappings; k++)
        if (mapping[k].of == file && at <= mapping[k].len && len <= mapping[k].len - at)
            memcpy(mapping[k].at + at, bytes, len);
}

// ---- what the subject calls ----

static uint8_t fault(void)
{
    uint8_t f = 0;

    if (n_faults_left > 0) {
        f = *next_fault++;
        n_faults_left--;
    }
    memory_files_faults_injected += f != 0;
    return f;
}

static int fails(int why)
{
    errno = why;
    return -1;
}

// Everything else is the machine's: time zones, say.
static bool ours(const char *path)
{
    return shown && strncmp(path, "fuzz/", 5) == 0;
}

static struct memory_file *find(const char *path)
{
    for (size_t i = 0; i < n_shown; i++)
        if (strcmp(path, shown[i].path) == 0)
            return shown[i].absent ? NULL : &shown[i];
    return NULL;
}

int __wrap_open(const char *path, int flags, ...)
{
    static const int why[] = {EMFILE, ENFILE, ENOMEM, EACCES, ENOENT, ELOOP, EIO, ENXIO};
    struct memory_file *file;
    mode_t mode = 0;
    va_list more;
    uint8_t f;

    if (!ours(path)) {
        va_start(more, flags);
        if (flags & (O_CREAT | O_TMPFILE))
            mode = va_arg(more, mode_t);
        va_end(more);
        return __real_open(path, flags, mode);
    }
    f = fault();
    if (f)
        return fails(why[f % (sizeof(why) / sizeof(why[0]))]);
    file = find(path);
    if (!file)
        return fails(ENOENT);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (!descriptor[i]) {
            descriptor[i] = file;
            position[i] = 0;
            return FIRST_FD + i;
        }
    abort(); // it keeps descriptors
}

static struct memory_file **of_fd(int fd)
{
    return fd >= FIRST_FD && fd < FIRST_FD + DESCRIPTORS ? &descriptor[fd - FIRST_FD] : NULL;
}

int __wrap_close(int fd)
{
    if (!shown || !of_fd(fd))
        return __real_close(fd);
    if (!*of_fd(fd))
        abort(); // closed twice
    *of_fd(fd) = NULL;
    return 0;
}

// Fails, or gives a part of what is there, as read may.
ssize_t __wrap_read(int fd, void *buf, size_t len)
{
    const struct memory_file *file;
    size_t *at, left;
    uint8_t f;

    if (!shown || !of_fd(fd))
        return __real_read(fd, buf, len);
    file = *of_fd(fd);
    if (!file)
        return fails(EBADF);
    f = fault();
    if (f % 4 == 1)
        return fails(f & 4 ? EINTR : f & 8 ? EIO : EISDIR);
    at = &position[fd - FIRST_FD];
    left = file->len - *at;
    if (len > left)
        len = left;
    if (f % 4 == 2 && len > f / 4u + 1)
        len = f / 4u + 1;
    memcpy(buf, file->data + *at, len);
    *at += len;
    return (ssize_t)len;
}

static void describe(const struct memory_file *file, struct stat *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->st_mode = S_IFREG | 0644;
    ret->st_uid = file->owner;
    ret->st_size = (off_t)file->len;
    ret->st_ino = file->ino;
    ret->st_dev = 77;
}

// A call that fails, or a file that is not what it was expected to be.
static int spoil(uint8_t f, struct stat *st)
{
    static const mode_t modes[] = {S_IFIFO | 0644, S_IFDIR | 0755, S_IFREG | 0666, S_IFREG | 0664,
                                   S_IFCHR | 0644, S_IFLNK | 0777, S_IFSOCK | 0600};

    switch (f % 8) {
    case 0:
        break;
    case 1:
        return fails(f & 8 ? EIO : ENOMEM);
    case 2:
        st->st_mode = modes[f / 8 % (sizeof(modes) / sizeof(modes[0]))];
        break;
    case 3:
        st->st_uid = f & 8 ? 0 : MEMORY_FILES_OWNER + 1u;
        break;
    case 4:
        st->st_size = f / 8; // cut short
        break;
    case 5:
        st->st_size -= st->st_size > f / 8 ? f / 8 : 0;
        break;
    case 6:
        st->st_size += 8 * (f / 8);
        break;
    default:
        st->st_ino += f / 8;
        break;
    }
    return 0;
}

int __wrap_fstat(int fd, struct stat *ret)
{
    if (!shown || !of_fd(fd))
        return __real_fstat(fd, ret);
    if (!*of_fd(fd))
        return fails(EBADF);
    describe(*of_fd(fd), ret);
    return spoil(fault(), ret);
}

// Faults of its own: not to be had, and births that are others or unknown.
int __wrap_statx(int fd, const char *path, int flags, unsigned mask, struct statx *ret)
{
    uint8_t f;
    struct stat st;

    if (!shown || !of_fd(fd))
        return __real_statx(fd, path, flags, mask, ret);
    if (!*of_fd(fd))
        return fails(EBADF);
    f = fault();
    if (f % 16 == 15)
        return fails(f & 16 ? ENOSYS : EPERM);
    describe(*of_fd(fd), &st);
    if (spoil(f, &st) < 0)
        return -1;
    memset(ret, 0, sizeof(*ret));
    ret->stx_mask = STATX_BASIC_STATS | (f % 16 == 8 ? 0 : STATX_BTIME);
    ret->stx_mode = (uint16_t)st.st_mode;
    ret->stx_uid = st.st_uid;
    ret->stx_size = (uint64_t)st.st_size;
    ret->stx_ino = st.st_ino;
    ret->stx_dev_minor = (uint32_t)st.st_dev;
    ret->stx_btime.tv_nsec = MEMORY_FILES_BORN + (f % 32 == 16);
    return 0;
}

int __wrap_stat(const char *path, struct stat *ret)
{
    struct memory_file *file;

    if (!ours(path))
        return __real_stat(path, ret);
    file = find(path);
    if (!file && strcmp(path, MEMORY_FILES_FOLDER) != 0)
        return fails(ENOENT);
    describe(file ? file : &(struct memory_file){.ino = 1, .owner = MEMORY_FILES_OWNER}, ret);
    return spoil(fault(), ret);
}

// There are no links.
int __wrap_lstat(const char *path, struct stat *ret)
{
    return ours(path) ? __wrap_stat(path, ret) : __real_lstat(path, ret);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
    static const int why[] = {ENOMEM, EAGAIN, EACCES, ENODEV, ENFILE};
    const struct memory_file *file = NULL;
    void *p = NULL;
    uint8_t f;

    if (!shown || (!of_fd(fd) && !(flags & MAP_ANONYMOUS)))
        return __real_mmap(at, len, prot, flags, fd, off);
    f = fault();
    if (f) {
        errno = why[f % (sizeof(why) / sizeof(why[0]))];
        return MAP_FAILED;
    }
    if (n_mappings == MAPPINGS || len == 0 || off != 0)
        abort();
    if (!(flags & MAP_ANONYMOUS)) {
        file = *of_fd(fd);
        if (!file)
            abort(); // closed already
    }
    if (posix_memalign(&p, 64, len) != 0)
        abort();
    memset(p, 0, len);
    if (file)
        memcpy(p, file->data, len < file->len ? len : file->len);
    mapping[n_mappings++] = (struct mapping){p, len, file};
    return p;
}

int __wrap_munmap(void *at, size_t len)
{
    if (!shown)
        return __real_munmap(at, len);
    for (unsigned i = 0; i < n_mappings; i++) {
        if (mapping[i].at != at)
            continue;
        if (mapping[i].len != len)
            abort();
        free(at);
        mapping[i] = mapping[--n_mappings];
        return 0;
    }
    abort(); // not mapped, or unmapped twice
}

time_t __wrap_time(time_t *ret)
{
    if (!shown)
        return __real_time(ret);
    if (ret)
        *ret = memory_files_now;
    return memory_files_now;
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
