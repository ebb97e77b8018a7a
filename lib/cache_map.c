// SPDX-License-Identifier: BSD-2-Clause
// Mapping the cache's files, and what must hold of one before anything in it is looked at.
#define XXH_INLINE_ALL
#include "rollcall/cache_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/account.h"
#include "rollcall/cache.h"

// Of the cache's own paths, which are compiled in. A page of it would be a page fault more in
// the first lookup of every process.
#define FOLDER_MAX 512

// Of a path, or with an empty one of a descriptor.
static int stat_born(int fd, const char *path, int flags, struct stat *ret, int64_t *ret_born)
{
    struct statx x;

    if (statx(fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &x) < 0) {
        // A sandbox that knows no statx; nobody who is let in anywhere is in one.
        if (errno != ENOSYS && errno != EPERM)
            return -errno;
        *ret_born = RC_BORN_UNKNOWN;
        return fstatat(fd, path, ret, flags) < 0 ? -errno : 0;
    }
    memset(ret, 0, sizeof(*ret));
    ret->st_mode = x.stx_mode;
    ret->st_uid = x.stx_uid;
    ret->st_size = (off_t)x.stx_size;
    ret->st_ino = x.stx_ino;
    ret->st_dev = makedev(x.stx_dev_major, x.stx_dev_minor);
    *ret_born = x.stx_mask & STATX_BTIME
                    ? x.stx_btime.tv_sec * INT64_C(1000000000) + x.stx_btime.tv_nsec
                    : RC_BORN_NEVER;
    return 0;
}

int rc_file_stat(int fd, struct stat *ret, int64_t *ret_born)
{
    return stat_born(fd, "", AT_EMPTY_PATH, ret, ret_born);
}

// The folder's owner is the engine: a file of anybody else, or one that others may
// write, was not made by it.
// `believed` is an owner that was found right for this folder a moment ago. ret_born may be
// NULL.
static int check_file(const char *path, int fd, uid_t believed, struct stat *ret, int64_t *ret_born)
{
    char folder[FOLDER_MAX];
    const char *slash = strrchr(path, '/');
    struct stat dir;
    int r = ret_born ? rc_file_stat(fd, ret, ret_born) : fstat(fd, ret) < 0 ? -errno : 0;

    if (r < 0)
        return r;
    if (!S_ISREG(ret->st_mode) || (ret->st_mode & 022))
        return -EBADMSG;
    if (ret->st_uid == 0 || ret->st_uid == believed)
        return 0;
    if (!slash || (size_t)(slash - path) >= sizeof(folder))
        return -EBADMSG;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    if (stat(folder, &dir) < 0)
        return -errno;
    return dir.st_uid == ret->st_uid ? 0 : -EBADMSG;
}

static int open_file(const char *path, int flags, uid_t believed, struct stat *ret_st,
                     int64_t *ret_born)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK), r;

    if (fd < 0)
        return errno == ELOOP ? -EBADMSG : -errno;
    r = check_file(path, fd, believed, ret_st, ret_born);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

static bool section_fits(const struct rc_header *h, enum rc_section s, uint64_t unit,
                         uint64_t count)
{
    const struct rc_span *x = &h->section[s];

    if (x->off < sizeof(*h) || x->off > h->file_size || x->len > h->file_size - x->off)
        return false;
    if (x->off % 64)
        return false;
    return count == UINT64_MAX ? x->len % unit == 0 : x->len == unit * count;
}

static bool buckets_fit(const struct rc_header *h, enum rc_section s)
{
    return section_fits(h, s, sizeof(struct rc_bucket), UINT64_MAX) &&
           h->section[s].len / sizeof(struct rc_bucket) <= UINT32_MAX;
}

