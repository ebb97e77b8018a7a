// SPDX-License-Identifier: BSD-2-Clause
// Memberships said by the group: staged with a listing, compared with what stands by the
// rows that differ. A list that names others and not this one is an explicit word about
// this one; an empty list and a group that vanished are inferred, and wait for a second
// listing (rule 1). Beyond the breaker nothing of a batch is taken (rules 8, 9 and 14).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/engine/nesting.h"
#include "syncd/engine/rows.h"

enum { LIST_OPEN = 1, LIST_WHOLE = 2, LIST_GONE = 3 };
enum { LOSS_EXPLICIT = 0, LOSS_INFERRED = 1 };

// ---- staging ----

static int stage_entries(struct engine_core *core, const char *source, const char *group,
                         const struct rollcall_strings *list, bool said)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->n; i++)
        r = store_run(&core->store, "INSERT OR REPLACE INTO incoming_member VALUES(?, ?, ?, ?)",
                      "sssi", source, group, list->item[i], (int64_t)said);
    return r;
}

int members_stage(struct engine_core *core, const struct stage *stage,
                  const struct rollcall_message *m)
{
    const char *source = stage->source, *group = m->group_id;
    int r = 0;

    if (!m->values_present) {
        r = stage_entries(core, source, group, &m->add, true);
        return r == 0 ? stage_entries(core, source, group, &m->remove, false) : r;
    }
    // A list that does not go on with the last one's next part begins anew.
    if (!store_number(&core->store, 0,
                      "SELECT state = 1 FROM incoming_list WHERE source = ? AND grp = ?", "ss",
                      source, group))
        r = store_run(&core->store, "DELETE FROM incoming_member WHERE source = ? AND grp = ?",
                      "ss", source, group);
    if (r == 0)
        r = store_run(&core->store, "INSERT OR REPLACE INTO incoming_list VALUES(?, ?, ?)", "ssi",
                      source, group, (int64_t)(m->more ? LIST_OPEN : LIST_WHOLE));
    return r == 0 ? stage_entries(core, source, group, &m->values, true) : r;
}

int members_unended(struct engine_core *core, const struct stage *stage, const char **ret)
{
    sqlite3_stmt *q = store_bind(
        &core->store, "SELECT grp FROM incoming_list WHERE source = ? AND state = 1 LIMIT 1", "s",
        stage->source);
    int error = 0;

    *ret = store_step(&core->store, q, &error) ? store_text(q, 0) : NULL;
    return error;
}

// ---- groups that went ----

// "gone" of a group's id empties it by an explicit word; "absent" says that it vanished.
static int take_gone_groups(struct engine_core *core, const char *source)
{
    int r = store_run(&core->store,
                      "INSERT OR REPLACE INTO incoming_list SELECT i.source, i.id,"
                      " CASE WHEN i.gone THEN 3 ELSE 2 END FROM incoming i CROSS JOIN entry g ON"
                      " g.source = i.source AND g.kind = 1 AND g.name = i.id WHERE i.source = ?"
                      " AND (i.gone OR NOT i.listed) AND NOT EXISTS(SELECT 1 FROM record r WHERE"
                      " r.source = i.source AND r.id = i.id)",
                      "s", source);

    if (r == 0)
        r = store_run(&core->store,
                      "DELETE FROM incoming_member WHERE source = ?1 AND grp IN (SELECT grp FROM"
                      " incoming_list WHERE source = ?1 AND state = 3)",
                      "s", source);
    return r == 0 ? store_run(&core->store,
                              "INSERT OR REPLACE INTO incoming_group SELECT source, grp, NULL,"
                              " NULL, '[]', '[]' FROM incoming_list WHERE source = ? AND state = 3",
                              "s", source)
                  : r;
}

// ---- what is new ----

// The next of those that wait for a step of their own, taken out. False at the end.
static bool next_named(struct engine_core *core, char id[160],
                       char name[ROLLCALL_SOURCE_ENTRY_MAX + 1], int *error)
{
    sqlite3_stmt *q = store_bind(&core->store, "SELECT id, name FROM naming LIMIT 1", "");

    if (!store_step(&core->store, q, error))
        return false;
    snprintf(id, 160, "%s", store_text(q, 0));
    snprintf(name, ROLLCALL_SOURCE_ENTRY_MAX + 1, "%s", store_text(q, 1));
    sqlite3_reset(q);
    *error =
        store_run(&core->store, "DELETE FROM naming WHERE id = ? AND name = ?", "ss", id, name);
    return *error == 0;
}

