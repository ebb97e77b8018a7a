// SPDX-License-Identifier: BSD-2-Clause
// A batch from its begin to its commit: staged in memory, with no effect on anybody.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "rollcall/utf8.h"
#include "syncd/engine/nesting.h"

static bool others_stage(const struct engine_core *core, const struct stage *stage)
{
    for (size_t i = 0; i < ROLLCALL_SOURCES_MAX; i++)
        if (&core->stage[i] != stage && core->stage[i].open)
            return true;
    return false;
}

static int clear_stage(struct engine_core *core, struct stage *stage)
{
    struct store *db = &core->store;
    int r;

    // A table that is emptied whole costs its pages, not its rows.
    if (others_stage(core, stage)) {
        r = store_run(db, "DELETE FROM incoming WHERE source = ?", "s", stage->source);
        if (r == 0)
            r = store_run(db, "DELETE FROM incoming_group WHERE source = ?", "s", stage->source);
        if (r == 0)
            r = store_run(db, "DELETE FROM incoming_list WHERE source = ?", "s", stage->source);
        if (r == 0)
            r = store_run(db, "DELETE FROM incoming_member WHERE source = ?", "s", stage->source);
    } else {
        r = store_exec(db, "DELETE FROM incoming; DELETE FROM incoming_group;"
                           "DELETE FROM incoming_list; DELETE FROM incoming_member");
    }
    *stage = (struct stage){0};
    return r;
}

static struct stage *stage_of(struct engine_core *core, const char *source)
{
    int i = source_index(core->config, source);

    return i < 0 ? NULL : &core->stage[i];
}

static void refuse_listing(struct engine_core *core, struct stage *stage, const char *where,
                           const char *why, int64_t now)
{
    stage->refused = true;
    engine_audit(core, json_pack("{s:s, s:s, s:s*, s:s}", "event", "listing-refused", "source",
                                 stage->source, "where", where, "why", why));
    store_run(&core->store,
              "INSERT INTO source(name, problem, problem_at) VALUES(?1, ?2, ?3) ON CONFLICT(name) "
              "DO UPDATE"
              " SET problem = ?2, problem_at = ?3",
              "ssi", stage->source, why, now);
}

// A source that never stops must not take the engine's memory.
static bool too_much(struct engine_core *core, struct stage *stage, const char *text, int64_t now)
{
    stage->bytes += 256 + (text ? strlen(text) : 0);
    if (stage->bytes > core->stage_bytes_max && !stage->refused)
        refuse_listing(core, stage, NULL, "it is larger than 1 GiB; it is refused whole", now);
    return stage->refused;
}

static bool is_committed(struct engine_core *core, const char *source, const char *cursor)
{
    return store_number(&core->store, 0, "SELECT 1 FROM source WHERE name = ? AND cursor = ?", "ss",
                        source, cursor);
}

static int on_begin(struct engine_core *core, struct stage *stage, const char *source,
                    const struct rollcall_message *m, int64_t now)
{
    int64_t last =
        store_number(&core->store, -1,
                     "SELECT coalesce(max(full_as_of), 0) FROM source WHERE name = ?", "s", source);
    int r;

    snprintf(stage->source, sizeof(stage->source), "%s", source);
    // Rows of another listing would be rows of this one.
    r = clear_stage(core, stage);
    if (r < 0 || last < 0)
        return r < 0 ? r : -EIO;
    if (m->since && !is_committed(core, source, m->since))
        return -ESTALE; // nobody's fault, and nothing for `rollcall status`
    snprintf(stage->source, sizeof(stage->source), "%s", source);
    stage->open = true;
    stage->full = m->full;
    stage->difference = m->since;
    stage->as_of = m->as_of;
    stage->seen_at = m->seen_at;
    stage->begun = now;
    snprintf(stage->version, sizeof(stage->version), "%s", m->version ? m->version : "");
    if (m->full && m->as_of < last)
        refuse_listing(core, stage, NULL,
                       "it is older than the last one that was taken; it is refused whole (rule 7)",
                       now);
    else if (m->as_of > now + 86400)
        refuse_listing(core, stage, NULL,
                       "its time lies more than a day ahead of this host's clock", now);
    return stage->refused ? -EBADMSG : 0;
}

// A row that is said after all was not absent.
static int take_back_absence(struct engine_core *core, const struct stage *stage, const char *id)
{
    return stage->difference
               ? store_run(&core->store,
                           "DELETE FROM incoming WHERE source = ? AND id = ? AND copies = 0", "ss",
                           stage->source, id)
               : 0;
}

// A delta is a row of changes: of two to one record the later one counts. Taken for a number that
// stands twice (rule 4), both would be refused, and with them the end of somebody's employment.
static int take_back(struct engine_core *core, const struct stage *stage, const char *id)
{
    return store_run(&core->store, "DELETE FROM incoming WHERE source = ? AND id = ?", "ss",
                     stage->source, id);
}

