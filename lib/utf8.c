// SPDX-License-Identifier: BSD-2-Clause
#include "rollcall/utf8.h"

// How long a character is that begins with this byte; 0: none does.
static size_t length_of(unsigned char first)
{
    return first == 0                     ? 0
           : first < 0x80                 ? 1
           : first < 0xc2 || first > 0xf4 ? 0
           : first < 0xe0                 ? 2
           : first < 0xf0                 ? 3
                                          : 4;
}

// How many bytes of such a character stand here.
static size_t begun(const unsigned char *p)
{
    size_t n = length_of(*p), i = 1;

    if (n == 0 || (p[0] == 0xe0 && p[1] && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
        (p[0] == 0xf0 && p[1] && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    while (i < n && (p[i] & 0xc0) == 0x80)
        i++;
    return i;
}

size_t rollcall_utf8_len(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = begun(p);

    return n == length_of(*p) ? n : 0;
}

void rollcall_utf8_mend(char *text)
{
    while (*text) {
        size_t n = rollcall_utf8_len(text);
        size_t half = n == 0 ? begun((const unsigned char *)text) : 0;

        if (half > 0 && !text[half])
            *text = 0;
        else if (n == 0)
            *text++ = '?';
        else
            text += n;
    }
}
