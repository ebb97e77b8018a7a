// SPDX-License-Identifier: BSD-2-Clause
// What a section of type okta has to say.
#include "tests/unit/config_fixture.h"

#define ACCESS   "[access]\nallow_groups = linux-users\n"
#define ORG(url) "[source okta]\ntype = okta\nrole = authority, directory\norg = " url "\n"
#define TOKEN    ORG("https://acme.okta.com") "org_id = 00o1\n"

static bool warns_of_everybody(const char *text)
{
    assert_int_equal(load(text), 0);
    return warned("which users of the org are employees");
}

static void an_org_is_pinned_and_one_of_customers_refused(void **state)
{
    (void)state;
    refused(TOKEN "org_id = 00o2\n" ACCESS, 6, "stands twice");
    refused_for(ORG("https://acme.okta.com") "secret_file = /s\n" ACCESS,
                "https://acme.okta.com/.well-known/okta-organization");
    refused_for(ORG("https://acme.eu.auth0.com") "org_id = x\nsecret_file = /s\n" ACCESS,
                "is Auth0");
    refused_for(TOKEN "client_id = x\nsecret_file = /s\n" ACCESS, "takes no client secret");
    refused_for(TOKEN "key_file = /k\n" ACCESS, "key_file needs client_id");
    assert_true(warns_of_everybody(TOKEN "secret_file = /s\n" ACCESS));
    assert_false(warns_of_everybody(TOKEN "secret_file = /s\nrealms = guo1\n" ACCESS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_org_is_pinned_and_one_of_customers_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
