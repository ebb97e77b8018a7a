// SPDX-License-Identifier: BSD-2-Clause
// Credential files, version 3: what is known of one account's factors, sealed under the
// host key. The struct is the format: members keep their places, a change is a new version.
#ifndef ROLLCALL_VERIFIER_CREDENTIAL_H
#define ROLLCALL_VERIFIER_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HOST_KEY_LEN       32
#define CREDENTIAL_VERSION 3u

#define RECOVERY_CODES     10
#define CODE_HASH_LEN      16
#define CODE_SALT_LEN      16
#define TOTP_SECRET_MAX    64
#define PASSWORD_HASH_MAX  128
#define FIDO_KEYS          5

// Places in the file: never renumbered.
enum factor_kind {
    FACTOR_TOTP = 0,
    FACTOR_RECOVERY = 1,
    FACTOR_ACCESS = 2,
    FACTOR_PASSWORD = 3,
    FACTOR_FIDO2 = 4,
    FACTOR_BIND = 5, // wrong passwords that a directory heard; directory.h
    FACTOR_KINDS = 8,
};

// Failures in a row. Ended by a success; from THROTTLE_DISABLED on by a reset alone.
struct failures {
    uint32_t count, reserved;
    int64_t last; // when
};

struct tally {
    struct failures in_all, of[FACTOR_KINDS];
};

enum totp_algorithm { TOTP_SHA1 = 0, TOTP_SHA256 = 1, TOTP_SHA512 = 2 };

struct totp_factor {
    int64_t enrolled_at;
    uint64_t last_step; // steps up to here are burnt
    uint8_t enrolled, algorithm, digits;
    int8_t drift; // steps that the app's clock is ahead of ours
    uint8_t secret_len, reserved[3];
    uint8_t secret[TOTP_SECRET_MAX];
};

enum password_kind {
    PASSWORD_NONE = 0,
    PASSWORD_LOCAL = 1,  // set at enrolment
    PASSWORD_CACHED = 2, // of a server that took it; good for a while
};

struct password_factor {
    int64_t set_at; // of a cached one: when the server last took it
    uint8_t kind, reserved[7];
    char hash[PASSWORD_HASH_MAX]; // crypt(3)'s text
};

#define FIDO_FLAG_UV       0x01u // verified its user when it was enrolled
#define FIDO_FLAG_ATTESTED 0x02u // its maker vouches for it
#define FIDO_FLAG_PIN      0x04u // has a PIN

// id_len 0: a free place.
struct fido_key {
    int64_t enrolled_at;
    int32_t alg; // COSE
    uint32_t sigcount;
    uint16_t id_len, pk_len;
    uint8_t flags, reserved[3];
    uint8_t aaguid[16];
    char label[32]; // a NUL stands at its end
    char rp[64];    // the name it was enrolled under, and signs for; so too
    uint8_t id[256];
    uint8_t pk[96]; // as libfido2 takes it: 64 bytes of ES256, 32 of EdDSA, 96 of ES384
};

// An SSH hardware key that somebody vouches for; at 0: a free place.
#define VOUCHED_KEYS 8
struct vouched_key {
    int64_t at;
    uint8_t sha256[32]; // of the key's blob: what ssh-keygen -l shows in base 64
};

struct credential {
    uint32_t version, uid;
    uint32_t incarnation; // of the employment; factors of an earlier one are void
    uint32_t reserved;
    struct tally outside; // tried by whoever stands at a login
    struct tally inside;  // tried in a session that the person has: sudo, a screen locker
    struct totp_factor totp;
    // Hashes under the salt; zeros: none, or used.
    uint8_t salt[CODE_SALT_LEN];
    uint8_t recovery[RECOVERY_CODES][CODE_HASH_LEN];
    uint8_t access[CODE_HASH_LEN]; // one code of the service desk
    int64_t access_until;
    struct password_factor password;
    struct fido_key fido[FIDO_KEYS];
    struct vouched_key vouched[VOUCHED_KEYS];
};
_Static_assert(sizeof(struct failures) == 16 && sizeof(struct tally) == 16 * (1 + FACTOR_KINDS) &&
                   sizeof(struct totp_factor) == 24 + TOTP_SECRET_MAX &&
                   sizeof(struct password_factor) == 16 + PASSWORD_HASH_MAX &&
                   sizeof(struct fido_key) == 488,
               "no holes");
