// SPDX-License-Identifier: BSD-2-Clause
// What state.db keeps of somebody, read again: by yajl, straight into the fields. jansson took
// five times as long, and of a listing everybody is read.
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "rollcall/json_writer.h"
#include "syncd/engine/core_internal.h"

enum { NONE, TEXT, NUMBER, UNSIGNED, TRUTH, LIST };

static const struct member {
    const char *name;
    int what;
    size_t at, has; // offsets in struct body; `has` 0: none
} members[] = {
#define AT(field) offsetof(struct body, field)
    {"aliases", LIST, AT(aliases), 0},
    {"blocked", TRUTH, AT(password_blocked), 0},
    {"department", TEXT, AT(department), 0},
    {"display", TEXT, AT(display_name), 0},
    {"dn", TEXT, AT(dn), 0},
    {"email", TEXT, AT(email), 0},
    {"end", NUMBER, AT(end), 0},
    {"gid", UNSIGNED, AT(gid), AT(has_gid)},
    {"groups", LIST, AT(groups), AT(groups_present)},
    {"home", TEXT, AT(home_directory), 0},
    {"incarnation", NUMBER, AT(incarnation), 0},
    {"keys", LIST, AT(keys), 0},
    {"manager", TEXT, AT(manager), 0},
    {"name", TEXT, AT(user_name), 0},
    {"number", TEXT, AT(employee_number), 0},
    {"rehire", TRUTH, AT(rehire_conflict), 0},
    {"risk", NUMBER, AT(risk_number), 0},
    {"shell", TEXT, AT(login_shell), 0},
    {"start", NUMBER, AT(start), 0},
    {"status", NUMBER, AT(status_number), 0},
    {"terminated", NUMBER, AT(terminated_at), 0},
    {"type", TEXT, AT(worker_type), 0},
    {"uid", UNSIGNED, AT(uid), AT(has_uid)},
#undef AT
};

struct body_owner {
    size_t used;
    char texts[]; // each with its end; together no longer than the JSON was
};

struct reading {
    struct body *b;
    const struct member *member; // whose value comes next, or NULL
    json_t *list;                // that is open, borrowed
    int depth;
    bool over;
};

static void *field(struct reading *r, size_t at)
{
    return (char *)r->b + at;
}

static void note_presence(struct reading *r)
{
    if (r->member->has)
        *(bool *)field(r, r->member->has) = true;
}

static int take_text(void *ctx, const unsigned char *bytes, size_t len)
{
    struct reading *r = ctx;
    struct body_owner *o = r->b->owner;
    char *text = o->texts + o->used;

    // yajl lets through what is longer than need be, and half of a pair.
    if (memchr(bytes, 0, len) || !json_is_text((const char *)bytes, len))
        return 0;
    if (r->list)
        return json_array_append_new(r->list, json_stringn_nocheck((const char *)bytes, len)) == 0;
    if (r->depth != 1 || !r->member || r->member->what != TEXT)
        return 1;
    memcpy(text, bytes, len);
    text[len] = 0;
    o->used += len + 1;
    *(const char **)field(r, r->member->at) = text;
    return 1;
}

static int take_number(void *ctx, long long value)
{
    struct reading *r = ctx;

    if (r->depth != 1 || !r->member)
        return 1;
    if (r->member->what == NUMBER)
        *(int64_t *)field(r, r->member->at) = value;
    else if (r->member->what == UNSIGNED)
        *(uint64_t *)field(r, r->member->at) = (uint64_t)value;
    note_presence(r);
    return 1;
}

static int take_truth(void *ctx, int value)
{
    struct reading *r = ctx;

    if (r->depth == 1 && r->member && r->member->what == TRUTH)
        *(bool *)field(r, r->member->at) = value;
    return 1;
}

static int take_null(void *ctx)
{
    (void)ctx;
    return 1;
}

static int take_name(void *ctx, const unsigned char *bytes, size_t len)
{
    struct reading *r = ctx;

    if (r->depth != 1)
        return 1;
    r->member = NULL;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (*members[i].name == (char)*bytes && strlen(members[i].name) == len &&
            memcmp(members[i].name, bytes, len) == 0)
            r->member = &members[i];
    return 1;
}

static int begin_list(void *ctx)
{
    struct reading *r = ctx;
    json_t **list;

    // It is an object, with lists of texts in it and nothing below.
    if (r->depth++ != 1)
        return 0;
    if (!r->member || r->member->what != LIST)
        return 1;
    list = field(r, r->member->at);
    json_decref(*list);
    *list = json_array();
    r->list = *list;
    note_presence(r);
    return r->list != NULL;
}

static int end_list(void *ctx)
{
    struct reading *r = ctx;

    r->list = NULL;
    r->depth--;
    return 1;
}

static int begin_object(void *ctx)
{
    struct reading *r = ctx;

    return r->depth++ == 0 && !r->over;
}

static int end_object(void *ctx)
{
    struct reading *r = ctx;

    r->over = --r->depth == 0;
    return 1;
}

static bool read_all(struct reading *r, const char *text, size_t len)
{
    static const yajl_callbacks take = {.yajl_null = take_null,
                                        .yajl_boolean = take_truth,
                                        .yajl_integer = take_number,
                                        .yajl_string = take_text,
                                        .yajl_map_key = take_name,
                                        .yajl_start_map = begin_object,
                                        .yajl_end_map = end_object,
                                        .yajl_start_array = begin_list,
                                        .yajl_end_array = end_list};
    yajl_handle parser = yajl_alloc(&take, NULL, r);
    bool good = parser && yajl_parse(parser, (const unsigned char *)text, len) == yajl_status_ok &&
                yajl_complete_parse(parser) == yajl_status_ok && r->over;

    if (parser)
        yajl_free(parser);
    return good;
}

int body_parse(const char *text, struct body *ret)
{
    size_t len = strlen(text);
    struct body b = {.start = ROLLCALL_TIME_UNSET,
                     .end = ROLLCALL_TIME_UNSET,
                     .terminated_at = ROLLCALL_TIME_UNSET};
    struct reading r = {.b = &b};

    b.owner = malloc(sizeof(*b.owner) + len + 1);
    if (!b.owner)
        return -ENOMEM;
    b.owner->used = 0;
    if (!read_all(&r, text, len)) {
        body_done(&b);
        return -EBADMSG;
    }
    b.status = (enum rollcall_status)b.status_number;
    b.risk = (enum rollcall_risk)b.risk_number;
    *ret = b;
    return 0;
}

void body_done(struct body *b)
{
    free(b->owner);
    json_decref(b->groups);
    json_decref(b->keys);
    json_decref(b->aliases);
    *b = (struct body){0};
}
