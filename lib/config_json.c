// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type json: an HR system's API or file.
#include <string.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain((s)->findings, false, (s)->file, 0, __VA_ARGS__)

void config_check_json(struct config_state *s, const struct rollcall_source_config *src)
{
    if (!src->web.url == !src->path)
        ERROR(s, "[source %s] needs url = https://... or path = /..., one of them", src->name);
}
