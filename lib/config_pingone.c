// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type pingone: PingOne.
#include <string.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain((s)->findings, false, (s)->file, 0, __VA_ARGS__)

void config_check_pingone(struct config_state *s, const struct rollcall_source_config *src)
{
    static const enum rollcall_source_file secrets[] = {ROLLCALL_FILE_SECRET,
                                                        ROLLCALL_FILE_CREDENTIAL};

    if (!src->pingone.environment)
        ERROR(s, "[source %s] has no environment; write the environment's id", src->name);
    if (!src->web.client_id)
        ERROR(s, "[source %s] has no client_id; write the id of the worker application", src->name);
    config_check_one_secret(s, src, secrets, sizeof(secrets) / sizeof(secrets[0]));
}
