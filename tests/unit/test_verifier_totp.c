// SPDX-License-Identifier: BSD-2-Clause
// Codes of apps: RFC 6238, the window, drift, and what is burnt.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/verifier.h"

static struct totp_factor factor(uint8_t algorithm, uint8_t digits)
{
    struct totp_factor t = {.enrolled = 1, .algorithm = algorithm, .digits = digits};

    // The keys of the RFC's table: "1234567890" over and over, as long as the hash.
    t.secret_len = (uint8_t)totp_secret_len(algorithm);
    for (size_t i = 0; i < t.secret_len; i++)
        t.secret[i] = (uint8_t)('0' + (i + 1) % 10);
    return t;
}

static void the_vectors_of_rfc_6238_are_accepted(void **state)
{
    static const struct {
        int64_t at;
        const char *code[3];
    } vectors[] = {{59, {"94287082", "46119246", "90693936"}},
                   {1111111109, {"07081804", "68084774", "25091201"}},
                   {1111111111, {"14050471", "67062674", "99943326"}},
                   {1234567890, {"89005924", "91819424", "93441116"}},
                   {2000000000, {"69279037", "90698825", "38618901"}},
                   {20000000000, {"65353130", "77737706", "47863826"}}};

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        for (int a = TOTP_SHA1; a <= TOTP_SHA512; a++) {
            struct totp_factor eight = factor((uint8_t)a, 8), six = factor((uint8_t)a, 6);
            uint64_t step = (uint64_t)vectors[i].at / 30;
            assert_int_equal(totp_check(&eight, vectors[i].code[a], vectors[i].at, NULL), step);
            assert_int_equal(totp_check(&six, vectors[i].code[a] + 2, vectors[i].at, NULL), step);
            // By another hash they are wrong.
            eight.algorithm = (uint8_t)((a + 1) % 3);
            assert_int_equal(totp_check(&eight, vectors[i].code[a], vectors[i].at, NULL), 0);
        }
}

#define AT   1234567890
#define CODE "005924"

static void a_code_of_one_step_earlier_or_later_is_accepted_and_no_more(void **state)
{
    struct totp_factor t = factor(TOTP_SHA1, 6);

    (void)state;
    assert_int_equal(totp_check(&t, CODE, AT + 30, NULL), AT / 30);
    assert_int_equal(totp_check(&t, CODE, AT - 30, NULL), AT / 30);
    assert_int_equal(totp_check(&t, CODE, AT + 60, NULL), 0);
    assert_int_equal(totp_check(&t, CODE, AT - 60, NULL), 0);
}

static void a_burnt_step_is_never_accepted_again(void **state)
{
    struct totp_factor t = factor(TOTP_SHA1, 6);

    (void)state;
    t.last_step = AT / 30;
    assert_int_equal(totp_check(&t, CODE, AT, NULL), 0);
    t.last_step = AT / 30 + 1;
    assert_int_equal(totp_check(&t, CODE, AT, NULL), 0);
}

static void drift_is_learnt_followed_and_bounded(void **state)
{
    struct totp_factor t = factor(TOTP_SHA1, 6);
    int8_t drift = 0;

    (void)state;
    // An app that falls behind, a step at a time: CODE is shown later and later.
    assert_true(totp_check(&t, CODE, AT + 30, &drift) > 0);
    assert_int_equal(drift, -1);
    t.drift = drift;
    assert_true(totp_check(&t, CODE, AT + 60, &drift) > 0);
    assert_int_equal(drift, -2);
    t.drift = drift;
    assert_true(totp_check(&t, CODE, AT + 90, &drift) > 0);
    assert_int_equal(drift, -TOTP_DRIFT); // no further
    t.drift = drift;
    assert_int_equal(totp_check(&t, CODE, AT + 120, &drift), 0);
    // Set right again, it is found a step at a time, too.
    assert_int_equal(totp_check(&t, CODE, AT, &drift), 0);
    assert_true(totp_check(&t, CODE, AT + 30, &drift) > 0);
    assert_int_equal(drift, -1);
    t.drift = drift;
    assert_true(totp_check(&t, CODE, AT, &drift) > 0);
    assert_int_equal(drift, 0);
    // Ahead.
    t.drift = 2;
    assert_true(totp_check(&t, CODE, AT - 90, &drift) > 0);
    assert_int_equal(drift, TOTP_DRIFT);
}

