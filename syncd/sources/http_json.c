// SPDX-License-Identifier: BSD-2-Clause
// A body's JSON as jansson's values, read by yajl: three times as fast as jansson reads, which was
// half of a source's time, and the depth is bounded while it is read.
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "syncd/sources/erasing.h"
#include "syncd/sources/http.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/json_guard.h"
#include "syncd/sources/json_text.h"

#define NAME_MAX_JSON 1024 // bytes of a member's name

struct building {
    json_t *in[HTTP_DEPTH_MAX]; // what is open; each is held by the one before
    int depth;
    char name[NAME_MAX_JSON]; // of the member whose value comes next
    json_t *root;
    const char *const *wanted; // or NULL
    bool skip;                 // inside of a member that nobody wants
    yajl_handle parser;
    size_t end; // behind it
    const char *wrong;
};

static int refuse(struct building *b, const char *wrong)
{
    b->wrong = wrong;
    return 0; // ends the reading
}

// Of an element of a list.
static bool is_wanted(const struct building *b)
{
    if (!b->wanted || b->depth != 2 || !json_is_array(b->in[0]))
        return true;
    for (size_t i = 0; b->wanted[i]; i++)
        if (strcmp(b->wanted[i], b->name) == 0)
            return true;
    return false;
}

// Takes the reference.
static int put(struct building *b, json_t *value)
{
    json_t *in = b->depth > 0 ? b->in[b->depth - 1] : NULL;
    size_t had = json_object_size(in);

    if (!value)
        return refuse(b, "there is no memory");
    if (b->skip) {
        json_decref(value);
        return 1;
    }
    if (!in) {
        b->root = value;
        return json_is_object(value) || json_is_array(value) ? 1 : refuse(b, "it is no JSON");
    }
    if (json_is_array(in))
        return json_array_append_new(in, value) == 0 ? 1 : refuse(b, "there is no memory");
    if (json_text_put(in, b->name, value) < 0)
        return refuse(b, "it is not UTF-8"); // yajl lets through what is too long or a surrogate
    return json_object_size(in) > had ? 1 : refuse(b, "it has a member twice");
}

static int enter(struct building *b, json_t *value)
{
    if (b->depth == HTTP_DEPTH_MAX) {
        json_decref(value);
        return refuse(b, "it is nested too deeply");
    }
    if (!put(b, value))
        return 0;
    b->in[b->depth++] = b->skip ? NULL : value;
    return 1;
}

static int take_null(void *ctx)
{
    return put(ctx, json_null());
}

static int take_boolean(void *ctx, int value)
{
    return put(ctx, json_boolean(value));
}

static int take_integer(void *ctx, long long value)
{
    return put(ctx, json_integer(value));
}

static int take_real(void *ctx, double value)
{
    return put(ctx, json_real(value));
}

static int take_string(void *ctx, const unsigned char *text, size_t len)
{
    const struct building *b = ctx;
    json_t *value;

    if (memchr(text, 0, len))
        return refuse(ctx, "it has a NUL in a string");
    if (b->skip)
        return 1;
    value = json_text_value((const char *)text, len);
    return value ? put(ctx, value) : refuse(ctx, "it is not UTF-8");
}

static int take_name(void *ctx, const unsigned char *text, size_t len)
{
    struct building *b = ctx;

    if (memchr(text, 0, len))
        return refuse(b, "it has a NUL in a string");
    if (len >= sizeof(b->name))
        return refuse(b, "it has a member with a name of more than 1 KiB");
    memcpy(b->name, text, len);
    b->name[len] = 0;
    if (b->depth <= 2)
        b->skip = !is_wanted(b);
    return 1;
}

static int begin_object(void *ctx)
{
    return enter(ctx, json_object());
}

static int begin_array(void *ctx)
{
    return enter(ctx, json_array());
}

static int leave(void *ctx)
{
    struct building *b = ctx;

    if (--b->depth < 2)
        b->skip = false;
    if (b->depth == 0)
        b->end = yajl_get_bytes_consumed(b->parser);
    return 1;
}

static const char *what_is_wrong(const struct building *b)
{
    unsigned char *said;
    const char *wrong = "it is no JSON";

    if (b->wrong)
        return b->wrong;
    said = yajl_get_error(b->parser, 0, NULL, 0);
    if (said && strstr((char *)said, "premature"))
        wrong = "it is cut short";
    else if (said && strstr((char *)said, "UTF8"))
        wrong = "it is not UTF-8";
    else if (said && strstr((char *)said, "overflow"))
        wrong = "it has a number out of range";
    yajl_free_error(b->parser, said);
    return wrong;
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

json_t *http_json_of(const char *bytes, size_t len, const char *const *wanted,
                     const char **ret_wrong)
{
    static const yajl_callbacks take = {.yajl_null = take_null,
                                        .yajl_boolean = take_boolean,
                                        .yajl_integer = take_integer,
                                        .yajl_double = take_real,
                                        .yajl_string = take_string,
                                        .yajl_map_key = take_name,
                                        .yajl_start_map = begin_object,
                                        .yajl_end_map = leave,
                                        .yajl_start_array = begin_array,
                                        .yajl_end_array = leave};
    yajl_alloc_funcs memory = {.malloc = allocate, .realloc = reallocate, .free = release};
    struct building b = {.wanted = wanted};
    struct json_guard guard = {0};
    bool good;

    b.parser = yajl_alloc(&take, &memory, &b);
    if (!b.parser) {
        *ret_wrong = "there is no memory";
        return NULL;
    }
    good = json_guard_pairs(&guard, bytes, len) == len && !json_has_odd_space(bytes, len) &&
           yajl_parse(b.parser, (const unsigned char *)bytes, len) == yajl_status_ok &&
           yajl_complete_parse(b.parser) == yajl_status_ok && b.root &&
           json_is_blank(bytes + b.end, len - b.end);
    if (!good) {
        *ret_wrong = what_is_wrong(&b);
        json_decref(b.root);
        b.root = NULL;
    }
    yajl_free(b.parser);
    return b.root;
}

json_t *http_json(const char *bytes, size_t len, const char **ret_wrong)
{
    return http_json_of(bytes, len, NULL, ret_wrong);
}
