// SPDX-License-Identifier: BSD-2-Clause
// Listings of users: all of them, and those that changed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/json_text.h"
#include "syncd/sources/okta.h"
#include "syncd/sources/pages.h"
#include "syncd/sources/wait.h"

#define OVERLAP     600    // seconds that a look at changes goes back: the index lags behind
#define WAIT_MAX_MS 600000 // for one listing's pages that cannot be had
#define TRUTH_MAX   2000   // objects; beyond, old ones are looked for and dropped
#define ASKED_MAX   500    // people of one look that are asked for by id
#define AGAIN_MAX   6      // times that a listing of everybody begins again
#define PEOPLE_MAX  4000000
#define RECENT_MAX  50000
#define GROUPS_EVERY                                                                               \
    300000 // milliseconds: who is in which group is told by the log, and this late
           // at the latest

// ---- time ----

int64_t okta_server_now(const struct okta *o)
{
    return time(NULL) + o->skew;
}

int64_t okta_as_of(const struct okta *o)
{
    return time(NULL) + (o->skew < 0 ? o->skew : 0);
}

const char *okta_instant(int64_t t, char *buf, size_t len)
{
    rollcall_time_format(t < 0 ? 0 : t, -1, buf, len);
    snprintf(buf + strlen(buf) - 1, len - strlen(buf) + 1, ".000Z");
    return buf;
}

// ---- pages ----

// The log goes on being watched while lists are read.
static int watch(struct web *w)
{
    struct okta *o = w->own;
    int r = 0;

    if (o->watch && source_now_ms() >= o->next_log_ms)
        r = okta_log_look(w);
    return r < 0 ? r : o->watch && okta_log_takes(o) ? -ECANCELED : 0;
}

static uint64_t total_of(const struct okta *o)
{
    return o->total > o->done ? o->total : 0;
}

// A wait in the middle of a listing: the engine hears that we are there, and the log is watched.
static int rest(struct web *w, int64_t ms)
{
    const struct okta *o = w->own;
    int64_t until = source_now_ms() + ms, now;
    int r = watch(w);

    while (r == 0 && (now = source_now_ms()) < until) {
        int64_t part = until - now < o->silence_ms ? until - now : o->silence_ms;
        if (o->watch && o->next_log_ms - now < part)
            part = o->next_log_ms > now ? o->next_log_ms - now : 1;
        if (o->patient) {
            emit_progress(o->done, total_of(o));
            emit_flush();
        }
        source_pause(part);
        r = watch(w);
    }
    return r;
}

static int64_t reset_in(const struct http_answer *a)
{
    return a->rate_reset - (a->date ? a->date : a->arrived);
}

int okta_pace_waits(struct web *w, const struct http_answer *a)
{
    return a->status != 200
               ? 0
               : rest(w, okta_page_pause(a->rate_limit, a->rate_remaining, reset_in(a)));
}

// A page that cannot be had now. In the listing of everybody it is waited for, so that what was
// read need not be read again; -EAGAIN: not any longer.
static int await(struct web *w, const struct http_answer *a, int64_t *waited)
{
    const struct okta *o = w->own;
    int64_t ms = okta_page_pause(a->rate_limit, a->rate_remaining, reset_in(a));

    if (!o->patient || *waited > WAIT_MAX_MS || (o->brief && a->status >= 500))
        return -EAGAIN;
    ms = a->status == 429 && ms > 0 ? ms : *waited / 2 + 1000;
    *waited += ms;
    return rest(w, ms);
}

// What is made of each page: one of the two.
struct taking {
    int (*list)(struct web *w, const json_t *list, void *ctx);
    int (*rows)(struct web *w, const struct value *list, void *ctx);
    const char *const *wanted;
    void *ctx;
};

static int take_page(struct web *w, const struct taking *t, const char *url,
                     const struct http_answer *a)
{
    if (t->rows ? value_is(a->value, VALUE_LIST) : json_is_array(a->json))
        return t->rows ? t->rows(w, a->value, t->ctx) : t->list(w, a->json, t->ctx);
    snprintf(w->why, sizeof(w->why), "%s: the answer is no list", url);
    return -EBADMSG;
}

