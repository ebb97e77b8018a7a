// SPDX-License-Identifier: BSD-2-Clause
// What a source says of somebody, as state.db keeps it: JSON with sorted members, so
// that the same statement always has the same bytes and the same hash.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "syncd/engine/core_internal.h"

static void put(json_t *o, const char *key, const char *value)
{
    if (value)
        json_object_set_new(o, key, json_string(value));
}

static void put_instant(json_t *o, const char *key, int64_t t)
{
    if (t != ROLLCALL_TIME_UNSET)
        json_object_set_new(o, key, json_integer(t));
}

static json_t *list_of(const char *const *items, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_string(items[i]));
    return a;
}

char *body_from_record(const struct rollcall_user_record *u)
{
    json_t *o = json_object();
    char *text;

    put(o, "number", u->employee_number);
    put(o, "name", u->user_name);
    put(o, "display", u->display_name);
    put(o, "email", u->email);
    put(o, "department", u->department);
    put(o, "manager", u->manager);
    put(o, "type", u->worker_type);
    put(o, "shell", u->login_shell);
    put(o, "home", u->home_directory);
    put(o, "dn", u->dn);
    json_object_set_new(o, "status", json_integer(u->status));
    put_instant(o, "start", u->start);
    put_instant(o, "end", u->end);
    put_instant(o, "terminated", u->terminated_at);
    if (u->has_uid)
        json_object_set_new(o, "uid", json_integer((json_int_t)u->uid));
    if (u->has_gid)
        json_object_set_new(o, "gid", json_integer((json_int_t)u->gid));
    if (u->groups_present)
        json_object_set_new(o, "groups", list_of(u->groups, u->n_groups));
    if (u->keys_present)
        json_object_set_new(o, "keys", list_of(u->ssh_keys, u->n_ssh_keys));
    if (u->aliases.n > 0)
        json_object_set_new(o, "aliases", list_of(u->aliases.item, u->aliases.n));
    if (u->password_blocked)
        json_object_set_new(o, "blocked", json_true());
    if (u->rehire_conflict)
        json_object_set_new(o, "rehire", json_true());
    if (u->incarnation > 0 && u->incarnation < UINT32_MAX)
        json_object_set_new(o, "incarnation", json_integer((json_int_t)u->incarnation));
    if (u->risk)
        json_object_set_new(o, "risk", json_integer(u->risk));
    text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    return text;
}

static int64_t instant_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return v ? json_integer_value(v) : ROLLCALL_TIME_UNSET;
}

// Of one person the same text is parsed three times in a row: as what came, for the groups, for the
// state. Nobody changes what was parsed.
static json_t *parsed(const char *text)
{
    static json_t *last;
    static char *last_text;
    json_t *o;

    if (last && strcmp(text, last_text) == 0)
        return json_incref(last);
    o = json_loads(text, 0, NULL);
    if (!o)
        return NULL;
    json_decref(last);
    free(last_text);
    last_text = strdup(text);
    last = last_text ? json_incref(o) : NULL;
    return o;
}

int body_parse(const char *text, struct body *ret)
{
    json_t *o = parsed(text);

    if (!o)
        return -EBADMSG;
    *ret = (struct body){
        .json = o,
        .employee_number = json_string_value(json_object_get(o, "number")),
        .user_name = json_string_value(json_object_get(o, "name")),
        .display_name = json_string_value(json_object_get(o, "display")),
        .email = json_string_value(json_object_get(o, "email")),
        .department = json_string_value(json_object_get(o, "department")),
        .manager = json_string_value(json_object_get(o, "manager")),
        .worker_type = json_string_value(json_object_get(o, "type")),
        .login_shell = json_string_value(json_object_get(o, "shell")),
        .home_directory = json_string_value(json_object_get(o, "home")),
        .dn = json_string_value(json_object_get(o, "dn")),
        .status = (enum rollcall_status)json_integer_value(json_object_get(o, "status")),
        .start = instant_of(o, "start"),
        .end = instant_of(o, "end"),
        .terminated_at = instant_of(o, "terminated"),
        .has_uid = json_object_get(o, "uid"),
        .has_gid = json_object_get(o, "gid"),
        .uid = (uint64_t)json_integer_value(json_object_get(o, "uid")),
        .gid = (uint64_t)json_integer_value(json_object_get(o, "gid")),
        .groups = json_object_get(o, "groups"),
        .groups_present = json_object_get(o, "groups"),
        .keys = json_object_get(o, "keys"),
        .aliases = json_object_get(o, "aliases"),
        .password_blocked = json_object_get(o, "blocked"),
        .rehire_conflict = json_object_get(o, "rehire"),
        .incarnation = json_integer_value(json_object_get(o, "incarnation")),
        .risk = (enum rollcall_risk)json_integer_value(json_object_get(o, "risk")),
    };
    return 0;
}

void body_done(struct body *b)
{
    json_decref(b->json);
    *b = (struct body){0};
}

int64_t body_hash(const char *text)
{
    return (int64_t)XXH3_64bits(text, strlen(text));
}

char *body_with_groups(const struct body *b, json_t *groups)
{
    json_t *o = json_copy(b->json);
    char *text;

    json_object_set(o, "groups", groups);
    text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    return text;
}
