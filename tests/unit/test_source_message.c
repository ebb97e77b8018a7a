// SPDX-License-Identifier: BSD-2-Clause
// Lines of sources, good and hostile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/source.h"

static int parse(const char *line, struct rollcall_message *m)
{
    char why[300] = "";
    int r = rollcall_message_parse(line, strlen(line), m, why, sizeof(why));

    assert_true(r == 0 || *why); // every refusal has its sentence
    return r;
}

static void refused(const char *line)
{
    struct rollcall_message m = {.rows = 77};

    assert_true(parse(line, &m) < 0);
    assert_int_equal(m.rows, 77); // untouched
}

static void a_begin_has_a_mode_and_a_time_of_its_own(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(
        parse("{\"op\":\"begin\",\"mode\":\"full\",\"as_of\":\"2026-01-01T00:00:00Z\"}", &m), 0);
    assert_int_equal(m.kind, ROLLCALL_MESSAGE_BEGIN);
    assert_true(m.full);
    assert_int_equal(m.as_of, 1767225600);
    rollcall_message_done(&m);
    refused("{\"op\":\"begin\",\"mode\":\"full\"}");
    refused("{\"op\":\"begin\",\"mode\":\"some\",\"as_of\":\"2026-01-01T00:00:00Z\"}");
    refused("{\"op\":\"begin\",\"mode\":\"full\",\"as_of\":\"2026-01-01\"}");
    refused("{\"op\":\"begin\",\"mode\":\"full\",\"as_of\":\"2026-01-01T00:00:00\"}");
}

static void a_difference_is_a_full_listing_since_a_cursor(void **state)
{
#define BEGIN(mode) "{\"op\":\"begin\",\"as_of\":\"2026-01-01T00:00:00Z\",\"mode\":\"" mode "\","
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse(BEGIN("full") "\"since\":\"c 1\"}", &m), 0);
    assert_true(m.full);
    assert_string_equal(m.since, "c 1");
    rollcall_message_done(&m);
    assert_int_equal(parse(BEGIN("full") "\"since\":null}", &m), 0);
    assert_null(m.since);
    rollcall_message_done(&m);
    refused(BEGIN("full") "\"since\":\"\"}");
    refused(BEGIN("full") "\"since\":7}");
    refused(BEGIN("delta") "\"since\":\"c\"}");
#undef BEGIN
    assert_int_equal(parse("{\"op\":\"absent\",\"id\":\"7\"}", &m), 0);
    assert_int_equal(m.kind, ROLLCALL_MESSAGE_ABSENT);
    assert_string_equal(m.id, "7");
    rollcall_message_done(&m);
    refused("{\"op\":\"absent\"}");
    refused("{\"op\":\"absent\",\"id\":7}");
}

static void an_empty_list_of_groups_is_said_and_a_missing_one_is_not(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":[]}}", &m), 0);
    assert_true(m.user.groups_present);
    assert_int_equal(m.user.n_groups, 0);
    rollcall_message_done(&m);
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":null}}", &m), 0);
    assert_false(m.user.groups_present);
    rollcall_message_done(&m);
    assert_int_equal(
        parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":[{\"value\":\"a\"}]}}", &m), 0);
    assert_int_equal(m.user.n_groups, 1);
    assert_string_equal(m.user.groups[0], "a");
    rollcall_message_done(&m);
}

static void a_status_we_do_not_know_lets_nobody_in(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"active\":true,"
                           "\"urn:rollcall:1.0:User\":{\"status\":\"Active\"}}}",
                           &m),
                     0);
    assert_int_equal(m.user.status, ROLLCALL_STATUS_UNKNOWN);
    rollcall_message_done(&m);
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"active\":false}}", &m), 0);
    assert_int_equal(m.user.status, ROLLCALL_STATUS_DISABLED);
    rollcall_message_done(&m);
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\"}}", &m), 0);
    assert_int_not_equal(m.user.status, ROLLCALL_STATUS_ACTIVE);
    rollcall_message_done(&m);
}

