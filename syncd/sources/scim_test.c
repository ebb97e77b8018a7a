// SPDX-License-Identifier: BSD-2-Clause
// What `rollcall source test` hears of a SCIM server: may we read people and groups, what do the
// people there have, and what would ten of them be here.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "syncd/sources/scim.h"

#define SHOWN 10

struct look {
    struct scim *s;
    unsigned n, numbered, typed, mailed, stated, grouped; // of the first page
    unsigned dropped, problems, shown;
    const char *reason; // of the first that was dropped
    char why[SCIM_WHY_MAX];
    unsigned groups, members;
};

static int look_at_user(void *ctx, const struct value *row)
{
    struct look *l = ctx;
    struct scim *s = l->s;
    const struct value *e =
        scim_get(row, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User");
    struct scim_taken t;
    size_t len = 0;

    l->n++;
    l->numbered += person_value_has(scim_get(e, "employeeNumber"));
    l->typed += person_value_has(scim_get(row, "userType"));
    l->mailed += person_value_has(scim_get(row, "emails"));
    l->stated += scim_bool(scim_get(row, "active")) >= 0;
    l->grouped += person_value_has(scim_get(row, "groups"));
    values_empty(s->said);
    scim_user_take(&s->rules, row, s->said, &t);
    if (t.kind == SCIM_PERSON && s->assigned &&
        !(s->rules.groups_of_user ? scim_user_in(t.user, s->assigned)
                                  : scim_groups_has(s->in, t.id)))
        scim_user_unassigned(&t);
    l->dropped += t.kind == SCIM_DROPPED;
    l->problems += t.kind == SCIM_PROBLEM;
    if (t.kind == SCIM_DROPPED && !l->reason)
        l->reason = t.reason;
    if (t.kind == SCIM_PROBLEM && !*l->why)
        memcpy(l->why, t.why, sizeof(l->why));
    if (t.kind == SCIM_PERSON && l->shown++ < SHOWN) {
        const char *text = value_json(s->said, t.user, &len);
        emit_user_text(text ?: "{}", text ? len : 2, s->w->request.name);
    }
    return 0;
}

static int look_at_group(void *ctx, const struct value *row)
{
    struct look *l = ctx;
    const struct value *members = NULL, *e;
    json_t *g = scim_group_take(row, &members);
    const char *id = json_string_value(json_object_get(g, "id"));
    struct listed_hash none = {0};
    int r;

    if (!id || listed_record(l->s->groups, id, none, true) != LISTED_NEW) {
        json_decref(g);
        return id != NULL;
    }
    r = scim_groups_group(l->s->in, id);
    if (!l->s->rules.groups_of_user)
        scim_say_group(g, members);
    l->groups++;
    l->members += value_size(members) > 0;
    value_each(members, e)
    {
        const char *member = scim_member(e);
        if (r == 0 && member)
            r = scim_groups_member(l->s->in, member);
    }
    json_decref(g);
    return r;
}

static void test_groups(struct web *w, struct look *l)
{
    struct scim *s = l->s;
    struct scim_pass pass = {.path = "/Groups"};
    const json_t *one;
    size_t i;
    int r;

    listed_begin(s->groups);
    r = scim_list(w, &s->server, &pass, look_at_group, l);
    free(pass.tag);
    if (r < 0 && !s->rules.groups_of_user) {
        web_find(
            w, "error", "permissions",
            "groups cannot be read: %s. Grant the right to read Groups, or write groups_from = "
            "users",
            w->why);
        return;
    }
    if (r < 0)
        return;
    web_find(w, "ok", "permissions", "groups can be read: %u, %u of them with members", l->groups,
             l->members);
    if (!s->rules.groups_of_user && l->groups > 0 && l->members == 0)
        web_find(w, "error", "groups",
                 "no group says who is in it: grant the right to read members, or "
                 "write groups_from = users");
    if (!s->assigned || s->rules.groups_of_user)
        return;
    r = scim_groups_close(s->in, s->assigned, NULL);
    json_array_foreach(s->assigned, i, one)
    {
        if (!scim_groups_is(s->in, json_string_value(one)))
            web_find(w, "error", "groups",
                     "the group %.80s of assigned_groups is not on the server. Write the id (not "
                     "the name) of the group that is meant, or take it out",
                     json_string_value(one));
    }
    if (r == -ENODATA)
        web_find(w, "error", "groups", "nobody is in assigned_groups");
}

static void test_coverage(struct web *w, const struct look *l)
{
    struct scim *s = l->s;

    web_find(w, l->numbered < l->n ? "warning" : "ok", "coverage",
             "of %u people of the first page %u have an employeeNumber, %u a userType, %u a mail "
             "address, %u say whether they are active, %u in which groups they are",
             l->n, l->numbered, l->typed, l->mailed, l->stated, l->grouped);
    if (l->stated < l->n && s->rules.active_absent == SCIM_ABSENT_KEEP)
        web_find(
            w, "warning", "coverage",
            "%u people lack active, whose meaning is the server's own: nobody new of them gets in "
            "(active_absent)",
            l->n - l->stated);
    if (s->rules.groups_of_user && l->grouped == 0)
        web_find(w, "error", "groups",
                 "no User says in which groups it is: write groups_from = "
                 "members");
    if (l->dropped > 0)
        web_find(w, l->dropped == l->n ? "error" : "ok", "population",
                 "%u of them would be left out; the first as %s", l->dropped, l->reason);
    if (l->problems > 0)
        web_find(w, "warning", "people", "%u of them cannot be taken; the first: %s", l->problems,
                 l->why);
}

void scim_test(struct web *w)
{
    struct scim *s = w->own;
    struct scim_server first = s->server;
    struct scim_pass pass = {.path = "/Users"};
    struct look l = {.s = s};
    int r;

    web_find(w, "ok", "paging", "lists are read by %s, %u at once",
             s->server.by_cursor ? "cursor" : "index", s->server.count);
    test_groups(w, &l);
    first.single = true;
    r = scim_list(w, &first, &pass, look_at_user, &l);
    free(pass.tag);
    if (r < 0)
        web_find(w, "error", "permissions", "people cannot be read: %s", w->why);
    else if (l.n == 0)
        web_find(w, "error", "coverage", "the list of people is empty");
    else
        test_coverage(w, &l);
}
