// SPDX-License-Identifier: BSD-2-Clause
// What a user and an event of Okta become, how fast it is asked, and links that lead nowhere.
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
#include "syncd/sources/okta_event.h"
#include "syncd/sources/okta_map.h"
#include "syncd/sources/pages.h"

#define ID "00u1a2b3c4D5e6F7g8h9"

static struct okta_map *map_of(const char *list)
{
    json_t *changes = list ? json_loads(list, 0, NULL) : NULL;
    struct okta_map *map = NULL;
    char why[300];

    assert_int_equal(okta_map_read(changes, &map, why, sizeof(why)), 0);
    json_decref(changes);
    return map;
}

static char text_said[OKTA_USER_MAX];
static json_t *said; // of the last one who was a person; else NULL

// `object` by the rules. Nothing of it is borrowed.
static int take_object(const struct okta_rules *rules, const json_t *object, struct okta_taken *ret)
{
    struct json_writer out = {.buf = text_said, .room = sizeof(text_said)};
    struct values *values = values_new(1024 * 1024);
    char *text = json_dumps(object, JSON_COMPACT);
    const char *wrong = NULL;
    const struct value *v = values_read(values, text, strlen(text), NULL, &wrong);
    int r;

    assert_non_null(v);
    json_decref(said);
    said = NULL;
    r = okta_user_take(rules, v, &out, ret);
    if (r == 0 && ret->fate == OKTA_PERSON) {
        assert_true(out.len <= out.room);
        said = json_loadb(text_said, out.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(said);
    }
    ret->login = NULL;
    values_free(values);
    free(text);
    return r;
}

// A user of these members beside id and profile.login, taken by the rules.
static struct okta_taken take_by(struct okta_rules rules, const char *text)
{
    json_t *object = json_loads(text, 0, NULL), *profile = json_object_get(object, "profile");
    struct okta_taken t;

    assert_non_null(object);
    if (!profile) {
        profile = json_object();
        json_object_set_new(object, "profile", profile);
    }
    if (!json_object_get(profile, "login"))
        json_object_set_new(profile, "login",
                            json_string(rules.person.domain ? "alice@acme.com" : "alice"));
    if (!json_object_get(object, "id"))
        json_object_set_new(object, "id", json_string(ID));
    if (!json_object_get(object, "status"))
        json_object_set_new(object, "status", json_string("ACTIVE"));
    assert_int_equal(take_object(&rules, object, &t), 0);
    json_decref(object);
    return t;
}

// Beside each other: what comes out has to be a message that the engine takes.
static struct rollcall_message message_of_said(void)
{
    json_t *o = json_pack("{s:s, s:O}", "op", "user", "user", said);
    char *line = json_dumps(o, JSON_COMPACT), why[300];
    struct rollcall_message m;

    if (rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        fail_msg("%s: %s", line, why);
    free(line);
    json_decref(o);
    return m;
}

static const char *text_in(const json_t *o, const char *member)
{
    return json_string_value(json_object_get(o, member));
}

static const json_t *ours_said(void)
{
    return json_object_get(said, "urn:rollcall:1.0:User");
}

// ---- status ----

static const struct {
    const char *okta, *next, *ours;
    bool blocked, terminated, out, warned;
} statuses[] = {
    {"ACTIVE", NULL, "active", false, false, false, false},
    {"LOCKED_OUT", NULL, "active", true, false, false, false},
    {"SUSPENDED", NULL, "disabled", false, false, true, false},
    {"DEPROVISIONED", NULL, "terminated", false, true, true, false},
    {"STAGED", NULL, "refused", false, false, true, false},
    {"PROVISIONED", NULL, "refused", false, false, true, false},
    {"RECOVERY", NULL, "refused", false, false, true, false},
    {"PASSWORD_EXPIRED", NULL, "refused", false, false, true, false},
    {"ACTIVATING", NULL, "refused", false, false, true, false},
    {"RETIRED", NULL, "refused", false, false, true, true},
    {"active", NULL, "refused", false, false, true, true},
    {"ACTIVE", "DEPROVISIONED", "locked", false, false, true, false},
    {"SUSPENDED", "DEPROVISIONED", "locked", false, false, true, false},
    {"DEPROVISIONED", "DEPROVISIONED", "terminated", false, true, true, false},
    {"STAGED", "ACTIVE", "refused", false, false, true, false},
    {"DEPROVISIONED", "PROVISIONED", "terminated", false, true, true, false},
};

static void each_status_lets_in_whom_it_should_and_an_unknown_one_nobody(void **state)
{
    struct okta_rules rules = {.map = *state};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char text[200];
        struct okta_taken t;
        snprintf(text, sizeof(text), "{\"status\":\"%s\"%s%s%s}", statuses[i].okta,
                 statuses[i].next ? ",\"transitioningToStatus\":\"" : "", statuses[i].next ?: "",
                 statuses[i].next ? "\"" : "");
        t = take_by(rules, text);
        if (t.fate != OKTA_PERSON || strcmp(text_in(ours_said(), "status"), statuses[i].ours) != 0)
            fail_msg("%s: %s", text, said ? text_in(ours_said(), "status") : t.why);
        if (json_is_true(json_object_get(ours_said(), "passwordBlocked")) != statuses[i].blocked ||
            t.terminated != statuses[i].terminated || t.out != statuses[i].out ||
            (*t.why != 0) != statuses[i].warned)
            fail_msg("%s: blocked, terminated, out or a warning is otherwise", text);
    }
}

static void a_user_without_a_status_is_let_in_nowhere(void **state)
{
    take_by((struct okta_rules){.map = *state}, "{\"status\":17}");
    assert_string_equal(text_in(ours_said(), "status"), "refused");
}

// ---- who is one of ours ----

static const struct {
    const char *rule; // which list: d(omain), t(ype), r(ealm), a(ttributes), none
    const char *list, *user, *reason;
} rules_table[] = {
    {"", "[]", "{\"credentials\":{\"provider\":{\"type\":\"SOCIAL\"}}}", "social"},
    {"", "[]", "{\"credentials\":{\"provider\":{\"type\":\"ACTIVE_DIRECTORY\"}}}", NULL},
    {"", "[]", "{\"credentials\":{\"provider\":{\"type\":\"FEDERATION\"}}}", NULL},
    {"d", "[\"acme.com\"]", "{}", NULL},
    {"d", "[\"ACME.com\"]", "{}", NULL},
    {"d", "[\"acme.org\", \"acme.com\"]", "{}", NULL},
    {"d", "[\"acme.org\"]", "{}", "domain"},
    {"d", "[\"cme.com\"]", "{}", "domain"},
    {"d", "[\"acme.com\"]", "{\"profile\":{\"login\":\"alice@acme.com\"}}", NULL},
    {"d", "[\"acme.com\"]", "{\"profile\":{\"login\":\"alice@acme.com@evil.com\"}}", "domain"},
    {"t", "[\"oty1\"]", "{\"type\":{\"id\":\"oty1\"}}", NULL},
    {"t", "[\"oty1\"]", "{\"type\":{\"id\":\"oty2\"}}", "user-type"},
    {"t", "[\"oty1\"]", "{}", "user-type"},
    {"t", "[\"Employee\"]", "{\"type\":{\"id\":\"oty2\"},\"profile\":{\"userType\":\"Employee\"}}",
     NULL},
    {"t", "[\"Employee\"]", "{\"profile\":{\"userType\":\"employee\"}}", "user-type"},
    {"r", "[\"guo1\"]", "{\"realmId\":\"guo1\"}", NULL},
    {"r", "[\"guo1\"]", "{\"realmId\":\"guo2\"}", "population"},
    {"r", "[\"guo1\"]", "{\"realmId\":null}", "population"},
    {"r", "[\"guo1\"]", "{}", "population"},
    {"a", "[\"employeeNumber\"]", "{\"profile\":{\"employeeNumber\":\"7\"}}", NULL},
    {"a", "[\"employeeNumber\"]", "{\"profile\":{\"employeeNumber\":\"\"}}", "no-marker"},
    {"a", "[\"employeeNumber\"]", "{\"profile\":{\"employeeNumber\":null}}", "no-marker"},
    {"a", "[\"employeeNumber\"]", "{}", "no-marker"},
    {"a", "[\"employeeNumber\", \"site\"]", "{\"profile\":{\"employeeNumber\":\"7\"}}",
     "no-marker"},
};

static void whoever_is_not_one_of_ours_is_dropped_with_the_reason(void **state)
{
    for (size_t i = 0; i < sizeof(rules_table) / sizeof(rules_table[0]); i++) {
        struct okta_rules rules = {.map = *state};
        json_t *list = json_loads(rules_table[i].list, 0, NULL);
        struct okta_taken t;
        switch (*rules_table[i].rule) {
        case 'd':
            rules.person.domain = list;
            break;
        case 't':
            rules.person.user_types = list;
            break;
        case 'r':
            rules.realms = list;
            break;
        case 'a':
            rules.person.require_attributes = list;
            break;
        default:
            break;
        }
        t = take_by(rules, rules_table[i].user);
        if (t.fate != (rules_table[i].reason ? OKTA_DROPPED : OKTA_PERSON) ||
            strcmp(t.reason ?: "", rules_table[i].reason ?: "") != 0 ||
            (t.fate == OKTA_DROPPED && said))
            fail_msg("%s of %s: %s", rules_table[i].user, rules_table[i].list, t.reason ?: t.why);
        json_decref(list);
    }
}

static void a_customer_who_was_deactivated_stays_a_customer(void **state)
{
    struct okta_taken t = take_by(
        (struct okta_rules){.map = *state},
        "{\"status\":\"DEPROVISIONED\",\"credentials\":{\"provider\":{\"type\":\"SOCIAL\"}}}");

    assert_int_equal(t.fate, OKTA_DROPPED);
    assert_true(t.terminated);
}

// ---- a person ----

static void a_person_is_what_the_profile_says(void **state)
{
    json_t *domain = json_loads("[\"acme.com\"]", 0, NULL);
    struct okta_taken t = take_by(
        (struct okta_rules){.map = *state, .person.domain = domain},
        "{\"profile\":{\"login\":\"Alice.B@acme.com\",\"email\":\"a@acme.com\",\"firstName\":"
        "\"Alice\",\"lastName\":\"B\",\"employeeNumber\":1042,\"department\":\"IT\","
        "\"managerId\":\"7\",\"userType\":\"Employee\"}}");
    struct rollcall_message m;

    assert_int_equal(t.fate, OKTA_PERSON);
    m = message_of_said();
    assert_string_equal(m.user.id, ID);
    assert_string_equal(m.user.user_name, "Alice.B");
    assert_string_equal(m.user.display_name, "Alice B");
    assert_string_equal(m.user.email, "a@acme.com");
    assert_string_equal(m.user.employee_number, "1042");
    assert_string_equal(m.user.department, "IT");
    assert_string_equal(m.user.manager, "7");
    assert_string_equal(m.user.worker_type, "Employee");
    assert_int_equal(m.user.status, ROLLCALL_STATUS_ACTIVE);
    assert_int_equal(m.user.end, ROLLCALL_TIME_UNSET);
    assert_false(m.user.groups_present);
    rollcall_message_done(&m);
    json_decref(domain);
}

static void a_leave_date_and_unix_members_are_taken_where_they_are_mapped_alone(void **state)
{
    const char *user =
        "{\"profile\":{\"lastDay\":\"2026-11-30\",\"uid\":\"70001\",\"sh\":\"/bin/zsh\","
        "\"keys\":[\"ssh-ed25519 AAAA\",7],\"uidNumber\":1,\"end\":\"2020-01-01\"}}";
    struct okta_map *map = map_of("[\"end:lastDay\",\"uidNumber:uid\",\"loginShell:sh\","
                                  "\"sshPublicKeys:keys\",\"employeeNumber:-\"]");
    struct okta_taken t = take_by((struct okta_rules){.map = map}, user);
    struct rollcall_message m = message_of_said();

    assert_int_equal(m.user.end, 1796083200); // the instant after 2026-11-30 in UTC
    assert_true(m.user.has_uid && m.user.uid == 70001);
    assert_string_equal(m.user.login_shell, "/bin/zsh");
    assert_int_equal(m.user.n_ssh_keys, 1);
    assert_non_null(strstr(t.why, "left out"));
    rollcall_message_done(&m);
    take_by((struct okta_rules){.map = *state}, user);
    m = message_of_said();
    assert_true(m.user.end == ROLLCALL_TIME_UNSET && !m.user.has_uid && !m.user.keys_present);
    rollcall_message_done(&m);
    okta_map_free(map);
}

static const struct {
    const char *profile, *why;
} faults[] = {
    {"{\"login\":{\"a\":1}}", "is missing, or no text"},
    {"{\"login\":\"\"}", "is missing, or no text"},
    {"{\"login\":\"alice@acme.com\"}", "write domain"},
    {"{\"login\":\"eve@evil.com@acme.com\"}", "write domain"},
    {"{\"lastDay\":\"soon\"}", "is no time"},
    {"{\"uid\":\"-1\"}", "is no whole number"},
    {"{\"uid\":\"1e9\"}", "is no whole number"},
    {"{\"uid\":[1]}", "is no text"},
    {"{\"employeeNumber\":true}", "is no text"},
};

static void a_person_who_cannot_be_taken_is_skipped_with_the_cause(void **state)
{
    struct okta_map *map = map_of("[\"end:lastDay\",\"uidNumber:uid\"]");

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char text[300];
        json_t *object;
        struct okta_rules rules = {.map = map};
        struct okta_taken t;
        snprintf(text, sizeof(text), "{\"id\":\"%s\",\"status\":\"DEPROVISIONED\",\"profile\":%s}",
                 ID, faults[i].profile);
        object = json_loads(text, 0, NULL);
        assert_non_null(object);
        if (!json_object_get(json_object_get(object, "profile"), "login"))
            json_object_set_new(json_object_get(object, "profile"), "login", json_string("al"));
        assert_int_equal(take_object(&rules, object, &t), 0);
        if (t.fate != OKTA_SKIPPED || !strstr(t.why, faults[i].why) || !t.terminated || said)
            fail_msg("%s: %d %s", text, (int)t.fate, t.why);
        json_decref(object);
    }
    okta_map_free(map);
}

