// SPDX-License-Identifier: BSD-2-Clause
// Is it the tenant that was pinned, and one of a workforce; and what `rollcall source test` says:
// each endpoint is tried, for a token does not tell what it may.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/graph.h"

int graph_needs(struct graph *g, int r, const char *permission)
{
    size_t n = strlen(g->w->why);

    if (r == -EACCES && strstr(g->w->why, "answered 403"))
        snprintf(g->w->why + n, sizeof(g->w->why) - n,
                 "; the application lacks %s (an application permission, with admin consent)",
                 permission);
    return r;
}

// ---- identity ----

static int refuse_customers(struct web *w, const char *type)
{
    snprintf(w->why, sizeof(w->why),
             "the tenant's type is %.40s, not AAD: it is one of customers. Populations never mix: "
             "whoever signs up there would become an account on an employee's host. Run a rollcall "
             "of its own for it, on machines of its own",
             type ? type : "not said");
    return -EPERM;
}

// https://learn.microsoft.com/graph/api/organization-list
static int check_organization(struct graph *g, const json_t *o)
{
    const char *id = json_string_value(json_object_get(o, "id"));
    const char *type = json_string_value(json_object_get(o, "tenantType"));
    unsigned char ours[GRAPH_ID], theirs[GRAPH_ID];

    graph_id_parse(g->set.tenant, ours);
    if (!graph_id_parse(id, theirs)) {
        snprintf(g->w->why, sizeof(g->w->why), "organization: the answer names no tenant");
        return -EBADMSG;
    }
    if (memcmp(ours, theirs, GRAPH_ID) != 0) {
        snprintf(g->w->why, sizeof(g->w->why),
                 "this is the tenant %.40s, and the configured one is %.40s", id, g->set.tenant);
        return -EPERM;
    }
    return type && strcmp(type, "AAD") == 0 ? 0 : refuse_customers(g->w, type);
}

int graph_identity(struct web *w)
{
    struct graph *g = w->own;
    struct http_answer a = {0};
    char base[700];
    char *url;
    int r;

    snprintf(base, sizeof(base), "%s/organization", g->set.base);
    url = http_url(base, "$select", "id,displayName,tenantType", NULL);
    r = url ? web_get(w, url, &a) : -ENOMEM;
    if (r == 0)
        r = check_organization(g, json_array_get(json_object_get(a.json, "value"), 0));
    else
        graph_needs(g, r, "Organization.Read.All");
    free(url);
    http_answer_done(&a);
    return r;
}

// ---- permissions ----

struct trial {
    const char *what, *permission, *path;
    const char *select, *top;
    const char *level, *without; // where it is missing: how bad, and what follows
};

static bool is_granted(struct graph *g, const struct trial *t)
{
    struct http_answer a = {0};
    char base[700], text[HTTP_WHY_MAX + 200];
    char *url;
    int r;

    snprintf(base, sizeof(base), "%s/%s", g->set.base, t->path);
    url = http_url(base, "$select", t->select, t->top ? "$top" : NULL, t->top, NULL);
    r = url ? web_get(g->w, url, &a) : -ENOMEM;
    graph_needs(g, r, t->permission);
    if (r == 0)
        snprintf(text, sizeof(text), "%s is granted", t->permission);
    else
        snprintf(text, sizeof(text), "%s%s%s", g->w->why, t->without ? ". " : "",
                 t->without ? t->without : "");
    web_finding(g->w, r == 0 ? "ok" : t->level, t->what, text);
    free(url);
    http_answer_done(&a);
    return r == 0;
}

static void test_permissions(struct graph *g)
{
    static const struct trial always[] = {
        {"users", "User.Read.All", "users/delta", "id", NULL, "error", NULL},
        {"groups", "GroupMember.Read.All", "groups/delta", "id", NULL, "error", NULL},
    };
    static const struct trial leave = {"leave dates",
                                       LEAVE_PERMISSION,
                                       "users",
                                       "id,employeeLeaveDateTime",
                                       "1",
                                       "warning",
                                       "Leave dates are not known without it"};
    static const struct trial risk = {"risk",
                                      "IdentityRiskyUser.Read.All",
                                      "identityProtection/riskyUsers",
                                      "id,riskState",
                                      "1",
                                      "warning",
                                      "Risk is not known without it and Entra ID P2"};
    static const struct trial device = {"device",
                                        "Device.Read.All",
                                        "devices",
                                        "id,deviceId",
                                        "1",
                                        "warning",
                                        "This machine's compliance is not known without it"};

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        is_granted(g, &always[i]);
    g->leave = is_granted(g, &leave);
    if (g->set.signals)
        is_granted(g, &risk);
    if (g->set.device)
        is_granted(g, &device);
}

static int add_member(struct graph *g, const struct value *item, void *ctx)
{
    (void)g;
    (void)item;
    ++*(unsigned *)ctx;
    return 0;
}

static void test_assigned(struct graph *g)
{
    const json_t *list = web_list(g->w, "assigned_groups");
    char text[HTTP_WHY_MAX + 100], base[700];
    int r;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        unsigned n = 0;
        snprintf(base, sizeof(base), "%s/groups/%s/members", g->set.base, id);
        r = graph_read_list(g, http_url(base, "$select", "id", "$top", "999", NULL), add_member, &n,
                            NULL);
        if (r == -ENOENT)
            snprintf(text, sizeof(text),
                     "%.40s is not in the tenant: write the id of the group that is meant, or take "
                     "it out of assigned_groups",
                     id);
        else if (r < 0)
            snprintf(text, sizeof(text), "%.40s: %s", id, g->w->why);
        else
            snprintf(text, sizeof(text), "%.40s has %u direct members", id, n);
        web_finding(g->w, r < 0 ? "error" : n == 0 ? "warning" : "ok", "assigned group", text);
    }
    r = graph_read_assigned(g);
    if (r < 0)
        web_finding(g->w, "error", "assigned groups", g->w->why);
}

