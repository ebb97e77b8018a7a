// SPDX-License-Identifier: BSD-2-Clause
// From a person to all groups that they are in, and from what changed to all whose
// membership follows from it: each step by an index, circles walked once.
#include "syncd/engine/nesting.h"

#include <errno.h>
#include <stdlib.h>

// ---- downward ----

int touch_entry(struct engine_core *core, int64_t entry)
{
    int r;

    // A name that no list uses changes nobody's groups.
    if (!store_number(&core->store, 0, "SELECT 1 FROM member WHERE entry = ? LIMIT 1", "i", entry))
        return 0;
    r = store_run(&core->store, "INSERT OR IGNORE INTO touched VALUES(0, ?)", "i", entry);
    // Whose it is now, also where it is about to be another's.
    if (r == 0)
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO touched SELECT 1, grp FROM entry WHERE number = ? AND"
                      " grp IS NOT NULL",
                      "i", entry);
    return r == 0 ? store_run(&core->store,
                              "INSERT OR IGNORE INTO touched SELECT 2, r.slot FROM entry e CROSS"
                              " JOIN record r ON r.source = e.source AND r.id = e.user WHERE"
                              " e.number = ? AND r.slot IS NOT NULL",
                              "i", entry)
                  : r;
}

int touched_slots(struct engine_core *core, struct slots *ret)
{
    sqlite3_stmt *q = store_bind(
        &core->store,
        "WITH RECURSIVE below(g) AS (SELECT number FROM touched WHERE kind = 1 UNION SELECT e.grp"
        " FROM touched t CROSS JOIN entry e ON e.number = t.number WHERE t.kind = 0 AND e.grp IS"
        " NOT NULL UNION SELECT e.grp FROM below CROSS JOIN member m ON m.grp = below.g CROSS JOIN"
        " entry e ON e.number = m.entry WHERE e.grp IS NOT NULL)"
        " SELECT r.slot FROM touched t CROSS JOIN entry e ON e.number = t.number CROSS JOIN record "
        "r"
        " ON r.source = e.source AND r.id = e.user WHERE t.kind = 0 AND r.slot IS NOT NULL"
        " UNION SELECT number FROM touched WHERE kind = 2"
        " UNION SELECT r.slot FROM below CROSS JOIN member m ON m.grp = below.g CROSS JOIN entry e"
        " ON e.number = m.entry CROSS JOIN record r ON r.source = e.source AND r.id = e.user"
        " WHERE r.slot IS NOT NULL"
        " UNION SELECT o.slot FROM below CROSS JOIN own o ON o.grp = below.g",
        "");
    struct slots s = {0};
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        if (s.n == s.room) {
            size_t want = s.room ? s.room * 2 : 64;
            uint32_t *p = reallocarray(s.slot, want, sizeof(*p));
            if (!p) {
                sqlite3_reset(q);
                error = -ENOMEM;
                break;
            }
            s.slot = p;
            s.room = want;
        }
        s.slot[s.n++] = (uint32_t)sqlite3_column_int64(q, 0);
    }
    if (error < 0) {
        free(s.slot);
        return error;
    }
    *ret = s;
    return 0;
}

int touched_settle(struct engine_core *core, const char *source, int64_t now,
                   struct changes *changes)
{
    struct slots s = {0};
    int r = 0;

    if (!store_number(&core->store, 0, "SELECT 1 FROM touched LIMIT 1", ""))
        return 0;
    r = touched_slots(core, &s);
    for (size_t i = 0; r == 0 && i < s.n; i++) {
        bool changed = false;
        r = rows_members(core, s.slot[i], now, &changed);
        if (r == 0 && changed)
            r = person_merge(core, s.slot[i], source, now, changes);
    }
    free(s.slot);
    return r == 0 ? store_run(&core->store, "DELETE FROM touched", "") : r;
}

// ---- upward ----

int walk_add(struct walk *w, int64_t node, int via)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->node[i] == node)
            return 0;
    if (w->n == WALK_MAX) {
        w->cut = true;
        return 0;
    }
    w->node[w->n] = node;
    w->via[w->n++] = via;
    return 0;
}

int walk_from(struct engine_core *core, const char *source, const char *record, struct walk *w)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT m.grp FROM entry e INDEXED BY entry_user CROSS JOIN member m"
                   " ON m.entry = e.number WHERE e.source = ? AND e.user = ?",
                   "ss", source, record);
    int error = 0;

    while (store_step(&core->store, q, &error))
        walk_add(w, sqlite3_column_int64(q, 0), -1);
    return error;
}

int walk_up(struct engine_core *core, struct walk *w)
{
    for (size_t i = 0; i < w->n; i++) {
        sqlite3_stmt *q = store_bind(&core->store,
                                     "SELECT m.grp FROM entry e INDEXED BY entry_grp CROSS JOIN"
                                     " member m ON m.entry = e.number WHERE e.grp = ?",
                                     "i", w->node[i]);
        int error = 0;
        while (store_step(&core->store, q, &error))
            walk_add(w, sqlite3_column_int64(q, 0), (int)i);
        if (error < 0)
            return error;
    }
    return 0;
}