static bool header_ok(const struct rc_header *h, const char *magic, size_t record, uint64_t size)
{
    if (memcmp(h->magic, magic, 8) != 0 || h->endian != ROLLCALL_CACHE_ENDIAN ||
        h->version != ROLLCALL_CACHE_VERSION || h->file_size != size)
        return false;
    if (XXH3_64bits(h, offsetof(struct rc_header, head_check)) != h->head_check)
        return false;
    if (h->id_min > h->id_max || !rollcall_id_in_compiled_limits(h->id_min) ||
        !rollcall_id_in_compiled_limits(h->id_max))
        return false;
    return section_fits(h, RC_RECORDS, record, h->slots) && buckets_fit(h, RC_NAMES) &&
           buckets_fit(h, RC_IDS) && buckets_fit(h, RC_GNAMES) && buckets_fit(h, RC_GIDS) &&
           section_fits(h, RC_POOL, 1, UINT64_MAX) && section_fits(h, RC_ORDER, 4, UINT64_MAX) &&
           section_fits(h, RC_GROUPS, sizeof(struct rc_group_record), h->groups) &&
           section_fits(h, RC_MSHIPS, 4, UINT64_MAX) &&
           section_fits(h, RC_SHELLS, sizeof(struct rc_span), UINT64_MAX) &&
           section_fits(h, RC_DATES, sizeof(struct rc_date), UINT64_MAX) &&
           section_fits(h, RC_FORMER, sizeof(struct rc_former_record), UINT64_MAX) &&
           buckets_fit(h, RC_FNAMES);
}

// Whether all ids between the bounds are within the compiled limits, so that the bounds say
// it all: both lie in the same one of the ranges that account.h lets through.
static bool ids_plain(const struct rc_header *h)
{
    return h->id_min >= 1879048192u || h->id_max < 61184 ||
           (h->id_min > 65535 && h->id_max < 524288);
}

static void prepare(struct rc_map *m)
{
    static const struct rc_bucket nobody = {
        .ref = {RC_EMPTY, RC_EMPTY, RC_EMPTY, RC_EMPTY, RC_EMPTY, RC_EMPTY, RC_EMPTY, RC_EMPTY}};
    const struct rc_header *h = m->head;
    uint64_t ids = h->section[RC_IDS].len / sizeof(struct rc_bucket);
    uint64_t names = h->section[RC_NAMES].len / sizeof(struct rc_bucket);
    uint64_t gids = h->section[RC_GIDS].len / sizeof(struct rc_bucket);

    m->plain_ids = ids_plain(h);
    m->first_uid = h->id_min + 1; // id_min is the gid of rollcall-people
    m->n_uids = m->plain_ids ? h->id_max - h->id_min : 0;
    m->n_ids = ids > 0 ? (uint32_t)ids : 1;
    m->ids = ids > 0 ? rc_section(m, RC_IDS) : &nobody;
    m->n_names = names > 0 ? (uint32_t)names : 1;
    m->names = names > 0 ? rc_section(m, RC_NAMES) : &nobody;
    m->n_gids = gids > 0 ? (uint32_t)gids : 1;
    m->gids = gids > 0 ? rc_section(m, RC_GIDS) : &nobody;
    m->records = rc_section(m, RC_RECORDS);
}

static int map_open(const char *path, const char *magic, size_t record_size, uid_t believed,
                    struct rc_map *ret)
{
    struct stat st;
    int fd = open_file(path, O_RDONLY, believed, &st, NULL);
    struct rc_map m;
    void *base;

    if (fd < 0)
        return fd;
    if (st.st_size < (off_t)sizeof(struct rc_header)) {
        close(fd);
        return -EBADMSG;
    }
    base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return -errno;
    m = (struct rc_map){.base = base,
                        .len = (size_t)st.st_size,
                        .dev = st.st_dev,
                        .ino = st.st_ino,
                        .owner = st.st_uid};
    memcpy(m.head, base, sizeof(m.head));
    if (!header_ok(m.head, magic, record_size, (uint64_t)st.st_size)) {
        rc_map_close(&m);
        return -EBADMSG;
    }
    prepare(&m);
    *ret = m;
    return 0;
}

int rc_map_open(const char *path, const char *magic, size_t record_size, struct rc_map *ret)
{
    return map_open(path, magic, record_size, 0, ret);
}

int rc_map_open_beside(const char *path, const char *magic, size_t record_size, uid_t owner,
                       struct rc_map *ret)
{
    return map_open(path, magic, record_size, owner, ret);
}

bool rc_map_current(const struct rc_map *m, const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 022) &&
           st.st_uid == m->owner && st.st_dev == m->dev && st.st_ino == m->ino &&
           (size_t)st.st_size == m->len;
}

void rc_map_close(struct rc_map *map)
{
    if (map->base)
        munmap((void *)(uintptr_t)map->base, map->len);
    *map = (struct rc_map){0};
}

