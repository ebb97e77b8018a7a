// SPDX-License-Identifier: BSD-2-Clause
// The System Log: hints, and reading again what they point at. The log is followed by its own
// rel="next" link, in the order of arrival, without an end: late events come too.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/okta.h"
#include "syncd/sources/wait.h"

#define PAGE       1000
#define PAGES_ONCE 20  // of a log that is far behind: what they hint at is said first
#define SLICE      25  // people a commit: the first need not wait for the last
#define MOVED_MAX  200 // beyond, the group's list is read
#define FAILED_MAX 3   // objects in a slice that cannot be read, and none that can: it is the org
#define BEFORE     600 // seconds before now, where a bookmark is made: lists lag behind the log

bool okta_log_asks(const struct okta *o)
{
    return json_object_size(o->first) + json_object_size(o->users) + json_object_size(o->moved) +
               json_object_size(o->groups) >
           0;
}

static bool groups_due(const struct okta *o)
{
    return json_object_size(o->groups) > 0 && source_now_ms() >= o->groups_after_ms;
}

bool okta_log_due(const struct okta *o)
{
    return json_object_size(o->first) + json_object_size(o->users) + json_object_size(o->moved) >
               0 ||
           groups_due(o);
}

bool okta_log_takes(const struct okta *o)
{
    return json_object_size(o->first) > 0;
}

// ---- events ----

static void note_moved(struct okta *o, const struct okta_event *e)
{
    json_t *of = json_object_get(o->moved, e->user);

    if (!okta_group_by_oid(o, e->group))
        return;
    if (!*e->user || (!of && json_object_size(o->moved) >= MOVED_MAX)) {
        json_object_set_new(o->groups, e->group, json_string(""));
        return;
    }
    if (!of) {
        of = json_object();
        json_object_set_new(o->moved, e->user, of);
    }
    json_object_set_new(of, e->group, json_true());
    // Whether the person is one of ours may hang on it.
    if (o->has_assigned)
        json_object_set_new(o->users, e->user, json_false());
}

static void note(struct okta *o, const struct okta_event *e)
{
    json_t *list = e->taking ? o->first : o->users;

    if (e->membership)
        note_moved(o, e);
    else if (!json_is_true(json_object_get(list, e->user)))
        json_object_set_new(list, e->user, json_boolean(e->deleted));
}

static char *first_url(const struct okta *o)
{
    _cleanup_free_ char *filter = okta_event_filter(), *base = NULL;
    char since[40];

    if (!filter || asprintf(&base, "%s/api/v1/logs", o->org) < 0)
        return NULL;
    return http_url(base, "since", okta_instant(okta_server_now(o) - BEFORE, since, sizeof(since)),
                    "sortOrder", "ASCENDING", "limit", "1000", "filter", filter, NULL);
}

static void pace(struct okta *o, const struct web *w, const struct http_answer *a)
{
    int64_t wanted = json_integer_value(json_object_get(w->section, "log_poll")) * 1000;

    o->next_log_ms =
        source_now_ms() + okta_log_pause(wanted, a->rate_limit, a->rate_remaining,
                                         a->rate_reset - (a->date ? a->date : a->arrived));
}

// One page. *ret_more: there may be another.
static int look_once(struct web *w, const char *url, bool keep, bool *ret_more)
{
    struct okta *o = w->own;
    struct http_answer a = {0};
    struct okta_event e;
    int r = web_get(w, url, &a);

    pace(o, w, &a);
    // A bookmark that the server takes no more (E0000053 after 90 days, or another cluster).
    if (r < 0 && a.status == 400)
        r = -ESTALE;
    if (r < 0 && a.status == 403)
        r = -EPERM;
    if (r == 0 && (!json_is_array(a.json) || !a.next)) {
        snprintf(w->why, sizeof(w->why), "%s/api/v1/logs has no list, or no link to what is next",
                 o->org);
        r = -EBADMSG;
    }
    for (size_t i = 0; r == 0 && i < json_array_size(a.json); i++)
        if (okta_event_take(json_array_get(a.json, i), &e))
            note(o, &e);
    *ret_more = r == 0 && json_array_size(a.json) >= PAGE;
    if (r == 0 && keep) {
        free(o->log);
        o->log = a.next;
        a.next = NULL;
    }
    http_answer_done(&a);
    return r;
}

