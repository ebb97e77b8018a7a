// SPDX-License-Identifier: BSD-2-Clause
// Sections of sources over an API: what they share, and what Entra ID's need.
#include <string.h>

#include "lib/config_table.h"
#include "tests/unit/config_fixture.h"

#define CSV    "[source hr]\ntype = csv\nrole = authority, directory\npath = /srv/people.csv\n"
#define ACCESS "[access]\nallow_groups = linux-users\n"

#define WORKDAY                                                                                    \
    "[source workday]\ntype = json\npreset = workday-raas\nrole = authority\n"                     \
    "url = https://wd5.example.com/ccx/service/customreport2/acme/isu/workers?format=json\n"       \
    "user = ISU_rollcall\npassword_file = /etc/rollcall/secrets/workday\n"
#define OKTA                                                                                       \
    "[source okta]\ntype = okta\nrole = directory, signal\norg = https://acme.okta.com\n"          \
    "org_id = 00o1a2b3c4D5e6F7g8h9\nclient_id = 0oa1b2c3d4E5f6G7h8i9\n"                            \
    "key_file = /etc/rollcall/secrets/okta.pem\nassigned_groups = linux-users, linux-admins\n"
#define ENTRA                                                                                      \
    "[source entra]\ntype = graph\nrole = authority, directory, signal\n"                          \
    "tenant = 11111111-2222-4333-8444-555555555555\ndomain = acme.com\n"                           \
    "client_id = 4b6f0b7e-0000-4000-8000-6c0d1c4c7d3a\ncredential = entra-laptop-key\n"            \
    "assigned_groups = 0d9a3c1e-0000-4000-8000-2f5f6d7b8a90\nrequire_attributes = employeeId\n"

static void the_examples_of_apis_are_taken_whole(void **state)
{
    json_t *o;

    (void)state;
    assert_int_equal(load(WORKDAY "poll = 10m\n" OKTA ENTRA ACCESS), 0);
    assert_int_equal(findings.n, 0);
    assert_int_equal(rollcall_config_source(config, "workday")->poll, 600);
    assert_int_equal(rollcall_config_source(config, "okta")->poll, 300);
    assert_int_equal(rollcall_config_source(config, "okta")->lease, 72 * 3600);
    o = rollcall_config_source_json(rollcall_config_source(config, "workday"));
    assert_string_equal(json_string_value(json_object_get(o, "user")), "ISU_rollcall");
    assert_string_equal(json_string_value(json_object_get(o, "preset")), "workday-raas");
    assert_null(json_object_get(o, "password_file"));
    assert_null(json_object_get(o, "schema"));
    json_decref(o);
    o = rollcall_config_source_json(rollcall_config_source(config, "entra"));
    assert_int_equal(json_array_size(json_object_get(o, "role")), 3);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(o, "require_attributes"), 0)),
        "employeeId");
    assert_null(json_object_get(o, "user_types"));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "files"), "credential")),
                     9);
    json_decref(o);
}

static void an_option_of_another_type_is_named_with_its_own(void **state)
{
    (void)state;
    refused_for(WORKDAY "tenant = x\n" ACCESS, "tenant belongs to type graph");
    refused_for(OKTA "base = dc=x\n" ACCESS, "of type okta; base belongs to type ldap");
    refused_for(CSV "client_id = x\n" ACCESS, "graph, okta, json, scim or pingone");
    refused_for(ENTRA "user = x\n" ACCESS, "user belongs to type exec, json or scim");
}

static void what_an_api_needs_is_missed_by_name(void **state)
{
    (void)state;
    refused(ENTRA "credential = ../shadow\n" ACCESS, 10, "stands twice");
    put("conf.d/10.conf", "[source entra]\ncredential = ../shadow\n");
    refused_for(ENTRA ACCESS, "not a path");
    put("conf.d/10.conf", "[source entra]\nproxy = proxy.example.com\n");
    refused_for(ENTRA ACCESS, "must be http://HOST:PORT");
    put("conf.d/10.conf", "[source workday]\nurl = http://hr.example.com/\n");
    refused_for(WORKDAY ACCESS, "must be https://HOST/PATH");
    put("conf.d/10.conf", "[source workday]\nurl = https://isu:secret@hr.example.com/\n");
    refused_for(WORKDAY ACCESS, "no name, password");
    put("conf.d/10.conf", "[source workday]\npath = /srv/people.json\n");
    refused_for(WORKDAY ACCESS, "one of them");
    put("conf.d/10.conf", "[source okta]\nsecret_file = /s\n");
    refused_for(OKTA ACCESS, "needs one alone of key_file, secret_file or credential");
}

static void a_tenant_is_named_by_its_id_and_never_one_of_customers(void **state)
{
    (void)state;
    put("conf.d/10.conf", "[source entra]\ntenant = acme.onmicrosoft.com\n");
    refused_for(ENTRA ACCESS, "must be an id such as");
    put("conf.d/10.conf", "[source entra]\nauth_url = https://Acme.B2CLogin.com:443/x\n");
    refused_for(ENTRA ACCESS, "Populations never mix");
}

// Lines are looked up by name: of two rows the second would never be found.
static void an_option_has_one_row(void **state)
{
    const struct option_definition *a, *b;

    (void)state;
    for (size_t i = 0; (a = config_option(i)); i++)
        for (size_t k = i + 1; (b = config_option(k)); k++)
            if (strcmp(a->section, b->section) == 0 && strcmp(a->name, b->name) == 0)
                fail_msg("[%s] %s has two rows", a->section, a->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_examples_of_apis_are_taken_whole),
        T(an_option_of_another_type_is_named_with_its_own),
        T(what_an_api_needs_is_missed_by_name),
        T(a_tenant_is_named_by_its_id_and_never_one_of_customers),
        T(an_option_has_one_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
