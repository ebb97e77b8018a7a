// SPDX-License-Identifier: BSD-2-Clause
// Groups that matter, and who is in them. Okta's groups do not nest: a list is people alone.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include "rollcall/cleanup.h"
#include "rollcall/source.h"
#include "syncd/sources/okta.h"
#include "syncd/sources/wait.h"

bool okta_is_assigned(const struct okta *o, const char *user)
{
    if (!o->has_assigned)
        return true;
    for (size_t i = 0; i < o->n_groups; i++)
        if (o->group[i].assigned && okta_ids_has(&o->group[i].members, user))
            return true;
    return false;
}

bool okta_assigned_unknown(const struct okta *o)
{
    for (size_t i = 0; i < o->n_groups; i++)
        if (o->group[i].assigned && (o->group[i].gone || o->group[i].unread) && !o->group[i].known)
            return true;
    return false;
}

// ---- which groups ----

struct okta_group *okta_group_by_oid(struct okta *o, const char *oid)
{
    for (size_t i = 0; i < o->n_groups; i++)
        if (strcmp(o->group[i].oid, oid) == 0)
            return &o->group[i];
    return NULL;
}

static void group_done(struct okta_group *g)
{
    free(g->name);
    okta_ids_done(&g->members);
    okta_ids_done(&g->before);
}

void okta_groups_done(struct okta *o)
{
    for (size_t i = 0; i < o->n_groups; i++)
        group_done(&o->group[i]);
    free(o->group);
    o->group = NULL;
    o->n_groups = 0;
    o->loaded = false;
}

// `object` as Okta has it, said as `id` (NULL: as at Okta).
static int add_group(struct okta *o, const json_t *object, const char *id, bool assigned)
{
    const char *oid = person_text(object, "id");
    const char *name = person_text(json_object_get(object, "profile"), "name");
    struct okta_group *g, *list;

    if (!oid || strlen(oid) > OKTA_ID_MAX || (id && strlen(id) > OKTA_ID_MAX))
        return -EBADMSG;
    g = okta_group_by_oid(o, oid);
    if (g) {
        // Named in two places, or found by `groups = *` too: the section's word for it stands.
        g->assigned = g->assigned || assigned;
        return 0;
    }
    if (o->n_groups == OKTA_GROUPS_MAX)
        return -EFBIG;
    list = realloc(o->group, (o->n_groups + 1) * sizeof(*list));
    if (!list)
        return -ENOMEM;
    o->group = list;
    g = &list[o->n_groups++];
    *g = (struct okta_group){.assigned = assigned, .name = name ? strdup(name) : NULL};
    snprintf(g->oid, sizeof(g->oid), "%s", oid);
    snprintf(g->id, sizeof(g->id), "%s", id ? id : oid);
    return 0;
}

// A name was tied to a group when it was first read; another group that has the name today is
// not the one that was meant.
static const char *pinned(struct web *w, const char *word)
{
    return json_string_value(json_object_get(json_object_get(w->cursor, "pins"), word));
}

static void pin(struct web *w, const char *word, const char *oid)
{
    struct okta *o = w->own;
    json_t *pins = json_object_get(w->cursor, "pins");

    if (!pins) {
        pins = json_object();
        json_object_set_new(w->cursor, "pins", pins);
    }
    json_object_set_new(pins, word, json_string(oid));
    json_decref(o->pins);
    o->pins = json_deep_copy(pins);
}

// It stays one of ours. One of member_groups has no members: that is said, and whoever waits for a
// second listing gets it. One of assigned_groups is another matter: without it, whoever is in it
// would be a stranger, so who was in it stands.
static int add_missing(struct web *w, const char *oid, const char *word, bool assigned)
{
    struct okta *o = w->own;
    json_t *object = json_pack("{s:s}", "id", oid);
    char text[200];
    int r = add_group(o, object, word, assigned);

    json_decref(object);
    if (assigned && r == 0)
        okta_group_by_oid(o, oid)->gone = true;
    if (assigned)
        return r;
    snprintf(text, sizeof(text), "the group %.80s of member_groups is not there: nobody is in it",
             word);
    emit_warning(w->request.name, NULL, text);
    return r;
}

