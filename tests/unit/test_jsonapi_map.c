// SPDX-License-Identifier: BSD-2-Clause
// From a record of an HR system to a person: presets, dates, words, employments.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/jsonapi_map.h"

#define OURS "urn:rollcall:1.0:User"

static int64_t now;       // 2026-11-26T12:00:00Z
static struct values *in; // what is said of a row stands there until the next one

// Takes one row under a section; quotes are single ones.
static enum hr_outcome take(const char *section, const char *row, struct hr_said *ret)
{
    char why[300], *a = strdup(section), *b = strdup(row);
    struct hr_rules rules;
    enum hr_outcome o;
    const struct value *r;
    const char *wrong;
    json_t *s;

    for (char *p = a; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    for (char *p = b; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    s = json_loads(a, 0, NULL);
    in = in ?: values_new((size_t)1 << 24);
    values_empty(in);
    r = values_read(in, b, strlen(b), NULL, &wrong);
    if (!s || !r)
        fail_msg("no JSON: %s %s", a, b);
    rollcall_timezone_use("UTC");
    if (hr_rules_init(&rules, s, "UTC", why, sizeof(why)) < 0)
        fail_msg("%s: %s", section, why);
    o = hr_take(&rules, r, now, ret);
    hr_rules_done(&rules);
    json_decref(s);
    free(a);
    free(b);
    return o;
}

static const char *ours(const struct hr_said *said, const char *member)
{
    return value_text(value_get(value_get(said->user, OURS), member));
}

// "STATUS START END", "-" for what is not there; or "! " and what is wrong, or "dropped REASON".
static void expect(const char *section, const char *row, const char *expected)
{
    struct hr_said said;
    char got[400];

    switch (take(section, row, &said)) {
    case HR_PERSON:
        snprintf(got, sizeof(got), "%s %s %s", ours(&said, "status") ?: "-",
                 ours(&said, "start") ?: "-", ours(&said, "end") ?: "-");
        break;
    case HR_LEFT_OUT:
        snprintf(got, sizeof(got), "dropped %s", said.reason);
        break;
    default:
        snprintf(got, sizeof(got), "! %s%s", said.terminated ? "terminated: " : "", said.text);
    }
    if (*expected == '!' ? strstr(got, expected + 2) == NULL || *got != '!'
                         : strcmp(got, expected) != 0)
        fail_msg("%s under %s:\n  %s\n  not %s", row, section, got, expected);
}

#define WORKDAY "{'preset':'workday-raas'}"
#define WORKER                                                                                     \
    "'WID':'3aa5550b7fe348b98d7b5741afc65534','Employee_ID':'01042','User_Name':'AAdams',"         \
    "'Worker_Name':'Alice Adams'"

static void a_worker_of_workday_is_a_person(void **state)
{
    struct hr_said said;
    struct rollcall_message m;
    char why[300], *line;

    (void)state;
    assert_int_equal(
        take(WORKDAY,
             "{" WORKER ",'Email_Address':'alice@acme.com','Department':'Payroll','Manager_ID':'7',"
             "'Worker_Type':'Employee','Hire_Date':'2021-05-01-08:00','Active_Status':'1',"
             "'On_Leave':'0','Junk':{'a':[1]}}",
             &said),
        HR_PERSON);
    assert_string_equal(said.warning, "");
    assert_true(asprintf(&line, "{\"op\":\"user\",\"user\":%s}", said.json) > 0);
    assert_int_equal(rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)), 0);
    assert_string_equal(m.user.id, "3aa5550b7fe348b98d7b5741afc65534");
    assert_string_equal(m.user.employee_number, "01042");
    assert_string_equal(m.user.user_name, "aadams");
    assert_string_equal(m.user.display_name, "Alice Adams");
    assert_string_equal(m.user.email, "alice@acme.com");
    assert_string_equal(m.user.department, "Payroll");
    assert_string_equal(m.user.manager, "7");
    assert_string_equal(m.user.worker_type, "Employee");
    assert_int_equal(m.user.status, ROLLCALL_STATUS_ACTIVE);
    assert_true(m.user.end == ROLLCALL_TIME_UNSET);
    assert_false(m.user.groups_present);
    rollcall_message_done(&m);
    free(line);
}

