// SPDX-License-Identifier: BSD-2-Clause
// A batch at its commit: judged as a listing, taken in one transaction.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/engine/nesting.h"
#include "syncd/engine/rows.h"

struct batch {
    const struct rollcall_source_config *src;
    struct stage *stage;
    const char *cursor;
    int64_t now;
    bool counts;     // as a listing: a later time of its own than the last
    uint64_t people; // not terminated before this batch: what the breaker's share is of
};

// ---- absence ----

// Records that this full listing does not have and that are not in question already, into
// a C list: their rows are changed while it is walked. Whoever is held stays so until
// somebody approves or the listing has them again, also when so many of the batch came
// back that the rest would pass (rule 9).
struct absent {
    char id[160];
    int64_t slot, since;
};

static int absent_of(struct engine_core *core, const char *source, struct absent **ret,
                     size_t *ret_n)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT r.id, r.slot, coalesce(r.missing_since, 0)"
                   " FROM record r INDEXED BY record_absent CROSS JOIN person p ON p.slot = r.slot"
                   " WHERE r.source = ?1 AND r.absent AND NOT r.missing AND NOT r.gone AND"
                   " NOT r.ended AND r.hold IS NULL AND p.state < 5 AND NOT EXISTS"
                   "(SELECT 1 FROM incoming i WHERE i.source = ?1 AND i.id = r.id AND i.present)"
                   " ORDER BY r.id",
                   "s", source);
    struct absent *list = NULL;
    size_t n = 0, room = 0;
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        if (n == room) {
            struct absent *p = realloc(list, (room = room ? room * 2 : 64) * sizeof(*p));
            if (!p) {
                error = -ENOMEM;
                break;
            }
            list = p;
        }
        snprintf(list[n].id, sizeof(list[n].id), "%s", store_text(q, 0));
        list[n].slot = sqlite3_column_int64(q, 1);
        list[n++].since = sqlite3_column_int64(q, 2);
    }
    if (q)
        sqlite3_reset(q);
    *ret = list;
    *ret_n = n;
    return error;
}

static int absent_first(struct engine_core *core, struct batch *b, const struct absent *a)
{
    engine_audit(core,
                 json_pack("{s:s, s:s, s:s, s:s}", "event", "missing", "source", b->src->name, "id",
                           a->id, "why",
                           "absent from one listing; a second one with a later time decides"));
    return store_run(&core->store,
                     "UPDATE record SET missing_since = ? WHERE source = ? AND id = ?", "iss",
                     b->stage->as_of, b->src->name, a->id);
}

static int absent_second(struct engine_core *core, struct batch *b, const struct absent *a,
                         struct changes *changes)
{
    size_t before = changes->n;
    int r = store_run(&core->store,
                      "UPDATE record SET missing = 1, dropped = CASE dropped WHEN 2 THEN 0 ELSE"
                      " dropped END WHERE source = ? AND id = ?",
                      "ss", b->src->name, a->id);

    if (r == 0)
        r = person_merge(core, (uint32_t)a->slot, b->src->name, b->now, changes);
    if (r == 0 && changes->n > before && b->src->when_missing == ROLLCALL_MISSING_LOCK)
        r = effects_note(core, b->src->name, EFFECT_INFERRED, (uint32_t)a->slot, b->now);
    return r;
}

// Rules 6 and 8, and the breaker on what is inferred.
static int take_absences(struct engine_core *core, struct batch *b, struct changes *changes)
{
    _cleanup_free_ struct absent *list = NULL;
    size_t n = 0;
    uint64_t limit = breaker_inferred_limit(core->config, b->people);
    int r = absent_of(core, b->src->name, &list, &n);

    if (r == 0 && n > 0 && b->stage->unattributed > 0) {
        engine_audit(core,
                     json_pack("{s:s, s:s, s:I, s:s}", "event", "absences-not-counted", "source",
                               b->src->name, "rows", (json_int_t)b->stage->unattributed, "why",
                               "rows that cannot be read name nobody; whoever seems absent may be "
                               "in one of them"));
        return 0;
    }
    if (r == 0 && n > 0 &&
        n + (uint64_t)effects_in_window(core, b->src->name, EFFECT_INFERRED, b->now) >
            limit + (uint64_t)effects_expected(core, b->now)) {
        int64_t id = breaker_hold(core, b->src->name, "missing", (int64_t)n, b->now);
        if (id < 0)
            return (int)id;
        for (size_t i = 0; r == 0 && i < n; i++)
            r = store_run(&core->store, "UPDATE record SET hold = ? WHERE source = ? AND id = ?",
                          "iss", id, b->src->name, list[i].id);
        return r;
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (list[i].since == 0)
            r = absent_first(core, b, &list[i]);
        else if (b->stage->as_of > list[i].since)
            r = absent_second(core, b, &list[i], changes);
    }
    return r;
}

