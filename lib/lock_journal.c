// SPDX-License-Identifier: BSD-2-Clause
// The lock journal: what was locked and lifted, durable before state.db knows it.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record_log.h"
#include "rollcall/cleanup.h"

#define JOURNAL_MAGIC "RCLOCKS"
#define JOURNAL_ROOM  8192u // 512 KiB: a layoff of 8,000 on a full disk still has room

struct journal_record {
    uint64_t sequence;
    int64_t at, hr_time;
    uint32_t slot, uid;
    uint8_t state, reason, flags, unused[21];
    uint64_t check;
};
_Static_assert(sizeof(struct journal_record) == 64, "records do not straddle sectors");

struct rollcall_journal {
    struct record_log log;
    uint64_t sequence;
    int (*replay)(void *ctx, const struct rollcall_journal_entry *entry);
    void *ctx;
};

static int replay_one(void *ctx, const void *record)
{
    struct rollcall_journal *j = ctx;
    struct journal_record r;
    struct rollcall_journal_entry e;

    memcpy(&r, record, sizeof(r));
    if (r.sequence >= j->sequence)
        j->sequence = r.sequence + 1;
    if (r.state > ROLLCALL_STATE_PURGED)
        return 0;
    e = (struct rollcall_journal_entry){.slot = r.slot,
                                        .uid = r.uid,
                                        .state = r.state,
                                        .reason = r.reason,
                                        .flags = r.flags,
                                        .at = r.at,
                                        .hr_time = r.hr_time,
                                        .sequence = r.sequence};
    return j->replay ? j->replay(j->ctx, &e) : 0;
}

int rollcall_journal_open(const char *path,
                          int (*replay)(void *ctx, const struct rollcall_journal_entry *entry),
                          void *ctx, unsigned *ret_damaged, struct rollcall_journal **ret)
{
    struct rollcall_journal *j = calloc(1, sizeof(*j));
    int r;

    if (!j)
        return -ENOMEM;
    j->replay = replay;
    j->ctx = ctx;
    r = record_log_open(path, JOURNAL_MAGIC, sizeof(struct journal_record), JOURNAL_ROOM,
                        replay_one, j, ret_damaged, &j->log);
    if (r < 0) {
        free(j);
        return r;
    }
    *ret = j;
    return 0;
}

struct rollcall_journal *rollcall_journal_close(struct rollcall_journal *j)
{
    if (j)
        record_log_close(&j->log);
    free(j);
    return NULL;
}

static struct journal_record *records_of(struct rollcall_journal *j,
                                         const struct rollcall_journal_entry *e, size_t n)
{
    struct journal_record *r = calloc(n ? n : 1, sizeof(*r));

    for (size_t i = 0; r && i < n; i++)
        r[i] = (struct journal_record){.sequence = j->sequence + i,
                                       .at = e[i].at,
                                       .hr_time = e[i].hr_time,
                                       .slot = e[i].slot,
                                       .uid = e[i].uid,
                                       .state = (uint8_t)e[i].state,
                                       .reason = (uint8_t)e[i].reason,
                                       .flags = e[i].flags};
    return r;
}

int rollcall_journal_append(struct rollcall_journal *j, struct rollcall_journal_entry *entries,
                            size_t n)
{
    _cleanup_free_ struct journal_record *r = records_of(j, entries, n);
    int e;

    if (!r)
        return -ENOMEM;
    e = record_log_append(&j->log, r, n);
    if (e < 0)
        return e;
    for (size_t i = 0; i < n; i++)
        entries[i].sequence = j->sequence++;
    return 0;
}

int rollcall_journal_compact(struct rollcall_journal *j,
                             const struct rollcall_journal_entry *standing, size_t n)
{
    _cleanup_free_ struct journal_record *r = records_of(j, standing, n);
    int e;

    if (!r)
        return -ENOMEM;
    e = record_log_restart(&j->log, JOURNAL_MAGIC, r, n, JOURNAL_ROOM);
    if (e == 0)
        j->sequence += n;
    return e;
}

void rollcall_journal_go_on(struct rollcall_journal *j, uint64_t last)
{
    if (j->sequence <= last)
        j->sequence = last + 1;
}

uint64_t rollcall_journal_last(const struct rollcall_journal *j)
{
    return j->sequence ? j->sequence - 1 : 0;
}

bool rollcall_journal_wants_compaction(const struct rollcall_journal *j)
{
    return j->log.next > JOURNAL_ROOM / 2 && j->log.next * 2 > j->log.room;
}
