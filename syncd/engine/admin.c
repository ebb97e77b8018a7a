// SPDX-License-Identifier: BSD-2-Clause
// What an administrator says: lock, unlock, approve, expect, recover.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "syncd/engine/nesting.h"

struct word {
    int64_t slot, now;
    const char *by, *reason, *what;
    int64_t hold, people;
};

static int64_t slot_of(struct engine_core *core, const char *name)
{
    return store_number(&core->store, -1, "SELECT slot FROM person WHERE name = ?", "s", name);
}

static int fault(json_t **ret, int error, const char *code, const char *hint)
{
    *ret = json_pack("{s:s, s:s}", "error", code, "hint", hint);
    return error;
}

static json_t *answer(struct engine_core *core, const char *name)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT uid, state FROM person WHERE name = ?", "s", name);
    json_t *o = json_pack("{s:s}", "user", name);
    int error = 0;

    if (store_step(&core->store, q, &error)) {
        json_object_set_new(o, "uid", json_integer(sqlite3_column_int64(q, 0)));
        json_object_set_new(o, "state", json_string(rollcall_state_name(sqlite3_column_int(q, 1))));
        sqlite3_reset(q);
    }
    return o;
}

static int work_lock(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct word *w = ctx;
    int r =
        store_run(&core->store,
                  "UPDATE person SET admin_lock = 1, admin_by = ?, admin_reason = ? WHERE slot = ?",
                  "ssi", w->by, w->reason, w->slot);

    if (r == 0)
        r = person_event(core, (uint32_t)w->slot, w->now, "locked by %s: %s", w->by,
                         w->reason ? w->reason : "");
    return r == 0 ? person_merge(core, (uint32_t)w->slot, NULL, w->now, changes) : r;
}

int engine_core_lock(struct engine_core *core, const char *name, const char *by, const char *reason,
                     int64_t now, json_t **ret)
{
    struct word w = {.slot = slot_of(core, name), .now = now, .by = by, .reason = reason};
    struct rollcall_word was;
    int r;

    if (w.slot < 0)
        return fault(ret, -ENOENT, "unknown-user",
                     "nobody of this name has an account here, or had one");
    r = person_word(core, (uint32_t)w.slot, &was);
    if (r == 0 && was.state >= ROLLCALL_STATE_LOCKED)
        r = effects_admin_lock(core, (uint32_t)w.slot, true, now);
    if (r == 0)
        r = effects_transaction(core, now, work_lock, &w);
    if (r < 0)
        return fault(ret, r, core->retry.n ? "not-durable" : "internal", strerror(-r));
    *ret = answer(core, name);
    json_object_set_new(*ret, "was", json_string(rollcall_state_name(was.state)));
    json_object_set_new(*ret, "locked_at", json_integer(time(NULL)));
    return 0;
}

static int work_unlock(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct word *w = ctx;
    int r = store_run(
        &core->store,
        "UPDATE person SET admin_lock = 0, admin_by = NULL, admin_reason = NULL WHERE slot = ?",
        "i", w->slot);

    if (r == 0)
        r = person_event(core, (uint32_t)w->slot, w->now, "unlocked by %s", w->by);
    return r == 0 ? person_merge(core, (uint32_t)w->slot, NULL, w->now, changes) : r;
}

// Lifts the admin's own lock and nothing else: what a source says stands.
int engine_core_unlock(struct engine_core *core, const char *name, const char *by, int64_t now,
                       json_t **ret)
{
    struct word w = {.slot = slot_of(core, name), .now = now, .by = by};
    struct rollcall_word word;
    int r;

    if (w.slot < 0)
        return fault(ret, -ENOENT, "unknown-user",
                     "nobody of this name has an account here, or had one");
    if (!store_number(&core->store, 0, "SELECT admin_lock FROM person WHERE slot = ?", "i",
                      w.slot)) {
        r = person_word(core, (uint32_t)w.slot, &word);
        if (r == 0 && word.state != ROLLCALL_STATE_ACTIVE)
            return fault(ret, -EPERM, "refused",
                         "no administrator locked this account; its state comes from a source, and "
                         "only a fresh "
                         "read of the source gives it back");
    }
    r = effects_transaction(core, now, work_unlock, &w);
    if (r == 0 && person_word(core, (uint32_t)w.slot, &word) == 0 &&
        word.state >= ROLLCALL_STATE_LOCKED)
        r = effects_admin_lock(core, (uint32_t)w.slot, false, now);
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    *ret = answer(core, name);
    return 0;
}

// ---- approve ----

// An absence, or a record that its source took back, becomes the admin's own word.
static int approve_absence(struct engine_core *core, int64_t slot)
{
    return store_run(&core->store,
                     "UPDATE record SET missing = 2 WHERE slot = ? AND (missing = 1 OR gone = 1)",
                     "i", slot);
}

