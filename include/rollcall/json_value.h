// SPDX-License-Identifier: BSD-2-Clause
// JSON (RFC 8259) as jansson's values, a third as dear as by jansson's own lexer. Where it gives
// any, they are what json_loadb() with JSON_REJECT_DUPLICATES gives.
#ifndef ROLLCALL_JSON_VALUE_H
#define ROLLCALL_JSON_VALUE_H

#include <jansson.h>
#include <stddef.h>

#define JSON_VALUE_DEPTH_MAX 32

// An object or a list, all of `bytes`; NULL with what is wrong with it. Names are shorter than 1
// KiB.
json_t *json_value(const char *bytes, size_t len, const char **ret_wrong);

#endif
