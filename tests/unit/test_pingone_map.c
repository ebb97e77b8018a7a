// SPDX-License-Identifier: BSD-2-Clause
// What a user of PingOne is here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/sources/pingone_map.h"

#define STAFF "0a000000-0000-4000-8000-000000000001"

// A user as the API lists it, with these members in place of its own.
static json_t *user(const char *others)
{
    json_t *u = json_loads(
        "{\"id\": \"a1ce0000-0000-4000-8000-000000000001\", \"username\": \"alice@acme.example\","
        " \"email\": \"alice@acme.example\", \"externalId\": \"1001\", \"type\": \"Employee\","
        " \"name\": {\"given\": \"Alice\", \"family\": \"Adams\"}, \"enabled\": true,"
        " \"account\": {\"status\": \"OK\", \"canAuthenticate\": true},"
        " \"lifecycle\": {\"status\": \"ACCOUNT_OK\"}, \"population\": {\"id\": \"" STAFF "\"},"
        " \"identityProvider\": {\"type\": \"PING_ONE\"}, \"lastSignOn\": {\"at\": \"now\"}}",
        0, NULL);
    json_t *o = json_loads(others, 0, NULL);

    assert_non_null(u);
    assert_non_null(o);
    json_object_update(u, o);
    json_decref(o);
    return u;
}

static char line[64 * 1024];
static json_t *said; // of a person