// Without the log people are found by their lists alone, later: said, and no reason to stop.
static int refused(struct web *w)
{
    struct okta *o = w->own;
    char text[HTTP_WHY_MAX + 200];

    o->next_log_ms = source_now_ms() + 60000;
    if (!o->log_refused) {
        snprintf(
            text, sizeof(text),
            "the System Log cannot be read (scope okta.logs.read, and a role that may see it); "
            "a deactivation is seen after poll only: %s",
            w->why);
        emit_warning(w->request.name, NULL, text);
        emit_flush();
    }
    o->log_refused = true;
    return 0;
}

int okta_log_look(struct web *w)
{
    struct okta *o = w->own;
    const char *kept = json_string_value(json_object_get(w->cursor, "log"));
    bool more = true;
    int r = 0;

    // Until there is a bookmark, the place where it is made stands for it: whoever is killed before
    // what it hints at was said asks from there again.
    if (!o->log && !kept) {
        _cleanup_free_ char *first = first_url(o);
        json_object_set_new(w->cursor, "log", json_string(first ? first : ""));
        kept = json_string_value(json_object_get(w->cursor, "log"));
    }

    for (int i = 0; r == 0 && more && i < PAGES_ONCE; i++) {
        _cleanup_free_ char *url = strdup(o->log ? o->log : kept);
        r = url ? look_once(w, url, true, &more) : -ENOMEM;
    }
    if (r == -EPERM)
        return refused(w);
    if (r == 0)
        o->log_refused = false;
    return r;
}

int okta_log_recent(struct web *w)
{
    struct okta *o = w->own;
    _cleanup_free_ char *url = first_url(o);
    bool more;
    int r = url ? look_once(w, url, false, &more) : -ENOMEM;

    return r == -EPERM ? refused(w) : r;
}

// ---- what they point at ----

struct slice {
    json_t *objects; // as they were read
    json_t *gone;    // ids
    json_t *moved;   // [{"user", "asked", "in"}]
    json_t *late;    // {id: why}: cannot be read, for the first time
};

// It is this one's answer that is not to be had, and not the org's: -EREMOTEIO.
static int theirs(int r, int status)
{
    return r == -EBADMSG || r == -ETIMEDOUT || (r == -EAGAIN && status >= 500) ? -EREMOTEIO : r;
}

static char *url_of(const struct okta *o, const char *user, const char *rest)
{
    _cleanup_free_ char *escaped = http_url("", "x", user, NULL);
    char *url;

    if (!escaped || asprintf(&url, "%s/api/v1/users/%s%s", o->org, escaped + 3, rest) < 0)
        return NULL;
    return url;
}

static int read_user(struct web *w, const char *id, bool deleted, bool urgent, struct slice *s)
{
    struct okta *o = w->own;
    _cleanup_free_ char *url = url_of(o, id, "");
    struct http_answer a = {0};
    int r =
        url ? web_send(w, &(struct http_request){.url = url, .no_5xx_again = true}, &a) : -ENOMEM;

    if (r == 0)
        json_array_append(s->objects, a.json);
    r = theirs(r, a.status);
    // The last tenth of a limit is for those who are to be locked.
    if (r == 0 && !urgent)
        r = okta_pace_waits(w, &a);
    // Without a word about a deletion it may be hidden from us, and is said by nobody.
    if (r == -ENOENT && deleted)
        json_array_append_new(s->gone, json_string(id));
    if (r == -EACCES && a.status == 403) { // outside of what the app's role may see, as above
        emit_warning(w->request.name, NULL, w->why);
        r = -ENOENT;
    }
    http_answer_done(&a);
    return r == -ENOENT ? 0 : r;
}