_Static_assert(sizeof(struct credential) == 3496, "the format");

static inline void credential_erase(struct credential *c)
{
    explicit_bzero(c, sizeof(*c));
}
#define _cleanup_credential_ __attribute__((cleanup(credential_erase)))

struct credential_file {
    int fd;
    uint32_t uid;
    uint64_t sequence; // of the slot that stands; 0: none
    const uint8_t *key;
};

// Opens or makes `folder`/UID, and holds its lock until close: of two logins at once, one
// waits. -EBUSY after 5 s. uid 0 is the file of all names that nobody has.
int credential_open(int folder, const uint8_t key[HOST_KEY_LEN], uint32_t uid,
                    struct credential_file *ret);
void credential_close(struct credential_file *f);
// The newer slot that is whole; one of version 2 is read as what it means in version 3. An
// empty file is a blank credential. -EBADMSG: no slot opens. -EPROTONOSUPPORT: a later
// version was here, whose factors this one does not know.
int credential_read(struct credential_file *f, struct credential *ret);
// Into the older slot, then fdatasync: what stood before stands until the new one is whole.
// So what must be gone (a burnt code, an older secret) is gone with the second write.
int credential_write(struct credential_file *f, const struct credential *c);
int credential_write_twice(struct credential_file *f, const struct credential *c);
// Blank, in both slots.
int credential_destroy(struct credential_file *f);
// Of this employment, with nothing enrolled; failures go on to count, unless `failed` is
// NULL.
void credential_blank(struct credential *c, uint32_t uid, uint32_t incarnation,
                      const struct credential *failed);
// Of this employment, without an app and its codes: an app's new secret takes nothing else
// away that was of the same employment.
void credential_renew(struct credential *c, uint32_t uid, uint32_t incarnation);

// ---- credential_seal.c: AES-256-GCM, and the place that the seal speaks for ----
#define SEAL_IV_LEN  12
#define SEAL_TAG_LEN 16

struct sealed_slot {
    char magic[8];
    uint64_t sequence;
    uint8_t iv[SEAL_IV_LEN], tag[SEAL_TAG_LEN];
    uint32_t len;
    uint8_t sealed[];
};

// What the seal speaks for beside the content: whose it is, and where it stands.
struct seal_place {
    const char *what; // "rollcall credential 3"
    uint32_t uid, slot;
};
// Once, for all that this process and its children seal and open under this key, which is kept
// until it is to be forgotten. Any other key does as well, for more work. 0 or -EIO.
int credential_prepare(const uint8_t key[HOST_KEY_LEN]);
void credential_forget(void);
// `slot` has its sequence and room for `len` bytes. 0 or -EIO.
int credential_seal(const uint8_t key[HOST_KEY_LEN], const struct seal_place *place,
                    const void *content, size_t len, struct sealed_slot *slot);
// 0, or -EBADMSG with *ret erased.
int credential_unseal(const uint8_t key[HOST_KEY_LEN], const struct seal_place *place,
                      const struct sealed_slot *slot, void *ret, size_t len);

// ---- credential_v2.c ----
#define CREDENTIAL_V2_SLOT 1024
// The slot at `bytes` (of CREDENTIAL_V2_SLOT), as version 3. 0 or -EBADMSG.
int credential_read_v2(const uint8_t key[HOST_KEY_LEN], uint32_t uid, uint32_t slot,
                       const unsigned char *bytes, struct credential *ret, uint64_t *ret_sequence);

#endif
