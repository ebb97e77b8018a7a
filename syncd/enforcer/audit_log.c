// SPDX-License-Identifier: BSD-2-Clause
// audit.jsonl: stamped, chained, appended; docs/doors/audit.md.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollcall/audit_chain.h"
#include "rollcall/cleanup.h"
#include "rollcall/log.h"
#include "rollcall/safeio.h"
#include "syncd/enforcer/enforcer.h"

#define LINE_MAX_BYTES 65536
#define ROTATE_BYTES   (64ll * 1024 * 1024)
#define KEPT_MAX       1024

struct audit_log {
    char path[512];
    gid_t group;
    int fd;
    off_t size;
    uint64_t sequence;
    char chain[ROLLCALL_CHAIN_HEX + 1];
    char *kept[KEPT_MAX]; // whole lines that the disk refused, oldest first
    size_t n_kept, dropped;
    bool unsynced;
};

// The last whole line of a file tells sequence and chain; what follows it is a record that
// a crash cut, and goes.
static int find_end(struct audit_log *log)
{
    _cleanup_free_ char *tail = NULL;
    struct stat st;
    size_t len, from, end, split;
    json_t *o;

    if (fstat(log->fd, &st) < 0)
        return -errno;
    log->size = st.st_size;
    if (st.st_size == 0)
        return 0;
    len = st.st_size > 2 * LINE_MAX_BYTES ? 2 * LINE_MAX_BYTES : (size_t)st.st_size;
    tail = malloc(len + 1);
    if (!tail || pread(log->fd, tail, len, st.st_size - (off_t)len) != (ssize_t)len)
        return -EIO;
    for (end = len; end > 0 && tail[end - 1] != '\n'; end--)
        ;
    if (end < len && ftruncate(log->fd, st.st_size - (off_t)(len - end)) < 0)
        return -errno;
    log->size -= (off_t)(len - end);
    if (end == 0)
        return 0;
    for (from = end - 1; from > 0 && tail[from - 1] != '\n'; from--)
        ;
    if (rollcall_audit_split(tail + from, end - 1 - from, &split, log->chain) < 0)
        return -EBADMSG;
    o = json_loadb(tail + from, end - 1 - from, 0, NULL);
    log->sequence = (uint64_t)json_integer_value(json_object_get(o, "seq"));
    json_decref(o);
    return 0;
}

// A chain goes on over rotated files, the newest of which is PATH.1.
static void continue_rotated(struct audit_log *log)
{
    char path[520];
    struct audit_log old = {.fd = -1};

    snprintf(path, sizeof(path), "%s.1", log->path);
    old.fd = rollcall_open(path, O_RDWR, 0);
    if (old.fd < 0)
        return;
    memcpy(old.chain, log->chain, sizeof(old.chain));
    if (find_end(&old) == 0 && old.sequence > 0) {
        log->sequence = old.sequence;
        memcpy(log->chain, old.chain, sizeof(log->chain));
    }
    close(old.fd);
}

static int open_file(struct audit_log *log)
{
    int r;

    log->fd = rollcall_open(log->path, O_RDWR | O_CREAT | O_APPEND, 0640);
    if (log->fd < 0)
        return log->fd;
    if (fchown(log->fd, 0, log->group) < 0 || fchmod(log->fd, 0640) < 0)
        rollcall_log(LOG_WARNING, "audit-log-owner", "why", strerror(errno), NULL);
    r = find_end(log);
    if (r == -EBADMSG) {
        // Not our line: a file that cannot be continued is kept aside, and a new one begun.
        char aside[540];
        snprintf(aside, sizeof(aside), "%s.broken", log->path);
        close(log->fd);
        if (rename(log->path, aside) < 0)
            return -errno;
        rollcall_log(LOG_ERR, "audit-log-broken", "path", aside, NULL);
        log->fd = rollcall_open(log->path, O_RDWR | O_CREAT | O_APPEND, 0640);
        log->size = 0;
        return log->fd < 0 ? log->fd : 0;
    }
    return r;
}

int audit_log_open(const char *path, gid_t group, struct audit_log **ret)
{
    struct audit_log *log = calloc(1, sizeof(*log));
    int r;

    if (!log)
        return -ENOMEM;
    snprintf(log->path, sizeof(log->path), "%s", path);
    log->group = group;
    memset(log->chain, '0', ROLLCALL_CHAIN_HEX);
    r = open_file(log);
    if (r < 0) {
        free(log);
        return r;
    }
    if (log->size == 0)
        continue_rotated(log);
    *ret = log;
    return 0;
}

