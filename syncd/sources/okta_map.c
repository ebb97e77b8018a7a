// SPDX-License-Identifier: BSD-2-Clause
// Okta's user into ours.
#include "syncd/sources/okta_map.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/parse.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"

#define ENTERPRISE    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS          "urn:rollcall:1.0:User"
#define TEXT_MAX      4096 // bytes of an attribute; twenty of them are far from a line's 256 KiB
#define KEYS_MAX      64
#define OKTA_NAME_MAX 256

// What the attributes of a profile are called where nobody says otherwise; NULL: not taken, for
// people may be allowed to write custom attributes of their own.
static const struct {
    const char *ours, *attribute;
} names[] = {
    {"userName", "login"},
    {"displayName", "displayName"},
    {"email", "email"},
    {"employeeNumber", "employeeNumber"},
    {"department", "department"},
    {"manager", "managerId"},
    {"userType", "userType"},
    {"start", NULL},
    {"end", NULL},
    {"terminatedAt", NULL},
    {"uidNumber", NULL},
    {"gidNumber", NULL},
    {"loginShell", NULL},
    {"homeDirectory", NULL},
    {"sshPublicKeys", NULL},
};

int okta_map_read(const json_t *list, json_t **ret, char *why, size_t why_len)
{
    json_t *map = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].attribute)
            json_object_set_new(map, names[i].ours, json_string(names[i].attribute));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *entry = json_string_value(json_array_get(list, i));
        const char *colon = entry ? strchr(entry, ':') : NULL;
        size_t len = colon ? (size_t)(colon - entry) : 0, k = 0;
        while (k < sizeof(names) / sizeof(names[0]) &&
               (strlen(names[k].ours) != len || strncmp(names[k].ours, entry, len) != 0))
            k++;
        if (!colon || !colon[1] || k == sizeof(names) / sizeof(names[0])) {
            snprintf(why, why_len,
                     "map: \"%.80s\" must be NAME:ATTRIBUTE, such as end:lastWorkingDay; "
                     "the names are in rollcall-source-okta(8)",
                     entry ? entry : "");
            json_decref(map);
            return -EINVAL;
        }
        if (strcmp(colon + 1, "-") == 0)
            json_object_del(map, names[k].ours);
        else
            json_object_set_new(map, names[k].ours, json_string(colon + 1));
    }
    *ret = map;
    return 0;
}

// ---- one attribute ----

struct taking {
    const struct okta_rules *rules;
    const json_t *object, *profile;
    struct okta_taken *taken;
};

// The first fault stands.
static void fault(struct taking *t, const char *ours, const char *what)
{
    if (t->taken->fate == OKTA_PERSON)
        snprintf(t->taken->why, sizeof(t->taken->why), "profile.%.60s %s",
                 json_string_value(json_object_get(t->rules->map, ours)), what);
    t->taken->fate = OKTA_SKIPPED;
}

static const json_t *value_of(const struct taking *t, const char *ours)
{
    const char *attribute = json_string_value(json_object_get(t->rules->map, ours));
    const json_t *v = attribute ? json_object_get(t->profile, attribute) : NULL;

    return person_has(v) ? v : NULL;
}

// Numbers are taken as text too: an employeeNumber may be of either type. New reference.
static json_t *text_of(struct taking *t, const char *ours)
{
    const json_t *v = value_of(t, ours);

    if (!v)
        return NULL;
    if (json_is_integer(v))
        return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
    if (json_is_string(v) && json_string_length(v) <= TEXT_MAX &&
        strlen(json_string_value(v)) == json_string_length(v))
        return json_string(json_string_value(v));
    fault(t, ours, "is no text of at most 4 KiB");
    return NULL;
}

static void put_text(struct taking *t, json_t *o, const char *key, const char *ours)
{
    json_t *text = text_of(t, ours);

    if (text)
        json_object_set_new(o, key, text);
}

static void put_number(struct taking *t, json_t *o, const char *key)
{
    json_t *text = text_of(t, key);
    uint64_t n;

    if (text && rollcall_parse_u64(json_string_value(text), 0, INT64_MAX, &n) == 0)
        json_object_set_new(o, key, json_integer((json_int_t)n));
    else if (text)
        fault(t, key, "is no whole number");
    json_decref(text);
}

