// SPDX-License-Identifier: BSD-2-Clause
// Logins with security keys: what is right, and all that is not.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fido2_fixture.h"
#include "tests/unit/scratch.h"

// ---- right ----

static void a_key_that_was_enrolled_lets_its_holder_in_again_and_again(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    assert_int_equal(k.flags, FIDO_FLAG_UV | FIDO_FLAG_PIN);
    assert_int_equal(k.alg, COSE_ES256);
    assert_string_equal(k.label, "blue");
    assert_string_equal(k.rp, "web1.example.org");
    for (int i = 0; i < 3; i++)
        assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
}

static void a_key_that_makes_only_eddsa_is_taken_too(void **state)
{
    struct fido_key k;

    (void)state;
    plugged[0].eddsa_only = 1;
    k = enrol("1234");
    assert_int_equal(k.alg, COSE_EDDSA);
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
}

static void a_key_that_reads_fingers_needs_no_pin(void **state)
{
    struct fido_key k;

    (void)state;
    plugged[0].has_uv = 1;
    k = enrol(NULL);
    assert_int_equal(k.flags, FIDO_FLAG_UV);
    assert_int_equal(log_in(&k, NULL), FIDO2_RIGHT);
}

static void a_key_without_cred_protect_is_taken_too(void **state)
{
    struct fido_key k;

    (void)state;
    plugged[0].no_cred_protect = 1;
    k = enrol("1234");
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
}

static void of_two_keys_the_one_that_is_enrolled_is_asked(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[1] = plugged[0]; // enrolled is the second one
    softkey_make(&plugged[0]);
    snprintf(plugged[0].pin, sizeof(plugged[0].pin), "9999");
    n_plugged = 2;
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
    assert_int_equal(plugged[0].pin_tries, 8); // its PIN was not asked
}

static void of_two_enrolled_keys_either_one_is_right(void **state)
{
    struct fido_key a = enrol("1234"), b;
    struct rollcall_key_request q;
    struct rollcall_key_reply reply;
    struct fido2_proof proof;

    (void)state;
    plugged[1] = plugged[0];
    softkey_make(&plugged[0]);
    snprintf(plugged[0].pin, sizeof(plugged[0].pin), "1234");
    b = enrol("1234");
    q = request(false, "1234");
    know(&q, &a);
    know(&q, &b);
    reply = carry_out(&q);
    assert_int_equal(reply.index, 1);
    assert_int_equal(fido2_judge(&b, q.challenge, &reply, &proof), FIDO2_RIGHT);
    assert_int_equal(fido2_judge(&a, q.challenge, &reply, &proof), FIDO2_WRONG);
}

static void a_key_enrolled_under_an_earlier_name_of_the_host_still_counts(void **state)
{
    static const struct fido2_wish wish = {.label = "old", .now = 1};
    struct rollcall_key_request q = request(true, "1234");
    struct rollcall_key_reply reply;
    struct fido_key k;

    (void)state;
    snprintf(q.rp, sizeof(q.rp), "old-name");
    reply = carry_out(&q);
    assert_int_equal(fido2_accept(&q, &reply, &wish, &k), 0);
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
}

// ---- wrong ----

static void a_signature_for_another_name_is_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].fault = SOFTKEY_WRONG_RP;
    assert_int_equal(log_in(&k, "1234"), FIDO2_WRONG);
}

static void a_signature_by_another_key_is_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].fault = SOFTKEY_WRONG_KEY;
    assert_int_equal(log_in(&k, "1234"), FIDO2_WRONG);
}

static void the_signature_of_an_earlier_login_is_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
    plugged[0].fault = SOFTKEY_OLD_CHALLENGE;
    assert_int_equal(log_in(&k, "1234"), FIDO2_WRONG);
}

static void a_counter_that_does_not_grow_is_a_clone(void **state)
{
    struct fido_key k = enrol("1234");
    struct softkey copy = plugged[0];

    (void)state;
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
    plugged[0] = copy; // the other device with this key
    assert_int_equal(log_in(&k, "1234"), FIDO2_CLONED);
}

static void a_counter_that_stands_still_or_falls_to_nothing_is_a_clone(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
    plugged[0].counter -= 2; // the probe counts too
    assert_int_equal(log_in(&k, "1234"), FIDO2_CLONED);
    plugged[0].fault = SOFTKEY_NO_COUNTER;
    assert_int_equal(log_in(&k, "1234"), FIDO2_CLONED);
}

static void a_key_that_counts_nothing_is_no_clone(void **state)
{
    struct fido_key k;

    (void)state;
    plugged[0].fault = SOFTKEY_NO_COUNTER;
    k = enrol("1234");
    assert_int_equal(k.sigcount, 0);
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
}

