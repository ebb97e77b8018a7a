// SPDX-License-Identifier: BSD-2-Clause
// Values as text.
#include <jansson.h>
#include <stdint.h>

#include "rollcall/erasing.h"
#include "rollcall/json_writer.h"
#include "syncd/sources/value_room.h"

#define USUAL ((size_t)16 * 1024)

static void put_number(struct json_writer *w, const char *name, const struct value *v)
{
    char digits[64];
    json_t *number;
    size_t n;

    if (v->kind == VALUE_INTEGER) {
        json_write_integer(w, name, v->integer);
        return;
    }
    number = json_real(v->real); // as jansson writes it
    n = json_dumpb(number, digits, sizeof(digits), JSON_ENCODE_ANY);
    json_decref(number);
    json_write_raw(w, name, digits, n <= sizeof(digits) ? n : 0);
}

static void put_value(struct json_writer *w, const struct value *v);

static void put_inside(struct json_writer *w, const struct value *v)
{
    bool object = v->kind == VALUE_OBJECT;

    json_write_open(w, NULL, object ? '{' : '[');
    for (const struct value *e = v->first; e; e = e->next) {
        if (object)
            json_write_name(w, e->name, e->name_len);
        put_value(w, e);
    }
    json_write_close(w, object ? '}' : ']');
}

static void put_value(struct json_writer *w, const struct value *v)
{
    switch (v->kind) {
    case VALUE_OBJECT:
    case VALUE_LIST:
        put_inside(w, v);
        break;
    case VALUE_TEXT:
        json_write_text_n(w, NULL, v->text, v->len);
        break;
    case VALUE_INTEGER:
    case VALUE_REAL:
        put_number(w, NULL, v);
        break;
    case VALUE_TRUE:
    case VALUE_FALSE:
        json_write_bool(w, NULL, v->kind == VALUE_TRUE);
        break;
    default:
        json_write_null(w, NULL);
    }
}

static bool make_room(struct values *in, size_t room)
{
    char *p = in->json_room < room ? erasing_realloc(in->json, room) : in->json;

    if (!p)
        return false;
    if (in->json_room < room)
        in->json_room = room;
    in->json = p;
    return true;
}

const char *value_json(struct values *in, const struct value *v, size_t *ret_len)
{
    size_t room = USUAL;

    if (!v)
        return NULL;
    for (;;) {
        struct json_writer w = {0};
        if (!make_room(in, room))
            return NULL;
        w.buf = in->json;
        w.room = in->json_room - 1;
        put_value(&w, v);
        if (w.len == SIZE_MAX)
            return NULL;
        if (w.len <= w.room) {
            in->json[w.len] = 0;
            *ret_len = w.len;
            return in->json;
        }
        room = w.len + 1;
    }
}
