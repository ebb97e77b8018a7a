// SPDX-License-Identifier: BSD-2-Clause
// rollcall-enforcer: root, no network. Wakes on a bell, on a date and every ten seconds,
// reads the board for itself, and ends what a positive word ends.
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "rollcall/account.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/log.h"
#include "rollcall/paths.h"
#include "rollcall/verifier_client.h"
#include "syncd/enforcer/duty.h"

#define SAFETY_SECONDS 10
#define RECORDS_A_TURN 256 // anybody may fill the socket: nobody keeps us from the board
#define PATIENCE_ROOT  2000
#define REREAD_MS      2000 // between two questions for a second look at an account
#define PATIENCE_BELL  100  // ms; the engine writes before we accept

struct enforcer {
    struct duty *duty;
    struct audit_log *log;
    int epoll, timer, signals, bell, audit;
    uid_t engine_uid, verifier_uid;
    gid_t engine_gid, adm_gid;
    uint64_t rejected;
    time_t started;
    int64_t asked_again; // monotonic ms
    bool stop, rung;
};

static void read_ids(struct enforcer *e)
{
    _cleanup_fclose_ FILE *p = fopen("/etc/passwd", "re"), *g = fopen("/etc/group", "re");
    struct passwd pw, *user;
    struct group gr, *group;
    char buf[16384];

    e->engine_uid = e->verifier_uid = (uid_t)-1;
    while (p && fgetpwent_r(p, &pw, buf, sizeof(buf), &user) == 0) {
        if (strcmp(pw.pw_name, ROLLCALL_USER_ENGINE) == 0) {
            e->engine_uid = pw.pw_uid;
            e->engine_gid = pw.pw_gid;
        } else if (strcmp(pw.pw_name, ROLLCALL_USER_VERIFIER) == 0) {
            e->verifier_uid = pw.pw_uid;
        }
    }
    while (g && fgetgrent_r(g, &gr, buf, sizeof(buf), &group) == 0)
        if (strcmp(gr.gr_name, "adm") == 0)
            e->adm_gid = gr.gr_gid;
}

static int make_socket(const char *path, int type, mode_t mode, gid_t group)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return -errno;
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    unlink(path);
    umask(0177);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        return -errno;
    umask(077);
    if (chown(path, 0, group) < 0 || chmod(path, mode) < 0)
        return -errno;
    if (type == SOCK_STREAM ? listen(fd, 64) < 0
                            : setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
        return -errno;
    return ROLLCALL_TAKE_FD(fd);
}

// ---- audit records ----

static int64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// A directory took somebody's password and let nobody in: what it knows of the account is newer
// than what we have. Engine and source set bounds of their own; nothing is waited for.
static void ask_again(struct enforcer *e, const json_t *record)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = ROLLCALL_SYNCD_SOCK};
    const char *cause = json_string_value(json_object_get(record, "cause"));
    const char *user = json_string_value(json_object_get(record, "user"));
    _cleanup_close_ int fd = -1;
    char line[400];
    json_t *q;
    size_t n;

    if (!cause || strcmp(cause, "disabled-at-directory") != 0 || !user || strlen(user) > 64 ||
        monotonic_ms() < e->asked_again + REREAD_MS)
        return;
    e->asked_again = monotonic_ms();
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    q = json_pack("{s:s, s:s, s:s}", "do", "reread", "user", user, "by", "enforcer");
    n = q ? json_dumpb(q, line, sizeof(line) - 1, JSON_COMPACT) : 0;
    json_decref(q);
    if (fd < 0 || n == 0 || n >= sizeof(line) - 1)
        return;
    line[n++] = '\n';
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && send(fd, line, n, MSG_NOSIGNAL) < 0)
        return; // the next login tries again
}

