// SPDX-License-Identifier: BSD-2-Clause
// Groups, for other clients of the directory: entries at their first member, and memberUid
// kept in step with what each person's entry said before and says now. It is written
// before the people: were we killed between, the same difference is found again.
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "syncd/sinks/sink.h"

// A name that is one in a DN, too, as it stands.
static bool is_plain(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && (p == name || !strchr("-_.", *p)))
            return false;
    return *name;
}

static void dn_of(const struct sink *s, const char *group, char *buf, size_t len)
{
    snprintf(buf, len, "cn=%s,ou=groups,%s", group, s->base);
}

static void keep_entry(void *ctx, json_t *entry)
{
    *(json_t **)ctx = json_incref(entry);
}

// Our own entry, made where there is none. Another's is left alone.
static bool ensure(struct sink *s, const char *group, json_int_t gid)
{
    static const char *const attributes[] = {"rollcallOwner", NULL};
    json_t *known = json_object_get(s->groups, group), *found = NULL;
    char dn[SINK_DN_MAX];
    bool ours;

    if (known)
        return json_is_true(known);
    dn_of(s, group, dn, sizeof(dn));
    sink_search(s, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, keep_entry, &found);
    if (found) {
        const char *owner =
            json_string_value(json_array_get(json_object_get(found, "rollcallOwner"), 0));
        ours = owner && strcmp(owner, s->hub) == 0;
        if (!ours)
            sink_problem("%s is not this hub's: it is left alone", dn);
    } else {
        char number[24];
        json_t *classes = json_pack("[s, s]", "posixGroup", "rollcallGroup"), *owner, *gids,
               *names = json_pack("[s]", group);
        struct sink_mods mods = {0};
        struct sink_requests q = {0};
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, gid);
        owner = json_pack("[s]", s->hub);
        gids = json_pack("[s]", number);
        sink_mods_put(&mods, LDAP_MOD_ADD, "objectClass", classes);
        sink_mods_put(&mods, LDAP_MOD_ADD, "rollcallOwner", owner);
        sink_mods_put(&mods, LDAP_MOD_ADD, "gidNumber", gids);
        sink_mods_put(&mods, LDAP_MOD_ADD, "cn", names);
        sink_add(s, &q, dn, mods.list, dn, LDAP_SUCCESS);
        ours = sink_finish(s, &q) == 0;
        sink_mods_done(&mods);
        json_decref(classes);
        json_decref(owner);
        json_decref(gids);
        json_decref(names);
    }
    json_decref(found);
    json_object_set_new(s->groups, group, json_boolean(ours));
    return ours;
}

static bool has(const json_t *list, const char *text)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v) if (strcmp(json_string_value(v), text) == 0) return true;
    return false;
}

static void note(json_t *changes, const char *group, const char *what, const char *name)
{
    json_t *g = json_object_get(changes, group), *list;

    if (!g) {
        g = json_object();
        json_object_set_new(changes, group, g);
    }
    list = json_object_get(g, what);
    if (!list) {
        list = json_array();
        json_object_set_new(g, what, list);
    }
    json_array_append_new(list, json_string(name));
}

// Adds to `changes` what this person's groups came to, {group: {add: [], remove: []}}.
static void compare(struct sink *s, const json_t *user, const json_t *was, json_t *changes)
{
    const char *name = json_string_value(json_object_get(user, "name"));
    const char *before = json_string_value(json_array_get(json_object_get(was, "uid"), 0));
    const json_t *then = json_object_get(was, "rollcallMemberOf"), *v;
    bool renamed = before && *name && strcmp(before, name) != 0;
    json_t *now = json_array();
    size_t i;
    // Without an entry that is to stand there, and without a name, nobody comes into a group.
    bool comes = *name && (was || !json_is_true(json_object_get(user, "there")));

    json_array_foreach(json_object_get(user, "groups"), i, v)
    {
        const char *group = json_string_value(json_array_get(v, 0));
        if (!is_plain(group))
            continue;
        json_array_append_new(now, json_string(group));
        if (comes && (renamed || !has(then, group)) &&
            ensure(s, group, json_integer_value(json_array_get(v, 1))))
            note(changes, group, "add", name);
    }
    json_array_foreach(then, i, v)
    {
        const char *group = json_string_value(v);
        if (before && is_plain(group) && (renamed || !has(now, group)))
            note(changes, group, "remove", before);
    }
    json_decref(now);
}

void sink_groups(struct sink *s, json_t *users, const json_t *was)
{
    json_t *changes = json_object(), *user, *change;
    struct sink_requests q = {0};
    const char *group;
    size_t i;

    json_array_foreach(users, i, user)
    {
        char uid[24];
        snprintf(uid, sizeof(uid), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(user, "uid")));
        compare(s, user, json_object_get(was, uid), changes);
    }
    json_object_foreach(changes, group, change)
    {
        struct sink_mods mods = {0};
        char dn[SINK_DN_MAX];
        if (json_is_false(json_object_get(s->groups, group)))
            continue;
        dn_of(s, group, dn, sizeof(dn));
        // Removals first: a name may pass from one person to another.
        if (json_object_get(change, "remove"))
            sink_mods_put(&mods, LDAP_MOD_DELETE, "memberUid", json_object_get(change, "remove"));
        sink_mods_put(&mods, LDAP_MOD_ADD, "memberUid", json_object_get(change, "add"));
        sink_modify(s, &q, dn, mods.list, dn, LDAP_NO_SUCH_OBJECT, true);
        sink_mods_done(&mods);
    }
    sink_finish(s, &q);
    json_decref(changes);
}
