// SPDX-License-Identifier: BSD-2-Clause
// What talks to a device that anybody may have plugged in holds nothing: no files but
// devices, no sockets, no other process, no new program.
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pam_module/security_key/device.h"

#define READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE LANDLOCK_ACCESS_FS_WRITE_FILE

static void allow_path(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access};

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

// Best effort: a kernel without Landlock still has the other walls.
static void restrict_files(void)
{
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = READ | WRITE | LANDLOCK_ACCESS_FS_EXECUTE |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

    if (ruleset < 0)
        return;
    allow_path(ruleset, "/dev", READ | WRITE);
    allow_path(ruleset, "/sys", READ);
    allow_path(ruleset, "/run/udev", READ);
    allow_path(ruleset, "/usr", READ); // libraries of libraries, locales
    allow_path(ruleset, "/etc/ssl", READ);
    syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
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
    int r = ctx ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < sizeof(refused) / sizeof(refused[0]); i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}

static void limit(int what, rlim_t n)
{
    struct rlimit r = {n, n};

    setrlimit(what, &r);
}

int confine(void)
{
    close_range(STDERR_FILENO + 1, ~0u, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NOFILE, 64);
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    restrict_files();
    return restrict_calls();
}
