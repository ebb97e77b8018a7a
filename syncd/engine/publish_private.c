// SPDX-License-Identifier: BSD-2-Clause
// What only root, the verifier and sshd's command may read: dates and reasons, and keys.
#include <errno.h>
#include <string.h>

#include "rollcall/account.h"
#include "syncd/engine/publish.h"

#define PERSON_COLUMNS                                                                             \
    "slot, uid, name, former_name, display_name, key, immutable_id, home, shell, state, reason,"   \
    " since, not_before, not_after, hr_time, received, incarnation, authority, flags, dn"

struct feed {
    struct engine_core *core;
    sqlite3_stmt *rows;
    size_t at; // among the changed
    const char *keys[1024];
    char text[1 << 20];
};

static int64_t time_or_unset(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? ROLLCALL_TIME_UNSET
                                                         : sqlite3_column_int64(q, column);
}

static void person_of(sqlite3_stmt *q, struct rollcall_person *ret)
{
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
        .dn = store_text(q, 19),
    };
}

static int next_person(void *ctx, struct rollcall_person *ret)
{
    struct feed *f = ctx;
    int error = 0;

    if (!store_step(&f->core->store, f->rows, &error))
        return error;
    person_of(f->rows, ret);
    return 1;
}

static int next_changed(void *ctx, struct rollcall_person *ret)
{
    struct feed *f = ctx;
    int error = 0;

    while (f->at < f->core->changed.n) {
        f->rows = store_bind(&f->core->store,
                             "SELECT " PERSON_COLUMNS " FROM person WHERE slot = ? AND name IS NOT"
                             " NULL AND state > 0",
                             "i", (int64_t)f->core->changed.slot[f->at++]);
        if (store_step(&f->core->store, f->rows, &error)) {
            person_of(f->rows, ret);
            return 1;
        }
        if (error < 0)
            return error;
    }
    return 0;
}

int publish_private(struct engine_core *core)
{
    struct feed *f = calloc(1, sizeof(*f));
    struct rollcall_private_feed feed = {
        .next_person = next_person, .ctx = f, .generation = core->generation};
    int r = -ENOMEM;

    if (!f)
        return r;
    f->core = core;
    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    feed.people =
        (uint32_t)(store_number(&core->store, -1, "SELECT max(slot) FROM person", "") + 1);
    f->rows = store_bind(&core->store,
                         "SELECT " PERSON_COLUMNS " FROM person WHERE name IS NOT NULL AND"
                         " +state > 0 ORDER BY slot",
                         "");
    r = f->rows ? rollcall_private_write(core->paths.private_, &feed, core->paths.verifier_gid)
                : -EIO;
    if (f->rows)
        sqlite3_reset(f->rows);
    free(f);
    return r;
}

int publish_private_delta(struct engine_core *core)
{
    struct feed *f = calloc(1, sizeof(*f));
    struct rollcall_private_feed feed = {
        .next_person = next_changed, .ctx = f, .generation = core->private_generation};
    int r;

    if (!f)
        return -ENOMEM;
    f->core = core;
    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    r = rollcall_private_write_delta(core->paths.private_, &feed, core->paths.verifier_gid);
    if (f->rows)
        sqlite3_reset(f->rows);
    free(f);
    return r;
}

// ---- keys ----

static size_t split(struct feed *f, const char *text, size_t len)
{
    size_t n = 0;

    if (len >= sizeof(f->text))
        return 0;
    memcpy(f->text, text, len + 1);
    for (char *line = f->text, *end; n < 1024 && (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        f->keys[n++] = line;
    }
    return n;
}

static int next_keys(void *ctx, struct rollcall_keys_account *ret)
{
    struct feed *f = ctx;
    int error = 0;

    while (store_step(&f->core->store, f->rows, &error)) {
        const char *text = store_text(f->rows, 3);
        size_t n = split(f, text, (size_t)sqlite3_column_bytes(f->rows, 3));
        if (n == 0)
            continue;
        *ret = (struct rollcall_keys_account){.slot = (uint32_t)sqlite3_column_int64(f->rows, 0),
                                              .uid = (uid_t)sqlite3_column_int64(f->rows, 1),
                                              .name = store_text(f->rows, 2),
                                              .keys = f->keys,
                                              .n_keys = n};
        return 1;
    }
    return error;
}

int publish_keys(struct engine_core *core, uint32_t slots)
{
    struct feed *f = calloc(1, sizeof(*f));
    struct rollcall_keys_feed feed = {
        .next_account = next_keys, .ctx = f, .slots = slots, .generation = core->generation};
    int r;

    if (!f)
        return -ENOMEM;
    f->core = core;
    memcpy(feed.ledger_id, rollcall_ledger_id(core->ledger), 16);
    // Keys are destroyed with the rest, a day after an explicit end; until then the board
    // refuses.
    f->rows = store_bind(&core->store,
                         "SELECT k.slot, p.uid, p.name, k.keys FROM ssh_key k JOIN person p ON"
                         " p.slot = k.slot WHERE p.name IS NOT NULL AND +p.state BETWEEN 1 AND 5"
                         " ORDER BY k.slot",
                         "");
    r = f->rows ? rollcall_keys_write(core->paths.keys, &feed, core->paths.keys_gid) : -EIO;
    if (f->rows)
        sqlite3_reset(f->rows);
    free(f);
    return r;
}
