// SPDX-License-Identifier: BSD-2-Clause
// One User or Group into what rollcall takes.
#include "syncd/sources/scim_map.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/person.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS       "urn:rollcall:1.0:User"

struct taking {
    const struct scim_rules *rules;
    const struct value *row;
    struct scim_taken *out;
    bool failed;
};

// The first fault stands; a warning only where there is none.
__attribute__((format(printf, 2, 3))) static void fault(struct taking *t, const char *format, ...)
{
    va_list ap;

    if (t->failed)
        return;
    va_start(ap, format);
    vsnprintf(t->out->why, sizeof(t->out->why), format, ap);
    va_end(ap);
    t->failed = true;
}

__attribute__((format(printf, 2, 3))) static void warn(struct taking *t, const char *format, ...)
{
    va_list ap;

    if (t->failed || *t->out->why)
        return;
    va_start(ap, format);
    vsnprintf(t->out->why, sizeof(t->out->why), format, ap);
    va_end(ap);
}

// What is about the person and decides nothing.
static void put_optional(struct taking *t, struct value *o, const char *key, const struct value *v)
{
    char number[SCIM_NUMBER];
    const char *text = scim_text(v, number);

    if (text)
        value_put_text(o, key, text);
    else if (person_value_has(v))
        warn(t, "%s is no text of at most %d bytes; it is left out", key, SCIM_TEXT_MAX);
}

static const struct value *enterprise_of(const struct value *row)
{
    return scim_get(row, ENTERPRISE);
}

// ---- names ----

static void put_both_names(struct value *user, const char *given, const char *family)
{
    char text[SCIM_TEXT_MAX + 2];

    snprintf(text, sizeof(text), "%s%s%s", given ?: "", given && family ? " " : "", family ?: "");
    value_put_text(user, "displayName", text);
}

static void put_display_name(struct taking *t, struct value *user)
{
    const struct value *name = scim_get(t->row, "name"), *v = scim_get(t->row, "displayName");
    const char *given = value_text(scim_get(name, "givenName"));
    const char *family = value_text(scim_get(name, "familyName"));

    if (!person_value_has(v))
        v = scim_get(name, "formatted");
    if (!person_value_has(v) && (given || family) &&
        strlen(given ?: "") + strlen(family ?: "") < SCIM_TEXT_MAX)
        put_both_names(user, given, family);
    else
        put_optional(t, user, "displayName", v);
}

// The primary one; else one of type work; else the first.
static void put_email(struct taking *t, struct value *user)
{
    const struct value *list = scim_get(t->row, "emails"), *best = NULL, *e, *v;
    char number[SCIM_NUMBER];
    const char *text;
    int rank = 0;

    value_each(list, e)
    {
        const char *type = value_text(scim_get(e, "type"));
        int r = 1;
        v = value_is(e, VALUE_TEXT) ? e : scim_get(e, "value");
        if (type && strcasecmp(type, "work") == 0)
            r = 2;
        if (scim_bool(scim_get(e, "primary")) == 1)
            r = 3;
        if (r > rank && person_value_has(v)) {
            rank = r;
            best = v;
        }
    }
    text = scim_text(best, number);
    if (text)
        value_put_text(value_add_object(value_put_list(user, "emails")), "value", text);
    else if (best)
        warn(t, "the mail address is no text of at most %d bytes; it is left out", SCIM_TEXT_MAX);
}

