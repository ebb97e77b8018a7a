// SPDX-License-Identifier: BSD-2-Clause
// What SCIM servers send about one person, and what rollcall makes of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/lifecycle.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/scim_map.h"

#define ENT "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"

static const struct scim_rules plain;
static struct values *page, *made; // of the row in work; what is made of it

static const struct value *read_row(const char *text)
{
    const char *wrong;
    const struct value *row;

    page = page ?: values_new((size_t)1 << 24);
    made = made ?: values_new((size_t)1 << 24);
    values_empty(page);
    values_empty(made);
    row = values_read(page, text, strlen(text), NULL, &wrong);
    if (!row)
        fail_msg("%s: %s", text, wrong);
    return row;
}

// A row of a User: what stands in `more` behind the members that all have.
static void take(const struct scim_rules *rules, const char *text, struct scim_taken *out)
{
    const struct value *row = read_row(text);

    scim_user_take(rules, row, made, out);
}

static void take_alice(const struct scim_rules *rules, const char *more, struct scim_taken *out)
{
    char text[5000];

    snprintf(text, sizeof(text), "{\"id\":\"1f\",\"userName\":\"alice\"%s%s}", *more ? "," : "",
             more);
    take(rules, text, out);
}

// As the engine reads it.
static void said(const struct scim_taken *t, struct rollcall_message *ret)
{
    char *line, why[300] = "";
    size_t len;

    assert_true(asprintf(&line, "{\"op\":\"user\",\"user\":%s}", value_json(made, t->user, &len)) >
                0);
    if (rollcall_message_parse(line, strlen(line), ret, why, sizeof(why)) < 0)
        fail_msg("%s: %s", line, why);
    free(line);
}

static int64_t at(const char *text)
{
    enum rollcall_time_kind kind;
    int64_t t;

    assert_int_equal(rollcall_time_parse(text, &kind, &t), 0);
    return t;
}

static void a_user_is_taken_whole_whatever_the_case_of_its_names(void **state)
{
    static const char *const rows[] = {
        "{\"id\":\"Ab-1\",\"userName\":\"alice\",\"active\":true,\"displayName\":\"Alice A.\","
        "\"userType\":\"Employee\",\"emails\":[{\"value\":\"x@y\"},{\"value\":\"alice@acme.com\","
        "\"primary\":true}]," ENT "{\"employeeNumber\":\"0042\",\"department\":\"Eng\","
        "\"manager\":{\"value\":\"m1\"}}}",
        "{\"ID\":\"Ab-1\",\"username\":\"ALICE\",\"Active\":\"True\",\"DISPLAYNAME\":\"Alice A.\","
        "\"usertype\":\"Employee\",\"Emails\":[{\"Value\":\"alice@acme.com\",\"Primary\":\"true\"}]"
        ","
        "\"URN:ietf:params:SCIM:schemas:extension:Enterprise:2.0:user\":{\"EmployeeNumber\":"
        "\"0042\",\"Department\":\"Eng\",\"Manager\":{\"Value\":\"m1\"}}}",
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scim_taken t;
        struct rollcall_message m;
        take(&plain, rows[i], &t);
        assert_int_equal(t.kind, SCIM_PERSON);
        assert_string_equal(t.why, "");
        said(&t, &m);
        assert_string_equal(m.user.id, "Ab-1");
        assert_string_equal(m.user.user_name, "alice");
        assert_string_equal(m.user.display_name, "Alice A.");
        assert_string_equal(m.user.worker_type, "Employee");
        assert_string_equal(m.user.email, "alice@acme.com");
        assert_string_equal(m.user.employee_number, "0042");
        assert_string_equal(m.user.department, "Eng");
        assert_string_equal(m.user.manager, "m1");
        assert_int_equal(m.user.status, ROLLCALL_STATUS_ACTIVE);
        assert_false(m.user.groups_present);
        rollcall_message_done(&m);
    }
}

