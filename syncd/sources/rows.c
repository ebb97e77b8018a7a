// SPDX-License-Identifier: BSD-2-Clause
// A JSON document of any length, one element of its list at a time.
#include "syncd/sources/rows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/json_scan.h"

#define ROOM (ROWS_ROW_MAX * 32u) // of the values of one element of ROWS_ROW_MAX

struct frame {
    bool array;
    uint64_t index;             // of the next element
    char name[VALUES_NAME_MAX]; // of the member in work; "" where longer or with a NUL
    size_t name_len;
    struct value *made; // inside of an element that is built
    uint64_t seen;      // names in it
};

struct rows {
    struct rows_settings s;
    struct json_scan *scan;
    struct values *values; // of the element in work
    struct frame frame[ROWS_DEPTH_MAX];
    size_t depth;                  // open lists and objects
    size_t match[ROWS_BESIDE + 1]; // leading tokens that lead here; the last is the list's
    size_t list_depth;             // inside the list: its depth; else 0
    bool list_seen, ended;
    char *beside[ROWS_BESIDE];
    struct value *row; // element in work, where it is built
    bool in_row, skip; // skip: inside of a member that nobody wants
    size_t row_bytes;
    uint64_t count;
    struct value_names wanted;
    char fault[200], why[ROWS_WHY_MAX];
    int error;
};

static int fail(struct rows *r, int error, const char *why)
{
    if (r->error == 0) {
        r->error = error;
        snprintf(r->why, sizeof(r->why), "%s", why);
    }
    return r->error;
}

static const struct pointer *pointer_of(const struct rows *r, size_t i)
{
    return i == ROWS_BESIDE ? r->s.list : r->s.beside[i];
}

// The token of the innermost frame is another now.
static void moved(struct rows *r)
{
    size_t k = r->depth - 1;
    const struct frame *f = &r->frame[k];
    char index[24] = "";

    if (r->list_depth) // no pointer leads into the list
        return;
    if (f->array)
        snprintf(index, sizeof(index), "%llu", (unsigned long long)f->index);
    for (size_t i = 0; i <= ROWS_BESIDE; i++) {
        const struct pointer *p = pointer_of(r, i);
        if (!p || r->match[i] < k)
            continue;
        r->match[i] = k;
        if (k < p->n && strcmp(p->token[k], f->array ? index : f->name) == 0)
            r->match[i] = k + 1;
    }
}

static bool is_here(const struct rows *r, size_t i)
{
    const struct pointer *p = pointer_of(r, i);

    return p && p->n == r->depth && r->match[i] == r->depth;
}

// ---- an element ----

static void row_fault(struct rows *r, const char *fault)
{
    if (!r->fault[0])
        snprintf(r->fault, sizeof(r->fault), "%s", fault);
    r->row = NULL;
    for (size_t i = 0; i < ROWS_DEPTH_MAX; i++)
        r->frame[i].made = NULL;
}

static bool is_kept(const struct rows *r)
{
    return r->in_row && !r->skip && !r->fault[0];
}

static bool weigh(struct rows *r, size_t bytes)
{
    r->row_bytes += bytes + 8;
    if (r->row_bytes > ROWS_ROW_MAX)
        row_fault(r, "is larger than 256 KiB");
    return !r->fault[0];
}

// A value of the element in work goes where it belongs.
static void put(struct rows *r, struct value *value)
{
    struct frame *f = &r->frame[r->depth - 1];

    if (!value)
        row_fault(r, "is larger than there is room for");
    else if (r->depth == r->list_depth)
        r->row = value;
    else if (f->array)
        value_append(f->made, value);
    else if (!value_join(f->made, &f->seen, f->name, f->name_len, value))
        row_fault(r, "names a member twice");
}

static int row_done(struct rows *r)
{
    int e;

    if (!r->fault[0] && values_failed(r->values))
        row_fault(r, "is larger than there is room for");
    if (!r->fault[0] && !value_is(r->row, VALUE_OBJECT))
        row_fault(r, "is no object");
    r->in_row = r->skip = false;
    e = r->s.row(r->s.ctx, r->row, r->count, r->fault[0] ? r->fault : NULL);
    values_empty(r->values);
    r->row = NULL;
    return e < 0 ? fail(r, e, "") : 0;
}

// What every value begins with: its place among its siblings, and whether an element begins.
static void value_begins(struct rows *r)
{
    if (r->depth == 0)
        return;
    if (r->frame[r->depth - 1].array) {
        moved(r);
        r->frame[r->depth - 1].index++;
    }
    if (r->list_depth && r->depth == r->list_depth) {
        r->in_row = true;
        r->skip = false;
        r->row_bytes = 0;
        r->fault[0] = 0;
        r->count++;
    }
}

// ---- what the document says ----

static int keep_beside(struct rows *r, const char *text, size_t len, unsigned has)
{
    for (size_t i = 0; i < ROWS_BESIDE; i++) {
        if (!is_here(r, i))
            continue;
        if (r->beside[i])
            return fail(r, -EBADMSG, "a member beside the list stands twice");
        if (has || len > 8192)
            return fail(r, -EBADMSG,
                        "a member beside the list is too long, or holds a NUL or half a character");
        r->beside[i] = strndup(text, len);
        if (!r->beside[i])
            return fail(r, -ENOMEM, "");
    }
    return 0;
}

// Behind a text, number or word.
static int scalar(struct rows *r)
{
    if (!r->in_row && is_here(r, ROWS_BESIDE))
        return fail(r, -EBADMSG, "what stands in the place of the list is none");
    return r->in_row && r->depth == r->list_depth ? row_done(r) : 0;
}

