// SPDX-License-Identifier: BSD-2-Clause
// Effects in their order. Taking: board, journal, state.db. Giving: state.db, journal,
// board. A later step that fails is tried again and never undoes an earlier one.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/json_writer.h"
#include "rollcall/timeparse.h"
#include "syncd/engine/core_internal.h"

struct change *changes_add(struct changes *list)
{
    if (list->n == list->room) {
        size_t want = list->room ? list->room * 2 : 64;
        struct change *p = realloc(list->item, want * sizeof(*p));
        if (!p)
            return NULL;
        list->item = p;
        list->room = want;
    }
    return &list->item[list->n++];
}

static const struct changes *sorted_list; // of the sort in work; one thread

static int by_slot_then_age(const void *a, const void *b)
{
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    uint32_t x = sorted_list->item[i].slot, y = sorted_list->item[k].slot;

    return x != y ? (x > y) - (x < y) : (i > k) - (i < k);
}

static bool same_word(const struct rollcall_word *a, const struct rollcall_word *b)
{
    return a->state == b->state && a->flags == b->flags && a->authority == b->authority;
}

// Somebody who was looked at twice changed once, from what was to what is: else a permission
// that the second look took would be given after the commit, with the first one's word.
int changes_settle(struct changes *list)
{
    _cleanup_free_ size_t *at = calloc(list->n ? list->n : 1, sizeof(*at));
    bool twice = false;
    size_t n = 0;

    if (!at)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        at[i] = i;
    sorted_list = list;
    qsort(at, list->n, sizeof(*at), by_slot_then_age);
    for (size_t i = 1; i < list->n; i++) {
        struct change *first = &list->item[at[i - 1]], *later = &list->item[at[i]];
        if (first->slot != later->slot)
            continue;
        later->before = first->before;
        first->slot = UINT32_MAX;
        twice = true;
    }
    for (size_t i = 0; twice && i < list->n; i++) {
        const struct change *c = &list->item[i];
        if (c->slot != UINT32_MAX && !same_word(&c->before, &c->after))
            list->item[n++] = *c;
    }
    list->n = twice ? n : list->n;
    return 0;
}

void changes_free(struct changes *list)
{
    free(list->item);
    *list = (struct changes){0};
}

// Anything that takes: a stricter state, a lost permission, a hold that is lifted from
// a stricter state (it may now end sessions).
bool change_is_stricter(const struct change *c)
{
    uint8_t lost = (uint8_t)(c->before.flags & ~c->after.flags);
    uint8_t won = (uint8_t)(c->after.flags & ~c->before.flags);

    if (c->after.state != c->before.state)
        return c->after.state > c->before.state || c->after.state == ROLLCALL_STATE_NONE;
    return (lost & (ROLLCALL_FLAG_ALLOWED_HERE | ROLLCALL_FLAG_REFUSE_ONLY |
                    ROLLCALL_FLAG_LEASE_EXEMPT)) ||
           (won & (ROLLCALL_FLAG_NEEDS_MULTI | ROLLCALL_FLAG_NEEDS_RESISTANT));
}

bool change_is_loss(const struct change *c)
{
    return c->before.state < ROLLCALL_STATE_SUSPENDED && c->before.state != ROLLCALL_STATE_NONE &&
           c->after.state >= ROLLCALL_STATE_SUSPENDED;
}

void engine_audit(struct engine_core *core, json_t *record)
{
    if (core->hooks.audit && record)
        core->hooks.audit(core->hooks.ctx, record);
    json_decref(record);
}

void engine_phase(struct engine_core *core, const char *phase)
{
    if (core->hooks.phase)
        core->hooks.phase(core->hooks.ctx, phase);
}

void put_time(json_t *o, const char *key, int64_t t)
{
    char text[ROLLCALL_TIME_TEXT];

    if (t != ROLLCALL_TIME_UNSET && t > 0)
        json_object_set_new(o, key, json_string(rollcall_time_format(t, -1, text, sizeof(text))));
}

static void write_time(struct json_writer *w, const char *name, int64_t t, long usec)
{
    char text[ROLLCALL_TIME_TEXT];

    if (t != ROLLCALL_TIME_UNSET && t > 0)
        json_write_text(w, name, rollcall_time_format(t, usec, text, sizeof(text)));
}

