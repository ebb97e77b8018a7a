// SPDX-License-Identifier: BSD-2-Clause
// A SecurityKeyProvider for ssh and ssh-keygen in tests: hardware keys of software, by
// OpenSSH's PROTOCOL.u2f. The key handle holds the private key itself. What the file
// /tmp/sk-soft-flags says is what it claims of its user; without it 5, presence and
// verification.
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/softkey/softkey_crypto.h"

#define ALG_ECDSA   0
#define ALG_ED25519 1
#define VERSION     0x000a0000

struct enrolled {
    uint8_t flags;
    uint8_t *public_key;
    size_t public_key_len;
    uint8_t *key_handle;
    size_t key_handle_len;
    uint8_t *signature;
    size_t signature_len;
    uint8_t *attestation_cert;
    size_t attestation_cert_len;
    uint8_t *authdata;
    size_t authdata_len;
};

struct signed_data {
    uint8_t flags;
    uint32_t counter;
    uint8_t *sig_r;
    size_t sig_r_len;
    uint8_t *sig_s;
    size_t sig_s_len;
};

struct option;

uint32_t sk_api_version(void);
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application,
              uint8_t flags, const char *pin, struct option **options, struct enrolled **ret);
int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application,
            const uint8_t *key_handle, size_t key_handle_len, uint8_t flags, const char *pin,
            struct option **options, struct signed_data **ret);
int sk_load_resident_keys(const char *pin, struct option **options, void ***ret, size_t *ret_n);

static uint8_t *copy(const void *p, size_t n)
{
    uint8_t *r = calloc(1, n ? n : 1);

    if (!r)
        abort();
    memcpy(r, p, n);
    return r;
}

uint32_t sk_api_version(void)
{
    return VERSION;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application,
              uint8_t flags, const char *pin, struct option **options, struct enrolled **ret)
{
    struct softkey_credential c = {.eddsa = alg == ALG_ED25519};
    struct enrolled *e = calloc(1, sizeof(*e));
    uint8_t point[65] = {4};

    (void)challenge;
    (void)challenge_len;
    (void)application;
    (void)pin;
    (void)options;
    if (!e)
        return -1;
    crypto_fill(&c);
    crypto_public_of(&c, point + 1);
    e->flags = flags;
    e->public_key_len = c.eddsa ? 32 : 65;
    e->public_key = copy(c.eddsa ? point + 1 : point, e->public_key_len);
    e->key_handle_len = c.der_len;
    e->key_handle = copy(c.der, c.der_len);
    e->signature = copy("", 0);
    e->attestation_cert = copy("", 0);
    e->authdata = copy("", 0);
    *ret = e;
    return 0;
}

// DER of two numbers into r and s, without leading zeros' trouble: OpenSSH takes them as bignums.
static void split(const uint8_t *der, struct signed_data *s)
{
    size_t r_len = der[3];

    s->sig_r = copy(der + 4, r_len);
    s->sig_r_len = r_len;
    s->sig_s_len = der[4 + r_len + 1];
    s->sig_s = copy(der + 4 + r_len + 2, s->sig_s_len);
}

static uint8_t claimed_flags(void)
{
    FILE *f = fopen("/tmp/sk-soft-flags", "re");
    int c = f ? fgetc(f) : '5';

    if (f)
        fclose(f);
    return (uint8_t)(c - '0');
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application,
            const uint8_t *key_handle, size_t key_handle_len, uint8_t flags, const char *pin,
            struct option **options, struct signed_data **ret)
{
    struct signed_data *s = calloc(1, sizeof(*s));
    uint8_t m[69], sig[128];
    size_t n;

    (void)flags;
    (void)pin;
    (void)options;
    if (!s)
        return -1;
    s->flags = claimed_flags();
    s->counter = 1;
    SHA256((const uint8_t *)application, strlen(application), m);
    m[32] = s->flags;
    memcpy(m + 33, "\0\0\0\1", 4);
    SHA256(data, data_len, m + 37);
    n = crypto_sign(key_handle, key_handle_len, alg == ALG_ED25519, m, sizeof(m), sig);
    if (alg == ALG_ED25519) {
        s->sig_r = copy(sig, n);
        s->sig_r_len = n;
    } else {
        split(sig, s);
    }
    *ret = s;
    return 0;
}

int sk_load_resident_keys(const char *pin, struct option **options, void ***ret, size_t *ret_n)
{
    (void)pin;
    (void)options;
    *ret = NULL;
    *ret_n = 0;
    return 0;
}