// Every group that a list is of, that is in one, or that one is in, has its number.
static int make_groups(struct engine_core *core, const char *source, int64_t now)
{
    char id[160], name[ROLLCALL_SOURCE_ENTRY_MAX + 1];
    int error = store_run(
        &core->store,
        "INSERT INTO naming SELECT grp, '' FROM (SELECT grp FROM incoming_list WHERE"
        " source = ?1 AND state < 3 UNION SELECT grp FROM incoming_member WHERE"
        " source = ?1 AND said UNION SELECT id FROM incoming_group WHERE source = ?1 AND"
        " (parents IS NOT NULL OR aliases IS NOT NULL) UNION SELECT j.value FROM"
        " incoming_group i, json_each(i.parents) j WHERE i.source = ?1) n WHERE NOT EXISTS"
        "(SELECT 1 FROM entry e WHERE e.source = ?1 AND e.kind = 1 AND e.name = n.grp)",
        "s", source);

    while (error == 0 && next_named(core, id, name, &error)) {
        int64_t number = group_number(core, source, id, id, false, 0, now);
        // One that can be no group of this host leads to others all the same.
        if (number >= 0 || number == -ENOENT)
            number = entry_of(core, source, ENTRY_GROUP, id, true);
        if (number < 0)
            return (int)number;
    }
    return error;
}

static int make_entries(struct engine_core *core, const char *source)
{
    static const char unknown[] =
        "INSERT INTO entry(source, kind, name, user, grp)"
        " SELECT n.source, 0, n.entry, CASE WHEN g.number IS NULL THEN r.id END,"
        " CASE WHEN r.id IS NULL THEN g.number END FROM (SELECT DISTINCT i.source, i.entry FROM"
        " incoming_member i WHERE i.source = ?1 AND i.said AND NOT EXISTS(SELECT 1 FROM entry e"
        " WHERE e.source = i.source AND e.kind = 0 AND e.name = i.entry)) n"
        " LEFT JOIN record r ON r.source = n.source AND r.id = n.entry AND NOT r.gone"
        " LEFT JOIN entry g ON g.source = n.source AND g.kind = 1 AND g.name = n.entry";

    return store_run(&core->store, unknown, "s", source);
}

#define SAID_ROWS                                                                                  \
    " FROM incoming_member i CROSS JOIN entry g ON g.source = i.source AND g.kind = 1 AND"         \
    " g.name = i.grp CROSS JOIN entry e ON e.source = i.source AND e.kind = 0 AND"                 \
    " e.name = i.entry WHERE i.source = ? AND i.said"

static int take_lists(struct engine_core *core, const char *source)
{
    int r = store_run(&core->store,
                      // A name that is nobody's leads to nobody; whoever comes to have it is
                      // looked at then.
                      "INSERT OR IGNORE INTO touched SELECT 0, e.number" SAID_ROWS
                      " AND (e.user IS NOT NULL OR e.grp IS NOT NULL) AND NOT EXISTS(SELECT 1 FROM "
                      "member m WHERE m.grp = g.number AND"
                      " m.entry = e.number)",
                      "s", source);

    return r == 0 ? store_run(&core->store,
                              "INSERT INTO member(grp, entry, side) SELECT g.number, e.number,"
                              " 0" SAID_ROWS
                              " AND NOT EXISTS(SELECT 1 FROM member m WHERE m.grp = g.number AND"
                              " m.entry = e.number AND m.side = 0 AND m.said)"
                              " ON CONFLICT(grp, entry, side) DO UPDATE SET said = 1, since = NULL,"
                              " hold = NULL",
                              "s", source)
                  : r;
}

// In which groups a group is, as it says itself.
#define PARENT_ROWS                                                                                \
    " FROM incoming_group i CROSS JOIN json_each(i.parents) j CROSS JOIN entry g ON"               \
    " g.source = i.source AND g.kind = 1 AND g.name = j.value CROSS JOIN entry e ON"               \
    " e.source = i.source AND e.kind = 1 AND e.name = i.id WHERE i.source = ?"

static int take_parents(struct engine_core *core, const char *source)
{
    int r = store_run(&core->store,
                      "INSERT OR IGNORE INTO touched SELECT 1, e.number" PARENT_ROWS
                      " AND NOT EXISTS(SELECT 1 FROM member m WHERE m.grp = g.number AND"
                      " m.entry = e.number)",
                      "s", source);

    return r == 0 ? store_run(&core->store,
                              "INSERT INTO member(grp, entry, side) SELECT DISTINCT g.number,"
                              " e.number, 1" PARENT_ROWS
                              " ON CONFLICT(grp, entry, side) DO UPDATE SET said = 1, since = NULL,"
                              " hold = NULL WHERE NOT said",
                              "s", source)
                  : r;
}