// Whoever is named again is absent no more, and no longer part of a held batch (rule 9).
static int take_presences(struct engine_core *core, struct batch *b)
{
    // A whole listing names most people, and few are in question; the others name few.
    int r = b->stage->full && !b->stage->difference
                ? store_run(&core->store,
                            "UPDATE record INDEXED BY record_question SET missing_since = NULL,"
                            " hold = NULL WHERE source = ?1"
                            " AND (missing_since IS NOT NULL OR hold IS NOT NULL) AND missing = 0"
                            " AND EXISTS(SELECT 1 FROM incoming i WHERE i.source = ?1 AND"
                            " i.id = record.id AND i.present)",
                            "s", b->src->name)
                : store_run(&core->store,
                            "UPDATE record SET missing_since = NULL, hold = NULL WHERE source = ?1"
                            " AND (missing_since IS NOT NULL OR hold IS NOT NULL) AND missing = 0"
                            " AND id IN (SELECT id FROM incoming WHERE source = ?1 AND present)",
                            "s", b->src->name);

    if (r == 0)
        r = store_run(&core->store,
                      "DELETE FROM hold WHERE source = ? AND kind NOT IN ('groups', 'members',"
                      " 'dropped') AND NOT EXISTS(SELECT 1 FROM record WHERE record.hold ="
                      " hold.id) AND NOT EXISTS(SELECT 1 FROM person WHERE person.hold = hold.id)",
                      "s", b->src->name);
    if (r == 0)
        r = store_run(&core->store,
                      "UPDATE hold SET n = (SELECT count(*) FROM record WHERE hold = hold.id) +"
                      " (SELECT count(*) FROM person WHERE hold = hold.id) WHERE source = ? AND"
                      " kind NOT IN ('groups', 'members', 'dropped')",
                      "s", b->src->name);
    return r;
}

// What a full listing has no more and nobody was made of: refusals end with their row,
// and a record without a person is no absence that the breaker should count.
static int forget_nobodies(struct engine_core *core, const struct batch *b)
{
    int r =
        b->stage->difference
            ? store_run(&core->store,
                        "DELETE FROM refused WHERE source = ?1 AND kind <> 'group' AND"
                        " id IN (SELECT id FROM incoming WHERE source = ?1 AND listed IS NOT NULL)"
                        " AND NOT EXISTS"
                        "(SELECT 1 FROM incoming i WHERE i.source = ?1 AND i.id = refused.id AND"
                        " i.listed AND (refused.kind <> 'double' OR i.copies > 1 OR i.shared))",
                        "s", b->src->name)
            : store_run(&core->store,
                        "DELETE FROM refused WHERE source = ?1 AND kind <> 'group' AND NOT EXISTS"
                        "(SELECT 1 FROM incoming i WHERE i.source = ?1 AND i.id = refused.id AND"
                        " i.listed AND (refused.kind <> 'double' OR i.copies > 1 OR i.shared))",
                        "s", b->src->name);

    // A row that cannot be read and names nobody may be any of them.
    if (r < 0 || b->stage->unattributed > 0 || b->src->when_missing == ROLLCALL_MISSING_KEEP)
        return r;
    return store_run(&core->store,
                     "DELETE FROM record WHERE slot IS NULL AND absent AND source = ?", "s",
                     b->src->name);
}

