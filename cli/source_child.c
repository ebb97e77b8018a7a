// SPDX-License-Identifier: BSD-2-Clause
// A source, started once and listened to.
#include "cli/source_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"
#include "rollcall/source.h"
#include "syncd/spawn.h"

#define TEXT_MAX_BYTES 512 // of a line of its standard error

struct pipe_end {
    int fd; // -1: it was closed
    char *buf;
    size_t len, room;
};

struct child {
    pid_t pid;  // 0: it is not ours to end
    int ended;  // a pidfd
    int minder; // root's part, which says how it ended; or -1
    int in;
    struct pipe_end out, err;
    const struct source_ear *ear;
};

static void child_close(struct child *c)
{
    int *const fds[] = {&c->ended, &c->minder, &c->in, &c->out.fd, &c->err.fd};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static void child_done(struct child *c)
{
    if (c->pid > 0) { // with all that it started
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
    }
    child_close(c);
    free(c->out.buf);
    free(c->err.buf);
}

static void say(struct child *c, struct pipe_end *p, char *line, size_t len)
{
    line[len] = 0;
    if (p == &c->out)
        c->ear->line(c->ear->ctx, line, len);
    else
        c->ear->text(c->ear->ctx, line);
}

// What is there now. 0, or -EMSGSIZE.
static int hear(struct child *c, struct pipe_end *p)
{
    ssize_t n = read(p->fd, p->buf + p->len, p->room - p->len);
    char *start = p->buf, *nl;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        if (p->len > 0 && p == &c->err)
            say(c, p, p->buf, p->len);
        close(p->fd);
        p->fd = -1;
        return 0;
    }
    p->len += (size_t)n;
    while ((nl = memchr(start, '\n', p->len - (size_t)(start - p->buf)))) {
        say(c, p, start, (size_t)(nl - start));
        start = nl + 1;
    }
    p->len -= (size_t)(start - p->buf);
    memmove(p->buf, start, p->len);
    if (p->len < p->room)
        return 0;
    if (p == &c->out)
        return -EMSGSIZE;
    say(c, p, p->buf, p->len); // cut into pieces, as for the log
    p->len = 0;
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// What is still in the pipes counts; a child that it left behind is not waited for.
static int drain(struct child *c)
{
    struct pipe_end *const ends[] = {&c->out, &c->err};
    int r = 0;

    for (int i = 0; i < 2; i++) {
        struct pollfd p = {.fd = ends[i]->fd, .events = POLLIN};
        while (r == 0 && ends[i]->fd >= 0 && poll(&p, 1, 0) > 0)
            r = hear(c, ends[i]);
    }
    return r;
}

static int listen_to(struct child *c, uint64_t timeout)
{
    int64_t heard = now_ms();

    for (;;) {
        struct pollfd p[3] = {{.fd = c->out.fd, .events = POLLIN},
                              {.fd = c->err.fd, .events = POLLIN},
                              {.fd = c->ended, .events = POLLIN}};
        int64_t left = heard + (int64_t)timeout * 1000 - now_ms();
        int r = 0;
        if (left <= 0)
            return -ETIMEDOUT;
        if (poll(p, 3, left > 60000 ? 60000 : (int)left) < 0 && errno != EINTR)
            return -errno;
        if (p[0].revents || p[1].revents)
            heard = now_ms();
        if (p[0].revents)
            r = hear(c, &c->out);
        if (r == 0 && p[1].revents)
            r = hear(c, &c->err);
        if (r < 0)
            return r;
        if (p[2].revents)
            return drain(c);
    }
}

static int send_request(const struct child *c, const json_t *request)
{
    _cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);
    int r = text ? rollcall_write_all(c->in, text, strlen(text)) : -ENOMEM;

    if (r == 0)
        r = rollcall_write_all(c->in, "\n", 1);
    return r == -EPIPE ? 0 : r; // it ended without reading: its exit says why
}

