// SPDX-License-Identifier: BSD-2-Clause
// The snapshot, private and keys, streamed from state.db.
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "syncd/engine/core_internal.h"
#include "syncd/engine/rows.h"

// Names and ids of the local files: theirs, never ours. Sorted for search.
struct local_files {
    char **names;
    size_t n_names;
    uint32_t *ids;
    size_t n_ids;
    struct {
        char name[ROLLCALL_NAME_MAX + 1];
        gid_t gid;
    } group[32]; // of [local_group NAME]
};

struct feed {
    int64_t now;
    struct engine_core *core;
    struct local_files local;
    sqlite3_stmt *rows;
    uint32_t gids[1024], local_gids[64];
    uint32_t *members;
    size_t members_room;
    const char *keys[1024];
    struct body body;
    char home[300];
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void add_local(struct local_files *l, const char *name, uint32_t id)
{
    char **names = realloc(l->names, (l->n_names + 1) * sizeof(*names));
    uint32_t *ids = realloc(l->ids, (l->n_ids + 1) * sizeof(*ids));

    if (names) {
        l->names = names;
        l->names[l->n_names] = strdup(name);
        l->n_names += l->names[l->n_names] != NULL;
    }
    if (ids) {
        l->ids = ids;
        l->ids[l->n_ids++] = id;
    }
}

// The files themselves: through NSS we would meet ourselves.
static void read_local(struct engine_core *core, struct local_files *l)
{
    _cleanup_fclose_ FILE *p = fopen(core->paths.passwd, "re"), *g = fopen(core->paths.group, "re");
    char buf[65536];
    struct passwd pw, *user;
    struct group gr, *group;

    while (p && fgetpwent_r(p, &pw, buf, sizeof(buf), &user) == 0)
        add_local(l, pw.pw_name, pw.pw_uid);
    while (g && fgetgrent_r(g, &gr, buf, sizeof(buf), &group) == 0) {
        add_local(l, gr.gr_name, gr.gr_gid);
        for (size_t i = 0; i < core->config->n_local_groups; i++)
            if (strcmp(core->config->local_group[i].name, gr.gr_name) == 0)
                l->group[i].gid = gr.gr_gid;
    }
    if (l->n_names > 0)
        qsort(l->names, l->n_names, sizeof(*l->names), by_text);
    if (l->n_ids > 0)
        qsort(l->ids, l->n_ids, sizeof(*l->ids), by_id);
}

static void free_local(struct local_files *l)
{
    for (size_t i = 0; i < l->n_names; i++)
        free(l->names[i]);
    free(l->names);
    free(l->ids);
}

static bool is_local(const struct local_files *l, const char *name, uint32_t id)
{
    return (l->n_names && bsearch(&name, l->names, l->n_names, sizeof(name), by_text)) ||
           (l->n_ids && bsearch(&id, l->ids, l->n_ids, sizeof(id), by_id));
}

// Gids of the local groups that a person's groups lead to.
static size_t local_grants(struct feed *f, uint32_t slot)
{
    size_t n = 0;

    for (size_t i = 0; i < f->core->config->n_local_groups; i++) {
        const struct rollcall_local_group_config *l = &f->core->config->local_group[i];
        for (size_t k = 0; f->local.group[i].gid && k < l->from.n && n < 64; k++) {
            if (!store_number(
                    &f->core->store, 0,
                    "SELECT 1 FROM member JOIN grp USING(number) WHERE slot = ? AND grp.id = ?",
                    "is", (int64_t)slot, l->from.item[k]))
                continue;
            f->local_gids[n++] = f->local.group[i].gid;
            break;
        }
    }
    return n;
}

static size_t named_groups(struct feed *f, uint32_t slot)
{
    sqlite3_stmt *q =
        store_bind(&f->core->store,
                   "SELECT gid, name FROM member JOIN grp USING(number) WHERE slot = ?"
                   " ORDER BY gid",
                   "i", (int64_t)slot);
    size_t n = 0;
    int error = 0;

    while (store_step(q, &error)) {
        uint32_t gid = (uint32_t)sqlite3_column_int64(q, 0);
        if (n < 1024 && !is_local(&f->local, store_text(q, 1), gid))
            f->gids[n++] = gid;
    }
    return n;
}

// ---- accounts ----

// A local name or number always wins; whose row it hides is said, once.
static void say_hidden(struct feed *f, uint32_t slot, const char *name, uint32_t uid)
{
    sqlite3_stmt *q =
        store_bind(&f->core->store, "SELECT source, id FROM record WHERE slot = ? AND gone = 0",
                   "i", (int64_t)slot);
    char source[64] = "", id[160] = "";
    int error = 0;

    if (store_step(q, &error)) {
        snprintf(source, sizeof(source), "%s", store_text(q, 0));
        snprintf(id, sizeof(id), "%s", store_text(q, 1));
    }
    if (q)
        sqlite3_reset(q);
    if (*source)
        rows_refuse(f->core, source, id, "local", name, f->now,
                    "\"%s\", uid %u, is not published: the name or the number is in this host's "
                    "/etc/passwd or /etc/group",
                    name, uid);
}

static int next_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct feed *f = ctx;
    int error = 0;

