// SPDX-License-Identifier: BSD-2-Clause
// Who we are at an API. A token is fetched when it is needed, held in memory that is erased,
// renewed before it ends, and is in no log and no trace.
#ifndef ROLLCALL_SOURCES_OAUTH_H
#define ROLLCALL_SOURCES_OAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncd/sources/http.h"

enum auth_kind {
    AUTH_NONE,
    AUTH_BASIC,       // user and secret
    AUTH_BEARER,      // secret
    AUTH_SSWS,        // secret (Okta)
    AUTH_SECRET,      // OAuth 2.0 client credentials (RFC 6749, 4.4) with a secret
    AUTH_CERTIFICATE, // with an assertion signed by our certificate's key, x5t#S256 (Entra ID)
    AUTH_KEY,         // private_key_jwt (RFC 7523) with a registered key
};

struct auth_settings {
    enum auth_kind kind;
    const char *user;      // AUTH_BASIC
    const char *client_id; // the OAuth ones
    const char *token_url; // one of the origins
    const char *audience;  // of the assertion; NULL: token_url
    const char *scope;     // or NULL
    const char *key_id;    // `kid` of AUTH_KEY, or NULL
    const char *algorithm; // NULL: PS256 for a certificate, RS256 or ES256 by the kind of key
    bool secret_in_body;   // client_secret_post; else client_secret_basic
    // Files by path (/proc/self/fd/N): the secret's first line; PEM of key and certificate. Both
    // may be one file.
    const char *secret_file, *key_file, *cert_file;
};

// Reads the files, and erases what it does not need. -EINVAL with a sentence.
int auth_open(const struct auth_settings *settings, struct auth **ret, char *why, size_t why_len);
struct auth *auth_close(struct auth *a); // NULL; erases

// What goes with a request, for http.c: Authorization, and DPoP (RFC 9449) where the
// authorization server asked for it. Fetches a token first where none is good. Its answers:
// 0, or an error of http_send with a sentence that names what the server said.
struct auth_headers {
    char *authorization, *dpop; // or NULL
};
int auth_headers(struct auth *a, struct http *h, const char *method, const char *url,
                 struct auth_headers *ret, char *why, size_t why_len);
void auth_headers_done(struct auth_headers *headers); // erases
// The last token was refused (401): the next call fetches another. False where there is no other,
// for it is what stands in a file.
bool auth_refused(struct auth *a);
// A server gave a nonce for proofs with its answer to `url` (RFC 9449, 8 and 9).
void auth_nonce(struct auth *a, const char *url, const char *nonce);
// What an answer says of its error, for messages: never our secret, nor our token.
void auth_said(const struct auth *a, const json_t *body, char *buf, size_t len);
// When our certificate ends (AUTH_CERTIFICATE), or 0.
int64_t auth_certificate_end(const struct auth *a);

#endif
