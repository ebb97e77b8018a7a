// SPDX-License-Identifier: BSD-2-Clause
// What a host makes of a hub's entries.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/sources/ldap_schema_rollcall.h"

// "name", "value", ... NULL; a name that is said again has another value.
static struct dir_entry entry;
static struct berval values[32][8];

static void make(const char *name, ...)
{
    va_list ap;

    memset(&entry, 0, sizeof(entry));
    va_start(ap, name);
    for (; name; name = va_arg(ap, const char *)) {
        const char *value = va_arg(ap, const char *);
        struct dir_attr *a = NULL;
        for (size_t i = 0; i < entry.n; i++)
            if (strcmp(entry.attr[i].name.bv_val, name) == 0)
                a = &entry.attr[i];
        if (!a) {
            a = &entry.attr[entry.n];
            a->name = (struct berval){strlen(name), (char *)(uintptr_t)name};
            a->values = values[entry.n++];
            a->n = 0;
        }
        a->values[a->n++] = (struct berval){strlen(value), (char *)(uintptr_t)value};
    }
    va_end(ap);
}

static const char *status(void)
{
    static char text[40];
    json_t *user = json_pack("{s:b}", "active", 1), *ours = json_object();
    char why[200];

    assert_int_equal(dir_hub_user(&entry, user, ours, why, sizeof(why)), 0);
    snprintf(text, sizeof(text), "%s", json_string_value(json_object_get(ours, "status")));
    assert_null(json_object_get(user, "active")); // the state alone lets in
    json_decref(user);
    json_decref(ours);
    return text;
}

static void each_state_has_its_word(void **state)
{
    (void)state;
    make("rollcallState", "active", NULL);
    assert_string_equal(status(), "active");
    make("rollcallState", "suspended", "rollcallReason", "3", NULL);
    assert_string_equal(status(), "leave");
    make("rollcallState", "suspended", "rollcallReason", "11", NULL);
    assert_string_equal(status(), "disabled");
    make("rollcallState", "refused", NULL);
    assert_string_equal(status(), "refused");
    make("rollcallState", "locked", NULL);
    assert_string_equal(status(), "locked");
    make("rollcallState", "terminated", NULL);
    assert_string_equal(status(), "terminated");
}

static void no_state_and_two_states_are_no_word_that_lets_in(void **state)
{
    (void)state;
    make("uid", "alice", NULL);
    assert_string_equal(status(), "none");
    make("rollcallState", "active", "rollcallState", "terminated", NULL);
    assert_string_equal(status(), "none");
    make("rollcallState", "pending", NULL);
    assert_string_equal(status(), "pending");
}

static void groups_marks_and_incarnation_are_taken(void **state)
{
    json_t *user = json_object(),
           *ours = json_pack("{s:[s, s]}", "sshPublicKeys", "sk-ssh A", "ssh B");
    char why[200];

    (void)state;
    make("rollcallState", "active", "rollcallMemberOf", "linux-users", "rollcallMemberOf", "ops",
         "rollcallPublicFactor", "attested sk-ssh A", "rollcallPublicFactor", "vouched nobody's",
         "rollcallIncarnation", "3", "rollcallPasswordBlocked", "TRUE", NULL);
    assert_int_equal(dir_hub_user(&entry, user, ours, why, sizeof(why)), 0);
    assert_int_equal(json_array_size(json_object_get(user, "groups")), 2);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(ours, "sshPublicKeys"), 0)),
        "attested sk-ssh A");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(ours, "sshPublicKeys"), 1)), "ssh B");
    assert_int_equal(json_array_size(json_object_get(ours, "sshPublicKeys")), 2);
    assert_int_equal(json_integer_value(json_object_get(ours, "incarnation")), 3);
    assert_true(json_is_true(json_object_get(ours, "passwordBlocked")));
    json_decref(user);
    json_decref(ours);
}

static void the_authority_that_is_silent_longest_counts_and_nothing_goes_back(void **state)
{
    struct dir_hub_beat beat = {0};

    (void)state;
    make("objectClass", "rollcallHeartbeat", "rollcallGeneration", "7", "rollcallAsOf",
         "hr 2026-11-25T10:00:00Z", "rollcallAsOf", "contractors 2026-11-24T10:00:00Z", NULL);
    assert_true(dir_hub_is_beat(&entry));
    dir_hub_take_beat(&entry, &beat);
    assert_int_equal(beat.as_of, 1795514400);
    assert_int_equal(beat.generation, 7);
    make("rollcallGeneration", "6", "rollcallAsOf", "hr 2026-11-20T10:00:00Z", NULL);
    dir_hub_take_beat(&entry, &beat);
    assert_int_equal(beat.as_of, 1795514400);
    assert_int_equal(beat.generation, 7);
    make("rollcallGeneration", "8", "rollcallAsOf", "hr 2026-11-25T12:00:00Z", "rollcallAsOf",
         "rubbish", NULL);
    dir_hub_take_beat(&entry, &beat); // one that cannot be read has not spoken
    assert_int_equal(beat.as_of, 1795514400);
    assert_int_equal(beat.generation, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_its_word),
        cmocka_unit_test(no_state_and_two_states_are_no_word_that_lets_in),
        cmocka_unit_test(groups_marks_and_incarnation_are_taken),
        cmocka_unit_test(the_authority_that_is_silent_longest_counts_and_nothing_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
