// SPDX-License-Identifier: BSD-2-Clause
// A user of Entra ID into a person, a drop or a sentence.
#include "syncd/sources/graph_map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rollcall/account.h"
#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/timeparse.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS       "urn:rollcall:1.0:User"

// ---- ids ----

bool graph_id_parse(const char *text, unsigned char ret[GRAPH_ID])
{
    static const unsigned char one_more[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};
    const unsigned char *p = (const unsigned char *)text;
    unsigned char id[GRAPH_ID];

    if (!text || strlen(text) != GRAPH_ID_TEXT - 1)
        return false;
    for (size_t i = 0; i < GRAPH_ID; i++, p += 2) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
            return false;
        if (!one_more[p[0]] || !one_more[p[1]])
            return false;
        id[i] = (unsigned char)((one_more[p[0]] - 1) << 4 | (one_more[p[1]] - 1));
    }
    memcpy(ret, id, GRAPH_ID);
    return true;
}

const char *graph_id_text(const unsigned char id[GRAPH_ID], char buf[GRAPH_ID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *p = buf;

    for (size_t i = 0; i < GRAPH_ID; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[id[i] >> 4];
        *p++ = digits[id[i] & 15];
    }
    *p = 0;
    return buf;
}

// ---- who is one of ours ----

static bool unset(const struct value *object, const char *member)
{
    return person_value_unset(value_get(object, member));
}

// A guest may be called a member, and a customer too: each mark counts by itself.
static const char *refused_by_kind(const struct graph_rules *rules, const struct value *object)
{
    const char *type = value_text(value_get(object, "userType"));

    if (type && strcmp(type, "Guest") == 0)
        return "guest";
    if (unset(object, "userType") ? !rules->untyped : !type || strcmp(type, "Member") != 0)
        return "user-type";
    return NULL;
}

static const char *refused_by_creation(const struct value *object)
{
    static const struct {
        const char *type, *reason;
    } known[] = {{"Invitation", "external"},
                 {"LocalAccount", "customer"},
                 {"EmailVerified", "self-registered"},
                 {"SelfServiceSignUp", "self-registered"}};
    const char *type = value_text(value_get(object, "creationType"));

    if (!unset(object, "creationType")) {
        for (size_t i = 0; type && i < sizeof(known) / sizeof(known[0]); i++)
            if (strcmp(type, known[i].type) == 0)
                return known[i].reason;
        return "external"; // a way to come in that was not there when this was written
    }
    return unset(object, "externalUserState") ? NULL : "external";
}

// Only the tenant's own name signs a workforce account in.
static const char *refused_by_identity(const struct value *identity)
{
    static const char *const social[] = {
        "google.com",   "facebook.com", "MicrosoftAccount", "apple.com", "twitter.com",
        "linkedin.com", "github.com",   "amazon.com",       "live.com",  "appleid.apple.com"};
    const char *type = value_text(value_get(identity, "signInType"));
    const char *issuer = value_text(value_get(identity, "issuer"));

    if (type && strcmp(type, "userPrincipalName") == 0)
        return NULL;
    if (type && (strcmp(type, "emailAddress") == 0 || strcmp(type, "userName") == 0))
        return "customer";
    for (size_t i = 0; issuer && i < sizeof(social) / sizeof(social[0]); i++)
        if (strcasecmp(issuer, social[i]) == 0)
            return "social";
    return "external";
}

static const char *refused_by_identities(const struct value *object)
{
    const struct value *list = value_get(object, "identities");
    const char *reason = NULL;

    if (!person_value_unset(list) && !value_is(list, VALUE_LIST))
        return "external";
    for (const struct value *v = person_value_list(list); !reason && v; v = v->next)
        reason = refused_by_identity(v);
    return reason;
}

static bool has_external_mark(const char *upn)
{
    for (const char *p = upn; (p = strchr(p, '#')); p++)
        if (strncasecmp(p, "#EXT#", 5) == 0)
            return true;
    return false;
}

// The name on this host; NULL where it is of another domain.
static const char *login_of(const struct graph_rules *rules, const char *upn, char *buf, size_t len)
{
    if (!strrchr(upn, '@') || !person_login(rules->person.domain, upn, buf, len))
        return NULL;
    for (char *p = buf; *p; p++) // a UPN is compared without case
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return buf;
}

// `*ret_login`: the name on this host, in `buf`, where there is one.
static const char *refused(const struct graph_rules *rules, const struct value *object,
                           const char *upn, bool assigned, char *buf, size_t len,
                           const char **ret_login)
{
    const char *reason = refused_by_kind(rules, object);

    if (!reason)
        reason = refused_by_creation(object);
    if (!reason)
        reason = refused_by_identities(object);
    if (!reason && upn && has_external_mark(upn))
        reason = "external";
    if (!reason)
        reason =
            person_value_refused(&rules->person, object, person_value_text(object, "employeeType"));
    *ret_login = !reason && upn ? login_of(rules, upn, buf, len) : NULL;
    if (!reason && upn && !*ret_login)
        reason = "domain";
    return reason || assigned ? reason : "unassigned";
}

// ---- what is called otherwise ----

int graph_map_read(const json_t *list, json_t **ret, char *why, size_t why_len)
{
    static const char *const names[] = {"employeeNumber", "sshPublicKeys", "loginShell",
                                        "homeDirectory", "uidNumber"};
    json_t *map = json_object();

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *entry = json_string_value(json_array_get(list, i));
        const char *colon = entry ? strchr(entry, ':') : NULL;
        size_t k = 0, n = sizeof(names) / sizeof(names[0]);
        while (colon && k < n &&
               (strlen(names[k]) != (size_t)(colon - entry) ||
                strncmp(entry, names[k], (size_t)(colon - entry)) != 0))
            k++;
        if (!colon || k == n || !colon[1]) {
            snprintf(why, why_len,
                     "map: \"%.80s\" must be NAME:PROPERTY, NAME being employeeNumber, "
                     "sshPublicKeys, loginShell, homeDirectory or uidNumber",
                     entry ? entry : "?");
            json_decref(map);
            return -EINVAL;
        }
        json_object_set_new(map, names[k], json_string(colon + 1));
    }
    *ret = map;
    return 0;
}

