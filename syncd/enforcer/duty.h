// SPDX-License-Identifier: BSD-2-Clause
// What the enforcer has to do: whom the board and the dates say to end, and whom it has
// ended already.
#ifndef ROLLCALL_ENFORCER_DUTY_H
#define ROLLCALL_ENFORCER_DUTY_H

#include "syncd/enforcer/enforcer.h"

struct duty;

int duty_open(struct audit_log *log, struct duty **ret);
struct duty *duty_close(struct duty *duty); // returns NULL
// Reads board and private, tightens words whose date is reached, ends sessions, destroys
// factors. What cannot be read ends nothing.
void duty_look(struct duty *duty);
// The engine's record of a lock: its times go into the record of the end.
void duty_note_lock(struct duty *duty, const json_t *record);
int64_t duty_next_date(const struct duty *duty);
json_t *duty_dry_run(struct duty *duty, uint32_t uid);
json_t *duty_status(const struct duty *duty);
// How many people who are to have no process still have one; -1: nobody can tell.
int duty_left(const struct duty *duty);

#endif
