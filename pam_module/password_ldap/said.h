// SPDX-License-Identifier: BSD-2-Clause
// What a directory said about a password, and what that means. Pure.
#ifndef ROLLCALL_PASSWORD_LDAP_SAID_H
#define ROLLCALL_PASSWORD_LDAP_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rollcall/password_check.h"

// Errors of a password policy's response control (draft-behera-ldap-password-policy-10, 6.2).
enum policy_error {
    POLICY_EXPIRED = 0,
    POLICY_LOCKED = 1,
    POLICY_CHANGE_AFTER_RESET = 2,
    POLICY_NO_CHANGE = 3,
    POLICY_MUST_SUPPLY_OLD = 4,
    POLICY_QUALITY = 5,
    POLICY_TOO_SHORT = 6,
    POLICY_TOO_YOUNG = 7,
    POLICY_IN_HISTORY = 8,
    POLICY_NONE = 65535, // libldap's word for no error
};

struct said {
    int code;         // LDAP result, or one of libldap's own (negative)
    const char *text; // diagnostic message, or NULL
    bool policy;      // a control came:
    int error;        // enum policy_error
    int expires_in;   // seconds, -1: not said
    int grace;        // -1: not said
};

// Active Directory's sub-code: the hexadecimal number behind "data " of a message like
// "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563".
// 0 where there is none.
unsigned said_sub_code(const char *text);

// Of a bind; of a change, once the bind was good.
void said_of_bind(const struct said *s, struct rollcall_check_answer *ret);
void said_of_change(const struct said *s, struct rollcall_check_answer *ret);

// In quotes and UTF-16LE, as unicodePwd takes it: 2 bytes more than twice its length at most.
// 0 with *ret_len, or -EILSEQ (no UTF-8), -EMSGSIZE.
int said_unicode_password(const struct rollcall_secret *password, unsigned char *ret, size_t size,
                          size_t *ret_len);

#endif