// ---- names of groups ----

static int claim_for_group(struct engine_core *core, const struct stage *stage, const char *id,
                           const char *name, int64_t now)
{
    int64_t group = entry_of(core, stage->source, ENTRY_GROUP, id, true);
    int64_t entry = entry_of(core, stage->source, ENTRY_NAME, name, true);
    bool taken = true;
    int r = group < 0 ? (int)group : entry < 0 ? (int)entry : 0;

    if (r == 0)
        r = entry_claim(core, stage, entry, NULL, group, false, &taken);
    if (r == 0 && !taken)
        r = rows_refuse(core, stage->source, id, "group-name", NULL, now,
                        "the name \"%.200s\" of the group \"%.100s\" is another's; the established "
                        "claim stands (rule 15)",
                        name, id);
    return r;
}

static int take_group_names(struct engine_core *core, const struct stage *stage, int64_t now)
{
    int r = store_run(&core->store,
                      "INSERT OR IGNORE INTO releasing SELECT e.number FROM incoming_group i CROSS"
                      " JOIN entry g ON g.source = i.source AND g.kind = 1 AND g.name = i.id CROSS"
                      " JOIN entry e ON e.grp = g.number WHERE i.source = ? AND e.kind = 0 AND"
                      " e.name <> i.id AND NOT EXISTS(SELECT 1 FROM json_each(i.aliases) j WHERE"
                      " j.value = e.name)",
                      "s", stage->source);
    char id[160], name[ROLLCALL_SOURCE_ENTRY_MAX + 1];

    if (r == 0)
        r = store_run(&core->store,
                      "DELETE FROM refused WHERE source = ?1 AND kind = 'group-name' AND id IN"
                      " (SELECT id FROM incoming_group WHERE source = ?1)",
                      "s", stage->source);
    for (int64_t entry;
         r == 0 && (entry = store_number(&core->store, -1, "SELECT number FROM releasing LIMIT 1",
                                         "")) >= 0;) {
        r = entry_give_up(core, entry);
        if (r == 0)
            r = store_run(&core->store, "DELETE FROM releasing WHERE number = ?", "i", entry);
    }
    if (r == 0)
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO naming SELECT i.id, j.value FROM incoming_group i,"
                      " json_each(i.aliases) j WHERE i.source = ?1 AND NOT EXISTS(SELECT 1 FROM"
                      " entry g CROSS JOIN entry e WHERE g.source = ?1 AND g.kind = 1 AND"
                      " g.name = i.id AND e.source = ?1 AND e.kind = 0 AND e.name = j.value AND"
                      " e.grp = g.number)",
                      "s", stage->source);
    while (r == 0 && next_named(core, id, name, &r))
        r = claim_for_group(core, stage, id, name, now);
    return r;
}

// ---- what is not there any more ----

// A group that a full listing has without saying where it is, or has not at all.
static int note_unsaid_parents(struct engine_core *core, const struct stage *stage)
{
    if (!stage->difference)
        return store_run(
            &core->store,
            "INSERT OR IGNORE INTO losing SELECT 1, m.grp, m.entry, m.side FROM entry e"
            " CROSS JOIN member m ON m.entry = e.number WHERE e.source = ?1 AND"
            " e.kind = 1 AND m.side = 1 AND m.hold IS NULL AND NOT EXISTS(SELECT 1"
            " FROM incoming_group i WHERE i.source = ?1 AND i.id = e.name AND"
            " i.parents IS NOT NULL)",
            "s", stage->source);
    return store_run(&core->store,
                     "INSERT OR IGNORE INTO losing SELECT 1, m.grp, m.entry, m.side FROM (SELECT id"
                     " FROM incoming_group WHERE source = ?1 AND parents IS NULL UNION SELECT id"
                     " FROM incoming WHERE source = ?1 AND NOT listed) n CROSS JOIN entry e ON"
                     " e.source = ?1 AND e.kind = 1 AND e.name = n.id CROSS JOIN member m ON"
                     " m.entry = e.number AND m.side = 1 WHERE m.hold IS NULL AND NOT EXISTS(SELECT"
                     " 1 FROM incoming_group i WHERE i.source = ?1 AND i.id = n.id AND"
                     " i.parents IS NOT NULL)",
                     "s", stage->source);
}

