// SPDX-License-Identifier: BSD-2-Clause
// Groups: named by their immutable id within a source; who is in them, and with which keys.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "syncd/engine/core_internal.h"
#include "syncd/engine/rows.h"

// The group's number, made at its first mention. -ENOENT where it was refused.
static int64_t group_number(struct engine_core *core, const char *source, const char *id,
                            const char *name, bool has_gid, uint64_t gid, int64_t now)
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

    while (store_step(q, &error))
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

static int keep_groups(struct engine_core *core, uint32_t slot, const struct membership *now)
{
    struct membership was;
    int r = membership_read(core, slot, &was);

    if (r == 0 && (was.n != now->n || (was.n > 0 && memcmp(was.number, now->number,
                                                           was.n * sizeof(*was.number)) != 0))) {
        core->dirty |= DIRTY_ACCOUNTS;
        r = membership_write(core, slot, now);
    }
    membership_done(&was);
    return r;
}

// What one directory says of a person's groups and keys.
static int gather(struct engine_core *core, const char *said_by, const char *text, int64_t now,
                  struct membership *groups, char **keys)
{
    int index = source_index(core->config, said_by), r = 0;
    const json_t *id;
    struct body b;
    char source[32];
    size_t i;

    if (index < 0 || !(core->config->source[index].role & ROLLCALL_ROLE_DIRECTORY) ||
        body_parse(text, &b) < 0)
        return 0;
    snprintf(source, sizeof(source), "%s", said_by);
    json_array_foreach(b.groups, i, id)
    {
        const char *name = json_string_value(id);
        int64_t number = name ? group_number(core, source, name, name, false, 0, now) : -1;
        if (r == 0 && number >= 0)
            r = membership_add(groups, (uint32_t)number);
    }
    if (!*keys)
        *keys = keys_text(&b, core->config->source[index].key_marks);
    body_done(&b);
    return r;
}

// The groups and keys of all directory records of a person.
int rows_members(struct engine_core *core, uint32_t slot, int64_t now)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT source, body FROM record WHERE slot = ? AND gone = 0", "i",
                   (int64_t)slot);
    struct membership groups = {0};
    _cleanup_free_ char *keys = NULL;
    int error = 0, r = 0;

    while (r == 0 && store_step(q, &error))
        r = gather(core, store_text(q, 0), store_text(q, 1), now, &groups, &keys);
    if (q)
        sqlite3_reset(q);
    if (r == 0)
        r = error;
    if (r == 0)
        r = keep_groups(core, slot, &groups);
    if (r == 0)
        r = keep_keys(core, slot, keys);
    membership_done(&groups);
    return r;
}
