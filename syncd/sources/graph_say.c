// SPDX-License-Identifier: BSD-2-Clause
// A listing of rollcall-source-graph: opened by the first word, everybody said once in it, and
// committed with the tokens that go on from it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/source.h"
#include "syncd/sources/graph.h"
#include "syncd/sources/wait.h"

// ---- users that are read by themselves ----
//
// By the delta alone it is not known who came into an assigned group, or whose risk changed, and an
// object that stands twice in a feed is in no order. These are asked for one by one. The number:
// how often it was not there yet. Done in the listing that is open, it is negative, and gone with
// the commit: what is not committed was not said.

#define TRIES_MAX  5
#define FAILED_MAX 3      // in a row that cannot be had now: it is the server, and not these
#define LAG_MS     600000 // so long an object may be older than what the feed said of it

// Of what was done, and of what has to wait for the next listing.
#define DONE(n) (-1 - (n))
#define LATER   1000

int graph_touch(struct graph *g, const unsigned char id[GRAPH_ID])
{
    char text[GRAPH_ID_TEXT];

    return json_object_set_new(g->touch, graph_id_text(id, text), json_integer(0)) < 0 ? -ENOMEM
                                                                                       : 0;
}

int graph_touch_assigned(struct graph *g)
{
    const unsigned char *ids;
    size_t n = g->assigned ? graph_assigned_changed(g->assigned, &ids) : 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = graph_touch(g, ids + i * GRAPH_ID);
    return r;
}

size_t graph_touched(const struct graph *g)
{
    return json_object_size(g->touch);
}

static void touch_later(struct graph *g, const char *id)
{
    json_object_set_new(g->touch, id, json_integer(LATER));
}

int graph_touch_later(struct graph *g, const unsigned char id[GRAPH_ID])
{
    char text[GRAPH_ID_TEXT];

    touch_later(g, graph_id_text(id, text));
    return 0;
}

int graph_touch_changed(struct graph *g, const unsigned char id[GRAPH_ID], bool on)
{
    char text[GRAPH_ID_TEXT];

    graph_id_text(id, text);
    if (on) {
        json_object_set_new(g->enabled, text, json_true());
        json_object_del(g->off, text);
    } else {
        json_object_del(g->enabled, text);
    }
    return graph_touch(g, id);
}

void graph_note_off(struct graph *g, const unsigned char id[GRAPH_ID])
{
    char text[GRAPH_ID_TEXT];

    json_object_set_new(g->off, graph_id_text(id, text), json_integer(source_now_ms()));
    json_object_del(g->enabled, text);
}

static void forget_off(struct graph *g)
{
    int64_t now = source_now_ms();
    const char *id;
    json_t *when;
    void *next;

    json_object_foreach_safe(g->off, next, id, when)
    {
        if (now - json_integer_value(when) > LAG_MS)
            json_object_del(g->off, id);
    }
}

static void forget_ill(struct graph *g)
{
    const char *id;
    json_t *value;
    void *next;

    json_object_foreach_safe(g->ill, next, id, value)
    {
        if (!json_object_get(g->touch, id))
            json_object_del(g->ill, id);
    }
}

// The feed took the account away, and this answer is of before: it must bring nobody back.
bool graph_is_before_off(const struct graph *g, const char *id, const struct value *object)
{
    return json_object_get(g->off, id) && value_is(value_get(object, "accountEnabled"), VALUE_TRUE);
}

// What was read is behind the feed: it is read again.
static bool is_behind(struct graph *g, const char *id, const struct value *object, json_int_t tries)
{
    bool behind = json_object_get(g->enabled, id) && tries < TRIES_MAX &&
                  !value_is(value_get(object, "accountEnabled"), VALUE_TRUE);

    if (!behind)
        json_object_del(g->enabled, id);
    return behind;
}

// `kept`: the listing was committed.
static void settle_touched(struct graph *g, bool kept)
{
    json_t *value;
    const char *id;
    void *next;

    json_object_foreach_safe(g->touch, next, id, value)
    {
        json_int_t n = json_integer_value(value);
        if (kept && (n < 0 || (g->in.full && n != LATER)))
            json_object_del(g->touch, id);
        else if (n < 0)
            json_object_set_new(g->touch, id, json_integer(DONE(n)));
        else if (n == LATER)
            json_object_set_new(g->touch, id, json_integer(0));
    }
}

// ---- the listing ----

void graph_begin(struct graph *g)
{
    json_t *lists = g->in.lists ?: json_object();

    json_object_clear(lists);
    forget_off(g);
    forget_ill(g);
    g->in = (struct graph_listing){.as_of = time(NULL), .lists = lists};
    if (g->in.as_of < g->last_as_of) // this host's clock was set back since
        g->in.as_of = g->last_as_of;
    listed_begin(g->said);
}

