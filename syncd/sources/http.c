// SPDX-License-Identifier: BSD-2-Clause
// HTTPS by libcurl: one request, repeated within its budget.
#include "syncd/sources/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/erasing.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/http_transfer.h"
#include "syncd/sources/value.h"
#include "syncd/sources/wait.h"

#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS   30000
#define LOST_MAX       4 // times that a connection is tried again
#define URL_SHOWN      400

// ---- opening ----

static int check_settings(const struct http_settings *s, char *why, size_t why_len)
{
    for (size_t i = 0; i < HTTP_ORIGINS_MAX; i++)
        if (s->origin[i] && !http_is_of(s->origin[i], s->origin[i])) {
            snprintf(why, why_len, "%.200s is no address of a server: write https://HOST",
                     s->origin[i]);
            return -EINVAL;
        }
    if (s->proxy && (strncasecmp(s->proxy, "http://", 7) != 0 || strchr(s->proxy, '@'))) {
        snprintf(why, why_len, "the proxy is no http://HOST:PORT");
        return -EINVAL;
    }
    return 0;
}

int http_open(const struct http_settings *settings, struct http **ret, char *why, size_t why_len)
{
    static bool begun;
    struct http *h;
    int r = check_settings(settings, why, why_len);

    if (r < 0)
        return r;
    if (!begun && curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, erasing_free, erasing_realloc,
                                       strdup, calloc) != CURLE_OK)
        return -ENOMEM;
    begun = true;
    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->name = settings->name;
    h->set = *settings;
    h->told = -1;
    h->multi = curl_multi_init();
    h->easy = curl_easy_init();
    r = h->multi && h->easy ? http_worker_start(h) : -ENOMEM;
    for (size_t i = 0; i < HTTP_ORIGINS_MAX; i++)
        if (settings->origin[i] && !(h->origin[i] = strdup(settings->origin[i])))
            r = -ENOMEM;
    if (r < 0) {
        http_close(h);
        snprintf(why, why_len, "there is no memory");
        return r;
    }
    *ret = h;
    return 0;
}

struct http *http_close(struct http *h)
{
    if (!h)
        return NULL;
    http_ahead_drop(h);
    http_worker_stop(h);
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    erasing_free(h->spare);
    for (size_t i = 0; i < HTTP_ORIGINS_MAX; i++)
        free(h->origin[i]);
    free(h);
    return NULL;
}

uint64_t http_sent(const struct http *h)
{
    return h->sent;
}

int64_t http_asked_ms(const struct http *h)
{
    int64_t left = h->asked_at + h->asked_ms - source_now_ms();

    return h->asked_ms > 0 && left > 0 ? left : 0;
}

bool http_skew(const struct http *h, int64_t *ret_seconds)
{
    if (h->has_skew)
        *ret_seconds = h->skew;
    return h->has_skew;
}

const char *http_spoken(const struct http *h)
{
    return h->spoken == CURL_HTTP_VERSION_2_0   ? "HTTP/2"
           : h->spoken == CURL_HTTP_VERSION_1_1 ? "HTTP/1.1"
           : h->spoken == CURL_HTTP_VERSION_1_0 ? "HTTP/1.0"
                                                : NULL;
}

// ---- the answer ----

static int parse_body(struct transfer *t, char *why, size_t why_len)
{
    bool good = t->a.status >= 200 && t->a.status < 300;
    const char *wrong = NULL;

    if (t->len == 0 || t->taken)
        return 0;
    if (!http_is_of_a_type(t))
        wrong = "its type is not JSON";
    else if (good && t->request->values)
        t->a.value = values_read(t->request->values, t->body, t->len, t->request->wanted, &wrong);
    else
        t->a.json = json_value(t->body, t->len, &wrong);
    if (!wrong || !good)
        return 0; // an error's page says nothing that we need
    snprintf(why, why_len, "the answer cannot be taken: %s", wrong);
    return -EBADMSG;
}

static void explain(const struct transfer *t, int r, char *why, size_t why_len)
{
    const char *said = t->said;
    char reason[300];

    switch (r) {
    case -EFBIG:
        if (t->header_bytes > HTTP_HEADER_BYTES_MAX)
            snprintf(reason, sizeof(reason), "the answer has headers of more than %u KiB",
                     HTTP_HEADER_BYTES_MAX >> 10);
        else
            snprintf(reason, sizeof(reason), "the answer is larger than %u MiB",
                     HTTP_BODY_MAX >> 20);
        break;
    case -ENOMEM:
        snprintf(reason, sizeof(reason), "there is no memory");
        break;
    case -EBADMSG:
        snprintf(reason, sizeof(reason), "the answer cannot be taken: %.200s",
                 t->bad_link                         ? "its link to a next page is no address"
                 : t->error == -EBADMSG && !t->taken ? "its type is not JSON"
                                                     : said);
        break;
    case -EPROTO:
        snprintf(reason, sizeof(reason), "TLS: %.250s", said);
        break;
    default:
        snprintf(reason, sizeof(reason), "%.250s", *said ? said : strerror(-r));
    }
    snprintf(why, why_len, "%s", reason);
}

// ---- again ----

