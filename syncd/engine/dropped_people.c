// SPDX-License-Identifier: BSD-2-Clause
// People whom a source leaves out from now on: they are refused, or held where too many of them are
// in a list no more.
//
// record.dropped: 1 left out; 2 held: said to be left out, and as it stood until somebody approves
// or the source names the person again. What is held counts as no row of the listing. 3 left out,
// and only then was it said that the account is disabled, or at its end: of whom the same source
// lists by another account, that one tells.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/engine/core_internal.h"

struct was {
    char id[160];
    int64_t slot; // -1: nobody's row
    enum rollcall_status status;
    bool inferred; // it may be held
    int mark;      // record.dropped, once it is out
    bool counts;   // against the breaker, where the person comes in
};

enum { OUT = 1, HELD = 2, ENDED_OUT = 3 };

// What ends sessions stands; the rest is refused. Nobody is let in by either.
static enum rollcall_status strictest(enum rollcall_status a, enum rollcall_status b)
{
    static const enum rollcall_status order[] = {ROLLCALL_STATUS_TERMINATED, ROLLCALL_STATUS_LOCKED,
                                                 ROLLCALL_STATUS_DISABLED, ROLLCALL_STATUS_LEAVE};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return ROLLCALL_STATUS_REFUSED;
}

// Something is not there: a membership, an attribute. Of one person that is a word; of many it may
// be a group that somebody emptied, or an attribute that a sync lost. What tells of the account
// itself (a guest, a customer) is never an inference.
static bool is_absence(const char *reason)
{
    return strcmp(reason, "unassigned") == 0 || strcmp(reason, "no-marker") == 0;
}

// Who is left out and was not, and of whom something stricter is said now. The last column: without
// this record nothing of its source vouches for the person.
static const char people[] =
    "SELECT i.id, coalesce(r.slot, -1), i.drop_status, json_extract(r.body, '$.status'), r.dropped,"
    " r.missing OR r.gone, i.dropped, NOT EXISTS(SELECT 1 FROM record o WHERE o.slot = r.slot AND"
    " o.source = r.source AND o.id <> r.id AND NOT o.dropped AND NOT o.missing AND NOT o.gone AND"
    " NOT EXISTS(SELECT 1 FROM incoming x WHERE x.source = o.source AND x.id = o.id AND x.dropped"
    " IS NOT NULL))"
    " FROM incoming i INDEXED BY incoming_dropped CROSS JOIN record r ON r.source = i.source AND"
    " r.id = i.id WHERE i.source = ? AND i.dropped IS NOT NULL AND"
    " (r.dropped NOT IN (1, 3) OR r.missing OR r.gone OR i.drop_status) ORDER BY i.id";

// False: nothing new is said of it.
static bool person_of(sqlite3_stmt *q, struct was *ret)
{
    enum rollcall_status said = (enum rollcall_status)sqlite3_column_int(q, 2);
    enum rollcall_status was = (enum rollcall_status)sqlite3_column_int(q, 3);
    int dropped = sqlite3_column_int(q, 4);
    bool out = dropped == OUT || dropped == ENDED_OUT, absent = sqlite3_column_int(q, 5);

    snprintf(ret->id, sizeof(ret->id), "%s", store_text(q, 0));
    ret->slot = sqlite3_column_int64(q, 1);
    ret->status = strictest(said, was);
    ret->mark = dropped == ENDED_OUT || (dropped == OUT && was == ROLLCALL_STATUS_REFUSED &&
                                         ret->status != ROLLCALL_STATUS_REFUSED)
                    ? ENDED_OUT
                    : OUT;
    ret->inferred = ret->slot >= 0 && !absent && !out && is_absence(store_text(q, 6)) &&
                    strictest(said, ROLLCALL_STATUS_REFUSED) == ROLLCALL_STATUS_REFUSED;
    ret->counts = ret->inferred && sqlite3_column_int(q, 7);
    if (ret->inferred && dropped == HELD)
        return false; // it does not count again (rule 14)
    return !out || absent || ret->status != was;
}

static int people_of(struct engine_core *core, const char *source, struct was **ret, size_t *ret_n)
{
    sqlite3_stmt *q = store_bind(&core->store, people, "s", source);
    struct was *list = NULL;
    size_t n = 0, room = 0;
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        if (n == room) {
            struct was *p = realloc(list, (room = room ? room * 2 : 64) * sizeof(*p));
            if (!p) {
                sqlite3_reset(q);
                error = -ENOMEM;
                break;
            }
            list = p;
        }
        n += person_of(q, &list[n]);
    }
    *ret = list;
    *ret_n = n;
    return error;
}

// The record stays, for its uid and its dates: what it said that is stricter stands (an end of
// employment is not taken back by making the account a guest's), and it claims nothing.
static int refuse_person(struct engine_core *core, const char *source, const struct was *w,
                         int64_t now, struct changes *changes)
{
    int r = store_run(&core->store,
                      "UPDATE record SET body = json_set(body, '$.status', ?), hash = 0,"
                      " dropped = ?, received = ?, waits = 0,"
                      " missing = 0, missing_since = NULL, gone = 0, hold = NULL, groups_pending ="
                      " NULL, name = NULL, number = NULL, uid = NULL WHERE source = ? AND id = ?",
                      "iiiss", (int64_t)w->status, (int64_t)w->mark, now, source, w->id);

    return r == 0 ? person_merge(core, (uint32_t)w->slot, source, now, changes) : r;
}

// ---- the breaker ----

static int64_t standing_hold(struct engine_core *core, const char *source)
{
    return store_number(&core->store, -1,
                        "SELECT id FROM hold WHERE source = ? AND kind = 'dropped'", "s", source);
}

