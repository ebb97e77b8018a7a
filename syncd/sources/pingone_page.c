// SPDX-License-Identifier: BSD-2-Clause
// Lists of PingOne's API. The end of one is that it names no next page: a page may hold fewer
// than were asked for, or none (PingOne API: Paging, ordering, and filtering collections).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/pingone.h"

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

// 1: there is another page; 0: that was the last.
static int page(struct web *w, struct walk *walk, const json_t *json, const char *member,
                pingone_each *each, void *ctx)
{
    const json_t *list = json_object_get(json_object_get(json, "_embedded"), member),
                 *next = json_object_get(json_object_get(json, "_links"), "next"),
                 *href = json_object_get(next, "href");

    // With nobody in it, `_embedded` may be missing; `size` is there.
    if (!json_is_array(list) &&
        (list || !json_is_object(json) || json_integer_value(json_object_get(json, "size")) != 0 ||
         !json_is_integer(json_object_get(json, "size"))))
        return odd(w, "has no records where they belong");
    walk->empty = json_array_size(list) > 0 ? 0 : walk->empty + 1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int r = each(w, json_array_get(list, i), ctx);
        if (r < 0)
            return r;
    }
    if (!next || json_is_null(next))
        return 0;
    if (!json_is_string(href))
        return odd(w, "has a next page with no address");
    if (walk->empty > EMPTY_MAX)
        return odd(w, "has nothing but empty pages");
    return step(w, walk, json_string_value(href));
}

int pingone_pages(struct web *w, const char *url, const char *member, pingone_each *each, void *ctx)
{
    struct walk walk = {.url = strdup(url)};
    int r = walk.url ? 1 : -ENOMEM;

    while (r > 0) {
        struct http_answer a = {0};
        r = web_get(w, walk.url, &a);
        if (r >= 0)
            r = page(w, &walk, a.json, member, each, ctx);
        http_answer_done(&a);
    }
    free(walk.url);
    free(walk.mark);
    return r;
}
