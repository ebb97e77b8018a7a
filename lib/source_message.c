// SPDX-License-Identifier: BSD-2-Clause
// One line of a source into one typed message.
#include "rollcall/source.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "rollcall/timeparse.h"
#include "rollcall/json_value.h"

#define ENTERPRISE         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define ROLLCALL_EXTENSION "urn:rollcall:1.0:User"

#define LISTS              3 // of one message at most

// What a message's pointers live in: the JSON document and the lists made from it.
struct owner {
    json_t *json;
    const char **list[LISTS];
    size_t n;
};

struct parse {
    struct owner *owner;
    char *why;
    size_t why_len;
};

static int wrong(struct parse *p, const char *member, const char *should)
{
    snprintf(p->why, p->why_len, "\"%s\" %s", member, should);
    return -EBADMSG;
}

// Absent and null are the same: *ret untouched.
static int take_text(struct parse *p, const json_t *o, const char *member, const char **ret)
{
    const json_t *v = json_object_get(o, member);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return wrong(p, member, "must be a string");
    if (json_string_length(v) > 16384)
        return wrong(p, member, "is longer than 16 KiB");
    *ret = json_string_value(v);
    return 0;
}

static int take_bool(struct parse *p, const json_t *o, const char *member, bool *ret)
{
    const json_t *v = json_object_get(o, member);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_boolean(v))
        return wrong(p, member, "must be true or false");
    *ret = json_is_true(v);
    return 0;
}

static int take_number(struct parse *p, const json_t *o, const char *member, bool *ret_has,
                       uint64_t *ret)
{
    const json_t *v = json_object_get(o, member);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return wrong(p, member, "must be a whole number, not negative");
    *ret = (uint64_t)json_integer_value(v);
    if (ret_has)
        *ret_has = true;
    return 0;
}

static int take_instant(struct parse *p, const json_t *o, const char *member, int64_t *ret)
{
    enum rollcall_time_kind kind;
    const char *text = NULL;
    int64_t t;
    int r = take_text(p, o, member, &text);

    if (r < 0 || !text)
        return r;
    if (rollcall_time_parse(text, &kind, &t) < 0 || kind != ROLLCALL_TIME_INSTANT)
        return wrong(p, member, "must be an instant with offset, such as 2026-11-30T17:00:00Z");
    *ret = t;
    return 0;
}

struct bounds {
    const char *value; // of an object, as in SCIM's lists; NULL: strings stand in the list
    size_t entries, bytes;
};
static const struct bounds by_value = {"value", ROLLCALL_SOURCE_LISTS_MAX, 16384};
static const struct bounds plain = {NULL, ROLLCALL_SOURCE_LISTS_MAX, 16384};
static const struct bounds ids = {"value", ROLLCALL_SOURCE_LISTS_MAX, 128};
static const struct bounds names = {NULL, ROLLCALL_SOURCE_ALIASES, ROLLCALL_SOURCE_ENTRY_MAX};
static const struct bounds entries = {NULL, ROLLCALL_SOURCE_LISTS_MAX, ROLLCALL_SOURCE_ENTRY_MAX};

