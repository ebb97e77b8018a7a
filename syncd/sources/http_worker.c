// SPDX-License-Identifier: BSD-2-Clause
// The thread that does what libcurl does: the network and TLS beside the reading of what came.
//
// It runs one transfer at a time, and no function of ours that a request brings. A body that is
// held whole is the transfer's own until it is done; of one that is given away no more than
// PART_MAX waits for whoever takes it. Nobody waits for the thread without an ear for the engine,
// and exit(3) ends it first, for libcurl's and OpenSSL's memory goes with that.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/erasing.h"
#include "syncd/sources/http_transfer.h"
#include "syncd/sources/wait.h"

#define PART_MAX ((size_t)256 * 1024)
#define SLICE_MS 1000

// ---- the thread ----

static bool is_to_end(struct transfer *t)
{
    struct http *h = t->h;
    bool r;

    pthread_mutex_lock(&h->lock);
    r = h->stop || t->dropped;
    pthread_mutex_unlock(&h->lock);
    return r;
}

static void note(struct transfer *t)
{
    struct http *h = t->h;
    long status = 0;

    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    t->a.status = (int)status;
    t->a.arrived = (int64_t)time(NULL);
    t->ended = source_now_ms();
    curl_easy_getinfo(h->easy, CURLINFO_HTTP_VERSION, &t->spoken);
    curl_easy_getinfo(h->easy, CURLINFO_SSL_VERIFYRESULT, &t->verdict);
}

static void run(struct transfer *t)
{
    struct http *h = t->h;
    CURLMcode m = curl_multi_add_handle(h->multi, h->easy);
    int running = 1, left;
    CURLMsg *said;
    bool end = false;

    t->code = CURLE_FAILED_INIT;
    while (m == CURLM_OK && (m = curl_multi_perform(h->multi, &running)) == CURLM_OK && running &&
           !(end = is_to_end(t)))
        m = curl_multi_poll(h->multi, NULL, 0, SLICE_MS, NULL);
    while ((said = curl_multi_info_read(h->multi, &left)))
        if (said->msg == CURLMSG_DONE)
            t->code = said->data.result;
    if (end)
        t->code = CURLE_ABORTED_BY_CALLBACK;
    else if (m != CURLM_OK)
        t->code = CURLE_OUT_OF_MEMORY;
    note(t);
    if (end && !t->dropped) // the program ends: libcurl would wait for a name to be resolved
        return;
    curl_multi_remove_handle(h->multi, h->easy);
    curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, NULL); // it goes with the transfer
}

static void tell(struct http *h)
{
    if (h->waits)
        eventfd_write(h->told, 1);
    h->waits = false;
}

static void *work(void *ctx)
{
    struct http *h = ctx;

    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        struct transfer *t = h->job;
        if (!t) {
            pthread_cond_wait(&h->wake, &h->lock);
            continue;
        }
        pthread_mutex_unlock(&h->lock);
        run(t);
        pthread_mutex_lock(&h->lock);
        t->done = true;
        h->job = NULL;
        tell(h);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

bool http_worker_part(struct transfer *t, const char *bytes, size_t len)
{
    struct http *h = t->h;
    struct part *p = &t->part;
    bool ok;

    pthread_mutex_lock(&h->lock);
    while (p->len > 0 && p->len + len > PART_MAX && !h->stop && !t->dropped && t->refused == 0)
        pthread_cond_wait(&h->taken, &h->lock);
    ok = !h->stop && !t->dropped && t->refused == 0;
    if (ok && !p->bytes && !(p->bytes = malloc(PART_MAX)))
        t->error = -ENOMEM;
    if (ok && len > PART_MAX) // libcurl has a buffer that is smaller
        t->error = -EFBIG;
    ok = ok && t->error == 0;
    if (ok) {
        memcpy(p->bytes + p->len, bytes, len);
        p->len += len;
        tell(h);
    }
    pthread_mutex_unlock(&h->lock);
    return ok;
}

// ---- whoever asks ----

static struct http *running; // it alone ends with the program

static void end_with_program(void)
{
    if (running)
        http_worker_stop(running);
}

int http_worker_start(struct http *h)
{
    static bool registered;
    sigset_t all, before;
    int r;

    // Behind libcurl's and OpenSSL's own: what is registered last is called first.
    if (!registered && atexit(end_with_program) != 0)
        return -ENOMEM;
    registered = true;
    h->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->told < 0)
        return -ENOMEM;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    pthread_cond_init(&h->taken, NULL);
    sigfillset(&all); // signals are the program's, not the thread's
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&h->thread, NULL, work, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        return -r;
    h->runs = true;
    running = h;
    return 0;
}

void http_worker_stop(struct http *h)
{
    if (h->runs) {
        pthread_mutex_lock(&h->lock);
        h->stop = true;
        pthread_cond_signal(&h->wake);
        pthread_cond_signal(&h->taken);
        pthread_mutex_unlock(&h->lock);
        curl_multi_wakeup(h->multi);
        pthread_join(h->thread, NULL);
        h->runs = false;
    }
    if (running == h)
        running = NULL;
    if (h->told >= 0)
        close(h->told);
    h->told = -1;
}

void http_worker_give(struct transfer *t)
{
    struct http *h = t->h;

    pthread_mutex_lock(&h->lock);
    h->job = t;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

// Takes what came, with `other` in place of the room that it came in. The lock is held, and is not
// while it is taken.
static void take_part(struct transfer *t, struct part *other)
{
    const struct http_request *q = t->request;
    struct part got = t->part;
    int e;

    t->part = (struct part){.bytes = other->bytes};
    pthread_cond_signal(&t->h->taken);
    pthread_mutex_unlock(&t->h->lock);
    if (other->len == 0 && q->head) // the first of all: see below
        q->head(q->ctx, &t->a);
    e = q->take(q->ctx, got.bytes, got.len);
    pthread_mutex_lock(&t->h->lock);
    if (e < 0)
        t->refused = e;
    *other = (struct part){.bytes = got.bytes, .len = 1};
}

void http_worker_wait(struct transfer *t)
{
    struct http *h = t->h;
    struct part other = {0}; // its length says whether something was taken before
    uint64_t n;

    pthread_mutex_lock(&h->lock);
    while (!t->done || t->part.len > 0) {
        if (t->part.len > 0 && t->refused == 0) {
            take_part(t, &other);
            continue;
        }
        if (t->done)
            break;
        h->waits = true;
        if (t->refused < 0)
            pthread_cond_signal(&h->taken);
        pthread_mutex_unlock(&h->lock);
        source_wait(SLICE_MS, h->told);
        eventfd_read(h->told, &n);
        pthread_mutex_lock(&h->lock);
    }
    h->waits = false;
    pthread_mutex_unlock(&h->lock);
    erasing_free(other.bytes);
}

void http_worker_drop(struct transfer *t)
{
    struct http *h = t->h;

    pthread_mutex_lock(&h->lock);
    t->dropped = true;
    pthread_cond_signal(&h->taken);
    pthread_mutex_unlock(&h->lock);
    curl_multi_wakeup(h->multi);
    http_worker_wait(t);
}