// A bare date is its day's first instant, and of `end` the instant after it.
static void put_time(struct taking *t, json_t *o, const char *key)
{
    json_t *text = text_of(t, key);
    enum rollcall_time_kind kind;
    char buf[ROLLCALL_TIME_TEXT];
    int64_t at;

    if (!text)
        return;
    if (rollcall_time_parse(json_string_value(text), &kind, &at) < 0 ||
        (kind == ROLLCALL_TIME_DATE && strcmp(key, "end") == 0 &&
         rollcall_date_end(json_string_value(text), &at) < 0))
        fault(t, key, "is no time such as 2026-11-30 or 2026-11-30T17:00:00Z");
    else
        json_object_set_new(o, key, json_string(rollcall_time_format(at, -1, buf, sizeof(buf))));
    json_decref(text);
}

// A key that cannot be taken is left out, and all else of the person counts: whoever may write
// keys must not be able to hide from the status by them.
static void put_keys(struct taking *t, json_t *o)
{
    const json_t *v = value_of(t, "sshPublicKeys");
    json_t *list;

    if (!json_object_get(t->rules->map, "sshPublicKeys"))
        return;
    list = json_array();
    for (size_t i = 0; v && i < (json_is_array(v) ? json_array_size(v) : 1); i++) {
        const json_t *key = json_is_array(v) ? json_array_get(v, i) : v;
        size_t len = json_string_length(key);
        if (len > 0 && len <= TEXT_MAX && strlen(json_string_value(key)) == len &&
            json_array_size(list) < KEYS_MAX)
            json_array_append_new(list, json_string(json_string_value(key)));
        else
            snprintf(t->taken->why, sizeof(t->taken->why),
                     "a key is no text of at most 4 KiB, or one of more than %d; it is left out",
                     KEYS_MAX);
    }
    json_object_set_new(o, "sshPublicKeys", list);
}

// ---- who is one of ours ----

static const char *value_text(const struct taking *t, const char *ours)
{
    return json_string_value(value_of(t, ours));
}

static const char *text_at(const json_t *o, const char *outer, const char *inner)
{
    return json_string_value(json_object_get(json_object_get(o, outer), inner));
}

// The word of the protocol, or NULL: one of ours.
static const char *drop_of(const struct taking *t)
{
    const struct okta_rules *rules = t->rules;
    const json_t *provider = json_object_get(json_object_get(t->object, "credentials"), "provider");
    const char *kind = json_string_value(json_object_get(provider, "type")), *type, *refused;
    const char *login = value_text(t, "userName");
    char name[OKTA_NAME_MAX];

    // Somebody who signed up with an account of a social network, whatever else is said.
    if (kind && strcmp(kind, "SOCIAL") == 0)
        return "social";
    if (rules->realms && !person_listed(rules->realms, person_text(t->object, "realmId")))
        return "population";
    // user_types names either of two things that tell employees apart.
    type = text_at(t->object, "profile", "userType");
    if (!person_listed(rules->person.user_types, type))
        type = text_at(t->object, "type", "id");
    refused = person_refused(&rules->person, t->profile, type);
    if (refused)
        return refused;
    if (login && !person_login(rules->person.domain, login, name, sizeof(name)))
        return strlen(login) < sizeof(name) ? "domain" : NULL;
    return NULL;
}

// ---- status ----

static const struct {
    const char *okta, *ours;
    bool blocked;
} statuses[] = {
    {"ACTIVE", "active", false},
    {"LOCKED_OUT", "active", true}, // anybody can bring it about with wrong passwords
    {"SUSPENDED", "disabled", false},
    {"DEPROVISIONED", "terminated", false},
    {"STAGED", "refused", false},
    {"PROVISIONED", "refused", false},
    {"RECOVERY", "refused", false},
    {"PASSWORD_EXPIRED", "refused", false},
    {"ACTIVATING", "refused", false},
};

