// SPDX-License-Identifier: BSD-2-Clause
// users/delta and groups/delta of Microsoft Graph
// (https://learn.microsoft.com/graph/delta-query-overview): pages by nextLink up to the deltaLink.
// Links are replayed as they came, once their host is known to be the configured one.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/source.h"
#include "syncd/sources/graph.h"
#include "syncd/sources/pages.h"
#include "syncd/sources/wait.h"

#define NOTHING_MAX 1000 // pages in a row that say nothing new
#define PACED_MAX   200  // of a list that is read slowly: nothing else is read meanwhile

// The server does not take a token that it gave: a round of changes begins with one.
static int token_error(bool whole, bool first, int r)
{
    return !whole && first && r == -EOPNOTSUPP ? -ESTALE : r;
}

// A page is a list of objects, and leads on.
struct feed {
    const char *name; // "users/delta"
    bool whole;
    graph_item take;
    void *ctx;
};

// The codes of a token that the server knows no more, beside 410.
static bool is_token_lost(const json_t *body)
{
    static const char *const codes[] = {"syncStateNotFound", "syncStateInvalid", "resyncRequired"};
    const char *code = json_string_value(json_object_get(json_object_get(body, "error"), "code"));

    for (size_t i = 0; code && i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcasecmp(code, codes[i]) == 0)
            return true;
    return false;
}

static int refuse(struct graph *g, const char *name, const char *why)
{
    snprintf(g->w->why, sizeof(g->w->why), "%s: %s", name, why);
    return -EBADMSG;
}

static int take_items(struct graph *g, const struct feed *f, const struct value *list)
{
    int r = 0;

    if (!value_is(list, VALUE_LIST))
        return refuse(g, f->name, "the answer has no list \"value\"");
    for (const struct value *item = list->first; r == 0 && item; item = item->next) {
        r = f->take(g, item, f->ctx);
        if (r == -EBADMSG)
            return refuse(g, f->name, "an object has no id that is a UUID");
    }
    if (r == -EFBIG)
        snprintf(g->w->why, sizeof(g->w->why), "assigned_groups have more than %d members",
                 GRAPH_MEMBERS_MAX);
    return r;
}

static char *link_of(const struct graph *g, const struct value *page, const char *name,
                     bool *ret_foreign)
{
    const char *link = value_text(value_get(page, name));

    if (!link)
        return NULL;
    if (!graph_is_link(g, link)) {
        *ret_foreign = true;
        return NULL;
    }
    return strdup(link);
}

// One of the two, of our host.
static int take_links(struct graph *g, const struct feed *f, const struct value *page,
                      const char *url, char **ret_next, char **ret_delta)
{
    bool foreign = false;
    char *next = link_of(g, page, "@odata.nextLink", &foreign);
    char *delta = link_of(g, page, "@odata.deltaLink", &foreign);
    const char *why = NULL;

    if (foreign)
        why = "a link leads to another host than the configured one: it is not followed";
    else if (next && delta)
        why = "the page has a nextLink and a deltaLink";
    else if (!next && !delta)
        why = "the page has neither a nextLink nor a deltaLink";
    else if (next && strcmp(next, url) == 0)
        why = "the nextLink leads to its own page";
    if (why) {
        free(next);
        free(delta);
        return refuse(g, f->name, why);
    }
    *ret_next = next;
    *ret_delta = delta;
    return 0;
}

static int read_page(struct graph *g, const struct feed *f, const char *url, char **ret_next,
                     char **ret_delta)
{
    struct http_answer a = {0};
    int r = web_send(g->w, &(struct http_request){.url = url, .values = g->values}, &a);

    if (r < 0 && a.status >= 400 && is_token_lost(a.json))
        r = -ESTALE;
    if (r == -EBADMSG && (a.status == 400 || a.status == 501))
        r = -EOPNOTSUPP;
    if (r == 0)
        r = take_links(g, f, a.value, url, ret_next, ret_delta);
    if (r == 0 && *ret_next) // comes while this one is taken
        web_ahead(g->w, &(struct http_request){.url = *ret_next});
    if (r == 0)
        r = take_items(g, f, value_get(a.value, "value"));
    if (r < 0) {
        free(*ret_next);
        free(*ret_delta);
        *ret_next = *ret_delta = NULL;
    }
    http_answer_done(&a);
    values_empty(g->values);
    return r;
}

