// SPDX-License-Identifier: BSD-2-Clause
// JSON text that is written member by member, without values that it would be made of.
#ifndef ROLLCALL_SOURCES_JSON_WRITER_H
#define ROLLCALL_SOURCES_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// {.buf, .room} of the caller's before the first call. Where `len` is more than `room` in the end,
// what is in `buf` is not the text, which would have had `len` bytes. No NUL stands behind it.
struct json_writer {
    char *buf;
    size_t room, len;
    bool behind; // another value of the same object or list
};

// `name`: a word of ours, which needs no escaping; NULL: an element, or the outermost value.
// Text is UTF-8, which is not looked at; NULL: nothing is written.
void json_write_open(struct json_writer *w, const char *name, char bracket);
void json_write_close(struct json_writer *w, char bracket);
void json_write_text(struct json_writer *w, const char *name, const char *text);
void json_write_text_n(struct json_writer *w, const char *name, const char *text, size_t len);
void json_write_integer(struct json_writer *w, const char *name, int64_t n);
void json_write_true(struct json_writer *w, const char *name);

// Bytes as they are, and a JSON text of these bytes with its quotes.
void json_write_bytes(struct json_writer *w, const char *bytes, size_t len);
void json_write_quoted(struct json_writer *w, const char *bytes, size_t len);

#endif
