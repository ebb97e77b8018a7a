// SPDX-License-Identifier: BSD-2-Clause
// Whom a source leaves out on purpose: a guest, a customer, an account that lacks the marker of
// an employee. Counted and listed for the sysadmin; who was a person before is one no more.
#include <stdio.h>

#include "rollcall/utf8.h"
#include "syncd/engine/core_internal.h"

#define NAME_MAX_BYTES 200 // somebody who registered anywhere may have chosen it

int dropped_stage(struct engine_core *core, struct stage *stage, const struct rollcall_message *m)
{
    char name[NAME_MAX_BYTES + 1] = "";
    int r;

    if (m->name)
        snprintf(name, sizeof(name), "%s", m->name);
    rollcall_utf8_mend(name);
    stage->dropped++;
    // Of two words in one listing the later one counts, but that one's end stands: between two
    // readings somebody left, and is out of the groups that count as well.
    r = store_run(&core->store,
                  "INSERT INTO incoming(source, id, dropped, drop_name) VALUES(?, ?, ?, ?)"
                  " ON CONFLICT(source, id) DO UPDATE SET hash = NULL, body = NULL, place ="
                  " NULL, number = NULL, name = NULL, uid = NULL, copies = 1, terminated = 0,"
                  " gone = 0, listed = 1, present = 1, dropped = excluded.dropped,"
                  " drop_name = excluded.drop_name, drop_status = CASE WHEN terminated THEN 4"
                  " WHEN gone > 1 THEN gone - 1 WHEN body IS NOT NULL THEN json_extract(body,"
                  " '$.status') ELSE drop_status END",
                  "ssss", stage->source, m->id, m->reason, *name ? name : NULL);
    return r == 0 && m->gone_status ? dropped_ended(core, stage, m->id, m->gone_status) : r;
}

bool dropped_said(struct engine_core *core, const struct stage *stage, const char *id)
{
    return stage->dropped > 0 &&
           store_number(
               &core->store, 0,
               "SELECT 1 FROM incoming WHERE source = ? AND id = ? AND dropped IS NOT NULL", "ss",
               stage->source, id);
}

int dropped_unsaid(struct engine_core *core, const struct stage *stage, const char *id)
{
    return dropped_said(core, stage, id)
               ? store_run(&core->store, "DELETE FROM incoming WHERE source = ? AND id = ?", "ss",
                           stage->source, id)
               : 0;
}

// The strictest of what was said: terminated (4), locked (5), disabled (3).
int dropped_ended(struct engine_core *core, const struct stage *stage, const char *id,
                  enum rollcall_status status)
{
    return store_run(&core->store,
                     "UPDATE incoming SET drop_status = ?3 WHERE source = ?1 AND id = ?2 AND"
                     " (?3 = 4 OR (drop_status <> 4 AND (?3 = 5 OR drop_status <> 5)))",
                     "ssi", stage->source, id, (int64_t)status);
}

// ---- the list ----

static int64_t number_of(struct engine_core *core, const char *source)
{
    return store_number(&core->store, 0, "SELECT sum(n) FROM drop_count WHERE source = ?", "s",
                        source);
}

static int put_on(struct engine_core *core, const char *source, int64_t now)
{
    int64_t before = number_of(core, source), room = (int64_t)core->dropped_max - before;
    int r = store_run(&core->store,
                      "UPDATE dropped SET (reason, name) = (SELECT i.dropped, i.drop_name FROM"
                      " incoming i WHERE i.source = ?1 AND i.id = dropped.id) WHERE source = ?1 AND"
                      " id IN (SELECT i.id FROM incoming i INDEXED BY incoming_dropped CROSS JOIN"
                      " dropped d ON d.source = i.source AND d.id = i.id WHERE i.source = ?1 AND"
                      " i.dropped IS NOT NULL AND (d.reason <> i.dropped OR d.name IS NOT"
                      " i.drop_name))",
                      "s", source);

    if (r == 0 && room > 0)
        r = store_run(&core->store,
                      "INSERT INTO dropped(source, id, reason, name, at) SELECT i.source, i.id,"
                      " i.dropped, i.drop_name, ?2 FROM incoming i INDEXED BY incoming_dropped"
                      " WHERE i.source = ?1 AND i.dropped IS NOT NULL AND NOT EXISTS(SELECT 1 FROM"
                      " dropped d WHERE d.source = ?1 AND d.id = i.id) ORDER BY i.id LIMIT ?3",
                      "sii", source, now, room);
    if (r == 0 && number_of(core, source) > before)
        engine_audit(core, json_pack("{s:s, s:s, s:I, s:s}", "event", "left-out", "source", source,
                                     "more", (json_int_t)(number_of(core, source) - before), "hint",
                                     "rollcall source show lists them"));
    return r;
}

int dropped_take(struct engine_core *core, const struct rollcall_source_config *src,
                 const struct stage *stage, int64_t now, struct changes *changes)
{
    int r = 0;

    // Who is said to be a person, or to be no more, is on the list no longer.
    if (number_of(core, src->name) > 0)
        r = store_run(&core->store,
                      "DELETE FROM dropped WHERE source = ?1 AND id IN (SELECT id FROM incoming"
                      " WHERE source = ?1 AND ((body IS NOT NULL AND copies = 1 AND NOT shared) OR"
                      " gone))",
                      "s", src->name);
    if (r == 0)
        r = dropped_held_return(core, src->name);
    if (r < 0 || stage->dropped == 0)
        return r;
    r = dropped_people(core, src->name, now, changes);
    return r == 0 ? put_on(core, src->name, now) : r;
}

int dropped_mark(struct engine_core *core, const struct stage *stage)
{
    int r;

    if (number_of(core, stage->source) == 0)
        return 0;
    r = store_run(&core->store,
                  "UPDATE dropped SET absent = 0, missing_since = NULL WHERE source = ?1 AND absent"
                  " AND id IN (SELECT id FROM incoming WHERE source = ?1 AND listed)",
                  "s", stage->source);
    if (r < 0)
        return r;
    if (stage->full && !stage->difference)
        return store_run(&core->store,
                         "UPDATE dropped SET absent = 1 WHERE source = ?1 AND NOT absent AND NOT"
                         " EXISTS(SELECT 1 FROM incoming i WHERE i.source = ?1 AND"
                         " i.id = dropped.id AND i.listed)",
                         "s", stage->source);
    return store_run(&core->store,
                     "UPDATE dropped SET absent = 1 WHERE source = ?1 AND NOT absent AND id IN"
                     " (SELECT id FROM incoming WHERE source = ?1 AND NOT listed)",
                     "s", stage->source);
}

int dropped_absences(struct engine_core *core, const struct stage *stage)
{
    int r;

    if (stage->unattributed > 0) // it may be any of them
        return 0;
    // Of somebody who was a person the absence has to be agreed to as that of any other.
    r = store_run(&core->store,
                  "DELETE FROM dropped INDEXED BY dropped_absent WHERE source = ?1 AND absent AND "
                  "missing_since < ?2 AND NOT"
                  " EXISTS(SELECT 1 FROM record r WHERE r.source = ?1 AND r.id = dropped.id AND"
                  " NOT r.missing AND NOT r.gone AND NOT r.ended)",
                  "si", stage->source, stage->as_of);
    return r < 0 ? r
                 : store_run(&core->store,
                             "UPDATE dropped INDEXED BY dropped_absent SET missing_since = ?2 "
                             "WHERE source = ?1 AND absent"
                             " AND missing_since IS NULL",
                             "si", stage->source, stage->as_of);
}
