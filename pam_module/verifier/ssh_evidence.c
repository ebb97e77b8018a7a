// SPDX-License-Identifier: BSD-2-Clause
// SSH_AUTH_INFO_0: a line for each method that succeeded, "publickey TYPE BLOB" for a key
// (auth2.c of OpenSSH).
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "pam_module/verifier/strength.h"

#define METHOD "publickey "

static void digest_free(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

// As `ssh-keygen -l` shows it: over the bytes that the base 64 stands for.
bool ssh_fingerprint(const char *blob, size_t len, char ret[SSH_FINGERPRINT_LEN])
{
    unsigned char bytes[4096], hash[SHA256_DIGEST_LENGTH], text[64];
    int n;

    if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof(bytes))
        return false;
    n = EVP_DecodeBlock(bytes, (const unsigned char *)blob, (int)len);
    for (size_t i = len; n > 0 && i > 0 && blob[i - 1] == '='; i--)
        n--;
    if (n <= 0 || !EVP_Digest(bytes, (size_t)n, hash, NULL, EVP_sha256(), NULL) ||
        EVP_EncodeBlock(text, hash, sizeof(hash)) != 44)
        return false;
    text[43] = 0; // its padding
    snprintf(ret, SSH_FINGERPRINT_LEN, "SHA256:%.43s", (const char *)text);
    return true;
}

// "TYPE BLOB..." of one line; false where it is neither.
static bool add_key(const char *line, size_t len, EVP_MD_CTX *digest, struct ssh_evidence *e)
{
    size_t type = strcspn(line, " \n"), blob;
    const char *start = line + type + 1;

    if (type == 0 || type >= len)
        return false;
    blob = strcspn(start, " \n");
    if (!ssh_fingerprint(start, blob, e->fingerprint))
        return false;
    e->hardware = (e->n == 0 || e->hardware) && strncmp(line, "sk-", 3) == 0;
    e->n++;
    return EVP_DigestUpdate(digest, line, type + 1 + blob) == 1 &&
           EVP_DigestUpdate(digest, "\n", 1) == 1;
}

void ssh_evidence_read(const char *auth_info, const char *rhost, struct ssh_evidence *ret)
{
    __attribute__((cleanup(digest_free))) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    struct ssh_evidence e = {0};
    bool ok = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;

    memset(ret, 0, sizeof(*ret));
    for (const char *line = auth_info; ok && *line;) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, METHOD, strlen(METHOD)) == 0)
            ok = add_key(line + strlen(METHOD), len - strlen(METHOD), digest, &e);
        line += len + (line[len] == '\n');
    }
    ok = ok && e.n > 0 && EVP_DigestUpdate(digest, rhost, strlen(rhost) + 1) == 1 &&
         EVP_DigestFinal_ex(digest, e.binding, NULL) == 1;
    if (ok)
        *ret = e;
}
