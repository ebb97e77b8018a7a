// SPDX-License-Identifier: BSD-2-Clause
// The public file: who has which uid, home, shell and groups.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "syncd/engine/local_files.h"
#include "syncd/engine/publish.h"
#include "syncd/engine/rows.h"

#define HIDDEN     UINT32_MAX // a group that has a local name or gid
#define GROUPS_MAX 65535

struct feed {
    int64_t now;
    struct engine_core *core;
    struct local_files local;
    sqlite3_stmt *rows;
    // By a group's number: its position among those that were fed, and a bit for each
    // [local_group] that it leads to.
    uint32_t *position, *grants;
    uint32_t numbers, fed;
    uint32_t groups[GROUPS_MAX];
    gid_t local_gids[32];
    char home[300];
};

// A local name or number always wins; whose row it hides is said, once.
static void say_hidden(struct feed *f, uint32_t slot, const char *name, uint32_t uid)
{
    sqlite3_stmt *q =
        store_bind(&f->core->store, "SELECT source, id FROM record WHERE slot = ? AND gone = 0",
                   "i", (int64_t)slot);
    char source[64] = "", id[160] = "";
    int error = 0;

    if (store_step(&f->core->store, q, &error)) {
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

// Gids of the local groups that somebody's groups lead to.
static size_t local_grants(struct feed *f, uint32_t grants)
{
    size_t n = 0;

    for (size_t i = 0; grants && i < f->core->config->n_local_groups; i++)
        if ((grants & 1u << i) && f->local.granted[i])
            f->local_gids[n++] = f->local.granted[i];
    return n;
}

static void take_groups(struct feed *f, int column, struct rollcall_snapshot_account *ret)
{
    size_t n, out = 0;
    const uint32_t *number = membership_column(f->rows, column, &n);
    uint32_t grants = 0;

    // Positions ascend as numbers do.
    for (size_t i = 0; i < n && out < GROUPS_MAX; i++) {
        uint32_t one;
        memcpy(&one, number + i, sizeof(one));
        if (one >= f->numbers)
            continue;
        grants |= f->grants[one];
        if (f->position[one] != HIDDEN)
            f->groups[out++] = f->position[one];
    }
    ret->groups = f->groups;
    ret->n_groups = out;
    ret->local_gids = f->local_gids;
    ret->n_local = local_grants(f, grants);
}

static int next_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct feed *f = ctx;
    int error = 0;

    while (store_step(&f->core->store, f->rows, &error)) {
        uint32_t slot = (uint32_t)sqlite3_column_int64(f->rows, 0);
        uid_t uid = (uid_t)sqlite3_column_int64(f->rows, 1);
        const char *name = store_text(f->rows, 2);
        if (local_files_have(&f->local, name, uid)) {
            say_hidden(f, slot, name, uid);
            continue;
        }
        *ret = (struct rollcall_snapshot_account){.slot = slot,
                                                  .uid = uid,
                                                  .gid = uid,
                                                  .name = name,
                                                  .gecos = store_text(f->rows, 3),
                                                  .home = store_text(f->rows, 4),
                                                  .shell = store_text(f->rows, 5)};
        if (!*ret->home) {
            snprintf(f->home, sizeof(f->home), "/home/%s", name);
            ret->home = f->home;
        }
        if (!*ret->shell)
            ret->shell = "/bin/bash";
        take_groups(f, 6, ret);
        return 1;
    }
    if (error < 0 || !f->core->config->former_names)
        return error;
    // A name that leads to two people leads to nobody.
    f->rows = store_bind(
        &f->core->store,
        "SELECT slot, former_name FROM person p WHERE former_name <> '' AND NOT EXISTS"
        "(SELECT 1 FROM person o WHERE o.name = p.former_name) AND NOT EXISTS"
        "(SELECT 1 FROM person o WHERE o.former_name = p.former_name AND o.slot <> p.slot)"
        " ORDER BY slot",
        "");
    return f->rows ? 0 : -EIO;
}

static int next_former(void *ctx, struct rollcall_snapshot_former *ret)
{
    struct feed *f = ctx;
    int error = 0;

    while (store_step(&f->core->store, f->rows, &error)) {
        ret->slot = (uint32_t)sqlite3_column_int64(f->rows, 0);
        ret->name = store_text(f->rows, 1);
        if (!local_files_have(&f->local, ret->name, UINT32_MAX))
            return 1;
    }
    return error;
}

// ---- groups ----

static uint32_t grants_of(struct feed *f, const char *id)
{
    const struct rollcall_config *c = f->core->config;
    uint32_t grants = 0;

    for (size_t i = 0; i < c->n_local_groups; i++)
        for (size_t k = 0; k < c->local_group[i].from.n; k++)
            if (strcmp(c->local_group[i].from.item[k], id) == 0)
                grants |= 1u << i;
    return grants;
}

// A group whose name is a person's is that person's private group: it would hide it.
static bool is_somebody(struct feed *f, const char *name)
{
    return store_number(&f->core->store, 0, "SELECT 1 FROM person WHERE name = ?", "s", name);
}

static int next_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    struct feed *f = ctx;
    int error = 0;

    while (store_step(&f->core->store, f->rows, &error)) {
        uint32_t number = (uint32_t)sqlite3_column_int64(f->rows, 0);
        const char *name = store_text(f->rows, 1);
        gid_t gid = (gid_t)sqlite3_column_int64(f->rows, 2);
        if (number >= f->numbers)
            continue;
        f->grants[number] = grants_of(f, store_text(f->rows, 3));
        if (local_files_have(&f->local, name, gid) || is_somebody(f, name))
            continue;
        f->position[number] = f->fed++;
        *ret = (struct rollcall_snapshot_group){.gid = gid, .name = name};
        return 1;
    }
    if (error < 0)
        return error;
    // People whose first day is to come are not in the public file; nor, where the host
    // wants it so, are those who may not log in here. "+": in order of slots, whatever
    // indexes there are.
    f->rows = store_bind(
        &f->core->store,
        "SELECT slot, uid, name, gecos, home, shell, groups FROM person WHERE name IS NOT NULL AND"
        " +state > 0 AND (not_before IS NULL OR not_before <= ?1) AND (?2 = 0 OR (flags & 1))"
        " ORDER BY slot",
        "ii", f->now,
        (int64_t)(f->core->config->publish && strcmp(f->core->config->publish, "allowed") == 0));
    return f->rows ? 0 : -EIO;
}

