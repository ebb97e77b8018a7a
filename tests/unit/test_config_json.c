// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type json.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "rollcall/config.h"
#include "tests/unit/scratch.h"

#define HEAD   "[source hr]\ntype = json\nrole = authority\n"
#define URL    HEAD "url = https://hr.example/people\n"
#define BASIC  "user = u\npassword_file = /p\n"
#define MAP    "map = id:/id, status:/s\n"
#define ACCESS "[access]\nallow_groups = linux-users\n"

static struct rollcall_config *config;
static struct rollcall_findings findings;

static int enter(void **state)
{
    (void)state;
    scratch_enter();
    return 0;
}

static int load(const char *text)
{
    FILE *f = fopen("rollcall.conf", "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod("rollcall.conf", 0644);
    config = rollcall_config_free(config);
    rollcall_findings_free(&findings);
    return rollcall_config_load("rollcall.conf", &config, &findings);
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

static void accepted(const char *text)
{
    if (load(text) < 0) {
        rollcall_findings_print(&findings, stderr);
        fail_msg("refused:\n%s", text);
    }
}

static void an_api_needs_an_address_a_map_and_one_way_to_sign_in(void **state)
{
    (void)state;
    accepted(URL BASIC MAP ACCESS);
    accepted(URL BASIC "preset = workday-raas\n" ACCESS);
    accepted(URL "secret_file = /s\n" MAP ACCESS);
    accepted(URL "secret_file = /s\nclient_id = c\ntoken_url = https://a.example/t\n" MAP ACCESS);
    accepted(URL BASIC "secret_file = /s\nkey_header = X-Key\n" MAP ACCESS);
    accepted(URL "cert_file = /c\nkey_file = /k\n" MAP ACCESS);
    accepted(HEAD "path = /srv/hr/people.json\n" MAP ACCESS);
    refused(HEAD BASIC MAP ACCESS, "needs url");
    refused(URL "path = /p\n" BASIC MAP ACCESS, "one of them");
    refused(HEAD "url = http://hr.example/\n" BASIC MAP ACCESS, "must be https://");
    refused(URL MAP ACCESS, "needs user and password_file, secret_file");
    refused(URL "user = u\n" MAP ACCESS, "go together");
    refused(URL BASIC "secret_file = /s\n" MAP ACCESS, "two secrets");
    refused(URL "client_id = c\nsecret_file = /s\n" MAP ACCESS,
            "client_id, token_url and secret_file");
    refused(URL BASIC "key_header = X\n" MAP ACCESS, "key_header needs");
    refused(URL BASIC "preset = bamboohr\n" ACCESS, "API key");
    refused(HEAD "path = /p\nsecret_file = /s\n" MAP ACCESS, "needs no user and no secret");
    refused(URL BASIC ACCESS, "map names no id");
    refused(URL BASIC "map = id:/id\n" ACCESS, "neither status nor active");
    refused(URL BASIC "map = id:/id, status\n" ACCESS, "NAME:POINTER");
    refused(URL BASIC MAP "paging = next\n" ACCESS, "needs next = /POINTER");
    refused(URL BASIC MAP "paging = often\n" ACCESS, "none|link|next|offset|page|cursor");
    refused(URL BASIC MAP "zone = Mars/Olympus\n" ACCESS, "zone");
    refused(HEAD "path = /p\n" MAP "paging = link\n" ACCESS, "no pages");
    refused(URL BASIC MAP "schema = ad\n" ACCESS, "schema belongs to type ldap");
}

// A long line is whole: the example of rollcall-source-json(8) for ADP.
static void a_map_of_many_pointers_goes_through_the_pipe(void **state)
{
    json_t *o;

    (void)state;
    accepted(
        URL BASIC
        "map = id:/associateOID, employeeNumber:/workerID/idValue, "
        "displayName:/person/legalName/formattedName, status:/workerStatus/statusCode/codeValue, "
        "start:/workerDates/rehireDate, start:/workerDates/originalHireDate, "
        "end:/workerDates/terminationDate, employments:/workAssignments, "
        "employment.primary:/primaryIndicator, "
        "employment.status:/assignmentStatus/statusCode/codeValue, "
        "employment.end:/terminationDate\n"
        "statuses = Active:active, T:terminated\nrequire_attributes = /a/b, c\n"
        "lock_at = 17:00\npage = 100\n" ACCESS);
    o = rollcall_config_source_json(rollcall_config_source(config, "hr"));
    assert_int_equal(json_array_size(json_object_get(o, "map")), 11);
    assert_string_equal(json_string_value(json_array_get(json_object_get(o, "map"), 10)),
                        "employment.end:/terminationDate");
    assert_string_equal(json_string_value(json_object_get(o, "end")), "last-day");
    assert_string_equal(json_string_value(json_object_get(o, "lock_at")), "17:00");
    assert_int_equal(json_integer_value(json_object_get(o, "page")), 100);
    assert_null(json_object_get(o, "paging"));
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_api_needs_an_address_a_map_and_one_way_to_sign_in),
        cmocka_unit_test(a_map_of_many_pointers_goes_through_the_pipe),
    };
    int r = cmocka_run_group_tests(tests, enter, NULL);

    rollcall_config_free(config);
    rollcall_findings_free(&findings);
    return r;
}
