// SPDX-License-Identifier: BSD-2-Clause
// Out of the network, before the first byte of a peer is read. A network namespace of one's
// own costs milliseconds to make, so who lives for one login has it only where the kernel
// knows no other way.
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"

// Linux 6.12; older headers have neither.
#define SCOPE_ABI      6
#define SCOPE_ABSTRACT 1 // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET

struct scopes {
    uint64_t files, network, scoped;
};

// Sockets without a file belong to a network namespace; this is the other way to be away
// from them.
static int leave_abstract_sockets(void)
{
    const struct scopes attr = {.scoped = SCOPE_ABSTRACT};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int rules, r;

    if (abi < SCOPE_ABI)
        return -ENOSYS;
    rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0)
        return -errno;
    r = syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
    close(rules);
    return r;
}

static int refuse_other_sockets(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = ctx ? seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                   SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0))
                : -ENOMEM;

    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(io_uring_setup), 0);
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}

int network_leave(bool for_one_login)
{
    if (for_one_login && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        refuse_other_sockets() == 0 && leave_abstract_sockets() == 0)
        return 0;
    // In a unit or a container that forbids it: its walls are the unit's.
    return unshare(CLONE_NEWNET) < 0 && errno != EPERM ? -errno : 0;
}

static int capabilities(struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(SYS_capget, &head, caps) < 0 ? -errno : 0;
}

bool network_reachable(void)
{
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {0};

    return capabilities(caps) == 0 &&
           (caps[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}

int network_stay_away(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {0};
    int r = capabilities(caps);

    if (r < 0)
        return r;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        caps[i].inheritable = 0;
    caps[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
    caps[CAP_TO_INDEX(CAP_SYS_ADMIN)].permitted &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
    return syscall(SYS_capset, &head, caps) < 0 ? -errno : 0;
}
