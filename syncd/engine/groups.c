// SPDX-License-Identifier: BSD-2-Clause
// Groups: named by their immutable id within a source; members by slot.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/account.h"
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
    core->dirty = true;
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

// The groups of all directory records of a person. Membership changes only where the
// answer did.
int rows_members(struct engine_core *core, uint32_t slot, int64_t now)
{
    sqlite3_stmt *q;
    int error = 0;
    int r = store_run(&core->store, "DELETE FROM member WHERE slot = ?", "i", (int64_t)slot);

    q = store_bind(&core->store, "SELECT source, body FROM record WHERE slot = ? AND gone = 0", "i",
                   (int64_t)slot);
    while (r == 0 && store_step(q, &error)) {
        int index = source_index(core->config, store_text(q, 0));
        char source[32];
        struct body b;
        const json_t *id;
        size_t i;
        if (index < 0 || !(core->config->source[index].role & ROLLCALL_ROLE_DIRECTORY) ||
            body_parse(store_text(q, 1), &b) < 0)
            continue;
        snprintf(source, sizeof(source), "%s", store_text(q, 0));
        json_array_foreach(b.groups, i, id)
        {
            const char *name = json_string_value(id);
            int64_t number = name ? group_number(core, source, name, name, false, 0, now) : -1;
            if (number >= 0)
                r = store_run(&core->store, "INSERT OR IGNORE INTO member VALUES(?, ?)", "ii",
                              number, (int64_t)slot);
        }
        body_done(&b);
    }
    if (q)
        sqlite3_reset(q);
    return r < 0 ? r : error;
}
