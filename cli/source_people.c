// SPDX-License-Identifier: BSD-2-Clause
// What would come of a source's people here.
#include "cli/source_people.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "rollcall/account.h"
#include "rollcall/lifecycle.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"

// /etc/passwd itself: by NSS our own people would stand beside the local ones.
static json_t *local_names(void)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    json_t *names = json_object();
    struct passwd pw;
    char buf[8192];

    while (f && rollcall_local_user_next(f, &pw, buf, sizeof(buf)))
        json_object_set_new(names, pw.pw_name, json_true());
    return names;
}

void source_people_init(struct source_people *p, const struct rollcall_config *config,
                        const struct rollcall_source_config *source)
{
    *p = (struct source_people){.config = config,
                                .source = source,
                                .first = json_array(),
                                .without = json_array(),
                                .coverage = json_object(),
                                .names = json_object(),
                                .group = json_object(),
                                .local = local_names(),
                                .listed = json_object()};
}

void source_people_done(struct source_people *p)
{
    json_decref(p->first);
    json_decref(p->without);
    json_decref(p->coverage);
    json_decref(p->names);
    json_decref(p->group);
    json_decref(p->local);
    json_decref(p->listed);
    *p = (struct source_people){0};
}

// ---- why somebody would have no account ----

static bool uid_acceptable(const struct rollcall_config *c, uint64_t uid)
{
    return uid >= c->id_min && uid <= c->id_max && rollcall_id_in_compiled_limits((uint32_t)uid);
}

// "" where the person would have one.
static void refusal_of(struct source_people *p, const struct rollcall_user_record *u, char *why,
                       size_t len)
{
    const char *name = u->user_name ? u->user_name : "";
    enum rollcall_name_fault fault;

    *why = 0;
    if (!(p->source->role & ROLLCALL_ROLE_DIRECTORY))
        return; // it says nothing of accounts
    if (!*name) {
        snprintf(why, len, "it has no userName");
        return;
    }
    fault = rollcall_name_check(name, strlen(name));
    if (fault != ROLLCALL_NAME_OK)
        snprintf(why, len, "userName: %s", rollcall_name_fault_sentence(fault));
    else if (json_object_get(p->names, name))
        snprintf(why, len, "userName stands in two rows (rule 4)");
    else if (json_object_get(p->local, name))
        snprintf(why, len, "a local account has this name, and goes before");
    else if (u->has_uid && !uid_acceptable(p->config, u->uid))
        snprintf(why, len, "uidNumber %llu is outside of id_range", (unsigned long long)u->uid);
    if (fault == ROLLCALL_NAME_OK)
        json_object_set_new(p->names, name, json_string(u->id));
}

// ---- how somebody would look ----

static struct rollcall_verdict verdict_of(const struct source_people *p,
                                          const struct rollcall_user_record *u)
{
    struct rollcall_vouch vouch = {
        // Another source may be the authority; this one's word alone is looked at.
        .role = p->source->role | ROLLCALL_ROLE_AUTHORITY,
        .status = u->status,
        .start = u->start,
        .end = u->end,
        .terminated_at = u->terminated_at,
        .rehire_conflict = u->rehire_conflict,
        .password_blocked = u->password_blocked,
        .compromised =
            u->risk == ROLLCALL_RISK_COMPROMISED && (p->source->role & ROLLCALL_ROLE_SIGNAL)};
    const struct rollcall_local_word local = {0};
    struct rollcall_verdict v;

    rollcall_lifecycle_merge(&vouch, 1, &local, time(NULL), &v);
    return v;
}

static json_t *list_of(const char *const *items, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_string(items[i]));
    return a;
}

static json_t *person_json(const struct source_people *p, const struct rollcall_user_record *u,
                           const char *refused)
{
    struct rollcall_verdict v = verdict_of(p, u);
    char number[200];

    snprintf(number, sizeof(number), "%s%.160s",
             p->source->join_prefix ? p->source->join_prefix : "",
             u->employee_number ? u->employee_number : u->id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s}", "id", u->id, "name",
                     u->user_name ? u->user_name : "", "number", number, "state",
                     rollcall_state_name(v.state), "reason", rollcall_reason_name(v.reason), "in",
                     list_of(u->groups, u->n_groups), "aliases",
                     list_of(u->aliases.item, u->aliases.n), "refused", refused);
}