static void words_say_what_hr_means(void **state)
{
    static const char *const cases[][2] = {
        {"'Active_Status':'1'", "active - -"},
        {"'Active_Status':1", "active - -"},
        {"'Active_Status':true", "active - -"},
        {"'Active_Status':'Y'", "active - -"},
        {"'Active_Status':'yes'", "active - -"},
        {"'Active_Status':'0'", "terminated - -"},
        {"'Active_Status':false", "terminated - -"},
        {"'Active_Status':'N'", "terminated - -"},
        {"'Active_Status':'maybe'", "unknown: maybe - -"},
        {"'Active_Status':2", "unknown: 2 - -"},
        {"'Active_Status':{'x':1}", "unknown:  - -"},
        {"'On_Leave':'1'", "- - -"},
        {"'On_Leave':'1','Active_Status':'1'", "leave - -"},
        {"'On_Leave':'0','Active_Status':'1'", "active - -"},
        {"'On_Leave':'perhaps','Active_Status':'1'", "unknown: perhaps - -"},
        {"'On_Leave':'1','Active_Status':'0'", "leave - -"},
        {"'On_Leave':'1','Active_Status':'0','Termination_Date':'2026-11-01'",
         "terminated - 2026-11-02T00:00:00Z"},
        {"'Active_Status':''", "- - -"},
        {"'Active_Status':null", "- - -"},
        // The first day is to come.
        {"'Active_Status':'0','Hire_Date':'2026-12-01'", "active 2026-12-01T00:00:00Z -"},
        {"'Active_Status':'0','Hire_Date':'2026-11-01'", "terminated 2026-11-01T00:00:00Z -"},
    };
    char row[500];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(row, sizeof(row), "{" WORKER ",%s}", cases[i][0]);
        expect(WORKDAY, row, cases[i][1]);
    }
}

