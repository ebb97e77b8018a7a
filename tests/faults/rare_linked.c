// SPDX-License-Identifier: BSD-2-Clause
// The verifier's rare parts in the program itself, where a tool looks at all of it at once.
#include "pam_module/verifier/rare.h"

const struct verifier_rare *rare(void)
{
    return &rollcall_verifier_rare;
}
