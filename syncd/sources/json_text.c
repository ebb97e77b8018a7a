// SPDX-License-Identifier: BSD-2-Clause
#include "syncd/sources/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/json_writer.h"

#define DEPTH_MAX 64 // what is deeper, or a circle, is jansson's
#define USUAL     4096
#define FLAGS     (JSON_COMPACT | JSON_ENCODE_ANY)

static bool put_number(struct json_writer *w, const json_t *value)
{
    char digits[64];
    size_t n = json_dumpb(value, digits, sizeof(digits), FLAGS);

    json_write_raw(w, NULL, digits, n <= sizeof(digits) ? n : 0);
    return n > 0 && n <= sizeof(digits);
}

static bool put_value(struct json_writer *w, const json_t *value, int depth);

static bool put_array(struct json_writer *w, const json_t *array, int depth)
{
    size_t n = json_array_size(array);
    bool good = true;

    json_write_open(w, NULL, '[');
    for (size_t i = 0; i < n && good; i++)
        good = put_value(w, json_array_get(array, i), depth);
    json_write_close(w, ']');
    return good;
}

static bool put_object(struct json_writer *w, const json_t *object, int depth)
{
    json_t *o = (json_t *)(uintptr_t)object; // jansson's iterators know no const
    bool good = true;

    json_write_open(w, NULL, '{');
    for (void *at = json_object_iter(o); at && good; at = json_object_iter_next(o, at)) {
        json_write_name(w, json_object_iter_key(at), json_object_iter_key_len(at));
        good = put_value(w, json_object_iter_value(at), depth);
    }
    json_write_close(w, '}');
    return good;
}

// False: it has to be left to jansson.
static bool put_value(struct json_writer *w, const json_t *value, int depth)
{
    if (!value || depth == DEPTH_MAX)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_object(w, value, depth + 1);
    case JSON_ARRAY:
        return put_array(w, value, depth + 1);
    case JSON_STRING:
        json_write_text_n(w, NULL, json_string_value(value), json_string_length(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(w, NULL, json_is_true(value));
        return true;
    case JSON_NULL:
        json_write_null(w, NULL);
        return true;
    default:
        return put_number(w, value);
    }
}

size_t json_text(const json_t *value, char *buf, size_t room)
{
    struct json_writer w = {.buf = buf, .room = room};

    if (put_value(&w, value, 0) && w.len != SIZE_MAX)
        return w.len;
    return json_dumpb(value, buf, room, FLAGS);
}

char *json_text_new(const json_t *value, size_t *ret_len)
{
    char usual[USUAL], *ret;
    size_t len = json_text(value, usual, sizeof(usual));

    ret = len > 0 ? malloc(len + 1) : NULL;
    if (!ret)
        return NULL;
    if (len <= sizeof(usual))
        memcpy(ret, usual, len);
    else
        json_text(value, ret, len);
    ret[len] = 0;
    *ret_len = len;
    return ret;
}

bool json_text_ascii(const char *bytes, size_t len)
{
    uint64_t eight, all = 0;
    size_t i = 0;

    for (; len - i >= sizeof(eight); i += sizeof(eight)) {
        memcpy(&eight, bytes + i, sizeof(eight));
        all |= eight;
    }
    for (; i < len; i++)
        all |= (uint64_t)(unsigned char)bytes[i];
    return !(all & 0x8080808080808080u);
}