static bool receive_record(struct enforcer *e)
{
    static char data[ROLLCALL_AUDIT_MAX + 1];
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec io = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    ssize_t n = recvmsg(e->audit, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    struct ucred who = {.uid = (uid_t)-1};
    json_t *o;

    if (n < 0)
        return false;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
        memcpy(&who, CMSG_DATA(c), sizeof(who));
    o = n <= ROLLCALL_AUDIT_MAX ? json_loadb(data, (size_t)n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if ((who.uid != 0 && who.uid != e->engine_uid && who.uid != e->verifier_uid) ||
        !json_is_string(json_object_get(o, "event"))) {
        e->rejected++;
        json_decref(o);
        return true;
    }
    if (who.uid == e->engine_uid || who.uid == 0)
        duty_note_lock(e->duty, o);
    if (who.uid == e->verifier_uid || who.uid == 0)
        ask_again(e, o);
    audit_log_append(e->log, o, who.uid, who.pid);
    return true;
}

// ---- enforcer.sock ----

static json_t *serve(struct enforcer *e, const json_t *q, uid_t uid)
{
    const char *verb = json_string_value(json_object_get(q, "do"));
    json_t *o;

    if (verb && strcmp(verb, "ring") == 0) {
        e->rung = true;
        return json_pack("{s:b}", "ok", 1);
    }
    // Its bell came before this question, and was answered by a sweep.
    if (verb && strcmp(verb, "left") == 0)
        return json_pack("{s:b, s:i}", "ok", 1, "left", e->rung ? -1 : duty_left(e->duty));
    if (uid != 0)
        return json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "refused", "hint",
                         "only root may ask this");
    if (verb && strcmp(verb, "dry-run") == 0)
        return duty_dry_run(e->duty, (uint32_t)json_integer_value(json_object_get(q, "uid")));
    if (verb && strcmp(verb, "status") == 0) {
        o = duty_status(e->duty);
        json_object_set_new(o, "started", json_integer(e->started));
        json_object_set_new(o, "audit_sequence",
                            json_integer((json_int_t)audit_log_sequence(e->log)));
        if (audit_log_kept(e->log))
            json_array_append_new(
                json_object_get(o, "problems"),
                json_string("the audit log cannot be written; records wait in memory"));
        return o;
    }
    return json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "unknown-verb", "hint",
                     "this enforcer does not know the request");
}

// Reads to the end of the line, or for `patience` ms in all: a peer that sends a byte now
// and then holds nobody up.
static size_t read_line(int fd, char *line, size_t room, int64_t patience)
{
    int64_t until = monotonic_ms() + patience;
    size_t n = 0;

    while (n < room && !memchr(line, '\n', n)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - monotonic_ms();
        ssize_t r;
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            break;
        r = recv(fd, line + n, room - n, MSG_DONTWAIT);
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    return n;
}

// One request a turn, so that the board is looked at in between.
static void on_bell(struct enforcer *e)
{
    _cleanup_close_ int fd = accept4(e->bell, NULL, NULL, SOCK_CLOEXEC);
    struct timeval patience = {.tv_sec = 2};
    _cleanup_free_ char *answer = NULL;
    struct ucred peer;
    socklen_t len = sizeof(peer);
    char line[4096];
    json_t *q, *o;
    size_t n;

    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        (peer.uid != 0 && peer.uid != e->engine_uid))
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    n = read_line(fd, line, sizeof(line), peer.uid == 0 ? PATIENCE_ROOT : PATIENCE_BELL);
    q = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    o = serve(e, q, peer.uid);
    answer = json_dumps(o, JSON_COMPACT);
    json_decref(q);
    json_decref(o);
    if (answer && send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0)
        send(fd, "\n", 1, MSG_NOSIGNAL);
}

// ---- loop ----

static void watch(struct enforcer *e, int fd)
{
    struct epoll_event v = {.events = EPOLLIN, .data.fd = fd};

    epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &v);
}

// A little after the date: the engine, where it is alive, flips the word on its second.
static void arm(struct enforcer *e)
{
    int64_t next = duty_next_date(e->duty);
    struct itimerspec t = {.it_value = {.tv_sec = time(NULL) + SAFETY_SECONDS}};

    if (next != ROLLCALL_TIME_UNSET && next < t.it_value.tv_sec)
        t.it_value = (struct timespec){.tv_sec = next, .tv_nsec = 200000000};
    timerfd_settime(e->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL);
}

