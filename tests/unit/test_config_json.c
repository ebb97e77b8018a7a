// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type json.
#include "tests/unit/config_fixture.h"

#define HEAD   "[source hr]\ntype = json\nrole = authority\n"
#define URL    HEAD "url = https://hr.example/people\n"
#define BASIC  "user = u\npassword_file = /p\n"
#define MAP    "map = id:/id, status:/s\n"
#define ACCESS "[access]\nallow_groups = linux-users\n"

static void an_api_needs_an_address_a_map_and_one_way_to_sign_in(void **state)
{
    (void)state;
    taken(URL BASIC MAP ACCESS);
    taken(URL BASIC "preset = workday-raas\n" ACCESS);
    taken(URL "secret_file = /s\n" MAP ACCESS);
    taken(URL "secret_file = /s\nclient_id = c\ntoken_url = https://a.example/t\n" MAP ACCESS);
    taken(URL BASIC "secret_file = /s\nkey_header = X-Key\n" MAP ACCESS);
    taken(URL "cert_file = /c\nkey_file = /k\n" MAP ACCESS);
    taken(HEAD "path = /srv/hr/people.json\n" MAP ACCESS);
    refused_for(HEAD BASIC MAP ACCESS, "needs url");
    refused_for(URL "path = /p\n" BASIC MAP ACCESS, "one of them");
    refused_for(HEAD "url = http://hr.example/\n" BASIC MAP ACCESS, "must be https://");
    refused_for(URL MAP ACCESS, "needs user and password_file, secret_file");
    refused_for(URL "user = u\n" MAP ACCESS, "go together");
    refused_for(URL BASIC "secret_file = /s\n" MAP ACCESS, "two secrets");
    refused_for(URL "client_id = c\nsecret_file = /s\n" MAP ACCESS,
                "client_id, token_url and secret_file");
    refused_for(URL BASIC "key_header = X\n" MAP ACCESS, "key_header needs");
    refused_for(URL BASIC "preset = bamboohr\n" ACCESS, "API key");
    refused_for(HEAD "path = /p\nsecret_file = /s\n" MAP ACCESS, "needs no user and no secret");
    refused_for(URL BASIC ACCESS, "map names no id");
    refused_for(URL BASIC "map = id:/id\n" ACCESS, "neither status nor active");
    refused_for(URL BASIC "map = id:/id, status\n" ACCESS, "NAME:POINTER");
    refused_for(URL BASIC MAP "paging = next\n" ACCESS, "needs next = /POINTER");
    refused_for(URL BASIC MAP "paging = often\n" ACCESS, "none|link|next|offset|page|cursor");
    refused_for(URL BASIC MAP "zone = Mars/Olympus\n" ACCESS, "zone");
    refused_for(HEAD "path = /p\n" MAP "paging = link\n" ACCESS, "no pages");
    refused_for(URL BASIC MAP "schema = ad\n" ACCESS, "schema belongs to type ldap");
}

// A long line is whole: the example of rollcall-source-json(8) for ADP.
static void a_map_of_many_pointers_goes_through_the_pipe(void **state)
{
    json_t *o;

    (void)state;
    taken(URL BASIC
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
        T(an_api_needs_an_address_a_map_and_one_way_to_sign_in),
        T(a_map_of_many_pointers_goes_through_the_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
