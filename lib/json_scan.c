// SPDX-License-Identifier: BSD-2-Clause
// The walk is libyajl's. What it lets through and JSON does not is looked for beside it.
#include "rollcall/json_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "rollcall/json_writer.h"
#include "rollcall/erasing.h"
#include "rollcall/json_guard.h"

#define SLICE  ((size_t)32 * 1024) // bytes that libyajl gets at once
#define LITTLE ((size_t)4 * 1024)  // and fewer are held until there are more

struct json_scan {
    const struct json_take *take;
    void *ctx;
    yajl_handle parser;
    struct json_guard guard;
    bool half; // the text in work has half of a pair
    unsigned depth;
    size_t silent; // bytes since a step was taken: no more than one text is held
    char *held;    // bytes that are not read yet
    size_t n, room;
    size_t end; // of the slice in work, where the document ended in it
    bool over;  // the outermost object or list is closed
    bool ended;
    int error;
    const char *why;
};

// ---- steps; 0 ends the reading ----

static int broken(struct json_scan *s, const char *why)
{
    if (s->error == 0) {
        s->error = -EBADMSG;
        s->why = why;
    }
    return 0;
}

static int taken(struct json_scan *s, int r)
{
    s->silent = 0;
    if (r < 0)
        s->error = r;
    return r == 0;
}

static int value(struct json_scan *s)
{
    return s->depth > 0 || broken(s, "it is no JSON: it is neither an object nor a list");
}

static int on_null(void *ctx)
{
    struct json_scan *s = ctx;

    return value(s) && taken(s, s->take->word(s->ctx, 'n'));
}

static int on_boolean(void *ctx, int on)
{
    struct json_scan *s = ctx;

    return value(s) && taken(s, s->take->word(s->ctx, on ? 't' : 'f'));
}

static int on_number(void *ctx, const char *bytes, size_t len)
{
    struct json_scan *s = ctx;

    return value(s) && taken(s, s->take->number(s->ctx, bytes, len));
}

static unsigned what_it_has(struct json_scan *s, const char *bytes, size_t len)
{
    unsigned has = s->half ? JSON_HAS_HALF : 0;

    s->half = false;
    if (memchr(bytes, 0, len))
        has |= JSON_HAS_NUL;
    // libyajl takes what is longer than need be, and surrogates, for UTF-8.
    return json_is_text(bytes, len) ? has : has | JSON_NOT_UTF8;
}

const char *json_scan_has(unsigned has)
{
    return has & JSON_HAS_NUL    ? "it has a NUL in a string"
           : has & JSON_HAS_HALF ? "it has half of a surrogate pair in a string"
                                 : "it is not UTF-8";
}

static int on_text(void *ctx, const unsigned char *bytes, size_t len)
{
    struct json_scan *s = ctx;
    const char *text = (const char *)bytes;

    return value(s) && taken(s, s->take->text(s->ctx, text, len, what_it_has(s, text, len)));
}

static int on_name(void *ctx, const unsigned char *bytes, size_t len)
{
    struct json_scan *s = ctx;
    const char *name = (const char *)bytes;

    return taken(s, s->take->name(s->ctx, name, len, what_it_has(s, name, len)));
}

static int opens(struct json_scan *s, bool list)
{
    if (s->depth == JSON_SCAN_DEPTH_MAX)
        return broken(s, "it is nested too deeply");
    s->depth++;
    return taken(s, s->take->opens(s->ctx, list));
}

static int on_object(void *ctx)
{
    return opens(ctx, false);
}

static int on_list(void *ctx)
{
    return opens(ctx, true);
}

static int on_close(void *ctx)
{
    struct json_scan *s = ctx;

    if (--s->depth == 0) {
        s->over = true;
        s->end = yajl_get_bytes_consumed(s->parser);
    }
    return taken(s, s->take->closes(s->ctx));
}