static void on_signal(struct enforcer *e)
{
    struct signalfd_siginfo info;

    if (read(e->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP)
        audit_log_reopen(e->log);
    else
        e->stop = true;
}

static void turn(struct enforcer *e)
{
    struct epoll_event events[8];
    uint64_t ticks;
    bool look = false;
    int n;

    arm(e);
    n = epoll_wait(e->epoll, events, 8, -1);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == e->signals)
            on_signal(e);
        else if (fd == e->bell)
            on_bell(e);
        else if (fd == e->timer)
            look = read(e->timer, &ticks, sizeof(ticks)) !=
                   0; // a cancelled timer counts: the clock changed
    }
    // The engine's records come before its bell, so that an end knows its lock.
    for (int i = 0; i < RECORDS_A_TURN && receive_record(e); i++)
        ;
    if (look || e->rung) {
        e->rung = false;
        duty_look(e->duty);
        breakglass_look(e->log);
    }
    audit_log_sync(e->log);
}

// A descriptor for every process of a person who has thousands.
static void raise_limit(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

static int set_up(struct enforcer *e)
{
    sigset_t set;
    int r;

    e->started = time(NULL);
    umask(077);
    raise_limit();
    read_ids(e);
    if (unshare(CLONE_NEWNET) < 0 && errno != EPERM)
        return -errno;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    if ((mkdir(ROLLCALL_RUNDIR, 0755) == 0 && chmod(ROLLCALL_RUNDIR, 0755) < 0) ||
        (mkdir(ROLLCALL_LOGDIR, 0750) < 0 && errno != EEXIST))
        return -errno;
    r = audit_log_open(ROLLCALL_AUDIT_LOG, e->adm_gid, &e->log);
    if (r < 0)
        return r;
    r = duty_open(e->log, &e->duty);
    if (r < 0)
        return r;
    e->epoll = epoll_create1(EPOLL_CLOEXEC);
    e->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    e->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    e->bell = make_socket(ROLLCALL_ENFORCER_SOCK, SOCK_STREAM, 0660, e->engine_gid);
    e->audit = make_socket(ROLLCALL_AUDIT_SOCK, SOCK_DGRAM, 0666, 0);
    if (e->epoll < 0 || e->timer < 0 || e->signals < 0 || e->bell < 0 || e->audit < 0)
        return e->bell < 0 ? e->bell : e->audit < 0 ? e->audit : -errno;
    watch(e, e->timer);
    watch(e, e->signals);
    watch(e, e->bell);
    watch(e, e->audit);
    return 0;
}

static int usage(FILE *to, int code)
{
    fprintf(to, "usage: rollcall-enforcer [--foreground] [--once]\nSee rollcall-enforcer(8).\n");
    return code;
}

static int run(struct enforcer *e, bool once)
{
    duty_look(e->duty);
    breakglass_look(e->log);
    audit_log_sync(e->log);
#ifdef HAVE_SYSTEMD
    sd_notify(0, "READY=1");
#endif
    while (!once && !e->stop)
        turn(e);
    unlink(ROLLCALL_ENFORCER_SOCK);
    unlink(ROLLCALL_AUDIT_SOCK);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"foreground", no_argument, NULL, 'f'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct enforcer e = {.epoll = -1, .timer = -1, .signals = -1, .bell = -1, .audit = -1};
    bool once = false;
    int r, c;

    rollcall_log_open("rollcall-enforcer");
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (c == 'v') {
            printf("rollcall-enforcer %s\n", ROLLCALL_VERSION);
            return 0;
        }
        if (c == 'h' || c == '?')
            return c == 'h' ? usage(stdout, 0) : usage(stderr, 2);
        once = once || c == 'o';
    }
    if (geteuid() != 0) {
        fprintf(stderr, "rollcall-enforcer: must be root, for it ends anybody's processes\n");
        return 1;
    }
    r = set_up(&e);
    if (r < 0) {
        rollcall_log(LOG_ERR, "cannot-start", "why", strerror(-r), NULL);
        return 1;
    }
    r = run(&e, once);
    duty_close(e.duty);
    audit_log_close(e.log);
    return r;
}
