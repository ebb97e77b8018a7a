// SPDX-License-Identifier: BSD-2-Clause
// Who is a member of the workforce in Entra ID, and what is said of one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "syncd/sources/graph_map.h"

#define ID "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0"
#define ALICE                                                                                      \
    "\"id\":\"" ID "\",\"userPrincipalName\":\"Alice@acme.com\",\"accountEnabled\":true,"          \
    "\"userType\":\"Member\",\"displayName\":\"Alice Lee\",\"mail\":\"alice.lee@acme.com\","       \
    "\"employeeId\":\"1042\",\"employeeType\":\"Employee\",\"department\":\"Ops\","                \
    "\"onPremisesSamAccountName\":\"root\",\"identities\":[{\"signInType\":"                       \
    "\"userPrincipalName\",\"issuer\":\"acme.com\",\"issuerAssignedId\":\"alice@acme.com\"}]"

static json_t *domains, *required, *types;
static struct graph_taken t;
static char said[GRAPH_USER_MAX];
static struct json_writer out = {.buf = said, .room = sizeof(said)};
static struct values *values;
static json_t *user; // what was said of the last one

// Members of `more` stand in place of those of the same name.
static json_t *object(const char *base, const char *more)
{
    char *text = NULL;
    json_t *a, *b;

    assert_true(asprintf(&text, "[{%s},{%s}]", base, more) > 0);
    a = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(a);
    b = json_incref(json_array_get(a, 0));
    json_object_update(b, json_array_get(a, 1));
    json_decref(a);
    free(text);
    return b;
}

// What an answer with this in it would be read as, until the next one.
static const struct value *value_of(const json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    const struct value *v;
    const char *wrong;

    assert_non_null(text);
    values_empty(values);
    v = values_read(values, text, strlen(text), NULL, &wrong);
    assert_non_null(v);
    free(text);
    return v;
}

static struct graph_rules rules(void)
{
    return (struct graph_rules){.person = {.domain = domains}};
}

static void take_by(const struct graph_rules *r, const char *more, bool assigned, const char *risk)
{
    json_t *o = object(ALICE, more);
    const struct value *v = value_of(o); // holds the name of what was taken

    json_decref(o);
    json_decref(user);
    user = NULL;
    assert_int_equal(graph_user_take(r, v, assigned, risk, &out, &t), 0);
    if (t.fate != GRAPH_PERSON)
        return;
    assert_true(out.len <= out.room);
    user = json_loadb(said, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(user);
}

static void take(const char *more)
{
    struct graph_rules r = rules();

    take_by(&r, more, true, NULL);
}

static void dropped(const char *more, const char *reason)
{
    take(more);
    assert_int_equal(t.fate, GRAPH_DROPPED);
    assert_string_equal(t.reason, reason);
    assert_null(user);
}

static const char *ours(const char *member)
{
    return json_string_value(
        json_object_get(json_object_get(user, "urn:rollcall:1.0:User"), member));
}

static void person(const char *more)
{
    take(more);
    assert_int_equal(t.fate, GRAPH_PERSON);
}

// ---- what is said ----

static void a_member_is_named_by_the_upn_without_its_domain(void **state)
{
    struct rollcall_message m;
    char why[300], *line;
    json_t *o;

    (void)state;
    person("");
    o = json_pack("{s:s, s:O}", "op", "user", "user", user);
    line = json_dumps(o, JSON_COMPACT);
    assert_int_equal(rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)), 0);
    assert_string_equal(m.user.id, ID);
    assert_string_equal(m.user.user_name, "alice"); // never onPremisesSamAccountName
    assert_string_equal(m.user.employee_number, "1042");
    assert_string_equal(m.user.display_name, "Alice Lee");
    assert_string_equal(m.user.email, "alice.lee@acme.com");
    assert_string_equal(m.user.department, "Ops");
    assert_string_equal(m.user.worker_type, "Employee");
    assert_int_equal(m.user.status, ROLLCALL_STATUS_ACTIVE);
    assert_false(m.user.groups_present); // the groups say it
    rollcall_message_done(&m);
    free(line);
    json_decref(o);
}

