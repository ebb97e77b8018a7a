// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-weblist: a source over an API with nothing in it but the shared frame, for
// tests of that frame: the pages at `url` are a JSON list of users each, and a Link leads to
// the next one. How it signs in is said by `sign_in`.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "syncd/sources/wait.h"
#include "syncd/sources/web.h"

static int settings(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    static const struct {
        const char *word;
        enum auth_kind kind;
        bool in_body;
    } ways[] = {{"none", AUTH_NONE, false},     {"basic", AUTH_BASIC, false},
                {"bearer", AUTH_BEARER, false}, {"ssws", AUTH_SSWS, false},
                {"secret", AUTH_SECRET, false}, {"secret_post", AUTH_SECRET, true},
                {"key", AUTH_KEY, false},       {"certificate", AUTH_CERTIFICATE, false}};
    const char *way = web_option(w, "sign_in");

    http->origin[0] = web_option(w, "origin");
    http->origin[1] = web_option(w, "token_origin");
    auth->audience = web_option(w, "audience");
    for (size_t i = 0; way && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(way, ways[i].word) == 0) {
            auth->kind = ways[i].kind;
            auth->secret_in_body = ways[i].in_body;
        }
    if (web_option(w, "tls_client")) {
        http->cert_file = auth->cert_file;
        http->key_file = auth->key_file;
    }
    if (web_option(w, "budget"))
        http->budget = (unsigned)strlen(web_option(w, "budget")); // "....": 4 s
    return 0;
}

static int identity(struct web *w)
{
    struct http_answer a = {0};
    char url[300];
    int r;

    snprintf(url, sizeof(url), "%s%s", web_option(w, "origin"), web_option(w, "me") ?: "/me");
    r = web_get(w, url, &a);
    if (r == 0 && strcmp(json_string_value(json_object_get(a.json, "tenant")) ?: "", "ours") != 0) {
        snprintf(w->why, sizeof(w->why), "this is another tenant than ours");
        r = -EPERM;
    }
    http_answer_done(&a);
    return r;
}

// `gate`: a page waits for that file, so that a test knows what the next one is before it is taken.
static void wait_for_gate(const struct web *w)
{
    const char *gate = web_option(w, "gate");

    emit_flush();
    while (gate && access(gate, F_OK) != 0)
        source_pause(10);
}

static enum web_outcome read_pages(struct web *w)
{
    const char *etag = json_string_value(json_object_get(w->cursor, "etag"));
    struct http_answer a = {0};
    char *url = http_url(web_option(w, "url"), "$select", "id name", NULL);
    int64_t began = (int64_t)time(NULL);
    uint64_t rows = 0;
    bool open = false;
    int r = 0;

    while (url && r == 0 && !(open && web_option(w, "gives_up"))) {
        r = web_send(w, &(struct http_request){.url = url, .etag = open ? NULL : etag}, &a);
        free(url);
        url = NULL;
        if (r == 0 && a.status == 304) {
            emit_as_of(began);
            break;
        }
        if (r == 0 && !open) {
            emit_begin(true, began, NULL, began, NULL);
            open = true;
            if (a.etag)
                json_object_set_new(w->cursor, "etag", json_string(a.etag));
        }
        if (r == 0 && a.next)
            web_ahead(w, &(struct http_request){.url = a.next});
        if (r == 0)
            wait_for_gate(w);
        for (size_t i = 0; r == 0 && i < json_array_size(a.json); i++, rows++)
            emit_user(json_incref(json_array_get(a.json, i)), "page");
        url = a.next;
        a.next = NULL;
        http_answer_done(&a);
    }
    free(url);
    http_answer_done(&a);
    if (r == 0 && web_option(w, "gives_up")) {
        snprintf(w->why, sizeof(w->why), "it was given up");
        r = -EBADMSG;
    }
    if (r < 0)
        return web_failed(w, r);
    if (open)
        web_commit(w, rows);
    fprintf(stderr, "sent %llu\n", (unsigned long long)http_sent(w->http));
    return WEB_READ;
}

static int count(void *ctx, const char *bytes, size_t len)
{
    uint64_t *n = ctx;

    *n += len;
    return memchr(bytes, 'X', len) ? -EOWNERDEAD : 0;
}

// `stream`: one body of any length, whose bytes are counted as they come.
static enum web_outcome read_stream(struct web *w)
{
    struct http_answer a = {0};
    uint64_t bytes = 0;
    int r = web_send(
        w, &(struct http_request){.url = web_option(w, "stream"), .take = count, .ctx = &bytes},
        &a);

    fprintf(stderr, "took %llu bytes: %d\n", (unsigned long long)bytes, r);
    http_answer_done(&a);
    if (r < 0)
        return web_failed(w, r);
    emit_as_of(1);
    return WEB_READ;
}

static enum web_outcome read_any(struct web *w)
{
    return web_option(w, "stream") ? read_stream(w) : read_pages(w);
}

// `hint`: an address whose answer says how many changes there were ever.
static int hint(struct web *w)
{
    static json_int_t last;
    struct http_answer a = {0};
    json_int_t n = last;
    int r = web_option(w, "hint") ? web_get(w, web_option(w, "hint"), &a) : 0;

    if (r == 0 && a.json)
        n = json_integer_value(json_object_get(a.json, "changes"));
    http_answer_done(&a);
    if (r < 0)
        return r;
    r = n != last;
    last = n;
    return r;
}

int main(void)
{
    static const struct web_source source = {.type = "weblist",
                                             .settings = settings,
                                             .identity = identity,
                                             .read = read_any,
                                             .hint = hint,
                                             .hint_every = 1};

    return web_main(&source);
}
