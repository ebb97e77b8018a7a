// SPDX-License-Identifier: BSD-2-Clause
// A source program meets hostile bytes, so it gets: its own user, no network unless its
// type needs it, no way to signal or trace anybody, no new privileges, bounded memory
// and descriptors, and a view of the disk that holds its input alone. The engine reads what
// it says, so the engine starts no program, signals nobody and speaks to sockets of this
// host alone.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rollcall/paths.h"
#include "syncd/launcher.h"
#include "syncd/source_files.h"

static void limit(int what, rlim_t n)
{
    struct rlimit r = {n, n};

    setrlimit(what, &r);
}

static void allow_path(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access};

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

// What names servers and vouches for them.
static void allow_network_files(int ruleset, uint64_t read)
{
    static const char *const files[] = {"/etc/resolv.conf",   "/etc/hosts",     "/etc/host.conf",
                                        "/etc/nsswitch.conf", "/etc/gai.conf",  "/etc/services",
                                        "/etc/protocols",     "/etc/krb5.conf", "/etc/localtime"};
    static const char *const folders[] = {
        "/etc/ssl",         "/etc/pki", "/etc/crypto-policies", "/etc/gnutls",
        "/etc/krb5.conf.d", "/etc/gss", "/run/systemd/resolve", "/run/NetworkManager",
        "/run/resolvconf"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        allow_path(ruleset, files[i], LANDLOCK_ACCESS_FS_READ_FILE);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        allow_path(ruleset, folders[i], read);
}

// Best effort: a kernel without Landlock still has the other walls. It is said, once for
// each start of the source.
static void restrict_files(const struct rollcall_source_config *source)
{
    const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = read | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                             LANDLOCK_ACCESS_FS_MAKE_SYM};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    char folder[PATH_MAX];

    if (ruleset < 0) {
        fprintf(stderr, "this kernel has no Landlock: the source could read what %s may\n",
                ROLLCALL_USER_SOURCE);
        return;
    }
    allow_path(ruleset, "/usr", read | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_path(ruleset, "/lib", read | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_path(ruleset, "/lib64", read | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_path(ruleset, "/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE);
    if (source->path) {
        snprintf(folder, sizeof(folder), "%s", source->path);
        allow_path(ruleset, dirname(folder), read);
    } else {
        allow_network_files(ruleset, read);
    }
    syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}

static int refuse_calls(scmp_filter_ctx ctx, const int *calls, size_t n)
{
    int r = ctx ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    return r;
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
    int r = refuse_calls(ctx, by_both, N_BY_BOTH);

    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}

int confine_engine(void)
{
    static const int alone[] = {SCMP_SYS(execve), SCMP_SYS(execveat),      SCMP_SYS(setuid),
                                SCMP_SYS(setgid), SCMP_SYS(setresuid),     SCMP_SYS(setresgid),
                                SCMP_SYS(chroot), SCMP_SYS(io_uring_setup)};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = refuse_calls(ctx, by_both, N_BY_BOTH);

    if (r == 0)
        r = refuse_calls(ctx, alone, sizeof(alone) / sizeof(alone[0]));
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_NE, AF_UNIX));
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
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
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 64);
    limit(RLIMIT_FSIZE, ours ? 0 : 64u * 1024 * 1024);
#ifndef ROLLCALL_SANITIZE // the sanitizer reserves terabytes of addresses
    limit(RLIMIT_AS, 2048ul * 1024 * 1024);
#endif
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
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
