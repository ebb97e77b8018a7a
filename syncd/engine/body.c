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