static void drift_moves_the_window_and_does_not_widen_it(void **state)
{
    (void)state;
    for (int8_t drift = -TOTP_DRIFT; drift <= TOTP_DRIFT; drift++) {
        struct totp_factor t = factor(TOTP_SHA1, 6);
        unsigned taken = 0;
        t.drift = drift;
        for (int64_t away = -10; away <= 10; away++)
            taken += totp_check(&t, CODE, AT + away * 30, NULL) > 0;
        assert_int_equal(taken, 3);
    }
}

static void what_is_no_code_is_refused(void **state)
{
    static const char *const codes[] = {"",     "00592",    "0059244",  "005925",
                                        "help", "89005924", "00005924", "\b\n\r\177INCORRECT"};
    struct totp_factor t = factor(TOTP_SHA1, 6);

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(totp_check(&t, codes[i], AT, NULL), 0);
    assert_int_equal(totp_check(&t, CODE, -AT, NULL), 0);
    assert_int_equal(totp_check(&t, CODE, 0, NULL), 0);
    t.digits = 5; // of a file that no version writes
    assert_int_equal(totp_check(&t, "05924", AT, NULL), 0);
}

static void the_link_says_what_apps_do_not_suppose(void **state)
{
    struct totp_factor t = factor(TOTP_SHA1, 6);
    char uri[512], key[TOTP_KEY_MAX];

    (void)state;
    assert_int_equal(totp_uri("web1", "alice", &t, uri, sizeof(uri), key, sizeof(key)), 0);
    assert_string_equal(
        uri, "otpauth://totp/web1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web1");
    assert_string_equal(key, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    t = factor(TOTP_SHA512, 8);
    assert_int_equal(totp_uri("web1", "alice", &t, uri, sizeof(uri), key, sizeof(key)), 0);
    assert_non_null(strstr(uri, "&issuer=web1&algorithm=SHA512&digits=8"));
    assert_int_equal(strlen(key), 103);
}

static void new_secrets_are_as_the_configuration_wants_them(void **state)
{
    struct rollcall_config c = {.totp_algorithm = TOTP_SHA256,
                                .totp_digits = ROLLCALL_TOTP_8_DIGITS};
    struct totp_factor t, other;

    (void)state;
    assert_int_equal(totp_make(NULL, &t), 0);
    assert_int_equal(t.algorithm, TOTP_SHA1);
    assert_int_equal(t.digits, 6);
    assert_int_equal(t.secret_len, 20);
    assert_int_equal(totp_make(&c, &t), 0);
    assert_int_equal(totp_make(&c, &other), 0);
    assert_int_equal(t.algorithm, TOTP_SHA256);
    assert_int_equal(t.digits, 8);
    assert_int_equal(t.secret_len, 32);
    assert_memory_not_equal(t.secret, other.secret, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_6238_are_accepted),
        cmocka_unit_test(a_code_of_one_step_earlier_or_later_is_accepted_and_no_more),
        cmocka_unit_test(a_burnt_step_is_never_accepted_again),
        cmocka_unit_test(drift_is_learnt_followed_and_bounded),
        cmocka_unit_test(drift_moves_the_window_and_does_not_widen_it),
        cmocka_unit_test(what_is_no_code_is_refused),
        cmocka_unit_test(the_link_says_what_apps_do_not_suppose),
        cmocka_unit_test(new_secrets_are_as_the_configuration_wants_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