    while (store_step(f->rows, &error)) {
        uint32_t slot = (uint32_t)sqlite3_column_int64(f->rows, 0);
        uid_t uid = (uid_t)sqlite3_column_int64(f->rows, 1);
        const char *name = store_text(f->rows, 2);
        if (is_local(&f->local, name, uid)) {
            say_hidden(f, slot, name, uid);
            continue;
        }
        *ret = (struct rollcall_snapshot_account){.slot = slot,
                                                  .uid = uid,
                                                  .gid = uid,
                                                  .name = name,
                                                  .gecos = store_text(f->rows, 3),
                                                  .home = store_text(f->rows, 4),
                                                  .shell = store_text(f->rows, 5),
                                                  .gids = f->gids,
                                                  .local_gids = f->local_gids};
        if (!*ret->home) {
            snprintf(f->home, sizeof(f->home), "/home/%s", name);
            ret->home = f->home;
        }
        ret->n_gids = named_groups(f, slot);
        ret->n_local = local_grants(f, slot);
        return 1;
    }
    return error;
}

static int next_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    struct feed *f = ctx;
    sqlite3_stmt *q = store_bind(&f->core->store,
                                 "SELECT number, name, gid FROM grp WHERE number > ?"
                                 " ORDER BY number LIMIT 1",
                                 "i", f->body.has_uid ? (int64_t)f->body.uid : -1);
    static char name[ROLLCALL_NAME_MAX + 1];
    int64_t number;
    uint32_t gid;
    size_t n = 0;
    int error = 0;

    for (;;) {
        if (!store_step(q, &error))
            return error;
        number = sqlite3_column_int64(q, 0);
        snprintf(name, sizeof(name), "%s", store_text(q, 1));
        gid = (uint32_t)sqlite3_column_int64(q, 2);
        sqlite3_reset(q);
        f->body.has_uid = true; // where we are among the groups
        f->body.uid = (uint64_t)number;
        if (!is_local(&f->local, name, gid) &&
            !store_number(&f->core->store, 0, "SELECT 1 FROM person WHERE name = ?", "s", name))
            break;
        q = store_bind(&f->core->store,
                       "SELECT number, name, gid FROM grp WHERE number > ?"
                       " ORDER BY number LIMIT 1",
                       "i", number);
    }
    q = store_bind(&f->core->store, "SELECT slot FROM member WHERE number = ? ORDER BY slot", "i",
                   number);
    while (store_step(q, &error)) {
        if (n == f->members_room) {
            size_t want = f->members_room ? f->members_room * 2 : 1024;
            uint32_t *p = realloc(f->members, want * sizeof(*p));
            if (!p)
                return -ENOMEM;
            f->members = p;
            f->members_room = want;
        }
        f->members[n++] = (uint32_t)sqlite3_column_int64(q, 0);
    }
    *ret = (struct rollcall_snapshot_group){
        .gid = gid, .name = name, .members = f->members, .n_members = n};
    return error < 0 ? error : 1;
}

// People whose first day is to come are not in the public file; nor, where the host
// wants it so, are those who may not log in here.
static sqlite3_stmt *public_rows(struct engine_core *core, int64_t now)
{
    bool allowed = core->config->publish && strcmp(core->config->publish, "allowed") == 0;

    return store_bind(
        &core->store,
        "SELECT slot, uid, name, coalesce(gecos, ''), coalesce(home, ''),"
        " coalesce(shell, '/bin/bash') FROM person WHERE name IS NOT NULL AND state > 0 AND"
        " (not_before IS NULL OR not_before <= ?1) AND (?2 = 0 OR (flags & 1)) ORDER BY slot",
        "ii", now, (int64_t)allowed);
}

// ---- private ----

static int64_t time_or_unset(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? ROLLCALL_TIME_UNSET
                                                         : sqlite3_column_int64(q, column);
}

static int next_person(void *ctx, struct rollcall_person *ret)
{
    struct feed *f = ctx;
    sqlite3_stmt *q = f->rows;
    int error = 0;

    if (!store_step(q, &error))
        return error;
    *ret = (struct rollcall_person){
        .slot = (uint32_t)sqlite3_column_int64(q, 0),
        .uid = (uid_t)sqlite3_column_int64(q, 1),
        .gid = (gid_t)sqlite3_column_int64(q, 1),
        .name = store_text(q, 2),
        .former_name = store_text(q, 3),
        .display_name = store_text(q, 4),
        .employee_number = store_text(q, 5),
        .immutable_id = store_text(q, 6),
        .home = store_text(q, 7),
        .shell = store_text(q, 8),
        .state = sqlite3_column_int(q, 9),
        .reason = sqlite3_column_int(q, 10),
        .since = sqlite3_column_int64(q, 11),
        .not_before = time_or_unset(q, 12),
        .not_after = time_or_unset(q, 13),
        .hr_time = time_or_unset(q, 14),
        .received = sqlite3_column_int64(q, 15),
        .incarnation = (uint32_t)sqlite3_column_int64(q, 16),
        .authority = (uint8_t)sqlite3_column_int(q, 17),
        .flags = (uint8_t)sqlite3_column_int(q, 18),
    };
    return 1;
}