static int write_file(struct feed *f, uint32_t slots)
{
    const struct engine_core *core = f->core;
    const struct rollcall_config *config = core->config;
    struct rollcall_snapshot_feed feed = {
        .next_group = next_group,
        .next_account = next_account,
        .next_former = config->former_names ? next_former : NULL,
        .ctx = f,
        .slots = slots,
        .generation = core->generation,
        .id_min = config->id_min,
        .id_max = config->id_max,
        .members_max = config->group_members.limit,
        .no_members = config->group_members.none,
        .observe = config->mode == ROLLCALL_MODE_OBSERVE,
        .no_enumerate = !config->enumerate,
        .hide_locked = config->locked == ROLLCALL_LOCKED_HIDDEN,
    };

    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    return rollcall_snapshot_write(core->paths.accounts, &feed);
}

int publish_accounts(struct engine_core *core, uint32_t slots, int64_t now)
{
    struct feed *f = calloc(1, sizeof(*f));
    int r = -ENOMEM;

    if (!f)
        return r;
    f->core = core;
    f->now = now;
    f->numbers = (uint32_t)(store_number(&core->store, 0, "SELECT max(number) FROM grp", "") + 1);
    f->position = malloc(f->numbers * sizeof(*f->position));
    f->grants = calloc(f->numbers, sizeof(*f->grants));
    local_files_read(core->paths.passwd, core->paths.group, core->config, &f->local);
    f->rows = store_bind(&core->store, "SELECT number, name, gid, id FROM grp ORDER BY number", "");
    if (f->position && f->grants && f->rows) {
        memset(f->position, 0xff, f->numbers * sizeof(*f->position)); // HIDDEN
        r = write_file(f, slots);
    }
    if (f->rows)
        sqlite3_reset(f->rows);
    local_files_done(&f->local);
    free(f->position);
    free(f->grants);
    free(f);
    return r;
}
