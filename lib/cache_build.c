// SPDX-License-Identifier: BSD-2-Clause
// Building a cache file.
#define XXH_INLINE_ALL
#include "lib/cache_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define OUT_SIZE ((size_t)1 << 20)
#define WINDOW   ((size_t)1 << 20) // a multiple of every page size

int rc_build_open(struct rc_build *b, const char *path, const char *magic, uint64_t generation,
                  const uint8_t ledger_id[16], uint32_t slots)
{
    struct rc_header *h;

    *b = (struct rc_build){.fd = -1, .section = -1, .at = sizeof(*h)};
    h = b->self.head;
    *h = (struct rc_header){.endian = ROLLCALL_CACHE_ENDIAN,
                            .version = ROLLCALL_CACHE_VERSION,
                            .generation = generation,
                            .slots = slots};
    memcpy(h->magic, magic, 8);
    memcpy(h->ledger_id, ledger_id, 16);
    if (getrandom(&h->seed, sizeof(h->seed), 0) < 0)
        h->seed = (uint64_t)getpid(); // a seed that can be guessed costs speed, not truth
    if (snprintf(b->path, sizeof(b->path), "%s", path) >= (int)sizeof(b->path) - 4)
        return -ENAMETOOLONG;
    snprintf(b->tmp, sizeof(b->tmp), "%.*s.new", (int)sizeof(b->tmp) - 5, path);
    b->out = malloc(OUT_SIZE);
    b->check = XXH3_createState();
    if (!b->out || !b->check)
        return -ENOMEM;
    XXH3_64bits_reset(b->check);
    if (unlink(b->tmp) < 0 && errno != ENOENT)
        return -errno;
    b->fd = rollcall_open(b->tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (b->fd < 0)
        return b->fd;
    // The header's place: it is written last.
    return rollcall_write_all(b->fd, h, sizeof(*h));
}

void rc_build_close(struct rc_build *b)
{
    if (b->fd >= 0) {
        close(b->fd);
        unlink(b->tmp);
    }
    free(b->out);
    XXH3_freeState(b->check);
    *b = (struct rc_build){.fd = -1, .section = -1};
}

static void flush(struct rc_build *b)
{
    if (b->error == 0 && b->out_len > 0)
        b->error = rollcall_write_all(b->fd, b->out, b->out_len);
    b->out_len = 0;
}

static void put(struct rc_build *b, const void *data, size_t len)
{
    XXH3_64bits_update(b->check, data, len);
    b->at += len;
    if (len >= OUT_SIZE) {
        flush(b);
        if (b->error == 0)
            b->error = rollcall_write_all(b->fd, data, len);
        return;
    }
    if (len > OUT_SIZE - b->out_len)
        flush(b);
    memcpy(b->out + b->out_len, data, len);
    b->out_len += len;
}

void rc_build_begin(struct rc_build *b, enum rc_section s)
{
    static const unsigned char zero[64];

    put(b, zero, (64 - b->at % 64) % 64);
    b->self.head->section[s].off = b->at;
    b->section = (int)s;
}

uint64_t rc_build_len(const struct rc_build *b)
{
    return b->at - b->self.head->section[b->section].off;
}

uint64_t rc_build_write(struct rc_build *b, const void *data, size_t len)
{
    uint64_t at = rc_build_len(b);

    if (len > 0)
        put(b, data, len);
    return at;
}

void rc_build_end(struct rc_build *b)
{
    b->self.head->section[b->section].len = rc_build_len(b);
    b->section = -1;
}

void rc_build_section(struct rc_build *b, enum rc_section s, const void *data, size_t len)
{
    rc_build_begin(b, s);
    rc_build_write(b, data, len);
    rc_build_end(b);
}

// ---- the end ----

void rc_build_pass(const unsigned char **from, const void *at)
{
    uintptr_t begin = (uintptr_t)*from / WINDOW * WINDOW, end = (uintptr_t)at / WINDOW * WINDOW;

    // Windows of addresses: a neighbour's page that goes as well is read again.
    if ((uintptr_t)at < (uintptr_t)*from + WINDOW || begin == end)
        return;
    if (begin < (uintptr_t)*from)
        begin += WINDOW; // not before the section: another mapping may be there
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
    *from = (const unsigned char *)end;
}

// As rc_map_body_intact, with a window of the file in memory rather than all of it.
static bool body_intact(const struct rc_map *m)
{
    XXH3_state_t *state = XXH3_createState();
    size_t at = sizeof(struct rc_header);
    bool intact;

    if (!state)
        return false;
    XXH3_64bits_reset(state);
    while (at < m->len) {
        size_t end = (at / WINDOW + 1) * WINDOW;
        if (end > m->len)
            end = m->len;
        XXH3_64bits_update(state, m->base + at, end - at);
        madvise((void *)(uintptr_t)(m->base + at / WINDOW * WINDOW), end - at / WINDOW * WINDOW,
                MADV_DONTNEED);
        at = end;
    }
    intact = XXH3_64bits_digest(state) == m->head->body_check;
    XXH3_freeState(state);
    return intact;
}

static int read_back(const struct rc_build *b, size_t record_size,
                     int (*verify)(const struct rc_map *m, void *ctx), void *ctx)
{
    struct rc_map m;
    int r = rc_map_open(b->tmp, b->self.head->magic, record_size, &m);

    if (r < 0)
        return r;
    r = body_intact(&m) ? verify(&m, ctx) : -EBADMSG;
    rc_map_close(&m);
    return r;
}

// The sections that were not written stand empty behind the others.
static void seal(struct rc_build *b)
{
    struct rc_header *h = b->self.head;

    for (int i = 0; i < RC_SECTIONS; i++)
        if (h->section[i].off == 0)
            rc_build_section(b, (enum rc_section)i, NULL, 0);
    h->file_size = b->at;
    h->body_check = XXH3_64bits_digest(b->check);
    h->head_check = XXH3_64bits(h, offsetof(struct rc_header, head_check));
}

int rc_build_finish(struct rc_build *b, mode_t mode, gid_t group, size_t record_size,
                    int (*verify)(const struct rc_map *m, void *ctx), void *ctx)
{
    int r;

    seal(b);
    flush(b);
    r = b->error;
    if (r == 0 && pwrite(b->fd, b->self.head, sizeof(*b->self.head), 0) != sizeof(*b->self.head))
        r = errno ? -errno : -EIO;
    if (r == 0 && group != (gid_t)-1 && fchown(b->fd, (uid_t)-1, group) < 0)
        r = -errno;
    if (r == 0 && fchmod(b->fd, mode) < 0)
        r = -errno;
    if (r == 0 && fsync(b->fd) < 0)
        r = -errno;
    if (r == 0)
        r = read_back(b, record_size, verify, ctx);
    if (r == 0 && rename(b->tmp, b->path) < 0)
        r = -errno;
    if (r < 0)
        return r;
    close(b->fd);
    b->fd = -1;
    return rollcall_sync_folder(b->path);
}
