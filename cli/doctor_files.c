// SPDX-License-Identifier: BSD-2-Clause
// Who may write what decides who comes in, and who may read what proves it.
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/doctor.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

struct guard {
    const char *path;
    const char *owner; // NULL: anybody's
    mode_t never;      // bits that must not be there
    enum doctor_severity severity;
    bool must;
    const char *sentence;
};

static const struct guard guards[] = {
    {ROLLCALL_SYSCONFDIR, "root", 022, DOCTOR_HOLE, true,
     "whoever may write here decides who comes in"},
    {ROLLCALL_CONF, "root", 022, DOCTOR_HOLE, true, "whoever may write it decides who comes in"},
    {ROLLCALL_CONF_DIR, "root", 022, DOCTOR_HOLE, false,
     "whoever may write here decides who comes in"},
    {ROLLCALL_UID_MAP, "root", 022, DOCTOR_HOLE, false,
     "whoever may write it can become anybody's uid"},
    {ROLLCALL_SECRETS_DIR, "root", 077, DOCTOR_HOLE, true,
     "secrets are not root's alone: whoever reads the host key can make factors of their own"},
    {ROLLCALL_HOST_KEY, "root", 077, DOCTOR_HOLE, true,
     "the host key is not root's alone: whoever reads it can make factors of their own"},
    {ROLLCALL_STATEDIR, "root", 022, DOCTOR_HOLE, true,
     "whoever may write here can put other files in the place of ours"},
    {ROLLCALL_STATEDIR "/state", ROLLCALL_USER_ENGINE, 077, DOCTOR_HOLE, true,
     "the engine's state is not its own"},
    {ROLLCALL_CACHE_DIR, ROLLCALL_USER_ENGINE, 022, DOCTOR_HOLE, true,
     "whoever may write here decides who is employed"},
    {ROLLCALL_BOARD, ROLLCALL_USER_ENGINE, 022, DOCTOR_HOLE, false,
     "whoever may write it decides who is employed"},
    {ROLLCALL_ACCOUNTS, ROLLCALL_USER_ENGINE, 022, DOCTOR_HOLE, false,
     "whoever may write it decides who has which id"},
    {ROLLCALL_PRIVATE, ROLLCALL_USER_ENGINE, 027, DOCTOR_HOLE, false,
     "leave dates and reasons can be read, or written, by others"},
    {ROLLCALL_KEYS, ROLLCALL_USER_ENGINE, 022, DOCTOR_HOLE, false,
     "whoever may write it gives people keys"},
    {ROLLCALL_CREDENTIALS_DIR, ROLLCALL_USER_VERIFIER, 077, DOCTOR_HOLE, true,
     "second factors are not the verifier's alone"},
    {ROLLCALL_STATEDIR "/breakglass", "root", 077, DOCTOR_HOLE, false,
     "whoever may write here opens the emergency account"},
    {ROLLCALL_LOGDIR, "root", 022, DOCTOR_RISK, true, "whoever may write here can hide the log"},
    {ROLLCALL_RUNDIR, "root", 022, DOCTOR_HOLE, false,
     "whoever may write here can stand in for the verifier"},
    {ROLLCALL_TICKETS_DIR, ROLLCALL_USER_VERIFIER, 077, DOCTOR_HOLE, false,
     "whoever may write here needs no code for sudo"},
    {ROLLCALL_VERIFIER_SOCK, "root", 077, DOCTOR_RISK, false,
     "others than root may ask the verifier about anybody"},
    {ROLLCALL_SYNCD_SOCK, "root", 077, DOCTOR_RISK, false, "others than root may ask the engine"},
    {ROLLCALL_ENFORCER_SOCK, "root", 007, DOCTOR_RISK, false, "others may ring the enforcer"},
    {ROLLCALL_PAMDIR "/pam_rollcall.so", "root", 022, DOCTOR_HOLE, true,
     "whoever may write it is root at the next login"},
    {ROLLCALL_NSSDIR "/libnss_rollcall.so.2", "root", 022, DOCTOR_HOLE, true,
     "whoever may write it is root in every process"},
    {ROLLCALL_VERIFIER, "root", 022, DOCTOR_HOLE, true,
     "whoever may write it says who has shown a factor"},
    {ROLLCALL_VERIFIER_RARE, "root", 022, DOCTOR_HOLE, true,
     "whoever may write it says who has shown a factor"},
    {ROLLCALL_BREAKGLASS, "root", 022, DOCTOR_HOLE, true,
     "whoever may write it is root when the emergency account is opened"},
    {ROLLCALL_LIBEXECDIR "/rollcall-authorized-keys", "root", 022, DOCTOR_HOLE, true,
     "whoever may write it gives people keys"},
};

