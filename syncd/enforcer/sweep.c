// SPDX-License-Identifier: BSD-2-Clause
// Ending sessions. A round lists and opens everything before its first kill: a shell that
// dies takes the terminal from its children, and with it the mark.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/timeparse.h"
#include "syncd/enforcer/enforcer.h"

struct victim {
    int pidfd;
    size_t leaver;
};

struct round {
    struct leaver *leavers;
    size_t n;
    bool kill_services;
    struct victim *victims;
    size_t found, room;
    pid_t holders[64];
    size_t n_holders;
};

const char *now_text(char buf[40])
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return rollcall_time_format(ts.tv_sec, ts.tv_nsec / 1000, buf, 40);
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// Of nobody we look for: then the rest of its files is not read.
static bool wanted(const struct process *p, void *ctx)
{
    const struct round *r = ctx;
    const char *why;
    struct process guess = *p;

    guess.has_tty = true;
    for (size_t i = 0; i < r->n; i++)
        if (process_fate(&guess, &r->leavers[i].target, true, &why) != FATE_OTHER)
            return true;
    return false;
}

static json_t *describe(const struct process *p, const char *why)
{
    json_t *o = json_pack("{s:i, s:I, s:s, s:s, s:s}", "pid", (int)p->pid, "uid",
                          (json_int_t)p->uid[1], "cgroup", p->cgroup, "tty", p->tty, "why", why);
    json_t *command = json_string(p->command);

    json_object_set_new(o, "command", command ? command : json_string("?"));
    if (p->loginuid != NO_LOGINUID)
        json_object_set_new(o, "loginuid", json_integer(p->loginuid));
    return o;
}

// The pid may have been given to another process since it was read: what is opened must
// still be who it was.
static int open_same(const struct process *p)
{
    int fd = pidfd_open(p->pid, 0);
    struct process again;

    if (fd < 0)
        return -errno;
    if (process_read(p->pid, NULL, NULL, &again) < 0 || again.start != p->start) {
        close(fd);
        return -ESRCH;
    }
    return fd;
}

static void add_victim(struct round *r, const struct process *p, size_t leaver)
{
    struct victim *v;
    int fd = open_same(p);

    if (fd < 0)
        return;
    if (r->found == r->room) {
        size_t want = r->room ? r->room * 2 : 64;
        v = realloc(r->victims, want * sizeof(*v));
        if (!v) {
            pidfd_send_signal(fd, SIGKILL, NULL, 0);
            close(fd);
            return;
        }
        r->victims = v;
        r->room = want;
    }
    r->victims[r->found++] = (struct victim){fd, leaver};
}

// dpkg holds the lock, and runs what a package's scripts do: an end in the midst of either
// leaves half a package.
static bool holds_lock(const struct round *r, const struct process *p)
{
    pid_t pid = p->pid, parent = p->parent;

    for (int depth = 0; r->n_holders && pid > 1 && depth < 64; depth++) {
        for (size_t i = 0; i < r->n_holders; i++)
            if (r->holders[i] == pid)
                return true;
        pid = parent;
        parent = process_parent(pid);
    }
    return false;
}

static void look_at(struct round *r, pid_t pid, bool first)
{
    struct process p;
    const char *why;

    if (pid <= 1 || pid == getpid() || process_read(pid, wanted, r, &p) < 0)
        return;
    p.holds_package_lock = holds_lock(r, &p);
    for (size_t i = 0; i < r->n; i++) {
        switch (process_fate(&p, &r->leavers[i].target, r->kill_services, &why)) {
        case FATE_ENDS:
            add_victim(r, &p, i);
            return;
        case FATE_STAYS:
            r->leavers[i].some_stay = true;
            if (first) {
                if (!r->leavers[i].spared)
                    r->leavers[i].spared = json_array();
                json_array_append_new(r->leavers[i].spared, describe(&p, why));
            }
            return;
        case FATE_OTHER:
            break;
        }
    }
}

static void list(struct round *r, bool first)
{
    _cleanup_closedir_ DIR *d = opendir("/proc");
    const struct dirent *e;

    r->found = 0;
    for (size_t i = 0; i < r->n; i++)
        r->leavers[i].some_stay = false;
    r->n_holders = package_lock_holders(r->holders, 64);
    while (d && (e = readdir(d))) {
        char *end;
        long pid = strtol(e->d_name, &end, 10);
        if (*end == 0 && pid > 1)
            look_at(r, (pid_t)pid, first);
    }
}

