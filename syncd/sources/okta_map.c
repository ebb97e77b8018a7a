// SPDX-License-Identifier: BSD-2-Clause
// Okta's user into ours.
#include "syncd/sources/okta_map.h"

#include <errno.h>
#include <inttypes.h>
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
#define DIGITS        24 // of a number as text

enum name {
    USER_NAME,
    DISPLAY_NAME,
    EMAIL,
    EMPLOYEE_NUMBER,
    DEPARTMENT,
    MANAGER,
    USER_TYPE,
    START,
    END,
    TERMINATED_AT,
    UID_NUMBER,
    GID_NUMBER,
    LOGIN_SHELL,
    HOME_DIRECTORY,
    SSH_PUBLIC_KEYS,
    NAMES
};

// What the attributes of a profile are called where nobody says otherwise; NULL: not taken, for
// people may be allowed to write custom attributes of their own.
static const struct {
    const char *ours, *attribute;
} names[NAMES] = {
    [USER_NAME] = {"userName", "login"},
    [DISPLAY_NAME] = {"displayName", "displayName"},
    [EMAIL] = {"email", "email"},
    [EMPLOYEE_NUMBER] = {"employeeNumber", "employeeNumber"},
    [DEPARTMENT] = {"department", "department"},
    [MANAGER] = {"manager", "managerId"},
    [USER_TYPE] = {"userType", "userType"},
    [START] = {"start", NULL},
    [END] = {"end", NULL},
    [TERMINATED_AT] = {"terminatedAt", NULL},
    [UID_NUMBER] = {"uidNumber", NULL},
    [GID_NUMBER] = {"gidNumber", NULL},
    [LOGIN_SHELL] = {"loginShell", NULL},
    [HOME_DIRECTORY] = {"homeDirectory", NULL},
    [SSH_PUBLIC_KEYS] = {"sshPublicKeys", NULL},
};

struct okta_map {
    char *attribute[NAMES]; // NULL: not taken
    size_t len[NAMES];
};

void okta_map_free(struct okta_map *map)
{
    for (size_t i = 0; map && i < NAMES; i++)
        free(map->attribute[i]);
    free(map);
}

const char *okta_map_number(const struct okta_map *map)
{
    return map->attribute[EMPLOYEE_NUMBER];
}

static int rename_to(struct okta_map *map, size_t i, const char *attribute)
{
    char *copy = attribute ? strdup(attribute) : NULL;

    if (attribute && !copy)
        return -ENOMEM;
    free(map->attribute[i]);
    map->attribute[i] = copy;
    map->len[i] = copy ? strlen(copy) : 0;
    return 0;
}

static int take_entry(struct okta_map *map, const char *entry)
{
    const char *colon = entry ? strchr(entry, ':') : NULL;
    size_t len = colon ? (size_t)(colon - entry) : 0, i = 0;

    while (i < NAMES && (strlen(names[i].ours) != len || strncmp(names[i].ours, entry, len) != 0))
        i++;
    if (!colon || !colon[1] || i == NAMES)
        return -EINVAL;
    return rename_to(map, i, strcmp(colon + 1, "-") == 0 ? NULL : colon + 1);
}

int okta_map_read(const json_t *list, struct okta_map **ret, char *why, size_t why_len)
{
    struct okta_map *map = calloc(1, sizeof(*map));
    const char *entry = NULL;
    int r = map ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < NAMES; i++)
        r = rename_to(map, i, names[i].attribute);
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        entry = json_string_value(json_array_get(list, i));
        r = take_entry(map, entry);
    }
    if (r < 0) {
        snprintf(why, why_len,
                 "map: \"%.80s\" must be NAME:ATTRIBUTE, such as end:lastWorkingDay; "
                 "the names are in rollcall-source-okta(8)",
                 entry ? entry : "");
        okta_map_free(map);
        return r;
    }
    *ret = map;
    return 0;
}

// ---- one attribute ----

struct taking {
    const struct okta_rules *rules;
    const struct value *object, *profile;
    struct json_writer *out;
    struct okta_taken *taken;
};

// The first fault stands.
static void fault(struct taking *t, enum name ours, const char *what)
{
    if (t->taken->fate == OKTA_PERSON)
        snprintf(t->taken->why, sizeof(t->taken->why), "profile.%.60s %s",
                 t->rules->map->attribute[ours], what);
    t->taken->fate = OKTA_SKIPPED;
}

