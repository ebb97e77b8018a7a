// SPDX-License-Identifier: BSD-2-Clause
// Sinks as processes: docs/doors/sink-pipe.md. One batch under way at a time.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/log.h"
#include "syncd/engine/loop_internal.h"

#define LINE_MAX_OUT (256u * 1024)
#define LINE_MAX_IN  (64u * 1024)
#define BATCH_MS     600000
#define HEARTBEAT_S  60

static void close_pipes(struct loop *l, struct sink_run *s)
{
    int *fds[] = {&s->in, &s->out, &s->err};

    for (int i = 0; i < 3; i++) {
        if (*fds[i] < 0)
            continue;
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, *fds[i], NULL);
        close(*fds[i]);
        *fds[i] = -1;
    }
    free(s->send);
    s->send = NULL;
    s->send_len = s->sent = s->len = s->errors.len = 0;
    s->ready = s->busy = false;
}

static const char *process_of(const struct sink_run *s, char buf[32])
{
    snprintf(buf, 32, "@%.30s", s->name);
    return buf;
}

static void back_off(struct sink_run *s)
{
    int64_t pause = s->failures > 7 ? 60000 : 500ll << s->failures;

    s->failures++;
    s->state = RUN_BACKOFF;
    s->next_start = loop_ms() + (pause > 60000 ? 60000 : pause);
}

static void fail(struct loop *l, struct sink_run *s, const char *why)
{
    char name[32];

    rollcall_log(LOG_ERR, "sink-failed", "sink", s->name, "why", why, NULL);
    snprintf(s->problem, sizeof(s->problem), "%s", why);
    close_pipes(l, s);
    launcher_tell(l, LAUNCHER_STOP, process_of(s, name));
    back_off(s);
}

void sinks_configure(struct loop *l)
{
    char name[32];

    for (size_t i = 0; i < l->n_sinks; i++) {
        if (l->sink[i].state == RUN_RUNNING || l->sink[i].state == RUN_STARTING)
            launcher_tell(l, LAUNCHER_STOP, process_of(&l->sink[i], name));
        close_pipes(l, &l->sink[i]);
        free(l->sink[i].buf);
    }
    l->n_sinks = l->options->once ? 0 : l->config->n_sinks;
    for (size_t i = 0; i < l->n_sinks; i++) {
        l->sink[i] = (struct sink_run){.in = -1,
                                       .out = -1,
                                       .err = -1,
                                       .state = RUN_BACKOFF,
                                       .next_start = loop_ms(),
                                       .buf = malloc(LINE_MAX_IN)};
        snprintf(l->sink[i].name, sizeof(l->sink[i].name), "%s", l->config->sink[i].name);
    }
}

// ---- to the sink ----

static void watch_in(struct loop *l, struct sink_run *s, bool wants)
{
    struct epoll_event e = {.events = wants ? EPOLLOUT : 0,
                            .data.u64 = TAG_SINK_IN + (uint64_t)(s - l->sink)};

    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->in, &e) < 0 && errno == ENOENT && wants)
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->in, &e);
}

// A pipe that nobody reads reports an error for ever, asked or not. The sink's end comes
// from the launcher.
static void watch_no_more(struct loop *l, struct sink_run *s)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->in, NULL);
}

void sink_on_writable(struct loop *l, struct sink_run *s)
{
    if (s->send_len == 0) { // nothing waits, so it is the error
        watch_no_more(l, s);
        return;
    }
    while (s->sent < s->send_len) {
        ssize_t n = write(s->in, s->send + s->sent, s->send_len - s->sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            watch_in(l, s, true);
            return;
        }
        if (n <= 0) {
            watch_no_more(l, s);
            return;
        }
        s->sent += (size_t)n;
    }
    free(s->send);
    s->send = NULL;
    s->send_len = s->sent = 0;
    watch_in(l, s, false);
}

