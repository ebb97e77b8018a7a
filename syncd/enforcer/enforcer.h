// SPDX-License-Identifier: BSD-2-Clause
// The enforcer's parts.
#ifndef ROLLCALL_ENFORCER_H
#define ROLLCALL_ENFORCER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/admission.h"
#include "syncd/enforcer/process.h"

// ---- audit_log.c: /var/log/rollcall/audit.jsonl ----
struct audit_log;
int audit_log_open(const char *path, gid_t group, struct audit_log **ret);
struct audit_log *audit_log_close(struct audit_log *log); // returns NULL
// Takes the reference. Stamps, chains, appends; what the disk refuses is kept in memory, and is no
// error. Negative errno: it is lost, and counted.
int audit_log_append(struct audit_log *log, json_t *record, uid_t from_uid, pid_t from_pid);
// Once a turn. 0: all that was appended is durable; else negative errno, and it is tried again.
int audit_log_sync(struct audit_log *log);
int audit_log_reopen(struct audit_log *log);
uint64_t audit_log_sequence(const struct audit_log *log);
size_t audit_log_kept(const struct audit_log *log); // records that wait for space

// ---- sweep.c: ending sessions ----
// What the engine said when it locked somebody, for the record of the end.
struct lock_words {
    char reason[40], hr_time[40], received[40], locked[40];
};

struct leaver {
    struct target target;
    char name[ROLLCALL_NAME_MAX + 1];
    struct lock_words words;
    // what happened
    unsigned processes, rounds;
    size_t left;    // still there after the last round
    bool some_stay; // in the last listing
    char first_kill[40], last_gone[40];
    json_t *spared;
};

// Ends what belongs to all of them: rounds until none is left, or for `patience_ms`. `left`
// says how many still stand. In observe nothing is ended, only counted.
void sweep(struct leaver *leavers, size_t n, bool kill_services, bool observe, int patience_ms);
// What a lock of this person would end, and what stays: arrays; new references.
void sweep_dry_run(const struct target *t, bool kill_services, json_t **ret_ends,
                   json_t **ret_stays);
const char *now_text(char buf[40]);

// ---- breakglass.c: the emergency account (docs/doors/breakglass.md) ----
// What happened to it goes into the log; an opening whose time is over is ended.
void breakglass_look(struct audit_log *log);

#endif