static void a_uid_of_more_than_32_bits_is_seen_and_not_wrapped(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":"
                           "{\"uidNumber\":4294972296}}}",
                           &m),
                     0);
    assert_true(m.user.has_uid);
    assert_true(m.user.uid == 4294972296u);
    rollcall_message_done(&m);
    refused(
        "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"uidNumber\":-1}}}");
    refused(
        "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"uidNumber\":1.5}}}");
    refused("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"uidNumber\":"
            "\"5\"}}}");
    refused("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"uidNumber\":"
            "99999999999999999999}}}");
}

static void a_group_says_where_it_is_and_by_which_names(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(
        parse("{\"op\":\"group\",\"group\":{\"id\":\"g\",\"groups\":[{\"value\":\"h\"}],"
              "\"aliases\":[\"cn=g\",\"G\"]}}",
              &m),
        0);
    assert_true(m.parents_present);
    assert_int_equal(m.parents.n, 1);
    assert_string_equal(m.parents.item[0], "h");
    assert_int_equal(m.aliases.n, 2);
    assert_string_equal(m.aliases.item[1], "G");
    rollcall_message_done(&m);
    assert_int_equal(parse("{\"op\":\"group\",\"group\":{\"id\":\"g\",\"groups\":[]}}", &m), 0);
    assert_true(m.parents_present);
    assert_int_equal(m.parents.n, 0);
    rollcall_message_done(&m);
    assert_int_equal(parse("{\"op\":\"group\",\"group\":{\"id\":\"g\"}}", &m), 0);
    assert_false(m.parents_present);
    rollcall_message_done(&m);
}

static void members_are_a_list_or_what_changed_in_it(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(
        parse("{\"op\":\"members\",\"group\":\"g\",\"values\":[\"u1\",\"u2\"],\"more\":true}", &m),
        0);
    assert_int_equal(m.kind, ROLLCALL_MESSAGE_MEMBERS);
    assert_string_equal(m.group_id, "g");
    assert_true(m.values_present);
    assert_true(m.more);
    assert_int_equal(m.values.n, 2);
    assert_string_equal(m.values.item[1], "u2");
    rollcall_message_done(&m);
    assert_int_equal(parse("{\"op\":\"members\",\"group\":\"g\",\"values\":[]}", &m), 0);
    assert_true(m.values_present);
    assert_int_equal(m.values.n, 0);
    assert_false(m.more);
    rollcall_message_done(&m);
    assert_int_equal(
        parse("{\"op\":\"members\",\"group\":\"g\",\"add\":[\"a\"],\"remove\":[\"b\",\"c\"]}", &m),
        0);
    assert_false(m.values_present);
    assert_string_equal(m.add.item[0], "a");
    assert_int_equal(m.remove.n, 2);
    rollcall_message_done(&m);
}

static void a_person_has_other_names_and_a_dn(void **state)
{
    char line[2200], name[1026];
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{"
                           "\"aliases\":[\"uid:alice\"],\"dn\":\"uid=alice,dc=x\"}}}",
                           &m),
                     0);
    assert_int_equal(m.user.aliases.n, 1);
    assert_string_equal(m.user.aliases.item[0], "uid:alice");
    assert_string_equal(m.user.dn, "uid=alice,dc=x");
    rollcall_message_done(&m);
    refused("{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{"
            "\"aliases\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}}}");
    memset(name, 'x', sizeof(name));
    name[1024] = 0;
    snprintf(line, sizeof(line), "{\"op\":\"members\",\"group\":\"g\",\"add\":[\"%s\"]}", name);
    assert_int_equal(parse(line, &m), 0);
    rollcall_message_done(&m);
    snprintf(line, sizeof(line), "{\"op\":\"members\",\"group\":\"g\",\"add\":[\"%sx\"]}", name);
    refused(line);
}