void graph_open(struct graph *g, bool full)
{
    if (full && g->in.as_of <= g->last_as_of)
        g->in.as_of = g->last_as_of + 1;
    emit_begin(full, g->in.as_of, NULL, time(NULL), NULL);
    g->in.open = true;
    g->in.full = full;
}

void graph_open_delta(struct graph *g)
{
    if (!g->in.open)
        graph_open(g, false);
}

static void take_next(char **link, char **next)
{
    if (!*next)
        return;
    free(*link);
    *link = *next;
    *next = NULL;
}

void graph_commit(struct graph *g)
{
    take_next(&g->users, &g->next_users);
    take_next(&g->groups, &g->next_groups);
    settle_touched(g, true);
    if (g->in.full)
        g->again = !g->again;
    g->committed_at = time(NULL);
    graph_keep(g);
    web_commit(g->w, g->in.rows);
    g->in.open = false;
    if (g->in.as_of > g->last_as_of)
        g->last_as_of = g->in.as_of;
}

// The engine drops what it has of it at the next begin.
void graph_abort(struct graph *g)
{
    free(g->next_users);
    free(g->next_groups);
    g->next_users = g->next_groups = NULL;
    settle_touched(g, false);
    g->in.open = false;
}

// ---- people ----

// What is said of somebody is said once in a listing; who stands in it twice, as two, is read by
// itself in the next.
static bool is_new(struct graph *g, const char *id, const char *content, size_t len, bool good)
{
    enum listed_word word =
        listed_record(g->said, id, listed_bytes_hash(g->said, content, len), good);

    if (word == LISTED_TWICE)
        touch_later(g, id);
    g->in.news += word == LISTED_NEW;
    return word == LISTED_NEW;
}

static const char *risk_of(const struct graph *g, const char *id)
{
    if (!g->set.signals || !g->risk)
        return NULL;
    return json_string_value(json_object_get(g->risk, id)) ?: "none";
}

static void say_dropped(struct graph *g, const struct graph_taken *t)
{
    char content[64];
    int n = snprintf(content, sizeof(content), "%s %d", t->reason, t->disabled);

    if (!is_new(g, t->id, content, (size_t)n, true))
        return;
    graph_open_delta(g);
    // Out of the groups and disabled on one day: the account's own word ends sessions.
    if (t->disabled)
        emit_deleted(t->id, "locked");
    else
        emit_dropped(t->id, t->reason, t->name);
}

static void say_problem(struct graph *g, const struct graph_taken *t)
{
    if (!is_new(g, t->id, t->why, strlen(t->why), false))
        return;
    graph_open_delta(g);
    emit_problem(t->name ? t->name : t->id, t->id, false, t->why);
}

static void say_person(struct graph *g, const struct graph_taken *t, const struct json_writer *text)
{
    if (!is_new(g, t->id, text->buf, text->len, true))
        return;
    graph_open_delta(g);
    if (*t->why)
        emit_warning(t->name, t->id, t->why);
    emit_user_text(text->buf, text->len, t->name);
    g->in.rows++;
}

void graph_say_held(struct graph *g, const char *id)
{
    static const char why[] = "was said to be disabled or deleted, and this is of before: what is "
                              "known stands";

    if (is_new(g, id, why, sizeof(why) - 1, false))
        emit_problem(id, id, false, why);
    touch_later(g, id);
}

int graph_say_user(struct graph *g, const struct value *object)
{
    static char line[GRAPH_USER_MAX];
    struct json_writer text = {.buf = line, .room = sizeof(line)};
    const char *id_text = value_text(value_get(object, "id"));
    struct graph_taken t;
    unsigned char id[GRAPH_ID];
    bool assigned;
    int r;

    if (!graph_id_parse(id_text, id))
        return -EBADMSG;
    assigned = !g->assigned || graph_assigned_has(g->assigned, id);
    r = graph_user_take(&g->set.rules, object, assigned, risk_of(g, id_text), &text, &t);
    if (r < 0)
        return r;
    if (t.fate == GRAPH_DROPPED && !t.disabled && strcmp(t.reason, "unassigned") == 0 &&
        graph_assigned_unknown(g->assigned))
        return 0; // nobody can tell: as known
    if (t.fate == GRAPH_DROPPED)
        say_dropped(g, &t);
    else if (t.fate == GRAPH_SKIPPED)
        say_problem(g, &t);
    else
        say_person(g, &t, &text);
    return 0;
}

// "changed": deleted, and may be restored for 30 days; "deleted": for good. Both are somebody's
// word about the account, and it locks. What stood for the user in this listing counts no more.
int graph_say_removed(struct graph *g, const struct value *object)
{
    unsigned char id[GRAPH_ID];
    char text[GRAPH_ID_TEXT];
    enum listed_word word;

    if (!graph_id_parse(value_text(value_get(object, "id")), id))
        return -EBADMSG;
    word = listed_record(g->said, graph_id_text(id, text), listed_bytes_hash(g->said, "removed", 7),
                         true);
    if (word == LISTED_REPEATED)
        return 0;
    g->in.news++;
    graph_open_delta(g);
    emit_deleted(text, "locked");
    if (word == LISTED_TWICE)
        touch_later(g, text);
    return 0;
}

