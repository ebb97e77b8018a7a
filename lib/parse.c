// SPDX-License-Identifier: BSD-2-Clause
// Numbers and ids from outside.
#include "rollcall/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

// Digits from *text on; moves *text behind them.
static int digits(const char **text, uint64_t max, uint64_t *ret)
{
    const char *p = *text;
    uint64_t n = 0;

    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t d = (uint64_t)(*p - '0');
        if (n > (UINT64_MAX - d) / 10)
            return -ERANGE;
        n = n * 10 + d;
    }
    if (n > max)
        return -ERANGE;
    *text = p;
    *ret = n;
    return 0;
}

int rollcall_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t n;
    int r = digits(&text, UINT64_MAX, &n);

    if (r < 0)
        return r;
    if (*text)
        return -EINVAL;
    if (n < min || n > max)
        return -ERANGE;
    *ret = n;
    return 0;
}

int rollcall_parse_duration(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t n;
    int r = digits(&text, UINT64_MAX / 604800, &n);

    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[0] != units[i].unit || text[1])
            continue;
        n *= units[i].seconds;
        if (n < min || n > max)
            return -ERANGE;
        *ret = n;
        return 0;
    }
    return -EINVAL;
}

int rollcall_parse_percent(const char *text, uint32_t *ret_basis_points)
{
    uint64_t whole, part = 0;
    int r = digits(&text, 100, &whole);

    if (r < 0)
        return r;
    if (*text == '.') {
        const char *start = ++text;
        r = digits(&text, 99, &part);
        if (r < 0)
            return r;
        if (text - start > 2)
            return -EINVAL;
        if (text - start == 1)
            part *= 10;
    }
    if (strcmp(text, "%") != 0)
        return -EINVAL;
    if (whole * 100 + part > 10000)
        return -ERANGE;
    *ret_basis_points = (uint32_t)(whole * 100 + part);
    return 0;
}

bool rollcall_is_uuid(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (!text || strlen(text) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    return true;
}
