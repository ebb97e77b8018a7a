// SPDX-License-Identifier: BSD-2-Clause
// A user of PingOne into a user of rollcall's.
#include "syncd/sources/pingone_map.h"

#include <inttypes.h>
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

static const char *short_text(const struct value *o, const char *member)
{
    const struct value *v = value_get(o, member);

    return value_len(v) > 0 && v->len <= SHORT_MAX ? v->text : NULL;
}

// ---- who is no person of this company's ----

// Whoever signs in elsewhere has an account that somebody else opens and closes.
static const char *foreign(const struct value *user, const struct pingone_rules *rules)
{
    static const char *const social[] = {"FACEBOOK", "GOOGLE", "LINKEDIN",  "APPLE",  "TWITTER",
                                         "AMAZON",   "YAHOO",  "MICROSOFT", "PAYPAL", "GITHUB"};
    const struct value *provider = value_get(user, "identityProvider");
    const char *type = person_value_text(provider, "type"), *id = person_value_text(provider, "id");

    if (person_value_unset(provider))
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

static const char *dropped(const struct value *user, const struct pingone_rules *rules,
                           bool assigned)
{
    const char *population = person_value_text(value_get(user, "population"), "id");
    const char *reason;

    if (json_array_size(rules->populations) > 0 && !person_listed(rules->populations, population))
        return "population";
    reason = foreign(user, rules);
    if (!reason)
        reason = person_value_refused(&rules->shared, user, person_value_text(user, "type"));
    return reason ? reason : assigned ? NULL : "unassigned";
}

// ---- may the person come in ----

static bool is_word(const struct value *o, const char *member, const char *word)
{
    const char *text = value_text(value_get(o, member));

    return text && strcmp(text, word) == 0;
}

// A lock that ends by itself came of wrong passwords: whoever types them for somebody else must
// not end that person's sessions. One without an end may be an administrator's or the password
// policy's: no login, and no session ends. Who wants that disables the account.
static const char *status_of(const struct value *user, bool *ret_blocked)
{
    const struct value *account = value_get(user, "account"), *enabled = value_get(user, "enabled"),
                       *can = value_get(account, "canAuthenticate");
    bool locked = is_word(account, "status", "LOCKED");

    *ret_blocked = false;
    if (value_is(enabled, VALUE_FALSE))
        return "disabled";
    if (!value_is(enabled, VALUE_TRUE) || !(locked || is_word(account, "status", "OK")))
        return "refused";
    if (!is_word(value_get(user, "lifecycle"), "status", "ACCOUNT_OK"))
        return "refused";
    if (locked) {
        *ret_blocked = person_value_has(value_get(account, "unlockAt")) ||
                       value_is(value_get(account, "secondsUntilUnlock"), VALUE_INTEGER);
        return *ret_blocked ? "active" : "refused";
    }
    return !person_value_has(can) || value_is(can, VALUE_TRUE) ? "active" : "refused";
}

// ---- the person ----

static void put_display_name(struct json_writer *out, const struct value *name)
{
    const char *formatted = short_text(name, "formatted"), *given = short_text(name, "given"),
               *family = short_text(name, "family");
    char both[2 * SHORT_MAX + 2];

    if (!formatted) {
        snprintf(both, sizeof(both), "%s%s%s", given ? given : "", given && family ? " " : "",
                 family ? family : "");
        formatted = *both ? both : NULL;
    }
    json_write_text(out, "displayName", formatted);
}

static void put_number(struct json_writer *out, const struct value *number)
{
    const char *text = value_text(number);
    char digits[24];

    if (value_is(number, VALUE_INTEGER)) {
        snprintf(digits, sizeof(digits), "%" PRId64, number->integer);
        text = digits;
    }
    if (!text || !*text || strlen(text) > SHORT_MAX)
        return;
    json_write_open(out, PERSON_ENTERPRISE, '{');
    json_write_text(out, "employeeNumber", text);
    json_write_close(out, '}');
}

static void put_email(struct json_writer *out, const char *email)
{
    if (!email)
        return;
    json_write_open(out, "emails", '[');
    json_write_open(out, NULL, '{');
    json_write_text(out, "value", email);
    json_write_close(out, '}');
    json_write_close(out, ']');
}

static void put_groups(struct json_writer *out, const char *const *groups)
{
    json_write_open(out, "groups", '[');
    for (size_t i = 0; groups[i]; i++) {
        json_write_open(out, NULL, '{');
        json_write_text(out, "value", groups[i]);
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
}

static void put_person(struct json_writer *out, const struct value *user,
                       const struct pingone_rules *rules, const char *login,
                       const struct pingone_in *in)
{
    bool blocked;

    json_write_open(out, NULL, '{');
    json_write_text(out, "id", person_value_text(user, "id"));
    json_write_text(out, "userName", login);
    put_display_name(out, value_get(user, "name"));
    json_write_text(out, "userType", short_text(user, "type"));
    put_email(out, short_text(user, "email"));
    put_number(
        out, person_value_at(user, rules->employee_number ? rules->employee_number : "externalId"));
    json_write_open(out, PERSON_EXTENSION, '{');
    json_write_text(out, "status", status_of(user, &blocked));
    if (blocked)
        json_write_true(out, "passwordBlocked");
    json_write_close(out, '}');
    if (in->groups)
        put_groups(out, in->groups);
    json_write_close(out, '}');
}

static enum pingone_word problem(struct pingone_record *ret, const char *what)
{
    snprintf(ret->why, sizeof(ret->why), "%s", what);
    return PINGONE_PROBLEM;
}

// A person is written to `out`.
static enum pingone_word take(const struct value *user, const struct pingone_rules *rules,
                              const struct pingone_in *in, struct json_writer *out,
                              struct pingone_record *ret)
{
    const char *name = short_text(user, "username");
    char login[NAME_MAX_BYTES + 1];

    *ret = (struct pingone_record){.name = name};
    if (!value_is(user, VALUE_OBJECT))
        return problem(ret, "is no object");
    if (!rollcall_is_uuid(person_value_text(user, "id")))
        return problem(ret, "has no id that is a UUID");
    ret->id = person_value_text(user, "id");
    ret->reason = dropped(user, rules, in->assigned);
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
    put_person(out, user, rules, login, in);
    return PINGONE_PERSON;
}

enum pingone_word pingone_take(const struct value *user, const struct pingone_rules *rules,
                               const struct pingone_in *in, struct json_writer *out,
                               struct pingone_record *ret)
{
    enum pingone_word word;

    json_writer_again(out);
    word = take(user, rules, in, out, ret);
    if (word == PINGONE_PERSON)
        return word;
    json_write_open(out, NULL, '[');
    json_write_text(out, NULL, word == PINGONE_DROPPED ? ret->reason : ret->why);
    json_write_bool(out, NULL,
                    word == PINGONE_DROPPED && value_is(value_get(user, "enabled"), VALUE_FALSE));
    json_write_text(out, NULL, ret->name);
    json_write_close(out, ']');
    return word;
}
