// SPDX-License-Identifier: BSD-2-Clause
// Memory that is erased when it is given back.
#include "rollcall/erasing.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void erasing_free(void *p)
{
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

// realloc(3) may leave the old bytes where they were.
void *erasing_realloc(void *p, size_t size)
{
    size_t had = p ? malloc_usable_size(p) : 0;
    void *n;

    if (had >= size && size > had / 4)
        return p;
    n = malloc(size > 0 ? size : 1);
    if (n && p) {
        memcpy(n, p, had < size ? had : size);
        erasing_free(p);
    }
    return n;
}

void erasing_free_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}
