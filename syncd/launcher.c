// SPDX-License-Identifier: BSD-2-Clause
// Root's small launcher.
#include "syncd/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "rollcall/cleanup.h"
#include "rollcall/log.h"
#include "rollcall/paths.h"
#include "syncd/engine/loop.h"

#define CHILDREN_MAX (ROLLCALL_SOURCES_MAX + ROLLCALL_SINKS_MAX)

struct child {
    pid_t pid;
    char source[32];
};

struct launcher {
    const struct launcher_options *options;
    struct rollcall_config *config;
    struct syncd_ids ids;
    int signals, door, control; // door: to the engine
    pid_t engine;
    int engine_status;
    struct child child[CHILDREN_MAX];
    unsigned failures; // of the engine, one after the other
    time_t engine_started;
    bool stopping;
};

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, state);
#else
    (void)state;
#endif
}

// ---- the engine ----

static int become_engine(const struct launcher *l)
{
    gid_t groups[2] = {l->ids.verifier_gid, l->ids.keys_gid};
    struct rlimit none = {0, 0};

    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    if (setgroups(2, groups) < 0 ||
        setresgid(l->ids.engine_gid, l->ids.engine_gid, l->ids.engine_gid) < 0 ||
        setresuid(l->ids.engine_uid, l->ids.engine_uid, l->ids.engine_uid) < 0)
        return -errno;
    umask(022);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return confine_engine();
}

static int start_engine(struct launcher *l)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    l->engine = fork();
    if (l->engine < 0)
        return -errno;
    if (l->engine == 0) {
        struct engine_loop_options o = {.config_path = l->options->config_path,
                                        .once = l->options->once,
                                        .door = pair[1],
                                        .control = l->control,
                                        .verifier_gid = l->ids.verifier_gid,
                                        .keys_gid = l->ids.keys_gid};
        int r;
        close(pair[0]);
        close(l->signals);
        r = become_engine(l);
        if (r < 0) {
            rollcall_log(LOG_ERR, "engine-start-failed", "why", strerror(-r), NULL);
            _exit(1);
        }
        _exit(engine_loop_run(&o, l->config));
    }
    close(pair[1]);
    l->door = pair[0];
    l->engine_started = time(NULL);
    return 0;
}

static struct child *child_of(struct launcher *l, const char *source, pid_t pid)
{
    for (int i = 0; i < CHILDREN_MAX; i++) {
        struct child *c = &l->child[i];
        if (source ? strcmp(c->source, source) == 0 && c->pid : c->pid == pid)
            return c;
    }
    return NULL;
}

