// SPDX-License-Identifier: BSD-2-Clause
// A QR code in half blocks of UTF-8: two modules a character cell, one above the other.
#ifndef ROLLCALL_QR_H
#define ROLLCALL_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ROLLCALL_QR_QUIET 4 // modules of margin; ISO/IEC 18004 asks for four

struct rollcall_qr {
    char *text; // lines, NUL-ended
    size_t len;
};

// With `colour`, black on white by escape sequences. Without, light modules are drawn:
// right on a terminal that is dark, and readers take the other way round as well.
// 0, -EINVAL (too long), -ENOMEM.
int rollcall_qr_draw(const char *text, bool colour, struct rollcall_qr *ret);

// The picture is the secret.
static inline void rollcall_qr_erase(struct rollcall_qr *qr)
{
    if (qr->text)
        explicit_bzero(qr->text, qr->len);
    free(qr->text);
    *qr = (struct rollcall_qr){0};
}

#endif