static void dates_are_read_in_every_form_that_hr_writes(void **state)
{
    static const char *const cases[][3] = {
        {"", "2026-11-30", "2026-12-01T00:00:00Z"},
        {"", "2026-11-30-08:00", "2026-12-01T00:00:00Z"},
        {"", "2026-11-30+14:00", "2026-12-01T00:00:00Z"},
        {"", "2026-11-30Z", "2026-12-01T00:00:00Z"},
        {"", "2026-11-30T00:00:00", "2026-12-01T00:00:00Z"},
        {"", "2026-11-30T00:00:00.000", "2026-12-01T00:00:00Z"},
        {"", "2026-11-30T17:00:00", "2026-11-30T17:00:00Z"},
        {"", "2026-11-30T17:00:00+01:00", "2026-11-30T16:00:00Z"},
        {"", "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z"},
        {",'midnight':'date'", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
        {",'midnight':'date'", "2026-11-30T00:00:00.0+05:00", "2026-12-01T00:00:00Z"},
        {",'midnight':'date'", "2026-11-30T00:00:01Z", "2026-11-30T00:00:01Z"},
        {"", "/Date(1795996800000)/", "2026-12-01T00:00:00Z"},
        {"", "/Date(1795996800000+0000)/", "2026-12-01T00:00:00Z"},
        {"", "/Date(1796058000000)/", "2026-11-30T17:00:00Z"},
        {"", "0000-00-00", "-"},
        {"", "  ", "-"},
        {"", "9999-12-31", "-"},
        {"", "/Date(253402214400000)/", "-"},
        {",'dates':'month-first'", "11/30/2026", "2026-12-01T00:00:00Z"},
        {",'dates':'month-first'", "1-2-2026", "2026-01-03T00:00:00Z"},
        {",'dates':'month-first'", "2026-11-30", "2026-12-01T00:00:00Z"},
        {",'end':'first-day-out'", "2026-11-30", "2026-11-30T00:00:00Z"},
        {",'lock_at':'17:00'", "2026-11-30", "2026-11-30T17:00:00Z"},
        {",'lock_at':'17:00','end':'first-day-out'", "2026-12-01", "2026-11-30T17:00:00Z"},
        {",'zone':'Pacific/Auckland'", "2026-11-30", "2026-11-30T11:00:00Z"},
        {",'zone':'Europe/Berlin','lock_at':'17:00'", "2026-11-30", "2026-11-30T16:00:00Z"},
        {",'zone':'Europe/Berlin'", "2027-03-28", "2027-03-28T22:00:00Z"}, // a day of 23 hours
    };
    static const char *const bad[][3] = {
        {"", "11/30/2026", "which is the month"},
        {"", "30.11.26", "four digits"},
        {",'dates':'month-first'", "11/30/26", "four digits"},
        {",'dates':'month-first'", "30/11/2026", "no such day"},
        {"", "2026-02-30", "is no date"},
        {"", "2026-11-30-99:00", "is no date"},
        {"", "1899-12-30", "not before 1970"},
        {"", "/Date(-1)/", "is no date"},
        {"", "/Date(1)", "is no date"},
        {"", "/Date(999999999999999999)/", "is no date"},
        {"", "1795996800", "is no date"},
        {"", "tomorrow", "is no date"},
    };
    char section[300], row[500], expected[200];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(section, sizeof(section), "{'preset':'workday-raas'%s}", cases[i][0]);
        snprintf(row, sizeof(row), "{" WORKER ",'Active_Status':'1','Termination_Date':'%s'}",
                 cases[i][1]);
        snprintf(expected, sizeof(expected), "active - %s", cases[i][2]);
        expect(section, row, expected);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(section, sizeof(section), "{'preset':'workday-raas'%s}", bad[i][0]);
        snprintf(row, sizeof(row), "{" WORKER ",'Active_Status':'1','Termination_Date':'%s'}",
                 bad[i][1]);
        snprintf(expected, sizeof(expected), "! %s", bad[i][2]);
        expect(section, row, expected);
    }
}

static void of_two_last_days_the_earlier_counts_unless_one_is_not_asked(void **state)
{
    static const char garden[] = "{" WORKER ",'Active_Status':'1','Termination_Date':'2026-12-31',"
                                 "'Last_Day_of_Work':'2026-11-30'}";
    static const char later[] = "{" WORKER ",'Active_Status':'1','Termination_Date':'2026-11-30',"
                                "'Last_Day_of_Work':'2026-12-31'}";

    (void)state;
    expect(WORKDAY, garden, "active - 2026-12-01T00:00:00Z");
    expect(WORKDAY, later, "active - 2026-12-01T00:00:00Z");
    expect("{'preset':'workday-raas','map':['lastDay:-']}", garden,
           "active - 2027-01-01T00:00:00Z");
    // Exclusive is the end; a last day of work is one in any case.
    expect("{'preset':'workday-raas','end':'first-day-out'}", garden,
           "active - 2026-12-01T00:00:00Z");
}

static void a_zone_may_be_the_persons_own(void **state)
{
    struct hr_said said;

    (void)state;
    expect(WORKDAY,
           "{" WORKER ",'Active_Status':'1','Termination_Date':'2026-11-30',"
           "'Time_Zone':'Australia/Sydney'}",
           "active - 2026-11-30T13:00:00Z");
    assert_int_equal(take("{'preset':'workday-raas','zone':'Europe/Berlin'}",
                          "{" WORKER ",'Active_Status':'1','Termination_Date':'2026-11-30',"
                          "'Time_Zone':'GMT+1 (somewhere)'}",
                          &said),
                     HR_PERSON);
    assert_string_equal(ours(&said, "end"), "2026-11-30T23:00:00Z");
    assert_non_null(strstr(said.warning, "is no time zone"));
}

