// SPDX-License-Identifier: BSD-2-Clause
// Secrets: a fixed buffer that erases itself, and comparison in constant time.
#ifndef ROLLCALL_SECRET_H
#define ROLLCALL_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ROLLCALL_SECRET_MAX 512

// Never copied by assignment, never printed; erased at the end of its scope.
struct rollcall_secret {
    size_t len;
    char bytes[ROLLCALL_SECRET_MAX + 1]; // a NUL stands behind len
};

static inline void rollcall_secret_erase(struct rollcall_secret *s)
{
    explicit_bzero(s, sizeof(*s));
}
#define _cleanup_secret_ __attribute__((cleanup(rollcall_secret_erase)))

// False, and empty, when it does not fit.
static inline bool rollcall_secret_set(struct rollcall_secret *s, const void *data, size_t len)
{
    rollcall_secret_erase(s);
    if (len > ROLLCALL_SECRET_MAX)
        return false;
    memcpy(s->bytes, data, len);
    s->len = len;
    return true;
}

// Time depends on the lengths alone.
static inline bool rollcall_equal_ct(const void *a, size_t a_len, const void *b, size_t b_len)
{
    const unsigned char *x = a, *y = b;
    volatile unsigned char diff = a_len != b_len;

    for (size_t i = 0; i < a_len && i < b_len; i++)
        diff |= x[i] ^ y[i];
    return diff == 0;
}

#endif
