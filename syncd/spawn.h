// SPDX-License-Identifier: BSD-2-Clause
// Starting a source as root does it: its user, its walls, its descriptors.
// docs/doors/source-pipe.md.
#ifndef ROLLCALL_SYNCD_SPAWN_H
#define ROLLCALL_SYNCD_SPAWN_H

#include <sys/types.h>

#include "rollcall/config.h"

// Ids of our users, read from the local files while we still are root.
struct syncd_ids {
    uid_t engine_uid, source_uid;
    gid_t engine_gid, source_gid, verifier_gid, keys_gid;
};
int syncd_ids_read(struct syncd_ids *ret);
// A local user by name; -ENOENT. Parses /etc/passwd: no NSS in here.
int syncd_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);

// As root. 0 with our ends of its standard input, output and error (O_CLOEXEC), and its pid, which
// leads a session of its own; or a negative errno. What goes wrong later is said on its standard
// error, and it exits with 126. It is killed when the caller ends.
int source_spawn(const struct rollcall_source_config *source, const struct syncd_ids *ids,
                 int ret[3], pid_t *ret_pid);

// In the child: becomes the source's user with nothing but its pipes, and
// executes it. Never returns.
_Noreturn void confine_and_exec(const struct rollcall_source_config *source,
                                const struct syncd_ids *ids, int in, int out, int err);

#endif