// The page behind this one comes while this one is taken, where the limit is not nearly used up.
static void ask_ahead(struct web *w, const struct taking *t, const struct http_answer *a)
{
    if (t->rows && a->next && okta_page_pause(a->rate_limit, a->rate_remaining, reset_in(a)) == 0)
        web_ahead(w, &(struct http_request){.url = a->next});
}

static int read_pages(struct web *w, char *url, const struct taking *t)
{
    struct okta *o = w->own;
    struct pages pages = {0};
    int64_t waited = 0;
    int r = url ? 0 : -ENOMEM;

    while (r == 0 && url) {
        struct http_answer a = {0};
        r = web_send(w,
                     &(struct http_request){.url = url,
                                            .wanted = t->wanted,
                                            .values = t->rows ? o->values : NULL,
                                            .no_5xx_again = o->brief},
                     &a);
        o->status = a.status;
        if (r == -EAGAIN) {
            r = await(w, &a, &waited);
            http_answer_done(&a);
            continue;
        }
        if (r == 0)
            ask_ahead(w, t, &a);
        if (r == 0)
            r = take_page(w, t, url, &a);
        if (t->rows)
            values_empty(o->values);
        if (r == 0 && a.next && !pages_go_on(&pages, a.next)) {
            snprintf(w->why, sizeof(w->why),
                     "the pages of a listing of %s come back to where they were, or do not end",
                     o->org);
            r = -ELOOP;
        }
        free(url);
        url = a.next;
        a.next = NULL;
        if (r == 0 && url)
            r = okta_pace_waits(w, &a);
        http_answer_done(&a);
    }
    free(url);
    pages_done(&pages);
    if (r < 0) // whoever begins again wants it as it is then
        http_ahead_drop(w->http);
    return r;
}

int okta_pages(struct web *w, char *url, int (*take)(struct web *w, const json_t *list, void *ctx),
               void *ctx)
{
    return read_pages(w, url, &(struct taking){.list = take, .ctx = ctx});
}

int okta_rows(struct web *w, char *url, const char *const *wanted,
              int (*take)(struct web *w, const struct value *list, void *ctx), void *ctx)
{
    return read_pages(w, url, &(struct taking){.rows = take, .wanted = wanted, .ctx = ctx});
}

// ---- what is known by id ----

void okta_truth_note(struct okta *o, const char *id, json_t *object)
{
    int64_t now = source_now_ms();
    const char *key;
    json_t *entry;
    void *next;

    json_object_set_new(o->truth, id,
                        json_pack("{s:O*, s:I}", "object", object, "ms", (json_int_t)now));
    if (json_object_size(o->truth) < TRUTH_MAX || now < o->pruned_ms + 60000)
        return;
    o->pruned_ms = now;
    json_object_foreach_safe(o->truth, next, key,
                             entry) if (now - json_integer_value(json_object_get(entry, "ms")) >
                                        OVERLAP * 1000) json_object_del(o->truth, key);
}

bool okta_truth_newer(const struct okta *o, const char *id, const char *at, const json_t **ret)
{
    const char *known;
    const json_t *entry =
        id && json_object_size(o->truth) > 0 ? json_object_get(o->truth, id) : NULL;
    const json_t *object = json_object_get(entry, "object");

    if (!entry || source_now_ms() - json_integer_value(json_object_get(entry, "ms")) >
                      (int64_t)OVERLAP * 1000)
        return false;
    known = person_text(object, "lastUpdated");
    // Of one format, so that text compares as the times do.
    if (object && known && at && strcmp(at, known) > 0)
        return false;
    *ret = object;
    return true;
}

// ---- one person ----

// Whether it has to be said in a listing: not where the last one had it so. `text`: of a person.
static bool is_news(struct okta *o, const struct okta_taken *t, const struct json_writer *text,
                    bool stands)
{
    bool person = !t->reason && t->fate == OKTA_PERSON;
    const char *content = person ? text->buf : t->reason ?: t->why;
    enum listed_word word;

    if (!o->listed)
        return true;
    listed_bytes_begin(o->listed);
    listed_bytes(o->listed, t->terminated ? "t" : t->disabled ? "d" : "a", 1);
    listed_bytes(o->listed, content, person ? text->len : strlen(content));
    // What is `gone` as long as nobody can tell is something else when somebody can.
    word = listed_record(o->listed, t->id, listed_bytes_end(o->listed),
                         t->fate != OKTA_SKIPPED && !stands);
    // Met twice, and not alike: it changed between two pages. The object itself decides.
    if (word == LISTED_TWICE)
        json_object_set_new(o->users, t->id, json_false());
    return word == LISTED_NEW;
}

