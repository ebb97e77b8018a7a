// SPDX-License-Identifier: BSD-2-Clause
// What a directory says beside its result, and what the program that asks it says to the
// verifier: diagnostic text, the control of a password policy, packets, a password of any
// bytes. Nothing but a result of success is ever a yes.
#include <ldap.h>
#include <stdlib.h>
#include <string.h>

#include "pam_module/password_ldap/said.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void judge(struct said s)
{
    struct rollcall_check_answer a;

    said_of_bind(&s, &a);
    if ((a.status == ROLLCALL_CHECK_TAKEN || a.status == ROLLCALL_CHECK_MUST_CHANGE) !=
        (s.code == LDAP_SUCCESS))
        abort();
    said_of_change(&s, &a);
    if ((a.status == ROLLCALL_CHECK_TAKEN) != (s.code == LDAP_SUCCESS))
        abort();
}

static void text(const uint8_t *bytes, size_t len)
{
    char words[1025];

    memcpy(words, bytes, len);
    words[len] = 0;
    judge((struct said){.code = LDAP_INVALID_CREDENTIALS, .text = words, .error = POLICY_NONE});
    judge((struct said){.code = LDAP_UNWILLING_TO_PERFORM, .text = words, .error = POLICY_NONE});
}

// As libldap reads it from the wire.
static void control(const uint8_t *bytes, size_t len)
{
    static LDAP *ld;
    char oid[] = LDAP_CONTROL_PASSWORDPOLICYRESPONSE, value[1025];
    LDAPControl c = {.ldctl_oid = oid, .ldctl_value = {.bv_len = len, .bv_val = value}};
    LDAPPasswordPolicyError error = PP_noError;
    ber_int_t expires = -1, grace = -1;
    struct said s = {.policy = true};

    memcpy(value, bytes, len);
    if (!ld && ldap_initialize(&ld, "ldap://127.0.0.1") != LDAP_SUCCESS)
        abort();
    if (ldap_parse_passwordpolicy_control(ld, &c, &expires, &grace, &error) != LDAP_SUCCESS)
        return;
    s.error = (int)error;
    s.expires_in = expires;
    s.grace = grace;
    judge(s);
    s.code = LDAP_INVALID_CREDENTIALS;
    judge(s);
}

static void packets(const uint8_t *bytes, size_t len)
{
    struct rollcall_packet p = {.len = len};
    struct rollcall_check_request q;
    struct rollcall_check_answer a;

    memcpy(p.bytes, bytes, len);
    if (rollcall_check_request_read(&p, &q) == 0 && (q.password.len == 0 || !*q.dn || !*q.uris))
        abort();
    if (rollcall_check_answer_read(&p, &a) == 0 &&
        (a.status >= ROLLCALL_CHECK_STATUSES || a.grace < -1 || a.expires_in < -1))
        abort();
}

static void unicode(const uint8_t *bytes, size_t len)
{
    struct rollcall_secret s = {0};
    unsigned char wide[2 * ROLLCALL_SECRET_MAX + 4];
    size_t n = 0;

    if (rollcall_secret_set(&s, bytes, len) &&
        said_unicode_password(&s, wide, sizeof(wide), &n) == 0 && (n < 4 || n > 2 * len + 4))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0 || len > 1024)
        return 0;
    switch (bytes[0] % 4) {
    case 0:
        text(bytes + 1, len - 1);
        break;
    case 1:
        control(bytes + 1, len - 1);
        break;
    case 2:
        packets(bytes + 1, len - 1);
        break;
    default:
        unicode(bytes + 1, len - 1);
        break;
    }
    return 0;
}
