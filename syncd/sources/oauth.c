// SPDX-License-Identifier: BSD-2-Clause
// Who we are at an API: what stands in files, and what goes with each request.
#include "syncd/sources/oauth.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/erasing.h"
#include "syncd/sources/oauth_token.h"
#include "syncd/sources/wait.h"

#define FILE_MAX  (64 * 1024)
#define NONCE_MAX 1024

// ---- files ----

// By a path into /proc, which is a link: without O_NOFOLLOW, as the launcher placed it.
static int read_file(const char *path, char **ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *bytes = fd < 0 ? NULL : calloc(1, FILE_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;

    while (bytes && len < FILE_MAX && n > 0) {
        n = read(fd, bytes + len, FILE_MAX - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (!bytes || n < 0 || len == 0 || len == FILE_MAX || memchr(bytes, 0, len)) {
        erasing_free(bytes);
        return -EINVAL;
    }
    *ret = bytes;
    return 0;
}

static int read_secret(const char *path, char **ret, char *why, size_t why_len)
{
    char *text = NULL;

    if (!path || read_file(path, &text) < 0) {
        snprintf(why, why_len, "%s",
                 path ? "the file of the secret is empty or too long, or holds a NUL"
                      : "there is no secret: write secret_file");
        return -EINVAL;
    }
    text[strcspn(text, "\r\n")] = 0;
    for (const char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            *text = 0;
    if (!*text) {
        erasing_free(text);
        snprintf(why, why_len, "the first line of the file of the secret is no secret");
        return -EINVAL;
    }
    *ret = text;
    return 0;
}

static int read_certificate(struct auth *a, char *why, size_t why_len)
{
    char *pem = NULL;
    int r;

    if (!a->set.cert_file || read_file(a->set.cert_file, &pem) < 0) {
        snprintf(why, why_len, "there is no certificate: write cert_file");
        return -EINVAL;
    }
    r = jose_certificate_read(pem, a->key, a->thumb, &a->certificate_end, why, why_len);
    erasing_free(pem); // the key may be in the same file
    return r;
}

static int read_key(struct auth *a, char *why, size_t why_len)
{
    bool by_certificate = a->set.kind == AUTH_CERTIFICATE;
    char *pem = NULL;
    int r;

    if (!a->set.key_file || read_file(a->set.key_file, &pem) < 0) {
        snprintf(why, why_len, "there is no private key: write key_file");
        return -EINVAL;
    }
    r = jose_key_read(pem, &a->key, why, why_len);
    erasing_free(pem);
    if (r < 0)
        return r;
    a->algorithm = jose_algorithm(a->key, a->set.algorithm, by_certificate);
    if (!a->algorithm) {
        snprintf(why, why_len, "the key in key_file cannot sign by %.20s", a->set.algorithm);
        return -EINVAL;
    }
    return by_certificate ? read_certificate(a, why, why_len) : 0;
}

// ---- opening ----

static bool is_oauth(const struct auth *a)
{
    return a->set.kind == AUTH_SECRET || a->set.kind == AUTH_CERTIFICATE || a->set.kind == AUTH_KEY;
}

static int check_settings(const struct auth *a, char *why, size_t why_len)
{
    const struct auth_settings *s = &a->set;
    const char *missing = NULL;

    if (s->kind == AUTH_BASIC && (!s->user || strchr(s->user, ':')))
        missing = "user, without a colon";
    if (is_oauth(a) && !s->client_id)
        missing = "client_id";
    if (is_oauth(a) && !s->token_url)
        missing = "token_url";
    if (!missing)
        return 0;
    snprintf(why, why_len, "nobody can sign in without %s", missing);
    return -EINVAL;
}

int auth_open(const struct auth_settings *settings, struct auth **ret, char *why, size_t why_len)
{
    struct auth *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return -ENOMEM;
    a->set = *settings;
    r = check_settings(a, why, why_len);
    if (r == 0 && (a->set.kind == AUTH_CERTIFICATE || a->set.kind == AUTH_KEY))
        r = read_key(a, why, why_len);
    else if (r == 0 && a->set.kind != AUTH_NONE)
        r = read_secret(a->set.secret_file, &a->secret, why, why_len);
    if (r < 0) {
        auth_close(a);
        return r;
    }
    *ret = a;
    return 0;
}

struct auth *auth_close(struct auth *a)
{
    if (!a)
        return NULL;
    erasing_free(a->secret);
    erasing_free_text(a->token);
    jose_key_free(a->key);
    jose_key_free(a->proofs);
    free(a->token_nonce);
    free(a->nonce);
    free(a);
    return NULL;
}

// ---- what goes with a request ----

static char *base64(const char *text)
{
    size_t len = strlen(text); // of one line of a file, and of a name: far from INT_MAX
    char *out = malloc((len + 2) / 3 * 4 + 1);

    if (out)
        EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
    return out;
}

char *oauth_basic(const char *user, const char *secret)
{
    _cleanup_erase_ char *pair = NULL, *coded = NULL;
    char *line;

    if (asprintf(&pair, "%s:%s", user, secret) < 0) {
        pair = NULL;
        return NULL;
    }
    coded = base64(pair);
    return coded && asprintf(&line, "Basic %s", coded) >= 0 ? line : NULL;
}

char *oauth_proof(const struct auth *a, const char *method, const char *url, const char *nonce,
                  const char *token)
{
    json_t *header = json_pack("{s:s, s:o}", "typ", "dpop+jwt", "jwk", jose_public(a->proofs));

    return jose_sign(a->proofs, "ES256", header,
                     jose_proof(method, url, nonce, token, (int64_t)time(NULL)));
}

void oauth_keep_nonce(char **to, const char *nonce)
{
    size_t len = strlen(nonce);

    for (size_t i = 0; i < len; i++)
        if (nonce[i] < 0x21 || nonce[i] > 0x7e)
            len = 0;
    if (len == 0 || len > NONCE_MAX)
        return;
    free(*to);
    *to = strdup(nonce);
}

static int with_token(struct auth *a, struct http *h, const char *method, const char *url,
                      struct auth_headers *ret, char *why, size_t why_len)
{
    int r = 0;

    if (!a->token || source_now_ms() >= a->renew_at)
        r = oauth_fetch(a, h, why, why_len);
    if (r < 0)
        return r;
    if (asprintf(&ret->authorization, "%s %s", a->bound ? "DPoP" : "Bearer", a->token) < 0) {
        ret->authorization = NULL;
        return -ENOMEM;
    }
    if (!a->bound)
        return 0;
    ret->dpop = oauth_proof(a, method, url, a->nonce, a->token);
    return ret->dpop ? 0 : -EIO;
}

int auth_headers(struct auth *a, struct http *h, const char *method, const char *url,
                 struct auth_headers *ret, char *why, size_t why_len)
{
    struct auth_headers out = {0};
    int r = 0;

    switch (a->set.kind) {
    case AUTH_NONE:
        break;
    case AUTH_BASIC:
        out.authorization = oauth_basic(a->set.user, a->secret);
        r = out.authorization ? 0 : -ENOMEM;
        break;
    case AUTH_BEARER:
    case AUTH_SSWS:
        if (asprintf(&out.authorization, "%s %s", a->set.kind == AUTH_SSWS ? "SSWS" : "Bearer",
                     a->secret) < 0) {
            out.authorization = NULL;
            r = -ENOMEM;
        }
        break;
    case AUTH_SECRET:
    case AUTH_CERTIFICATE:
    case AUTH_KEY:
        r = with_token(a, h, method, url, &out, why, why_len);
        break;
    }
    if (r < 0)
        auth_headers_done(&out);
    else
        *ret = out;
    return r;
}

void auth_headers_done(struct auth_headers *headers)
{
    erasing_free_text(headers->authorization);
    erasing_free_text(headers->dpop);
    *headers = (struct auth_headers){0};
}

bool auth_refused(struct auth *a)
{
    a->renew_at = 0;
    return is_oauth(a);
}

void auth_nonce(struct auth *a, const char *url, const char *nonce)
{
    bool of_tokens = a->set.token_url && strcmp(url, a->set.token_url) == 0;

    oauth_keep_nonce(of_tokens ? &a->token_nonce : &a->nonce, nonce);
}

int64_t auth_certificate_end(const struct auth *a)
{
    return a->certificate_end;
}