static void an_account_is_enabled_by_the_word_true_alone(void **state)
{
    static const char *const words[] = {"false", "null", "\"true\"", "1", "{}"};
    char more[60];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(more, sizeof(more), "\"accountEnabled\":%s", words[i]);
        person(more);
        assert_string_equal(ours("status"), "disabled");
        assert_int_equal(t.disabled, i == 0);
    }
    person("\"deletedDateTime\":\"2026-11-20T00:00:00Z\"");
    assert_string_equal(ours("status"), "disabled");
}

static void a_leave_date_is_the_end_and_a_hire_date_the_start(void **state)
{
    (void)state;
    person("\"employeeHireDate\":\"2026-12-01T08:00:00Z\","
           "\"employeeLeaveDateTime\":\"2027-01-31T17:00:00.1234567+01:00\"");
    assert_string_equal(ours("start"), "2026-12-01T08:00:00Z");
    assert_string_equal(ours("end"), "2027-01-31T16:00:00Z");
    person("\"employeeHireDate\":\"0001-01-01T00:00:00Z\",\"employeeLeaveDateTime\":null");
    assert_null(ours("start"));
    assert_null(ours("end"));
}

static void a_rehire_whose_old_leave_date_stands_names_both(void **state)
{
    (void)state;
    person("\"employeeHireDate\":\"2026-12-01T08:00:00Z\","
           "\"employeeLeaveDateTime\":\"2026-06-30T17:00:00Z\"");
    assert_true(json_is_true(
        json_object_get(json_object_get(user, "urn:rollcall:1.0:User"), "rehireConflict")));
    assert_non_null(strstr(t.why, "employeeHireDate"));
}

static void a_date_that_cannot_be_read_skips_the_person_unless_disabled(void **state)
{
    (void)state;
    take("\"employeeLeaveDateTime\":\"tomorrow\"");
    assert_int_equal(t.fate, GRAPH_SKIPPED);
    assert_non_null(strstr(t.why, "tomorrow"));
    take("\"employeeLeaveDateTime\":\"2026-11-30\""); // no instant: whose midnight?
    assert_int_equal(t.fate, GRAPH_SKIPPED);
    take("\"employeeLeaveDateTime\":17");
    assert_int_equal(t.fate, GRAPH_SKIPPED);
    person("\"employeeLeaveDateTime\":\"tomorrow\",\"accountEnabled\":false");
    assert_string_equal(ours("status"), "disabled");
    assert_null(ours("end"));
}

static void properties_that_are_called_otherwise_are_found_by_the_map(void **state)
{
    struct graph_rules r = rules();
    json_t *list = json_pack("[s, s, s, s]", "sshPublicKeys:extension_1_keys",
                             "loginShell:onPremisesExtensionAttributes.extensionAttribute1",
                             "uidNumber:extension_1_uid", "employeeNumber:extension_1_number");
    json_t *map = NULL, *ours_, *none = json_pack("[s]", "status:accountEnabled");
    char why[300];

    (void)state;
    assert_int_equal(graph_map_read(none, &map, why, sizeof(why)), -EINVAL);
    assert_int_equal(graph_map_read(list, &map, why, sizeof(why)), 0);
    r.map = map;
    take_by(&r,
            "\"extension_1_keys\":[\"ssh-ed25519 AAAA\",7],\"extension_1_uid\":\"70001\","
            "\"extension_1_number\":\"E7\",\"onPremisesExtensionAttributes\":"
            "{\"extensionAttribute1\":\"/bin/zsh\"}",
            true, NULL);
    assert_int_equal(t.fate, GRAPH_PERSON);
    ours_ = json_object_get(user, "urn:rollcall:1.0:User");
    assert_string_equal(ours("loginShell"), "/bin/zsh");
    assert_int_equal(json_integer_value(json_object_get(ours_, "uidNumber")), 70001);
    assert_int_equal(json_array_size(json_object_get(ours_, "sshPublicKeys")), 1);
    take_by(&r, "\"extension_1_keys\":null", true, NULL);
    ours_ = json_object_get(user, "urn:rollcall:1.0:User");
    assert_true(json_is_array(json_object_get(ours_, "sshPublicKeys"))); // said: none
    assert_int_equal(json_array_size(json_object_get(ours_, "sshPublicKeys")), 0);
    take_by(&r, "\"extension_1_uid\":\"x\"", true, NULL);
    assert_int_equal(t.fate, GRAPH_SKIPPED);
    json_decref(list);
    json_decref(none);
    json_decref(map);
}