static int find_by_id(struct web *w, const char *oid, const char *id, bool assigned)
{
    struct okta *o = w->own;
    _cleanup_free_ char *escaped = http_url("", "x", oid, NULL), *url = NULL;
    struct http_answer a = {0};
    int r;

    // http_url escapes a value behind "?x=".
    if (!escaped || asprintf(&url, "%s/api/v1/groups/%s", o->org, escaped + 3) < 0)
        return -ENOMEM;
    r = web_get(w, url, &a);
    if (r == 0)
        r = add_group(o, a.json, id, assigned);
    http_answer_done(&a);
    return r == -ENOENT ? add_missing(w, oid, id, assigned) : r;
}

struct by_name {
    const char *name;
    json_t *found;
};

static int match_name(struct web *w, const json_t *list, void *ctx)
{
    struct by_name *b = ctx;

    (void)w;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *g = json_array_get(list, i);
        const char *name = person_text(json_object_get(g, "profile"), "name");
        if (!name || strcmp(name, b->name) != 0)
            continue;
        if (b->found)
            return -ENOTUNIQ; // an app's group may be called like one of Okta's
        b->found = json_incref(g);
    }
    return 0;
}

// `q` finds names that begin with the word.
static int find_by_name(struct web *w, const char *word, bool assigned)
{
    struct okta *o = w->own;
    _cleanup_free_ char *base = NULL;
    struct by_name b = {.name = word};
    int r;

    if (asprintf(&base, "%s/api/v1/groups", o->org) < 0)
        return -ENOMEM;
    r = okta_pages(w, http_url(base, "q", word, "limit", "200", NULL), match_name, &b);
    if (r == -ENOTUNIQ)
        snprintf(w->why, sizeof(w->why),
                 "%s: two groups are called \"%.80s\"; write the id of the one that is meant",
                 o->org, word);
    if (r == 0 && !b.found && assigned)
        return add_missing(w, word, word, true); // under its name, which is no id of Okta's
    if (r == 0 && !b.found) {
        snprintf(w->why, sizeof(w->why), "%s has no group \"%.80s\", by name or by id", o->org,
                 word);
        r = -ENOENT;
    }
    if (r == 0)
        r = add_group(o, b.found, word, assigned);
    if (r == 0)
        pin(w, word, person_text(b.found, "id"));
    json_decref(b.found);
    return r;
}

// 20 letters and digits from 00g on: https://developer.okta.com/docs/api, "Group", id.
static bool is_id(const char *word)
{
    return strncmp(word, "00g", 3) == 0 && strlen(word) == 20 &&
           strspn(word, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == 20;
}

static int find_listed(struct web *w, const json_t *list, bool assigned)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        const char *oid = is_id(word) ? word : pinned(w, word);
        if (strcmp(word, "*") == 0)
            continue;
        r = oid ? find_by_id(w, oid, word, assigned) : find_by_name(w, word, assigned);
    }
    return r;
}

static int take_each(struct web *w, const json_t *list, void *ctx)
{
    int r = 0;

    (void)ctx;
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = add_group(w->own, json_array_get(list, i), NULL, false);
    return r;
}

static int find_all(struct web *w)
{
    struct okta *o = w->own;
    _cleanup_free_ char *base = NULL;
    int r;

    if (asprintf(&base, "%s/api/v1/groups", o->org) < 0)
        return -ENOMEM;
    r = find_listed(w, web_list(w, "assigned_groups"), true);
    if (r == 0)
        r = find_listed(w, web_list(w, "member_groups"), false);
    if (r == 0 && o->every_group)
        r = okta_pages(w, http_url(base, "filter", "type eq \"OKTA_GROUP\"", "limit", "200", NULL),
                       take_each, NULL);
    return r;
}

