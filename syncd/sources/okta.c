// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-okta: people and groups of an Okta org. All of them once, then what changed
// every `poll`, and in between the System Log every `log_poll`, which tells whom to read again.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/okta.h"
#include "syncd/sources/wait.h"

#define SCOPES        "okta.users.read okta.groups.read okta.logs.read"
#define FULL_EVERY    86400
#define BUDGET        10 // seconds of a request with its repetitions
#define LATE_MAX      10 // looks at changes that may be passed over, in a row
#define CURSOR_FORMAT 1
#define SEPARATE                                                                                   \
    "customers' accounts are kept apart from employees': whoever signs up must never be able to "  \
    "become somebody who may log in"

static struct okta self;

// ---- settings ----

static bool ends_in(const char *host, size_t len, const char *tail)
{
    return len >= strlen(tail) && strncasecmp(host + len - strlen(tail), tail, strlen(tail)) == 0;
}

// The origin without a path or slash.
static int take_org(struct web *w, struct okta *o)
{
    const char *org = web_option(w, "org"), *host = org ? org + strlen("https://") : NULL;
    size_t len;

    if (!org || strncasecmp(org, "https://", strlen("https://")) != 0) {
        snprintf(w->why, sizeof(w->why), "org must be https://HOST, such as https://acme.okta.com");
        return -EINVAL;
    }
    len = strcspn(host, ":/?#");
    if (ends_in(host, len, ".auth0.com")) {
        snprintf(w->why, sizeof(w->why),
                 "%s is Auth0 (Okta Customer Identity Cloud): %s. It is not read", org, SEPARATE);
        return -EINVAL;
    }
    if (memmem(host, len, "-admin.okta", strlen("-admin.okta"))) {
        snprintf(w->why, sizeof(w->why), "%s is the admins' console; write org without \"-admin\"",
                 org);
        return -EINVAL;
    }
    o->origin = strndup(org, strlen("https://") + strcspn(host, "/?#"));
    o->org = o->origin;
    return o->origin ? 0 : -ENOMEM;
}

static int take_credentials(struct web *w, struct okta *o, struct auth_settings *auth)
{
    const char *key = web_file(w, "key_file");

    auth->client_id = web_option(w, "client_id");
    if (!auth->client_id) {
        auth->kind = AUTH_SSWS;
        return 0;
    }
    if (!key && web_file(w, "credential"))
        key = web_file(w, "credential");
    if (!key) {
        snprintf(w->why, sizeof(w->why),
                 "client_id needs key_file: Okta takes a signed assertion alone for its own API, "
                 "and no client secret");
        return -EINVAL;
    }
    auth->kind = AUTH_KEY;
    auth->key_file = key;
    auth->key_id = web_option(w, "key_id");
    auth->scope = web_option(w, "scope") ?: SCOPES;
    // The org's own authorization server; a custom one (/oauth2/default) issues no token for
    // the API.
    if (asprintf(&o->token_url, "%s/oauth2/v1/token", o->org) < 0)
        return -ENOMEM;
    auth->token_url = web_option(w, "token_url") ?: o->token_url;
    return 0;
}

static int settings(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    struct okta *o = &self;
    int r;

    w->own = o;
    r = take_org(w, o);
    if (r == 0)
        r = take_credentials(w, o, auth);
    if (r == 0)
        r = okta_map_read(web_list(w, "map"), &o->map, w->why, sizeof(w->why));
    if (r < 0)
        return r;
    http->origin[0] = o->org;
    // Who waits in a request is deaf to the log: longer waits are ours.
    o->silence_ms = (int64_t)http->timeout * 1000;
    if (http->budget > BUDGET)
        http->budget = BUDGET;
    o->rules = (struct okta_rules){
        {web_list(w, "user_types"), web_list(w, "require_attributes"), web_list(w, "domain")},
        web_list(w, "realms"),
        o->map};
    o->has_assigned = json_array_size(web_list(w, "assigned_groups")) > 0;
    o->every_group =
        web_list(w, "member_groups") ? web_list_has(w, "member_groups", "*") : !o->has_assigned;
    o->listed = listed_new(false);
    o->values = values_new(OKTA_PAGE_MAX);
    o->one = values_new(OKTA_PAGE_MAX);
    o->recent = json_object();
    o->truth = json_object();
    o->recent_groups = json_object();
    o->first = json_object();
    o->users = json_object();
    o->moved = json_object();
    o->groups = json_object();
    o->late = json_object();
    return o->values && o->one ? 0 : -ENOMEM;
}

