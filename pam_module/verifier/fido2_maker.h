// SPDX-License-Identifier: BSD-2-Clause
// Who made a security key: WebAuthn 8.2.1, by OpenSSL.
#ifndef ROLLCALL_VERIFIER_FIDO2_MAKER_H
#define ROLLCALL_VERIFIER_FIDO2_MAKER_H

#include <stddef.h>
#include <stdint.h>

// The attestation certificate (DER) leads to one in the PEM file `roots`, is no authority
// itself unless it is the root, and names no other model than `aaguid`. 0, -EKEYREJECTED,
// -ENOENT (`roots` cannot be read).
int fido2_maker_known(const char *roots, const uint8_t *certificate, size_t len,
                      const uint8_t aaguid[16]);
int fido2_name_hash(const char *rp, uint8_t ret[32]);

#endif