// ---- who is left out ----

static void guests_and_what_is_no_member_are_left_out(void **state)
{
    (void)state;
    dropped("\"userType\":\"Guest\"", "guest");
    dropped("\"userType\":\"member\"", "user-type");
    dropped("\"userType\":\"Contributor\"", "user-type");
    dropped("\"userType\":true", "user-type");
    dropped("\"userType\":null", "user-type");
    assert_string_equal(t.name, "Alice@acme.com");
}

static void an_account_of_before_user_types_is_a_member_where_that_is_configured(void **state)
{
    struct graph_rules r = rules();

    (void)state;
    r.untyped = true;
    take_by(&r, "\"userType\":null", true, NULL);
    assert_int_equal(t.fate, GRAPH_PERSON);
    take_by(&r, "\"userType\":\"\"", true, NULL);
    assert_int_equal(t.fate, GRAPH_DROPPED);
    take_by(&r, "\"userType\":\"Guest\"", true, NULL);
    assert_string_equal(t.reason, "guest");
}

static void whoever_was_invited_or_signed_up_is_left_out_though_called_a_member(void **state)
{
    (void)state;
    dropped("\"creationType\":\"Invitation\"", "external");
    dropped("\"creationType\":\"LocalAccount\"", "customer");
    dropped("\"creationType\":\"EmailVerified\"", "self-registered");
    dropped("\"creationType\":\"SelfServiceSignUp\"", "self-registered");
    dropped("\"creationType\":\"Teleport\"", "external");
    dropped("\"creationType\":7", "external");
    dropped("\"externalUserState\":\"Accepted\"", "external");
    dropped("\"externalUserState\":\"PendingAcceptance\"", "external");
    dropped("\"userPrincipalName\":\"bob_other.com#ext#@acme.com\"", "external");
    dropped("\"userPrincipalName\":\"bob#x#EXT#@acme.com\"", "external");
}

static void an_identity_of_a_customer_or_of_elsewhere_leaves_out(void **state)
{
#define IDENTITY(type, issuer)                                                                     \
    "\"identities\":[{\"signInType\":\"userPrincipalName\",\"issuer\":\"acme.com\"},"              \
    "{\"signInType\":\"" type "\",\"issuer\":\"" issuer "\"}]"
    (void)state;
    dropped(IDENTITY("emailAddress", "acme.onmicrosoft.com"), "customer");
    dropped(IDENTITY("userName", "acme.onmicrosoft.com"), "customer");
    dropped(IDENTITY("federated", "google.com"), "social");
    dropped(IDENTITY("federated", "Facebook.com"), "social");
    dropped(IDENTITY("federated", "ExternalAzureAD"), "external");
    dropped(IDENTITY("passkey", "acme.com"), "external");
    dropped("\"identities\":[7]", "external");
    dropped("\"identities\":\"none\"", "external");
    person("\"identities\":[]");
    person("\"identities\":null");
}

