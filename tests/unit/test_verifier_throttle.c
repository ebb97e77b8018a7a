// SPDX-License-Identifier: BSD-2-Clause
// How often somebody may be wrong: by account, by factor, from outside and in a session that
// one has, and by address.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/verifier.h"

#define NOW 1000000

static void be_wrong(struct credential *c, enum side side, enum factor_kind kind, int times)
{
    for (int i = 0; i < times; i++)
        throttle_charge(c, side, kind, NOW);
}

static int64_t wait_of(const struct credential *c, enum side side, enum factor_kind kind)
{
    int64_t until = throttle_until(c, side, kind, NOW);

    return until == INT64_MAX ? INT64_MAX : until > NOW ? until - NOW : 0;
}

static void pauses_grow_then_lock_softly_then_for_good(void **state)
{
    static const struct {
        int failures;
        int64_t wait;
    } expected[] = {{0, 0},   {2, 0},    {3, 5},    {4, 10},          {8, 160},
                    {9, 320}, {10, 900}, {99, 900}, {100, INT64_MAX}, {5000, INT64_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct credential c = {0};
        be_wrong(&c, SIDE_OUTSIDE, FACTOR_TOTP, expected[i].failures);
        assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_TOTP), expected[i].wait);
    }
}

static void a_hundred_of_one_factor_leave_the_others(void **state)
{
    struct credential c = {0};

    (void)state;
    be_wrong(&c, SIDE_OUTSIDE, FACTOR_TOTP, 100);
    assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_TOTP), INT64_MAX);
    assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_RECOVERY), THROTTLE_PAUSE);
    // A recovery code lets in after the pause, and does not switch the app on again.
    throttle_succeeded(&c, SIDE_OUTSIDE);
    assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_RECOVERY), 0);
    assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_TOTP), INT64_MAX);
}

static void failures_of_different_factors_delay_together(void **state)
{
    struct credential c = {0};

    (void)state;
    be_wrong(&c, SIDE_OUTSIDE, FACTOR_TOTP, 5);
    be_wrong(&c, SIDE_OUTSIDE, FACTOR_RECOVERY, 5);
    assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_PASSWORD), THROTTLE_PAUSE);
}

static void nobody_outside_delays_or_switches_off_what_somebody_does_inside(void **state)
{
    struct credential c = {0};

    (void)state;
    be_wrong(&c, SIDE_OUTSIDE, FACTOR_TOTP, 100000);
    assert_int_equal(wait_of(&c, SIDE_INSIDE, FACTOR_TOTP), 0);
    // Nor does who is wrong inside keep anybody from coming in.
    c = (struct credential){0};
    be_wrong(&c, SIDE_INSIDE, FACTOR_TOTP, 100000);
    assert_int_equal(wait_of(&c, SIDE_OUTSIDE, FACTOR_TOTP), 0);
}

static void inside_pauses_are_short_and_a_login_from_outside_ends_them(void **state)
{
    struct credential c = {0};

    (void)state;
    be_wrong(&c, SIDE_INSIDE, FACTOR_TOTP, 99);
    assert_int_equal(wait_of(&c, SIDE_INSIDE, FACTOR_TOTP), THROTTLE_PAUSE_INSIDE);
    be_wrong(&c, SIDE_INSIDE, FACTOR_TOTP, 1);
    assert_int_equal(wait_of(&c, SIDE_INSIDE, FACTOR_TOTP), INT64_MAX);
    throttle_succeeded(&c, SIDE_INSIDE); // by another factor
    assert_int_equal(wait_of(&c, SIDE_INSIDE, FACTOR_TOTP), INT64_MAX);
    throttle_succeeded(&c, SIDE_OUTSIDE);
    assert_int_equal(wait_of(&c, SIDE_INSIDE, FACTOR_TOTP), 0);
}

static void a_success_inside_gives_who_guesses_outside_no_new_tries(void **state)
{
    struct credential c = {0};

    (void)state;
    be_wrong(&c, SIDE_OUTSIDE, FACTOR_TOTP, 50);
    throttle_succeeded(&c, SIDE_INSIDE);
    assert_int_equal(c.outside.of[FACTOR_TOTP].count, 50);
}

static void a_clock_that_was_set_back_makes_no_pause_longer(void **state)
{
    struct credential c = {0};

    (void)state;
    be_wrong(&c, SIDE_OUTSIDE, FACTOR_TOTP, 10);
    assert_int_equal(throttle_until(&c, SIDE_OUTSIDE, FACTOR_TOTP, NOW - 500000),
                     NOW - 500000 + THROTTLE_PAUSE);
}

static void what_sshd_hands_over_for_names_it_does_not_let_in_is_no_try(void **state)
{
    static const char junk[] = "\b\n\r\177INCORRECT\b\n\r\177INCORRECT";
    struct rollcall_secret typed = {0};

    (void)state;
    for (size_t len = 1; len < sizeof(junk); len++) {
        assert_true(rollcall_secret_set(&typed, junk, len));
        assert_true(answer_is_no_try(&typed));
        typed.bytes[len - 1] ^= 1;
        assert_false(answer_is_no_try(&typed));
    }
    assert_true(rollcall_secret_set(&typed, "", 0)); // Enter alone
    assert_true(answer_is_no_try(&typed));
    assert_true(rollcall_secret_set(&typed, "INCORRECT", 9));
    assert_false(answer_is_no_try(&typed));
}

// ---- addresses ----

static void an_address_is_delayed_after_many_failures_and_forgotten_one_by_one(void **state)
{
    struct address_slot slots[ADDRESS_WAYS] = {0};
    const struct address_slot *s;

    (void)state;
    assert_null(address_find(slots, 7));
    for (int i = 0; i < ADDRESS_FREE - 1; i++)
        address_charge(slots, 7, NOW);
    s = address_find(slots, 7);
    assert_int_equal(address_until(s, NOW), 0);
    address_charge(slots, 7, NOW);
    assert_int_equal(address_until(s, NOW), NOW + 5);
    for (int i = 0; i < 500; i++)
        address_charge(slots, 7, NOW);
    assert_int_equal(address_until(s, NOW), NOW + THROTTLE_PAUSE);
    assert_int_equal(address_until(s, NOW + 501 * ADDRESS_DRAIN), 0);
    // One that goes on failing stays where it is.
    assert_null(address_find(slots, 8));
}

static void of_too_many_addresses_the_worst_are_remembered(void **state)
{
    struct address_slot slots[ADDRESS_WAYS] = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        address_charge(slots, 1, NOW);
    for (uint64_t key = 2; key < 1000; key++)
        address_charge(slots, key, NOW);
    assert_non_null(address_find(slots, 1));
    assert_true(address_until(address_find(slots, 1), NOW) > NOW);
    assert_non_null(address_find(slots, 999));
    assert_null(address_find(slots, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_then_lock_softly_then_for_good),
        cmocka_unit_test(a_hundred_of_one_factor_leave_the_others),
        cmocka_unit_test(failures_of_different_factors_delay_together),
        cmocka_unit_test(nobody_outside_delays_or_switches_off_what_somebody_does_inside),
        cmocka_unit_test(inside_pauses_are_short_and_a_login_from_outside_ends_them),
        cmocka_unit_test(a_success_inside_gives_who_guesses_outside_no_new_tries),
        cmocka_unit_test(a_clock_that_was_set_back_makes_no_pause_longer),
        cmocka_unit_test(what_sshd_hands_over_for_names_it_does_not_let_in_is_no_try),
        cmocka_unit_test(an_address_is_delayed_after_many_failures_and_forgotten_one_by_one),
        cmocka_unit_test(of_too_many_addresses_the_worst_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
