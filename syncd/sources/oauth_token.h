// SPDX-License-Identifier: BSD-2-Clause
// What the files of oauth.h share.
#ifndef ROLLCALL_SOURCES_OAUTH_TOKEN_H
#define ROLLCALL_SOURCES_OAUTH_TOKEN_H

#include "syncd/sources/jose.h"
#include "syncd/sources/oauth.h"

struct auth {
    struct auth_settings set;
    char *secret;         // of a file
    struct jose_key *key; // of a file
    const char *algorithm;
    char thumb[JOSE_THUMB]; // of our certificate, or ""
    int64_t certificate_end;

    char *token;
    bool bound;       // to the key of our proofs
    int64_t renew_at; // of the monotonic clock

    bool proves;               // DPoP was asked for
    struct jose_key *proofs;   // whose key it is, made for this process
    char *token_nonce, *nonce; // of the authorization server; of the API
};

// Asks for a token, and keeps it. As auth_headers.
int oauth_fetch(struct auth *a, struct http *h, char *why, size_t why_len);
// Keeps the token of an answer of 200. -EBADMSG with a sentence.
int oauth_take(struct auth *a, json_t *body, char *why, size_t why_len);
// "Basic ...", or NULL. The caller erases it.
char *oauth_basic(const char *user, const char *secret);
// A proof for one request, or NULL; `token` or NULL. The caller frees it.
char *oauth_proof(const struct auth *a, const char *method, const char *url, const char *nonce,
                  const char *token);
// Keeps a nonce that can be one.
void oauth_keep_nonce(char **to, const char *nonce);

#endif
