// SPDX-License-Identifier: BSD-2-Clause
// Sources as processes: started, listened to, ended when they stall, started again with
// growing pauses.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/log.h"
#include "rollcall/safeio.h"
#include "syncd/engine/loop_internal.h"

#define BUF_SIZE  (ROLLCALL_SOURCE_LINE_MAX + 1)
#define REREAD_MS 10000

static void outcome(struct run *r, const char *result, const char *problem)
{
    r->outcomes++;
    snprintf(r->result, sizeof(r->result), "%s", result);
    snprintf(r->problem, sizeof(r->problem), "%s", problem ? problem : "");
}

void launcher_tell(struct loop *l, char kind, const char *source)
{
    struct launcher_message m = {.kind = kind};

    snprintf(m.source, sizeof(m.source), "%s", source);
    if (send(l->options->door, &m, sizeof(m), MSG_NOSIGNAL) < 0)
        rollcall_log(LOG_ERR, "launcher-gone", "why", strerror(errno), NULL);
}

static void close_pipes(struct loop *l, struct run *r)
{
    int *fds[] = {&r->in, &r->out, &r->err};

    for (int i = 0; i < 3; i++) {
        if (*fds[i] < 0)
            continue;
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, *fds[i], NULL);
        close(*fds[i]);
        *fds[i] = -1;
    }
    r->len = r->errors.len = 0;
}

void runs_configure(struct loop *l)
{
    for (size_t i = 0; i < l->n_runs; i++) {
        struct run *r = &l->run[i];
        if (r->state == RUN_RUNNING || r->state == RUN_STARTING)
            launcher_tell(l, LAUNCHER_STOP, r->name);
        close_pipes(l, r);
        free(r->buf);
    }
    l->n_runs = l->config->n_sources;
    for (size_t i = 0; i < l->n_runs; i++) {
        l->run[i] = (struct run){.in = -1,
                                 .out = -1,
                                 .err = -1,
                                 .state = RUN_BACKOFF,
                                 .next_start = loop_ms(),
                                 .generation = -1,
                                 .acked = -1,
                                 .gone = -1,
                                 .buf = malloc(BUF_SIZE)};
        snprintf(l->run[i].name, sizeof(l->run[i].name), "%s", l->config->source[i].name);
    }
}

// 0.5 s, doubled with each failure up to 5 minutes, plus up to a quarter of it.
static void back_off(struct run *r)
{
    int64_t pause = r->failures > 9 ? 300000 : 500ll << r->failures;
    uint32_t jitter = 0;

    if (getrandom(&jitter, sizeof(jitter), GRND_NONBLOCK) < 0)
        jitter = 0;
    if (pause > 300000)
        pause = 300000;
    r->failures++;
    r->state = RUN_BACKOFF;
    r->next_start = loop_ms() + pause + (int64_t)(jitter % (uint32_t)(pause / 4 + 1));
}

static void fail(struct loop *l, struct run *r, const char *why)
{
    rollcall_log(LOG_ERR, "source-failed", "source", r->name, "why", why, NULL);
    engine_core_abort(l->core, r->name, why, loop_now());
    r->in_batch = false;
    outcome(r, "failed", why);
    close_pipes(l, r);
    launcher_tell(l, LAUNCHER_STOP, r->name);
    back_off(r);
}

static void start_anew(struct loop *l, struct run *r, const char *why)
{
    if (r->state == RUN_RUNNING) {
        engine_core_abort(l->core, r->name, why, loop_now());
        close_pipes(l, r);
        launcher_tell(l, LAUNCHER_STOP, r->name);
    }
    r->in_batch = false;
    r->failures = 0;
    r->state = RUN_BACKOFF;
    // The launcher refuses a second process of the same source until it reaped the first.
    r->next_start = loop_ms() + 20;
}

void run_restart(struct loop *l, struct run *r)
{
    r->told_anew = false;
    start_anew(l, r, "it is read again");
}

