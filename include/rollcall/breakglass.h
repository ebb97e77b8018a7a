// SPDX-License-Identifier: BSD-2-Clause
// Break-glass: one local account that a sealed code opens for a while. The page is
// docs/doors/breakglass.md. The file's format, its reader and its writer; libc only, for the
// PAM module reads it.
#ifndef ROLLCALL_BREAKGLASS_H
#define ROLLCALL_BREAKGLASS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ROLLCALL_BREAKGLASS_CODES  20
#define ROLLCALL_BREAKGLASS_HASH   32
#define ROLLCALL_BREAKGLASS_SALT   16
#define ROLLCALL_BREAKGLASS_EVENTS 24

enum rollcall_breakglass_kind {
    ROLLCALL_BREAKGLASS_NONE = 0,
    ROLLCALL_BREAKGLASS_SEALED = 1,
    ROLLCALL_BREAKGLASS_OPENED = 2,
    ROLLCALL_BREAKGLASS_CLOSED = 3,
    ROLLCALL_BREAKGLASS_ACKNOWLEDGED = 4,
};

struct rollcall_breakglass_event {
    int64_t at; // wall clock
    uint32_t kind;
    uint32_t recorded; // 1: in the audit log
    uint32_t code;     // which one of the paper, from 1; 0: none
    uint32_t failures; // before it
    char service[32], tty[32], rhost[64];
    char by[32]; // an admin; or why: "time-over", "boot"
};

#define ROLLCALL_BREAKGLASS_BOOT 40

// The struct is the format: members keep their places, a change is a new version.
struct rollcall_breakglass {
    char magic[8];
    uint64_t sequence;
    uint32_t version, uid;
    char account[64];
    char services[256]; // "login,su": where codes are asked for
    uint64_t open_for;  // seconds
    int64_t sealed_at;
    uint32_t n_codes, openings; // on the paper; in all
    uint8_t salt[ROLLCALL_BREAKGLASS_SALT];
    uint8_t hash[ROLLCALL_BREAKGLASS_CODES][ROLLCALL_BREAKGLASS_HASH]; // zeros: used
    // The opening: of this boot, CLOCK_BOOTTIME. Stands until its sessions have been ended.
    uint32_t open, unacknowledged; // events that nobody has said to have seen
    char open_boot[ROLLCALL_BREAKGLASS_BOOT];
    int64_t open_from, open_until;
    // Wrong codes in a row.
    uint32_t failures, reserved;
    char failed_boot[ROLLCALL_BREAKGLASS_BOOT];
    int64_t failed_at;                                                  // CLOCK_BOOTTIME
    struct rollcall_breakglass_event event[ROLLCALL_BREAKGLASS_EVENTS]; // oldest first
    uint64_t check;                                                     // XXH3 of all before it
};

// ---- time ----
struct rollcall_breakglass_clock {
    char boot[ROLLCALL_BREAKGLASS_BOOT];
    int64_t since_boot, wall; // seconds
};
// 0, or negative errno where the boot's id cannot be read: then nothing is open.
int rollcall_breakglass_clock(struct rollcall_breakglass_clock *ret);

// ---- decisions: pure ----
bool rollcall_breakglass_is_open(const struct rollcall_breakglass *b,
                                 const struct rollcall_breakglass_clock *clock);
// Seconds until a code is looked at again; 0: now.
int64_t rollcall_breakglass_pause(const struct rollcall_breakglass *b,
                                  const struct rollcall_breakglass_clock *clock);
bool rollcall_breakglass_serves(const struct rollcall_breakglass *b, const char *service);
unsigned rollcall_breakglass_left(const struct rollcall_breakglass *b); // codes
const char *rollcall_breakglass_event_name(uint32_t kind);              // "breakglass-opened"
// A free place of the ring with `kind` and `at` set, and one more for somebody to acknowledge
// where it is an opening.
struct rollcall_breakglass_event *rollcall_breakglass_note(struct rollcall_breakglass *b,
                                                           enum rollcall_breakglass_kind kind,
                                                           int64_t at);
void rollcall_breakglass_charge(struct rollcall_breakglass *b,
                                const struct rollcall_breakglass_clock *clock);
// Code number `code` (from 1) is burnt, and the account open from now on for open_for.
void rollcall_breakglass_use(struct rollcall_breakglass *b, uint32_t code,
                             const struct rollcall_breakglass_clock *clock);

// ---- the file ----
// Without its lock, as readers do. -ENOENT: not sealed; -EBADMSG: no slot is whole;
// -EPERM: not root's alone.
int rollcall_breakglass_read(const char *path, struct rollcall_breakglass *ret);
// Opens, locks (waits up to `wait_ms`, then -EBUSY) and reads. `fd` is the caller's to close.
int rollcall_breakglass_lock(const char *path, int wait_ms, int *ret_fd,
                             struct rollcall_breakglass *ret);
// Both slots, each durable before the next. Raises the sequence.
int rollcall_breakglass_write(int fd, struct rollcall_breakglass *b);
// A new file in the place of any other, under its lock where there is one; makes the folder.
int rollcall_breakglass_create(const char *path, struct rollcall_breakglass *b);

// The uid that /etc/passwd has for a name. 0, -ENOENT, -errno.
int rollcall_breakglass_local_uid(const char *name, uint32_t *ret);

#endif
