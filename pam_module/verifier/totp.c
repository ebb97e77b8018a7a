// SPDX-License-Identifier: BSD-2-Clause
// TOTP by liboath: pure.
#include <liboath/oath.h>
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
