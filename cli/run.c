// SPDX-License-Identifier: BSD-2-Clause
// Running another program of the system and taking what it says.
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define DEADLINE_MS 60000
#define ENV_MAX     8

struct stream {
    int fd;
    char *text;
    size_t len, room;
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// One read. False at the end of the stream, or when memory is out.
static bool take(struct stream *s)
{
    ssize_t n;

    if (s->len + 1 >= s->room) {
        size_t room = s->room ? s->room * 2 : 16384;
        char *more = room > CLI_RUN_MAX * 2 ? NULL : realloc(s->text, room);
        if (!more)
            return false;
        s->text = more;
        s->room = room;
    }
    n = read(s->fd, s->text + s->len, s->room - s->len - 1);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    s->len += (size_t)n;
    return true;
}

// Until both ends are closed, or the deadline is over.
static bool listen_to(struct stream s[2])
{
    int64_t end = now_ms() + DEADLINE_MS;

    while (s[0].fd >= 0 || s[1].fd >= 0) {
        struct pollfd p[2] = {{.fd = s[0].fd, .events = POLLIN}, {.fd = s[1].fd, .events = POLLIN}};
        int64_t left = end - now_ms();
        if (left <= 0)
            return false;
        if (poll(p, 2, (int)left) < 0 && errno != EINTR)
            return false;
        for (size_t i = 0; i < 2; i++)
            if (p[i].revents && s[i].fd >= 0 && !take(&s[i])) {
                close(s[i].fd);
                s[i].fd = -1;
            }
    }
    return true;
}

static int spawn(const char *const argv[], const char *const more[], const int keep[], int out,
                 int err, pid_t *ret)
{
    const char *env[ENV_MAX + 3] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int r;

    for (size_t i = 0; more && more[i] && i < ENV_MAX; i++)
        env[2 + i] = more[i];
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, err, 2);
    for (int i = 0; keep && keep[i] >= 0 && r == 0; i++)
        r = posix_spawn_file_actions_adddup2(&actions, keep[i], 3 + i);
    if (r == 0)
        r = posix_spawn(ret, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
                        (char *const *)(uintptr_t)env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

// The program's ends of the pipes stand above what it is given as 3, 4, ...
static int make_pipe(int ret[2])
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) < 0)
        return -errno;
    ret[0] = fd[0];
    ret[1] = fcntl(fd[1], F_DUPFD_CLOEXEC, 10);
    close(fd[1]);
    return ret[1] < 0 ? -errno : 0;
}

static int run(const char *const argv[], const char *const more[], const int keep[],
               struct cli_ran *ret)
{
    int out = -1, err = -1;
    struct stream s[2] = {{.fd = -1}, {.fd = -1}};
    int fd[2] = {-1, -1}, r, status = 0;
    pid_t pid = -1;

    r = make_pipe(fd);
    s[0].fd = fd[0];
    out = fd[1];
    if (r == 0) {
        fd[0] = fd[1] = -1;
        r = make_pipe(fd);
        s[1].fd = fd[0];
        err = fd[1];
    }
    if (r == 0)
        r = spawn(argv, more, keep, out, err, &pid);
    if (out >= 0)
        close(out);
    if (err >= 0)
        close(err);
    if (r == 0) {
        if (!listen_to(s))
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    for (size_t i = 0; i < 2; i++) {
        if (s[i].fd >= 0)
            close(s[i].fd);
        if (r == 0 && !s[i].text)
            s[i].text = calloc(1, 1);
        if (r == 0 && !s[i].text)
            r = -ENOMEM;
        if (s[i].text)
            s[i].text[s[i].len] = 0;
    }
    if (r < 0) {
        free(s[0].text);
        free(s[1].text);
        return r;
    }
    *ret = (struct cli_ran){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .out = s[0].text,
        .out_len = s[0].len,
        .err = s[1].text,
    };
    return 0;
}

int cli_run_with(const char *const argv[], const char *const more[], const int keep[],
                 struct cli_ran *ret)
{
    return run(argv, more, keep, ret);
}

int cli_run(const char *const argv[], const char *const more[], struct cli_ran *ret)
{
    return run(argv, more, NULL, ret);
}

void cli_ran_free(struct cli_ran *ran)
{
    free(ran->out);
    free(ran->err);
    *ran = (struct cli_ran){0};
}

const char *cli_ran_complaint(struct cli_ran *ran)
{
    char *text = ran->err && *ran->err ? ran->err : ran->out;

    if (!text)
        return "";
    text[strcspn(text, "\r\n")] = 0;
    return text;
}