// Takes the reference. -EMSGSIZE: the line is longer than a sink reads.
static int queue(struct sink_run *s, json_t *o)
{
    _cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    char *more;

    json_decref(o);
    if (!text)
        return -ENOMEM;
    if (n + 1 > LINE_MAX_OUT)
        return -EMSGSIZE;
    more = realloc(s->send, s->send_len + n + 1);
    if (!more)
        return -ENOMEM;
    s->send = more;
    memcpy(s->send + s->send_len, text, n);
    s->send[s->send_len + n] = '\n';
    s->send_len += n + 1;
    return 0;
}

// A lock is not lost over the keys of who is locked: what is too long goes without them,
// loudly. Longer still, it is not said, and nothing counts as said.
static int queue_user(struct sink_run *s, json_t *user)
{
    int r = queue(s, json_pack("{s:s, s:O}", "op", "user", "user", user));

    if (r != -EMSGSIZE)
        return r;
    rollcall_log(LOG_ERR, "sink-line-too-long", "sink", s->name, "user",
                 json_string_value(json_object_get(user, "key")), "without", "keys", NULL);
    json_array_clear(json_object_get(user, "keys"));
    return queue(s, json_pack("{s:s, s:O}", "op", "user", "user", user));
}

static void send_request(struct loop *l, struct sink_run *s,
                         const struct rollcall_source_config *config)
{
    char hub[33];
    int r;

    engine_core_hub_id(l->core, hub);
    r = queue(s, json_pack("{s:o, s:s, s:I}", "section", rollcall_config_source_json(config), "hub",
                           hub, "dates_ahead", (json_int_t)l->config->dates_ahead));
    if (r < 0)
        fail(l, s, strerror(-r));
    else
        sink_on_writable(l, s);
}

static bool heartbeat_due(struct sink_run *s, const json_t *as_of)
{
    return !json_equal(s->as_of, as_of) && loop_now() >= s->beat + HEARTBEAT_S;
}

static void send_batch(struct loop *l, struct sink_run *s)
{
    bool waits = engine_core_outbox_waits(l->core, s->name);
    json_t *as_of = engine_core_heartbeat(l->core, loop_now()), *users = NULL, *user, *commit;
    size_t i;
    int r;

    if (!waits && !heartbeat_due(s, as_of)) {
        json_decref(as_of);
        return;
    }
    r = engine_core_outbox_take(l->core, s->name, loop_now(), &s->batch, &users);
    json_array_foreach(users, i, user)
    {
        if (r == 0)
            r = queue_user(s, user);
    }
    json_decref(users);
    commit = json_pack("{s:s, s:I, s:o}", "op", "commit", "generation",
                       (json_int_t)s->batch.generation, "as_of", as_of);
    // Nobody is left in the queue: who changed meanwhile stands behind `whole`, not yet named.
    s->completing = s->whole && s->batch.generation == engine_core_outbox_last(l->core) &&
                    !engine_core_recovering(l->core);
    json_object_set_new(commit, "complete", json_boolean(s->completing));
    json_decref(s->as_of);
    s->as_of = json_incref(as_of);
    s->beat = loop_now();
    if (r == 0)
        r = queue(s, commit);
    else
        json_decref(commit);
    if (r < 0) {
        fail(l, s, strerror(-r));
        return;
    }
    s->busy = true;
    s->since = loop_ms();
    sink_on_writable(l, s);
}

// ---- from the sink ----

static void say_whole(struct loop *l, struct sink_run *s)
{
    if (engine_core_outbox_whole(l->core, s->name) < 0) {
        fail(l, s, "state.db cannot be written");
        return;
    }
    s->whole = engine_core_outbox_last(l->core);
}