static void who_is_dropped_has_an_id_and_a_reason_that_is_known(void **state)
{
#define DROPPED_AS(status)                                                                         \
    "{\"op\":\"dropped\",\"id\":\"g\",\"reason\":\"guest\",\"status\":\"" status "\"}"
    struct rollcall_message m;

    (void)state;
    assert_int_equal(
        parse("{\"op\":\"dropped\",\"id\":\"g\",\"reason\":\"guest\",\"name\":\"Eve\"}", &m), 0);
    assert_int_equal(m.kind, ROLLCALL_MESSAGE_DROPPED);
    assert_string_equal(m.reason, "guest");
    assert_string_equal(m.name, "Eve");
    rollcall_message_done(&m);
    assert_int_equal(m.gone_status, ROLLCALL_STATUS_UNKNOWN);
    assert_int_equal(parse(DROPPED_AS("terminated"), &m), 0);
    assert_int_equal(m.gone_status, ROLLCALL_STATUS_TERMINATED);
    rollcall_message_done(&m);
    assert_int_equal(parse(DROPPED_AS("disabled"), &m), 0);
    assert_int_equal(m.gone_status, ROLLCALL_STATUS_DISABLED);
    rollcall_message_done(&m);
    refused(DROPPED_AS("active"));
    refused("{\"op\":\"gone\",\"id\":\"g\",\"status\":\"disabled\"}");
    refused("{\"op\":\"dropped\",\"id\":\"g\"}");
    refused("{\"op\":\"dropped\",\"id\":\"g\",\"reason\":\"bored\"}");
    refused("{\"op\":\"dropped\",\"id\":\"\",\"reason\":\"guest\"}");
    refused("{\"op\":\"dropped\",\"reason\":\"guest\"}");
}

static void a_risk_is_one_of_its_words(void **state)
{
#define RISK(word)                                                                                 \
    "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"urn:rollcall:1.0:User\":{\"risk\":" word "}}}"
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse(RISK("\"compromised\""), &m), 0);
    assert_int_equal(m.user.risk, ROLLCALL_RISK_COMPROMISED);
    rollcall_message_done(&m);
    assert_int_equal(parse(RISK("null"), &m), 0);
    assert_int_equal(m.user.risk, ROLLCALL_RISK_UNSAID);
    rollcall_message_done(&m);
    refused(RISK("\"dire\""));
    refused(RISK("3"));
}

static void of_a_machine_what_is_not_known_is_not_said(void **state)
{
    struct rollcall_message m;

    (void)state;
    assert_int_equal(parse("{\"op\":\"device\",\"compliant\":false,\"managed\":null}", &m), 0);
    assert_int_equal(m.compliant, ROLLCALL_NO);
    assert_int_equal(m.managed, ROLLCALL_UNKNOWN);
    rollcall_message_done(&m);
    refused("{\"op\":\"device\",\"compliant\":\"yes\"}");
    assert_int_equal(
        parse("{\"op\":\"finding\",\"level\":\"ok\",\"what\":\"clock\",\"text\":\"t\"}", &m), 0);
    rollcall_message_done(&m);
    refused("{\"op\":\"finding\",\"level\":\"fine\",\"what\":\"clock\",\"text\":\"t\"}");
    refused("{\"op\":\"finding\",\"level\":\"ok\",\"text\":\"t\"}");
}

