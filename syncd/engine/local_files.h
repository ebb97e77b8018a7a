// SPDX-License-Identifier: BSD-2-Clause
// The names and ids of this host's own passwd and group files.
#ifndef ROLLCALL_ENGINE_LOCAL_FILES_H
#define ROLLCALL_ENGINE_LOCAL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/config.h"

struct local_files {
    char **names; // sorted
    size_t n_names;
    uint32_t *ids;
    size_t n_ids;
    gid_t granted[32]; // gid of each [local_group NAME], or 0
};

// The files themselves: through NSS we would meet ourselves. One that cannot be read is
// empty.
void local_files_read(const char *passwd, const char *groups, const struct rollcall_config *config,
                      struct local_files *l);
void local_files_done(struct local_files *l);
bool local_files_have(const struct local_files *l, const char *name, uint32_t id);

#endif
