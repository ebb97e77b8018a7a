// SPDX-License-Identifier: BSD-2-Clause
// `rollcall source test`: what the credential may read, what people look like, who is left out.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/okta.h"

#define PEOPLE_SHOWN 10
#define SEEN_MAX     200 // people that are looked at

// Each thing that is read, by trying it.
static const struct {
    const char *what, *path, *scope, *role;
} reads[] = {
    {"users", "/api/v1/users?limit=1", "okta.users.read", "view users"},
    {"groups", "/api/v1/groups?limit=1", "okta.groups.read", "view groups"},
    {"System Log", "/api/v1/logs?limit=1", "okta.logs.read", "view the System Log"},
};

static bool may_read(struct web *w, size_t i)
{
    struct okta *o = w->own;
    _cleanup_free_ char *url = NULL;
    struct http_answer a = {0};
    const char *code;
    char text[HTTP_WHY_MAX + 300];
    int r = asprintf(&url, "%s%s", o->org, reads[i].path) < 0 ? -ENOMEM : web_get(w, url, &a);

    code = person_text(a.json, "errorCode");
    if (r == 0)
        snprintf(text, sizeof(text), "%s can be read", reads[i].what);
    else if (a.status == 403 && code && strcmp(code, "E0000006") == 0)
        snprintf(text, sizeof(text),
                 "%s cannot be read (E0000006): grant the scope %s to the application, and give it "
                 "an admin role that may %s, such as Read-Only Administrator",
                 reads[i].what, reads[i].scope, reads[i].role);
    else
        snprintf(text, sizeof(text), "%s cannot be read: %s", reads[i].what, w->why);
    web_finding(w, r == 0 ? "ok" : "error", "permission", text);
    http_answer_done(&a);
    return r == 0;
}

static void rules(struct web *w)
{
    struct okta *o = w->own;

    if (!o->has_assigned && json_array_size(web_list(w, "user_types")) == 0 &&
        json_array_size(web_list(w, "realms")) == 0)
        web_finding(w, "warning", "population",
                    "nothing says which of the org's users are employees, and Okta marks no org "
                    "that customers are in: write assigned_groups, user_types or realms");
    if (json_array_size(web_list(w, "domain")) == 0)
        web_finding(w, "warning", "names",
                    "there is no domain: a login such as alice@acme.com is no name here; write "
                    "domain = acme.com");
}

static void groups(struct web *w)
{
    struct okta *o = w->own;
    char text[200];
    int r = okta_groups_find(w);

    if (r < 0) {
        web_finding(w, "error", "groups", w->why);
        return;
    }
    for (size_t i = 0; i < o->n_groups; i++)
        if (o->group[i].gone)
            web_find(w, "error", "groups",
                     "the group %.80s of assigned_groups is not in the org. Write the name or the "
                     "id of the group that is meant, or take it out",
                     o->group[i].id);
    snprintf(text, sizeof(text), "the members of %zu groups are read%s", o->n_groups,
             o->every_group ? ": all that Okta itself keeps" : "");
    web_finding(w, "ok", "groups", text);
}

// In which groups the first people are is asked of the people: a group may be large. `user` gets
// those that are read.
static bool is_assigned(struct web *w, const char *id, json_t *user)
{
    struct okta *o = w->own;
    _cleanup_free_ char *url = NULL;
    json_t *groups = json_array();
    struct http_answer a = {0};
    bool is = !o->has_assigned;

    if (asprintf(&url, "%s/api/v1/users/%s/groups", o->org, id) < 0)
        is = false;
    else if (web_get(w, url, &a) == 0)
        for (size_t i = 0; i < json_array_size(a.json); i++) {
            const char *oid = person_text(json_array_get(a.json, i), "id");
            const struct okta_group *g = oid ? okta_group_by_oid(o, oid) : NULL;
            is = is || (g && g->assigned);
            if (!g)
                continue;
            json_array_append_new(groups, json_pack("{s:s}", "value", g->id));
            emit_group(json_pack("{s:s, s:s*}", "id", g->id, "displayName", g->name));
        }
    json_object_set_new(user, "groups", groups);
    http_answer_done(&a);
    return is;
}

struct coverage {
    size_t seen, people, dropped, skipped, with_number, shown;
    json_t *reasons;
};

static void look_at(struct web *w, const struct value *object, struct coverage *c)
{
    struct okta *o = w->own;
    static char line[OKTA_USER_MAX];
    struct json_writer out = {.buf = line, .room = sizeof(line)};
    const char *reason;
    struct okta_taken t;
    json_t *user = NULL; // of the first few

    if (okta_user_take(&o->rules, object, &out, &t) < 0)
        return;
    c->seen++;
    reason = t.reason;
    // Beyond these this is not asked: it is a request each.
    if (t.fate == OKTA_PERSON && c->shown < PEOPLE_SHOWN) {
        user = json_loadb(line, out.len, JSON_REJECT_DUPLICATES, NULL);
        reason = is_assigned(w, t.id, user) ? NULL : "unassigned";
    }
    if (reason) {
        json_int_t n = json_integer_value(json_object_get(c->reasons, reason));
        json_object_set_new(c->reasons, reason, json_integer(n + 1));
        c->dropped++;
    } else if (t.fate == OKTA_SKIPPED) {
        c->skipped++;
    } else {
        c->people++;
        c->with_number += t.has_number;
        if (c->shown++ < PEOPLE_SHOWN)
            emit_user(json_incref(user), t.id);
    }
    json_decref(user);
}

static void people(struct web *w)
{
    struct okta *o = w->own;
    _cleanup_free_ char *url = NULL, *reasons = NULL;
    struct coverage c = {.reasons = json_object()};
    struct http_answer a = {0};
    const struct value *user;
    char text[600];

    if (asprintf(&url, "%s/api/v1/users?limit=%d", o->org, SEEN_MAX) >= 0 &&
        web_send(w, &(struct http_request){.url = url, .values = o->values}, &a) == 0)
        value_each(a.value, user) look_at(w, user, &c);
    http_answer_done(&a);
    values_empty(o->values);
    reasons = json_dumps(c.reasons, JSON_COMPACT | JSON_SORT_KEYS);
    snprintf(text, sizeof(text),
             "of the first %zu users %zu are people, %zu are left out%s%.200s, %zu cannot be taken",
             c.seen, c.people, c.dropped, c.dropped ? " " : "", c.dropped && reasons ? reasons : "",
             c.skipped);
    web_finding(w, c.people > 0 ? "ok" : "warning", "people", text);
    if (c.with_number < c.people) {
        snprintf(text, sizeof(text),
                 "%zu of %zu people have no employeeNumber (profile.%s): no other source's record "
                 "joins them",
                 c.people - c.with_number, c.people, okta_map_number(o->map) ?: "-");
        web_finding(w, "warning", "attributes", text);
    }
    json_decref(c.reasons);
}

void okta_test(struct web *w)
{
    bool ok = true;

    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
        ok = may_read(w, i) && ok;
    rules(w);
    if (!ok)
        return;
    groups(w);
    people(w);
}