static bool is_passing(const struct transfer *t, int r)
{
    if (t->taken)
        return false;
    if (r < 0)
        return t->passing;
    switch (t->a.status) {
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

// What the server asked for, or a growing pause.
static int64_t wait_of(const struct transfer *t, int r, int64_t pause)
{
    const struct http_answer *a = &t->a;
    int64_t s = -1;

    if (r == 0)
        s = http_retry_after(t->retry_after, a->date, a->arrived);
    if (r == 0 && s < 0 && a->status == 429)
        s = http_rate_wait(a->rate_limit, a->rate_remaining, a->rate_reset, a->date, a->arrived);
    return s < 0 ? source_jitter(pause) : s * 1000 + source_jitter(PAUSE_FIRST_MS);
}

// Waits before it is sent again; false where the budget does not last.
static bool may_repeat(struct transfer *t, int r, unsigned *lost, int64_t *pause)
{
    struct http *h = t->h;
    int64_t ms = wait_of(t, r, *pause), now = source_now_ms();

    if (r < 0 && ++*lost > LOST_MAX)
        return false;
    if (now + ms >= h->until) {
        if (r == 0) {
            h->asked_at = now;
            h->asked_ms = ms;
        }
        return false;
    }
    source_pause(ms);
    *pause = *pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : *pause * 2;
    return true;
}

// A token that was refused is renewed once, and a proof once given the nonce that it lacked.
static bool sign_in_again(struct transfer *t, struct auth *auth, bool *renewed, bool *nonced)
{
    if (t->a.nonce)
        auth_nonce(auth, t->request->url, t->a.nonce);
    if (t->a.status != 401 || t->taken)
        return false;
    if (t->a.nonce && t->a.wants_nonce && !*nonced)
        return *nonced = true;
    if (*renewed)
        return false;
    *renewed = true;
    return auth_refused(auth);
}

static int finish(struct transfer *t, int r, struct http_answer *ret, char *why, size_t why_len)
{
    char url[URL_SHOWN], reason[320] = "";

    if (r < 0)
        explain(t, r, reason, sizeof(reason));
    else
        r = parse_body(t, reason, sizeof(reason));
    if (r < 0) {
        snprintf(why, why_len, "%s: %s", http_bare(t->request->url, url, sizeof(url)), reason);
        return r;
    }
    *ret = t->a;
    t->a = (struct http_answer){0};
    return 0;
}

struct attempts {
    bool begun, renewed, nonced;
    int64_t pause;
    unsigned lost;
};

// Has it on its way; an error is said.
static int begin(struct transfer *t, struct auth *auth, struct http_request *q, char *why,
                 size_t why_len)
{
    struct auth_headers ours = {0};
    int r = q->prepare ? q->prepare(q->prepare_ctx, q) : 0;

    t->request = q;
    if (r == 0 && auth) {
        r = auth_headers(auth, t->h,
                         q->method
                             ?: q->body ? "POST"
                                        : "GET",
                         q->url, &ours, why, why_len);
        if (r < 0)
            return r;
    }
    if (r == 0)
        r = http_transfer_begin(t, &ours);
    auth_headers_done(&ours);
    if (r < 0)
        snprintf(why, why_len, "the request cannot be made: %s", strerror(-r));
    return r;
}

// Sends it once, or takes over what was sent ahead; true where it has to be sent again.
static bool attempt(struct http *h, struct auth *auth, const struct http_request *request,
                    struct attempts *n, struct http_answer *ret, int *ret_r, char *why,
                    size_t why_len)
{
    struct http_request copy = *request;
    struct transfer t = {.h = h};
    bool again, ahead = !n->begun && http_ahead_take(h, request, &t);
    int r = ahead ? 0 : begin(&t, auth, &copy, why, why_len);

    n->begun = true;
    if (ahead)
        t.request = &copy;
    *ret_r = r;
    if (r < 0) {
        http_transfer_done(&t);
        return false;
    }
    r = http_transfer_end(&t);
    again = auth && r == 0 && sign_in_again(&t, auth, &n->renewed, &n->nonced);
    if (!again)
        again = is_passing(&t, r) && !(copy.no_5xx_again && r == 0 && t.a.status >= 500) &&
                may_repeat(&t, r, &n->lost, &n->pause);
    if (!again)
        *ret_r = finish(&t, r, ret, why, why_len);
    http_transfer_done(&t);
    return again;
}

bool http_is_ours(const struct http *h, const char *url)
{
    for (size_t i = 0; i < HTTP_ORIGINS_MAX; i++)
        if (h->origin[i] && http_is_of(url, h->origin[i]))
            return true;
    return false;
}

int http_send(struct http *h, struct auth *auth, const struct http_request *request,
              struct http_answer *ret, char *why, size_t why_len)
{
    bool outer = h->until == 0; // a token's request is inside of another
    struct attempts n = {.pause = PAUSE_FIRST_MS};
    char url[URL_SHOWN];
    int r = 0;

    if (!http_is_ours(h, request->url)) {
        snprintf(why, why_len,
                 "%s is of another server than those that were named: it is not asked",
                 http_bare(request->url, url, sizeof(url)));
        return -EXDEV;
    }
    if (outer) {
        h->until = source_now_ms() + (int64_t)(request->budget ?: h->set.budget) * 1000;
        h->asked_ms = 0;
    }
    while (attempt(h, auth, request, &n, ret, &r, why, why_len))
        ;
    if (outer)
        h->until = 0;
    return r;
}
