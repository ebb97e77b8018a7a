// SPDX-License-Identifier: BSD-2-Clause
// What a FIDO2 device brought back, judged: WebAuthn section 7.2 for an assertion, 7.1 for
// a new credential, by libfido2. Pure; what a device says of itself is never believed.
#ifndef ROLLCALL_VERIFIER_FIDO2_H
#define ROLLCALL_VERIFIER_FIDO2_H

#include "pam_module/verifier/credential.h"
#include "rollcall/config.h"
#include "rollcall/security_key.h"

enum fido2_verdict {
    FIDO2_WRONG,
    FIDO2_RIGHT,
    FIDO2_CLONED, // right, but its counter did not grow: two devices may hold this key
};

// Name, challenge, presence, user verification (of a key that verified its user when it was
// enrolled) and signature. `ret` the new counter and whether the user was verified now; set
// with RIGHT and CLONED.
struct fido2_proof {
    uint32_t sigcount;
    bool verified_user;
};
enum fido2_verdict fido2_judge(const struct fido_key *key,
                               const uint8_t challenge[ROLLCALL_KEY_CHALLENGE],
                               const struct rollcall_key_reply *reply, struct fido2_proof *ret);

// 32 hexadecimal digits.
#define FIDO2_MODEL_TEXT 33
void fido2_model_text(const uint8_t aaguid[16], char ret[FIDO2_MODEL_TEXT]);
// Does its model count, where only those of `models` do (as [mfa] fido2_aaguids has them; none:
// every one)? The model that a key names counts as far as a maker has signed for it.
bool fido2_model_counts(const struct rollcall_list *models, const struct fido_key *key);

struct fido2_wish {
    bool uv;                            // only a key that verifies its user
    bool attested;                      // only a key whose maker vouches for it
    const char *roots;                  // PEM file of makers' certificates, or NULL
    const struct rollcall_list *models; // only these, or NULL
    const char *label;
    int64_t now;
};
// The key as it will be kept. 0; -EBADMSG (not what was asked for, or badly signed), -ENOKEY
// (its user was not verified, and `uv`), -EKEYREJECTED (no maker of `roots`, and `attested`),
// -ENOENT (`roots` cannot be read, and `attested`), -EPERM (signed for, and none of `models`).
int fido2_accept(const struct rollcall_key_request *asked, const struct rollcall_key_reply *reply,
                 const struct fido2_wish *wish, struct fido_key *ret);

#endif
