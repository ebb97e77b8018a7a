// SPDX-License-Identifier: BSD-2-Clause
// The board: preallocated, made beside its path, changed in place by atomic stores.
#define XXH_INLINE_ALL
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cache_map.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

struct rollcall_board_writer {
    struct rc_board_map map;
};

// Room for growth, so that a hired person rarely needs a new board.
static uint32_t capacity_for(uint32_t slots)
{
    uint32_t room = slots + slots / 4 + 1024;

    return (room + 511) & ~511u;
}

static int fill_header(struct rc_board_header *h, ino_t ino, int64_t born, uint32_t slots,
                       const uint8_t ledger_id[16], uint32_t id_min, uint32_t id_max, bool observe)
{
    memcpy(h->magic, ROLLCALL_MAGIC_BOARD, 8);
    h->endian = ROLLCALL_CACHE_ENDIAN;
    h->version = ROLLCALL_BOARD_VERSION;
    if (getrandom(h->board_id, sizeof(h->board_id), 0) != sizeof(h->board_id))
        return -EIO;
    memcpy(h->ledger_id, ledger_id, 16);
    h->inode = ino;
    h->born = born;
    h->slots = slots;
    h->id_min = id_min;
    h->id_max = id_max;
    h->flags = observe ? RC_FLAG_OBSERVE : 0;
    h->head_check = XXH3_64bits(h, offsetof(struct rc_board_header, head_check));
    atomic_store(&h->status, RC_BOARD_LIVE);
    return 0;
}

// A new file of full size, mapped. The descriptor is closed: the mapping lasts.
static int make_file(const char *tmp, size_t len, struct rc_board_map *ret, int64_t *ret_born)
{
    _cleanup_close_ int fd = -1;
    struct stat st;
    void *base;
    int r;

    if (unlink(tmp) < 0 && errno != ENOENT)
        return -errno;
    fd = rollcall_open(tmp, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        return fd;
    // Preallocated: a store into a hole of a full disk would be a SIGBUS, and a lock lost.
    r = posix_fallocate(fd, 0, (off_t)len);
    if (r != 0)
        return -r;
    if (fchmod(fd, 0644) < 0)
        return -errno;
    r = rc_file_stat(fd, &st, ret_born);
    if (r < 0)
        return r;
    if (*ret_born == RC_BORN_UNKNOWN)
        return -ENOSYS; // readers that may ask would call this board a copy
    base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    *ret = (struct rc_board_map){
        .base = base, .len = len, .head = base, .dev = st.st_dev, .ino = st.st_ino};
    return 0;
}

// Whoever has the old board mapped learns from its mark that there is a new one. It keeps
// a second name until it is marked: killed in between, the next start marks it. Killed
// before the rename, it is the board still, and live until another stands at its path.
static int replace(const char *tmp, const char *path, const char *old)
{
    bool have_old;

    rc_board_mark_old(path);
    if (unlink(old) < 0 && errno != ENOENT)
        return -errno;
    have_old = link(path, old) == 0;
    if (!have_old && errno != ENOENT)
        return -errno;
    if (rename(tmp, path) < 0)
        return -errno;
    if (have_old) {
        rc_board_mark_old(path);
        unlink(old);
    }
    return 0;
}

int rollcall_board_create(const char *path, uint32_t slots, const uint8_t ledger_id[16],
                          uint32_t id_min, uint32_t id_max, bool observe,
                          int (*fill)(void *ctx, struct rollcall_board_writer *w), void *ctx,
                          struct rollcall_board_writer **ret)
{
    struct rollcall_board_writer *w = calloc(1, sizeof(*w));
    uint32_t capacity = capacity_for(slots);
    char tmp[PATH_MAX], old[PATH_MAX];
    int64_t born;
    int r;

    if (!w)
        return -ENOMEM;
    r = snprintf(tmp, sizeof(tmp), "%s.new", path) < (int)sizeof(tmp) &&
                snprintf(old, sizeof(old), "%s.old", path) < (int)sizeof(old)
            ? 0
            : -ENAMETOOLONG;
    if (r == 0)
        r = make_file(tmp, RC_BOARD_HEAD + (size_t)capacity * 8, &w->map, &born);
    if (r == 0)
        r = fill_header(w->map.head, w->map.ino, born, capacity, ledger_id, id_min, id_max,
                        observe);
    if (r == 0)
        r = fill(ctx, w);
    if (r == 0)
        r = rollcall_board_sync(w);
    if (r == 0)
        r = replace(tmp, path, old);
    if (r < 0) {
        rollcall_board_writer_close(w);
        return r;
    }
    // Renamed is renamed, also where the folder cannot be synced: without power the older
    // board may stand there again, and the engine's next start makes another anyway.
    (void)rollcall_sync_folder(path);
    *ret = w;
    return 0;
}

struct rollcall_board_writer *rollcall_board_writer_close(struct rollcall_board_writer *w)
{
    if (w)
        rc_board_map_close(&w->map);
    free(w);
    return NULL;
}

int rollcall_board_store(struct rollcall_board_writer *w, uint32_t slot,
                         const struct rollcall_word *word)
{
    _Atomic uint64_t *at = rc_board_word_at(&w->map, slot);

    if (!at)
        return -ERANGE;
    atomic_store_explicit(at,
                          rc_board_word_pack(w->map.head->ledger_id, slot, word->uid, word->state,
                                             word->authority, word->flags),
                          memory_order_release);
    return 0;
}

int rollcall_board_get(const struct rollcall_board_writer *w, uint32_t slot,
                       struct rollcall_word *ret)
{
    _Atomic uint64_t *at = rc_board_word_at(&w->map, slot);
    struct rollcall_word word = {0};
    int r;

    if (!at)
        return -ERANGE;
    word.uid = (uid_t)(atomic_load(at) >> 32);
    r = rc_board_word_get(&w->map, slot, word.uid, &word.state, &word.flags, &word.authority);
    if (r == 0)
        *ret = word;
    return r;
}

int rollcall_board_set_lease(struct rollcall_board_writer *w, unsigned authority,
                             const struct rollcall_lease *lease)
{
    struct rc_board_lease *l;

    if (authority >= RC_BOARD_AUTHORITIES)
        return -ERANGE;
    l = &w->map.head->lease[authority];
    memset(l->source, 0, sizeof(l->source));
    memcpy(l->source, lease->source, strnlen(lease->source, sizeof(l->source) - 1));
    atomic_store(&l->length, lease->length);
    atomic_store(&l->extended, lease->extended);
    atomic_store(&l->as_of, lease->as_of);
    return 0;
}

int rollcall_board_set_clock_mark(struct rollcall_board_writer *w, int64_t mark)
{
    atomic_store(&w->map.head->clock_mark, mark);
    return 0;
}

int rollcall_board_set_generation(struct rollcall_board_writer *w, uint64_t generation)
{
    atomic_store(&w->map.head->generation, generation);
    return 0;
}

uint32_t rollcall_board_capacity(const struct rollcall_board_writer *w)
{
    return w->map.head->slots;
}

int rollcall_board_sync(struct rollcall_board_writer *w)
{
    return msync(w->map.base, w->map.len, MS_SYNC) < 0 ? -errno : 0;
}
