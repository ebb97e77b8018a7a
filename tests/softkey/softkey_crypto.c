// SPDX-License-Identifier: BSD-2-Clause
#include "tests/softkey/softkey_crypto.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define MUST(x)                                                                                    \
    do                                                                                             \
        if (!(x))                                                                                  \
            abort();                                                                               \
    while (0)

EVP_PKEY *crypto_new_key(bool eddsa)
{
    EVP_PKEY *k = eddsa ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256");

    MUST(k);
    return k;
}

void crypto_public(const EVP_PKEY *key, bool eddsa, uint8_t ret[64])
{
    uint8_t point[65];
    size_t n = 32;

    if (eddsa) {
        MUST(EVP_PKEY_get_raw_public_key(key, ret, &n) == 1);
        return;
    }
    MUST(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) ==
             1 &&
         n == 65);
    memcpy(ret, point + 1, 64);
}

static EVP_PKEY *load(const uint8_t *der, size_t len)
{
    EVP_PKEY *k = d2i_AutoPrivateKey(NULL, &der, (long)len);

    MUST(k);
    return k;
}

static uint32_t save(EVP_PKEY *k, uint8_t der[256])
{
    int n = i2d_PrivateKey(k, NULL);

    MUST(n > 0 && n <= 256);
    i2d_PrivateKey(k, &der);
    return (uint32_t)n;
}

void crypto_public_of(const struct softkey_credential *c, uint8_t ret[64])
{
    EVP_PKEY *k = load(c->der, c->der_len);

    crypto_public(k, c->eddsa, ret);
    EVP_PKEY_free(k);
}

void crypto_fill(struct softkey_credential *c)
{
    EVP_PKEY *k = crypto_new_key(c->eddsa);

    c->der_len = save(k, c->der);
    EVP_PKEY_free(k);
}

size_t crypto_sign(const uint8_t *der, size_t der_len, bool eddsa, const uint8_t *m, size_t len,
                   uint8_t ret[128])
{
    EVP_PKEY *k = load(der, der_len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 128;

    MUST(ctx && EVP_DigestSignInit(ctx, NULL, eddsa ? NULL : EVP_sha256(), NULL, k) == 1 &&
         EVP_DigestSign(ctx, ret, &n, m, len) == 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
    return n;
}

void crypto_agree(EVP_PKEY *mine, const uint8_t theirs[64], uint8_t ret[32])
{
    uint8_t point[65] = {4}, x[32];
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *peer = NULL;
    OSSL_PARAM *params;
    size_t n = sizeof(x);

    memcpy(point + 1, theirs, 64);
    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
    params = OSSL_PARAM_BLD_to_param(b);
    MUST(EVP_PKEY_fromdata_init(ctx) == 1 &&
         EVP_PKEY_fromdata(ctx, &peer, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new(mine, NULL);
    MUST(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
         EVP_PKEY_derive(ctx, x, &n) == 1);
    SHA256(x, sizeof(x), ret);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
}

void crypto_aes(const uint8_t key[32], bool encrypt, const uint8_t *in, size_t len, uint8_t *ret)
{
    static const uint8_t iv[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    MUST(ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt) == 1 &&
         EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
         EVP_CipherUpdate(ctx, ret, &n, in, (int)len) == 1);
    EVP_CIPHER_CTX_free(ctx);
}

void crypto_hmac(const uint8_t *key, size_t key_len, const uint8_t *m, size_t len, uint8_t ret[32])
{
    MUST(HMAC(EVP_sha256(), key, (int)key_len, m, len, ret, NULL));
}

static void add_name(X509 *x)
{
    X509_NAME *name = X509_get_subject_name(x);
    static const struct {
        const char *what, *value;
    } parts[] = {
        {"C", "DE"}, {"O", "Tests"}, {"OU", "Authenticator Attestation"}, {"CN", "Softkey"}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        X509_NAME_add_entry_by_txt(name, parts[i].what, MBSTRING_ASC,
                                   (const unsigned char *)parts[i].value, -1, -1, 0);
    X509_set_issuer_name(x, name);
}

// A maker that signs for itself: its certificate is the root that a host may trust.
void crypto_make_maker(struct softkey *k)
{
    EVP_PKEY *key = crypto_new_key(false);
    uint8_t *p = k->maker_certificate;
    X509 *x = X509_new();
    int n;

    MUST(x && X509_set_version(x, 2) == 1 && X509_set_pubkey(x, key) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 10L * 365 * 86400);
    add_name(x);
    MUST(X509_sign(x, key, EVP_sha256()) > 0);
    n = i2d_X509(x, NULL);
    MUST(n > 0 && (size_t)n <= sizeof(k->maker_certificate));
    i2d_X509(x, &p);
    k->maker_certificate_len = (uint32_t)n;
    k->maker_der_len = save(key, k->maker_der);
    X509_free(x);
    EVP_PKEY_free(key);
}
