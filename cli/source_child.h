// SPDX-License-Identifier: BSD-2-Clause
// A source, started once by root's hand as syncd's launcher starts it, and listened to.
#ifndef CLI_SOURCE_CHILD_H
#define CLI_SOURCE_CHILD_H

#include <jansson.h>
#include <stddef.h>

#include "rollcall/config.h"

struct source_ear {
    void (*line)(void *ctx, const char *line, size_t len); // of its standard output
    void (*text)(void *ctx, const char *line);             // of its standard error
    void *ctx;
};

// Whoever reads what a source says is not root where it need not be: with SOURCE_ROOT_LEFT this
// process is `rollcall` when the call returns, and root's part of it waits for its end.
enum source_root { SOURCE_ROOT_KEPT, SOURCE_ROOT_LEFT };

// Until it ends: 0 with *ret_status as of waitpid. -ETIMEDOUT: it said nothing for its section's
// `timeout`; -EMSGSIZE: a line longer than a message may be; either way it is killed. -ENOENT:
// the users of rollcall are not there.
int source_child_run(const struct rollcall_source_config *source, const json_t *request,
                     const struct source_ear *ear, enum source_root root, int *ret_status);

// "it exited with 1", for a wait status that is not 0.
const char *source_child_fate(int status, char *buf, size_t len);

#endif
