// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-pingone: the users of one environment of PingOne.
// Hosts, tokens and members are those of developer.pingidentity.com, PingOne API.
#include "syncd/sources/pingone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/parse.h"

#define HINT_LEAST 2 // seconds: the log has a lower rate limit than the rest
#define HINT_MOST  30

static int wrong(struct web *w, const char *sentence)
{
    snprintf(w->why, sizeof(w->why), "%s", sentence);
    return -EINVAL;
}

// "https://HOST[:PORT]" of a URL that may have a path behind it.
static char *origin_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? strndup(url, (size_t)(host + 3 - url) + strcspn(host + 3, "/?#")) : NULL;
}

// The API's host and the one that issues tokens: of the region, or as they are given.
static int take_place(struct web *w, struct pingone *p)
{
    const char *region = web_option(w, "region"), *api = web_option(w, "api_url"),
               *auth = web_option(w, "auth_url"), *id = web_option(w, "environment");

    p->api = api ? origin_of(api) : NULL;
    if (!api && region && asprintf(&p->api, "https://api.pingone.%s", region) < 0)
        return -ENOMEM;
    p->auth = auth ? origin_of(auth) : NULL;
    if (!auth && region && asprintf(&p->auth, "https://auth.pingone.%s", region) < 0)
        return -ENOMEM;
    if (!p->api || !p->auth)
        return wrong(w, "says neither its region nor api_url and auth_url");
    if (asprintf(&p->env, "%s/v1/environments/%s", p->api, id) < 0 ||
        asprintf(&p->users, "%s/users", p->env) < 0 ||
        asprintf(&p->token_url, "%s/%s/as/token", p->auth, id) < 0)
        return -ENOMEM;
    return 0;
}

static int take_groups(struct web *w, struct pingone *p, const char *option, bool assigned)
{
    const json_t *list = web_list(w, option);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        size_t k = 0;
        if (!rollcall_is_uuid(id))
            return wrong(w, "assigned_groups and member_groups are lists of groups' ids");
        while (k < p->n_groups && strcmp(p->group[k].id, id) != 0)
            k++;
        if (k == PINGONE_GROUPS_MAX)
            return wrong(w, "assigned_groups and member_groups name more than 64 groups");
        p->group[k].id = id;
        p->group[k].assigned = p->group[k].assigned || assigned;
        p->n_groups += k == p->n_groups;
    }
    return 0;
}

// map has this one row (lib/config_pingone.c).
static const char *number_attribute(const struct web *w)
{
    const char *row = json_string_value(json_array_get(web_list(w, "map"), 0));

    return row && strchr(row, ':') ? strchr(row, ':') + 1 : NULL;
}

static void take_rules(struct web *w, struct pingone *p)
{
    p->rules = (struct pingone_rules){
        .shared = {.user_types = web_list(w, "user_types"),
                   .require_attributes = web_list(w, "require_attributes"),
                   .domain = web_list(w, "domain")},
        .populations = web_list(w, "populations"),
        .identity_providers = web_list(w, "identity_providers"),
        .employee_number = number_attribute(w),
    };
}

// What an option names is wanted whole, and by what stands before its first dot.
static bool want(struct pingone *p, const char *path)
{
    const char *names[] = {path, strndup(path, strcspn(path, "."))};

    if (!names[1] || p->n_wanted + 2 > PINGONE_WANTED_MAX) {
        free((char *)(uintptr_t)names[1]);
        return false;
    }
    p->wanted_text[p->n_wanted] = (char *)(uintptr_t)names[1];
    p->wanted[p->n_wanted++] = names[1];
    p->wanted[p->n_wanted++] = path;
    return true;
}

static void take_wanted(struct pingone *p)
{
    static const char *const ours[] = {
        "id",   "environment", "username", "email",     "externalId", "type",
        "name", "enabled",     "account",  "lifecycle", "population", "identityProvider"};
    const json_t *marks = p->rules.shared.require_attributes;
    bool fits = true;

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        p->wanted[p->n_wanted++] = ours[i];
    if (p->rules.employee_number)
        fits = want(p, p->rules.employee_number);
    for (size_t i = 0; i < json_array_size(marks) && fits; i++)
        fits = want(p, json_string_value(json_array_get(marks, i)));
    if (!fits)
        p->n_wanted = 0; // all of it, then
}

