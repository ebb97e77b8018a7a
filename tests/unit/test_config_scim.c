// SPDX-License-Identifier: BSD-2-Clause
// A section of type scim: what it needs, and how what is wrong is named.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rollcall/config.h"
#include "tests/unit/scratch.h"

#define MAIN   "./rollcall.conf"
#define ACCESS "[access]\nallow_groups = linux-users\n"

static struct rollcall_config *config;
static struct rollcall_findings findings;

static int enter(void **state)
{
    (void)state;
    scratch_enter();
    return mkdir("conf.d", 0755);
}

static int leave(void **state)
{
    config = rollcall_config_free(config);
    rollcall_findings_free(&findings);
    return scratch_leave(state);
}

static int load(const char *text)
{
    config = rollcall_config_free(config);
    rollcall_findings_free(&findings);
    scratch_write(MAIN, text, strlen(text));
    assert_int_equal(chmod(MAIN, 0644), 0);
    return rollcall_config_load(MAIN, &config, &findings);
}

static void refused(const char *text, const char *words)
{
    assert_int_equal(load(text), -EINVAL);
    for (size_t i = 0; i < findings.n; i++)
        if (!findings.item[i].warning && strstr(findings.item[i].text, words))
            return;
    rollcall_findings_print(&findings, stderr);
    fail_msg("no error with \"%s\"", words);
}

#define SCIM  "[source corp]\ntype = scim\nrole = authority\nurl = https://scim.example.com/v2\n"
#define TOKEN "secret_file = /etc/rollcall/secrets/scim\n"

static void a_scim_server_needs_to_be_told_who_is_an_employee(void **state)
{
    const struct rollcall_source_config *src;

    (void)state;
    assert_int_equal(load(SCIM TOKEN "require_attributes = title, EmployeeNumber\n" ACCESS), 0);
    assert_int_equal(load(SCIM TOKEN "user_types = Employee\n" ACCESS), 0);
    assert_int_equal(load(SCIM TOKEN "assigned_groups = g1\n" ACCESS), 0);
    src = rollcall_config_source(config, "corp");
    assert_string_equal(src->scim.paging, "auto");
    assert_int_equal(src->scim.page_size, 100);
    assert_int_equal(src->scim.full_every, 3600);
    assert_string_equal(src->scim.groups_from, "members");
    assert_string_equal(src->scim.active_absent, "keep");
    refused(SCIM TOKEN ACCESS, "whether a User is an employee or a customer");
    refused(SCIM TOKEN "require_attributes = title\n" ACCESS, "an employee or a customer");
}

static void what_a_scim_server_needs_is_missed_by_name(void **state)
{
    (void)state;
#define PEOPLE "user_types = Employee\n"
    refused(SCIM PEOPLE ACCESS, "needs secret_file, credential or password_file");
    refused(SCIM PEOPLE TOKEN "user = x\n" ACCESS, "user and password_file go together");
    refused(SCIM PEOPLE TOKEN "client_id = x\n" ACCESS, "client_id, token_url");
    refused(SCIM PEOPLE TOKEN "scope = x\n" ACCESS, "scope needs client_id");
    refused(SCIM PEOPLE TOKEN "extension = hr\n" ACCESS, "must be a URN");
    refused(SCIM PEOPLE TOKEN "map = last:day\n" ACCESS, "\"last:day\" must be start, end");
    refused(SCIM PEOPLE TOKEN "map = end:\n" ACCESS, "must be start, end");
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
#define T(name) cmocka_unit_test_setup_teardown(name, enter, leave)
        T(a_scim_server_needs_to_be_told_who_is_an_employee),
        T(what_a_scim_server_needs_is_missed_by_name),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
