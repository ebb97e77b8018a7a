// SPDX-License-Identifier: BSD-2-Clause
// Memory that is erased when it is given back, for libraries that secrets pass through: a token
// is in curl's request, in jansson's lexer and in a signature's text before it is ours.
#ifndef ROLLCALL_ERASING_H
#define ROLLCALL_ERASING_H

#include <stddef.h>

void erasing_free(void *p);
void *erasing_realloc(void *p, size_t size);
// Of a string, or NULL.
void erasing_free_text(char *text);
static inline void erasing_free_textp(char **text)
{
    erasing_free_text(*text);
}
#define _cleanup_erase_ __attribute__((cleanup(erasing_free_textp)))

#endif
