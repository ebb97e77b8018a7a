// SPDX-License-Identifier: BSD-2-Clause
// Which processes does a lock end? Pure.
#include <stdio.h>
#include <string.h>

#include "syncd/enforcer/process.h"

static bool has_uid(const struct process *p, const struct target *t)
{
    for (int i = 0; i < 4; i++) {
        if (p->uid[i] == t->uid)
            return true;
        // Containers of the person run with these.
        if (t->sub_count && p->uid[i] >= t->sub_start && p->uid[i] - t->sub_start < t->sub_count)
            return true;
    }
    return false;
}

// A session's own scope, or the person's slice: "/user.slice/user-1000.slice/...".
static bool in_session(const struct process *p, uint32_t uid)
{
    char slice[40];

    snprintf(slice, sizeof(slice), "/user-%u.slice", uid);
    return strstr(p->cgroup, slice) ||
           (strstr(p->cgroup, "/session-") && strstr(p->cgroup, ".scope"));
}

static bool in_service(const struct process *p)
{
    return strncmp(p->cgroup, "/system.slice/", 14) == 0 ||
           strncmp(p->cgroup, "/machine.slice/", 15) == 0;
}

enum fate process_fate(const struct process *p, const struct target *t, bool kill_services,
                       const char **ret_why)
{
    bool own = has_uid(p, t), logged_in = p->loginuid == t->uid;

    if (p->pid <= 1 || p->zombie || (!own && !logged_in))
        return FATE_OTHER;
    *ret_why = own ? "runs as this account" : "was started by this account";
    if (p->holds_package_lock && !kill_services) {
        *ret_why = "holds the package lock";
        return FATE_STAYS;
    }
    if (own && !(in_service(p) && !logged_in && !kill_services))
        return FATE_ENDS;
    if (in_service(p) && !kill_services) {
        *ret_why = strncmp(p->cgroup, "/machine", 8) == 0 ? "is a machine" : "is a service";
        return FATE_STAYS;
    }
    if (in_session(p, t->uid) || p->has_tty || kill_services)
        return FATE_ENDS;
    *ret_why = "has neither a session nor a terminal";
    return FATE_STAYS;
}
