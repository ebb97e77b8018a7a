// SPDX-License-Identifier: BSD-2-Clause
// What few logins need, and large libraries with it: a file of its own beside the verifier,
// loaded where it is used.
#ifndef ROLLCALL_VERIFIER_RARE_H
#define ROLLCALL_VERIFIER_RARE_H

#include <sys/types.h>

#include "pam_module/verifier/fido2.h"
#include "rollcall/qr.h"

struct verifier_rare {
    // fido2.h
    enum fido2_verdict (*judge)(const struct fido_key *key,
                                const uint8_t challenge[ROLLCALL_KEY_CHALLENGE],
                                const struct rollcall_key_reply *reply, struct fido2_proof *ret);
    int (*accept)(const struct rollcall_key_request *asked, const struct rollcall_key_reply *reply,
                  const struct fido2_wish *wish, struct fido_key *ret);
    // qr.h
    int (*draw)(const char *text, bool colour, struct rollcall_qr *ret);
    // Does logind know the session of this process as one that comes by network? Not without
    // logind.
    bool (*remote)(pid_t leader);
};
extern const struct verifier_rare rollcall_verifier_rare;

// NULL where it cannot be loaded; the log says why.
const struct verifier_rare *rare(void);

#endif
