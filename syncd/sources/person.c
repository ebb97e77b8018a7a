// SPDX-License-Identifier: BSD-2-Clause
// What all sources over an API ask of a record before it is a person.
#include "syncd/sources/person.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "syncd/sources/value.h"

const char *person_text(const json_t *record, const char *member)
{
    const json_t *v = json_object_get(record, member);
    const char *text = json_string_value(v);

    return text && *text && json_string_length(v) <= PERSON_TEXT_MAX ? text : NULL;
}

bool person_listed(const json_t *list, const char *text)
{
    for (size_t i = 0; text && i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

bool person_has(const json_t *value)
{
    if (!value || json_is_null(value))
        return false;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_array(value))
        return json_array_size(value) > 0;
    return !json_is_object(value) || json_object_size(value) > 0;
}

const char *person_value_text(const struct value *record, const char *member)
{
    const struct value *v = value_get(record, member);
    size_t len = value_len(v);

    return len > 0 && len <= PERSON_TEXT_MAX ? value_text(v) : NULL;
}

const struct value *person_value_at(const struct value *record, const char *path)
{
    // A member may have a dot in its own name, as SCIM's URNs do: the whole name goes first.
    const struct value *v = value_get(record, path);

    for (const char *dot = path; !v && (dot = strchr(dot, '.')); dot++) {
        const struct value *inner = value_getn(record, path, (size_t)(dot - path));
        if (inner)
            v = person_value_at(inner, dot + 1);
    }
    return v;
}

bool person_value_has(const struct value *value)
{
    if (!value || value->kind == VALUE_NULL)
        return false;
    return value->kind < VALUE_TEXT || value->len > 0;
}

bool person_value_unset(const struct value *value)
{
    return !value || value->kind == VALUE_NULL;
}

const struct value *person_value_list(const struct value *value)
{
    return value_is(value, VALUE_LIST) ? value_first(value) : NULL;
}

const char *person_value_refused(const struct person_rules *rules, const struct value *record,
                                 const char *type)
{
    if (json_array_size(rules->user_types) > 0 && !person_listed(rules->user_types, type))
        return "user-type";
    for (size_t i = 0; i < json_array_size(rules->require_attributes); i++) {
        const char *path = json_string_value(json_array_get(rules->require_attributes, i));
        if (!path || !person_value_has(person_value_at(record, path)))
            return "no-marker";
    }
    return NULL;
}

bool person_login(const json_t *domain, const char *name, char *ret, size_t len)
{
    const char *at = strrchr(name, '@');
    size_t n = strlen(name);

    if (at && json_array_size(domain) > 0) {
        bool ours = false;
        for (size_t i = 0; i < json_array_size(domain) && !ours; i++)
            ours = strcasecmp(json_string_value(json_array_get(domain, i)), at + 1) == 0;
        if (!ours)
            return false;
        n = (size_t)(at - name);
    }
    if (n == 0 || n >= len)
        return false;
    memcpy(ret, name, n);
    ret[n] = 0;
    return true;
}
