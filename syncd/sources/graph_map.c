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
#include "syncd/sources/json_text.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS       "urn:rollcall:1.0:User"
#define LINE_ROOM  (250 * 1024) // of a line of the protocol, without what stands around the user

// ---- ids ----

static int nibble(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool graph_id_parse(const char *text, unsigned char ret[GRAPH_ID])
{
    unsigned char id[GRAPH_ID];
    size_t n = 0;

    if (!text || strlen(text) != GRAPH_ID_TEXT - 1)
        return false;
    for (size_t i = 0; i < GRAPH_ID_TEXT - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        if (nibble(text[i]) < 0 || nibble(text[i + 1]) < 0)
            return false;
        id[n++] = (unsigned char)(nibble(text[i]) << 4 | nibble(text[i + 1]));
        i++;
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

static bool unset(const json_t *object, const char *member)
{
    const json_t *v = json_object_get(object, member);

    return !v || json_is_null(v);
}

// A guest may be called a member, and a customer too: each mark counts by itself.
static const char *refused_by_kind(const struct graph_rules *rules, const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "userType"));

    if (type && strcmp(type, "Guest") == 0)
        return "guest";
    if (unset(object, "userType") ? !rules->untyped : !type || strcmp(type, "Member") != 0)
        return "user-type";
    return NULL;
}

static const char *refused_by_creation(const json_t *object)
{
    static const struct {
        const char *type, *reason;
    } known[] = {{"Invitation", "external"},
                 {"LocalAccount", "customer"},
                 {"EmailVerified", "self-registered"},
                 {"SelfServiceSignUp", "self-registered"}};
    const char *type = json_string_value(json_object_get(object, "creationType"));

    if (!unset(object, "creationType")) {
        for (size_t i = 0; type && i < sizeof(known) / sizeof(known[0]); i++)
            if (strcmp(type, known[i].type) == 0)
                return known[i].reason;
        return "external"; // a way to come in that was not there when this was written
    }
    return unset(object, "externalUserState") ? NULL : "external";
}

// Only the tenant's own name signs a workforce account in.
static const char *refused_by_identity(const json_t *identity)
{
    static const char *const social[] = {
        "google.com",   "facebook.com", "MicrosoftAccount", "apple.com", "twitter.com",
        "linkedin.com", "github.com",   "amazon.com",       "live.com",  "appleid.apple.com"};
    const char *type = json_string_value(json_object_get(identity, "signInType"));
    const char *issuer = json_string_value(json_object_get(identity, "issuer"));

    if (type && strcmp(type, "userPrincipalName") == 0)
        return NULL;
    if (type && (strcmp(type, "emailAddress") == 0 || strcmp(type, "userName") == 0))
        return "customer";
    for (size_t i = 0; issuer && i < sizeof(social) / sizeof(social[0]); i++)
        if (strcasecmp(issuer, social[i]) == 0)
            return "social";
    return "external";
}

static const char *refused_by_identities(const json_t *object)
{
    const json_t *list = json_object_get(object, "identities");
    const char *reason = NULL;

    if (list && !json_is_null(list) && !json_is_array(list))
        return "external";
    for (size_t i = 0; !reason && i < json_array_size(list); i++)
        reason = refused_by_identity(json_array_get(list, i));
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

static const char *refused(const struct graph_rules *rules, const json_t *object, const char *upn,
                           bool assigned)
{
    const char *reason = refused_by_kind(rules, object);
    char login[PERSON_TEXT_MAX + 1];

    if (!reason)
        reason = refused_by_creation(object);
    if (!reason)
        reason = refused_by_identities(object);
    if (!reason && upn && has_external_mark(upn))
        reason = "external";
    if (!reason)
        reason = person_refused(&rules->person, object, person_text(object, "employeeType"));
    if (!reason && upn && !login_of(rules, upn, login, sizeof(login)))
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

static const json_t *mapped(const struct graph_rules *rules, const json_t *object, const char *ours)
{
    const char *path = json_string_value(json_object_get(rules->map, ours));
    const json_t *v = path ? person_at(object, path) : NULL;

    return person_has(v) ? v : NULL;
}

// ---- what is said of one who is ----

static void put_text(json_t *o, const char *name, const char *text)
{
    if (text)
        json_object_set_new(o, name, json_string(text));
}

static void put_instant(json_t *o, const char *name, int64_t t)
{
    char text[ROLLCALL_TIME_TEXT];

    if (t != ROLLCALL_TIME_UNSET)
        json_object_set_new(o, name, json_string(rollcall_time_format(t, -1, text, sizeof(text))));
}

static int instant(const json_t *object, const char *member, int64_t *ret)
{
    const json_t *v = json_object_get(object, member);
    enum rollcall_time_kind kind;

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v) || rollcall_time_parse(json_string_value(v), &kind, ret) < 0 ||
        kind != ROLLCALL_TIME_INSTANT)
        return -EBADMSG;
    return 0;
}

static int take_dates(const json_t *object, json_t *ours, struct graph_taken *t)
{
    int64_t start = ROLLCALL_TIME_UNSET, end = ROLLCALL_TIME_UNSET;

    // A first day before 1970, as some HR feeds write for none, is long past.
    if (instant(object, "employeeHireDate", &start) < 0) {
        const char *text = person_text(object, "employeeHireDate");
        if (!text || text[0] > '1' || (text[0] == '1' && strcmp(text, "1970") >= 0)) {
            snprintf(t->why, sizeof(t->why), "employeeHireDate \"%.40s\" cannot be read",
                     text ? text : "?");
            return -EBADMSG;
        }
    }
    if (instant(object, "employeeLeaveDateTime", &end) < 0) {
        snprintf(t->why, sizeof(t->why), "employeeLeaveDateTime \"%.40s\" cannot be read",
                 person_text(object, "employeeLeaveDateTime")
                     ? person_text(object, "employeeLeaveDateTime")
                     : "?");
        return -EBADMSG;
    }
    put_instant(ours, "start", start);
    put_instant(ours, "end", end);
    if (start != ROLLCALL_TIME_UNSET && end != ROLLCALL_TIME_UNSET && end <= start) {
        json_object_set_new(ours, "rehireConflict", json_true()); // rule 12
        snprintf(t->why, sizeof(t->why),
                 "employeeLeaveDateTime \"%.30s\" lies before employeeHireDate \"%.30s\": the "
                 "person stays terminated until one of the two is mended",
                 person_text(object, "employeeLeaveDateTime"),
                 person_text(object, "employeeHireDate"));
    }
    return 0;
}

// Whoever is not said to have any keys has none. One string is one key.
static void put_keys(const struct graph_rules *rules, const json_t *object, json_t *ours)
{
    const json_t *v = mapped(rules, object, "sshPublicKeys");
    json_t *keys = json_array();

    if (!json_object_get(rules->map, "sshPublicKeys")) {
        json_decref(keys);
        return;
    }
    for (size_t i = 0; json_is_array(v) && i < json_array_size(v) && i < 1024; i++) {
        json_t *key = json_array_get(v, i);
        if (json_string_length(key) > 0 && json_string_length(key) <= PERSON_TEXT_MAX)
            json_array_append(keys, key);
    }
    if (json_is_string(v) && json_string_length(v) <= PERSON_TEXT_MAX)
        json_array_append_new(keys, json_string(json_string_value(v)));
    json_object_set_new(ours, "sshPublicKeys", keys);
}

static int put_mapped(const struct graph_rules *rules, const json_t *object, json_t *ours,
                      struct graph_taken *t)
{
    static const char *const texts[] = {"loginShell", "homeDirectory"};
    const json_t *v = mapped(rules, object, "uidNumber");
    uint64_t n;

    put_keys(rules, object, ours);
    for (size_t i = 0; i < 2; i++) {
        const char *text = json_string_value(mapped(rules, object, texts[i]));
        if (text && strlen(text) <= PERSON_TEXT_MAX)
            put_text(ours, texts[i], text);
    }
    if (!v)
        return 0;
    if (json_is_integer(v) && json_integer_value(v) >= 0)
        json_object_set_new(ours, "uidNumber", json_integer(json_integer_value(v)));
    else if (json_is_string(v) && rollcall_parse_u64(json_string_value(v), 0, INT64_MAX, &n) == 0)
        json_object_set_new(ours, "uidNumber", json_integer((json_int_t)n));
    else
        snprintf(t->why, sizeof(t->why), "%.60s is no number: it is mapped to uidNumber",
                 json_string_value(json_object_get(rules->map, "uidNumber")));
    return json_object_get(ours, "uidNumber") ? 0 : -EBADMSG;
}

// An instant that cannot be read leaves a person as before, but never one who is disabled.
static int take_ours(const struct graph_rules *rules, const json_t *object, const char *risk,
                     json_t *ours, struct graph_taken *t)
{
    bool on =
        json_is_true(json_object_get(object, "accountEnabled")) && unset(object, "deletedDateTime");

    put_text(ours, "status", on ? "active" : "disabled");
    put_text(ours, "risk", risk);
    if (put_mapped(rules, object, ours, t) == 0 && take_dates(object, ours, t) == 0)
        return 0;
    return on ? -EBADMSG : 0;
}

static const char *number_of(const struct graph_rules *rules, const json_t *object)
{
    const json_t *v = json_object_get(rules->map, "employeeNumber")
                          ? mapped(rules, object, "employeeNumber")
                          : json_object_get(object, "employeeId");

    return json_string_length(v) <= PERSON_TEXT_MAX && json_string_length(v) > 0
               ? json_string_value(v)
               : NULL;
}

static bool has_number(const struct graph_rules *rules, const json_t *object)
{
    return json_object_get(rules->map, "employeeNumber")
               ? mapped(rules, object, "employeeNumber") != NULL
               : person_has(json_object_get(object, "employeeId"));
}

// The very text of the object: for a whole tenant, copies would be a tenth of the time.
static void put_same(json_t *o, const char *name, const json_t *object, const char *member)
{
    if (person_text(object, member))
        json_object_set_nocheck(o, name, json_object_get(object, member));
}

static json_t *user_of(const struct graph_rules *rules, const json_t *object, const char *upn,
                       json_t *ours, const char *id)
{
    json_t *user = json_object(), *enterprise = json_object(), *mail = json_object();
    json_t *mails = json_array();
    char login[PERSON_TEXT_MAX + 1];

    json_object_set_new_nocheck(user, "id", json_string_nocheck(id));
    json_object_set_new_nocheck(user, OURS, ours);
    put_text(user, "userName", login_of(rules, upn, login, sizeof(login)));
    put_same(user, "displayName", object, "displayName");
    put_same(user, "userType", object, "employeeType");
    put_same(mail, "value", object, "mail");
    if (json_object_size(mail) > 0)
        json_array_append(mails, mail);
    json_object_set_new_nocheck(user, "emails", mails);
    json_decref(mail);
    put_text(enterprise, "employeeNumber", number_of(rules, object));
    put_same(enterprise, "department", object, "department");
    json_object_set_new_nocheck(user, ENTERPRISE, enterprise);
    return user;
}

// At most six bytes each of what it says.
static size_t bytes_at_most(const json_t *v)
{
    size_t n = 6 * json_string_length(v) + 40, i;
    const char *name;
    json_t *item;

    json_array_foreach(v, i, item)
    {
        n += bytes_at_most(item);
    }
    json_object_foreach((json_t *)(uintptr_t)v, name, item)
    {
        n += strlen(name) + bytes_at_most(item);
    }
    return n;
}

// Nearly nobody is: written out are those alone who might be.
static bool too_long(const json_t *user)
{
    return bytes_at_most(user) > LINE_ROOM && json_text(user, NULL, 0) > LINE_ROOM;
}

static void take_person(const struct graph_rules *rules, const json_t *object, const char *risk,
                        struct graph_taken *t)
{
    json_t *ours = json_object();

    t->fate = GRAPH_SKIPPED;
    if (!t->name) {
        snprintf(t->why, sizeof(t->why), "has no userPrincipalName");
    } else if (!number_of(rules, object) && has_number(rules, object)) {
        snprintf(t->why, sizeof(t->why), "%.60s is no text of 1 to %d bytes",
                 json_string_value(json_object_get(rules->map, "employeeNumber")) ?: "employeeId",
                 PERSON_TEXT_MAX);
    } else if (take_ours(rules, object, risk, ours, t) == 0) {
        t->user = user_of(rules, object, t->name, json_incref(ours), t->id);
        t->fate = GRAPH_PERSON;
    }
    json_decref(ours);
    if (t->user && too_long(t->user)) {
        json_decref(t->user);
        t->user = NULL;
        t->fate = GRAPH_SKIPPED;
        snprintf(t->why, sizeof(t->why), "is longer than a line of the protocol");
    }
}

// What was cut may have been cut inside of a letter.
static void plain(char *why)
{
    for (char *p = why; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
}

int graph_user_take(const struct graph_rules *rules, const json_t *object, bool assigned,
                    const char *risk, struct graph_taken *ret)
{
    unsigned char id[GRAPH_ID];
    struct graph_taken t = {0};

    if (!graph_id_parse(json_string_value(json_object_get(object, "id")), id))
        return -EBADMSG;
    graph_id_text(id, t.id);
    t.name = person_text(object, "userPrincipalName");
    t.disabled = json_is_false(json_object_get(object, "accountEnabled")) ||
                 !unset(object, "deletedDateTime");
    t.reason = refused(rules, object, t.name, assigned);
    if (t.reason)
        t.fate = GRAPH_DROPPED;
    else
        take_person(rules, object, risk, &t);
    plain(t.why);
    *ret = t;
    return 0;
}

void graph_taken_done(struct graph_taken *t)
{
    json_decref(t->user);
    *t = (struct graph_taken){0};
}

bool graph_user_whole(const json_t *object)
{
    return json_object_get(object, "accountEnabled") &&
           json_object_get(object, "userPrincipalName");
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

const char *graph_risk(const json_t *risky_user)
{
    static const char *const over[] = {"none", "confirmedSafe", "remediated", "dismissed"};
    static const char *const levels[] = {"low", "medium", "high"};
    const char *state = json_string_value(json_object_get(risky_user, "riskState"));
    const char *level = json_string_value(json_object_get(risky_user, "riskLevel"));

    if (json_is_true(json_object_get(risky_user, "isDeleted")))
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
