// SPDX-License-Identifier: BSD-2-Clause
// Break-glass: what follows from the file's content and the time. Pure but for the clock.
#include "rollcall/breakglass.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define FREE_FAILURES 3
#define PAUSE_MAX     30

int rollcall_breakglass_clock(struct rollcall_breakglass_clock *ret)
{
    _cleanup_free_ char *boot = NULL;
    struct timespec ts;
    size_t len;
    int r = rollcall_read_file("/proc/sys/kernel/random/boot_id", 100, &boot, &len);

    if (r < 0)
        return r;
    *ret = (struct rollcall_breakglass_clock){.wall = time(NULL)};
    snprintf(ret->boot, sizeof(ret->boot), "%.36s", boot);
    if (strlen(ret->boot) != 36 || clock_gettime(CLOCK_BOOTTIME, &ts) < 0)
        return -EBADMSG;
    ret->since_boot = ts.tv_sec;
    return 0;
}

bool rollcall_breakglass_is_open(const struct rollcall_breakglass *b,
                                 const struct rollcall_breakglass_clock *clock)
{
    return b->open && *b->open_boot && strcmp(b->open_boot, clock->boot) == 0 &&
           clock->since_boot >= b->open_from && clock->since_boot < b->open_until;
}

int64_t rollcall_breakglass_pause(const struct rollcall_breakglass *b,
                                  const struct rollcall_breakglass_clock *clock)
{
    uint32_t beyond = b->failures > FREE_FAILURES ? b->failures - FREE_FAILURES : 0;
    int64_t pause = beyond == 0 ? 0 : beyond > 5 ? PAUSE_MAX : (int64_t)1 << (beyond - 1);
    int64_t left = b->failed_at + pause - clock->since_boot;

    // After a boot its clock says nothing of the last one's.
    if (strcmp(b->failed_boot, clock->boot) != 0 || left <= 0)
        return 0;
    return left < pause ? left : pause;
}

bool rollcall_breakglass_serves(const struct rollcall_breakglass *b, const char *service)
{
    size_t len = strlen(service);

    for (const char *p = b->services; *p;) {
        size_t n = strcspn(p, ",");
        if (n == len && len > 0 && strncmp(p, service, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

static bool is_used(const uint8_t hash[ROLLCALL_BREAKGLASS_HASH])
{
    static const uint8_t none[ROLLCALL_BREAKGLASS_HASH];

    return memcmp(hash, none, sizeof(none)) == 0;
}

unsigned rollcall_breakglass_left(const struct rollcall_breakglass *b)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < b->n_codes; i++)
        n += !is_used(b->hash[i]);
    return n;
}

const char *rollcall_breakglass_event_name(uint32_t kind)
{
    static const char *const names[] = {"breakglass-nothing", "breakglass-sealed",
                                        "breakglass-opened", "breakglass-closed",
                                        "breakglass-acknowledged"};

    return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

// The one to give up for a new one: a free place, else the oldest that was recorded, else the
// oldest.
static size_t place_for_one(const struct rollcall_breakglass *b)
{
    size_t i = 0;

    while (i < ROLLCALL_BREAKGLASS_EVENTS && b->event[i].kind != ROLLCALL_BREAKGLASS_NONE)
        i++;
    if (i < ROLLCALL_BREAKGLASS_EVENTS)
        return i;
    for (i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        if (b->event[i].recorded)
            return i;
    return 0;
}

struct rollcall_breakglass_event *rollcall_breakglass_note(struct rollcall_breakglass *b,
                                                           enum rollcall_breakglass_kind kind,
                                                           int64_t at)
{
    size_t i = place_for_one(b), last = ROLLCALL_BREAKGLASS_EVENTS - 1;

    if (b->event[i].kind == ROLLCALL_BREAKGLASS_NONE) {
        last = i;
    } else {
        memmove(&b->event[i], &b->event[i + 1], (last - i) * sizeof(b->event[0]));
    }
    b->event[last] = (struct rollcall_breakglass_event){.kind = kind, .at = at};
    if (kind == ROLLCALL_BREAKGLASS_OPENED)
        b->unacknowledged++;
    return &b->event[last];
}

void rollcall_breakglass_charge(struct rollcall_breakglass *b,
                                const struct rollcall_breakglass_clock *clock)
{
    if (b->failures < UINT32_MAX)
        b->failures++;
    memcpy(b->failed_boot, clock->boot, sizeof(b->failed_boot));
    b->failed_at = clock->since_boot;
}

void rollcall_breakglass_use(struct rollcall_breakglass *b, uint32_t code,
                             const struct rollcall_breakglass_clock *clock)
{
    explicit_bzero(b->hash[code - 1], sizeof(b->hash[code - 1]));
    b->open = 1;
    b->openings++;
    memcpy(b->open_boot, clock->boot, sizeof(b->open_boot));
    b->open_from = clock->since_boot;
    b->open_until = clock->since_boot + (int64_t)b->open_for;
    b->failures = 0;
}
