// SPDX-License-Identifier: BSD-2-Clause
// HTTPS for sources that read an API: libcurl, with what each of them needs. Certificates and
// names are verified and nothing turns that off; HTTP/2 where the server has it; one
// connection, used again; gzip; a proxy. No redirect is followed: an answer of 3xx is an answer.
// Credentials go to the origins that were named at the start and nowhere else.
#ifndef ROLLCALL_SOURCES_HTTP_H
#define ROLLCALL_SOURCES_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rollcall/json_value.h"

#define HTTP_BODY_MAX    (32u * 1024 * 1024)  // of an answer that is held whole
#define HTTP_VALUES_MAX  (192u * 1024 * 1024) // a room for what such an answer has
#define HTTP_DEPTH_MAX   JSON_VALUE_DEPTH_MAX // levels of an answer's JSON
#define HTTP_HEADERS_MAX 8                    // of a request
#define HTTP_ORIGINS_MAX 4
#define HTTP_WHY_MAX     600

struct http_settings {
    const char *name;                     // of the source's section, for messages
    const char *origin[HTTP_ORIGINS_MAX]; // https://HOST[:PORT], or NULL
    const char *ca_file;                  // PEM by path (/proc/self/fd/N), or NULL: the system's
    const char *cert_file, *key_file;     // our own certificate for TLS, or NULL
    const char *proxy;                    // http://HOST:PORT, or NULL: none. No environment counts
    unsigned timeout;                     // seconds: to connect, and without a byte
    unsigned budget;                      // seconds: of one request with all that it is repeated
    FILE *trace;                          // each request and answer, secrets left out; or NULL
};

struct http;
struct auth; // oauth.h

// -EINVAL with a sentence, -ENOMEM.
int http_open(const struct http_settings *settings, struct http **ret, char *why, size_t why_len);
struct http *http_close(struct http *h); // NULL

struct http_header {
    const char *name, *value;
};

struct http_answer;
struct value;
struct values;
struct http_request {
    const char *method; // NULL: GET
    const char *url;    // absolute, of one of the origins
    const char *accept; // NULL: application/json
    struct http_header header[HTTP_HEADERS_MAX];
    size_t n_headers;
    const char *body, *content_type; // or NULL
    const char *etag;                // asked with If-None-Match; 304 is an answer then
    const char *modified;            // the same with If-Modified-Since
    bool any_type;                   // the answer's Content-Type need not be JSON
    // A room for the body of an answer of 2xx, as `value` in place of `json`: for pages of people.
    // Empty it when the page is done.
    struct values *values;
    // With `values`: names, NULL behind the last, that are looked at in the elements of a list.
    // What has another name is read as JSON and not kept, see values_read(). NULL: all.
    const char *const *wanted;
    bool no_5xx_again; // an answer of 5xx is final
    unsigned budget;   // seconds, in place of the settings'; 0: those
    // Takes the body of an answer of 2xx as it comes, of any length, in place of `json`; an
    // error ends the request with it. Such a request is repeated only before its first byte,
    // which is when `head`, or NULL, is told what the headers said.
    int (*take)(void *ctx, const char *bytes, size_t len);
    void (*head)(void *ctx, const struct http_answer *headers);
    void *ctx;
    // Called before each time that it is sent, with a copy to fill in: what is good once (an
    // assertion, a proof) is made anew. An error ends the request with it. Or NULL.
    int (*prepare)(void *ctx, struct http_request *copy);
    void *prepare_ctx;
};

struct http_answer {
    int status;
    json_t *json; // the body, where it is JSON; of errors too
    const struct value
        *value;       // the body in the request's `values`, as long as these are not emptied
    char *next;       // Link: rel="next" (RFC 8288), made absolute; or NULL
    char *etag;       // or NULL
    char *modified;   // Last-Modified, or NULL
    char *location;   // or NULL
    char *nonce;      // DPoP-Nonce (RFC 9449, 8), or NULL
    bool wants_nonce; // it was refused for the lack of that
    int64_t date;     // the server's clock (seconds), or 0
    int64_t arrived;  // ours, when it came: their difference is the skew
    int64_t rate_limit, rate_remaining, rate_reset; // X-Rate-Limit-*, or -1. Reset is an instant
};

// 0 with what the server finally answered, whatever its status, but for those that are repeated
// in here: 429 (after Retry-After, X-Rate-Limit-Reset or a growing pause), 500, 502, 503, 504,
// a lost or silent connection; and 401 once, with a new token. When the budget is used up, the
// last of these is the answer. Errors, with a sentence in `why` that names the URL without its
// query:
//   -EXDEV    the URL is of no origin of ours        -ECONNREFUSED  no connection
//   -EACCES   we were given no token                 -ETIMEDOUT     silence, or the budget
//   -EPROTO   TLS: a certificate that is not good    -EAGAIN        no token now: 429, 5xx
//   -EBADMSG  no JSON, duplicate members, a NUL, too deep, cut short, of a wrong type
//   -EFBIG    larger than HTTP_BODY_MAX              -ENOMEM
// and whatever `take` returned.
// Ends the program when the engine closes our standard input while it waits.
int http_send(struct http *h, struct auth *auth, const struct http_request *request,
              struct http_answer *ret, char *why, size_t why_len);
void http_answer_done(struct http_answer *a);

// Has a GET that will be asked for next on its way while something else is done, which is where
// the time of a list of many pages goes: the next http_send of the same address, etag and headers
// takes it over as its first try, and repeats it as it would have. At most one is on its way, and
// its answer is held whole (so it has no `take`, `prepare` or body); another request waits for its
// end and leaves it there. Whoever goes by a rate limit looks at that first. An error, and nothing
// is on its way: http_send will say why.
int http_ahead(struct http *h, struct auth *auth, const struct http_request *request);
// Nobody will ask for it: at the end of a listing, for its answer is as old as that.
void http_ahead_drop(struct http *h);

// How many requests were sent, repeated ones too: for `figure:` lines and tests.
uint64_t http_sent(const struct http *h);

// Milliseconds for which the last 429 asked us to stay away, where that was more than the budget
// had left; else 0.
int64_t http_asked_ms(const struct http *h);
// The server's clock less ours in seconds, as of the last answer with a Date. False: none came.
bool http_skew(const struct http *h, int64_t *ret_seconds);
// How the last answer came: "HTTP/2", "HTTP/1.1"; NULL: none came yet.
const char *http_spoken(const struct http *h);

// A URL of query parameters, each name and value escaped: "base?name=value&...". The caller
// frees it. Pairs end with NULL.
char *http_url(const char *base, ...) __attribute__((sentinel));
// The URL that a link in an answer to `url` means (RFC 3986); NULL where it is none. The caller
// frees it.
char *http_resolve(const char *url, const char *link);

#endif
