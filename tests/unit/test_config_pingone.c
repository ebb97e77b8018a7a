// SPDX-License-Identifier: BSD-2-Clause
// What a section of type pingone has to say.
#include "tests/unit/config_fixture.h"

#define ENV  "environment = 8a1f0c5e-7e7c-4a51-9d0a-3d1f0b7a6c11\n"
#define REST "client_id = worker\nsecret_file = /etc/rollcall/secrets/ping\n"
#define WITH(of)                                                                                   \
    "[source ping]\ntype = pingone\nrole = authority\n" of "[access]\nallow_groups = g\n"

static void a_region_or_two_addresses_say_where_it_is(void **state)
{
    (void)state;
    taken(WITH(ENV REST "region = eu\n"));
    taken(WITH(ENV REST "region = com.au\n"));
    taken(WITH(ENV REST "api_url = https://api.pingone.uk\n"
                        "auth_url = https://auth.pingone.uk\n"));
    refused_for(WITH(ENV REST), "does not say where the environment is");
    refused_for(WITH(ENV REST "api_url = https://api.pingone.uk\n"), "does not say where");
    refused_for(WITH(ENV REST "region = eu\nauth_url = https://auth.pingone.uk\n"), "either says");
    refused_for(WITH(ENV REST "region = moon\n"), "com.au");
    refused_for(
        WITH(ENV REST "api_url = http://api.pingone.uk\nauth_url = https://auth.pingone.uk\n"),
        "https://HOST/PATH");
}

static void what_stands_in_addresses_and_filters_is_an_id(void **state)
{
    (void)state;
    refused_for(WITH(REST "region = eu\n"), "has no environment");
    refused_for(WITH("environment = acme\n" REST "region = eu\n"), "no id of an environment");
    refused_for(WITH(ENV REST "region = eu\npopulations = Employees\n"),
                "populations: \"Employees\"");
    refused_for(WITH(ENV REST "region = eu\nmember_groups = linux-users\n"), "member_groups");
    refused_for(WITH(ENV REST "region = eu\nmap = displayName:title\n"), "must be employeeNumber");
    taken(WITH(ENV REST "region = eu\nmap = employeeNumber:hr.number\n"));
    refused_for(WITH(ENV REST "region = eu\nassigned_groups = x\" or id pr\n"), "assigned_groups");
    refused_for(WITH(ENV REST "region = eu\nidentity_providers = google\n"), "identity_providers");
    refused_for(WITH(ENV "client_id = worker\nregion = eu\n"), "secret_file or credential");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_region_or_two_addresses_say_where_it_is),
        T(what_stands_in_addresses_and_filters_is_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
