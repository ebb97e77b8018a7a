// SPDX-License-Identifier: BSD-2-Clause
// The engine's core in the working folder.
#include "tests/torture/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/hr_source.h"
#include "tests/unit/scratch.h"

void engine_folders(void)
{
    if (mkdir("state", 0755) < 0 || mkdir(STATE_DIR, 0755) < 0 || mkdir(CACHE_DIR, 0755) < 0)
        abort();
    scratch_write("state/passwd", "", 0);
}

const struct rollcall_config *engine_config(void)
{
    static struct rollcall_config config;

    if (!config.n_sources)
        config = hr_alone();
    return &config;
}

int engine_start(const struct engine_hooks *hooks, int64_t now, struct engine_core **ret)
{
    static const struct engine_paths paths = {.state_db = STATE_DIR "/state.db",
                                              .journal = STATE_DIR "/locks.journal",
                                              .ledger = STATE_DIR "/ids.ledger",
                                              .board = CACHE_DIR "/board",
                                              .accounts = CACHE_DIR "/accounts",
                                              .private_ = CACHE_DIR "/private",
                                              .keys = CACHE_DIR "/keys",
                                              .passwd = "state/passwd",
                                              .group = "state/passwd",
                                              .uid_map = "state/uid-map",
                                              .verifier_gid = (gid_t)-1,
                                              .keys_gid = (gid_t)-1};

    return engine_core_open(engine_config(), &paths, hooks, now, ret);
}

int engine_list_begin(struct engine_core *core, int64_t now)
{
    char version[32];
    struct timespec t;
    struct rollcall_message begin = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = true, .as_of = now, .version = version};

    clock_gettime(CLOCK_MONOTONIC, &t); // no two are the same reading
    snprintf(version, sizeof(version), "%lld.%09ld", (long long)t.tv_sec, t.tv_nsec);
    return engine_core_message(core, "hr", &begin, now);
}

int engine_list_row(struct engine_core *core, const struct engine_row *row, int64_t now)
{
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_USER,
                                 .user = employee(row->number, row->name)};

    m.user.status = row->status;
    m.user.has_uid = row->uid != 0;
    m.user.uid = row->uid;
    m.user.groups = row->groups;
    m.user.n_groups = row->n_groups;
    return engine_core_message(core, "hr", &m, now);
}

int engine_list_commit(struct engine_core *core, uint64_t rows, int64_t now)
{
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_COMMIT, .cursor = "c", .rows = rows};

    return engine_core_message(core, "hr", &m, now);
}
