// SPDX-License-Identifier: BSD-2-Clause
// The control socket: docs/doors/syncd-control.md.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/log.h"
#include "syncd/engine/loop_internal.h"

#define REQUEST_MS  5000
#define PROGRESS_MS 500

static void drop(struct loop *l, struct client *c)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    free(c->buf);
    *c = (struct client){.fd = -1};
}

// A client that does not read is not waited for longer than the socket's own time.
static bool say(struct client *c, const json_t *o)
{
    _cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0, done = 0;

    if (!text)
        return false;
    text[len++] = '\n';
    while (done < len) {
        ssize_t n = send(c->fd, text + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static void answer(struct loop *l, struct client *c, json_t *o, int error)
{
    if (!o)
        o = json_pack("{s:s, s:s}", "error", "internal", "hint", strerror(-error));
    json_object_set_new(o, "ok", json_boolean(error == 0));
    say(c, o);
    json_decref(o);
    drop(l, c);
}

static void refuse(struct loop *l, struct client *c, const char *code, const char *hint)
{
    answer(l, c, json_pack("{s:s, s:s}", "error", code, "hint", hint), -EINVAL);
}

void control_accept(struct loop *l)
{
    int fd = accept4(l->options->control, NULL, NULL, SOCK_CLOEXEC);
    struct timeval patience = {.tv_sec = 2};
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != 0) {
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &l->client[i];
        if (c->fd >= 0)
            continue;
        *c = (struct client){
            .fd = fd, .deadline = loop_ms() + REQUEST_MS, .buf = malloc(REQUEST_MAX)};
        if (!c->buf) {
            close(fd);
            c->fd = -1;
            return;
        }
        loop_watch(l, fd, TAG_CLIENT + i);
        return;
    }
    close(fd);
}

static const char *text_of(const json_t *q, const char *key)
{
    const char *s = json_string_value(json_object_get(q, key));

    return s && strlen(s) <= 255 ? s : NULL;
}

// ---- sync ----

static void start_sync(struct loop *l, struct client *c, const json_t *q)
{
    const char *source = text_of(q, "source");
    bool any = false;

    for (size_t i = 0; i < l->n_runs; i++) {
        struct run *r = &l->run[i];
        if (source && strcmp(source, r->name) != 0)
            continue;
        any = true;
        run_restart(l, r);
        c->waits[i] = r->outcomes + 1;
    }
    if (!any) {
        refuse(l, c, "unknown-source", "there is no source of this name in the configuration");
        return;
    }
    c->syncing = true;
    c->next_progress = loop_ms() + PROGRESS_MS;
}

static void finish_sync(struct loop *l, struct client *c)
{
    json_t *list = json_array(), *o;
    bool failed = false;

    for (size_t i = 0; i < l->n_runs; i++) {
        struct run *r = &l->run[i];
        if (!c->waits[i])
            continue;
        o = json_pack("{s:s, s:s, s:I}", "source", r->name, "result", r->result, "rows",
                      (json_int_t)r->rows);
        if (*r->problem)
            json_object_set_new(o, "problem", json_string(r->problem));
        failed = failed || strcmp(r->result, "failed") == 0;
        json_array_append_new(list, o);
    }
    o = json_pack("{s:o}", "sources", list);
    if (failed) {
        json_object_set_new(o, "error", json_string("refused"));
        json_object_set_new(o, "hint",
                            json_string("a source could not be read; what it said before stands"));
    }
    answer(l, c, o, failed ? -EIO : 0);
}

static void tick_sync(struct loop *l, struct client *c)
{
    bool waiting = false;

    for (size_t i = 0; i < l->n_runs; i++)
        waiting = waiting || (c->waits[i] && l->run[i].outcomes < c->waits[i]);
    if (!waiting && !engine_core_dirty(l->core)) {
        finish_sync(l, c);
        return;
    }
    if (loop_ms() < c->next_progress)
        return;
    c->next_progress = loop_ms() + PROGRESS_MS;
    for (size_t i = 0; i < l->n_runs; i++) {
        struct run *r = &l->run[i];
        json_t *o;
        bool sent;
        if (!c->waits[i] || r->outcomes >= c->waits[i])
            continue;
        o = json_pack("{s:{s:s, s:s, s:I, s:I}}", "progress", "source", r->name, "phase",
                      r->in_batch ? "reading" : "starting", "done",
                      (json_int_t)(r->done > r->rows ? r->done : r->rows), "total",
                      (json_int_t)r->total);
        sent = say(c, o);
        json_decref(o);
        if (!sent) {
            drop(l, c);
            return;
        }
    }
}

// ---- the other verbs ----

// What the loop knows of a source's process, beside what the core says.
static void add_run(const struct run *r, json_t *o)
{
    static const char *const states[] = {"idle", "running", "running", "backoff"};

    json_object_set_new(
        o, "state", json_string(strcmp(r->result, "failed") == 0 ? "failed" : states[r->state]));
    if (r->last_commit)
        json_object_set_new(o, "last_commit", json_integer(r->last_commit));
    if (r->last_start)
        json_object_set_new(o, "last_start", json_integer(r->last_start));
}

static void add_runs(struct loop *l, json_t *status)
{
    json_t *sources = json_object_get(status, "sources");

    for (size_t i = 0; i < l->n_runs && i < json_array_size(sources); i++) {
        add_run(&l->run[i], json_array_get(sources, i));
    }
    json_object_set_new(status, "started", json_integer(l->started));
    if (l->published_at)
        json_object_set_new(status, "published", json_integer(l->published_at));
}

static void add_sinks(struct loop *l, json_t *fleet)
{
    json_t *a = json_array();

    for (size_t i = 0; i < l->n_sinks; i++) {
        const struct sink_run *s = &l->sink[i];
        json_array_append_new(
            a, json_pack("{s:s, s:s, s:I, s:s}", "sink", s->name, "state",
                         s->ready                  ? "connected"
                         : s->state == RUN_RUNNING ? "starting"
                                                   : "backoff",
                         "confirmed", (json_int_t)engine_core_outbox_confirmed(l->core, s->name),
                         "problem", s->problem));
    }
    json_object_set_new(fleet, "sinks", a);
}

static int do_expect(struct loop *l, const json_t *q, const char *by, json_t **ret)
{
    json_int_t n = json_integer_value(json_object_get(q, "n"));
    json_int_t until = json_integer_value(json_object_get(q, "until"));

    if (n < 1 || n > 1000000)
        n = 0;
    return engine_core_expect_leavers(l->core, (unsigned)n, until, by, loop_now(), ret);
}

static int do_lease(struct loop *l, const json_t *q, const char *by, json_t **ret)
{
    const char *source = text_of(q, "source");

    return engine_core_lease_extend(l->core, source ? source : "",
                                    json_integer_value(json_object_get(q, "until")), by,
                                    text_of(q, "reason"), loop_now(), ret);
}

static int do_source(struct loop *l, const json_t *q, json_t **ret)
{
    const char *name = text_of(q, "source"), *after = text_of(q, "after");
    int r = engine_core_source(l->core, name ? name : "", after, loop_now(), ret);

    for (size_t i = 0; r == 0 && !after && i < l->n_runs; i++)
        if (strcmp(l->run[i].name, name) == 0)
            add_run(&l->run[i], *ret);
    return r;
}

// Whoever has an account that a directory took back learns nothing here, and sets nothing off but
// a look of the source's own.
static int do_reread(struct loop *l, const json_t *q, json_t **ret)
{
    const char *user = text_of(q, "user");
    json_t *asked = json_array();
    char id[160];

    for (size_t i = 0; user && i < l->n_runs; i++)
        if (engine_core_record_id(l->core, l->run[i].name, user, id, sizeof(id)) == 0 &&
            run_reread(l, &l->run[i], id))
            json_array_append_new(asked, json_string(l->run[i].name));
    if (json_array_size(asked) > 0)
        rollcall_log(LOG_NOTICE, "reread", "user", user, "why",
                     "its directory took the password and lets nobody in with it", NULL);
    *ret = json_pack("{s:o}", "sources", asked);
    return *ret ? 0 : -ENOMEM;
}

static int do_person(struct loop *l, const char *verb, const json_t *q, const char *by,
                     json_t **ret)
{
    const char *user = text_of(q, "user"), *reason = text_of(q, "reason");

    if (!user) {
        *ret = json_pack("{s:s, s:s}", "error", "bad-request", "hint", "the request names no user");
        return -EINVAL;
    }
    if (strcmp(verb, "user") == 0)
        return engine_core_user(l->core, user, loop_now(), ret);
    if (strcmp(verb, "lock") == 0)
        return engine_core_lock(l->core, user, by, reason, loop_now(), ret);
    return engine_core_unlock(l->core, user, by, loop_now(), ret);
}

static void serve(struct loop *l, struct client *c, const json_t *q)
{
    const char *verb = text_of(q, "do"), *by = text_of(q, "by"), *id = text_of(q, "id");
    json_t *o = NULL;
    int r;

    by = by ? by : "root";
    if (!verb) {
        refuse(l, c, "bad-request", "the request has no \"do\"");
        return;
    }
    if (strcmp(verb, "sync") == 0) {
        start_sync(l, c, q);
        return;
    }
    if (strcmp(verb, "status") == 0) {
        r = engine_core_status(l->core, loop_now(), &o);
        if (r == 0)
            add_runs(l, o);
    } else if (strcmp(verb, "user") == 0 || strcmp(verb, "lock") == 0 ||
               strcmp(verb, "unlock") == 0) {
        r = do_person(l, verb, q, by, &o);
    } else if (strcmp(verb, "approve") == 0) {
        r = engine_core_approve(l->core, id ? id : "", by, loop_now(), &o);
        for (size_t i = 0; r == 0 && id && strchr(id, '=') && i < l->n_runs; i++)
            run_restart(l, &l->run[i]);
    } else if (strcmp(verb, "expect-leavers") == 0) {
        r = do_expect(l, q, by, &o);
    } else if (strcmp(verb, "lease-extend") == 0) {
        r = do_lease(l, q, by, &o);
    } else if (strcmp(verb, "recover") == 0 && json_is_true(json_object_get(q, "clock"))) {
        r = engine_core_recover_clock(l->core, by, loop_now(), &o);
    } else if (strcmp(verb, "recover") == 0) {
        r = engine_core_recover(l->core, by, loop_now(), &o);
        for (size_t i = 0; r == 0 && i < l->n_runs; i++)
            run_restart(l, &l->run[i]);
    } else if (strcmp(verb, "source") == 0) {
        r = do_source(l, q, &o);
    } else if (strcmp(verb, "fleet") == 0) {
        r = engine_core_fleet(l->core, loop_now(), &o);
        if (r == 0)
            add_sinks(l, o);
    } else if (strcmp(verb, "reread") == 0) {
        r = do_reread(l, q, &o);
    } else if (strcmp(verb, "reload") == 0) {
        r = loop_reload(l, &o);
    } else {
        refuse(l, c, "unknown-verb", "this syncd does not know the request");
        return;
    }
    answer(l, c, o, r);
}

void control_on_input(struct loop *l, struct client *c)
{
    ssize_t n = recv(c->fd, c->buf + c->len, REQUEST_MAX - c->len, MSG_DONTWAIT);
    char *nl;
    json_t *q;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || c->syncing) {
        drop(l, c); // gone, or talking where it should listen
        return;
    }
    c->len += (size_t)n;
    nl = memchr(c->buf, '\n', c->len);
    if (!nl) {
        if (c->len == REQUEST_MAX)
            refuse(l, c, "bad-request", "the request is longer than 64 KiB");
        return;
    }
    q = json_loadb(c->buf, (size_t)(nl - c->buf), JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(q))
        refuse(l, c, "bad-request", "the request is no JSON object");
    else
        serve(l, c, q);
    json_decref(q);
}

void control_tick(struct loop *l)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &l->client[i];
        if (c->fd < 0)
            continue;
        if (c->syncing)
            tick_sync(l, c);
        else if (loop_ms() >= c->deadline)
            drop(l, c);
    }
}

int64_t control_deadline(const struct loop *l)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *c = &l->client[i];
        int64_t t = c->fd < 0 ? INT64_MAX : c->syncing ? c->next_progress : c->deadline;
        if (t < next)
            next = t;
    }
    return next;
}
