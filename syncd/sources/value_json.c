// SPDX-License-Identifier: BSD-2-Clause
// Values as text.
#include <endian.h>
#include <jansson.h>
#include <string.h>

#include "syncd/sources/erasing.h"
#include "syncd/sources/value_room.h"

#define USUAL  ((size_t)16 * 1024)
#define NUMBER 32 // bytes at most

struct text {
    struct values *in;
    size_t len;
    bool failed;
};

// Where the next `n` bytes go.
static char *grow(struct text *t, size_t n)
{
    struct values *in = t->in;
    size_t room = in->json_room ? in->json_room : USUAL;
    char *p;

    while (room - t->len < n)
        room *= 2;
    p = t->failed ? NULL : erasing_realloc(in->json, room);
    if (!p) {
        t->failed = true;
        return NULL;
    }
    in->json = p;
    in->json_room = room;
    return p + t->len;
}

static inline char *more(struct text *t, size_t n)
{
    return t->in->json_room - t->len >= n ? t->in->json + t->len : grow(t, n);
}

static inline void put_bytes(struct text *t, const char *bytes, size_t len)
{
    char *to = more(t, len);

    if (!to)
        return;
    memcpy(to, bytes, len);
    t->len += len;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

// The top bit of each byte that has to be escaped; of the first one it is right.
static uint64_t odd_bytes(uint64_t x)
{
    uint64_t low = x - EACH(0x20), quote = x ^ EACH('"'), slash = x ^ EACH('\\');

    return ((low & ~x) | ((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash)) & EACH(0x80);
}

// Copies up to what has to be escaped. There is room for `len` bytes.
static size_t copy_plain(char *to, const char *from, size_t len)
{
    uint64_t x, odd;
    size_t i = 0;

    if (len < 8) {
        for (; i < len && (unsigned char)from[i] >= 0x20 && from[i] != '"' && from[i] != '\\'; i++)
            to[i] = from[i];
        return i;
    }
    for (;; i = len - i < 16 ? len - 8 : i + 8) { // the last eight may be looked at again
        memcpy(&x, from + i, sizeof(x));
        memcpy(to + i, &x, sizeof(x));
        odd = odd_bytes(le64toh(x));
        if (odd)
            return i + (size_t)__builtin_ctzll(odd) / 8;
        if (i == len - 8)
            return len;
    }
}

static size_t put_escaped(char *to, unsigned char c)
{
    static const char short_for[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt",
                      hex[] = "0123456789ABCDEF";
    const char *p = c ? strchr(short_for, c) : NULL;

    to[0] = '\\';
    if (p) {
        to[1] = letter[p - short_for];
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return 6;
}

static void put_text(struct text *t, const char *bytes, size_t len)
{
    char *from = more(t, 6 * len + 10), *to = from;

    if (!to)
        return;
    *to++ = '"';
    for (size_t i = 0; i < len;) {
        size_t n = copy_plain(to, bytes + i, len - i);
        i += n;
        to += n;
        if (i < len)
            to += put_escaped(to, (unsigned char)bytes[i++]);
    }
    *to++ = '"';
    t->len += (size_t)(to - from);
}

static void put_number(struct text *t, const struct value *v)
{
    json_t *number = v->kind == VALUE_REAL ? json_real(v->real) : json_integer(v->integer);
    char *to = more(t, NUMBER);
    size_t n = to ? json_dumpb(number, to, NUMBER, JSON_ENCODE_ANY) : 0;

    if (n == 0 || n > NUMBER)
        t->failed = true;
    else
        t->len += n;
    json_decref(number);
}

static void put_value(struct text *t, const struct value *v);

static void put_name(struct text *t, const struct value *member)
{
    size_t len = member->name_len;
    char *to;

    if (!member->word) {
        put_text(t, member->name, len);
        put_bytes(t, ":", 1);
        return;
    }
    to = more(t, len + 3);
    if (!to)
        return;
    *to = '"';
    memcpy(to + 1, member->name, len);
    to[len + 1] = '"';
    to[len + 2] = ':';
    t->len += len + 3;
}

static void put_inside(struct text *t, const struct value *v)
{
    bool object = v->kind == VALUE_OBJECT;
    const struct value *e;
    char *at;

    put_bytes(t, object ? "{" : "[", 1);
    for (e = v->first; e; e = e->next) {
        if (object)
            put_name(t, e);
        put_value(t, e);
        put_bytes(t, ",", 1);
    }
    at = t->failed ? NULL : t->in->json + t->len - 1;
    if (at && *at == ',') { // no text ends so: it ends with its quote
        *at = object ? '}' : ']';
        return;
    }
    put_bytes(t, object ? "}" : "]", 1);
}

static void put_value(struct text *t, const struct value *v)
{
    switch (v->kind) {
    case VALUE_OBJECT:
    case VALUE_LIST:
        put_inside(t, v);
        break;
    case VALUE_TEXT:
        put_text(t, v->text, v->len);
        break;
    case VALUE_INTEGER:
    case VALUE_REAL:
        put_number(t, v);
        break;
    case VALUE_TRUE:
        put_bytes(t, "true", 4);
        break;
    case VALUE_FALSE:
        put_bytes(t, "false", 5);
        break;
    default:
        put_bytes(t, "null", 4);
    }
}

const char *value_json(struct values *in, const struct value *v, size_t *ret_len)
{
    struct text t = {.in = in};

    if (!v)
        return NULL;
    put_value(&t, v);
    put_bytes(&t, "", 1);
    if (t.failed)
        return NULL;
    *ret_len = t.len - 1;
    return in->json;
}