// `stands`: it is disabled, and nobody can tell whether it is one of ours.
static void say_taken(struct okta *o, const struct okta_taken *t, const struct json_writer *text,
                      bool stands, bool full, uint64_t *rows)
{
    char where[OKTA_ID_MAX + 8];

    snprintf(where, sizeof(where), "user %s", t->id);
    if (t->reason && t->terminated && !full) {
        // Somebody else's leaver, or one of ours who lost the groups before: the word counts for
        // whoever was a person here, and makes nobody one.
        emit_problem(where, t->id, true, "was deactivated, and is no person of ours by now");
    } else if (full && !is_news(o, t, text, stands)) {
        // said before
    } else if (t->reason && t->terminated) {
        emit_deleted(t->id, "terminated"); // they are many, and on no list of who is left out
    } else if (stands) {
        emit_deleted(t->id, "locked"); // whether one of ours is not to be told; suspended it is
    } else if (t->reason) {
        // Out of the groups and suspended: the account's own word ends sessions.
        emit_dropped_as(t->id, t->reason, t->disabled ? "locked" : NULL, t->login);
    } else if (t->fate == OKTA_SKIPPED) {
        emit_problem(where, t->id, t->terminated, t->why);
        // Whoever may write an attribute must not be able to hide from this by it.
        if (t->disabled)
            emit_deleted(t->id, "locked");
    } else {
        if (*t->why)
            emit_warning(where, t->id, t->why);
        emit_user_text(text->buf, text->len, where);
        ++*rows;
    }
}

void okta_say_value(struct web *w, const struct value *object, bool full, uint64_t *rows)
{
    static char line[OKTA_USER_MAX]; // once, for its hash and its line
    struct json_writer text = {.buf = line, .room = sizeof(line)};
    struct okta *o = w->own;
    struct okta_taken t;
    bool stands = false; // nothing gives or leaves out; what takes access away is said all the same

    if (okta_user_take(&o->rules, object, &text, &t) < 0) {
        emit_problem(o->org, NULL, false, "an object among the users has no id");
        return;
    }
    if (t.fate == OKTA_PERSON && !okta_is_assigned(o, t.id)) {
        t.reason = "unassigned";
        stands = okta_assigned_unknown(o);
    }
    if (stands && !t.terminated && !t.disabled)
        return; // as known
    say_taken(o, &t, &text, stands, full, rows);
}

// One that jansson read. It is none of the page's, whose values stay.
void okta_say(struct web *w, const json_t *object, bool full, uint64_t *rows)
{
    struct okta *o = w->own;
    size_t len = 0;
    _cleanup_free_ char *text = json_text_new(object, &len);
    const char *wrong = "there is no memory";
    const struct value *v = text ? values_read(o->one, text, len, NULL, &wrong) : NULL;

    if (v)
        okta_say_value(w, v, full, rows);
    else
        emit_problem(o->org, person_text(object, "id"), false, wrong);
    values_empty(o->one);
}

// ---- the cursor ----

void okta_commit(struct web *w, uint64_t rows, bool log)
{
    struct okta *o = w->own;
    json_int_t n = json_integer_value(json_object_get(w->cursor, "n"));

    // A cursor names one listing.
    json_object_set_new(w->cursor, "n", json_integer(n < INT64_MAX ? n + 1 : 1));
    okta_late_keep(o, w->cursor);
    if (log && o->log && okta_late_fits(o))
        json_object_set_new(w->cursor, "log", json_string(o->log));
    o->committed_ms = source_now_ms();
    free(o->committed);
    o->committed = json_dumps(w->cursor, JSON_COMPACT | JSON_SORT_KEYS);
    web_commit(w, rows);
}

static void set_time(struct web *w, const char *name, int64_t t)
{
    json_object_set_new(w->cursor, name, json_integer(t));
}

