// SPDX-License-Identifier: BSD-2-Clause
// Text of others: what is and what is no UTF-8 (RFC 3629: no longer form than need be, no
// surrogates, nothing behind U+10FFFF).
#ifndef ROLLCALL_UTF8_H
#define ROLLCALL_UTF8_H

#include <stddef.h>

// Length in bytes of the character that stands first in `text`, which ends with a zero; 0 for
// none, an empty text among them.
size_t rollcall_utf8_len(const char *text);

// Makes UTF-8 of what is none, in place: half of a character at the end, where a text was cut
// off, is taken away, and each other byte that is no part of a character becomes '?'.
void rollcall_utf8_mend(char *text);

#endif