static void active_is_read_as_vendors_write_it_and_nothing_else_lets_anybody_in(void **state)
{
    static const struct {
        const char *active;
        enum rollcall_status status;
        const char *why;
    } rows[] = {
        {"true", ROLLCALL_STATUS_ACTIVE, ""},
        {"\"true\"", ROLLCALL_STATUS_ACTIVE, ""},
        {"\"True\"", ROLLCALL_STATUS_ACTIVE, ""},
        {"1", ROLLCALL_STATUS_ACTIVE, ""},
        {"false", ROLLCALL_STATUS_DISABLED, ""},
        {"\"False\"", ROLLCALL_STATUS_DISABLED, ""},
        {"0", ROLLCALL_STATUS_DISABLED, ""},
        {"\"yes\"", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
        {"\"\"", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
        {"2", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
        {"1.0", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
        {"[true]", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
        {"{}", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
        {"true,\"Active\":false", ROLLCALL_STATUS_REFUSED, "neither true nor false"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[100];
        struct scim_taken t;
        struct rollcall_message m;
        snprintf(more, sizeof(more), "\"active\":%s", rows[i].active);
        take_alice(&plain, more, &t);
        assert_int_equal(t.kind, SCIM_PERSON);
        said(&t, &m);
        if (m.user.status != rows[i].status)
            fail_msg("%s is %d", more, m.user.status);
        assert_true(*rows[i].why ? strstr(t.why, rows[i].why) != NULL : !*t.why);
        assert_int_equal(t.inactive, rows[i].status == ROLLCALL_STATUS_DISABLED);
        rollcall_message_done(&m);
    }
}

static void active_that_is_missing_means_what_is_configured_and_by_default_nothing(void **state)
{
    static const char *const absent[] = {"", "\"active\":null"};
    struct scim_rules deny = {.active_absent = SCIM_ABSENT_DENY},
                      active = {.active_absent = SCIM_ABSENT_ACTIVE};
    struct scim_taken t;
    struct rollcall_message m;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        take_alice(&plain, absent[i], &t);
        assert_int_equal(t.kind, SCIM_PROBLEM); // the engine keeps whom it knows, and makes nobody
        assert_string_equal(t.id, "1f");
        assert_non_null(strstr(t.why, "active is missing"));
        assert_false(t.terminated);
        take_alice(&deny, absent[i], &t);
        said(&t, &m);
        assert_int_equal(m.user.status, ROLLCALL_STATUS_REFUSED);
        assert_non_null(strstr(t.why, "active is missing"));
        rollcall_message_done(&m);
        take_alice(&active, absent[i], &t);
        said(&t, &m);
        assert_int_equal(m.user.status, ROLLCALL_STATUS_ACTIVE);
        rollcall_message_done(&m);
    }
}

static void null_absent_and_empty_are_one_thing(void **state)
{
    static const char *const rows[] = {
        "", ",\"displayName\":null,\"emails\":null,\"groups\":null,\"userType\":null," ENT "null",
        ",\"displayName\":\"\",\"emails\":[],\"groups\":[],\"name\":{}," ENT "{}",
        ",\"emails\":[{}],\"groups\":[]," ENT "{\"employeeNumber\":null,\"manager\":null}",
        ",\"emails\":[{\"value\":null}],\"groups\":[]," ENT "{\"employeeNumber\":\"\"}"};
    struct scim_rules rules = {.groups_of_user = true};
    char *first = NULL;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[400];
        struct scim_taken t;
        snprintf(more, sizeof(more), "\"active\":true%s", rows[i]);
        take_alice(&rules, more, &t);
        assert_int_equal(t.kind, SCIM_PERSON);
        assert_string_equal(t.why, "");
        if (!first)
            first = strdup(value_json(made, t.user, &len));
        if (strcmp(first, value_json(made, t.user, &len)) != 0)
            fail_msg("%s is another person", more);
    }
    free(first);
}

static void mail_is_the_primary_one_or_that_of_work_or_the_first(void **state)
{
    static const struct {
        const char *emails, *want;
    } rows[] = {
        {"[{\"value\":\"a@x\"},{\"value\":\"b@x\"}]", "a@x"},
        {"[{\"value\":\"a@x\",\"type\":\"home\"},{\"value\":\"b@x\",\"type\":\"Work\"}]", "b@x"},
        {"[{\"value\":\"a@x\",\"type\":\"work\"},{\"value\":\"b@x\",\"primary\":\"True\"}]", "b@x"},
        {"[\"a@x\"]", "a@x"},
        {"[{\"value\":\"\"},{\"value\":\"b@x\"}]", "b@x"},
        {"[{\"value\":7000}]", "7000"},
        {"{\"value\":\"a@x\"}", NULL},
        {"\"a@x\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[400];
        struct scim_taken t;
        struct rollcall_message m;
        snprintf(more, sizeof(more), "\"active\":true,\"emails\":%s", rows[i].emails);
        take_alice(&plain, more, &t);
        said(&t, &m);
        if (rows[i].want)
            assert_string_equal(m.user.email, rows[i].want);
        else
            assert_null(m.user.email);
        rollcall_message_done(&m);
    }
}

static void a_profile_that_its_owner_spoilt_does_not_hide_that_it_is_inactive(void **state)
{
    char big[3000];
    char more[3500];
    struct scim_taken t;
    struct rollcall_message m;

    (void)state;
    memset(big, 0x78, sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    snprintf(more, sizeof(more), "\"active\":false,\"displayName\":\"%s\",\"title\":7", big);
    take_alice(&plain, more, &t);
    assert_int_equal(t.kind, SCIM_PERSON);
    assert_non_null(strstr(t.why, "displayName"));
    said(&t, &m);
    assert_int_equal(m.user.status, ROLLCALL_STATUS_DISABLED);
    rollcall_message_done(&m);
    // What says who it is cannot be left out; but then nobody stands as before either.
    take_alice(&plain, "\"active\":false," ENT "{\"employeeNumber\":[1]}", &t);
    assert_int_equal(t.kind, SCIM_DROPPED);
    assert_string_equal(t.reason, "no-marker");
    assert_non_null(strstr(t.why, "employeeNumber"));
    take_alice(&plain, "\"active\":true," ENT "{\"employeeNumber\":[1]}", &t);
    assert_int_equal(t.kind, SCIM_PROBLEM);
}

static void a_row_that_says_not_who_it_is_is_a_problem(void **state)
{
    static const struct {
        const char *row, *id, *why;
    } rows[] = {
        {"[]", "", "no User"},
        {"{}", "", "no id"},
        {"{\"id\":7,\"userName\":\"a\"}", "", "no id"},
        {"{\"id\":\"\",\"userName\":\"a\"}", "", "no id"},
        {"{\"id\":\"1\",\"ID\":\"2\",\"userName\":\"a\"}", "", "two ids"},
        {"{\"id\":\"1\",\"active\":true}", "1", "userName is missing"},
        {"{\"id\":\"1\",\"active\":true,\"userName\":[\"a\"]}", "1", "userName is missing"},
        {"{\"id\":\"1\",\"active\":true,\"userName\":\"a\",\"UserName\":\"b\"}", "1", "twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scim_taken t;
        take(&plain, rows[i].row, &t);
        assert_int_equal(t.kind, SCIM_PROBLEM);
        assert_null(t.user);
        assert_string_equal(t.id, rows[i].id);
        if (!strstr(t.why, rows[i].why))
            fail_msg("%s: %s", rows[i].row, t.why);
    }
}

static void who_is_no_employee_is_left_out_with_the_reason(void **state)
{
    static const struct {
        const char *rules, *row, *reason; // NULL: taken
    } rows[] = {
        {"{}", "{\"userName\":\"a\"}", NULL},
        {"{}", "{\"userName\":\"a\",\"userType\":\"GUEST\"}", "guest"},
        {"{}", "{\"userName\":\"a\",\"userType\":\"External\"}", "external"},
        {"{}", "{\"userName\":\"a\",\"userType\":\"consumer\"}", "customer"},
        {"{\"t\":[\"Guest\"]}", "{\"userName\":\"a\",\"userType\":\"guest\"}", NULL},
        {"{\"t\":[\"Employee\"]}", "{\"userName\":\"a\",\"userType\":\"employee\"}", NULL},
        {"{\"t\":[\"Employee\"]}", "{\"userName\":\"a\",\"userType\":\"Partner\"}", "user-type"},
        {"{\"t\":[\"Employee\"]}", "{\"userName\":\"a\"}", "user-type"},
        {"{\"d\":[\"acme.com\"]}", "{\"userName\":\"a@ACME.com\"}", NULL},
        {"{\"d\":[\"acme.com\"]}", "{\"userName\":\"a@acme.com.evil.org\"}", "domain"},
        {"{\"d\":[\"acme.com\"]}", "{\"userName\":\"a@evil@acme.org\"}", "domain"},
        {"{\"d\":[\"acme.com\"]}", "{\"userName\":\"a\"}", NULL},
        {"{\"r\":[\"employeeNumber\"]}", "{\"userName\":\"a\"}", "no-marker"},
        {"{\"r\":[\"employeeNumber\"]}", "{\"userName\":\"a\"," ENT "{\"EMPLOYEENUMBER\":\"1\"}}",
         NULL},
        {"{\"r\":[\"employeeNumber\"]}", "{\"userName\":\"a\"," ENT "{\"employeeNumber\":\"\"}}",
         "no-marker"},
        {"{\"r\":[\"urn:acme:2.0:User:badge\"]}",
         "{\"userName\":\"a\",\"urn:acme:2.0:User\":{\"badge\":[1]}}", NULL},
        {"{\"r\":[\"title\",\"badge\"]}", "{\"userName\":\"a\",\"badge\":1,\"title\":[]}",
         "no-marker"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *given = json_loads(rows[i].rules, 0, NULL);
        struct scim_rules rules = {.user_types = json_object_get(given, "t"),
                                   .domain = json_object_get(given, "d"),
                                   .require_attributes = json_object_get(given, "r")};
        struct scim_taken t;
        char row[500];
        snprintf(row, sizeof(row), "{\"id\":\"1\",\"active\":true,%s", rows[i].row + 1);
        take(&rules, row, &t);
        if (rows[i].reason ? t.kind != SCIM_DROPPED || strcmp(t.reason, rows[i].reason) != 0
                           : t.kind != SCIM_PERSON)
            fail_msg("%s by %s: %s", rows[i].row, rows[i].rules, t.reason);
        if (t.kind == SCIM_PERSON)
            assert_string_equal(value_text(value_get(t.user, "userName")), "a");
        else
            assert_true(strncmp(t.name, "a", 1) == 0 && t.user == NULL);
        json_decref(given);
    }
}

#define HR "\"urn:acme:hr:2.0:User\":"

static void dates_and_the_word_of_an_extension_are_read_by_pointers(void **state)
{
    static const struct {
        const char *more, *start, *end;
        enum rollcall_status status;
    } rows[] = {
        {"\"active\":true", NULL, NULL, ROLLCALL_STATUS_ACTIVE},
        {"\"active\":true," HR "{\"lastDay\":\"2026-11-30\",\"job\":{\"From\":\"2020-01-01\"}}",
         "2020-01-01T00:00:00Z", "2026-12-01T00:00:00Z", ROLLCALL_STATUS_ACTIVE},
        {"\"active\":true,\"URN:ACME:hr:2.0:user\":{\"LASTDAY\":\"2026-11-30T12:00:00+01:00\"}",
         NULL, "2026-11-30T11:00:00Z", ROLLCALL_STATUS_ACTIVE},
        {"\"active\":true," HR "{\"state\":\"Leave\"}", NULL, NULL, ROLLCALL_STATUS_LEAVE},
        {"\"active\":true," HR "{\"state\":\"Terminated\"}", NULL, NULL,
         ROLLCALL_STATUS_TERMINATED},
        {"\"active\":false," HR "{\"state\":\"terminated\"}", NULL, NULL,
         ROLLCALL_STATUS_TERMINATED},
        {"\"active\":false," HR "{\"state\":\"active\"}", NULL, NULL, ROLLCALL_STATUS_DISABLED},
        {"\"active\":true," HR "{\"state\":\"retired\"}", NULL, NULL, ROLLCALL_STATUS_UNKNOWN},
        {"\"active\":true," HR "{\"state\":[1]}", NULL, NULL, ROLLCALL_STATUS_REFUSED},
        {HR "{\"state\":\"active\"}", NULL, NULL, ROLLCALL_STATUS_ACTIVE},
        {"\"active\":false," HR "{\"lastDay\":\"soon\"}", NULL, NULL, ROLLCALL_STATUS_DISABLED},
    };
    struct scim_rules rules = {.extension = "urn:acme:hr:2.0:User",
                               .start = "/job/from",
                               .end = "lastDay",
                               .status = "/state"};
    struct scim_taken t;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rollcall_message m;
        take_alice(&rules, rows[i].more, &t);
        if (t.kind != SCIM_PERSON)
            fail_msg("%s: %s", rows[i].more, t.why);
        said(&t, &m);
        assert_int_equal(m.user.start, rows[i].start ? at(rows[i].start) : ROLLCALL_TIME_UNSET);
        assert_int_equal(m.user.end, rows[i].end ? at(rows[i].end) : ROLLCALL_TIME_UNSET);
        assert_int_equal(m.user.status, rows[i].status);
        rollcall_message_done(&m);
    }
    take_alice(&rules, "\"active\":true," HR "{\"lastDay\":\"soon\"}", &t);
    assert_int_equal(t.kind, SCIM_PROBLEM);
    assert_non_null(strstr(t.why, "lastDay is no date"));
    take_alice(&rules, "\"userType\":1," HR "{\"lastDay\":1,\"state\":\"terminated\"," ENT "{}}",
               &t);
    assert_true(t.kind == SCIM_PERSON && t.terminated);
}

static void a_map_that_means_nothing_is_refused(void **state)
{
    static const char *const bad[] = {"end",        "end:",     ":lastDay", "ends:lastDay",
                                      "en:lastDay", "End:last", "x:y",      ""};
    json_t *good = json_pack("[s, s, s, s]", "end:lastDay", "start:/job/from", "status:a:b",
                             "sshPublicKeys:keys");
    struct scim_rules rules = {0};

    (void)state;
    assert_null(scim_rules_map(&rules, good));
    assert_string_equal(rules.end, "lastDay");
    assert_string_equal(rules.start, "/job/from");
    assert_string_equal(rules.status, "a:b");
    assert_string_equal(rules.keys, "keys");
    json_decref(good);
    assert_null(scim_rules_map(&rules, NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *list = json_pack("[s]", bad[i]);
        if (!scim_rules_map(&rules, list))
            fail_msg("%s was taken", bad[i]);
        json_decref(list);
    }
}

static void keys_that_cannot_be_taken_hide_nothing_else(void **state)
{
    struct scim_rules rules = {.keys = "keys"};
    struct scim_taken t;
    struct rollcall_message m;
    static const struct {
        const char *keys;
        size_t n;
        bool warned;
    } rows[] = {{"[\"a\",{\"value\":\"b\"}]", 2, false},
                {"\"a\"", 1, false},
                {"[]", 0, false},
                {"null", 0, false},
                {"[7,\"\",\"a\",{}]", 1, true},
                {"{}", 0, false},
                {"9", 0, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[200];
        snprintf(more, sizeof(more), "\"active\":false,\"keys\":%s", rows[i].keys);
        take_alice(&rules, more, &t);
        said(&t, &m);
        assert_true(m.user.keys_present);
        assert_int_equal(m.user.n_ssh_keys, rows[i].n);
        assert_int_equal(*t.why != 0, rows[i].warned);
        assert_int_equal(m.user.status, ROLLCALL_STATUS_DISABLED);
        rollcall_message_done(&m);
    }
}

static void groups_are_read_from_a_user_where_they_are_kept_there(void **state)
{
    static const char more[] = "\"active\":true,\"groups\":[{\"value\":\"g1\",\"display\":\"One\"},"
                               "{\"Value\":\"g2\",\"type\":\"indirect\"},{\"display\":\"x\"},7]";
    struct scim_rules rules = {.groups_of_user = true};
    json_t *list = json_pack("[s, s]", "gX", "g2"), *none = json_pack("[s]", "G2"), *g;
    const struct value *row;
    struct scim_taken t;

    (void)state;
    take_alice(&rules, more, &t);
    assert_int_equal(value_size(value_get(t.user, "groups")), 2);
    assert_non_null(strstr(t.why, "a group has no value"));
    assert_true(scim_user_in(t.user, list));
    assert_false(scim_user_in(t.user, none)); // ids have a case
    take_alice(&plain, more, &t);
    assert_null(value_get(t.user, "groups"));
    assert_false(scim_user_in(t.user, list));
    scim_user_unassigned(&t);
    assert_int_equal(t.kind, SCIM_DROPPED);
    assert_string_equal(t.reason, "unassigned");
    assert_string_equal(t.name, "alice");
    json_decref(list);
    json_decref(none);
    row = read_row("{\"groups\":[{\"value\":\"g1\",\"display\":\"One\"},{}]}");
    g = scim_user_group(value_at(value_get(row, "groups"), 0));
    assert_string_equal(json_string_value(json_object_get(g, "displayName")), "One");
    json_decref(g);
    assert_null(scim_user_group(value_at(value_get(row, "groups"), 1)));
}

static void a_group_has_an_id_and_members_of_several_shapes(void **state)
{
    static const char text[] =
        "{\"ID\":\"g1\",\"DisplayName\":\"Ops\",\"Members\":[{\"value\":\"u1\"},"
        "{\"Value\":\"g2\",\"type\":\"Group\"},\"u3\",{\"value\":\"\"},{}]}";
    json_t *g;
    static const char *const want[] = {"u1", "g2", "u3", NULL, NULL};
    const struct value *members;

    (void)state;
    g = scim_group_take(read_row(text), &members);
    assert_string_equal(json_string_value(json_object_get(g, "id")), "g1");
    assert_string_equal(json_string_value(json_object_get(g, "displayName")), "Ops");
    for (size_t i = 0; i < 5; i++) {
        const char *id = scim_member(value_at(members, i));
        assert_true(want[i] ? id && strcmp(id, want[i]) == 0 : !id);
    }
    json_decref(g);
    assert_null(scim_group_take(read_row("{\"id\":\"g1\",\"Id\":\"g2\"}"), &members));
}

static void a_change_has_the_time_that_the_server_says(void **state)
{
    (void)state;
    assert_int_equal(
        scim_last_modified(read_row("{\"Meta\":{\"LastModified\":\"2026-11-22T10:00:00.123Z\"}}")),
        at("2026-11-22T10:00:00Z"));
    assert_int_equal(scim_last_modified(read_row("{\"Meta\":{\"lastModified\":\"yesterday\"}}")),
                     ROLLCALL_TIME_UNSET);
    assert_int_equal(scim_last_modified(read_row("{}")), ROLLCALL_TIME_UNSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_taken_whole_whatever_the_case_of_its_names),
        cmocka_unit_test(active_is_read_as_vendors_write_it_and_nothing_else_lets_anybody_in),
        cmocka_unit_test(active_that_is_missing_means_what_is_configured_and_by_default_nothing),
        cmocka_unit_test(null_absent_and_empty_are_one_thing),
        cmocka_unit_test(mail_is_the_primary_one_or_that_of_work_or_the_first),
        cmocka_unit_test(a_profile_that_its_owner_spoilt_does_not_hide_that_it_is_inactive),
        cmocka_unit_test(a_row_that_says_not_who_it_is_is_a_problem),
        cmocka_unit_test(who_is_no_employee_is_left_out_with_the_reason),
        cmocka_unit_test(dates_and_the_word_of_an_extension_are_read_by_pointers),
        cmocka_unit_test(a_map_that_means_nothing_is_refused),
        cmocka_unit_test(keys_that_cannot_be_taken_hide_nothing_else),
        cmocka_unit_test(groups_are_read_from_a_user_where_they_are_kept_there),
        cmocka_unit_test(a_group_has_an_id_and_members_of_several_shapes),
        cmocka_unit_test(a_change_has_the_time_that_the_server_says),
    };

    rollcall_timezone_use("UTC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