// `done`: under which name it says that it is done now.
struct record {
    const struct change *c;
    const char *event, *done;
    struct timespec now;
};

static void write_record(struct json_writer *w, const void *of)
{
    const struct record *record = of;
    const struct change *c = record->c;

    json_write_open(w, NULL, '{');
    json_write_text(w, "event", record->event);
    if (json_is_text(c->name, strlen(c->name)))
        json_write_text(w, "user", c->name);
    json_write_integer(w, "uid", c->uid);
    json_write_integer(w, "slot", c->slot);
    json_write_text(w, "state", rollcall_state_name(c->after.state));
    json_write_text(w, "before", rollcall_state_name(c->before.state));
    json_write_text(w, "reason", rollcall_reason_name(c->reason));
    if (*c->source && json_is_text(c->source, strlen(c->source)))
        json_write_text(w, "source", c->source);
    if (c->after.flags & ROLLCALL_FLAG_REFUSE_ONLY)
        json_write_text(w, "sessions", "kept");
    write_time(w, "hr_time", c->hr_time, -1);
    write_time(w, "received", c->received, -1);
    write_time(w, record->done, record->now.tv_sec, record->now.tv_nsec / 1000);
    json_write_close(w, '}');
}

static void audit_change(struct engine_core *core, const struct change *c, const char *event,
                         const char *done)
{
    struct record record = {.c = c, .event = event, .done = done};
    char *text;

    clock_gettime(CLOCK_REALTIME, &record.now);
    text = json_written(write_record, &record);
    if (text && core->hooks.audit_state && strcmp(event, "state") == 0) {
        core->hooks.audit_state(core->hooks.ctx, text);
        return;
    }
    engine_audit(core, text ? json_loads(text, 0, NULL) : NULL);
    free(text);
}

static struct rollcall_journal_entry entry_of(const struct change *c, int64_t now)
{
    return (struct rollcall_journal_entry){.slot = c->slot,
                                           .uid = c->uid,
                                           .state = c->after.state,
                                           .reason = c->reason,
                                           .flags = c->after.flags,
                                           .at = now,
                                           .hr_time = c->hr_time};
}

static int journal_append(struct engine_core *core, struct rollcall_journal_entry *e, size_t n)
{
    int r = rollcall_journal_append(core->journal, e, n);

    return r < 0 ? r
                 : store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('journal', ?)", "i",
                             (int64_t)e[n - 1].sequence);
}

static int journal_some(struct engine_core *core, const struct changes *list, bool stricter,
                        int64_t now)
{
    _cleanup_free_ struct rollcall_journal_entry *e = calloc(list->n ? list->n : 1, sizeof(*e));
    size_t n = 0;

    if (!e)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        if (change_is_stricter(&list->item[i]) == stricter &&
            list->item[i].after.state != list->item[i].before.state)
            e[n++] = entry_of(&list->item[i], now);
    if (n == 0)
        return 0;
    engine_phase(core, "journal");
    return journal_append(core, e, n);
}

static int store_word(struct engine_core *core, const struct change *c, int64_t now)
{
    int r = rollcall_board_store(core->board, c->slot, &c->after);

    return r == -ERANGE ? effects_board_fresh(core, now) : r;
}

int effects_lock(struct engine_core *core, const struct changes *list, int64_t now)
{
    bool rang = false, taken = false;
    int r = 0;

    engine_phase(core, "board");
    for (size_t i = 0; i < list->n; i++) {
        const struct change *c = &list->item[i];
        int e;
        if (!change_is_stricter(c))
            continue;
        e = store_word(core, c, now);
        taken = true;
        r = r < 0 ? r : e;
        audit_change(core, c, c->after.state > ROLLCALL_STATE_ACTIVE ? "lock" : "state", "locked");
        rang = rang || (c->after.state >= ROLLCALL_STATE_SUSPENDED &&
                        !(c->after.flags & ROLLCALL_FLAG_REFUSE_ONLY));
    }
    // The bell before the disk: sessions end while the journal is being written.
    if (rang && core->hooks.ring)
        core->hooks.ring(core->hooks.ctx);
    if (r < 0)
        return r;
    r = journal_some(core, list, true, now);
    if (r < 0) {
        engine_audit(core, json_pack("{s:s, s:s}", "event", "journal-failed", "why", strerror(-r)));
        for (size_t i = 0; i < list->n; i++) {
            struct change *kept =
                change_is_stricter(&list->item[i]) ? changes_add(&core->retry) : NULL;
            if (kept)
                *kept = list->item[i];
        }
    }
    // Logins do not wait for an engine after a power loss, and read the board that is there
    // then: it must have the lock too, not the journal alone. What cannot be synced stands
    // in every process all the same.
    if (taken)
        (void)rollcall_board_sync(core->board);
    return 0; // the lock stands on the board; the journal is tried again
}

