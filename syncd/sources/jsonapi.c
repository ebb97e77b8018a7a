// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-json: people from the API or a file of an HR system. rollcall-source-json(8).
#include "syncd/sources/jsonapi.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/wait.h"

#define TRIES_MAX 3

static int wrong(struct web *w, const char *sentence)
{
    snprintf(w->why, sizeof(w->why), "%s", sentence);
    return -EINVAL;
}

// ---- the section ----

static int take_pointer(struct web *w, const char *option, const char *standard,
                        struct pointer *ret)
{
    const char *text = web_option(w, option) ?: standard;
    int r = text ? pointer_parse(text, ret) : 0;

    if (r < 0)
        snprintf(w->why, sizeof(w->why), "%s = %.80s is no JSON pointer, such as /meta/next",
                 option, text);
    return r;
}

// "https://HOST[:PORT]"
static char *origin_of(const char *url)
{
    const char *host = url ? strstr(url, "://") : NULL;

    return host ? strndup(url, (size_t)(host + 3 - url) + strcspn(host + 3, "/?#")) : NULL;
}

static uint64_t number(const struct web *w, const char *option, uint64_t unsaid)
{
    const json_t *v = json_object_get(w->section, option);

    return json_is_integer(v) ? (uint64_t)json_integer_value(v) : unsaid;
}

static void take_paging(struct web *w, struct hr *hr)
{
    const char *size = web_option(w, "size_param");
    bool links;

    hr->paging = web_option(w, "paging") ?: hr->rules.paging;
    links = strcmp(hr->paging, "link") == 0 || strcmp(hr->paging, "next") == 0;
    hr->page_param = web_option(w, "page_param") ?: hr->paging;
    hr->size_param = size ? size : links ? NULL : "limit";
    hr->page = number(w, "page", 500);
    hr->first_page = number(w, "first_page", 1);
}