static const struct value *mapped(const struct graph_rules *rules, const struct value *object,
                                  const char *ours)
{
    const char *path = rules->map ? json_string_value(json_object_get(rules->map, ours)) : NULL;
    const struct value *v = path ? person_value_at(object, path) : NULL;

    return person_value_has(v) ? v : NULL;
}

// ---- what is said of one who is ----

static void put_instant(struct json_writer *out, const char *name, int64_t t)
{
    char text[ROLLCALL_TIME_TEXT];

    if (t != ROLLCALL_TIME_UNSET)
        json_write_text(out, name, rollcall_time_format(t, -1, text, sizeof(text)));
}

static int instant(const struct value *object, const char *member, int64_t *ret)
{
    const struct value *v = value_get(object, member);
    enum rollcall_time_kind kind;

    if (person_value_unset(v))
        return 0;
    if (!value_is(v, VALUE_TEXT) || rollcall_time_parse(v->text, &kind, ret) < 0 ||
        kind != ROLLCALL_TIME_INSTANT)
        return -EBADMSG;
    return 0;
}

static int take_dates(const struct value *object, struct json_writer *out, struct graph_taken *t)
{
    int64_t start = ROLLCALL_TIME_UNSET, end = ROLLCALL_TIME_UNSET;

    // A first day before 1970, as some HR feeds write for none, is long past.
    if (instant(object, "employeeHireDate", &start) < 0) {
        const char *text = person_value_text(object, "employeeHireDate");
        if (!text || text[0] > '1' || (text[0] == '1' && strcmp(text, "1970") >= 0)) {
            snprintf(t->why, sizeof(t->why), "employeeHireDate \"%.40s\" cannot be read",
                     text ? text : "?");
            return -EBADMSG;
        }
    }
    if (instant(object, "employeeLeaveDateTime", &end) < 0) {
        snprintf(t->why, sizeof(t->why), "employeeLeaveDateTime \"%.40s\" cannot be read",
                 person_value_text(object, "employeeLeaveDateTime")
                     ? person_value_text(object, "employeeLeaveDateTime")
                     : "?");
        return -EBADMSG;
    }
    put_instant(out, "start", start);
    put_instant(out, "end", end);
    if (start != ROLLCALL_TIME_UNSET && end != ROLLCALL_TIME_UNSET && end <= start) {
        json_write_true(out, "rehireConflict"); // rule 12
        snprintf(t->why, sizeof(t->why),
                 "employeeLeaveDateTime \"%.30s\" lies before employeeHireDate \"%.30s\": the "
                 "person stays terminated until one of the two is mended",
                 person_value_text(object, "employeeLeaveDateTime"),
                 person_value_text(object, "employeeHireDate"));
    }
    return 0;
}

