// SPDX-License-Identifier: BSD-2-Clause
// What may be a name, an id, a gecos, a path, a key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/account.h"

static enum rollcall_name_fault check(const char *name)
{
    return rollcall_name_check(name, strlen(name));
}

static void ordinary_names_pass(void **state)
{
    static const char *const good[] = {"alice", "a", "j.doe", "x_y-z9", "mailer", "rootsy", "adm1"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check(good[i]), ROLLCALL_NAME_OK);
}

static void names_that_are_not_portable_are_refused_by_kind(void **state)
{
    char long_name[301];

    (void)state;
    memset(long_name, 'a', 300);
    long_name[300] = 0;
    assert_int_equal(check(""), ROLLCALL_NAME_EMPTY);
    assert_int_equal(check(long_name), ROLLCALL_NAME_TOO_LONG);
    assert_int_equal(rollcall_name_check(long_name, 32), ROLLCALL_NAME_OK);
    assert_int_equal(rollcall_name_check(long_name, 33), ROLLCALL_NAME_TOO_LONG);
    assert_int_equal(check("1234"), ROLLCALL_NAME_DIGITS_ONLY);
    for (const char *const *p =
             (const char *const[]){"-rf", "a b", "../x", "Alice", "a:b", "a\nb", "a\x01",
                                   "\xc3\xa9ve", "a/b", "a-", "a.", ".a", "9a", "a$", "a\"b", NULL};
         *p; p++)
        assert_int_equal(check(*p), ROLLCALL_NAME_NOT_PORTABLE);
    assert_int_equal(rollcall_name_check("a\0b", 3), ROLLCALL_NAME_NOT_PORTABLE);
}

// Debian's base-passwd: every user and group of it, and what distributions add.
static void names_of_the_system_are_reserved(void **state)
{
    static const char *const names[] = {"root",       "daemon",
                                        "bin",        "sys",
                                        "sync",       "games",
                                        "man",        "lp",
                                        "mail",       "news",
                                        "uucp",       "proxy",
                                        "www-data",   "backup",
                                        "list",       "irc",
                                        "_apt",       "nobody",
                                        "adm",        "tty",
                                        "disk",       "kmem",
                                        "dialout",    "fax",
                                        "voice",      "cdrom",
                                        "floppy",     "tape",
                                        "sudo",       "audio",
                                        "dip",        "operator",
                                        "src",        "shadow",
                                        "utmp",       "video",
                                        "sasl",       "plugdev",
                                        "staff",      "users",
                                        "nogroup",    "wheel",
                                        "docker",     "lxd",
                                        "kvm",        "render",
                                        "input",      "sgx",
                                        "toor",       "sshd",
                                        "gnats",      "systemd-network",
                                        "rollcall",   "rollcall-people",
                                        "sssd",       "polkitd",
                                        "messagebus", "admin",
                                        "crontab",    "ssl-cert",
                                        "netdev",     "lpadmin",
                                        "tss",        "uuidd",
                                        "libvirt",    "libvirt-qemu",
                                        "postgres",   "ssh",
                                        "syslog",     "incus"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!rollcall_name_reserved(names[i], strlen(names[i])))
            fail_msg("%s is not reserved", names[i]);
    assert_false(rollcall_name_reserved("sud", 3));
    assert_false(rollcall_name_reserved("sudoer", 6));
    assert_false(rollcall_name_reserved("", 0));
}

static void ids_of_the_system_containers_and_wrapped_ones_are_out_of_limits(void **state)
{
    static const uint32_t bad[] = {0,     1,      999,        61184,      65519,       65534,
                                   65535, 524288, 1879048191, 2147483647, 2147483648u, UINT32_MAX};
    static const uint32_t good[] = {1000, 61183, 65536, 524287, 1879048192, 2147483646};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(rollcall_id_in_compiled_limits(bad[i]));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(rollcall_id_in_compiled_limits(good[i]));
}

