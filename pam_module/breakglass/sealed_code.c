// SPDX-License-Identifier: BSD-2-Clause
// Sealed codes: 19 letters of Crockford's base 32 at random, 95 bits, and one that checks them.
// Kept as scrypt hashes, though so many bits would not need it.
#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "pam_module/breakglass/breakglass.h"

_Static_assert(SEALED_CODE_TEXT == SEALED_CODE_LETTERS / 4 * 5,
               "a dash or the NUL behind each four");

#define SCRYPT_N      16384 // 16 MiB, about 50 ms
#define SCRYPT_R      8
#define SCRYPT_P      1
#define SCRYPT_MEMORY ((uint64_t)64 << 20)

static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

static int value_of(char c)
{
    const char *at;

    c = (char)tolower((unsigned char)c);
    c = c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c;
    at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

// Modulo 31, a prime: a letter that is another one and two neighbours that changed places show,
// but for a z in the place of a 0.
static char check_letter(const char *code)
{
    int sum = 0;

    for (int i = 0; i < SEALED_CODE_LETTERS - 1; i++)
        sum += (i + 1) * value_of(code[i]);
    return letters[sum % 31];
}

int sealed_code_make(struct rollcall_secret *ret)
{
    rollcall_secret_erase(ret);
    if (RAND_bytes((unsigned char *)ret->bytes, SEALED_CODE_LETTERS - 1) != 1)
        return -EIO;
    for (int i = 0; i < SEALED_CODE_LETTERS - 1; i++)
        ret->bytes[i] = letters[ret->bytes[i] & 31];
    ret->bytes[SEALED_CODE_LETTERS - 1] = check_letter(ret->bytes);
    ret->len = SEALED_CODE_LETTERS;
    return 0;
}

void sealed_code_group(const struct rollcall_secret *code, char ret[SEALED_CODE_TEXT])
{
    size_t n = 0;

    for (size_t i = 0; i < code->len && i < SEALED_CODE_LETTERS; i++) {
        if (i > 0 && i % 4 == 0)
            ret[n++] = '-';
        ret[n++] = code->bytes[i];
    }
    ret[n] = 0;
}

int sealed_code_read(const struct rollcall_secret *typed, struct rollcall_secret *ret)
{
    _cleanup_secret_ struct rollcall_secret code = {0};

    for (size_t i = 0; i < typed->len; i++) {
        int value;
        if (strchr(" -\r\t", typed->bytes[i]) && typed->bytes[i])
            continue;
        value = value_of(typed->bytes[i]);
        if (value < 0 || code.len == SEALED_CODE_LETTERS)
            return -EINVAL;
        code.bytes[code.len++] = letters[value];
    }
    if (code.len != SEALED_CODE_LETTERS ||
        code.bytes[SEALED_CODE_LETTERS - 1] != check_letter(code.bytes))
        return -EINVAL;
    rollcall_secret_set(ret, code.bytes, code.len);
    return 0;
}

int sealed_code_hash(const uint8_t salt[ROLLCALL_BREAKGLASS_SALT],
                     const struct rollcall_secret *code, uint8_t ret[ROLLCALL_BREAKGLASS_HASH])
{
    return EVP_PBE_scrypt(code->bytes, code->len, salt, ROLLCALL_BREAKGLASS_SALT, SCRYPT_N,
                          SCRYPT_R, SCRYPT_P, SCRYPT_MEMORY, ret, ROLLCALL_BREAKGLASS_HASH) == 1
               ? 0
               : -EIO;
}

int sealed_codes_make(struct rollcall_breakglass *b, unsigned n, struct rollcall_secret codes[])
{
    memset(b->hash, 0, sizeof(b->hash));
    b->n_codes = n;
    if (RAND_bytes(b->salt, sizeof(b->salt)) != 1)
        return -EIO;
    for (unsigned i = 0; i < n; i++)
        if (sealed_code_make(&codes[i]) < 0 || sealed_code_hash(b->salt, &codes[i], b->hash[i]) < 0)
            return -EIO;
    return 0;
}
