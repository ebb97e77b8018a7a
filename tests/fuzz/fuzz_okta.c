// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: what an Okta org sends. JSON as a user, under each set of rules, and as an event.
// Whatever comes of a user has to be a message that the engine takes.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/okta_event.h"
#include "syncd/sources/okta_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must_be_message(json_t *user)
{
    json_t *o = json_pack("{s:s, s:o}", "op", "user", "user", user);
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL, why[300];
    struct rollcall_message m;

    if (!line || strlen(line) >= ROLLCALL_SOURCE_LINE_MAX ||
        rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        abort();
    rollcall_message_done(&m);
    free(line);
    json_decref(o);
}

static void take_user(const struct okta_rules *rules, const char *bytes, size_t len)
{
    static struct values *values;
    static char line[OKTA_USER_MAX];
    struct json_writer out = {.buf = line, .room = sizeof(line)};
    const struct value *v;
    struct okta_taken t;
    const char *wrong;

    if (!values && !(values = values_new(1024 * 1024)))
        abort();
    values_empty(values);
    v = values_read(values, bytes, len, NULL, &wrong);
    if (!v || okta_user_take(rules, v, &out, &t) < 0)
        return;
    if ((t.fate == OKTA_DROPPED) != (t.reason != NULL) || (t.fate == OKTA_SKIPPED && !*t.why) ||
        (t.terminated && !t.out))
        abort();
    if (t.fate == OKTA_PERSON)
        must_be_message(json_loadb(line, out.len, JSON_REJECT_DUPLICATES, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct okta_rules rules[3];
    json_t *object, *list;
    struct okta_map *map;
    struct okta_event e;
    char why[300];

    if (!rules[0].map) {
        rollcall_timezone_use("UTC");
        list = json_pack("[s, s, s, s, s]", "end:end", "start:start", "uidNumber:uid",
                         "sshPublicKeys:keys", "loginShell:shell");
        if (okta_map_read(list, &map, why, sizeof(why)) < 0)
            abort();
        rules[0] = rules[1] = rules[2] = (struct okta_rules){.map = map};
        rules[1].person.domain = json_pack("[s]", "acme.com");
        rules[2].person.user_types = json_pack("[s, s]", "oty1", "Employee");
        rules[2].realms = json_pack("[s]", "guo1");
        rules[2].person.require_attributes = json_pack("[s]", "employeeNumber");
        json_decref(list);
    }
    object = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (!object)
        return 0;
    for (size_t i = 0; i < 3; i++)
        take_user(&rules[i], (const char *)data, len);
    if (okta_event_take(object, &e) && !*e.user && !*e.group)
        abort();
    // As `map` of a section.
    if (okta_map_read(object, &map, why, sizeof(why)) == 0)
        okta_map_free(map);
    json_decref(object);
    return 0;
}