// cgroup.kill ends a whole slice at one stroke, forks in flight included. Where there is
// none (v1, old kernels, no logind) the sweep by pidfd does everything.
static void kill_slices(const struct round *r)
{
    static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < 2; k++) {
            char path[200];
            _cleanup_close_ int fd = -1;
            if (r->leavers[i].some_stay)
                continue; // it may stand in the slice, and the stroke would end it too
            snprintf(path, sizeof(path), "%s/user.slice/user-%u.slice/cgroup.kill", roots[k],
                     r->leavers[i].target.uid);
            fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
            if (fd >= 0 && write(fd, "1", 1) < 0)
                continue; // the processes are in our own list as well
        }
}

// Waits for the ends, and notes when the last one came.
static void await(struct round *r, int ms)
{
    _cleanup_free_ struct pollfd *p = calloc(r->found ? r->found : 1, sizeof(*p));
    int64_t until = now_ms() + ms;
    size_t left = r->found;

    for (size_t i = 0; p && i < r->found; i++)
        p[i] = (struct pollfd){.fd = r->victims[i].pidfd, .events = POLLIN};
    while (p && left > 0 && now_ms() < until) {
        if (poll(p, r->found, (int)(until - now_ms())) <= 0)
            continue;
        for (size_t i = 0; i < r->found; i++) {
            if (p[i].fd < 0 || !p[i].revents)
                continue;
            now_text(r->leavers[r->victims[i].leaver].last_gone);
            p[i].fd = -1;
            left--;
        }
    }
}

static void kill_all(struct round *r)
{
    if (r->found == 0)
        return;
    for (size_t i = 0; i < r->found; i++) {
        struct leaver *l = &r->leavers[r->victims[i].leaver];
        if (!*l->first_kill)
            now_text(l->first_kill);
        l->processes++;
    }
    kill_slices(r);
    for (size_t i = 0; i < r->found; i++)
        pidfd_send_signal(r->victims[i].pidfd, SIGKILL, NULL, 0);
}

static void close_all(struct round *r)
{
    for (size_t i = 0; i < r->found; i++)
        close(r->victims[i].pidfd);
}

void sweep(struct leaver *leavers, size_t n, bool kill_services, bool observe, int patience_ms)
{
    struct round r = {.leavers = leavers, .n = n, .kill_services = kill_services};
    int64_t until = now_ms() + patience_ms;
    for (unsigned round = 0; n > 0; round++) {
        list(&r, round == 0);
        for (size_t i = 0; i < n; i++)
            leavers[i].left = 0;
        for (size_t i = 0; i < r.found; i++)
            leavers[r.victims[i].leaver].left++;
        if (observe || r.found == 0) {
            close_all(&r);
            break;
        }
        for (size_t i = 0; i < n; i++)
            leavers[i].rounds = round + 1;
        kill_all(&r);
        await(&r, 500);
        close_all(&r);
        if (now_ms() >= until)
            break;
    }
    free(r.victims);
}

void sweep_dry_run(const struct target *t, bool kill_services, json_t **ret_ends,
                   json_t **ret_stays)
{
    struct leaver l = {.target = *t};
    struct round r = {.leavers = &l, .n = 1, .kill_services = kill_services};
    _cleanup_closedir_ DIR *d = opendir("/proc");
    const struct dirent *e;

    *ret_ends = json_array();
    *ret_stays = json_array();
    r.n_holders = package_lock_holders(r.holders, 64);
    while (d && (e = readdir(d))) {
        char *end;
        long pid = strtol(e->d_name, &end, 10);
        struct process p;
        const char *why;
        enum fate fate;
        if (*end || pid <= 1 || process_read((pid_t)pid, wanted, &r, &p) < 0)
            continue;
        p.holds_package_lock = holds_lock(&r, &p);
        fate = process_fate(&p, t, kill_services, &why);
        if (fate != FATE_OTHER)
            json_array_append_new(fate == FATE_ENDS ? *ret_ends : *ret_stays, describe(&p, why));
    }
}
