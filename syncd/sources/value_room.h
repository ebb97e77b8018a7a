// SPDX-License-Identifier: BSD-2-Clause
// What a room of values is made of. Only value.c and its parts include it.
#ifndef ROLLCALL_SOURCES_VALUE_ROOM_H
#define ROLLCALL_SOURCES_VALUE_ROOM_H

#include "syncd/sources/value.h"

#define VALUES_KEPT_NAMES 64 // a power of two
#define VALUES_KEPT_NAME  72

struct block {
    struct block *next;
    size_t room, used;
    uint64_t bytes[];
};

struct values {
    struct block *first, *now;
    size_t most, had; // had: of all blocks
    size_t used;      // of those before `now`
    bool failed;
    char *json; // what value_json said last
    size_t json_room;
    // Members of rows have the same names again and again: these are kept, whatever is emptied.
    struct {
        char text[VALUES_KEPT_NAME];
        uint32_t len; // 0: none
    } name[VALUES_KEPT_NAMES];
};

void *values_take_more(struct values *in, size_t len); // from another block

static inline void *values_take_inline(struct values *in, size_t len)
{
    struct block *b = in->now;
    char *at;

    len = (len + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
    if (!b || b->room - b->used < len)
        return values_take_more(in, len);
    at = (char *)b->bytes + b->used;
    b->used += len;
    return at;
}

// `more` bytes behind it.
static inline struct value *value_make_inline(struct values *in, enum value_kind kind, size_t more)
{
    struct value *v = values_take_inline(in, sizeof(*v) + more);

    if (v)
        *v = (struct value){.kind = (uint8_t)kind, .in = in};
    return v;
}

#endif