// A word on its standard input that whoever does not know it passes over. What comes of it is said
// as any change is. Not so often that somebody with a disabled account could keep a server busy.
bool run_reread(struct loop *l, struct run *r, const char *id)
{
    const struct rollcall_source_config *src = &l->config->source[r - l->run];
    json_t *o = json_pack("{s:s}", "reread", id);
    char line[1100];
    size_t n = o ? json_dumpb(o, line, sizeof(line) - 1, JSON_COMPACT) : 0;

    json_decref(o);
    if (n == 0 || n >= sizeof(line) - 1 || r->state != RUN_RUNNING || !src->type ||
        strcmp(src->type, "ldap") != 0 || (r->reread && loop_ms() < r->reread + REREAD_MS))
        return false;
    line[n++] = '\n';
    r->reread = loop_ms();
    return write(r->in, line, n) == (ssize_t)n;
}

// It says a difference to a listing that was not taken, or is asked for again. A process
// that just began knows none, and says all of it.
static void say_whole(struct loop *l, struct run *r)
{
    if (r->told_anew) {
        fail(l, r, "it says a difference to a listing that is not the last one taken");
        return;
    }
    rollcall_log(LOG_NOTICE, "source-says-anew", "source", r->name, "why",
                 "its difference is not one to the last listing taken", NULL);
    start_anew(l, r, "it is said anew");
    r->told_anew = true;
}

// In the middle of a listing; between two, silence is the ordinary case, but for --once.
static bool must_speak(const struct loop *l, const struct run *r)
{
    return r->state == RUN_RUNNING && (r->in_batch || (l->options->once && r->outcomes == 0));
}

void runs_tick(struct loop *l)
{
    int64_t now = loop_ms();

    for (size_t i = 0; i < l->n_runs; i++) {
        struct run *r = &l->run[i];
        const struct rollcall_source_config *src = &l->config->source[i];
        if (r->state == RUN_BACKOFF && now >= r->next_start && !(l->options->once && r->outcomes)) {
            r->state = RUN_STARTING;
            r->last_start = loop_now();
            launcher_tell(l, LAUNCHER_START, r->name);
        } else if (must_speak(l, r) && now - r->heard > (int64_t)src->timeout * 1000) {
            fail(l, r,
                 r->in_batch
                     ? "it said nothing for longer than its timeout in the middle of a listing"
                     : "it said nothing for longer than its timeout");
        }
    }
}

int64_t runs_deadline(const struct loop *l)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < l->n_runs; i++) {
        const struct run *r = &l->run[i];
        int64_t t = r->state == RUN_BACKOFF && !(l->options->once && r->outcomes) ? r->next_start
                    : must_speak(l, r) ? r->heard + (int64_t)l->config->source[i].timeout * 1000 + 1
                                       : INT64_MAX;
        if (t < next)
            next = t;
    }
    return next;
}

bool runs_all_done(const struct loop *l)
{
    for (size_t i = 0; i < l->n_runs; i++)
        if (l->run[i].outcomes == 0)
            return false;
    return true;
}

bool runs_all_well(const struct loop *l)
{
    for (size_t i = 0; i < l->n_runs; i++)
        if (strcmp(l->run[i].result, "failed") == 0)
            return false;
    return true;
}

// ---- what sources say ----