static const struct value *value_of(const struct taking *t, enum name ours)
{
    const struct okta_map *map = t->rules->map;
    const struct value *v =
        map->attribute[ours] ? value_getn(t->profile, map->attribute[ours], map->len[ours]) : NULL;

    return person_value_has(v) ? v : NULL;
}

// Numbers are taken as text too: an employeeNumber may be of either type.
static const char *text_of(struct taking *t, enum name ours, char digits[DIGITS])
{
    const struct value *v = value_of(t, ours);

    if (!v)
        return NULL;
    if (v->kind == VALUE_INTEGER) {
        snprintf(digits, DIGITS, "%" PRId64, v->integer);
        return digits;
    }
    if (v->kind == VALUE_TEXT && v->len <= TEXT_MAX)
        return v->text;
    fault(t, ours, "is no text of at most 4 KiB");
    return NULL;
}

static void put_text(struct taking *t, enum name ours)
{
    char digits[DIGITS];

    json_write_text(t->out, names[ours].ours, text_of(t, ours, digits));
}

static void put_number(struct taking *t, enum name ours)
{
    char digits[DIGITS];
    const char *text = text_of(t, ours, digits);
    uint64_t n;

    if (text && rollcall_parse_u64(text, 0, INT64_MAX, &n) == 0)
        json_write_integer(t->out, names[ours].ours, (int64_t)n);
    else if (text)
        fault(t, ours, "is no whole number");
}

// A bare date is its day's first instant, and of `end` the instant after it.
static void put_time(struct taking *t, enum name ours)
{
    char digits[DIGITS], buf[ROLLCALL_TIME_TEXT];
    const char *text = text_of(t, ours, digits);
    enum rollcall_time_kind kind;
    int64_t at;

    if (!text)
        return;
    if (rollcall_time_parse(text, &kind, &at) < 0 ||
        (kind == ROLLCALL_TIME_DATE && ours == END && rollcall_date_end(text, &at) < 0))
        fault(t, ours, "is no time such as 2026-11-30 or 2026-11-30T17:00:00Z");
    else
        json_write_text(t->out, names[ours].ours, rollcall_time_format(at, -1, buf, sizeof(buf)));
}

static bool put_key(struct taking *t, const struct value *key)
{
    if (value_len(key) == 0 || key->len > TEXT_MAX)
        return false;
    json_write_text_n(t->out, NULL, key->text, key->len);
    return true;
}

// A key that cannot be taken is left out, and all else of the person counts: whoever may write
// keys must not be able to hide from the status by them.
static void put_keys(struct taking *t)
{
    const struct value *v = value_of(t, SSH_PUBLIC_KEYS);
    bool all = true;
    size_t n = 0;

    if (!t->rules->map->attribute[SSH_PUBLIC_KEYS])
        return;
    json_write_open(t->out, "sshPublicKeys", '[');
    for (const struct value *key = person_value_list(v); key; key = key->next) {
        bool put = n < KEYS_MAX && put_key(t, key);
        n += put;
        all = all && put;
    }
    if (v && v->kind != VALUE_LIST)
        all = put_key(t, v);
    json_write_close(t->out, ']');
    if (!all)
        snprintf(t->taken->why, sizeof(t->taken->why),
                 "a key is no text of at most 4 KiB, or one of more than %d; it is left out",
                 KEYS_MAX);
}

// ---- who is one of ours ----

static const char *value_text_of(const struct taking *t, enum name ours)
{
    return value_text(value_of(t, ours));
}

static const char *text_at(const struct value *o, const char *outer, const char *inner)
{
    return value_text(value_get(value_get(o, outer), inner));
}

