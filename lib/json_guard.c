// SPDX-License-Identifier: BSD-2-Clause
// What yajl lets through and JSON does not.
#include "rollcall/json_guard.h"

#include <string.h>

// What is no digit, yajl itself refuses.
static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 0;
}

// Whether this byte shows that a half is alone: this one, or the one before it.
static bool step(struct json_guard *g, char c)
{
    bool was_half = g->half;

    if (g->digits > 0) {
        g->value = g->value << 4 | digit(c);
        if (--g->digits > 0)
            return false;
        g->half = !was_half && g->value >= 0xd800 && g->value < 0xdc00;
        return was_half != (g->value >= 0xdc00 && g->value < 0xe000);
    }
    if (g->escape) {
        g->escape = false;
        g->digits = c == 'u' ? 4 : 0;
        g->value = 0;
        g->half = was_half && c == 'u';
        return was_half && c != 'u';
    }
    g->escape = c == '\\';
    g->half = was_half && g->escape;
    return was_half && !g->escape;
}

size_t json_guard_pairs(struct json_guard *g, const char *bytes, size_t len)
{
    size_t i = 0;

    while (i < len) {
        if (!g->escape && !g->half && g->digits == 0) {
            const char *p = memchr(bytes + i, '\\', len - i);
            if (!p)
                return len;
            i = (size_t)(p - bytes);
        }
        if (step(g, bytes[i]))
            return i;
        i++;
    }
    return len;
}

bool json_has_odd_space(const char *bytes, size_t len)
{
    return memchr(bytes, '\v', len) || memchr(bytes, '\f', len);
}

bool json_is_blank(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n", bytes[i]) || !bytes[i])
            return false;
    return true;
}