static void on_message(struct loop *l, struct run *r, const struct rollcall_message *m)
{
    int e;

    if (r->lost && m->kind == ROLLCALL_MESSAGE_BEGIN && !m->full) {
        say_whole(l, r);
        return;
    }
    if (r->lost && m->kind == ROLLCALL_MESSAGE_AS_OF)
        return;
    if (m->kind == ROLLCALL_MESSAGE_PROGRESS) {
        r->done = m->done;
        r->total = m->total;
    }
    if (m->kind == ROLLCALL_MESSAGE_BEGIN) {
        r->in_batch = true;
        r->refused = false;
        r->rows = r->done = r->total = 0;
    }
    r->rows += m->kind == ROLLCALL_MESSAGE_USER;
    e = engine_core_message(l->core, r->name, m, loop_now());
    if (m->kind == ROLLCALL_MESSAGE_PROBLEM && m->whole) {
        r->refused = true;
        outcome(r, "failed", m->text);
    } else if (m->kind == ROLLCALL_MESSAGE_BEGIN && e == -ESTALE) {
        say_whole(l, r);
    } else if (m->kind == ROLLCALL_MESSAGE_BEGIN && e < 0) {
        r->refused = r->lost = true;
        outcome(r, "failed", "the listing is older than the last one, or of a time to come");
    } else if (m->kind == ROLLCALL_MESSAGE_AS_OF) {
        outcome(r, "unchanged", NULL);
    } else if (m->kind == ROLLCALL_MESSAGE_COMMIT) {
        r->in_batch = false;
        if (e == 0 && !r->refused) {
            r->failures = 0;
            r->told_anew = r->lost = false;
            r->last_commit = loop_now();
            if (m->has_generation && m->generation <= INT64_MAX &&
                (int64_t)m->generation > r->generation)
                r->generation = (int64_t)m->generation;
            // What the last process was told may have died with it, not yet passed on.
            r->ack_due = r->ack_due || (r->ack_again && m->has_generation);
            outcome(r, "committed", NULL);
        } else if (!r->refused) {
            fail(l, r,
                 e == -ENOSPC ? "state.db cannot be written: the disk is full"
                              : "the listing could not be taken");
        }
    } else if (e < 0 && e != -EBADMSG) {
        fail(l, r, strerror(-e));
    }
}

static void on_line(struct loop *l, struct run *r, const char *line, size_t len)
{
    struct rollcall_message m;
    char why[300];

    if (len == 0)
        return;
    if (rollcall_message_parse(line, len, &m, why, sizeof(why)) < 0) {
        char text[400];
        snprintf(text, sizeof(text), "it does not speak the source protocol: %s", why);
        fail(l, r, text);
        return;
    }
    on_message(l, r, &m);
    rollcall_message_done(&m);
}

bool run_on_output(struct loop *l, struct run *r)
{
    ssize_t n = read(r->out, r->buf + r->len, BUF_SIZE - r->len);
    char *start = r->buf, *nl;

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) { // its exit comes from the launcher
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, r->out, NULL);
        return false;
    }
    r->heard = loop_ms();
    r->len += (size_t)n;
    while (r->state == RUN_RUNNING &&
           (nl = memchr(start, '\n', r->len - (size_t)(start - r->buf)))) {
        on_line(l, r, start, (size_t)(nl - start));
        start = nl + 1;
    }
    if (r->state != RUN_RUNNING)
        return false;
    r->len -= (size_t)(start - r->buf);
    memmove(r->buf, start, r->len);
    if (r->len == BUF_SIZE)
        fail(l, r, "it printed a line longer than 256 KiB");
    return true;
}

// ---- what the launcher says ----

static struct run *run_by_name(struct loop *l, const char *name)
{
    for (size_t i = 0; i < l->n_runs; i++)
        if (strcmp(l->run[i].name, name) == 0)
            return &l->run[i];
    return NULL;
}

static void send_request(struct loop *l, struct run *r, const struct rollcall_source_config *src)
{
    json_t *q = rollcall_config_request(l->config, src, engine_core_cursor(l->core, r->name),
                                        l->options->once);
    _cleanup_free_ char *text = NULL;
    int e;

    text = json_dumps(q, JSON_COMPACT);
    json_decref(q);
    // A pipe holds 64 KiB, so this does not wait for the source. One that never reads its
    // request (EPIPE when it ended already) may have said all it has to say.
    e = text ? rollcall_write_all(r->in, text, strlen(text)) : -ENOMEM;
    if (e == 0)
        e = rollcall_write_all(r->in, "\n", 1);
    if (e < 0 && e != -EPIPE)
        fail(l, r, "it did not take its request");
}

static void on_started(struct loop *l, struct run *r, const struct launcher_message *m,
                       const int fds[3])
{
    size_t i = (size_t)(r - l->run);

    if (r->state != RUN_STARTING) {
        for (int k = 0; k < 3; k++)
            close(fds[k]);
        return;
    }
    r->state = RUN_RUNNING;
    r->lost = false; // it goes on from what was taken
    r->ack_again = r->acked >= 0;
    r->pid = m->pid;
    r->in = fds[0];
    r->out = fds[1];
    r->err = fds[2];
    r->heard = loop_ms();
    for (int k = 0; k < 3; k++) // nothing that a source does may hold the engine up
        if (fcntl(fds[k], F_SETFL, O_NONBLOCK) < 0) {
            fail(l, r, "its pipes cannot be made not to block");
            return;
        }
    loop_watch(l, r->out, TAG_OUT + i);
    loop_watch(l, r->err, TAG_ERR + i);
    send_request(l, r, &l->config->source[i]);
}

