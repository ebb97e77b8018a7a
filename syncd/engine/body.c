// SPDX-License-Identifier: BSD-2-Clause
// What a source says of somebody, as state.db keeps it: JSON with sorted members, so
// that the same statement always has the same bytes and the same hash.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "syncd/engine/core_internal.h"

// ---- writing ----

// Text that grows.
struct text {
    char *bytes;
    size_t len, room;
    bool failed; // there was no memory
    char usual[2048];
};

static bool make_room(struct text *t, size_t len)
{
    size_t want = (t->len + len) * 2;
    char *p;

    if (t->failed || len <= t->room - t->len)
        return !t->failed;
    p = realloc(t->bytes == t->usual ? NULL : t->bytes, want);
    t->failed = !p;
    if (!p)
        return false;
    if (t->bytes == t->usual)
        memcpy(p, t->usual, t->len);
    t->bytes = p;
    t->room = want;
    return true;
}

static void add(struct text *t, const char *bytes, size_t len)
{
    if (!make_room(t, len))
        return;
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
}

static void add_text(struct text *t, const char *text)
{
    add(t, text, strlen(text));
}

// Nothing in it has to be written another way, or looked at whether it is UTF-8.
static bool is_plain(const char *value)
{
    for (const char *p = value; *p; p++)
        if ((signed char)*p < ' ' || *p == '"' || *p == '\\')
            return false;
    return true;
}

// False: it is no text.
static bool add_value(struct text *t, const char *value)
{
    json_t *odd;
    char *text;

    if (is_plain(value)) {
        add(t, "\"", 1);
        add_text(t, value);
        add(t, "\"", 1);
        return true;
    }
    odd = json_string(value);
    text = odd ? json_dumps(odd, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        add_text(t, text);
    free(text);
    json_decref(odd);
    return text;
}

static void add_member(struct text *t, const char *key)
{
    if (t->len > 1)
        add(t, ",", 1);
    add(t, "\"", 1);
    add_text(t, key);
    add(t, "\":", 2);
}

static void put(struct text *t, const char *key, const char *value)
{
    size_t before = t->len;

    if (!value)
        return;
    add_member(t, key);
    if (!add_value(t, value))
        t->len = before;
}

static void put_number(struct text *t, const char *key, int64_t value)
{
    char digits[24];

    add_member(t, key);
    add(t, digits, (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)value));
}

static void put_instant(struct text *t, const char *key, int64_t value)
{
    if (value != ROLLCALL_TIME_UNSET)
        put_number(t, key, value);
}

static void put_true(struct text *t, const char *key, bool value)
{
    if (!value)
        return;
    add_member(t, key);
    add_text(t, "true");
}

static void put_list(struct text *t, const char *key, const char *const *items, size_t n)
{
    bool any = false;

    add_member(t, key);
    add(t, "[", 1);
    for (size_t i = 0; i < n; i++) {
        size_t before = t->len;
        if (any)
            add(t, ",", 1);
        if (add_value(t, items[i]))
            any = true;
        else
            t->len = before;
    }
    add(t, "]", 1);
}

// Members in the order that JSON_SORT_KEYS gives them, as body_with_groups() writes them.
static void put_all(struct text *t, const struct rollcall_user_record *u)
{
    if (u->aliases.n > 0)
        put_list(t, "aliases", u->aliases.item, u->aliases.n);
    put_true(t, "blocked", u->password_blocked);
    put(t, "department", u->department);
    put(t, "display", u->display_name);
    put(t, "dn", u->dn);
    put(t, "email", u->email);
    put_instant(t, "end", u->end);
    if (u->has_gid)
        put_number(t, "gid", (int64_t)u->gid);
    if (u->groups_present)
        put_list(t, "groups", u->groups, u->n_groups);
    put(t, "home", u->home_directory);
    if (u->incarnation > 0 && u->incarnation < UINT32_MAX)
        put_number(t, "incarnation", (int64_t)u->incarnation);
    if (u->keys_present)
        put_list(t, "keys", u->ssh_keys, u->n_ssh_keys);
    put(t, "manager", u->manager);
    put(t, "name", u->user_name);
    put(t, "number", u->employee_number);
    put_true(t, "rehire", u->rehire_conflict);
    if (u->risk)
        put_number(t, "risk", u->risk);
    put(t, "shell", u->login_shell);
    put_instant(t, "start", u->start);
    put_number(t, "status", u->status);
    put_instant(t, "terminated", u->terminated_at);
    put(t, "type", u->worker_type);
    if (u->has_uid)
        put_number(t, "uid", (int64_t)u->uid);
}

char *body_from_record(const struct rollcall_user_record *u)
{
    struct text t = {.room = sizeof(t.usual)};
    char *ret;

    t.bytes = t.usual;
    add(&t, "{", 1);
    put_all(&t, u);
    add(&t, "}", 2); // and the end of the text
    ret = t.bytes;
    if (t.bytes == t.usual) {
        ret = malloc(t.len);
        if (ret)
            memcpy(ret, t.usual, t.len);
    }
    if (t.failed && ret)
        free(ret);
    return t.failed ? NULL : ret;
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