static void a_rehire_with_an_old_end_stays_terminated_and_both_dates_are_named(void **state)
{
    struct hr_said said;

    (void)state;
    assert_int_equal(take(WORKDAY,
                          "{" WORKER ",'Active_Status':'1','Hire_Date':'2026-11-01',"
                          "'Termination_Date':'2024-05-31'}",
                          &said),
                     HR_PERSON);
    assert_true(value_is(value_get(value_get(said.user, OURS), "rehireConflict"), VALUE_TRUE));
    assert_non_null(strstr(said.warning, "2024-06-01T00:00:00Z, 2026-11-01T00:00:00Z"));
}

static void a_cleared_date_counts_only_beside_a_word(void **state)
{
    (void)state;
    expect(WORKDAY, "{" WORKER ",'Active_Status':'1','Termination_Date':''}", "active - -");
    expect(WORKDAY, "{" WORKER ",'Active_Status':'1'}", "active - -");
    expect(WORKDAY, "{" WORKER "}", "- - -"); // no word: the engine lets nobody in by it
}

static void an_unreadable_row_that_says_terminated_is_heard(void **state)
{
    (void)state;
    expect(WORKDAY, "{" WORKER ",'Active_Status':'0','Termination_Date':'gestern'}",
           "! terminated: /Termination_Date");
    expect(WORKDAY, "{" WORKER ",'Active_Status':'1','Termination_Date':'gestern'}",
           "! /Termination_Date: \"gestern\" is no date");
    expect(WORKDAY, "{'WID':'w','Active_Status':'0','Termination_Date':'gestern'}",
           "! /Termination_Date"); // no number
    expect(WORKDAY, "{'WID':'w','Active_Status':'1'}", "! employeeNumber is mandatory");
    expect(WORKDAY, "{'Employee_ID':'7','Active_Status':'1'}", "! /WID: id is mandatory");
    expect(WORKDAY, "{'WID':1.5,'Employee_ID':'7'}", "! neither a text nor a whole number");
    expect(WORKDAY, "{'WID':['w'],'Employee_ID':'7'}", "! neither a text nor a whole number");
}

