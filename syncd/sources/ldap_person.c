// SPDX-License-Identifier: BSD-2-Clause
// One entry into a person or a group. What comes out is a line that the engine takes, or
// a sentence: a value that would end the source must not get into it.
#include <errno.h>
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/ldap_schema_rollcall.h"
#include "syncd/sources/ldap_dn.h"
#include "syncd/sources/ldap_map.h"
#include "syncd/sources/ldap_state.h"

#define TEXT_MAX  16384
#define ALIAS_MAX 1024

struct taking {
    const struct dir_map *map;
    const struct dir_entry *entry;
    char *why;
    size_t why_len;
    bool failed;
};

static void fault(struct taking *t, enum dir_field f, const char *what)
{
    if (!t->failed)
        snprintf(t->why, t->why_len, "%s %s", t->map->attribute[f], what);
    t->failed = true;
}

// A warning about keys: the first one stands.
static void leave_out(struct taking *t, const char *what)
{
    if (!t->failed && !*t->why)
        snprintf(t->why, t->why_len, "%s %s", t->map->attribute[DIR_SSH_PUBLIC_KEYS], what);
}

// A value as text; NULL where it is none.
static json_t *text_of(const struct berval *v)
{
    if (v->bv_len > TEXT_MAX || memchr(v->bv_val, 0, v->bv_len))
        return NULL;
    return json_stringn(v->bv_val, v->bv_len); // checks UTF-8
}

// The first value, or NULL. `one`: several would be a choice that nobody made.
static json_t *value_of(struct taking *t, enum dir_field f, bool one)
{
    const struct dir_attr *a = dir_attr(t->entry, t->map->attribute[f]);
    json_t *text;

    if (!a)
        return NULL;
    if (one && a->n > 1) {
        fault(t, f, "has several values, and one of them would have to be chosen");
        return NULL;
    }
    text = text_of(&a->values[0]);
    if (!text)
        fault(t, f, "is no text of at most 16 KiB in UTF-8");
    return text;
}

static void put_text(struct taking *t, json_t *o, const char *key, enum dir_field f, bool one)
{
    json_t *text = value_of(t, f, one);

    if (text)
        json_object_set_new(o, key, text);
}