// ---- memory, which held what was read ----

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
                                         .yajl_end_map = on_close,
                                         .yajl_start_array = on_list,
                                         .yajl_end_array = on_close};
    yajl_alloc_funcs memory = {.malloc = allocate, .realloc = reallocate, .free = release};
    struct json_scan *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->take = take;
    s->ctx = ctx;
    s->why = "";
    s->parser = yajl_alloc(&steps, &memory, s);
    if (!s->parser) {
        free(s);
        return NULL;
    }
    return s;
}

void json_scan_free(struct json_scan *s)
{
    if (!s)
        return;
    yajl_free(s->parser);
    erasing_free(s->held);
    free(s);
}

const char *json_scan_why(const struct json_scan *s)
{
    return s->why;
}

// ---- pieces ----

// What libyajl says of it, in words that quote nothing.
static const char *what_is_wrong(struct json_scan *s)
{
    static const struct {
        const char *of, *why;
    } known[] = {{"premature", "it is no JSON: it is cut short"},
                 {"UTF8", "it is no JSON: it is not UTF-8"},
                 {"trailing", "it is no JSON: something stands behind its end"},
                 {"inside string", "it is no JSON: a text has an escape that is none, or a control "
                                   "character"}};
    unsigned char *said = yajl_get_error(s->parser, 0, NULL, 0);
    const char *why = "it is no JSON";

    for (size_t i = 0; said && i < sizeof(known) / sizeof(known[0]); i++)
        if (strstr((const char *)said, known[i].of))
            why = known[i].why;
    yajl_free_error(s->parser, said);
    return why;
}

static void parse(struct json_scan *s, const char *bytes, size_t len)
{
    s->end = 0;
    s->silent += len;
    if (json_has_odd_space(bytes, len))
        broken(s, "it is no JSON: it has a form feed or a vertical tab");
    else if (s->silent > JSON_SCAN_TEXT_MAX + SLICE)
        broken(s, "one text in it is longer than 1 MiB");
    else if (yajl_parse(s->parser, (const unsigned char *)bytes, len) != yajl_status_ok)
        broken(s, s->error ? "" : what_is_wrong(s));
    if (s->over && s->error == 0 && !json_is_blank(bytes + s->end, len - s->end))
        broken(s, "it is no JSON: something stands behind its end");
}

static void read_on(struct json_scan *s, const char *bytes, size_t len)
{
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
}

// What is held is read when there is enough of it: libyajl looks at a text that is not whole from
// its beginning each time, and the bytes may come one by one.
static size_t enough(const struct json_scan *s)
{
    return LITTLE + s->silent / 2;
}

static void read_held(struct json_scan *s)
{
    size_t n = s->n;

    s->n = 0;
    read_on(s, s->held, n);
}

static size_t hold(struct json_scan *s, const char *bytes, size_t len)
{
    size_t want = enough(s), n = want - s->n < len ? want - s->n : len;

    if (s->room < want) {
        char *more = erasing_realloc(s->held, want);
        if (!more) {
            s->error = -ENOMEM;
            return 0;
        }
        s->held = more;
        s->room = want;
    }
    memcpy(s->held + s->n, bytes, n);
    s->n += n;
    return n;
}

int json_scan_feed(struct json_scan *s, const char *bytes, size_t len)
{
    if (s->ended && len > 0)
        broken(s, "it is no JSON: something stands behind its end");
    while (len > 0 && s->error == 0) {
        size_t n = len;
        if (s->n > 0 || len < enough(s))
            n = hold(s, bytes, len);
        else
            read_on(s, bytes, len);
        if (s->error == 0 && s->n >= enough(s))
            read_held(s);
        bytes += n;
        len -= n;
    }
    return s->error;
}

int json_scan_end(struct json_scan *s)
{
    if (s->error == 0 && !s->ended) {
        s->ended = true;
        read_held(s);
        if (s->error < 0)
            return s->error;
        if (yajl_complete_parse(s->parser) != yajl_status_ok)
            broken(s, what_is_wrong(s));
        else if (!s->over)
            broken(s, "it is no JSON: it is cut short");
    }
    return s->error;
}

int json_scan_whole(struct json_scan *s, const char *bytes, size_t len)
{
    read_on(s, bytes, len);
    return json_scan_end(s);
}
