// SPDX-License-Identifier: BSD-2-Clause
// Recovery codes and access codes: what is typed, what is meant, what is kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/verifier.h"

static enum code_shape read_text(const char *text, struct rollcall_secret *ret)
{
    struct rollcall_secret typed = {0};

    assert_true(rollcall_secret_set(&typed, text, strlen(text)));
    return code_read(&typed, ret);
}

static void what_was_typed_is_taken_as_it_was_meant(void **state)
{
    struct rollcall_secret code;

    (void)state;
    assert_int_equal(read_text("7KQ2-M9FX", &code), CODE_RECOVERY);
    assert_string_equal(code.bytes, "7kq2m9fx");
    assert_int_equal(read_text(" 7kq2 m9fx\r", &code), CODE_RECOVERY);
    assert_string_equal(code.bytes, "7kq2m9fx");
    // O is zero, I and L are one.
    assert_int_equal(read_text("OoIi-LlMm-9999", &code), CODE_ACCESS);
    assert_string_equal(code.bytes, "001111mm9999");
    assert_int_equal(read_text("123 456", &code), CODE_TOTP);
    assert_string_equal(code.bytes, "123456");
    assert_int_equal(read_text("1234-5678", &code), CODE_EITHER);
}

static void what_is_no_code_is_none(void **state)
{
    static const char *const texts[] = {"",
                                        "12345",
                                        "1234567",
                                        "abcdef",
                                        "7kq2-m9f",
                                        "7kq2-m9fxq",
                                        "uuuu-uuuu",
                                        "7kq2_m9fx",
                                        "\b\n\r\177INCORRECT",
                                        "7kq2m9fxp3wd8",
                                        "\303\244ggggggg"};
    struct rollcall_secret code;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_text(texts[i], &code), CODE_NONE);
        assert_true(code.len == 0 || code.len < CODE_ACCESS_LETTERS);
    }
}

static void codes_that_are_made_can_be_read_and_differ(void **state)
{
    struct rollcall_secret a, b, back;
    char text[CODE_TEXT_LEN];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        enum code_shape shape = i % 2 ? CODE_RECOVERY : CODE_ACCESS;
        assert_int_equal(code_make(shape, &a), 0);
        assert_int_equal(code_make(shape, &b), 0);
        assert_string_not_equal(a.bytes, b.bytes);
        code_group(&a, text);
        assert_int_equal(read_text(text, &back), shape);
        assert_string_equal(back.bytes, a.bytes);
    }
}

static void a_recovery_code_is_found_where_it_stands_and_nowhere_once_used(void **state)
{
    struct credential c = {.salt = "0123456789abcde"};
    struct rollcall_secret code[3];

    (void)state;
    assert_int_equal(recovery_left(&c), 0);
    for (int i = 0; i < 3; i++) {
        code_make(CODE_RECOVERY, &code[i]);
        assert_int_equal(code_hash(c.salt, CODE_RECOVERY, &code[i], c.recovery[i * 4]), 0);
    }
    assert_int_equal(recovery_left(&c), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(recovery_find(&c, &code[i]), i * 4);
    memset(c.recovery[4], 0, CODE_HASH_LEN);
    assert_int_equal(recovery_find(&c, &code[1]), -1);
    assert_int_equal(recovery_left(&c), 2);
    c.salt[0] ^= 1; // another account's salt
    assert_int_equal(recovery_find(&c, &code[0]), -1);
}

static void an_access_code_ends_on_its_second_and_is_no_recovery_code(void **state)
{
    struct credential c = {.salt = "0123456789abcde", .access_until = 1000};
    struct rollcall_secret code;

    (void)state;
    code_make(CODE_ACCESS, &code);
    assert_false(access_fits(&c, &code, 0)); // none was issued
    assert_int_equal(code_hash(c.salt, CODE_ACCESS, &code, c.access), 0);
    assert_true(access_fits(&c, &code, 999));
    assert_false(access_fits(&c, &code, 1000));
    memcpy(c.recovery[0], c.access, CODE_HASH_LEN);
    assert_int_equal(recovery_find(&c, &code), -1);
    code.bytes[0] = code.bytes[0] == '2' ? '3' : '2';
    assert_false(access_fits(&c, &code, 999));
}

static void zeros_are_no_code(void **state)
{
    struct credential c = {.access_until = INT64_MAX};
    struct rollcall_secret empty = {0};

    (void)state;
    assert_int_equal(recovery_find(&c, &empty), -1);
    assert_false(access_fits(&c, &empty, 0));
}

static void the_first_name_greets_and_the_key_stands_in_fours(void **state)
{
    struct prompt_facts f = {.user = "alice", .display_name = "Alice B. Example"};
    char text[1024];

    (void)state;
    prompt_welcome(&f, NULL, "JBSWY3DPEHPK3PXP", text, sizeof(text));
    assert_non_null(strstr(text, "Welcome, Alice. "));
    assert_non_null(strstr(text, "Enter this key:  JBSW Y3DP EHPK 3PXP\n"));
    f.display_name = "";
    prompt_welcome(&f, NULL, "JBSW", text, sizeof(text));
    assert_non_null(strstr(text, "Welcome, alice. "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_typed_is_taken_as_it_was_meant),
        cmocka_unit_test(what_is_no_code_is_none),
        cmocka_unit_test(codes_that_are_made_can_be_read_and_differ),
        cmocka_unit_test(a_recovery_code_is_found_where_it_stands_and_nowhere_once_used),
        cmocka_unit_test(an_access_code_ends_on_its_second_and_is_no_recovery_code),
        cmocka_unit_test(zeros_are_no_code),
        cmocka_unit_test(the_first_name_greets_and_the_key_stands_in_fours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
