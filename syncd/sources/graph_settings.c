// SPDX-License-Identifier: BSD-2-Clause
// What a section of type graph means: hosts, sign-in, properties.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "syncd/sources/graph.h"
#include "syncd/sources/http_text.h"

// https://learn.microsoft.com/graph/deployments
static const struct {
    const char *cloud, *login, *graph;
} clouds[] = {
    {"global", "https://login.microsoftonline.com", "https://graph.microsoft.com"},
    {"usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us"},
    {"dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"},
    {"china", "https://login.partner.microsoftonline.cn",
     "https://microsoftgraph.chinacloudapi.cn"},
};

// Of https://learn.microsoft.com/graph/api/resources/user; all need a $select.
#define PROPERTIES                                                                                 \
    "id,accountEnabled,userPrincipalName,mail,displayName,userType,externalUserState,"             \
    "creationType,identities,employeeId,employeeType,employeeHireDate,department,deletedDateTime"

// "https://HOST:PORT" of a URL.
static int origin_of(const char *url, char *buf, size_t len)
{
    size_t n = strncasecmp(url, "https://", 8) == 0 ? 8 + strcspn(url + 8, "/?#") : 0;

    if (n <= 8 || n >= len)
        return -EINVAL;
    snprintf(buf, len, "%.*s", (int)n, url);
    return 0;
}

// Customers sign in there, never employees.
static bool is_of_customers(const char *origin)
{
    static const char *const hosts[] = {".ciamlogin.com", ".b2clogin.com"};
    size_t len = 8 + strcspn(origin + 8, ":/");

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(hosts[i]);
        if (len > n && strncasecmp(origin + len - n, hosts[i], n) == 0)
            return true;
    }
    return false;
}

static int take_hosts(struct web *w, struct graph_set *s)
{
    const char *cloud = web_option(w, "cloud") ?: "global";
    const char *login = web_option(w, "auth_url"), *graph = web_option(w, "api_url");
    size_t n;

    for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++)
        if (strcmp(cloud, clouds[i].cloud) == 0) {
            login = login ?: clouds[i].login;
            graph = graph ?: clouds[i].graph;
        }
    if (!login || !graph || origin_of(login, s->login, sizeof(s->login)) < 0 ||
        origin_of(graph, s->origin, sizeof(s->origin)) < 0) {
        snprintf(w->why, sizeof(w->why), "cloud, auth_url and api_url name no hosts");
        return -EINVAL;
    }
    if (is_of_customers(s->login) || is_of_customers(s->origin)) {
        snprintf(w->why, sizeof(w->why),
                 "%s signs customers in. Populations never mix: who can sign up by themselves must "
                 "not become accounts of an employee's host; run a rollcall of its own for them",
                 is_of_customers(s->login) ? s->login : s->origin);
        return -EINVAL;
    }
    n = strlen(graph);
    snprintf(s->base, sizeof(s->base), "%.*s/v1.0", (int)(graph[n - 1] == '/' ? n - 1 : n), graph);
    return 0;
}

static void take_sign_in(struct graph_set *s, struct auth_settings *auth)
{
    snprintf(s->token, sizeof(s->token), "%s/%s/oauth2/v2.0/token", s->login, s->tenant);
    snprintf(s->scope, sizeof(s->scope), "%s/.default", s->origin);
    auth->token_url = auth->token_url ?: s->token;
    auth->scope = auth->scope ?: s->scope;
    auth->secret_in_body = true;
    auth->kind = AUTH_SECRET;
    if (auth->key_file && auth->cert_file)
        auth->kind = AUTH_CERTIFICATE;
}

// A credential is a secret, or PEM of key and certificate: its first bytes tell.
static void take_credential(struct web *w, struct auth_settings *auth)
{
    const char *path = web_file(w, "credential");
    FILE *f = path ? fopen(path, "re") : NULL;
    char head[12] = "";

    if (f && fread(head, 1, sizeof(head) - 1, f) == sizeof(head) - 1 &&
        strcmp(head, "-----BEGIN ") == 0) {
        auth->key_file = auth->cert_file = path;
        auth->secret_file = NULL;
        auth->kind = AUTH_CERTIFICATE;
    }
    if (f)
        fclose(f);
}

// ---- properties ----

static bool is_property(const char *name)
{
    return *name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
               strlen(name);
}

static bool is_selected(const char *select, const char *name, size_t len)
{
    for (const char *p = select; *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == len && strncmp(p, name, len) == 0)
            return true;
    return false;
}

// Of a path its first step.
static int add_property(struct web *w, struct graph_set *s, const char *option, const char *name)
{
    size_t at = strlen(s->select), len = name ? strcspn(name, ".") : 0;

    if (!name || !is_property(name) || len == 0 || at + len + 2 > sizeof(s->select)) {
        snprintf(w->why, sizeof(w->why),
                 "%s: \"%.60s\" is no property of a user of Microsoft Graph", option,
                 name ? name : "?");
        return -EINVAL;
    }
    if (!is_selected(s->select, name, len))
        snprintf(s->select + at, sizeof(s->select) - at, ",%.*s", (int)len, name);
    return 0;
}

