// SPDX-License-Identifier: BSD-2-Clause
// What was shown, and how strong that is. Pure. The table is in docs/configuration.md.
#ifndef ROLLCALL_VERIFIER_STRENGTH_H
#define ROLLCALL_VERIFIER_STRENGTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rollcall/config.h"

#define PROOF_KEY          0x01u // an SSH key, by sshd
#define PROOF_HARDWARE_KEY 0x02u // an SSH hardware key that is vouched for
#define PROOF_PASSWORD     0x04u
#define PROOF_CODE         0x08u // of an app, a recovery code, an access code
#define PROOF_FIDO2        0x10u // touched
#define PROOF_FIDO2_UV     0x20u // touched, and it knows its user

enum strength {
    STRENGTH_NONE = 0,
    STRENGTH_SINGLE = 1,
    STRENGTH_MULTI = 2,
    STRENGTH_PHISHING_RESISTANT = 3,
};

enum strength strength_of(unsigned proof);
// The configuration's word; NONE for NULL and for what is no such word.
enum strength strength_named(const char *word);
// What a service asks for. Of a `config` that cannot be read (NULL) nobody knows that: the most.
enum strength strength_required(const struct rollcall_config *config, const char *service);

// ---- what sshd says of a login that is under way (SSH_AUTH_INFO_0) ----
#define SSH_BINDING_LEN     32
#define SSH_FINGERPRINT_LEN 64 // "SHA256:" and 43 letters

struct ssh_evidence {
    unsigned n;                            // keys that were shown
    bool hardware;                         // all of them live in hardware
    char fingerprint[SSH_FINGERPRINT_LEN]; // of the last one
    uint8_t binding[SSH_BINDING_LEN];      // of these keys, from this address
};
// Of a key's base 64, as `ssh-keygen -l` shows it; false where it is none.
bool ssh_fingerprint(const char *blob, size_t len, char ret[SSH_FINGERPRINT_LEN]);
// Nothing is shown where it does not say so in sshd's own form.
void ssh_evidence_read(const char *auth_info, const char *rhost, struct ssh_evidence *ret);

#endif
