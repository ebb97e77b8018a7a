// SPDX-License-Identifier: BSD-2-Clause
// uids, gids and slots: given once, kept in the ledger, never reused.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rollcall/account.h"
#include "syncd/engine/core_internal.h"

// The first id of the range is rollcall-people's. No seed: every host must come to the
// same id, and to the same refusal.
uint32_t ids_hash(const struct rollcall_config *config, const char *authority, const char *id)
{
    uint32_t n = config->id_max - config->id_min;
    char key[300];
    int len = snprintf(key, sizeof(key), "%s\t%s", authority, id);

    if (len < 0 || (size_t)len >= sizeof(key))
        len = sizeof(key) - 1;
    return config->id_min + 1 + (uint32_t)(XXH3_64bits(key, (size_t)len) % n);
}

static bool in_range(const struct engine_core *core, uint64_t id)
{
    return id > core->config->id_min && id <= core->config->id_max &&
           rollcall_id_in_compiled_limits((uint32_t)id);
}

static bool id_taken(struct engine_core *core, uint32_t id)
{
    return id == core->claimed ||
           store_number(&core->store, 0,
                        "SELECT EXISTS(SELECT 1 FROM person WHERE uid = ?1) OR"
                        " EXISTS(SELECT 1 FROM grp WHERE gid = ?1) OR"
                        " EXISTS(SELECT 1 FROM ledger WHERE number = ?1)",
                        "i", (int64_t)id);
}

int ids_learn(struct engine_core *core, const struct rollcall_ledger_entry *e)
{
    bool person = e->kind == ROLLCALL_LEDGER_PERSON;
    int r = 0;

    if (person)
        r = store_run(&core->store, "DELETE FROM ledger WHERE kind = 1 AND slot = ? AND key <> ?",
                      "is", (int64_t)e->slot, e->key);
    if (r == 0)
        r = store_run(&core->store, "INSERT OR REPLACE INTO ledger VALUES(?, ?, ?, ?)", "isii",
                      (int64_t)e->kind, e->key, person ? (int64_t)e->slot : -1, (int64_t)e->id);
    return r;
}

// To be durable before the transaction that uses it; see ids_flush.
static int remember(struct engine_core *core, const struct rollcall_ledger_entry *e)
{
    if (core->n_pending == core->pending_room) {
        size_t want = core->pending_room ? core->pending_room * 2 : 64;
        struct rollcall_ledger_entry *p = realloc(core->pending, want * sizeof(*p));
        if (!p)
            return -ENOMEM;
        core->pending = p;
        core->pending_room = want;
    }
    core->pending[core->n_pending++] = *e;
    return 0;
}

int ids_flush(struct engine_core *core)
{
    int r = rollcall_ledger_append(core->ledger, core->pending, core->n_pending);

    core->n_pending = 0;
    return r;
}

static int choose_uid(struct engine_core *core, const char *key, const char *source,
                      const struct body *b, const char *id, uint32_t *ret, char *why, size_t len)
{
    uint32_t uid;
    int r = ids_map_look_up(&core->uid_map, core->paths.uid_map, key, b->user_name, &uid);

    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0) {
        if (!in_range(core, uid)) {
            snprintf(why, len, "the uid map gives %u, which lies outside id_range", uid);
            return -ERANGE;
        }
    } else if (b->has_uid) {
        if (b->uid > UINT32_MAX || !in_range(core, b->uid)) {
            snprintf(why, len, "uidNumber %llu lies outside id_range %u-%u",
                     (unsigned long long)b->uid, core->config->id_min, core->config->id_max);
            return -ERANGE;
        }
        uid = (uint32_t)b->uid;
    } else {
        uid = ids_hash(core->config, source, id);
    }
    if (id_taken(core, uid)) {
        snprintf(why, len,
                 "uid %u belongs to somebody else already; settle it by a line \"%s UID\" in %s",
                 uid, key, core->paths.uid_map);
        return -EEXIST;
    }
    *ret = uid;
    return 0;
}

// A number that the ledger gave this key before the database was lost, or before a
// transaction that did not come to its end.
static bool from_ledger(struct engine_core *core, enum rollcall_ledger_kind kind, const char *key,
                        uint32_t *ret_slot, uint32_t *ret_id)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT slot, number FROM ledger WHERE kind = ? AND key = ?", "is",
                   (int64_t)kind, key);
    int error = 0;

    if (!store_step(&core->store, q, &error))
        return false;
    *ret_slot = (uint32_t)sqlite3_column_int64(q, 0);
    *ret_id = (uint32_t)sqlite3_column_int64(q, 1);
    sqlite3_reset(q);
    return true;
}

int ids_person(struct engine_core *core, const char *key, const char *source, const struct body *b,
               const char *id, int64_t now, uint32_t *ret_slot, uint32_t *ret_uid, char *why,
               size_t why_len)
{
    struct rollcall_ledger_entry e = {.kind = ROLLCALL_LEDGER_PERSON, .at = now};
    int64_t known, people;
    int r;

    if (from_ledger(core, ROLLCALL_LEDGER_PERSON, key, ret_slot, ret_uid))
        return 0;
    r = choose_uid(core, key, source, b, id, &e.id, why, why_len);
    if (r < 0)
        return r;
    people = store_number(&core->store, -1, "SELECT max(slot) FROM person", "");
    known = store_number(&core->store, -1, "SELECT max(slot) FROM ledger", "");
    e.slot = (uint32_t)((people > known ? people : known) + 1);
    snprintf(e.key, sizeof(e.key), "%s", key);
    r = remember(core, &e);
    if (r < 0)
        return r;
    *ret_slot = e.slot;
    *ret_uid = e.id;
    return 0;
}

int ids_rekey(struct engine_core *core, const char *key, uint32_t slot, uint32_t uid, int64_t now)
{
    struct rollcall_ledger_entry e = {
        .kind = ROLLCALL_LEDGER_PERSON, .slot = slot, .id = uid, .at = now};
    int r;

    snprintf(e.key, sizeof(e.key), "%s", key);
    r = remember(core, &e);
    return r == 0 ? ids_learn(core, &e) : r;
}

int ids_group(struct engine_core *core, const char *source, const char *id, bool has_gid,
              uint64_t gid, int64_t now, uint32_t *ret_gid, char *why, size_t why_len)
{
    struct rollcall_ledger_entry e = {.kind = ROLLCALL_LEDGER_GROUP, .at = now};
    uint32_t slot;
    int r;

    snprintf(e.key, sizeof(e.key), "%s\t%s", source, id);
    if (from_ledger(core, ROLLCALL_LEDGER_GROUP, e.key, &slot, ret_gid))
        return 0;
    if (has_gid && (gid > UINT32_MAX || !in_range(core, gid))) {
        snprintf(why, why_len, "gidNumber %llu lies outside id_range", (unsigned long long)gid);
        return -ERANGE;
    }
    e.id = has_gid ? (uint32_t)gid : ids_hash(core->config, source, id);
    if (id_taken(core, e.id)) {
        snprintf(why, why_len, "gid %u belongs to somebody else already", e.id);
        return -EEXIST;
    }
    r = remember(core, &e);
    if (r == 0)
        *ret_gid = e.id;
    return r;
}
