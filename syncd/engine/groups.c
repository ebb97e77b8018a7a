// SPDX-License-Identifier: BSD-2-Clause
// Groups: named by their immutable id within a source; who is in them, and with which keys.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "syncd/engine/nesting.h"

int64_t group_number(struct engine_core *core, const char *source, const char *id, const char *name,
                     bool has_gid, uint64_t gid, int64_t now)
{
    int64_t number = store_number(
        &core->store, -1, "SELECT number FROM grp WHERE source = ? AND id = ?", "ss", source, id);
    enum rollcall_name_fault fault = rollcall_name_check(name, strlen(name));
    char why[300];
    uint32_t out;
    int r;

    if (number >= 0)
        return number;
    if (fault != ROLLCALL_NAME_OK) {
        rows_refuse(core, source, id, "group", name, now, "the group \"%.60s\" is refused: %s",
                    name, rollcall_name_fault_sentence(fault));
        return -ENOENT;
    }
    if (store_number(&core->store, 0, "SELECT 1 FROM grp WHERE name = ?", "s", name)) {
        rows_refuse(core, source, id, "group", name, now,
                    "the group \"%s\" is refused: another source has a group of that name", name);
        return -ENOENT;
    }
    r = ids_group(core, source, id, has_gid, gid, now, &out, why, sizeof(why));
    if (r < 0) {
        rows_refuse(core, source, id, "group", name, now, "the group \"%s\" is refused: %s", name,
                    why);
        return -ENOENT;
    }
    r = store_run(&core->store, "INSERT INTO grp(source, id, name, gid) VALUES(?, ?, ?, ?)", "sssi",
                  source, id, name, (int64_t)out);
    core->dirty |= DIRTY_ACCOUNTS;
    return r < 0 ? r : sqlite3_last_insert_rowid(core->store.db);
}

int rows_groups(struct engine_core *core, const struct rollcall_source_config *src, int64_t now)
{
    sqlite3_stmt *q = store_bind(
        &core->store, "SELECT id, coalesce(name, id), gid FROM incoming_group WHERE source = ?",
        "s", src->name);
    int error = 0;

    while (store_step(&core->store, q, &error))
        group_number(core, src->name, store_text(q, 0), store_text(q, 1),
                     sqlite3_column_type(q, 2) != SQLITE_NULL, (uint64_t)sqlite3_column_int64(q, 2),
                     now);
    return error;
}

// The keys of the first directory that says any, a line each. Marks are taken from where
// people cannot write them themselves.
static char *keys_text(const struct body *b, bool marks)
{
    const json_t *key;
    size_t i, len = 0;
    char *text = NULL;

    json_array_foreach(b->keys, i, key)
    {
        const char *line = json_string_value(key);
        size_t n = line ? strlen(line) : 0, mark = 0;
        char *more;
        if (n == 0 || !rollcall_ssh_key_acceptable(line, n))
            continue;
        if (!marks)
            rollcall_ssh_key_mark(line, n, &mark);
        line += mark;
        n -= mark;
        more = realloc(text, len + n + 2);
        if (!more)
            break;
        text = more;
        memcpy(text + len, line, n);
        text[len + n] = '\n';
        text[len + n + 1] = 0;
        len += n + 1;
    }
    return text;
}

static int keep_keys(struct engine_core *core, uint32_t slot, const char *keys)
{
    bool same = store_number(&core->store, 0,
                             "SELECT coalesce((SELECT keys FROM ssh_key WHERE slot = ?1), '') = ?2",
                             "is", (int64_t)slot, keys ? keys : "");

    if (same)
        return 0;
    core->dirty |= DIRTY_KEYS;
    if (!keys)
        return store_run(&core->store, "DELETE FROM ssh_key WHERE slot = ?", "i", (int64_t)slot);
    return store_run(&core->store, "INSERT OR REPLACE INTO ssh_key VALUES(?, ?)", "is",
                     (int64_t)slot, keys);
}

static int keep_groups(struct engine_core *core, uint32_t slot, const struct membership *now,
                       bool *ret_changed)
{
    struct membership was;
    int r = membership_read(core, slot, &was);

    if (r == 0 && (was.n != now->n || (was.n > 0 && memcmp(was.number, now->number,
                                                           was.n * sizeof(*was.number)) != 0))) {
        core->dirty |= DIRTY_ACCOUNTS;
        r = membership_write(core, slot, now);
        *ret_changed = true;
    }
    membership_done(&was);
    return r;
}

void gathered_init(struct gathered *g)
{
    g->groups = (struct membership){0};
    g->walk.n = g->n_own = 0;
    g->walk.cut = g->cut = false;
    g->keys = NULL;
    *g->source = *g->id = 0;
}

void gathered_done(struct gathered *g)
{
    membership_done(&g->groups);
    free(g->keys);
}

