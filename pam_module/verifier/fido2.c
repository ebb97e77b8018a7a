// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/verifier/fido2.h"

#include <errno.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <stdio.h>

#include "pam_module/verifier/fido2_maker.h"

#define UP         0x01
#define UV         0x04
#define ED         0x80 // extensions follow
#define AUTH_FLAGS 32   // WebAuthn 6.1: the name's hash, flags, counter
#define AUTH_LEAST 37

static void assert_free(fido_assert_t **a)
{
    fido_assert_free(a);
}
#define _cleanup_assert_ __attribute__((cleanup(assert_free)))

static void cred_free(fido_cred_t **c)
{
    fido_cred_free(c);
}
#define _cleanup_cred_ __attribute__((cleanup(cred_free)))

// ---- assertion ----

// All that is checked is set here, on an assertion that no device has touched. libfido2
// looks at presence and verification only where the option is TRUE.
static fido_assert_t *fill(const struct fido_key *key, const uint8_t *challenge,
                           const struct rollcall_key_reply *reply, bool uv)
{
    fido_assert_t *a = fido_assert_new();

    if (a && (fido_assert_set_count(a, 1) != FIDO_OK ||
              fido_assert_set_clientdata_hash(a, challenge, ROLLCALL_KEY_CHALLENGE) != FIDO_OK ||
              fido_assert_set_rp(a, key->rp) != FIDO_OK ||
              fido_assert_set_up(a, FIDO_OPT_TRUE) != FIDO_OK ||
              fido_assert_set_uv(a, uv ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) != FIDO_OK ||
              fido_assert_set_authdata_raw(a, 0, reply->authdata, reply->authdata_len) != FIDO_OK ||
              fido_assert_set_sig(a, 0, reply->signature, reply->signature_len) != FIDO_OK))
        fido_assert_free(&a);
    return a;
}

static int verify_es256(const fido_assert_t *a, const struct fido_key *key)
{
    es256_pk_t *pk = es256_pk_new();
    int r = pk ? es256_pk_from_ptr(pk, key->pk, key->pk_len) : FIDO_ERR_INTERNAL;

    if (r == FIDO_OK)
        r = fido_assert_verify(a, 0, COSE_ES256, pk);
    es256_pk_free(&pk);
    return r;
}

static int verify_eddsa(const fido_assert_t *a, const struct fido_key *key)
{
    eddsa_pk_t *pk = eddsa_pk_new();
    int r = pk ? eddsa_pk_from_ptr(pk, key->pk, key->pk_len) : FIDO_ERR_INTERNAL;

    if (r == FIDO_OK)
        r = fido_assert_verify(a, 0, COSE_EDDSA, pk);
    eddsa_pk_free(&pk);
    return r;
}

enum fido2_verdict fido2_judge(const struct fido_key *key,
                               const uint8_t challenge[ROLLCALL_KEY_CHALLENGE],
                               const struct rollcall_key_reply *reply, struct fido2_proof *ret)
{
    bool uv = key->flags & FIDO_FLAG_UV;
    _cleanup_assert_ fido_assert_t *a = NULL;
    int r = FIDO_ERR_INTERNAL;
    uint32_t n;

    if (key->id_len == 0 || reply->status != ROLLCALL_KEY_DONE || reply->authdata_len < AUTH_LEAST)
        return FIDO2_WRONG;
    a = fill(key, challenge, reply, uv);
    if (a && key->alg == COSE_ES256)
        r = verify_es256(a, key);
    if (a && key->alg == COSE_EDDSA)
        r = verify_eddsa(a, key);
    if (r != FIDO_OK || !(fido_assert_flags(a, 0) & UP) || (uv && !(fido_assert_flags(a, 0) & UV)))
        return FIDO2_WRONG;
    n = fido_assert_sigcount(a, 0);
    *ret = (struct fido2_proof){.sigcount = n, .verified_user = fido_assert_flags(a, 0) & UV};
    // A key that counts nothing says 0 for ever.
    if (n > key->sigcount || (n == 0 && key->sigcount == 0))
        return FIDO2_RIGHT;
    return FIDO2_CLONED;
}

// ---- a new credential ----

