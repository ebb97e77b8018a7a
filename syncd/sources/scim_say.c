// SPDX-License-Identifier: BSD-2-Clause
// The rows of a listing: which are said, who is absent, the commit.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/random.h"
#include "rollcall/source.h"
#include "syncd/sources/scim.h"

#define TO_COME    60  // seconds that a clock may be ahead
#define ASKED_MAX  100 // beyond so many missing ones, a second pass costs less
#define FAILED_MAX 3   // in a row that cannot be had: it is the server

static const char *name_of(const struct scim *s)
{
    return s->w->request.name;
}

// ---- begin and commit ----

static void open_listing(struct scim *s)
{
    if (!s->begun)
        emit_begin(s->full, s->as_of, NULL, s->as_of, s->since);
    s->begun = true;
}

void scim_begin(struct scim *s, bool full, int64_t as_of)
{
    s->full = full;
    s->as_of = as_of;
    s->begun = s->again = s->saw_inactive = s->no_filter = s->absent_now = false;
    s->rows = s->met = 0;
    s->latest = ROLLCALL_TIME_UNSET;
    s->asked = 0;
    free(s->since);
    s->since = full && listed_known(s->people) && s->cursor ? strdup(s->cursor) : NULL;
    listed_begin(s->people);
    listed_begin(s->groups);
    if (full)
        scim_groups_begin(s->persons);
    // Two whole passes of a process are said in any case: the engine may know of somebody who
    // was missing before it began. From then on what changed is news.
    if (full && (s->wholes < 2 || !s->since || s->absences))
        open_listing(s);
}

void scim_commit(struct scim *s)
{
    uint64_t random = 0;
    char id[40];

    if (s->begun) {
        rollcall_random(&random, sizeof(random));
        snprintf(id, sizeof(id), "%016llx", (unsigned long long)random);
        json_object_set_new(s->w->cursor, "listing", json_string(id));
        json_object_set_new(s->w->cursor, "as_of", json_integer(s->as_of));
        web_commit(s->w, s->rows);
        free(s->cursor);
        s->cursor = json_dumps(s->w->cursor, JSON_COMPACT | JSON_SORT_KEYS);
    } else {
        emit_as_of(s->as_of);
        emit_flush();
    }
    listed_keep(s->people, s->full);
    listed_keep(s->groups, s->full);
    if (s->full)
        s->absences = s->absent_now;
    scim_groups_close(s->persons, NULL, NULL);
}

// ---- people ----

// Whether it is one of ours is not to be told: what takes access away is said all the same.
static bool stands(const struct scim *s, const struct scim_taken *t)
{
    return s->in_unknown && t->kind == SCIM_DROPPED && strcmp(t->reason, "unassigned") == 0;
}

void scim_say_gone(struct scim *s)
{
    const json_t *one;
    size_t i;

    if (!s->full) // a whole reading says it
        return;
    open_listing(s);
    json_array_foreach(s->assigned, i, one)
    {
        if (!scim_groups_is(s->in, json_string_value(one)))
            web_group_lost(s->w, json_string_value(one), "on the server", "the id (not the name)",
                           !s->in_unknown);
    }
}

void scim_say_empty(struct scim *s, const char *why)
{
    if (!s->full) // a whole reading says it
        return;
    open_listing(s);
    // Without an id it may be about anybody: nobody counts as absent then.
    if (s->in_unknown)
        emit_problem(name_of(s), NULL, false, why);
    else
        emit_warning(name_of(s), NULL, why);
}

static void judge(struct scim *s, struct scim_taken *t)
{
    bool in;

    if (!s->assigned || t->kind != SCIM_PERSON)
        return;
    in = s->rules.groups_of_user ? scim_user_in(t->user, s->assigned)
                                 : scim_groups_has(s->in, t->id);
    if (!in)
        scim_user_unassigned(t);
}

// A User's text as it is said, which is what the next reading compares as well. What a person is
// made of is put together in one order always.
struct text {
    const char *bytes;
    size_t len;
};

// Being left out ends no session. What else is seen of the account is said with it: whoever leaves
// is often disabled and taken out of the groups in one go.
static const char *end_of(const struct scim_taken *t)
{
    return t->terminated ? "terminated" : t->inactive ? "disabled" : NULL;
}

static void say(struct scim *s, const struct scim_taken *t, const struct text *text)
{
    open_listing(s);
    if (*t->why && t->kind != SCIM_PROBLEM)
        emit_warning(name_of(s), t->id, t->why);
    if (t->kind == SCIM_PROBLEM) {
        emit_problem(name_of(s), *t->id ? t->id : NULL, t->terminated, t->why);
    } else if (t->kind == SCIM_DROPPED && stands(s, t)) {
        emit_problem(name_of(s), t->id, true, "is inactive");
    } else if (t->kind == SCIM_DROPPED) {
        emit_dropped_as(t->id, t->reason, end_of(t), t->name);
    } else {
        emit_user_text(text->bytes, text->len, name_of(s));
        s->rows++;
    }
}

