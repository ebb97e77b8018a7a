// SPDX-License-Identifier: BSD-2-Clause
// Which files of the cache are written, and when: only those whose content changed. A
// change of state is a word on the board and a row in the delta of `private`; the public
// file is written when somebody comes, goes or is renamed.
#include <stdlib.h>

#include "syncd/engine/publish.h"

static int by_slot(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

// In order, once each.
static void settle_changed(struct engine_core *core)
{
    uint32_t *slot = core->changed.slot;
    size_t n = 0;

    if (core->changed.n == 0)
        return;
    qsort(slot, core->changed.n, sizeof(*slot), by_slot);
    for (size_t i = 0; i < core->changed.n; i++)
        if (n == 0 || slot[n - 1] != slot[i])
            slot[n++] = slot[i];
    core->changed.n = n;
}

void publish_changed(struct engine_core *core, uint32_t slot)
{
    core->dirty |= DIRTY_PRIVATE;
    if (core->changed.overflow ||
        (core->changed.n > 0 && core->changed.slot[core->changed.n - 1] == slot))
        return;
    if (core->changed.n == core->changed.room) {
        size_t want = core->changed.room ? core->changed.room * 2 : 64;
        uint32_t *p;
        settle_changed(core);
        if (core->changed.n > DELTA_MAX) {
            core->changed.overflow = true;
            return;
        }
        if (core->changed.n == core->changed.room) {
            p = reallocarray(core->changed.slot, want, sizeof(*p));
            if (!p) {
                core->changed.overflow = true; // then all of it is written
                return;
            }
            core->changed.slot = p;
            core->changed.room = want;
        }
    }
    core->changed.slot[core->changed.n++] = slot;
}

static int write_private(struct engine_core *core, bool whole)
{
    int r;

    settle_changed(core);
    if (!whole && !core->changed.overflow && core->private_generation &&
        core->changed.n <= DELTA_MAX)
        return publish_private_delta(core);
    r = publish_private(core);
    if (r == 0) {
        core->private_generation = core->generation;
        core->changed.n = 0;
        core->changed.overflow = false;
    }
    return r;
}

int publish_files(struct engine_core *core, unsigned what, int64_t now)
{
    uint32_t slots =
        (uint32_t)(store_number(&core->store, -1, "SELECT max(slot) FROM person", "") + 1);
    int r = 0;

    core->generation++;
    engine_phase(core, "snapshot");
    if (rollcall_board_capacity(core->board) < slots) {
        r = effects_board_fresh(core, now);
        what |= DIRTY_ALL;
        core->dirty = 0;
    }
    // Private first: whoever is public can be judged.
    if (r == 0 && (what & DIRTY_PRIVATE))
        r = write_private(core, what == DIRTY_ALL);
    if (r == 0 && (what & DIRTY_KEYS))
        r = publish_keys(core, slots);
    if (r == 0 && (what & DIRTY_ACCOUNTS))
        r = publish_accounts(core, slots, now);
    if (r == 0) {
        // What programs look at to see that there is a new public file.
        if (what & DIRTY_ACCOUNTS)
            rollcall_board_set_generation(core->board, core->generation);
        store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('generation', ?)", "i",
                  (int64_t)core->generation);
        rollcall_board_sync(core->board);
    }
    engine_phase(core, "idle");
    return r;
}
