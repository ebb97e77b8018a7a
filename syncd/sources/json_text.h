// SPDX-License-Identifier: BSD-2-Clause
// A JSON value as text, for what is said of 100,000 people: as jansson's JSON_COMPACT, byte for
// byte, without its look for circles. That took a third of a source's time.
#ifndef ROLLCALL_SOURCES_JSON_TEXT_H
#define ROLLCALL_SOURCES_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// The text's length. Where it is more than `room`, what is in `buf` is not the text. 0: it cannot
// be written. `buf` may be NULL where `room` is 0. No NUL is put behind it.
size_t json_text(const json_t *value, char *buf, size_t room);
// To be freed, with a NUL behind it; NULL: it cannot be written, or no memory.
char *json_text_new(const json_t *value, size_t *ret_len);

// jansson looks at each character whether it is UTF-8, and most text is ASCII.
bool json_text_ascii(const char *bytes, size_t len);

#endif
