// SPDX-License-Identifier: BSD-2-Clause
// The door between the verifier and rollcall-security-key, the program that talks to
// FIDO2 devices: docs/doors/security-key.md. It holds no key of ours and gives no verdict:
// what it brings back is bytes that the verifier checks.
#ifndef ROLLCALL_SECURITY_KEY_H
#define ROLLCALL_SECURITY_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rollcall/protocol.h"
#include "rollcall/secret.h"

#define ROLLCALL_SECURITY_KEYS 5   // of one account
#define ROLLCALL_KEY_ID_MAX    256 // bytes of a credential's id
#define ROLLCALL_KEY_RP_MAX    64  // with its NUL
#define ROLLCALL_KEY_CHALLENGE 32
#define ROLLCALL_KEY_HANDLE    16 // user.id: random, says nothing of anybody
#define ROLLCALL_KEY_PIN_MAX   63 // CTAP 2.1
#define ROLLCALL_KEY_TOUCH_S   30 // somebody's time to touch, as most keys have it too
#define ROLLCALL_KEY_PLUG_S    20 // and to plug the key in
#define ROLLCALL_KEY_AUTHDATA  1024
#define ROLLCALL_KEY_SIGNATURE 512
#define ROLLCALL_KEY_STATEMENT 2560

enum rollcall_key_status {
    ROLLCALL_KEY_DONE = 0,
    ROLLCALL_KEY_NONE = 1,         // no device is plugged in
    ROLLCALL_KEY_OTHER = 2,        // touched, but it holds none of these credentials
    ROLLCALL_KEY_PIN = 3,          // it wants a PIN, and none was given
    ROLLCALL_KEY_PIN_WRONG = 4,    // `tries` are left
    ROLLCALL_KEY_PIN_PAUSED = 5,   // take it out and put it in again
    ROLLCALL_KEY_PIN_LOCKED = 6,   // for good, until it is reset
    ROLLCALL_KEY_TIMEOUT = 7,      // nobody touched it
    ROLLCALL_KEY_SEVERAL = 8,      // at enrolment: which one?
    ROLLCALL_KEY_KNOWN = 9,        // at enrolment: it is enrolled already
    ROLLCALL_KEY_UNSUPPORTED = 10, // no FIDO2, or no algorithm that we take
    ROLLCALL_KEY_FAILED = 11,
    ROLLCALL_KEY_DENIED = 12, // by its holder, or a finger that it does not know
    ROLLCALL_KEY_STATUSES,
};

// What the person is to do, while it is not done.
enum rollcall_key_state { ROLLCALL_KEY_PLUG = 1, ROLLCALL_KEY_TOUCH = 2 };

struct rollcall_known_key {
    char rp[ROLLCALL_KEY_RP_MAX];
    uint8_t id[ROLLCALL_KEY_ID_MAX];
    size_t id_len;
};

struct rollcall_key_request {
    bool make; // else an assertion by one of `known`
    uint8_t challenge[ROLLCALL_KEY_CHALLENGE];
    struct rollcall_known_key known[ROLLCALL_SECURITY_KEYS]; // make: not on one of these again
    size_t n_known;
    int wait_s; // for a device to be plugged in
    bool has_pin;
    struct rollcall_secret pin;
    // make
    char rp[ROLLCALL_KEY_RP_MAX], user[256];
    uint8_t handle[ROLLCALL_KEY_HANDLE];
};

struct rollcall_key_reply {
    enum rollcall_key_status status;
    int tries;                               // PIN_WRONG; -1: not known
    int index;                               // assertion: which of `known`
    uint8_t authdata[ROLLCALL_KEY_AUTHDATA]; // raw
    size_t authdata_len;
    uint8_t signature[ROLLCALL_KEY_SIGNATURE]; // assertion
    size_t signature_len;
    // make
    int32_t algorithm; // COSE
    char format[32];
    uint8_t statement[ROLLCALL_KEY_STATEMENT]; // attestation, CBOR
    size_t statement_len;
};

static inline void rollcall_key_request_erase(struct rollcall_key_request *r)
{
    explicit_bzero(r, sizeof(*r));
}

// Packets of it, both ends. 0; -EMSGSIZE, -EBADMSG (a field is missing or wrong).
int rollcall_key_request_pack(const struct rollcall_key_request *r, struct rollcall_packet *ret);
int rollcall_key_request_read(const struct rollcall_packet *p, struct rollcall_key_request *ret);
int rollcall_key_reply_pack(const struct rollcall_key_reply *r, struct rollcall_packet *ret);
int rollcall_key_reply_read(const struct rollcall_packet *p, struct rollcall_key_reply *ret);

#endif
