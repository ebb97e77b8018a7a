// SPDX-License-Identifier: BSD-2-Clause
// Signatures that say who we are: keys from PEM, and signed JSON (RFC 7515, compact) by cjose.
#ifndef ROLLCALL_SOURCES_JOSE_H
#define ROLLCALL_SOURCES_JOSE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define JOSE_THUMB 44 // SHA-256 in base64url, and a NUL

struct jose_key;

// The first private key of a PEM text: RSA of 2048 bits or more, or EC on P-256. -EINVAL with a
// sentence.
int jose_key_read(const char *pem, struct jose_key **ret, char *why, size_t why_len);
// A new one on P-256, or NULL.
struct jose_key *jose_key_new(void);
struct jose_key *jose_key_free(struct jose_key *k); // NULL
// x5t#S256 of the first certificate of a PEM text, which has to be of this key; and when it ends.
int jose_certificate_read(const char *pem, const struct jose_key *k, char ret_thumb[JOSE_THUMB],
                          int64_t *ret_end, char *why, size_t why_len);
// RS256 or ES256, by the kind of key; PS256 for RSA that a certificate vouches for. `wanted` (or
// NULL) is one of these, else NULL is returned.
const char *jose_algorithm(const struct jose_key *k, const char *wanted, int of_certificate);
// The public key as a JWK; a new reference, or NULL.
json_t *jose_public(const struct jose_key *k);

// Signs `claims` under `header`, to which `alg` is added. The caller erases and frees it. NULL:
// it could not be signed. Takes both references.
char *jose_sign(const struct jose_key *k, const char *algorithm, json_t *header, json_t *claims);

// 128 random bits as a UUID (version 4), for a jti. -EIO: there are none.
#define JOSE_UUID 37
int jose_uuid(char ret[JOSE_UUID]);

// What a client is known by at a token endpoint (RFC 7523, 2.2 and 3): the claims of its
// assertion. A new reference.
json_t *jose_assertion(const char *client_id, const char *audience, int64_t now, int with_nbf);
// The claims of a proof of possession (RFC 9449, 4.2) for a request: `url` counts without query
// and fragment; `nonce` and `token` or NULL. A new reference.
json_t *jose_proof(const char *method, const char *url, const char *nonce, const char *token,
                   int64_t now);

#endif