// The login name: lower case, for a userName has no case. False: it is of another domain.
static bool put_user_name(struct taking *t, struct value *user)
{
    const char *name = value_text(scim_get(t->row, "userName"));
    char login[SCIM_TEXT_MAX + 1];

    if (!name || !*name || strlen(name) > SCIM_TEXT_MAX) {
        fault(t, "userName is missing, or no text of 1 to %d bytes", SCIM_TEXT_MAX);
        return true;
    }
    if (!person_login(t->rules->domain, name, login, sizeof(login)))
        return false;
    for (char *c = login; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    value_put_text(user, "userName", login);
    return true;
}

// ---- who is left out ----

// userType words that never mean an employee, unless user_types names them.
static const char *stranger(const char *type)
{
    static const char *const words[][2] = {{"guest", "guest"},
                                           {"external", "external"},
                                           {"customer", "customer"},
                                           {"consumer", "customer"},
                                           {"service", "service-account"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(type, words[i][0]) == 0)
            return words[i][1];
    return NULL;
}

static const char *wrong_type(struct taking *t)
{
    const struct value *v = scim_get(t->row, "userType");
    const char *type = value_text(v);
    const json_t *one;
    size_t i;

    if (!t->rules->user_types)
        return type ? stranger(type) : NULL;
    if (v && !type) {
        fault(t, "userType is no text");
        return NULL;
    }
    json_array_foreach(t->rules->user_types, i, one)
    {
        if (type && strcasecmp(type, json_string_value(one) ?: "") == 0)
            return NULL;
    }
    return "user-type";
}

// An attribute by its plain name, of the User or of an extension of it.
static bool has_attribute(const struct value *row, const char *name)
{
    const struct value *v;

    if (person_value_has(scim_get(row, name)))
        return true;
    value_each_member(row, v)
    {
        size_t n = v->name_len;
        if (strncasecmp(v->name, "urn:", 4) != 0)
            continue;
        if (person_value_has(scim_get(v, name)) ||
            (strncasecmp(name, v->name, n) == 0 && name[n] == ':' &&
             person_value_has(scim_get(v, name + n + 1))))
            return true;
    }
    return false;
}

static const char *left_out(struct taking *t, bool of_domain)
{
    const char *reason = wrong_type(t);
    const json_t *one;
    size_t i;

    if (!of_domain)
        return "domain";
    json_array_foreach(t->rules->require_attributes, i, one)
    {
        if (!reason && !has_attribute(t->row, json_string_value(one) ?: ""))
            reason = "no-marker";
    }
    return reason;
}

// ---- state ----

// What a pointer means, from the extension or the User on. Names have no case there either.
static const struct value *at_pointer(const struct taking *t, const char *pointer)
{
    const struct value *v = t->rules->extension ? scim_get(t->row, t->rules->extension) : t->row;

    if (pointer && *pointer != '/')
        v = scim_get(v, pointer);
    while (v && pointer && *pointer == '/') {
        char token[200];
        size_t n = 0;
        for (pointer++; *pointer && *pointer != '/'; pointer++) {
            char c = *pointer;
            if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
                c = *++pointer == '0' ? '~' : '/';
            if (n < sizeof(token) - 1)
                token[n++] = c;
        }
        token[n] = 0;
        uint64_t index = UINT32_MAX;
        if (value_is(v, VALUE_LIST) && rollcall_parse_u64(token, 0, UINT32_MAX, &index) == 0)
            v = value_at(v, (size_t)index);
        else
            v = scim_get(v, token);
    }
    return pointer && person_value_has(v) ? v : NULL;
}

static void put_instant(struct taking *t, struct value *ours, const char *key, const char *pointer)
{
    const struct value *v = at_pointer(t, pointer);
    const char *text = value_text(v);
    char buf[ROLLCALL_TIME_TEXT];
    enum rollcall_time_kind kind;
    int64_t at;

    if (!v)
        return;
    if (!text || rollcall_time_parse(text, &kind, &at) < 0 ||
        (kind == ROLLCALL_TIME_DATE && strcmp(key, "end") == 0 &&
         rollcall_date_end(text, &at) < 0)) {
        // An end that came already needs no date.
        if (t->out->inactive)
            warn(t, "%s is no date such as 2026-11-30; it is left out", pointer);
        else
            fault(t, "%s is no date such as 2026-11-30", pointer);
        return;
    }
    value_put_text(ours, key, rollcall_time_format(at, -1, buf, sizeof(buf)));
}

// The word of the vendor's extension, in lower case; "" where there is none.
static void status_word(struct taking *t, char word[40])
{
    const struct value *v = at_pointer(t, t->rules->status);
    const char *text = value_text(v);

    *word = 0;
    if (!v)
        return;
    if (!text || strlen(text) >= 40) {
        warn(t, "%s is no word; nobody gets in by it", t->rules->status);
        snprintf(word, 40, "refused");
        return;
    }
    snprintf(word, 40, "%s", text);
    for (char *p = word; *p; p++)
        *p = (char)tolower((unsigned char)*p);
}

static void put_state(struct taking *t, struct value *user, struct value *ours)
{
    int active = scim_bool(scim_get(t->row, "active"));
    enum scim_absent absent = t->rules->active_absent;
    const char *status = NULL;
    char word[40];

    status_word(t, word);
    if (scim_says_two(t->row, "active"))
        active = -EINVAL;
    t->out->terminated = strcmp(word, "terminated") == 0;
    t->out->inactive = t->out->terminated || active == 0;
    if (t->out->terminated)
        status = "terminated";
    else if (active == 0)
        status = "disabled";
    else if (active == -EINVAL)
        status = "refused";
    else if (*word)
        status = word;
    else if (active == -ENOENT && absent == SCIM_ABSENT_DENY)
        status = "refused";
    if (active == -EINVAL)
        warn(t, "active is neither true nor false; nobody gets in by it");
    if (active == -ENOENT && !*word && absent == SCIM_ABSENT_KEEP)
        fault(t, "active is missing, and this server may mean anything by that: whoever was known "
                 "stands as before (active_absent)");
    if (active == -ENOENT && !*word && absent == SCIM_ABSENT_DENY)
        warn(t, "active is missing; no login (active_absent)");
    if (status)
        value_put_text(ours, "status", status);
    else
        value_put_bool(user, "active", true);
    put_instant(t, ours, "start", t->rules->start);
    put_instant(t, ours, "end", t->rules->end);
}

// ---- the rest ----

static void put_enterprise(struct taking *t, struct value *o)
{
    const struct value *e = enterprise_of(t->row), *v = scim_get(e, "employeeNumber");
    const struct value *manager = scim_get(e, "manager");
    char room[SCIM_NUMBER];
    const char *number = scim_text(v, room);

    if (number && strlen(number) <= PERSON_ID_MAX)
        value_put_text(o, "employeeNumber", number);
    else if (person_value_has(v))
        fault(t, "employeeNumber is no text of at most %d bytes", PERSON_ID_MAX);
    put_optional(t, o, "department", scim_get(e, "department"));
    if (value_is(manager, VALUE_OBJECT))
        manager = scim_get(manager, "value");
    number = scim_text(manager, room);
    if (number)
        value_put_text(value_put_object(o, "manager"), "value", number);
}

// Whoever says no group says nothing of groups: an empty list and none are the same in SCIM, and
// so they are a loss that waits for a second listing.
static void put_groups(struct taking *t, struct value *user)
{
    const struct value *list = scim_get(t->row, "groups"), *e;
    struct value *groups = value_list(user->in);

    value_each(list, e)
    {
        const char *id = scim_member(e);
        if (!id)
            warn(t, "a group has no value of 1 to %d bytes; it is left out", PERSON_ID_MAX);
        else if (value_size(groups) == ROLLCALL_SOURCE_LISTS_MAX)
            warn(t, "more than %d groups; those behind are left out", ROLLCALL_SOURCE_LISTS_MAX);
        else
            value_put_text(value_add_object(groups), "value", id);
    }
    if (value_size(groups) > 0)
        value_put(user, "groups", groups);
}

// Whoever may write keys into the own profile must not be able to hide from its state by them: a
// key that cannot be taken is left out, with a word.
static void put_keys(struct taking *t, struct value *ours)
{
    const struct value *v = at_pointer(t, t->rules->keys), *e;
    struct value *list = value_list(ours->in);

    for (e = value_is(v, VALUE_LIST) ? value_first(v) : v; e;
         e = value_is(v, VALUE_LIST) ? e->next : NULL) {
        const struct value *key = value_is(e, VALUE_OBJECT) ? scim_get(e, "value") : e;
        if (value_len(key) == 0 || value_len(key) > PERSON_TEXT_MAX)
            warn(t, "a key is no text of at most %d bytes; it is left out", PERSON_TEXT_MAX);
        else if (value_size(list) == ROLLCALL_SOURCE_LISTS_MAX)
            warn(t, "more than %d keys; those behind are left out", ROLLCALL_SOURCE_LISTS_MAX);
        else
            value_add_textn(list, key->text, key->len);
    }
    if (t->rules->keys) // whoever has none has none
        value_put(ours, "sshPublicKeys", list);
}

// All but these are short, and measuring costs as much as all the rest.
static bool is_too_long(const struct value *user)
{
    const struct value *ours = value_get(user, OURS);
    size_t len;

    if (value_size(value_get(user, "groups")) < 100 &&
        value_size(value_get(ours, "sshPublicKeys")) == 0)
        return false;
    return !value_json(user->in, user, &len) || len > ROLLCALL_SOURCE_LINE_MAX - 4096;
}

static void shorten(struct taking *t, struct value *user, struct value *ours)
{
    if (is_too_long(user) && value_get(ours, "sshPublicKeys")) {
        value_put_list(ours, "sshPublicKeys");
        warn(t, "the keys make the User longer than 252 KiB; they are left out");
    }
    if (is_too_long(user))
        fault(t, "the User is longer than 252 KiB");
}

static void take_id(struct taking *t)
{
    const char *id = value_text(scim_get(t->row, "id"));

    if (!value_is(t->row, VALUE_OBJECT))
        fault(t, "an entry of the list is no User");
    else if (!id || !*id || strlen(id) > PERSON_ID_MAX)
        fault(t, "a User has no id of 1 to %d bytes", PERSON_ID_MAX);
    else if (scim_says_two(t->row, "id"))
        fault(t, "a User has two ids, in two spellings of the name");
    else
        snprintf(t->out->id, sizeof(t->out->id), "%s", id);
}

static void take_user(struct taking *t, struct value *user)
{
    struct value *ours = value_object(user->in);

    if (!ours)
        return;
    value_put_text(user, "id", t->out->id);
    if (scim_says_two(t->row, "userName"))
        fault(t, "userName stands there twice, in two spellings");
    t->out->reason = left_out(t, put_user_name(t, user));
    put_state(t, user, ours);
    put_display_name(t, user);
    put_optional(t, user, "userType", scim_get(t->row, "userType"));
    put_email(t, user);
    put_enterprise(t, value_put_object(user, ENTERPRISE));
    if (t->rules->groups_of_user)
        put_groups(t, user);
    put_keys(t, ours);
    value_put(user, OURS, ours);
    shorten(t, user, ours);
}

static void drop(struct scim_taken *t, const char *reason, const char *name)
{
    t->user = NULL;
    t->kind = SCIM_DROPPED;
    t->reason = reason;
    snprintf(t->name, sizeof(t->name), "%s", name);
    for (size_t n = strlen(t->name); n > 0 && strlen(name) > n; n--) // whole characters
        if (((unsigned char)name[n] & 0xc0) != 0x80) {
            t->name[n] = 0;
            break;
        }
}

// What there is no memory for must not be half a person.
static void make_user(struct taking *t, struct values *in)
{
    struct value *user = value_object(in);

    if (user)
        take_user(t, user);
    t->out->user = user;
    if (values_failed(in))
        fault(t, "the User is longer than there is room for");
}

void scim_user_take(const struct scim_rules *rules, const struct value *row, struct values *in,
                    struct scim_taken *ret)
{
    struct taking t = {.rules = rules, .row = row, .out = ret};

    ret->kind = SCIM_PERSON; // its texts are large, and need no zeroes
    ret->id[0] = ret->name[0] = ret->why[0] = 0;
    ret->user = NULL;
    ret->inactive = ret->terminated = false;
    ret->reason = NULL;
    take_id(&t);
    if (!t.failed)
        make_user(&t, in);
    // Whoever is said to be inactive, in a row that cannot be taken, must not stand as before.
    if (t.failed && !ret->reason && ret->inactive && !ret->terminated)
        ret->reason = "no-marker";
    if (ret->reason) {
        drop(ret, ret->reason, value_text(scim_get(row, "userName")) ?: "");
    } else if (t.failed) {
        ret->user = NULL;
        ret->kind = SCIM_PROBLEM;
    }
}

void scim_user_unassigned(struct scim_taken *t)
{
    drop(t, "unassigned", value_text(value_get(t->user, "userName")) ?: "");
}

bool scim_user_in(const struct value *user, const json_t *list)
{
    const struct value *g;
    const json_t *one;
    size_t k;

    value_each(value_get(user, "groups"), g)
    {
        const char *id = value_text(value_get(g, "value"));
        json_array_foreach(list, k, one)
        {
            if (id && strcmp(id, json_string_value(one) ?: "") == 0)
                return true;
        }
    }
    return false;
}
