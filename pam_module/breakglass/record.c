// SPDX-License-Identifier: BSD-2-Clause
// From the file's ring into an audit log: durable there first, marked then.
#include <string.h>

#include "pam_module/breakglass/breakglass.h"
#include "rollcall/cleanup.h"

#define MARK_MS 1000 // a code is worked on for less

static bool waits(const struct rollcall_breakglass_event *e)
{
    return e->kind != ROLLCALL_BREAKGLASS_NONE && !e->recorded;
}

// The first `n` of `done` stand somewhere in the ring, or have left it: meanwhile others came.
static int mark(struct rollcall_breakglass *b, const struct rollcall_breakglass_event done[], int n)
{
    int marked = 0;

    for (int i = 0, from = 0; i < n; i++)
        for (int at = from; at < ROLLCALL_BREAKGLASS_EVENTS; at++)
            if (waits(&b->event[at]) && memcmp(&b->event[at], &done[i], sizeof(done[i])) == 0) {
                b->event[at].recorded = 1;
                marked++;
                from = at + 1; // they keep their order
                break;
            }
    return marked;
}

int breakglass_record(const char *path,
                      int (*record)(void *ctx, const struct rollcall_breakglass *b,
                                    const struct rollcall_breakglass_event *e),
                      void *ctx)
{
    _cleanup_close_ int fd = -1;
    struct rollcall_breakglass_event done[ROLLCALL_BREAKGLASS_EVENTS];
    struct rollcall_breakglass b;
    int n = 0, refused = 0, r = rollcall_breakglass_read(path, &b);

    if (r < 0)
        return r;
    for (int i = 0; refused == 0 && i < ROLLCALL_BREAKGLASS_EVENTS; i++) {
        if (!waits(&b.event[i]))
            continue;
        refused = record(ctx, &b, &b.event[i]);
        if (refused == 0)
            done[n++] = b.event[i];
    }
    if (n == 0)
        return refused;
    r = rollcall_breakglass_lock(path, MARK_MS, &fd, &b);
    if (r < 0)
        return r;
    n = mark(&b, done, n);
    r = n > 0 ? rollcall_breakglass_write(fd, &b) : 0;
    return r < 0 ? r : n;
}