// Problems that name nobody keep absences from being counted: status shows them until a whole
// listing has none.
static int keep_about(struct engine_core *core, const struct batch *b)
{
    int r = b->stage->full
                ? store_run(&core->store,
                            "DELETE FROM refused WHERE source = ? AND id = '' AND kind LIKE"
                            " 'listing-%'",
                            "s", b->src->name)
                : 0;

    for (size_t i = 0; r == 0 && i < ABOUT_MAX && *b->stage->about[i]; i++) {
        char kind[32];
        snprintf(kind, sizeof(kind), "listing-%zu", i + 1);
        r = store_run(&core->store, "INSERT OR REPLACE INTO refused VALUES(?, '', ?, NULL, ?, ?)",
                      "sssi", b->src->name, kind, b->stage->about[i], b->now);
    }
    return r;
}

// Groups that vanish for many at once, by an empty cell or a missing column, are held
// whole as absences are: they stand until `rollcall approve`.

// People whose groups are gone by inference, and whom this batch does not name with groups: whether
// it says the same again or nothing at all of them.
static int64_t groups_waiting(struct engine_core *core, const char *source)
{
    return store_number(
        &core->store, 0,
        "SELECT count(DISTINCT r.slot) FROM record r INDEXED BY record_pending WHERE r.source = ?1"
        " AND r.groups_pending IS NOT NULL AND r.slot IS NOT NULL AND NOT r.missing AND NOT r.gone"
        " AND NOT r.ended AND json_array_length(r.body, '$.groups') > 0 AND NOT EXISTS(SELECT 1"
        " FROM incoming i WHERE i.source = ?1 AND i.id = r.id AND i.body IS NOT NULL AND"
        " i.copies = 1 AND NOT i.shared AND json_type(i.body, '$.groups') IS NOT NULL)",
        "s", source);
}

// Rule 9: what is held stays held, also when so many came back that the rest would pass, or a batch
// has none of them. With the last who is named with groups it is over.
static int keep_groups_hold(struct engine_core *core, const char *source, int64_t hold)
{
    int64_t n = groups_waiting(core, source);

    return n > 0 ? store_run(&core->store, "UPDATE hold SET n = ? WHERE id = ?", "ii", n, hold)
                 : store_run(&core->store, "DELETE FROM hold WHERE id = ?", "i", hold);
}

int listing_groups_held(struct engine_core *core, const struct rollcall_source_config *src,
                        const struct stage *stage, int64_t now, bool *ret)
{
    static const char vanishing[] =
        "SELECT count(*) FROM record r INDEXED BY record_pending CROSS JOIN incoming i ON"
        " i.source = r.source AND i.id = r.id WHERE r.source = ? AND r.groups_pending IS NOT NULL"
        " AND i.body IS NOT NULL AND i.copies = 1 AND NOT i.shared AND"
        " r.slot IS NOT NULL AND"
        " r.groups_pending < ? AND json_type(i.body, '$.groups') IS NULL AND"
        " json_array_length(r.body, '$.groups') > 0";
    int64_t n = store_number(&core->store, 0, vanishing, "si", src->name, stage->as_of);
    int64_t hold =
        store_number(&core->store, -1, "SELECT id FROM hold WHERE source = ? AND kind = 'groups'",
                     "s", src->name);
    uint64_t limit = breaker_inferred_limit(core->config, (uint64_t)person_count(core));
    int r = 0;

    *ret = hold >= 0 || (n > 0 && (uint64_t)n + (uint64_t)effects_in_window(core, src->name,
                                                                            EFFECT_INFERRED, now) >
                                      limit + (uint64_t)effects_expected(core, now));
    if (hold >= 0)
        return keep_groups_hold(core, src->name, hold);
    if (*ret)
        return breaker_hold(core, src->name, "groups", n, now) < 0 ? -EIO : 0;
    for (int64_t i = 0; r == 0 && i < n; i++)
        r = effects_note(core, src->name, EFFECT_INFERRED, 0, now);
    return r;
}

// ---- the breaker on what is explicit ----

// A record that its source took back counts here too; absences, and who is in a list no more, are
// the other kind.
static bool is_loss(const struct change *c)
{
    return change_is_loss(c) && c->reason != ROLLCALL_REASON_MISSING && !c->judged;
}

