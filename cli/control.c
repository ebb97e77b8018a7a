// SPDX-License-Identifier: BSD-2-Clause
// The client's side of the daemons' sockets.
#include "cli/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "cli/cache_view.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/paths.h"

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t left = deadline - monotonic_ms();
        int r = poll(&p, 1, left > 0 ? (int)left : 0);
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int dial(const char *path, int64_t deadline, int *ret)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -1;

    if (strlen(path) >= sizeof(at.sun_path))
        return -ENAMETOOLONG;
    memcpy(at.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    while (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
        // EAGAIN: the queue of a daemon that does not accept is full.
        if (errno == EAGAIN && monotonic_ms() < deadline) {
            poll(NULL, 0, 50);
            continue;
        }
        return errno == EAGAIN                             ? -ETIMEDOUT
               : errno == ECONNREFUSED || errno == ENOTDIR ? -ENOENT
                                                           : -errno;
    }
    *ret = ROLLCALL_TAKE_FD(fd);
    return 0;
}

static int send_line(int fd, const json_t *request, int64_t deadline)
{
    _cleanup_free_ char *line = json_dumps(request, JSON_COMPACT);
    size_t sent = 0, len;

    if (!line)
        return -ENOMEM;
    len = strlen(line);
    line[len++] = '\n'; // in place of the NUL
    while (sent < len) {
        ssize_t n = send(fd, line + sent, len - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return errno == EPIPE || errno == ECONNRESET ? -EPROTO : -errno;
        int r = wait_for(fd, POLLOUT, deadline);
        if (r < 0)
            return r;
    }
    return 0;
}

struct reader {
    int fd;
    char *buf;
    size_t len, room, used; // `used`: bytes of lines handed out already
};

static void reader_free(struct reader *r)
{
    free(r->buf);
    if (r->fd >= 0)
        close(r->fd);
}

static int grow(struct reader *r)
{
    size_t room = r->room ? r->room * 2 : 16384;
    char *buf;

    if (r->used > 0) {
        memmove(r->buf, r->buf + r->used, r->len - r->used);
        r->len -= r->used;
        r->used = 0;
    }
    if (r->len < r->room)
        return 0;
    if (r->room >= CLI_ANSWER_MAX)
        return -EPROTO;
    buf = realloc(r->buf, room);
    if (!buf)
        return -ENOMEM;
    r->buf = buf;
    r->room = room;
    return 0;
}

// The next line, valid until the next call.
static int read_line(struct reader *r, int64_t deadline, const char **ret, size_t *ret_len)
{
    size_t seen = r->used;

    for (;;) {
        char *end = r->len > seen ? memchr(r->buf + seen, '\n', r->len - seen) : NULL;
        ssize_t n;
        int e;
        if (end) {
            *ret = r->buf + r->used;
            *ret_len = (size_t)(end - *ret);
            r->used += *ret_len + 1;
            return 0;
        }
        seen = r->len - r->used; // grow() moves what is left to the start
        e = grow(r);
        if (e < 0)
            return e;
        n = recv(r->fd, r->buf + r->len, r->room - r->len, 0);
        if (n > 0) {
            r->len += (size_t)n;
            continue;
        }
        if (n == 0 || errno == ECONNRESET)
            return -EPROTO; // closed before its last line
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        e = wait_for(r->fd, POLLIN, deadline);
        if (e < 0)
            return e;
    }
}

int cli_control_ask(const char *path, const json_t *request, int wait_ms,
                    void (*progress)(void *ctx, const json_t *line), void *ctx, json_t **ret)
{
    _cleanup_(reader_free) struct reader reader = {.fd = -1};
    int r = dial(path, monotonic_ms() + wait_ms, &reader.fd);

    if (r < 0)
        return r;
    r = send_line(reader.fd, request, monotonic_ms() + wait_ms);
    while (r == 0) {
        _cleanup_json_ json_t *line = NULL;
        const char *text = NULL;
        size_t len = 0;
        r = read_line(&reader, monotonic_ms() + wait_ms, &text, &len);
        if (r < 0)
            break;
        line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(line))
            return -EPROTO;
        if (json_is_boolean(json_object_get(line, "ok"))) {
            *ret = ROLLCALL_TAKE(line);
            return 0;
        }
        if (progress)
            progress(ctx, line);
    }
    return r;
}

