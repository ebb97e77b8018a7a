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
    json_t *user = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *list = json_pack("[s]", "a");
    const struct pingone_rules lax = {.employee_number = "name.given"},
                               strict = {.populations = list,
                                         .identity_providers = list,
                                         .shared = {.domain = list, .require_attributes = list}};
    struct pingone_record r;

    if (pingone_take(user, &lax, true, &r) == PINGONE_PERSON)
        must_be_message(json_pack("{s:s, s:o}", "op", "user", "user", r.user));
    if (pingone_take(user, &strict, false, &r) == PINGONE_PERSON)
        abort(); // nobody is assigned
    json_decref(list);
    json_decref(user);
    return 0;
}