int effects_admin_lock(struct engine_core *core, uint32_t slot, bool lock, int64_t now)
{
    struct rollcall_word word;
    struct rollcall_journal_entry e[2];
    int r = person_word(core, slot, &word);

    if (r < 0)
        return r;
    for (int i = 0; i < 2; i++)
        e[i] = (struct rollcall_journal_entry){.slot = slot,
                                               .uid = word.uid,
                                               .state = word.state,
                                               .reason = ROLLCALL_REASON_ADMIN_LOCK,
                                               .flags = word.flags,
                                               .at = now,
                                               .hr_time = ROLLCALL_TIME_UNSET};
    if (lock)
        return journal_append(core, e, 1);
    // The admin's word ends; what the sources said goes on.
    e[0].state = ROLLCALL_STATE_ACTIVE;
    e[1].reason = ROLLCALL_REASON_REPLAYED;
    return journal_append(core, e, 2);
}

int effects_compact(struct engine_core *core)
{
    sqlite3_stmt *q;
    _cleanup_free_ struct rollcall_journal_entry *e = NULL;
    int64_t people;
    size_t n = 0;
    int error = 0, r;

    // What state.db does not hold yet must stay in the journal.
    if (core->retry.n > 0 || core->lifts.n > 0 ||
        !rollcall_journal_wants_compaction(core->journal) ||
        store_number(&core->store, -1, "SELECT value FROM meta WHERE key = 'journal'", "") !=
            (int64_t)rollcall_journal_last(core->journal))
        return 0;
    people = store_number(&core->store, 0, "SELECT count(*) FROM person WHERE state > 1", "");
    e = calloc((size_t)people * 2 + 1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    q = store_bind(&core->store,
                   "SELECT slot, uid, state, reason, flags, since, hr_time, admin_lock"
                   " FROM person WHERE state > 1 ORDER BY slot",
                   "");
    while (store_step(&core->store, q, &error) && n + 2 <= (size_t)people * 2) {
        e[n] = (struct rollcall_journal_entry){.slot = (uint32_t)sqlite3_column_int64(q, 0),
                                               .uid = (uid_t)sqlite3_column_int64(q, 1),
                                               .state = sqlite3_column_int(q, 2),
                                               .reason = sqlite3_column_int(q, 3),
                                               .flags = (uint8_t)sqlite3_column_int(q, 4),
                                               .at = sqlite3_column_int64(q, 5),
                                               .hr_time = sqlite3_column_type(q, 6) == SQLITE_NULL
                                                              ? ROLLCALL_TIME_UNSET
                                                              : sqlite3_column_int64(q, 6)};
        if (sqlite3_column_int(q, 7) && e[n].reason != ROLLCALL_REASON_ADMIN_LOCK) {
            e[n + 1] = e[n];
            e[n++].reason = ROLLCALL_REASON_ADMIN_LOCK; // and then the state's own reason
        }
        n++;
    }
    if (q)
        sqlite3_reset(q);
    r = error < 0 ? error : rollcall_journal_compact(core->journal, e, n);
    if (r < 0)
        return r;
    return store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('journal', ?)", "i",
                     (int64_t)rollcall_journal_last(core->journal));
}

int effects_lift(struct engine_core *core, const struct changes *list, int64_t now)
{
    int r = journal_some(core, list, false, now);
    bool given = false;

    for (size_t i = 0; i < list->n; i++) {
        const struct change *c = &list->item[i];
        if (change_is_stricter(c))
            continue;
        if (r < 0 && c->after.state < c->before.state) {
            struct change *kept = changes_add(&core->lifts);
            if (kept) // not durable, so not given; tried again at the next tick
                *kept = *c;
            continue;
        }
        store_word(core, c, now);
        given = true;
        if (c->after.state == c->before.state)
            continue;
        audit_change(core, c, c->before.state > ROLLCALL_STATE_ACTIVE ? "unlock" : "state", "at");
    }
    // A stricter word that a power loss brought back would be taken for an admin's lock.
    if (given)
        (void)rollcall_board_sync(core->board);
    return r;
}