static void a_key_that_did_not_verify_its_user_is_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].fault = SOFTKEY_NO_UV;
    assert_int_equal(log_in(&k, "1234"), FIDO2_WRONG);
}

static void a_key_whose_pin_was_taken_away_is_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].pin[0] = 0;
    assert_int_equal(log_in(&k, NULL), FIDO2_WRONG);
}

static void a_key_that_nobody_touched_is_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].fault = SOFTKEY_NO_UP;
    assert_int_equal(log_in(&k, "1234"), FIDO2_WRONG);
}

static void a_key_of_somebody_else_is_touched_and_then_refused(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    softkey_make(&plugged[0]);
    told = 0;
    assert_int_equal(status_of_login(&k, NULL), ROLLCALL_KEY_OTHER);
    assert_int_equal(told, 1u << ROLLCALL_KEY_TOUCH);
}

static void no_answer_that_is_cut_anywhere_is_right(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].fault = SOFTKEY_CUT;
    for (uint16_t cut = 1; cut < 160; cut++) {
        plugged[0].cut = cut;
        assert_int_not_equal(log_in(&k, "1234"), FIDO2_RIGHT);
        plugged[0].pin_tries = 8;
        plugged[0].pin_tries_power = 3;
    }
    plugged[0].cut = 1000; // the whole of it: the loop looked at the right thing
    assert_int_equal(log_in(&k, "1234"), FIDO2_RIGHT);
}

// The helper may be an attacker's: no byte of what it says makes another answer right.
static void no_byte_that_is_turned_over_is_right(void **state)
{
    struct fido_key k = enrol("1234");
    struct rollcall_key_request q;
    struct rollcall_key_reply good = ask(&k, "1234", &q), bad;
    struct fido2_proof proof;

    (void)state;
    assert_int_equal(fido2_judge(&k, q.challenge, &good, &proof), FIDO2_RIGHT);
    for (size_t i = 0; i < good.authdata_len; i++) {
        bad = good;
        bad.authdata[i] ^= 0x10;
        assert_int_equal(fido2_judge(&k, q.challenge, &bad, &proof), FIDO2_WRONG);
    }
    for (size_t i = 0; i < good.authdata_len; i++) {
        bad = good;
        bad.authdata_len = i;
        assert_int_equal(fido2_judge(&k, q.challenge, &bad, &proof), FIDO2_WRONG);
    }
    for (size_t i = 0; i < good.signature_len; i++) {
        bad = good;
        bad.signature[i] ^= 0x10;
        assert_int_equal(fido2_judge(&k, q.challenge, &bad, &proof), FIDO2_WRONG);
    }
    q.challenge[31] ^= 1;
    assert_int_equal(fido2_judge(&k, q.challenge, &good, &proof), FIDO2_WRONG);
}

// ---- PINs and hands ----

static void a_key_with_a_pin_asks_for_it_before_anything_else(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    assert_int_equal(status_of_login(&k, NULL), ROLLCALL_KEY_PIN);
}

static void a_wrong_pin_costs_one_try_and_is_never_sent_again(void **state)
{
    struct fido_key k = enrol("1234");
    struct rollcall_key_request q;
    struct rollcall_key_reply reply = ask(&k, "0000", &q);

    (void)state;
    assert_int_equal(reply.status, ROLLCALL_KEY_PIN_WRONG);
    assert_int_equal(reply.tries, 7);
    assert_int_equal(plugged[0].pin_tries, 7);
}

static void a_wrong_pin_is_said_alike_of_a_key_that_is_not_enrolled(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    softkey_make(&plugged[0]);
    snprintf(plugged[0].pin, sizeof(plugged[0].pin), "1234");
    assert_int_equal(status_of_login(&k, NULL), ROLLCALL_KEY_PIN);
    assert_int_equal(status_of_login(&k, "0000"), ROLLCALL_KEY_PIN_WRONG);
    assert_int_equal(status_of_login(&k, "1234"), ROLLCALL_KEY_OTHER);
}

static void a_key_that_paused_and_one_that_locked_itself_are_told_apart(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    assert_int_equal(status_of_login(&k, "0000"), ROLLCALL_KEY_PIN_WRONG);
    assert_int_equal(status_of_login(&k, "0000"), ROLLCALL_KEY_PIN_WRONG);
    assert_int_equal(status_of_login(&k, "0000"), ROLLCALL_KEY_PIN_PAUSED);
    assert_int_equal(status_of_login(&k, "1234"), ROLLCALL_KEY_PIN_PAUSED);
    plugged[0].pin_tries = 1;
    plugged[0].pin_tries_power = 3;
    assert_int_equal(status_of_login(&k, "0000"), ROLLCALL_KEY_PIN_LOCKED);
    assert_int_equal(status_of_login(&k, "1234"), ROLLCALL_KEY_PIN_LOCKED);
}

