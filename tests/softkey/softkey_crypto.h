// SPDX-License-Identifier: BSD-2-Clause
// OpenSSL for the software authenticator.
#ifndef ROLLCALL_SOFTKEY_CRYPTO_H
#define ROLLCALL_SOFTKEY_CRYPTO_H

#include <openssl/evp.h>

#include "tests/softkey/softkey.h"

EVP_PKEY *crypto_new_key(bool eddsa);
void crypto_public(const EVP_PKEY *key, bool eddsa, uint8_t ret[64]);
void crypto_public_of(const struct softkey_credential *c, uint8_t ret[64]);
void crypto_fill(struct softkey_credential *c); // a new private key
size_t crypto_sign(const uint8_t *der, size_t der_len, bool eddsa, const uint8_t *m, size_t len,
                   uint8_t ret[128]);
void crypto_agree(EVP_PKEY *mine, const uint8_t theirs[64], uint8_t ret[32]); // PIN protocol one
void crypto_aes(const uint8_t key[32], bool encrypt, const uint8_t *in, size_t len, uint8_t *ret);
void crypto_hmac(const uint8_t *key, size_t key_len, const uint8_t *m, size_t len, uint8_t ret[32]);
void crypto_make_maker(struct softkey *k);

#endif
