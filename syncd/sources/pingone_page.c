// SPDX-License-Identifier: BSD-2-Clause
// Lists of PingOne's API. The end of one is that it names no next page: a page may hold fewer
// than were asked for, or none (PingOne API: Paging, ordering, and filtering collections).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/parse.h"
#include "syncd/sources/pingone.h"
#include "syncd/sources/rows.h"

#define EMPTY_MAX 100 // pages with nobody on them, one after the other

struct walk {
    char *url;  // of the page in work
    char *mark; // a page that was passed, to know a circle by
    size_t steps, mark_at;
    unsigned empty;
};

static int odd(struct web *w, const char *what)
{
    snprintf(w->why, sizeof(w->why), "a list of PingOne's %s", what);
    return -EBADMSG;
}

// Where the next page is: in our environment, and no page that was read already (Brent).
static int step(struct web *w, struct walk *walk, const char *href)
{
    const struct pingone *p = w->own;
    size_t n = strlen(p->env);
    char *next = http_resolve(walk->url, href);

    if (!next || strncmp(next, p->env, n) != 0 || (next[n] != '/' && next[n] != '?')) {
        free(next);
        return odd(w, "goes on at an address that is not the environment's");
    }
    if (strcmp(next, walk->url) == 0 || (walk->mark && strcmp(next, walk->mark) == 0)) {
        free(next);
        return odd(w, "goes round in a circle");
    }
    if (++walk->steps > 2 * walk->mark_at) {
        free(walk->mark);
        walk->mark = walk->url;
        walk->mark_at = walk->steps;
    } else {
        free(walk->url);
    }
    walk->url = next;
    return 1;
}

// ---- one page, as its bytes come ----

enum { NEXT, COUNT };

struct page {
    struct web *w;
    struct rows *rows;
    pingone_each *each;
    void *ctx;
    char why[HTTP_WHY_MAX]; // of what `each` said
    int error;
};

static int on_row(void *ctx, const struct value *row, uint64_t number, const char *fault)
{
    struct page *page = ctx;
    struct web *w = page->w;

    (void)number;
    page->error = page->each(w, row, fault, page->ctx);
    if (page->error < 0)
        snprintf(page->why, sizeof(page->why), "%s", w->why);
    return page->error;
}

static int take(void *ctx, const char *bytes, size_t len)
{
    struct page *page = ctx;

    return rows_feed(page->rows, bytes, len);
}

static int read_page(struct page *page, const char *url)
{
    struct web *w = page->w;
    struct http_answer a = {0};
    int r = web_send(w, &(struct http_request){.url = url, .take = take, .ctx = page}, &a);

    http_answer_done(&a);
    if (r >= 0)
        r = rows_end(page->rows);
    if (page->error < 0)
        snprintf(w->why, sizeof(w->why), "%s", page->why);
    else if (r < 0 && *rows_why(page->rows))
        snprintf(w->why, sizeof(w->why), "a list of PingOne's cannot be read: %s",
                 rows_why(page->rows));
    return page->error < 0 ? page->error : r;
}

// 1: there is another page; 0: that was the last.
static int turn(struct web *w, struct walk *walk, const struct rows *rows)
{
    const char *next = rows_beside(rows, NEXT), *count = rows_beside(rows, COUNT);

    if (!count || rollcall_parse_u64(count, 0, INT64_MAX, &((struct pingone *)w->own)->count) < 0)
        ((struct pingone *)w->own)->count = 0;
    walk->empty = rows_count(rows) > 0 ? 0 : walk->empty + 1;
    if (!next)
        return 0;
    if (walk->empty > EMPTY_MAX)
        return odd(w, "has nothing but empty pages");
    return step(w, walk, next);
}

static int read_pages(struct web *w, struct walk *walk, const struct rows_settings *settings,
                      struct page *page)
{
    int r = 1;

    while (r > 0) {
        page->rows = rows_new(settings);
        if (!page->rows)
            return -ENOMEM;
        r = read_page(page, walk->url);
        if (r >= 0)
            r = turn(w, walk, page->rows);
        rows_free(page->rows);
    }
    return r;
}

int pingone_pages(struct web *w, const char *url, const char *member, const char *const *wanted,
                  pingone_each *each, void *ctx)
{
    struct page page = {.w = w, .each = each, .ctx = ctx};
    struct walk walk = {.url = strdup(url)};
    struct pointer list = {0}, next = {0}, count = {0};
    char path[64];
    int r;

    snprintf(path, sizeof(path), "/_embedded/%s", member);
    r = pointer_parse(path, &list);
    if (r == 0)
        r = pointer_parse("/_links/next/href", &next);
    if (r == 0)
        r = pointer_parse("/count", &count);
    if (r == 0)
        r = walk.url ? read_pages(w, &walk,
                                  &(struct rows_settings){.list = &list,
                                                          .wanted = wanted,
                                                          .beside = {&next, &count},
                                                          .row = on_row,
                                                          .ctx = &page},
                                  &page)
                     : -ENOMEM;
    pointer_done(&list);
    pointer_done(&next);
    pointer_done(&count);
    free(walk.url);
    free(walk.mark);
    return r;
}