static int prepare(struct child *c, const struct rollcall_source_config *source,
                   const struct syncd_ids *ids)
{
    int fds[3], r;

    c->out.room = ROLLCALL_SOURCE_LINE_MAX + 1;
    c->err.room = TEXT_MAX_BYTES;
    c->out.buf = malloc(c->out.room + 1);
    c->err.buf = malloc(c->err.room + 1);
    if (!c->out.buf || !c->err.buf)
        return -ENOMEM;
    r = source_spawn(source, ids, fds, &c->pid);
    if (r < 0)
        return r;
    c->in = fds[0];
    c->out.fd = fds[1];
    c->err.fd = fds[2];
    c->ended = pidfd_open(c->pid, 0);
    if (c->ended < 0)
        return -errno;
    for (int i = 1; i < 3; i++)
        if (fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0)
            return -errno;
    return 0;
}

// ---- without root ----

// Root's part: ends the source when its reader is gone, and with the reader's exit status.
_Noreturn static void mind(struct child *c, pid_t reader, int to_reader)
{
    int gone = pidfd_open(reader, 0), status = 1;
    struct pollfd p[2] = {{.fd = c->ended, .events = POLLIN}, {.fd = gone, .events = POLLIN}};

    close(c->in); // the reader has its own
    while (gone >= 0 && !p[1].revents) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        if (!p[0].revents || p[0].fd < 0)
            continue;
        kill(-c->pid, SIGKILL);
        if (waitpid(c->pid, &status, 0) == c->pid)
            (void)!send(to_reader, &status, sizeof(status), MSG_NOSIGNAL);
        c->pid = 0;
        p[0].fd = -1;
    }
    if (c->pid > 0) {
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL);
    }
    if (waitpid(reader, &status, 0) != reader)
        _exit(1);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int leave_root(struct child *c, const struct syncd_ids *ids)
{
    int pair[2];
    pid_t reader;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    fflush(NULL);
    reader = fork();
    if (reader > 0) {
        close(pair[1]);
        mind(c, reader, pair[0]);
    }
    close(pair[0]);
    c->minder = pair[1];
    if (reader < 0)
        return -errno;
    c->pid = 0;
    if (setgroups(0, NULL) < 0 ||
        setresgid(ids->engine_gid, ids->engine_gid, ids->engine_gid) < 0 ||
        setresuid(ids->engine_uid, ids->engine_uid, ids->engine_uid) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

// How it ended: by our own waiting, or by the minder's word.
static int fate_of(struct child *c, int *ret_status)
{
    int status = 0;

    if (c->minder >= 0) {
        if (recv(c->minder, &status, sizeof(status), 0) != (ssize_t)sizeof(status))
            return -EIO;
    } else {
        kill(-c->pid, SIGKILL);
        if (waitpid(c->pid, &status, 0) != c->pid)
            return -errno;
        c->pid = 0;
    }
    *ret_status = status;
    return 0;
}

int source_child_run(const struct rollcall_source_config *source, const json_t *request,
                     const struct source_ear *ear, enum source_root root, int *ret_status)
{
    _cleanup_(child_done) struct child c = {
        .ended = -1, .minder = -1, .in = -1, .out.fd = -1, .err.fd = -1, .ear = ear};
    struct syncd_ids ids;
    int r = syncd_ids_read(&ids);

    signal(SIGPIPE, SIG_IGN);
    if (r == 0)
        r = prepare(&c, source, &ids);
    if (r == 0 && root == SOURCE_ROOT_LEFT)
        r = leave_root(&c, &ids);
    if (r == 0)
        r = send_request(&c, request);
    if (r == 0)
        r = listen_to(&c, source->timeout);
    return r < 0 ? r : fate_of(&c, ret_status);
}

const char *source_child_fate(int status, char *buf, size_t len)
{
    if (WIFSIGNALED(status))
        snprintf(buf, len, "it was ended by signal %d", WTERMSIG(status));
    else
        snprintf(buf, len, "it exited with %d", WEXITSTATUS(status));
    return buf;
}
