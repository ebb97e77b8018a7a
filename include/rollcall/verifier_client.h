// SPDX-License-Identifier: BSD-2-Clause
// The verifier's door for root's programs: enrolment for `rollcall enroll`,
// destruction for the enforcer, enrolment state for `rollcall user`. Connects to
// verifier.sock, or starts the verifier itself when nobody answers, as the PAM
// module does. Packets are in rollcall/protocol.h and docs/doors.md.
#ifndef ROLLCALL_VERIFIER_CLIENT_H
#define ROLLCALL_VERIFIER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROLLCALL_ENROLL_URI_MAX 512

// A new TOTP secret for `user`, replacing an older one; all or nothing. The URI
// ("otpauth://totp/...") holds the secret: the caller erases it. 0, -ENOENT (no such
// managed account), -EACCES, -EEXIST (enrolled already, and `replace` is false),
// -ETIMEDOUT, -EPROTO.
int rollcall_verifier_enroll_totp(const char *user, bool replace, char *ret_uri, size_t uri_len);

// ---- security keys ----

#define ROLLCALL_KEY_LABEL_MAX 32
struct rollcall_key_wish {
    const char *label; // NULL: the verifier chooses
    bool pin;          // only a key that verifies its user
    bool attested;     // only a key of a maker that the host trusts
    const char *by;
    // A PIN, without echo: fills `answer`; negative errno to give up.
    int (*ask)(const char *prompt, char *answer, size_t len);
    void (*show)(const char *text); // what the person is to do
};
struct rollcall_key_facts {
    char label[ROLLCALL_KEY_LABEL_MAX], model[33]; // of an AAGUID: hexadecimal
    bool verifies_user, attested;
    bool not_counted; // its model is none of [mfa] fido2_aaguids, or no maker's word
    int64_t enrolled_at;
};
// Enrols the key that is plugged in. As above; -EACCES with the reason in `why`.
int rollcall_verifier_enroll_key(const char *user, const struct rollcall_key_wish *wish,
                                 struct rollcall_key_facts *ret, char *why, size_t why_len);
// The number of keys in `ret`, or negative errno.
int rollcall_verifier_keys(const char *user, struct rollcall_key_facts *ret, size_t max);
// -EACCES: there is no key of that label.
int rollcall_verifier_forget_key(const char *user, const char *label, const char *by);

// This host takes the SSH hardware key of that fingerprint ("SHA256:...") as a second factor
// of `user`; or does not any more. -EACCES with the reason in `why`.
int rollcall_verifier_vouch(const char *user, const char *fingerprint, bool withdraw,
                            const char *by, char *why, size_t why_len);
#define ROLLCALL_VOUCHED_MAX 8
struct rollcall_vouched_facts {
    char fingerprint[64];
    int64_t at;
};
int rollcall_verifier_vouched(const char *user, struct rollcall_vouched_facts *ret, size_t max);

// Destroys every factor and ticket of the account. 0 also when there were none.
int rollcall_verifier_destroy(uid_t uid);

#define ROLLCALL_ACCESS_CODE_MAX 24

// A new access code for `user`, good once until *ret_until; an older one is worthless from
// now on. `by` is who asked, for the audit log. The caller erases the code. As above, and
// -EACCES where the host takes none ([mfa] enrol).
int rollcall_verifier_access_code(const char *user, int64_t seconds, const char *by, char *ret_code,
                                  size_t code_len, int64_t *ret_until);
// Takes every factor, code and ticket of `user` back.
int rollcall_verifier_reset(const char *user, const char *by);

// Takes what was kept so that `user` is asked less: the password, and every ticket.
int rollcall_verifier_forget(const char *user, const char *by);

// The password that a directory took and this host kept, of a person who was locked. 0 also when
// there was none.
int rollcall_verifier_drop_cache(uid_t uid);

enum rollcall_password_kind {
    ROLLCALL_PASSWORD_NONE = 0,
    ROLLCALL_PASSWORD_LOCAL = 1,
    ROLLCALL_PASSWORD_CACHED = 2,
};
#define ROLLCALL_OFF_TOTP     0x01u
#define ROLLCALL_OFF_RECOVERY 0x02u
#define ROLLCALL_OFF_ACCESS   0x04u
#define ROLLCALL_OFF_PASSWORD 0x08u
#define ROLLCALL_OFF_FIDO2    0x10u

struct rollcall_factor_facts {
    bool totp;               // enrolled
    unsigned recovery;       // recovery codes that are left
    unsigned password;       // enum rollcall_password_kind
    int64_t access_until;    // 0: no access code
    unsigned failures;       // consecutive, at logins
    unsigned inside;         // consecutive, in sessions of the person's own
    unsigned off;            // ROLLCALL_OFF_*: failed a hundred times in a row
    int64_t throttled_until; // 0: not; INT64_MAX: switched off
};
// Is there anybody whom this host could let in now with what it has: 0, and until when at most
// (an instant, or ROLLCALL_TIME_UNSET); -EACCES: nobody; as above.
int rollcall_verifier_ready(int64_t *ret_until);
int rollcall_verifier_factors(const char *user, struct rollcall_factor_facts *ret);

#endif
