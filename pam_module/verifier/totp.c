// SPDX-License-Identifier: BSD-2-Clause
// TOTP by liboath: pure.
#include <errno.h>
#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pam_module/verifier/verifier.h"

uint64_t totp_check(const uint8_t *secret, size_t len, const char *code, int64_t now,
                    uint64_t burnt)
{
    uint64_t found = 0;
    char want[16];

    // Every step of the window is worked out and compared, whatever fits first.
    for (int64_t skew = -TOTP_SKEW; skew <= TOTP_SKEW; skew++) {
        int64_t at = now + skew * TOTP_STEP;
        uint64_t step = at > 0 ? (uint64_t)at / TOTP_STEP : 0;
        if (at <= 0 || oath_totp_generate((const char *)secret, len, at, TOTP_STEP, 0, TOTP_DIGITS,
                                          want) != OATH_OK)
            continue;
        if (rollcall_equal_ct(want, strlen(want), code, strlen(code)) && step > burnt &&
            step > found)
            found = step;
    }
    explicit_bzero(want, sizeof(want));
    return found;
}

// The key URI format of authenticator apps. SHA1, six digits and 30 s are what apps take
// where nothing is said, and a short link makes a picture that fits a terminal. Host and
// user are checked names: nothing in them needs escaping.
int totp_uri(const char *host, const char *user, const uint8_t *secret, size_t secret_len,
             char *uri, size_t uri_len, char *key, size_t key_len)
{
    char *base32 = NULL;
    size_t n = 0;
    int r;

    if (oath_base32_encode((const char *)secret, secret_len, &base32, &n) != OATH_OK)
        return -EIO;
    while (n > 0 && base32[n - 1] == '=')
        base32[--n] = 0;
    r = snprintf(uri, uri_len, "otpauth://totp/%s:%s?secret=%s&issuer=%s", host, user, base32,
                 host);
    if (r >= 0 && (size_t)r < uri_len)
        r = snprintf(key, key_len, "%s", base32) < (int)key_len ? 0 : -EMSGSIZE;
    else
        r = -EMSGSIZE;
    explicit_bzero(base32, n);
    free(base32);
    return r;
}