// ---- which attributes are there ----

static void count(struct source_people *p, const char *attribute, bool is_there)
{
    json_int_t n = json_integer_value(json_object_get(p->coverage, attribute));

    json_object_set_new(p->coverage, attribute, json_integer(n + is_there));
}

static void count_all(struct source_people *p, const struct rollcall_user_record *u)
{
    count(p, "userName", u->user_name && *u->user_name);
    count(p, "employeeNumber", u->employee_number && *u->employee_number);
    count(p, "displayName", u->display_name && *u->display_name);
    count(p, "email", u->email && *u->email);
    count(p, "department", u->department && *u->department);
    count(p, "manager", u->manager && *u->manager);
    count(p, "status", u->status != ROLLCALL_STATUS_UNKNOWN);
    count(p, "groups", u->groups_present);
    count(p, "start", u->start != ROLLCALL_TIME_UNSET);
    count(p, "end", u->end != ROLLCALL_TIME_UNSET);
    count(p, "uidNumber", u->has_uid);
    count(p, "sshPublicKeys", u->n_ssh_keys > 0);
}

static void on_user(struct source_people *p, const struct rollcall_user_record *u)
{
    char why[200];

    p->n++;
    count_all(p, u);
    refusal_of(p, u, why, sizeof(why));
    p->refused += *why != 0;
    if (*why && json_array_size(p->without) < SOURCE_PEOPLE_SHOWN)
        json_array_append_new(p->without, person_json(p, u, why));
    if (!*why && json_array_size(p->first) < SOURCE_PEOPLE_SHOWN)
        json_array_append_new(p->first, person_json(p, u, why));
}

// ---- groups ----

#define LISTED_MAX 200000 // entries of lists that are remembered: beyond, groups may be missing

static void note_members(struct source_people *p, const char *group,
                         const struct rollcall_strings *entries)
{
    for (size_t i = 0; i < entries->n && json_object_size(p->listed) < LISTED_MAX; i++) {
        json_t *groups = json_object_get(p->listed, entries->item[i]);
        if (!groups) {
            groups = json_array();
            json_object_set_new(p->listed, entries->item[i], groups);
        }
        json_array_append_new(groups, json_string(group));
    }
}

// Names of the groups whose ids are given, behind what stands in `text`.
static void name_groups(const struct source_people *p, const json_t *ids, char *text, size_t len)
{
    const json_t *id;
    size_t i, n = strlen(text);

    json_array_foreach(ids, i, id)
    {
        const char *name = json_string_value(json_object_get(p->group, json_string_value(id)));
        if (n < len)
            n += (size_t)snprintf(text + n, len - n, "%s%.100s", n ? ", " : "",
                                  name ? name : json_string_value(id));
    }
}

static void finish_one(const struct source_people *p, json_t *person)
{
    const json_t *alias;
    char text[400] = "";
    size_t i;

    name_groups(p, json_object_get(person, "in"), text, sizeof(text));
    name_groups(p, json_object_get(p->listed, json_string_value(json_object_get(person, "id"))),
                text, sizeof(text));
    json_array_foreach(json_object_get(person, "aliases"), i, alias)
        name_groups(p, json_object_get(p->listed, json_string_value(alias)), text, sizeof(text));
    json_object_del(person, "in");
    json_object_del(person, "aliases");
    json_object_set_new(person, "groups", json_string(text));
}

void source_people_finish(struct source_people *p)
{
    json_t *person;
    size_t i;

    json_array_foreach(p->first, i, person) finish_one(p, person);
    json_array_foreach(p->without, i, person) finish_one(p, person);
}

void source_people_hear(struct source_people *p, const struct rollcall_message *m)
{
    if (m->kind == ROLLCALL_MESSAGE_USER)
        on_user(p, &m->user);
    if (m->kind == ROLLCALL_MESSAGE_MEMBERS) {
        note_members(p, m->group_id, &m->values);
        note_members(p, m->group_id, &m->add);
    }
    if (m->kind == ROLLCALL_MESSAGE_GROUP) {
        p->groups++;
        json_object_set_new(p->group, m->group_id,
                            json_string(m->group_name ? m->group_name : m->group_id));
    }
}
