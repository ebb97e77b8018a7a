// SPDX-License-Identifier: BSD-2-Clause
// What a section of type okta has to say.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rollcall/config.h"
#include "tests/unit/scratch.h"

#define ACCESS   "[access]\nallow_groups = linux-users\n"
#define ORG(url) "[source okta]\ntype = okta\nrole = authority, directory\norg = " url "\n"
#define TOKEN    ORG("https://acme.okta.com") "org_id = 00o1\n"

static struct rollcall_config *config;
static struct rollcall_findings findings;

static int enter(void **state)
{
    (void)state;
    scratch_enter();
    return 0;
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
    scratch_write("rollcall.conf", text, strlen(text));
    assert_int_equal(chmod("rollcall.conf", 0644), 0);
    return rollcall_config_load("./rollcall.conf", &config, &findings);
}

static bool said(bool warning, int line, const char *words)
{
    for (size_t i = 0; i < findings.n; i++)
        if (findings.item[i].warning == warning && findings.item[i].line == line &&
            strstr(findings.item[i].text, words))
            return true;
    return false;
}

static void refused(const char *text, int line, const char *words)
{
    assert_int_equal(load(text), -EINVAL);
    assert_null(config);
    if (said(false, line, words))
        return;
    rollcall_findings_print(&findings, stderr);
    fail_msg("no error at line %d with \"%s\"", line, words);
}

static bool warns_of_everybody(const char *text)
{
    assert_int_equal(load(text), 0);
    return said(true, 0, "which users of the org are employees");
}

static void an_org_is_pinned_and_one_of_customers_refused(void **state)
{
    (void)state;
    refused(TOKEN "org_id = 00o2\n" ACCESS, 6, "stands twice");
    refused(ORG("https://acme.okta.com") "secret_file = /s\n" ACCESS, 0,
            "https://acme.okta.com/.well-known/okta-organization");
    refused(ORG("https://acme.eu.auth0.com") "org_id = x\nsecret_file = /s\n" ACCESS, 0,
            "is Auth0");
    refused(TOKEN "client_id = x\nsecret_file = /s\n" ACCESS, 0, "takes no client secret");
    refused(TOKEN "key_file = /k\n" ACCESS, 0, "key_file needs client_id");
    assert_true(warns_of_everybody(TOKEN "secret_file = /s\n" ACCESS));
    assert_false(warns_of_everybody(TOKEN "secret_file = /s\nrealms = guo1\n" ACCESS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_org_is_pinned_and_one_of_customers_refused, enter,
                                        leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
