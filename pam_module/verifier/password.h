// SPDX-License-Identifier: BSD-2-Clause
// Passwords: one that is this host's own, as a first factor beside a code or a security key.
// A server's that was taken once has its place in the format; nothing writes it yet.
#ifndef ROLLCALL_VERIFIER_PASSWORD_H
#define ROLLCALL_VERIFIER_PASSWORD_H

#include "pam_module/verifier/credential.h"
#include "rollcall/secret.h"

#define PASSWORD_MIN 8   // beside a second factor (NIST SP 800-63B-4 3.1.1)
#define PASSWORD_MAX 256 // bytes

struct password_owner {
    const char *user, *display_name, *host;
};
// Why it is none: a sentence, or NULL where it may be taken. Pure.
const char *password_objection(const struct rollcall_secret *typed,
                               const struct password_owner *owner);
// Hashed with yescrypt and a new salt. 0 or -EIO.
int password_make(const struct rollcall_secret *typed, enum password_kind kind, int64_t now,
                  struct password_factor *ret);
// The same work where there is none.
bool password_fits(const struct password_factor *p, const struct rollcall_secret *typed);
// Older than `age` seconds; 0: never.
bool password_aged(const struct password_factor *p, uint64_t age, int64_t now);

#endif
