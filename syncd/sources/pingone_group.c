// SPDX-License-Identifier: BSD-2-Clause
// Who is in which group. A user in a list does not say it (memberOfGroupIDs is in the answer for
// one user alone), so each group that is configured is asked for its members, and the people are
// said with their groups: one who comes into a group is one line, not the group's list anew.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/pingone.h"

static const char *const just_id[] = {"id", NULL};

static struct listed_hash hash_of(const struct pingone *p, const char *id)
{
    struct listed_hash h = listed_bytes_hash(p->listed, id, strlen(id));

    h.high += h.low == 0 && h.high == 0; // that is what a free place looks like
    return h;
}

// Where the member stands, or the free place where it would.
static struct listed_hash *place_of(const struct pingone_group *g, const struct listed_hash *h)
{
    size_t i = h->low & (g->room - 1);

    while ((g->member[i].low || g->member[i].high) &&
           (g->member[i].low != h->low || g->member[i].high != h->high))
        i = (i + 1) & (g->room - 1);
    return &g->member[i];
}

static bool has(const struct pingone_group *g, const struct listed_hash *hash)
{
    const struct listed_hash *at = g->n > 0 ? place_of(g, hash) : NULL;

    return at && (at->low || at->high);
}

// At most four fifths full.
static int make_room(struct pingone_group *g)
{
    struct pingone_group bigger = {.room = g->room ? g->room * 2 : 256};

    if (g->room && g->n + 1 <= g->room / 5 * 4)
        return 0;
    bigger.member = calloc(bigger.room, sizeof(*bigger.member));
    if (!bigger.member)
        return -ENOMEM;
    for (size_t i = 0; i < g->room; i++)
        if (g->member[i].low || g->member[i].high)
            *place_of(&bigger, &g->member[i]) = g->member[i];
    free(g->member);
    g->member = bigger.member;
    g->room = bigger.room;
    return 0;
}

static int add_member(struct web *w, const struct value *user, const char *fault, void *ctx)
{
    struct pingone_group *g = ctx;
    const char *id = person_value_text(user, "id");
    struct listed_hash hash;
    int r;

    (void)fault; // it has no id then
    if (!id || g->n == LISTED_MAX) {
        snprintf(w->why, sizeof(w->why), "group %s has a member without an id, or too many", g->id);
        return -EBADMSG;
    }
    hash = hash_of(w->own, id);
    r = make_room(g);
    if (r < 0 || has(g, &hash))
        return r;
    *place_of(g, &hash) = hash;
    g->n++;
    return 0;
}

static bool is_gone(const struct pingone_group *g)
{
    return g->assigned && !g->there;
}

bool pingone_assigned_unknown(const struct pingone *p)
{
    for (size_t i = 0; i < p->n_groups; i++)
        if (is_gone(&p->group[i]) && !p->group[i].known)
            return true;
    return false;
}

// Its name, which is what it is called here. What is not there cannot say who is assigned: whoever
// was in it stays one of ours.
static int read_name(struct web *w, struct pingone_group *g)
{
    const struct pingone *p = w->own;
    struct http_answer a = {0};
    char url[600];
    int r;

    snprintf(url, sizeof(url), "%s/groups/%s", p->env, g->id);
    r = web_get(w, url, &a);
    if (r == -ENOENT && g->assigned) {
        http_answer_done(&a);
        g->there = false;
        return 0;
    }
    free(g->name);
    g->name = r >= 0 && person_text(a.json, "name") ? strdup(person_text(a.json, "name")) : NULL;
    if (r == -EACCES && a.status == 403)
        r = 0; // who may read users need not see groups
    http_answer_done(&a);
    g->there = r != -ENOENT;
    return r == -ENOENT ? 0 : r;
}

static int read_group(struct web *w, struct pingone_group *g)
{
    struct pingone *p = w->own;
    char filter[80];
    char *url;
    int r;

    r = read_name(w, g);
    if (r == 0 && is_gone(g))
        return 0;
    g->known = false;
    free(g->member);
    g->member = NULL;
    g->n = g->room = 0;
    if (r < 0 || !g->there)
        return r;
    snprintf(filter, sizeof(filter), "memberOfGroups[id eq \"%s\"]", g->id);
    url = http_url(p->users, "filter", filter, "limit", PINGONE_PAGE, NULL);
    r = url ? pingone_pages(w, url, "users", just_id, add_member, g) : -ENOMEM;
    free(url);
    g->known = r >= 0;
    return r;
}