// Rows that what was said does without. Of a list that says nobody, and of a group that is not
// named at all, it is inferred.
static int note_losses(struct engine_core *core, const struct stage *stage)
{
    const char *source = stage->source;
    int r = store_run(&core->store,
                      "INSERT OR IGNORE INTO losing SELECT CASE WHEN l.state = 3 OR EXISTS"
                      "(SELECT 1 FROM incoming_member i WHERE i.source = l.source AND"
                      " i.grp = l.grp AND i.said) THEN 0 ELSE 1 END, m.grp, m.entry, m.side"
                      " FROM incoming_list l CROSS JOIN entry g ON g.source = l.source AND"
                      " g.kind = 1 AND g.name = l.grp CROSS JOIN member m ON m.grp = g.number"
                      " CROSS JOIN entry e ON e.number = m.entry WHERE l.source = ? AND"
                      " m.side = 0 AND m.hold IS NULL AND NOT EXISTS(SELECT 1 FROM incoming_member"
                      " i WHERE i.source = l.source AND i.grp = l.grp AND i.entry = e.name AND"
                      " i.said)",
                      "s", source);

    if (r == 0)
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO losing SELECT 0, m.grp, m.entry, 0 FROM"
                      " incoming_member i CROSS JOIN entry g ON g.source = i.source AND g.kind = 1"
                      " AND g.name = i.grp CROSS JOIN entry e ON e.source = i.source AND e.kind = 0"
                      " AND e.name = i.entry CROSS JOIN member m ON m.grp = g.number AND"
                      " m.entry = e.number AND m.side = 0 WHERE i.source = ? AND NOT i.said",
                      "s", source);
    if (r == 0) // as a person's own row: a list that lacks one, or is empty, says so
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO losing SELECT 0, m.grp, m.entry, 1 FROM"
                      " incoming_group i CROSS JOIN entry e ON e.source = i.source AND e.kind = 1"
                      " AND e.name = i.id CROSS JOIN member m ON m.entry = e.number AND m.side = 1"
                      " CROSS JOIN entry g ON g.number = m.grp WHERE i.source = ? AND i.parents IS"
                      " NOT NULL AND m.hold IS NULL AND NOT EXISTS(SELECT 1 FROM"
                      " json_each(i.parents) j WHERE j.value = g.name)",
                      "s", source);
    if (r == 0 && stage->full)
        r = note_unsaid_parents(core, stage);
    if (r < 0 || !stage->full || stage->difference)
        return r;
    return store_run(&core->store,
                     "INSERT OR IGNORE INTO losing SELECT 1, m.grp, m.entry, m.side FROM entry g"
                     " CROSS JOIN member m ON m.grp = g.number WHERE g.source = ?1 AND g.kind = 1"
                     " AND m.side = 0 AND m.hold IS NULL AND NOT EXISTS(SELECT 1 FROM"
                     " incoming_list l WHERE l.source = ?1 AND l.grp = g.name) AND NOT EXISTS"
                     "(SELECT 1 FROM incoming_member i WHERE i.source = ?1 AND i.grp = g.name)",
                     "s", source);
}

static void say_waiting(struct engine_core *core, const char *source)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT g.name, count(*) FROM losing l CROSS JOIN member m ON"
                   " m.grp = l.grp AND m.entry = l.entry AND m.side = l.side CROSS"
                   " JOIN entry g ON g.number = l.grp WHERE l.kind = 1 AND m.since IS NULL"
                   " GROUP BY l.grp",
                   "");
    int error = 0;

    while (store_step(&core->store, q, &error))
        engine_audit(core,
                     json_pack("{s:s, s:s, s:s, s:I, s:s}", "event", "members-missing", "source",
                               source, "id", store_text(q, 0), "members",
                               (json_int_t)sqlite3_column_int64(q, 1), "why",
                               "the group's list is empty or gone, by inference; its members stand "
                               "until a second listing agrees (rule 1)"));
}

