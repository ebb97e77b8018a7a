// SPDX-License-Identifier: BSD-2-Clause
// A JSON object written straight, for what is said of each of 100,000 people: the bytes are
// those of jansson's JSON_COMPACT, and no object is made of them first. Only syncd/engine/*.c
// include it.
#ifndef ROLLCALL_ENGINE_WRITING_H
#define ROLLCALL_ENGINE_WRITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writing {
    char *bytes;
    size_t len, room;
    bool failed; // there was no memory
    char usual[2048];
};

void writing_begin(struct writing *w);
// The text, to be freed, or NULL.
char *writing_end(struct writing *w);
// Members, in the order of the calls. A text that is NULL, or no UTF-8, is no member.
void writing_text(struct writing *w, const char *key, const char *value);
void writing_number(struct writing *w, const char *key, int64_t value);
void writing_instant(struct writing *w, const char *key, int64_t value); // none where it is unset
void writing_true(struct writing *w, const char *key, bool value);       // none where it is false
void writing_list(struct writing *w, const char *key, const char *const *items, size_t n);

#endif
