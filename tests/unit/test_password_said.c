// SPDX-License-Identifier: BSD-2-Clause
// What a directory's answer means for a password, and the packets that carry it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>
#include <ldap.h>

#include "pam_module/password_ldap/said.h"

#define AD "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data "

static struct rollcall_secret text_of(const char *text)
{
    struct rollcall_secret s = {0};

    assert_true(rollcall_secret_set(&s, text, strlen(text)));
    return s;
}

static enum rollcall_check_status bind_of(struct said s)
{
    struct rollcall_check_answer a;

    said_of_bind(&s, &a);
    return a.status;
}

static enum rollcall_check_status change_of(struct said s)
{
    struct rollcall_check_answer a;

    said_of_change(&s, &a);
    return a.status;
}

static enum rollcall_check_status ad_said(const char *data)
{
    char text[200];

    snprintf(text, sizeof(text), AD "%s", data);
    return bind_of((struct said){.code = LDAP_INVALID_CREDENTIALS, .text = text});
}

static void sub_codes_are_read_from_where_they_stand_and_from_nowhere_else(void **state)
{
    (void)state;
    assert_int_equal(said_sub_code(AD "52e, v4563"), 0x52e);
    assert_int_equal(said_sub_code(AD "775, v4563"), 0x775);
    assert_int_equal(said_sub_code(AD "533"), 0x533);
    assert_int_equal(said_sub_code(NULL), 0);
    assert_int_equal(said_sub_code(""), 0);
    assert_int_equal(said_sub_code("Invalid credentials, data 533, v1"), 0); // not its form
    assert_int_equal(said_sub_code(AD), 0);
    assert_int_equal(said_sub_code(AD "533x"), 0);
    assert_int_equal(said_sub_code(AD "53300533, v1"), 0);
}

static void each_sub_code_has_its_meaning_and_none_is_a_yes(void **state)
{
    char data[16];

    (void)state;
    assert_int_equal(ad_said("525, v1"), ROLLCALL_CHECK_WRONG);
    assert_int_equal(ad_said("52e, v1"), ROLLCALL_CHECK_WRONG);
    assert_int_equal(ad_said("530, v1"), ROLLCALL_CHECK_NOT_HERE);
    assert_int_equal(ad_said("531, v1"), ROLLCALL_CHECK_NOT_HERE);
    assert_int_equal(ad_said("532, v1"), ROLLCALL_CHECK_EXPIRED);
    assert_int_equal(ad_said("533, v1"), ROLLCALL_CHECK_DISABLED);
    assert_int_equal(ad_said("701, v1"), ROLLCALL_CHECK_DISABLED);
    assert_int_equal(ad_said("773, v1"), ROLLCALL_CHECK_EXPIRED);
    assert_int_equal(ad_said("775, v1"), ROLLCALL_CHECK_BLOCKED);
    for (unsigned i = 0; i < 0x1000; i++) {
        snprintf(data, sizeof(data), "%x, v1", i);
        assert_int_not_equal(ad_said(data), ROLLCALL_CHECK_TAKEN);
        assert_int_not_equal(ad_said(data), ROLLCALL_CHECK_MUST_CHANGE);
        assert_int_not_equal(ad_said(data), ROLLCALL_CHECK_UNREACHABLE);
    }
}

static void a_policy_says_more_than_the_result(void **state)
{
    struct said good = {.policy = true, .error = POLICY_NONE, .expires_in = 3600, .grace = 2};
    struct said no = {.code = LDAP_INVALID_CREDENTIALS, .policy = true};
    struct rollcall_check_answer a;

    (void)state;
    said_of_bind(&good, &a);
    assert_int_equal(a.status, ROLLCALL_CHECK_TAKEN);
    assert_int_equal(a.expires_in, 3600);
    assert_int_equal(a.grace, 2);
    good.error = POLICY_CHANGE_AFTER_RESET;
    assert_int_equal(bind_of(good), ROLLCALL_CHECK_MUST_CHANGE);
    no.error = POLICY_LOCKED;
    assert_int_equal(bind_of(no), ROLLCALL_CHECK_BLOCKED);
    no.error = POLICY_EXPIRED;
    assert_int_equal(bind_of(no), ROLLCALL_CHECK_EXPIRED);
    no.error = POLICY_NONE;
    assert_int_equal(bind_of(no), ROLLCALL_CHECK_WRONG);
    // A word of a policy makes no yes of a no.
    no.error = POLICY_CHANGE_AFTER_RESET;
    assert_int_equal(bind_of(no), ROLLCALL_CHECK_WRONG);
}

