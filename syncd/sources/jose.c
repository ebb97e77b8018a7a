// SPDX-License-Identifier: BSD-2-Clause
// Keys and signatures. cjose signs; OpenSSL reads PEM and certificates, which cjose does not.
#include "syncd/sources/jose.h"

#include <cjose/cjose.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/random.h"
#include "syncd/sources/http_text.h"

#define LIFE     300 // seconds that an assertion is good for
#define RSA_MIN  2048
#define PART_MAX 1024 // bytes of a number of a key: RSA of 8192 bits
#define URL_MAX  8192

struct jose_key {
    cjose_jwk_t *jwk;
    EVP_PKEY *pkey; // to compare with a certificate; NULL of a new one
    bool rsa;
};

// ---- keys ----

// A password is asked of nobody.
static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

struct part {
    uint8_t bytes[PART_MAX];
    size_t len;
};

static bool take_part(const EVP_PKEY *pkey, const char *name, size_t width, struct part *ret)
{
    BIGNUM *n = NULL;
    int len = -1;

    if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_num_bytes(n) <= PART_MAX)
        len = width ? BN_bn2binpad(n, ret->bytes, (int)width) : BN_bn2bin(n, ret->bytes);
    BN_clear_free(n);
    ret->len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static cjose_jwk_t *rsa_jwk(const EVP_PKEY *pkey)
{
    static const char *const names[8] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    struct part p[8];
    cjose_jwk_t *jwk = NULL;
    bool whole = true;

    for (size_t i = 0; i < 8; i++)
        whole = take_part(pkey, names[i], 0, &p[i]) && whole;
    if (whole)
        jwk = cjose_jwk_create_RSA_spec(&(cjose_jwk_rsa_keyspec){.n = p[0].bytes,
                                                                 .nlen = p[0].len,
                                                                 .e = p[1].bytes,
                                                                 .elen = p[1].len,
                                                                 .d = p[2].bytes,
                                                                 .dlen = p[2].len,
                                                                 .p = p[3].bytes,
                                                                 .plen = p[3].len,
                                                                 .q = p[4].bytes,
                                                                 .qlen = p[4].len,
                                                                 .dp = p[5].bytes,
                                                                 .dplen = p[5].len,
                                                                 .dq = p[6].bytes,
                                                                 .dqlen = p[6].len,
                                                                 .qi = p[7].bytes,
                                                                 .qilen = p[7].len},
                                        NULL);
    explicit_bzero(p, sizeof(p));
    return jwk;
}

static cjose_jwk_t *ec_jwk(const EVP_PKEY *pkey)
{
    struct part d, x, y;
    cjose_jwk_t *jwk = NULL;

    if (take_part(pkey, OSSL_PKEY_PARAM_PRIV_KEY, 32, &d) &&
        take_part(pkey, OSSL_PKEY_PARAM_EC_PUB_X, 32, &x) &&
        take_part(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, 32, &y))
        jwk = cjose_jwk_create_EC_spec(&(cjose_jwk_ec_keyspec){.crv = CJOSE_JWK_EC_P_256,
                                                               .d = d.bytes,
                                                               .dlen = d.len,
                                                               .x = x.bytes,
                                                               .xlen = x.len,
                                                               .y = y.bytes,
                                                               .ylen = y.len},
                                       NULL);
    explicit_bzero(&d, sizeof(d));
    return jwk;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[64] = "";
    size_t len;

    return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

int jose_key_read(const char *pem, struct jose_key **ret, char *why, size_t why_len)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    struct jose_key *k = calloc(1, sizeof(*k));

    if (bio && k)
        k->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (k && k->pkey) {
        k->rsa = EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_RSA;
        if (k->rsa && EVP_PKEY_get_bits(k->pkey) >= RSA_MIN)
            k->jwk = rsa_jwk(k->pkey);
        else if (is_p256(k->pkey))
            k->jwk = ec_jwk(k->pkey);
    }
    if (k && k->jwk) {
        *ret = k;
        return 0;
    }
    snprintf(why, why_len, "%s",
             k && k->pkey
                 ? "the key in key_file is of a kind that cannot be used: RSA of 2048 bits "
                   "or more, or EC on P-256"
                 : "key_file holds no private key in PEM that is readable without a "
                   "password");
    jose_key_free(k);
    return -EINVAL;
}

struct jose_key *jose_key_new(void)
{
    struct jose_key *k = calloc(1, sizeof(*k));

    if (k)
        k->jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
    return k && k->jwk ? k : jose_key_free(k);
}

struct jose_key *jose_key_free(struct jose_key *k)
{
    if (!k)
        return NULL;
    if (k->jwk)
        cjose_jwk_release(k->jwk);
    EVP_PKEY_free(k->pkey);
    free(k);
    return NULL;
}