static void a_name_of_another_domain_is_left_out(void **state)
{
    (void)state;
    dropped("\"userPrincipalName\":\"alice@acme.com.evil.example\"", "domain");
    dropped("\"userPrincipalName\":\"alice@acme.com@evil.example\"", "domain");
    dropped("\"userPrincipalName\":\"alice\"", "domain");
    dropped("\"userPrincipalName\":\"@acme.com\"", "domain");
    person("\"userPrincipalName\":\"BOB@ACME.COM\"");
    assert_string_equal(json_string_value(json_object_get(user, "userName")), "bob");
    take("\"userPrincipalName\":null");
    assert_int_equal(t.fate, GRAPH_SKIPPED);
}

static void who_lacks_the_marker_or_is_of_another_type_is_left_out(void **state)
{
    struct graph_rules r = rules();

    (void)state;
    r.person.require_attributes = required;
    r.person.user_types = types;
    take_by(&r, "", true, NULL);
    assert_int_equal(t.fate, GRAPH_PERSON);
    take_by(&r, "\"employeeId\":null", true, NULL);
    assert_string_equal(t.reason, "no-marker");
    take_by(&r, "\"employeeId\":\"\"", true, NULL);
    assert_string_equal(t.reason, "no-marker");
    take_by(&r, "\"employeeType\":\"Vendor\"", true, NULL);
    assert_string_equal(t.reason, "user-type");
}

static void who_is_in_no_assigned_group_is_left_out_after_all_else(void **state)
{
    struct graph_rules r = rules();

    (void)state;
    take_by(&r, "", false, NULL);
    assert_string_equal(t.reason, "unassigned");
    take_by(&r, "\"userType\":\"Guest\"", false, NULL);
    assert_string_equal(t.reason, "guest");
    take_by(&r, "\"accountEnabled\":false", false, NULL);
    assert_string_equal(t.reason, "unassigned");
    assert_true(t.disabled);
}

// ---- hostile objects ----

static void an_object_without_an_id_that_could_be_is_nobody(void **state)
{
    static const char *const ids[] = {"\"id\":null",
                                      "\"id\":7",
                                      "\"id\":\"\"",
                                      "\"id\":\"6ea91a8d-e32e-41a1-b7bd-d2d185eed0e\"",
                                      "\"id\":\"6ea91a8d-e32e-41a1-b7bd-d2d185eed0eg\"",
                                      "\"id\":\"6ea91a8de32e-41a1-b7bd-d2d185eed0e0-\""};
    struct graph_rules r = rules();

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct graph_taken none;
        json_t *o = object(ALICE, ids[i]);
        assert_int_equal(graph_user_take(&r, value_of(o), true, NULL, &out, &none), -EBADMSG);
        json_decref(o);
    }
}

static void a_user_larger_than_a_line_is_skipped(void **state)
{
    static char more[16 * 16000 + 100];
    size_t n = (size_t)snprintf(more, sizeof(more), "\"department\":\"");

    (void)state;
    memset(more + n, 1, 16000); // six bytes each when escaped
    for (size_t i = n; i < n + 16000; i++)
        more[i] = 'x';
    more[n + 16000] = '"';
    more[n + 16001] = 0;
    person(more); // long, and still a line
    memset(more + n, 'x', 17000);
    more[n + 17000] = '"';
    more[n + 17001] = 0;
    person(more); // longer than a text of the protocol: not said
    take("\"employeeId\":{\"a\":1}");
    assert_int_equal(t.fate, GRAPH_SKIPPED);
}

static void keys_that_fill_more_than_a_line_are_the_fault_of_one_user(void **state)
{
    json_t *list = json_pack("[s]", "sshPublicKeys:k"), *o = object(ALICE, ""),
           *keys = json_array();
    struct graph_rules r = rules();
    json_t *map;

    (void)state;
    for (int i = 0; i < 20; i++)
        json_array_append_new(keys, json_sprintf("%016000d", i));
    json_object_set_new(o, "k", keys);
    assert_int_equal(graph_map_read(list, &map, NULL, 0), 0);
    r.map = map;
    assert_int_equal(graph_user_take(&r, value_of(o), true, NULL, &out, &t), 0);
    assert_int_equal(t.fate, GRAPH_SKIPPED);
    assert_string_equal(t.why, "is longer than a line of the protocol");
    assert_string_equal(t.id, ID);
    json_decref(o);
    json_decref(map);
    json_decref(list);
}

