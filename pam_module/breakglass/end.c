// SPDX-License-Identifier: BSD-2-Clause
// The end of an opening, whoever sees it: rollcall-breakglass itself, the enforcer, the command.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pam_module/breakglass/breakglass.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "syncd/enforcer/enforcer.h"

#define LOCK_MS 3000

// True when none is left.
static bool end_sessions(const struct rollcall_breakglass *b, int patience_ms)
{
    struct leaver l = {.target = {.uid = b->uid,
                                  .id_min = ROLLCALL_ID_DEFAULT_MIN,
                                  .id_max = ROLLCALL_ID_DEFAULT_MAX}};

    if (!subordinate_range(b->account, b->uid, &l.target.sub_start, &l.target.sub_count))
        l.target.sub_count = 0;
    sweep(&l, 1, false, false, patience_ms);
    json_decref(l.spared);
    return l.left == 0;
}

// From here on the account phase refuses, whatever becomes of the sessions.
static int shut(const char *path, struct rollcall_breakglass *ret)
{
    _cleanup_close_ int fd = -1;
    int r = rollcall_breakglass_lock(path, LOCK_MS, &fd, ret);

    if (r < 0 || !ret->open)
        return r;
    ret->open_until = ret->open_from;
    return rollcall_breakglass_write(fd, ret);
}

static int note_end(const char *path, const struct rollcall_breakglass *ended, const char *by,
                    int64_t now)
{
    _cleanup_close_ int fd = -1;
    struct rollcall_breakglass b;
    struct rollcall_breakglass_event *e;
    int r = rollcall_breakglass_lock(path, LOCK_MS, &fd, &b);

    // Somebody was faster, or a code has opened it again.
    if (r < 0 || !b.open || b.openings != ended->openings)
        return r;
    b.open = 0;
    e = rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_CLOSED, now);
    snprintf(e->by, sizeof(e->by), "%s", by);
    return rollcall_breakglass_write(fd, &b);
}

int breakglass_end(const char *path, const char *now_by, int patience_ms)
{
    struct rollcall_breakglass_clock clock;
    struct rollcall_breakglass b;
    const char *by = now_by;
    int r = rollcall_breakglass_read(path, &b);

    if (r == 0)
        r = rollcall_breakglass_clock(&clock);
    if (r < 0)
        return r;
    if (!b.open)
        return 1;
    if (now_by)
        r = shut(path, &b);
    else if (rollcall_breakglass_is_open(&b, &clock))
        return 0;
    if (r < 0)
        return r;
    if (!by)
        by = strcmp(b.open_boot, clock.boot) == 0 ? "time-over" : "boot";
    if (!end_sessions(&b, patience_ms))
        return 0;
    r = note_end(path, &b, by, clock.wall);
    return r < 0 ? r : 1;
}
