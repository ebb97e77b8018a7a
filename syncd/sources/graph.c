// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-graph: people and groups of a tenant of Microsoft Entra ID. A process begins with
// the cursor's tokens, or with all of it; from then on each round asks both feeds what changed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "syncd/sources/graph.h"
#include "syncd/sources/wait.h"

#define FOLLOW_UPS 3 // listings right behind one, of those who stood in it twice

// ---- one listing ----

static bool is_due(int64_t *at, const struct graph_retry *retry)
{
    int64_t now = source_now_ms();

    if (!graph_retry_due(retry))
        return false;
    if (!retry->off && *at && now - *at < GRAPH_SIGNAL_EACH * 1000)
        return false;
    *at = now;
    return true;
}

// What fails now is asked again soon, and keeps nothing else from being read.
static int read_signals(struct graph *g)
{
    if (g->set.device && is_due(&g->device_at, &g->device_retry))
        graph_read_device(g);
    if (g->set.signals && is_due(&g->risk_at, &g->risk_retry))
        return graph_read_risk(g) == -ENOMEM ? -ENOMEM : 0;
    return 0;
}

// Who was once said to be compromised must not come back for want of asking.
static int know_risk(struct graph *g)
{
    if (!g->set.signals || g->risk || !graph_retry_due(&g->risk_retry))
        return 0;
    g->risk_at = source_now_ms();
    return graph_read_risk(g);
}

static void say_leave_missing(struct graph *g)
{
    emit_warning(g->w->request.name, NULL,
                 "employeeLeaveDateTime cannot be read, so that leave dates are not known: the "
                 "application lacks " LEAVE_PERMISSION);
}

// For who waits for the first reading: about how many there are. It may as well not be known.
// https://learn.microsoft.com/graph/aad-advanced-queries: $count needs ConsistencyLevel.
static void count_users(struct graph *g)
{
    struct http_request q = {
        .header = {{"ConsistencyLevel", "eventual"}}, .n_headers = 1, .budget = 5};
    struct http_answer a = {0};
    char base[700];
    char *url;

    snprintf(base, sizeof(base), "%s/users", g->set.base);
    url = http_url(base, "$select", "id", "$top", "1", "$count", "true", NULL);
    q.url = url;
    if (url && web_send(g->w, &q, &a) == 0) {
        json_int_t n = json_integer_value(json_object_get(a.json, "@odata.count"));
        g->in.total = n > 0 ? g->in.done + (uint64_t)n : 0;
    }
    free(url);
    http_answer_done(&a);
}

static int read_all_users(struct graph *g)
{
    int r;

    if (web_begins(g->w))
        count_users(g);
    r = graph_read_users(g, true);

    if (r != -EPERM)
        return r;
    g->leave = false;
    r = graph_read_users(g, true);
    if (r == 0 && !g->leave_retry.off)
        say_leave_missing(g);
    if (r == 0)
        graph_retry_failed(&g->leave_retry);
    else
        g->leave = true; // that was not it
    return r;
}

// Of assigned_groups, what is not in the tenant.
static int say_missing(struct graph *g)
{
    unsigned char group[GRAPH_ID];
    char text[GRAPH_ID_TEXT];
    size_t at = 0;

    while (g->assigned && graph_assigned_next_missing(g->assigned, &at, group)) {
        graph_id_text(group, text);
        if (web_begins(g->w) && graph_assigned_none(g->assigned))
            return web_groups_none(g->w, text, "in the tenant", "the id");
        web_group_lost(g->w, text, "in the tenant", "the id", false);
    }
    return 0;
}

static int say_whole(struct graph *g)
{
    int r;

    graph_begin(g);
    graph_open(g, true);
    if (g->assigned)
        graph_assigned_forget(g->assigned);
    r = graph_read_groups(g, true);
    if (r == 0)
        r = graph_read_assigned(g); // after the feed: what it lacked is in the next one
    if (r == 0)
        r = say_missing(g);
    if (r == 0)
        r = read_all_users(g);
    return r;
}

static int say_changes(struct graph *g)
{
    bool unknown = g->assigned && graph_assigned_unknown(g->assigned);
    int r;

    graph_begin(g);
    r = graph_read_groups(g, false);
    if (r == 0)
        r = graph_read_assigned(g);
    // Of whom nothing was said as long as nobody could tell, it is said now.
    if (r == 0 && unknown && !graph_assigned_unknown(g->assigned))
        g->again = true;
    if (r == 0)
        r = graph_touch_assigned(g);
    if (r == 0)
        r = graph_read_users(g, false);
    if (r == 0 && graph_touched(g) <= GRAPH_TOUCH_MAX)
        r = graph_say_touched(g);
    return r;
}

// Users that stood twice in the listing before, or whose risk changed.
static int say_follow_up(struct graph *g)
{
    int r;

    graph_begin(g);
    r = graph_say_touched(g);
    if (r == 0 && g->in.open)
        graph_commit(g);
    return r;
}

// ---- rounds ----

