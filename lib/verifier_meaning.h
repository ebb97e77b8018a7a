// SPDX-License-Identifier: BSD-2-Clause
// What the files of the verifier's client share.
#ifndef ROLLCALL_VERIFIER_MEANING_H
#define ROLLCALL_VERIFIER_MEANING_H

#include "rollcall/protocol.h"

// A result's code as 0 or a negative errno.
int rollcall_verifier_meaning(int64_t code);
// Asks, and returns the code's meaning; the result stands in *packet.
int rollcall_verifier_ask(struct rollcall_packet *packet);

#endif
