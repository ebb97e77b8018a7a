// SPDX-License-Identifier: BSD-2-Clause
// The frame of sources over an API.
#include "syncd/sources/web.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/random.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/wait.h"

#define PAUSE_FIRST_MS      1000
#define PAUSE_MAX_MS        60000
#define ASKED_MAX_MS        3600000
#define POLL_DEFAULT        300 // seconds
#define TIMEOUT             300 // of the engine: how long a source may be silent in a listing
#define SILENCE_MAX         60  // seconds without a byte
#define TEST_BUDGET         20
#define SKEW_WARNING        60
#define SKEW_ERROR          300 // assertions are not taken beyond
#define CERTIFICATE_WARNING 30  // days
#define FILES_MAX           64
#define WORDS_MAX           300

// ---- options ----

const char *web_option(const struct web *w, const char *name)
{
    return json_string_value(json_object_get(w->section, name));
}

const json_t *web_list(const struct web *w, const char *name)
{
    const json_t *list = json_object_get(w->section, name);

    return json_is_array(list) ? list : NULL;
}

bool web_list_has(const struct web *w, const char *name, const char *value)
{
    const json_t *list = web_list(w, name);

    for (size_t i = 0; value && i < json_array_size(list); i++) {
        const char *has = json_string_value(json_array_get(list, i));
        if (has && strcmp(has, value) == 0)
            return true;
    }
    return false;
}

const char *web_file(struct web *w, const char *name)
{
    static char path[FILES_MAX][24];
    const json_t *n = json_object_get(json_object_get(w->section, "files"), name);
    json_int_t fd = json_integer_value(n);

    if (!json_is_integer(n) || fd < 3 || fd >= FILES_MAX)
        return NULL;
    snprintf(path[fd], sizeof(path[fd]), "/proc/self/fd/%d", (int)fd);
    return path[fd];
}

static unsigned seconds(const struct web *w, const char *name, unsigned unsaid)
{
    json_int_t n = json_integer_value(json_object_get(w->section, name));

    return n > 0 && n <= 86400 * 7 ? (unsigned)n : unsaid;
}

// ---- requests ----

static int error_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return -EACCES;
    case 404:
        return -ENOENT;
    case 410:
        return -ESTALE;
    case 429:
        return -EAGAIN;
    default:
        return status >= 500 ? -EAGAIN : -EBADMSG;
    }
}

int web_send(struct web *w, const struct http_request *request, struct http_answer *ret)
{
    int r = http_send(w->http, w->auth, request, ret, w->why, sizeof(w->why));
    char url[WORDS_MAX], words[WORDS_MAX];

    if (r < 0 || (ret->status >= 200 && ret->status < 300) ||
        (ret->status == 304 && (request->etag || request->modified)))
        return r;
    auth_said(w->auth, ret->json, words, sizeof(words));
    snprintf(w->why, sizeof(w->why), "%s: the server answered %d%s",
             http_bare(request->url, url, sizeof(url)), ret->status, words);
    return error_of(ret->status);
}

int web_get(struct web *w, const char *url, struct http_answer *ret)
{
    return web_send(w, &(struct http_request){.url = url}, ret);
}

void web_ahead(struct web *w, const struct http_request *request)
{
    http_ahead(w->http, w->auth, request);
}

enum web_outcome web_failed(struct web *w, int error)
{
    w->failed = error;
    return error == -ESTALE ? WEB_AFRESH : WEB_LATER;
}

// ---- groups that say who is one of ours ----

void web_group_lost(struct web *w, const char *group, const char *where, const char *write,
                    bool known)
{
    char text[500];

    snprintf(text, sizeof(text),
             "the group %.80s of assigned_groups is not %s%s: %s. Write %s of the group that is "
             "meant, or take it out of assigned_groups",
             group, where, known ? " any more" : "",
             known ? "whoever was in it stays one of ours"
                   : "whoever is in no other of them stays as known, and nobody new is one of ours "
                     "by it",
             write);
    // Without an id it may be about anybody: nobody counts as absent then, and no group as empty.
    if (known)
        emit_warning(w->request.name, NULL, text);
    else
        emit_problem(w->request.name, NULL, false, text);
}

bool web_begins(const struct web *w)
{
    return json_object_size(w->committed) == 0;
}

int web_groups_none(struct web *w, const char *group, const char *where, const char *write)
{
    snprintf(w->why, sizeof(w->why),
             "no group of assigned_groups is %s (the first is %.80s), so that nobody would be one "
             "of ours. Write %s of each group that is meant",
             where, group, write);
    return -EBADMSG;
}

static void keep_cursor(struct web *w)
{
    json_decref(w->committed);
    w->committed = json_deep_copy(w->cursor);
    if (!w->committed)
        exit(1);
}

