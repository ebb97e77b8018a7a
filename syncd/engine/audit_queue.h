// SPDX-License-Identifier: BSD-2-Clause
// Audit records on their way to the enforcer. A datagram socket holds a handful; an
// import or a layoff makes thousands at once. What does not fit waits here, in order,
// and nothing waits for it: a lock is never held up by its record.
#ifndef ROLLCALL_ENGINE_AUDIT_QUEUE_H
#define ROLLCALL_ENGINE_AUDIT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define AUDIT_QUEUE_MAX 65536 // records; beyond, the oldest is given up

struct audit_queue {
    const char *path; // of the enforcer's socket
    int fd;
    char **record; // a ring
    size_t first, n, room;
    bool deaf;    // nobody listened, when it was tried last
    unsigned put; // since then
    size_t lost;  // given up since the last line in the log about it
};

int audit_queue_open(struct audit_queue *q, const char *path);
// Takes `record` (malloc'd). Sends what can be sent without waiting.
void audit_queue_put(struct audit_queue *q, char *record);
// Milliseconds until it is worth trying again: -1 nothing is left, 20 the enforcer has
// its hands full, 1000 nobody listens (it will have them when it starts again).
int audit_queue_flush(struct audit_queue *q);
// Gives a listening enforcer a second to take the rest, and says how many were lost.
void audit_queue_close(struct audit_queue *q);

#endif
