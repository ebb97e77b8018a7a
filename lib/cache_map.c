// SPDX-License-Identifier: BSD-2-Clause
// A mapped cache file and the ways into it. Trusts no byte.
#define XXH_INLINE_ALL
#include "rollcall/cache_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/account.h"
#include "rollcall/cache.h"

#define PEOPLE "rollcall-people"

// The folder's owner is the engine: a file of anybody else, or one that others may
// write, was not made by it.
static int check_file(const char *path, int fd, struct stat *ret)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    struct stat dir;

    if (fstat(fd, ret) < 0)
        return -errno;
    if (!S_ISREG(ret->st_mode) || (ret->st_mode & 022))
        return -EBADMSG;
    if (ret->st_uid == 0)
        return 0;
    if (!slash || (size_t)(slash - path) >= sizeof(folder))
        return -EBADMSG;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    if (stat(folder, &dir) < 0)
        return -errno;
    return dir.st_uid == ret->st_uid ? 0 : -EBADMSG;
}

static int open_file(const char *path, int flags, struct stat *ret_st)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK), r;

    if (fd < 0)
        return errno == ELOOP ? -EBADMSG : -errno;
    r = check_file(path, fd, ret_st);
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
    if (x->off % 8)
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
           section_fits(h, RC_DATES, 8, UINT64_MAX) &&
           section_fits(h, RC_FORMER, sizeof(struct rc_former_record), UINT64_MAX) &&
           buckets_fit(h, RC_FNAMES);
}