// Who was in an assigned group is kept for the case that it is gone.
static void carry_over(struct okta *o, struct okta_group *old, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct okta_group *g = okta_group_by_oid(o, old[i].oid);
        bool read = old[i].known;
        if (!g || !g->assigned || !(read || old[i].was_known))
            continue;
        g->before = read ? old[i].members : old[i].before;
        g->was_known = true;
        *(read ? &old[i].members : &old[i].before) = (struct okta_ids){0};
    }
}

// Nothing was said of it: who was in it stands.
static void keep_before(struct okta_group *g)
{
    if (!g->known && g->was_known) {
        g->members = g->before;
        g->known = true;
        g->before = (struct okta_ids){0};
    }
}

// The name of the first of them where none is there, and none was when they were read last.
static const char *none_assigned(const struct okta *o)
{
    const char *first = NULL;

    for (size_t i = 0; i < o->n_groups; i++) {
        const struct okta_group *g = &o->group[i];
        if (g->assigned && (!g->gone || g->was_known))
            return NULL;
        first = first ? first : g->assigned ? g->id : NULL;
    }
    return first;
}

int okta_groups_find(struct web *w)
{
    struct okta *o = w->own;
    struct okta_group *old = o->group;
    size_t n = o->n_groups;
    int r;

    o->group = NULL;
    o->n_groups = 0;
    o->loaded = false;
    r = find_all(w);
    if (r < 0) { // nothing is said by these, but they are known
        okta_groups_done(o);
        o->group = old;
        o->n_groups = n;
        return r;
    }
    carry_over(o, old, n);
    for (size_t i = 0; i < n; i++)
        group_done(&old[i]);
    free(old);
    if (web_begins(w) && none_assigned(o))
        return web_groups_none(w, none_assigned(o), "in the org", "the name or the id");
    return 0;
}

static void say_lost(struct web *w, const struct okta_group *g)
{
    char text[400];

    if (g->gone) {
        web_group_lost(w, g->id, "in the org", "the name or the id", g->known);
        return;
    }
    snprintf(text, sizeof(text),
             "who is in the group %.80s cannot be read now: what is known stands, and it is asked "
             "for again",
             g->id);
    if (g->known)
        emit_warning(w->request.name, NULL, text);
    else
        emit_problem(w->request.name, NULL, false, text);
}

void okta_groups_gone_say(struct web *w)
{
    const struct okta *o = w->own;

    for (size_t i = 0; i < o->n_groups; i++)
        if (o->group[i].gone || o->group[i].unread)
            say_lost(w, &o->group[i]);
}

// ---- who is in them ----

struct reading {
    struct okta_group *g;
    struct okta_ids ids;
};

// One list, in parts.
static void say_members(const struct okta_group *g, const struct okta_ids *ids)
{
    static char part[ROLLCALL_SOURCE_LISTS_MAX * (OKTA_SHORT * 6 + 3) + 2];
    struct json_writer w = {.buf = part, .room = sizeof(part)};
    size_t n = 0;

    json_write_open(&w, NULL, '[');
    for (size_t i = 0; i < ids->n; i++) {
        if (n++ == ROLLCALL_SOURCE_LISTS_MAX) {
            json_write_close(&w, ']');
            emit_members_text(g->id, part, w.len, true);
            json_writer_again(&w);
            json_write_open(&w, NULL, '[');
            n = 1;
        }
        json_write_text(&w, NULL, ids->id[i]);
    }
    json_write_close(&w, ']');
    emit_members_text(g->id, part, w.len, false);
}