// ---- one by one ----

// A user that is not there: the feed may be ahead of the object, so it is asked for again; but
// who is assigned no more is out now.
static int take_absent(struct graph *g, const char *text, json_int_t tries)
{
    unsigned char id[GRAPH_ID];

    graph_id_parse(text, id);
    if (g->assigned && !graph_assigned_unknown(g->assigned) &&
        !graph_assigned_has(g->assigned, id)) {
        if (is_new(g, text, "unassigned", 10, true)) {
            graph_open_delta(g);
            emit_dropped(text, "unassigned", NULL);
        }
        tries = TRIES_MAX;
    }
    return json_object_set_new(g->touch, text,
                               json_integer(tries + 1 > TRIES_MAX ? DONE(0) : tries + 1)) < 0
               ? -ENOMEM
               : 0;
}

static bool is_of(const struct value *object, const char *text)
{
    unsigned char asked[GRAPH_ID], got[GRAPH_ID];

    return graph_id_parse(text, asked) &&
           graph_id_parse(value_text(value_get(object, "id")), got) &&
           memcmp(asked, got, GRAPH_ID) == 0;
}

// It is this user that cannot be had, perhaps: said once, what is known stands, and it is asked for
// again behind all others.
static int put_off(struct graph *g, const char *text)
{
    char why[HTTP_WHY_MAX + 100];

    if (!json_object_get(g->ill, text)) {
        snprintf(why, sizeof(why),
                 "cannot be read: %s. What is known stands, and it is asked for again", g->w->why);
        graph_open_delta(g);
        emit_problem(text, text, false, why);
        json_object_set_new(g->ill, text, json_true());
    }
    return -EREMOTEIO;
}

static int say_one(struct graph *g, const char *text, json_int_t tries)
{
    struct http_answer a = {0};
    char *url = graph_users_url(g, text);
    int r =
        url ? web_send(
                  g->w,
                  &(struct http_request){.url = url, .values = g->values, .no_5xx_again = true}, &a)
            : -ENOMEM;

    free(url);
    if (r == -EAGAIN && a.status >= 500)
        r = put_off(g, text);
    if (r == 0 && !is_of(a.value, text)) // it would make somebody else of this person
        r = -EBADMSG;
    if (r == -ENOENT || r == -EBADMSG) {
        r = take_absent(g, text, tries);
    } else if (r == 0 && !graph_is_before_off(g, text, a.value)) {
        r = graph_say_user(g, a.value);
        if (r == 0 && json_integer_value(json_object_get(g->touch, text)) != LATER)
            json_object_set_new(
                g->touch, text,
                json_integer(is_behind(g, text, a.value, tries) ? tries + 1 : DONE(tries)));
    }
    http_answer_done(&a);
    values_empty(g->values);
    return r;
}

static void put_last(json_t *touch, const char *id)
{
    char text[GRAPH_ID_TEXT];
    json_t *value = json_incref(json_object_get(touch, id));

    snprintf(text, sizeof(text), "%s", id); // `id` is the key that goes
    json_object_del(touch, text);
    json_object_set_new(touch, text, value);
}

int graph_say_touched(struct graph *g)
{
    size_t n = 0, size = json_object_size(g->touch);
    const char **ids = calloc(size + 1, sizeof(*ids)), **last = calloc(size + 1, sizeof(*last));
    size_t n_last = 0, failed = 0;
    json_t *value;
    const char *id;
    int r = ids && last ? 0 : -ENOMEM;

    json_object_foreach(g->touch, id, value)
    {
        json_int_t tries = json_integer_value(value);
        if (ids && tries >= 0 && tries < LATER && n < size)
            ids[n++] = id; // the keys stay while their values are changed
    }
    for (size_t i = 0; r == 0 && i < n && failed < FAILED_MAX; i++) {
        r = say_one(g, ids[i], json_integer_value(json_object_get(g->touch, ids[i])));
        failed = r == -EREMOTEIO ? failed + 1 : 0;
        if (r == -EREMOTEIO) {
            last[n_last++] = ids[i];
            r = 0;
        } else {
            json_object_del(g->ill, ids[i]);
        }
        if (r == 0 && i % 100 == 99)
            emit_progress(i + 1, n);
    }
    for (size_t i = 0; i < n_last; i++)
        put_last(g->touch, last[i]);
    free(ids);
    free(last);
    // What could not be asked now waits; what else was read is said now.
    return r == -ENOMEM ? r : 0;
}
