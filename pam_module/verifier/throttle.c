// SPDX-License-Identifier: BSD-2-Clause
// Throttling (NIST SP 800-63B-4 3.2.2): growing pauses from the third failure on, a
// quarter of an hour from the tenth, none any more from the hundredth. Pure.
#include "pam_module/verifier/verifier.h"

int64_t throttle_until(uint32_t failures, int64_t last_failure)
{
    if (failures < 3)
        return 0;
    if (failures >= THROTTLE_DISABLED)
        return INT64_MAX;
    if (failures >= THROTTLE_SOFT)
        return last_failure + 900;
    return last_failure + (5ll << (failures - 3)); // 5 s to 320 s
}