static void a_contractors_number_is_of_another_kind_and_the_person_the_same(void **state)
{
    struct hr_said said;

    (void)state;
    assert_int_equal(take(WORKDAY,
                          "{'WID':'w1','Contingent_Worker_ID':'C-77','Worker_Type':'Contingent',"
                          "'Active_Status':'1'}",
                          &said),
                     HR_PERSON);
    assert_string_equal(said.id, "w1");
    assert_string_equal(
        value_text(value_get(
            value_get(said.user, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
            "employeeNumber")),
        "C-77");
}

static void who_lacks_the_marker_of_an_employee_is_left_out(void **state)
{
    static const char marked[] =
        "{'preset':'workday-raas','require_attributes':['Cost_Center','/Job/Code']}";
    static const char types[] = "{'preset':'workday-raas','user_types':['Employee']}";

    (void)state;
    expect(marked, "{" WORKER ",'Active_Status':'1','Cost_Center':'5','Job':{'Code':'x'}}",
           "active - -");
    expect(marked, "{" WORKER ",'Active_Status':'1','Cost_Center':'','Job':{'Code':'x'}}",
           "dropped no-marker");
    expect(marked, "{" WORKER ",'Active_Status':'1','Cost_Center':'5'}", "dropped no-marker");
    // Markers go with the end; the end has to be heard.
    expect(marked, "{" WORKER ",'Active_Status':'0'}", "terminated - -");
    expect(types, "{" WORKER ",'Active_Status':'1','Worker_Type':'Employee'}", "active - -");
    expect(types, "{" WORKER ",'Active_Status':'1','Worker_Type':'Contractor'}",
           "dropped user-type");
    expect(types, "{" WORKER ",'Active_Status':'1'}", "dropped user-type");
    expect("{'preset':'bamboohr','domain':['acme.com']}",
           "{'id':'3','employeeNumber':'9','workEmail':'a@other.com','status':'Active'}",
           "dropped domain");
    expect("{'preset':'bamboohr'}",
           "{'id':'3','employeeNumber':'9','workEmail':'a@acme.com','status':'Active'}",
           "! is a mail address");
}

static void bamboohr_is_read_by_its_words(void **state)
{
    static const char section[] = "{'preset':'bamboohr','domain':['acme.com']}";

    (void)state;
    expect(section,
           "{'id':'3','employeeNumber':'9','workEmail':'Alice@Acme.com','status':'Active',"
           "'hireDate':'2020-01-01','terminationDate':'0000-00-00'}",
           "active 2020-01-01T00:00:00Z -");
    expect(section, "{'id':'3','employeeNumber':9,'status':'Inactive'}", "terminated - -");
    expect(section, "{'id':'3','employeeNumber':9,'status':'Paused'}", "unknown: Paused - -");
    // 59 letters and an umlaut, which has two bytes: no half of it
    expect(section,
           "{'id':'4','employeeNumber':9,"
           "'status':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4'}",
           "unknown: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa - -");
    expect("{'preset':'bamboohr','statuses':['Paused:leave']}",
           "{'id':'3','employeeNumber':9,'status':'Paused'}", "leave - -");
}

#define SF "{'preset':'successfactors'}"
#define SF_JOB(status, dates)                                                                      \
    "{'userId':'u','startDate':'/Date(1577836800000)/'" dates                                      \
    ",'jobInfoNav':{'results':[{'startDate':'/Date(1577836800000)/','emplStatusNav':"              \
    "{'externalCode':'" status "'}}]}}"
#define SF_PERSON(jobs) "{'personIdExternal':'p1','employmentNav':{'results':[" jobs "]}}"

static void successfactors_says_status_by_the_record_in_force(void **state)
{
    (void)state;
    expect(SF, SF_PERSON(SF_JOB("A", "")), "active 2020-01-01T00:00:00Z -");
    expect(SF, SF_PERSON(SF_JOB("A", ",'endDate':'/Date(1795996800000)/'")),
           "active 2020-01-01T00:00:00Z 2026-12-01T00:00:00Z");
    expect(SF, SF_PERSON(SF_JOB("U", "")), "leave 2020-01-01T00:00:00Z -");
    expect(SF, SF_PERSON(SF_JOB("T", "")), "terminated 2020-01-01T00:00:00Z -");
    expect(SF, SF_PERSON(""), "unknown: no employment that counts - -");
    // Active until the last day, and the record of the day after lies ahead.
    expect(SF,
           SF_PERSON("{'startDate':'2020-01-01','endDate':'2026-11-30','jobInfoNav':{'results':["
                     "{'startDate':'2026-12-01','emplStatusNav':{'externalCode':'T'}},"
                     "{'startDate':'2020-01-01','emplStatusNav':{'externalCode':'P'}},"
                     "{'startDate':'2024-01-01','emplStatusNav':{'externalCode':'A'}}]}}"),
           "active 2020-01-01T00:00:00Z 2026-12-01T00:00:00Z");
}

#define JOBS                                                                                       \
    "{'map':['id:/id','employments:/jobs','employment.start:/from','employment.end:/to',"          \
    "'employment.status:/s'],'statuses':['A:active','L:leave','T:terminated']}"

static void of_several_employments_the_one_that_is_now_counts_in_any_order(void **state)
{
    static const char old[] = "{'from':'2019-01-01','to':'2022-12-31','s':'T'}",
                      present[] = "{'from':'2025-01-01','s':'A'}",
                      ends[] = "{'from':'2025-01-01','to':'2026-12-31','s':'A'}",
                      next[] = "{'from':'2027-01-01','s':'A'}",
                      gap[] = "{'from':'2027-02-01','s':'A'}",
                      second[] = "{'from':'2024-01-01','to':'2026-11-30','s':'L'}",
                      none[] = "{'from':'2024-01-01','s':'what'}";
    static const char *const cases[][3] = {
        {old, present, "active 2025-01-01T00:00:00Z -"},
        {old, ends, "active 2025-01-01T00:00:00Z 2027-01-01T00:00:00Z"},
        {ends, next, "active 2025-01-01T00:00:00Z -"}, // without a gap: one
        {ends, gap, "active 2025-01-01T00:00:00Z 2027-01-01T00:00:00Z"},
        {old, gap, "active 2027-02-01T00:00:00Z -"},
        {present, second, "active 2024-01-01T00:00:00Z -"}, // two at once: the better word
        {none, old, "unknown: what 2024-01-01T00:00:00Z -"},
        {none, present, "active 2024-01-01T00:00:00Z -"},
        {old, old, "terminated 2019-01-01T00:00:00Z 2023-01-01T00:00:00Z"},
    };
    char row[500];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int k = 0; k < 2; k++) {
            snprintf(row, sizeof(row), "{'id':'1','jobs':[%s,%s]}", cases[i][k], cases[i][1 - k]);
            expect(JOBS, row, cases[i][2]);
        }
    expect(JOBS, "{'id':'1','jobs':{}}", "! is no list");
    expect(JOBS, "{'id':'1'}", "unknown: no employment that counts - -");
    expect(JOBS, "{'id':'1','jobs':[{'from':'x'}]}", "! /from: \"x\" is no date");
}

