// SPDX-License-Identifier: BSD-2-Clause
#include "rollcall/json_writer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

// ---- libyajl's memory: the writer's own, taken once and never given back ----

static void *take(void *ctx, size_t size)
{
    struct json_writer *w = ctx;
    size_t words = (size + sizeof(w->memory[0]) - 1) / sizeof(w->memory[0]);
    void *p = w->memory + w->taken;

    if (words > sizeof(w->memory) / sizeof(w->memory[0]) - w->taken)
        return NULL;
    w->taken += words;
    return p;
}

static void *take_more(void *ctx, void *p, size_t size) // which it does for a buffer of its own
{
    (void)ctx;
    (void)p;
    (void)size;
    return NULL;
}

static void keep(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

// ---- writing ----

static void print(void *ctx, const char *bytes, size_t len)
{
    struct json_writer *w = ctx;

    if (w->len <= w->room && len <= w->room - w->len && len > 0)
        memcpy(w->buf + w->len, bytes, len);
    w->len += len;
}

static void did(struct json_writer *w, bool good)
{
    if (good)
        return;
    w->gen = NULL;
    w->len = SIZE_MAX;
}

static bool ready(struct json_writer *w)
{
    yajl_alloc_funcs memory = {.malloc = take, .realloc = take_more, .free = keep, .ctx = w};

    if (w->gen || w->len == SIZE_MAX)
        return w->gen;
    w->taken = 0;
    w->gen = yajl_gen_alloc(&memory);
    did(w, w->gen && yajl_gen_config(w->gen, yajl_gen_print_callback, print, w));
    return w->gen;
}

void json_writer_again(struct json_writer *w)
{
    w->gen = NULL;
    w->len = 0;
}

void json_write_name(struct json_writer *w, const char *name, size_t len)
{
    if (name && ready(w))
        did(w, yajl_gen_string(w->gen, (const unsigned char *)name, len) == yajl_gen_status_ok);
}

static bool begin(struct json_writer *w, const char *name)
{
    json_write_name(w, name, name ? strlen(name) : 0);
    return ready(w);
}

void json_write_open(struct json_writer *w, const char *name, char bracket)
{
    if (begin(w, name))
        did(w, (bracket == '{' ? yajl_gen_map_open(w->gen) : yajl_gen_array_open(w->gen)) ==
                   yajl_gen_status_ok);
}

void json_write_close(struct json_writer *w, char bracket)
{
    if (ready(w))
        did(w, (bracket == '}' ? yajl_gen_map_close(w->gen) : yajl_gen_array_close(w->gen)) ==
                   yajl_gen_status_ok);
}

void json_write_text_n(struct json_writer *w, const char *name, const char *text, size_t len)
{
    if (text && begin(w, name))
        did(w, yajl_gen_string(w->gen, (const unsigned char *)text, len) == yajl_gen_status_ok);
}

void json_write_text(struct json_writer *w, const char *name, const char *text)
{
    if (text)
        json_write_text_n(w, name, text, strlen(text));
}

void json_write_integer(struct json_writer *w, const char *name, int64_t n)
{
    if (begin(w, name))
        did(w, yajl_gen_integer(w->gen, n) == yajl_gen_status_ok);
}

// What libyajl calls a number is put there as it is.
void json_write_raw(struct json_writer *w, const char *name, const char *json, size_t len)
{
    if (begin(w, name))
        did(w, yajl_gen_number(w->gen, json, len) == yajl_gen_status_ok);
}

void json_write_bool(struct json_writer *w, const char *name, bool on)
{
    if (begin(w, name))
        did(w, yajl_gen_bool(w->gen, on) == yajl_gen_status_ok);
}

void json_write_true(struct json_writer *w, const char *name)
{
    json_write_bool(w, name, true);
}

void json_write_null(struct json_writer *w, const char *name)
{
    if (begin(w, name))
        did(w, yajl_gen_null(w->gen) == yajl_gen_status_ok);
}

// ---- as a text of its own ----

char *json_written(void (*put)(struct json_writer *w, const void *of), const void *of)
{
    char usual[2048], *ret;
    struct json_writer w;

    w.buf = usual;
    w.room = sizeof(usual);
    json_writer_again(&w);
    put(&w, of);
    if (w.len == SIZE_MAX)
        return NULL;
    ret = malloc(w.len + 1);
    if (!ret)
        return NULL;
    if (w.len <= w.room) {
        memcpy(ret, usual, w.len);
    } else {
        w.buf = ret;
        w.room = w.len;
        json_writer_again(&w);
        put(&w, of);
    }
    ret[w.len] = 0;
    return ret;
}

bool json_is_text(const char *bytes, size_t len)
{
    size_t i = 0;
    json_t *strict;

    while (i < len && (unsigned char)bytes[i] < 0x80)
        i++;
    if (i == len)
        return true;
    strict = json_stringn(bytes, len);
    json_decref(strict);
    return strict;
}