// Takes `url`. `ret_first`: it was the first page that failed.
static int read_feed(struct graph *g, const struct feed *f, char *url, char **ret_delta,
                     bool *ret_first)
{
    struct pages pages = {0};
    unsigned nothing = 0;
    int r = url ? 0 : -ENOMEM;

    *ret_first = true;
    for (unsigned n = 0; r == 0 && url; n++) {
        char *next = NULL, *delta = NULL;
        uint64_t news = g->in.news;
        r = read_page(g, f, url, &next, &delta);
        free(url);
        url = next;
        if (r == 0 && delta) {
            free(*ret_delta);
            *ret_delta = delta;
            break;
        }
        nothing = g->in.news == news ? nothing + 1 : 0;
        *ret_first = *ret_first && r < 0 && n == 0;
        if (r == 0 && (!pages_go_on(&pages, url) || nothing >= NOTHING_MAX))
            r = refuse(g, f->name, "page follows page without an end");
        if (r == 0 && g->in.open)
            emit_progress(g->in.done, g->in.total > g->in.done ? g->in.total : 0);
    }
    free(url);
    pages_done(&pages);
    return r;
}

// ---- users ----

// A delta has "at least" what changed: what it lacks, a leave date perhaps, is not to be guessed.
// That an account is disabled counts as it comes; all that gives is read from the user itself.
static int take_changed(struct graph *g, const struct value *item)
{
    unsigned char id[GRAPH_ID];

    if (!graph_id_parse(value_text(value_get(item, "id")), id))
        return -EBADMSG;
    g->in.news++;
    if (value_is(value_get(item, "accountEnabled"), VALUE_FALSE)) {
        int r = graph_say_user(g, item);
        graph_note_off(g, id);
        return r < 0 || graph_user_whole(item) ? r : graph_touch_later(g, id);
    }
    return graph_touch_changed(g, id, value_is(value_get(item, "accountEnabled"), VALUE_TRUE));
}

static int take_user(struct graph *g, const struct value *item, void *ctx)
{
    const struct feed *f = ctx;
    unsigned char id[GRAPH_ID];
    char text[GRAPH_ID_TEXT];
    int r;

    g->in.done++;
    if (value_get(item, "@removed")) {
        r = graph_say_removed(g, item);
        if (r == 0 && !f->whole && graph_id_parse(value_text(value_get(item, "id")), id))
            graph_note_off(g, id);
    } else if (f->whole && graph_id_parse(value_text(value_get(item, "id")), id) &&
               graph_is_before_off(g, graph_id_text(id, text), item)) {
        graph_say_held(g, text);
        r = 0;
    } else if (f->whole) {
        r = graph_say_user(g, item);
    } else {
        r = take_changed(g, item);
    }
    return r;
}

int graph_read_users(struct graph *g, bool whole)
{
    struct feed f = {"users/delta", whole, take_user, NULL};
    char *url = whole ? graph_users_url(g, "delta") : strdup(g->users);
    bool first;
    int r;

    f.ctx = &f;
    r = read_feed(g, &f, url, &g->next_users, &first);
    if (whole && first && g->leave && (r == -EACCES || r == -EOPNOTSUPP))
        return -EPERM;
    // The links ask for leave dates, and may no more: all of it again, which does without them.
    if (!whole && first && g->leave && r == -EACCES && strstr(g->w->why, "answered 403"))
        return -ESTALE;
    r = token_error(whole, first, r);
    if (r == -EACCES)
        return graph_needs(g, r, "User.Read.All");
    return r;
}

// ---- groups ----

// Members of one group on one page, in runs of the same kind: the last word counts.
struct run {
    const char *group;
    bool add, whole;
    size_t n;
    struct json_writer ids; // a list of them
};