// The word of the protocol, or NULL: one of ours.
static const char *drop_of(const struct taking *t)
{
    const struct okta_rules *rules = t->rules;
    const struct value *provider = value_get(value_get(t->object, "credentials"), "provider");
    const char *kind = value_text(value_get(provider, "type")), *type, *refused;
    const char *login = value_text_of(t, USER_NAME);
    char name[OKTA_NAME_MAX];

    // Somebody who signed up with an account of a social network, whatever else is said.
    if (kind && strcmp(kind, "SOCIAL") == 0)
        return "social";
    if (rules->realms && !person_listed(rules->realms, person_value_text(t->object, "realmId")))
        return "population";
    // user_types names either of two things that tell employees apart.
    type = text_at(t->object, "profile", "userType");
    if (!person_listed(rules->person.user_types, type))
        type = text_at(t->object, "type", "id");
    refused = person_value_refused(&rules->person, t->profile, type);
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

static void put_status(struct taking *t)
{
    const char *status = value_text(value_get(t->object, "status"));
    const char *next = value_text(value_get(t->object, "transitioningToStatus"));
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
    json_write_text(t->out, "status", word);
    if (i < n && statuses[i].blocked)
        json_write_true(t->out, "passwordBlocked");
    t->taken->terminated = strcmp(word, "terminated") == 0;
    t->taken->disabled = strcmp(word, "disabled") == 0 || strcmp(word, "locked") == 0;
    t->taken->out = strcmp(word, "active") != 0;
}

// ---- a person ----

static void put_name(struct taking *t)
{
    const char *login = value_text_of(t, USER_NAME);
    char name[OKTA_NAME_MAX];

    if (!login)
        fault(t, USER_NAME, "is missing, or no text");
    else if (!person_login(t->rules->person.domain, login, name, sizeof(name)))
        fault(t, USER_NAME, "is no name");
    else if (strchr(name, '@'))
        fault(t, USER_NAME,
              "is of a mail domain; write domain = ACME.COM to take what is before it");
    else
        json_write_text(t->out, "userName", name);
}

static void put_display_name(struct taking *t)
{
    const char *first = value_text(value_get(t->profile, "firstName"));
    const char *last = value_text(value_get(t->profile, "lastName"));
    char digits[DIGITS], both[2 * TEXT_MAX + 2];
    const char *text = text_of(t, DISPLAY_NAME, digits);

    if (!text && first && last && *first && *last && strlen(first) + strlen(last) < TEXT_MAX) {
        snprintf(both, sizeof(both), "%.*s %.*s", TEXT_MAX, first, TEXT_MAX, last);
        text = both;
    }
    json_write_text(t->out, "displayName", text);
}

static void put_email(struct taking *t)
{
    char digits[DIGITS];
    const char *email = text_of(t, EMAIL, digits);

    if (!email)
        return;
    json_write_open(t->out, "emails", '[');
    json_write_open(t->out, NULL, '{');
    json_write_text(t->out, "value", email);
    json_write_close(t->out, '}');
    json_write_close(t->out, ']');
}

static void put_enterprise(struct taking *t)
{
    char digits[DIGITS], other_digits[DIGITS];
    const char *manager = text_of(t, MANAGER, digits);
    const char *number = text_of(t, EMPLOYEE_NUMBER, other_digits);

    json_write_open(t->out, ENTERPRISE, '{');
    json_write_text(t->out, "employeeNumber", number);
    t->taken->has_number = number != NULL;
    put_text(t, DEPARTMENT);
    if (manager) {
        json_write_open(t->out, "manager", '{');
        json_write_text(t->out, "value", manager);
        json_write_close(t->out, '}');
    }
    json_write_close(t->out, '}');
}

static void put_ours(struct taking *t)
{
    json_write_open(t->out, OURS, '{');
    put_status(t);
    put_time(t, START);
    put_time(t, END);
    put_time(t, TERMINATED_AT);
    put_number(t, UID_NUMBER);
    put_number(t, GID_NUMBER);
    put_text(t, LOGIN_SHELL);
    put_text(t, HOME_DIRECTORY);
    put_keys(t);
    json_write_close(t->out, '}');
}

static void put_person(struct taking *t)
{
    t->out->len = 0;
    t->out->behind = false;
    json_write_open(t->out, NULL, '{');
    json_write_text(t->out, "id", t->taken->id);
    put_ours(t);
    put_name(t);
    put_display_name(t);
    put_text(t, USER_TYPE);
    put_email(t);
    put_enterprise(t);
    json_write_close(t->out, '}');
}

int okta_user_take(const struct okta_rules *rules, const struct value *object,
                   struct json_writer *out, struct okta_taken *ret)
{
    const struct value *id = value_get(object, "id");
    struct okta_taken taken = {.fate = OKTA_PERSON};
    struct taking t = {rules, object, value_get(object, "profile"), out, &taken};

    if (value_len(id) == 0 || id->len > OKTA_ID_MAX)
        return -EBADMSG;
    memcpy(taken.id, id->text, id->len + 1);
    taken.login = text_at(object, "profile", "login");
    put_person(&t);
    taken.reason = drop_of(&t);
    if (taken.reason) {
        taken.fate = OKTA_DROPPED;
    } else if (taken.fate == OKTA_PERSON && (out->len > out->room || out->len > OKTA_USER_MAX)) {
        taken.fate = OKTA_SKIPPED;
        snprintf(taken.why, sizeof(taken.why), "is longer than a line of the protocol");
    }
    *ret = taken;
    return 0;
}