static struct listed_hash hash_of(struct scim *s, const struct scim_taken *t,
                                  const struct text *text)
{
    char kind = (char)t->kind;

    listed_bytes_begin(s->people);
    listed_bytes(s->people, &kind, 1);
    listed_bytes(s->people, t->why, strlen(t->why) + 1);
    if (t->kind == SCIM_PERSON)
        listed_bytes(s->people, text->bytes, text->len);
    if (t->kind == SCIM_DROPPED) {
        const char *end = end_of(t) ?: "";
        listed_bytes(s->people, t->reason, strlen(t->reason) + 1);
        listed_bytes(s->people, end, strlen(end) + 1);
        listed_bytes(s->people, t->name, strlen(t->name));
    }
    return listed_bytes_end(s->people);
}

static void say_groups_of(struct scim *s, const struct value *row)
{
    const struct value *list = s->rules.groups_of_user ? scim_get(row, "groups") : NULL, *e;

    value_each(list, e)
    {
        json_t *g = scim_user_group(e);
        const char *id = json_string_value(json_object_get(g, "id"));
        if (id &&
            listed_record(s->groups, id, listed_json_hash(s->groups, g), true) == LISTED_NEW) {
            open_listing(s);
            emit_group(json_incref(g));
        }
        json_decref(g);
    }
}

// By the server's clock of meta.lastModified. An entry from before what was asked for shows that
// the filter is none. A time to come is no change seen: nobody else's would be asked for until
// then.
static void note_time(struct scim *s, const struct value *row)
{
    int64_t t = scim_last_modified(row), skew = 0;

    http_skew(s->w->http, &skew);

    if (s->asked > 0 && (t == ROLLCALL_TIME_UNSET || t < s->asked))
        s->no_filter = true;
    if (t != ROLLCALL_TIME_UNSET && t <= s->as_of + skew + TO_COME &&
        (s->latest == ROLLCALL_TIME_UNSET || t > s->latest))
        s->latest = t;
}

int scim_take_user(void *ctx, const struct value *row)
{
    struct scim *s = ctx;
    enum listed_word word = LISTED_NEW;
    struct text text = {0};
    int active = scim_bool(scim_get(row, "active")), r = 0;
    struct scim_taken t;

    if (s->only_inactive && active == 1)
        return SCIM_NO_SUCH; // everybody is given, whatever was asked
    s->saw_inactive = s->saw_inactive || active == 0;
    values_empty(s->said);
    scim_user_take(&s->rules, row, s->said, &t);
    note_time(s, row);
    judge(s, &t);
    if (stands(s, &t) && !t.inactive) {
        s->met++;
        return 0;
    }
    if (t.kind == SCIM_PERSON && !(text.bytes = value_json(s->said, t.user, &text.len)))
        return -ENOMEM;
    if (*t.id) {
        struct listed_hash hash = hash_of(s, &t, &text);
        // What is a problem as long as nobody can tell is something else when somebody can.
        word = listed_record(s->people, t.id, hash, t.kind != SCIM_PROBLEM && !stands(s, &t));
    }
    if (word == LISTED_TWICE && t.inactive)
        s->again = true; // it changed while the pages were read: what came last counts
    s->met += word == LISTED_NEW || word == LISTED_SAME;
    if (word == LISTED_NEW)
        say(s, &t, &text);
    if (t.kind == SCIM_PERSON && (word == LISTED_NEW || word == LISTED_SAME)) {
        say_groups_of(s, row);
        if (s->assigned && (s->full || !scim_groups_has(s->persons, t.id)))
            r = scim_groups_member(s->persons, t.id);
    }
    return r < 0 ? r : !s->later_pass && (word == LISTED_REPEATED || word == LISTED_TWICE);
}

// ---- groups ----

void scim_say_group(json_t *group, const struct value *members)
{
    const char *name = json_string_value(json_object_get(group, "id"));
    json_t *part = json_array();
    const struct value *e;

    emit_group(json_incref(group));
    value_each(members, e)
    {
        const char *id = scim_member(e);
        if (id && json_array_size(part) == ROLLCALL_SOURCE_LISTS_MAX) {
            emit_members(name, part, true);
            part = json_array();
        }
        if (id)
            json_array_append_new(part, json_string(id));
    }
    emit_members(name, part, false);
}

static struct listed_hash group_hash(struct scim *s, const json_t *group,
                                     const struct value *members)
{
    struct listed_hash h = listed_json_hash(s->groups, group);
    const struct value *e;

    listed_bytes_begin(s->groups);
    listed_bytes(s->groups, &h, sizeof(h));
    value_each(members, e)
    {
        const char *id = scim_member(e);
        if (id)
            listed_bytes(s->groups, id, strlen(id) + 1);
    }
    return listed_bytes_end(s->groups);
}