static int take_oids(struct web *w, const json_t *list, void *ctx)
{
    (void)w;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *oid = person_text(json_array_get(list, i), "id");
        if (oid)
            json_object_set_new(ctx, oid, json_true());
    }
    return 0;
}

int okta_user_groups(struct web *w, const char *user, json_t *in)
{
    return okta_pages(w, url_of(w->own, user, "/groups"), take_oids, in);
}

static int read_moved(struct web *w, const char *id, json_t *asked, struct slice *s)
{
    json_t *in = json_object();
    int r = okta_user_groups(w, id, in);

    if (r == 0)
        json_array_append_new(s->moved,
                              json_pack("{s:s, s:O, s:O}", "user", id, "asked", asked, "in", in));
    json_decref(in);
    r = theirs(r, ((struct okta *)w->own)->status);
    return r == -ENOENT ? 0 : r; // deleted: the groups are told by the next look
}

static void say_late(json_t *late)
{
    char where[OKTA_ID_MAX + 8], text[HTTP_WHY_MAX + 100];
    const char *id;
    json_t *why;

    json_object_foreach(late, id, why)
    {
        snprintf(where, sizeof(where), "user %s", id);
        snprintf(text, sizeof(text),
                 "cannot be read: %s. What is known stands, and it is asked for again",
                 json_string_value(why));
        emit_problem(where, id, false, text);
    }
}

static void say_slice(struct web *w, const struct slice *s, bool last)
{
    struct okta *o = w->own;
    uint64_t rows = 0;

    emit_begin(false, okta_as_of(o), NULL, 0, NULL);
    for (size_t i = 0; i < json_array_size(s->moved); i++) {
        const json_t *m = json_array_get(s->moved, i);
        okta_moved_say(w, json_string_value(json_object_get(m, "user")),
                       json_object_get(m, "asked"), json_object_get(m, "in"));
    }
    for (size_t i = 0; i < json_array_size(s->objects); i++) {
        json_t *object = json_array_get(s->objects, i);
        const char *id = person_text(object, "id");
        if (id)
            okta_truth_note(o, id, object);
        okta_say(w, object, false, &rows);
    }
    for (size_t i = 0; i < json_array_size(s->gone); i++) {
        const char *id = json_string_value(json_array_get(s->gone, i));
        okta_truth_note(o, id, NULL);
        emit_deleted(id, "terminated"); // only who was deactivated can be deleted
        if (o->listed)
            listed_gone(o->listed, id);
    }
    say_late(s->late);
    okta_commit(w, rows, last);
}

// Whoever cannot be read now is asked for behind all others.
static void put_last(json_t *asked, const char *id)
{
    _cleanup_free_ char *copy = strdup(id);
    json_t *what = json_incref(json_object_get(asked, id));

    if (copy && json_object_del(asked, copy) == 0)
        json_object_set_new(asked, copy, what);
    else
        json_decref(what);
}

// Whose groups are not to be had: the groups' lists tell it.
static void ask_groups(struct okta *o, json_t *groups)
{
    const char *oid;
    json_t *value;

    json_object_foreach(groups, oid, value)
    {
        if (!json_object_get(o->groups, oid))
            json_object_set_new(o->groups, oid, json_string(""));
    }
}

// One entry of `asked`. -EREMOTEIO: this one cannot be read; it waits by itself from now on.
static int read_entry(struct web *w, json_t *asked, const char *id, json_t *what, struct slice *s)
{
    struct okta *o = w->own;
    int r = asked == o->moved ? read_moved(w, id, what, s)
                              : read_user(w, id, json_is_true(what), asked == o->first, s);

    if (r == 0 && asked != o->moved)
        okta_late_over(o, id);
    if (r != -EREMOTEIO)
        return r;
    if (asked == o->moved)
        ask_groups(o, what);
    else if (okta_late_note(o, id, json_is_true(what)))
        json_object_set_new(s->late, id, json_string(w->why));
    return r;
}

