// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: a user as PingOne's API sends it. Whatever comes of it has to be a message that
// the engine takes, on a line that it takes.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "syncd/sources/pingone_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must_be_message(json_t *o)
{
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL, why[300];
    struct rollcall_message m;

    if (!line || strlen(line) + 1 > ROLLCALL_SOURCE_LINE_MAX ||
        rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        abort();
    rollcall_message_done(&m);
    free(line);
    json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const groups[] = {"g", NULL};
    static char line[64 * 1024];
    static struct values *values;
    struct json_writer out = {.buf = line, .room = sizeof(line)};
    const struct pingone_in in = {groups, true}, not_in = {0};
    json_t *list = json_pack("[s]", "a");
    const struct pingone_rules lax = {.employee_number = "name.given"},
                               strict = {.populations = list,
                                         .identity_providers = list,
                                         .shared = {.domain = list, .require_attributes = list}};
    struct pingone_record r;
    const struct value *v;
    const char *wrong;

    if (!values && !(values = values_new(1024 * 1024)))
        abort();
    values_empty(values);
    v = values_read(values, (const char *)data, len, NULL, &wrong);
    if (pingone_take(v, &lax, &in, &out, &r) == PINGONE_PERSON)
        must_be_message(json_pack("{s:s, s:o}", "op", "user", "user",
                                  json_loadb(line, out.len, JSON_REJECT_DUPLICATES, NULL)));
    if (out.len > out.room || pingone_take(v, &strict, &not_in, &out, &r) == PINGONE_PERSON)
        abort(); // nobody is assigned
    json_decref(list);
    return 0;
}