static struct web_source source;

static int settings(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    struct pingone *p = calloc(1, sizeof(*p));
    uint64_t poll = w->request.poll;
    int r;

    if (!p)
        return -ENOMEM;
    w->own = p;
    p->listed = listed_new(false);
    p->values = values_new(PINGONE_ALONE_MAX);
    if (!p->listed || !p->values)
        return -ENOMEM;
    if (!rollcall_is_uuid(web_option(w, "environment")))
        return wrong(w, "environment has to be the id of an environment");
    r = take_place(w, p);
    if (r == 0)
        r = take_groups(w, p, "assigned_groups", true);
    if (r == 0)
        r = take_groups(w, p, "member_groups", false);
    take_rules(w, p);
    take_wanted(p);
    source.hint_every = (unsigned)(poll / 10 < HINT_LEAST  ? HINT_LEAST
                                   : poll / 10 > HINT_MOST ? HINT_MOST
                                                           : poll / 10);
    auth->kind = AUTH_SECRET; // of a worker application; its rights are its roles, not scopes
    if (!auth->token_url)
        auth->token_url = p->token_url;
    http->origin[0] = p->api;
    http->origin[1] = p->auth;
    http->origin[2] = p->token_origin = origin_of(auth->token_url);
    return r;
}

// ---- whose environment is it ----

int pingone_solution(struct web *w, char **ret)
{
    const struct pingone *p = w->own;
    struct http_answer a = {0};
    char url[600];
    char *type = NULL;
    int r;

    snprintf(url, sizeof(url), "%s/billOfMaterials", p->env);
    r = web_get(w, url, &a);
    if (r >= 0 && person_text(a.json, "solutionType"))
        type = strdup(person_text(a.json, "solutionType"));
    if (r == -ENOENT || (r == -EACCES && a.status == 403))
        r = 0; // not for our eyes
    http_answer_done(&a);
    if (r < 0)
        return r;
    *ret = type;
    return 0;
}

static int check_environment(struct web *w, const json_t *env)
{
    const char *id = person_text(env, "id"), *status = person_text(env, "status");

    if (!id || strcmp(id, web_option(w, "environment")) != 0)
        snprintf(w->why, sizeof(w->why),
                 "the environment that answers is %.40s, not the one that is pinned (%.40s)",
                 id ? id : "without an id", web_option(w, "environment"));
    else if (status && strcmp(status, "ACTIVE") != 0)
        snprintf(
            w->why, sizeof(w->why),
            "the environment's status is %.40s; only one that is ACTIVE is read: of one that is "
            "to be deleted all people would vanish",
            status);
    else
        return 0;
    return -EPERM;
}

// What cannot be read is no leave to go on: without the bill of materials the populations have
// to be named.
static int identity(struct web *w)
{
    const struct pingone *p = w->own;
    struct http_answer a = {0};
    char *type = NULL;
    const char *why;
    int r = web_get(w, p->env, &a);

    if (r >= 0)
        r = check_environment(w, a.json);
    else if (r == -EACCES && a.status == 403)
        r = 0; // a worker with roles in populations alone; each user names its environment
    http_answer_done(&a);
    if (r < 0)
        return r;
    r = pingone_solution(w, &type);
    if (r < 0)
        return r;
    why = pingone_not_a_workforce(type, json_array_size(p->rules.populations) > 0);
    free(type);
    if (!why)
        return 0;
    snprintf(w->why, sizeof(w->why), "%s", why);
    return -EPERM;
}

static void done(struct web *w)
{
    struct pingone *p = w->own;

    if (!p)
        return;
    pingone_groups_done(p);
    listed_free(p->listed);
    values_free(p->values);
    for (size_t i = 0; i < PINGONE_WANTED_MAX; i++)
        free(p->wanted_text[i]);
    free(p->api);
    free(p->auth);
    free(p->env);
    free(p->users);
    free(p->token_url);
    free(p->token_origin);
    free(p->since);
    free(p);
    w->own = NULL;
}

static struct web_source source = {
    .type = "pingone",
    .settings = settings,
    .identity = identity,
    .read = pingone_read,
    .hint = pingone_hint,
    .test = pingone_test,
    .done = done,
};

int main(void)
{
    return web_main(&source);
}
