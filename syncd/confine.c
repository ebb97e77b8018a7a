// SPDX-License-Identifier: BSD-2-Clause
// A source program meets hostile bytes, so it gets: its own user, no network unless its
// type needs it, no way to signal or trace anybody, no new privileges, bounded memory
// and descriptors, and a view of the disk that holds its input alone. The engine reads what
// it says, so the engine starts no program, signals nobody and speaks to sockets of this
// host alone.
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollcall/confinement.h"
#include "rollcall/paths.h"
#include "syncd/launcher.h"
#include "syncd/source_files.h"

// What names servers and vouches for them.
static void allow_network_files(int ruleset)
{
    static const char *const paths[] = {
        "/etc/resolv.conf",    "/etc/hosts",       "/etc/host.conf", "/etc/nsswitch.conf",
        "/etc/gai.conf",       "/etc/services",    "/etc/protocols", "/etc/krb5.conf",
        "/etc/localtime",      "/etc/ssl",         "/etc/pki",       "/etc/crypto-policies",
        "/etc/gnutls",         "/etc/krb5.conf.d", "/etc/gss",       "/run/systemd/resolve",
        "/run/NetworkManager", "/run/resolvconf"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        confinement_allow(ruleset, paths[i], CONFINEMENT_READ);
}

// Best effort: a kernel without Landlock still has the other walls. It is said, once for
// each start of the source.
static void restrict_files(const struct rollcall_source_config *source)
{
    int ruleset = confinement_files();
    char folder[PATH_MAX];

    if (ruleset < 0) {
        fprintf(stderr, "this kernel has no Landlock: the source could read what %s may\n",
                ROLLCALL_USER_SOURCE);
        return;
    }
    confinement_allow(ruleset, "/usr", CONFINEMENT_READ | CONFINEMENT_RUN);
    confinement_allow(ruleset, "/lib", CONFINEMENT_READ | CONFINEMENT_RUN);
    confinement_allow(ruleset, "/lib64", CONFINEMENT_READ | CONFINEMENT_RUN);
    confinement_allow(ruleset, "/etc/ld.so.cache", CONFINEMENT_READ);
    if (source->path) {
        snprintf(folder, sizeof(folder), "%s", source->path);
        confinement_allow(ruleset, dirname(folder), CONFINEMENT_READ);
    } else {
        allow_network_files(ruleset);
    }
    confinement_files_close(ruleset);
}

// Refused to sources and engine.
static const int by_both[] = {
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(tgkill),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(bpf),
    SCMP_SYS(mount),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(keyctl),
};
#define N_BY_BOTH (sizeof(by_both) / sizeof(by_both[0]))

static int restrict_calls(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    return confinement_calls_close(ctx, confinement_refuse(ctx, by_both, N_BY_BOTH));
}

int confine_engine(void)
{
    static const int alone[] = {SCMP_SYS(execve), SCMP_SYS(execveat),      SCMP_SYS(setuid),
                                SCMP_SYS(setgid), SCMP_SYS(setresuid),     SCMP_SYS(setresgid),
                                SCMP_SYS(chroot), SCMP_SYS(io_uring_setup)};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = confinement_refuse(ctx, by_both, N_BY_BOTH);

    if (r == 0)
        r = confinement_refuse(ctx, alone, sizeof(alone) / sizeof(alone[0]));
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
    return confinement_calls_close(ctx, r);
}

static _Noreturn void refuse(const char *what)
{
    fprintf(stderr, "cannot start the source: %s: %s\n", what, strerror(errno));
    _exit(126);
}

// Becomes the source's user; its files are read before and placed after.
static void become_source(const struct rollcall_source_config *source, const struct syncd_ids *ids)
{
    uid_t uid = ids->source_uid;
    gid_t gid = ids->source_gid;
    struct source_files files;
    char why[600];

    if (source_files_read(source, &files, why, sizeof(why)) < 0) {
        fprintf(stderr, "cannot start the source: %s\n", why);
        _exit(126);
    }
    if (strcmp(source->type, "exec") == 0 && source->user &&
        syncd_user(source->user, &uid, &gid) < 0)
        refuse("there is no such local user");
    if (uid == 0)
        refuse("a source never runs as root");
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        refuse("its user");
    umask(077);
    if (source_files_place(&files) < 0)
        refuse("its files");
}

_Noreturn void confine_and_exec(const struct rollcall_source_config *source,
                                const struct syncd_ids *ids, int in, int out, int err)
{
    bool ours = strcmp(source->type, "exec") != 0;
    char path[PATH_MAX];
    // A page of a listing is ten thousand small pieces of memory: glibc keeps them for the next
    // one.
    char *const environment[] = {
        (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        (char *)(uintptr_t) "LANG=C.UTF-8",
        ours ? (char *)(uintptr_t) "GLIBC_TUNABLES=glibc.malloc.tcache_count=65535" : NULL, NULL};
    sigset_t none;

    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    close_range(3, ~0u, 0);
    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++)
        signal(s, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ours && source->path && unshare(CLONE_NEWNET) < 0)
        refuse("a network namespace of its own");
    become_source(source, ids);
    confinement_limit(RLIMIT_NOFILE, 64);
    confinement_limit(RLIMIT_FSIZE, ours ? 0 : 64u * 1024 * 1024);
#ifndef ROLLCALL_SANITIZE // the sanitizer reserves terabytes of addresses
    confinement_limit(RLIMIT_AS, 2048ul * 1024 * 1024);
#endif
    if (confinement_keep_down() < 0)
        refuse("no_new_privs");
    if (ours)
        restrict_files(source);
    if (restrict_calls() < 0)
        refuse("seccomp");
    snprintf(path, sizeof(path), "%s/rollcall-%s-%s",
             source->sink ? ROLLCALL_SINKS_DIR : ROLLCALL_SOURCES_DIR,
             source->sink ? "sink" : "source", source->type);
    if (chdir("/") < 0)
        refuse("/");
    prctl(PR_SET_PDEATHSIG, SIGKILL); // setresuid took it away
    execle(ours ? path : source->command, ours ? path : source->command, (char *)NULL, environment);
    refuse(ours ? path : source->command);
}