// ---- is it the org ----

static int check_org(struct web *w, const struct http_answer *a)
{
    struct okta *o = w->own;
    const char *id = person_text(a->json, "id"), *pinned = web_option(w, "org_id");

    if (a->status == 429 || a->status >= 500) {
        snprintf(w->why, sizeof(w->why), "%s answered %d", o->org, a->status);
        return -EAGAIN;
    }
    if (a->status != 200 || !person_text(a->json, "pipeline") || !id) {
        snprintf(w->why, sizeof(w->why),
                 "%s is no Okta org (it has no /.well-known/okta-organization with a pipeline). "
                 "Auth0 and other customer identity services are not read: %s",
                 o->org, SEPARATE);
        return -EPERM;
    }
    if (!pinned || strcmp(id, pinned) != 0) {
        snprintf(w->why, sizeof(w->why),
                 "%s is the org %.64s, and org_id says %.64s. Another org's people are not ours; "
                 "%s",
                 o->org, id, pinned ? pinned : "nothing", SEPARATE);
        return -EPERM;
    }
    if (a->date && a->arrived)
        o->skew = a->date - a->arrived;
    return 0;
}

static int identity(struct web *w)
{
    struct okta *o = w->own;
    _cleanup_free_ char *known = NULL, *users = NULL;
    struct http_answer a = {0};
    int r;

    if (asprintf(&known, "%s/.well-known/okta-organization", o->org) < 0 ||
        asprintf(&users, "%s/api/v1/users?limit=1", o->org) < 0)
        return -ENOMEM;
    // Without credentials: a stranger is not shown them.
    r = http_send(w->http, NULL, &(struct http_request){.url = known, .any_type = true}, &a, w->why,
                  sizeof(w->why));
    if (r == 0)
        r = check_org(w, &a);
    http_answer_done(&a);
    if (r < 0 || !w->request.test)
        return r;
    // Whether the credential is taken; what it may read is another question.
    a = (struct http_answer){0};
    r = web_get(w, users, &a);
    r = a.status == 403 ? 0 : r;
    http_answer_done(&a);
    return r;
}

// ---- reading ----

static int64_t seconds_of(const struct web *w, const char *name, int64_t unsaid)
{
    json_int_t n = json_integer_value(json_object_get(w->section, name));

    return n > 0 ? n : unsaid;
}

// A process that goes on from a cursor has to know who is assigned before it says anybody.
static int load_groups(struct web *w)
{
    struct okta *o = w->own;
    int r = okta_groups_find(w);
    bool open = false;

    for (size_t i = 0; r == 0 && i < o->n_groups; i++) {
        if (!o->group[i].assigned)
            continue;
        if (!open)
            emit_begin(false, okta_as_of(o), NULL, 0, NULL);
        open = true;
        r = okta_group_say(w, &o->group[i]);
    }
    if (r == 0 && open)
        okta_groups_gone_say(w);
    if (r == 0 && open)
        okta_commit(w, 0, false);
    o->loaded = r == 0;
    return r;
}

int okta_go_on(struct web *w)
{
    struct okta *o = w->own;
    bool began = !o->loaded;
    int r;

    o->watch = false;
    r = began ? load_groups(w) : 0;

    if (r == 0 && (began || source_now_ms() >= o->next_log_ms))
        r = okta_log_look(w);
    if (r == 0 && began)
        r = okta_log_recent(w);
    o->watch = r == 0;
    return r == 0 ? okta_read_hinted(w) : r;
}

