// SPDX-License-Identifier: BSD-2-Clause
// A JSON document of any length, read as it comes: the elements of one list in it, one at a time,
// and a few members that stand beside the list. Memory is that of one element.
//
// The document is refused where it is no JSON (RFC 8259), is not UTF-8, is nested too deeply,
// holds something else behind its end, or ends before it. What is wrong inside of one element
// is that element's fault alone: it is left out, with a sentence.
#ifndef ROLLCALL_SOURCES_ROWS_H
#define ROLLCALL_SOURCES_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "syncd/sources/jsonapi_pointer.h"
#include "syncd/sources/value.h"

#define ROWS_ROW_MAX   (256u * 1024) // bytes of names and values of one element
#define ROWS_DEPTH_MAX 32
#define ROWS_BESIDE    3
#define ROWS_WHY_MAX   300

struct rows_settings {
    const struct pointer *list;                // where it stands
    const struct pointer *beside[ROWS_BESIDE]; // texts and numbers; NULL: none
    // Names, NULL behind the last: the members of an element that anybody looks at. What has
    // another name is read as JSON and not kept. NULL: all of them.
    const char *const *wanted;
    // Element `number`, from 1 on. `row` is an object, gone when this returns; or NULL, with a
    // sentence in `fault`. An error ends the reading with it.
    int (*row)(void *ctx, const struct value *row, uint64_t number, const char *fault);
    void *ctx;
};

struct rows;

struct rows *rows_new(const struct rows_settings *settings); // NULL: no memory
void rows_free(struct rows *r);                              // NULL
// The document's next bytes. -EBADMSG with a sentence in rows_why, -ENOMEM, or what `row`
// returned. It is over then: rows_feed and rows_end give the same again.
int rows_feed(struct rows *r, const char *bytes, size_t len);
// There is no more: -EBADMSG where the document is not whole, or has no such list.
int rows_end(struct rows *r);
const char *rows_why(const struct rows *r);
uint64_t rows_count(const struct rows *r);
// A text, or a number as it was written; NULL where it did not come yet.
const char *rows_beside(const struct rows *r, size_t i);

#endif