static void what_is_no_message_is_refused_with_a_sentence(void **state)
{
    static const char *const lines[] = {
        "",
        "x",
        "[]",
        "null",
        "{}",
        "{\"op\":1}",
        "{\"op\":\"Begin\"}",
        "{\"op\":\"user\"}",
        "{\"op\":\"user\",\"user\":[]}",
        "{\"op\":\"user\",\"user\":{}}",
        "{\"op\":\"user\",\"user\":{\"id\":\"\"}}",
        "{\"op\":\"user\",\"user\":{\"id\":7}}",
        "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":\"a\"}}",
        "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":[{}]}}",
        "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":[\"a\"]}}",
        "{\"op\":\"gone\"}",
        "{\"op\":\"gone\",\"id\":\"1\",\"status\":\"active\"}",
        "{\"op\":\"as_of\"}",
        "{\"op\":\"problem\"}",
        "{\"op\":\"group\",\"group\":{}}",
        "{\"op\":\"group\",\"group\":{\"id\":\"g\",\"groups\":[\"h\"]}}",
        "{\"op\":\"group\",\"group\":{\"id\":\"g\",\"aliases\":[7]}}",
        "{\"op\":\"members\",\"values\":[]}",
        "{\"op\":\"members\",\"group\":\"g\"}",
        "{\"op\":\"members\",\"group\":{\"id\":\"g\"},\"values\":[]}",
        "{\"op\":\"members\",\"group\":\"g\",\"values\":[\"u\"],\"add\":[\"v\"]}",
        "{\"op\":\"members\",\"group\":\"g\",\"add\":[\"v\"],\"more\":true}",
        "{\"op\":\"members\",\"group\":\"g\",\"add\":[\"\"]}",
        "{\"op\":\"progress\",\"done\":-1}",
        "{\"op\":\"gone\",\"id\":\"a\"} trailing",
        "{\"op\":\"gone\",\"id\":\"a\",\"id\":\"b\"}",
        "{\"op\":\"gone\",\"id\":\"a\\u0000b\"}",
        "{\"op\":\"gone\",\"id\":\"\xff\"}",
        "{\"op\":\"gone\",\"id\":\"\\ud800\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        refused(lines[i]);
}

static void bounds_hold(void **state)
{
    char *line = malloc(ROLLCALL_SOURCE_LINE_MAX + 2), why[300];
    struct rollcall_message m;
    int n;

    (void)state;
    assert_non_null(line);
    memset(line, '[', ROLLCALL_SOURCE_LINE_MAX + 1); // deep
    assert_true(rollcall_message_parse(line, ROLLCALL_SOURCE_LINE_MAX, &m, why, sizeof(why)) < 0);
    assert_true(rollcall_message_parse(line, ROLLCALL_SOURCE_LINE_MAX + 1, &m, why, sizeof(why)) <
                0);
    assert_non_null(strstr(why, "longer"));
    n = snprintf(line, 100, "{\"op\":\"gone\",\"id\":\"");
    memset(line + n, 'a', 16385);
    memcpy(line + n + 16385, "\"}", 3);
    refused(line);
    memcpy(line + n + 16384, "\"}", 3);
    assert_int_equal(parse(line, &m), 0);
    rollcall_message_done(&m);
    memset(line, 0, 100); // NUL bytes
    assert_true(rollcall_message_parse(line, 100, &m, why, sizeof(why)) < 0);
    n = snprintf(line, 100, "{\"op\":\"user\",\"user\":{\"id\":\"1\",\"groups\":[");
    for (int i = 0; i < ROLLCALL_SOURCE_LISTS_MAX + 1; i++)
        n += snprintf(line + n, 32, "%s{\"value\":\"a\"}", i ? "," : "");
    memcpy(line + n, "]}}", 4);
    refused(line);
    free(line);
}

static void done_accepts_what_is_zeroed(void **state)
{
    struct rollcall_message m = {0};

    (void)state;
    rollcall_message_done(&m);
    rollcall_message_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_begin_has_a_mode_and_a_time_of_its_own),
        cmocka_unit_test(a_difference_is_a_full_listing_since_a_cursor),
        cmocka_unit_test(an_empty_list_of_groups_is_said_and_a_missing_one_is_not),
        cmocka_unit_test(a_status_we_do_not_know_lets_nobody_in),
        cmocka_unit_test(a_uid_of_more_than_32_bits_is_seen_and_not_wrapped),
        cmocka_unit_test(a_group_says_where_it_is_and_by_which_names),
        cmocka_unit_test(members_are_a_list_or_what_changed_in_it),
        cmocka_unit_test(a_person_has_other_names_and_a_dn),
        cmocka_unit_test(who_is_dropped_has_an_id_and_a_reason_that_is_known),
        cmocka_unit_test(a_risk_is_one_of_its_words),
        cmocka_unit_test(of_a_machine_what_is_not_known_is_not_said),
        cmocka_unit_test(what_is_no_message_is_refused_with_a_sentence),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(done_accepts_what_is_zeroed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