// Takes up to SLICE entries out of `asked`, reads and says them. What was read goes out of it
// only when it was said. An entry that fails keeps back neither those before it nor those behind.
static int read_slice(struct web *w, json_t *asked)
{
    struct okta *o = w->own;
    struct slice s = {json_array(), json_array(), json_array(), json_object()};
    const char *ids[SLICE], *id, *failed = NULL;
    size_t n = 0, theirs_failed = 0;
    json_t *what;
    int r = 0;

    json_object_foreach(asked, id, what)
    {
        if (n == SLICE || (theirs_failed == n && n >= FAILED_MAX))
            break;
        r = read_entry(w, asked, id, what, &s);
        if (r < 0 && r != -EREMOTEIO) {
            failed = id;
            break;
        }
        theirs_failed += r < 0;
        ids[n++] = id;
        r = 0;
    }
    if (r == 0 || (n > 0 && r != -ECANCELED)) {
        // The bookmark counts when the last of them is said: whoever is killed before reads
        // the hints again.
        bool last = n == json_object_size(o->first) + json_object_size(o->users) +
                             json_object_size(o->moved) + json_object_size(o->groups);
        say_slice(w, &s, last);
        for (size_t i = 0; i < n; i++)
            json_object_del(asked, ids[i]);
    }
    if (failed && r != -ECANCELED)
        put_last(asked, failed);
    json_decref(s.objects);
    json_decref(s.gone);
    json_decref(s.moved);
    json_decref(s.late);
    return r == 0 && n >= FAILED_MAX && theirs_failed == n ? -EAGAIN : r;
}

// One of those who could not be read, when nobody else waits: the next may be one to be locked.
static int read_late(struct web *w)
{
    struct okta *o = w->own;
    bool deleted = false;
    const char *id = okta_late_due(o, &deleted);

    if (!id)
        return 0;
    json_object_set_new(o->users, id, json_boolean(deleted));
    return read_slice(w, o->users);
}

static int read_groups(struct web *w)
{
    struct okta *o = w->own;
    const char *oid;
    json_t *when;
    void *next;
    bool was;
    int r = 0;

    json_object_foreach_safe(o->groups, next, oid, when)
    {
        struct okta_group *g = okta_group_by_oid(o, oid);
        emit_begin(false, okta_as_of(o), NULL, 0, NULL);
        was = g && g->unread;
        o->brief = true;
        r = g ? okta_group_say(w, g) : 0;
        o->brief = false;
        if (r < 0)
            break;
        if (g && g->unread) {
            if (!was)
                okta_groups_gone_say(w);
            okta_commit(w, 0, false);
            break;
        }
        o->groups_pause_ms = 0;
        if (json_string_length(when) > 0)
            json_object_set(o->recent_groups, oid, when);
        json_object_del(o->groups, oid);
        okta_commit(w, 0, !okta_log_asks(o));
    }
    return r;
}

// Who is to be locked goes before whatever is being read.
static int read_first(struct web *w)
{
    struct okta *o = w->own;
    bool watched = o->watch;
    int r;

    o->watch = false;
    r = read_slice(w, o->first);
    o->watch = watched;
    return r;
}

int okta_read_hinted(struct web *w)
{
    struct okta *o = w->own;
    int r = 0;

    while (r == 0 && okta_log_due(o)) {
        if (json_object_size(o->first) > 0)
            r = read_first(w);
        else if (json_object_size(o->moved) > 0)
            r = read_slice(w, o->moved);
        else if (groups_due(o))
            r = read_groups(w);
        else
            r = read_slice(w, o->users);
        if (r == -ECANCELED)
            r = 0;
    }
    r = r == 0 ? read_late(w) : r;
    return r == -ECANCELED ? 0 : r;
}
