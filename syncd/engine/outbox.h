// SPDX-License-Identifier: BSD-2-Clause
// What a hub's sinks have not been told yet: docs/doors/sink-pipe.md. Rows come by
// triggers, in the transaction of the change; they go when the sink has confirmed.
#ifndef ROLLCALL_ENGINE_OUTBOX_H
#define ROLLCALL_ENGINE_OUTBOX_H

#include <jansson.h>

#include "syncd/engine/core.h"

#define OUTBOX_BATCH          200
#define OUTBOX_GENERATION_MAX (1ll << 53) // what every reader of JSON holds exactly

struct engine_core;

// Part of opening the core and of taking a new configuration.
int outbox_configure(struct engine_core *core);

struct outbox_batch {
    struct {
        int64_t slot, generation;
    } row[OUTBOX_BATCH];
    size_t n;
    int64_t generation; // all changes up to it are in once this batch is
};

// The head of the queue. Who never had a name leaves it without a word.
// `users` gets an array of what to say (new reference).
int engine_core_outbox_take(struct engine_core *core, const char *sink, int64_t now,
                            struct outbox_batch *ret, json_t **users);
// It stands in the directory.
int engine_core_outbox_done(struct engine_core *core, const char *sink,
                            const struct outbox_batch *batch);
int64_t engine_core_outbox_last(struct engine_core *core); // the generation of the last change
// What a directory has seen already is not counted again, where state.db was lost. -ERANGE.
int engine_core_outbox_raise(struct engine_core *core, int64_t generation);
bool engine_core_outbox_waits(struct engine_core *core, const char *sink);
// The last generation that was confirmed, and -1 before the first.
int64_t engine_core_outbox_confirmed(struct engine_core *core, const char *sink);
// Everybody is to be said again.
int engine_core_outbox_whole(struct engine_core *core, const char *sink);
// That is not over: it was begun, and its last batch does not stand in the directory yet.
bool engine_core_outbox_in_whole(struct engine_core *core, const char *sink);
int engine_core_outbox_whole_done(struct engine_core *core, const char *sink);
// Dates that came near enough to be said.
int engine_core_outbox_tick(struct engine_core *core, int64_t now);
// {authority: as of}, for the heartbeat; 0 in a recovery: not heard since. New reference.
json_t *engine_core_heartbeat(struct engine_core *core, int64_t now);
bool engine_core_recovering(struct engine_core *core);
void engine_core_hub_id(struct engine_core *core, char ret[33]);

// ---- the fleet (fleet.c) ----
// A host's acknowledgement, as the sink read it.
int engine_core_fleet_host(struct engine_core *core, const char *name, int64_t generation,
                           int64_t gone, int64_t left, int64_t time, const char *version,
                           int64_t now);
// Hosts that were not heard of since: their entries are gone.
int engine_core_fleet_forget(struct engine_core *core, int64_t since);
// {"generation", "hosts": [...], "open": [...]}.
int engine_core_fleet(struct engine_core *core, int64_t now, json_t **ret);

#endif
