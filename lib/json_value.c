// SPDX-License-Identifier: BSD-2-Clause
// JSON as jansson's values: a token's answer, an error's page, a list of groups, a source's line.
// The walk is json_scan.h's, so that one place says what JSON is; its depth is bounded while it is
// read, and nothing of a secret stays in a lexer's memory.
#include "rollcall/json_value.h"

#include <errno.h>
#include <string.h>

#include "rollcall/parse.h"
#include "rollcall/json_scan.h"

#define NAME_MAX_JSON 1024 // bytes of a member's name

struct building {
    json_t *open[JSON_VALUE_DEPTH_MAX]; // each is held by the one before
    int depth;
    char name[NAME_MAX_JSON]; // of the member whose value comes next
    size_t name_len;
    json_t *root;
    const char *wrong;
};

static int refuse(struct building *b, const char *wrong)
{
    b->wrong = wrong;
    return -EBADMSG;
}

// Takes the reference. The texts were looked at: they are UTF-8.
static int put(struct building *b, json_t *value)
{
    json_t *to = b->depth > 0 ? b->open[b->depth - 1] : NULL;

    if (!value)
        return refuse(b, "there is no memory");
    if (!to) {
        b->root = value;
        return 0;
    }
    if (json_is_array(to))
        return json_array_append_new(to, value) == 0 ? 0 : refuse(b, "there is no memory");
    if (json_object_getn(to, b->name, b->name_len)) {
        json_decref(value);
        return refuse(b, "it has a member twice");
    }
    return json_object_setn_new_nocheck(to, b->name, b->name_len, value) == 0
               ? 0
               : refuse(b, "there is no memory");
}

static int on_word(void *ctx, char first)
{
    return put(ctx, first == 'n' ? json_null() : json_boolean(first == 't'));
}

// Most are ids, of which jansson's reader makes much work.
static json_t *number_of(const char *bytes, size_t len)
{
    char text[20];
    uint64_t n;

    if (len < sizeof(text)) {
        memcpy(text, bytes, len);
        text[len] = 0;
        if (rollcall_parse_u64(text, 0, INT64_MAX, &n) == 0)
            return json_integer((json_int_t)n);
    }
    return json_loadb(bytes, len, JSON_DECODE_ANY, NULL);
}

static int on_number(void *ctx, const char *bytes, size_t len)
{
    json_t *number = number_of(bytes, len);

    return number ? put(ctx, number) : refuse(ctx, "it has a number out of range");
}

static int on_text(void *ctx, const char *bytes, size_t len, unsigned has)
{
    return has ? refuse(ctx, json_scan_has(has)) : put(ctx, json_stringn_nocheck(bytes, len));
}

static int on_name(void *ctx, const char *bytes, size_t len, unsigned has)
{
    struct building *b = ctx;

    if (has)
        return refuse(b, json_scan_has(has));
    if (len >= sizeof(b->name))
        return refuse(b, "it has a member with a name of more than 1 KiB");
    memcpy(b->name, bytes, len);
    b->name_len = len;
    return 0;
}

static int on_open(void *ctx, bool list)
{
    struct building *b = ctx;
    json_t *value;
    int r;

    if (b->depth == JSON_VALUE_DEPTH_MAX)
        return refuse(b, "it is nested too deeply");
    value = list ? json_array() : json_object();
    r = put(b, value);
    if (r == 0)
        b->open[b->depth++] = value;
    return r;
}

static int on_close(void *ctx)
{
    struct building *b = ctx;

    b->depth--;
    return 0;
}

json_t *json_value(const char *bytes, size_t len, const char **ret_wrong)
{
    static const struct json_take take = {.word = on_word,
                                          .number = on_number,
                                          .text = on_text,
                                          .name = on_name,
                                          .opens = on_open,
                                          .closes = on_close};
    struct building b = {0};
    struct json_scan *s = json_scan_new(&take, &b);
    int r = s ? json_scan_whole(s, bytes, len) : -ENOMEM;

    if (r < 0) {
        *ret_wrong = r == -ENOMEM ? "there is no memory" : b.wrong ?: json_scan_why(s);
        json_decref(b.root);
        b.root = NULL;
    }
    json_scan_free(s);
    return b.root;
}
