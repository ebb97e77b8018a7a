// SPDX-License-Identifier: BSD-2-Clause
// The engine's core over "state/state" and "state/cache" of the working folder, with one
// source "hr" that the test speaks for. All return 0 or the engine's negative errno.
#ifndef TESTS_TORTURE_ENGINE_H
#define TESTS_TORTURE_ENGINE_H

#include "rollcall/config.h"
#include "rollcall/source.h"
#include "syncd/engine/core.h"

#define STATE_DIR "state/state"
#define CACHE_DIR "state/cache"

// The folders, and an empty passwd of the host.
void engine_folders(void);
const struct rollcall_config *engine_config(void);
int engine_start(const struct engine_hooks *hooks, int64_t now, struct engine_core **ret);

// HR's file: begin, a row for everybody, commit.
struct engine_row {
    const char *number, *name;
    enum rollcall_status status;
    uint32_t uid; // 0: the engine finds one
    const char *const *groups;
    size_t n_groups;
};
int engine_list_begin(struct engine_core *core, int64_t now);
int engine_list_row(struct engine_core *core, const struct engine_row *row, int64_t now);
int engine_list_commit(struct engine_core *core, uint64_t rows, int64_t now);

#endif
