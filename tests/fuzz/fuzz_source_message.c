// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: one line of a source. The first byte chooses what stands before the rest,
// so that the fuzzer need not find out by itself how a message begins. Where the fast reader has
// values, they are jansson's.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "rollcall/json_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const before[] = {
    "",
    "{\"op\":\"begin\",\"mode\":\"full\",\"as_of\":\"2026-",
    "{\"op\":\"begin\",\"mode\":\"full\",\"as_of\":\"2026-01-01T00:00:00Z\",\"since\":",
    "{\"op\":\"absent\",\"id\":",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":[{\"value\":",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"status\":\"",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"sshPublicKeys\":[\"",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"uidNumber\":",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"end\":\"",
    "{\"op\":\"group\",\"group\":{\"id\":\"",
    "{\"op\":\"problem\",\"text\":\"",
    "{\"op\":\"commit\",\"cursor\":\"",
    "{\"op\":\"as_of\",\"as_of\":\"",
    "{\"op\":\"members\",\"group\":\"g\",\"values\":[\"",
    "{\"op\":\"members\",\"group\":\"g\",\"add\":[\"",
    "{\"op\":\"group\",\"group\":{\"id\":\"g\",\"groups\":[{\"value\":\"",
    "{\"op\":\"group\",\"group\":{\"id\":\"g\",\"aliases\":[\"",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"aliases\":[\"",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"dn\":\"",
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"risk\":\"",
    "{\"op\":\"dropped\",\"id\":\"1\",\"reason\":\"",
    "{\"op\":\"dropped\",\"reason\":\"guest\",\"name\":\"",
    "{\"op\":\"device\",\"compliant\":",
    "{\"op\":\"finding\",\"level\":\"ok\",\"what\":\"",
};
static const char *const after[] = {"",
                                    "}",
                                    "}}",
                                    "}}}",
                                    "\"}",
                                    "\"}}",
                                    "\"}}}",
                                    "\"]}}}",
                                    "\"]}",
                                    "\"],\"more\":true}",
                                    "\"],\"remove\":[\"x\"]}",
                                    "\"}]}}",
                                    "\"]}}"};

static void is_jansson(const char *line, size_t len)
{
    const char *wrong;
    json_t *json = json_value(line, len, &wrong),
           *other = json ? json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (json && !json_equal(json, other))
        abort();
    json_decref(json);
    json_decref(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *a, *b;
    struct rollcall_message m;
    char why[300], *line;
    size_t n;

    if (len < 2)
        return 0;
    a = before[data[0] % (sizeof(before) / sizeof(before[0]))];
    b = after[data[1] % (sizeof(after) / sizeof(after[0]))];
    n = strlen(a) + len - 2 + strlen(b);
    line = malloc(n + 1); // of just its size, so that a read past the end is seen
    if (!line)
        return 0;
    memcpy(line, a, strlen(a));
    memcpy(line + strlen(a), data + 2, len - 2);
    memcpy(line + n - strlen(b), b, strlen(b));
    line[n] = 0;
    is_jansson(line, n);
    if (rollcall_message_parse(line, n, &m, why, sizeof(why)) == 0)
        rollcall_message_done(&m);
    free(line);
    return 0;
}