static void adp_is_judged_by_the_primary_assignment_and_the_worker(void **state)
{
    static const char adp[] =
        "{'rows':'/workers','map':['id:/associateOID','employeeNumber:/workerID/idValue',"
        "'status:/workerStatus/statusCode/codeValue','end:/workerDates/terminationDate',"
        "'start:/workerDates/rehireDate','start:/workerDates/originalHireDate',"
        "'employments:/workAssignments','employment.primary:/primaryIndicator',"
        "'employment.status:/assignmentStatus/statusCode/codeValue',"
        "'employment.end:/terminationDate'],"
        "'statuses':['Active:active','Terminated:terminated','Inactive:disabled','A:active',"
        "'L:leave','T:terminated']}";
#define ADP(status, more)                                                                          \
    "{'associateOID':'o','workerID':{'idValue':'5'},'workerStatus':{'statusCode':{'codeValue':"    \
    "'" status "'}},'workerDates':{'originalHireDate':'2020-01-01'},'workAssignments':[" more "]}"
#define ASSIGNED(primary, status)                                                                  \
    "{'primaryIndicator':" primary ",'assignmentStatus':{'statusCode':{'codeValue':'" status "'}}" \
    "}"

    (void)state;
    expect(adp, ADP("Active", ASSIGNED("false", "T") "," ASSIGNED("true", "A")),
           "active 2020-01-01T00:00:00Z -");
    expect(adp, ADP("Active", ASSIGNED("false", "A") "," ASSIGNED("true", "T")),
           "terminated 2020-01-01T00:00:00Z -");
    expect(adp, ADP("Active", ASSIGNED("true", "L")), "leave 2020-01-01T00:00:00Z -");
    expect(adp, ADP("Terminated", ASSIGNED("true", "A")), "terminated 2020-01-01T00:00:00Z -");
    expect(adp, ADP("Active", ASSIGNED("false", "A")),
           "unknown: no employment that counts 2020-01-01T00:00:00Z -");
}