static void on_ready(struct loop *l, struct sink_run *s, int64_t generation)
{
    int64_t confirmed = engine_core_outbox_confirmed(l->core, s->name);
    int r;

    s->ready = true;
    s->busy = false;
    s->failures = 0;
    *s->problem = 0;
    s->whole = 0;
    json_decref(s->as_of); // whatever the directory says: the first batch says it again
    s->as_of = NULL;
    s->beat = 0;
    if (generation > engine_core_outbox_last(l->core)) {
        // state.db is younger than the directory: hosts take no generation that goes back.
        r = engine_core_outbox_raise(l->core, generation);
        if (r < 0)
            fail(l, s,
                 r == -ERANGE ? "the heartbeat's generation is beyond reason"
                              : "state.db cannot be written");
        else
            say_whole(l, s);
    } else if (generation < confirmed || confirmed < 0 ||
               engine_core_outbox_in_whole(l->core, s->name)) {
        // One that died, or an engine that did, in the midst of saying everybody: who was named
        // before is forgotten, and with it whom nobody named.
        say_whole(l, s);
    }
}

static void on_host(struct loop *l, const json_t *host)
{
    const char *name = json_string_value(json_object_get(host, "name"));
    const char *version = json_string_value(json_object_get(host, "version"));

    if (name && strlen(name) <= 255)
        engine_core_fleet_host(l->core, name,
                               json_integer_value(json_object_get(host, "generation")),
                               json_integer_value(json_object_get(host, "gone")),
                               json_integer_value(json_object_get(host, "left")),
                               json_integer_value(json_object_get(host, "time")),
                               version && strlen(version) <= 64 ? version : "", loop_now());
}

static void on_message(struct loop *l, struct sink_run *s, const json_t *m)
{
    const char *op = json_string_value(json_object_get(m, "op"));
    const char *text = json_string_value(json_object_get(m, "text"));
    int64_t generation = json_integer_value(json_object_get(m, "generation"));

    if (!op) {
        fail(l, s, "it does not speak the sink protocol");
    } else if (strcmp(op, "ready") == 0) {
        on_ready(l, s, generation);
    } else if (strcmp(op, "done") == 0 && s->busy && generation == s->batch.generation) {
        s->busy = false;
        if (engine_core_outbox_done(l->core, s->name, &s->batch) < 0 ||
            (s->completing && engine_core_outbox_whole_done(l->core, s->name) < 0))
            fail(l, s, "state.db cannot be written"); // it is said again
        else if (s->completing)
            s->whole = 0;
    } else if (strcmp(op, "whole") == 0) {
        say_whole(l, s);
    } else if (strcmp(op, "host") == 0) {
        on_host(l, json_object_get(m, "host"));
    } else if (strcmp(op, "hosts-begin") == 0) {
        s->hosts_from = loop_now();
    } else if (strcmp(op, "hosts-end") == 0 && s->hosts_from > 0) {
        engine_core_fleet_forget(l->core, s->hosts_from);
    } else if (strcmp(op, "problem") == 0 && text) {
        rollcall_log(LOG_WARNING, "sink-says", "sink", s->name, "text", text, NULL);
        snprintf(s->problem, sizeof(s->problem), "%s", text);
    }
}

static void on_line(struct loop *l, struct sink_run *s, const char *line, size_t len)
{
    json_t *m = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

    if (m)
        on_message(l, s, m);
    else
        fail(l, s, "it does not speak the sink protocol");
    json_decref(m);
}

bool sink_on_output(struct loop *l, struct sink_run *s)
{
    ssize_t n = read(s->out, s->buf + s->len, LINE_MAX_IN - s->len);
    char *start = s->buf, *nl;

    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0) {
        if (n == 0)
            epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->out, NULL);
        return false;
    }
    s->len += (size_t)n;
    while (s->state == RUN_RUNNING &&
           (nl = memchr(start, '\n', s->len - (size_t)(start - s->buf)))) {
        on_line(l, s, start, (size_t)(nl - start));
        start = nl + 1;
    }
    if (s->state != RUN_RUNNING)
        return false;
    s->len -= (size_t)(start - s->buf);
    memmove(s->buf, start, s->len);
    if (s->len == LINE_MAX_IN)
        fail(l, s, "it printed a line longer than 64 KiB");
    return true;
}

