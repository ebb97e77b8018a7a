// SPDX-License-Identifier: BSD-2-Clause
// What counts against the breaker in its window, and the batches that are held.
#include <errno.h>

#include "syncd/engine/core_internal.h"

int64_t effects_in_window(struct engine_core *core, const char *source, enum effect_kind kind,
                          int64_t now)
{
    return store_number(&core->store, 0,
                        "SELECT count(*) FROM effect WHERE source = ? AND kind = ? AND at > ?",
                        "sii", source, (int64_t)kind, now - (int64_t)core->config->breaker_window);
}

int64_t effects_expected(struct engine_core *core, int64_t now)
{
    return store_number(&core->store, 0, "SELECT coalesce(sum(n), 0) FROM expected WHERE until > ?",
                        "i", now);
}

int effects_note(struct engine_core *core, const char *source, enum effect_kind kind, uint32_t slot,
                 int64_t now)
{
    return store_run(&core->store, "INSERT INTO effect VALUES(?, ?, ?, ?)", "siii", source,
                     (int64_t)kind, now, (int64_t)slot);
}

int64_t breaker_hold(struct engine_core *core, const char *source, const char *kind, int64_t n,
                     int64_t now)
{
    int64_t id = store_number(&core->store, -1, "SELECT id FROM hold WHERE source = ? AND kind = ?",
                              "ss", source, kind);
    int r = id >= 0 ? store_run(&core->store, "UPDATE hold SET n = n + ? WHERE id = ?", "ii", n, id)
                    : store_run(&core->store,
                                "INSERT INTO hold(source, kind, n, at) VALUES(?, ?, ?, ?)", "ssii",
                                source, kind, n, now);

    if (r < 0)
        return r;
    if (id < 0)
        id = sqlite3_last_insert_rowid(core->store.db);
    engine_audit(core,
                 json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "event", "hold", "source", source,
                           "kind", kind, "people", (json_int_t)n, "hold", (json_int_t)id, "why",
                           "more than the breaker allows; see rollcall status, rollcall approve"));
    return id;
}
