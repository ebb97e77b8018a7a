// SPDX-License-Identifier: BSD-2-Clause
// A user of PingOne into a user of rollcall's.
#include "syncd/sources/pingone_map.h"

#include <stdio.h>
#include <string.h>

#include "rollcall/parse.h"

#define NAME_MAX_BYTES 256
#define SHORT_MAX      1024 // of a text; PingOne's own limits are no longer

const char *pingone_not_a_workforce(const char *type, bool populations_named)
{
    if (!type)
        return populations_named
                   ? NULL
                   : "the environment does not say whether it is of a workforce or of customers "
                     "(billOfMaterials has no solutionType); name the populations of employees: "
                     "populations = ID, ID";
    if (strcmp(type, "WORKFORCE") == 0 || strcmp(type, "WF_TRIAL") == 0)
        return NULL;
    if (strcmp(type, "CUSTOMER") == 0 || strcmp(type, "CIAM_TRIAL") == 0)
        return "the environment is one of customers (solutionType); run it separately, on hosts of "
               "its own: a customer's account must never be one slip of a list away from a login "
               "beside employees";
    return "the environment is of a kind that is not known (solutionType); only WORKFORCE and "
           "WF_TRIAL are taken";
}

static const char *short_text(const json_t *o, const char *member)
{
    const char *text = person_text(o, member);

    return text && strlen(text) <= SHORT_MAX ? text : NULL;
}

// ---- who is no person of this company's ----

// Whoever signs in elsewhere has an account that somebody else opens and closes.
static const char *foreign(const json_t *user, const struct pingone_rules *rules)
{
    static const char *const social[] = {"FACEBOOK", "GOOGLE", "LINKEDIN",  "APPLE",  "TWITTER",
                                         "AMAZON",   "YAHOO",  "MICROSOFT", "PAYPAL", "GITHUB"};
    const json_t *provider = json_object_get(user, "identityProvider");
    const char *type = person_text(provider, "type"), *id = person_text(provider, "id");

    if (!provider || json_is_null(provider))
        return NULL;
    if (type && strcmp(type, "PING_ONE") == 0 && !id)
        return NULL;
    if (person_listed(rules->identity_providers, id))
        return NULL;
    for (size_t i = 0; type && i < sizeof(social) / sizeof(social[0]); i++)
        if (strcmp(type, social[i]) == 0)
            return "social";
    return "external";
}

static const char *dropped(const json_t *user, const struct pingone_rules *rules, bool assigned)
{
    const char *population = person_text(json_object_get(user, "population"), "id");
    const char *reason;

    if (json_array_size(rules->populations) > 0 && !person_listed(rules->populations, population))
        return "population";
    reason = foreign(user, rules);
    if (!reason)
        reason = person_refused(&rules->shared, user, person_text(user, "type"));
    return reason ? reason : assigned ? NULL : "unassigned";
}

// ---- may the person come in ----

static bool is_word(const json_t *o, const char *member, const char *word)
{
    const char *text = json_string_value(json_object_get(o, member));

    return text && strcmp(text, word) == 0;
}

// A lock that ends by itself came of wrong passwords: whoever types them for somebody else must
// not end that person's sessions. One without an end may be an administrator's or the password
// policy's: no login, and no session ends. Who wants that disables the account.
static const char *status_of(const json_t *user, bool *ret_blocked)
{
    const json_t *account = json_object_get(user, "account"),
                 *enabled = json_object_get(user, "enabled"),
                 *can = json_object_get(account, "canAuthenticate");
    bool locked = is_word(account, "status", "LOCKED");

    *ret_blocked = false;
    if (json_is_false(enabled))
        return "disabled";
    if (!json_is_true(enabled) || !(locked || is_word(account, "status", "OK")))
        return "refused";
    if (!is_word(json_object_get(user, "lifecycle"), "status", "ACCOUNT_OK"))
        return "refused";
    if (locked) {
        *ret_blocked = person_has(json_object_get(account, "unlockAt")) ||
                       json_is_integer(json_object_get(account, "secondsUntilUnlock"));
        return *ret_blocked ? "active" : "refused";
    }
    return !person_has(can) || json_is_true(can) ? "active" : "refused";
}

// ---- the person ----

// Texts of a json_t are UTF-8 already.
static void put(json_t *o, const char *member, const char *text)
{
    if (text)
        json_object_set_new_nocheck(o, member, json_string_nocheck(text));
}

static void put_display_name(json_t *o, const json_t *name)
{
    const char *formatted = short_text(name, "formatted"), *given = short_text(name, "given"),
               *family = short_text(name, "family");
    char both[2 * SHORT_MAX + 2];

    snprintf(both, sizeof(both), "%s%s%s", given ? given : "", given && family ? " " : "",
             family ? family : "");
    put(o, "displayName", formatted ? formatted : *both ? both : NULL);
}

static void put_number(json_t *o, const json_t *number)
{
    const char *text = json_string_value(number);
    char digits[24];
    json_t *enterprise;

    if (json_is_integer(number)) {
        snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(number));
        text = digits;
    }
    if (!text || !*text || strlen(text) > SHORT_MAX)
        return;
    enterprise = json_object();
    put(enterprise, "employeeNumber", text);
    json_object_set_new_nocheck(o, PERSON_ENTERPRISE, enterprise);
}

static json_t *person(const json_t *user, const struct pingone_rules *rules, const char *login)
{
    json_t *o = json_object(), *ours = json_object(), *emails = json_object();
    bool blocked;

    put(o, "id", person_text(user, "id"));
    put(o, "userName", login);
    put_display_name(o, json_object_get(user, "name"));
    put(o, "userType", short_text(user, "type"));
    put(emails, "value", short_text(user, "email"));
    if (json_object_size(emails) > 0)
        json_object_set_new_nocheck(o, "emails", json_pack("[O]", emails));
    json_decref(emails);
    put_number(o, person_at(user, rules->employee_number ? rules->employee_number : "externalId"));
    put(ours, "status", status_of(user, &blocked));
    if (blocked)
        json_object_set_new_nocheck(ours, "passwordBlocked", json_true());
    json_object_set_new_nocheck(o, PERSON_EXTENSION, ours);
    return o;
}

static enum pingone_word problem(struct pingone_record *ret, const char *what)
{
    snprintf(ret->why, sizeof(ret->why), "%s", what);
    return PINGONE_PROBLEM;
}

enum pingone_word pingone_take(const json_t *user, const struct pingone_rules *rules, bool assigned,
                               struct pingone_record *ret)
{
    const char *name = short_text(user, "username");
    char login[NAME_MAX_BYTES + 1];

    *ret = (struct pingone_record){.name = name};
    if (!json_is_object(user))
        return problem(ret, "is no object");
    if (!rollcall_is_uuid(person_text(user, "id")))
        return problem(ret, "has no id that is a UUID");
    ret->id = person_text(user, "id");
    ret->reason = dropped(user, rules, assigned);
    if (ret->reason)
        return PINGONE_DROPPED;
    if (!name)
        return problem(ret, "has no username of at most 1024 bytes");
    if (!person_login(rules->shared.domain, name, login, sizeof(login))) {
        if (strlen(name) > NAME_MAX_BYTES)
            return problem(ret, "has a username of more than 256 bytes");
        ret->reason = "domain";
        return PINGONE_DROPPED;
    }
    ret->user = person(user, rules, login);
    return ret->user ? PINGONE_PERSON : problem(ret, "has text that cannot be said");
}