static const char *owner_of(uid_t uid, char *buf, size_t len)
{
    struct passwd pw, *found = NULL;
    char room[4096];

    if (getpwuid_r(uid, &pw, room, sizeof(room), &found) == 0 && found)
        snprintf(buf, len, "%s", pw.pw_name);
    else
        snprintf(buf, len, "uid %u", (unsigned)uid);
    return buf;
}

static void judge_guard(struct doctor *d, const struct guard *g)
{
    char owner[64], fix[300];
    struct stat st;

    if (lstat(g->path, &st) < 0) {
        if (g->must)
            doctor_find(d, DOCTOR_RISK, "file-missing", g->path, "rollcall setup", "%s",
                        strerror(errno));
        return;
    }
    owner_of(st.st_uid, owner, sizeof(owner));
    if (!S_ISLNK(st.st_mode) && (st.st_mode & g->never)) {
        snprintf(fix, sizeof(fix), "chmod %o %s", (unsigned)(st.st_mode & 07777 & ~g->never),
                 g->path);
        doctor_find(d, g->severity, "file-mode", g->path, fix, "%s (mode %04o)", g->sentence,
                    (unsigned)st.st_mode & 07777);
    }
    // The engine's files may be root's: `rollcall-syncd --once` in a recovery.
    if (g->owner && strcmp(owner, g->owner) != 0 && st.st_uid != 0) {
        snprintf(fix, sizeof(fix), "chown %s %s", g->owner, g->path);
        doctor_find(d, g->severity, "file-owner", g->path, fix, "%s (it is %s's)", g->sentence,
                    owner);
    }
}

// ---- modules ----

// Would this process load it? Asked in another one.
static bool loads(const char *path)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        alarm(20);
        _exit(dlopen(path, RTLD_NOW | RTLD_LOCAL) ? 0 : 1);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// dlopen of an ELF file that ends too early ends the process, so the head is read first.
static bool is_our_elf(const char *path)
{
    _cleanup_close_ int mine = rollcall_open("/proc/self/exe", O_RDONLY, 0), fd = -1;
    Elf64_Ehdr a = {0}, b = {0};

    // /proc/self/exe is a link of its own kind.
    if (mine < 0)
        mine = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return mine >= 0 && fd >= 0 && read(mine, &a, sizeof(a)) == (ssize_t)sizeof(a) &&
           read(fd, &b, sizeof(b)) == (ssize_t)sizeof(b) &&
           memcmp(a.e_ident, b.e_ident, EI_DATA + 1) == 0 && a.e_machine == b.e_machine;
}

static void judge_module(struct doctor *d, const char *path)
{
    if (access(path, F_OK) == 0 && (!is_our_elf(path) || !loads(path)))
        doctor_find(d, DOCTOR_RISK, "module-broken", path, "install rollcall again",
                    "it cannot be loaded: employees are refused, or have no names");
}

// ---- what sources read ----

static void judge_source_path(struct doctor *d, const char *source, const char *path)
{
    char folder[4096], fix[4200];
    struct stat st;
    const char *slash = strrchr(path, '/');

    if (stat(path, &st) == 0 && (st.st_mode & 002)) {
        snprintf(fix, sizeof(fix), "chmod o-w %s", path);
        doctor_find(d, DOCTOR_HOLE, "source-writable", path, fix,
                    "everybody may write what source %s reads, and so decide who is employed",
                    source);
    }
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
    if (*folder && stat(folder, &st) == 0 && (st.st_mode & 002)) {
        snprintf(fix, sizeof(fix), "chmod o-w %s", folder);
        doctor_find(d, DOCTOR_HOLE, "source-writable", folder, fix,
                    "everybody may put another file in the place of what source %s reads", source);
    }
}

void doctor_files(struct doctor *d)
{
    for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
        judge_guard(d, &guards[i]);
    judge_module(d, ROLLCALL_PAMDIR "/pam_rollcall.so");
    judge_module(d, ROLLCALL_NSSDIR "/libnss_rollcall.so.2");
    for (size_t i = 0; d->config && i < d->config->n_sources; i++) {
        const struct rollcall_source_config *s = &d->config->source[i];
        if (s->path)
            judge_source_path(d, s->name, s->path);
        if (s->command)
            judge_source_path(d, s->name, s->command);
    }
}