// Each of its result codes, and libldap's own.
static void only_success_is_a_yes_and_only_silence_is_unreachable(void **state)
{
    static const int silent[] = {LDAP_SERVER_DOWN, LDAP_CONNECT_ERROR, LDAP_TIMEOUT, LDAP_BUSY,
                                 LDAP_UNAVAILABLE};

    (void)state;
    for (int code = -20; code < 130; code++) {
        enum rollcall_check_status s = bind_of((struct said){.code = code, .error = POLICY_NONE}),
                                   c = change_of((struct said){.code = code, .error = POLICY_NONE});
        bool down = false;
        for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
            down = down || silent[i] == code;
        assert_int_equal(s == ROLLCALL_CHECK_TAKEN, code == LDAP_SUCCESS);
        assert_int_equal(c == ROLLCALL_CHECK_TAKEN, code == LDAP_SUCCESS);
        assert_int_equal(s == ROLLCALL_CHECK_UNREACHABLE, down);
        assert_true(code == LDAP_SUCCESS || !rollcall_check_proves(s));
    }
    assert_int_equal(bind_of((struct said){.code = LDAP_NO_SUCH_OBJECT}), ROLLCALL_CHECK_WRONG);
    assert_int_equal(bind_of((struct said){.code = LDAP_STRONG_AUTH_REQUIRED}),
                     ROLLCALL_CHECK_FAILED);
}

static void a_change_that_the_rules_refuse_is_told_from_one_that_nobody_may_make(void **state)
{
    struct said s = {.code = LDAP_CONSTRAINT_VIOLATION, .policy = true, .error = POLICY_TOO_SHORT};

    (void)state;
    assert_int_equal(change_of(s), ROLLCALL_CHECK_REJECTED);
    s.error = POLICY_TOO_YOUNG;
    assert_int_equal(change_of(s), ROLLCALL_CHECK_NO_CHANGE);
    s = (struct said){.code = LDAP_UNWILLING_TO_PERFORM, .text = "0000052D: SvcErr: DSID-031A12D2"};
    assert_int_equal(change_of(s), ROLLCALL_CHECK_REJECTED);
    s.text = "0000001F: SvcErr";
    assert_int_equal(change_of(s), ROLLCALL_CHECK_NO_CHANGE);
    s = (struct said){.code = LDAP_INSUFFICIENT_ACCESS};
    assert_int_equal(change_of(s), ROLLCALL_CHECK_NO_CHANGE);
}

static void unicode_passwords_are_quoted_utf_16(void **state)
{
    static const unsigned char want[] = {'"',  0,    'a',  0, 0xe4, 0,   0xac,
                                         0x20, 0x3d, 0xd8, 0, 0xde, '"', 0};
    struct rollcall_secret s = text_of("a\303\244\342\202\254\360\237\230\200");
    unsigned char got[64];
    size_t n = 0;

    (void)state;
    assert_int_equal(said_unicode_password(&s, got, sizeof(got), &n), 0);
    assert_int_equal(n, sizeof(want));
    assert_memory_equal(got, want, n);
    assert_int_equal(said_unicode_password(&s, got, sizeof(want) - 1, &n), -EMSGSIZE);
}

static void what_is_no_utf_8_is_no_unicode_password(void **state)
{
    static const char *const broken[] = {
        "\200", "a\303", "\300\200", "\355\240\200", "\364\220\200\200", "\377", "\360\237\230"};
    unsigned char got[64];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct rollcall_secret s = text_of(broken[i]);
        assert_int_equal(said_unicode_password(&s, got, sizeof(got), &n), -EILSEQ);
    }
}

// ---- packets ----

static struct rollcall_check_request request(void)
{
    struct rollcall_check_request q = {.uris = "ldaps://a ldaps://b",
                                       .ca = "/etc/ssl/ca.pem",
                                       .dn = "uid=alice,ou=people,dc=example,dc=org",
                                       .seconds = 5};

    q.password = text_of("correct horse");
    return q;
}

