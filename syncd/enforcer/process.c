// SPDX-License-Identifier: BSD-2-Clause
// Processes as /proc shows them.
#include "syncd/enforcer/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"

// A small file of /proc; its length, or negative errno.
static ssize_t slurp(pid_t pid, const char *name, char *buf, size_t len)
{
    char path[64];
    _cleanup_close_ int fd = -1;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, buf, len - 1);
    if (n < 0)
        return -errno;
    buf[n] = 0;
    return n;
}

static bool read_uids(const char *status, uint32_t ret[4])
{
    const char *at = strstr(status, "\nUid:");
    char *end;

    if (!at)
        return false;
    at += 5;
    for (int i = 0; i < 4; i++) {
        unsigned long n = strtoul(at, &end, 10);
        if (end == at)
            return false;
        ret[i] = (uint32_t)n;
        at = end;
    }
    return true;
}

// After the command in parentheses: state, ppid, pgrp, session, tty_nr, ...; field 22 is
// the start time. The command may hold anything, so the last parenthesis counts.
static bool read_stat(char *text, struct process *p)
{
    char *open = strchr(text, '('), *close = strrchr(text, ')'), *at;
    long tty;

    if (!open || !close || close < open)
        return false;
    *close = 0;
    snprintf(p->command, sizeof(p->command), "%s", open + 1);
    at = close + 2;
    p->zombie = *at == 'Z' || *at == 'X';
    for (int field = 3; field < 7 && at; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
        if (at && field == 3)
            p->parent = (pid_t)strtol(at, NULL, 10);
    }
    if (!at)
        return false;
    tty = strtol(at, &at, 10);
    p->has_tty = tty != 0;
    if (tty)
        snprintf(p->tty, sizeof(p->tty), "%u:%u", major((dev_t)tty), minor((dev_t)tty));
    for (int field = 7; field < 21; field++) {
        at = strchr(at + 1, ' ');
        if (!at)
            return false;
    }
    p->start = strtoull(at + 1, NULL, 10);
    return true;
}

// The unified hierarchy's line, or systemd's own of a hybrid machine.
static void read_cgroup(const char *text, struct process *p)
{
    const char *at = NULL;

    for (const char *line = text; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *second = strchr(line, ':'), *path = second ? strchr(second + 1, ':') : NULL;
        if (!path)
            continue;
        if (strncmp(line, "0::", 3) == 0 && path[2] != '\n' && path[2])
            at = path + 1;
        else if (strncmp(second + 1, "name=systemd:", 13) == 0 && !at)
            at = path + 1;
    }
    if (at)
        snprintf(p->cgroup, sizeof(p->cgroup), "%.*s", (int)strcspn(at, "\n"), at);
}

int process_read(pid_t pid, bool (*wanted)(const struct process *p, void *ctx), void *ctx,
                 struct process *ret)
{
    struct process p = {.pid = pid, .loginuid = NO_LOGINUID};
    char text[4096];
    uint64_t n;

    if (slurp(pid, "status", text, sizeof(text)) < 0 || !read_uids(text, p.uid))
        return -ESRCH;
    if (slurp(pid, "loginuid", text, sizeof(text)) > 0 &&
        rollcall_parse_u64(text, 0, UINT32_MAX, &n) == 0)
        p.loginuid = (uint32_t)n;
    if (wanted && !wanted(&p, ctx))
        return -ENOENT;
    if (slurp(pid, "stat", text, sizeof(text)) < 0 || !read_stat(text, &p))
        return -ESRCH;
    if (slurp(pid, "cgroup", text, sizeof(text)) > 0)
        read_cgroup(text, &p);
    *ret = p;
    return 0;
}

pid_t process_parent(pid_t pid)
{
    struct process p = {.pid = pid};
    char text[4096];

    return slurp(pid, "stat", text, sizeof(text)) > 0 && read_stat(text, &p) ? p.parent : 0;
}

static bool is_lock_inode(unsigned long inode)
{
    static const char *const files[] = {"/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend",
                                        "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock",
                                        "/var/lib/rpm/.rpm.lock"};
    struct stat st;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (stat(files[i], &st) == 0 && st.st_ino == inode)
            return true;
    return false;
}

// "1: POSIX  ADVISORY  WRITE 1234 fd:00:5678 0 EOF"
size_t package_lock_holders(pid_t *ret, size_t max)
{
    _cleanup_fclose_ FILE *f = fopen("/proc/locks", "re");
    char line[256];
    size_t n = 0;

    while (f && n < max && fgets(line, sizeof(line), f)) {
        const char *write = strstr(line, "WRITE "), *colon;
        char *end;
        long pid;
        if (!write)
            continue;
        pid = strtol(write + 6, &end, 10);
        colon = strchr(end, ':');
        colon = colon ? strchr(colon + 1, ':') : NULL;
        if (pid > 1 && colon && is_lock_inode(strtoul(colon + 1, NULL, 10)))
            ret[n++] = (pid_t)pid;
    }
    return n;
}

bool subordinate_range(const char *name, uint32_t uid, uint32_t *ret_start, uint32_t *ret_count)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/subuid", "re");
    char line[512], number[16];

    snprintf(number, sizeof(number), "%u", uid);
    while (f && fgets(line, sizeof(line), f)) {
        char *start = strchr(line, ':'), *count = start ? strchr(start + 1, ':') : NULL;
        uint64_t a, b;
        if (!count)
            continue;
        *start++ = *count++ = 0;
        count[strcspn(count, "\r\n")] = 0;
        if ((strcmp(line, name) != 0 && strcmp(line, number) != 0) ||
            rollcall_parse_u64(start, 65536, UINT32_MAX, &a) < 0 ||
            rollcall_parse_u64(count, 1, UINT32_MAX - a, &b) < 0)
            continue;
        *ret_start = (uint32_t)a;
        *ret_count = (uint32_t)b;
        return true;
    }
    return false;
}