static void gecos_is_made_harmless_and_cut_between_characters(void **state)
{
    char buf[256], big[600];

    (void)state;
    rollcall_gecos_clean("Zo\xc3\xab, of:all\nplaces\x1b[2J", buf, sizeof(buf));
    assert_string_equal(buf, "Zo\xc3\xab  of all places [2J");
    rollcall_gecos_clean("\xc2\x9b"
                         "31m \xff\xc3",
                         buf, sizeof(buf));
    assert_string_equal(buf, " 31m   ");
    rollcall_gecos_clean("\xed\xa0\x80", buf, sizeof(buf)); // a surrogate
    assert_string_equal(buf, "   ");
    memset(big, 'a', 254);
    memcpy(big + 254, "\xc3\xab\xc3\xab", 5);
    assert_int_equal(rollcall_gecos_clean(big, buf, sizeof(buf)), 254);
    assert_int_equal(rollcall_gecos_clean("abc", buf, 3), 2);
    assert_string_equal(buf, "ab");
}

static void paths_are_absolute_and_plain(void **state)
{
    char longest[300] = "/";

    (void)state;
    assert_true(rollcall_path_acceptable("/bin/bash"));
    assert_true(rollcall_path_acceptable("/home/x/.y"));
    for (const char *const *p = (const char *const[]){"", "bin/sh", "/a/../b", "/a/..", "/a:b",
                                                      "/a\nb", "/a b", "//a", "/\x7f", NULL};
         *p; p++)
        assert_false(rollcall_path_acceptable(*p));
    memset(longest + 1, 'a', 254);
    assert_true(rollcall_path_acceptable(longest));
    longest[255] = 'a';
    assert_false(rollcall_path_acceptable(longest));
}

static bool key(const char *line)
{
    return rollcall_ssh_key_acceptable(line, strlen(line));
}

static void a_key_is_a_known_type_and_a_blob_without_options(void **state)
{
#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIKeyOfPersonxxxxxxxxxxxxxxxxxxxx"
    (void)state;
    assert_true(key("ssh-ed25519 " BLOB));
    assert_true(key("sk-ssh-ed25519@openssh.com " BLOB " alice's key"));
    assert_false(key("command=\"/bin/sh\" ssh-ed25519 " BLOB));
    assert_false(key("ssh-dss " BLOB));
    assert_false(key("ssh-ed25519 " BLOB "\nssh-ed25519 " BLOB));
    assert_false(key("ssh-ed25519 AAAA"));
    assert_true(key("attested sk-ssh-ed25519@openssh.com " BLOB));
    assert_true(key("vouched sk-ecdsa-sha2-nistp256@openssh.com " BLOB));
    assert_false(key("ssh-ed25519 " BLOB "\"x"));
    assert_false(key("ssh-ed25519"));
    assert_false(key(""));
}

static void a_mark_stands_once_and_before_a_hardware_key_alone(void **state)
{
    static const char marked[] = "vouched sk-ssh-ed25519@openssh.com " BLOB;
    size_t skip = 0;

    (void)state;
    assert_int_equal(rollcall_ssh_key_mark(marked, strlen(marked), &skip),
                     ROLLCALL_KEY_MARK_VOUCHED);
    assert_int_equal(skip, 8);
    assert_int_equal(rollcall_ssh_key_mark(marked + 8, strlen(marked) - 8, &skip),
                     ROLLCALL_KEY_MARK_NONE);
    assert_int_equal(skip, 0);
    assert_false(key("attested ssh-ed25519 " BLOB));
    assert_false(key("attested vouched sk-ssh-ed25519@openssh.com " BLOB));
    assert_false(key("Attested sk-ssh-ed25519@openssh.com " BLOB));
    assert_false(key("attested  sk-ssh-ed25519@openssh.com " BLOB));
    assert_false(key("attested sk-"));
    for (size_t n = 0; n < 12; n++) // no byte beyond the line is looked at
        assert_int_equal(rollcall_ssh_key_mark(marked, n, &skip), ROLLCALL_KEY_MARK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_pass),
        cmocka_unit_test(names_that_are_not_portable_are_refused_by_kind),
        cmocka_unit_test(names_of_the_system_are_reserved),
        cmocka_unit_test(ids_of_the_system_containers_and_wrapped_ones_are_out_of_limits),
        cmocka_unit_test(gecos_is_made_harmless_and_cut_between_characters),
        cmocka_unit_test(paths_are_absolute_and_plain),
        cmocka_unit_test(a_key_is_a_known_type_and_a_blob_without_options),
        cmocka_unit_test(a_mark_stands_once_and_before_a_hardware_key_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
