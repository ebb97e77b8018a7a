// SPDX-License-Identifier: BSD-2-Clause
// The seal of a credential slot: AES-256-GCM under the host key.
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "pam_module/verifier/credential.h"
#include "rollcall/random.h"
#include "rollcall/secret.h"

struct associated {
    char what[24];
    uint64_t sequence;
    uint32_t uid, slot;
};

static void cipher_free(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

static struct associated associated_of(const struct seal_place *place, uint64_t sequence)
{
    struct associated a = {.sequence = sequence, .uid = place->uid, .slot = place->slot};

    memcpy(a.what, place->what, strnlen(place->what, sizeof(a.what)));
    return a;
}

// ---- what is prepared ----

// To look a cipher up, make a context and schedule a key is several times the work of sealing
// one slot, and touches pages that a child of the parent has to copy.
static struct {
    uint8_t key[HOST_KEY_LEN];
    EVP_CIPHER_CTX *seal, *unseal; // NULL: nothing is
} prepared;

int credential_prepare(const uint8_t key[HOST_KEY_LEN])
{
    credential_forget();
    prepared.seal = EVP_CIPHER_CTX_new();
    prepared.unseal = EVP_CIPHER_CTX_new();
    if (!prepared.seal || !prepared.unseal ||
        EVP_EncryptInit_ex(prepared.seal, EVP_aes_256_gcm(), NULL, key, NULL) != 1 ||
        EVP_DecryptInit_ex(prepared.unseal, EVP_aes_256_gcm(), NULL, key, NULL) != 1) {
        credential_forget();
        return -EIO;
    }
    memcpy(prepared.key, key, HOST_KEY_LEN);
    return 0;
}

void credential_forget(void)
{
    EVP_CIPHER_CTX_free(prepared.seal); // erases the key's schedule
    EVP_CIPHER_CTX_free(prepared.unseal);
    explicit_bzero(&prepared, sizeof(prepared));
}

static bool is_prepared(const uint8_t key[HOST_KEY_LEN])
{
    return prepared.seal && rollcall_equal_ct(prepared.key, HOST_KEY_LEN, key, HOST_KEY_LEN);
}

// ---- sealing ----

static int seal(EVP_CIPHER_CTX *ctx, const struct associated *a, const void *content, size_t len,
                struct sealed_slot *slot)
{
    int n;

    return EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, slot->iv) == 1 &&
                   EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)a, sizeof(*a)) == 1 &&
                   EVP_EncryptUpdate(ctx, slot->sealed, &n, content, (int)len) == 1 &&
                   EVP_EncryptFinal_ex(ctx, slot->sealed + n, &n) == 1 &&
                   EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LEN, slot->tag) == 1
               ? 0
               : -EIO;
}

int credential_seal(const uint8_t key[HOST_KEY_LEN], const struct seal_place *place,
                    const void *content, size_t len, struct sealed_slot *slot)
{
    __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX *own = NULL;
    struct associated a = associated_of(place, slot->sequence);

    slot->len = (uint32_t)len;
    if (rollcall_random(slot->iv, SEAL_IV_LEN) < 0)
        return -EIO;
    if (is_prepared(key))
        return seal(prepared.seal, &a, content, len, slot);
    own = EVP_CIPHER_CTX_new();
    if (!own || EVP_EncryptInit_ex(own, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
        return -EIO;
    return seal(own, &a, content, len, slot);
}

static bool unseal(EVP_CIPHER_CTX *ctx, const struct associated *a, const struct sealed_slot *slot,
                   void *ret, size_t len)
{
    uint8_t tag[SEAL_TAG_LEN];
    int n;

    memcpy(tag, slot->tag, sizeof(tag));
    return slot->len == len && slot->sequence > 0 &&
           EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, slot->iv) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)a, sizeof(*a)) == 1 &&
           EVP_DecryptUpdate(ctx, ret, &n, slot->sealed, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LEN, tag) == 1 &&
           EVP_DecryptFinal_ex(ctx, (unsigned char *)ret + n, &n) == 1;
}

int credential_unseal(const uint8_t key[HOST_KEY_LEN], const struct seal_place *place,
                      const struct sealed_slot *slot, void *ret, size_t len)
{
    __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX *own = NULL;
    EVP_CIPHER_CTX *ctx = is_prepared(key) ? prepared.unseal : NULL;
    struct associated a = associated_of(place, slot->sequence);

    // A fault of the machine is not one of the slot: the other may be a state long past.
    if (!ctx) {
        own = EVP_CIPHER_CTX_new();
        ctx = own;
        if (!ctx || EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
            return -ENOMEM;
    }
    if (unseal(ctx, &a, slot, ret, len))
        return 0;
    explicit_bzero(ret, len);
    return -EBADMSG;
}