void web_commit(struct web *w, uint64_t rows)
{
    _cleanup_free_ char *cursor = json_dumps(w->cursor, JSON_COMPACT | JSON_SORT_KEYS);

    if (!cursor)
        exit(1);
    emit_commit(cursor, rows);
    emit_flush();
    keep_cursor(w);
}

void web_finding(struct web *w, const char *level, const char *what, const char *text)
{
    w->errors += strcmp(level, "error") == 0;
    emit_finding(level, what, text);
}

void web_find(struct web *w, const char *level, const char *what, const char *format, ...)
{
    char text[HTTP_WHY_MAX + 300];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    web_finding(w, level, what, text);
}

// ---- opening ----

static int read_request(struct web *w, const char *type)
{
    json_error_t e;

    if (source_request_read(0, &w->request) < 0) {
        fprintf(stderr, "rollcall-source-%s is started by rollcall-syncd; see rollcall.conf(5)\n",
                type);
        return -EINVAL;
    }
    w->section = json_object_get(w->request.json, "section");
    if (!w->request.name)
        w->request.name = type;
    if (w->request.cursor)
        w->cursor = json_loads(w->request.cursor, JSON_REJECT_DUPLICATES, &e);
    if (!json_is_object(w->cursor)) {
        json_decref(w->cursor);
        w->cursor = json_object();
    }
    if (!w->cursor)
        return -ENOMEM;
    keep_cursor(w);
    return 0;
}

// What a source need not say itself.
static void take_common(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    unsigned timeout = seconds(w, "timeout", TIMEOUT);

    http->name = w->request.name;
    http->ca_file = web_file(w, "ca_file");
    http->proxy = web_option(w, "proxy");
    // The engine ends a source that is silent in a listing for `timeout`: we give up before.
    http->timeout = timeout / 4 < 1 ? 1 : timeout / 4 > SILENCE_MAX ? SILENCE_MAX : timeout / 4;
    http->budget = w->request.test && timeout > TEST_BUDGET ? TEST_BUDGET : (timeout * 3 + 3) / 4;
    http->trace = w->request.trace ? stderr : NULL;
    auth->user = web_option(w, "user");
    auth->client_id = web_option(w, "client_id");
    auth->token_url = web_option(w, "token_url");
    auth->scope = web_option(w, "scope");
    auth->key_id = web_option(w, "key_id");
    auth->secret_file =
        web_file(w, "secret_file") ?: web_file(w, "password_file") ?: web_file(w, "credential");
    auth->key_file = web_file(w, "key_file");
    auth->cert_file = web_file(w, "cert_file");
}

static int open_web(struct web *w, const struct web_source *source)
{
    struct http_settings http = {0};
    struct auth_settings auth = {0};
    int r;

    take_common(w, &http, &auth);
    r = source->settings(w, &http, &auth);
    if (r == 0)
        r = http_open(&http, &w->http, w->why, sizeof(w->why));
    if (r == 0)
        r = auth_open(&auth, &w->auth, w->why, sizeof(w->why));
    return r;
}

// ---- reading, again and again ----

struct round {
    const struct web_source *source;
    struct web *w;
    bool identified;
    unsigned afresh; // in a row
    int64_t pause;
    char last[HTTP_WHY_MAX]; // said already
};

// Each cause once, until something was read.
static void complain(struct round *o)
{
    struct web *w = o->w;

    if (strcmp(o->last, w->why) == 0)
        return;
    snprintf(o->last, sizeof(o->last), "%s", w->why);
    emit_refusal(w->request.name, w->why);
    emit_flush();
}

static enum web_outcome read_once(struct round *o)
{
    struct web *w = o->w;
    int r;

    w->failed = 0;
    if (!o->identified) {
        r = o->source->identity(w);
        if (r < 0)
            return r == -EPERM ? WEB_REFUSED : web_failed(w, r);
        o->identified = true;
    }
    r = (int)o->source->read(w);
    http_ahead_drop(w->http);
    return (enum web_outcome)r;
}

// A file that was handed over may be another by now, and only who is started again gets it.
static bool has_old_files(const struct web *w)
{
    return w->failed == -EACCES || w->failed == -EPROTO;
}

static void rest(struct round *o)
{
    struct web *w = o->w;
    int64_t asked = http_asked_ms(w->http), ms = source_jitter(o->pause);

    // Whoever asks for a week would have everybody locked out: the lease goes on meanwhile.
    asked = asked > ASKED_MAX_MS ? ASKED_MAX_MS : asked;
    source_pause(asked > ms ? asked : ms);
    o->pause = o->pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : o->pause * 2;
}

