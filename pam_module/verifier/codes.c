// SPDX-License-Identifier: BSD-2-Clause
// Codes of letters and digits: recovery codes and access codes. Kept as scrypt hashes under
// the account's own salt, so that a file that leaks with its key still gives no code
// (NIST SP 800-63B-4 3.1.2). Letters are Crockford's base 32: none is read for another.
#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/random.h"

#define SCRYPT_N      8192 // 8 MiB, about 25 ms
#define SCRYPT_R      8
#define SCRYPT_P      1
#define SCRYPT_MEMORY ((uint64_t)32 << 20)

static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

static size_t letters_of(enum code_shape shape)
{
    return shape == CODE_ACCESS ? CODE_ACCESS_LETTERS : CODE_RECOVERY_LETTERS;
}

// One letter as it is meant, or 0.
static char meant(char c)
{
    c = (char)tolower((unsigned char)c);
    if (c == 'o')
        return '0';
    if (c == 'i' || c == 'l')
        return '1';
    return c && strchr(letters, c) ? c : 0;
}

enum code_shape code_read(const struct rollcall_secret *typed, struct rollcall_secret *ret)
{
    bool digits = true;

    rollcall_secret_erase(ret);
    for (size_t i = 0; i < typed->len; i++) {
        char c = typed->bytes[i];
        if (c == ' ' || c == '-' || c == '\r')
            continue;
        digits = digits && c >= '0' && c <= '9';
        c = meant(c);
        if (!c || ret->len == CODE_ACCESS_LETTERS) {
            rollcall_secret_erase(ret);
            return CODE_NONE;
        }
        ret->bytes[ret->len++] = c;
    }
    if (digits && ret->len == 6)
        return CODE_TOTP;
    if (ret->len == CODE_RECOVERY_LETTERS)
        return digits ? CODE_EITHER : CODE_RECOVERY;
    return ret->len == CODE_ACCESS_LETTERS ? CODE_ACCESS : CODE_NONE;
}

bool answer_is_no_try(const struct rollcall_secret *typed)
{
    static const char junk[] = "\b\n\r\177INCORRECT"; // over and over, as long as the answer

    for (size_t i = 0; i < typed->len; i++)
        if (typed->bytes[i] != junk[i % (sizeof(junk) - 1)])
            return false;
    return true;
}

int code_hash(const uint8_t salt[CODE_SALT_LEN], enum code_shape shape,
              const struct rollcall_secret *code, uint8_t ret[CODE_HASH_LEN])
{
    uint8_t under[CODE_SALT_LEN + 1];

    // A recovery code is never an access code of the same letters.
    memcpy(under, salt, CODE_SALT_LEN);
    under[CODE_SALT_LEN] = (uint8_t)shape;
    return EVP_PBE_scrypt(code->bytes, code->len, under, sizeof(under), SCRYPT_N, SCRYPT_R,
                          SCRYPT_P, SCRYPT_MEMORY, ret, CODE_HASH_LEN) == 1
               ? 0
               : -EIO;
}

int code_make(enum code_shape shape, struct rollcall_secret *ret)
{
    size_t n = letters_of(shape);

    // One without a letter could be an app's.
    do {
        rollcall_secret_erase(ret);
        if (rollcall_random(ret->bytes, n) < 0)
            return -EIO;
        for (size_t i = 0; i < n; i++)
            ret->bytes[i] = letters[ret->bytes[i] & 31];
        ret->len = n;
    } while (strspn(ret->bytes, "0123456789") == n);
    return 0;
}

void code_group(const struct rollcall_secret *code, char ret[CODE_TEXT_LEN])
{
    size_t n = 0;

    for (size_t i = 0; i < code->len && n + 2 < CODE_TEXT_LEN; i++) {
        if (i > 0 && i % 4 == 0)
            ret[n++] = '-';
        ret[n++] = code->bytes[i];
    }
    ret[n] = 0;
}

// ---- against an account's credential ----

static const uint8_t nothing[CODE_HASH_LEN];

static bool is_set(const uint8_t hash[CODE_HASH_LEN])
{
    return !rollcall_equal_ct(hash, CODE_HASH_LEN, nothing, CODE_HASH_LEN);
}

int recovery_find(const struct credential *c, const struct rollcall_secret *code)
{
    uint8_t hash[CODE_HASH_LEN];
    int found = -1;

    if (code_hash(c->salt, CODE_RECOVERY, code, hash) < 0)
        return -1;
    for (int i = 0; i < RECOVERY_CODES; i++)
        if (rollcall_equal_ct(c->recovery[i], CODE_HASH_LEN, hash, CODE_HASH_LEN) &&
            is_set(c->recovery[i]))
            found = i;
    explicit_bzero(hash, sizeof(hash));
    return found;
}

unsigned recovery_left(const struct credential *c)
{
    unsigned n = 0;

    for (int i = 0; i < RECOVERY_CODES; i++)
        n += is_set(c->recovery[i]);
    return n;
}

bool access_fits(const struct credential *c, const struct rollcall_secret *code, int64_t now)
{
    uint8_t hash[CODE_HASH_LEN];
    bool fits = code_hash(c->salt, CODE_ACCESS, code, hash) == 0 && is_set(c->access) &&
                rollcall_equal_ct(c->access, CODE_HASH_LEN, hash, CODE_HASH_LEN) &&
                now < c->access_until;

    explicit_bzero(hash, sizeof(hash));
    return fits;
}
