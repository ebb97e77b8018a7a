// SPDX-License-Identifier: BSD-2-Clause
// One transfer of http.c by libcurl.
#ifndef ROLLCALL_SOURCES_HTTP_TRANSFER_H
#define ROLLCALL_SOURCES_HTTP_TRANSFER_H

#include <curl/curl.h>
#include <pthread.h>

#include "syncd/sources/http.h"
#include "syncd/sources/oauth.h"

#define HTTP_HEADER_BYTES_MAX (256u * 1024)

struct transfer;
struct http_ahead; // http_ahead.c

struct http {
    const char *name;
    char *origin[HTTP_ORIGINS_MAX];
    struct http_settings set; // its files and proxy
    uint64_t sent;
    int64_t until; // of the request that is being sent, or 0
    int64_t asked_at, asked_ms;
    int64_t skew;
    bool has_skew;
    long spoken;
    char *spare; // room of a body, to be used again
    size_t spare_room;
    struct http_ahead *ahead; // the page that is on its way, or NULL

    // What libcurl does is done by a thread (http_worker.c). Who has no transfer in work may touch
    // `easy`; the rest goes by the lock.
    CURLM *multi;
    CURL *easy;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, taken; // for the thread: something to do; room for more of a body
    int told;                   // an eventfd, for whoever waits
    struct transfer *job;
    bool runs, stop, waits;
};

// Of a body that is given away as it comes: what came and what is being taken.
struct part {
    char *bytes;
    size_t len;
};

// One transfer.
struct transfer {
    struct http *h;
    const struct http_request *request;
    struct curl_slist *headers;
    struct http_answer a;
    char *type, *retry_after;
    char *body;
    size_t len, room;           // of it
    size_t header_bytes, bytes; // of headers; of the body as it came
    bool bad_link;              // to a next page, at no address
    bool headers_end;           // the empty line behind them came
    bool taken;                 // the first byte was given away
    int error;                  // of our own, with which the transfer was ended
    bool passing;               // an error that may not be there the next time
    int64_t began, ended;
    struct part part; // by the lock, as `error` and `done` are while the thread has it
    bool done, dropped;
    CURLcode code;
    long verdict, spoken;
    char said[CURL_ERROR_SIZE]; // by libcurl
};

// Sends it once, until h->until: begins it, and waits for its end. Negative errno, with `passing`;
// 0 with t->a, but for its `json`.
int http_transfer_begin(struct transfer *t, const struct auth_headers *ours);
int http_transfer_end(struct transfer *t);
void http_transfer_trace(const struct transfer *t);
void http_transfer_done(struct transfer *t);
bool http_is_of_a_type(const struct transfer *t);
bool http_is_ours(const struct http *h, const char *url); // http.c: of an origin that was named

// The thread: libcurl's functions are called by it, and those of the request by whoever waits.
int http_worker_start(struct http *h); // -ENOMEM, -EAGAIN
void http_worker_stop(struct http *h); // whatever it is at
void http_worker_give(struct transfer *t);
void http_worker_wait(struct transfer *t); // with an ear for the engine
void http_worker_drop(struct transfer *t); // ends it before its time
// More of a body that is given away; false: it is to be ended.
bool http_worker_part(struct transfer *t, const char *bytes, size_t len);

// http_ahead.c: the transfer of this request, where it was sent ahead; its `request` is not set.
bool http_ahead_take(struct http *h, const struct http_request *request, struct transfer *ret);
// Another one wants the connection.
void http_ahead_wait(struct http *h);

#endif
