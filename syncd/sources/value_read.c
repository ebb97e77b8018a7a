// SPDX-License-Identifier: BSD-2-Clause
// Values off an answer's body.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/parse.h"
#include "rollcall/json_scan.h"
#include "syncd/sources/value_room.h"

#define NUMBER_MAX  64
#define TWINS_FIRST 64 // members from which on names are compared when the object is whole

struct building {
    struct values *in;
    struct value *open[VALUES_DEPTH_MAX]; // NULL: nobody wants it
    uint64_t seen[VALUES_DEPTH_MAX];
    bool is_list[VALUES_DEPTH_MAX];
    unsigned depth;
    unsigned skip; // inside of a member that nobody wants: the depth of its object
    unsigned list; // inside of the outermost list, counted from 1; or 0
    size_t name_len;
    char name[VALUES_NAME_MAX]; // of the member whose value comes next
    struct value *root;
    struct value_names wanted;
    const char *wrong;
};

// ---- one value ----

static struct value *make_integer(struct values *in, const char *text)
{
    char *end;
    long long n;
    struct value *v;

    errno = 0;
    n = strtoll(text, &end, 10);
    v = errno == 0 && !*end ? value_make(in, VALUE_INTEGER) : NULL;
    if (v)
        v->integer = n;
    return v;
}

static struct value *make_real(struct values *in, const char *text)
{
    char *end;
    double d = strtod(text, &end);
    struct value *v = !*end && isfinite(d) ? value_make(in, VALUE_REAL) : NULL;

    if (v)
        v->real = d;
    return v;
}

struct value *value_make_number(struct values *in, const char *digits, size_t len)
{
    char usual[NUMBER_MAX + 1], *text = len <= NUMBER_MAX ? usual : values_take(in, len + 1);

    if (!text)
        return NULL;
    memcpy(text, digits, len);
    text[len] = 0;
    return strpbrk(text, ".eE") ? make_real(in, text) : make_integer(in, text);
}

// ---- members ----

void value_names_set(struct value_names *names, const char *const *wanted)
{
    names->name = wanted;
    for (names->n = 0; wanted && wanted[names->n]; names->n++) {
        if (names->n == VALUES_WANTED_MAX) {
            names->n = 0;
            return;
        }
        names->len[names->n] = strlen(wanted[names->n]);
    }
}

bool value_names_has(const struct value_names *names, const char *name, size_t len)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->len[i] == len && memcmp(names->name[i], name, len) == 0)
            return true;
    return names->n == 0;
}

static const char *kept_name(struct values *in, const char *name, size_t len, size_t hash)
{
    size_t i = hash % VALUES_KEPT_NAMES;

    if (len == 0 || len >= VALUES_KEPT_NAME)
        return values_text(in, name, len);
    if (in->name[i].len == 0) {
        memcpy(in->name[i].text, name, len);
        in->name[i].len = (uint32_t)len;
    }
    if (in->name[i].len == len && memcmp(in->name[i].text, name, len) == 0)
        return in->name[i].text;
    return values_text(in, name, len);
}

bool value_join(struct value *object, uint64_t *seen, const char *name, size_t len, struct value *v)
{
    unsigned char first = len > 0 ? (unsigned char)name[0] : 0,
                  last = len > 0 ? (unsigned char)name[len - 1] : 0;
    size_t hash = (first * 31u + last * 7u + len) % 64;
    uint64_t bit = UINT64_C(1) << hash;

    if (*seen & bit && object->len < TWINS_FIRST && value_getn(object, name, len))
        return false;
    *seen |= bit;
    v->name = kept_name(object->in, name, len, hash);
    v->name_len = (uint32_t)len;
    if (v->name)
        value_append(object, v);
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct value *x = *(const struct value *const *)a, *y = *(const struct value *const *)b;

    if (x->name_len != y->name_len)
        return x->name_len < y->name_len ? -1 : 1;
    return memcmp(x->name, y->name, x->name_len);
}

bool value_has_twins(const struct value *object)
{
    size_t n = 0;
    const struct value **all, *m;

    if (!value_is(object, VALUE_OBJECT) || object->len <= TWINS_FIRST)
        return false;
    all = values_take(object->in, object->len * sizeof(struct value *));
    if (!all)
        return true;
    value_each_member(object, m) all[n++] = m;
    qsort(all, n, sizeof(struct value *), by_name);
    for (size_t i = 1; i < n; i++)
        if (by_name(&all[i - 1], &all[i]) == 0)
            return true;
    return false;
}

