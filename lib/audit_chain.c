// SPDX-License-Identifier: BSD-2-Clause
// The chain of the audit log.
#include "rollcall/audit_chain.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

int rollcall_audit_chain(const char before[ROLLCALL_CHAIN_HEX + 1], const char *text, size_t len,
                         char ret[ROLLCALL_CHAIN_HEX + 1])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
             EVP_DigestUpdate(md, before, ROLLCALL_CHAIN_HEX) == 1 &&
             EVP_DigestUpdate(md, text, len) == 1 && EVP_DigestFinal_ex(md, digest, &n) == 1;

    EVP_MD_CTX_free(md);
    if (!ok || n * 2 != ROLLCALL_CHAIN_HEX)
        return -EIO;
    for (unsigned i = 0; i < n; i++) {
        ret[2 * i] = hex[digest[i] >> 4];
        ret[2 * i + 1] = hex[digest[i] & 15];
    }
    ret[ROLLCALL_CHAIN_HEX] = 0;
    return 0;
}

int rollcall_audit_split(const char *text, size_t len, size_t *ret_len,
                         char ret[ROLLCALL_CHAIN_HEX + 1])
{
    static const char key[] = ",\"chain\":\"";
    const size_t tail = sizeof(key) - 1 + ROLLCALL_CHAIN_HEX + 2; // and "}
    const char *at = text + len - tail, *value = at + sizeof(key) - 1;

    if (len <= tail || memcmp(at, key, sizeof(key) - 1) != 0 ||
        memcmp(value + ROLLCALL_CHAIN_HEX, "\"}", 2) != 0)
        return -EBADMSG;
    if (strspn(value, "0123456789abcdef") != ROLLCALL_CHAIN_HEX)
        return -EBADMSG;
    memcpy(ret, value, ROLLCALL_CHAIN_HEX);
    ret[ROLLCALL_CHAIN_HEX] = 0;
    *ret_len = len - tail;
    return 0;
}
