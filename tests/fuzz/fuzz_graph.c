// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: an object of Microsoft Graph becomes a person, a drop or a sentence; whatever comes
// of it has to be a line that the engine takes, and nobody comes in whose account is not enabled.
// The first byte chooses the rules; the rest is the object.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/source.h"
#include "syncd/sources/graph_assigned.h"
#include "syncd/sources/graph_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char said[GRAPH_USER_MAX];

static void must_be_message(json_t *o, const json_t *object)
{
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL, why[300];
    struct rollcall_message m;

    if (!line || rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        abort();
    if (m.kind == ROLLCALL_MESSAGE_USER && m.user.status == ROLLCALL_STATUS_ACTIVE &&
        !json_is_true(json_object_get(object, "accountEnabled")))
        abort();
    if (m.kind == ROLLCALL_MESSAGE_USER && !m.user.user_name)
        abort();
    rollcall_message_done(&m);
    free(line);
    json_decref(o);
}

static void take(const struct graph_rules *rules, const json_t *object, const char *bytes,
                 size_t len, uint8_t how)
{
    static struct values *values;
    struct json_writer out = {.buf = said, .room = sizeof(said)};
    const struct value *v;
    struct graph_taken t;
    const char *wrong;

    if (!values && !(values = values_new(1024 * 1024)))
        abort();
    values_empty(values);
    v = values_read(values, bytes, len, NULL, &wrong);
    if (!v) // a NUL in a text, say: jansson takes that
        return;
    if (graph_user_take(rules, v, how & 1, how & 2 ? graph_risk(v) : NULL, &out, &t) < 0)
        return;
    if (t.fate == GRAPH_PERSON)
        must_be_message(json_pack("{s:s, s:o, s:s}", "op", "user", "user",
                                  json_loadb(said, out.len, JSON_REJECT_DUPLICATES, NULL), "where",
                                  t.name),
                        object);
    if (t.fate == GRAPH_DROPPED)
        must_be_message(json_pack("{s:s, s:s, s:s, s:s*}", "op", "dropped", "id", t.id, "reason",
                                  t.reason, "name", t.name),
                        object);
    if (t.fate == GRAPH_SKIPPED)
        must_be_message(json_pack("{s:s, s:s, s:s}", "op", "problem", "id", t.id, "text", t.why),
                        object);
}

static void take_group(const json_t *object)
{
    unsigned char id[GRAPH_ID];
    char name[33], text[GRAPH_ID_TEXT];

    if (!graph_id_parse(json_string_value(json_object_get(object, "id")), id))
        return;
    graph_id_text(id, text);
    for (int named = 0; named < 2; named++) {
        graph_group_name(person_text(object, "displayName"), id, named, name, sizeof(name));
        if (rollcall_name_check(name, strlen(name)) != ROLLCALL_NAME_OK)
            abort();
    }
}

// Changes of members, four bytes each: who is in is what a walk over all groups says.
static void take_members(const uint8_t *data, size_t len)
{
    struct graph_assigned *a = graph_assigned_new();
    bool in[8][16] = {0}, reached[8] = {true}, more = true;
    unsigned char group[GRAPH_ID] = {1}, member[GRAPH_ID] = {0}, unread[GRAPH_ID];

    if (!a || graph_assigned_root(a, group) < 0)
        abort();
    for (int round = 0; round < 2; round++) {
        for (size_t i = round ? len / 2 : 0; i + 4 <= (round ? len : len / 2); i += 4) {
            uint8_t g = data[i] % 8, m = data[i + 1] % 16;
            group[0] = (unsigned char)(g + 1);
            member[0] = (unsigned char)(m + 1); // below 8 a group, else a person
            in[g][m] = data[i + 2] & 1;
            if (graph_assigned_member(a, group, member, m < 8, in[g][m]) < 0)
                abort();
        }
        while (graph_assigned_settle(a, unread) > 0) {
            for (uint8_t m = 0; m < 16; m++) {
                member[0] = (unsigned char)(m + 1);
                if (in[unread[0] - 1][m])
                    graph_assigned_member(a, unread, member, m < 8, true);
            }
            graph_assigned_read(a, unread);
        }
    }
    while (more) {
        more = false;
        for (int g = 0; g < 8; g++)
            for (int m = 0; reached[g] && m < 8; m++)
                if (in[g][m] && !reached[m])
                    reached[m] = more = true;
    }
    for (int m = 8; m < 16; m++) {
        bool has = false;
        for (int g = 0; g < 8; g++)
            has = has || (reached[g] && in[g][m]);
        member[0] = (unsigned char)(m + 1);
        if (graph_assigned_has(a, member) != has)
            abort();
    }
    graph_assigned_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static json_t *domain, *required, *types, *map;
    struct graph_rules rules = {0};
    json_t *object;

    if (!domain) {
        json_t *list =
            json_pack("[s, s, s]", "sshPublicKeys:keys", "uidNumber:a.b", "loginShell:shell");
        char why[300];
        domain = json_pack("[s]", "acme.com");
        required = json_pack("[s]", "employeeId");
        types = json_pack("[s]", "Employee");
        if (graph_map_read(list, &map, why, sizeof(why)) < 0)
            abort();
        json_decref(list);
    }
    if (len < 2)
        return 0;
    if (data[0] & 0x80) {
        take_members(data + 1, len - 1);
        return 0;
    }
    rules.person.domain = domain;
    rules.person.require_attributes = data[0] & 4 ? required : NULL;
    rules.person.user_types = data[0] & 8 ? types : NULL;
    rules.untyped = data[0] & 16;
    rules.map = data[0] & 32 ? map : NULL;
    object = json_loadb((const char *)data + 1, len - 1, JSON_REJECT_DUPLICATES, NULL);
    if (!object)
        return 0;
    take(&rules, object, (const char *)data + 1, len - 1, data[0]);
    take_group(object);
    json_decref(object);
    return 0;
}
