// SPDX-License-Identifier: BSD-2-Clause
// Whose name is it? The established claim stands; what is new is refused by name.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/utf8.h"
#include "syncd/engine/rows.h"

// "people.csv:17", of the listing in work.
static void place_of(struct engine_core *core, const char *source, const char *id, char *buf,
                     size_t len)
{
    sqlite3_stmt *q = store_bind(
        &core->store, "SELECT coalesce(place, '') FROM incoming WHERE source = ? AND id = ?", "ss",
        source, id);
    int error = 0;

    *buf = 0;
    if (store_step(&core->store, q, &error))
        snprintf(buf, len, "%s", store_text(q, 0));
    rollcall_utf8_mend(buf);
    if (q)
        sqlite3_reset(q);
}

int rows_refuse(struct engine_core *core, const char *source, const char *id, const char *kind,
                const char *name, int64_t now, const char *format, ...)
{
    char text[400], place[300];
    va_list ap;
    bool known;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    rollcall_utf8_mend(text); // names in it are cut off
    core->facts.refused = core->facts.refused || strcmp(kind, "group") != 0;
    known =
        store_number(&core->store, 0,
                     "SELECT 1 FROM refused WHERE source = ? AND id = ? AND kind = ? AND text = ?",
                     "ssss", source, id, kind, text);
    if (!known) { // said once, and shown by status for as long as it lasts
        place_of(core, source, id, place, sizeof(place));
        engine_audit(core, json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s}", "event",
                                     "row-refused", "source", source, "id", id, "kind", kind,
                                     "name", name, "where", *place ? place : NULL, "why", text));
    }
    return store_run(&core->store, "INSERT OR REPLACE INTO refused VALUES(?, ?, ?, ?, ?, ?)",
                     "sssssi", source, id, kind, name, text, now);
}

bool rows_approved(struct engine_core *core, const char *key, const char *word)
{
    return store_number(&core->store, 0, "SELECT 1 FROM approved WHERE key = ? AND word = ?", "ss",
                        key, word);
}

static const char *without_zeros(const char *number)
{
    return number + strspn(number, "0");
}

// The one who holds the name now, or held it before.
struct holder {
    int64_t slot;
    char key[200];
    enum rollcall_state state;
    bool former;
};

static bool find_holder(struct engine_core *core, const char *name, int64_t not_slot,
                        struct holder *ret)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT slot, key, state, 0 FROM person WHERE name = ?1 AND slot <> ?2 UNION ALL"
                   " SELECT slot, key, state, 1 FROM person WHERE former_name = ?1 AND slot <> ?2",
                   "si", name, not_slot);
    int error = 0;

    if (!store_step(&core->store, q, &error))
        return false;
    *ret = (struct holder){.slot = sqlite3_column_int64(q, 0),
                           .state = sqlite3_column_int(q, 2),
                           .former = sqlite3_column_int(q, 3)};
    snprintf(ret->key, sizeof(ret->key), "%s", store_text(q, 1));
    sqlite3_reset(q);
    return true;
}

// A key without the source's join_prefix: the employeeNumber as the row has it.
static const char *number_of(const char *key, const struct rollcall_source_config *src)
{
    size_t n = src->join_prefix ? strlen(src->join_prefix) : 0;

    return n && strncmp(key, src->join_prefix, n) == 0 ? key + n : key;
}

// Rule 5: the same number in another spelling. Its owner counts as seen.
static int refuse_spelling(struct engine_core *core, const struct rollcall_source_config *src,
                           const char *id, const struct body *b, const struct holder *h,
                           int64_t now)
{
    store_run(&core->store,
              "INSERT INTO incoming(source, id, listed) SELECT source, id, NULL FROM record"
              " WHERE slot = ? AND source = ? ON CONFLICT DO UPDATE SET present = 1",
              "is", h->slot, src->name);
    rows_refuse(core, src->name, id, "number", b->user_name, now,
                "employeeNumber \"%.60s\" looks like \"%.60s\" of \"%s\" with other zeros; the new "
                "spelling is refused (rule 5)",
                b->employee_number ? b->employee_number : id, h->key, b->user_name);
    return -EEXIST;
}

static int refuse_holder(struct engine_core *core, const struct rollcall_source_config *src,
                         const char *id, const char *key, const struct body *b,
                         const struct holder *h, int64_t slot, int64_t now)
{
    if (slot < 0 &&
        strcmp(without_zeros(number_of(h->key, src)), without_zeros(number_of(key, src))) == 0)
        return refuse_spelling(core, src, id, b, h, now);
    if (slot < 0 && !h->former && h->state >= ROLLCALL_STATE_TERMINATED)
        rows_refuse(core, src->name, id, "rehire", b->user_name, now,
                    "userName \"%s\" belonged to %s, who left; say which it is: rollcall approve "
                    "%s=rehire, or %s=another (rule 11)",
                    b->user_name, h->key, key, key);
    else
        rows_refuse(core, src->name, id, slot < 0 ? "name" : "rename", b->user_name, now,
                    "userName \"%s\" %s %s; the established claim stands (rule %s)", b->user_name,
                    h->former ? "was the name of" : "belongs to", h->key, slot < 0 ? "11" : "15");
    return -EEXIST;
}

int rows_name_free(struct engine_core *core, const struct rollcall_source_config *src,
                   const char *id, const char *key, const struct body *b, int64_t slot, int64_t now)
{
    enum rollcall_name_fault fault;
    struct holder h;

    if (!b->user_name || !*b->user_name)
        return -EEXIST;
    fault = rollcall_name_check(b->user_name, strlen(b->user_name));
    if (fault != ROLLCALL_NAME_OK) {
        rows_refuse(core, src->name, id, "name", b->user_name, now,
                    "userName \"%.60s\" is refused: %s", b->user_name,
                    rollcall_name_fault_sentence(fault));
        return -EEXIST;
    }
    if (find_holder(core, b->user_name, slot, &h))
        return refuse_holder(core, src, id, key, b, &h, slot, now);
    if (core->facts.rivals &&
        store_number(&core->store, 0,
                     // The row of somebody who left is no claim to the name any more: one whom
                     // we know, or one beside a person whom we do.
                     "SELECT count(*) > 1 FROM rival v CROSS JOIN incoming i ON i.source = ?1 AND"
                     " i.id = v.id WHERE v.kind = 1 AND v.value = ?2 AND i.body IS NOT NULL AND"
                     " NOT EXISTS(SELECT 1 FROM record r JOIN person p USING(slot) WHERE"
                     " r.source = i.source AND r.id = i.id AND p.state >= 5) AND NOT"
                     " (?3 >= 0 AND json_extract(i.body, '$.status') = 4)",
                     "ssi", src->name, b->user_name, slot)) {
        rows_refuse(core, src->name, id, "name", b->user_name, now,
                    "userName \"%s\" stands in two rows of one listing; neither is taken (rule 4)",
                    b->user_name);
        return -EEXIST;
    }
    return 0;
}