int rc_map_open(const char *path, const char *magic, size_t record_size, struct rc_map *ret)
{
    struct stat st;
    int fd = open_file(path, O_RDONLY, &st);
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
    m = (struct rc_map){
        .base = base, .len = (size_t)st.st_size, .dev = st.st_dev, .ino = st.st_ino};
    memcpy(m.head, base, sizeof(m.head));
    if (!header_ok(m.head, magic, record_size, (uint64_t)st.st_size)) {
        rc_map_close(&m);
        return -EBADMSG;
    }
    *ret = m;
    return 0;
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

uint64_t rc_hash_bytes(const struct rc_map *m, const void *key, size_t len)
{
    return XXH3_64bits_withSeed(key, len, m->head->seed);
}

uint64_t rc_hash_id(const struct rc_map *m, uint32_t id)
{
    return XXH3_64bits_withSeed(&id, sizeof(id), m->head->seed);
}

uint16_t rc_check16(const void *record, size_t len, uint32_t slot)
{
    return (uint16_t)(XXH3_64bits_withSeed(record, len, slot) >> 17);
}

void rc_probe_start(const struct rc_map *m, enum rc_section s, uint64_t hash, uint32_t limit,
                    struct rc_probe *ret)
{
    uint32_t n = (uint32_t)(m->head->section[s].len / sizeof(struct rc_bucket));

    *ret = (struct rc_probe){.buckets = rc_section(m, s),
                             .n = n,
                             .at = n ? (uint32_t)(((hash >> 32) * n) >> 32) : 0,
                             .tag = (uint32_t)hash,
                             .limit = limit,
                             .left = n == 0 ? 0 : RC_PROBES};
}

uint32_t rc_probe_next(struct rc_probe *p)
{
    while (p->left > 0) {
        const struct rc_bucket *b = &p->buckets[p->at];
        while (p->i < RC_BUCKET_SLOTS) {
            uint8_t i = p->i++;
            if (b->ref[i] == RC_EMPTY) {
                p->left = 0; // buckets fill from the front: nothing comes behind a hole
                return RC_EMPTY;
            }
            if (b->tag[i] == p->tag && b->ref[i] < p->limit)
                return b->ref[i];
        }
        p->i = 0;
        p->left--;
        p->at = p->at + 1 == p->n ? 0 : p->at + 1;
    }
    return RC_EMPTY;
}

bool rc_account_at(const struct rc_map *m, uint32_t slot, struct rc_account_record *ret)
{
    const struct rc_header *h = m->head;
    struct rc_account_record r;
    uint16_t check;

    if (slot >= h->slots)
        return false;
    r = ((const struct rc_account_record *)rc_section(m, RC_RECORDS))[slot];
    check = r.check;
    r.check = 0;
    if (r.name_len == 0 || r.name_len > ROLLCALL_NAME_MAX ||
        rc_check16(&r, sizeof(r), slot) != check)
        return false;
    if (!(r.flags & RC_ACCOUNT_GECOS_POOL) && r.name_len + r.gecos_len > RC_ACCOUNT_TEXT)
        return false;
    // The range holds whatever the file says; so do reserved names.
    if (r.uid <= h->id_min || r.uid > h->id_max || r.gid < h->id_min || r.gid > h->id_max ||
        !rollcall_id_in_compiled_limits(r.uid) || !rollcall_id_in_compiled_limits(r.gid) ||
        rollcall_name_reserved(r.text, r.name_len) || memchr(r.text, 0, r.name_len))
        return false;
    if ((uint64_t)r.mship + r.n_groups + r.n_local > h->section[RC_MSHIPS].len / 4)
        return false;
    *ret = r;
    return true;
}

bool rc_account_by_name(const struct rc_map *m, const char *name, size_t len, uint32_t *ret_slot,
                        struct rc_account_record *ret)
{
    struct rc_probe p;
    uint32_t slot;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return false;
    rc_probe_start(m, RC_NAMES, rc_hash_bytes(m, name, len), m->head->slots, &p);
    while ((slot = rc_probe_next(&p)) != RC_EMPTY) {
        if (!rc_account_at(m, slot, ret) || ret->name_len != len ||
            memcmp(ret->text, name, len) != 0)
            continue;
        *ret_slot = slot;
        return true;
    }
    return false;
}

bool rc_account_by_uid(const struct rc_map *m, uint32_t uid, uint32_t *ret_slot,
                       struct rc_account_record *ret)
{
    struct rc_probe p;
    uint32_t slot;

    if (uid < m->head->id_min || uid > m->head->id_max)
        return false;
    rc_probe_start(m, RC_IDS, rc_hash_id(m, uid), m->head->slots, &p);
    while ((slot = rc_probe_next(&p)) != RC_EMPTY) {
        if (!rc_account_at(m, slot, ret) || ret->uid != uid)
            continue;
        *ret_slot = slot;
        return true;
    }
    return false;
}

bool rc_group_at(const struct rc_map *m, uint32_t number, struct rc_group_record *ret)
{
    const struct rc_header *h = m->head;
    struct rc_group_record r;
    uint16_t check;
    const char *name;
    bool people;

    if (number >= h->groups)
        return false;
    r = ((const struct rc_group_record *)rc_section(m, RC_GROUPS))[number];
    check = r.check;
    r.check = 0;
    if (r.name_len == 0 || r.name_len > ROLLCALL_NAME_MAX ||
        rc_check16(&r, sizeof(r), number) != check)
        return false;
    name = rc_pool(m, r.name, r.name_len + 1u);
    if (!name || name[r.name_len] || r.gid < h->id_min || r.gid > h->id_max)
        return false;
    if (!rollcall_id_in_compiled_limits(r.gid))
        return false;
    // rollcall-people is the one reserved name that is ours to serve, and its gid nobody else's.
    people = r.name_len == sizeof(PEOPLE) - 1 && memcmp(name, PEOPLE, sizeof(PEOPLE) - 1) == 0;
    if (people != (r.gid == h->id_min) || (!people && rollcall_name_reserved(name, r.name_len)))
        return false;
    if (r.n_members > 0 && !rc_pool(m, r.members, (uint64_t)r.n_members + r.members_len))
        return false;
    *ret = r;
    return true;
}

bool rc_group_by_name(const struct rc_map *m, const char *name, size_t len,
                      struct rc_group_record *ret)
{
    struct rc_probe p;
    uint32_t number;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return false;
    rc_probe_start(m, RC_GNAMES, rc_hash_bytes(m, name, len), m->head->groups, &p);
    while ((number = rc_probe_next(&p)) != RC_EMPTY)
        if (rc_group_at(m, number, ret) && ret->name_len == len &&
            memcmp(rc_pool(m, ret->name, len), name, len) == 0)
            return true;
    return false;
}

bool rc_group_by_gid(const struct rc_map *m, uint32_t gid, struct rc_group_record *ret)
{
    struct rc_probe p;
    uint32_t number;

    rc_probe_start(m, RC_GIDS, rc_hash_id(m, gid), m->head->groups, &p);
    while ((number = rc_probe_next(&p)) != RC_EMPTY)
        if (rc_group_at(m, number, ret) && ret->gid == gid)
            return true;
    return false;
}

// ---- board ----

static bool board_header_ok(const struct rc_board_header *h, const struct stat *st)
{
    if (memcmp(h->magic, ROLLCALL_MAGIC_BOARD, 8) != 0 || h->endian != ROLLCALL_CACHE_ENDIAN ||
        h->version != ROLLCALL_CACHE_VERSION)
        return false;
    if (XXH3_64bits(h, offsetof(struct rc_board_header, head_check)) != h->head_check)
        return false;
    if (h->inode != st->st_ino)
        return false; // a copy: restored from a backup, or copied up
    return (uint64_t)st->st_size == RC_BOARD_HEAD + (uint64_t)h->slots * 8 &&
           rollcall_id_in_compiled_limits(h->id_min) && rollcall_id_in_compiled_limits(h->id_max);
}

int rc_board_map_open(const char *path, bool writable, struct rc_board_map *ret)
{
    struct stat st;
    int fd = open_file(path, writable ? O_RDWR : O_RDONLY, &st);
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
    if (!board_header_ok(base, &st)) {
        munmap(base, (size_t)st.st_size);
        return -EBADMSG;
    }
    *ret = (struct rc_board_map){
        .base = base, .len = (size_t)st.st_size, .head = base, .dev = st.st_dev, .ino = st.st_ino};
    return 0;
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

uint64_t rc_board_word_pack(const uint8_t ledger_id[16], uint32_t slot, uint32_t uid,
                            unsigned state, unsigned authority, unsigned flags)
{
    uint64_t w =
        (uint64_t)uid << 32 | (flags & 0xffu) << 8 | (authority & 15u) << 4 | (state & 15u);
    uint64_t in[2] = {w, slot};
    uint64_t seed;

    memcpy(&seed, ledger_id, sizeof(seed));
    return w | (uint64_t)(uint16_t)(XXH3_64bits_withSeed(in, sizeof(in), seed) >> 13) << 16;
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

int rc_board_word_unpack(const struct rc_board_map *b, uint32_t slot, uint32_t uid, uint64_t w,
                         enum rollcall_state *ret_state, uint8_t *ret_flags, uint8_t *ret_authority)
{
    if ((uint32_t)(w >> 32) != uid || (w & 15) == 0 || (w & 15) > ROLLCALL_STATE_PURGED ||
        rc_board_word_pack(b->head->ledger_id, slot, uid, w & 15, w >> 4 & 15, w >> 8 & 255) != w)
        return -EBADMSG;
    *ret_state = (enum rollcall_state)(w & 15);
    *ret_authority = (uint8_t)(w >> 4 & 15);
    *ret_flags = (uint8_t)(w >> 8 & 255);
    return 0;
}