struct audit_log *audit_log_close(struct audit_log *log)
{
    if (!log)
        return NULL;
    for (size_t i = 0; i < log->n_kept; i++)
        free(log->kept[i]);
    if (log->fd >= 0)
        close(log->fd);
    free(log);
    return NULL;
}

int audit_log_reopen(struct audit_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    return open_file(log);
}

static void rotate(struct audit_log *log)
{
    char from[540], to[540];

    for (int i = 8; i >= 0; i--) {
        if (i)
            snprintf(from, sizeof(from), "%s.%d", log->path, i);
        else
            snprintf(from, sizeof(from), "%s", log->path);
        snprintf(to, sizeof(to), "%s.%d", log->path, i + 1);
        if (rename(from, to) < 0 && errno != ENOENT)
            return;
    }
    close(log->fd);
    log->fd = rollcall_open(log->path, O_RDWR | O_CREAT | O_APPEND, 0640);
    log->size = 0;
    if (log->fd >= 0 && fchown(log->fd, 0, log->group) < 0)
        rollcall_log(LOG_WARNING, "audit-log-owner", "why", strerror(errno), NULL);
}

// One write a line; a part that a full disk took is taken back.
static int write_line(struct audit_log *log, const char *line, size_t len)
{
    int r;

    if (log->fd < 0)
        return -EBADF;
    r = rollcall_write_all(log->fd, line, len);
    if (r < 0) {
        if (ftruncate(log->fd, log->size) < 0)
            return -errno;
        return r;
    }
    log->size += (off_t)len;
    log->unsynced = true;
    return 0;
}

static void write_kept(struct audit_log *log)
{
    size_t done = 0;

    while (done < log->n_kept && write_line(log, log->kept[done], strlen(log->kept[done])) == 0)
        free(log->kept[done++]);
    if (done == 0)
        return;
    memmove(log->kept, log->kept + done, (log->n_kept - done) * sizeof(log->kept[0]));
    log->n_kept -= done;
}

static void keep(struct audit_log *log, char *line)
{
    if (log->n_kept == KEPT_MAX) {
        free(line); // its place in the chain shows that it is gone
        log->dropped++;
        return;
    }
    log->kept[log->n_kept++] = line;
}

static json_t *stamp(struct audit_log *log, json_t *record, uid_t uid, pid_t pid)
{
    static const char *const ours[] = {"seq", "at", "from_uid", "from_pid", "chain"};
    char at[40];
    json_t *o = json_pack("{s:I, s:s, s:I, s:i}", "seq", (json_int_t)log->sequence + 1, "at",
                          now_text(at), "from_uid", (json_int_t)uid, "from_pid", (int)pid);

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        json_object_del(record, ours[i]);
    json_object_update(o, record);
    json_decref(record);
    return o;
}

int audit_log_append(struct audit_log *log, json_t *record, uid_t from_uid, pid_t from_pid)
{
    json_t *o = stamp(log, record, from_uid, from_pid);
    char *text = json_dumps(o, JSON_COMPACT), *line, chain[ROLLCALL_CHAIN_HEX + 1];
    size_t len = text ? strlen(text) : 0;

    json_decref(o);
    if (len < 2 || len > LINE_MAX_BYTES - 200 ||
        rollcall_audit_chain(log->chain, text, len - 1, chain) < 0) {
        free(text);
        log->dropped++;
        return -EMSGSIZE;
    }
    line = malloc(len + ROLLCALL_CHAIN_HEX + 32);
    if (!line) {
        free(text);
        log->dropped++;
        return -ENOMEM;
    }
    snprintf(line, len + ROLLCALL_CHAIN_HEX + 32, "%.*s,\"chain\":\"%s\"}\n", (int)len - 1, text,
             chain);
    free(text);
    memcpy(log->chain, chain, sizeof(log->chain));
    log->sequence++;
    if (log->size > ROTATE_BYTES && log->n_kept == 0)
        rotate(log);
    write_kept(log);
    if (log->n_kept > 0 || write_line(log, line, strlen(line)) < 0)
        keep(log, line);
    else
        free(line);
    return 0;
}

int audit_log_sync(struct audit_log *log)
{
    int r = 0;

    if (log->n_kept)
        write_kept(log);
    if (log->unsynced && log->fd >= 0)
        r = fdatasync(log->fd) < 0 ? -errno : 0;
    if (r == 0 && log->fd >= 0)
        log->unsynced = false;
    return r < 0 ? r : log->n_kept > 0 || log->unsynced ? -EAGAIN : 0;
}

uint64_t audit_log_sequence(const struct audit_log *log)
{
    return log->sequence;
}

size_t audit_log_kept(const struct audit_log *log)
{
    return log->n_kept + log->dropped;
}
