// SPDX-License-Identifier: BSD-2-Clause
// Memberships that end by the group's word: how many people would not be let in any more is
// counted before any of it takes effect, and beyond the breaker's limit all of it is held.
#include <errno.h>
#include <stdlib.h>

#include "syncd/engine/nesting.h"
#include "syncd/engine/rows.h"

static bool drop_is_held(struct engine_core *core, uint32_t slot)
{
    return store_number(&core->store, 0, "SELECT 1 FROM record WHERE slot = ? AND dropped = 2", "i",
                        (int64_t)slot);
}

// Whether the groups of the person's rows have none of `list`; NULL: whether there are none at all.
static int is_outside(struct engine_core *core, uint32_t slot, int64_t now,
                      const struct rollcall_list *list, bool *ret)
{
    struct membership m = {0};
    int r = rows_membership(core, slot, now, &m);

    if (r < 0)
        return r;
    *ret = list ? !membership_in(core, &m, list) : m.n == 0;
    membership_done(&m);
    return 0;
}

// On a hub any group may be the one that lets people in on a host. Of whoever is left in none it is
// sure that no host does any more; and those whose drop is held are to stay as they are.
static int is_refused_by_hub(struct engine_core *core, uint32_t slot, int64_t now, bool *ret)
{
    if (!store_number(&core->store, 0, "SELECT 1 FROM person WHERE slot = ? AND state < 3", "i",
                      (int64_t)slot))
        return 0;
    *ret = drop_is_held(core, slot);
    if (*ret || core->config->n_sinks == 0 ||
        !store_number(&core->store, 0, "SELECT length(groups) > 0 FROM person WHERE slot = ?", "i",
                      (int64_t)slot))
        return 0;
    return is_outside(core, slot, now, NULL, ret);
}

// Whether somebody who comes in now would not by what the tables say at this moment.
static int is_refused(struct engine_core *core, uint32_t slot, int64_t now, bool *ret)
{
    *ret = false;
    if (!core->config->has_allow_groups)
        return is_refused_by_hub(core, slot, now, ret);
    if (!store_number(&core->store, 0,
                      "SELECT 1 FROM person WHERE slot = ? AND state < 5 AND (flags & 1)", "i",
                      (int64_t)slot))
        return 0;
    return is_outside(core, slot, now, &core->config->allow_groups, ret);
}

// How many they are; and whether the drop of one of them is held: what empties the group that lets
// them in takes their membership as well.
static int count_refused(struct engine_core *core, const struct slots *s, int64_t now,
                         uint64_t *ret, bool *ret_held)
{
    uint64_t n = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->n; i++) {
        bool refused;
        r = is_refused(core, s->slot[i], now, &refused);
        if (r == 0 && refused) {
            n++;
            *ret_held = *ret_held || drop_is_held(core, s->slot[i]);
        }
    }
    *ret = n;
    return r;
}

static int touch_losing(struct engine_core *core, int64_t kind)
{
    int r = store_run(&core->store,
                      "INSERT OR IGNORE INTO touched SELECT DISTINCT 0, entry FROM losing WHERE"
                      " kind = ? AND side = 0",
                      "i", kind);

    if (r == 0) // a group that says in which it is: the entry is the group itself
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO touched SELECT DISTINCT 1, entry FROM losing WHERE"
                      " kind = ? AND side = 1",
                      "i", kind);
    return r;
}

// What ends, and in the table of what is touched whose groups may follow from it.
static int end_them(struct engine_core *core, int64_t kind)
{
    int r = touch_losing(core, kind);

    return r == 0 ? store_run(&core->store,
                              "DELETE FROM member WHERE (grp, entry, side) IN"
                              " (SELECT grp, entry, side FROM losing WHERE kind = ?)",
                              "i", kind)
                  : r;
}

static int lose_kind(struct engine_core *core, const struct rollcall_source_config *src,
                     enum effect_kind kind, uint64_t limit, int64_t now, struct changes *changes)
{
    int64_t which = kind == EFFECT_INFERRED;
    struct slots s = {0};
    bool held = false;
    uint64_t n = 0;
    int64_t id = 0;
    int r;

