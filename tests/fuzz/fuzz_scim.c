// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: what a SCIM server sends, as one JSON text: {"User": {...}} or {"Group": {...}}, or
// a User alone. Whatever is made of it has to be a message that the engine takes.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/scim_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct values *page, *made;

static void must_be_message(json_t *o)
{
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL, why[300];
    struct rollcall_message m;

    if (!line || rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        abort();
    rollcall_message_done(&m);
    free(line);
    json_decref(o);
}

static void must_be_user(const struct value *user)
{
    size_t len;
    const char *text = value_json(made, user, &len);

    must_be_message(
        json_pack("{s:s, s:o}", "op", "user", "user",
                  json_loadb(text ?: "", text ? len : 0, JSON_REJECT_DUPLICATES, NULL)));
}

static void take_user(const struct scim_rules *rules, const struct value *row)
{
    const struct value *e;
    struct scim_taken t;

    values_empty(made);
    scim_user_take(rules, row, made, &t);
    if ((t.kind == SCIM_PERSON) != (t.user != NULL) || (t.kind == SCIM_DROPPED) != !!t.reason)
        abort();
    if (t.kind == SCIM_DROPPED && !*t.id)
        abort();
    if (t.kind == SCIM_PERSON) {
        must_be_user(t.user);
        scim_user_in(t.user, rules->domain);
        scim_user_unassigned(&t);
    }
    if (!value_is(value_get(row, "id"), VALUE_NULL))
        scim_last_modified(row);
    // What is to be said of a left out one is text too.
    must_be_message(json_pack("{s:s, s:s, s:s}", "op", "problem", "text", t.why, "id", t.name));
    value_each(scim_get(row, "groups"), e)
    {
        json_t *g = scim_user_group(e);
        if (g)
            must_be_message(json_pack("{s:s, s:o}", "op", "group", "group", g));
    }
}

static void take_group(const struct value *row)
{
    const struct value *members = NULL, *e;
    json_t *g = scim_group_take(row, &members);

    if (!g)
        return;
    must_be_message(json_pack("{s:s, s:o}", "op", "group", "group", g));
    value_each(members, e)
    {
        const char *id = scim_member(e);
        if (id)
            must_be_message(
                json_pack("{s:s, s:s, s:[s]}", "op", "members", "group", "g", "values", id));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static json_t *list;
    struct scim_rules plain = {.groups_of_user = true};
    struct scim_rules dates = {.extension = "urn:acme:hr:2.0:User",
                               .start = "/job/0/from",
                               .end = "/lastDay",
                               .status = "/st~1ate",
                               .keys = "keys",
                               .active_absent = SCIM_ABSENT_DENY};
    struct scim_rules strict = {.active_absent = SCIM_ABSENT_ACTIVE};
    const struct value *o;
    const char *wrong;

    if (!list) {
        page = values_new((size_t)1 << 24);
        made = values_new((size_t)1 << 24);
        rollcall_timezone_use("UTC");
        list = json_pack("[s, s, s]", "acme.com", "employeeNumber", "Employee");
    }
    strict.domain = strict.require_attributes = strict.user_types = list;
    values_empty(page);
    o = values_read(page, (const char *)data, len, NULL, &wrong);
    if (!o)
        return 0;
    take_user(&plain, o);
    take_user(&dates, o);
    take_user(&strict, o);
    take_group(o);
    return 0;
}