static int take_members(struct web *w, const struct value *list, void *ctx)
{
    struct reading *reading = ctx;
    int r = 0;

    for (const struct value *user = list->first; r == 0 && user; user = user->next) {
        const char *id = person_value_text(user, "id");
        r = id ? okta_ids_add(&reading->ids, id) : -EBADMSG;
        if (r == -EBADMSG)
            snprintf(w->why, sizeof(w->why), "a member of group %s has no id, or a long one",
                     reading->g->oid);
    }
    return r;
}

// Whoever came or left is read again: it decides whether the person is one of ours.
static void compare_members(struct okta *o, const struct okta_group *g, const struct okta_ids *now)
{
    for (size_t i = 0; i < now->n; i++)
        if (!okta_ids_has(&g->members, now->id[i]))
            json_object_set_new(o->users, now->id[i], json_false());
    for (size_t i = 0; i < g->members.n; i++)
        if (!okta_ids_has(now, g->members.id[i]))
            json_object_set_new(o->users, g->members.id[i], json_false());
}

#define CONFIRM_MAX 50 // beyond, the list is believed

// A list's pages shift while it is read, when somebody before leaves: whoever fell out of it is
// asked, before that is said.
static int confirm_lost(struct web *w, const struct okta_group *g, struct okta_ids *now)
{
    const struct okta_ids *old = g->known ? &g->members : &g->before;
    size_t lost = 0;
    int r = 0;

    for (size_t i = 0; i < old->n; i++)
        lost += !okta_ids_has(now, old->id[i]);
    for (size_t i = 0; r == 0 && lost <= CONFIRM_MAX && i < old->n; i++) {
        json_t *in;
        if (okta_ids_has(now, old->id[i]))
            continue;
        in = json_object();
        r = okta_user_groups(w, old->id[i], in);
        if (r == 0 && json_object_get(in, g->oid))
            r = okta_ids_add(now, old->id[i]);
        else if (r == -ENOENT || r == -EAGAIN || r == -EBADMSG)
            r = 0; // the list's word stands
        json_decref(in);
    }
    return r;
}

static void say_list(const struct okta_group *g, const struct okta_ids *ids)
{
    emit_group(json_pack("{s:s, s:s*}", "id", g->id, "displayName", g->name));
    say_members(g, ids);
}

static void keep_list(struct okta *o, struct okta_group *g, struct okta_ids *ids)
{
    if (g->known)
        compare_members(o, g, ids);
    o->want_whole = o->want_whole || (g->unread && !g->known);
    okta_ids_done(&g->members);
    okta_ids_done(&g->before);
    g->members = *ids;
    *ids = (struct okta_ids){0};
    g->known = true;
    g->gone = false;
}

// It is this group's list that cannot be had, and not the org's. Who never read anything waits:
// there is nobody to lock.
static bool is_ill(const struct web *w, const struct okta_group *g, int r)
{
    const struct okta *o = w->own;

    return (r == -EBADMSG || r == -ETIMEDOUT || (r == -EAGAIN && o->status >= 500)) &&
           (g->known || g->was_known || json_object_get(w->cursor, "whole"));
}

static void put_off(struct okta *o, struct okta_group *g)
{
    g->unread = true;
    if (g->assigned)
        keep_before(g);
    json_object_set_new(o->groups, g->oid, json_string(""));
    o->groups_pause_ms = o->groups_pause_ms ? o->groups_pause_ms * 2 : 2000;
    if (o->groups_pause_ms > 300000)
        o->groups_pause_ms = 300000;
    o->groups_after_ms = source_now_ms() + o->groups_pause_ms;
}

