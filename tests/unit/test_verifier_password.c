// SPDX-License-Identifier: BSD-2-Clause
// Passwords: which may be taken, and that only the right one fits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/password.h"

static struct rollcall_secret text_of(const char *text)
{
    struct rollcall_secret s = {0};

    assert_true(rollcall_secret_set(&s, text, strlen(text)));
    return s;
}

static const char *objection(const char *text)
{
    const struct password_owner owner = {
        .user = "alice", .display_name = "Alice van Example", .host = "web1prod"};
    struct rollcall_secret s = text_of(text);

    return password_objection(&s, &owner);
}

static void what_is_short_guessable_or_a_name_is_refused(void **state)
{
    static const char *const refused[] = {
        "",           "a",        "1234567",   "short 7",  "aaaaaaaaaaaa", "abababababab",
        "Alice1234",  "example1", "xExample!", "WEB1PROD", "web1prod2",    "password",
        "Password1",  "12345678", "qwerty123", "rollcall", "P@ssw0rd!",    "tab\there1",
        "bell\a12345"};

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_non_null(objection(refused[i]));
}

static void what_has_eight_characters_and_is_no_name_is_taken(void **state)
{
    static const char *const taken[] = {"tr0ub4dor",
                                        "correct horse battery staple",
                                        "alice went to the sea",
                                        "\303\244\303\266\303\274\303\237\303\204\303\226\303\234x",
                                        "p4sswort nicht",
                                        " spaces "};

    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        assert_null(objection(taken[i]));
    // Seven characters, though of more bytes.
    assert_non_null(objection("\303\244\303\266\303\274\303\237\303\204\303\226x"));
}

static void very_long_ones_are_refused_and_not_cut(void **state)
{
    char text[PASSWORD_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = (char)('a' + i % 26);
    text[PASSWORD_MAX + 1] = 0;
    assert_non_null(objection(text));
    text[PASSWORD_MAX] = 0;
    assert_null(objection(text));
}

static void only_the_right_one_fits(void **state)
{
    struct rollcall_secret right = text_of("correct horse"), wrong = text_of("correct horsf"),
                           empty = text_of("");
    struct password_factor p, q;

    (void)state;
    assert_int_equal(password_make(&right, PASSWORD_LOCAL, 1000, &p), 0);
    assert_int_equal(password_make(&right, PASSWORD_LOCAL, 1000, &q), 0);
    assert_int_equal(memcmp(p.hash, "$y$", 3), 0);
    assert_string_not_equal(p.hash, q.hash); // a salt each
    assert_null(strstr(p.hash, "correct"));
    assert_true(password_fits(&p, &right));
    assert_true(password_fits(&q, &right));
    assert_false(password_fits(&p, &wrong));
    assert_false(password_fits(&p, &empty));
}

static void nothing_fits_where_there_is_none_or_what_stands_there_is_no_hash(void **state)
{
    struct rollcall_secret any = text_of("correct horse"), empty = text_of("");
    struct password_factor p = {0};

    (void)state;
    assert_false(password_fits(&p, &any));
    assert_false(password_fits(&p, &empty));
    p.kind = PASSWORD_LOCAL;
    assert_false(password_fits(&p, &any));
    memcpy(p.hash, "*0", 3);
    assert_false(password_fits(&p, &any));
    memcpy(p.hash, "$y$broken", 10);
    assert_false(password_fits(&p, &any));
    // A whole hash that is said to be none.
    assert_int_equal(password_make(&any, PASSWORD_LOCAL, 1, &p), 0);
    p.kind = PASSWORD_NONE;
    assert_false(password_fits(&p, &any));
}

static void age_counts_where_it_is_set(void **state)
{
    struct password_factor p = {.kind = PASSWORD_LOCAL, .set_at = 1000};

    (void)state;
    assert_false(password_aged(&p, 0, INT64_MAX));
    assert_false(password_aged(&p, 100, 1100));
    assert_true(password_aged(&p, 100, 1101));
    assert_false(password_aged(&p, 100, 0)); // a clock that was set back
    p.kind = PASSWORD_NONE;
    assert_false(password_aged(&p, 100, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_short_guessable_or_a_name_is_refused),
        cmocka_unit_test(what_has_eight_characters_and_is_no_name_is_taken),
        cmocka_unit_test(very_long_ones_are_refused_and_not_cut),
        cmocka_unit_test(only_the_right_one_fits),
        cmocka_unit_test(nothing_fits_where_there_is_none_or_what_stands_there_is_no_hash),
        cmocka_unit_test(age_counts_where_it_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
