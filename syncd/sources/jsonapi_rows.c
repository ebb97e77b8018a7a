// SPDX-License-Identifier: BSD-2-Clause
// A JSON document of any length, one element of its list at a time.
#include "syncd/sources/jsonapi_rows.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "syncd/sources/json_guard.h"
#include "syncd/sources/json_text.h"

#define NAME_MAX_BYTES 1024
#define NUMBER_MAX     64
#define SLICE          (16u * 1024)
// A token is held whole by libyajl: one that does not end would have all the memory.
#define SILENT_MAX (ROWS_ROW_MAX * 4)

struct frame {
    bool array;
    uint64_t index;            // of the next element
    char name[NAME_MAX_BYTES]; // of the member in work; "" where longer or with a NUL
    json_t *made;              // inside of an element that is built
};

struct rows {
    struct rows_settings s;
    yajl_handle parser;
    struct frame frame[ROWS_DEPTH_MAX];
    size_t depth;                  // open lists and objects
    size_t match[ROWS_BESIDE + 1]; // leading tokens that lead here; the last is the list's
    size_t list_depth;             // inside the list: its depth; else 0
    bool list_seen, ended;
    char *beside[ROWS_BESIDE];
    json_t *row;       // element in work, where it is built
    bool in_row, skip; // skip: inside of a member that nobody wants
    size_t row_bytes;
    uint64_t count;
    char fault[200], why[ROWS_WHY_MAX];
    size_t silent; // bytes since the parser said something
    struct json_guard guard;
    bool half; // the text in work has half of a pair of escapes
    bool over; // the document is, behind `end` bytes of this slice
    size_t end;
    int error;
};

