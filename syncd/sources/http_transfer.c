// SPDX-License-Identifier: BSD-2-Clause
// One transfer: what libcurl is told, and what it hands over.
#include "syncd/sources/http_transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "rollcall/erasing.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/wait.h"

#define HEADER_MAX (16 * 1024) // of one that is looked at
#define SLOWEST    64          // bytes a second of a body that is taken as it comes
#define URL_SHOWN  400

void http_transfer_done(struct transfer *t)
{
    http_answer_done(&t->a);
    if (t->body && t->len > 0)
        explicit_bzero(t->body, t->len); // a token's answer is one too
    if (t->h->spare) {
        erasing_free(t->body);
    } else {
        t->h->spare = t->body;
        t->h->spare_room = t->room;
    }
    erasing_free(t->part.bytes);
    curl_slist_free_all(t->headers);
    free(t->type);
    free(t->retry_after);
    t->body = t->type = t->retry_after = t->part.bytes = NULL;
    t->headers = NULL;
}

void http_answer_done(struct http_answer *a)
{
    json_decref(a->json);
    free(a->next);
    free(a->etag);
    free(a->modified);
    free(a->location);
    free(a->nonce);
    *a = (struct http_answer){0};
}

// ---- what comes ----

static void keep(char **to, const char *value)
{
    if (!*to)
        *to = strdup(value);
}

static void keep_header(struct transfer *t, const char *name, const char *value)
{
    struct http_answer *a = &t->a;
    char *link;

    if (strcasecmp(name, "Link") == 0 && !a->next && (link = http_link_next(value))) {
        a->next = http_resolve(t->request->url, link);
        t->bad_link = !a->next; // with none, the list would end here
        free(link);
    } else if (strcasecmp(name, "ETag") == 0) {
        keep(&a->etag, value);
    } else if (strcasecmp(name, "Last-Modified") == 0) {
        keep(&a->modified, value);
    } else if (strcasecmp(name, "Location") == 0) {
        keep(&a->location, value);
    } else if (strcasecmp(name, "DPoP-Nonce") == 0) {
        keep(&a->nonce, value);
    } else if (strcasecmp(name, "WWW-Authenticate") == 0) {
        a->wants_nonce = a->wants_nonce || strstr(value, "use_dpop_nonce");
    } else if (strcasecmp(name, "Content-Type") == 0) {
        keep(&t->type, value);
    } else if (strcasecmp(name, "Retry-After") == 0) {
        keep(&t->retry_after, value);
    } else if (strcasecmp(name, "Date") == 0) {
        a->date = (int64_t)curl_getdate(value, NULL);
        a->date = a->date < 0 ? 0 : a->date;
    } else if (strcasecmp(name, "X-Rate-Limit-Limit") == 0) {
        a->rate_limit = http_number(value);
    } else if (strcasecmp(name, "X-Rate-Limit-Remaining") == 0) {
        a->rate_remaining = http_number(value);
    } else if (strcasecmp(name, "X-Rate-Limit-Reset") == 0) {
        a->rate_reset = http_number(value);
    }
}

// What an answer before the last one (of 1xx) said does not count.
static void begin_headers(struct transfer *t)
{
    http_answer_done(&t->a);
    free(t->type);
    free(t->retry_after);
    t->headers_end = false;
    t->type = t->retry_after = NULL;
    t->a.rate_limit = t->a.rate_remaining = t->a.rate_reset = -1;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t len = size * n;
    char line[HEADER_MAX], *value;

    if (t->bytes > 0) // what comes behind the body is for nobody
        return len;
    t->header_bytes += len;
    if (t->header_bytes > HTTP_HEADER_BYTES_MAX) {
        t->error = -EFBIG;
        return 0;
    }
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        begin_headers(t);
    if (len >= sizeof(line) || memchr(bytes, 0, len))
        return len;
    memcpy(line, bytes, len);
    while (len > 0 && strchr("\r\n \t", line[len - 1]))
        len--;
    line[len] = 0;
    t->headers_end = t->headers_end || len == 0;
    value = strchr(line, ':');
    if (value) {
        *value++ = 0;
        keep_header(t, line, value + strspn(value, " \t"));
    }
    if (t->bad_link) {
        t->error = -EBADMSG;
        return 0;
    }
    return size * n;
}

static long status_of(const struct http *h)
{
    long status = 0;

    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool make_room(struct transfer *t, size_t more)
{
    size_t room = t->room ? t->room : 64 * 1024;
    char *p;

    while (room < t->len + more)
        room *= 2;
    if (room == t->room)
        return true;
    p = erasing_realloc(t->body, room);
    if (!p)
        return false;
    t->body = p;
    t->room = room;
    return true;
}

bool http_is_of_a_type(const struct transfer *t)
{
    return t->request->any_type || http_is_json(t->type);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t len = size * n;
    long status = status_of(t->h);

    t->bytes += len;
    if (t->request->take && status >= 200 && status < 300) {
        if (!t->taken && !http_is_of_a_type(t)) {
            t->error = -EBADMSG;
            return 0;
        }
        t->taken = true;
        return http_worker_part(t, bytes, len) ? len : 0;
    }
    if (t->len + len > HTTP_BODY_MAX)
        t->error = -EFBIG;
    else if (!make_room(t, len))
        t->error = -ENOMEM;
    if (t->error < 0)
        return 0;
    memcpy(t->body + t->len, bytes, len);
    t->len += len;
    return len;
}

// ---- one transfer ----

// What no request may have otherwise.
static void set_always(struct transfer *t)
{
    const struct http *h = t->h;
    CURL *c = h->easy;

    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->said);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (h->set.ca_file) { // and no other
        curl_easy_setopt(c, CURLOPT_CAINFO, h->set.ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (h->set.cert_file) {
        curl_easy_setopt(c, CURLOPT_SSLCERT, h->set.cert_file);
        curl_easy_setopt(c, CURLOPT_SSLKEY, h->set.key_file);
    }
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(c, CURLOPT_PROXY, h->set.proxy ? h->set.proxy : "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "");
    curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); // not to the proxy
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "rollcall/" ROLLCALL_VERSION);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 128L * 1024);
}