static void groups_come_as_a_list_or_in_one_text(void **state)
{
    static const char section[] = "{'map':['id:/id','groups:/g','sshPublicKeys:/k','active:/a']}";
    static const char *const cases[][2] = {
        {"'g':'a; b;;c '", "[{\"value\":\"a\"},{\"value\":\"b\"},{\"value\":\"c\"}]"},
        {"'g':['a',7]", "[{\"value\":\"a\"},{\"value\":\"7\"}]"},
        {"'g':[]", "[]"},
        {"'g':''", NULL},
        {"'h':1", NULL},
    };
    struct hr_said said;
    char row[200];
    const char *got;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(row, sizeof(row), "{'id':1,'a':1,%s}", cases[i][0]);
        assert_int_equal(take(section, row, &said), HR_PERSON);
        got = value_json(in, value_get(said.user, "groups"), &len);
        if (cases[i][1])
            assert_string_equal(got, cases[i][1]);
        else
            assert_null(got);
    }
    assert_int_equal(take(section, "{'id':1,'g':[{'x':1}]}", &said), HR_UNREADABLE);
}

static void a_section_that_cannot_be_meant_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "id is needed"},
        {"{\"map\":[\"id:/a\",\"nmae:/b\"]}", "nmae"},
        {"{\"map\":[\"id:a\"]}", "is no JSON pointer"},
        {"{\"map\":[\"id\"]}", "NAME:POINTER"},
        {"{\"map\":[\"id:/a\",\"id:/b\",\"id:/c\",\"id:/d\",\"id:/e\"]}", "more than 4"},
        {"{\"map\":[\"id:/a\"],\"rows\":\"list\"}", "rows = list"},
        {"{\"map\":[\"id:/a\"],\"statuses\":[\"A:gone\"]}", "VALUE:STATUS"},
        {"{\"map\":[\"id:/a\"],\"statuses\":[\"A\"]}", "VALUE:STATUS"},
        {"{\"map\":[\"id:/a\"],\"lock_at\":\"25:00\"}", "lock_at"},
        {"{\"map\":[\"id:/a\"],\"lock_at\":\"1:000\"}", "lock_at"},
        {"{\"map\":[\"id:/a\"],\"require_attributes\":[\"/a~\"]}", "require_attributes"},
    };
    struct hr_rules rules;
    char why[300];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *s = json_loads(cases[i][0], 0, NULL);
        assert_non_null(s);
        assert_int_equal(hr_rules_init(&rules, s, "UTC", why, sizeof(why)), -EINVAL);
        if (!strstr(why, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], why);
        json_decref(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_of_workday_is_a_person),
        cmocka_unit_test(words_say_what_hr_means),
        cmocka_unit_test(dates_are_read_in_every_form_that_hr_writes),
        cmocka_unit_test(of_two_last_days_the_earlier_counts_unless_one_is_not_asked),
        cmocka_unit_test(a_zone_may_be_the_persons_own),
        cmocka_unit_test(a_rehire_with_an_old_end_stays_terminated_and_both_dates_are_named),
        cmocka_unit_test(a_cleared_date_counts_only_beside_a_word),
        cmocka_unit_test(an_unreadable_row_that_says_terminated_is_heard),
        cmocka_unit_test(a_contractors_number_is_of_another_kind_and_the_person_the_same),
        cmocka_unit_test(who_lacks_the_marker_of_an_employee_is_left_out),
        cmocka_unit_test(bamboohr_is_read_by_its_words),
        cmocka_unit_test(successfactors_says_status_by_the_record_in_force),
        cmocka_unit_test(of_several_employments_the_one_that_is_now_counts_in_any_order),
        cmocka_unit_test(adp_is_judged_by_the_primary_assignment_and_the_worker),
        cmocka_unit_test(groups_come_as_a_list_or_in_one_text),
        cmocka_unit_test(a_section_that_cannot_be_meant_is_refused),
    };
    enum rollcall_time_kind kind;

    rollcall_time_parse("2026-11-26T12:00:00Z", &kind, &now);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
