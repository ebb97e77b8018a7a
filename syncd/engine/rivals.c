// SPDX-License-Identifier: BSD-2-Clause
// Rows of one batch that claim the same name, number or uid (rule 4). Most batches have none, and
// to know that costs one walk over their rows: no index of any of the three is kept for it.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rollcall/cleanup.h"
#include "syncd/engine/rows.h"

// Hashes that were seen: open addressing, a power of two, at most half full. 0 is free.
struct seen {
    uint64_t *place;
    size_t room, n;
};

static bool put(struct seen *s, uint64_t hash)
{
    size_t i = hash & (s->room - 1);

    while (s->place[i] && s->place[i] != hash)
        i = (i + 1) & (s->room - 1);
    if (s->place[i])
        return true;
    s->place[i] = hash;
    s->n++;
    return false;
}

static int grow(struct seen *s)
{
    struct seen more = {.room = s->room ? s->room * 2 : 1024};

    if (s->n * 2 < s->room)
        return 0;
    more.place = calloc(more.room, sizeof(*more.place));
    if (!more.place)
        return -ENOMEM;
    for (size_t i = 0; i < s->room; i++)
        if (s->place[i])
            put(&more, s->place[i]);
    free(s->place);
    *s = more;
    return 0;
}

// *ret_again: perhaps it was seen before. Which values are the same indeed, SQLite says.
static int see(struct seen *s, enum rival_kind kind, const void *bytes, size_t len, bool *ret_again)
{
    uint64_t hash = XXH3_64bits_withSeed(bytes, len, kind);
    int r = grow(s);

    if (r == 0 && put(s, hash ? hash : 1))
        *ret_again = true;
    return r;
}

static int see_row(struct seen *s, sqlite3_stmt *q, bool *ret_again)
{
    int r = 0;

    for (int kind = RIVAL_NAME; r == 0 && kind <= RIVAL_NUMBER; kind++)
        if (sqlite3_column_type(q, kind) != SQLITE_NULL)
            r = see(s, kind, sqlite3_column_text(q, kind), (size_t)sqlite3_column_bytes(q, kind),
                    ret_again);
    if (r == 0 && sqlite3_column_type(q, RIVAL_UID) != SQLITE_NULL) {
        int64_t uid = sqlite3_column_int64(q, RIVAL_UID);
        r = see(s, RIVAL_UID, &uid, sizeof(uid), ret_again);
    }
    return r;
}

static int walk(struct engine_core *core, const char *source, struct seen *s, struct facts *ret)
{
    sqlite3_stmt *q = store_bind(&core->store,
                                 "SELECT copies, name, number, uid, body IS NULL, gone > 0 OR"
                                 " terminated FROM incoming WHERE source = ?",
                                 "s", source);
    int error = 0;

    while (store_step(&core->store, q, &error)) {
        ret->twice = ret->twice || sqlite3_column_int64(q, 0) > 1;
        ret->bodiless = ret->bodiless || sqlite3_column_int(q, 4);
        ret->went = ret->went || sqlite3_column_int(q, 5);
        error = ret->rivals ? 0 : see_row(s, q, &ret->rivals);
        if (error < 0) {
            sqlite3_reset(q);
            break;
        }
    }
    return error;
}

static int note(struct engine_core *core, const char *source)
{
    int r = store_run(&core->store,
                      "INSERT INTO rival SELECT 1, name, id FROM incoming WHERE source = ?1 AND"
                      " name IN (SELECT name FROM incoming WHERE source = ?1 AND name IS NOT NULL"
                      " GROUP BY name HAVING count(*) > 1)",
                      "s", source);

    if (r == 0)
        r = store_run(&core->store,
                      "INSERT INTO rival SELECT 2, number, id FROM incoming WHERE source = ?1 AND"
                      " number IN (SELECT number FROM incoming WHERE source = ?1 AND number IS NOT"
                      " NULL GROUP BY number HAVING count(*) > 1)",
                      "s", source);
    return r == 0 ? store_run(&core->store,
                              "INSERT INTO rival SELECT 3, uid, id FROM incoming WHERE source = ?1"
                              " AND uid IN (SELECT uid FROM incoming WHERE source = ?1 AND uid IS"
                              " NOT NULL GROUP BY uid HAVING count(*) > 1)",
                              "s", source)
                  : r;
}

void facts_begin(struct engine_core *core, const char *source)
{
    struct store *s = &core->store;

    core->facts = (struct facts){
        .first = !store_number(s, 0, "SELECT 1 FROM record WHERE source = ? LIMIT 1", "s", source),
        .refused = store_number(s, 0, "SELECT 1 FROM refused WHERE source = ? AND id > '' LIMIT 1",
                                "s", source),
        .approved = store_number(s, 0, "SELECT 1 FROM approved LIMIT 1", ""),
        .slotless = store_number(s, 0, "SELECT 1 FROM record WHERE slot IS NULL LIMIT 1", ""),
    };
}

int rivals_find(struct engine_core *core, const char *source)
{
    struct seen s = {0};
    struct facts facts = core->facts;
    int r = store_exec(&core->store, "DELETE FROM rival");

    if (r == 0)
        r = walk(core, source, &s, &facts);
    free(s.place);
    if (r == 0 && facts.rivals)
        r = note(core, source);
    core->facts = facts;
    return r;
}