static int read_delta(struct web *w)
{
    struct okta *o = w->own;
    int r = okta_go_on(w);
    int64_t now = source_now_ms();

    if (r == 0 && now >= o->next_poll_ms) {
        r = okta_read_changed(w);
        // The frame's own time is a tenth shorter at times.
        o->next_poll_ms = now + seconds_of(w, "poll", 60) * 800;
        if (r == -ECANCELED) { // somebody is to be locked
            o->next_poll_ms = now + 1000;
            return okta_read_hinted(w);
        }
        // A list that cannot be had now must not stop the log.
        o->misses = r == -EAGAIN ? o->misses + 1 : 0;
        if (r == -EAGAIN && o->misses <= LATE_MAX) {
            o->next_poll_ms = now + 10000;
            r = 0;
        }
    }
    return r;
}

static bool is_same_list(const json_t *a, const json_t *b)
{
    return json_array_size(a) == 0 ? json_array_size(b) == 0 : json_equal(a, b);
}

static enum web_outcome okta_read(struct web *w)
{
    struct okta *o = w->own;
    const json_t *whole = json_object_get(w->cursor, "whole"),
                 *assigned = web_list(w, "assigned_groups");
    int64_t due = json_integer_value(whole) + seconds_of(w, "full_every", FULL_EVERY);
    int r;

    http_skew(w->http, &o->skew);
    if (!o->pins && json_object_get(w->cursor, "pins"))
        o->pins = json_deep_copy(json_object_get(w->cursor, "pins"));
    if (!o->restored)
        okta_late_restore(o, w->cursor);
    // Who is one of ours by another list of groups is known when all were read.
    if (!o->restored && whole && !is_same_list(json_object_get(w->cursor, "assigned"), assigned))
        o->want_whole = true;
    o->restored = true;

    if (whole && json_integer_value(json_object_get(w->cursor, "format")) != CURSOR_FORMAT) {
        json_object_clear(w->cursor);
        whole = NULL;
    }
    if (!whole) {
        json_object_set_new(w->cursor, "format", json_integer(CURSOR_FORMAT));
        free(o->log);
        o->log = NULL;
        if (o->listed)
            listed_forget(o->listed);
        if (o->pins && !json_object_get(w->cursor, "pins"))
            json_object_set_new(w->cursor, "pins", json_deep_copy(o->pins));
    }
    if (whole &&
        ((okta_server_now(o) < due && !o->want_whole) || source_now_ms() < o->next_whole_ms)) {
        r = read_delta(w);
    } else {
        r = okta_read_whole(w);
        o->next_poll_ms = source_now_ms() + seconds_of(w, "poll", 60) * 800;
    }
    if (r == 0 && okta_log_asks(o))
        r = okta_read_hinted(w);
    return r < 0 ? web_failed(w, r) : WEB_READ;
}

static int hint(struct web *w)
{
    struct okta *o = w->own;
    bool deleted;
    int r;

    // Where the groups are not known (a reading failed), read() has to go before.
    if (!o->loaded)
        return 0;
    if (okta_late_due(o, &deleted))
        return 1;
    if (source_now_ms() < o->next_log_ms)
        return 0;
    r = okta_log_look(w);
    if (r == -ESTALE)
        return 1; // read() meets it again, and begins afresh
    return r < 0 ? r : okta_log_due(o);
}

static void done(struct web *w)
{
    struct okta *o = &self;

    (void)w;
    okta_groups_done(o);
    listed_free(o->listed);
    values_free(o->values);
    values_free(o->one);
    okta_map_free(o->map);
    json_decref(o->pins);
    json_decref(o->recent);
    json_decref(o->truth);
    json_decref(o->recent_groups);
    json_decref(o->first);
    json_decref(o->users);
    json_decref(o->moved);
    json_decref(o->groups);
    json_decref(o->late);
    free(o->log);
    free(o->committed);
    free(o->origin);
    free(o->token_url);
}

static struct web_source source = {
    .type = "okta",
    .settings = settings,
    .identity = identity,
    .read = okta_read,
    .hint = hint,
    .hint_every = 1, // the log's own pace is kept by okta_log.c
    .test = okta_test,
    .done = done,
};

int main(void)
{
    return web_main(&source);
}
