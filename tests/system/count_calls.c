// SPDX-License-Identifier: BSD-2-Clause
// Loaded before a verifier by LD_PRELOAD: how often it computes, so that a test can tell that
// it computes as much for one person as for another. Written to $COUNT_TO at its end, which is
// opened at its start, while the verifier is root.
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int out = -1;
static unsigned scrypts, totps, updates;

static void *real(const char *name)
{
    void *at = dlsym(RTLD_NEXT, name);

    if (!at)
        abort();
    return at;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("COUNT_TO");

    if (path)
        out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

__attribute__((destructor)) static void end(void)
{
    dprintf(out, "EVP_PBE_scrypt %u\noath_totp_generate2 %u\ncipher %u\n", scrypts, totps, updates);
}

#pragma GCC visibility push(default)
int EVP_PBE_scrypt(const char *pass, size_t plen, const unsigned char *salt, size_t slen,
                   uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
                   size_t klen)
{
    int (*f)(const char *, size_t, const unsigned char *, size_t, uint64_t, uint64_t, uint64_t,
             uint64_t, unsigned char *, size_t);

    *(void **)&f = real("EVP_PBE_scrypt");
    scrypts++;
    return f(pass, plen, salt, slen, n, r, p, max, key, klen);
}

int oath_totp_generate2(const char *s, size_t len, time_t now, unsigned step, time_t start,
                        unsigned digits, int flags, char *ret);
int oath_totp_generate2(const char *s, size_t len, time_t now, unsigned step, time_t start,
                        unsigned digits, int flags, char *ret)
{
    int (*f)(const char *, size_t, time_t, unsigned, time_t, unsigned, int, char *);

    *(void **)&f = real("oath_totp_generate2");
    totps++;
    return f(s, len, now, step, start, digits, flags, ret);
}

int EVP_EncryptUpdate(EVP_CIPHER_CTX *c, unsigned char *to, int *n, const unsigned char *from,
                      int len)
{
    int (*f)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int);

    *(void **)&f = real("EVP_EncryptUpdate");
    updates++;
    return f(c, to, n, from, len);
}
