// SPDX-License-Identifier: BSD-2-Clause
// Time: dates that are reached, leases, the clock mark, factors to be destroyed.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#include "syncd/engine/core_internal.h"

#define DAY 86400

int lease_publish(struct engine_core *core, int64_t now)
{
    int64_t latest = now > core->clock_mark ? now : core->clock_mark;

    if (!core->board)
        return 0;
    for (size_t i = 0; i < core->config->n_sources; i++) {
        const struct rollcall_source_config *src = &core->config->source[i];
        struct rollcall_lease lease = {.length = (int64_t)src->lease};
        lease.as_of = store_number(&core->store, 0, "SELECT as_of FROM source WHERE name = ?", "s",
                                   src->name);
        // An authority whose clock runs ahead must not lease more than it has.
        if (lease.as_of > latest)
            lease.as_of = latest;
        lease.extended = lease_extended(core, src->name);
        snprintf(lease.source, sizeof(lease.source), "%s", src->name);
        rollcall_board_set_lease(core->board, (unsigned)i, &lease);
    }
    return 0;
}

int64_t engine_core_deadline(struct engine_core *core)
{
    return store_number(&core->store, ROLLCALL_TIME_UNSET,
                        "SELECT next FROM person WHERE next IS NOT NULL ORDER BY next LIMIT 1", "");
}

struct due {
    int64_t now;
};

// Everybody whose date is reached; the index holds them in order, so nobody else is read.
static int take_dates(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct due *due = ctx;

    for (;;) {
        int64_t slot = store_number(&core->store, -1,
                                    "SELECT slot FROM person WHERE next <= ? ORDER BY next LIMIT 1",
                                    "i", due->now);
        int r;
        if (slot < 0)
            return 0;
        r = person_merge(core, (uint32_t)slot, NULL, due->now, changes);
        if (r == 0) // a merge that leaves a date in the past would come round for ever
            r = store_run(&core->store,
                          "UPDATE person SET next = NULL WHERE slot = ? AND next <= ?", "ii", slot,
                          due->now);
        if (r < 0)
            return r;
    }
}

// After a day of a continued explicit end, factors are destroyed. A clock that nobody
// keeps could have made that day out of nothing.
static int take_purges(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct due *due = ctx;

    for (;;) {
        sqlite3_stmt *q = store_bind(&core->store,
                                     "SELECT slot FROM person WHERE state = 5 AND since <= ? AND"
                                     " (flags & 24) = 0 AND hold IS NULL LIMIT 1",
                                     "i", due->now - DAY);
        struct rollcall_word before, after;
        struct change *c;
        uint32_t slot;
        int error = 0;
        if (!store_step(&core->store, q, &error))
            return error;
        slot = (uint32_t)sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        error = person_word(core, slot, &before);
        if (error < 0)
            return error;
        after = before;
        after.state = ROLLCALL_STATE_PURGED;
        error = store_run(&core->store, "UPDATE person SET state = 6 WHERE slot = ?", "i",
                          (int64_t)slot);
        c = error < 0 ? NULL : changes_add(changes);
        if (!c)
            return error < 0 ? error : -ENOMEM;
        *c = (struct change){.slot = slot,
                             .uid = before.uid,
                             .before = before,
                             .after = after,
                             .reason = ROLLCALL_REASON_NONE,
                             .hr_time = ROLLCALL_TIME_UNSET};
        publish_changed(core, slot);
        core->dirty |= DIRTY_KEYS;
    }
}

bool clock_synchronised(struct engine_core *core)
{
    struct timex t = {0};

    if (core->hooks.clock_synchronised)
        return core->hooks.clock_synchronised(core->hooks.ctx);
    return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

static void mark_clock(struct engine_core *core, int64_t now)
{
    // A jump of more than a day forward, while we run, is somebody's mistake until the
    // clock is synchronised; marking it would keep everybody out when it is mended.
    if (now <= core->clock_mark || (now > core->clock_mark + DAY && core->clock_mark &&
                                    core->marked_once && !clock_synchronised(core)))
        return;
    core->marked_once = true;
    core->clock_mark = now;
    rollcall_board_set_clock_mark(core->board, now);
    if (now / 60 != core->mark_stored / 60) {
        store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('clock', ?)", "i", now);
        core->mark_stored = now;
    }
}

int engine_core_tick(struct engine_core *core, int64_t now)
{
    struct due due = {now};
    int64_t next = engine_core_deadline(core);
    int r;

    mark_clock(core, now);
    alarms_tick(core, now);
    r = effects_retry(core, now);
    if (next != ROLLCALL_TIME_UNSET && next <= now)
        r = effects_transaction(core, now, take_dates, &due);
    if (now - core->purge_looked >= 60) {
        core->purge_looked = now;
        if (clock_synchronised(core) &&
            store_number(&core->store, 0,
                         "SELECT 1 FROM person WHERE state = 5 AND since <= ? LIMIT 1", "i",
                         now - DAY))
            r = effects_transaction(core, now, take_purges, &due);
        store_run(&core->store, "DELETE FROM effect WHERE at < ?", "i",
                  now - (int64_t)core->config->breaker_window - DAY);
    }
    return r;
}