// ---- people ----

#define PEOPLE_SHOWN   10
#define ATTRIBUTES_MAX 8

struct sample {
    unsigned n, people, no_groups, has[ATTRIBUTES_MAX];
    json_t *dropped; // reason to a number
};
static const char *const attributes[] = {"employeeId",
                                         "mail",
                                         "displayName",
                                         "department",
                                         "employeeType",
                                         "employeeHireDate",
                                         "employeeLeaveDateTime",
                                         "accountEnabled"};

static void add_dropped(struct sample *s, const char *reason)
{
    json_int_t n = json_integer_value(json_object_get(s->dropped, reason));

    json_object_set_new(s->dropped, reason, json_integer(n + 1));
}

static int add_group(struct graph *g, const struct value *item, void *ctx)
{
    const char *type = value_text(value_get(item, "@odata.type"));
    unsigned char id[GRAPH_ID];
    char text[GRAPH_ID_TEXT], name[33];

    if ((type && strcmp(type, "#microsoft.graph.group") != 0) ||
        !graph_id_parse(value_text(value_get(item, "id")), id))
        return 0; // a role, an administrative unit
    graph_id_text(id, text);
    json_array_append_new(ctx, json_pack("{s:s}", "value", text));
    emit_group(json_pack("{s:s, s:s}", "id", text, "displayName",
                         graph_group_name(person_value_text(item, "displayName"), id,
                                          g->assigned && graph_assigned_root_is(g->assigned, id),
                                          name, sizeof(name))));
    return 0;
}

// https://learn.microsoft.com/graph/api/user-list-transitivememberof: through groups in groups.
static void add_groups(struct graph *g, json_t *user, struct sample *s)
{
    json_t *groups = json_array();
    char base[700];
    int r;

    snprintf(base, sizeof(base), "%s/users/%s/transitiveMemberOf", g->set.base,
             json_string_value(json_object_get(user, "id")));
    r = graph_read_list(g, http_url(base, "$select", "id,displayName", "$top", "999", NULL),
                        add_group, groups, NULL);
    if (r == 0)
        json_object_set(user, "groups", groups);
    else if (s->no_groups++ == 0)
        web_finding(g->w, "warning", "groups of people", g->w->why);
    json_decref(groups);
}

static int add_person(struct graph *g, const struct value *item, void *ctx)
{
    struct sample *s = ctx;
    static char line[GRAPH_USER_MAX];
    struct json_writer out = {.buf = line, .room = sizeof(line)};
    struct graph_taken t;
    unsigned char id[GRAPH_ID];

    if (!graph_id_parse(value_text(value_get(item, "id")), id) || s->n >= 100)
        return 0;
    s->n++;
    for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
        s->has[i] += person_value_has(value_get(item, attributes[i]));
    if (graph_user_take(&g->set.rules, item, !g->assigned || graph_assigned_has(g->assigned, id),
                        NULL, &out, &t) < 0)
        return 0;
    if (t.fate == GRAPH_DROPPED)
        add_dropped(s, t.reason);
    else if (t.fate == GRAPH_SKIPPED)
        add_dropped(s, "not to be read");
    else if (s->people++ < PEOPLE_SHOWN) {
        json_t *user = json_loadb(line, out.len, JSON_REJECT_DUPLICATES, NULL);
        if (s->no_groups == 0)
            add_groups(g, user, s);
        emit_user(user, t.name);
    }
    return 0;
}

static void say_sample(struct graph *g, const struct sample *s)
{
    char text[600];
    const char *reason;
    json_t *number;
    int at = snprintf(text, sizeof(text), "of %u accounts:", s->n);

    for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%s %s %u", i ? "," : "",
                       attributes[i], s->has[i]);
    web_finding(g->w, s->n > 0 && s->has[0] == 0 ? "warning" : "ok", "attributes", text);
    at = snprintf(text, sizeof(text), "of %u accounts %u are people here", s->n, s->people);
    json_object_foreach(s->dropped, reason, number)
    {
        at += snprintf(text + at, sizeof(text) - (size_t)at, ", %s %d", reason,
                       (int)json_integer_value(number));
    }
    web_finding(g->w, s->people == 0 ? "warning" : "ok", "people", text);
}

// One page of a hundred.
static void test_people(struct graph *g)
{
    struct sample s = {.dropped = json_object()};
    struct http_answer a = {0};
    char base[700], select[2500];
    struct values *page = values_new(GRAPH_PAGE_MAX); // other lists are read for each in it
    const struct value *user;
    char *url;
    int r;

    snprintf(base, sizeof(base), "%s/users", g->set.base);
    snprintf(select, sizeof(select), "%s%s", g->set.select,
             g->leave ? ",employeeLeaveDateTime" : "");
    url = http_url(base, "$select", select, "$top", "100", NULL);
    r = url && page ? web_send(g->w, &(struct http_request){.url = url, .values = page}, &a)
                    : -ENOMEM;
    value_each(value_get(a.value, "value"), user) add_person(g, user, &s);
    if (r == 0)
        say_sample(g, &s);
    else
        web_finding(g->w, "error", "people", g->w->why);
    free(url);
    http_answer_done(&a);
    values_free(page);
    json_decref(s.dropped);
}

void graph_test(struct web *w)
{
    struct graph *g = w->own;

    test_permissions(g);
    test_assigned(g);
    test_people(g);
    web_finding(w, "ok", "lockout",
                "Entra ID's smart lockout after wrong passwords is not to be seen in Microsoft "
                "Graph, and locks nobody here");
}