// ---- all of them ----

struct whole {
    uint64_t rows, people;
};

static void take_user(struct web *w, const struct value *user, struct whole *whole)
{
    const json_t *newer = NULL;

    if (!okta_truth_newer(w->own, person_value_text(user, "id"),
                          person_value_text(user, "lastUpdated"), &newer))
        okta_say_value(w, user, true, &whole->rows);
    else if (newer)
        okta_say(w, newer, true, &whole->rows);
}

static int take_users(struct web *w, const struct value *list, void *ctx)
{
    struct whole *whole = ctx;
    const struct value *user;

    whole->people += list->len;
    if (whole->people > PEOPLE_MAX) {
        snprintf(w->why, sizeof(w->why), "more than %d users are listed", PEOPLE_MAX);
        return -EFBIG;
    }
    value_each(list, user) take_user(w, user, whole);
    ((struct okta *)w->own)->done = whole->people;
    emit_progress(whole->people, total_of(w->own));
    return 0;
}

// The plain list leaves out whoever was deactivated; these are asked for by name. In this order
// nobody falls between the two: who is deactivated in the meantime is in both.
static int list_users(struct web *w, struct whole *whole)
{
    static const char *const wanted[] = {"id",          "status",      "transitioningToStatus",
                                         "lastUpdated", "realmId",     "type",
                                         "profile",     "credentials", NULL};
    struct okta *o = w->own;
    _cleanup_free_ char *base = NULL;
    int r;

    if (asprintf(&base, "%s/api/v1/users", o->org) < 0)
        return -ENOMEM;
    r = okta_rows(w, http_url(base, "limit", "200", NULL), wanted, take_users, whole);
    if (r == 0)
        r = okta_rows(w,
                      http_url(base, "filter", "status eq \"DEPROVISIONED\"", "limit", "200", NULL),
                      wanted, take_users, whole);
    return r;
}

static int say_whole(struct web *w, int64_t began, bool watched)
{
    struct okta *o = w->own;
    bool known = o->committed && o->listed && listed_known(o->listed);
    _cleanup_free_ char *since = known ? strdup(o->committed) : NULL;
    struct whole whole = {0};
    int r;

    o->loaded = o->watch = false;
    o->done = o->total = 0;
    r = okta_groups_find(w);
    if (r == 0 && !watched)
        okta_groups_count(w);

    if (o->listed)
        listed_begin(o->listed);
    if (r == 0)
        emit_begin(true, okta_as_of(o), NULL, 0, since);
    o->patient = r == 0;
    o->brief = watched; // the log waits
    for (size_t i = 0; r == 0 && i < o->n_groups; i++)
        r = okta_group_say(w, &o->group[i]);
    if (r == 0)
        okta_groups_gone_say(w);
    o->loaded = r == 0;
    o->brief = false;
    // Before, nothing that the log hints at could be said: it was not known who is assigned.
    o->watch = watched;
    if (r == 0)
        r = list_users(w, &whole);
    o->patient = false;
    if (r < 0)
        return r;
    if (since)
        listed_absent(o->listed, emit_absent);
    set_time(w, "since", began - OVERLAP);
    set_time(w, "groups", began - OVERLAP);
    set_time(w, "whole", began);
    json_object_set_new(w->cursor, "assigned", json_deep_copy(web_list(w, "assigned_groups")));
    o->want_whole = false;
    // What a bookmark hints at was read after it was made; but lists lag behind the log.
    okta_commit(w, whole.rows, !okta_log_asks(o));
    if (o->listed)
        listed_keep(o->listed, true);
    return 0;
}

// It could not be had now. What is known goes on to be followed; it is tried again.
static int put_off(struct web *w)
{
    struct okta *o = w->own;

    emit_warning(w->request.name, NULL, w->why);
    emit_begin(false, okta_as_of(o), NULL, 0, NULL); // the listing that was begun is none
    okta_commit(w, 0, false);
    o->next_whole_ms = source_now_ms() + 60000;
    return 0;
}

