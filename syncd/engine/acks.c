// SPDX-License-Identifier: BSD-2-Clause
// Acknowledgements: a source whose commits have a generation is told what is in force
// (board and files), and, when the enforcer says so, that nobody is left to be ended.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "syncd/engine/loop_internal.h"

#define ANSWER_MS 50   // so long an acknowledgement waits for the enforcer's word
#define AGAIN_MS  500  // while somebody is left
#define DEAD_MS   5000 // while nobody answers

static void hang_up(struct loop *l)
{
    if (l->left.fd < 0)
        return;
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->left.fd, NULL);
    close(l->left.fd);
    l->left.fd = -1;
}

static int64_t highest(const struct loop *l)
{
    int64_t most = -1;

    for (size_t i = 0; i < l->n_runs; i++)
        if (l->run[i].generation > most)
            most = l->run[i].generation;
    return most;
}

// Its answer comes after the sweep that the bell before asked for.
static void ask(struct loop *l)
{
    static const char question[] = "{\"do\":\"left\"}\n";
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = ROLLCALL_ENFORCER_SOCK};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    l->left.asked = loop_ms();
    l->left.next = l->left.asked + DEAD_MS;
    l->left.covers = highest(l);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0) {
        close(fd);
        return;
    }
    l->left.fd = fd;
    loop_watch(l, fd, TAG_LEFT);
}

void acks_on_answer(struct loop *l)
{
    char text[256];
    ssize_t n = l->left.fd < 0 ? -1 : recv(l->left.fd, text, sizeof(text), MSG_DONTWAIT);
    json_t *o, *left;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    hang_up(l);
    o = n > 0 ? json_loadb(text, (size_t)n, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    left = json_object_get(o, "left");
    l->left.left = json_is_integer(left) ? (int)json_integer_value(left) : -1;
    l->left.next = loop_ms() + (l->left.left < 0 ? DEAD_MS : AGAIN_MS);
    for (size_t i = 0; i < l->n_runs && l->left.left >= 0; i++) {
        struct run *r = &l->run[i];
        int64_t gone = l->left.covers < r->generation ? l->left.covers : r->generation;
        if (l->left.left == 0 && gone > r->gone) {
            r->gone = gone;
            r->ack_due = true;
        }
    }
    json_decref(o);
}

static void tell(struct run *r, int left)
{
    json_t *ack = json_pack("{s:I, s:s, s:I}", "generation", (json_int_t)r->generation, "version",
                            ROLLCALL_VERSION, "time", (json_int_t)loop_now());
    json_t *o = json_pack("{s:o}", "ack", ack);
    _cleanup_free_ char *text = NULL;
    ssize_t n;

    if (r->gone >= 0)
        json_object_set_new(ack, "gone", json_integer(r->gone));
    if (left >= 0)
        json_object_set_new(ack, "left", json_integer(left));
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    r->acked = r->generation;
    r->ack_due = false;
    r->ack_again = false;
    if (!text)
        return;
    n = (ssize_t)strlen(text);
    text[n] = '\n';
    // Less than PIPE_BUF: whole, or not at all where the source does not read; then at the next
    // turn.
    r->ack_due = write(r->in, text, (size_t)n + 1) < 0 && errno == EAGAIN;
}

static bool is_open(const struct run *r)
{
    return r->state == RUN_RUNNING && r->generation >= 0;
}

void acks_tick(struct loop *l)
{
    int64_t now = loop_ms();
    bool waits = false;

    // What is not yet published is not in force.
    if (engine_core_dirty(l->core))
        return;
    for (size_t i = 0; i < l->n_runs; i++)
        waits = waits || (is_open(&l->run[i]) && l->run[i].gone < l->run[i].generation);
    if (waits && l->left.fd >= 0 && now >= l->left.next)
        hang_up(l);
    if (waits && l->left.fd < 0 && (now >= l->left.next || l->left.covers < highest(l)))
        ask(l);
    for (size_t i = 0; i < l->n_runs; i++) {
        struct run *r = &l->run[i];
        bool late = l->left.fd < 0 || now >= l->left.asked + ANSWER_MS;
        if (is_open(r) && (r->ack_due || (r->acked < r->generation && late)))
            tell(r, l->left.left);
    }
}

int64_t acks_deadline(const struct loop *l)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < l->n_runs; i++) {
        const struct run *r = &l->run[i];
        if (!is_open(r))
            continue;
        if (r->acked < r->generation && l->left.asked + ANSWER_MS < next)
            next = l->left.asked + ANSWER_MS;
        if (r->gone < r->generation && l->left.next < next)
            next = l->left.next;
    }
    return next;
}

void acks_close(struct loop *l)
{
    hang_up(l);
}