// ---- a document ----

static int refuse(struct building *b, const char *wrong)
{
    b->wrong = wrong;
    return -EBADMSG;
}

static int put(struct building *b, struct value *v)
{
    struct value *to = b->depth > 0 ? b->open[b->depth - 1] : NULL;

    if (!v)
        return refuse(b, values_failed(b->in) ? "it is too large" : "it has a number out of range");
    if (b->depth == 0)
        b->root = v;
    else if (to->kind == VALUE_LIST)
        value_append(to, v);
    else if (!value_join(to, &b->seen[b->depth - 1], b->name, b->name_len, v))
        return refuse(b, "it has a member twice");
    return 0;
}

static int on_word(void *ctx, char first)
{
    struct building *b = ctx;
    enum value_kind kind = first == 't' ? VALUE_TRUE : first == 'f' ? VALUE_FALSE : VALUE_NULL;

    if (b->depth == 0)
        return refuse(b, "it is no JSON");
    return b->skip ? 0 : put(b, value_make(b->in, kind));
}

static int on_number(void *ctx, const char *bytes, size_t len)
{
    struct building *b = ctx;

    if (b->depth == 0)
        return refuse(b, "it is no JSON");
    return b->skip ? 0 : put(b, value_make_number(b->in, bytes, len));
}

static int on_text(void *ctx, const char *bytes, size_t len, unsigned has)
{
    struct building *b = ctx;

    if (has)
        return refuse(b, json_scan_has(has));
    if (b->depth == 0)
        return refuse(b, "it is no JSON");
    return b->skip ? 0 : put(b, value_make_text(b->in, bytes, len));
}

static int on_name(void *ctx, const char *bytes, size_t len, unsigned has)
{
    struct building *b = ctx;

    if (has)
        return refuse(b, json_scan_has(has));
    if (len >= sizeof(b->name))
        return refuse(b, "it has a member with a name of more than 1 KiB");
    if (b->skip && b->depth > b->skip)
        return 0;
    memcpy(b->name, bytes, len);
    b->name_len = len;
    if (b->list && b->depth == b->list + 1)
        b->skip = value_names_has(&b->wanted, bytes, len) ? 0 : b->depth;
    return 0;
}

static int on_open(void *ctx, bool list)
{
    struct building *b = ctx;
    struct value *v = NULL;
    int r = 0;

    if (b->depth == VALUES_DEPTH_MAX)
        return refuse(b, "it is nested too deeply");
    if (!b->skip) {
        v = value_make(b->in, list ? VALUE_LIST : VALUE_OBJECT);
        r = put(b, v);
    }
    b->open[b->depth] = v;
    b->is_list[b->depth] = list;
    b->seen[b->depth++] = 0;
    if (list && !b->list)
        b->list = b->depth;
    return r;
}

static int on_close(void *ctx)
{
    struct building *b = ctx;

    b->depth--;
    if (b->depth < b->list)
        b->list = 0;
    if (b->depth < b->skip)
        b->skip = 0;
    return value_has_twins(b->open[b->depth]) ? refuse(b, "it has a member twice") : 0;
}

const struct value *values_read(struct values *in, const char *bytes, size_t len,
                                const char *const *wanted, const char **ret_wrong)
{
    static const struct json_take take = {.word = on_word,
                                          .number = on_number,
                                          .text = on_text,
                                          .name = on_name,
                                          .opens = on_open,
                                          .closes = on_close};
    struct building b;
    struct json_scan *s;
    int r;

    memset(&b, 0, offsetof(struct building, name));
    b.in = in;
    b.root = NULL;
    b.wrong = NULL;
    value_names_set(&b.wanted, wanted);
    s = json_scan_new(&take, &b);
    if (!s) {
        *ret_wrong = "there is no memory";
        return NULL;
    }
    r = json_scan_whole(s, bytes, len);
    if (r == 0 && values_failed(in))
        r = refuse(&b, "it is too large");
    if (r < 0)
        *ret_wrong = b.wrong ?: json_scan_why(s);
    if (r == -ENOMEM)
        *ret_wrong = "there is no memory";
    json_scan_free(s);
    return r == 0 ? b.root : NULL;
}
