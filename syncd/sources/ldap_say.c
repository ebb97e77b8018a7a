// SPDX-License-Identifier: BSD-2-Clause
// Listings as rollcall-source-ldap says them.
#include "syncd/sources/ldap_say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/source.h"
#include "syncd/sources/ldap_dn.h"

#define MEMBERS_BYTES (ROLLCALL_SOURCE_LINE_MAX - 4096)

void dir_say_init(struct dir_say *say, const struct dir_settings *set)
{
    struct timespec ts;

    *say = (struct dir_say){.set = set, .groups = json_object(), .waiting = json_object()};
    clock_gettime(CLOCK_REALTIME, &ts);
    // Never one that was used before, but for a clock that went back.
    say->counter = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
    snprintf(say->cursor, sizeof(say->cursor), "%s",
             set->request.cursor ? set->request.cursor : "");
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The two numbers behind the head; where they end.
static const char *read_numbers(const char *p, int64_t *ret_whole)
{
    char *end;

    strtoull(p, &end, 16);
    if (end == p || *end != ' ')
        return NULL;
    p = end + 1;
    *ret_whole = strtoll(p, &end, 16);
    return end == p || *end != ' ' ? NULL : end + 1;
}

bool dir_say_cookie(struct dir_say *say, struct dir_cookie *ret)
{
    struct dir_cookie c = {0};
    int64_t whole;
    char head[32];
    const char *p;

    snprintf(head, sizeof(head), "ldap1 %s ", say->set->fingerprint);
    if (strncmp(say->cursor, head, strlen(head)) != 0)
        return false;
    p = read_numbers(say->cursor + strlen(head), &whole);
    for (; p && p[0] && p[1] && c.len < sizeof(c.bytes); p += 2) {
        int high = digit(p[0]), low = digit(p[1]);
        if (high < 0 || low < 0)
            return false;
        c.bytes[c.len++] = (char)(high << 4 | low);
    }
    if (!p || *p || c.len == 0)
        return false;
    say->whole_at = whole;
    *ret = c;
    return true;
}

static void make_cursor(struct dir_say *say, const struct dir_cookie *cookie)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = (size_t)snprintf(say->cursor, sizeof(say->cursor), "ldap1 %s %llx %llx ",
                                 say->set->fingerprint, (unsigned long long)++say->counter,
                                 (unsigned long long)say->whole_at);

    for (size_t i = 0; cookie && i < cookie->len && at + 3 < sizeof(say->cursor); i++) {
        say->cursor[at++] = digits[(unsigned char)cookie->bytes[i] >> 4];
        say->cursor[at++] = digits[cookie->bytes[i] & 15];
    }
    say->cursor[at] = 0;
}

void dir_say_begin(struct dir_say *say, enum dir_listing what, int64_t as_of)
{
    char version[40];

    if (say->set->map.hub) // what it says is as old as what its authorities said
        as_of = say->hub.as_of;
    // The clock of this host may have been set back since.
    if (what != DIR_DELTA && as_of <= say->full_as_of)
        as_of = say->full_as_of + (what == DIR_DIFFERENCE);
    snprintf(version, sizeof(version), "%llx", (unsigned long long)say->counter + 1);
    emit_begin(what != DIR_DELTA, as_of, version, time(NULL),
               what == DIR_DIFFERENCE ? say->cursor : NULL);
    say->open = true;
    say->full = what != DIR_DELTA;
    say->as_of = as_of;
    say->rows = say->done = 0;
    say->whole = what == DIR_WHOLE;
    if (say->whole) {
        json_object_clear(say->groups);
        json_object_clear(say->waiting);
    }
}

void dir_say_commit(struct dir_say *say, const struct dir_cookie *cookie)
{
    if (say->whole)
        say->whole_at = say->set->map.hub ? time(NULL) : say->as_of;
    say->whole = false;
    make_cursor(say, cookie);
    if (say->set->map.hub) {
        emit_commit_of(say->cursor, say->rows, say->hub.generation);
        emit_as_of(say->hub.as_of);
        say->committed = say->hub;
    } else {
        emit_commit(say->cursor, say->rows);
    }
    emit_flush();
    say->open = false;
    if (say->full)
        say->full_as_of = say->as_of;
}

void dir_say_check(struct dir_say *say, const struct dir_cookie *cookie)
{
    char version[40];

    snprintf(version, sizeof(version), "%llx", (unsigned long long)say->counter + 1);
    emit_begin(true, say->full_as_of, version, time(NULL), say->cursor);
    say->rows = 0;
    say->full = true;
    say->as_of = say->full_as_of;
    dir_say_commit(say, cookie);
}

// Lists of more than a line holds go over several.
static void say_members(const struct dir_map *map, const struct dir_group *g)
{
    json_t *values = json_array();
    size_t bytes = 0;

    for (int k = 0; k < 2; k++)
        for (size_t i = 0; g->members[k] && i < g->members[k]->n; i++) {
            json_t *alias = dir_member(map, &g->members[k]->values[i]);
            size_t need = alias ? 6 * json_string_length(alias) + 3 : 0; // all of it escaped
            if (!alias)
                continue;
            if (json_array_size(values) == ROLLCALL_SOURCE_LISTS_MAX ||
                bytes + need > MEMBERS_BYTES) {
                emit_members(g->id, values, true);
                values = json_array();
                bytes = 0;
            }
            bytes += need;
            json_array_append_new(values, alias);
        }
    emit_members(g->id, values, false);
}