static void put_number(struct taking *t, json_t *o, const char *key, enum dir_field f)
{
    const struct dir_attr *a = dir_attr(t->entry, t->map->attribute[f]);
    int64_t n;

    if (!a)
        return;
    if (a->n > 1)
        fault(t, f, "has several values");
    else if (dir_number(t->entry, t->map->attribute[f], &n) <= 0 || n < 0)
        fault(t, f, "is no whole number");
    else
        json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void put_instant(json_t *o, const char *key, int64_t t)
{
    char text[ROLLCALL_TIME_TEXT];

    if (t != ROLLCALL_TIME_UNSET)
        json_object_set_new(o, key, json_string(rollcall_time_format(t, -1, text, sizeof(text))));
}

// GeneralizedTime, or ISO 8601 where somebody keeps HR's dates as text. A bare date is its
// day's first instant, or where `end` the instant after it.
static int64_t instant_of(struct taking *t, enum dir_field f, bool end)
{
    const struct dir_attr *a = dir_attr(t->entry, t->map->attribute[f]);
    enum rollcall_time_kind kind;
    char text[64];
    int64_t at;

    if (!a)
        return ROLLCALL_TIME_UNSET;
    if (dir_generalized_time(&a->values[0], &at) == 0)
        return at < 0 ? 0 : at;
    snprintf(text, sizeof(text), "%.*s",
             a->values[0].bv_len < sizeof(text) ? (int)a->values[0].bv_len : 0,
             a->values[0].bv_val);
    if (rollcall_time_parse(text, &kind, &at) < 0 ||
        (end && kind == ROLLCALL_TIME_DATE && rollcall_date_end(text, &at) < 0)) {
        fault(t, f, "is no time such as 20261130170000Z or 2026-11-30T17:00:00Z");
        return ROLLCALL_TIME_UNSET;
    }
    return at;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == ROLLCALL_TIME_UNSET || (b != ROLLCALL_TIME_UNSET && b < a) ? b : a;
}

static int64_t later(int64_t a, int64_t b)
{
    return a == ROLLCALL_TIME_UNSET || b > a ? b : a;
}

static void put_state(struct taking *t, json_t *user, json_t *ours)
{
    struct dir_state s = {0};

    if (t->failed || dir_state_take(t->entry, &s, t->why, t->why_len) < 0) {
        t->failed = true;
        return;
    }
    put_text(t, ours, "status", DIR_STATUS, true);
    // A switch at the directory goes before what HR's word there says.
    if (s.disabled &&
        strcmp(json_string_value(json_object_get(ours, "status")) ?: "", "terminated") != 0)
        json_object_set_new(ours, "status", json_string("disabled"));
    if (!json_object_get(ours, "status"))
        json_object_set_new(user, "active", json_true());
    put_instant(ours, "start", later(s.start, instant_of(t, DIR_START, false)));
    put_instant(ours, "end", earlier(s.end, instant_of(t, DIR_END, true)));
    put_instant(ours, "terminatedAt", instant_of(t, DIR_TERMINATED_AT, false));
    if (s.password_blocked)
        json_object_set_new(ours, "passwordBlocked", json_true());
}

// Whoever may write keys into an own entry must not be able to hide from its status by them: a
// key that cannot be taken is left out, with a word, and all else of the entry counts.
static void put_keys(struct taking *t, json_t *ours)
{
    const struct dir_attr *a = dir_attr(t->entry, t->map->attribute[DIR_SSH_PUBLIC_KEYS]);
    json_t *list = json_array();
    size_t n = a ? a->n : 0;

    // Whoever has none has none: the entry is there, and says so.
    if (t->map->attribute[DIR_SSH_PUBLIC_KEYS])
        json_object_set(ours, "sshPublicKeys", list);
    if (n > ROLLCALL_SOURCE_LISTS_MAX) {
        leave_out(t, "has more than 1024 values; those behind are left out");
        n = ROLLCALL_SOURCE_LISTS_MAX;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *text = a->values[i].bv_len > 0 ? text_of(&a->values[i]) : NULL;
        if (text)
            json_array_append_new(list, text);
        else
            leave_out(t, "has a value that is no text of at most 16 KiB; it is left out");
    }
    json_decref(list);
}

static void put_names(struct taking *t, json_t *ours, const char *name, const char *dn)
{
    json_t *aliases = json_array(), *own = text_of(&t->entry->dn);

    if (own)
        json_object_set_new(ours, "dn", own);
    if (!t->map->members_are_names && strlen(dn) <= ALIAS_MAX)
        json_array_append_new(aliases, json_string(dn));
    if (t->map->members_are_names && name && strlen(name) + 4 <= ALIAS_MAX)
        json_array_append_new(aliases, json_sprintf("uid:%s", name));
    json_object_set_new(ours, "aliases", aliases);
}

static json_t *enterprise(struct taking *t)
{
    json_t *o = json_object(), *manager;

    put_text(t, o, "employeeNumber", DIR_EMPLOYEE_NUMBER, true);
    put_text(t, o, "department", DIR_DEPARTMENT, false);
    manager = value_of(t, DIR_MANAGER, false);
    if (manager)
        json_object_set_new(o, "manager", json_pack("{s:o}", "value", manager));
    return o;
}

// A line that the engine would take for a broken source. Measured where the entry's bytes,
// all of them escaped, might come to that.
static bool is_too_long(const struct dir_entry *e, const json_t *user)
{
    size_t bytes = e->dn.bv_len;

    for (size_t i = 0; i < e->n; i++)
        for (size_t k = 0; k < e->attr[i].n; k++)
            bytes += e->attr[i].values[k].bv_len + 3;
    return 6 * bytes > ROLLCALL_SOURCE_LINE_MAX / 2 &&
           json_dumpb(user, NULL, 0, JSON_COMPACT) > ROLLCALL_SOURCE_LINE_MAX - 4096;
}

static void shorten(struct taking *t, json_t *user, json_t *ours)
{
    if (t->failed || !is_too_long(t->entry, user))
        return;
    if (json_array_size(json_object_get(ours, "sshPublicKeys")) > 0) {
        json_object_set_new(ours, "sshPublicKeys", json_array());
        *t->why = 0;
        leave_out(t, "makes the entry longer than 252 KiB; all of it is left out");
    }
    if (is_too_long(t->entry, user)) {
        snprintf(t->why, t->why_len, "the entry is longer than 252 KiB");
        t->failed = true;
    }
}

bool dir_says_terminated(const struct dir_map *m, const struct dir_entry *e)
{
    const char *name = m->hub ? "rollcallState" : m->attribute[DIR_STATUS];
    const struct dir_attr *a = dir_attr(e, name);

    return a && a->n == 1 && a->values[0].bv_len == strlen("terminated") &&
           memcmp(a->values[0].bv_val, "terminated", strlen("terminated")) == 0;
}

int dir_user_take(const struct dir_map *m, const struct dir_entry *e, const char *id,
                  const char *dn, json_t **ret, char *why, size_t why_len)
{
    struct taking t = {.map = m, .entry = e, .why = why, .why_len = why_len};
    json_t *user = json_object(), *ours = json_object(), *email;

    *why = 0;
    json_object_set_new(user, "id", json_string(id));
    put_text(&t, user, "userName", DIR_USER_NAME, true);
    if (!t.failed && !json_object_get(user, "userName"))
        fault(&t, DIR_USER_NAME, "is missing");
    put_text(&t, user, "displayName", DIR_DISPLAY_NAME, false);
    put_text(&t, user, "userType", DIR_USER_TYPE, false);
    email = value_of(&t, DIR_EMAIL, false);
    if (email)
        json_object_set_new(user, "emails", json_pack("[{s:o}]", "value", email));
    json_object_set_new(user, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                        enterprise(&t));
    put_number(&t, ours, "uidNumber", DIR_UID_NUMBER);
    put_number(&t, ours, "gidNumber", DIR_GID_NUMBER);
    put_text(&t, ours, "loginShell", DIR_LOGIN_SHELL, false);
    put_text(&t, ours, "homeDirectory", DIR_HOME_DIRECTORY, false);
    put_state(&t, user, ours);
    put_keys(&t, ours);
    put_names(&t, ours, json_string_value(json_object_get(user, "userName")), dn);
    if (!t.failed && m->hub && dir_hub_user(e, user, ours, why, why_len) < 0)
        t.failed = true;
    json_object_set_new(user, "urn:rollcall:1.0:User", ours);
    shorten(&t, user, ours);
    if (t.failed) {
        json_decref(user);
        return -EBADMSG;
    }
    *ret = user;
    return 0;
}

int dir_group_take(const struct dir_map *m, const struct dir_entry *e, const char *dn,
                   struct dir_group *ret, char *why, size_t why_len)
{
    struct taking t = {.map = m, .entry = e, .why = why, .why_len = why_len};
    json_t *group = json_object(), *aliases = json_array();
    const char *id;

    put_text(&t, group, "id", DIR_GROUP_ID, true);
    put_text(&t, group, "displayName", DIR_GROUP_NAME, false);
    put_number(&t, group, "gidNumber", DIR_GROUP_GID);
    id = json_string_value(json_object_get(group, "id"));
    if (!t.failed && (!id || !*id || strlen(id) > 128))
        fault(&t, DIR_GROUP_ID, "is missing, or longer than 128 bytes");
    if (!m->members_are_names && strlen(dn) <= ALIAS_MAX)
        json_array_append_new(aliases, json_string(dn));
    json_object_set_new(group, "aliases", aliases);
    if (t.failed) {
        json_decref(group);
        return -EBADMSG;
    }
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    ret->group = group;
    ret->members[0] = dir_attr(e, m->attribute[DIR_GROUP_MEMBERS]);
    ret->members[1] = dir_attr(e, m->attribute[DIR_GROUP_MEMBERS_ALSO]);
    return 0;
}

json_t *dir_member(const struct dir_map *m, const struct berval *value)
{
    json_t *text = text_of(value), *alias = NULL;
    char *dn = NULL;

    if (text && m->members_are_names && value->bv_len > 0 && value->bv_len + 4 <= ALIAS_MAX)
        alias = json_sprintf("uid:%s", json_string_value(text));
    else if (text && !m->members_are_names)
        dn = dir_dn(value);
    if (dn && strlen(dn) <= ALIAS_MAX)
        alias = json_string(dn);
    ldap_memfree(dn);
    json_decref(text);
    return alias;
}