// What could not be given is given now, where it is still the person's due.
static int retry_lifts(struct engine_core *core, int64_t now)
{
    struct changes list = core->lifts, due = {0};
    int r = 0;

    core->lifts = (struct changes){0};
    for (size_t i = 0; i < list.n; i++) {
        struct rollcall_word word;
        struct change *c;
        if (person_word(core, list.item[i].slot, &word) < 0 ||
            word.state != list.item[i].after.state || !(c = changes_add(&due)))
            continue;
        *c = list.item[i];
        c->after = word;
    }
    if (due.n > 0)
        r = effects_lift(core, &due, now);
    changes_free(&list);
    changes_free(&due);
    return r;
}

int effects_retry(struct engine_core *core, int64_t now)
{
    int r = 0;

    if (core->retry.n > 0) {
        r = journal_some(core, &core->retry, true, now);
        if (r == 0)
            changes_free(&core->retry);
    }
    return r == 0 && core->lifts.n > 0 ? retry_lifts(core, now) : r;
}

int effects_transaction(struct engine_core *core, int64_t now,
                        int (*work)(struct engine_core *core, struct changes *changes, void *ctx),
                        void *ctx)
{
    struct changes changes = {0};
    int r;

    engine_phase(core, "transaction");
    r = core->ledger_behind ? ids_reload(core) : 0;
    if (r == 0)
        r = store_begin(&core->store);
    if (r == 0)
        r = work(core, &changes, ctx);
    // Nothing leaves this room that was decided by what could not be read.
    if (r == 0)
        r = core->store.fault;
    if (r == 0)
        r = changes_settle(&changes);
    if (r == 0)
        r = ids_flush(core);
    if (r == 0)
        r = effects_lock(core, &changes, now);
    if (r == 0) {
        engine_phase(core, "commit");
        r = store_commit(&core->store);
    }
    if (r < 0) {
        // What was locked stays locked on board and journal; the database is behind, and
        // the source's next listing brings it up again.
        store_rollback(&core->store);
        core->n_pending = 0;
        core->people = -1;
        ids_reload(core); // what fails here is tried before the next
        engine_audit(core, json_pack("{s:s, s:s}", "event", "commit-failed", "why", strerror(-r)));
    } else {
        r = effects_lift(core, &changes, now);
        if (r == 0)
            effects_compact(core); // what fails here is tried at the next
    }
    changes_free(&changes);
    ids_map_forget(&core->uid_map); // an administrator may write it in between
    engine_phase(core, "idle");
    return r;
}

// ---- a fresh board ----

static int fill(void *ctx, struct rollcall_board_writer *w)
{
    struct engine_core *core = ctx;
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT slot, uid, state, flags, authority FROM person", "");
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        struct rollcall_word word = {.uid = (uid_t)sqlite3_column_int64(q, 1),
                                     .state = sqlite3_column_int(q, 2),
                                     .flags = (uint8_t)sqlite3_column_int(q, 3),
                                     .authority = (uint8_t)sqlite3_column_int(q, 4)};
        int r = rollcall_board_store(w, (uint32_t)sqlite3_column_int64(q, 0), &word);
        if (r < 0) {
            sqlite3_reset(q);
            return r;
        }
    }
    rollcall_board_set_generation(w, core->generation);
    rollcall_board_set_clock_mark(w, core->clock_mark);
    return error;
}

int effects_board_fresh(struct engine_core *core, int64_t now)
{
    int64_t slots = store_number(&core->store, -1, "SELECT max(slot) FROM person", "") + 1;
    struct rollcall_board_writer *fresh;
    int r;

    if (now > core->clock_mark)
        core->clock_mark = now;
    r = rollcall_board_create(core->paths.board, (uint32_t)slots, rollcall_ledger_id(core->ledger),
                              core->config->id_min, core->config->id_max,
                              core->config->mode == ROLLCALL_MODE_OBSERVE, fill, core, &fresh);
    if (r < 0)
        return r;
    rollcall_board_writer_close(core->board);
    core->board = fresh;
    core->dirty |= DIRTY_ALL;
    return lease_publish(core, now);
}