// Read whole before a word of it is said: an open list would have to be ended.
int okta_group_say(struct web *w, struct okta_group *g)
{
    struct okta *o = w->own;
    struct reading reading = {.g = g};
    char *url = NULL;
    int r = -ENOMEM;

    if (g->gone)
        r = -ENOENT;
    else if (asprintf(&url, "%s/api/v1/groups/%s/users?limit=200", o->org, g->oid) >= 0)
        r = okta_rows(w, url, (const char *const[]){"id", NULL}, take_members, &reading);
    if (r == -ENOENT && g->assigned) {
        g->gone = true;
        keep_before(g);
        if (g->known)
            say_list(g, &g->members);
    } else if (r == -ENOENT) {
        emit_members(g->id, json_array(), false);
    } else if (r == 0 && g->assigned) {
        r = confirm_lost(w, g, &reading.ids);
    }
    if (r < 0 && is_ill(w, g, r)) {
        put_off(o, g);
        if (g->known)
            say_list(g, &g->members);
        r = -ENOENT;
    }
    if (r == 0) {
        say_list(g, &reading.ids);
        if (g->assigned)
            keep_list(o, g, &reading.ids);
        g->unread = false;
    }
    okta_ids_done(&reading.ids);
    return r == -ENOENT ? 0 : r;
}

static int note_changed(struct web *w, const json_t *list, void *ctx)
{
    struct okta *o = w->own;

    (void)ctx;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *oid = person_text(json_array_get(list, i), "id");
        const char *at = person_text(json_array_get(list, i), "lastMembershipUpdated");
        const json_t *seen = oid ? json_object_get(o->recent_groups, oid) : NULL;
        if (!oid || !okta_group_by_oid(o, oid))
            continue;
        // The window overlaps the last one.
        if (at && seen && strcmp(json_string_value(seen), at) == 0)
            continue;
        json_object_set_new(o->groups, oid, json_string(at ? at : ""));
    }
    return 0;
}

int okta_groups_changed(struct web *w, int64_t since)
{
    struct okta *o = w->own;
    _cleanup_free_ char *base = NULL;
    char filter[100], when[40];
    int r;

    snprintf(filter, sizeof(filter), "lastMembershipUpdated gt \"%s\"",
             okta_instant(since, when, sizeof(when)));
    if (asprintf(&base, "%s/api/v1/groups", o->org) < 0)
        return -ENOMEM;
    r = okta_pages(w, http_url(base, "filter", filter, "limit", "200", NULL), note_changed, NULL);
    return r;
}

// For who waits for the first reading: about how many there are. It may as well not be known.
// .../tag/Group/#listGroups: expand=stats; everybody is in the built-in group Everyone.
void okta_groups_count(struct web *w)
{
    struct okta *o = w->own;
    _cleanup_free_ char *base = NULL, *url = NULL;
    struct http_answer a = {0};

    if (asprintf(&base, "%s/api/v1/groups", o->org) < 0)
        return;
    url = http_url(base, "filter", "type eq \"BUILT_IN\"", "expand", "stats", NULL);
    if (url && web_send(w, &(struct http_request){.url = url, .budget = 5}, &a) == 0)
        for (size_t i = 0; i < json_array_size(a.json); i++) {
            const json_t *stats =
                json_object_get(json_object_get(json_array_get(a.json, i), "_embedded"), "stats");
            json_int_t n = json_integer_value(json_object_get(stats, "usersCount"));
            if (n > 0 && (uint64_t)n > o->total)
                o->total = (uint64_t)n;
        }
    http_answer_done(&a);
}

// ---- one person ----

void okta_moved_say(struct web *w, const char *user, const json_t *asked, const json_t *in)
{
    struct okta *o = w->own;

    for (size_t i = 0; i < o->n_groups; i++) {
        struct okta_group *g = &o->group[i];
        bool is = json_object_get(in, g->oid), was = g->assigned && okta_ids_has(&g->members, user);
        if (g->gone)
            continue;
        // Of an assigned group it is known what was said last, of another what the event named.
        if (g->assigned ? is == was : !json_object_get(asked, g->oid))
            continue;
        emit_members_changed(g->id, is, json_pack("[s]", user));
        if (g->assigned && is)
            okta_ids_add(&g->members, user); // what fails here is said once more, and no matter
        else if (g->assigned)
            okta_ids_remove(&g->members, user);
    }
}
