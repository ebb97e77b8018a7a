// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/verifier/fido2_maker.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

// id-fido-gen-ce-aaguid: the model that the certificate speaks for, an octet string in one.
static bool other_model(X509 *x, const uint8_t aaguid[16])
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
    int at = oid ? X509_get_ext_by_OBJ(x, oid, -1) : -1;
    const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));
    bool other = value && (ASN1_STRING_length(value) != 18 ||
                           memcmp(ASN1_STRING_get0_data(value), "\x04\x10", 2) != 0 ||
                           memcmp(ASN1_STRING_get0_data(value) + 2, aaguid, 16) != 0);

    ASN1_OBJECT_free(oid);
    return !oid || other;
}

static int verify(X509_STORE *store, X509 *x)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int r = -EKEYREJECTED;

    if (ctx && X509_STORE_CTX_init(ctx, store, x, NULL) == 1) {
        // A maker may trust a line of keys, not a root above all of them; a key's certificate
        // outlives its dates, for nobody renews what stands in a key.
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
        if (X509_verify_cert(ctx) == 1)
            r = 0;
    }
    X509_STORE_CTX_free(ctx);
    return r;
}

int fido2_maker_known(const char *roots, const uint8_t *certificate, size_t len,
                      const uint8_t aaguid[16])
{
    X509_STORE *store = X509_STORE_new();
    X509 *x = d2i_X509(NULL, &certificate, (long)len);
    int r = -EKEYREJECTED;

    if (!store || X509_STORE_load_file(store, roots) != 1)
        r = -ENOENT;
    else if (x && !other_model(x, aaguid))
        r = verify(store, x);
    X509_free(x);
    X509_STORE_free(store);
    return r;
}

int fido2_name_hash(const char *rp, uint8_t ret[32])
{
    return EVP_Q_digest(NULL, "SHA256", NULL, rp, strlen(rp), ret, NULL) == 1 ? 0 : -EIO;
}