static void an_object_without_an_id_is_nobody(void **state)
{
    static const char *const objects[] = {"{}", "{\"id\":\"\"}", "{\"id\":7}",
                                          "[]", "{\"id\":null}", "{\"id\":[\"a\"]}"};
    struct okta_rules rules = {.map = *state};
    struct okta_taken t;

    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        json_t *o = json_loads(objects[i], 0, NULL);
        assert_int_equal(take_object(&rules, o, &t), -EBADMSG);
        json_decref(o);
    }
}

static void a_map_of_unknown_names_is_refused(void **state)
{
    static const char *const lists[] = {"[\"end\"]",      "[\"end:\"]", "[\":x\"]", "[\"en:x\"]",
                                        "[\"status:x\"]", "[\"id:x\"]", "[7]"};
    char why[300];

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        json_t *list = json_loads(lists[i], 0, NULL);
        struct okta_map *map;
        assert_int_equal(okta_map_read(list, &map, why, sizeof(why)), -EINVAL);
        assert_non_null(strstr(why, "NAME:ATTRIBUTE"));
        json_decref(list);
    }
}

// ---- events ----

static const struct {
    const char *event;
    bool taken, taking, deleted, membership;
} events[] = {
    {"user.lifecycle.deactivate", true, true, false, false},
    {"user.lifecycle.suspend", true, true, false, false},
    {"user.lifecycle.delete.initiated", true, true, true, false},
    {"user.lifecycle.unsuspend", true, false, false, false},
    {"user.account.update_profile", true, false, false, false},
    {"group.user_membership.remove", true, true, false, true},
    {"group.user_membership.add", true, false, false, true},
    {"user.session.start", false, false, false, false},
    {"user.session.clear", false, false, false, false},
};

