// SPDX-License-Identifier: BSD-2-Clause
// What a source says of somebody, as state.db keeps it: JSON with sorted members, so
// that the same statement always has the same bytes and the same hash.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "syncd/engine/core_internal.h"
#include "syncd/engine/writing.h"

// ---- writing ----

// Members in the order that JSON_SORT_KEYS gives them, as body_with_groups() writes them.
static void put_all(struct writing *w, const struct rollcall_user_record *u)
{
    if (u->aliases.n > 0)
        writing_list(w, "aliases", u->aliases.item, u->aliases.n);
    writing_true(w, "blocked", u->password_blocked);
    writing_text(w, "department", u->department);
    writing_text(w, "display", u->display_name);
    writing_text(w, "dn", u->dn);
    writing_text(w, "email", u->email);
    writing_instant(w, "end", u->end);
    if (u->has_gid)
        writing_number(w, "gid", (int64_t)u->gid);
    if (u->groups_present)
        writing_list(w, "groups", u->groups, u->n_groups);
    writing_text(w, "home", u->home_directory);
    if (u->incarnation > 0 && u->incarnation < UINT32_MAX)
        writing_number(w, "incarnation", (int64_t)u->incarnation);
    if (u->keys_present)
        writing_list(w, "keys", u->ssh_keys, u->n_ssh_keys);
    writing_text(w, "manager", u->manager);
    writing_text(w, "name", u->user_name);
    writing_text(w, "number", u->employee_number);
    writing_true(w, "rehire", u->rehire_conflict);
    if (u->risk)
        writing_number(w, "risk", u->risk);
    writing_text(w, "shell", u->login_shell);
    writing_instant(w, "start", u->start);
    writing_number(w, "status", u->status);
    writing_instant(w, "terminated", u->terminated_at);
    writing_text(w, "type", u->worker_type);
    if (u->has_uid)
        writing_number(w, "uid", (int64_t)u->uid);
}

char *body_from_record(const struct rollcall_user_record *u)
{
    struct writing w;

    writing_begin(&w);
    put_all(&w, u);
    return writing_end(&w);
}

// ---- reading ----

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
