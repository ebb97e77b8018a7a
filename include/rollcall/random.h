// SPDX-License-Identifier: BSD-2-Clause
// Random bytes from the kernel, for keys, nonces and codes. A library's generator must be
// seeded anew after every fork, and costs more than it gives where a process needs a few bytes.
#ifndef ROLLCALL_RANDOM_H
#define ROLLCALL_RANDOM_H

#include <stddef.h>

// All of it, or -EIO and nothing that may be used.
int rollcall_random(void *ret, size_t len);

#endif