static int on_user(struct engine_core *core, struct stage *stage, const struct rollcall_message *m,
                   int64_t now)
{
    const struct rollcall_user_record *u = &m->user;
    _cleanup_free_ char *body = body_from_record(u);
    int r;

    if (!body)
        return -ENOMEM;
    stage->rows++;
    if (too_much(core, stage, body, now))
        return 0;
    r = stage->full ? take_back_absence(core, stage, u->id) : take_back(core, stage, u->id);
    if (r == 0)
        r = dropped_unsaid(core, stage, u->id);
    if (r < 0)
        return r;
    return store_run(
        &core->store,
        "INSERT INTO incoming(source, id, hash, body, place, number, name, uid)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(source, id) DO UPDATE SET copies = copies + 1, place = excluded.place",
        "ssissssi", stage->source, u->id, body_hash(body), body, u->where, u->employee_number,
        u->user_name, u->has_uid && u->uid <= INT64_MAX ? (int64_t)u->uid : ROLLCALL_TIME_UNSET);
}

// What names nobody, for status. Where it stands is said but where that is the source's own name.
static void note_about(const struct stage *stage, const struct rollcall_message *m,
                       char ret[ABOUT_BYTES])
{
    bool where = m->where && strcmp(m->where, stage->source) != 0;

    snprintf(ret, ABOUT_BYTES, "%s%s%s", where ? m->where : "", where ? ": " : "", m->text);
    rollcall_utf8_mend(ret);
}

static int on_problem(struct engine_core *core, struct stage *stage,
                      const struct rollcall_message *m, int64_t now)
{
    json_t *o;
    int r;

    if (m->whole) {
        refuse_listing(core, stage, m->where, m->text, now);
        return 0;
    }
    o = json_pack("{s:s, s:s, s:s*, s:s*, s:s}", "event",
                  m->warning ? "row-warning" : "row-skipped", "source", stage->source, "where",
                  m->where, "id", m->id, "why", m->text);
    engine_audit(core, o);
    if (m->warning || !stage->open || stage->refused)
        return 0;
    if (!m->id) {
        if (stage->unattributed < ABOUT_MAX)
            note_about(stage, m, stage->about[stage->unattributed]);
        stage->unattributed++;
        return 0;
    }
    if (too_much(core, stage, m->id, now))
        return 0;
    if (dropped_said(core, stage, m->id))
        return m->says_terminated ? dropped_ended(core, stage, m->id, ROLLCALL_STATUS_TERMINATED)
                                  : 0;
    r = take_back_absence(core, stage, m->id);
    if (r < 0)
        return r;
    // Rule 2: seen, so not absent; the last good record stands. In a delta that is what was said
    // before, and one that says terminated ends it.
    return store_run(&core->store,
                     stage->full
                         ? "INSERT INTO incoming(source, id, place, terminated) VALUES(?1, ?2, ?3,"
                           " ?4) ON CONFLICT(source, id) DO UPDATE SET copies = copies + 1,"
                           " terminated = 0"
                         : "INSERT INTO incoming(source, id, place, terminated) VALUES(?1, ?2, ?3,"
                           " ?4) ON CONFLICT(source, id) DO UPDATE SET gone = 0, listed = 1,"
                           " terminated = max(terminated, excluded.terminated)",
                     "sssi", stage->source, m->id, m->where, (int64_t)m->says_terminated);
}

static int on_commit(struct engine_core *core, struct stage *stage,
                     const struct rollcall_message *m, int64_t now)
{
    const char *unended;
    char why[300];
    int r;

    if (stage->refused) {
        clear_stage(core, stage);
        return -EBADMSG;
    }
    if (m->rows != stage->rows) {
        snprintf(why, sizeof(why), "the source counts %llu people, and %llu came",
                 (unsigned long long)m->rows, (unsigned long long)stage->rows);
        refuse_listing(core, stage, NULL, why, now);
        clear_stage(core, stage);
        return -EBADMSG;
    }
    r = members_unended(core, stage, &unended);
    if (r == 0 && unended) {
        snprintf(why, sizeof(why), "the members of the group \"%.128s\" were to go on, and did not",
                 unended);
        refuse_listing(core, stage, NULL, why, now);
        clear_stage(core, stage);
        return -EBADMSG;
    }
    if (r == 0)
        r = listing_apply(core, stage, m->cursor, now);
    clear_stage(core, stage);
    return r;
}

// An explicit word that the record is no more; 1, and the status that its person has by that.
static int on_gone(struct engine_core *core, struct stage *stage, const struct rollcall_message *m)
{
    int r = dropped_unsaid(core, stage, m->id);

    return r < 0 ? r
                 : store_run(&core->store,
                             "INSERT INTO incoming(source, id, gone, listed) VALUES(?1, ?2, ?3, 0)"
                             " ON CONFLICT(source, id) DO UPDATE SET gone = ?3, listed = 0",
                             "ssi", stage->source, m->id, 1 + (int64_t)m->gone_status);
}

