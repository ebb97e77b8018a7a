// SPDX-License-Identifier: BSD-2-Clause
// A section of type scim: what it needs, and how what is wrong is named.
#include "tests/unit/config_fixture.h"

#define ACCESS "[access]\nallow_groups = linux-users\n"

#define SCIM   "[source corp]\ntype = scim\nrole = authority\nurl = https://scim.example.com/v2\n"
#define TOKEN  "secret_file = /etc/rollcall/secrets/scim\n"

static void a_scim_server_needs_to_be_told_who_is_an_employee(void **state)
{
    const struct rollcall_source_config *src;

    (void)state;
    assert_int_equal(load(SCIM TOKEN "require_attributes = title, EmployeeNumber\n" ACCESS), 0);
    assert_int_equal(load(SCIM TOKEN "user_types = Employee\n" ACCESS), 0);
    assert_int_equal(load(SCIM TOKEN "assigned_groups = g1\n" ACCESS), 0);
    src = rollcall_config_source(config, "corp");
    assert_null(src->web.paging);
    assert_int_equal(src->ldap.page, 500);
    assert_int_equal(src->web.full_every, 0);
    assert_string_equal(src->scim.groups_from, "members");
    assert_string_equal(src->scim.active_absent, "keep");
    refused_for(SCIM TOKEN ACCESS, "whether a User is an employee or a customer");
    refused_for(SCIM TOKEN "require_attributes = title\n" ACCESS, "an employee or a customer");
}

static void what_a_scim_server_needs_is_missed_by_name(void **state)
{
    (void)state;
#define PEOPLE "user_types = Employee\n"
    refused_for(SCIM PEOPLE ACCESS, "needs secret_file, credential or password_file");
    refused_for(SCIM PEOPLE TOKEN "user = x\n" ACCESS, "user and password_file go together");
    refused_for(SCIM PEOPLE TOKEN "client_id = x\n" ACCESS, "client_id, token_url");
    refused_for(SCIM PEOPLE TOKEN "scope = x\n" ACCESS, "scope needs client_id");
    refused_for(SCIM PEOPLE TOKEN "extension = hr\n" ACCESS, "must be a URN");
    refused_for(SCIM PEOPLE TOKEN "map = last:day\n" ACCESS, "\"last:day\" must be start, end");
    refused_for(SCIM PEOPLE TOKEN "map = end:\n" ACCESS, "must be start, end");
    refused_for(SCIM PEOPLE TOKEN "page = 0\n" ACCESS, "pages of at least one");
    refused_for(SCIM PEOPLE TOKEN "paging = link\n" ACCESS, "takes auto, index or cursor");
    assert_int_equal(load(SCIM PEOPLE TOKEN "paging = index\n" ACCESS), 0);
    assert_int_equal(load(SCIM PEOPLE TOKEN "extension = urn:acme:hr\nmap = end:lastDay\n" ACCESS),
                     0);
    assert_int_equal(load(SCIM PEOPLE "user = x\npassword_file = /p\n" ACCESS), 0);
    assert_int_equal(
        load(SCIM PEOPLE TOKEN "client_id = x\ntoken_url = https://t.example.com/\n" ACCESS), 0);
#undef PEOPLE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_scim_server_needs_to_be_told_who_is_an_employee),
        T(what_a_scim_server_needs_is_missed_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
