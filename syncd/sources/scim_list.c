// SPDX-License-Identifier: BSD-2-Clause
// Reading a list of a SCIM server to its end.
#include "syncd/sources/scim_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "syncd/sources/listed.h"
#include "syncd/sources/scim_map.h"

#define EMPTY_PAGES_MAX 50 // in a row, of a list that goes on all the same
#define CURSOR_MAX      4096

#define ACCEPT          "application/scim+json, application/json"

struct reading {
    struct web *w;
    struct scim_server *s;
    struct scim_pass *pass;
    scim_take *take;
    void *ctx;
    uint64_t came;    // entries, all
    int64_t total;    // as said last, or -1
    unsigned asked;   // answers
    unsigned pages;   // that were not empty
    unsigned empty;   // pages in a row
    bool asked_twice; // for the page that was empty before its time
    bool unsteady;    // the total changed while it was read: somebody came or went
    bool last_again;  // asked for the last entry once more, and what is behind it
    bool cursors;     // this list goes on by them
    char cursor[CURSOR_MAX];
    char first[PERSON_ID_MAX + 1]; // id of the list's first entry
};

__attribute__((format(printf, 3, 4))) static int wrong(struct reading *r, int error,
                                                       const char *format, ...)
{
    char what[HTTP_WHY_MAX / 2];
    va_list ap;

    va_start(ap, format);
    vsnprintf(what, sizeof(what), format, ap);
    va_end(ap);
    snprintf(r->w->why, sizeof(r->w->why), "%s%s: %s", r->s->base, r->pass->path, what);
    return error;
}

// ---- the question ----

static char *url_of(const struct reading *r)
{
    char base[2100], start[24], count[16];
    const char *filter = r->pass->filter;

    snprintf(base, sizeof(base), "%s%s", r->s->base, r->pass->path);
    snprintf(count, sizeof(count), "%u", r->s->count);
    snprintf(start, sizeof(start), "%llu", (unsigned long long)r->came + 1);
    // What else was asked is asked again with each cursor (RFC 9865, 2).
    if (r->cursors && filter)
        return http_url(base, "filter", filter, "cursor", r->cursor, "count", count, NULL);
    if (r->cursors)
        return http_url(base, "cursor", r->cursor, "count", count, NULL);
    if (filter)
        return http_url(base, "filter", filter, "startIndex", start, "count", count, NULL);
    return http_url(base, "startIndex", start, "count", count, NULL);
}

static bool shrink(struct scim_server *s)
{
    if (s->count <= 1)
        return false;
    s->count /= 2;
    return true;
}

// Of an error, which is no page: its JSON is jansson's.
static bool is_type(const struct http_answer *a, const char *word)
{
    const char *name;
    json_t *v;

    json_object_foreach(a->json, name, v)
    {
        const char *type = strcasecmp(name, "scimType") == 0 ? json_string_value(v) : NULL;
        if (type && strcasecmp(type, word) == 0)
            return true;
    }
    return false;
}

// An answer that is no list.
static int refused(struct reading *r, const struct http_answer *a, int error)
{
    bool query = a->status == 400 || a->status == 404 || a->status == 501;

    if (error == -EFBIG && shrink(r->s))
        return SCIM_AGAIN;
    if (is_type(a, "expiredCursor") || is_type(a, "invalidCursor"))
        return SCIM_AGAIN;
    if ((is_type(a, "invalidCount") || is_type(a, "tooMany")) && shrink(r->s))
        return SCIM_AGAIN;
    if (r->pass->filter && query && r->pages == 0)
        return SCIM_NO_SUCH;
    // Asked for what is behind the last one. Some servers have no page for that.
    if (!r->cursors && query && r->pages > 0 && r->total >= 0 &&
        (int64_t)r->came + r->last_again >= r->total)
        return 0;
    if (error == -ENOENT && r->pages == 0)
        return wrong(r, error,
                     "there is nothing (404), which is not the same as nobody. Is the url the part "
                     "before %s, such as https://scim.example.com/v2?",
                     r->pass->path);
    return error == -ESTALE ? -EBADMSG : error;
}

// ---- the answer ----

// A number, or a text that is one; -1 otherwise.
static int64_t number_of(const struct value *v)
{
    uint64_t n;

    if (value_is(v, VALUE_INTEGER))
        return value_integer(v) < 0 ? -1 : value_integer(v);
    if (value_is(v, VALUE_TEXT) && rollcall_parse_u64(value_text(v), 0, INT64_MAX, &n) == 0)
        return (int64_t)n;
    return -1;
}

// 1: the page is the first one again, and that was all.
static int check_first(struct reading *r, const struct value *list, const struct value *body)
{
    const char *id = value_text(scim_get(value_first(list), "id"));

    if (!id)
        return 0;
    if (r->pages == 0)
        snprintf(r->first, sizeof(r->first), "%s", id);
    if (r->pages == 0 || r->cursors || value_size(list) < 2 ||
        (strcmp(r->first, id) != 0 && number_of(scim_get(body, "startIndex")) != 1))
        return 0;
    // Nobody was left out by that where all fitted into less than the page that was asked for.
    if (r->last_again && r->came + 1 < r->s->count)
        return 1;
    return wrong(r, -EBADMSG,
                 "the server ignores startIndex: it gives its first page again, and what is behind "
                 "it cannot be read");
}

