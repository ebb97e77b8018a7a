// SPDX-License-Identifier: BSD-2-Clause
#include "rollcall/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void confinement_limit(int what, rlim_t n)
{
    struct rlimit r = {n, n};

    setrlimit(what, &r);
}

int confinement_keep_down(void)
{
    confinement_limit(RLIMIT_CORE, 0);
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

int confinement_files(void)
{
    const struct landlock_ruleset_attr attr = {
        .handled_access_fs = CONFINEMENT_READ | CONFINEMENT_WRITE | CONFINEMENT_RUN |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO};
    long ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

    return ruleset < 0 ? -errno : (int)ruleset;
}

void confinement_allow(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access};
    struct stat st;

    if (ruleset < 0)
        return;
    // A name may be a link: /etc/resolv.conf often is one.
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    // The kernel refuses a rule that asks of a file what only folders have.
    if (fstat(rule.parent_fd, &st) < 0 || !S_ISDIR(st.st_mode))
        rule.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

void confinement_files_close(int ruleset)
{
    if (ruleset < 0)
        return;
    syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}

int confinement_refuse(scmp_filter_ctx ctx, const int *calls, size_t n)
{
    int r = ctx ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    return r;
}

int confinement_calls_close(scmp_filter_ctx ctx, int r)
{
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}