const char *jose_algorithm(const struct jose_key *k, const char *wanted, int of_certificate)
{
    static const char *const of_rsa[] = {"RS256", "PS256"};

    if (!k->rsa)
        return !wanted || strcmp(wanted, "ES256") == 0 ? "ES256" : NULL;
    if (!wanted)
        return of_rsa[of_certificate ? 1 : 0];
    for (size_t i = 0; i < 2; i++)
        if (strcmp(wanted, of_rsa[i]) == 0)
            return of_rsa[i];
    return NULL;
}

json_t *jose_public(const struct jose_key *k)
{
    char *text = cjose_jwk_to_json(k->jwk, false, NULL);
    json_t *jwk = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (text)
        cjose_get_dealloc()(text);
    return jwk;
}

// ---- certificates ----

static void base64url(const uint8_t *bytes, size_t len, char *ret)
{
    unsigned char coded[EVP_MAX_MD_SIZE * 2];
    size_t n = (size_t)EVP_EncodeBlock(coded, bytes, (int)len);

    while (n > 0 && coded[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++)
        ret[i] = coded[i] == '+' ? '-' : coded[i] == '/' ? '_' : (char)coded[i];
    ret[n] = 0;
}

static int64_t end_of(const X509 *x)
{
    int days = 0, seconds = 0;

    return ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) == 1
               ? (int64_t)time(NULL) + (int64_t)days * 86400 + seconds
               : 0;
}

int jose_certificate_read(const char *pem, const struct jose_key *k, char ret_thumb[JOSE_THUMB],
                          int64_t *ret_end, char *why, size_t why_len)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int r = -EINVAL;

    BIO_free(bio);
    if (!x) {
        snprintf(why, why_len, "cert_file holds no certificate in PEM");
    } else if (!k->pkey || X509_check_private_key(x, k->pkey) != 1) {
        snprintf(why, why_len, "the certificate in cert_file is not of the key in key_file");
    } else if (X509_digest(x, EVP_sha256(), digest, &len) != 1) {
        r = -ENOMEM;
    } else {
        base64url(digest, len, ret_thumb);
        *ret_end = end_of(x);
        r = 0;
    }
    X509_free(x);
    return r;
}

// ---- signing ----

static cjose_header_t *make_header(const json_t *members)
{
    cjose_header_t *header = cjose_header_new(NULL);
    bool whole = header;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)members, name, value)
    {
        // One for strings, one for objects and lists.
        _cleanup_free_ char *raw = json_dumps(value, JSON_COMPACT);
        whole = whole && (raw ? cjose_header_set_raw(header, name, raw, NULL)
                              : json_is_string(value) &&
                                    cjose_header_set(header, name, json_string_value(value), NULL));
    }
    if (whole)
        return header;
    if (header)
        cjose_header_release(header);
    return NULL;
}

char *jose_sign(const struct jose_key *k, const char *algorithm, json_t *members, json_t *claims)
{
    _cleanup_free_ char *payload = json_dumps(claims, JSON_COMPACT);
    bool whole = json_object_set_new(members, "alg", json_string(algorithm)) == 0;
    cjose_header_t *header = whole && payload ? make_header(members) : NULL;
    cjose_jws_t *jws = NULL;
    const char *text = NULL;
    char *ret = NULL;

    if (header)
        jws = cjose_jws_sign(k->jwk, header, (const uint8_t *)payload, strlen(payload), NULL);
    if (jws && cjose_jws_export(jws, &text, NULL))
        ret = strdup(text);
    if (jws)
        cjose_jws_release(jws);
    if (header)
        cjose_header_release(header);
    json_decref(members);
    json_decref(claims);
    return ret;
}

int jose_uuid(char ret[JOSE_UUID])
{
    uint8_t b[16];
    int r = rollcall_random(b, sizeof(b));

    if (r < 0)
        return r;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(ret, JOSE_UUID, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
    return 0;
}

json_t *jose_assertion(const char *client_id, const char *audience, int64_t now, int with_nbf)
{
    char id[JOSE_UUID];
    json_t *claims = NULL;

    if (jose_uuid(id) == 0)
        claims =
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", client_id, "sub", client_id, "aud",
                      audience, "jti", id, "iat", (json_int_t)now, "exp", (json_int_t)now + LIFE);
    if (claims && with_nbf)
        json_object_set_new(claims, "nbf", json_integer((json_int_t)now));
    return claims;
}

json_t *jose_proof(const char *method, const char *url, const char *nonce, const char *token,
                   int64_t now)
{
    char id[JOSE_UUID], bare[URL_MAX], hash[JOSE_THUMB];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (jose_uuid(id) < 0)
        return NULL;
    if (token) {
        if (EVP_Digest(token, strlen(token), digest, &len, EVP_sha256(), NULL) != 1)
            return NULL;
        base64url(digest, len, hash);
    }
    return json_pack("{s:s, s:s, s:s, s:I, s:s*, s:s*}", "jti", id, "htm", method, "htu",
                     http_bare(url, bare, sizeof(bare)), "iat", (json_int_t)now, "nonce", nonce,
                     "ath", token ? hash : NULL);
}
