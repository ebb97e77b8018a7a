// SPDX-License-Identifier: BSD-2-Clause
// For programs linked with --wrap=EVP_PBE_scrypt: the work factor is not what they try.
#include "tests/faults/cheap_scrypt.h"

#include <openssl/evp.h>
#include <stdint.h>

__attribute__((weak)) bool cheap_scrypt_fails(void)
{
    return false;
}

int __real_EVP_PBE_scrypt(const char *pass, size_t plen, const unsigned char *salt, size_t slen,
                          uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
                          size_t klen);
int __wrap_EVP_PBE_scrypt(const char *pass, size_t plen, const unsigned char *salt, size_t slen,
                          uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
                          size_t klen);

int __wrap_EVP_PBE_scrypt(const char *pass, size_t plen, const unsigned char *salt, size_t slen,
                          uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
                          size_t klen)
{
    (void)n;
    if (cheap_scrypt_fails())
        return 0;
    return __real_EVP_PBE_scrypt(pass, plen, salt, slen, 16, r, p, max, key, klen);
}
