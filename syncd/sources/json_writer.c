// SPDX-License-Identifier: BSD-2-Clause
#include "syncd/sources/json_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void json_write_bytes(struct json_writer *w, const char *bytes, size_t len)
{
    if (w->len <= w->room && len <= w->room - w->len && len > 0)
        memcpy(w->buf + w->len, bytes, len);
    w->len += len;
}

static void escaped(struct json_writer *w, unsigned char c)
{
    static const char short_for[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt",
                      hex[] = "0123456789ABCDEF";
    const char *p = c ? strchr(short_for, c) : NULL;

    if (p)
        json_write_bytes(w, (char[]){'\\', letter[p - short_for]}, 2);
    else
        json_write_bytes(w, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

// Whether one of eight bytes is a quote, a backslash or a control character.
static bool any_to_escape(const char *bytes)
{
    uint64_t x, quote, slash;

    memcpy(&x, bytes, sizeof(x));
    quote = x ^ EACH('"');
    slash = x ^ EACH('\\');
    return ((((x - EACH(0x20)) & ~x) | ((quote - EACH(1)) & ~quote) |
             ((slash - EACH(1)) & ~slash)) &
            EACH(0x80)) != 0;
}

static bool is_plain(const char *bytes, size_t len)
{
    size_t i = 0;

    for (; len - i >= 8; i += 8)
        if (any_to_escape(bytes + i))
            return false;
    for (; i < len; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == '"' || bytes[i] == '\\')
            return false;
    return true;
}

void json_write_quoted(struct json_writer *w, const char *bytes, size_t len)
{
    size_t from = 0, i = 0;

    json_write_bytes(w, "\"", 1);
    while (i < len) {
        unsigned char c = (unsigned char)bytes[i];
        if (len - i >= 8 && !any_to_escape(bytes + i)) {
            i += 8;
            continue;
        }
        i++;
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        json_write_bytes(w, bytes + from, i - 1 - from);
        escaped(w, c);
        from = i;
    }
    json_write_bytes(w, bytes + from, len - from);
    json_write_bytes(w, "\"", 1);
}

// What stands before a value.
static void begin(struct json_writer *w, const char *name)
{
    if (w->behind)
        json_write_bytes(w, ",", 1);
    w->behind = true;
    if (!name)
        return;
    json_write_bytes(w, "\"", 1);
    json_write_bytes(w, name, strlen(name));
    json_write_bytes(w, "\":", 2);
}

void json_write_open(struct json_writer *w, const char *name, char bracket)
{
    begin(w, name);
    json_write_bytes(w, &bracket, 1);
    w->behind = false;
}

void json_write_close(struct json_writer *w, char bracket)
{
    json_write_bytes(w, &bracket, 1);
    w->behind = true;
}

// Nearly all there is to say: a member whose text needs no escaping, and for which there is room.
static void put_plain(struct json_writer *w, const char *name, size_t name_len, const char *text,
                      size_t len)
{
    char *p = w->buf + w->len;

    if (w->behind)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, name, name_len);
    p += name_len;
    memcpy(p, "\":\"", 3);
    p += 3;
    memcpy(p, text, len);
    p += len;
    *p++ = '"';
    w->len = (size_t)(p - w->buf);
    w->behind = true;
}

void json_write_text_n(struct json_writer *w, const char *name, const char *text, size_t len)
{
    size_t name_len = name ? strlen(name) : 0;

    if (!text)
        return;
    if (name && w->len <= w->room && len <= w->room && w->room - w->len >= name_len + 6 &&
        w->room - w->len - name_len - 6 >= len && is_plain(text, len)) {
        put_plain(w, name, name_len, text, len);
        return;
    }
    begin(w, name);
    json_write_quoted(w, text, len);
}

void json_write_text(struct json_writer *w, const char *name, const char *text)
{
    if (text)
        json_write_text_n(w, name, text, strlen(text));
}

void json_write_integer(struct json_writer *w, const char *name, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, n);

    begin(w, name);
    json_write_bytes(w, digits, (size_t)len);
}

void json_write_true(struct json_writer *w, const char *name)
{
    begin(w, name);
    json_write_bytes(w, "true", 4);
}