static void put_status(struct taking *t, json_t *ours)
{
    const char *status = json_string_value(json_object_get(t->object, "status"));
    const char *next = json_string_value(json_object_get(t->object, "transitioningToStatus"));
    const char *word = "refused";
    size_t i = 0, n = sizeof(statuses) / sizeof(statuses[0]);

    while (i < n && strcmp(statuses[i].okta, status ? status : "") != 0)
        i++;
    if (i < n)
        word = statuses[i].ours;
    else
        snprintf(t->taken->why, sizeof(t->taken->why), "status \"%.40s\" is unknown here: no login",
                 status ? status : "");
    // The change is under way there; the state that it leads to is said when it is there.
    if (next && strcmp(next, "DEPROVISIONED") == 0 && strcmp(word, "terminated") != 0)
        word = "locked";
    json_object_set_new(ours, "status", json_string(word));
    if (i < n && statuses[i].blocked)
        json_object_set_new(ours, "passwordBlocked", json_true());
    t->taken->terminated = strcmp(word, "terminated") == 0;
    t->taken->disabled = strcmp(word, "disabled") == 0 || strcmp(word, "locked") == 0;
    t->taken->out = strcmp(word, "active") != 0;
}

// ---- a person ----

static void put_name(struct taking *t, json_t *user)
{
    const char *login = value_text(t, "userName");
    char name[OKTA_NAME_MAX];

    if (!login)
        fault(t, "userName", "is missing, or no text");
    else if (!person_login(t->rules->person.domain, login, name, sizeof(name)))
        fault(t, "userName", "is no name");
    else if (strchr(name, '@'))
        fault(t, "userName",
              "is of a mail domain; write domain = ACME.COM to take what is before it");
    else
        json_object_set_new(user, "userName", json_string(name));
}

static void put_display_name(struct taking *t, json_t *user)
{
    const char *first = json_string_value(json_object_get(t->profile, "firstName"));
    const char *last = json_string_value(json_object_get(t->profile, "lastName"));

    put_text(t, user, "displayName", "displayName");
    if (!json_object_get(user, "displayName") && first && last && *first && *last &&
        strlen(first) + strlen(last) < TEXT_MAX)
        json_object_set_new(user, "displayName", json_sprintf("%s %s", first, last));
}

static json_t *enterprise(struct taking *t)
{
    json_t *o = json_object(), *manager = text_of(t, "manager");

    put_text(t, o, "employeeNumber", "employeeNumber");
    put_text(t, o, "department", "department");
    if (manager)
        json_object_set_new(o, "manager", json_pack("{s:o}", "value", manager));
    return o;
}

static json_t *person(struct taking *t)
{
    json_t *user = json_object(), *ours = json_object(), *email;

    json_object_set_new(user, "id", json_string(t->taken->id));
    put_status(t, ours);
    put_name(t, user);
    put_display_name(t, user);
    put_text(t, user, "userType", "userType");
    email = text_of(t, "email");
    if (email)
        json_object_set_new(user, "emails", json_pack("[{s:o}]", "value", email));
    json_object_set_new(user, ENTERPRISE, enterprise(t));
    put_time(t, ours, "start");
    put_time(t, ours, "end");
    put_time(t, ours, "terminatedAt");
    put_number(t, ours, "uidNumber");
    put_number(t, ours, "gidNumber");
    put_text(t, ours, "loginShell", "loginShell");
    put_text(t, ours, "homeDirectory", "homeDirectory");
    put_keys(t, ours);
    json_object_set_new(user, OURS, ours);
    return user;
}

int okta_user_take(const struct okta_rules *rules, const json_t *object, struct okta_taken *ret)
{
    const json_t *id = json_object_get(object, "id");
    struct okta_taken taken = {.fate = OKTA_PERSON};
    struct taking t = {rules, object, json_object_get(object, "profile"), &taken};

    if (!json_is_string(id) || json_string_length(id) == 0 ||
        json_string_length(id) > OKTA_ID_MAX ||
        strlen(json_string_value(id)) != json_string_length(id))
        return -EBADMSG;
    snprintf(taken.id, sizeof(taken.id), "%s", json_string_value(id));
    taken.login = text_at(object, "profile", "login");
    taken.user = person(&t);
    taken.reason = drop_of(&t);
    if (taken.reason)
        taken.fate = OKTA_DROPPED;
    if (taken.fate != OKTA_PERSON) {
        json_decref(taken.user);
        taken.user = NULL;
    }
    *ret = taken;
    return 0;
}

void okta_taken_done(struct okta_taken *t)
{
    json_decref(t->user);
    *t = (struct okta_taken){0};
}