// Until the next reading is due, or something happened.
static void sleep_until_news(struct round *o)
{
    struct web *w = o->w;
    int64_t poll = (int64_t)(w->request.poll ? w->request.poll : POLL_DEFAULT) * 1000;
    int64_t until = source_now_ms() + poll * 9 / 10 + source_jitter(poll / 10), now;
    int64_t every = o->source->hint ? (int64_t)o->source->hint_every * 1000 : 0;

    while ((now = source_now_ms()) < until) {
        int hint;
        if (every <= 0 || until - now <= every) {
            source_pause(until - now);
            return;
        }
        source_pause(every);
        w->failed = 0;
        hint = o->source->hint(w);
        if (hint > 0)
            return;
        if (hint < 0) {
            complain(o);
            rest(o);
        }
    }
}

static int read_on(struct round *o)
{
    struct web *w = o->w;

    for (;;) {
        enum web_outcome r = read_once(o);
        if (r == WEB_READ) {
            o->last[0] = 0;
            o->pause = PAUSE_FIRST_MS;
            o->afresh = 0;
            emit_flush();
            if (w->request.once)
                return 0;
            sleep_until_news(o);
            continue;
        }
        json_decref(w->cursor);
        w->cursor = json_deep_copy(w->committed);
        if (r == WEB_AFRESH) {
            json_object_clear(w->cursor);
            if (o->afresh++ == 0)
                continue;
        }
        complain(o);
        if (r == WEB_REFUSED || w->request.once || has_old_files(w))
            return 1;
        rest(o);
    }
}

// ---- rollcall source test ----

static void test_clock(struct web *w)
{
    int64_t skew = 0, n;
    char text[200];

    if (!http_skew(w->http, &skew))
        return;
    n = skew < 0 ? -skew : skew;
    snprintf(text, sizeof(text), "the server's clock is %" PRId64 " s %s ours%s", n,
             skew < 0 ? "behind" : "ahead of",
             n > SKEW_WARNING ? "; assertions and times of change go by it: synchronise this "
                                "machine's clock"
                              : "");
    web_finding(w, n > SKEW_ERROR ? "error" : n > SKEW_WARNING ? "warning" : "ok", "clock", text);
}

static void test_certificate(struct web *w)
{
    int64_t end = auth_certificate_end(w->auth), days = (end - (int64_t)time(NULL)) / 86400;
    char text[200];

    if (end == 0)
        return;
    snprintf(text, sizeof(text), "our certificate ends in %" PRId64 " days%s", days,
             days < CERTIFICATE_WARNING ? ": make another, and add it at the server first" : "");
    web_finding(w,
                days < 0                     ? "error"
                : days < CERTIFICATE_WARNING ? "warning"
                                             : "ok",
                "certificate", text);
}

static const char *what_failed(int error)
{
    switch (error) {
    case -EPERM:
        return "identity";
    case -EACCES:
        return "credential";
    case -EPROTO:
        return "tls";
    default:
        return "connection";
    }
}

static int test(struct web *w, const struct web_source *source)
{
    int r = source->identity(w);
    char text[200];

    if (http_spoken(w->http)) {
        snprintf(text, sizeof(text), "the server answers by %s, and its certificate is good",
                 http_spoken(w->http));
        web_finding(w, "ok", "connection", text);
    }
    test_clock(w);
    test_certificate(w);
    if (r == 0) {
        web_finding(w, "ok", "credential", "the server takes it");
        if (source->test)
            source->test(w);
    } else {
        web_finding(w, "error", what_failed(r), w->why);
    }
    emit_flush();
    return w->errors > 0 ? 1 : 0;
}

int web_main(const struct web_source *source)
{
    static char out[256 * 1024];
    struct web w = {0};
    struct round o = {.source = source, .w = &w, .pause = PAUSE_FIRST_MS};
    size_t seed = 0;
    int r;

    // jansson looks for /dev/urandom, which the launcher's walls hide.
    if (rollcall_random(&seed, sizeof(seed)) == 0)
        json_object_seed(seed | 1);
    signal(SIGPIPE, SIG_IGN);                  // a server that hung up
    setvbuf(stdout, out, _IOFBF, sizeof(out)); // with none of ours, glibc takes 4 KiB
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ,
          (int)sizeof(out));   // each write fits; as it is where it may not
    prctl(PR_SET_DUMPABLE, 0); // the launcher's word about it ended with exec
    r = read_request(&w, source->type);
    if (r < 0)
        return 2;
    r = open_web(&w, source);
    if (r < 0 && w.request.test) {
        web_finding(&w, "error", "settings", w.why);
        emit_flush();
    } else if (r < 0) {
        complain(&o);
    } else {
        r = w.request.test ? test(&w, source) : read_on(&o);
    }
    if (source->done)
        source->done(&w);
    auth_close(w.auth);
    http_close(w.http);
    json_decref(w.cursor);
    json_decref(w.committed);
    source_request_done(&w.request);
    return r < 0 ? 1 : r;
}
