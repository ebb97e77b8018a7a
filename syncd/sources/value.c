// SPDX-License-Identifier: BSD-2-Clause
// Values in a room that is emptied at once.
#include "syncd/sources/value_room.h"

#include <stdlib.h>
#include <string.h>

#include "rollcall/erasing.h"

#define BLOCK ((size_t)64 * 1024)
#define KEPT  ((size_t)4 * 1024 * 1024)

// ---- the room ----

struct values *values_new(size_t most)
{
    struct values *in = calloc(1, sizeof(*in));

    if (in)
        in->most = most;
    return in;
}

static void drop_behind(struct values *in, struct block *last)
{
    struct block *b = last ? last->next : in->first;

    while (b) {
        struct block *next = b->next;
        in->had -= b->room;
        erasing_free(b);
        b = next;
    }
    if (last)
        last->next = NULL;
    else
        in->first = NULL;
}

void values_free(struct values *in)
{
    if (!in)
        return;
    drop_behind(in, NULL);
    erasing_free(in->json);
    free(in);
}

void values_empty(struct values *in)
{
    size_t kept = 0;

    for (struct block *b = in->first; b; b = b->next) {
        kept += b->room;
        b->used = 0;
        if (kept + (b->next ? b->next->room : 0) > KEPT)
            drop_behind(in, b);
    }
    in->now = in->first;
    in->used = 0;
    in->failed = false;
}

bool values_failed(const struct values *in)
{
    return in->failed;
}

size_t values_used(const struct values *in)
{
    return in->used + (in->now ? in->now->used : 0);
}

static struct block *new_block(struct values *in, size_t len)
{
    size_t room = in->had / 2 < BLOCK ? BLOCK : in->had / 2 > KEPT / 4 ? KEPT / 4 : in->had / 2;
    struct block *b;

    if (room < len)
        room = len;
    if (in->had > in->most || len > in->most - in->had)
        return NULL;
    if (room > in->most - in->had)
        room = len;
    b = malloc(sizeof(*b) + room);
    if (!b)
        return NULL;
    b->next = NULL;
    b->room = room;
    b->used = 0;
    in->had += room;
    return b;
}

// The block behind the one in work, or a new one in its place.
static struct block *next_block(struct values *in, size_t len)
{
    struct block *b = in->now ? in->now->next : in->first;

    if (!b || b->room < len) {
        drop_behind(in, in->now);
        b = new_block(in, len);
        if (!b)
            return NULL;
        if (in->now)
            in->now->next = b;
        else
            in->first = b;
    }
    in->used += in->now ? in->now->used : 0;
    in->now = b;
    return b;
}

void *values_take_more(struct values *in, size_t len)
{
    struct block *b = next_block(in, len);

    if (!b) {
        in->failed = true;
        return NULL;
    }
    b->used += len;
    return (char *)b->bytes + b->used - len;
}

void *values_take(struct values *in, size_t len)
{
    return values_take_inline(in, len);
}

char *values_text(struct values *in, const char *text, size_t len)
{
    char *copy = values_take_inline(in, len + 1);

    if (copy) {
        memcpy(copy, text, len);
        copy[len] = 0;
    }
    return copy;
}

// ---- looking ----

const struct value *value_getn(const struct value *object, const char *name, size_t len)
{
    const struct value *m;
    uint32_t n = (uint32_t)len;

    value_each_member(object, m)
    {
        if (m->name_len == n && memcmp(m->name, name, len) == 0)
            return m;
    }
    return NULL;
}

const struct value *value_get(const struct value *object, const char *name)
{
    return value_getn(object, name, strlen(name));
}

const struct value *value_at(const struct value *list, size_t i)
{
    const struct value *v = value_is(list, VALUE_LIST) ? list->first : NULL;

    while (v && i-- > 0)
        v = v->next;
    return v;
}