static void put_key(struct json_writer *out, const struct value *key)
{
    if (value_len(key) > 0 && value_len(key) <= PERSON_TEXT_MAX)
        json_write_text_n(out, NULL, key->text, key->len);
}

// Whoever is not said to have any keys has none. One string is one key.
static void put_keys(const struct graph_rules *rules, const struct value *object,
                     struct json_writer *out)
{
    const struct value *v = mapped(rules, object, "sshPublicKeys");
    size_t n = 0;

    if (!json_object_get(rules->map, "sshPublicKeys"))
        return;
    json_write_open(out, "sshPublicKeys", '[');
    for (const struct value *key = person_value_list(v); key && n < 1024; key = key->next, n++)
        put_key(out, key);
    put_key(out, v);
    json_write_close(out, ']');
}

static int put_mapped(const struct graph_rules *rules, const struct value *object,
                      struct json_writer *out, struct graph_taken *t)
{
    static const char *const texts[] = {"loginShell", "homeDirectory"};
    const struct value *v = mapped(rules, object, "uidNumber");
    uint64_t n;

    if (!rules->map)
        return 0;
    put_keys(rules, object, out);
    for (size_t i = 0; i < 2; i++) {
        const struct value *text = mapped(rules, object, texts[i]);
        if (value_is(text, VALUE_TEXT) && text->len <= PERSON_TEXT_MAX)
            json_write_text_n(out, texts[i], text->text, text->len);
    }
    if (!v)
        return 0;
    if (v->kind == VALUE_INTEGER && v->integer >= 0) {
        json_write_integer(out, "uidNumber", v->integer);
        return 0;
    }
    if (v->kind == VALUE_TEXT && rollcall_parse_u64(v->text, 0, INT64_MAX, &n) == 0) {
        json_write_integer(out, "uidNumber", (int64_t)n);
        return 0;
    }
    snprintf(t->why, sizeof(t->why), "%.60s is no number: it is mapped to uidNumber",
             json_string_value(json_object_get(rules->map, "uidNumber")));
    return -EBADMSG;
}

// An instant that cannot be read leaves a person as before, but never one who is disabled.
static int put_ours(const struct graph_rules *rules, const struct value *object, const char *risk,
                    struct json_writer *out, struct graph_taken *t)
{
    bool on = value_is(value_get(object, "accountEnabled"), VALUE_TRUE) &&
              unset(object, "deletedDateTime");
    int r;

    json_write_open(out, OURS, '{');
    json_write_text(out, "status", on ? "active" : "disabled");
    json_write_text(out, "risk", risk);
    r = put_mapped(rules, object, out, t);
    if (r == 0)
        r = take_dates(object, out, t);
    json_write_close(out, '}');
    return on ? r : 0;
}

static const char *number_of(const struct graph_rules *rules, const struct value *object)
{
    const struct value *v = json_object_get(rules->map, "employeeNumber")
                                ? mapped(rules, object, "employeeNumber")
                                : value_get(object, "employeeId");

    return value_len(v) <= PERSON_TEXT_MAX && value_len(v) > 0 ? v->text : NULL;
}

static bool has_number(const struct graph_rules *rules, const struct value *object)
{
    return json_object_get(rules->map, "employeeNumber")
               ? mapped(rules, object, "employeeNumber") != NULL
               : person_value_has(value_get(object, "employeeId"));
}

