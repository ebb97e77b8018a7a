// SPDX-License-Identifier: BSD-2-Clause
// CTAP 2.0: authenticatorGetInfo, MakeCredential, GetAssertion, ClientPIN (protocol one).
#include "tests/softkey/softkey.h"

#include <cbor.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "tests/softkey/softkey_crypto.h"

#define OK                  0x00
#define INVALID_CBOR        0x12
#define MISSING_PARAMETER   0x14
#define CREDENTIAL_EXCLUDED 0x19
#define UNSUPPORTED_ALG     0x26
#define OPERATION_DENIED    0x27
#define KEY_STORE_FULL      0x28
#define NO_CREDENTIALS      0x2e
#define PIN_INVALID         0x31
#define PIN_BLOCKED         0x32
#define PIN_AUTH_INVALID    0x33
#define PIN_AUTH_BLOCKED    0x34
#define PIN_NOT_SET         0x35
#define PIN_REQUIRED        0x36
#define ACTION_TIMEOUT      0x3a

#define FLAG_UP             0x01
#define FLAG_UV             0x04
#define FLAG_AT             0x40
#define FLAG_ED             0x80

// ---- writing CBOR ----

struct out {
    uint8_t *p;
    size_t n;
};

static void raw(struct out *o, const void *p, size_t n)
{
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

static void head(struct out *o, unsigned major, size_t n)
{
    uint8_t b[3] = {(uint8_t)(major << 5 | (n < 24 ? n : n < 256 ? 24 : 25)), 0, 0};

    if (n < 24) {
        raw(o, b, 1);
    } else if (n < 256) {
        b[1] = (uint8_t)n;
        raw(o, b, 2);
    } else {
        b[1] = (uint8_t)(n >> 8);
        b[2] = (uint8_t)n;
        raw(o, b, 3);
    }
}

static void number(struct out *o, int n)
{
    head(o, n < 0, (size_t)(n < 0 ? -1 - n : n));
}

static void text(struct out *o, const char *s)
{
    head(o, 3, strlen(s));
    raw(o, s, strlen(s));
}

static void bytes(struct out *o, const void *p, size_t n)
{
    head(o, 2, n);
    raw(o, p, n);
}

static void truth(struct out *o, bool b)
{
    raw(o, b ? "\xf5" : "\xf4", 1);
}

// ---- reading what libfido2 asks ----

static cbor_item_t *member(const cbor_item_t *map, int key)
{
    struct cbor_pair *p;

    if (!map || !cbor_isa_map(map))
        return NULL;
    p = cbor_map_handle(map);
    for (size_t i = 0; i < cbor_map_size(map); i++)
        if (cbor_isa_uint(p[i].key) && cbor_get_int(p[i].key) == (uint64_t)key)
            return p[i].value;
    return NULL;
}

static cbor_item_t *named(const cbor_item_t *map, const char *key)
{
    struct cbor_pair *p;

    if (!map || !cbor_isa_map(map))
        return NULL;
    p = cbor_map_handle(map);
    for (size_t i = 0; i < cbor_map_size(map); i++)
        if (cbor_isa_string(p[i].key) && cbor_string_length(p[i].key) == strlen(key) &&
            memcmp(cbor_string_handle(p[i].key), key, strlen(key)) == 0)
            return p[i].value;
    return NULL;
}

static bool is_true(const cbor_item_t *i)
{
    return i && cbor_is_bool(i) && cbor_get_bool(i);
}

static bool is_false(const cbor_item_t *i)
{
    return i && cbor_is_bool(i) && !cbor_get_bool(i);
}

static int cose_number(const cbor_item_t *i)
{
    return !i                   ? 0
           : cbor_isa_uint(i)   ? (int)cbor_get_int(i)
           : cbor_isa_negint(i) ? -1 - (int)cbor_get_int(i)
                                : 0;
}

// ---- the key ----

void softkey_make(struct softkey *k)
{
    *k = (struct softkey){.magic = SOFTKEY_MAGIC, .pin_tries = 8, .pin_tries_power = 3};
    memcpy(k->aaguid, "softkey-of-tests", 16);
    crypto_make_maker(k);
}

static struct softkey_credential *find(struct softkey *k, const uint8_t rp_hash[32],
                                       const cbor_item_t *list)
{
    for (size_t i = 0; list && i < cbor_array_size(list); i++) {
        const cbor_item_t *id = named(cbor_array_handle(list)[i], "id");
        for (int c = 0; id && c < SOFTKEY_CREDENTIALS; c++) {
            struct softkey_credential *s = &k->credential[c];
            if (s->used && memcmp(s->rp_hash, rp_hash, 32) == 0 &&
                cbor_bytestring_length(id) == sizeof(s->id) &&
                memcmp(cbor_bytestring_handle(id), s->id, sizeof(s->id)) == 0)
                return s;
        }
    }
    return NULL;
}

// 0 waits; OK, or why not.
static int touch(struct softkey *k)
{
    switch (k->touch) {
    case SOFTKEY_TOUCHED:
        return 1;
    case SOFTKEY_BY_HAND:
        if (!k->hand)
            return 0;
        k->hand = 0;
        return 1;
    case SOFTKEY_NEVER:
        return ACTION_TIMEOUT;
    case SOFTKEY_REFUSED:
        return OPERATION_DENIED;
    default:
        return 0;
    }
}

static size_t just(uint8_t *ret, int status)
{
    ret[0] = (uint8_t)status;
    return 1;
}

static size_t get_info(const struct softkey *k, uint8_t *ret)
{
    struct out o = {.p = ret, .n = 0};

    raw(&o, "\0", 1);
    head(&o, 5, 6);
    number(&o, 1);
    head(&o, 4, 1);
    text(&o, "FIDO_2_0");
    number(&o, 2);
    head(&o, 4, k->no_cred_protect ? 0 : 1);
    if (!k->no_cred_protect)
        text(&o, "credProtect");
    number(&o, 3);
    bytes(&o, k->aaguid, 16);
    number(&o, 4);
    head(&o, 5, k->has_uv ? 4 : 3);
    text(&o, "rk");
    truth(&o, true);
    text(&o, "up");
    truth(&o, true);
    if (k->has_uv) {
        text(&o, "uv");
        truth(&o, true);
    }
    text(&o, "clientPin");
    truth(&o, *k->pin);
    number(&o, 5);
    number(&o, 2048);
    number(&o, 6);
    head(&o, 4, 1);
    number(&o, 1);
    return o.n;
}

// ---- client PIN ----

static struct {
    EVP_PKEY *agreement; // of this power-up
    uint8_t token[16];
} power;

static void power_up(void)
{
    if (!power.agreement) {
        power.agreement = crypto_new_key(false);
        RAND_bytes(power.token, sizeof(power.token));
    }
}

static void cose_point(struct out *o, int alg, const uint8_t *point)
{
    head(o, 5, 5);
    number(o, 1);
    number(o, 2);
    number(o, 3);
    number(o, alg);
    number(o, -1);
    number(o, 1);
    number(o, -2);
    bytes(o, point, 32);
    number(o, -3);
    bytes(o, point + 32, 32);
}

static int check_pin(struct softkey *k, const cbor_item_t *map, uint8_t secret[32])
{
    const cbor_item_t *cose = member(map, 3), *hash = member(map, 6);
    uint8_t point[64], mine[32], theirs[16];
    const cbor_item_t *x = NULL, *y = NULL;

    if (!cose || !hash || cbor_bytestring_length(hash) != 16)
        return MISSING_PARAMETER;
    for (size_t i = 0; i < cbor_map_size(cose); i++) {
        int key = cose_number(cbor_map_handle(cose)[i].key);
        x = key == -2 ? cbor_map_handle(cose)[i].value : x;
        y = key == -3 ? cbor_map_handle(cose)[i].value : y;
    }
    if (!x || !y || cbor_bytestring_length(x) != 32 || cbor_bytestring_length(y) != 32)
        return MISSING_PARAMETER;
    if (k->pin_tries == 0)
        return PIN_BLOCKED;
    if (k->pin_tries_power == 0)
        return PIN_AUTH_BLOCKED;
    memcpy(point, cbor_bytestring_handle(x), 32);
    memcpy(point + 32, cbor_bytestring_handle(y), 32);
    crypto_agree(power.agreement, point, secret);
    crypto_aes(secret, false, cbor_bytestring_handle(hash), 16, theirs);
    SHA256((const uint8_t *)k->pin, strlen(k->pin), mine);
    k->pin_tries--;
    k->pin_tries_power--;
    if (memcmp(mine, theirs, 16) != 0)
        return k->pin_tries == 0         ? PIN_BLOCKED
               : k->pin_tries_power == 0 ? PIN_AUTH_BLOCKED
                                         : PIN_INVALID;
    k->pin_tries = 8;
    k->pin_tries_power = 3;
    return OK;
}

static size_t client_pin(struct softkey *k, const cbor_item_t *map, uint8_t *ret)
{
    struct out o = {.p = ret, .n = 0};
    uint8_t secret[32], point[64], sealed[16];
    int r;

    power_up();
    raw(&o, "\0", 1);
    head(&o, 5, 1);
    switch (cose_number(member(map, 2))) {
    case 1: // tries
        number(&o, 3);
        number(&o, k->pin_tries);
        return o.n;
    case 2: // key agreement
        crypto_public(power.agreement, false, point);
        number(&o, 1);
        cose_point(&o, -25, point);
        return o.n;
    case 5: // token
        if (!*k->pin)
            return just(ret, PIN_NOT_SET);
        r = check_pin(k, map, secret);
        if (r != OK)
            return just(ret, r);
        crypto_aes(secret, true, power.token, 16, sealed);
        number(&o, 2);
        bytes(&o, sealed, 16);
        return o.n;
    default:
        return just(ret, INVALID_CBOR);
    }
}

// Verified by PIN or by itself: FLAG_UV, 0, or a negative status.
static int verified(struct softkey *k, const cbor_item_t *auth, const uint8_t hash[32], bool uv)
{
    uint8_t want[32];

    if (!auth)
        return uv && k->has_uv ? FLAG_UV : uv ? -PIN_REQUIRED : 0;
    if (cbor_bytestring_length(auth) == 0) // how a platform asks for a touch alone
        return *k->pin ? -PIN_INVALID : -PIN_NOT_SET;
    power_up();
    crypto_hmac(power.token, sizeof(power.token), hash, 32, want);
    if (cbor_bytestring_length(auth) != 16 || memcmp(want, cbor_bytestring_handle(auth), 16) != 0)
        return -PIN_AUTH_INVALID;
    return FLAG_UV;
}

// ---- authenticator data ----

static size_t auth_data(struct softkey *k, const uint8_t rp_hash[32], uint8_t flags, uint8_t *ret)
{
    uint32_t n = k->fault == SOFTKEY_NO_COUNTER ? 0 : ++k->counter;

    memcpy(ret, rp_hash, 32);
    if (k->fault == SOFTKEY_WRONG_RP)
        SHA256((const uint8_t *)"elsewhere.example", 17, ret);
    if (k->fault == SOFTKEY_NO_UV)
        flags &= (uint8_t)~FLAG_UV;
    if (k->fault == SOFTKEY_NO_UP)
        flags &= (uint8_t)~FLAG_UP;
    ret[32] = flags;
    for (int i = 0; i < 4; i++)
        ret[33 + i] = (uint8_t)(n >> (24 - 8 * i));
    return 37;
}

static size_t signature(struct softkey *k, const struct softkey_credential *c, const uint8_t *auth,
                        size_t len, const uint8_t hash[32], uint8_t *ret)
{
    uint8_t m[1200];

    memcpy(m, auth, len);
    memcpy(m + len, k->fault == SOFTKEY_OLD_CHALLENGE ? k->old_challenge : hash, 32);
    memcpy(k->old_challenge, k->fault == SOFTKEY_OLD_CHALLENGE ? k->old_challenge : hash, 32);
    if (k->fault == SOFTKEY_WRONG_KEY) {
        struct softkey_credential other = {.eddsa = c->eddsa};
        crypto_fill(&other);
        return crypto_sign(other.der, other.der_len, other.eddsa, m, len + 32, ret);
    }
    return crypto_sign(c->der, c->der_len, c->eddsa, m, len + 32, ret);
}

// ---- commands ----

static int pick_algorithm(const struct softkey *k, const cbor_item_t *list)
{
    for (size_t i = 0; list && i < cbor_array_size(list); i++) {
        int alg = cose_number(named(cbor_array_handle(list)[i], "alg"));
        if ((alg == COSE_ES256 && !k->eddsa_only) || alg == COSE_EDDSA)
            return alg;
    }
    return 0;
}

static size_t new_auth_data(struct softkey *k, const struct softkey_credential *c, uint8_t flags,
                            bool protect, uint8_t *ret)
{
    uint8_t point[64];
    struct out o = {.p = ret, .n = 0};

    o.n = auth_data(k, c->rp_hash, (uint8_t)(flags | FLAG_AT | (protect ? FLAG_ED : 0)), ret);
    raw(&o, k->aaguid, 16);
    raw(&o, "\0\x20", 2);
    raw(&o, c->id, 32);
    crypto_public_of(c, point);
    if (c->eddsa) {
        head(&o, 5, 4);
        number(&o, 1);
        number(&o, 1);
        number(&o, 3);
        number(&o, COSE_EDDSA);
        number(&o, -1);
        number(&o, 6);
        number(&o, -2);
        bytes(&o, point, 32);
    } else {
        cose_point(&o, COSE_ES256, point);
    }
    if (protect) {
        head(&o, 5, 1);
        text(&o, "credProtect");
        number(&o, 2);
    }
    return o.n;
}

static void attest(struct softkey *k, const struct softkey_credential *c, const uint8_t *auth,
                   size_t len, const uint8_t hash[32], struct out *o)
{
    bool basic = k->attestation == SOFTKEY_BASIC || k->attestation == SOFTKEY_FORGED;
    uint8_t m[1200], sig[128];
    size_t n;

    if (k->attestation == SOFTKEY_NONE) {
        head(o, 5, 0);
        return;
    }
    memcpy(m, auth, len);
    memcpy(m + len, hash, 32);
    n = basic ? crypto_sign(k->maker_der, k->maker_der_len, false, m, len + 32, sig)
              : crypto_sign(c->der, c->der_len, c->eddsa, m, len + 32, sig);
    if (k->attestation == SOFTKEY_FORGED)
        sig[n - 1] ^= 1;
    head(o, 5, basic ? 3 : 2);
    text(o, "alg");
    number(o, basic || !c->eddsa ? COSE_ES256 : COSE_EDDSA);
    text(o, "sig");
    bytes(o, sig, n);
    if (basic) {
        text(o, "x5c");
        head(o, 4, 1);
        bytes(o, k->maker_certificate, k->maker_certificate_len);
    }
}

static size_t make_credential(struct softkey *k, const cbor_item_t *map, uint8_t *ret)
{
    const cbor_item_t *hash = member(map, 1), *rp = named(member(map, 2), "id");
    bool protect = !k->no_cred_protect && named(member(map, 6), "credProtect");
    struct softkey_credential *c = NULL;
    uint8_t auth[1000], rp_hash[32];
    struct out o = {.p = ret, .n = 0};
    int t, uv, alg = pick_algorithm(k, member(map, 4));
    size_t n;

    if (!hash || !rp)
        return just(ret, MISSING_PARAMETER);
    SHA256(cbor_string_handle(rp), cbor_string_length(rp), rp_hash);
    t = touch(k);
    if (t != 1)
        return t == 0 ? 0 : just(ret, t);
    uv = verified(k, member(map, 8), cbor_bytestring_handle(hash),
                  is_true(named(member(map, 7), "uv")));
    if (uv < 0)
        return just(ret, -uv);
    if (alg == 0)
        return just(ret, UNSUPPORTED_ALG);
    if (find(k, rp_hash, member(map, 5)))
        return just(ret, CREDENTIAL_EXCLUDED);
    for (int i = 0; i < SOFTKEY_CREDENTIALS && !c; i++)
        if (!k->credential[i].used)
            c = &k->credential[i];
    if (!c)
        return just(ret, KEY_STORE_FULL);
    *c = (struct softkey_credential){.used = 1, .eddsa = alg == COSE_EDDSA};
    RAND_bytes(c->id, sizeof(c->id));
    memcpy(c->rp_hash, rp_hash, 32);
    crypto_fill(c);
    n = new_auth_data(k, c, (uint8_t)(FLAG_UP | uv), protect, auth);
    raw(&o, "\0", 1);
    head(&o, 5, 3);
    number(&o, 1);
    text(&o, k->attestation == SOFTKEY_NONE ? "none" : "packed");
    number(&o, 2);
    bytes(&o, auth, n);
    number(&o, 3);
    attest(k, c, auth, n, cbor_bytestring_handle(hash), &o);
    return o.n;
}

static size_t get_assertion(struct softkey *k, const cbor_item_t *map, uint8_t *ret)
{
    const cbor_item_t *hash = member(map, 2), *rp = member(map, 1), *options = member(map, 5);
    const struct softkey_credential *c;
    uint8_t auth[64], rp_hash[32], sig[128];
    bool up = !is_false(named(options, "up"));
    struct out o = {.p = ret, .n = 0};
    int t, uv;
    size_t n;

    if (!hash || !rp)
        return just(ret, MISSING_PARAMETER);
    SHA256(cbor_string_handle(rp), cbor_string_length(rp), rp_hash);
    uv = verified(k, member(map, 6), cbor_bytestring_handle(hash), is_true(named(options, "uv")));
    if (uv < 0)
        return just(ret, -uv);
    c = find(k, rp_hash, member(map, 3));
    if (!c)
        return just(ret, NO_CREDENTIALS);
    t = up ? touch(k) : 1;
    if (t != 1)
        return t == 0 ? 0 : just(ret, t);
    n = auth_data(k, rp_hash, (uint8_t)((up ? FLAG_UP : 0) | uv), auth);
    raw(&o, "\0", 1);
    head(&o, 5, 3);
    number(&o, 1);
    head(&o, 5, 2);
    text(&o, "id");
    bytes(&o, c->id, sizeof(c->id));
    text(&o, "type");
    text(&o, "public-key");
    number(&o, 2);
    bytes(&o, auth, n);
    n = signature(k, c, auth, n, cbor_bytestring_handle(hash), sig);
    number(&o, 3);
    bytes(&o, sig, n);
    return o.n;
}

size_t softkey_command(struct softkey *k, const uint8_t *request, size_t len,
                       uint8_t ret[SOFTKEY_MESSAGE])
{
    struct cbor_load_result loaded;
    cbor_item_t *map;
    size_t n;

    if (len == 0)
        return just(ret, INVALID_CBOR);
    if (request[0] == 4)
        return get_info(k, ret);
    map = cbor_load(request + 1, len - 1, &loaded);
    if (!map || !cbor_isa_map(map))
        n = just(ret, INVALID_CBOR);
    else
        n = request[0] == 1   ? make_credential(k, map, ret)
            : request[0] == 2 ? get_assertion(k, map, ret)
            : request[0] == 6 ? client_pin(k, map, ret)
                              : just(ret, 0x01);
    if (map)
        cbor_decref(&map);
    return n;
}