int pingone_groups_read(struct web *w)
{
    struct pingone *p = w->own;
    const char *gone = NULL;
    bool some = false;
    int r = 0;

    for (size_t i = 0; i < p->n_groups && r >= 0; i++) {
        const struct pingone_group *g = &p->group[i];
        r = read_group(w, &p->group[i]);
        some = some || (g->assigned && (g->there || g->known));
        gone = gone ? gone : is_gone(g) ? g->id : NULL;
    }
    if (r >= 0 && gone && !some && web_begins(w))
        return web_groups_none(w, gone, "in the environment", "the id");
    return r;
}

void pingone_groups_say(struct pingone *p)
{
    for (size_t i = 0; i < p->n_groups; i++) {
        const struct pingone_group *g = &p->group[i];
        json_t *group;
        if (!g->there && !(g->assigned && g->known))
            continue; // absent, where it was there before
        group = json_pack("{s:s, s:s*}", "id", g->id, "displayName", g->name);
        if (listed_record(p->listed, g->id, listed_json_hash(p->listed, group), true) == LISTED_NEW)
            emit_group(group);
        else
            json_decref(group);
    }
}

void pingone_groups_gone_say(struct web *w)
{
    const struct pingone *p = w->own;

    for (size_t i = 0; i < p->n_groups; i++)
        if (is_gone(&p->group[i]))
            web_group_lost(w, p->group[i].id, "in the environment", "the id", p->group[i].known);
}

static struct pingone_in groups(const struct pingone *p, const bool *in,
                                const char *buf[PINGONE_GROUPS_MAX + 1])
{
    bool any = false, ours = false;
    size_t n = 0;

    for (size_t i = 0; i < p->n_groups; i++) {
        any = any || p->group[i].assigned;
        ours = ours || (in[i] && p->group[i].assigned);
        if (in[i])
            buf[n++] = p->group[i].id;
    }
    buf[n] = NULL;
    return (struct pingone_in){.groups = buf, .assigned = ours || !any};
}

struct pingone_in pingone_groups_of(const struct pingone *p, const char *id,
                                    const char *buf[PINGONE_GROUPS_MAX + 1])
{
    struct listed_hash hash = hash_of(p, id ? id : "");
    bool in[PINGONE_GROUPS_MAX] = {false};

    for (size_t i = 0; i < p->n_groups; i++)
        in[i] = has(&p->group[i], &hash);
    return groups(p, in, buf);
}

struct sought {
    const char *id;
    bool found;
};

static int seek(struct web *w, const struct value *user, const char *fault, void *ctx)
{
    struct sought *s = ctx;
    const char *id = person_value_text(user, "id");

    (void)w;
    (void)fault;
    s->found = s->found || (id && strcmp(id, s->id) == 0);
    return 0;
}

// The group's list is asked for this one alone; a name that no filter can hold is where the list
// that was read last has it.
static int still_in(struct web *w, const struct pingone_group *g, const struct value *user,
                    bool *ret)
{
    const struct pingone *p = w->own;
    struct sought s = {.id = person_value_text(user, "id")};
    const char *name = person_value_text(user, "username");
    char filter[400];
    char *url;
    int r;

    *ret = true;
    if (!name || strlen(name) > 256 || strpbrk(name, "\"\\"))
        return 0;
    snprintf(filter, sizeof(filter), "memberOfGroups[id eq \"%s\"] and username eq \"%s\"", g->id,
             name);
    url = http_url(p->users, "filter", filter, NULL);
    r = url ? pingone_pages(w, url, "users", just_id, seek, &s) : -ENOMEM;
    free(url);
    *ret = s.found;
    return r;
}

static bool is_listed(const struct value *ids, const char *id)
{
    for (const struct value *v = person_value_list(ids); v; v = v->next)
        if (strcmp(value_text(v) ?: "", id) == 0)
            return true;
    return false;
}

int pingone_groups_in(struct web *w, const struct value *user,
                      const char *buf[PINGONE_GROUPS_MAX + 1], struct pingone_in *ret)
{
    struct pingone *p = w->own;
    const struct value *ids = value_get(user, "memberOfGroupIDs");
    const char *id = person_value_text(user, "id");
    struct listed_hash hash = hash_of(p, id ? id : "");
    bool in[PINGONE_GROUPS_MAX] = {false};
    int r = id ? 0 : -ENODATA;

    for (size_t i = 0; i < p->n_groups && r >= 0; i++) {
        in[i] = is_listed(ids, p->group[i].id);
        if (is_gone(&p->group[i]))
            in[i] = has(&p->group[i], &hash);
        else if (!in[i] && has(&p->group[i], &hash))
            r = still_in(w, &p->group[i], user, &in[i]);
    }
    if (r < 0)
        return r;
    *ret = groups(p, in, buf);
    return 0;
}

void pingone_groups_done(struct pingone *p)
{
    for (size_t i = 0; i < p->n_groups; i++) {
        free(p->group[i].member);
        free(p->group[i].name);
    }
}
