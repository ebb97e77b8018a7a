// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type scim: a SCIM 2.0 server.
#include <string.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain((s)->findings, false, (s)->file, 0, __VA_ARGS__)

void config_check_scim(struct config_state *s, const struct rollcall_source_config *src)
{
    if (!src->web.url)
        ERROR(s, "[source %s] has no url; write url = https://scim.example.com/v2", src->name);
}
