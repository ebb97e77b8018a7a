// SPDX-License-Identifier: BSD-2-Clause
// What meets a directory's bytes holds nothing: no file but to read what is anybody's, no
// new program, no other process, no socket but towards servers.
#include <errno.h>
#include <sys/socket.h>

#include "pam_module/password_ldap/directory.h"
#include "rollcall/confinement.h"

// Best effort: a kernel without Landlock still has the other walls, and the user owns nothing.
static void restrict_files(char *const files[], int n)
{
    // Names of servers (/etc/resolv.conf is often a link to one of those under /run, and a bind
    // mount in a container), certificates, libraries of libraries.
    static const char *const readable[] = {"/etc",
                                           "/etc/resolv.conf",
                                           "/usr",
                                           "/lib",
                                           "/lib64",
                                           "/run/systemd/resolve",
                                           "/run/NetworkManager",
                                           "/run/resolvconf",
                                           "/dev/urandom"};
    int ruleset = confinement_files();

    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
        confinement_allow(ruleset, readable[i], CONFINEMENT_READ);
    for (int i = 0; i < n; i++)
        confinement_allow(ruleset, files[i], CONFINEMENT_READ);
    confinement_files_close(ruleset);
}

// A rule compares an argument once: those in between are named one by one.
static int refuse_sockets(scmp_filter_ctx ctx)
{
    int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));

    for (unsigned family = 0; r == 0 && family < AF_INET6; family++)
        if (family != AF_INET)
            r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_EQ, family, 0));
    return r;
}

static int restrict_calls(void)
{
    static const int refused[] = {SCMP_SYS(kill),
                                  SCMP_SYS(tkill),
                                  SCMP_SYS(ptrace),
                                  SCMP_SYS(execve),
                                  SCMP_SYS(execveat),
                                  SCMP_SYS(process_vm_readv),
                                  SCMP_SYS(fork),
                                  SCMP_SYS(vfork),
                                  SCMP_SYS(process_vm_writev),
                                  SCMP_SYS(pidfd_open),
                                  SCMP_SYS(pidfd_getfd),
                                  SCMP_SYS(pidfd_send_signal),
                                  SCMP_SYS(bind),
                                  SCMP_SYS(listen),
                                  SCMP_SYS(accept),
                                  SCMP_SYS(accept4),
                                  SCMP_SYS(bpf),
                                  SCMP_SYS(mount),
                                  SCMP_SYS(unshare),
                                  SCMP_SYS(setns),
                                  SCMP_SYS(keyctl),
                                  SCMP_SYS(userfaultfd),
                                  SCMP_SYS(perf_event_open),
                                  SCMP_SYS(io_uring_setup),
                                  SCMP_SYS(chmod),
                                  SCMP_SYS(truncate)};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = confinement_refuse(ctx, refused, sizeof(refused) / sizeof(refused[0]));

    if (r == 0)
        r = refuse_sockets(ctx);
    return confinement_calls_close(ctx, r);
}

int confine(char *const files[], int n)
{
    int r;

    confinement_limit(RLIMIT_FSIZE, 0);
    confinement_limit(RLIMIT_NOFILE, 32);
    confinement_limit(RLIMIT_NPROC, 0);
#ifndef ROLLCALL_SANITIZE // the sanitizer reserves terabytes of addresses
    confinement_limit(RLIMIT_AS, 256ul * 1024 * 1024);
#endif
    r = confinement_keep_down();
    if (r < 0)
        return r;
    restrict_files(files, n);
    return restrict_calls();
}