static bool take_event(const char *kind, const char *result, const char *target,
                       struct okta_event *ret)
{
    json_t *e = json_pack("{s:s, s:{s:s}, s:o}", "eventType", kind, "outcome", "result", result,
                          "target", json_loads(target, JSON_DECODE_ANY, NULL));
    bool taken = okta_event_take(e, ret);

    json_decref(e);
    return taken;
}

#define USER  "{\"type\":\"User\",\"id\":\"00u1\"}"
#define GROUP "{\"type\":\"UserGroup\",\"id\":\"00g1\"}"

static void an_event_says_whom_to_read_again_and_only_when_it_succeeded(void **state)
{
    static const char *const others[] = {"FAILURE",   "SKIPPED", "ALLOW",  "DENY",
                                         "CHALLENGE", "UNKNOWN", "success"};
    struct okta_event e;

    (void)state;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        bool taken = take_event(events[i].event, "SUCCESS", "[" USER "," GROUP "]", &e);
        if (taken != events[i].taken ||
            (taken && (e.taking != events[i].taking || e.deleted != events[i].deleted ||
                       e.membership != events[i].membership || strcmp(e.user, "00u1") != 0 ||
                       strcmp(e.group, "00g1") != 0)))
            fail_msg("%s", events[i].event);
        for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
            assert_false(take_event(events[i].event, others[k], "[" USER "," GROUP "]", &e));
    }
    assert_false(take_event("user.lifecycle.suspend", "SUCCESS", "[]", &e));
    assert_false(take_event("user.lifecycle.suspend", "SUCCESS", "[" GROUP "]", &e));
    assert_false(take_event("user.lifecycle.suspend", "SUCCESS", "7", &e));
    assert_true(take_event("group.user_membership.add", "SUCCESS", "[" GROUP "]", &e));
}

