// SPDX-License-Identifier: BSD-2-Clause
// The engine's core: what sources say goes in, locks, ids and the cache come out.
// No sockets, no processes, no clock: the loop around it (syncd/engine/loop.c) feeds
// messages and time. All durable state of syncd is behind this door.
#ifndef ROLLCALL_ENGINE_CORE_H
#define ROLLCALL_ENGINE_CORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "rollcall/config.h"
#include "rollcall/source.h"

struct engine_paths {
    const char *state_db, *journal, *ledger;
    const char *board, *accounts, *private_, *keys;
    const char *passwd, *group; // local files whose names and ids are left out
    const char *uid_map;
    gid_t verifier_gid, keys_gid;
};

// What the core tells the loop. None may call back into the core.
struct engine_hooks {
    void (*audit)(void *ctx, const json_t *record); // one audit record; borrowed
    // The same, of a state that is no lock, as the text that it is to be: an import has as many as
    // it has people. To be freed. NULL: it comes by `audit`.
    void (*audit_state)(void *ctx, char *record);
    void (*ring)(void *ctx);                     // the enforcer's bell
    void (*phase)(void *ctx, const char *phase); // "reading", "transaction", "snapshot", ...
    // Tells whether somebody keeps the clock; NULL asks the kernel (adjtimex).
    bool (*clock_synchronised)(void *ctx);
    void *ctx;
};

struct engine_core;

// Opens or makes all durable state; replays ledger and journal; publishes a fresh
// board filled from them before anything else. A lost or corrupt state.db is set
// aside (renamed, loudly) and rebuilt: ids from the ledger, locks from the journal,
// everybody else suspended (RECOVERY) until a source lists them again.
int engine_core_open(const struct rollcall_config *config, const struct engine_paths *paths,
                     const struct engine_hooks *hooks, int64_t now, struct engine_core **ret);
struct engine_core *engine_core_close(struct engine_core *core); // returns NULL

// A new configuration, already checked; sources that went away keep their people
// until `when_missing` decides. All or nothing.
int engine_core_reconfigure(struct engine_core *core, const struct rollcall_config *config,
                            int64_t now);

// The last committed cursor of a source, or NULL. Owned by the core until the next call.
const char *engine_core_cursor(struct engine_core *core, const char *source);

// A source's messages between its begin and its commit. Staged; nothing has effect
// before the commit. -EBADMSG with an audit record refuses the batch. -ESTALE to a begin:
// it is said as a difference to another listing than the last one that was taken; nothing
// is staged, and the source has to say it whole.
int engine_core_message(struct engine_core *core, const char *source,
                        const struct rollcall_message *message, int64_t now);
// The source died, stalled or was stopped: what was staged is dropped.
void engine_core_abort(struct engine_core *core, const char *source, const char *why, int64_t now);

// Time alone: dates reached, leases, alarms, clock mark, holds. Call at the deadline
// and at least once a minute. engine_core_deadline is the next instant at which
// something changes, to the second.
int64_t engine_core_deadline(struct engine_core *core);
int engine_core_tick(struct engine_core *core, int64_t now);

// Writes snapshot, private and keys when something changed since. The loop coalesces.
bool engine_core_dirty(const struct engine_core *core);
int engine_core_publish(struct engine_core *core, int64_t now);

// The local passwd or group file changed: republish without its names and ids.
int engine_core_local_files_changed(struct engine_core *core, int64_t now);

// The admin's verbs, for the control socket. Each returns 0 and an object for the
// answer (new reference), or negative errno with {"error": "...", "hint": "..."}.
int engine_core_status(struct engine_core *core, int64_t now, json_t **ret);
int engine_core_user(struct engine_core *core, const char *name, int64_t now, json_t **ret);
// The id of the person's record of this source, of several the one that counts; -ENOENT.
int engine_core_record_id(struct engine_core *core, const char *source, const char *name, char *buf,
                          size_t len);
int engine_core_lock(struct engine_core *core, const char *name, const char *by, const char *reason,
                     int64_t now, json_t **ret);
int engine_core_unlock(struct engine_core *core, const char *name, const char *by, int64_t now,
                       json_t **ret);
// One source: what `status` has of it, its people by state, groups, risks, and who is left out.
// `after` NULL: that by reason with examples; else the list of them, from behind this id on.
int engine_core_source(struct engine_core *core, const char *name, const char *after, int64_t now,
                       json_t **ret);
int engine_core_approve(struct engine_core *core, const char *what, const char *by, int64_t now,
                        json_t **ret); // a held batch, a rehire or a name, as `status` lists them
int engine_core_expect_leavers(struct engine_core *core, unsigned n, int64_t until, const char *by,
                               int64_t now, json_t **ret);
int engine_core_recover(struct engine_core *core, const char *by, int64_t now, json_t **ret);
// Lowers the clock's mark to `now`, where a wrong clock had raised it and is kept by now.
int engine_core_recover_clock(struct engine_core *core, const char *by, int64_t now, json_t **ret);
// An authority's lease ends not before `until`, at most its own length from now. `reason`
// may be NULL.
int engine_core_lease_extend(struct engine_core *core, const char *source, int64_t until,
                             const char *by, const char *reason, int64_t now, json_t **ret);

#endif
