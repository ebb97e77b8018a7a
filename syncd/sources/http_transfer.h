// SPDX-License-Identifier: BSD-2-Clause
// One transfer of http.c by libcurl.
#ifndef ROLLCALL_SOURCES_HTTP_TRANSFER_H
#define ROLLCALL_SOURCES_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "syncd/sources/http.h"
#include "syncd/sources/oauth.h"

#define HTTP_HEADER_BYTES_MAX (256u * 1024)

struct http {
    const char *name;
    char *origin[HTTP_ORIGINS_MAX];
    struct http_settings set; // its files and proxy
    CURLM *multi;
    CURL *easy;
    uint64_t sent;
    int64_t until; // of the request that is being sent, or 0
    int64_t asked_at, asked_ms;
    int64_t skew;
    bool has_skew;
    long spoken;
    char said[CURL_ERROR_SIZE]; // by libcurl
    char *body;                 // of the last transfer; its room is used again
    size_t room;
};

// One transfer.
struct transfer {
    struct http *h;
    const struct http_request *request;
    struct http_answer a;
    char *type, *retry_after;
    size_t len, header_bytes, bytes; // of h->body; of headers; of the body as it came
    bool bad_link;                   // to a next page, at no address
    bool headers_end;                // the empty line behind them came
    bool taken;                      // the first byte was given away
    int error;                       // of our own, with which the transfer was ended
    bool passing;                    // an error that may not be there the next time
};

// Sends it once, until h->until. Negative errno, with `passing`; 0 with t->a, but for its `json`.
int http_transfer(struct transfer *t, const struct auth_headers *ours);
void http_transfer_done(struct transfer *t);
bool http_is_of_a_type(const struct transfer *t);

#endif
