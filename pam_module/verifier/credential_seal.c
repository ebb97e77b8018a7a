// SPDX-License-Identifier: BSD-2-Clause
// The seal of a credential slot: AES-256-GCM under the host key.
#include <errno.h>
#include <openssl/evp.h>

#include "pam_module/verifier/credential.h"
#include "rollcall/random.h"

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

int credential_seal(const uint8_t key[HOST_KEY_LEN], const struct seal_place *place,
                    const void *content, size_t len, struct sealed_slot *slot)
{
    __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct associated a = associated_of(place, slot->sequence);
    int n;

    slot->len = (uint32_t)len;
    if (!ctx || rollcall_random(slot->iv, SEAL_IV_LEN) < 0)
        return -EIO;
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, slot->iv) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)&a, sizeof(a)) != 1 ||
        EVP_EncryptUpdate(ctx, slot->sealed, &n, content, (int)len) != 1 ||
        EVP_EncryptFinal_ex(ctx, slot->sealed + n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LEN, slot->tag) != 1)
        return -EIO;
    return 0;
}

int credential_unseal(const uint8_t key[HOST_KEY_LEN], const struct seal_place *place,
                      const struct sealed_slot *slot, void *ret, size_t len)
{
    __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct associated a = associated_of(place, slot->sequence);
    uint8_t tag[SEAL_TAG_LEN];
    int n;

    // A fault of the machine is not one of the slot: the other may be a state long past.
    if (!ctx)
        return -ENOMEM;
    memcpy(tag, slot->tag, sizeof(tag));
    if (slot->len == len && slot->sequence > 0 &&
        EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, slot->iv) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)&a, sizeof(a)) == 1 &&
        EVP_DecryptUpdate(ctx, ret, &n, slot->sealed, (int)len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LEN, tag) == 1 &&
        EVP_DecryptFinal_ex(ctx, (unsigned char *)ret + n, &n) == 1)
        return 0;
    explicit_bzero(ret, len);
    return -EBADMSG;
}
