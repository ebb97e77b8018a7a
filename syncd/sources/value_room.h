// SPDX-License-Identifier: BSD-2-Clause
// What a room of values is made of. Only value.c and its parts include it.
#ifndef ROLLCALL_SOURCES_VALUE_ROOM_H
#define ROLLCALL_SOURCES_VALUE_ROOM_H

#include "syncd/sources/value.h"

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
};

#endif