// ---- groups and risk ----

static void only_a_group_that_was_named_bears_its_display_name(void **state)
{
    unsigned char id[GRAPH_ID];
    char buf[33];

    (void)state;
    assert_true(graph_id_parse(ID, id));
    assert_string_equal(graph_group_name("Linux Users (EU)", id, true, buf, sizeof(buf)),
                        "linux-users-eu");
    assert_string_equal(graph_group_name("Linux Users", id, false, buf, sizeof(buf)),
                        "g-6ea91a8de32e41a1b7bdd2d185eed0");
    assert_string_equal(graph_group_name("wheel", id, true, buf, sizeof(buf)),
                        "g-6ea91a8de32e41a1b7bdd2d185eed0");
    assert_string_equal(graph_group_name("42", id, true, buf, sizeof(buf)),
                        "g-6ea91a8de32e41a1b7bdd2d185eed0");
    assert_string_equal(graph_group_name(NULL, id, true, buf, sizeof(buf)),
                        "g-6ea91a8de32e41a1b7bdd2d185eed0");
}

static void risk_is_a_word_of_the_protocol(void **state)
{
    static const char *const cases[][3] = {
        {"atRisk", "low", "low"},         {"atRisk", "high", "high"},
        {"atRisk", "hidden", "high"},     {"dismissed", "high", "none"},
        {"remediated", "medium", "none"}, {"confirmedCompromised", "low", "compromised"},
        {"atRisk", "none", "none"},       {"unknownFutureValue", "unknownFutureValue", "high"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *o = json_pack("{s:s, s:s}", "riskState", cases[i][0], "riskLevel", cases[i][1]);
        assert_string_equal(graph_risk(value_of(o)), cases[i][2]);
        json_object_set_new(o, "isDeleted", json_true());
        assert_string_equal(graph_risk(value_of(o)), "none");
        json_decref(o);
    }
}

static int setup(void **state)
{
    (void)state;
    domains = json_pack("[s, s]", "other.example", "acme.com");
    required = json_pack("[s]", "employeeId");
    types = json_pack("[s, s]", "Employee", "Contractor");
    values = values_new(4 * 1024 * 1024);
    return values ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(user);
    values_free(values);
    json_decref(domains);
    json_decref(required);
    json_decref(types);
    return 0;
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_member_is_named_by_the_upn_without_its_domain),
        T(an_account_is_enabled_by_the_word_true_alone),
        T(a_leave_date_is_the_end_and_a_hire_date_the_start),
        T(a_rehire_whose_old_leave_date_stands_names_both),
        T(a_date_that_cannot_be_read_skips_the_person_unless_disabled),
        T(properties_that_are_called_otherwise_are_found_by_the_map),
        T(guests_and_what_is_no_member_are_left_out),
        T(an_account_of_before_user_types_is_a_member_where_that_is_configured),
        T(whoever_was_invited_or_signed_up_is_left_out_though_called_a_member),
        T(an_identity_of_a_customer_or_of_elsewhere_leaves_out),
        T(a_name_of_another_domain_is_left_out),
        T(who_lacks_the_marker_or_is_of_another_type_is_left_out),
        T(who_is_in_no_assigned_group_is_left_out_after_all_else),
        T(an_object_without_an_id_that_could_be_is_nobody),
        T(a_user_larger_than_a_line_is_skipped),
        T(keys_that_fill_more_than_a_line_are_the_fault_of_one_user),
        T(only_a_group_that_was_named_bears_its_display_name),
        T(risk_is_a_word_of_the_protocol),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
