// SPDX-License-Identifier: BSD-2-Clause
// Credential files of version 2: TOTP by SHA-1 with six digits, recovery codes, an access
// code. Read only; the next write makes them version 3.
#include <errno.h>

#include "pam_module/verifier/credential.h"

struct credential_v2 {
    uint32_t version, uid, incarnation, failures;
    int64_t last_failure, enrolled_at;
    uint64_t last_step;
    uint8_t totp, secret_len;
    uint8_t secret[62];
    uint8_t salt[CODE_SALT_LEN];
    uint8_t recovery[RECOVERY_CODES][CODE_HASH_LEN];
    uint8_t access[CODE_HASH_LEN];
    int64_t access_until;
};
_Static_assert(sizeof(struct credential_v2) == 304, "the format");

static void erase(struct credential_v2 *c)
{
    explicit_bzero(c, sizeof(*c));
}

static void as_version_3(const struct credential_v2 *old, struct credential *ret)
{
    struct failures failed = {.count = old->failures, .last = old->last_failure};

    *ret = (struct credential){.version = CREDENTIAL_VERSION,
                               .uid = old->uid,
                               .incarnation = old->incarnation,
                               .outside = {.in_all = failed, .of = {[FACTOR_TOTP] = failed}},
                               .access_until = old->access_until};
    ret->totp = (struct totp_factor){.enrolled_at = old->enrolled_at,
                                     .last_step = old->last_step,
                                     .enrolled = old->totp,
                                     .algorithm = TOTP_SHA1,
                                     .digits = 6,
                                     .secret_len = old->secret_len};
    memcpy(ret->totp.secret, old->secret, sizeof(old->secret));
    memcpy(ret->salt, old->salt, sizeof(ret->salt));
    memcpy(ret->recovery, old->recovery, sizeof(ret->recovery));
    memcpy(ret->access, old->access, sizeof(ret->access));
}

int credential_read_v2(const uint8_t key[HOST_KEY_LEN], uint32_t uid, uint32_t slot,
                       const unsigned char *bytes, struct credential *ret, uint64_t *ret_sequence)
{
    __attribute__((cleanup(erase))) struct credential_v2 old = {0};
    const struct seal_place place = {.what = "rollcall credential 2", .uid = uid, .slot = slot};
    _Alignas(struct sealed_slot) unsigned char aligned[CREDENTIAL_V2_SLOT];
    const struct sealed_slot *s = (const struct sealed_slot *)aligned;

    int r;

    memcpy(aligned, bytes, sizeof(aligned));
    if (memcmp(s->magic, "RCCRED2", 8) != 0)
        return -EBADMSG;
    r = credential_unseal(key, &place, s, &old, sizeof(old));
    if (r < 0)
        return r;
    if (old.version != 2 || old.uid != uid || old.secret_len > sizeof(old.secret))
        return -EBADMSG;
    as_version_3(&old, ret);
    *ret_sequence = s->sequence;
    return 0;
}