// ---- what the launcher says ----

static void on_started(struct loop *l, struct sink_run *s, const struct launcher_message *m,
                       const int fds[3])
{
    size_t i = (size_t)(s - l->sink);
    struct epoll_event none = {.events = 0, .data.u64 = TAG_SINK_IN + i};

    s->state = RUN_RUNNING;
    s->pid = m->pid;
    s->in = fds[0];
    s->out = fds[1];
    s->err = fds[2];
    for (int k = 0; k < 3; k++)
        if (fcntl(fds[k], F_SETFL, O_NONBLOCK) < 0) {
            fail(l, s, "its pipes cannot be made not to block");
            return;
        }
    loop_watch(l, s->out, TAG_SINK_OUT + i);
    loop_watch(l, s->err, TAG_SINK_ERR + i);
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->in, &none);
    send_request(l, s, &l->config->sink[i]);
}

static void on_exited(struct loop *l, struct sink_run *s)
{
    while (s->state == RUN_RUNNING && sink_on_output(l, s))
        ;
    while (s->state == RUN_RUNNING &&
           child_errors_read(l->epoll, s->err, &s->errors, "sink", s->name, s->problem))
        ;
    if (s->state != RUN_RUNNING)
        return;
    rollcall_log(LOG_WARNING, "sink-ended", "sink", s->name, "why",
                 *s->problem ? s->problem : "it said nothing", NULL);
    close_pipes(l, s);
    back_off(s);
}

void sinks_on_launcher(struct loop *l, const struct launcher_message *m, const int fds[3])
{
    struct sink_run *s = NULL;

    for (size_t i = 0; i < l->n_sinks; i++)
        if (strcmp(l->sink[i].name, m->source + 1) == 0)
            s = &l->sink[i];
    if (m->kind == LAUNCHER_STARTED && s && s->state == RUN_STARTING) {
        on_started(l, s, m, fds);
        return;
    }
    for (int k = 0; m->kind == LAUNCHER_STARTED && k < 3; k++)
        close(fds[k]);
    if (!s)
        return;
    if (m->kind == LAUNCHER_EXITED && s->state == RUN_RUNNING && s->pid == m->pid)
        on_exited(l, s);
    else if (m->kind != LAUNCHER_STARTED && s->state == RUN_STARTING)
        back_off(s);
}

// ---- time ----

void sinks_tick(struct loop *l)
{
    int64_t now = loop_ms();
    char name[32];

    if (l->n_sinks > 0)
        engine_core_outbox_tick(l->core, loop_now());
    for (size_t i = 0; i < l->n_sinks; i++) {
        struct sink_run *s = &l->sink[i];
        if (s->state == RUN_BACKOFF && now >= s->next_start) {
            s->state = RUN_STARTING;
            launcher_tell(l, LAUNCHER_START, process_of(s, name));
        } else if (s->state == RUN_RUNNING && s->busy && now - s->since > BATCH_MS) {
            fail(l, s, "it did not write a batch in 10 minutes");
        } else if (s->state == RUN_RUNNING && s->ready && !s->busy) {
            send_batch(l, s);
        }
    }
}

int64_t sinks_deadline(const struct loop *l)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < l->n_sinks; i++)
        if (l->sink[i].state == RUN_BACKOFF && l->sink[i].next_start < next)
            next = l->sink[i].next_start;
    return next;
}

void sinks_close(struct loop *l)
{
    char name[32];

    for (size_t i = 0; i < l->n_sinks; i++) {
        launcher_tell(l, LAUNCHER_STOP, process_of(&l->sink[i], name));
        free(l->sink[i].buf);
        free(l->sink[i].send);
        json_decref(l->sink[i].as_of);
    }
}
