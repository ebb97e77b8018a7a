// SPDX-License-Identifier: BSD-2-Clause
// Names that lists of members use, and whose they are. An id goes before an alias; a name
// that a person and a group of one source have as their id is nobody's; an alias that
// somebody established has stays theirs.
#include <errno.h>
#include <string.h>

#include "syncd/engine/nesting.h"

static bool is_record(struct engine_core *core, const char *source, const char *id)
{
    return store_number(&core->store, 0,
                        "SELECT 1 FROM record WHERE source = ? AND id = ? AND NOT gone", "ss",
                        source, id);
}

static int64_t group_of(struct engine_core *core, const char *source, const char *id)
{
    return store_number(&core->store, -1,
                        "SELECT number FROM entry WHERE source = ? AND kind = 1 AND name = ?", "ss",
                        source, id);
}

int entry_give_up(struct engine_core *core, int64_t entry)
{
    int r = touch_entry(core, entry);

    return r == 0
               ? store_run(&core->store,
                           "UPDATE entry SET user = NULL, grp = NULL WHERE number = ?", "i", entry)
               : r;
}

static int make_owner(struct engine_core *core, int64_t entry, const char *user, int64_t group)
{
    return store_run(&core->store, "UPDATE entry SET user = ?, grp = ? WHERE number = ?", "sii",
                     user, group < 0 ? ROLLCALL_TIME_UNSET : group, entry);
}

static int give_to(struct engine_core *core, int64_t entry, const char *user, int64_t group)
{
    int r = touch_entry(core, entry);

    if (r == 0)
        r = make_owner(core, entry, user, group);
    return r == 0 ? touch_entry(core, entry) : r;
}

static int resolve(struct engine_core *core, const char *source, int64_t entry, const char *name)
{
    bool user = is_record(core, source, name);
    int64_t group = group_of(core, source, name);

    if (user && group >= 0) {
        engine_audit(core, json_pack("{s:s, s:s, s:s, s:s}", "event", "name-ambiguous", "source",
                                     source, "name", name, "why",
                                     "a person and a group have it as their id; in lists of "
                                     "members it is nobody's"));
        return entry_give_up(core, entry);
    }
    return user || group >= 0 ? give_to(core, entry, user ? name : NULL, group) : 0;
}

int64_t entry_of(struct engine_core *core, const char *source, int kind, const char *name,
                 bool make)
{
    int64_t number =
        store_number(&core->store, -ENOENT,
                     "SELECT number FROM entry WHERE source = ? AND kind = ? AND name = ?", "sis",
                     source, (int64_t)kind, name);
    int r;

    if (number >= 0 || !make)
        return number;
    r = store_run(&core->store, "INSERT INTO entry(source, kind, name) VALUES(?, ?, ?)", "sis",
                  source, (int64_t)kind, name);
    if (r < 0)
        return r;
    number = sqlite3_last_insert_rowid(core->store.db);
    if (kind == ENTRY_GROUP) {
        r = store_run(&core->store, "UPDATE entry SET grp = ?1 WHERE number = ?1", "i", number);
        if (r == 0)
            r = entry_appeared(core, source, name);
    } else {
        r = resolve(core, source, number, name);
    }
    return r < 0 ? r : number;
}

int entry_appeared(struct engine_core *core, const char *source, const char *id)
{
    int64_t entry = entry_of(core, source, ENTRY_NAME, id, false);

    return entry < 0 ? 0 : resolve(core, source, entry, id);
}

// Names that a changed row of this listing says no more. By the rows that changed.
int entries_release(struct engine_core *core, const char *source)
{
    int r = store_run(
        &core->store,
        "INSERT OR IGNORE INTO releasing SELECT e.number FROM incoming i CROSS JOIN record r ON"
        " r.source = i.source AND r.id = i.id CROSS JOIN entry e ON e.source = i.source AND"
        " e.user = i.id WHERE i.source = ? AND i.body IS NOT NULL AND i.copies = 1 AND"
        " NOT i.shared AND r.hash <> i.hash AND e.name <> e.user AND NOT EXISTS"
        "(SELECT 1 FROM json_each(i.body, '$.aliases') j WHERE j.value = e.name)",
        "s", source);

    for (int64_t entry;
         r == 0 && (entry = store_number(&core->store, -1, "SELECT number FROM releasing LIMIT 1",
                                         "")) >= 0;) {
        r = entry_give_up(core, entry);
        if (r == 0)
            r = store_run(&core->store, "DELETE FROM releasing WHERE number = ?", "i", entry);
    }
    return r;
}

// Whoever left the source, or leaves it with this listing, holds no name against another.
static bool stays_users(struct engine_core *core, const struct stage *stage, const char *user)
{
    return store_number(
        &core->store, 0,
        "SELECT 1 FROM record r LEFT JOIN incoming i ON i.source = r.source AND i.id = r.id WHERE"
        " r.source = ?1 AND r.id = ?2 AND NOT r.gone AND NOT r.absent AND"
        " (i.id IS NULL OR (i.listed AND NOT i.gone)) AND (i.id IS NOT NULL OR NOT ?3)",
        "ssi", stage->source, user, (int64_t)(stage->full && !stage->difference));
}

static bool stays_groups(struct engine_core *core, const struct stage *stage, int64_t group)
{
    return store_number(
        &core->store, 0,
        "SELECT 1 FROM entry e WHERE e.number = ?1 AND NOT EXISTS(SELECT 1 FROM incoming i WHERE"
        " i.source = e.source AND i.id = e.name AND (i.gone OR NOT i.listed)) AND (NOT ?2 OR EXISTS"
        "(SELECT 1 FROM incoming_group i WHERE i.source = e.source AND i.id = e.name))",
        "ii", group, (int64_t)(stage->full && !stage->difference));
}

int entry_claim(struct engine_core *core, const struct stage *stage, int64_t entry,
                const char *user, int64_t group, bool settles, bool *ret_taken)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT coalesce(e.user, ''), coalesce(e.grp, -1), e.name = coalesce(e.user,"
                   " (SELECT g.name FROM entry g WHERE g.number = e.grp)) FROM entry e WHERE"
                   " e.number = ?",
                   "i", entry);
    char owner[160];
    int64_t owning;
    int error = -ENOENT;
    bool by_id;

    if (!store_step(&core->store, q, &error))
        return error;
    snprintf(owner, sizeof(owner), "%s", store_text(q, 0));
    owning = sqlite3_column_int64(q, 1);
    by_id = sqlite3_column_int(q, 2);
    sqlite3_reset(q);
    *ret_taken = true;
    if (user ? strcmp(owner, user) == 0 : owning == group)
        return 0;
    if ((*owner && (by_id || stays_users(core, stage, owner))) ||
        (owning >= 0 && (by_id || stays_groups(core, stage, owning)))) {
        *ret_taken = false;
        return 0;
    }
    // Nobody loses it, and who has it now is looked at with their row: not once more.
    if (user && settles && !*owner && owning < 0)
        return make_owner(core, entry, user, group);
    return give_to(core, entry, user, group);
}