static int fail(struct rows *r, int error, const char *why)
{
    if (r->error == 0) {
        r->error = error;
        snprintf(r->why, sizeof(r->why), "%s", why);
    }
    return 0; // libyajl stops
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

static void row_fault(struct rows *r, const char *fault)
{
    if (!r->fault[0])
        snprintf(r->fault, sizeof(r->fault), "%s", fault);
    json_decref(r->row);
    r->row = NULL;
    for (size_t i = 0; i < ROWS_DEPTH_MAX; i++)
        r->frame[i].made = NULL;
}

static bool weigh(struct rows *r, size_t bytes)
{
    r->row_bytes += bytes + 8;
    if (r->row_bytes > ROWS_ROW_MAX)
        row_fault(r, "is larger than 256 KiB");
    return !r->fault[0];
}

// A value of the element in work goes where it belongs. Takes the reference.
static void put(struct rows *r, json_t *value)
{
    struct frame *f = &r->frame[r->depth - 1];

    if (r->skip)
        return; // nothing was made of it
    if (!value) {
        row_fault(r, "holds bytes that are not UTF-8");
        return;
    }
    if (r->fault[0]) {
        json_decref(value);
        return;
    }
    if (r->depth == r->list_depth) {
        r->row = value; // borrowed by nobody yet
        return;
    }
    if (!f->made) {
        json_decref(value);
        return;
    }
    if (f->array) {
        json_array_append_new(f->made, value);
        return;
    }
    if (json_object_get(f->made, f->name)) {
        json_decref(value);
        row_fault(r, "names a member twice");
        return;
    }
    if (json_text_put(f->made, f->name, value) < 0)
        row_fault(r, "has a name that is not UTF-8");
}

static bool is_kept(const struct rows *r)
{
    return r->in_row && !r->skip;
}

// Whether anybody wants the member of an element that begins with this name.
static bool is_wanted(const struct rows *r, const char *name)
{
    if (!r->s.wanted)
        return true;
    for (size_t i = 0; r->s.wanted[i]; i++)
        if (strcmp(r->s.wanted[i], name) == 0)
            return true;
    return false;
}

static int row_done(struct rows *r)
{
    int e;

    if (!r->fault[0] && !json_is_object(r->row))
        row_fault(r, "is no object");
    r->in_row = r->skip = false;
    e = r->s.row(r->s.ctx, r->row, r->count, r->fault[0] ? r->fault : NULL);
    json_decref(r->row);
    r->row = NULL;
    return e < 0 ? fail(r, e, "") : 1;
}

// What every value begins with: its place among its siblings, and whether an element begins.
static void value_begins(struct rows *r)
{
    r->silent = 0;
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

static int keep_beside(struct rows *r, const char *text, size_t len)
{
    for (size_t i = 0; i < ROWS_BESIDE; i++) {
        if (!is_here(r, i))
            continue;
        if (r->beside[i])
            return fail(r, -EBADMSG, "a member beside the list stands twice");
        if (r->half || memchr(text, 0, len) || len > 8192)
            return fail(r, -EBADMSG,
                        "a member beside the list is too long, or holds a NUL or half a character");
        r->beside[i] = strndup(text, len);
        if (!r->beside[i])
            return fail(r, -ENOMEM, "");
    }
    return 1;
}

// A text, number or word; `value` is NULL outside of elements.
static int scalar(struct rows *r, json_t *value)
{
    if (!r->in_row) {
        if (is_here(r, ROWS_BESIDE))
            return fail(r, -EBADMSG, "what stands in the place of the list is none");
        return 1;
    }
    put(r, value);
    return r->depth == r->list_depth ? row_done(r) : 1;
}

static int on_null(void *ctx)
{
    struct rows *r = ctx;

    value_begins(r);
    return scalar(r, is_kept(r) && weigh(r, 4) ? json_null() : NULL);
}

static int on_boolean(void *ctx, int on)
{
    struct rows *r = ctx;

    value_begins(r);
    return scalar(r, is_kept(r) && weigh(r, 4) ? json_boolean(on) : NULL);
}

static json_t *number_of(struct rows *r, const char *text, size_t len)
{
    char buf[NUMBER_MAX + 1];
    char *end;

    if (len <= NUMBER_MAX) {
        memcpy(buf, text, len);
        buf[len] = 0;
        errno = 0;
        if (!strpbrk(buf, ".eE")) {
            long long n = strtoll(buf, &end, 10);
            if (errno == 0 && !*end)
                return json_integer(n);
        } else {
            double d = strtod(buf, &end);
            if (!*end && isfinite(d))
                return json_real(d);
        }
    }
    row_fault(r, "holds a number that is out of range");
    return json_null();
}

static int on_number(void *ctx, const char *text, size_t len)
{
    struct rows *r = ctx;

    value_begins(r);
    if (!r->in_row && !keep_beside(r, text, len))
        return 0;
    return scalar(r, is_kept(r) && weigh(r, len) ? number_of(r, text, len) : NULL);
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    struct rows *r = ctx;
    bool half = r->half;

    value_begins(r);
    if (!r->in_row && !keep_beside(r, (const char *)text, len))
        return 0;
    r->half = false;
    if (!is_kept(r))
        return scalar(r, NULL);
    if (half)
        row_fault(r, "holds half of a character in a text");
    if (memchr(text, 0, len))
        row_fault(r, "holds a NUL in a text");
    return scalar(r, weigh(r, len) ? json_text_value((const char *)text, len) : NULL);
}

static int on_name(void *ctx, const unsigned char *name, size_t len)
{
    struct rows *r = ctx;
    struct frame *f = &r->frame[r->depth - 1];

    r->silent = 0;
    if (r->half || len >= sizeof(f->name) || memchr(name, 0, len)) {
        if (is_kept(r))
            row_fault(r, "has a name that is too long, or holds a NUL or half a character");
        len = 0;
    }
    r->half = false;
    memcpy(f->name, name, len);
    f->name[len] = 0;
    if (r->in_row && r->depth == r->list_depth + 1)
        r->skip = !is_wanted(r, f->name);
    if (is_kept(r))
        weigh(r, len);
    moved(r);
    return 1;
}

static int opens(struct rows *r, bool array)
{
    json_t *made = NULL;
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
        made = array ? json_array() : json_object();
        if (!made)
            return fail(r, -ENOMEM, "");
        put(r, made);
        if (r->fault[0])
            made = NULL;
    }
    r->frame[r->depth].array = array;
    r->frame[r->depth].index = 0;
    r->frame[r->depth].name[0] = 0;
    r->frame[r->depth].made = made;
    r->depth++;
    if (list) {
        r->list_depth = r->depth;
        r->list_seen = true;
    }
    return 1;
}

static int closes(struct rows *r)
{
    r->silent = 0;
    r->depth--;
    if (r->depth == 0) {
        r->over = true;
        r->end = yajl_get_bytes_consumed(r->parser);
    }
    for (size_t i = 0; i <= ROWS_BESIDE; i++)
        if (r->match[i] > r->depth)
            r->match[i] = r->depth;
    if (r->list_depth > r->depth) {
        r->list_depth = 0;
        return 1;
    }
    return r->in_row && r->depth == r->list_depth ? row_done(r) : 1;
}

static int on_object(void *ctx)
{
    return opens(ctx, false);
}

static int on_array(void *ctx)
{
    return opens(ctx, true);
}

static int on_end(void *ctx)
{
    return closes(ctx);
}

struct rows *rows_new(const struct rows_settings *settings)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_map_key = on_name,
        .yajl_start_map = on_object,
        .yajl_end_map = on_end,
        .yajl_start_array = on_array,
        .yajl_end_array = on_end,
    };
    struct rows *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->s = *settings;
    r->parser = yajl_alloc(&callbacks, NULL, r);
    if (!r->parser) {
        free(r);
        return NULL;
    }
    return r;
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    yajl_free(r->parser);
    json_decref(r->row);
    for (size_t i = 0; i < ROWS_BESIDE; i++)
        free(r->beside[i]);
    free(r);
}

