// SPDX-License-Identifier: BSD-2-Clause
// What verbs beside `rollcall breakglass` say of the emergency account.
#ifndef CLI_BREAKGLASS_H
#define CLI_BREAKGLASS_H

#include <jansson.h>

// A sentence for each thing that somebody should know at once: it is open, it was opened.
void cli_breakglass_alarms(json_t *alarms);

// What a password of /etc/shadow lets in.
enum cli_shadow { CLI_SHADOW_LOCKED, CLI_SHADOW_OPEN, CLI_SHADOW_ABSENT };
enum cli_shadow cli_shadow_of(const char *name);

#endif
