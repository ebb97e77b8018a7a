// SPDX-License-Identifier: BSD-2-Clause
// Processes as /proc shows them, and the pure question which of them a lock ends.
#ifndef ROLLCALL_ENFORCER_PROCESS_H
#define ROLLCALL_ENFORCER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NO_LOGINUID ((uint32_t)-1)

struct process {
    pid_t pid, parent;
    uint64_t start;  // ticks since boot: with the pid, who it is
    uint32_t uid[4]; // real, effective, saved, file system
    uint32_t loginuid;
    bool has_tty, zombie;
    bool holds_package_lock; // itself, or what started it
    char command[16], cgroup[256], tty[16];
};

// A person whose sessions end.
struct target {
    uint32_t uid;
    uint32_t sub_start, sub_count; // subordinate uids; count 0: none
    uint32_t id_min, id_max;       // people's ids: never anybody's subordinate ones
};

enum fate { FATE_OTHER, FATE_ENDS, FATE_STAYS };

// Pure. `why` is set for ENDS and STAYS. Pid 1 and our own are nobody's.
enum fate process_fate(const struct process *p, const struct target *t, bool kill_services,
                       const char **ret_why);

// Reads one process; -ESRCH when it is gone. Where only the ids are needed to see that it
// is nobody's, the rest is not read: `wanted` is asked between.
int process_read(pid_t pid, bool (*wanted)(const struct process *p, void *ctx), void *ctx,
                 struct process *ret);
// Pids that hold dpkg's, apt's or rpm's lock.
size_t package_lock_holders(pid_t *ret, size_t max);
// The parent of a process that still runs, or 0.
pid_t process_parent(pid_t pid);
// The subordinate range of a user by name or uid; false where there is none.
bool subordinate_range(const char *name, uint32_t uid, uint32_t *ret_start, uint32_t *ret_count);

#endif
