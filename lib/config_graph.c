// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type graph: Entra ID (Microsoft Graph).
#include <string.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain((s)->findings, false, (s)->file, 0, __VA_ARGS__)

void config_check_graph(struct config_state *s, const struct rollcall_source_config *src)
{
    static const enum rollcall_source_file secrets[] = {ROLLCALL_FILE_CREDENTIAL, ROLLCALL_FILE_KEY,
                                                        ROLLCALL_FILE_SECRET};

    if (!src->graph.tenant)
        ERROR(s, "[source %s] has no tenant; write the tenant's id: tenant = 1111...", src->name);
    if (!src->web.client_id)
        ERROR(s, "[source %s] has no client_id; write the id of the app registration", src->name);
    config_check_one_secret(s, src, secrets, sizeof(secrets) / sizeof(secrets[0]));
}
