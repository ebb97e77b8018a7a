// SPDX-License-Identifier: BSD-2-Clause
// A list that is spread over pages.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/jsonapi.h"

#define PAGES_MAX 100000
#define EMPTY_MAX 100 // in a row, with another one announced

struct walk {
    struct listing *l;
    uint64_t number, empty; // of the page, or of people before it; empty pages in a row
    char first[129];        // id of the page before
};

static bool is(const struct hr *hr, const char *paging)
{
    return strcmp(hr->paging, paging) == 0;
}

// The address of a page by its number, offset or cursor.
static char *address(const struct hr *hr, const char *value)
{
    char size[24];
    bool sized = hr->page > 0 && hr->size_param;

    snprintf(size, sizeof(size), "%" PRIu64, hr->page);
    if (!value)
        return http_url(hr->url, sized ? hr->size_param : NULL, size, NULL);
    return http_url(hr->url, hr->page_param, value, sized ? hr->size_param : NULL, size, NULL);
}

static char *numbered(const struct walk *k)
{
    char number[24];

    snprintf(number, sizeof(number), "%" PRIu64, k->number);
    return address(k->l->hr, number);
}

static char *first_address(const struct walk *k)
{
    const struct hr *hr = k->l->hr;

    if (is(hr, "none"))
        return strdup(hr->url);
    return is(hr, "offset") || is(hr, "page") ? numbered(k) : address(hr, NULL);
}

static int endless(struct walk *k, const char *what)
{
    snprintf(k->l->w->why, sizeof(k->l->w->why), "the list does not end: %s", what);
    return -EBADMSG;
}

// A server that does not know the parameter answers with the same page for ever.
static int next_numbered(struct walk *k, char **ret)
{
    struct listing *l = k->l;

    if (l->page_rows == 0)
        return 0;
    if (l->first[0] && strcmp(l->first, k->first) == 0)
        return endless(k, "the server answers with the same page again; see page_param");
    snprintf(k->first, sizeof(k->first), "%s", l->first);
    k->number += is(l->hr, "page") ? 1 : l->page_rows;
    *ret = numbered(k);
    return *ret ? 0 : -ENOMEM;
}

static int next_address(struct walk *k, const char *url, const struct http_answer *a, char **ret)
{
    struct listing *l = k->l;
    const char *said = rows_beside(l->rows, 0);

    k->empty = l->page_rows == 0 ? k->empty + 1 : 0;
    if (is(l->hr, "offset") || is(l->hr, "page"))
        return next_numbered(k, ret);
    if (is(l->hr, "link"))
        *ret = a->next ? strdup(a->next) : NULL;
    else if (is(l->hr, "next"))
        *ret = said && *said ? http_resolve(url, said) : NULL;
    else if (is(l->hr, "cursor"))
        *ret = said && *said ? address(l->hr, said) : NULL;
    // What nobody can follow is no end.
    if (!*ret && !is(l->hr, "link") && !is(l->hr, "none") && said && *said) {
        snprintf(l->w->why, sizeof(l->w->why), "the list goes on at what is no address: %.200s",
                 said);
        return -EBADMSG;
    }
    if (*ret && (strcmp(*ret, url) == 0 || k->empty > EMPTY_MAX)) {
        free(*ret);
        *ret = NULL;
        return endless(k, k->empty > EMPTY_MAX ? "page after page is empty"
                                               : "a page leads to itself");
    }
    return 0;
}

static void on_head(void *ctx, const struct http_answer *a)
{
    struct listing *l = ctx;

    if (!l->open && a->date > 0)
        l->as_of = a->date;
}

static const char *condition(const struct listing *l, const char *name)
{
    const json_t *c = l->w->cursor;
    const char *of = json_string_value(json_object_get(c, "of")),
               *day = json_string_value(json_object_get(c, "day"));
    char today[11];

    hr_today(l->hr, today);
    if (!of || strcmp(of, l->hr->of) != 0 || !day || strcmp(day, today) != 0)
        return NULL;
    return json_string_value(json_object_get(c, name));
}

// Another page of the list; or, where `body` is one, what a POST answers.
static int read_page(struct listing *l, const char *url, bool conditional, struct http_answer *a)
{
    struct http_request q = {.url = url, .take = hr_page_feed, .head = on_head, .ctx = l};
    char bare[300];
    int r = hr_page_begin(l), e;

    if (r < 0)
        return r;
    if (l->hr->header.name)
        q.header[q.n_headers++] = l->hr->header;
    if (conditional) {
        q.etag = condition(l, "etag");
        q.modified = condition(l, "modified");
    }
    r = web_send(l->w, &q, a);
    if (r == 0 && (a->status == 304 || (a->status == 204 && !l->fed))) {
        l->page_rows = 0;
        l->same = a->status == 304;
        return 0;
    }
    if (r < 0 && !l->fed)
        return r;
    // What the document lacks is a consequence of a connection that ended.
    e = r < 0 && rows_why(l->rows)[0] == 0 && !l->complaint[0]
            ? r
            : hr_page_end(l, http_bare(url, bare, sizeof(bare)));
    return r < 0 ? r : e;
}

static void remember(struct listing *l, struct http_answer *a)
{
    if (!is(l->hr, "none"))
        return;
    l->etag = ROLLCALL_TAKE(a->etag);
    l->modified = ROLLCALL_TAKE(a->modified);
}

int hr_read_pages(struct listing *l, bool conditional)
{
    struct walk k = {.l = l, .number = is(l->hr, "page") ? l->hr->first_page : 0};
    char *url = first_address(&k), *next;
    int r = url ? 0 : -ENOMEM;

    for (unsigned n = 0; r == 0 && url; n++) {
        struct http_answer a = {0};
        next = NULL;
        r = n < PAGES_MAX ? read_page(l, url, conditional && is(l->hr, "none"), &a)
                          : endless(&k, "it has 100000 pages");
        if (r == 0 && !l->same)
            remember(l, &a);
        if (r == 0 && !l->same)
            r = next_address(&k, url, &a, &next);
        if (l->same && a.date > 0)
            l->as_of = a.date;
        http_answer_done(&a);
        free(url);
        url = next;
    }
    free(url);
    return r;
}