static void every_kind_of_event_that_is_taken_is_asked_for(void **state)
{
    char *filter = okta_event_filter();

    (void)state;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        char kind[100];
        snprintf(kind, sizeof(kind), "eventType eq \"%s\"", events[i].event);
        assert_int_equal(strstr(filter, kind) != NULL, events[i].taken);
    }
    assert_null(strstr(filter, "published"));
    free(filter);
}

// ---- how fast ----

static void the_log_is_asked_within_half_of_the_limit(void **state)
{
    (void)state;
    // Workforce 120 a minute, enterprise 50, a free org 20: the default of 3 s fits all but the
    // last.
    assert_int_equal(okta_log_pause(3000, 120, 100, 30), 3000);
    assert_int_equal(okta_log_pause(3000, 50, 40, 30), 3000);
    assert_int_equal(okta_log_pause(3000, 20, 18, 30), 6000);
    assert_int_equal(okta_log_pause(3000, 10, 9, 30), 12000);
    assert_int_equal(okta_log_pause(1000, 120, 100, 30), 1000);
    // What others used up is waited for, at most a window, whatever a clock says.
    assert_int_equal(okta_log_pause(3000, 120, 12, 30), 30000);
    assert_int_equal(okta_log_pause(3000, 120, 17, 50), 10000);
    assert_int_equal(okta_log_pause(3000, 120, 0, 100000), 60000);
    assert_int_equal(okta_log_pause(3000, 120, 0, -50), 3000);
    // None said; and 0 of 0, which is how concurrency is limited.
    assert_int_equal(okta_log_pause(3000, -1, -1, -1), 3000);
    assert_int_equal(okta_log_pause(3000, 0, 0, 10), 3000);
    assert_int_equal(okta_page_pause(600, 300, 30), 0);
    assert_int_equal(okta_page_pause(600, 60, 30), 30000);
    assert_int_equal(okta_page_pause(600, 0, -5), 1000);
    assert_int_equal(okta_page_pause(0, 0, 30), 0);
    assert_int_equal(okta_page_pause(-1, -1, -1), 0);
}

