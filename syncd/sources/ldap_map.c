// SPDX-License-Identifier: BSD-2-Clause
// Schemas, and what the option `map` changes of them.
#include "syncd/sources/ldap_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "syncd/sources/ldap_dn.h"
#include "syncd/sources/ldap_schema_rollcall.h"
#include "syncd/sources/ldap_state.h"

static const char *const field_names[DIR_FIELDS] = {
    "userName",        "employeeNumber", "displayName",
    "email",           "department",     "manager",
    "userType",        "uidNumber",      "gidNumber",
    "loginShell",      "homeDirectory",  "sshPublicKeys",
    "status",          "start",          "end",
    "terminatedAt",    "group.id",       "group.displayName",
    "group.gidNumber", "group.members",  "group.membersAlso",
};

static const char *const unix_groups[] = {"posixGroup", NULL};
static const char *const dn_groups[] = {"posixGroup", "groupOfNames", "groupOfUniqueNames",
                                        "groupOfMembers", NULL};
static const char *const ad_groups[] = {"group", NULL};

#define PERSON "uid", "employeeNumber", "cn", "mail", "departmentNumber", "manager", "employeeType"
#define UNIX   "uidNumber", "gidNumber", "loginShell", "homeDirectory", "sshPublicKey"
#define UNSAID NULL, NULL, NULL, NULL

static const char *const hub_groups[] = {"rollcallGroup", NULL};

static const struct {
    const char *name;
    const char *attribute[DIR_FIELDS];
    bool members_are_names;
    const char *user_filter, *group_filter;
    const char *const *group_classes;
} schemas[] = {
    {"rfc2307",
     {PERSON, UNIX, UNSAID, "cn", "cn", "gidNumber", "memberUid"},
     true,
     "(objectClass=posixAccount)",
     "(objectClass=posixGroup)",
     unix_groups},
    {"rfc2307bis",
     {PERSON, UNIX, UNSAID, "cn", "cn", "gidNumber", "member", "uniqueMember"},
     false,
     "(objectClass=posixAccount)",
     "(|(objectClass=posixGroup)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
     dn_groups},
    {"inetorgperson",
     {PERSON, NULL, NULL, NULL, NULL, "sshPublicKey", UNSAID, "cn", "cn", NULL, "member",
      "uniqueMember"},
     false,
     "(objectClass=inetOrgPerson)",
     "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
     dn_groups},
    {"ad",
     {"sAMAccountName", "employeeID", "displayName", "mail", "department", "manager",
      "employeeType", "uidNumber", "gidNumber", "loginShell", "unixHomeDirectory", "sshPublicKey",
      UNSAID, "sAMAccountName", "cn", "gidNumber", "member"},
     false,
     "(&(objectCategory=person)(objectClass=user))",
     "(objectClass=group)",
     ad_groups},
    // Members are not asked for: each person's entry says its groups.
    {"rollcall",
     {"uid", "rollcallId", "displayName", NULL, NULL, NULL, NULL, "uidNumber", NULL, "loginShell",
      "homeDirectory", "sshPublicKey", NULL, "rollcallNotBefore", "rollcallNotAfter", NULL, "cn",
      "cn", "gidNumber"},
     true,
     "(objectClass=rollcallAccount)",
     "(|(objectClass=rollcallGroup)(objectClass=rollcallHeartbeat))",
     hub_groups},
};

static int change(struct dir_map *m, const char *text, char *why, size_t why_len)
{
    const char *colon = text ? strchr(text, ':') : NULL;

    for (int i = 0; colon && colon[1] && i < DIR_FIELDS; i++) {
        if (strncmp(field_names[i], text, (size_t)(colon - text)) != 0 ||
            field_names[i][colon - text])
            continue;
        free(m->attribute[i]);
        // Written with a hyphen alone, the directory does not say it.
        m->attribute[i] = strcmp(colon + 1, "-") == 0 ? NULL : strdup(colon + 1);
        if (i == DIR_GROUP_MEMBERS)
            m->members_are_names = strcasecmp(colon + 1, "memberUid") == 0;
        return 0;
    }
    snprintf(why, why_len,
             "map: \"%.80s\" begins with none of userName, employeeNumber, ...; see "
             "rollcall-source-ldap(8)",
             text ? text : "");
    return -EINVAL;
}

static void add(struct dir_map *m, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcasecmp(m->attributes[i], name) == 0)
            return;
    if (*n + 1 < sizeof(m->attributes) / sizeof(m->attributes[0]))
        m->attributes[(*n)++] = name;
}

// Each by its name: operational ones come in no other way, and all the rest would cost.
static void list_attributes(struct dir_map *m)
{
    static const char *const ids[] = {"objectClass", "entryUUID", "nsUniqueId", "objectGUID",
                                      "modifyTimestamp"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        add(m, &n, ids[i]);
    for (int i = 0; i < DIR_FIELDS; i++)
        if (m->attribute[i])
            add(m, &n, m->attribute[i]);
    for (size_t i = 0; !m->hub && dir_state_attributes[i]; i++)
        add(m, &n, dir_state_attributes[i]);
    for (size_t i = 0; m->hub && dir_hub_attributes[i]; i++)
        add(m, &n, dir_hub_attributes[i]);
    m->attributes[n] = NULL;
}

int dir_map_init(struct dir_map *m, const char *schema, const json_t *changes, char *why,
                 size_t why_len)
{
    size_t i;
    json_t *text;
    int r = 0;

    *m = (struct dir_map){0};
    for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
        if (strcmp(schemas[i].name, schema) == 0)
            break;
    if (i == sizeof(schemas) / sizeof(schemas[0])) {
        snprintf(why, why_len, "there is no schema \"%.40s\"", schema);
        return -EINVAL;
    }
    for (int k = 0; k < DIR_FIELDS; k++)
        m->attribute[k] = schemas[i].attribute[k] ? strdup(schemas[i].attribute[k]) : NULL;
    m->members_are_names = schemas[i].members_are_names;
    m->user_filter = schemas[i].user_filter;
    m->group_filter = schemas[i].group_filter;
    m->group_classes = schemas[i].group_classes;
    m->hub = strcmp(schema, "rollcall") == 0;
    json_array_foreach(changes, i, text)
    {
        r = change(m, json_string_value(text), why, why_len);
        if (r < 0)
            break;
    }
    if (r == 0 && (!m->attribute[DIR_USER_NAME] || !m->attribute[DIR_GROUP_ID])) {
        snprintf(why, why_len, "map: userName and group.id are needed");
        r = -EINVAL;
    }
    if (r == 0)
        list_attributes(m);
    else
        dir_map_done(m);
    return r;
}

void dir_map_done(struct dir_map *m)
{
    for (int i = 0; i < DIR_FIELDS; i++)
        free(m->attribute[i]);
    *m = (struct dir_map){0};
}

enum dir_kind dir_kind_of(const struct dir_map *m, const struct dir_entry *e, const char *dn)
{
    bool group = false;

    for (size_t i = 0; m->group_classes[i]; i++)
        group = group || dir_has_value(e, "objectClass", m->group_classes[i]);
    if (group)
        return !m->group_base || dir_dn_below(dn, m->group_base) ? DIR_GROUP : DIR_NOBODY;
    return !m->user_base || dir_dn_below(dn, m->user_base) ? DIR_USER : DIR_NOBODY;
}
