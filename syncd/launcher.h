// SPDX-License-Identifier: BSD-2-Clause
// Root's small launcher: starts the engine and, on its request, the sources; hands over
// descriptors; parses nothing that any of them says. docs/doors/launcher.md.
#ifndef ROLLCALL_SYNCD_LAUNCHER_H
#define ROLLCALL_SYNCD_LAUNCHER_H

#include <stdbool.h>
#include <sys/types.h>

#include "rollcall/config.h"
#include "syncd/spawn.h"

// Messages between launcher and engine: one seqpacket each.
enum launcher_kind {
    LAUNCHER_START = 'S',   // engine: start this source
    LAUNCHER_STOP = 'K',    // engine: end it
    LAUNCHER_STARTED = 'P', // launcher: pid, with stdin, stdout and stderr as descriptors
    LAUNCHER_FAILED = 'F',  // launcher: could not be started; status is an errno
    LAUNCHER_EXITED = 'X',  // launcher: pid ended with this wait status
    LAUNCHER_RELOAD = 'R',  // launcher: read the configuration again
    LAUNCHER_READY = 'Y',   // engine: published
};
struct launcher_message {
    char kind;
    char source[32];
    pid_t pid;
    int status;
};

struct launcher_options {
    const char *config_path;
    bool once;
};

// Runs until SIGTERM or, with `once`, until the engine is done. Exit code.
int launcher_run(const struct launcher_options *options, struct rollcall_config *config);

// The engine's system calls, after it became its user. 0 or negative errno.
int confine_engine(void);

#endif