static void set_times(struct http *h, const struct http_request *q)
{
    int64_t left = h->until - source_now_ms();
    CURL *c = h->easy;

    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)h->set.timeout);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)h->set.timeout);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, q->take ? (long)SLOWEST : 1L);
    if (!q->take)
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
}

static void set_request(struct transfer *t)
{
    const struct http_request *q = t->request;
    CURL *c = t->h->easy;

    curl_easy_setopt(c, CURLOPT_URL, q->url);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (q->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
    }
    if (q->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
}

static int add(struct curl_slist **list, const char *name, const char *value)
{
    _cleanup_erase_ char *line = NULL;
    struct curl_slist *more;

    if (!value)
        return 0;
    if (strpbrk(value, "\r\n"))
        return -EINVAL;
    if (asprintf(&line, "%s: %s", name, value) < 0) {
        line = NULL;
        return -ENOMEM;
    }
    more = curl_slist_append(*list, line);
    if (!more)
        return -ENOMEM;
    *list = more;
    return 0;
}

static int make_headers(const struct http_request *q, const struct auth_headers *ours,
                        struct curl_slist **ret)
{
    int r = add(ret, "Accept", q->accept ? q->accept : "application/json");

    for (size_t i = 0; r == 0 && i < q->n_headers; i++)
        r = add(ret, q->header[i].name, q->header[i].value);
    if (r == 0)
        r = add(ret, "Content-Type", q->content_type);
    if (r == 0)
        r = add(ret, "If-None-Match", q->etag);
    if (r == 0)
        r = add(ret, "If-Modified-Since", q->modified);
    if (r == 0)
        r = add(ret, "Authorization", ours->authorization);
    if (r == 0)
        r = add(ret, "DPoP", ours->dpop);
    return r;
}

static int error_of(struct transfer *t)
{
    t->passing = true;
    switch (t->code) {
    case CURLE_OK:
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return -EBADMSG;
    case CURLE_SSL_CONNECT_ERROR:
        t->passing = t->verdict == 0; // else it is the certificate, whose signature is wrong
        return -EPROTO;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return -ECONNREFUSED;
    default:
        break;
    }
    t->passing = false;
    switch (t->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_USE_SSL_FAILED:
        return -EPROTO;
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
        return -EBADMSG;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    default:
        return -ECONNREFUSED;
    }
}

void http_transfer_trace(const struct transfer *t)
{
    const struct http_request *q = t->request;
    char url[URL_SHOWN];

    if (!t->h->set.trace)
        return;
    fprintf(t->h->set.trace, "%s %s: ",
            q->method ? q->method
            : q->body ? "POST"
                      : "GET",
            http_shown(q->url, url, sizeof(url)));
    if (t->a.status)
        fprintf(t->h->set.trace, "%d, %zu bytes, %" PRId64 " ms\n", t->a.status, t->bytes,
                t->ended - t->began);
    else
        fprintf(t->h->set.trace, "no answer after %" PRId64 " ms: %.200s\n", t->ended - t->began,
                t->dropped ? "given up" : t->said);
    fflush(t->h->set.trace);
}

int http_transfer_begin(struct transfer *t, const struct auth_headers *ours)
{
    struct http *h = t->h;
    int r = make_headers(t->request, ours, &t->headers);

    if (r < 0)
        return r;
    http_ahead_wait(h);
    t->body = h->spare;
    t->room = h->spare_room;
    h->spare = NULL;
    h->spare_room = 0;
    t->began = source_now_ms();
    curl_easy_reset(h->easy);
    set_always(t);
    set_times(h, t->request);
    set_request(t);
    curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, t->headers);
    h->sent++;
    http_worker_give(t);
    return 0;
}

int http_transfer_end(struct transfer *t)
{
    struct http *h = t->h;
    int r;

    http_worker_wait(t);
    if (t->refused < 0)
        t->error = t->refused;
    r = error_of(t);
    if (r == 0 && !t->headers_end) { // to libcurl it is an answer without a body
        snprintf(t->said, sizeof(t->said), "the connection ended among the headers");
        r = -EBADMSG;
    }
    if (t->a.date > 0) {
        h->skew = t->a.date - t->a.arrived;
        h->has_skew = true;
    }
    if (t->a.status)
        h->spoken = t->spoken;
    http_transfer_trace(t);
    if (t->error < 0) {
        t->passing = false;
        r = t->error;
    }
    return r;
}