static void tell(struct launcher *l, const struct launcher_message *m, const int *fds, int n)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    struct iovec io = {.iov_base = (void *)(uintptr_t)m, .iov_len = sizeof(*m)};
    struct msghdr msg = {.msg_iov = &io, .msg_iovlen = 1};

    if (n > 0) {
        struct cmsghdr *c;
        msg.msg_control = control.room;
        msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    }
    if (l->door >= 0 && sendmsg(l->door, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        rollcall_log(LOG_WARNING, "engine-not-listening", "why", strerror(errno), NULL);
}

// ---- sources ----

// With all that it started: a source leads a session of its own.
static void end_child(const struct child *c)
{
    kill(-c->pid, SIGKILL);
    kill(c->pid, SIGKILL); // it may not have come as far as its session
}

static void end_children(struct launcher *l)
{
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (l->child[i].pid)
            end_child(&l->child[i]);
}

static void start_source(struct launcher *l, const char *name)
{
    const struct rollcall_source_config *src = rollcall_config_process(l->config, name);
    struct launcher_message m = {.kind = LAUNCHER_STARTED};
    struct child *c = child_of(l, NULL, 0);
    int fds[3], r = src && c && !child_of(l, name, 0) ? 0 : -EBUSY;

    snprintf(m.source, sizeof(m.source), "%s", name);
    if (r == 0)
        r = source_spawn(src, &l->ids, fds, &c->pid);
    if (r < 0) {
        m.kind = LAUNCHER_FAILED;
        m.status = -r;
        tell(l, &m, NULL, 0);
        return;
    }
    snprintf(c->source, sizeof(c->source), "%s", name);
    m.pid = c->pid;
    tell(l, &m, fds, 3);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void on_engine_message(struct launcher *l)
{
    struct launcher_message m;
    ssize_t n = recv(l->door, &m, sizeof(m), MSG_DONTWAIT);
    struct child *c;

    if (n != (ssize_t)sizeof(m))
        return;
    m.source[sizeof(m.source) - 1] = 0;
    switch (m.kind) {
    case LAUNCHER_START:
        start_source(l, m.source);
        return;
    case LAUNCHER_STOP:
        c = child_of(l, m.source, 0);
        if (c)
            end_child(c);
        return;
    case LAUNCHER_READY:
        notify("READY=1\nSTATUS=Published.");
        return;
    default:
        return;
    }
}

static void reap(struct launcher *l)
{
    siginfo_t info = {0};
    int status;
    pid_t pid;

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && (pid = info.si_pid) > 0) {
        struct child *c = child_of(l, NULL, pid);
        if (c) // before its id can be anybody else's
            kill(-pid, SIGKILL);
        if (waitpid(pid, &status, 0) != pid)
            return;
        info = (siginfo_t){0};
        if (pid == l->engine) {
            l->engine = 0;
            l->engine_status = status;
            close(l->door);
            l->door = -1;
            end_children(l);
        } else if (c) {
            struct launcher_message m = {.kind = LAUNCHER_EXITED, .pid = pid, .status = status};
            memcpy(m.source, c->source, sizeof(m.source));
            *c = (struct child){0};
            tell(l, &m, NULL, 0);
        }
    }
}

static void reload(struct launcher *l)
{
    struct launcher_message m = {.kind = LAUNCHER_RELOAD};
    struct rollcall_findings findings;
    struct rollcall_config *fresh = NULL;
    int r;

    notify("RELOADING=1");
    r = rollcall_config_load(l->options->config_path, &fresh, &findings);
    rollcall_findings_print(&findings, stderr);
    rollcall_findings_free(&findings);
    if (r < 0) {
        rollcall_log(LOG_ERR, "reload-refused", "why",
                     "the configuration has errors; the old one stands", NULL);
    } else {
        rollcall_config_free(l->config);
        l->config = fresh;
        tell(l, &m, NULL, 0);
    }
    notify("READY=1");
}

static void on_signal(struct launcher *l)
{
    struct signalfd_siginfo info;

    if (read(l->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGCHLD) {
        reap(l);
    } else if (info.ssi_signo == SIGHUP) {
        reload(l);
    } else {
        l->stopping = true;
        notify("STOPPING=1");
        if (l->engine)
            kill(l->engine, SIGTERM);
    }
}

static int make_control_socket(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = ROLLCALL_SYNCD_SOCK};
    int fd;

    if (mkdir(ROLLCALL_RUNDIR, 0755) < 0 && errno != EEXIST)
        return -errno;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(a.sun_path);
    umask(0177);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0) {
        int r = -errno;
        close(fd);
        umask(022);
        return r;
    }
    umask(022);
    return fd;
}

// Waits, longer each time the engine fails soon after its start; a minute at most.
static int backoff_ms(struct launcher *l)
{
    if (time(NULL) - l->engine_started > 60)
        l->failures = 0;
    l->failures++;
    return l->failures > 6 ? 60000 : 500 << l->failures;
}

int launcher_run(const struct launcher_options *options, struct rollcall_config *config)
{
    struct launcher l = {.options = options, .config = config, .door = -1, .control = -1};
    sigset_t set;
    int r = syncd_ids_read(&l.ids);

    if (r < 0) {
        rollcall_log(
            LOG_ERR, "users-missing", "why",
            "the users rollcall, rollcall-source, rollcall-verifier and rollcall-keys must be in "
            "/etc/passwd; see sysusers.d/rollcall.conf",
            NULL);
        return 1;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    l.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    l.control = options->once ? -1 : make_control_socket();
    if (!options->once && l.control < 0)
        rollcall_log(LOG_ERR, "control-socket-failed", "why", strerror(-l.control), NULL);
    r = start_engine(&l);
    while (r == 0) {
        struct pollfd p[2] = {{.fd = l.signals, .events = POLLIN},
                              {.fd = l.door, .events = POLLIN}};
        poll(p, 2, -1);
        if (p[1].revents & POLLIN)
            on_engine_message(&l);
        if (p[0].revents & POLLIN)
            on_signal(&l);
        if (l.engine)
            continue;
        if (l.stopping || options->once)
            break;
        rollcall_log(LOG_ERR, "engine-ended", "why", "it is started again", NULL);
        poll(NULL, 0, backoff_ms(&l));
        r = start_engine(&l);
    }
    end_children(&l);
    if (l.control >= 0)
        unlink(ROLLCALL_SYNCD_SOCK);
    rollcall_config_free(l.config);
    return r < 0 || !WIFEXITED(l.engine_status) ? 1 : WEXITSTATUS(l.engine_status);
}
