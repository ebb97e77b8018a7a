// SPDX-License-Identifier: BSD-2-Clause
// Which directory judges a password, and how many wrong ones it hears.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/directory.h"

#define NOW 1000000
static const struct bind_budget three = {.limit = 3, .window = 1800};

static char ldap[] = "ldap", csv[] = "csv", ad[] = "ad", hr[] = "hr", wide[] = "wide",
            narrow[] = "narrow", base[] = "dc=example,dc=org",
            below[] = "ou=People, DC=example,dc=org", one[] = "ldaps://one", two[] = "ldap://two",
            local[] = "ldapi://%2Frun%2Fslapd", ca[] = "/etc/ca.pem";

static struct rollcall_config company(void)
{
    struct rollcall_config c = {.n_sources = 3};

    c.source[0] = (struct rollcall_source_config){.name = hr, .type = csv};
    c.source[1] = (struct rollcall_source_config){.name = wide, .type = ldap};
    c.source[1].ldap.base = base;
    c.source[2] = (struct rollcall_source_config){.name = narrow, .type = ldap};
    c.source[2].ldap.base = below;
    return c;
}

static const char *at(const char *id, const char *dn)
{
    struct rollcall_config c = company();
    const struct rollcall_source_config *s = directory_of(&c, id, dn);

    return s ? s->name : "";
}

static void the_directory_is_the_one_of_the_record_or_the_nearest_base(void **state)
{
    (void)state;
    assert_string_equal(at("wide:1", "uid=a,ou=people,dc=example,dc=org"), "wide");
    assert_string_equal(at("hr:1", "uid=a,ou=people,dc=example,dc=org"), "narrow");
    assert_string_equal(at("", "UID=a, ou=people ,dc=Example,dc=org"), "narrow");
    assert_string_equal(at("", "uid=a,ou=staff,dc=example,dc=org"), "wide");
    assert_string_equal(at("", "uid=a,dc=example,dc=com"), "");
    assert_string_equal(at("", "uid=a,dc=bad-dc=example,dc=org"), "");
    // A comma that is escaped begins nothing.
    assert_string_equal(at("", "uid=a\\,dc=example,dc=org,dc=com"), "");
    assert_string_equal(at("", "uid=a\\,dc=example,dc=org"), "");
    assert_string_equal(at("", ""), "wide"); // for names that have none
    assert_null(directory_of(NULL, "", ""));
}

static void an_address_holds_what_can_be_asked_over_a_network(void **state)
{
    struct rollcall_config c = company();
    struct rollcall_check_request q = {0};

    (void)state;
    c.source[1].ldap.uri = (struct rollcall_list){{local, one, two}, 3};
    c.source[1].file[ROLLCALL_FILE_CA] = ca;
    assert_int_equal(directory_address(&c.source[1], &q), 0);
    assert_string_equal(q.uris, "ldaps://one ldap://two");
    assert_string_equal(q.ca, "/etc/ca.pem");
    assert_false(q.active_directory);
    c.source[1].ldap.schema = ad;
    assert_int_equal(directory_address(&c.source[1], &q), 0);
    assert_true(q.active_directory);
    c.source[1].ldap.uri.n = 1;
    assert_int_equal(directory_address(&c.source[1], &q), -ENOENT);
}

static void strangers_never_use_the_last_try_up(void **state)
{
    struct credential c = {0};

    (void)state;
    assert_true(budget_take(&c, SIDE_OUTSIDE, &three, NOW));
    assert_true(budget_take(&c, SIDE_OUTSIDE, &three, NOW));
    for (int i = 0; i < 50; i++)
        assert_false(budget_take(&c, SIDE_OUTSIDE, &three, NOW + i));
    assert_true(budget_take(&c, SIDE_INSIDE, &three, NOW));
    assert_false(budget_take(&c, SIDE_INSIDE, &three, NOW));
    // Refused ones keep nothing going: the window is from the last that was heard.
    assert_false(budget_take(&c, SIDE_OUTSIDE, &three, NOW + three.window - 1));
    assert_true(budget_take(&c, SIDE_OUTSIDE, &three, NOW + three.window));
}

static void the_directory_hears_no_more_than_the_limit_in_any_window(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit < 8; limit++) {
        const struct bind_budget b = {.limit = limit, .window = 600};
        struct credential c = {0};
        uint32_t heard = 0;
        for (int i = 0; i < 100; i++)
            heard += budget_take(&c, i % 3 ? SIDE_OUTSIDE : SIDE_INSIDE, &b, NOW + i);
        assert_int_equal(heard, limit);
    }
}

static void what_was_right_or_not_heard_is_given_back(void **state)
{
    struct credential c = {0};

    (void)state;
    budget_take(&c, SIDE_OUTSIDE, &three, NOW);
    budget_settle(&c, SIDE_OUTSIDE, ROLLCALL_CHECK_WRONG);
    budget_take(&c, SIDE_OUTSIDE, &three, NOW);
    budget_settle(&c, SIDE_OUTSIDE, ROLLCALL_CHECK_UNREACHABLE);
    assert_int_equal(c.outside.of[FACTOR_BIND].count, 1);
    budget_take(&c, SIDE_INSIDE, &three, NOW);
    budget_settle(&c, SIDE_INSIDE, ROLLCALL_CHECK_BLOCKED);
    assert_int_equal(c.inside.of[FACTOR_BIND].count, 1);
    budget_take(&c, SIDE_OUTSIDE, &three, NOW);
    budget_settle(&c, SIDE_OUTSIDE, ROLLCALL_CHECK_TAKEN);
    assert_int_equal(c.outside.of[FACTOR_BIND].count + c.inside.of[FACTOR_BIND].count, 0);
}

static void a_login_without_the_password_forgets_none_of_them(void **state)
{
    struct credential c = {0};

    (void)state;
    budget_take(&c, SIDE_OUTSIDE, &three, NOW);
    throttle_succeeded(&c, SIDE_OUTSIDE);
    assert_int_equal(c.outside.of[FACTOR_BIND].count, 1);
}

static void a_clock_that_was_set_back_frees_nobody_early_and_holds_nobody_for_ever(void **state)
{
    struct credential c = {0};

    (void)state;
    budget_take(&c, SIDE_OUTSIDE, &three, NOW + 1000000);
    budget_take(&c, SIDE_OUTSIDE, &three, NOW + 1000000);
    assert_false(budget_take(&c, SIDE_OUTSIDE, &three, NOW));
    assert_true(budget_take(&c, SIDE_OUTSIDE, &three, NOW + three.window));
}

static void only_a_taken_password_lets_anybody_in(void **state)
{
    (void)state;
    for (int s = 0; s < ROLLCALL_CHECK_STATUSES; s++)
        assert_int_equal(directory_admits((enum rollcall_check_status)s),
                         s == ROLLCALL_CHECK_TAKEN || s == ROLLCALL_CHECK_MUST_CHANGE);
    assert_false(directory_admits((struct rollcall_check_answer){0}.status)); // not filled in
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_directory_is_the_one_of_the_record_or_the_nearest_base),
        cmocka_unit_test(an_address_holds_what_can_be_asked_over_a_network),
        cmocka_unit_test(strangers_never_use_the_last_try_up),
        cmocka_unit_test(the_directory_hears_no_more_than_the_limit_in_any_window),
        cmocka_unit_test(what_was_right_or_not_heard_is_given_back),
        cmocka_unit_test(a_login_without_the_password_forgets_none_of_them),
        cmocka_unit_test(a_clock_that_was_set_back_frees_nobody_early_and_holds_nobody_for_ever),
        cmocka_unit_test(only_a_taken_password_lets_anybody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
