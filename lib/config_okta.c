// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type okta: Okta.
#include <string.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain((s)->findings, false, (s)->file, 0, __VA_ARGS__)

void config_check_okta(struct config_state *s, const struct rollcall_source_config *src)
{
    static const enum rollcall_source_file secrets[] = {ROLLCALL_FILE_KEY, ROLLCALL_FILE_SECRET,
                                                        ROLLCALL_FILE_CREDENTIAL};

    if (!src->okta.org)
        ERROR(s, "[source %s] has no org; write org = https://acme.okta.com", src->name);
    config_check_https(s, src, "org", src->okta.org);
    config_check_one_secret(s, src, secrets, sizeof(secrets) / sizeof(secrets[0]));
}