// What require_attributes and map name beside the usual.
static int take_properties(struct web *w, struct graph *g)
{
    struct graph_set *s = &g->set;
    const json_t *list = s->rules.person.require_attributes;
    const char *ours;
    json_t *name;
    int r = graph_map_read(web_list(w, "map"), &g->map, w->why, sizeof(w->why));

    s->rules.map = json_object_size(g->map) > 0 ? g->map : NULL;
    snprintf(s->select, sizeof(s->select), "%s", PROPERTIES);
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = add_property(w, s, "require_attributes", json_string_value(json_array_get(list, i)));
    json_object_foreach(g->map, ours, name)
    {
        if (r == 0)
            r = add_property(w, s, "map", json_string_value(name));
    }
    return r;
}

// A cursor is good for the very question that it answers.
static void take_fingerprint(const struct web *w, struct graph_set *s)
{
    static const char *const counts[] = {
        "tenant",     "cloud", "api_url",         "domain",       "require_attributes",
        "user_types", "role",  "assigned_groups", "no_user_type", "map"};
    uint64_t h = 14695981039346656037u;
    json_t *o = json_object();
    char *text;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        json_object_set(o, counts[i], json_object_get(w->section, counts[i]));
    text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    for (const char *p = text; p && *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = s->select; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    snprintf(s->fingerprint, sizeof(s->fingerprint), "%016llx", (unsigned long long)h);
    free(text);
    json_decref(o);
}

static int take_assigned(struct web *w, struct graph *g)
{
    const json_t *list = web_list(w, "assigned_groups");
    unsigned char id[GRAPH_ID];
    int r = 0;

    if (json_array_size(list) == 0)
        return 0;
    g->assigned = graph_assigned_new();
    if (!g->assigned)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!graph_id_parse(text, id)) {
            snprintf(w->why, sizeof(w->why), "assigned_groups: \"%.60s\" is no id of a group",
                     text ? text : "?");
            return -EINVAL;
        }
        r = graph_assigned_root(g->assigned, id);
    }
    return r;
}

static int take_rules(struct web *w, struct graph_set *s)
{
    unsigned char id[GRAPH_ID];
    const char *untyped = web_option(w, "no_user_type");

    s->tenant = web_option(w, "tenant");
    s->device = web_option(w, "device_id");
    s->signals = web_list_has(w, "role", "signal");
    s->rules.person.domain = web_list(w, "domain");
    s->rules.person.require_attributes = web_list(w, "require_attributes");
    s->rules.person.user_types = web_list(w, "user_types");
    s->rules.untyped = untyped && strcmp(untyped, "member") == 0;
    if (!graph_id_parse(s->tenant, id) || (s->device && !graph_id_parse(s->device, id))) {
        snprintf(w->why, sizeof(w->why),
                 "tenant and device_id are ids such as "
                 "11111111-2222-4333-8444-555555555555");
        return -EINVAL;
    }
    if (json_array_size(s->rules.person.domain) == 0) {
        snprintf(w->why, sizeof(w->why), "there is no domain: write domain = acme.com");
        return -EINVAL;
    }
    return 0;
}

int graph_settings(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    struct graph *g = calloc(1, sizeof(*g));
    int r;

    if (!g)
        return -ENOMEM;
    w->own = g;
    g->w = w;
    g->leave = true;
    g->touch = json_object();
    g->enabled = json_object();
    g->off = json_object();
    g->ill = json_object();
    g->said = listed_new(false);
    g->values = values_new(GRAPH_PAGE_MAX);
    r = g->touch && g->enabled && g->off && g->ill && g->said && g->values ? take_rules(w, &g->set)
                                                                           : -ENOMEM;
    if (r == 0)
        r = take_hosts(w, &g->set);
    if (r == 0)
        r = take_properties(w, g);
    if (r == 0)
        r = take_assigned(w, g);
    if (r < 0)
        return r;
    take_fingerprint(w, &g->set);
    take_sign_in(&g->set, auth);
    take_credential(w, auth);
    http->origin[0] = g->set.origin;
    http->origin[1] = g->set.login;
    if (origin_of(auth->token_url, g->set.token_origin, sizeof(g->set.token_origin)) == 0)
        http->origin[2] = g->set.token_origin;
    return 0;
}

// ---- URLs ----

char *graph_users_url(const struct graph *g, const char *path)
{
    char base[700], select[2500];

    snprintf(base, sizeof(base), "%s/users/%s", g->set.base, path);
    snprintf(select, sizeof(select), "%s%s", g->set.select,
             g->leave ? ",employeeLeaveDateTime" : "");
    return http_url(base, "$select", select, NULL);
}

bool graph_is_link(const struct graph *g, const char *url)
{
    return url && http_is_of(url, g->set.origin);
}