static int take_all(struct reading *r, const struct value *list)
{
    size_t n = value_size(list), again = 0;
    const struct value *row;

    value_each(list, row)
    {
        int got = r->take(r->ctx, row);
        if (got < 0)
            return got;
        again += got > 0;
    }
    r->came += n;
    r->pass->received += n - again;
    r->pages += n > 0;
    r->empty = n > 0 ? 0 : r->empty + 1;
    if (n > 1 && again > n / 2)
        return wrong(r, -EBADMSG, "the pages go round in a circle: people come again and again");
    if (r->came > LISTED_MAX || (r->total >= 0 && r->came > 2 * (uint64_t)r->total + 1000))
        return wrong(r, -EBADMSG, "the list does not end: %llu entries came",
                     (unsigned long long)r->came);
    return 0;
}

// 1: there is another page. 0: this was the last.
static int goes_on_by_cursor(struct reading *r, const struct value *body)
{
    const char *next = value_text(scim_get(body, "nextCursor"));

    if (!next || !*next) {
        if (r->cursors && r->s->may_index && r->total > (int64_t)r->came) {
            r->s->by_cursor = false; // it does not know them after all
            return wrong(r, SCIM_AGAIN, "the server pages by no cursor");
        }
        if (r->cursors && r->total > (int64_t)r->came && r->pages <= 1)
            return wrong(r, -EBADMSG,
                         "the list ends early: %llu of %lld came and no nextCursor. Write paging = "
                         "index where the server knows no cursors",
                         (unsigned long long)r->came, (long long)r->total);
        return r->cursors ? 0 : -ENODATA;
    }
    if (strlen(next) >= sizeof(r->cursor))
        return wrong(r, -EBADMSG, "nextCursor is longer than %d bytes", CURSOR_MAX - 1);
    if ((r->cursors && strcmp(r->cursor, next) == 0) || r->empty > EMPTY_PAGES_MAX)
        return wrong(r, -EBADMSG, "the list does not end: the cursor leads nowhere");
    r->cursors = true; // also where we did not ask for it (RFC 9865, 2)
    snprintf(r->cursor, sizeof(r->cursor), "%s", next);
    return 1;
}

static int goes_on(struct reading *r, const struct value *body)
{
    int more = goes_on_by_cursor(r, body);

    if (more != -ENODATA)
        return more;
    // One page that says that it is all might be of a server that counts what it sends: it is
    // asked for the last entry and what is behind that. (For what is behind the end, some give
    // the beginning.) A question about few is not asked twice where the totals were seen to be
    // right. More than the total shows that it is none.
    if (r->empty == 0 && (int64_t)r->came == r->total) {
        if (r->pages > 1 || (r->pass->filter && r->s->honest))
            return 0;
        r->last_again = true;
        r->came--;
        return 1;
    }
    if (r->empty == 0)
        return 1;
    // Before its time: once more, for a server that was in the middle of something.
    if (r->total > (int64_t)r->came + r->last_again && !r->asked_twice) {
        r->asked_twice = true;
        return 1;
    }
    return 0;
}

// Resources may be missing where it is empty; but what is no list at all is not nobody.
static bool is_list(const struct value *body, const struct value *list, const struct value *total)
{
    const struct value *schema, *schemas = scim_get(body, "schemas");

    if (!value_is(body, VALUE_OBJECT) || (list && !value_is(list, VALUE_LIST)))
        return false;
    value_each(schemas, schema)
    {
        if (value_is(schema, VALUE_TEXT) && strcasestr(value_text(schema), ":ListResponse"))
            return true;
    }
    return list || number_of(total) == 0;
}

// The page behind this one, where it is plain which that is, comes while this one is taken.
static void ask_ahead(const struct reading *r, const struct value *list, const struct value *body)
{
    const char *cursor = value_text(scim_get(body, "nextCursor"));
    struct http_request q = {.accept = ACCEPT};
    struct reading next = *r;
    _cleanup_free_ char *url = NULL;

    next.came += value_size(list);
    next.cursors = cursor && *cursor;
    if (r->s->single || value_size(list) == 0 || (r->cursors && !next.cursors) ||
        (next.cursors && strlen(cursor) >= sizeof(next.cursor)) ||
        (!next.cursors && r->total <= (int64_t)next.came))
        return;
    if (next.cursors)
        snprintf(next.cursor, sizeof(next.cursor), "%s", cursor);
    url = url_of(&next);
    q.url = url;
    if (url)
        web_ahead(r->w, &q);
}