static void say_run(struct graph *g, struct run *run)
{
    if (run->n == 0)
        return;
    json_write_close(&run->ids, ']');
    graph_open_delta(g);
    if (run->whole && run->add) {
        json_object_set_new(g->in.lists, run->group, json_true());
        emit_members_text(run->group, run->ids.buf, run->ids.len, true);
    } else {
        emit_members_changed_text(run->group, run->add, run->ids.buf, run->ids.len);
    }
    run->n = 0;
}

static int take_member(struct graph *g, struct run *run, const unsigned char group[GRAPH_ID],
                       const struct value *m)
{
    const char *type = value_text(value_get(m, "@odata.type"));
    bool is_group = type && strcmp(type, "#microsoft.graph.group") == 0;
    bool add = !value_get(m, "@removed");
    unsigned char id[GRAPH_ID];
    char text[GRAPH_ID_TEXT];

    if (type && !is_group && strcmp(type, "#microsoft.graph.user") != 0)
        return 0; // a device, an application, a contact
    if (!graph_id_parse(value_text(value_get(m, "id")), id))
        return -EBADMSG;
    if (run->n > 0 && (run->add != add || run->n == ROLLCALL_SOURCE_LISTS_MAX))
        say_run(g, run);
    if (run->n++ == 0) {
        json_writer_again(&run->ids);
        json_write_open(&run->ids, NULL, '[');
    }
    run->add = add;
    json_write_text_n(&run->ids, NULL, graph_id_text(id, text), GRAPH_ID_TEXT - 1);
    return g->assigned ? graph_assigned_member(g->assigned, group, id, is_group, add) : 0;
}

static void say_group(struct graph *g, const struct value *item, const unsigned char id[GRAPH_ID],
                      const char *text)
{
    const char *display = person_value_text(item, "displayName");
    bool named = g->assigned && graph_assigned_root_is(g->assigned, id);
    char name[33];

    // A delta has "at least" what changed: allow_groups must not lose the group by what it lacks.
    if (named && !g->in.full && !value_get(item, "displayName"))
        return;
    graph_open_delta(g);
    emit_group(json_pack("{s:s, s:s}", "id", text, "displayName",
                         graph_group_name(display, id, named, name, sizeof(name))));
}

static void warn_gone(const struct graph *g, const char *group)
{
    char why[200];

    snprintf(why, sizeof(why), "the group %s of assigned_groups is not there: nobody is in it",
             group);
    emit_warning(g->w->request.name, NULL, why);
}

static int take_group(struct graph *g, const struct value *item, void *ctx)
{
    const struct feed *f = ctx;
    const struct value *members = value_get(item, "members@delta");
    unsigned char id[GRAPH_ID];
    char text[GRAPH_ID_TEXT];
    static char ids[ROLLCALL_SOURCE_LISTS_MAX * (GRAPH_ID_TEXT + 2) + 2];
    struct run run = {.group = text, .whole = f->whole, .ids = {.buf = ids, .room = sizeof(ids)}};
    int r = 0;

    if (!graph_id_parse(value_text(value_get(item, "id")), id))
        return -EBADMSG;
    graph_id_text(id, text);
    g->in.done++;
    g->in.news++;
    if (value_get(item, "@removed")) {
        if (g->assigned)
            graph_assigned_empty(g->assigned, id);
        graph_open_delta(g);
        if (g->assigned && graph_assigned_root_is(g->assigned, id))
            warn_gone(g, text);
        emit_deleted(text, NULL);
        return 0;
    }
    if (g->assigned)
        graph_assigned_seen(g->assigned, id);
    say_group(g, item, id, text);
    for (const struct value *m = person_value_list(members); r == 0 && m; m = m->next)
        r = take_member(g, &run, id, m);
    if (r == 0)
        say_run(g, &run);
    return r;
}

// Parts of a list may stand on any pages: it ends where the feed does.
static void end_lists(struct graph *g)
{
    const char *group;
    json_t *value;

    json_object_foreach(g->in.lists, group, value)
    {
        emit_members(group, json_array(), false);
    }
    json_object_clear(g->in.lists);
}

