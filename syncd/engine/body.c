// SPDX-License-Identifier: BSD-2-Clause
// What a source says of somebody, as state.db keeps it: JSON with sorted members, so
// that the same statement always has the same bytes and the same hash.
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rollcall/json_writer.h"
#include "syncd/engine/core_internal.h"

// What is no UTF-8 is no member.
static void put_text(struct json_writer *w, const char *name, const char *text)
{
    if (text && json_is_text(text, strlen(text)))
        json_write_text(w, name, text);
}

static void put_instant(struct json_writer *w, const char *name, int64_t t)
{
    if (t != ROLLCALL_TIME_UNSET)
        json_write_integer(w, name, t);
}

static void put_true(struct json_writer *w, const char *name, bool on)
{
    if (on)
        json_write_true(w, name);
}

static void put_list(struct json_writer *w, const char *name, const char *const *items, size_t n)
{
    json_write_open(w, name, '[');
    for (size_t i = 0; i < n; i++)
        put_text(w, NULL, items[i]);
    json_write_close(w, ']');
}

// Members in the order that JSON_SORT_KEYS gives them, as body_with_groups() writes them.
static void put_all(struct json_writer *w, const void *of)
{
    const struct rollcall_user_record *u = of;

    json_write_open(w, NULL, '{');
    if (u->aliases.n > 0)
        put_list(w, "aliases", u->aliases.item, u->aliases.n);
    put_true(w, "blocked", u->password_blocked);
    put_text(w, "department", u->department);
    put_text(w, "display", u->display_name);
    put_text(w, "dn", u->dn);
    put_text(w, "email", u->email);
    put_instant(w, "end", u->end);
    if (u->has_gid)
        json_write_integer(w, "gid", (int64_t)u->gid);
    if (u->groups_present)
        put_list(w, "groups", u->groups, u->n_groups);
    put_text(w, "home", u->home_directory);
    if (u->incarnation > 0 && u->incarnation < UINT32_MAX)
        json_write_integer(w, "incarnation", (int64_t)u->incarnation);
    if (u->keys_present)
        put_list(w, "keys", u->ssh_keys, u->n_ssh_keys);
    put_text(w, "manager", u->manager);
    put_text(w, "name", u->user_name);
    put_text(w, "number", u->employee_number);
    put_true(w, "rehire", u->rehire_conflict);
    if (u->risk)
        json_write_integer(w, "risk", u->risk);
    put_text(w, "shell", u->login_shell);
    put_instant(w, "start", u->start);
    json_write_integer(w, "status", u->status);
    put_instant(w, "terminated", u->terminated_at);
    put_text(w, "type", u->worker_type);
    if (u->has_uid)
        json_write_integer(w, "uid", (int64_t)u->uid);
    json_write_close(w, '}');
}

char *body_from_record(const struct rollcall_user_record *u)
{
    return json_written(put_all, u);
}

int64_t body_hash(const char *text)
{
    return (int64_t)XXH3_64bits(text, strlen(text));
}

char *body_with_groups(const char *body, json_t *groups)
{
    json_t *o = json_loads(body, 0, NULL);
    char *text;

    if (!o)
        return NULL;
    json_object_set(o, "groups", groups);
    text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    return text;
}