static int take_page(struct reading *r, const struct http_answer *a)
{
    const struct value *list = scim_get(a->value, "Resources"),
                       *total = scim_get(a->value, "totalResults");
    int64_t was;
    int e;

    if (!is_list(a->value, list, total))
        return wrong(r, -EBADMSG, "the answer is no list of SCIM's (ListResponse)");
    was = r->total;
    r->total = number_of(total);
    r->unsteady = r->unsteady || (r->asked > 1 && r->total != was);
    e = check_first(r, list, a->value);
    if (e == 1)
        return 0;
    if (e == 0)
        ask_ahead(r, list, a->value);
    if (e == 0)
        e = take_all(r, list);
    if (e == 0 && r->total > 0)
        emit_progress(r->came, (uint64_t)r->total > r->came ? (uint64_t)r->total : r->came);
    return e == 0 ? goes_on(r, a->value) : e;
}

// 1: there is another page; 0: that was the last; 2: as it was.
static int one_page(struct reading *r, char **ret_tag)
{
    struct http_answer a = {0};
    struct http_request q = {.accept = ACCEPT};
    _cleanup_free_ char *url = url_of(r);
    int e;

    if (!url)
        return -ENOMEM;
    values_empty(r->s->page);
    q.url = url;
    q.values = r->s->page;
    q.etag = r->asked++ == 0 ? r->pass->etag : NULL;
    e = web_send(r->w, &q, &a);
    if (e < 0)
        e = refused(r, &a, e);
    else if (a.status == 304)
        e = 2;
    else
        e = take_page(r, &a);
    if (r->asked == 1 && e >= 0)
        *ret_tag = ROLLCALL_TAKE(a.etag);
    http_answer_done(&a);
    return e;
}

int scim_list(struct web *w, struct scim_server *s, struct scim_pass *pass, scim_take *take,
              void *ctx)
{
    struct reading r = {.w = w,
                        .s = s,
                        .pass = pass,
                        .take = take,
                        .ctx = ctx,
                        .total = -1,
                        .cursors = s->by_cursor};
    _cleanup_free_ char *tag = NULL;
    int e;

    pass->received = 0;
    pass->exact = false;
    pass->tag = NULL;
    while ((e = one_page(&r, &tag)) == 1 && !s->single)
        continue;
    pass->total = r.total;
    if (e == 1)
        return 0;
    if (e == 2)
        return 1;
    if (e < 0)
        return e;
    pass->exact = !r.unsteady && r.total >= 0 && (uint64_t)r.total == pass->received;
    s->honest = pass->exact && (s->honest || !pass->filter);
    if (r.pages - r.last_again <= 1 && pass->exact)
        pass->tag = ROLLCALL_TAKE(tag);
    return 0;
}

int scim_one(struct web *w, const struct scim_server *s, const char *path, const char *id,
             const struct value **ret)
{
    struct http_request q = {.accept = ACCEPT};
    _cleanup_free_ char *escaped = http_url("", id, "", NULL), *url = NULL;
    struct http_answer a = {0};
    const char *got;
    int e;

    // The id's own form in a URL: "?ID=" of a query, without what stands around it.
    if (!escaped ||
        asprintf(&url, "%s%s/%.*s", s->base, path, (int)strlen(escaped) - 2, escaped + 1) < 0)
        return -ENOMEM;
    values_empty(s->page);
    q.url = url;
    q.values = s->page;
    q.no_5xx_again = true; // others wait
    e = web_send(w, &q, &a);
    got = value_text(scim_get(a.value, "id"));
    if (e == 0 && (!got || strcmp(got, id) != 0)) {
        snprintf(w->why, sizeof(w->why), "%s%s/ID: the answer is another than the one asked for",
                 s->base, path);
        e = -EBADMSG;
    }
    if (e == 0)
        *ret = a.value;
    http_answer_done(&a);
    return e == -ESTALE ? -ENOENT : e;
}

int scim_discover(struct web *w, struct scim_server *s, const char *paging)
{
    struct http_request q = {.accept = ACCEPT};
    const struct value *filter, *pagination;
    _cleanup_free_ char *url = NULL;
    struct http_answer a = {0};
    int64_t most;
    int e;

    if (asprintf(&url, "%s/ServiceProviderConfig", s->base) < 0)
        return -ENOMEM;
    values_empty(s->page);
    q.url = url;
    q.values = s->page;
    e = web_send(w, &q, &a);
    filter = scim_get(a.value, "filter");
    pagination = scim_get(a.value, "pagination");
    s->may_index = strcmp(paging, "auto") == 0;
    s->by_cursor = strcmp(paging, "cursor") == 0 ||
                   (s->may_index && e == 0 && scim_bool(scim_get(pagination, "cursor")) == 1);
    for (int i = 0; e == 0 && i < 2; i++) {
        most = number_of(i ? scim_get(pagination, "maxPageSize") : scim_get(filter, "maxResults"));
        if (most > 0 && most < (int64_t)s->count)
            s->count = (unsigned)most;
    }
    http_answer_done(&a);
    return 0;
}
