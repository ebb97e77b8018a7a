// SPDX-License-Identifier: BSD-2-Clause
// Numbers and ids from outside. The whole text must be the number: no sign, no space, no
// leftover. 0 or -EINVAL (not a number), -ERANGE (outside min..max).
#ifndef ROLLCALL_PARSE_H
#define ROLLCALL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

int rollcall_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
// "90s", "15m", "8h", "14d", "2w"; seconds.
int rollcall_parse_duration(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
// "2%": per cent, whole or with up to two decimals; hundredths of a per cent.
int rollcall_parse_percent(const char *text, uint32_t *ret_basis_points);

// 8-4-4-4-12 hexadecimal digits: what may stand in an address or a filter as it is. False for NULL.
bool rollcall_is_uuid(const char *text);

#endif
