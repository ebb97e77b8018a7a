// SPDX-License-Identifier: BSD-2-Clause
// The cursor: where both feeds go on, and what a process that starts there has to know.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "syncd/sources/graph.h"
#include "syncd/sources/wait.h"

#define VERSION    1
#define CURSOR_MAX 15000 // a text of the protocol has 16384
#define TOUCH_KEPT 60
#define OFF_KEPT   150 // of those whom the feed took away lately, the latest
#define CLOCK_SLIP 300 // seconds that a cursor may be ahead of the clock

static const char *text_of(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static void assigned_text(const struct graph *g, char buf[24])
{
    *buf = 0;
    if (g->assigned)
        snprintf(buf, 24, "%016llx", (unsigned long long)graph_assigned_hash(g->assigned));
}

// ---- reading ----

static bool is_ours(const struct graph *g, const json_t *c)
{
    int64_t at = json_integer_value(json_object_get(c, "at")), now = time(NULL);
    const char *made = text_of(c, "made_for");

    return json_integer_value(json_object_get(c, "v")) == VERSION && made &&
           strcmp(made, g->set.fingerprint) == 0 && now - at < GRAPH_TOKEN_AGE &&
           at - now < CLOCK_SLIP && graph_is_link(g, text_of(c, "users")) &&
           graph_is_link(g, text_of(c, "groups"));
}

static void take_touch(struct graph *g, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        unsigned char id[GRAPH_ID];
        if (graph_id_parse(json_string_value(json_array_get(list, i)), id))
            graph_touch(g, id);
    }
}

// Whoever starts within ten minutes of the feed's word must not believe an object of before.
static void take_off(struct graph *g, json_t *off)
{
    int64_t now = time(NULL);
    unsigned char raw[GRAPH_ID];
    const char *id;
    json_t *when;

    json_object_foreach(off, id, when)
    {
        int64_t ago = now - json_integer_value(when);
        if (graph_id_parse(id, raw))
            json_object_set_new(g->off, id,
                                json_integer(source_now_ms() - (ago > 0 ? ago : 0) * 1000));
    }
}

void graph_restore(struct graph *g)
{
    const json_t *c = g->w->cursor, *risk = json_object_get(c, "risk");

    g->ready = true;
    if (json_is_object(risk) && !g->risk)
        g->risk = json_deep_copy(risk);
    take_off(g, json_object_get(c, "off"));
    if (!is_ours(g, c) || json_is_true(json_object_get(c, "touch")))
        return; // no links: all of it is read
    free(g->users);
    free(g->groups);
    g->users = strdup(text_of(c, "users"));
    g->groups = strdup(text_of(c, "groups"));
    g->committed_at = json_integer_value(json_object_get(c, "at"));
    g->last_as_of = json_integer_value(json_object_get(c, "as_of"));
    g->again = json_is_true(json_object_get(c, "again"));
    g->leave = !json_is_false(json_object_get(c, "leave"));
    take_touch(g, json_object_get(c, "touch"));
}

// ---- writing ----

static json_t *touch_list(const struct graph *g)
{
    json_t *list = json_array(), *value;
    const char *id;

    if (json_object_size(g->touch) > TOUCH_KEPT) {
        json_decref(list);
        return json_true();
    }
    json_object_foreach(g->touch, id, value)
    {
        json_array_append_new(list, json_string(id));
    }
    return list;
}

static json_t *off_list(const struct graph *g)
{
    size_t skip = json_object_size(g->off), n = 0;
    int64_t now = time(NULL);
    json_t *list = json_object(), *when;
    const char *id;

    skip = skip > OFF_KEPT ? skip - OFF_KEPT : 0;
    json_object_foreach(g->off, id, when)
    {
        int64_t ago = (source_now_ms() - json_integer_value(when)) / 1000;
        if (n++ >= skip)
            json_object_set_new(list, id, json_integer(now - ago));
    }
    return list;
}

// A cursor without links makes whoever starts with it read all.
void graph_keep(struct graph *g)
{
    static int64_t counter;
    json_t *c = g->w->cursor;
    char hash[24];

    if (counter == 0)
        counter = (int64_t)time(NULL) * 1000;
    assigned_text(g, hash);
    json_object_clear(c);
    json_object_set_new(c, "v", json_integer(VERSION));
    json_object_set_new(c, "n", json_integer(++counter)); // no two listings have the same
    json_object_set_new(c, "made_for", json_string(g->set.fingerprint));
    json_object_set_new(c, "at", json_integer(g->committed_at));
    json_object_set_new(c, "as_of",
                        json_integer(g->in.as_of > g->last_as_of ? g->in.as_of : g->last_as_of));
    json_object_set_new(c, "again", json_boolean(g->again));
    json_object_set_new(c, "leave", json_boolean(g->leave));
    json_object_set_new(c, "assigned", json_string(hash));
    json_object_set_new(c, "users", json_string(g->users ? g->users : ""));
    json_object_set_new(c, "groups", json_string(g->groups ? g->groups : ""));
    json_object_set_new(c, "touch", touch_list(g));
    if (json_object_size(g->off) > 0)
        json_object_set_new(c, "off", off_list(g));
    if (g->risk)
        json_object_set(c, "risk", g->risk);
    if (json_dumpb(c, NULL, 0, JSON_COMPACT) > CURSOR_MAX)
        json_object_del(c, "risk"); // then it is asked for before anybody is said
    if (json_dumpb(c, NULL, 0, JSON_COMPACT) > CURSOR_MAX) {
        json_object_del(c, "users");
        json_object_del(c, "groups");
    }
}
