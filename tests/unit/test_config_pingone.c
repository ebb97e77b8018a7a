// SPDX-License-Identifier: BSD-2-Clause
// What a section of type pingone has to say.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/config.h"

#define ENV  "environment = 8a1f0c5e-7e7c-4a51-9d0a-3d1f0b7a6c11\n"
#define REST "client_id = worker\nsecret_file = /etc/rollcall/secrets/ping\n"
#define WITH(of)                                                                                   \
    "[source ping]\ntype = pingone\nrole = authority\n" of "[access]\nallow_groups = g\n"

// The findings about this file, one below the other.
static const char *complaints(const char *text)
{
    static char said[4000];
    char dir[] = "/tmp/rollcall-config-XXXXXX", path[80];
    struct rollcall_findings findings = {0};
    struct rollcall_config *config = NULL;
    FILE *f;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/rollcall.conf", dir);
    f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    (void)rollcall_config_load(path, &config, &findings);
    *said = 0;
    for (size_t i = 0; i < findings.n; i++)
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", findings.item[i].text);
    rollcall_findings_free(&findings);
    rollcall_config_free(config);
    unlink(path);
    rmdir(dir);
    return said;
}

static void says(const char *text, const char *words)
{
    const char *said = complaints(text);

    if (!strstr(said, words))
        fail_msg("\"%s\" is not in:\n%s", words, said);
}

static void a_region_or_two_addresses_say_where_it_is(void **state)
{
    (void)state;
    assert_string_equal(complaints(WITH(ENV REST "region = eu\n")), "");
    assert_string_equal(complaints(WITH(ENV REST "region = com.au\n")), "");
    assert_string_equal(complaints(WITH(ENV REST "api_url = https://api.pingone.uk\n"
                                                 "auth_url = https://auth.pingone.uk\n")),
                        "");
    says(WITH(ENV REST), "does not say where the environment is");
    says(WITH(ENV REST "api_url = https://api.pingone.uk\n"), "does not say where");
    says(WITH(ENV REST "region = eu\nauth_url = https://auth.pingone.uk\n"), "either says");
    says(WITH(ENV REST "region = moon\n"), "com.au");
    says(WITH(ENV REST "api_url = http://api.pingone.uk\nauth_url = https://auth.pingone.uk\n"),
         "https://HOST/PATH");
}

static void what_stands_in_addresses_and_filters_is_an_id(void **state)
{
    (void)state;
    says(WITH(REST "region = eu\n"), "has no environment");
    says(WITH("environment = acme\n" REST "region = eu\n"), "no id of an environment");
    says(WITH(ENV REST "region = eu\npopulations = Employees\n"), "populations: \"Employees\"");
    says(WITH(ENV REST "region = eu\nmember_groups = linux-users\n"), "member_groups");
    says(WITH(ENV REST "region = eu\nassigned_groups = x\" or id pr\n"), "assigned_groups");
    says(WITH(ENV REST "region = eu\nidentity_providers = google\n"), "identity_providers");
    says(WITH(ENV "client_id = worker\nregion = eu\n"), "secret_file or credential");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_or_two_addresses_say_where_it_is),
        cmocka_unit_test(what_stands_in_addresses_and_filters_is_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
