// SPDX-License-Identifier: BSD-2-Clause
// A software authenticator for tests: CTAP 2.0 over CTAPHID, behind libfido2's own I/O
// hooks. It does what a key does, or one thing of it wrongly. No shipped program has it.
#ifndef ROLLCALL_SOFTKEY_H
#define ROLLCALL_SOFTKEY_H

#include <fido.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOFTKEY_CREDENTIALS 8
#define SOFTKEY_MESSAGE     4096

enum softkey_touch {
    SOFTKEY_TOUCHED = 0, // at once
    SOFTKEY_BY_HAND = 1, // when somebody sets `hand`; used up
    SOFTKEY_NEVER = 2,   // says that nobody came
    SOFTKEY_REFUSED = 3, // its holder said no
    SOFTKEY_HANGS = 4,   // never answers at all
};

enum softkey_fault {
    SOFTKEY_SOUND = 0,
    SOFTKEY_WRONG_RP = 1,      // signs for another name
    SOFTKEY_WRONG_KEY = 2,     // signs with another key
    SOFTKEY_NO_UV = 3,         // verified nobody, though asked to
    SOFTKEY_NO_UP = 4,         // nobody was there
    SOFTKEY_CUT = 5,           // its answers end after `cut` bytes
    SOFTKEY_OLD_CHALLENGE = 6, // signs the challenge of an earlier login
    SOFTKEY_NO_COUNTER = 7,    // counts nothing: 0 for ever
};

enum softkey_attestation {
    SOFTKEY_SELF = 0,
    SOFTKEY_NONE = 1,
    SOFTKEY_BASIC = 2,
    SOFTKEY_FORGED = 3
};

struct softkey_credential {
    uint8_t id[32], rp_hash[32];
    uint8_t der[256]; // PKCS #8 or what i2d_PrivateKey makes
    uint32_t der_len;
    uint8_t used, eddsa, reserved[2];
};

// Plain bytes: a file that holds it is a key that keeps what it knows.
struct softkey {
    uint32_t magic;
    uint32_t counter;
    uint8_t touch, hand, fault, attestation;
    uint8_t has_uv;     // a fingerprint reader, say
    uint8_t eddsa_only; // makes no ES256 credentials
    uint8_t no_cred_protect, unplugged;
    uint8_t pin_tries, pin_tries_power; // left for its life, and until it is taken out
    uint16_t cut;
    uint8_t asked; // it is blinking now
    uint8_t reserved[3];
    char pin[64]; // "": none
    uint8_t aaguid[16];
    uint8_t old_challenge[32];
    struct softkey_credential credential[SOFTKEY_CREDENTIALS];
    // SOFTKEY_BASIC: the attestation key and its certificate
    uint8_t maker_der[256], maker_certificate[1024];
    uint32_t maker_der_len, maker_certificate_len;
};
#define SOFTKEY_MAGIC 0x4b465352u

void softkey_make(struct softkey *k);
// One CTAP2 command and its answer (status byte first): the answer's length; 0: none now.
size_t softkey_command(struct softkey *k, const uint8_t *request, size_t len,
                       uint8_t ret[SOFTKEY_MESSAGE]);

// ---- softkey_hid.c ----
// Handles of libfido2 whose device is a struct softkey. `find` gives the one of a path.
void softkey_plug(struct softkey *(*find)(const char *path));
fido_dev_t *softkey_device(void);

#endif
