// SPDX-License-Identifier: BSD-2-Clause
// scrypt with next to no work, for programs linked with --wrap=EVP_PBE_scrypt.
#ifndef TESTS_CHEAP_SCRYPT_H
#define TESTS_CHEAP_SCRYPT_H

#include <stdbool.h>

// Does this call fail? Where a program does not define it, none does.
bool cheap_scrypt_fails(void);

#endif