// ---- pages ----

static void a_circle_of_pages_is_found(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 20; before++)
        for (unsigned circle = 1; circle < 20; circle++) {
            struct pages p = {0};
            char link[30];
            unsigned n = 0;
            do
                snprintf(link, sizeof(link), "page %u",
                         n < before ? n : before + (n - before) % circle);
            while (pages_go_on(&p, link) && ++n < 1000);
            if (n < before + circle || n > 3 * (before + circle) + 2)
                fail_msg("%u before a circle of %u: found after %u", before, circle, n);
            pages_done(&p);
        }
}

static void a_way_without_an_end_is_left(void **state)
{
    struct pages p = {0};
    char link[30];
    unsigned i = 0;

    (void)state;
    do
        snprintf(link, sizeof(link), "page %u", i);
    while (pages_go_on(&p, link) && ++i < PAGES_MAX + 10);
    assert_int_equal(i, PAGES_MAX);
    pages_done(&p);
}

static int begin(void **state)
{
    rollcall_timezone_use("UTC");
    *state = map_of(NULL);
    return 0;
}

static int end(void **state)
{
    okta_map_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_lets_in_whom_it_should_and_an_unknown_one_nobody),
        cmocka_unit_test(a_user_without_a_status_is_let_in_nowhere),
        cmocka_unit_test(whoever_is_not_one_of_ours_is_dropped_with_the_reason),
        cmocka_unit_test(a_customer_who_was_deactivated_stays_a_customer),
        cmocka_unit_test(a_person_is_what_the_profile_says),
        cmocka_unit_test(a_leave_date_and_unix_members_are_taken_where_they_are_mapped_alone),
        cmocka_unit_test(a_person_who_cannot_be_taken_is_skipped_with_the_cause),
        cmocka_unit_test(an_object_without_an_id_is_nobody),
        cmocka_unit_test(a_map_of_unknown_names_is_refused),
        cmocka_unit_test(an_event_says_whom_to_read_again_and_only_when_it_succeeded),
        cmocka_unit_test(every_kind_of_event_that_is_taken_is_asked_for),
        cmocka_unit_test(the_log_is_asked_within_half_of_the_limit),
        cmocka_unit_test(a_circle_of_pages_is_found),
        cmocka_unit_test(a_way_without_an_end_is_left),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