// Slots of a hold, one at a time: the column is cleared as they are done.
static int release(struct engine_core *core, struct word *w, const char *sql, bool missing,
                   struct changes *changes)
{
    for (;;) {
        int64_t slot = store_number(&core->store, -1, sql, "i", w->hold);
        int r;
        if (slot < 0)
            return 0;
        r = missing ? store_run(&core->store,
                                "UPDATE record SET hold = NULL, missing = 2 WHERE hold = ? AND"
                                " slot = ?",
                                "ii", w->hold, slot)
                    : store_run(&core->store, "UPDATE person SET hold = NULL WHERE slot = ?", "i",
                                slot);
        if (r == 0)
            r = approve_absence(core, slot);
        if (r == 0)
            r = person_merge(core, (uint32_t)slot, NULL, w->now, changes);
        if (r < 0)
            return r;
        w->people++;
    }
}

// Groups that were held go now, for everybody of this source who still lacks them.
static int release_groups(struct engine_core *core, struct word *w, struct changes *changes)
{
    for (;;) {
        int64_t slot = store_number(&core->store, -1,
                                    "SELECT slot FROM record WHERE groups_pending IS NOT NULL AND"
                                    " slot IS NOT NULL AND source = (SELECT source FROM hold"
                                    " WHERE id = ? AND kind = 'groups') LIMIT 1",
                                    "i", w->hold);
        int r;
        if (slot < 0)
            return 0;
        r = store_run(&core->store,
                      "UPDATE record SET body = json_remove(body, '$.groups'),"
                      " groups_pending = NULL WHERE slot = ? AND groups_pending IS NOT NULL AND"
                      " source = (SELECT source FROM hold WHERE id = ?)",
                      "ii", slot, w->hold);
        if (r == 0)
            r = rows_members(core, (uint32_t)slot, w->now, NULL);
        if (r == 0)
            r = person_merge(core, (uint32_t)slot, NULL, w->now, changes);
        if (r < 0)
            return r;
        w->people++;
    }
}

static int work_approve_person(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct word *w = ctx;
    int r = approve_absence(core, w->slot);

    if (r == 0)
        r = person_event(core, (uint32_t)w->slot, w->now, "absence approved by %s", w->by);
    return r == 0 ? person_merge(core, (uint32_t)w->slot, NULL, w->now, changes) : r;
}

// Rule 14: an inferred lock ends sessions when it is approved.
static int approve_person(struct engine_core *core, struct word *w, json_t **ret)
{
    struct rollcall_word was;
    int r;

    w->slot = slot_of(core, w->what);
    if (w->slot < 0)
        return fault(ret, -ENOENT, "unknown-id",
                     "nothing of this id is held, and nobody of this name is known; rollcall "
                     "approve lists what is held");
    r = person_word(core, (uint32_t)w->slot, &was);
    if (r == 0 && !(was.flags & ROLLCALL_FLAG_INFERRED))
        return fault(ret, -EINVAL, "bad-request",
                     "this account is not locked by an absence; there is nothing to approve");
    r = effects_transaction(core, w->now, work_approve_person, w);
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    engine_audit(core,
                 json_pack("{s:s, s:s, s:s}", "event", "approve", "user", w->what, "by", w->by));
    *ret = json_pack("{s:s, s:s, s:i}", "id", w->what, "kind", "missing", "people", 1);
    return 0;
}

// An approved loss is explicit: the admin's word ends sessions.
static int make_explicit(struct engine_core *core, struct changes *changes)
{
    int r = changes_settle(changes);

    for (size_t i = 0; r == 0 && i < changes->n; i++) {
        struct change *c = &changes->item[i];
        c->after.flags &= (uint8_t)~ROLLCALL_FLAG_REFUSE_ONLY;
        r = store_run(&core->store, "UPDATE person SET flags = ? WHERE slot = ?", "ii",
                      (int64_t)c->after.flags, (int64_t)c->slot);
    }
    return r;
}

static int work_approve(struct engine_core *core, struct changes *changes, void *ctx)
{
    struct word *w = ctx;
    int r = release(core, w, "SELECT slot FROM record WHERE hold = ? AND slot IS NOT NULL LIMIT 1",
                    true, changes);

    if (r == 0)
        r = release(core, w, "SELECT slot FROM person WHERE hold = ? LIMIT 1", false, changes);
    if (r == 0) // before groups: who only lost one may be refused for another cause as well
        r = make_explicit(core, changes);
    if (r == 0)
        r = release_groups(core, w, changes);
    if (r == 0) // left out is refused, and ends no session however many they are
        r = dropped_held_release(core, w->hold, w->now, changes, &w->people);
    if (r == 0)
        r = members_release(core, w->hold, w->now, changes, &w->people);
    if (r == 0)
        r = changes_settle(changes);
    return r == 0 ? store_run(&core->store, "DELETE FROM hold WHERE id = ?", "i", w->hold) : r;
}

