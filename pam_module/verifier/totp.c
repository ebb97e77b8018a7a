// SPDX-License-Identifier: BSD-2-Clause
// TOTP by liboath: pure.
#include <errno.h>
#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/random.h"

static int flags_of(uint8_t algorithm)
{
    return algorithm == TOTP_SHA512   ? OATH_TOTP_HMAC_SHA512
           : algorithm == TOTP_SHA256 ? OATH_TOTP_HMAC_SHA256
                                      : 0;
}

size_t totp_secret_len(uint8_t algorithm)
{
    return algorithm == TOTP_SHA512 ? 64 : algorithm == TOTP_SHA256 ? 32 : 20;
}

uint64_t totp_check(const struct totp_factor *t, const char *code, int64_t now, int8_t *ret_drift)
{
    int64_t here = now / TOTP_STEP, found = 0;
    char want[16];

    // Every step of the window is worked out and compared, whatever fits first.
    for (int64_t skew = -TOTP_SKEW; skew <= TOTP_SKEW; skew++) {
        int64_t step = here + t->drift + skew;
        if (now <= 0 || step <= 0 ||
            oath_totp_generate2((const char *)t->secret, t->secret_len, step * TOTP_STEP, TOTP_STEP,
                                0, t->digits, flags_of(t->algorithm), want) != OATH_OK)
            continue;
        if (rollcall_equal_ct(want, strlen(want), code, strlen(code)) &&
            (uint64_t)step > t->last_step && step > found)
            found = step;
    }
    explicit_bzero(want, sizeof(want));
    if (found > 0 && ret_drift) {
        int64_t drift = found - here;
        *ret_drift = (int8_t)(drift > TOTP_DRIFT    ? TOTP_DRIFT
                              : drift < -TOTP_DRIFT ? -TOTP_DRIFT
                                                    : drift);
    }
    return (uint64_t)found;
}

int totp_make(const struct rollcall_config *config, struct totp_factor *ret)
{
    struct totp_factor t = {.enrolled = 1, .digits = 6};

    if (config) {
        t.algorithm = (uint8_t)config->totp_algorithm;
        t.digits = config->totp_digits == ROLLCALL_TOTP_8_DIGITS ? 8 : 6;
    }
    t.secret_len = (uint8_t)totp_secret_len(t.algorithm);
    if (rollcall_random(t.secret, t.secret_len) < 0)
        return -EIO;
    *ret = t;
    explicit_bzero(&t, sizeof(t));
    return 0;
}

// The key URI format of authenticator apps. SHA1, six digits and 30 s are what apps take
// where nothing is said, and a short link makes a picture that fits a terminal. Host and
// user are checked names: nothing in them needs escaping.
int totp_uri(const char *host, const char *user, const struct totp_factor *t, char *uri,
             size_t uri_len, char *key, size_t key_len)
{
    static const char *const algorithms[] = {"", "&algorithm=SHA256", "&algorithm=SHA512"};
    char *base32 = NULL;
    size_t n = 0;
    int r;

    if (oath_base32_encode((const char *)t->secret, t->secret_len, &base32, &n) != OATH_OK)
        return -EIO;
    while (n > 0 && base32[n - 1] == '=')
        base32[--n] = 0;
    r = snprintf(uri, uri_len, "otpauth://totp/%s:%s?secret=%s&issuer=%s%s%s", host, user, base32,
                 host, t->algorithm <= TOTP_SHA512 ? algorithms[t->algorithm] : "",
                 t->digits == 8 ? "&digits=8" : "");
    if (r >= 0 && (size_t)r < uri_len)
        r = snprintf(key, key_len, "%s", base32) < (int)key_len ? 0 : -EMSGSIZE;
    else
        r = -EMSGSIZE;
    explicit_bzero(base32, n);
    free(base32);
    return r;
}
