// SPDX-License-Identifier: BSD-2-Clause
// The engine's loop.
#include "syncd/engine/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/log.h"
#include "rollcall/paths.h"
#include "syncd/engine/loop_internal.h"

#define PUBLISH_MS 100 // a snapshot at most this often; words of the board wait for none

int64_t loop_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t loop_now(void)
{
    return time(NULL);
}

void loop_watch(struct loop *l, int fd, uint64_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = tag};

    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
}

// ---- what the core tells ----

// The journal has them too, so that what no enforcer ever took is not lost.
static void on_audit(void *ctx, const json_t *record)
{
    struct loop *l = ctx;
    char *text = json_dumps(record, JSON_COMPACT);
    const char *event = json_string_value(json_object_get(record, "event"));
    const char *why = json_string_value(json_object_get(record, "why"));

    if (!text)
        return;
    rollcall_log(why ? LOG_WARNING : LOG_INFO, event ? event : "audit", "user",
                 json_string_value(json_object_get(record, "user")), "source",
                 json_string_value(json_object_get(record, "source")), "id",
                 json_string_value(json_object_get(record, "id")), "state",
                 json_string_value(json_object_get(record, "state")), "reason",
                 json_string_value(json_object_get(record, "reason")), "where",
                 json_string_value(json_object_get(record, "where")), "why", why, NULL);
    audit_queue_put(&l->audit, text);
}

// A new person's first state, and the like: not in the journal.
static void on_audit_state(void *ctx, char *record)
{
    audit_queue_put(&((struct loop *)ctx)->audit, record);
}

// Rings and goes: the enforcer reads the board for itself.
static void on_ring(void *ctx)
{
    static const char bell[] = "{\"do\":\"ring\"}\n";
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = ROLLCALL_ENFORCER_SOCK};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)ctx;
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        send(fd, bell, sizeof(bell) - 1, MSG_NOSIGNAL) < 0)
        rollcall_log(LOG_WARNING, "enforcer-not-listening", "why", strerror(errno), NULL);
}

// Seen in ps, and by the crash tests.
static void on_phase(void *ctx, const char *phase)
{
    char name[16];

    (void)ctx;
    snprintf(name, sizeof(name), "syncd:%s", phase);
    prctl(PR_SET_NAME, name);
}

// ---- setting up ----

static int open_core(struct loop *l)
{
    struct engine_paths paths = {.state_db = ROLLCALL_STATE_DB,
                                 .journal = ROLLCALL_LOCK_JOURNAL,
                                 .ledger = ROLLCALL_IDS_LEDGER,
                                 .board = ROLLCALL_BOARD,
                                 .accounts = ROLLCALL_ACCOUNTS,
                                 .private_ = ROLLCALL_PRIVATE,
                                 .keys = ROLLCALL_KEYS,
                                 .passwd = "/etc/passwd",
                                 .group = "/etc/group",
                                 .uid_map = ROLLCALL_UID_MAP,
                                 .verifier_gid = l->options->verifier_gid,
                                 .keys_gid = l->options->keys_gid};
    struct engine_hooks hooks = {.audit = on_audit,
                                 .audit_state = on_audit_state,
                                 .ring = on_ring,
                                 .phase = on_phase,
                                 .ctx = l};

    return engine_core_open(l->config, &paths, &hooks, loop_now(), &l->core);
}

static int open_descriptors(struct loop *l)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    l->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    l->local_files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (l->epoll < 0 || l->signals < 0 || l->timer < 0 ||
        audit_queue_open(&l->audit, ROLLCALL_AUDIT_SOCK) < 0)
        return -errno;
    loop_watch(l, l->options->door, TAG_DOOR);
    loop_watch(l, l->signals, TAG_SIGNAL);
    loop_watch(l, l->timer, TAG_TIMER);
    if (l->options->control >= 0)
        loop_watch(l, l->options->control, TAG_CONTROL);
    if (l->local_files >= 0 &&
        inotify_add_watch(l->local_files, "/etc", IN_MOVED_TO | IN_CLOSE_WRITE) >= 0)
        loop_watch(l, l->local_files, TAG_LOCAL);
    return 0;
}

// ---- turning ----

