// SPDX-License-Identifier: BSD-2-Clause
// The engine's loop: descriptors and time around the core.
#ifndef ROLLCALL_ENGINE_LOOP_H
#define ROLLCALL_ENGINE_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "rollcall/config.h"

struct engine_loop_options {
    const char *config_path;
    bool once;
    int door;    // to the launcher
    int control; // listening syncd.sock, or -1
    gid_t verifier_gid, keys_gid;
};

// Returns the exit code. `config` stays the caller's.
int engine_loop_run(const struct engine_loop_options *options,
                    const struct rollcall_config *config);

#endif