int graph_read_groups(struct graph *g, bool whole)
{
    struct feed f = {"groups/delta", whole, take_group, NULL};
    char base[700];
    char *url;
    bool first;
    int r;

    snprintf(base, sizeof(base), "%s/groups/delta", g->set.base);
    url = whole ? http_url(base, "$select", "id,displayName,members", NULL) : strdup(g->groups);
    f.ctx = &f;
    r = read_feed(g, &f, url, &g->next_groups, &first);
    r = token_error(whole, first, r);
    if (r == 0 && whole)
        end_lists(g);
    return r == -EACCES ? graph_needs(g, r, "GroupMember.Read.All") : r;
}

// ---- lists without a delta ----

int graph_read_list(struct graph *g, char *url, graph_item take, void *ctx,
                    const struct graph_pace *pace)
{
    const struct feed f = {"the list", true, take, ctx};
    struct pages pages = {0};
    int r = url ? 0 : -ENOMEM;

    for (unsigned n = 0; r == 0 && url; n++) {
        struct http_answer a = {0};
        const char *next = NULL;
        if (n > 0 && pace)
            source_pause(pace->pause_ms);
        r = web_send(g->w,
                     &(struct http_request){
                         .url = url, .values = g->values, .budget = pace ? pace->budget : 0},
                     &a);
        if (r == 0) {
            next = value_text(value_get(a.value, "@odata.nextLink"));
            if (next && (!graph_is_link(g, next) || strcmp(next, url) == 0 ||
                         !pages_go_on(&pages, next) || pages.n > (pace ? PACED_MAX : PAGES_MAX)))
                r = refuse(g, f.name, "a nextLink leads elsewhere, or nowhere");
        }
        if (r == 0 && next && !pace)
            web_ahead(g->w, &(struct http_request){.url = next});
        if (r == 0)
            r = take_items(g, &f, value_get(a.value, "value"));
        free(url);
        url = r == 0 && next ? strdup(next) : NULL;
        http_answer_done(&a);
        values_empty(g->values);
    }
    free(url);
    pages_done(&pages);
    return r;
}

static int take_walked(struct graph *g, const struct value *item, void *ctx)
{
    const char *type = value_text(value_get(item, "@odata.type"));
    bool is_group = type && strcmp(type, "#microsoft.graph.group") == 0;
    unsigned char id[GRAPH_ID];

    if (type && !is_group && strcmp(type, "#microsoft.graph.user") != 0)
        return 0;
    if (!graph_id_parse(value_text(value_get(item, "id")), id))
        return -EBADMSG;
    return graph_assigned_member(g->assigned, ctx, id, is_group, true);
}

// https://learn.microsoft.com/graph/api/group-list-members: direct members, 999 a page.
static int read_members(struct graph *g, unsigned char group[GRAPH_ID])
{
    char text[GRAPH_ID_TEXT], base[700];
    int r;

    snprintf(base, sizeof(base), "%s/groups/%s/members", g->set.base, graph_id_text(group, text));
    r = graph_read_list(g, http_url(base, "$select", "id", "$top", "999", NULL), take_walked, group,
                        NULL);
    if (r == -ENOENT) { // as if nobody were in it, but for one that nobody said to be deleted
        if (!graph_assigned_missing(g->assigned, group) &&
            graph_assigned_root_is(g->assigned, group))
            warn_gone(g, text);
        return 0;
    }
    if (r == 0)
        graph_assigned_read(g->assigned, group);
    return r == -EACCES ? graph_needs(g, r, "GroupMember.Read.All") : r;
}

int graph_read_assigned(struct graph *g)
{
    unsigned char group[GRAPH_ID];
    int r;

    if (!g->assigned)
        return 0;
    while ((r = graph_assigned_settle(g->assigned, group)) > 0) {
        r = read_members(g, group);
        if (r < 0)
            return r;
    }
    return r;
}
