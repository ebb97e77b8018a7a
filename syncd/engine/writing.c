// SPDX-License-Identifier: BSD-2-Clause
#include "syncd/engine/writing.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/lifecycle.h"

static bool make_room(struct writing *w, size_t len)
{
    size_t want = (w->len + len) * 2;
    char *p;

    if (w->failed || len <= w->room - w->len)
        return !w->failed;
    p = realloc(w->bytes == w->usual ? NULL : w->bytes, want);
    w->failed = !p;
    if (!p)
        return false;
    if (w->bytes == w->usual)
        memcpy(p, w->usual, w->len);
    w->bytes = p;
    w->room = want;
    return true;
}

static void add(struct writing *w, const char *bytes, size_t len)
{
    if (!make_room(w, len))
        return;
    memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void add_text(struct writing *w, const char *text)
{
    add(w, text, strlen(text));
}

// Nothing in it has to be written another way, or looked at whether it is UTF-8.
static bool is_plain(const char *value)
{
    for (const char *p = value; *p; p++)
        if ((signed char)*p < ' ' || *p == '"' || *p == '\\')
            return false;
    return true;
}

// False: it is no text.
static bool add_value(struct writing *w, const char *value)
{
    json_t *odd;
    char *text;
    bool good;

    if (is_plain(value)) {
        add(w, "\"", 1);
        add_text(w, value);
        add(w, "\"", 1);
        return true;
    }
    odd = json_string(value);
    text = odd ? json_dumps(odd, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    good = text != NULL;
    if (good)
        add_text(w, text);
    free(text);
    json_decref(odd);
    return good;
}

static void add_member(struct writing *w, const char *key)
{
    if (w->len > 1)
        add(w, ",", 1);
    add(w, "\"", 1);
    add_text(w, key);
    add(w, "\":", 2);
}

void writing_text(struct writing *w, const char *key, const char *value)
{
    size_t before = w->len;

    if (!value)
        return;
    add_member(w, key);
    if (!add_value(w, value))
        w->len = before;
}

void writing_number(struct writing *w, const char *key, int64_t value)
{
    char digits[24];

    add_member(w, key);
    add(w, digits, (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)value));
}

void writing_instant(struct writing *w, const char *key, int64_t value)
{
    if (value != ROLLCALL_TIME_UNSET)
        writing_number(w, key, value);
}

void writing_true(struct writing *w, const char *key, bool value)
{
    if (!value)
        return;
    add_member(w, key);
    add_text(w, "true");
}

void writing_list(struct writing *w, const char *key, const char *const *items, size_t n)
{
    bool any = false;

    add_member(w, key);
    add(w, "[", 1);
    for (size_t i = 0; i < n; i++) {
        size_t before = w->len;
        if (any)
            add(w, ",", 1);
        if (add_value(w, items[i]))
            any = true;
        else
            w->len = before;
    }
    add(w, "]", 1);
}

void writing_begin(struct writing *w)
{
    w->bytes = w->usual;
    w->len = 0;
    w->room = sizeof(w->usual);
    w->failed = false;
    add(w, "{", 1);
}

char *writing_end(struct writing *w)
{
    char *ret;

    add(w, "}", 2); // and the end of the text
    ret = w->bytes;
    if (w->bytes == w->usual) {
        ret = malloc(w->len);
        if (ret)
            memcpy(ret, w->usual, w->len);
    }
    if (w->failed)
        free(ret);
    return w->failed ? NULL : ret;
}