static void nobody_came_or_somebody_said_no(void **state)
{
    struct fido_key k = enrol("1234");

    (void)state;
    plugged[0].touch = SOFTKEY_NEVER;
    assert_int_equal(status_of_login(&k, "1234"), ROLLCALL_KEY_TIMEOUT);
    plugged[0].touch = SOFTKEY_REFUSED;
    assert_int_equal(status_of_login(&k, "1234"), ROLLCALL_KEY_DENIED);
    plugged[0].touch = SOFTKEY_HANGS;
    assert_int_equal(status_of_login(&k, "1234"), ROLLCALL_KEY_FAILED);
}

static void without_a_key_nothing_is_waited_for_unless_it_is_said(void **state)
{
    struct fido_key k = enrol("1234");
    struct rollcall_key_request q = request(false, NULL);

    (void)state;
    know(&q, &k);
    n_plugged = 0;
    told = 0;
    assert_int_equal(carry_out(&q).status, ROLLCALL_KEY_NONE);
    assert_int_equal(told, 0);
    q.wait_s = 1;
    assert_int_equal(carry_out(&q).status, ROLLCALL_KEY_NONE);
    assert_int_equal(told, 1u << ROLLCALL_KEY_PLUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_key_that_was_enrolled_lets_its_holder_in_again_and_again,
                               plug_one_in),
        cmocka_unit_test_setup(a_key_that_makes_only_eddsa_is_taken_too, plug_one_in),
        cmocka_unit_test_setup(a_key_that_reads_fingers_needs_no_pin, plug_one_in),
        cmocka_unit_test_setup(a_key_without_cred_protect_is_taken_too, plug_one_in),
        cmocka_unit_test_setup(of_two_keys_the_one_that_is_enrolled_is_asked, plug_one_in),
        cmocka_unit_test_setup(of_two_enrolled_keys_either_one_is_right, plug_one_in),
        cmocka_unit_test_setup(a_key_enrolled_under_an_earlier_name_of_the_host_still_counts,
                               plug_one_in),
        cmocka_unit_test_setup(a_signature_for_another_name_is_refused, plug_one_in),
        cmocka_unit_test_setup(a_signature_by_another_key_is_refused, plug_one_in),
        cmocka_unit_test_setup(the_signature_of_an_earlier_login_is_refused, plug_one_in),
        cmocka_unit_test_setup(a_counter_that_does_not_grow_is_a_clone, plug_one_in),
        cmocka_unit_test_setup(a_counter_that_stands_still_or_falls_to_nothing_is_a_clone,
                               plug_one_in),
        cmocka_unit_test_setup(a_key_that_counts_nothing_is_no_clone, plug_one_in),
        cmocka_unit_test_setup(a_key_that_did_not_verify_its_user_is_refused, plug_one_in),
        cmocka_unit_test_setup(a_key_whose_pin_was_taken_away_is_refused, plug_one_in),
        cmocka_unit_test_setup(a_key_that_nobody_touched_is_refused, plug_one_in),
        cmocka_unit_test_setup(a_key_of_somebody_else_is_touched_and_then_refused, plug_one_in),
        cmocka_unit_test_setup(no_answer_that_is_cut_anywhere_is_right, plug_one_in),
        cmocka_unit_test_setup(no_byte_that_is_turned_over_is_right, plug_one_in),
        cmocka_unit_test_setup(a_key_with_a_pin_asks_for_it_before_anything_else, plug_one_in),
        cmocka_unit_test_setup(a_wrong_pin_costs_one_try_and_is_never_sent_again, plug_one_in),
        cmocka_unit_test_setup(a_wrong_pin_is_said_alike_of_a_key_that_is_not_enrolled,
                               plug_one_in),
        cmocka_unit_test_setup(a_key_that_paused_and_one_that_locked_itself_are_told_apart,
                               plug_one_in),
        cmocka_unit_test_setup(nobody_came_or_somebody_said_no, plug_one_in),
        cmocka_unit_test_setup(without_a_key_nothing_is_waited_for_unless_it_is_said, plug_one_in),
    };

    fido_init(0);
    scratch_enter();
    return cmocka_run_group_tests(tests, NULL, scratch_leave);
}
