// SPDX-License-Identifier: BSD-2-Clause
// Building a cache file.
#define XXH_INLINE_ALL
#include "lib/cache_build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

void rc_build_start(struct rc_build *b, const char *magic, uint64_t generation,
                    const uint8_t ledger_id[16], uint32_t slots, uint64_t seed)
{
    *b = (struct rc_build){.head = {.endian = ROLLCALL_CACHE_ENDIAN,
                                    .version = ROLLCALL_CACHE_VERSION,
                                    .generation = generation,
                                    .slots = slots,
                                    .seed = seed}};
    memcpy(b->head.magic, magic, 8);
    memcpy(b->head.ledger_id, ledger_id, 16);
    if (!seed && getrandom(&b->head.seed, sizeof(b->head.seed), 0) < 0)
        b->head.seed = (uint64_t)getpid(); // a seed that can be guessed costs speed, not truth
}

void rc_build_free(struct rc_build *b)
{
    for (int i = 0; i < RC_SECTIONS; i++)
        free(b->section[i].data);
    memset(b->section, 0, sizeof(b->section));
}

static int grow(struct rc_buf *buf, size_t more)
{
    size_t want = buf->len + more, room = buf->room ? buf->room : 4096;
    unsigned char *data;

    if (want <= buf->room)
        return 0;
    while (room < want)
        room += room / 2;
    data = realloc(buf->data, room);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->room = room;
    return 0;
}

int64_t rc_build_add(struct rc_build *b, enum rc_section s, const void *data, size_t len)
{
    struct rc_buf *buf = &b->section[s];
    size_t at = buf->len;
    int r = grow(buf, len);

    if (r < 0)
        return r;
    if (len)
        memcpy(buf->data + at, data, len);
    buf->len += len;
    return (int64_t)at;
}

int rc_build_records(struct rc_build *b, size_t record_size)
{
    struct rc_buf *buf = &b->section[RC_RECORDS];
    size_t len = record_size * b->head.slots;
    int r = grow(buf, len);

    if (r < 0)
        return r;
    if (len)
        memset(buf->data, 0, len);
    buf->len = len;
    return 0;
}

void *rc_build_record(struct rc_build *b, size_t record_size, uint32_t slot)
{
    return slot < b->head.slots ? b->section[RC_RECORDS].data + record_size * slot : NULL;
}

uint64_t rc_build_hash(const struct rc_build *b, const void *key, size_t len)
{
    return rc_hash_bytes_seeded(b->head.seed, key, len);
}

uint64_t rc_build_hash_id(const struct rc_build *b, uint32_t id)
{
    return rc_hash_id_seeded(b->head.seed, id);
}

// One attempt with n buckets. -EAGAIN where a chain got too long.
static int fill(struct rc_bucket *buckets, uint32_t n, const struct rc_index_entry *entries,
                size_t count)
{
    memset(buckets, 0, sizeof(*buckets) * n);
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < RC_BUCKET_SLOTS; k++)
            buckets[i].ref[k] = RC_EMPTY;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)(((entries[i].hash >> 32) * n) >> 32);
        int probe, k = 0;
        for (probe = 0; probe < RC_PROBES; probe++, at = at + 1 == n ? 0 : at + 1) {
            for (k = 0; k < RC_BUCKET_SLOTS && buckets[at].ref[k] != RC_EMPTY; k++)
                ;
            if (k < RC_BUCKET_SLOTS)
                break;
        }
        if (probe == RC_PROBES)
            return -EAGAIN;
        buckets[at].tag[k] = (uint32_t)entries[i].hash;
        buckets[at].ref[k] = entries[i].ref;
    }
    return 0;
}

int rc_build_index(struct rc_build *b, enum rc_section s, const struct rc_index_entry *entries,
                   size_t n)
{
    size_t buckets = n / 5 + 1; // load about 0.63

    for (int attempt = 0; attempt < 6; attempt++, buckets += buckets / 2 + 1) {
        _cleanup_free_ struct rc_bucket *mem = NULL;
        int r;
        if (buckets > UINT32_MAX)
            return -EOVERFLOW;
        mem = malloc(sizeof(*mem) * buckets);
        if (!mem)
            return -ENOMEM;
        r = fill(mem, (uint32_t)buckets, entries, n);
        if (r == -EAGAIN)
            continue;
        b->section[s].len = 0;
        return rc_build_add(b, s, mem, sizeof(*mem) * buckets) < 0 ? -ENOMEM : 0;
    }
    return -EEXIST;
}

// Header and checks, once every section has its size.
static void lay_out(struct rc_build *b)
{
    XXH3_state_t *x = XXH3_createState();
    static const unsigned char zero[64];
    uint64_t at = sizeof(b->head);

    XXH3_64bits_reset(x);
    for (int i = 0; i < RC_SECTIONS; i++) {
        uint64_t pad = (64 - at % 64) % 64;
        XXH3_64bits_update(x, zero, pad);
        at += pad;
        b->head.section[i] = (struct rc_span){.off = at, .len = b->section[i].len};
        if (b->section[i].len)
            XXH3_64bits_update(x, b->section[i].data, b->section[i].len);
        at += b->section[i].len;
    }
    b->head.file_size = at;
    b->head.body_check = XXH3_64bits_digest(x);
    b->head.head_check = XXH3_64bits(&b->head, offsetof(struct rc_header, head_check));
    XXH3_freeState(x);
}

static int write_out(const struct rc_build *b, int fd)
{
    static const unsigned char zero[64];
    uint64_t at = sizeof(b->head);
    int r = rollcall_write_all(fd, &b->head, sizeof(b->head));

    for (int i = 0; r == 0 && i < RC_SECTIONS; i++) {
        uint64_t pad = b->head.section[i].off - at;
        r = rollcall_write_all(fd, zero, pad);
        if (r == 0 && b->section[i].len)
            r = rollcall_write_all(fd, b->section[i].data, b->section[i].len);
        at += pad + b->section[i].len;
    }
    return r;
}

static int read_back(const char *tmp, const char *magic, size_t record_size,
                     int (*verify)(const struct rc_map *m, void *ctx), void *ctx)
{
    struct rc_map m;
    int r = rc_map_open(tmp, magic, record_size, &m);

    if (r < 0)
        return r;
    r = rc_map_body_intact(&m) ? verify(&m, ctx) : -EBADMSG;
    rc_map_close(&m);
    return r;
}

int rc_build_finish(struct rc_build *b, const char *path, mode_t mode, gid_t group,
                    size_t record_size, int (*verify)(const struct rc_map *m, void *ctx), void *ctx)
{
    char tmp[PATH_MAX];
    _cleanup_close_ int fd = -1;
    int r;

    if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
        return -ENAMETOOLONG;
    lay_out(b);
    if (unlink(tmp) < 0 && errno != ENOENT)
        return -errno;
    fd = rollcall_open(tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return fd;
    r = write_out(b, fd);
    if (r == 0 && group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0)
        r = -errno;
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0)
        r = read_back(tmp, b->head.magic, record_size, verify, ctx);
    if (r == 0 && rename(tmp, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(tmp);
        return r;
    }
    return rollcall_sync_folder(path);
}
