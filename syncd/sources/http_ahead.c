// SPDX-License-Identifier: BSD-2-Clause
// A page that is on its way before anybody asks for it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/erasing.h"
#include "syncd/sources/http_transfer.h"
#include "syncd/sources/wait.h"

// Its texts are copies: whoever asked for it may be gone before it is there.
struct http_ahead {
    struct http_request request;
    struct transfer t;
};

static const char *copy(const char *text, int *ret_r)
{
    char *ret = text ? strdup(text) : NULL;

    if (text && !ret)
        *ret_r = -ENOMEM;
    return ret;
}

static void forget(const char *text)
{
    erasing_free_text((char *)(uintptr_t)text);
}

static void forget_request(struct http_request *q)
{
    forget(q->url);
    forget(q->accept);
    forget(q->etag);
    forget(q->modified);
    for (size_t i = 0; i < q->n_headers; i++) {
        forget(q->header[i].name);
        forget(q->header[i].value);
    }
}

static int copy_request(const struct http_request *q, struct http_request *ret)
{
    int r = 0;

    *ret = (struct http_request){.url = copy(q->url, &r),
                                 .accept = copy(q->accept, &r),
                                 .etag = copy(q->etag, &r),
                                 .modified = copy(q->modified, &r),
                                 .any_type = q->any_type,
                                 .n_headers = q->n_headers};
    for (size_t i = 0; i < q->n_headers; i++) {
        ret->header[i].name = copy(q->header[i].name, &r);
        ret->header[i].value = copy(q->header[i].value, &r);
    }
    return r;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct http_request *a, const struct http_request *b)
{
    bool r = same(a->url, b->url) && same(a->accept, b->accept) && same(a->etag, b->etag) &&
             same(a->modified, b->modified) && a->any_type == b->any_type &&
             a->n_headers == b->n_headers;

    for (size_t i = 0; r && i < a->n_headers; i++)
        r = same(a->header[i].name, b->header[i].name) &&
            same(a->header[i].value, b->header[i].value);
    return r;
}

static bool is_plain(const struct http_request *q)
{
    return !q->method && !q->body && !q->take && !q->prepare;
}

static void free_ahead(struct http_ahead *a)
{
    forget_request(&a->request);
    free(a);
}

int http_ahead(struct http *h, struct auth *auth, const struct http_request *request)
{
    struct auth_headers ours = {0};
    struct http_ahead *a;
    char why[HTTP_WHY_MAX];
    int r;

    http_ahead_drop(h);
    if (!is_plain(request) || h->until != 0 || !http_is_ours(h, request->url))
        return -EINVAL;
    a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->t.h = h;
    a->t.request = &a->request;
    r = copy_request(request, &a->request);
    h->until = source_now_ms() + (int64_t)(request->budget ?: h->set.budget) * 1000;
    if (r == 0 && auth)
        r = auth_headers(auth, h, "GET", request->url, &ours, why, sizeof(why));
    if (r == 0)
        r = http_transfer_begin(&a->t, &ours);
    h->until = 0;
    auth_headers_done(&ours);
    if (r < 0) {
        http_transfer_done(&a->t);
        free_ahead(a);
        return r;
    }
    h->ahead = a;
    return 0;
}

void http_ahead_drop(struct http *h)
{
    struct http_ahead *a = h->ahead;

    if (!a)
        return;
    h->ahead = NULL;
    http_worker_drop(&a->t);
    http_transfer_trace(&a->t);
    http_transfer_done(&a->t);
    free_ahead(a);
}

bool http_ahead_take(struct http *h, const struct http_request *request, struct transfer *ret)
{
    struct http_ahead *a = h->ahead;

    if (!a || !is_plain(request) || !is_same(&a->request, request))
        return false;
    http_worker_wait(&a->t);
    *ret = a->t;
    h->ahead = NULL;
    free_ahead(a);
    return true;
}

void http_ahead_wait(struct http *h)
{
    if (h->ahead)
        http_worker_wait(&h->ahead->t);
}