// libyajl's own sentence ends with a newline, and quotes nothing where it is asked not to.
static int judge(struct rows *r, yajl_status status)
{
    unsigned char *said;

    if (r->error < 0 || status == yajl_status_ok)
        return r->error;
    said = yajl_get_error(r->parser, 0, NULL, 0);
    r->error = -EBADMSG;
    snprintf(r->why, sizeof(r->why), "it is no JSON behind element %llu: %.*s",
             (unsigned long long)r->count, said ? (int)strcspn((char *)said, "\n") : 0,
             said ? (char *)said : "");
    yajl_free_error(r->parser, said);
    return r->error;
}

static void parse(struct rows *r, const char *bytes, size_t len)
{
    r->end = 0;
    r->silent += len;
    if (r->silent > SILENT_MAX)
        fail(r, -EBADMSG, "one text in it is longer than 1 MiB");
    else if (json_has_odd_space(bytes, len))
        fail(r, -EBADMSG, "it is no JSON: it has a form feed or a vertical tab");
    else
        judge(r, yajl_parse(r->parser, (const unsigned char *)bytes, len));
    if (r->over && r->error == 0 && !json_is_blank(bytes + r->end, len - r->end))
        fail(r, -EBADMSG, "it is no JSON: something stands behind its end");
}

int rows_feed(struct rows *r, const char *bytes, size_t len)
{
    while (len > 0 && r->error == 0) {
        size_t n = len < SLICE ? len : SLICE, good = json_guard_pairs(&r->guard, bytes, n);
        if (good > 0)
            parse(r, bytes, good);
        if (good < n) { // where the text in work still goes on
            r->half = true;
            n = good + 1;
            if (r->error == 0)
                parse(r, bytes + good, 1);
        }
        bytes += n;
        len -= n;
    }
    return r->error;
}

int rows_end(struct rows *r)
{
    if (r->error == 0 && !r->ended) {
        r->ended = true;
        judge(r, yajl_complete_parse(r->parser));
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