static int add_number(struct gathered *g, int64_t number)
{
    if (number < 0)
        return 0;
    if (g->groups.n < MEMBERSHIP_MAX)
        return membership_add(&g->groups, (uint32_t)number);
    g->cut = true;
    return 0;
}

// What one directory says in the person's own row.
static int gather_body(struct engine_core *core, const struct body *b, int index, int64_t now,
                       struct gathered *g)
{
    const char *source = core->config->source[index].name;
    const json_t *id;
    int r = 0;
    size_t i;

    json_array_foreach(b->groups, i, id)
    {
        const char *name = json_string_value(id);
        int64_t node;
        if (r < 0 || !name)
            continue;
        r = add_number(g, group_number(core, source, name, name, false, 0, now));
        if (r < 0 || !core->nested[index])
            continue;
        node = entry_of(core, source, ENTRY_GROUP, name, true);
        r = node < 0 ? (int)node : walk_add(&g->walk, node, -1);
    }
    if (!g->keys)
        g->keys = keys_text(b, core->config->source[index].key_marks);
    return r;
}

static int gather_row(struct engine_core *core, const char *text, int index, int64_t now,
                      struct gathered *g)
{
    struct body b;
    int r;

    if (body_parse(text, &b) < 0)
        return 0;
    r = gather_body(core, &b, index, now, g);
    body_done(&b);
    return r;
}

// The person's records, twice: first the groups of all rows, then those that name the person.
static int gather_records(struct engine_core *core, uint32_t slot, bool rows, int64_t now,
                          struct gathered *g)
{
    sqlite3_stmt *q =
        rows ? store_bind(&core->store,
                          "SELECT source, id, body FROM record WHERE slot = ? AND gone = 0", "i",
                          (int64_t)slot)
             : store_bind(&core->store, "SELECT source, id FROM record WHERE slot = ? AND gone = 0",
                          "i", (int64_t)slot);
    int error = 0, r = 0;

    while (r == 0 && store_step(&core->store, q, &error)) {
        int index = source_index(core->config, store_text(q, 0));
        if (index < 0 || !(core->config->source[index].role & ROLLCALL_ROLE_DIRECTORY))
            continue;
        if (!*g->id) {
            snprintf(g->source, sizeof(g->source), "%s", store_text(q, 0));
            snprintf(g->id, sizeof(g->id), "%s", store_text(q, 1));
        }
        if (rows)
            r = gather_row(core, store_text(q, 2), index, now, g);
        else if (core->nested[index])
            r = walk_from(core, store_text(q, 0), store_text(q, 1), &g->walk);
    }
    if (q)
        sqlite3_reset(q);
    return r < 0 ? r : error;
}

static int number_of_node(struct engine_core *core, int64_t node, struct gathered *g)
{
    return add_number(g, store_number(&core->store, -1,
                                      "SELECT g.number FROM entry e CROSS JOIN grp g ON"
                                      " g.source = e.source AND g.id = e.name WHERE e.number = ?",
                                      "i", node));
}

static bool any_nested(const struct engine_core *core)
{
    for (size_t i = 0; i < core->config->n_sources; i++)
        if (core->nested[i])
            return true;
    return false;
}

// Through what is known by now, all that it is in.
static int gather_above(struct engine_core *core, struct gathered *g)
{
    int r = walk_up(core, &g->walk);

    for (size_t i = 0; r == 0 && i < g->walk.n; i++)
        r = number_of_node(core, g->walk.node[i], g);
    g->cut = g->cut || g->walk.cut;
    return r;
}

static int gather(struct engine_core *core, uint32_t slot, int64_t now, struct gathered *g)
{
    int r = gather_records(core, slot, true, now, g);

    g->n_own = g->walk.n;
    if (r < 0 || !any_nested(core))
        return r;
    r = gather_records(core, slot, false, now, g);
    return r == 0 ? gather_above(core, g) : r;
}

int gather_newcomer(struct engine_core *core, const struct row *row, int64_t now,
                    struct gathered *ret)
{
    int index = (int)(row->src - core->config->source), r;

    snprintf(ret->source, sizeof(ret->source), "%s", row->src->name);
    snprintf(ret->id, sizeof(ret->id), "%s", row->id);
    r = gather_body(core, &row->body, index, now, ret);
    ret->n_own = ret->walk.n;
    if (r < 0 || !any_nested(core))
        return r;
    if (core->nested[index])
        r = walk_from(core, row->src->name, row->id, &ret->walk);
    return r == 0 ? gather_above(core, ret) : r;
}

static int insert_own(struct engine_core *core, uint32_t slot, const struct gathered *g)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < g->n_own; i++)
        r = store_run(&core->store, "INSERT INTO own VALUES(?, ?)", "ii", g->walk.node[i],
                      (int64_t)slot);
    return r;
}

