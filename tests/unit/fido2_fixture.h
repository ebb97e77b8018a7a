// SPDX-License-Identifier: BSD-2-Clause
// Security keys from end to end but for the wire: libfido2 and our program's way with it on
// a software authenticator, and the verifier's judgement of what comes back.
#ifndef TESTS_FIDO2_FIXTURE_H
#define TESTS_FIDO2_FIXTURE_H

#include <fido.h>

#include "pam_module/security_key/device.h"
#include "pam_module/verifier/fido2.h"
#include "tests/softkey/softkey.h"

extern struct softkey plugged[3]; // each with the PIN 1234
extern size_t n_plugged;
extern unsigned told; // what the person was to do, a bit each
int plug_one_in(void **state);

// As the verifier makes it, with a fresh challenge; NULL: no PIN.
struct rollcall_key_request request(bool make, const char *pin);
void know(struct rollcall_key_request *q, const struct fido_key *k);
// By the program's own code, and through packets.
struct rollcall_key_reply carry_out(const struct rollcall_key_request *q);
int try_to_enrol(const char *pin, const struct fido2_wish *wish, struct fido_key *ret);
struct fido_key enrol(const char *pin);
struct rollcall_key_reply ask(const struct fido_key *k, const char *pin,
                              struct rollcall_key_request *q);
// A login with this key: judged, and the counter kept.
enum fido2_verdict log_in(struct fido_key *k, const char *pin);
enum rollcall_key_status status_of_login(const struct fido_key *k, const char *pin);

#endif
