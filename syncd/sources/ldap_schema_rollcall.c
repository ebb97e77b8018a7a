// SPDX-License-Identifier: BSD-2-Clause
// A hub's entries.
#include "syncd/sources/ldap_schema_rollcall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/lifecycle.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"

const char *const dir_hub_attributes[] = {"rollcallState",
                                          "rollcallReason",
                                          "rollcallPasswordBlocked",
                                          "rollcallIncarnation",
                                          "rollcallMemberOf",
                                          "rollcallPublicFactor",
                                          "rollcallGeneration",
                                          "rollcallAsOf",
                                          "objectClass",
                                          NULL};

// "" where it is absent, no text, or longer than `buf`.
static const char *text_of(const struct dir_entry *e, const char *name, char *buf, size_t len)
{
    const struct dir_attr *a = dir_attr(e, name);

    *buf = 0;
    if (a && a->n == 1 && a->values[0].bv_len < len &&
        !memchr(a->values[0].bv_val, 0, a->values[0].bv_len)) {
        memcpy(buf, a->values[0].bv_val, a->values[0].bv_len);
        buf[a->values[0].bv_len] = 0;
    }
    return buf;
}

bool dir_hub_is_beat(const struct dir_entry *e)
{
    return dir_has_value(e, "objectClass", "rollcallHeartbeat");
}

// "hr 2026-11-25T21:00:00Z"; 0 where it is not.
static int64_t as_of_one(const struct berval *value)
{
    char text[160], *blank;
    enum rollcall_time_kind kind;
    int64_t at;

    if (value->bv_len >= sizeof(text) || memchr(value->bv_val, 0, value->bv_len))
        return 0;
    memcpy(text, value->bv_val, value->bv_len);
    text[value->bv_len] = 0;
    blank = strrchr(text, ' ');
    if (!blank || rollcall_time_parse(blank + 1, &kind, &at) < 0 || kind != ROLLCALL_TIME_INSTANT)
        return 0;
    return at > 0 ? at : 0;
}

void dir_hub_take_beat(const struct dir_entry *e, struct dir_hub_beat *beat)
{
    const struct dir_attr *a = dir_attr(e, "rollcallAsOf");
    int64_t oldest = INT64_MAX, generation;

    // Nobody is let in on another authority's word: the one counts that is silent longest.
    for (size_t i = 0; a && i < a->n; i++) {
        int64_t at = as_of_one(&a->values[i]);
        if (at < oldest)
            oldest = at;
    }
    if (oldest != INT64_MAX && oldest > beat->as_of)
        beat->as_of = oldest;
    if (dir_number(e, "rollcallGeneration", &generation) > 0 && generation >= 0 &&
        (uint64_t)generation > beat->generation)
        beat->generation = (uint64_t)generation;
}

static const char *status_of(const struct dir_entry *e, char *buf, size_t len)
{
    int64_t reason = 0;

    text_of(e, "rollcallState", buf, len);
    if (strcmp(buf, "suspended") != 0)
        return *buf ? buf : "none"; // no word lets nobody in
    return dir_number(e, "rollcallReason", &reason) > 0 && reason == ROLLCALL_REASON_ON_LEAVE
               ? "leave"
               : "disabled";
}

static int put_groups(const struct dir_entry *e, json_t *user, char *why, size_t why_len)
{
    const struct dir_attr *a = dir_attr(e, "rollcallMemberOf");
    json_t *list = json_array();

    json_object_set_new(user, "groups", list); // whoever is in none, is in none
    if (a && a->n > ROLLCALL_SOURCE_LISTS_MAX) {
        snprintf(why, why_len, "rollcallMemberOf has more than %d values",
                 ROLLCALL_SOURCE_LISTS_MAX);
        return -EBADMSG;
    }
    for (size_t i = 0; a && i < a->n; i++) {
        json_t *name = json_stringn(a->values[i].bv_val, a->values[i].bv_len);
        if (!name) {
            snprintf(why, why_len, "rollcallMemberOf has a value that is no text");
            return -EBADMSG;
        }
        json_array_append_new(list, json_pack("{s:o}", "value", name));
    }
    return 0;
}

// "attested sk-ssh-...": that key, with the word before it.
static void put_marks(const struct dir_entry *e, json_t *ours)
{
    const struct dir_attr *a = dir_attr(e, "rollcallPublicFactor");
    json_t *keys = json_object_get(ours, "sshPublicKeys"), *key;
    size_t k;

    for (size_t i = 0; a && i < a->n; i++) {
        const char *blank = memchr(a->values[i].bv_val, ' ', a->values[i].bv_len);
        size_t word = blank ? (size_t)(blank - a->values[i].bv_val) : 0;
        if (word == 0)
            continue;
        json_array_foreach(keys, k, key)
        {
            size_t n = json_string_length(key);
            if (n == a->values[i].bv_len - word - 1 &&
                memcmp(json_string_value(key), blank + 1, n) == 0)
                json_array_set_new(keys, k, json_stringn(a->values[i].bv_val, a->values[i].bv_len));
        }
    }
}

int dir_hub_user(const struct dir_entry *e, json_t *user, json_t *ours, char *why, size_t why_len)
{
    char text[40];
    int64_t n;
    json_t *status = json_string(status_of(e, text, sizeof(text)));

    if (!status) {
        snprintf(why, why_len, "rollcallState is no text");
        return -EBADMSG;
    }
    json_object_set_new(ours, "status", status);
    json_object_del(user, "active");
    if (strcmp(text_of(e, "rollcallPasswordBlocked", text, sizeof(text)), "TRUE") == 0)
        json_object_set_new(ours, "passwordBlocked", json_true());
    if (dir_number(e, "rollcallIncarnation", &n) > 0 && n > 0)
        json_object_set_new(ours, "incarnation", json_integer((json_int_t)n));
    put_marks(e, ours);
    return put_groups(e, user, why, why_len);
}
