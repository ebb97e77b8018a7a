// SPDX-License-Identifier: BSD-2-Clause
// `rollcall source test` of PingOne: what the worker application may read, what the users have,
// and how ten of them would look here. Nothing is changed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/pingone.h"

#define PEOPLE 10
#define ROLE   "Identity Data Read Only"

// ---- may we read it ----

static void test_kind(struct web *w)
{
    char *type = NULL;

    if (pingone_solution(w, &type) < 0)
        web_find(w, "error", "environment", "%s", w->why);
    else if (type)
        web_find(w, "ok", "environment", "it is one of a workforce (%s)", type);
    else
        web_find(w, "ok", "environment",
                 "it does not say whether it is of a workforce; who counts is said by populations");
    free(type);
}

// One object of the environment by its id: "groups", "populations".
static void test_object(struct web *w, const char *kind, const char *id)
{
    const struct pingone *p = w->own;
    struct http_answer a = {0};
    const char *name;
    char url[600];
    int r;

    snprintf(url, sizeof(url), "%s/%s/%s", p->env, kind, id);
    r = web_get(w, url, &a);
    name = person_text(a.json, "name");
    if (r >= 0)
        web_find(w, "ok", kind, "%s is %s", id, name ? name : "without a name");
    else if (r == -ENOENT)
        web_find(w, "error", kind,
                 "%s is not in this environment: write the id of the one that is meant, or take it "
                 "out",
                 id);
    else if (r == -EACCES)
        web_find(w, "warning", kind,
                 "%s cannot be looked at; give the worker application the role " ROLE, id);
    else
        web_find(w, "error", kind, "%s", w->why);
    http_answer_done(&a);
}

static void test_objects(struct web *w)
{
    const struct pingone *p = w->own;

    for (size_t i = 0; i < json_array_size(p->rules.populations); i++)
        test_object(w, "populations", json_string_value(json_array_get(p->rules.populations, i)));
    for (size_t i = 0; i < p->n_groups; i++)
        test_object(w, "groups", p->group[i].id);
    if (p->n_groups == 0)
        web_find(w, "warning", "groups",
                 "no group is read; name those of allow_groups: member_groups = ID, ID");
}

static void test_log(struct web *w)
{
    struct pingone *p = w->own;

    pingone_log_begin(w);
    if (pingone_hint(w) < 0)
        web_find(w, "warning", "log", "%s", w->why);
    else if (p->log.denied)
        web_find(
            w, "warning", "log",
            "the log of activities cannot be read, so a change is seen at the next poll only; a "
            "role in the environment gives it, such as Environment Admin or an auditor's");
    else
        web_find(w, "ok", "log", "it can be read: a change is seen within %d s or so", 30);
}

// ---- what they have ----

struct coverage {
    size_t users, username, number, email, type, name, people, dropped, problems;
    size_t shown;
};

static int each_user(struct web *w, const struct value *user, const char *fault, void *ctx)
{
    const struct pingone *p = w->own;
    struct coverage *c = ctx;
    const char *number = p->rules.employee_number ? p->rules.employee_number : "externalId";
    const char *buf[PINGONE_GROUPS_MAX + 1];
    static char text[PINGONE_SAID_MAX];
    struct json_writer out = {.buf = text, .room = sizeof(text)};
    struct pingone_record rec;
    enum pingone_word word;
    struct pingone_in in;

    (void)fault; // pingone_take says that it is no object
    in = pingone_groups_of(w->own, person_value_text(user, "id"), buf);
    word = pingone_take(user, &p->rules, &in, &out, &rec);
    c->users++;
    c->username += person_value_text(user, "username") != NULL;
    c->number += person_value_has(person_value_at(user, number));
    c->email += person_value_text(user, "email") != NULL;
    c->type += person_value_text(user, "type") != NULL;
    c->name += person_value_has(value_get(user, "name"));
    c->people += word == PINGONE_PERSON;
    c->dropped += word == PINGONE_DROPPED;
    c->problems += word == PINGONE_PROBLEM;
    if (word == PINGONE_PERSON && c->shown < PEOPLE) {
        c->shown++;
        emit_user_text(text, out.len, rec.id);
    }
    return c->users >= 500 ? -ECANCELED : 0; // a page or so is enough
}

static void say_coverage(struct web *w, const struct coverage *c)
{
    const struct pingone *p = w->own;

    web_find(w, "ok", "coverage",
             "of the first %zu users: username %zu, %s %zu, email %zu, type %zu, name %zu",
             c->users, c->username,
             p->rules.employee_number ? p->rules.employee_number : "externalId", c->number,
             c->email, c->type, c->name);
    web_find(w, c->people > 0 ? "ok" : "error", "people",
             "of the first %zu users: %zu are people here, %zu are left out, %zu cannot be taken",
             c->users, c->people, c->dropped, c->problems);
}

static void test_users(struct web *w)
{
    struct pingone *p = w->own;
    struct coverage c = {0};
    char *url = http_url(p->users, "limit", PINGONE_PAGE, NULL);
    int r = pingone_groups_read(w);

    if (r >= 0)
        r = url ? pingone_pages(w, url, "users", pingone_wanted(p), each_user, &c) : -ENOMEM;
    free(url);
    if (r == -EACCES)
        web_find(w, "error", "role",
                 "the users cannot be read (%s); give the worker application the role " ROLE
                 " in the environment or in each of its populations",
                 w->why);
    else if (r < 0 && r != -ECANCELED)
        web_find(w, "error", "users", "%s", w->why);
    else if (c.users == 0)
        web_find(w, "error", "role",
                 "the list of users is empty; give the worker application the role " ROLE
                 " in the environment or in each of its populations");
    else
        say_coverage(w, &c);
}

void pingone_test(struct web *w)
{
    test_kind(w);
    test_objects(w);
    test_users(w);
    test_log(w);
}