// "1042=rehire" or "1042=another" (rule 11).
static int approve_name(struct engine_core *core, const char *what, const char *by, int64_t now,
                        json_t **ret)
{
    const char *equals = strrchr(what, '=');
    char key[200];
    int r;

    snprintf(key, sizeof(key), "%.*s", (int)(equals - what), what);
    if (strcmp(equals + 1, "rehire") != 0 && strcmp(equals + 1, "another") != 0)
        return fault(ret, -EINVAL, "bad-request", "say NUMBER=rehire or NUMBER=another");
    if (!store_number(&core->store, 0,
                      "SELECT 1 FROM refused f JOIN record r ON r.source = f.source AND r.id = f.id"
                      " WHERE f.kind = 'rehire' AND r.key = ?",
                      "s", key))
        return fault(ret, -ENOENT, "unknown-id", "nobody with this number waits for a word");
    r = store_run(&core->store, "INSERT OR REPLACE INTO approved VALUES(?, ?, ?, ?)", "sssi", key,
                  equals + 1, by, now);
    // The row is looked at again at the next listing: ask for it.
    if (r == 0)
        r = store_run(&core->store, "UPDATE source SET cursor = NULL", "");
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    *ret = json_pack("{s:s, s:s, s:i}", "id", what, "kind", equals + 1, "people", 1);
    return 0;
}

int engine_core_approve(struct engine_core *core, const char *what, const char *by, int64_t now,
                        json_t **ret)
{
    struct word w = {.now = now, .by = by, .what = what, .hold = -1};
    int r;

    if (strrchr(what, '='))
        return approve_name(core, what, by, now, ret);
    w.hold =
        store_number(&core->store, -1, "SELECT id FROM hold WHERE CAST(id AS TEXT) = ?", "s", what);
    if (w.hold < 0)
        return approve_person(core, &w, ret);
    r = effects_transaction(core, now, work_approve, &w);
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    engine_audit(core, json_pack("{s:s, s:s, s:s, s:I}", "event", "approve", "hold", what, "by", by,
                                 "people", (json_int_t)w.people));
    *ret = json_pack("{s:s, s:s, s:I}", "id", what, "kind", "hold", "people", (json_int_t)w.people);
    return 0;
}

int engine_core_expect_leavers(struct engine_core *core, unsigned n, int64_t until, const char *by,
                               int64_t now, json_t **ret)
{
    int r;

    if (n == 0 || until <= now || until > now + 31 * 86400)
        return fault(ret, -EINVAL, "bad-request",
                     "expect at least one leaver, until a time within a month");
    r = store_run(&core->store, "INSERT INTO expected VALUES(?, ?, ?)", "iis", (int64_t)n, until,
                  by);
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    engine_audit(core, json_pack("{s:s, s:i, s:I, s:s}", "event", "expect-leavers", "n", (int)n,
                                 "until", (json_int_t)until, "by", by));
    *ret = json_pack("{s:i, s:I}", "n", (int)n, "until", (json_int_t)until);
    return 0;
}

// Everybody starts over from what sources say: cursors go, so that all is read again.
int engine_core_recover(struct engine_core *core, const char *by, int64_t now, json_t **ret)
{
    int64_t n = store_number(&core->store, 0, "SELECT count(*) FROM person WHERE recovery", "");
    int r = store_run(&core->store, "UPDATE source SET cursor = NULL", "");

    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    engine_audit(
        core, json_pack("{s:s, s:s, s:I}", "event", "recover", "by", by, "people", (json_int_t)n));
    *ret = json_pack("{s:I, s:I}", "people", (json_int_t)n, "at", (json_int_t)now);
    return 0;
}

int engine_core_recover_clock(struct engine_core *core, const char *by, int64_t now, json_t **ret)
{
    int64_t was = core->clock_mark;
    int r;

    if (now >= was)
        return fault(ret, -EINVAL, "refused", "the clock is not behind its mark");
    // Somebody who sets the clock back brings people back whose time is over. A clock that
    // NTP keeps is not set by hand.
    if (!clock_synchronised(core))
        return fault(ret, -EPERM, "refused",
                     "the clock is not synchronised: start NTP, wait until timedatectl says so, "
                     "then try again");
    r = store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('clock', ?)", "i", now);
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    engine_audit(core, json_pack("{s:s, s:s, s:I, s:I}", "event", "clock-mark-lowered", "by", by,
                                 "from", (json_int_t)was, "to", (json_int_t)now));
    core->clock_mark = core->mark_stored = now;
    rollcall_board_set_clock_mark(core->board, now);
    lease_publish(core, now);
    *ret = json_pack("{s:I, s:I}", "from", (json_int_t)was, "to", (json_int_t)now);
    return 0;
}