// The row stood in the listing that this one is a difference to, and stands in this one no more.
static int on_absent(struct engine_core *core, struct stage *stage, const char *id, int64_t now)
{
    if (!stage->difference) {
        refuse_listing(core, stage, NULL,
                       "\"absent\" belongs to a listing with \"since\"; it is refused whole", now);
        return 0;
    }
    return store_run(&core->store,
                     "INSERT OR IGNORE INTO incoming(source, id, copies, listed, present)"
                     " VALUES(?, ?, 0, 0, 0)",
                     "ss", stage->source, id);
}

static char *json_of(const struct rollcall_strings *list)
{
    json_t *a = json_array();
    char *text;

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(a, json_string(list->item[i]));
    text = json_dumps(a, JSON_COMPACT);
    json_decref(a);
    return text;
}

static int on_group(struct engine_core *core, struct stage *stage, const struct rollcall_message *m,
                    int64_t now)
{
    _cleanup_free_ char *parents = m->parents_present ? json_of(&m->parents) : NULL;
    _cleanup_free_ char *aliases = m->aliases.n > 0 ? json_of(&m->aliases) : NULL;

    if (too_much(core, stage, m->group_id, now) || too_much(core, stage, parents, now) ||
        too_much(core, stage, aliases, now))
        return 0;
    return store_run(&core->store, "INSERT OR REPLACE INTO incoming_group VALUES(?, ?, ?, ?, ?, ?)",
                     "sssiss", stage->source, m->group_id, m->group_name,
                     m->has_gid ? (int64_t)m->gid : ROLLCALL_TIME_UNSET, parents, aliases);
}

static int on_members(struct engine_core *core, struct stage *stage,
                      const struct rollcall_message *m, int64_t now)
{
    const struct rollcall_strings *lists[] = {&m->values, &m->add, &m->remove};

    if (too_much(core, stage, m->group_id, now)) // of a list with nobody in it a row as well
        return 0;
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < lists[i]->n; k++)
            if (too_much(core, stage, lists[i]->item[k], now))
                return 0;
    return members_stage(core, stage, m);
}

// It stands in no listing: what the server says of this machine is so at once.
static int on_device(struct engine_core *core, const char *source, const struct rollcall_message *m,
                     int64_t now)
{
    const int64_t not_known = ROLLCALL_TIME_UNSET; // NULL in the database

    return store_run(&core->store,
                     "INSERT INTO source(name, compliant, managed, device, device_at)"
                     " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(name) DO UPDATE SET compliant = ?2,"
                     " managed = ?3, device = ?4, device_at = ?5 WHERE compliant IS NOT ?2 OR"
                     " managed IS NOT ?3 OR device IS NOT ?4",
                     "siisi", source, m->compliant < 0 ? not_known : (int64_t)m->compliant,
                     m->managed < 0 ? not_known : (int64_t)m->managed, m->id, now);
}

int engine_core_message(struct engine_core *core, const char *source,
                        const struct rollcall_message *m, int64_t now)
{
    struct stage *stage = stage_of(core, source);

    if (!stage)
        return -ENOENT;
    if (!stage->source[0])
        snprintf(stage->source, sizeof(stage->source), "%s", source);
    switch (m->kind) {
    case ROLLCALL_MESSAGE_BEGIN:
        engine_phase(core, "reading");
        return on_begin(core, stage, source, m, now);
    case ROLLCALL_MESSAGE_PROBLEM:
        return on_problem(core, stage, m, now);
    case ROLLCALL_MESSAGE_AS_OF:
        store_run(&core->store, "UPDATE source SET as_of = max(as_of, ?) WHERE name = ?", "is",
                  m->as_of < now ? m->as_of : now, source); // no lease of time to come
        return lease_publish(core, now);
    case ROLLCALL_MESSAGE_DEVICE:
        return on_device(core, source, m, now);
    case ROLLCALL_MESSAGE_PROGRESS:
    case ROLLCALL_MESSAGE_FINDING: // for `rollcall source test` alone
        return 0;
    default:
        break;
    }
    if (!stage->open)
        return -EBADMSG;
    if (m->kind == ROLLCALL_MESSAGE_COMMIT)
        return on_commit(core, stage, m, now);
    if (stage->refused)
        return 0;
    if (m->kind == ROLLCALL_MESSAGE_USER)
        return on_user(core, stage, m, now);
    if (m->kind == ROLLCALL_MESSAGE_MEMBERS)
        return on_members(core, stage, m, now);
    if (m->kind == ROLLCALL_MESSAGE_GROUP)
        return on_group(core, stage, m, now);
    if (too_much(core, stage, m->id, now))
        return 0;
    if (m->kind == ROLLCALL_MESSAGE_DROPPED)
        return dropped_stage(core, stage, m);
    return m->kind == ROLLCALL_MESSAGE_GONE ? on_gone(core, stage, m)
                                            : on_absent(core, stage, m->id, now);
}

void engine_core_abort(struct engine_core *core, const char *source, const char *why, int64_t now)
{
    struct stage *stage = stage_of(core, source);

    if (!stage || !stage->open)
        return;
    refuse_listing(core, stage, NULL, why, now);
    clear_stage(core, stage);
}