// Strings of an array. ret_present may be NULL.
static int take_list(struct parse *p, const json_t *o, const char *member, const struct bounds *b,
                     bool *ret_present, struct rollcall_strings *ret)
{
    const json_t *a = json_object_get(o, member), *item;
    const char **list;
    char should[64];
    size_t i;

    if (!a || json_is_null(a))
        return 0;
    snprintf(should, sizeof(should), "must be a list of at most %zu entries", b->entries);
    if (!json_is_array(a) || json_array_size(a) > b->entries || p->owner->n == LISTS)
        return wrong(p, member, should);
    list = calloc(json_array_size(a) + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    p->owner->list[p->owner->n++] = list;
    snprintf(should, sizeof(should), "must hold strings of 1 to %zu bytes", b->bytes);
    json_array_foreach(a, i, item)
    {
        const json_t *s = b->value ? json_object_get(item, b->value) : item;
        if (!json_is_string(s) || json_string_length(s) == 0 || json_string_length(s) > b->bytes)
            return wrong(p, member, should);
        list[i] = json_string_value(s);
    }
    *ret = (struct rollcall_strings){list, i};
    if (ret_present)
        *ret_present = true;
    return 0;
}

static int take_status(struct parse *p, const json_t *user, const json_t *ours,
                       struct rollcall_user_record *u)
{
    static const struct {
        const char *word;
        enum rollcall_status status;
    } words[] = {{"active", ROLLCALL_STATUS_ACTIVE},     {"leave", ROLLCALL_STATUS_LEAVE},
                 {"disabled", ROLLCALL_STATUS_DISABLED}, {"terminated", ROLLCALL_STATUS_TERMINATED},
                 {"locked", ROLLCALL_STATUS_LOCKED},     {"refused", ROLLCALL_STATUS_REFUSED}};
    const json_t *active = json_object_get(user, "active");
    bool on = false;
    int r = take_text(p, ours, "status", &u->status_text);

    if (r == 0)
        r = take_bool(p, user, "active", &on);
    if (r < 0)
        return r;
    if (active && !json_is_null(active))
        u->status = on ? ROLLCALL_STATUS_ACTIVE : ROLLCALL_STATUS_DISABLED;
    // A status we do not know lets nobody in, whatever "active" says.
    if (u->status_text)
        u->status = ROLLCALL_STATUS_UNKNOWN;
    for (size_t i = 0; u->status_text && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(u->status_text, words[i].word) == 0)
            u->status = words[i].status;
    return 0;
}

const char *rollcall_risk_name(enum rollcall_risk risk)
{
    static const char *const risks[] = {NULL, "none", "low", "medium", "high", "compromised"};

    return (unsigned)risk < sizeof(risks) / sizeof(risks[0]) ? risks[risk] : NULL;
}

static int take_risk(struct parse *p, const json_t *ours, struct rollcall_user_record *u)
{
    const char *word = NULL;
    int r = take_text(p, ours, "risk", &word);

    if (r < 0 || !word)
        return r;
    for (int i = ROLLCALL_RISK_NONE; i <= ROLLCALL_RISK_COMPROMISED; i++)
        if (strcmp(word, rollcall_risk_name(i)) == 0) {
            u->risk = i;
            return 0;
        }
    return wrong(p, "risk", "must be none, low, medium, high or compromised");
}

static int take_names(struct parse *p, const json_t *user, struct rollcall_user_record *u)
{
    const json_t *enterprise = json_object_get(user, ENTERPRISE);
    const json_t *manager = json_object_get(enterprise, "manager");
    const json_t *email = json_array_get(json_object_get(user, "emails"), 0);
    int r = take_text(p, user, "id", &u->id);

    if (r == 0)
        r = take_text(p, user, "userName", &u->user_name);
    if (r == 0)
        r = take_text(p, user, "displayName", &u->display_name);
    if (r == 0)
        r = take_text(p, user, "userType", &u->worker_type);
    if (r == 0)
        r = take_text(p, email, "value", &u->email);
    if (r == 0)
        r = take_text(p, enterprise, "employeeNumber", &u->employee_number);
    if (r == 0)
        r = take_text(p, enterprise, "department", &u->department);
    if (r == 0)
        r = take_text(p, manager, "value", &u->manager);
    if (r == 0 && (!u->id || !*u->id || strlen(u->id) > 128))
        r = wrong(p, "id", "is mandatory, 1 to 128 bytes");
    return r;
}

static int take_lists(struct parse *p, const json_t *user, const json_t *ours,
                      struct rollcall_user_record *u)
{
    struct rollcall_strings groups = {0}, keys = {0};
    int r = take_list(p, user, "groups", &by_value, &u->groups_present, &groups);

    if (r == 0)
        r = take_list(p, ours, "sshPublicKeys", &plain, &u->keys_present, &keys);
    if (r == 0)
        r = take_list(p, ours, "aliases", &names, NULL, &u->aliases);
    u->groups = groups.item;
    u->n_groups = groups.n;
    u->ssh_keys = keys.item;
    u->n_ssh_keys = keys.n;
    return r;
}

static int take_user(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    struct rollcall_user_record *u = &m->user;
    const json_t *user = json_object_get(o, "user");
    const json_t *ours = json_object_get(user, ROLLCALL_EXTENSION);
    int r;

    if (!json_is_object(user))
        return wrong(p, "user", "must be an object, shaped like a SCIM 2.0 User");
    u->start = u->end = u->terminated_at = ROLLCALL_TIME_UNSET;
    r = take_names(p, user, u);
    if (r == 0)
        r = take_status(p, user, ours, u);
    if (r == 0)
        r = take_instant(p, ours, "start", &u->start);
    if (r == 0)
        r = take_instant(p, ours, "end", &u->end);
    if (r == 0)
        r = take_instant(p, ours, "terminatedAt", &u->terminated_at);
    if (r == 0)
        r = take_number(p, ours, "uidNumber", &u->has_uid, &u->uid);
    if (r == 0)
        r = take_number(p, ours, "gidNumber", &u->has_gid, &u->gid);
    if (r == 0)
        r = take_text(p, ours, "loginShell", &u->login_shell);
    if (r == 0)
        r = take_text(p, ours, "homeDirectory", &u->home_directory);
    if (r == 0)
        r = take_text(p, ours, "dn", &u->dn);
    if (r == 0)
        r = take_bool(p, ours, "passwordBlocked", &u->password_blocked);
    if (r == 0)
        r = take_bool(p, ours, "rehireConflict", &u->rehire_conflict);
    if (r == 0)
        r = take_number(p, ours, "incarnation", NULL, &u->incarnation);
    if (r == 0)
        r = take_risk(p, ours, u);
    if (r == 0)
        r = take_lists(p, user, ours, u);
    return r == 0 ? take_text(p, o, "where", &u->where) : r;
}

// A cursor is opaque; its bound is the message's own.
static int take_since(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    int r = take_text(p, o, "since", &m->since);

    if (r < 0 || !m->since)
        return r;
    if (!m->full)
        return wrong(p, "since", "belongs to a listing of mode \"full\"");
    return *m->since ? 0 : wrong(p, "since", "must be the cursor of a listing, not empty");
}

static int take_begin(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    const char *mode = NULL;
    int r = take_text(p, o, "mode", &mode);

    if (r == 0)
        r = take_instant(p, o, "as_of", &m->as_of);
    if (r == 0)
        r = take_text(p, o, "version", &m->version);
    if (r == 0)
        r = take_instant(p, o, "seen_at", &m->seen_at);
    if (r < 0)
        return r;
    if (!mode || (strcmp(mode, "full") != 0 && strcmp(mode, "delta") != 0))
        return wrong(p, "mode", "must be \"full\" or \"delta\"");
    if (m->as_of <= 0)
        return wrong(p, "as_of", "is mandatory: the listing's own time");
    m->full = *mode == 'f';
    return take_since(p, o, m);
}

static int take_group(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    const json_t *g = json_object_get(o, "group");
    int r = take_text(p, g, "id", &m->group_id);

    if (r == 0)
        r = take_text(p, g, "displayName", &m->group_name);
    if (r == 0)
        r = take_number(p, g, "gidNumber", &m->has_gid, &m->gid);
    if (r == 0)
        r = take_list(p, g, "groups", &ids, &m->parents_present, &m->parents);
    if (r == 0)
        r = take_list(p, g, "aliases", &names, NULL, &m->aliases);
    if (r == 0 && (!m->group_id || !*m->group_id || strlen(m->group_id) > 128))
        r = wrong(p, "id", "of a group is mandatory, 1 to 128 bytes");
    return r;
}

static int take_members(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    bool changed = false;
    int r = take_text(p, o, "group", &m->group_id);

    if (r == 0 && (!m->group_id || !*m->group_id || strlen(m->group_id) > 128))
        return wrong(p, "group", "is mandatory, the id of a group, 1 to 128 bytes");
    if (r == 0)
        r = take_list(p, o, "values", &entries, &m->values_present, &m->values);
    if (r == 0)
        r = take_bool(p, o, "more", &m->more);
    if (r == 0)
        r = take_list(p, o, "add", &entries, &changed, &m->add);
    if (r == 0)
        r = take_list(p, o, "remove", &entries, &changed, &m->remove);
    if (r == 0 && m->values_present == changed)
        r = wrong(p, "values", "is said, or \"add\" and \"remove\", and not both");
    return r == 0 && m->more && !m->values_present ? wrong(p, "more", "belongs to \"values\"") : r;
}

static int take_problem(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    int r = take_text(p, o, "text", &m->text);

    if (r == 0)
        r = take_text(p, o, "where", &m->where);
    if (r == 0)
        r = take_text(p, o, "id", &m->id);
    if (r == 0)
        r = take_bool(p, o, "whole", &m->whole);
    if (r == 0)
        r = take_bool(p, o, "terminated", &m->says_terminated);
    if (r == 0)
        r = take_bool(p, o, "warning", &m->warning);
    return r == 0 && !m->text ? wrong(p, "text", "is mandatory") : r;
}

// A record that is no more, or is left out, says nothing about its person, unless the source says
// what that means.
static int take_end(struct parse *p, const json_t *o, bool dropped, struct rollcall_message *m)
{
    const char *status = NULL;
    int r = take_text(p, o, "status", &status);

    if (r < 0 || !status)
        return r;
    if (strcmp(status, "locked") == 0)
        m->gone_status = ROLLCALL_STATUS_LOCKED;
    else if (strcmp(status, "terminated") == 0)
        m->gone_status = ROLLCALL_STATUS_TERMINATED;
    else if (dropped && strcmp(status, "disabled") == 0)
        m->gone_status = ROLLCALL_STATUS_DISABLED;
    else
        return wrong(p, "status",
                     dropped ? "of what is left out is \"disabled\", \"locked\" or \"terminated\""
                             : "of what is gone is \"locked\" or \"terminated\"");
    return 0;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; word && i < n; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static int take_dropped(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    static const char *const reasons[] = {"guest",  "external",   "self-registered", "customer",
                                          "social", "unassigned", "population",      "user-type",
                                          "domain", "no-marker",  "service-account"};
    int r = take_text(p, o, "id", &m->id);

    if (r == 0)
        r = take_text(p, o, "reason", &m->reason);
    if (r == 0)
        r = take_text(p, o, "name", &m->name);
    if (r == 0 && (!m->id || !*m->id || strlen(m->id) > 128))
        r = wrong(p, "id", "is mandatory, 1 to 128 bytes");
    if (r == 0 && !is_one_of(m->reason, reasons, sizeof(reasons) / sizeof(reasons[0])))
        r = wrong(p, "reason",
                  "must be guest, external, self-registered, customer, social, unassigned, "
                  "population, user-type, domain, no-marker or service-account");
    return r == 0 ? take_end(p, o, true, m) : r;
}

static int take_tristate(struct parse *p, const json_t *o, const char *member,
                         enum rollcall_tristate *ret)
{
    const json_t *v = json_object_get(o, member);
    bool yes = false;
    int r = take_bool(p, o, member, &yes);

    if (r == 0)
        *ret = !v || json_is_null(v) ? ROLLCALL_UNKNOWN : yes ? ROLLCALL_YES : ROLLCALL_NO;
    return r;
}

static int take_device(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    int r = take_tristate(p, o, "compliant", &m->compliant);

    if (r == 0)
        r = take_tristate(p, o, "managed", &m->managed);
    return r == 0 ? take_text(p, o, "id", &m->id) : r;
}

static int take_finding(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    static const char *const levels[] = {"ok", "warning", "error"};
    int r = take_text(p, o, "level", &m->level);

    if (r == 0)
        r = take_text(p, o, "what", &m->what);
    if (r == 0)
        r = take_text(p, o, "text", &m->text);
    if (r == 0 && !is_one_of(m->level, levels, 3))
        r = wrong(p, "level", "must be ok, warning or error");
    return r == 0 && (!m->what || !m->text) ? wrong(p, "what", "and \"text\" are mandatory") : r;
}

static int take_rest(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    int r = 0;

    switch (m->kind) {
    case ROLLCALL_MESSAGE_GONE:
    case ROLLCALL_MESSAGE_ABSENT:
        r = take_text(p, o, "id", &m->id);
        if (r == 0 && !m->id)
            return wrong(p, "id", "is mandatory");
        return r == 0 && m->kind == ROLLCALL_MESSAGE_GONE ? take_end(p, o, false, m) : r;
    case ROLLCALL_MESSAGE_AS_OF:
        m->as_of = 0;
        r = take_instant(p, o, "as_of", &m->as_of);
        return r == 0 && m->as_of <= 0 ? wrong(p, "as_of", "is mandatory") : r;
    case ROLLCALL_MESSAGE_PROGRESS:
        r = take_number(p, o, "done", NULL, &m->done);
        return r == 0 ? take_number(p, o, "total", NULL, &m->total) : r;
    case ROLLCALL_MESSAGE_COMMIT:
        r = take_text(p, o, "cursor", &m->cursor);
        if (r == 0)
            r = take_number(p, o, "generation", &m->has_generation, &m->generation);
        return r == 0 ? take_number(p, o, "rows", NULL, &m->rows) : r;
    default:
        return -EBADMSG;
    }
}

static int dispatch(struct parse *p, const json_t *o, struct rollcall_message *m)
{
    static const char *const ops[] = {NULL,      "begin",    "user",   "group",   "gone",
                                      "as_of",   "progress", "commit", "problem", "absent",
                                      "members", "dropped",  "device", "finding"};
    const char *op = json_string_value(json_object_get(o, "op"));

    for (unsigned i = 1; op && i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(op, ops[i]) == 0)
            m->kind = i;
    switch ((int)m->kind) {
    case 0:
        return wrong(p, "op",
                     "must be begin, user, group, members, gone, absent, dropped, device, finding, "
                     "as_of, progress, commit or problem");
    case ROLLCALL_MESSAGE_BEGIN:
        return take_begin(p, o, m);
    case ROLLCALL_MESSAGE_USER:
        return take_user(p, o, m);
    case ROLLCALL_MESSAGE_GROUP:
        return take_group(p, o, m);
    case ROLLCALL_MESSAGE_MEMBERS:
        return take_members(p, o, m);
    case ROLLCALL_MESSAGE_PROBLEM:
        return take_problem(p, o, m);
    case ROLLCALL_MESSAGE_DROPPED:
        return take_dropped(p, o, m);
    case ROLLCALL_MESSAGE_DEVICE:
        return take_device(p, o, m);
    case ROLLCALL_MESSAGE_FINDING:
        return take_finding(p, o, m);
    default:
        return take_rest(p, o, m);
    }
}

// jansson itself says what is wrong where something is, and bears what is nested deeper.
static json_t *read_line(const char *line, size_t len, json_error_t *error)
{
    const char *wrong;
    json_t *json = json_value(line, len, &wrong);

    return json ? json : json_loadb(line, len, JSON_REJECT_DUPLICATES, error);
}

int rollcall_message_parse(const char *line, size_t len, struct rollcall_message *ret, char *why,
                           size_t why_len)
{
    struct rollcall_message m = {0};
    struct parse p = {.why = why, .why_len = why_len};
    json_error_t error;
    int r;

    if (len > ROLLCALL_SOURCE_LINE_MAX) {
        snprintf(why, why_len, "the line is longer than %d bytes", ROLLCALL_SOURCE_LINE_MAX);
        return -EBADMSG;
    }
    p.owner = calloc(1, sizeof(*p.owner));
    if (!p.owner)
        return -ENOMEM;
    m.owner = p.owner;
    p.owner->json = read_line(line, len, &error);
    if (!json_is_object(p.owner->json)) {
        snprintf(why, why_len, "is no JSON object: %s",
                 p.owner->json ? "something else" : error.text);
        r = -EBADMSG;
    } else {
        r = dispatch(&p, p.owner->json, &m);
    }
    if (r < 0) {
        rollcall_message_done(&m);
        return r;
    }
    *ret = m;
    return 0;
}

void rollcall_message_done(struct rollcall_message *m)
{
    struct owner *o = m->owner;

    if (o) {
        json_decref(o->json);
        for (size_t i = 0; i < o->n; i++)
            free(o->list[i]);
        free(o);
    }
    *m = (struct rollcall_message){0};
}
