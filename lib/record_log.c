// SPDX-License-Identifier: BSD-2-Clause
// A log of fixed-size records with a check each.
#define XXH_INLINE_ALL
#include "lib/record_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define LOG_ENDIAN  0x01020304u
#define LOG_VERSION 1u

// The record's number is in the check: a record from elsewhere in the file, or from an
// older file in the same blocks, does not pass.
static uint64_t check_of(const uint8_t id[16], const void *record, size_t size, uint64_t number)
{
    uint64_t seed;

    memcpy(&seed, id, sizeof(seed));
    return XXH3_64bits_withSeed(record, size - 8, seed ^ (number + 1) * 0x9e3779b97f4a7c15ull);
}

static int write_head(int fd, const char *magic, size_t record_size, const uint8_t id[16])
{
    struct record_log_head h = {
        .endian = LOG_ENDIAN, .version = LOG_VERSION, .record_size = (uint32_t)record_size};
    char block[RECORD_LOG_HEAD] = {0};

    memcpy(h.magic, magic, 8);
    memcpy(h.id, id, 16);
    h.check = XXH3_64bits(&h, offsetof(struct record_log_head, check));
    memcpy(block, &h, sizeof(h));
    return pwrite(fd, block, sizeof(block), 0) == (ssize_t)sizeof(block) ? 0
           : errno                                                       ? -errno
                                                                         : -EIO;
}

static int preallocate_to(struct record_log *log, uint64_t records)
{
    off_t want = RECORD_LOG_HEAD + (off_t)(records * log->record_size);
    int r = posix_fallocate(log->fd, 0, want);

    if (r != 0)
        return -r;
    log->room = records;
    return fsync(log->fd) < 0 ? -errno : 0;
}

static int make(const char *path, const char *magic, const uint8_t *id, struct record_log *log,
                uint64_t preallocate)
{
    int r;

    log->fd = rollcall_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (log->fd < 0)
        return log->fd;
    if (id)
        memcpy(log->id, id, 16);
    else if (getrandom(log->id, 16, 0) != 16)
        return -EIO;
    log->next = 0;
    r = write_head(log->fd, magic, log->record_size, log->id);
    return r < 0 ? r : preallocate_to(log, preallocate);
}

// Calls replay for the good ones; *ret_next is behind the last good one.
static int replay_all(struct record_log *log, uint64_t records,
                      int (*replay)(void *ctx, const void *record), void *ctx,
                      unsigned *ret_damaged)
{
    _cleanup_free_ unsigned char *record = malloc(log->record_size);
    unsigned pending = 0;

    if (!record)
        return -ENOMEM;
    log->next = 0;
    for (uint64_t i = 0; i < records; i++) {
        uint64_t check;
        ssize_t n = pread(log->fd, record, log->record_size,
                          RECORD_LOG_HEAD + (off_t)(i * log->record_size));
        if (n < 0)
            return -errno;
        if ((size_t)n < log->record_size)
            break;
        memcpy(&check, record + log->record_size - 8, 8);
        if (check != check_of(log->id, record, log->record_size, i)) {
            pending++; // to the end: what stands behind a lost extent is found too
            continue;
        }
        *ret_damaged += pending;
        pending = 0;
        log->next = i + 1;
        if (replay) {
            int r = replay(ctx, record);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int record_log_open(const char *path, const char *magic, size_t record_size, uint64_t preallocate,
                    int (*replay)(void *ctx, const void *record), void *ctx, unsigned *ret_damaged,
                    struct record_log *ret)
{
    struct record_log log = {.fd = -1, .record_size = record_size};
    struct record_log_head h;
    struct stat st;
    int r;

    *ret_damaged = 0;
    log.path = strdup(path);
    if (!log.path)
        return -ENOMEM;
    log.fd = rollcall_open(path, O_RDWR, 0);
    if (log.fd == -ENOENT) {
        char tmp[PATH_MAX];
        r = snprintf(tmp, sizeof(tmp), "%s.new", path) < (int)sizeof(tmp) ? 0 : -ENAMETOOLONG;
        if (r == 0)
            unlink(tmp);
        if (r == 0)
            r = make(tmp, magic, NULL, &log, preallocate);
        if (r == 0 && rename(tmp, path) < 0)
            r = -errno;
        if (r == 0)
            r = rollcall_sync_folder(path);
    } else if (log.fd < 0) {
        r = log.fd;
    } else if (fstat(log.fd, &st) < 0 || pread(log.fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
               memcmp(h.magic, magic, 8) != 0 || h.endian != LOG_ENDIAN ||
               h.version != LOG_VERSION || h.record_size != record_size ||
               h.check != XXH3_64bits(&h, offsetof(struct record_log_head, check))) {
        r = -EBADMSG;
    } else {
        memcpy(log.id, h.id, 16);
        log.room = (uint64_t)(st.st_size - RECORD_LOG_HEAD) / record_size;
        r = replay_all(&log, log.room, replay, ctx, ret_damaged);
    }
    if (r < 0) {
        record_log_close(&log);
        return r;
    }
    *ret = log;
    return 0;
}

void record_log_close(struct record_log *log)
{
    free(log->path);
    if (log->fd >= 0)
        close(log->fd);
    *log = (struct record_log){.fd = -1};
}

static int put(struct record_log *log, void *records, size_t n)
{
    unsigned char *p = records;
    size_t len = n * log->record_size, done = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char *record = p + i * log->record_size;
        uint64_t check = check_of(log->id, record, log->record_size, log->next + i);
        memcpy(record + log->record_size - 8, &check, 8);
    }
    while (done < len) {
        ssize_t w = pwrite(log->fd, p + done, len - done,
                           RECORD_LOG_HEAD + (off_t)(log->next * log->record_size + done));
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        done += (size_t)w;
    }
    if (fdatasync(log->fd) < 0)
        return -errno;
    log->next += n;
    return 0;
}

int record_log_reserve(struct record_log *log, size_t n)
{
    if (log->next + n <= log->room)
        return 0;
    return preallocate_to(log, log->next + n + log->room / 2 + 256);
}

int record_log_append(struct record_log *log, void *records, size_t n)
{
    int r = n == 0 ? 0 : record_log_reserve(log, n);

    return n == 0 || r < 0 ? r : put(log, records, n);
}

int record_log_restart(struct record_log *log, const char *magic, void *records, size_t n,
                       uint64_t preallocate)
{
    struct record_log fresh = {.fd = -1, .record_size = log->record_size};
    char tmp[PATH_MAX];
    int r;

    if (snprintf(tmp, sizeof(tmp), "%s.new", log->path) >= (int)sizeof(tmp))
        return -ENAMETOOLONG;
    if (unlink(tmp) < 0 && errno != ENOENT)
        return -errno;
    r = make(tmp, magic, log->id, &fresh, preallocate + n);
    if (r == 0)
        r = put(&fresh, records, n);
    if (r == 0 && rename(tmp, log->path) < 0)
        r = -errno;
    if (r < 0) {
        if (fresh.fd >= 0)
            close(fresh.fd);
        unlink(tmp);
        return r;
    }
    close(log->fd);
    fresh.path = ROLLCALL_TAKE(log->path);
    *log = fresh;
    return rollcall_sync_folder(log->path);
}
