// SPDX-License-Identifier: BSD-2-Clause
// The file of break-glass: two preallocated slots that take turns.
#define XXH_INLINE_ALL
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "rollcall/breakglass.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define MAGIC     "RCGLASS1"
#define VERSION   1u
#define SLOT_SIZE 8192
#define FILE_SIZE (2 * SLOT_SIZE)

_Static_assert(sizeof(struct rollcall_breakglass_event) == 184, "no holes");
_Static_assert(sizeof(struct rollcall_breakglass) == 5568, "the format");
_Static_assert(sizeof(struct rollcall_breakglass) <= SLOT_SIZE, "it fits");

static uint64_t check_of(const struct rollcall_breakglass *b)
{
    return XXH3_64bits(b, offsetof(struct rollcall_breakglass, check));
}

#define ENDED(text) memchr(text, 0, sizeof(text))

static bool sound(const struct rollcall_breakglass *b)
{
    bool ok = memcmp(b->magic, MAGIC, sizeof(b->magic)) == 0 && b->version == VERSION &&
              b->check == check_of(b) && b->sequence > 0 && b->uid != 0 && *b->account &&
              b->n_codes <= ROLLCALL_BREAKGLASS_CODES && ENDED(b->account) && ENDED(b->services) &&
              ENDED(b->open_boot) && ENDED(b->failed_boot);

    for (int i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        ok = ok && ENDED(b->event[i].service) && ENDED(b->event[i].tty) &&
             ENDED(b->event[i].rhost) && ENDED(b->event[i].by);
    return ok && strcmp(b->account, "root") != 0;
}

// The newest slot that is whole.
static int read_slots(int fd, struct rollcall_breakglass *ret)
{
    struct rollcall_breakglass one;
    bool found = false;

    for (int i = 0; i < 2; i++) {
        if (pread(fd, &one, sizeof(one), (off_t)i * SLOT_SIZE) != (ssize_t)sizeof(one) ||
            !sound(&one) || (found && one.sequence <= ret->sequence))
            continue;
        *ret = one;
        found = true;
    }
    return found ? 0 : -EBADMSG;
}

static int open_state(const char *path, int flags)
{
    _cleanup_close_ int fd = rollcall_open(path, flags | O_NONBLOCK, 0);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    // Root's and nobody else's: what somebody else may write opens nothing.
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return -EPERM;
    return ROLLCALL_TAKE_FD(fd);
}

int rollcall_breakglass_read(const char *path, struct rollcall_breakglass *ret)
{
    _cleanup_close_ int fd = open_state(path, O_RDONLY);
    struct rollcall_breakglass b;
    int r = fd < 0 ? fd : read_slots(fd, &b);

    if (r == 0)
        *ret = b;
    return r;
}

int rollcall_breakglass_lock(const char *path, int wait_ms, int *ret_fd,
                             struct rollcall_breakglass *ret)
{
    _cleanup_close_ int fd = open_state(path, O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int r;

    if (fd < 0)
        return fd;
    for (int waited = 0; fcntl(fd, F_OFD_SETLK, &l) < 0; waited += 20) {
        if (errno != EAGAIN && errno != EACCES)
            return -errno;
        if (waited >= wait_ms)
            return -EBUSY;
        poll(NULL, 0, 20);
    }
    r = read_slots(fd, ret);
    if (r == 0)
        *ret_fd = ROLLCALL_TAKE_FD(fd);
    return r;
}

static int write_slot(int fd, struct rollcall_breakglass *b)
{
    unsigned char slot[SLOT_SIZE] = {0};
    off_t at;

    b->sequence++;
    b->check = check_of(b);
    memcpy(slot, b, sizeof(*b));
    at = (off_t)(b->sequence % 2) * SLOT_SIZE;
    errno = 0;
    if (pwrite(fd, slot, sizeof(slot), at) != (ssize_t)sizeof(slot))
        return errno ? -errno : -EIO;
    return fdatasync(fd) < 0 ? -errno : 0;
}

int rollcall_breakglass_write(int fd, struct rollcall_breakglass *b)
{
    int r = write_slot(fd, b);

    return r < 0 ? r : write_slot(fd, b);
}

static int make_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return 0;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    if (mkdir(folder, 0700) == 0)
        return rollcall_sync_folder(folder);
    return errno == EEXIST ? 0 : -errno;
}

int rollcall_breakglass_create(const char *path, struct rollcall_breakglass *b)
{
    _cleanup_close_ int fd = -1;
    char tmp[PATH_MAX];
    int r = make_folder(path);

    if (r < 0)
        return r;
    memcpy(b->magic, MAGIC, sizeof(b->magic));
    b->version = VERSION;
    snprintf(tmp, sizeof(tmp), "%s.new", path);
    unlink(tmp);
    fd = rollcall_open(tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return fd;
    r = -posix_fallocate(fd, 0, FILE_SIZE);
    if (r == 0)
        r = rollcall_breakglass_write(fd, b);
    return rollcall_put_in_place(tmp, fd, path, r);
}