// By which a change above a group finds those who are in it by their own row.
static int keep_own(struct engine_core *core, uint32_t slot, const struct gathered *g)
{
    size_t same = 0;
    int r = 0;

    for (size_t i = 0; i < g->n_own; i++)
        same +=
            (size_t)store_number(&core->store, 0, "SELECT 1 FROM own WHERE grp = ? AND slot = ?",
                                 "ii", g->walk.node[i], (int64_t)slot);
    if (same == g->n_own &&
        (int64_t)same == store_number(&core->store, 0, "SELECT count(*) FROM own WHERE slot = ?",
                                      "i", (int64_t)slot))
        return 0;
    r = store_run(&core->store, "DELETE FROM own WHERE slot = ?", "i", (int64_t)slot);
    return r == 0 ? insert_own(core, slot, g) : r;
}

static int refuse_many(struct engine_core *core, const struct gathered *g, int64_t now)
{
    return rows_refuse(core, g->source, g->id, "many", NULL, now,
                       "\"%.128s\" is in more than %d groups; the others are not counted", g->id,
                       MEMBERSHIP_MAX);
}

// Loudly: whoever is in too many has the first of them, and by the strict reading of those
// options that ask more of a group's people.
static int keep_cut(struct engine_core *core, uint32_t slot, const struct gathered *g, int64_t now,
                    bool *ret_changed)
{
    int r = store_run(&core->store,
                      "UPDATE person SET groups_cut = ?1 WHERE slot = ?2 AND groups_cut <> ?1",
                      "ii", (int64_t)g->cut, (int64_t)slot);

    if (r == 0 && sqlite3_changes(core->store.db) > 0) {
        *ret_changed = true;
        r = store_run(&core->store,
                      "DELETE FROM refused WHERE source = ? AND id = ? AND kind = 'many'", "ss",
                      g->source, g->id);
    }
    return r == 0 && g->cut ? refuse_many(core, g, now) : r;
}

int gathered_keep_new(struct engine_core *core, uint32_t slot, const struct gathered *g,
                      int64_t now)
{
    int r = g->cut ? store_run(&core->store,
                               "DELETE FROM refused WHERE source = ? AND id = ? AND kind = 'many'",
                               "ss", g->source, g->id)
                   : 0;

    if (r == 0 && g->cut)
        r = refuse_many(core, g, now);
    if (r == 0 && any_nested(core))
        r = insert_own(core, slot, g);
    if (r < 0 || !g->keys)
        return r;
    core->dirty |= DIRTY_KEYS;
    return store_run(&core->store, "INSERT OR REPLACE INTO ssh_key VALUES(?, ?)", "is",
                     (int64_t)slot, g->keys);
}

int rows_members(struct engine_core *core, uint32_t slot, int64_t now, bool *ret_changed)
{
    _cleanup_gathered_ struct gathered g;
    bool changed = false;
    int r;

    gathered_init(&g);
    r = gather(core, slot, now, &g);

    if (r == 0)
        r = keep_groups(core, slot, &g.groups, &changed);
    if (r == 0)
        r = keep_cut(core, slot, &g, now, &changed);
    if (r == 0 && any_nested(core))
        r = keep_own(core, slot, &g);
    if (r == 0)
        r = keep_keys(core, slot, g.keys);
    if (ret_changed)
        *ret_changed = changed;
    return r;
}

int rows_membership(struct engine_core *core, uint32_t slot, int64_t now, struct membership *ret)
{
    _cleanup_gathered_ struct gathered g;
    int r;

    gathered_init(&g);
    r = gather(core, slot, now, &g);
    if (r < 0)
        return r;
    *ret = g.groups;
    g.groups = (struct membership){0};
    return 0;
}

// The name under which people know the group of a node.
static void name_of_node(struct engine_core *core, int64_t node, char buf[160], bool *ret_served)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT coalesce(g.name, e.name), g.number IS NOT NULL FROM entry e"
                   " LEFT JOIN grp g ON g.source = e.source AND g.id = e.name WHERE"
                   " e.number = ?",
                   "i", node);
    int error = 0;

    *buf = 0;
    *ret_served = false;
    if (!store_step(&core->store, q, &error))
        return;
    snprintf(buf, 160, "%s", store_text(q, 0));
    *ret_served = sqlite3_column_int(q, 1);
    sqlite3_reset(q);
}

json_t *rows_paths(struct engine_core *core, uint32_t slot, int64_t now)
{
    _cleanup_gathered_ struct gathered g;
    json_t *a = json_array();
    char name[160];
    bool served;

    gathered_init(&g);
    if (gather(core, slot, now, &g) < 0)
        return a;
    for (size_t i = 0; i < g.walk.n; i++) {
        json_t *path;
        name_of_node(core, g.walk.node[i], name, &served);
        if (!served || g.walk.via[i] < 0)
            continue;
        path = json_array();
        json_array_append_new(a, json_pack("{s:s, s:o}", "group", name, "path", path));
        for (int at = g.walk.via[i]; at >= 0; at = g.walk.via[at]) {
            name_of_node(core, g.walk.node[at], name, &served);
            json_array_insert_new(path, 0, json_string(name));
        }
    }
    return a;
}