// Whether a process that starts with a cursor knows what the one before knew: it reads who is
// assigned, and where that is not what it was, everybody.
static int resume(struct graph *g)
{
    const char *was = json_string_value(json_object_get(g->w->cursor, "assigned"));
    char now[24];
    int r;

    graph_restore(g);
    if (!g->users || !g->assigned)
        return 0;
    graph_assigned_forget(g->assigned);
    r = graph_read_assigned(g);
    if (r < 0)
        return r;
    snprintf(now, sizeof(now), "%016llx", (unsigned long long)graph_assigned_hash(g->assigned));
    if (!was || strcmp(was, now) != 0) {
        free(g->users);
        g->users = NULL;
    }
    return 0;
}

// The permission may have been given since the tokens were made, which know no more properties: it
// is asked for after growing pauses.
static void ask_for_leave(struct graph *g)
{
    struct http_answer a = {0};
    char base[700];
    char *url;

    if (g->leave || !graph_retry_due(&g->leave_retry))
        return;
    snprintf(base, sizeof(base), "%s/users", g->set.base);
    url = http_url(base, "$select", "id,employeeLeaveDateTime", "$top", "1", NULL);
    if (url && web_get(g->w, url, &a) == 0) {
        g->leave = true;
        free(g->users);
        g->users = NULL;
        if (graph_retry_over(&g->leave_retry))
            emit_warning(g->w->request.name, NULL,
                         "employeeLeaveDateTime can be read now: leave dates are known");
    } else {
        if (a.status == 403 && !g->leave_retry.off)
            say_leave_missing(g);
        graph_retry_failed(&g->leave_retry);
    }
    free(url);
    http_answer_done(&a);
}

static int begin(struct graph *g)
{
    int r = 0;

    // With an empty cursor nothing of what was read counts any more.
    if (g->ready && json_object_size(g->w->cursor) == 0) {
        free(g->users);
        g->users = NULL;
        g->leave = true;
        g->again = false;
    }
    if (!g->ready)
        r = resume(g);
    if (r < 0)
        g->ready = false;
    if (r == 0 && g->users)
        ask_for_leave(g);
    return r == 0 ? know_risk(g) : r;
}

// Where all that is wanted can wait for a while: what changes is read meanwhile.
static bool is_wanted(const struct graph *g)
{
    return (g->again || graph_touched(g) > GRAPH_TOUCH_MAX) && time(NULL) >= g->again_after;
}

static bool is_whole_due(const struct graph *g)
{
    return !g->users || !g->groups || is_wanted(g) ||
           time(NULL) - g->committed_at >= GRAPH_TOKEN_AGE;
}

static void keep_links(struct graph *g)
{
    free(g->users);
    free(g->groups);
    g->users = g->next_users;
    g->groups = g->next_groups;
    g->next_users = g->next_groups = NULL;
}

// *ret_whole: it was the listing of everybody that failed.
static int read_round(struct graph *g, bool whole, bool *ret_whole)
{
    int r = whole ? say_whole(g) : say_changes(g);

    if (r < 0)
        return r;
    // Who is locked among so many is said now, and does not hang on the listing of everybody.
    if (g->in.open && !whole && graph_touched(g) > GRAPH_TOUCH_MAX)
        graph_commit(g);
    if (!whole && graph_touched(g) > GRAPH_TOUCH_MAX && is_wanted(g)) {
        *ret_whole = true;
        r = say_whole(g);
        if (r < 0)
            return r;
    }
    if (!g->in.open && time(NULL) - g->committed_at >= GRAPH_CURSOR_AGE)
        graph_open(g, false);
    if (g->in.open) {
        graph_commit(g);
        return 0;
    }
    keep_links(g);
    if (graph_touched(g) <= GRAPH_TOUCH_MAX) // else much is known to have changed
        emit_as_of(g->in.as_of);
    return 0;
}

static enum web_outcome read_graph(struct web *w)
{
    struct graph *g = w->own;
    bool whole = false;
    int r = begin(g);

    if (r == 0) {
        whole = is_whole_due(g);
        r = read_round(g, whole, &whole);
    }
    if (r == 0)
        r = read_signals(g);
    for (int i = 0;
         r == 0 && i < FOLLOW_UPS && graph_touched(g) > 0 && graph_touched(g) <= GRAPH_TOUCH_MAX;
         i++)
        r = say_follow_up(g);
    if (r == 0)
        return WEB_READ;
    graph_abort(g);
    if (whole) // what changes is read meanwhile
        g->again_after = time(NULL) + 600;
    if (r == -ESTALE && whole) // a token that was made just now
        r = -EAGAIN;
    return web_failed(w, r);
}

static void done(struct web *w)
{
    struct graph *g = w->own;

    if (!g)
        return;
    free(g->users);
    free(g->groups);
    free(g->next_users);
    free(g->next_groups);
    graph_assigned_free(g->assigned);
    listed_free(g->said);
    values_free(g->values);
    json_decref(g->in.lists);
    json_decref(g->touch);
    json_decref(g->enabled);
    json_decref(g->ill);
    json_decref(g->off);
    json_decref(g->risk);
    json_decref(g->map);
    free(g);
}

int main(void)
{
    static const struct web_source source = {.type = "graph",
                                             .settings = graph_settings,
                                             .identity = graph_identity,
                                             .read = read_graph,
                                             .test = graph_test,
                                             .done = done};

    return web_main(&source);
}
