// SPDX-License-Identifier: BSD-2-Clause
// What stands in a resource of SCIM: attributes by their names, groups, the option map.
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "rollcall/lifecycle.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/scim_map.h"

const json_t *scim_get(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name), *found = NULL;
    const char *key;

    if (v)
        return json_is_null(v) ? NULL : v;
    for (void *i = json_object_iter((json_t *)(uintptr_t)object); i && !found;
         i = json_object_iter_next((json_t *)(uintptr_t)object, i)) {
        key = json_object_iter_key(i);
        if (strcasecmp(key, name) == 0)
            found = json_object_iter_value(i);
    }
    return json_is_null(found) ? NULL : found;
}

bool scim_says_two(const json_t *object, const char *name)
{
    const json_t *first = NULL;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)object, key, v)
    {
        if (strcasecmp(key, name) != 0)
            continue;
        if (first && !json_equal(first, v))
            return true;
        first = v;
    }
    return false;
}

int scim_bool(const json_t *value)
{
    const char *s = json_string_value(value);

    if (!value || json_is_null(value))
        return -ENOENT;
    if (json_is_true(value) || (s && strcasecmp(s, "true") == 0))
        return 1;
    if (json_is_false(value) || (s && strcasecmp(s, "false") == 0))
        return 0;
    if (json_is_integer(value) &&
        (json_integer_value(value) == 0 || json_integer_value(value) == 1))
        return (int)json_integer_value(value);
    return -EINVAL;
}

json_t *scim_text(const json_t *v)
{
    if (json_is_integer(v))
        return json_sprintf("%lld", (long long)json_integer_value(v));
    if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) > SCIM_TEXT_MAX)
        return NULL;
    return json_string(json_string_value(v));
}

// ---- groups ----

const char *scim_member(const json_t *entry)
{
    const json_t *v = json_is_string(entry) ? entry : scim_get(entry, "value");
    size_t n = json_string_length(v);

    return n > 0 && n <= PERSON_ID_MAX ? json_string_value(v) : NULL;
}

static json_t *group_of(const char *id, const json_t *name)
{
    json_t *text = scim_text(name), *g = json_pack("{s:s}", "id", id);

    if (text)
        json_object_set(g, "displayName", text);
    json_decref(text);
    return g;
}

json_t *scim_group_take(const json_t *row, const json_t **ret_members)
{
    const json_t *v = scim_get(row, "id"), *members = scim_get(row, "members");
    size_t n = json_string_length(v);

    if (n == 0 || n > PERSON_ID_MAX || scim_says_two(row, "id"))
        return NULL;
    *ret_members = json_is_array(members) ? members : NULL;
    return group_of(json_string_value(v), scim_get(row, "displayName"));
}

json_t *scim_user_group(const json_t *row, size_t n)
{
    const json_t *e = json_array_get(scim_get(row, "groups"), n);
    const char *id = e ? scim_member(e) : NULL;

    if (!e)
        return NULL;
    return id ? group_of(id, scim_get(e, "display")) : json_null();
}

int64_t scim_last_modified(const json_t *row)
{
    const char *text = json_string_value(scim_get(scim_get(row, "meta"), "lastModified"));
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