static int break_explicit(struct engine_core *core, struct batch *b, struct changes *changes)
{
    uint64_t limit = breaker_explicit_limit(core->config, b->people), n = 0;
    bool held;
    int64_t id = -1;
    int r = 0;

    for (size_t i = 0; i < changes->n; i++)
        n += is_loss(&changes->item[i]);
    if (n == 0)
        return 0;
    // The hub has judged what it says: its approval is a state like any other.
    held = !rollcall_source_is_hub(b->src) &&
           n + (uint64_t)effects_in_window(core, b->src->name, EFFECT_EXPLICIT, b->now) >
               limit + (uint64_t)effects_expected(core, b->now);
    if (held) {
        id = breaker_hold(core, b->src->name, "explicit", (int64_t)n, b->now);
        if (id < 0)
            return (int)id;
    }
    for (size_t i = 0; r == 0 && i < changes->n; i++) {
        struct change *c = &changes->item[i];
        if (!is_loss(c))
            continue;
        if (!held) {
            r = effects_note(core, b->src->name, EFFECT_EXPLICIT, c->slot, b->now);
            continue;
        }
        c->after.flags |= ROLLCALL_FLAG_REFUSE_ONLY;
        r = store_run(&core->store,
                      "UPDATE person SET hold = ?, flags = ?, not_after = NULL WHERE slot = ?",
                      "iii", id, (int64_t)c->after.flags, (int64_t)c->slot);
    }
    return r;
}

// ---- rows that went, and rows that cannot be read ----

// Whose drop was held is held no more. An account that was left out before its end was said tells
// nothing beside another of the same person (dropped_people.c).
#define DROPPED_AS(held)                                                                           \
    " dropped = CASE WHEN dropped = 2 THEN " held " WHEN dropped = 1 AND json_extract(body,"       \
    " '$.status') = 6 THEN 3 ELSE dropped END,"

struct went {
    char id[160];
    int64_t slot, gone; // gone 0: it cannot be read, and says terminated
};

// Into a C list, in one walk: their rows are changed while it is worked through.
static int went_of(struct engine_core *core, const char *source, struct went **ret, size_t *ret_n)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT r.id, coalesce(r.slot, -1), i.gone FROM incoming i JOIN record r"
                   " ON r.source = i.source AND r.id = i.id WHERE i.source = ? AND"
                   " (i.gone > 0 OR i.terminated = 1) AND NOT"
                   // Said again, it is no newer: somebody hired since stays hired.
                   " (i.gone > 1 AND r.gone AND json_extract(r.body, '$.status') = i.gone - 1)",
                   "s", source);
    struct went *list = NULL;
    size_t n = 0, room = 0;
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        if (n == room) {
            size_t want = room ? room * 2 : 64;
            struct went *p = reallocarray(list, want, sizeof(*p));
            if (!p) {
                sqlite3_reset(q);
                error = -ENOMEM;
                break;
            }
            list = p;
            room = want;
        }
        snprintf(list[n].id, sizeof(list[n].id), "%s", store_text(q, 0));
        list[n].slot = sqlite3_column_int64(q, 1);
        list[n++].gone = sqlite3_column_int64(q, 2);
    }
    *ret = list;
    *ret_n = n;
    return error;
}

static int take_one_gone(struct engine_core *core, struct batch *b, const struct went *w,
                         struct changes *changes)
{
    int r;

    if (w->gone == 1) {
        // An explicit word that the record is no more: the authority stops vouching.
        r = store_run(&core->store,
                      "UPDATE record SET gone = 1, dropped = CASE dropped WHEN 2 THEN 0 ELSE"
                      " dropped END WHERE source = ? AND id = ?",
                      "ss", b->src->name, w->id);
    } else if (w->gone) {
        // It was deleted on purpose: a word about the person too.
        r = store_run(&core->store,
                      "UPDATE record SET gone = 1," DROPPED_AS(
                          "0") " hash = 0, received = ?, body ="
                               " json_set(body, '$.status', ?) WHERE source = ? AND id = ?",
                      "iiss", b->now, w->gone - 1, b->src->name, w->id);
    } else {
        // Rule 3: number and status could be read, and say terminated.
        r = store_run(&core->store,
                      "UPDATE record SET" DROPPED_AS(
                          "1") " body = json_set(body, '$.status', 4),"
                               " hash = 0, received = ? WHERE source = ? AND id = ?",
                      "iss", b->now, b->src->name, w->id);
    }
    return r == 0 && w->slot >= 0
               ? person_merge(core, (uint32_t)w->slot, b->src->name, b->now, changes)
               : r;
}

