// SPDX-License-Identifier: BSD-2-Clause
// Which processes does a lock end? Pure.
#include <stdio.h>
#include <string.h>

#include "syncd/enforcer/process.h"

// Containers of the person run with these. A line of /etc/subuid that covers other people's
// ids must not make them this person's.
static bool is_subordinate(uint32_t uid, const struct target *t)
{
    return t->sub_count && uid >= t->sub_start && uid - t->sub_start < t->sub_count &&
           (uid < t->id_min || uid > t->id_max);
}

static bool has_uid(const struct process *p, const struct target *t)
{
    for (int i = 0; i < 4; i++)
        if (p->uid[i] == t->uid || is_subordinate(p->uid[i], t))
            return true;
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

// Where nothing keeps sessions apart (no logind), a login and its sudo shell stand in the
// service that took it in: sshd's, getty's. What has this person's mark and a terminal
// there is a login. A terminal in machine.slice is a container's own.
static bool logged_in_through_a_service(const struct process *p)
{
    return p->has_tty && strncmp(p->cgroup, "/system.slice/", 14) == 0;
}

enum fate process_fate(const struct process *p, const struct target *t, bool kill_services,
                       const char **ret_why)
{
    bool own = has_uid(p, t), logged_in = p->loginuid == t->uid;

    if (p->pid <= 1 || p->zombie || (!own && !logged_in))
        return FATE_OTHER;
    *ret_why = own ? "runs as this account" : "was started by this account";
    if (kill_services)
        return FATE_ENDS;
    if (p->holds_package_lock) {
        *ret_why = "holds the package lock";
        return FATE_STAYS;
    }
    if (own && (logged_in || !in_service(p)))
        return FATE_ENDS;
    if (logged_in && logged_in_through_a_service(p))
        return FATE_ENDS;
    if (in_service(p)) {
        *ret_why = strncmp(p->cgroup, "/machine", 8) == 0 ? "is a machine" : "is a service";
        return FATE_STAYS;
    }
    if (in_session(p, t->uid) || p->has_tty)
        return FATE_ENDS;
    *ret_why = "has neither a session nor a terminal";
    return FATE_STAYS;
}
