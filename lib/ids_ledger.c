// SPDX-License-Identifier: BSD-2-Clause
// The ids ledger: who has which slot, uid and gid, for ever.
//
// An append is a batch whose last record is written, and synced, after all others were.
// A batch without its last record was never told to anybody: a crash tore it, and it is
// dropped. A hole in front of a last record is damage to what was told: nothing is read.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record_log.h"
#include "rollcall/cleanup.h"

#define LEDGER_MAGIC "RCIDSLG"
#define LEDGER_ROOM  1024u

struct ledger_record {
    uint32_t kind, slot, id;
    uint32_t left; // records of its batch that follow
    int64_t at;
    char key[200];
    uint64_t number, unused;
    uint64_t check;
};
_Static_assert(sizeof(struct ledger_record) == 248, "no holes");

struct rollcall_ledger {
    struct record_log log;
    bool broken; // a write failed: what is on the disk is known only after a reopen
    uint64_t expected;
    uint64_t committed; // number behind the last whole batch
    bool hole;          // since then
    struct ledger_record *batch;
    size_t n, room;
    int (*replay)(void *ctx, const struct rollcall_ledger_entry *entry);
    void *ctx;
};

static int tell(struct rollcall_ledger *l, const struct ledger_record *r)
{
    struct rollcall_ledger_entry e = {
        .kind = (enum rollcall_ledger_kind)r->kind, .slot = r->slot, .id = r->id, .at = r->at};

    memcpy(e.key, r->key, sizeof(e.key));
    e.key[sizeof(e.key) - 1] = 0;
    return l->replay ? l->replay(l->ctx, &e) : 0;
}

static int replay_one(void *ctx, const void *record)
{
    struct rollcall_ledger *l = ctx;
    struct ledger_record r;

    memcpy(&r, record, sizeof(r));
    l->hole = l->hole || r.number != l->expected;
    l->expected = r.number + 1;
    if (l->n == l->room) {
        size_t want = l->room ? l->room * 2 : 64;
        struct ledger_record *p = realloc(l->batch, want * sizeof(*p));
        if (!p)
            return -ENOMEM;
        l->batch = p;
        l->room = want;
    }
    l->batch[l->n++] = r;
    if (r.left > 0)
        return 0;
    // A hole could give a person's uid to another: better nobody new.
    if (l->hole)
        return -EBADMSG;
    for (size_t i = 0; i < l->n; i++) {
        int e = tell(l, &l->batch[i]);
        if (e < 0)
            return e;
    }
    l->n = 0;
    l->committed = l->expected;
    return 0;
}

int rollcall_ledger_open(const char *path,
                         int (*replay)(void *ctx, const struct rollcall_ledger_entry *entry),
                         void *ctx, struct rollcall_ledger **ret)
{
    struct rollcall_ledger *l = calloc(1, sizeof(*l));
    unsigned damaged;
    int r;

    if (!l)
        return -ENOMEM;
    l->replay = replay;
    l->ctx = ctx;
    r = record_log_open(path, LEDGER_MAGIC, sizeof(struct ledger_record), LEDGER_ROOM, replay_one,
                        l, &damaged, &l->log);
    free(ROLLCALL_TAKE(l->batch));
    if (r < 0) {
        free(l);
        return r;
    }
    l->log.next = l->committed;
    *ret = l;
    return 0;
}

struct rollcall_ledger *rollcall_ledger_close(struct rollcall_ledger *l)
{
    if (l)
        record_log_close(&l->log);
    free(l);
    return NULL;
}

const uint8_t *rollcall_ledger_id(const struct rollcall_ledger *l)
{
    return l->log.id;
}

int rollcall_ledger_append(struct rollcall_ledger *l, const struct rollcall_ledger_entry *entries,
                           size_t n)
{
    _cleanup_free_ struct ledger_record *r = calloc(n ? n : 1, sizeof(*r));
    int e;

    if (!r)
        return -ENOMEM;
    if (l->broken || n > UINT32_MAX)
        return l->broken ? -EIO : -EOVERFLOW;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        r[i] = (struct ledger_record){.kind = entries[i].kind,
                                      .slot = entries[i].slot,
                                      .id = entries[i].id,
                                      .left = (uint32_t)(n - 1 - i),
                                      .number = l->log.next + i,
                                      .at = entries[i].at};
        memcpy(r[i].key, entries[i].key, strnlen(entries[i].key, sizeof(entries[i].key) - 1));
    }
    e = record_log_reserve(&l->log, n);
    if (e < 0)
        return e; // nothing was written
    if (n > 1)
        e = record_log_append(&l->log, r, n - 1);
    if (e == 0)
        e = record_log_append(&l->log, &r[n - 1], 1);
    l->broken = e < 0;
    return e;
}