static int by_slot(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

// People who come in now, or on their first day, and would not; a person with two accounts is one.
static int count_losses(struct engine_core *core, const struct was *list, size_t n, uint64_t *ret)
{
    _cleanup_free_ int64_t *slot = calloc(n ? n : 1, sizeof(*slot));
    size_t m = 0;

    if (!slot)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (list[i].counts &&
            store_number(&core->store, 0,
                         "SELECT 1 FROM person WHERE slot = ? AND state BETWEEN 1 AND 2", "i",
                         list[i].slot))
            slot[m++] = list[i].slot;
    qsort(slot, m, sizeof(*slot), by_slot);
    *ret = 0;
    for (size_t i = 0; i < m; i++)
        *ret += i == 0 || slot[i] != slot[i - 1];
    return 0;
}

// Beyond the limit the whole of what is inferred is held; what is a word goes on.
static int hold_many(struct engine_core *core, const char *source, const struct was *list, size_t n,
                     int64_t now, bool *ret)
{
    uint64_t limit = breaker_inferred_limit(core->config, (uint64_t)person_count(core)), losses = 0;
    int r = count_losses(core, list, n, &losses);

    *ret = r == 0 && losses > 0 &&
           losses + (uint64_t)effects_in_window(core, source, EFFECT_INFERRED, now) >
               limit + (uint64_t)effects_expected(core, now);
    if (r < 0 || !*ret)
        return r;
    r = breaker_hold(core, source, "dropped", (int64_t)losses, now) < 0 ? -EIO : 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        if (list[i].inferred)
            r = store_run(&core->store, "UPDATE record SET dropped = 2 WHERE source = ? AND id = ?",
                          "ss", source, list[i].id);
    return r;
}

// Counts where it takes somebody out.
static int refuse_inferred(struct engine_core *core, const char *source, const struct was *w,
                           int64_t now, struct changes *changes)
{
    size_t before = changes->n;
    int r = refuse_person(core, source, w, now, changes);
    struct change *c = r == 0 && changes->n > before ? &changes->item[changes->n - 1] : NULL;

    if (!c || !change_is_loss(c))
        return r;
    c->judged = true;
    return effects_note(core, source, EFFECT_INFERRED, c->slot, now);
}

int dropped_people(struct engine_core *core, const char *source, int64_t now,
                   struct changes *changes)
{
    _cleanup_free_ struct was *list = NULL;
    bool held = false;
    size_t n = 0;
    int r = people_of(core, source, &list, &n);

    if (r == 0)
        r = hold_many(core, source, list, n, now, &held);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (list[i].slot < 0)
            r = store_run(&core->store, "DELETE FROM record WHERE source = ? AND id = ?", "ss",
                          source, list[i].id);
        else if (!list[i].inferred)
            r = refuse_person(core, source, &list[i], now, changes);
        else if (!held)
            r = refuse_inferred(core, source, &list[i], now, changes);
    }
    return r < 0 ? r
                 : store_run(&core->store,
                             "DELETE FROM refused WHERE source = ?1 AND kind <> 'group' AND id IN"
                             " (SELECT id FROM incoming INDEXED BY incoming_dropped WHERE source ="
                             " ?1 AND dropped IS NOT NULL)",
                             "s", source);
}

// ---- what is held ----

int dropped_held_return(struct engine_core *core, const char *source)
{
    if (standing_hold(core, source) < 0)
        return 0;
    return store_run(&core->store,
                     "UPDATE record INDEXED BY record_left_out SET dropped = 0 WHERE source = ?1"
                     " AND dropped = 2 AND EXISTS(SELECT 1 FROM incoming i WHERE i.source = ?1 AND"
                     " i.id = record.id AND i.body IS NOT NULL AND i.copies = 1 AND NOT i.shared)",
                     "s", source);
}

int dropped_held_settle(struct engine_core *core, const char *source)
{
    int64_t hold = standing_hold(core, source), n;

    if (hold < 0)
        return 0;
    n = store_number(&core->store, 0,
                     "SELECT count(DISTINCT slot) FROM record INDEXED BY record_left_out WHERE"
                     " source = ? AND dropped = 2",
                     "s", source);
    if (n > 0)
        return store_run(&core->store, "UPDATE hold SET n = ? WHERE id = ?", "ii", n, hold);
    engine_audit(core, json_pack("{s:s, s:s, s:s, s:I, s:s}", "event", "hold-over", "source",
                                 source, "kind", "dropped", "hold", (json_int_t)hold, "why",
                                 "nobody is held any more: the source names them again"));
    return store_run(&core->store, "DELETE FROM hold WHERE id = ?", "i", hold);
}

int dropped_held_release(struct engine_core *core, int64_t hold, int64_t now,
                         struct changes *changes, int64_t *ret_people)
{
    for (;;) {
        sqlite3_stmt *q = store_bind(
            &core->store,
            "SELECT r.id, r.slot, json_extract(r.body, '$.status'), r.source FROM hold h CROSS JOIN"
            " record r INDEXED BY record_left_out ON r.source = h.source WHERE h.id = ? AND"
            " h.kind = 'dropped' AND r.dropped = 2 ORDER BY r.id LIMIT 1",
            "i", hold);
        char source[40];
        struct was w;
        int error = 0, r;

        if (!store_step(&core->store, q, &error))
            return error;
        snprintf(w.id, sizeof(w.id), "%s", store_text(q, 0));
        w.slot = sqlite3_column_int64(q, 1);
        w.mark = OUT;
        w.status = strictest((enum rollcall_status)sqlite3_column_int(q, 2), 0);
        snprintf(source, sizeof(source), "%s", store_text(q, 3));
        sqlite3_reset(q);
        r = refuse_person(core, source, &w, now, changes);
        if (r < 0)
            return r;
        ++*ret_people;
    }
}