// It did its work and went: the next look is due when the section's `poll` says.
static void rest(struct loop *l, struct run *r)
{
    r->failures = 0;
    r->state = RUN_BACKOFF;
    r->next_start = loop_ms() + (int64_t)l->config->source[r - l->run].poll * 1000;
}

// What is still in the pipes counts: a source may print and exit at once. They do not
// block: a child that the source left behind may hold the other end for ever.
static void on_exited(struct loop *l, struct run *r, const struct launcher_message *m)
{
    char why[100];

    if (r->state != RUN_RUNNING || r->pid != m->pid) {
        if (r->state == RUN_STARTING)
            back_off(r);
        return;
    }
    while (r->state == RUN_RUNNING && run_on_output(l, r))
        ;
    while (r->state == RUN_RUNNING &&
           child_errors_read(l->epoll, r->err, &r->errors, "source", r->name, r->problem))
        ;
    if (r->state != RUN_RUNNING)
        return;
    close_pipes(l, r);
    if (r->in_batch)
        engine_core_abort(l->core, r->name, "it ended in the middle of a listing", loop_now());
    if (WIFSIGNALED(m->status))
        snprintf(why, sizeof(why), "it was ended by signal %d", WTERMSIG(m->status));
    else
        snprintf(why, sizeof(why), "it exited with %d", WEXITSTATUS(m->status));
    if (r->in_batch || !WIFEXITED(m->status) || WEXITSTATUS(m->status) != 0) {
        char last[300];
        snprintf(last, sizeof(last), "%s", r->problem);
        rollcall_log(LOG_WARNING, "source-ended", "source", r->name, "why", why, NULL);
        outcome(r, "failed", *last ? last : why);
        back_off(r);
    } else {
        if (r->outcomes == 0)
            outcome(r, "unchanged", NULL);
        rest(l, r);
    }
    r->in_batch = false;
}

static int receive(int door, struct launcher_message *m, int fds[3])
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(3 * sizeof(int))];
    } control;
    struct iovec io = {.iov_base = m, .iov_len = sizeof(*m)};
    struct msghdr msg = {.msg_iov = &io,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof(control.room)};
    ssize_t n = recvmsg(door, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *c;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (n != (ssize_t)sizeof(*m))
        return -EPIPE;
    m->source[sizeof(m->source) - 1] = 0;
    c = CMSG_FIRSTHDR(&msg);
    if (m->kind == LAUNCHER_STARTED) {
        if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(3 * sizeof(int)))
            return -EPIPE;
        memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
    }
    return 0;
}

void runs_on_launcher(struct loop *l)
{
    struct launcher_message m;
    int fds[3], r = receive(l->options->door, &m, fds);
    struct run *run;

    if (r == -EAGAIN)
        return;
    if (r < 0) {
        l->stop = true; // the launcher is gone, and with it whoever could start us again
        return;
    }
    if (m.kind == LAUNCHER_RELOAD) {
        json_t *ignored = NULL;
        loop_reload(l, &ignored);
        json_decref(ignored);
        return;
    }
    if (*m.source == '@') {
        sinks_on_launcher(l, &m, fds);
        return;
    }
    run = run_by_name(l, m.source);
    if (!run) {
        for (int k = 0; m.kind == LAUNCHER_STARTED && k < 3; k++)
            close(fds[k]);
        return;
    }
    if (m.kind == LAUNCHER_STARTED) {
        on_started(l, run, &m, fds);
    } else if (m.kind == LAUNCHER_EXITED) {
        on_exited(l, run, &m);
    } else if (m.kind == LAUNCHER_FAILED && run->state == RUN_STARTING) {
        if (m.status != EBUSY) // the last one is not reaped yet
            outcome(run, "failed", strerror(m.status));
        back_off(run);
    }
}
