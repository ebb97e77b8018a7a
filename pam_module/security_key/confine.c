// SPDX-License-Identifier: BSD-2-Clause
// What talks to a device that anybody may have plugged in holds nothing: no files but
// devices, no sockets, no other process, no new program.
#include <unistd.h>

#include "pam_module/security_key/device.h"
#include "rollcall/confinement.h"

// Best effort: a kernel without Landlock still has the other walls.
static void restrict_files(void)
{
    int ruleset = confinement_files();

    confinement_allow(ruleset, "/dev", CONFINEMENT_READ | CONFINEMENT_WRITE);
    confinement_allow(ruleset, "/sys", CONFINEMENT_READ);
    confinement_allow(ruleset, "/run/udev", CONFINEMENT_READ);
    confinement_allow(ruleset, "/usr", CONFINEMENT_READ); // libraries of libraries, locales
    confinement_allow(ruleset, "/etc/ssl", CONFINEMENT_READ);
    confinement_files_close(ruleset);
}

static int restrict_calls(void)
{
    static const int refused[] = {
        SCMP_SYS(kill),        SCMP_SYS(tkill),           SCMP_SYS(ptrace),
        SCMP_SYS(execve),      SCMP_SYS(execveat),        SCMP_SYS(process_vm_readv),
        SCMP_SYS(fork),        SCMP_SYS(vfork),           SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_open),  SCMP_SYS(pidfd_getfd),     SCMP_SYS(pidfd_send_signal),
        SCMP_SYS(socket),      SCMP_SYS(socketpair),      SCMP_SYS(bpf),
        SCMP_SYS(mount),       SCMP_SYS(unshare),         SCMP_SYS(setns),
        SCMP_SYS(keyctl),      SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup),
        SCMP_SYS(userfaultfd), SCMP_SYS(chmod),           SCMP_SYS(truncate)};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    return confinement_calls_close(
        ctx, confinement_refuse(ctx, refused, sizeof(refused) / sizeof(refused[0])));
}

int confine(void)
{
    int r;

    close_range(STDERR_FILENO + 1, ~0u, 0);
    confinement_limit(RLIMIT_FSIZE, 0);
    confinement_limit(RLIMIT_NOFILE, 64);
    r = confinement_keep_down();
    if (r < 0)
        return r;
    restrict_files();
    return restrict_calls();
}
