// SPDX-License-Identifier: BSD-2-Clause
// JSON (RFC 8259), read by libyajl as it comes, in pieces of any size: what is said of it are the
// steps of a walk through it. Nothing is built, and no more than one text or number is held.
// Strict: what libyajl bears and RFC 8259 does not have ends the reading, or is told with the text
// that has it. Pure.
#ifndef ROLLCALL_JSON_SCAN_H
#define ROLLCALL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_SCAN_DEPTH_MAX 64            // levels; whoever takes it may bear fewer
#define JSON_SCAN_TEXT_MAX  (1024 * 1024) // bytes of one text or number as it stands there

// What is in a text or name that is JSON and still cannot be meant.
#define JSON_HAS_NUL  1u // "\u0000"
#define JSON_HAS_HALF 2u // half of a surrogate pair of \u escapes; a question mark stands for it
#define JSON_NOT_UTF8 4u // longer than need be, a surrogate, or beyond U+10FFFF
const char *json_scan_has(unsigned has); // in words, for whoever refuses it

// Each answers 0, or a negative errno that ends the reading. `bytes` are good until it returns and
// have no NUL behind them.
struct json_take {
    int (*word)(void *ctx, char first); // null, true, false
    int (*number)(void *ctx, const char *bytes, size_t len);
    int (*text)(void *ctx, const char *bytes, size_t len, unsigned has);
    int (*name)(void *ctx, const char *bytes, size_t len, unsigned has); // of the next value
    int (*opens)(void *ctx, bool list);
    int (*closes)(void *ctx);
};

struct json_scan;

struct json_scan *json_scan_new(const struct json_take *take, void *ctx); // NULL: no memory
void json_scan_free(struct json_scan *s);                                 // erases what it holds

// The next bytes. 0; what a function of `take` answered; -EBADMSG: it is no JSON, or has a longer
// text than JSON_SCAN_TEXT_MAX; -ENOMEM. Once it failed it stays so.
int json_scan_feed(struct json_scan *s, const char *bytes, size_t len);
// There are no more. The same errors: the document has to be whole.
int json_scan_end(struct json_scan *s);
// All of it at once, where nothing came before: nothing is held, then.
int json_scan_whole(struct json_scan *s, const char *bytes, size_t len);
// What is wrong with it, in words; "" where nothing is, or `take` ended it.
const char *json_scan_why(const struct json_scan *s);

#endif
