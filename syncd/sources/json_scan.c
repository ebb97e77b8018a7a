// SPDX-License-Identifier: BSD-2-Clause
// libyajl, with what it lets through and JSON does not have looked for before it has the bytes.
#include "syncd/sources/json_scan.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "syncd/sources/erasing.h"
#include "syncd/sources/json_guard.h"
#include "syncd/sources/json_text.h"

#define SLICE ((size_t)16 * 1024)

struct json_scan {
    const struct json_take *take;
    void *ctx;
    yajl_handle parser;
    struct json_guard guard;
    bool half;     // the text in work has half of a pair of escapes
    size_t silent; // bytes since the parser said something: it holds a token whole
    unsigned depth;
    bool over; // the document is, behind `end` bytes of this slice
    size_t end;
    bool ended;
    int error;
    const char *why;
};

static int broken(struct json_scan *s, const char *why)
{
    s->why = why;
    return -EBADMSG;
}

// libyajl goes on where it is told 1.
static int said(struct json_scan *s, int r)
{
    s->silent = 0;
    if (r < 0)
        s->error = r;
    return r == 0;
}

static unsigned what_it_has(struct json_scan *s, const char *text, size_t len)
{
    unsigned has = s->half ? JSON_HAS_HALF : 0;
    json_t *taken;

    s->half = false;
    if (memchr(text, 0, len))
        has |= JSON_HAS_NUL;
    if (json_text_ascii(text, len))
        return has;
    taken = json_stringn(text, len); // libyajl lets through what is too long or a surrogate
    if (!taken)
        has |= JSON_NOT_UTF8;
    json_decref(taken);
    return has;
}

static int on_null(void *ctx)
{
    struct json_scan *s = ctx;

    return said(s, s->take->word(s->ctx, 'n'));
}

static int on_boolean(void *ctx, int on)
{
    struct json_scan *s = ctx;

    return said(s, s->take->word(s->ctx, on ? 't' : 'f'));
}

static int on_number(void *ctx, const char *bytes, size_t len)
{
    struct json_scan *s = ctx;

    return said(s, s->take->number(s->ctx, bytes, len));
}

static int on_text(void *ctx, const unsigned char *bytes, size_t len)
{
    struct json_scan *s = ctx;
    const char *text = (const char *)bytes;

    return said(s, s->take->text(s->ctx, text, len, what_it_has(s, text, len)));
}

static int on_name(void *ctx, const unsigned char *bytes, size_t len)
{
    struct json_scan *s = ctx;
    const char *text = (const char *)bytes;

    return said(s, s->take->name(s->ctx, text, len, what_it_has(s, text, len)));
}

static int opens(struct json_scan *s, bool list)
{
    if (s->depth++ == JSON_SCAN_DEPTH_MAX)
        return said(s, broken(s, "it is nested too deeply"));
    return said(s, s->take->opens(s->ctx, list));
}

static int on_object(void *ctx)
{
    return opens(ctx, false);
}

static int on_list(void *ctx)
{
    return opens(ctx, true);
}

static int on_end(void *ctx)
{
    struct json_scan *s = ctx;

    if (--s->depth == 0) {
        s->over = true;
        s->end = yajl_get_bytes_consumed(s->parser);
    }
    return said(s, s->take->closes(s->ctx));
}

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *reallocate(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return erasing_realloc(p, size);
}

static void release(void *ctx, void *p)
{
    (void)ctx;
    erasing_free(p);
}

struct json_scan *json_scan_new(const struct json_take *take, void *ctx)
{
    static const yajl_callbacks steps = {.yajl_null = on_null,
                                         .yajl_boolean = on_boolean,
                                         .yajl_number = on_number,
                                         .yajl_string = on_text,
                                         .yajl_map_key = on_name,
                                         .yajl_start_map = on_object,
                                         .yajl_end_map = on_end,
                                         .yajl_start_array = on_list,
                                         .yajl_end_array = on_end};
    yajl_alloc_funcs memory = {.malloc = allocate, .realloc = reallocate, .free = release};
    struct json_scan *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->take = take;
    s->ctx = ctx;
    s->why = "";
    s->parser = yajl_alloc(&steps, &memory, s);
    if (s->parser)
        return s;
    free(s);
    return NULL;
}

void json_scan_free(struct json_scan *s)
{
    if (!s)
        return;
    yajl_free(s->parser);
    free(s);
}

const char *json_scan_why(const struct json_scan *s)
{
    return s->why;
}

static int judge(struct json_scan *s, yajl_status status)
{
    unsigned char *words;

    if (status == yajl_status_ok || s->error < 0)
        return s->error;
    words = yajl_get_error(s->parser, 0, NULL, 0);
    s->why = words && strstr((char *)words, "premature") ? "it is no JSON: it is cut short"
             : words && strstr((char *)words, "UTF8")    ? "it is no JSON: it is not UTF-8"
                                                         : "it is no JSON";
    yajl_free_error(s->parser, words);
    return -EBADMSG;
}

static void parse(struct json_scan *s, const char *bytes, size_t len)
{
    s->end = 0;
    s->silent += len;
    if (s->silent > JSON_SCAN_TEXT_MAX + SLICE)
        s->error = broken(s, "one text in it is longer than 1 MiB");
    else if (json_has_odd_space(bytes, len))
        s->error = broken(s, "it is no JSON: it has a form feed or a vertical tab");
    else
        s->error = judge(s, yajl_parse(s->parser, (const unsigned char *)bytes, len));
    if (s->over && s->error == 0 && !json_is_blank(bytes + s->end, len - s->end))
        s->error = broken(s, "it is no JSON: something stands behind its end");
}

int json_scan_feed(struct json_scan *s, const char *bytes, size_t len)
{
    if (s->ended && s->error == 0)
        s->error = broken(s, "it is no JSON: something stands behind its end");
    while (len > 0 && s->error == 0) {
        size_t n = len < SLICE ? len : SLICE, good = json_guard_pairs(&s->guard, bytes, n);
        if (good > 0)
            parse(s, bytes, good);
        if (good < n) { // where the text in work still goes on
            s->half = true;
            n = good + 1;
            if (s->error == 0)
                parse(s, bytes + good, 1);
        }
        bytes += n;
        len -= n;
    }
    return s->error;
}

int json_scan_end(struct json_scan *s)
{
    if (s->error == 0 && !s->ended) {
        s->ended = true;
        s->error = judge(s, yajl_complete_parse(s->parser));
        if (s->error == 0 && !s->over)
            s->error = broken(s, "it is no JSON: it is cut short");
    }
    return s->error;
}
