// SPDX-License-Identifier: BSD-2-Clause
// What yajl lets through and JSON (RFC 8259) does not, looked for in the bytes before yajl has
// them. They may come in pieces. Pure.
#ifndef ROLLCALL_JSON_GUARD_H
#define ROLLCALL_JSON_GUARD_H

#include <stdbool.h>
#include <stddef.h>

// Where in an escape the last piece ended; {0} before the first.
struct json_guard {
    bool escape, half; // behind a backslash; behind the first half of a pair
    unsigned digits;   // that \u still wants
    unsigned value;    // of those that came
};

// The bytes before the place where half of a pair of \u escapes is known to be alone: its text goes
// on there. `len` where there is none. yajl would make a question mark of it, and of two ids one.
// Go on behind it with the same guard.
size_t json_guard_pairs(struct json_guard *g, const char *bytes, size_t len);

// Blanks that JSON does not have; they may not stand in texts either.
bool json_has_odd_space(const char *bytes, size_t len);

// Nothing but JSON's blanks. yajl does not mind a token that is only begun behind the end.
bool json_is_blank(const char *bytes, size_t len);

#endif