    if (!store_number(&core->store, 0, "SELECT 1 FROM losing WHERE kind = ? LIMIT 1", "i", which))
        return 0;
    r = store_exec(&core->store, "SAVEPOINT lose");
    if (r == 0)
        r = end_them(core, which);
    if (r == 0)
        r = touched_slots(core, &s);
    if (r == 0)
        r = count_refused(core, &s, now, &n, &held);
    free(s.slot);
    if (r < 0)
        return r; // the transaction ends, and the savepoint with it
    if (n == 0 || (!held && n + (uint64_t)effects_in_window(core, src->name, kind, now) <=
                                limit + (uint64_t)effects_expected(core, now))) {
        r = store_exec(&core->store, "RELEASE lose");
        for (uint64_t i = 0; r == 0 && i < n; i++)
            r = effects_note(core, src->name, kind, 0, now);
        return r == 0 ? touched_settle(core, src->name, now, changes) : r;
    }
    r = store_exec(&core->store, "ROLLBACK TO lose; RELEASE lose");
    if (r == 0)
        id = breaker_hold(core, src->name, "members", (int64_t)n, now);
    if (id < 0)
        return (int)id;
    return r == 0 ? store_run(&core->store,
                              "UPDATE member SET said = 0, since = NULL, hold = ?1 WHERE"
                              " (grp, entry, side) IN (SELECT grp, entry, side FROM losing WHERE"
                              " kind = ?2)",
                              "ii", id, which)
                  : r;
}

// A hold whose people are all named again is over (rule 9).
static int end_holds(struct engine_core *core, const char *source)
{
    return store_run(&core->store,
                     "DELETE FROM hold WHERE source = ? AND kind = 'members' AND NOT EXISTS"
                     "(SELECT 1 FROM member m WHERE m.hold = hold.id)",
                     "s", source);
}

// Names that nobody has and no list uses.
static int forget_names(struct engine_core *core)
{
    int r =
        store_run(&core->store,
                  "DELETE FROM entry WHERE number IN (SELECT entry FROM losing) AND user IS NULL"
                  " AND grp IS NULL AND NOT EXISTS(SELECT 1 FROM member m WHERE"
                  " m.entry = entry.number)",
                  "");

    return r == 0 ? store_run(&core->store, "DELETE FROM losing", "") : r;
}

// Nor does one wait for anybody that is left with leavers alone, and others who do not come in:
// what it kept of theirs ends. The first who does come in ends the search.
static int end_hold_of_leavers(struct engine_core *core, const char *source, int64_t now,
                               struct changes *changes)
{
    int64_t people = 0,
            id = store_number(&core->store, -1,
                              "SELECT h.id FROM hold h WHERE h.source = ? AND h.kind = 'members' "
                              "AND NOT EXISTS(SELECT 1"
                              " FROM member m CROSS JOIN entry e ON e.number = m.entry LEFT JOIN "
                              "record r ON r.source ="
                              " e.source AND r.id = e.user LEFT JOIN person p ON p.slot = r.slot "
                              "WHERE m.hold = h.id AND"
                              " (e.kind = 1 OR e.grp IS NOT NULL OR p.state < 3)) LIMIT 1",
                              "s", source);
    int r;

    if (id < 0)
        return 0;
    r = members_release(core, id, now, changes, &people);
    return r == 0 ? store_run(&core->store, "DELETE FROM hold WHERE id = ?", "i", id) : r;
}

int members_lose(struct engine_core *core, const struct rollcall_source_config *src,
                 uint64_t people, int64_t now, struct changes *changes)
{
    int r = touched_settle(core, src->name, now, changes);

    if (r == 0)
        r = lose_kind(core, src, EFFECT_EXPLICIT, breaker_explicit_limit(core->config, people), now,
                      changes);
    if (r == 0)
        r = lose_kind(core, src, EFFECT_INFERRED, breaker_inferred_limit(core->config, people), now,
                      changes);
    if (r == 0)
        r = end_holds(core, src->name);
    if (r == 0)
        r = forget_names(core);
    return r == 0 ? end_hold_of_leavers(core, src->name, now, changes) : r;
}

static int take_up(struct engine_core *core, int64_t hold)
{
    int r = store_exec(&core->store, "DELETE FROM touched; DELETE FROM losing");

    return r == 0 ? store_run(&core->store,
                              "INSERT INTO losing SELECT 0, grp, entry, side FROM member WHERE"
                              " hold = ?",
                              "i", hold)
                  : r;
}

int members_held(struct engine_core *core, int64_t hold, struct slots *ret)
{
    int r = take_up(core, hold);

    if (r == 0)
        r = touch_losing(core, 0);
    if (r == 0)
        r = touched_slots(core, ret);
    store_exec(&core->store, "DELETE FROM touched; DELETE FROM losing");
    return r;
}

int members_release(struct engine_core *core, int64_t hold, int64_t now, struct changes *changes,
                    int64_t *ret_people)
{
    struct slots s = {0};
    int r = take_up(core, hold);

    nesting_refresh(core);
    if (r == 0)
        r = end_them(core, 0);
    if (r == 0)
        r = touched_slots(core, &s);
    free(s.slot);
    if (r < 0)
        return r;
    *ret_people += (int64_t)s.n;
    r = touched_settle(core, NULL, now, changes);
    return r == 0 ? forget_names(core) : r;
}