static fido_cred_t *fill_new(const struct rollcall_key_request *asked,
                             const struct rollcall_key_reply *reply)
{
    bool extended = reply->authdata[AUTH_FLAGS] & ED; // credProtect is all that was asked for
    fido_cred_t *c = fido_cred_new();
    int r = c ? fido_cred_set_type(c, reply->algorithm) : FIDO_ERR_INTERNAL;

    if (r == FIDO_OK)
        r = fido_cred_set_clientdata_hash(c, asked->challenge, sizeof(asked->challenge));
    if (r == FIDO_OK)
        r = fido_cred_set_rp(c, asked->rp, asked->rp);
    if (r == FIDO_OK && extended)
        r = fido_cred_set_prot(c, FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID);
    if (r == FIDO_OK)
        r = fido_cred_set_authdata_raw(c, reply->authdata, reply->authdata_len);
    if (r == FIDO_OK)
        r = fido_cred_set_fmt(c, reply->format);
    if (r == FIDO_OK && reply->statement_len > 0)
        r = fido_cred_set_attstmt(c, reply->statement, reply->statement_len);
    if (r != FIDO_OK)
        fido_cred_free(&c);
    return c;
}

// 1: a maker signed; 0: the key itself, or nobody; -EBADMSG.
static int check_statement(const fido_cred_t *c)
{
    if (strcmp(fido_cred_fmt(c), "none") == 0) // nothing is signed, and nothing is claimed
        return 0;
    if (fido_cred_x5c_ptr(c))
        return fido_cred_verify(c) == FIDO_OK ? 1 : -EBADMSG;
    return fido_cred_verify_self(c) == FIDO_OK ? 0 : -EBADMSG;
}

// The name's hash is part of what a statement signs; where none does, it is looked at here.
static bool for_this_name(const struct rollcall_key_request *asked,
                          const struct rollcall_key_reply *reply)
{
    uint8_t hash[32];

    return fido2_name_hash(asked->rp, hash) == 0 &&
           memcmp(hash, reply->authdata, sizeof(hash)) == 0;
}

static int keep(const fido_cred_t *c, const struct rollcall_key_request *asked,
                const struct rollcall_key_reply *reply, const struct fido2_wish *wish,
                struct fido_key *ret)
{
    struct fido_key k = {.enrolled_at = wish->now,
                         .alg = reply->algorithm,
                         .sigcount = fido_cred_sigcount(c),
                         .id_len = (uint16_t)fido_cred_id_len(c),
                         .pk_len = (uint16_t)fido_cred_pubkey_len(c)};

    if (fido_cred_id_len(c) == 0 || fido_cred_id_len(c) > sizeof(k.id) ||
        fido_cred_pubkey_len(c) == 0 || fido_cred_pubkey_len(c) > sizeof(k.pk) ||
        fido_cred_aaguid_len(c) != sizeof(k.aaguid))
        return -EBADMSG;
    memcpy(k.id, fido_cred_id_ptr(c), k.id_len);
    memcpy(k.pk, fido_cred_pubkey_ptr(c), k.pk_len);
    memcpy(k.aaguid, fido_cred_aaguid_ptr(c), sizeof(k.aaguid));
    snprintf(k.label, sizeof(k.label), "%s", wish->label);
    snprintf(k.rp, sizeof(k.rp), "%s", asked->rp);
    if (reply->authdata[AUTH_FLAGS] & UV)
        k.flags |= FIDO_FLAG_UV;
    if (asked->has_pin)
        k.flags |= FIDO_FLAG_PIN;
    *ret = k;
    return 0;
}

int fido2_accept(const struct rollcall_key_request *asked, const struct rollcall_key_reply *reply,
                 const struct fido2_wish *wish, struct fido_key *ret)
{
    _cleanup_cred_ fido_cred_t *c = NULL;
    struct fido_key k;
    int maker, r;

    if (reply->status != ROLLCALL_KEY_DONE || reply->authdata_len < AUTH_LEAST ||
        (reply->algorithm != COSE_ES256 && reply->algorithm != COSE_EDDSA))
        return -EBADMSG;
    c = fill_new(asked, reply);
    if (!c || !(reply->authdata[AUTH_FLAGS] & UP) || !for_this_name(asked, reply))
        return -EBADMSG;
    maker = check_statement(c);
    if (maker < 0)
        return maker;
    r = keep(c, asked, reply, wish, &k);
    if (r < 0)
        return r;
    if (wish->uv && !(k.flags & FIDO_FLAG_UV))
        return -ENOKEY;
    r = maker && wish->roots
            ? fido2_maker_known(wish->roots, fido_cred_x5c_ptr(c), fido_cred_x5c_len(c), k.aaguid)
            : -EKEYREJECTED;
    if (r == 0)
        k.flags |= FIDO_FLAG_ATTESTED;
    else if (wish->attested || (wish->models && wish->models->n > 0))
        return wish->roots ? r : -ENOENT;
    if (!fido2_model_counts(wish->models, &k))
        return -EPERM;
    *ret = k;
    return 0;
}
