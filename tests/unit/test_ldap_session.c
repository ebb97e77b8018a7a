// SPDX-License-Identifier: BSD-2-Clause
// What of a connection to a directory is refused before anybody is asked, and that every
// failure names its URI and cause. Servers that answer: tests/system/test_ldap_source.py.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/ldap_session.h"

static const char *one_uri[1];
static struct rollcall_secret password;

static struct rollcall_ldap_options options(const char *uri)
{
    one_uri[0] = uri;
    rollcall_secret_set(&password, "geheim", 6);
    return (struct rollcall_ldap_options){
        .uris = one_uri, .n_uris = 1, .bind_dn = "cn=sync", .password = &password, .timeout = 1};
}

static void refused(const struct rollcall_ldap_options *o, const char *word)
{
    struct rollcall_ldap *s = NULL;
    char why[700] = "";

    assert_int_equal(rollcall_ldap_open(o, &s, why, sizeof(why)), -EINVAL);
    assert_null(s);
    if (!strstr(why, word))
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    assert_null(strstr(why, "geheim"));
}

static void an_uri_is_scheme_host_and_port_and_nothing_else(void **state)
{
    static const char *const good[] = {"ldaps://ldap1.example.com", "ldap://127.0.0.1:389",
                                       "ldapi://%2Frun%2Fslapd%2Fldapi", "LDAPS://[::1]:636",
                                       "ldaps://a.example/"};
    static const char *const bad[] = {"http://a.example",
                                      "ldap1.example.com",
                                      "ldaps://",
                                      "ldap://:389",
                                      "ldapi://",
                                      "ldaps://a.example/dc=example",
                                      "ldaps://a.example/??sub",
                                      "ldaps://a.example/?x?one?(uid=a)?!x=y",
                                      "ldaps://a.example/?x?one?(uid=a)",
                                      "cldap://a.example",
                                      "ldaps://a.example ldap://b.example"};
    char why[700];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct rollcall_ldap_options o = options(good[i]);
        if (rollcall_ldap_options_check(&o, why, sizeof(why)) != 0)
            fail_msg("%s: %s", good[i], why);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rollcall_ldap_options o = options(bad[i]);
        refused(&o, bad[i]);
    }
}

static void a_list_of_none_or_of_too_many_is_refused(void **state)
{
    struct rollcall_ldap_options o = options("ldaps://a.example");

    (void)state;
    o.n_uris = 0;
    refused(&o, "between 1 and 16");
    o.n_uris = ROLLCALL_LDAP_URIS_MAX + 1;
    refused(&o, "between 1 and 16");
}

static void an_empty_password_is_refused_before_it_is_sent(void **state)
{
    struct rollcall_ldap_options o = options("ldaps://a.example");
    struct rollcall_secret none = {0};

    (void)state;
    o.password = &none;
    refused(&o, "anonymous");
    o.password = NULL;
    refused(&o, "anonymous");
    o = options("ldaps://a.example");
    o.bind_dn = "";
    refused(&o, "bind_dn");
}

static void an_external_bind_needs_a_certificate_or_a_local_socket(void **state)
{
    struct rollcall_ldap_options o = options("ldaps://a.example");
    char why[700];

    (void)state;
    o.bind = ROLLCALL_LDAP_BIND_EXTERNAL;
    refused(&o, "certificate");
    o.cert_file = "/etc/rollcall/host.pem";
    refused(&o, "go together");
    o.key_file = "/etc/rollcall/secrets/host.key";
    assert_int_equal(rollcall_ldap_options_check(&o, why, sizeof(why)), 0);
    o = options("ldapi://%2Frun%2Fslapd%2Fldapi");
    o.bind = ROLLCALL_LDAP_BIND_EXTERNAL;
    assert_int_equal(rollcall_ldap_options_check(&o, why, sizeof(why)), 0);
}

static void a_ca_file_that_is_none_is_said(void **state)
{
    struct rollcall_ldap_options o = options("ldaps://127.0.0.1:1");

    (void)state;
    o.ca_file = "/nonexistent/ca.pem";
    refused(&o, "/nonexistent/ca.pem");
}

static void nobody_there_is_said_for_each_server(void **state)
{
    static const char *const two[] = {"ldap://127.0.0.1:1", "ldap://127.0.0.1:2"};
    struct rollcall_ldap_options o = options("ldap://127.0.0.1:1");
    struct rollcall_ldap *s = NULL;
    char why[700] = "", brief[40];

    (void)state;
    o.uris = two;
    o.n_uris = 2;
    assert_int_equal(rollcall_ldap_open(&o, &s, why, sizeof(why)), -EHOSTUNREACH);
    assert_non_null(strstr(why, two[0]));
    assert_non_null(strstr(why, two[1]));
    assert_int_equal(rollcall_ldap_open(&o, &s, brief, sizeof(brief)), -EHOSTUNREACH);
    assert_int_equal(strlen(brief), sizeof(brief) - 1); // cut, not run over
    assert_null(s);
}

static void closing_nothing_is_nothing(void **state)
{
    (void)state;
    assert_null(rollcall_ldap_close(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_uri_is_scheme_host_and_port_and_nothing_else),
        cmocka_unit_test(a_list_of_none_or_of_too_many_is_refused),
        cmocka_unit_test(an_empty_password_is_refused_before_it_is_sent),
        cmocka_unit_test(an_external_bind_needs_a_certificate_or_a_local_socket),
        cmocka_unit_test(a_ca_file_that_is_none_is_said),
        cmocka_unit_test(nobody_there_is_said_for_each_server),
        cmocka_unit_test(closing_nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
