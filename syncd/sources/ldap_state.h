// SPDX-License-Identifier: BSD-2-Clause
// What an administrator's switches in a directory say about a person, each with its date.
// A lockout that wrong passwords cause blocks the password and nothing else: whoever can
// type a name must not be able to end its owner's sessions. Pure.
//
//   nsAccountLock (389-ds, FreeIPA), loginDisabled (eDirectory): disabled
//   pwdAccountLockedTime (slapo-ppolicy): 000001010000Z disabled; else password blocked
//   pwdStartTime, pwdEndTime (slapo-ppolicy): from, until; start >= end: disabled
//   loginExpirationTime (eDirectory), krbPrincipalExpiration (MIT, FreeIPA): until
//   shadowExpire (RFC 2307): until the first instant of that day, days since 1970 in UTC;
//     0 is over, less than 0 is never
//   userAccountControl 0x2 (AD): disabled; accountExpires (AD): until, 0 and 2^63-1 never
//   lockoutTime, msDS-User-Account-Control-Computed 0x10 (AD): password blocked
#ifndef ROLLCALL_SOURCES_LDAP_STATE_H
#define ROLLCALL_SOURCES_LDAP_STATE_H

#include "rollcall/lifecycle.h"
#include "syncd/sources/ldap_entry.h"

struct dir_state {
    bool disabled, password_blocked;
    int64_t start, end; // instants, end exclusive; or ROLLCALL_TIME_UNSET
};

extern const char *const dir_state_attributes[]; // what to ask for; ends with NULL

// 0, or -EBADMSG with a sentence where an attribute cannot be read: then nothing is known.
int dir_state_take(const struct dir_entry *e, struct dir_state *ret, char *why, size_t why_len);

// GeneralizedTime (RFC 4517, 3.3.13) with an offset or Z; fractions are cut off.
int dir_generalized_time(const struct berval *text, int64_t *ret);

#endif