// ---- keys ----

static int next_keys(void *ctx, struct rollcall_keys_account *ret)
{
    struct feed *f = ctx;
    int error = 0;

    body_done(&f->body);
    while (store_step(f->rows, &error)) {
        const json_t *key;
        size_t i, n = 0;
        if (body_parse(store_text(f->rows, 3), &f->body) < 0)
            continue;
        json_array_foreach(f->body.keys, i, key)
        {
            const char *text = json_string_value(key);
            if (n < 1024 && text && rollcall_ssh_key_acceptable(text, strlen(text)))
                f->keys[n++] = text;
        }
        if (n == 0) {
            body_done(&f->body);
            continue;
        }
        *ret = (struct rollcall_keys_account){.slot = (uint32_t)sqlite3_column_int64(f->rows, 0),
                                              .uid = (uid_t)sqlite3_column_int64(f->rows, 1),
                                              .name = store_text(f->rows, 2),
                                              .keys = f->keys,
                                              .n_keys = n};
        return 1;
    }
    return error;
}

// ---- all three ----

static int write_private(struct engine_core *core, struct feed *f, uint32_t slots)
{
    struct rollcall_private_feed feed = {
        .next_person = next_person, .ctx = f, .slots = slots, .generation = core->generation};

    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    f->rows = store_bind(
        &core->store,
        "SELECT slot, uid, name, coalesce(former_name, ''), coalesce(display_name, ''), key,"
        " coalesce(immutable_id, ''), coalesce(home, ''), coalesce(shell, ''), state, reason,"
        " since, not_before, not_after, hr_time, received, incarnation, authority, flags"
        " FROM person WHERE name IS NOT NULL AND state > 0 ORDER BY slot",
        "");
    return f->rows ? rollcall_private_write(core->paths.private_, &feed, core->paths.verifier_gid)
                   : -EIO;
}

static int write_keys(struct engine_core *core, struct feed *f, uint32_t slots)
{
    struct rollcall_keys_feed feed = {
        .next_account = next_keys, .ctx = f, .slots = slots, .generation = core->generation};
    int r;

    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    // One directory says the keys: the first record that has any.
    f->rows = store_bind(
        &core->store,
        "SELECT p.slot, p.uid, p.name, r.body FROM person p JOIN record r ON r.slot = p.slot"
        " WHERE p.name IS NOT NULL AND p.state BETWEEN 1 AND 4 AND r.gone = 0 AND"
        " json_array_length(r.body, '$.keys') > 0 GROUP BY p.slot ORDER BY p.slot",
        "");
    r = f->rows ? rollcall_keys_write(core->paths.keys, &feed, core->paths.keys_gid) : -EIO;
    body_done(&f->body);
    return r;
}

static int write_accounts(struct engine_core *core, struct feed *f, uint32_t slots, int64_t now)
{
    struct rollcall_snapshot_feed feed = {.next_account = next_account,
                                          .next_group = next_group,
                                          .ctx = f,
                                          .slots = slots,
                                          .generation = core->generation,
                                          .id_min = core->config->id_min,
                                          .id_max = core->config->id_max,
                                          .observe = core->config->mode == ROLLCALL_MODE_OBSERVE};

    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    f->rows = public_rows(core, now);
    return f->rows ? rollcall_snapshot_write(core->paths.accounts, &feed) : -EIO;
}

int publish_all(struct engine_core *core, int64_t now)
{
    struct feed *f = calloc(1, sizeof(*f));
    uint32_t slots =
        (uint32_t)(store_number(&core->store, -1, "SELECT max(slot) FROM person", "") + 1);
    int r;

    if (!f)
        return -ENOMEM;
    f->core = core;
    f->now = now;
    read_local(core, &f->local);
    core->generation++;
    engine_phase(core, "snapshot");
    r = rollcall_board_capacity(core->board) < slots ? effects_board_fresh(core, now) : 0;
    // Private first: whoever is public can be judged.
    if (r == 0)
        r = write_private(core, f, slots);
    if (r == 0)
        r = write_keys(core, f, slots);
    if (r == 0)
        r = write_accounts(core, f, slots, now);
    if (r == 0) {
        rollcall_board_set_generation(core->board, core->generation);
        store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('generation', ?)", "i",
                  (int64_t)core->generation);
        rollcall_board_sync(core->board);
    }
    free_local(&f->local);
    free(f->members);
    free(f);
    engine_phase(core, "idle");
    return r;
}
