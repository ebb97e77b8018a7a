// SPDX-License-Identifier: BSD-2-Clause
// Enrolment of security keys: which are taken, and whose word counts.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/unit/fido2_fixture.h"
#include "tests/unit/scratch.h"

// ---- enrolment ----

static void a_key_is_not_enrolled_twice(void **state)
{
    struct fido_key k = enrol("1234");
    struct rollcall_key_request q = request(true, "1234");

    (void)state;
    know(&q, &k);
    assert_int_equal(carry_out(&q).status, ROLLCALL_KEY_KNOWN);
}

static void of_two_keys_none_is_enrolled(void **state)
{
    struct rollcall_key_request q = request(true, "1234");

    (void)state;
    n_plugged = 2;
    assert_int_equal(carry_out(&q).status, ROLLCALL_KEY_SEVERAL);
}

static void a_key_without_pin_and_finger_is_refused_where_one_is_wanted(void **state)
{
    static const struct fido2_wish any = {.label = "a"}, uv = {.label = "a", .uv = true};
    struct fido_key k;

    (void)state;
    plugged[0].pin[0] = 0;
    assert_int_equal(try_to_enrol(NULL, &uv, &k), -ENOKEY);
    assert_int_equal(try_to_enrol(NULL, &any, &k), 0);
    assert_int_equal(k.flags, 0);
    assert_int_equal(log_in(&k, NULL), FIDO2_RIGHT);
}

static const char *roots_of(const struct softkey *k)
{
    const uint8_t *p = k->maker_certificate;
    X509 *x = d2i_X509(NULL, &p, (long)k->maker_certificate_len);
    FILE *f = fopen("roots.pem", "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, x), 1);
    fclose(f);
    X509_free(x);
    return "roots.pem";
}

static void a_makers_word_counts_where_the_host_trusts_that_maker(void **state)
{
    struct fido2_wish wish = {.label = "a", .attested = true};
    struct softkey stranger;
    struct fido_key k;

    (void)state;
    plugged[0].attestation = SOFTKEY_BASIC;
    assert_int_equal(try_to_enrol("1234", &wish, &k), -ENOENT); // whom would it trust?
    wish.roots = roots_of(&plugged[0]);
    assert_int_equal(try_to_enrol("1234", &wish, &k), 0);
    assert_int_equal(k.flags, FIDO_FLAG_UV | FIDO_FLAG_PIN | FIDO_FLAG_ATTESTED);
    softkey_make(&stranger);
    wish.roots = roots_of(&stranger);
    assert_int_equal(try_to_enrol("1234", &wish, &k), -EKEYREJECTED);
    wish.attested = false;
    assert_int_equal(try_to_enrol("1234", &wish, &k), 0);
    assert_int_equal(k.flags, FIDO_FLAG_UV | FIDO_FLAG_PIN);
}

static void a_key_that_vouches_for_itself_is_not_attested(void **state)
{
    struct fido2_wish wish = {.label = "a", .attested = true};
    struct fido_key k;

    (void)state;
    wish.roots = roots_of(&plugged[0]);
    assert_int_equal(try_to_enrol("1234", &wish, &k), -EKEYREJECTED);
    plugged[0].attestation = SOFTKEY_NONE;
    assert_int_equal(try_to_enrol("1234", &wish, &k), -EKEYREJECTED);
    wish.attested = false;
    assert_int_equal(try_to_enrol("1234", &wish, &k), 0);
}

static void a_model_counts_where_it_is_listed_and_a_maker_signed_for_it(void **state)
{
    static char ours[] = "736f66746b65792d6f662d7465737473",
                other[] = "cb69481e8ff7403993ec0a2729a154a8";
    struct rollcall_list models = {.item = {other, ours}, .n = 2};
    struct fido2_wish wish = {.label = "a", .models = &models};
    struct fido_key k, claims;

    (void)state;
    // By its own word it is of the list.
    assert_int_equal(try_to_enrol("1234", &wish, &k), -ENOENT);
    wish.roots = roots_of(&plugged[0]);
    assert_int_equal(try_to_enrol("1234", &wish, &k), -EKEYREJECTED);
    plugged[0].attestation = SOFTKEY_BASIC;
    assert_int_equal(try_to_enrol("1234", &wish, &k), 0);
    assert_true(fido2_model_counts(&models, &k));
    models.n = 1;
    assert_int_equal(try_to_enrol("1234", &wish, &claims), -EPERM);
    assert_false(fido2_model_counts(&models, &k)); // taken off the list since
    models.n = 0;
    assert_int_equal(try_to_enrol("1234", &wish, &claims), 0);
    assert_true(fido2_model_counts(&models, &k));
    assert_true(fido2_model_counts(NULL, &k));
    models.n = 2;
    claims = k;
    claims.flags &= (uint8_t)~FIDO_FLAG_ATTESTED;
    assert_false(fido2_model_counts(&models, &claims));
}

static void a_forged_statement_is_refused_whoever_wanted_one(void **state)
{
    static const struct fido2_wish wish = {.label = "a"};
    struct fido_key k;

    (void)state;
    plugged[0].attestation = SOFTKEY_FORGED;
    assert_int_equal(try_to_enrol("1234", &wish, &k), -EBADMSG);
}

static void what_was_made_for_another_name_or_challenge_is_not_enrolled(void **state)
{
    static const struct fido2_wish wish = {.label = "a"};
    struct fido_key k;

    (void)state;
    for (int attestation = SOFTKEY_SELF; attestation <= SOFTKEY_BASIC; attestation++) {
        struct rollcall_key_request q = request(true, "1234");
        struct rollcall_key_reply reply;
        plugged[0].attestation = (uint8_t)attestation;
        reply = carry_out(&q);
        assert_int_equal(fido2_accept(&q, &reply, &wish, &k), 0);
        q.rp[0] = 'W';
        assert_int_equal(fido2_accept(&q, &reply, &wish, &k), -EBADMSG);
        q.rp[0] = 'w';
        q.challenge[0] ^= 1;
        // Without a statement nothing binds the challenge: WebAuthn's "none".
        assert_int_equal(fido2_accept(&q, &reply, &wish, &k),
                         attestation == SOFTKEY_NONE ? 0 : -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_key_is_not_enrolled_twice, plug_one_in),
        cmocka_unit_test_setup(of_two_keys_none_is_enrolled, plug_one_in),
        cmocka_unit_test_setup(a_key_without_pin_and_finger_is_refused_where_one_is_wanted,
                               plug_one_in),
        cmocka_unit_test_setup(a_makers_word_counts_where_the_host_trusts_that_maker, plug_one_in),
        cmocka_unit_test_setup(a_key_that_vouches_for_itself_is_not_attested, plug_one_in),
        cmocka_unit_test_setup(a_model_counts_where_it_is_listed_and_a_maker_signed_for_it,
                               plug_one_in),
        cmocka_unit_test_setup(a_forged_statement_is_refused_whoever_wanted_one, plug_one_in),
        cmocka_unit_test_setup(what_was_made_for_another_name_or_challenge_is_not_enrolled,
                               plug_one_in),
    };

    fido_init(0);
    scratch_enter();
    return cmocka_run_group_tests(tests, NULL, scratch_leave);
}