static int remember_members(struct scim *s, const char *id, const struct value *members)
{
    int r = s->assigned ? scim_groups_group(s->in, id) : 0;
    const struct value *e;

    value_each(members, e)
    {
        const char *member = scim_member(e);
        if (r == 0 && s->assigned && member)
            r = scim_groups_member(s->in, member);
    }
    return r;
}

int scim_take_group(void *ctx, const struct value *row)
{
    struct scim *s = ctx;
    const struct value *members = NULL;
    json_t *group = scim_group_take(row, &members);
    const char *id = json_string_value(json_object_get(group, "id"));
    enum listed_word word;
    int r = 0;

    if (!group) {
        open_listing(s);
        emit_warning(name_of(s), NULL, "a Group has no id of 1 to 128 bytes; it is left out");
        return 0;
    }
    word = listed_record(s->groups, id, group_hash(s, group, members), true);
    if (word == LISTED_NEW) {
        open_listing(s);
        scim_say_group(group, members);
    }
    if (word == LISTED_NEW || word == LISTED_SAME)
        r = remember_members(s, id, members);
    json_decref(group);
    return r < 0 ? r : !s->later_pass && (word == LISTED_REPEATED || word == LISTED_TWICE);
}

// ---- absences ----

// listed_absent() hands over nothing but the id.
static struct missing {
    char **id;
    size_t n, room;
    bool failed;
} missing;

static void note_missing(const char *id)
{
    if (missing.n == missing.room) {
        size_t room = missing.room ? missing.room * 2 : 64;
        char **p = reallocarray(missing.id, room, sizeof(*p));
        if (!p) {
            missing.failed = true;
            return;
        }
        missing.id = p;
        missing.room = room;
    }
    missing.id[missing.n] = strdup(id);
    missing.failed = missing.failed || !missing.id[missing.n];
    missing.n += missing.id[missing.n] != NULL;
}

static void forget_missing(void)
{
    for (size_t i = 0; i < missing.n; i++)
        free(missing.id[i]);
    missing.n = 0;
    missing.failed = false;
}

static int find_missing(const struct listed *l)
{
    forget_missing();
    listed_absent(l, note_missing);
    return missing.failed ? -ENOMEM : 0;
}

static int say_absent(struct scim *s)
{
    for (size_t i = 0; i < missing.n; i++) {
        open_listing(s);
        emit_absent(missing.id[i]);
        s->absent_now = true;
    }
    return 0;
}

// It may be this one that cannot be had, and not the server.
static bool is_theirs(int r)
{
    return r == -EAGAIN || r == -EBADMSG || r == -ETIMEDOUT;
}

// Not known to be gone: what is known stands, and it is asked for with the next whole reading.
static int hold(struct scim *s, struct listed *l, const char *id)
{
    char why[HTTP_WHY_MAX + 60];

    snprintf(why, sizeof(why), "is not listed, and cannot be read: %s. What is known stands",
             s->w->why);
    open_listing(s);
    emit_problem(name_of(s), id, false, why);
    listed_bytes_begin(l);
    listed_record(l, id, listed_bytes_end(l), false);
    return 0;
}

// Whoever is there after all was left out by the pages and is taken now.
static int ask_for_each(struct scim *s, const char *path, scim_take *take, struct listed *l)
{
    size_t failed = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < missing.n; i++) {
        const struct value *row = NULL;
        r = scim_one(s->w, &s->server, path, missing.id[i], &row);
        failed = is_theirs(r) ? failed + 1 : 0;
        if (is_theirs(r) && failed < FAILED_MAX)
            r = hold(s, l, missing.id[i]);
        else if (r == 0)
            r = take(s, row);
        else if (r == -ENOENT)
            r = 0;
        emit_progress(i + 1, missing.n);
    }
    return r < 0 ? r : find_missing(l);
}

int scim_confirm(struct scim *s, const char *path)
{
    bool users = strcmp(path, "/Users") == 0;
    scim_take *take = users ? scim_take_user : scim_take_group;
    struct listed *l = users ? s->people : s->groups;
    struct scim_pass pass = {.path = path};
    int r = find_missing(l);

    if (r < 0 || missing.n == 0)
        return r;
    if (missing.n <= ASKED_MAX) {
        r = ask_for_each(s, path, take, l);
    } else {
        s->later_pass = true;
        r = scim_list(s->w, &s->server, &pass, take, s);
        s->later_pass = false;
        free(pass.tag);
        r = r < 0 ? r : find_missing(l);
    }
    return r < 0 ? r : say_absent(s);
}