json_t *cli_request(const char *verb)
{
    // A remark for the audit log, no more: the kernel's uid stands beside it.
    const char *by = secure_getenv("SUDO_USER");

    if (!by)
        by = secure_getenv("LOGNAME");
    if (by && (!*by || strlen(by) > 64))
        by = NULL;
    return json_pack("{s:s, s:s*}", "do", verb, "by", by ? by : "root");
}

const char *cli_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

int64_t cli_int_of(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

static void tell_similar(const struct cli *cli, const json_t *answer)
{
    const json_t *similar = json_object_get(answer, "similar"), *name;
    char list[256] = "";
    size_t i, n = 0;

    json_array_foreach(similar, i, name)
    {
        const char *text = json_string_value(name);
        if (text && n + strlen(text) + 3 < sizeof(list))
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", text);
    }
    if (n)
        cli_complain(cli, 0, "did you mean: %s?", list);
}

int cli_refused(const struct cli *cli, const json_t *answer)
{
    const char *error = cli_text_of(answer, "error"), *hint = cli_text_of(answer, "hint");
    const json_t *problems = json_object_get(answer, "problems"), *problem;
    size_t i;

    if (cli->args.json)
        cli_print_json(answer);
    cli_complain(cli, 0, "%s", *hint ? hint : *error ? error : "refused, with no reason given");
    json_array_foreach(problems, i, problem)
    {
        if (json_is_string(problem))
            cli_complain(cli, 0, "%s", json_string_value(problem));
    }
    tell_similar(cli, answer);
    return strncmp(error, "unknown-", 8) == 0 && strcmp(error, "unknown-verb") != 0 ? CLI_NOT_FOUND
                                                                                    : CLI_PROBLEM;
}

// The engine looks at how a name begins alone; a slip may be there.
static void add_similar(const json_t *question, json_t *answer)
{
    const char *user = cli_text_of(question, "user");

    if (*user && strcmp(cli_text_of(answer, "error"), "unknown-user") == 0 &&
        json_array_size(json_object_get(answer, "similar")) == 0)
        json_object_set_new(answer, "similar", cli_cache_similar(&cli_cache_default, user));
}

int cli_ask_syncd(const struct cli *cli, json_t *request, bool quiet_absence, json_t **ret)
{
    _cleanup_json_ json_t *question = request;
    _cleanup_json_ json_t *answer = NULL;
    int r;

    if (!question)
        return cli_fail(cli, CLI_PROBLEM, "internal", "out of memory");
    r = cli_control_ask(ROLLCALL_SYNCD_SOCK, question, CLI_WAIT_MS, NULL, NULL, &answer);
    if (r == -ENOENT || r == -ETIMEDOUT) {
        if (quiet_absence)
            return CLI_NOT_RUNNING;
        return cli_fail(
            cli, CLI_NOT_RUNNING, "not-running", "%s",
            r == -ENOENT ? "rollcall-syncd is not running: systemctl status rollcall-syncd"
                         : "rollcall-syncd did not answer in 10 s: journalctl -u rollcall-syncd");
    }
    if (r == -EACCES || r == -EPERM)
        return cli_fail(cli, CLI_NOT_PERMITTED, "not-permitted", "%s: %s", ROLLCALL_SYNCD_SOCK,
                        strerror(-r));
    if (r < 0)
        return cli_fail(cli, CLI_PROBLEM, "protocol",
                        "rollcall-syncd gave no answer that makes sense: %s", strerror(-r));
    if (!json_is_true(json_object_get(answer, "ok"))) {
        add_similar(question, answer);
        return cli_refused(cli, answer);
    }
    *ret = ROLLCALL_TAKE(answer);
    return CLI_OK;
}