static int on_word(void *ctx, char first)
{
    struct rows *r = ctx;

    value_begins(r);
    if (is_kept(r) && weigh(r, 4))
        put(r, value_make(r->values, first == 't'   ? VALUE_TRUE
                                     : first == 'f' ? VALUE_FALSE
                                                    : VALUE_NULL));
    return scalar(r);
}

static int on_number(void *ctx, const char *text, size_t len)
{
    struct rows *r = ctx;
    struct value *value;
    int e;

    value_begins(r);
    e = r->in_row ? 0 : keep_beside(r, text, len, 0);
    if (e < 0)
        return e;
    if (is_kept(r) && weigh(r, len)) {
        value = value_make_number(r->values, text, len);
        if (!value && !values_failed(r->values))
            row_fault(r, "holds a number that is out of range");
        else
            put(r, value);
    }
    return scalar(r);
}

static const char *what_a_text_has(unsigned has)
{
    return has & JSON_HAS_HALF  ? "holds half of a character in a text"
           : has & JSON_HAS_NUL ? "holds a NUL in a text"
                                : "holds bytes that are not UTF-8";
}

static int on_text(void *ctx, const char *text, size_t len, unsigned has)
{
    struct rows *r = ctx;
    int e;

    value_begins(r);
    e = r->in_row ? 0 : keep_beside(r, text, len, has);
    if (e < 0)
        return e;
    if (is_kept(r) && has)
        row_fault(r, what_a_text_has(has));
    if (is_kept(r) && weigh(r, len))
        put(r, value_make_text(r->values, text, len));
    return scalar(r);
}

static int on_name(void *ctx, const char *name, size_t len, unsigned has)
{
    struct rows *r = ctx;
    struct frame *f = &r->frame[r->depth - 1];
    bool bad = has || len >= sizeof(f->name);

    if (r->in_row && r->skip && r->depth > r->list_depth + 1)
        return 0;
    if (bad)
        len = 0;
    memcpy(f->name, name, len);
    f->name[len] = 0;
    f->name_len = len;
    if (r->in_row && r->depth == r->list_depth + 1)
        r->skip = !value_names_has(&r->wanted, f->name, len);
    if (is_kept(r) && bad)
        row_fault(r, has & JSON_NOT_UTF8
                         ? "has a name that is not UTF-8"
                         : "has a name that is too long, or holds a NUL or half a character");
    if (is_kept(r))
        weigh(r, len);
    moved(r);
    return 0;
}

static int opens(void *ctx, bool array)
{
    struct rows *r = ctx;
    struct frame *f;
    struct value *made = NULL;
    bool list;

    value_begins(r);
    list = !r->in_row && is_here(r, ROWS_BESIDE);
    if (list && (!array || r->list_seen))
        return fail(r, -EBADMSG,
                    array ? "the list stands twice"
                          : "what stands in the place of the list is none");
    if (r->depth == ROWS_DEPTH_MAX)
        return fail(r, -EBADMSG, "it is nested deeper than 32 levels");
    if (is_kept(r) && weigh(r, 4)) {
        made = value_make(r->values, array ? VALUE_LIST : VALUE_OBJECT);
        put(r, made);
        if (r->fault[0])
            made = NULL;
    }
    f = &r->frame[r->depth++];
    f->array = array;
    f->index = 0;
    f->name[0] = 0;
    f->name_len = 0;
    f->made = made;
    f->seen = 0;
    if (list) {
        r->list_depth = r->depth;
        r->list_seen = true;
    }
    return 0;
}

static int closes(void *ctx)
{
    struct rows *r = ctx;
    const struct frame *f = &r->frame[--r->depth];

    if (is_kept(r) && value_has_twins(f->made))
        row_fault(r, "names a member twice");
    for (size_t i = 0; i <= ROWS_BESIDE; i++)
        if (r->match[i] > r->depth)
            r->match[i] = r->depth;
    if (r->list_depth > r->depth) {
        r->list_depth = 0;
        return 0;
    }
    return r->in_row && r->depth == r->list_depth ? row_done(r) : 0;
}

// ---- from outside ----

struct rows *rows_new(const struct rows_settings *settings)
{
    static const struct json_take take = {.word = on_word,
                                          .number = on_number,
                                          .text = on_text,
                                          .name = on_name,
                                          .opens = opens,
                                          .closes = closes};
    struct rows *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->s = *settings;
    value_names_set(&r->wanted, settings->wanted);
    r->scan = json_scan_new(&take, r);
    r->values = values_new(ROOM);
    if (!r->scan || !r->values) {
        rows_free(r);
        return NULL;
    }
    return r;
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    json_scan_free(r->scan);
    values_free(r->values);
    for (size_t i = 0; i < ROWS_BESIDE; i++)
        free(r->beside[i]);
    free(r);
}

static int judge(struct rows *r, int e)
{
    if (r->error == 0 && e < 0) {
        r->error = e;
        snprintf(r->why, sizeof(r->why), "%s, behind element %llu", json_scan_why(r->scan),
                 (unsigned long long)r->count);
    }
    return r->error;
}

int rows_feed(struct rows *r, const char *bytes, size_t len)
{
    return r->error ? r->error : judge(r, json_scan_feed(r->scan, bytes, len));
}

int rows_end(struct rows *r)
{
    if (r->error == 0 && !r->ended) {
        r->ended = true;
        judge(r, json_scan_end(r->scan));
        if (r->error == 0 && !r->list_seen) {
            r->error = -EBADMSG;
            snprintf(r->why, sizeof(r->why), "there is no list at \"%.200s\"", r->s.list->text);
        }
    }
    return r->error;
}

const char *rows_why(const struct rows *r)
{
    return r->why;
}

uint64_t rows_count(const struct rows *r)
{
    return r->count;
}

const char *rows_beside(const struct rows *r, size_t i)
{
    return r->beside[i];
}
