// SPDX-License-Identifier: BSD-2-Clause
// JSON pointers (RFC 6901): where a member stands in a document. "/workers/0/name", "" for the
// document itself, ~1 for a slash in a name and ~0 for a tilde.
#ifndef ROLLCALL_SOURCES_JSONAPI_POINTER_H
#define ROLLCALL_SOURCES_JSONAPI_POINTER_H

#include <stddef.h>

#include "syncd/sources/value.h"

#define POINTER_TOKENS_MAX 16
#define POINTER_MAX        400 // bytes of its text

struct pointer {
    char *text;                      // as written
    char *token[POINTER_TOKENS_MAX]; // unescaped; in one piece of memory, token[0]
    size_t len[POINTER_TOKENS_MAX];  // of each
    size_t n;
};

// -EINVAL where it is none, or of too many tokens; -ENOMEM.
int pointer_parse(const char *text, struct pointer *ret);
void pointer_done(struct pointer *p); // accepts zeroed
// What stands there; NULL where nothing or null does.
const struct value *pointer_get(const struct pointer *p, const struct value *document);

#endif