static void drain_local(struct loop *l)
{
    char buf[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;

    while ((n = read(l->local_files, buf, sizeof(buf))) > 0)
        for (char *p = buf; p < buf + n;) {
            const struct inotify_event *e = (const void *)p;
            if (e->len && (strcmp(e->name, "passwd") == 0 || strcmp(e->name, "group") == 0))
                l->local_dirty = true;
            p += sizeof(*e) + e->len;
        }
}

static void dispatch_sink(struct loop *l, uint64_t tag)
{
    size_t i = tag % 10;
    struct sink_run *s;

    if (i >= l->n_sinks || i >= ROLLCALL_SINKS_MAX)
        return;
    s = &l->sink[i];
    if (tag >= TAG_SINK_ERR && s->err >= 0)
        child_errors_read(l->epoll, s->err, &s->errors, "sink", s->name, s->problem);
    else if (tag >= TAG_SINK_OUT && tag < TAG_SINK_ERR && s->out >= 0)
        sink_on_output(l, s);
    else if (tag < TAG_SINK_OUT && s->in >= 0)
        sink_on_writable(l, s);
}

static void dispatch_run(struct loop *l, uint64_t tag)
{
    size_t i = tag >= TAG_ERR ? tag - TAG_ERR : tag - TAG_OUT;
    struct run *r;

    if (i >= l->n_runs || i >= ROLLCALL_SOURCES_MAX)
        return;
    r = &l->run[i];
    if (tag >= TAG_ERR && r->err >= 0)
        child_errors_read(l->epoll, r->err, &r->errors, "source", r->name, r->problem);
    else if (tag < TAG_ERR && r->out >= 0)
        run_on_output(l, r);
}

static void dispatch(struct loop *l, uint64_t tag)
{
    struct signalfd_siginfo info;
    uint64_t ticks;

    switch (tag) {
    case TAG_DOOR:
        runs_on_launcher(l);
        return;
    case TAG_CONTROL:
        control_accept(l);
        return;
    case TAG_TIMER:
        if (read(l->timer, &ticks, sizeof(ticks)) < 0 && errno == ECANCELED)
            rollcall_log(LOG_NOTICE, "clock-changed", NULL);
        return;
    case TAG_SIGNAL:
        if (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
            info.ssi_signo != SIGHUP && info.ssi_signo != SIGCHLD)
            l->stop = true;
        return;
    case TAG_LEFT:
        acks_on_answer(l);
        return;
    case TAG_LOCAL:
        drain_local(l);
        return;
    default:
        break;
    }
    if (tag >= TAG_SINK_IN && tag < TAG_END)
        dispatch_sink(l, tag);
    else if (tag >= TAG_CLIENT && tag < TAG_CLIENT + CLIENTS_MAX &&
             l->client[tag - TAG_CLIENT].fd >= 0)
        control_on_input(l, &l->client[tag - TAG_CLIENT]);
    else if (tag >= TAG_OUT && tag < TAG_ERR + l->n_runs)
        dispatch_run(l, tag);
}

// The timer at the next date, to the second; a changed clock cancels it and wakes us.
static void arm_timer(struct loop *l)
{
    int64_t next = engine_core_deadline(l->core), now = loop_now();
    struct itimerspec t = {0};

    t.it_value.tv_sec = next == ROLLCALL_TIME_UNSET || next > now + 60 ? now + 60
                        : next > now                                   ? next
                                                                       : now + 1;
    timerfd_settime(l->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL);
}

static int wait_ms(const struct loop *l)
{
    int64_t now = loop_ms(), next = runs_deadline(l), other = control_deadline(l);

    if (other < next)
        next = other;
    if (sinks_deadline(l) < next)
        next = sinks_deadline(l);
    if (acks_deadline(l) < next)
        next = acks_deadline(l);
    if (engine_core_dirty(l->core) && l->published + PUBLISH_MS < next)
        next = l->published + PUBLISH_MS;
    if (l->audit_wait >= 0 && now + l->audit_wait < next)
        next = now + l->audit_wait;
    if (next <= now)
        return 0;
    return next - now > 60000 ? 60000 : (int)(next - now);
}

static bool in_any_batch(const struct loop *l)
{
    for (size_t i = 0; i < l->n_runs; i++)
        if (l->run[i].in_batch)
            return true;
    return false;
}

static void publish(struct loop *l)
{
    int64_t now = loop_ms();

    if (l->local_dirty) {
        l->local_dirty = false;
        engine_core_local_files_changed(l->core, loop_now());
        return;
    }
    if (!engine_core_dirty(l->core) || now < l->published + PUBLISH_MS)
        return;
    l->published = now;
    if (engine_core_publish(l->core, loop_now()) == 0)
        l->published_at = loop_now();
    if (!l->ready && l->published_at) {
        l->ready = true;
        launcher_tell(l, LAUNCHER_READY, "");
    }
}

static void turn(struct loop *l)
{
    struct epoll_event events[32];
    int n;

    arm_timer(l);
    n = epoll_wait(l->epoll, events, 32, wait_ms(l));
    for (int i = 0; i < n; i++)
        dispatch(l, events[i].data.u64);
    engine_core_tick(l->core, loop_now());
    runs_tick(l);
    publish(l);
    sinks_tick(l);
    acks_tick(l);
    control_tick(l);
    l->audit_wait = audit_queue_flush(&l->audit);
    if (l->options->once && runs_all_done(l) && !in_any_batch(l) && !engine_core_dirty(l->core))
        l->stop = true;
}

int loop_reload(struct loop *l, json_t **ret)
{
    struct rollcall_findings findings;
    struct rollcall_config *fresh = NULL;
    json_t *problems = json_array();
    int r = rollcall_config_load(l->options->config_path, &fresh, &findings);

    for (size_t i = 0; i < findings.n; i++) {
        char text[900];
        snprintf(text, sizeof(text), "%s:%d: %s", findings.item[i].file, findings.item[i].line,
                 findings.item[i].text);
        json_array_append_new(problems, json_string(text));
    }
    rollcall_findings_free(&findings);
    if (r < 0) {
        *ret = json_pack("{s:s, s:s, s:o}", "error", "refused", "hint",
                         "the configuration has errors; the old one stands", "problems", problems);
        return r;
    }
    json_decref(problems);
    r = engine_core_reconfigure(l->core, fresh, loop_now());
    if (r < 0) {
        rollcall_config_free(fresh);
        return r;
    }
    rollcall_config_free(l->own_config);
    l->own_config = fresh;
    l->config = fresh;
    runs_configure(l);
    sinks_configure(l);
    *ret = json_pack("{s:b}", "changed", 1);
    return 0;
}

static void close_all(struct loop *l)
{
    int fds[] = {l->epoll, l->timer, l->signals, l->local_files};

    for (size_t i = 0; i < l->n_runs; i++) {
        launcher_tell(l, LAUNCHER_STOP, l->run[i].name);
        free(l->run[i].buf);
    }
    sinks_close(l);
    acks_close(l);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        free(l->client[i].buf);
    engine_core_close(l->core);
    audit_queue_close(&l->audit);
    rollcall_config_free(l->own_config);
}

int engine_loop_run(const struct engine_loop_options *options, const struct rollcall_config *config)
{
    struct loop *l = calloc(1, sizeof(*l));
    int r, code;

    if (!l)
        return 1;
    l->options = options;
    l->config = config;
    l->started = loop_now();
    l->published = -PUBLISH_MS;
    l->left.fd = -1;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        l->client[i].fd = -1;
    r = open_descriptors(l);
    if (r == 0)
        r = open_core(l);
    if (r < 0) {
        rollcall_log(LOG_ERR, "state-unusable", "why", strerror(-r), "path", ROLLCALL_STATEDIR,
                     NULL);
        free(l);
        return 1;
    }
    runs_configure(l);
    sinks_configure(l);
    while (!l->stop)
        turn(l);
    code = options->once && !runs_all_well(l) ? 1 : 0;
    for (size_t i = 0; options->once && i < l->n_runs; i++)
        rollcall_log(strcmp(l->run[i].result, "failed") == 0 ? LOG_ERR : LOG_INFO, "source", "name",
                     l->run[i].name, "result", l->run[i].result, "why",
                     *l->run[i].problem ? l->run[i].problem : NULL, NULL);
    close_all(l);
    free(l);
    return code;
}