static void say_progress(struct dir_say *say)
{
    if (++say->done % 1000 == 0)
        emit_progress(say->done, say->done);
}

// Whoever may add a group anywhere below the base must not name the members of another one:
// the first that has an id has it for as long as it is there. Where another waited for it, all is
// read again once it is gone.
static bool is_anothers(struct dir_say *say, const char *group, const unsigned char *uuid,
                        struct dir_known *known)
{
    const char *holder = json_string_value(json_object_get(say->groups, group));
    struct berval text = {holder ? strlen(holder) : 0, (char *)(uintptr_t)holder};
    unsigned char first[DIR_UUID];
    struct dir_known_entry *e;
    char own[DIR_UUID_TEXT];

    if (holder && dir_uuid_parse(&text, first) == 0 && memcmp(first, uuid, DIR_UUID) != 0) {
        e = dir_known_find(known, first);
        if (e && !e->leaving && e->group && strcmp(e->group, group) == 0) {
            json_object_set_new(say->waiting, group, json_true());
            return true;
        }
    }
    dir_uuid_text(uuid, own);
    json_object_set_new(say->groups, group, json_string(own));
    return false;
}

bool dir_say_group_gone(struct dir_say *say, const struct dir_known_entry *e)
{
    const char *holder = json_string_value(json_object_get(say->groups, e->group));
    char own[DIR_UUID_TEXT];

    dir_uuid_text(e->uuid, own);
    if (holder && strcmp(holder, own) != 0)
        return false;
    json_object_del(say->groups, e->group);
    emit_members(e->group, json_array(), false);
    return json_object_del(say->waiting, e->group) == 0;
}

static int say_group(struct dir_say *say, const struct dir_entry *e, const char *where,
                     const char *dn, const unsigned char *uuid, struct dir_known *known)
{
    struct dir_known_entry *before = dir_known_find(known, uuid);
    struct dir_group g;
    char why[300];

    if (dir_group_take(&say->set->map, e, dn, &g, why, sizeof(why)) < 0) {
        emit_warning(where, NULL, why);
        return dir_known_put(known, uuid, DIR_GROUP, NULL) ? DIR_GROUP : -ENOMEM;
    }
    // Another id is another group; nobody is in the old one any more.
    if (before && before->group && strcmp(before->group, g.id) != 0 && !say->full)
        emit_members(before->group, json_array(), false);
    if (is_anothers(say, g.id, uuid, known)) {
        emit_warning(where, NULL, "another group has its id already: it is left out");
        json_decref(g.group);
        return dir_known_put(known, uuid, DIR_GROUP, NULL) ? DIR_GROUP : -ENOMEM;
    }
    emit_group(g.group);
    if (!say->set->map.hub)
        say_members(&say->set->map, &g);
    return dir_known_put(known, uuid, DIR_GROUP, g.id) ? DIR_GROUP : -ENOMEM;
}

static int say_user(struct dir_say *say, const struct dir_entry *e, const char *where,
                    const char *dn, const unsigned char *uuid, struct dir_known *known)
{
    char why[300], id[DIR_UUID_TEXT];
    json_t *user = NULL;

    dir_uuid_text(uuid, id);
    if (dir_user_take(&say->set->map, e, id, dn, &user, why, sizeof(why)) < 0) {
        emit_problem(where, id, dir_says_terminated(&say->set->map, e), why);
    } else {
        if (*why)
            emit_warning(where, id, why);
        emit_user(user, where);
        say->rows++;
    }
    return dir_known_put(known, uuid, DIR_USER, NULL) ? DIR_USER : -ENOMEM;
}

int dir_say_entry(struct dir_say *say, const struct dir_entry *e,
                  const unsigned char uuid[DIR_UUID], struct dir_known *known)
{
    char *dn = dir_dn(&e->dn), where[300], id[DIR_UUID_TEXT];
    json_t *text =
        json_stringn(e->dn.bv_len < 256 ? e->dn.bv_val : "", e->dn.bv_len < 256 ? e->dn.bv_len : 0);
    int r = DIR_NOBODY;

    snprintf(where, sizeof(where), "%s",
             text && !memchr(e->dn.bv_val, 0, e->dn.bv_len) ? json_string_value(text) : "");
    json_decref(text);
    dir_uuid_text(uuid, id);
    if (!*where)
        snprintf(where, sizeof(where), "%s", id);
    say_progress(say);
    if (!dn) {
        emit_problem(where, id, false, "its DN cannot be read");
        r = dir_known_put(known, uuid, DIR_USER, NULL) ? DIR_USER : -ENOMEM;
    } else if (say->set->map.hub && dir_hub_is_beat(e)) {
        // Known, so that it is not taken for an entry that came unseen.
        dir_hub_take_beat(e, &say->seen);
        if (say->in_order)
            say->hub = say->seen;
        r = dir_known_put(known, uuid, DIR_GROUP, NULL) ? DIR_NOBODY : -ENOMEM;
    } else {
        r = dir_kind_of(&say->set->map, e, dn);
    }
    if (dn && r == DIR_GROUP)
        r = say_group(say, e, where, dn, uuid, known);
    else if (dn && r == DIR_USER)
        r = say_user(say, e, where, dn, uuid, known);
    ldap_memfree(dn);
    return r;
}