static int put_user(const struct graph_rules *rules, const struct value *object, const char *login,
                    const char *risk, struct json_writer *out, struct graph_taken *t)
{
    int r;

    out->len = 0;
    out->behind = false;
    json_write_open(out, NULL, '{');
    json_write_text_n(out, "id", t->id, GRAPH_ID_TEXT - 1);
    r = put_ours(rules, object, risk, out, t);
    if (r < 0)
        return r;
    json_write_text(out, "userName", login);
    json_write_text(out, "displayName", person_value_text(object, "displayName"));
    json_write_text(out, "userType", person_value_text(object, "employeeType"));
    json_write_open(out, "emails", '[');
    if (person_value_text(object, "mail")) {
        json_write_open(out, NULL, '{');
        json_write_text(out, "value", person_value_text(object, "mail"));
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
    json_write_open(out, ENTERPRISE, '{');
    json_write_text(out, "employeeNumber", number_of(rules, object));
    json_write_text(out, "department", person_value_text(object, "department"));
    json_write_close(out, '}');
    json_write_close(out, '}');
    return 0;
}

static void take_person(const struct graph_rules *rules, const struct value *object,
                        const char *login, const char *risk, struct json_writer *out,
                        struct graph_taken *t)
{
    t->fate = GRAPH_SKIPPED;
    if (!t->name) {
        snprintf(t->why, sizeof(t->why), "has no userPrincipalName");
        return;
    }
    if (!number_of(rules, object) && has_number(rules, object)) {
        snprintf(t->why, sizeof(t->why), "%.60s is no text of 1 to %d bytes",
                 json_string_value(json_object_get(rules->map, "employeeNumber")) ?: "employeeId",
                 PERSON_TEXT_MAX);
        return;
    }
    if (put_user(rules, object, login, risk, out, t) < 0)
        return;
    if (out->len > out->room || out->len > GRAPH_USER_MAX)
        snprintf(t->why, sizeof(t->why), "is longer than a line of the protocol");
    else
        t->fate = GRAPH_PERSON;
}

// What was cut may have been cut inside of a letter.
static void plain(char *why)
{
    for (char *p = why; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
}

int graph_user_take(const struct graph_rules *rules, const struct value *object, bool assigned,
                    const char *risk, struct json_writer *out, struct graph_taken *ret)
{
    char buf[PERSON_TEXT_MAX + 1];
    unsigned char id[GRAPH_ID];
    struct graph_taken t = {0};
    const char *login;

    if (!graph_id_parse(value_text(value_get(object, "id")), id))
        return -EBADMSG;
    graph_id_text(id, t.id);
    t.name = person_value_text(object, "userPrincipalName");
    t.disabled = value_is(value_get(object, "accountEnabled"), VALUE_FALSE) ||
                 !unset(object, "deletedDateTime");
    t.reason = refused(rules, object, t.name, assigned, buf, sizeof(buf), &login);
    if (t.reason)
        t.fate = GRAPH_DROPPED;
    else
        take_person(rules, object, login, risk, out, &t);
    plain(t.why);
    *ret = t;
    return 0;
}

bool graph_user_whole(const struct value *object)
{
    return value_get(object, "accountEnabled") && value_get(object, "userPrincipalName");
}

// ---- groups and risk ----

const char *graph_group_name(const char *display_name, const unsigned char id[GRAPH_ID], bool named,
                             char *buf, size_t len)
{
    char text[GRAPH_ID_TEXT];
    size_t n = 0;

    for (const char *p = display_name; named && p && *p && n + 1 < len; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        if (good)
            buf[n++] = c;
        else if (n > 0 && buf[n - 1] != '-')
            buf[n++] = '-';
    }
    while (n > 0 && (buf[n - 1] == '-' || buf[n - 1] == '.'))
        n--;
    buf[n] = 0;
    if (rollcall_name_check(buf, n) == ROLLCALL_NAME_OK)
        return buf;
    // 30 of its 32 digits: as many as a name has room for.
    graph_id_text(id, text);
    snprintf(buf, len, "g-%.8s%.4s%.4s%.4s%.10s", text, text + 9, text + 14, text + 19, text + 24);
    return buf;
}

const char *graph_risk(const struct value *risky_user)
{
    static const char *const over[] = {"none", "confirmedSafe", "remediated", "dismissed"};
    static const char *const levels[] = {"low", "medium", "high"};
    const char *state = value_text(value_get(risky_user, "riskState"));
    const char *level = value_text(value_get(risky_user, "riskLevel"));

    if (value_is(value_get(risky_user, "isDeleted"), VALUE_TRUE))
        return "none";
    for (size_t i = 0; state && i < sizeof(over) / sizeof(over[0]); i++)
        if (strcmp(state, over[i]) == 0)
            return "none";
    if (state && strcmp(state, "confirmedCompromised") == 0)
        return "compromised";
    for (size_t i = 0; level && i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(level, levels[i]) == 0)
            return levels[i];
    return level && strcmp(level, "none") == 0 ? "none" : "high";
}