static bool equal_inside(const struct value *a, const struct value *b)
{
    const struct value *other = b->first, *v;

    if (a->len != b->len)
        return false;
    for (v = a->first; v; v = v->next) {
        if (a->kind == VALUE_OBJECT)
            other = value_getn(b, v->name, v->name_len);
        if (!value_equal(v, other))
            return false;
        other = other->next;
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (!a || !b || a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_INTEGER:
        return a->integer == b->integer;
    case VALUE_REAL:
        return a->real == b->real;
    case VALUE_TEXT:
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    case VALUE_LIST:
    case VALUE_OBJECT:
        return equal_inside(a, b);
    default:
        return true;
    }
}

// ---- making ----

struct value *value_make(struct values *in, enum value_kind kind)
{
    return value_make_inline(in, kind, 0);
}

struct value *value_object(struct values *in)
{
    return value_make(in, VALUE_OBJECT);
}

struct value *value_list(struct values *in)
{
    return value_make(in, VALUE_LIST);
}

void value_append(struct value *to, struct value *v)
{
    if (to->last)
        to->last->next = v;
    else
        to->first = v;
    to->last = v;
    to->len++;
}

void value_remove(struct value *o, const char *name)
{
    struct value *before = NULL, *m = (struct value *)(uintptr_t)value_get(o, name);

    if (!m)
        return;
    for (struct value *v = o->first; v != m; v = v->next)
        before = v;
    if (before)
        before->next = m->next;
    else
        o->first = m->next;
    if (o->last == m)
        o->last = before;
    o->len--;
}

// A new member; one of that name stays where it stands and is another value then.
static struct value *member(struct value *o, const char *name, enum value_kind kind)
{
    size_t len = strlen(name);
    struct value *v = o ? value_make_inline(o->in, kind, 0) : NULL, *had;

    if (!v)
        return NULL;
    v->name = name;
    v->name_len = (uint32_t)len;
    v->word = true;
    had = (struct value *)(uintptr_t)value_getn(o, name, len);
    if (!had) {
        value_append(o, v);
        return v;
    }
    v->next = had->next;
    *had = *v;
    return had;
}

struct value *value_make_text(struct values *in, const char *text, size_t len)
{
    struct value *v = value_make_inline(in, VALUE_TEXT, len + 1);
    char *room;

    if (!v)
        return NULL;
    room = (char *)(v + 1);
    memcpy(room, text, len);
    room[len] = 0;
    v->text = room;
    v->len = (uint32_t)len;
    return v;
}

void value_put_textn(struct value *o, const char *name, const char *text, size_t len)
{
    char *room = o ? values_text(o->in, text, len) : NULL;
    struct value *v = room ? member(o, name, VALUE_TEXT) : NULL;

    if (v) {
        v->text = room;
        v->len = (uint32_t)len;
    }
}

void value_put_text(struct value *o, const char *name, const char *text)
{
    value_put_textn(o, name, text, strlen(text));
}

void value_put_integer(struct value *o, const char *name, int64_t n)
{
    struct value *v = member(o, name, VALUE_INTEGER);

    if (v)
        v->integer = n;
}

void value_put_bool(struct value *o, const char *name, bool on)
{
    member(o, name, on ? VALUE_TRUE : VALUE_FALSE);
}

struct value *value_put_object(struct value *o, const char *name)
{
    return member(o, name, VALUE_OBJECT);
}

struct value *value_put_list(struct value *o, const char *name)
{
    return member(o, name, VALUE_LIST);
}

void value_put(struct value *o, const char *name, const struct value *v)
{
    struct value *to = v ? member(o, name, VALUE_NULL) : NULL;

    if (!to)
        return;
    to->kind = v->kind;
    to->len = v->len;
    to->first = v->first; // the larger part of the union
    to->last = v->last;
}

void value_add_textn(struct value *list, const char *text, size_t len)
{
    struct value *v = list ? value_make_text(list->in, text, len) : NULL;

    if (v)
        value_append(list, v);
}

void value_add_text(struct value *list, const char *text)
{
    value_add_textn(list, text, strlen(text));
}

struct value *value_add_object(struct value *list)
{
    struct value *v = list ? value_make(list->in, VALUE_OBJECT) : NULL;

    if (v)
        value_append(list, v);
    return v;
}
