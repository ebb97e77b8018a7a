// SPDX-License-Identifier: BSD-2-Clause
// A full listing that is said as a difference to the last one. Its rows are staged as
// those of any other; what is here makes the stage say all that a whole listing would
// have said about them, and costs what they cost: every statement goes by an index whose
// rows are few, or by the ids that were said.
#include "syncd/engine/core_internal.h"

// The rest of an INSERT that brings an unchanged row back as its source said it: groups
// that are only kept (rule 1) were not said.
#define UNCHANGED                                                                                  \
    "INSERT OR IGNORE INTO incoming(source, id, hash, body, place, number, name, uid)"             \
    " SELECT r.source, r.id, r.hash, CASE WHEN r.groups_pending IS NULL THEN r.body ELSE"          \
    " json_remove(r.body, '$.groups') END, r.place, r.number, r.name, r.uid FROM "

// Rows that a listing looks at although they say nothing new; see changed_rows().
static int look_again(struct engine_core *core, const char *source, int64_t now)
{
    int r =
        store_run(&core->store,
                  UNCHANGED "record r INDEXED BY record_waits"
                            " WHERE r.source = ? AND r.waits AND NOT r.absent AND NOT r.dropped",
                  "s", source);

    if (r == 0)
        r = store_run(
            &core->store,
            UNCHANGED
            "record r INDEXED BY record_odd"
            " WHERE r.source = ? AND (r.gone OR r.missing) AND NOT r.absent AND NOT r.dropped",
            "s", source);
    if (r == 0)
        r = store_run(&core->store,
                      UNCHANGED "record r INDEXED BY record_pending"
                                " WHERE r.source = ? AND r.groups_pending IS NOT NULL AND"
                                " NOT r.absent AND NOT r.dropped",
                      "s", source);
    if (r == 0)
        r = store_run(&core->store,
                      UNCHANGED "person p INDEXED BY person_unsettled CROSS JOIN record r ON"
                                " r.slot = p.slot WHERE (p.journal_lock OR p.recovery) AND"
                                " r.source = ? AND NOT r.absent AND NOT r.dropped",
                      "s", source);
    if (r == 0)
        r = store_run(&core->store,
                      UNCHANGED "person p INDEXED BY person_early CROSS JOIN record r ON"
                                " r.slot = p.slot WHERE p.reason IN (5, 6) AND p.not_after > ? AND"
                                " r.source = ? AND NOT r.absent AND NOT r.dropped",
                      "is", now, source);
    return r;
}

// Unchanged rows that claim the name, the number or the uid of a row in work: what the
// rules say of two rows in one listing holds for them as well.
static int look_at_rivals(struct engine_core *core, const char *source)
{
    int r =
        store_run(&core->store,
                  UNCHANGED "record r INDEXED BY record_name WHERE r.source = ?1 AND r.name IN"
                            " (SELECT name FROM incoming WHERE source = ?1 AND body IS NOT NULL)"
                            " AND NOT r.absent AND NOT r.dropped",
                  "s", source);

    if (r == 0)
        r = store_run(&core->store,
                      UNCHANGED "record r INDEXED BY record_uid WHERE r.source = ?1 AND r.uid IN"
                                " (SELECT uid FROM incoming WHERE source = ?1 AND body IS NOT NULL)"
                                " AND r.uid IS NOT NULL AND NOT r.absent AND NOT r.dropped",
                      "s", source);
    if (r == 0)
        r = store_run(&core->store,
                      UNCHANGED
                      "record r INDEXED BY record_number WHERE r.source = ?1 AND r.number IN"
                      " (SELECT number FROM incoming WHERE source = ?1 AND body IS NOT NULL)"
                      " AND r.number <> r.id AND NOT r.absent AND NOT r.dropped",
                      "s", source);
    if (r == 0) // where the number is the id, as in a csv file, there is no index of numbers
        r = store_run(&core->store,
                      UNCHANGED
                      "record r WHERE r.source = ?1 AND r.id IN"
                      " (SELECT number FROM incoming WHERE source = ?1 AND body IS NOT NULL)"
                      " AND r.number = r.id AND NOT r.absent AND NOT r.dropped",
                      "s", source);
    return r;
}

int difference_complete(struct engine_core *core, const char *source, int64_t now)
{
    int r =
        store_run(&core->store,
                  "INSERT OR IGNORE INTO incoming(source, id, hash, body, place, number, name,"
                  " uid, copies, terminated) SELECT source, id, hash, body, place, number, name,"
                  " uid, copies, terminated FROM aside WHERE source = ?",
                  "s", source);

    if (r == 0)
        r = look_again(core, source, now);
    return r == 0 ? look_at_rivals(core, source) : r;
}

int difference_keep_aside(struct engine_core *core, const struct stage *stage)
{
    int r = stage->full
                ? store_run(&core->store, "DELETE FROM aside WHERE source = ?", "s", stage->source)
                : store_run(&core->store,
                            "DELETE FROM aside WHERE source = ?1 AND id IN"
                            " (SELECT id FROM incoming WHERE source = ?1)",
                            "s", stage->source);

    if (r < 0 || !(core->facts.bodiless || core->facts.twice || core->facts.rivals))
        return r;
    return store_run(&core->store,
                     "INSERT INTO aside SELECT source, id, hash, body, place, number, name, uid,"
                     " copies, terminated FROM incoming WHERE source = ? AND listed AND"
                     " (body IS NULL OR copies > 1 OR shared) AND dropped IS NULL",
                     "s", stage->source);
}

int difference_mark(struct engine_core *core, const struct stage *stage)
{
    int r;

    if (!stage->full || stage->difference) {
        r = store_run(&core->store,
                      "UPDATE record SET absent = 0 WHERE source = ?1 AND absent AND id IN"
                      " (SELECT id FROM incoming WHERE source = ?1 AND listed)",
                      "s", stage->source);
        return r < 0
                   ? r
                   : store_run(&core->store,
                               "UPDATE record SET absent = 1 WHERE source = ?1 AND NOT absent AND"
                               " id IN (SELECT id FROM incoming WHERE source = ?1 AND NOT listed)",
                               "s", stage->source);
    }
    // Then each record was made of a row that this listing has.
    if (core->facts.first && !core->facts.went)
        return 0;
    r = store_run(
        &core->store,
        "UPDATE record SET absent = 0 WHERE source = ?1 AND absent AND EXISTS"
        "(SELECT 1 FROM incoming i WHERE i.source = ?1 AND i.id = record.id AND i.listed)",
        "s", stage->source);
    return r < 0 ? r
                 : store_run(&core->store,
                             "UPDATE record SET absent = 1 WHERE source = ?1 AND NOT absent AND NOT"
                             " EXISTS(SELECT 1 FROM incoming i WHERE i.source = ?1 AND"
                             " i.id = record.id AND i.listed)",
                             "s", stage->source);
}
