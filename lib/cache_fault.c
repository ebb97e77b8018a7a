// SPDX-License-Identifier: BSD-2-Clause
#define XXH_INLINE_ALL
#include "rollcall/cache_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cache.h"
#include "rollcall/cache_map.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

const struct rollcall_cache_path rollcall_cache_paths[ROLLCALL_CACHE_FILES] = {
    {ROLLCALL_ACCOUNTS, ROLLCALL_CACHE_ACCOUNTS, false},
    {ROLLCALL_BOARD, ROLLCALL_CACHE_BOARD, false},
    {ROLLCALL_PRIVATE, ROLLCALL_CACHE_PRIVATE, false},
    {ROLLCALL_PRIVATE ROLLCALL_DELTA_SUFFIX, ROLLCALL_CACHE_PRIVATE, true},
    {ROLLCALL_KEYS, ROLLCALL_CACHE_KEYS, true},
};

static const struct {
    const char *magic, *name;
    size_t record;
    uint32_t version;
} kinds[] = {
    [ROLLCALL_CACHE_ACCOUNTS] = {ROLLCALL_MAGIC_ACCOUNTS, "accounts",
                                 sizeof(struct rc_account_record), ROLLCALL_CACHE_VERSION},
    [ROLLCALL_CACHE_PRIVATE] = {ROLLCALL_MAGIC_PRIVATE, "private", sizeof(struct rc_person_record),
                                ROLLCALL_CACHE_VERSION},
    [ROLLCALL_CACHE_KEYS] = {ROLLCALL_MAGIC_KEYS, "keys", sizeof(struct rc_keys_record),
                             ROLLCALL_CACHE_VERSION},
    [ROLLCALL_CACHE_BOARD] = {ROLLCALL_MAGIC_BOARD, "board", 0, ROLLCALL_BOARD_VERSION},
};

// What readers say: it is their own code that is asked.
static int try_it(const char *path, enum rollcall_cache_file kind)
{
    struct rc_board_map b;
    struct rc_map m;
    int r;

    if (kind == ROLLCALL_CACHE_BOARD) {
        r = rc_board_map_open(path, false, &b);
        if (r == 0)
            rc_board_map_close(&b);
        return r;
    }
    r = rc_map_open(path, kinds[kind].magic, kinds[kind].record, &m);
    if (r == 0)
        rc_map_close(&m);
    return r;
}

// Owner and mode; false where they are as they should be.
static bool wrong_hands(const char *path, const struct stat *st, char *buf, size_t len)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat dir;

    if (st->st_mode & 022) {
        snprintf(buf, len, "may be written by others (mode %04o)", st->st_mode & 07777u);
        return true;
    }
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (st->st_uid == 0 || (stat(folder, &dir) == 0 && dir.st_uid == st->st_uid))
        return false;
    snprintf(buf, len, "belongs to uid %u, who is neither root nor the owner of its folder",
             st->st_uid);
    return true;
}

static bool wrong_kind(const struct stat *st, char *buf, size_t len)
{
    const char *what = S_ISLNK(st->st_mode)    ? "a symbolic link"
                       : S_ISDIR(st->st_mode)  ? "a folder"
                       : S_ISFIFO(st->st_mode) ? "a FIFO"
                       : S_ISREG(st->st_mode)  ? NULL
                                               : "a device or a socket";

    if (!what)
        return false;
    snprintf(buf, len, "is %s and no file", what);
    return true;
}

// Both kinds of headers begin alike.
struct beginning {
    char magic[8];
    uint32_t endian, version;
};

static bool wrong_beginning(const struct beginning *b, enum rollcall_cache_file kind, char *buf,
                            size_t len)
{
    static const struct beginning zeros;

    if (memcmp(b, &zeros, sizeof(zeros)) == 0) {
        snprintf(buf, len, "begins with zeros");
        return true;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (i != kind && memcmp(b->magic, kinds[i].magic, 8) == 0) {
            snprintf(buf, len, "is another file of the cache (%s)", kinds[i].name);
            return true;
        }
    if (memcmp(b->magic, kinds[kind].magic, 8) != 0)
        snprintf(buf, len, "is no file of rollcall");
    else if (b->endian == __builtin_bswap32(ROLLCALL_CACHE_ENDIAN))
        snprintf(buf, len, "was written on a machine of the other byte order");
    else if (b->version != kinds[kind].version)
        snprintf(buf, len, "has version %u, this rollcall reads %u", b->version,
                 kinds[kind].version);
    else
        return false;
    return true;
}

static bool is_original(int fd, const struct rc_board_header *h)
{
    int64_t born;
    struct stat st;

    return rc_file_stat(fd, &st, &born) == 0 && rc_board_is_original(h, st.st_ino, born);
}

static void explain_header(int fd, const struct stat *st, enum rollcall_cache_file kind, char *buf,
                           size_t len)
{
    union {
        struct beginning beginning;
        struct rc_header snapshot;
        struct rc_board_header board;
    } h = {.beginning = {.version = 0}};
    bool board = kind == ROLLCALL_CACHE_BOARD;
    size_t size = board ? sizeof(h.board) : sizeof(h.snapshot);
    ssize_t got = pread(fd, &h, size, 0);
    uint64_t should = board ? RC_BOARD_HEAD + (uint64_t)h.board.slots * 8 : h.snapshot.file_size;
    size_t checked = board ? offsetof(struct rc_board_header, head_check)
                           : offsetof(struct rc_header, head_check);

    if (got < 0) {
        snprintf(buf, len, "cannot be read: %s", strerror(errno));
    } else if ((size_t)got < sizeof(h.beginning) ||
               !wrong_beginning(&h.beginning, kind, buf, len)) {
        if ((size_t)got < size)
            snprintf(buf, len, "is cut short: it has %lld bytes", (long long)st->st_size);
        else if (XXH3_64bits(&h, checked) != (board ? h.board.head_check : h.snapshot.head_check))
            snprintf(buf, len, "has a damaged header");
        else if (board && !is_original(fd, &h.board))
            snprintf(buf, len, "is a copy of a board, and only the original counts");
        else if (should != (uint64_t)st->st_size)
            snprintf(buf, len, "has %lld bytes and should have %llu", (long long)st->st_size,
                     (unsigned long long)should);
        else
            snprintf(buf, len, "has a header that makes no sense");
    }
}

static void explain(const char *path, enum rollcall_cache_file kind, int why, char *buf, size_t len)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (lstat(path, &st) < 0) {
        snprintf(buf, len, errno == ENOENT ? "is not there" : "cannot be looked at: %s",
                 strerror(errno));
        return;
    }
    if (wrong_kind(&st, buf, len) || wrong_hands(path, &st, buf, len))
        return;
    if (st.st_size == 0) {
        snprintf(buf, len, "is empty");
        return;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (why != -EBADMSG || fd < 0)
        snprintf(buf, len, "cannot be read: %s", strerror(why != -EBADMSG ? -why : errno));
    else
        explain_header(fd, &st, kind, buf, len);
}

int rollcall_cache_fault(const char *path, enum rollcall_cache_file kind, char *buf, size_t len)
{
    int r = try_it(path, kind);

    if (r < 0)
        explain(path, kind, r, buf, len);
    return r;
}