int okta_read_whole(struct web *w)
{
    struct okta *o = w->own;
    bool known = json_object_get(w->cursor, "whole");
    int64_t began = okta_server_now(o);
    int r = known ? okta_go_on(w) : okta_log_look(w);

    // The first of all has nobody to lock.
    for (int i = 0; r == 0 && i < AGAIN_MAX; i++) {
        r = say_whole(w, began, known);
        if (r != -ECANCELED)
            return r == -EAGAIN && known ? put_off(w) : r;
        // Somebody is to be locked: that goes before, and the listing begins again.
        r = okta_read_hinted(w);
        began = okta_server_now(o);
    }
    if (r == 0)
        snprintf(w->why, sizeof(w->why),
                 "people were locked %d times while everybody was read; it is put off", AGAIN_MAX);
    return r == 0 ? put_off(w) : r;
}

// ---- what changed ----

struct changed {
    json_t *seen; // {id: lastUpdated} of this look
    size_t asked;
};

// True where there is nothing to do for it.
static bool is_known(struct okta *o, struct changed *c, const json_t *u)
{
    const char *id = person_text(u, "id"), *at = person_text(u, "lastUpdated");
    const json_t *before = id ? json_object_get(o->recent, id) : NULL;

    if (!id || !at)
        return false;
    if (json_object_size(c->seen) < RECENT_MAX) // beyond, some are said again
        json_object_set_new(c->seen, id, json_string(at));
    // The window overlaps the last one.
    return (before && strcmp(json_string_value(before), at) == 0) ||
           okta_truth_newer(o, id, at, &before);
}

// The list is an index, which may lag: what it names is asked for by id. Where it names very
// many, it is believed.
static int take_changed(struct web *w, const json_t *list, void *ctx)
{
    struct okta *o = w->own;
    struct changed *c = ctx;
    uint64_t rows = 0;
    bool open = false;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *u = json_array_get(list, i);
        const char *id = person_text(u, "id");
        if (is_known(o, c, u))
            continue;
        // Whoever cannot be asked for: a list that lags is better than nothing.
        if (id && !okta_late_has(o, id) && c->asked++ < ASKED_MAX) {
            json_object_set_new(o->users, id, json_false());
            continue;
        }
        if (!open)
            emit_begin(false, okta_as_of(o), NULL, 0, NULL);
        open = true;
        okta_say(w, u, false, &rows);
    }
    if (open)
        okta_commit(w, rows, false);
    return 0;
}

static int look_at_users(struct web *w, json_t *seen)
{
    struct okta *o = w->own;
    _cleanup_free_ char *base = NULL;
    struct changed c = {.seen = seen};
    char filter[100], when[40];

    snprintf(
        filter, sizeof(filter), "lastUpdated gt \"%s\"",
        okta_instant(json_integer_value(json_object_get(w->cursor, "since")), when, sizeof(when)));
    if (asprintf(&base, "%s/api/v1/users", o->org) < 0)
        return -ENOMEM;
    return okta_pages(w, http_url(base, "filter", filter, "limit", "200", NULL), take_changed, &c);
}

static int look_at_groups(struct web *w, int64_t began)
{
    struct okta *o = w->own;
    int r;

    if (o->n_groups == 0 || source_now_ms() < o->next_groups_ms)
        return 0;
    r = okta_groups_changed(w, json_integer_value(json_object_get(w->cursor, "groups")));
    if (r == 0) {
        o->next_groups_ms = source_now_ms() + GROUPS_EVERY;
        set_time(w, "groups", began - OVERLAP);
    }
    return r;
}

int okta_read_changed(struct web *w)
{
    struct okta *o = w->own;
    int64_t began = okta_server_now(o), as_of = okta_as_of(o);
    json_t *seen = json_object();
    int r = look_at_users(w, seen);

    if (r == 0)
        r = look_at_groups(w, began);
    if (r == 0)
        r = okta_read_hinted(w);
    if (r < 0) {
        json_decref(seen);
        return r;
    }
    json_decref(o->recent);
    o->recent = seen;
    set_time(w, "since", began - OVERLAP);
    // A cursor must not grow old: a bookmark is good for some weeks.
    if (source_now_ms() - o->committed_ms > 3600 * 1000) {
        emit_begin(false, as_of, NULL, 0, NULL);
        okta_commit(w, 0, !okta_log_asks(o));
    } else {
        emit_as_of(as_of);
    }
    return 0;
}