bool rc_map_body_intact(const struct rc_map *map)
{
    return XXH3_64bits(map->base + sizeof(struct rc_header), map->len - sizeof(struct rc_header)) ==
           map->head->body_check;
}

const char *rc_pool(const struct rc_map *m, uint64_t off, uint64_t len)
{
    const struct rc_span *s = &m->head->section[RC_POOL];

    if (off > s->len || len > s->len - off)
        return NULL;
    return (const char *)m->base + s->off + off;
}

// ---- board ----

// Both: a copy into another file system may come upon the same inode, and what overlayfs
// copies up keeps its number, but is a file that was born later.
bool rc_board_is_original(const struct rc_board_header *h, ino_t ino, int64_t born)
{
    return h->inode == ino && (born == RC_BORN_UNKNOWN || h->born == born);
}

static bool board_header_ok(const struct rc_board_header *h, const struct stat *st, int64_t born)
{
    if (memcmp(h->magic, ROLLCALL_MAGIC_BOARD, 8) != 0 || h->endian != ROLLCALL_CACHE_ENDIAN ||
        h->version != ROLLCALL_BOARD_VERSION)
        return false;
    if (XXH3_64bits(h, offsetof(struct rc_board_header, head_check)) != h->head_check)
        return false;
    if (!rc_board_is_original(h, st->st_ino, born))
        return false;
    return (uint64_t)st->st_size == RC_BOARD_HEAD + (uint64_t)h->slots * 8 &&
           rollcall_id_in_compiled_limits(h->id_min) && rollcall_id_in_compiled_limits(h->id_max);
}

int rc_board_map_open(const char *path, bool writable, struct rc_board_map *ret)
{
    struct stat st;
    int64_t born = RC_BORN_UNKNOWN;
    int fd = open_file(path, writable ? O_RDWR : O_RDONLY, 0, &st, &born);
    void *base;

    if (fd < 0)
        return fd;
    if (st.st_size < (off_t)RC_BOARD_HEAD) {
        close(fd);
        return -EBADMSG;
    }
    base =
        mmap(NULL, (size_t)st.st_size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    close(fd);
    if (base == MAP_FAILED)
        return -errno;
    if (!board_header_ok(base, &st, born)) {
        munmap(base, (size_t)st.st_size);
        return -EBADMSG;
    }
    *ret = (struct rc_board_map){.base = base,
                                 .len = (size_t)st.st_size,
                                 .head = base,
                                 .dev = st.st_dev,
                                 .ino = st.st_ino,
                                 .owner = st.st_uid};
    return 0;
}

bool rc_board_map_current(const struct rc_board_map *b, const char *path)
{
    struct stat st;
    int64_t born;

    return atomic_load_explicit(&b->head->status, memory_order_acquire) == RC_BOARD_LIVE &&
           stat_born(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st, &born) == 0 && S_ISREG(st.st_mode) &&
           !(st.st_mode & 022) && st.st_uid == b->owner && st.st_dev == b->dev &&
           (size_t)st.st_size == b->len && rc_board_is_original(b->head, st.st_ino, born);
}

void rc_board_map_close(struct rc_board_map *b)
{
    if (b->base)
        munmap(b->base, b->len);
    *b = (struct rc_board_map){0};
}

_Atomic uint64_t *rc_board_word_at(const struct rc_board_map *b, uint32_t slot)
{
    if (slot >= (b->len - RC_BOARD_HEAD) / 8) // not what the file says of itself by now
        return NULL;
    return (_Atomic uint64_t *)(void *)(b->base + RC_BOARD_HEAD) + slot;
}

int rc_board_word_get(const struct rc_board_map *b, uint32_t slot, uint32_t uid,
                      enum rollcall_state *ret_state, uint8_t *ret_flags, uint8_t *ret_authority)
{
    _Atomic uint64_t *at = rc_board_word_at(b, slot);

    if (!at)
        return -ERANGE;
    if (atomic_load_explicit(&b->head->status, memory_order_acquire) != RC_BOARD_LIVE)
        return -ESTALE;
    return rc_board_word_unpack(b, slot, uid, atomic_load_explicit(at, memory_order_acquire),
                                ret_state, ret_flags, ret_authority);
}
