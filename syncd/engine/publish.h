// SPDX-License-Identifier: BSD-2-Clause
// The files of the cache, each from state.db. Only publish*.c include it.
#ifndef ROLLCALL_ENGINE_PUBLISH_H
#define ROLLCALL_ENGINE_PUBLISH_H

#include "syncd/engine/core_internal.h"

int publish_accounts(struct engine_core *core, uint32_t slots, int64_t now);
int publish_private(struct engine_core *core);
int publish_private_delta(struct engine_core *core);
int publish_keys(struct engine_core *core, uint32_t slots);

#endif