// `u` by the rules, in words.
static enum pingone_word take_user(const json_t *u, const struct pingone_rules *rules,
                                   const struct pingone_in *in, char *text, size_t len)
{
    struct values *values = values_new(256 * 1024);
    struct json_writer out = {.buf = line, .room = sizeof(line)};
    char *read = json_dumps(u, JSON_COMPACT);
    const char *wrong = NULL;
    const struct value *v = values_read(values, read, strlen(read), NULL, &wrong);
    struct pingone_record r;
    enum pingone_word word;

    assert_non_null(v);
    word = pingone_take(v, rules, in, &out, &r);
    snprintf(text, len, "%s", word == PINGONE_DROPPED ? r.reason : r.why);
    json_decref(said);
    said = json_loadb(line, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(said);
    values_free(values);
    free(read);
    return word;
}

static enum pingone_word take(const char *others, const struct pingone_rules *rules, bool assigned,
                              char *text, size_t len)
{
    json_t *u = user(others);
    const struct pingone_in in = {.assigned = assigned};
    enum pingone_word word = take_user(u, rules, &in, text, len);
    const json_t *ours = json_object_get(said, PERSON_EXTENSION);

    if (word == PINGONE_PERSON)
        snprintf(text, len, "%s %s%s", json_string_value(json_object_get(said, "userName")),
                 json_string_value(json_object_get(ours, "status")),
                 json_is_true(json_object_get(ours, "passwordBlocked")) ? " blocked" : "");
    json_decref(u);
    return word;
}

static void says(const char *others, const char *expected)
{
    json_t *domain = json_pack("[s]", "ACME.example");
    const struct pingone_rules rules = {.shared = {.domain = domain}};
    char text[300];

    take(others, &rules, true, text, sizeof(text));
    assert_string_equal(text, expected);
    json_decref(domain);
}

static void whoever_may_sign_in_there_may_sign_in_here(void **state)
{
    (void)state;
    says("{}", "alice active");
    says("{\"account\": {\"status\": \"OK\"}}", "alice active");
    says("{\"enabled\": false}", "alice disabled");
    says("{\"enabled\": false, \"account\": {\"status\": \"OK\", \"canAuthenticate\": false}}",
         "alice disabled");
}

static void a_lock_with_an_end_blocks_the_password_alone(void **state)
{
    (void)state;
    says("{\"account\": {\"status\": \"LOCKED\", \"canAuthenticate\": false, \"unlockAt\": "
         "\"2026-11-26T10:15:00Z\", \"secondsUntilUnlock\": 900}}",
         "alice active blocked");
    says("{\"account\": {\"status\": \"LOCKED\", \"secondsUntilUnlock\": 900}}",
         "alice active blocked");
    says("{\"account\": {\"status\": \"LOCKED\", \"canAuthenticate\": false}}", "alice refused");
    says("{\"enabled\": false, \"account\": {\"status\": \"LOCKED\", \"secondsUntilUnlock\": 9}}",
         "alice disabled");
}

static void a_value_that_is_not_known_is_no_login(void **state)
{
    static const char *const others[] = {
        "{\"account\": {\"status\": \"FROZEN\", \"canAuthenticate\": true}}",
        "{\"account\": {\"canAuthenticate\": true}}",
        "{\"account\": null}",
        "{\"account\": {\"status\": \"OK\", \"canAuthenticate\": false}}",
        "{\"account\": {\"status\": \"OK\", \"canAuthenticate\": \"yes\"}}",
        "{\"enabled\": \"true\"}",
        "{\"enabled\": null}",
        "{\"lifecycle\": {\"status\": \"VERIFICATION_REQUIRED\"}}",
        "{\"lifecycle\": {\"status\": \"SOMETHING_NEW\"}}",
        "{\"lifecycle\": null}",
        "{\"lifecycle\": 0, \"account\": {\"status\": \"LOCKED\", \"unlockAt\": \"soon\"}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        says(others[i], "alice refused");
}

static void who_is_of_another_population_is_dropped(void **state)
{
    json_t *populations = json_pack("[s]", STAFF);
    const struct pingone_rules rules = {.populations = populations};
    char text[300];

    (void)state;
    assert_int_equal(take("{}", &rules, true, text, sizeof(text)), PINGONE_PERSON);
    assert_int_equal(take("{\"population\": {\"id\": \"0a000000-0000-4000-8000-000000000002\"}}",
                          &rules, true, text, sizeof(text)),
                     PINGONE_DROPPED);
    assert_string_equal(text, "population");
    assert_int_equal(take("{\"population\": null}", &rules, true, text, sizeof(text)),
                     PINGONE_DROPPED);
    json_decref(populations);
}

static void who_signs_in_elsewhere_is_dropped(void **state)
{
    json_t *ours = json_pack("[s]", "1d9");
    const struct pingone_rules rules = {.identity_providers = ours};
    char text[300];

    (void)state;
    says("{\"identityProvider\": null}", "alice active");
    says("{\"identityProvider\": {\"id\": \"1d9\", \"type\": \"SAML\"}}", "external");
    says("{\"identityProvider\": {\"id\": \"1d9\", \"type\": \"GOOGLE\"}}", "social");
    says("{\"identityProvider\": {\"type\": \"SOMETHING_NEW\"}}", "external");
    says("{\"identityProvider\": {\"id\": \"1d9\", \"type\": \"PING_ONE\"}}", "external");
    says("{\"identityProvider\": \"SAML\"}", "external");
    assert_int_equal(take("{\"identityProvider\": {\"id\": \"1d9\", \"type\": \"SAML\"}}", &rules,
                          true, text, sizeof(text)),
                     PINGONE_PERSON);
    json_decref(ours);
}

static void who_lacks_the_marks_of_an_employee_is_dropped(void **state)
{
    json_t *types = json_pack("[s]", "Employee"),
           *marks = json_pack("[ss]", "externalId", "name.given");
    const struct pingone_rules rules = {
        .shared = {.user_types = types, .require_attributes = marks}};
    char text[300];

    (void)state;
    assert_int_equal(take("{}", &rules, true, text, sizeof(text)), PINGONE_PERSON);
    take("{}", &rules, false, text, sizeof(text));
    assert_string_equal(text, "unassigned");
    take("{\"type\": \"Contractor\"}", &rules, true, text, sizeof(text));
    assert_string_equal(text, "user-type");
    take("{\"type\": null}", &rules, true, text, sizeof(text));
    assert_string_equal(text, "user-type");
    take("{\"externalId\": \"\"}", &rules, true, text, sizeof(text));
    assert_string_equal(text, "no-marker");
    take("{\"name\": {}}", &rules, true, text, sizeof(text));
    assert_string_equal(text, "no-marker");
    says("{\"username\": \"alice@elsewhere.example\"}", "domain");
    says("{\"username\": \"alice\"}", "alice active");
    json_decref(types);
    json_decref(marks);
}

static void what_cannot_be_read_is_a_problem(void **state)
{
    (void)state;
    says("{\"id\": null}", "has no id that is a UUID");
    says("{\"id\": \"../../../etc\"}", "has no id that is a UUID");
    says("{\"username\": null}", "has no username of at most 1024 bytes");
    says("{\"username\": 7}", "has no username of at most 1024 bytes");
}

static void all_that_is_known_is_said(void **state)
{
    const struct pingone_rules rules = {.employee_number = "acme.number"};
    json_t *u = user("{\"acme\": {\"number\": 42}, \"displayName\": \"no such member\"}");
    const char *const groups[] = {"g1", "g2", NULL};
    const struct pingone_in in = {.groups = groups, .assigned = true};
    char text[300];
    json_t *expected = json_loads(
        "{\"id\": \"a1ce0000-0000-4000-8000-000000000001\", \"userName\": \"alice@acme.example\","
        " \"displayName\": \"Alice Adams\", \"userType\": \"Employee\","
        " \"emails\": [{\"value\": \"alice@acme.example\"}],"
        " \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\": "
        "{\"employeeNumber\": \"42\"}, \"urn:rollcall:1.0:User\": {\"status\": \"active\"},"
        " \"groups\": [{\"value\": \"g1\"}, {\"value\": \"g2\"}]}",
        0, NULL);

    (void)state;
    assert_int_equal(take_user(u, &rules, &in, text, sizeof(text)), PINGONE_PERSON);
    assert_true(json_equal(said, expected));
    json_decref(expected);
    json_decref(u);
}

static void an_environment_of_customers_is_refused(void **state)
{
    (void)state;
    assert_null(pingone_not_a_workforce("WORKFORCE", false));
    assert_null(pingone_not_a_workforce("WF_TRIAL", false));
    assert_non_null(strstr(pingone_not_a_workforce("CUSTOMER", true), "separately"));
    assert_non_null(strstr(pingone_not_a_workforce("CIAM_TRIAL", true), "separately"));
    assert_non_null(pingone_not_a_workforce("SOMETHING_NEW", true));
    assert_non_null(strstr(pingone_not_a_workforce(NULL, false), "populations"));
    assert_null(pingone_not_a_workforce(NULL, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_may_sign_in_there_may_sign_in_here),
        cmocka_unit_test(a_lock_with_an_end_blocks_the_password_alone),
        cmocka_unit_test(a_value_that_is_not_known_is_no_login),
        cmocka_unit_test(who_is_of_another_population_is_dropped),
        cmocka_unit_test(who_signs_in_elsewhere_is_dropped),
        cmocka_unit_test(who_lacks_the_marks_of_an_employee_is_dropped),
        cmocka_unit_test(what_cannot_be_read_is_a_problem),
        cmocka_unit_test(all_that_is_known_is_said),
        cmocka_unit_test(an_environment_of_customers_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
