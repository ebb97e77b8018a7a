// SPDX-License-Identifier: BSD-2-Clause
// The one place that says which file of the cache is absent and why: a line in the log
// when it begins and one when it ends, however often somebody asks in between. Readers in
// other people's processes say nothing.
#ifndef ROLLCALL_ENFORCER_CACHE_WATCH_H
#define ROLLCALL_ENFORCER_CACHE_WATCH_H

#include <jansson.h>

#include "rollcall/cache_fault.h"

struct cache_watch {
    char why[ROLLCALL_CACHE_FILES][ROLLCALL_CACHE_FAULT_MAX]; // "" where a file is well
};

void cache_watch_look(struct cache_watch *watch);
// A sentence for each that was absent at the last look.
void cache_watch_problems(const struct cache_watch *watch, json_t *problems);

#endif
