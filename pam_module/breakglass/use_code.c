// SPDX-License-Identifier: BSD-2-Clause
// One code against the file: charged first, burnt before anybody is told yes. The pause is the
// whole file's, and anybody with a shell can bring it about; so a right code opens within it:
// 95 bits are not guessed without a pause either.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pam_module/breakglass/breakglass.h"
#include "rollcall/cleanup.h"

#define LOCK_MS 3000

// Which code of the paper it is, from 1; 0: none. Every hash is looked at.
static uint32_t find(const struct rollcall_breakglass *b, const uint8_t *hash)
{
    static const uint8_t used[ROLLCALL_BREAKGLASS_HASH];
    uint32_t found = 0;

    for (uint32_t i = 0; i < ROLLCALL_BREAKGLASS_CODES; i++)
        if (rollcall_equal_ct(b->hash[i], ROLLCALL_BREAKGLASS_HASH, hash,
                              ROLLCALL_BREAKGLASS_HASH) &&
            !rollcall_equal_ct(b->hash[i], ROLLCALL_BREAKGLASS_HASH, used, sizeof(used)))
            found = i + 1;
    return found;
}

static void copy(char *to, size_t len, const char *text)
{
    snprintf(to, len, "%s", text ? text : "");
}

static int burn(int fd, struct rollcall_breakglass *b, uint32_t code, uint32_t failures,
                const struct rollcall_breakglass_clock *clock, const struct breakglass_where *where)
{
    struct rollcall_breakglass_event *e =
        rollcall_breakglass_note(b, ROLLCALL_BREAKGLASS_OPENED, clock->wall);

    e->code = code;
    e->failures = failures;
    copy(e->service, sizeof(e->service), where->service);
    copy(e->tty, sizeof(e->tty), where->tty);
    copy(e->rhost, sizeof(e->rhost), where->rhost);
    rollcall_breakglass_use(b, code, clock);
    return rollcall_breakglass_write(fd, b);
}

int breakglass_use_code(const char *path, const struct rollcall_secret *code,
                        const struct breakglass_where *where, int64_t *ret_pause,
                        struct rollcall_breakglass *ret)
{
    _cleanup_close_ int fd = -1;
    struct rollcall_breakglass_clock clock;
    struct rollcall_breakglass b;
    uint8_t hash[ROLLCALL_BREAKGLASS_HASH];
    uint32_t which, before;
    int64_t pause;
    int r = rollcall_breakglass_lock(path, LOCK_MS, &fd, &b);

    if (r == 0)
        r = rollcall_breakglass_clock(&clock);
    if (r < 0)
        return r == -EBUSY ? -EAGAIN : r;
    pause = rollcall_breakglass_pause(&b, &clock);
    before = b.failures;
    if (pause <= 0) {
        rollcall_breakglass_charge(&b, &clock);
        r = rollcall_breakglass_write(fd, &b);
    }
    if (r == 0)
        r = sealed_code_hash(b.salt, code, hash);
    if (r < 0)
        return r;
    which = find(&b, hash);
    explicit_bzero(hash, sizeof(hash));
    if (which == 0 && pause > 0)
        *ret_pause = pause;
    if (which == 0)
        return pause > 0 ? -EBUSY : 0;
    r = burn(fd, &b, which, before, &clock, where);
    if (r < 0)
        return r;
    *ret = b;
    return 1;
}

int breakglass_charge(const char *path)
{
    _cleanup_close_ int fd = -1;
    struct rollcall_breakglass_clock clock;
    struct rollcall_breakglass b;
    int r = rollcall_breakglass_lock(path, LOCK_MS, &fd, &b);

    if (r == 0)
        r = rollcall_breakglass_clock(&clock);
    if (r < 0)
        return r;
    rollcall_breakglass_charge(&b, &clock);
    return rollcall_breakglass_write(fd, &b);
}