// The section without its descriptors, the zone of the host, and who reads it.
static int take_fingerprint(struct web *w, struct hr *hr)
{
    const char *zone = json_string_value(json_object_get(w->request.json, "timezone"));
    json_t *section = json_copy(w->section);
    _cleanup_free_ char *text = NULL, *all = NULL;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    json_object_del(section, "files");
    text = json_dumps(section, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(section);
    if (!text || asprintf(&all, "%s %s %s", text, zone ? zone : "UTC", ROLLCALL_VERSION) < 0)
        return -ENOMEM;
    if (EVP_Digest(all, strlen(all), hash, &len, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(hr->of) / 2; i++)
        snprintf(hr->of + 2 * i, 3, "%02x", hash[i]);
    return 0;
}

// ---- who we are there ----

static int read_secret(struct web *w, const char *path, char *buf, size_t len)
{
    _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? -1 : pread(fd, buf, len - 1, 0);

    if (n <= 0 || (size_t)n == len - 1)
        return wrong(w, "the first line of secret_file is empty or too long");
    buf[n] = 0;
    n = (ssize_t)strcspn(buf, "\r\n");
    explicit_bzero(buf + n, len - (size_t)n);
    return n > 0 ? 0 : wrong(w, "the first line of secret_file is empty");
}

// BambooHR takes its API key as the user of Basic, with any password.
static int take_api_key(struct web *w, struct hr *hr, const char *path)
{
    char key[300], pair[310];
    int r = read_secret(w, path, key, sizeof(key)), n;

    if (r == 0) {
        n = snprintf(pair, sizeof(pair), "%s:x", key);
        memcpy(hr->secret, "Basic ", 6);
        EVP_EncodeBlock((unsigned char *)hr->secret + 6, (const unsigned char *)pair, n);
        hr->header = (struct http_header){"Authorization", hr->secret};
    }
    explicit_bzero(key, sizeof(key));
    explicit_bzero(pair, sizeof(pair));
    return r;
}

static int take_sign_in(struct web *w, struct hr *hr, struct http_settings *http,
                        struct auth_settings *auth)
{
    const char *secret = web_file(w, "secret_file") ?: web_file(w, "credential"),
               *password = web_file(w, "password_file"), *name = web_option(w, "key_header");

    http->cert_file = web_file(w, "cert_file");
    http->key_file = web_file(w, "key_file");
    auth->kind = AUTH_NONE;
    if (hr->kind == HR_BAMBOO)
        return take_api_key(w, hr, secret);
    if (auth->client_id) {
        auth->kind = AUTH_SECRET;
    } else if (auth->user) {
        auth->kind = AUTH_BASIC;
        auth->secret_file = password;
    } else if (secret && !name) {
        auth->kind = AUTH_BEARER;
    }
    if (!name)
        return 0;
    hr->header = (struct http_header){name, hr->secret};
    return read_secret(w, secret, hr->secret, sizeof(hr->secret));
}

static int settings(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    const char *zone = json_string_value(json_object_get(w->request.json, "timezone")),
               *preset = web_option(w, "preset");
    struct hr *hr = calloc(1, sizeof(*hr));
    bool next;
    int r;

    w->own = hr;
    if (!hr || !(hr->listed = listed_new(false)))
        return wrong(w, "there is no memory");
    hr->url = web_option(w, "url");
    hr->confirm = json_is_true(json_object_get(w->cursor, "confirm"));
    hr->kind = w->request.path                             ? HR_FILE
               : preset && strcmp(preset, "bamboohr") == 0 ? HR_BAMBOO
                                                           : HR_API;
    if (!hr->url && hr->kind != HR_FILE)
        return wrong(w, "says neither url nor path");
    r = hr_rules_init(&hr->rules, w->section, zone ? zone : "UTC", w->why, sizeof(w->why));
    if (r < 0)
        return r;
    take_paging(w, hr);
    next = strcmp(hr->paging, "next") == 0;
    r = take_pointer(w, "next", next ? "/d/__next" : NULL, &hr->next);
    if (r == 0)
        r = take_pointer(w, "count", NULL, &hr->count);
    if (r == 0)
        r = take_pointer(w, "timestamp", NULL, &hr->timestamp);
    if (r == 0)
        r = take_fingerprint(w, hr);
    if (r < 0 || hr->kind == HR_FILE)
        return r;
    // A report may be made for minutes before its first byte comes.
    http->timeout = (unsigned)number(w, "timeout", 300) * 3 / 4 + 1;
    http->origin[0] = hr->origin = origin_of(hr->url);
    http->origin[1] = hr->token_origin = origin_of(auth->token_url);
    return take_sign_in(w, hr, http, auth);
}

static void done(struct web *w)
{
    struct hr *hr = w->own;

    if (!hr)
        return;
    hr_rules_done(&hr->rules);
    pointer_done(&hr->next);
    pointer_done(&hr->count);
    pointer_done(&hr->timestamp);
    listed_free(hr->listed);
    explicit_bzero(hr->secret, sizeof(hr->secret));
    free(hr->origin);
    free(hr->token_origin);
    free(hr->since);
    free(hr->heard);
    free(hr->changes);
    free(hr->coverage);
    free(hr);
}

// ---- reading ----

static int read_list(struct listing *l, bool conditional)
{
    int r = l->hr->kind == HR_FILE     ? hr_read_file(l)
            : l->hr->kind == HR_BAMBOO ? hr_read_report(l)
                                       : hr_read_pages(l, conditional);

    return r == 0 && !l->same ? hr_listing_check(l) : r;
}

// BambooHR's feed says whether the report is worth its bytes; once a day it is read all the same,
// for a date that comes due is no change.
static bool nothing_changed(struct web *w, int *ret)
{
    const struct hr *hr = w->own;
    const char *day = json_string_value(json_object_get(w->cursor, "day"));
    char today[11];

    hr_today(hr, today);
    *ret = 1;
    if (hr->kind != HR_BAMBOO || !hr->since || hr->confirm || !day || strcmp(day, today) != 0)
        return false;
    *ret = hr_changes(w);
    return *ret == 0;
}

static enum web_outcome read_people(struct web *w)
{
    struct hr *hr = w->own;
    int64_t now = (int64_t)time(NULL);
    int r = 0;

    if (nothing_changed(w, &r)) {
        emit_as_of(now);
        return WEB_READ;
    }
    for (int i = 0; r >= 0 && i < TRIES_MAX; i++) {
        struct listing l;
        if (i == TRIES_MAX - 1)
            listed_forget(hr->listed); // all of it then
        hr_listing_init(&l, w);
        r = read_list(&l, i == 0 && !hr->confirm);
        if (r == 0 && l.same)
            emit_as_of(l.as_of);
        else if (r == 0 && listed_again(hr->listed))
            r = 1; // a row that stands twice was passed over
        else if (r == 0)
            hr_listing_commit(&l);
        hr_listing_done(&l);
        if (r == 0)
            return WEB_READ;
    }
    return web_failed(w, r);
}

static int hint(struct web *w)
{
    static int64_t asked; // BambooHR
    const struct hr *hr = w->own;
    int64_t now = source_now_ms(), every = (int64_t)w->request.poll * 1000 / 10;

    if (hr->kind == HR_FILE)
        return hr_file_hint(w);
    if (hr->kind != HR_BAMBOO || !hr->since || now - asked < (every < 60000 ? every : 60000))
        return 0;
    asked = now;
    return hr_changes(w);
}

// Nothing is pinned: whose HR system it is says the credential. `rollcall source test` reads all
// of it here, so that what fails is said as what it is.
static int identity(struct web *w)
{
    struct hr *hr = w->own;
    struct listing l;
    int r;

    if (!w->request.test)
        return 0;
    hr->coverage = hr_coverage_new();
    if (!hr->coverage)
        return -ENOMEM;
    hr_listing_init(&l, w);
    json_object_clear(w->cursor); // so that a file is read that was read before
    r = read_list(&l, false);
    hr_listing_done(&l);
    return r;
}

static void test(struct web *w)
{
    hr_coverage_say(w, w->own);
}

int main(void)
{
    // A file is looked at as often; BambooHR's feed is asked ten times a poll, or each minute.
    static const struct web_source source = {.type = "json",
                                             .settings = settings,
                                             .identity = identity,
                                             .read = read_people,
                                             .hint = hint,
                                             .hint_every = 2,
                                             .test = test,
                                             .done = done};

    return web_main(&source);
}
