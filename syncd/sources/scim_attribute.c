// SPDX-License-Identifier: BSD-2-Clause
// What stands in a resource of SCIM: attributes by their names, groups, the option map.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rollcall/lifecycle.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/scim_map.h"

const struct value *scim_get(const struct value *object, const char *name)
{
    const struct value *m, *found = NULL;
    size_t len = strlen(name);

    value_each_member(object, m)
    {
        if (m->name_len != len)
            continue;
        if (memcmp(m->name, name, len) == 0) {
            found = m;
            break;
        }
        if (!found && (*m->name | 0x20) == (*name | 0x20) && strncasecmp(m->name, name, len) == 0)
            found = m;
    }
    return value_is(found, VALUE_NULL) ? NULL : found;
}

bool scim_says_two(const struct value *object, const char *name)
{
    const struct value *first = NULL, *m;
    size_t len = strlen(name);

    value_each_member(object, m)
    {
        if (m->name_len != len || (*m->name | 0x20) != (*name | 0x20) ||
            strncasecmp(m->name, name, len) != 0)
            continue;
        // What says who somebody is holds nothing, and comparing what does would take for ever.
        if (first && (value_holds(m) || !value_equal(first, m)))
            return true;
        first = m;
    }
    return false;
}

int scim_bool(const struct value *value)
{
    const char *s = value_text(value);

    if (!value || value->kind == VALUE_NULL)
        return -ENOENT;
    if (value->kind == VALUE_TRUE || (s && strcasecmp(s, "true") == 0))
        return 1;
    if (value->kind == VALUE_FALSE || (s && strcasecmp(s, "false") == 0))
        return 0;
    if (value->kind == VALUE_INTEGER && (value->integer == 0 || value->integer == 1))
        return (int)value->integer;
    return -EINVAL;
}

const char *scim_text(const struct value *v, char number[SCIM_NUMBER])
{
    size_t len = value_len(v);

    if (value_is(v, VALUE_INTEGER)) {
        snprintf(number, SCIM_NUMBER, "%lld", (long long)v->integer);
        return number;
    }
    return len > 0 && len <= SCIM_TEXT_MAX ? v->text : NULL;
}

// ---- groups ----

const char *scim_member(const struct value *entry)
{
    const struct value *v = value_is(entry, VALUE_TEXT) ? entry : scim_get(entry, "value");
    size_t n = value_len(v);

    return n > 0 && n <= PERSON_ID_MAX ? v->text : NULL;
}

static json_t *group_of(const char *id, const struct value *name)
{
    char number[SCIM_NUMBER];
    const char *text = scim_text(name, number);

    return json_pack("{s:s, s:s*}", "id", id, "displayName", text);
}

json_t *scim_group_take(const struct value *row, const struct value **ret_members)
{
    const struct value *v = scim_get(row, "id"), *members = scim_get(row, "members");
    size_t n = value_len(v);

    if (n == 0 || n > PERSON_ID_MAX || scim_says_two(row, "id"))
        return NULL;
    *ret_members = value_is(members, VALUE_LIST) ? members : NULL;
    return group_of(v->text, scim_get(row, "displayName"));
}

json_t *scim_user_group(const struct value *entry)
{
    const char *id = scim_member(entry);

    return id ? group_of(id, scim_get(entry, "display")) : NULL;
}

int64_t scim_last_modified(const struct value *row)
{
    const char *text = value_text(scim_get(scim_get(row, "meta"), "lastModified"));
    enum rollcall_time_kind kind;
    int64_t at;

    if (!text || rollcall_time_parse(text, &kind, &at) < 0 || kind != ROLLCALL_TIME_INSTANT)
        return ROLLCALL_TIME_UNSET;
    return at;
}

// ---- rules ----

const char *scim_rules_map(struct scim_rules *rules, const json_t *map)
{
    const struct {
        const char *name;
        const char **at;
    } members[] = {{"start:", &rules->start},
                   {"end:", &rules->end},
                   {"status:", &rules->status},
                   {"sshPublicKeys:", &rules->keys}};
    const json_t *one;
    size_t i, k;

    json_array_foreach(map, i, one)
    {
        const char *text = json_string_value(one) ?: "";
        size_t n = strcspn(text, ":") + 1;
        for (k = 0; k < sizeof(members) / sizeof(members[0]); k++)
            if (strncmp(text, members[k].name, n) == 0 && members[k].name[n] == 0)
                break;
        if (k == sizeof(members) / sizeof(members[0]) || !text[n] || strlen(text) > 200)
            return "map: write start, end, status or sshPublicKeys, a colon and where it is in the "
                   "extension, such as end:lastDay or status:/job/state";
        *members[k].at = text + n;
    }
    return NULL;
}