static void a_request_arrives_as_it_was_sent(void **state)
{
    struct rollcall_check_request q = request(), got = {0};
    struct rollcall_packet p;

    (void)state;
    q.change = q.active_directory = true;
    q.fresh = text_of("another horse");
    assert_int_equal(rollcall_check_request_pack(&q, &p), 0);
    assert_int_equal(rollcall_check_request_read(&p, &got), 0);
    assert_string_equal(got.uris, q.uris);
    assert_string_equal(got.ca, q.ca);
    assert_string_equal(got.dn, q.dn);
    assert_string_equal(got.password.bytes, "correct horse");
    assert_string_equal(got.fresh.bytes, "another horse");
    assert_true(got.change && got.active_directory && got.seconds == 5);
}

static void the_longest_request_fits_a_packet(void **state)
{
    struct rollcall_check_request q = {.change = true, .seconds = 1};
    struct rollcall_packet p;

    (void)state;
    memset(q.uris, 'u', sizeof(q.uris) - 1);
    memset(q.ca, 'c', sizeof(q.ca) - 1);
    memset(q.dn, 'd', sizeof(q.dn) - 1);
    memset(q.password.bytes, 'p', q.password.len = ROLLCALL_SECRET_MAX);
    memset(q.fresh.bytes, 'p', q.fresh.len = ROLLCALL_SECRET_MAX);
    assert_int_equal(rollcall_check_request_pack(&q, &p), 0);
    assert_int_equal(rollcall_check_request_read(&p, &q), 0);
}

static void an_empty_password_is_never_sent(void **state)
{
    struct rollcall_check_request q = request();
    struct rollcall_packet p;

    (void)state;
    rollcall_secret_erase(&q.password);
    assert_int_equal(rollcall_check_request_pack(&q, &p), -EBADMSG);
    q = request();
    q.change = true;
    assert_int_equal(rollcall_check_request_pack(&q, &p), -EBADMSG);
    // And one that comes is not taken.
    rollcall_packet_start(&p, ROLLCALL_PACKET_PASSWORD_CHECK);
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_URIS, "ldaps://a");
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_DN, "uid=alice");
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_SECONDS, 5);
    rollcall_packet_put_bytes(&p, ROLLCALL_FIELD_SECRET, "", 0);
    assert_int_equal(rollcall_check_request_read(&p, &q), -EBADMSG);
}

static void an_answer_is_a_few_numbers_in_their_bounds(void **state)
{
    struct rollcall_check_answer a = {ROLLCALL_CHECK_TAKEN, 86400, 3}, got;
    struct rollcall_packet p;

    (void)state;
    assert_int_equal(rollcall_check_answer_pack(&a, &p), 0);
    assert_int_equal(rollcall_check_answer_read(&p, &got), 0);
    assert_int_equal(got.status, ROLLCALL_CHECK_TAKEN);
    assert_int_equal(got.expires_in, 86400);
    assert_int_equal(got.grace, 3);
    a.status = ROLLCALL_CHECK_STATUSES;
    assert_int_equal(rollcall_check_answer_pack(&a, &p), 0);
    assert_int_equal(rollcall_check_answer_read(&p, &got), -EBADMSG);
    a = (struct rollcall_check_answer){ROLLCALL_CHECK_TAKEN, INT64_MAX, 3};
    assert_int_equal(rollcall_check_answer_pack(&a, &p), 0);
    assert_int_equal(rollcall_check_answer_read(&p, &got), -EBADMSG);
    rollcall_packet_start(&p, ROLLCALL_PACKET_PASSWORD_ANSWER);
    assert_int_equal(rollcall_check_answer_read(&p, &got), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sub_codes_are_read_from_where_they_stand_and_from_nowhere_else),
        cmocka_unit_test(each_sub_code_has_its_meaning_and_none_is_a_yes),
        cmocka_unit_test(a_policy_says_more_than_the_result),
        cmocka_unit_test(only_success_is_a_yes_and_only_silence_is_unreachable),
        cmocka_unit_test(a_change_that_the_rules_refuse_is_told_from_one_that_nobody_may_make),
        cmocka_unit_test(unicode_passwords_are_quoted_utf_16),
        cmocka_unit_test(what_is_no_utf_8_is_no_unicode_password),
        cmocka_unit_test(a_request_arrives_as_it_was_sent),
        cmocka_unit_test(the_longest_request_fits_a_packet),
        cmocka_unit_test(an_empty_password_is_never_sent),
        cmocka_unit_test(an_answer_is_a_few_numbers_in_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
