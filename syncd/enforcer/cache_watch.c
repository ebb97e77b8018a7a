// SPDX-License-Identifier: BSD-2-Clause
#include "syncd/enforcer/cache_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/log.h"

void cache_watch_look(struct cache_watch *watch)
{
    for (int i = 0; i < ROLLCALL_CACHE_FILES; i++) {
        const struct rollcall_cache_path *file = &rollcall_cache_paths[i];
        char why[ROLLCALL_CACHE_FAULT_MAX] = "";
        int r = rollcall_cache_fault(file->path, file->kind, why, sizeof(why));
        if (r == -ENOENT && file->optional)
            why[0] = 0;
        if (strcmp(why, watch->why[i]) == 0)
            continue;
        if (why[0])
            rollcall_log(LOG_ERR, "cache-file-absent", "file", file->path, "why", why, NULL);
        else
            rollcall_log(LOG_NOTICE, "cache-file-back", "file", file->path, NULL);
        memcpy(watch->why[i], why, sizeof(why));
    }
}

void cache_watch_problems(const struct cache_watch *watch, json_t *problems)
{
    char sentence[2 * ROLLCALL_CACHE_FAULT_MAX];

    for (int i = 0; i < ROLLCALL_CACHE_FILES; i++) {
        if (!watch->why[i][0])
            continue;
        snprintf(sentence, sizeof(sentence), "%s %s", rollcall_cache_paths[i].path, watch->why[i]);
        json_array_append_new(problems, json_string(sentence));
    }
}
