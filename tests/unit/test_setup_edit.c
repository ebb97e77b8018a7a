// SPDX-License-Identifier: BSD-2-Clause
// What rollcall setup makes of the text of other people's files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/setup_edit.h"
#include "cli/sshd.h"

static void becomes(const char *from, const char *to)
{
    char why[256], *got = setup_edit_nsswitch(from, why, sizeof(why)), *again, *back;

    assert_string_equal(why, "");
    assert_string_equal(got, to);
    again = setup_edit_nsswitch(got, why, sizeof(why));
    assert_string_equal(again, to);
    back = setup_edit_nsswitch_without(got);
    assert_null(strstr(back, "rollcall"));
    free(back);
    free(again);
    free(got);
}

static void we_come_last_on_the_lines_that_are_about_people(void **state)
{
    (void)state;
    becomes("passwd: files systemd\ngroup:\tfiles # ours\nshadow: files\nhosts: files dns\n",
            "passwd: files systemd rollcall\ngroup:\tfiles rollcall # ours\nshadow: files "
            "rollcall\nhosts: files dns\n");
    becomes("passwd: files\ngroup: files\ninitgroups: files\nshadow: files",
            "passwd: files rollcall\ngroup: files rollcall\ninitgroups: files rollcall\nshadow: "
            "files rollcall");
    becomes("# empty\n", "# empty\npasswd: files rollcall\ngroup: files rollcall\nshadow: files "
                         "rollcall\n");
}

static void taking_ours_out_gives_the_line_as_it_was(void **state)
{
    const char *was = "passwd:         files systemd\ngroup: files  # x\nshadow: files\n";
    char why[64], *with = setup_edit_nsswitch(was, why, sizeof(why));
    char *without = setup_edit_nsswitch_without(with);

    (void)state;
    assert_string_equal(without, was);
    free(with);
    free(without);
}

static void a_word_that_only_looks_like_ours_is_another_service(void **state)
{
    const char *was = "passwd: files rollcallx\ngroup: files\nshadow: files\n";
    char why[64], *got = setup_edit_nsswitch(was, why, sizeof(why)), *back;

    (void)state;
    assert_memory_equal(got, "passwd: files rollcallx rollcall\n", 33);
    back = setup_edit_nsswitch_without(got);
    assert_string_equal(back, was);
    free(back);
    free(got);
}

static void a_line_that_ends_the_search_before_us_is_named_and_left(void **state)
{
    const char *was = "passwd: files [NOTFOUND=return]\ngroup: files rollcall\nshadow: files "
                      "rollcall\n";
    char why[256], *got = setup_edit_nsswitch(was, why, sizeof(why));

    (void)state;
    assert_non_null(strstr(why, "passwd: files [NOTFOUND=return]"));
    assert_string_equal(got, was);
    free(got);
}

static void local_people_get_back_what_sshd_answered(void **state)
{
    char answer[] = "usepam yes\nauthenticationmethods any\npasswordauthentication no\n"
                    "gssapiauthentication yes\nauthorizedkeysfile /k/%u\n"
                    "authorizedkeyscommand /bin/x %u\nauthorizedkeyscommanduser kim\n";
    json_t *before = sshd_parse_answer(answer);
    char *block = setup_edit_sshd_local(before), *dropin, *file, *bare;

    (void)state;
    assert_non_null(strstr(block, "    AuthenticationMethods publickey password "
                                  "keyboard-interactive gssapi-with-mic\n"));
    assert_non_null(strstr(block, "    PasswordAuthentication no\n"));
    assert_non_null(strstr(block, "    AuthorizedKeysFile /k/%u\n"));
    assert_non_null(strstr(block, "    AuthorizedKeysCommand /bin/x %u\n"));
    assert_non_null(strstr(block, "    AuthorizedKeysCommandUser kim\n"));
    dropin =
        setup_edit_sshd_dropin("A b\nMatch Group *,!rollcall-people\n  X y\nMatch all\n", block);
    assert_memory_equal(dropin, "A b\nMatch Group", 15);
    assert_null(strstr(dropin, "X y"));
    assert_string_equal(dropin + 4, block);
    file = setup_edit_sshd_append("Port 22", block);
    bare = setup_edit_sshd_without(file);
    assert_string_equal(bare, "Port 22\n");
    free(bare);
    free(file);
    free(dropin);
    free(block);
    json_decref(before);
}

static void the_mode_changes_and_nothing_else_does(void **state)
{
    const char *was =
        "[source hr]\nmode = x\n[rollcall]\n# mode = no\nmode     = enforce   # why\n";
    char *got = setup_edit_config_mode(was, "observe");

    (void)state;
    assert_string_equal(
        got, "[source hr]\nmode = x\n[rollcall]\n# mode = no\nmode     = observe   # why\n");
    free(got);
    got = setup_edit_config_mode("[rollcall]\ncontact = x\n", "observe");
    assert_string_equal(got, "[rollcall]\nmode = observe\ncontact = x\n");
    free(got);
    got = setup_edit_config_mode("", "observe");
    assert_string_equal(got, "\n[rollcall]\nmode = observe\n");
    free(got);
}

static void a_value_that_would_be_read_otherwise_is_refused(void **state)
{
    static const char *const bad[] = {"", " x", "x ", "a\nb", "a # b", "a ; b", "a\"b", "\x7f"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(setup_edit_value_acceptable(bad[i]));
    assert_true(setup_edit_value_acceptable("IT service desk, +49 30 1234 567"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_come_last_on_the_lines_that_are_about_people),
        cmocka_unit_test(taking_ours_out_gives_the_line_as_it_was),
        cmocka_unit_test(a_word_that_only_looks_like_ours_is_another_service),
        cmocka_unit_test(a_line_that_ends_the_search_before_us_is_named_and_left),
        cmocka_unit_test(local_people_get_back_what_sshd_answered),
        cmocka_unit_test(the_mode_changes_and_nothing_else_does),
        cmocka_unit_test(a_value_that_would_be_read_otherwise_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
