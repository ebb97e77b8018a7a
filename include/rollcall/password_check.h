// SPDX-License-Identifier: BSD-2-Clause
// The door between the verifier and rollcall-password-ldap, the program that asks a
// directory about a password: docs/doors/network-child.md. It holds no secret but the one
// that was typed for this login, and its answer is a few numbers.
#ifndef ROLLCALL_PASSWORD_CHECK_H
#define ROLLCALL_PASSWORD_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rollcall/protocol.h"
#include "rollcall/secret.h"

#define ROLLCALL_CHECK_URIS_MAX  1024 // with its NUL
#define ROLLCALL_CHECK_DN_MAX    1025
#define ROLLCALL_CHECK_PATH_MAX  256
#define ROLLCALL_CHECK_SECONDS   10 // at most, for all of a question
#define ROLLCALL_CHECK_CONNECT_S 2  // to one URI

enum rollcall_check_status {
    ROLLCALL_CHECK_FAILED = 0, // what is not filled in is no yes
    ROLLCALL_CHECK_TAKEN = 1,
    ROLLCALL_CHECK_WRONG = 2,
    ROLLCALL_CHECK_MUST_CHANGE = 3, // taken, and nothing else is let before
    ROLLCALL_CHECK_EXPIRED = 4,
    ROLLCALL_CHECK_BLOCKED = 5,  // by wrong passwords; says nothing of this one
    ROLLCALL_CHECK_DISABLED = 6, // the account, or its time is over
    ROLLCALL_CHECK_NOT_HERE = 7, // hours, machines
    ROLLCALL_CHECK_UNREACHABLE = 8,
    ROLLCALL_CHECK_REJECTED = 9,   // change: not that new one
    ROLLCALL_CHECK_NO_CHANGE = 10, // change: none
    ROLLCALL_CHECK_STATUSES,
};

struct rollcall_check_request {
    bool change;
    char uris[ROLLCALL_CHECK_URIS_MAX]; // by blanks
    char ca[ROLLCALL_CHECK_PATH_MAX];   // "": the system's
    char dn[ROLLCALL_CHECK_DN_MAX];
    int seconds;
    struct rollcall_secret password;
    // change
    struct rollcall_secret fresh;
    bool active_directory; // by unicodePwd, else RFC 3062
};

struct rollcall_check_answer {
    enum rollcall_check_status status;
    int64_t expires_in; // seconds; -1: not said
    int grace;          // logins that are left with an expired one; -1: not said
};

static inline void rollcall_check_request_erase(struct rollcall_check_request *r)
{
    explicit_bzero(r, sizeof(*r));
}

// Packets of it, both ends. 0; -EMSGSIZE, -EBADMSG (a field is missing, wrong or empty).
int rollcall_check_request_pack(const struct rollcall_check_request *r,
                                struct rollcall_packet *ret);
int rollcall_check_request_read(const struct rollcall_packet *p,
                                struct rollcall_check_request *ret);
int rollcall_check_answer_pack(const struct rollcall_check_answer *a, struct rollcall_packet *ret);
int rollcall_check_answer_read(const struct rollcall_packet *p, struct rollcall_check_answer *ret);

// Was the password right, as far as the answer says?
bool rollcall_check_proves(enum rollcall_check_status status);

#endif
