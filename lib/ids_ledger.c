// SPDX-License-Identifier: BSD-2-Clause
// The ids ledger: who has which slot, uid and gid, for ever.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record_log.h"
#include "rollcall/cleanup.h"

#define LEDGER_MAGIC "RCIDSLG"
#define LEDGER_ROOM  1024u

struct ledger_record {
    uint32_t kind, slot, id, unused;
    int64_t at;
    char key[216];
    uint64_t check;
};
_Static_assert(sizeof(struct ledger_record) == 248, "no holes");

struct rollcall_ledger {
    struct record_log log;
    int (*replay)(void *ctx, const struct rollcall_ledger_entry *entry);
    void *ctx;
};

static int replay_one(void *ctx, const void *record)
{
    struct rollcall_ledger *l = ctx;
    struct ledger_record r;
    struct rollcall_ledger_entry e;

    memcpy(&r, record, sizeof(r));
    e = (struct rollcall_ledger_entry){
        .kind = (enum rollcall_ledger_kind)r.kind, .slot = r.slot, .id = r.id, .at = r.at};
    memcpy(e.key, r.key, sizeof(e.key));
    e.key[sizeof(e.key) - 1] = 0;
    return l->replay ? l->replay(l->ctx, &e) : 0;
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
    // A hole in the ledger could give a person's uid to another: better nobody new.
    if (r == 0 && damaged > 0) {
        record_log_close(&l->log);
        r = -EBADMSG;
    }
    if (r < 0) {
        free(l);
        return r;
    }
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

    if (!r)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        r[i] = (struct ledger_record){.kind = entries[i].kind,
                                      .slot = entries[i].slot,
                                      .id = entries[i].id,
                                      .at = entries[i].at};
        memcpy(r[i].key, entries[i].key, strnlen(entries[i].key, sizeof(entries[i].key) - 1));
    }
    return record_log_append(&l->log, r, n);
}
