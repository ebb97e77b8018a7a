// SPDX-License-Identifier: BSD-2-Clause
// JSON text that is written member by member by libyajl's generator, without values that it would
// be made of: the bytes are those of jansson's JSON_COMPACT. There is one way to write JSON: this,
// where there are very many, or jansson's own.
#ifndef ROLLCALL_JSON_WRITER_H
#define ROLLCALL_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// {.buf, .room} of the caller's before the first call; it stays where it is then, and holds nothing
// that would have to be given back. Where `len` is more than `room` in the end, what is in `buf` is
// not the text, which would have had `len` bytes; what cannot be written has SIZE_MAX bytes. No NUL
// stands behind it.
struct json_writer {
    char *buf;
    size_t room, len;
    struct yajl_gen_t *gen; // in `memory`
    size_t taken;           // of it
    uint64_t memory[144];
};

// Another text in the same place.
void json_writer_again(struct json_writer *w);

// `name`: of a member; NULL: an element, or the outermost value. Text is UTF-8, which is not looked
// at; NULL: nothing is written.
void json_write_open(struct json_writer *w, const char *name, char bracket);
void json_write_close(struct json_writer *w, char bracket);
void json_write_text(struct json_writer *w, const char *name, const char *text);
void json_write_text_n(struct json_writer *w, const char *name, const char *text, size_t len);
void json_write_integer(struct json_writer *w, const char *name, int64_t n);
// JSON of one value that is there already.
void json_write_raw(struct json_writer *w, const char *name, const char *json, size_t len);
void json_write_true(struct json_writer *w, const char *name);
void json_write_bool(struct json_writer *w, const char *name, bool on);
void json_write_null(struct json_writer *w, const char *name);
void json_write_name(struct json_writer *w, const char *name, size_t len); // of the next value

// The whole text, to be freed, or NULL. `put` writes it into the writer that it gets, the same
// bytes each time: twice where it is long.
char *json_written(void (*put)(struct json_writer *w, const void *of), const void *of);
// What jansson takes for UTF-8: nothing that is longer than need be, no surrogate.
bool json_is_text(const char *bytes, size_t len);

#endif