// What is inferred waits the first time, and counts the second time where that is later. Rows
// that cannot be read and name nobody say nothing of anybody who is not named: then it is
// not even the first time.
static int wait_or_confirm(struct engine_core *core, const struct stage *stage)
{
    int r = 0;

    if (stage->difference) // it stands as it stood, and that is a second listing
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO losing SELECT 1, m.grp, m.entry, m.side FROM member m"
                      " INDEXED BY member_unsaid CROSS JOIN entry g ON g.number = m.grp WHERE"
                      " NOT m.said AND m.hold IS NULL AND g.source = ?",
                      "s", stage->source);
    if (r == 0) // what a word took is not inferred as well, nor let go by it where it is held
        r = store_run(&core->store,
                      "DELETE FROM losing WHERE kind = 1 AND EXISTS(SELECT 1 FROM losing l WHERE"
                      " l.kind = 0 AND l.grp = losing.grp AND l.entry = losing.entry AND"
                      " l.side = losing.side)",
                      "");
    if (r == 0)
        r = store_run(&core->store,
                      "UPDATE member SET said = 0 WHERE said AND (grp, entry, side) IN"
                      " (SELECT grp, entry, side FROM losing WHERE kind = 1)",
                      "");
    if (r == 0 && stage->unattributed > 0 && stage->full)
        return store_run(&core->store, "DELETE FROM losing WHERE kind = 1", "");
    if (r < 0)
        return r;
    say_waiting(core, stage->source);
    r = store_run(&core->store,
                  "UPDATE member SET since = ? WHERE since IS NULL AND (grp, entry, side) IN"
                  " (SELECT grp, entry, side FROM losing WHERE kind = 1)",
                  "i", stage->as_of);
    return r == 0 ? store_run(&core->store,
                              "DELETE FROM losing WHERE kind = 1 AND NOT EXISTS(SELECT 1 FROM"
                              " member m WHERE m.grp = losing.grp AND m.entry = losing.entry AND"
                              " m.side = losing.side AND m.since < ?)",
                              "i", stage->as_of)
                  : r;
}

// ---- the whole of it ----

// From the first word of this kind on, a source's people are found by the groups of their own
// rows as well: those may be in others.
static int begin_nesting(struct engine_core *core, int index, int64_t now)
{
    const char *source = core->config->source[index].name;
    int r = store_run(&core->store,
                      "INSERT INTO source(name, nested) VALUES(?, 1) ON CONFLICT(name) DO UPDATE"
                      " SET nested = 1",
                      "s", source);
    char id[160], name[ROLLCALL_SOURCE_ENTRY_MAX + 1];

    (void)now;
    if (r == 0)
        r = store_run(&core->store,
                      "INSERT OR IGNORE INTO naming SELECT substr(j.value, 1, 128), '' FROM record"
                      " r, json_each(r.body, '$.groups') j WHERE r.source = ?",
                      "s", source);
    while (r == 0 && next_named(core, id, name, &r)) {
        int64_t number = entry_of(core, source, ENTRY_GROUP, id, true);
        if (number < 0)
            r = (int)number;
    }
    core->nested[index] = true;
    return r == 0 ? store_run(&core->store,
                              "INSERT OR IGNORE INTO own SELECT e.number, r.slot FROM record r,"
                              " json_each(r.body, '$.groups') j CROSS JOIN entry e ON"
                              " e.source = r.source AND e.kind = 1 AND e.name = j.value WHERE"
                              " r.source = ? AND r.slot IS NOT NULL",
                              "s", source)
                  : r;
}

static bool says_any(struct engine_core *core, const char *source)
{
    return store_number(&core->store, 0,
                        "SELECT EXISTS(SELECT 1 FROM incoming_list WHERE source = ?1) OR EXISTS"
                        "(SELECT 1 FROM incoming_member WHERE source = ?1) OR EXISTS(SELECT 1 FROM"
                        " incoming_group WHERE source = ?1 AND (parents IS NOT NULL OR"
                        " aliases IS NOT NULL))",
                        "s", source);
}

static int clear_work(struct engine_core *core)
{
    return store_exec(&core->store,
                      "DELETE FROM touched; DELETE FROM losing; DELETE FROM releasing; DELETE FROM"
                      " naming");
}

void nesting_refresh(struct engine_core *core)
{
    for (size_t i = 0; i < core->config->n_sources; i++)
        core->nested[i] = store_number(&core->store, 0, "SELECT nested FROM source WHERE name = ?",
                                       "s", core->config->source[i].name);
}

int members_take(struct engine_core *core, const struct rollcall_source_config *src,
                 const struct stage *stage, int64_t now)
{
    int index = source_index(core->config, src->name), r = clear_work(core);

    nesting_refresh(core);
    if (r < 0 || !(src->role & ROLLCALL_ROLE_DIRECTORY) || index < 0 ||
        (!core->nested[index] && !says_any(core, src->name)))
        return r;
    if (!core->nested[index])
        r = begin_nesting(core, index, now);
    if (r == 0)
        r = take_gone_groups(core, src->name);
    if (r == 0)
        r = make_groups(core, src->name, now);
    if (r == 0)
        r = take_group_names(core, stage, now);
    if (r == 0)
        r = make_entries(core, src->name);
    if (r == 0)
        r = take_lists(core, src->name);
    if (r == 0)
        r = take_parents(core, src->name);
    if (r == 0)
        r = note_losses(core, stage);
    return r == 0 ? wait_or_confirm(core, stage) : r;
}
