// SPDX-License-Identifier: BSD-2-Clause
// What http.c decides by the text of a request or an answer alone.
#ifndef ROLLCALL_SOURCES_HTTP_TEXT_H
#define ROLLCALL_SOURCES_HTTP_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Is the URL https, without a user in it, of this origin (https://HOST[:PORT])? Host names
// regardless of case, a port that is not said is 443.
bool http_is_of(const char *url, const char *origin);
// Up to its query or fragment, into `buf`: for messages and a proof's htu. Returns it.
const char *http_bare(const char *url, char *buf, size_t len);
// For the trace: with its query, but for values that grant something or are long.
const char *http_shown(const char *url, char *buf, size_t len);

// The first link of a Link header (RFC 8288) that is rel="next", as it stands there; NULL where
// there is none. The caller frees it.
char *http_link_next(const char *value);
// Seconds to wait by Retry-After (RFC 9110, 10.2.3): a number, or an instant of the server's
// clock, which showed `date` (0: not known, `now` is taken). -1 where it says nothing.
int64_t http_retry_after(const char *value, int64_t date, int64_t now);
// Seconds to wait by X-Rate-Limit-*: until the instant `reset` of the server's clock. -1 where
// they say nothing about this 429: something remains, or (a limit of 0 is Okta's concurrent
// limit) the instant is a guess.
int64_t http_rate_wait(int64_t limit, int64_t remaining, int64_t reset, int64_t date, int64_t now);
// A whole number of a header, or -1.
int64_t http_number(const char *value);
// application/json, or a type that ends in +json.
bool http_is_json(const char *content_type);

#endif
