// SPDX-License-Identifier: BSD-2-Clause
// Tickets: a success that counts for a while. sudo's is bound to account, session, terminal
// and boot; sshd's to account, keys, address and boot. The folder is on a tmpfs and the
// verifier's alone.
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define SSH_TICKETS_MAX    32
#define TICKET_SECONDS_MAX 86400 // the longest grace

struct ticket {
    char magic[8];
    uint32_t uid, incarnation;
    int64_t session;
    uint64_t session_start; // of the leader's process, in ticks since boot
    int64_t issued;         // CLOCK_BOOTTIME, so a changed clock neither makes nor ends it
    char service[32], tty[64], boot[40];
    uint8_t binding[SSH_BINDING_LEN]; // of sshd's
    uint64_t strength;                // of what was shown
};

// Field 22 of /proc/PID/stat: a pid that came round again is another process.
static int start_of(pid_t pid, uint64_t *ret)
{
    char path[64], *at;
    _cleanup_free_ char *text = NULL;
    size_t len;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    // /proc files announce no size; read_file bounds what comes.
    if (pid <= 0 || rollcall_read_file(path, 4096, &text, &len) < 0)
        return -ESRCH;
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -ESRCH;
    *ret = strtoull(at + 1, NULL, 10);
    return 0;
}

static int fill(const struct ticket_scope *scope, struct ticket *ret)
{
    struct ticket t = {.magic = "RCTICK2",
                       .uid = scope->uid,
                       .incarnation = scope->incarnation,
                       .session = scope->session};
    _cleanup_free_ char *boot = NULL;
    struct timespec ts;
    size_t len;
    int r = scope->binding ? 0 : start_of(scope->session, &t.session_start);

    if (r < 0)
        return r;
    if (scope->binding) {
        memcpy(t.binding, scope->binding, sizeof(t.binding));
        t.session = 0; // is yet to come
    }
    if (rollcall_read_file("/proc/sys/kernel/random/boot_id", 100, &boot, &len) < 0)
        return -EIO;
    snprintf(t.boot, sizeof(t.boot), "%.36s", boot);
    snprintf(t.service, sizeof(t.service), "%s", scope->service);
    snprintf(t.tty, sizeof(t.tty), "%s", scope->tty ? scope->tty : "");
    clock_gettime(CLOCK_BOOTTIME, &ts);
    t.issued = ts.tv_sec;
    *ret = t;
    return 0;
}

static void name_of(const struct ticket_scope *scope, char *buf, size_t len)
{
    uint64_t which;

    if (scope->binding) {
        memcpy(&which, scope->binding, sizeof(which));
        snprintf(buf, len, "%u.ssh.%016llx", scope->uid, (unsigned long long)which);
        return;
    }
    snprintf(buf, len, "%u.%d.%.16s", scope->uid, (int)scope->session, scope->service);
    for (char *p = buf; *p; p++)
        if (*p == '/')
            *p = '_';
}

// A person's sshd tickets that nobody can use any more; all of them where there are very
// many, and then the person is asked again.
static void sweep(int folder, uint32_t uid)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
    unsigned n = 0;
    char start[16];
    const struct dirent *e;
    struct stat st;

    snprintf(start, sizeof(start), "%u.ssh.", uid);
    while (d && (e = readdir(d)))
        if (strncmp(e->d_name, start, strlen(start)) == 0 &&
            (++n > SSH_TICKETS_MAX || (fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                                       st.st_mtime < time(NULL) - TICKET_SECONDS_MAX)))
            unlinkat(folder, e->d_name, 0);
}

int ticket_write(int folder, const struct ticket_scope *scope, enum strength strength)
{
    _cleanup_close_ int fd = -1;
    char name[64], tmp[80];
    struct ticket t;
    int r = fill(scope, &t);

    if (r < 0)
        return r;
    if (scope->binding)
        sweep(folder, scope->uid);
    t.strength = strength;
    name_of(scope, name, sizeof(name));
    snprintf(tmp, sizeof(tmp), ".%s.%d", name, (int)getpid());
    fd = openat(folder, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    r = rollcall_write_all(fd, &t, sizeof(t));
    if (r == 0 && renameat(folder, tmp, folder, name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(folder, tmp, 0);
    return r;
}

int ticket_check(int folder, const struct ticket_scope *scope, uint64_t grace,
                 enum strength required)
{
    _cleanup_close_ int fd = -1;
    struct ticket want, t;
    char name[64];
    int r = fill(scope, &want);

    if (r < 0)
        return r;
    name_of(scope, name, sizeof(name));
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (read(fd, &t, sizeof(t)) != (ssize_t)sizeof(t))
        return -EBADMSG;
    if (t.issued > want.issued || (uint64_t)(want.issued - t.issued) >= grace)
        return -ETIMEDOUT;
    if (t.strength < required)
        return -EACCES;
    t.issued = want.issued;
    t.strength = want.strength;
    return memcmp(&t, &want, sizeof(t)) == 0 ? 0 : -EACCES;
}

void tickets_destroy(int folder, uint32_t uid)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
    char start[16];
    const struct dirent *e;

    snprintf(start, sizeof(start), "%u.", uid);
    while (d && (e = readdir(d)))
        if (strncmp(e->d_name, start, strlen(start)) == 0)
            unlinkat(folder, e->d_name, 0);
}