static int take_gone(struct engine_core *core, struct batch *b, struct changes *changes)
{
    _cleanup_free_ struct went *list = NULL;
    size_t n = 0;
    int r = core->facts.went ? went_of(core, b->src->name, &list, &n) : 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = take_one_gone(core, b, &list[i], changes);
    return r;
}

static int take(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct batch *b = ctx;
    int r;

    b->people = (uint64_t)person_count(core);
    b->counts = b->stage->as_of > store_number(&core->store, 0,
                                               "SELECT full_as_of FROM source WHERE name = ?", "s",
                                               b->src->name);
    facts_begin(core, b->src->name);
    r = b->stage->difference ? difference_complete(core, b->src->name, b->now) : 0;
    if (r == 0)
        r = rows_groups(core, b->src, b->now);
    if (r == 0)
        r = members_take(core, b->src, b->stage, b->now);
    if (r == 0)
        r = touched_settle(core, b->src->name, b->now, changes);
    if (r == 0)
        r = rows_take(core, b->src, b->stage, b->now, changes);
    if (r == 0)
        r = dropped_take(core, b->src, b->stage, b->now, changes);
    if (r == 0)
        r = difference_keep_aside(core, b->stage);
    if (r == 0)
        r = take_gone(core, b, changes);
    if (r == 0)
        r = members_lose(core, b->src, b->people, b->now, changes);
    if (r == 0)
        r = difference_mark(core, b->stage);
    if (r == 0)
        r = dropped_mark(core, b->stage);
    if (r == 0)
        r = take_presences(core, b);
    if (r == 0 && b->stage->full)
        r = forget_nobodies(core, b);
    if (r == 0)
        r = keep_about(core, b);
    if (r == 0 && b->stage->full && b->counts)
        r = take_absences(core, b, changes);
    if (r == 0 && b->stage->full && b->counts)
        r = dropped_absences(core, b->stage);
    if (r == 0)
        r = dropped_held_settle(core, b->src->name);
    if (r == 0)
        r = changes_settle(changes);
    if (r == 0)
        r = break_explicit(core, b, changes);
    if (r == 0)
        r = store_run(&core->store,
                      "INSERT INTO source(name, cursor, as_of, full_as_of, version) VALUES(?1, ?2, "
                      "?3, ?4, ?5)"
                      " ON CONFLICT(name) DO UPDATE SET cursor = ?2, as_of = max(as_of, ?3),"
                      " full_as_of = max(full_as_of, ?4), version = ?5, problem = NULL",
                      "ssiis", b->src->name, b->cursor, b->stage->as_of,
                      b->stage->full ? b->stage->as_of : 0, b->stage->version);
    return r;
}

int listing_apply(struct engine_core *core, struct stage *stage, const char *cursor, int64_t now)
{
    struct batch b = {.src = rollcall_config_source(core->config, stage->source),
                      .stage = stage,
                      .cursor = cursor,
                      .now = now};
    uint64_t rows = stage->rows;
    int64_t as_of = stage->as_of, seen = stage->seen_at;
    json_t *o;
    int r;

    r = b.src ? effects_transaction(core, now, take, &b) : -ENOENT;
    if (r == 0) {
        o = json_pack("{s:s, s:s, s:I}", "event", "listing-accepted", "source", b.src->name, "rows",
                      (json_int_t)rows);
        if (stage->difference) // then these are not all rows that the listing has
            json_object_set_new(o, "said", json_string("difference"));
        put_time(o, "as_of", as_of);
        put_time(o, "seen", seen ? seen : ROLLCALL_TIME_UNSET);
        put_time(o, "received", now);
        engine_audit(core, o);
        lease_publish(core, now);
    }
    return r;
}
