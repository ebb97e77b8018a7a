// SPDX-License-Identifier: BSD-2-Clause
// Reading the cache: board, accounts, private and keys. libc only, so that the
// NSS and PAM modules can hold it. The bytes are in docs/doors.md, the structs in
// rollcall/cache_format.h.
//
// Every reader trusts no byte of a file: bounds, checks, bounded probes. A file
// that is missing, foreign, cut, older or newer in version, not owned by root or
// the engine, writable by others, or not a regular file is "absent": -ENOENT or
// -EBADMSG, never a crash, never an answer.
//
// Privileged readers (PAM as root, verifier, enforcer, command) use the handles
// below. The NSS module has its own cached mapping in nss_module/.
#ifndef ROLLCALL_CACHE_H
#define ROLLCALL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/lifecycle.h"

#define ROLLCALL_NAME_MAX        32 // bytes of a user or group name, without NUL
#define ROLLCALL_DN_MAX          1024
#define ROLLCALL_AUTHORITIES_MAX 14 // authorities a board can hold leases of
#define ROLLCALL_AUTHORITY_NONE  15

// ---- Board ----------------------------------------------------------------

// A board word, unpacked. On disk it is one 8-byte atomic: uid, check, flags,
// authority, state. A word whose check or uid does not fit is no word: -EBADMSG.
struct rollcall_word {
    enum rollcall_state state;
    uint8_t flags;     // ROLLCALL_FLAG_*
    uint8_t authority; // index into the board's leases, or ROLLCALL_AUTHORITY_NONE
    uid_t uid;
};

struct rollcall_lease {
    int64_t as_of;    // when the authority last spoke; 0: never
    int64_t length;   // seconds; logins are refused from as_of + length on
    int64_t extended; // refused not before this instant (rollcall lease extend), or 0
    char source[32];  // the source's name, for messages
};

struct rollcall_board_facts {
    uint8_t board_id[16];
    uint8_t ledger_id[16];
    uint64_t generation; // of the snapshot that belongs to it
    uint32_t slots;      // capacity
    int64_t clock_mark;  // highest time ever seen by the engine
    uint32_t id_min, id_max;
    struct rollcall_lease leases[ROLLCALL_AUTHORITIES_MAX];
    bool replaced; // a newer board stands at the path
    bool observe;  // mode = observe: evaluate and log, refuse nobody
};

struct rollcall_board; // opaque; read-only unless opened for tightening

int rollcall_board_open(const char *path, struct rollcall_board **ret);
struct rollcall_board *rollcall_board_close(struct rollcall_board *board); // returns NULL
// Would opening it again give the same? Whoever keeps a board over time asks before each use.
bool rollcall_board_current(const struct rollcall_board *board, const char *path);
int rollcall_board_facts(const struct rollcall_board *board, struct rollcall_board_facts *ret);
// 0, -EBADMSG (word damaged or another account's), -ERANGE (slot beyond the board),
// -ESTALE (board was replaced: open again).
int rollcall_board_read(const struct rollcall_board *board, uint32_t slot, uid_t uid,
                        struct rollcall_word *ret);
// The state that a slot's word claims, unchecked: for who looks through all of them to find
// those worth reading. NONE where there is no word.
enum rollcall_state rollcall_board_glance(const struct rollcall_board *board, uint32_t slot);
// For the enforcer: may only make a word stricter (and sets flags by OR of
// REFUSE_ONLY off when state is explicit). -EPERM where it would be laxer.
int rollcall_board_open_tighten(const char *path, struct rollcall_board **ret);
int rollcall_board_tighten(struct rollcall_board *board, uint32_t slot, uid_t uid,
                           enum rollcall_state state);

// ---- Private: what only root and the verifier may know ----------------------

struct rollcall_person {
    uint32_t slot;
    uid_t uid;
    gid_t gid;
    const char *name;        // current userName
    const char *former_name; // previous userName or "" (logs nobody in)
    const char *display_name;
    const char *employee_number; // with join_prefix
    const char *immutable_id;    // "source:id" of the directory record
    const char *home;
    const char *shell;         // the real one, also when NSS shows nologin
    const char *dn;            // at the directory of immutable_id, where the password is
                               // checked; "" where it said none, at most ROLLCALL_DN_MAX bytes
    enum rollcall_state state; // as the engine last published it
    enum rollcall_reason reason;
    int64_t since;        // when that state began
    int64_t not_before;   // ROLLCALL_TIME_UNSET where there is none
    int64_t not_after;    // first instant without access
    int64_t hr_time;      // HR's own time of the deciding statement, or UNSET
    int64_t received;     // when the engine had it
    uint32_t incarnation; // grows with every rehire; factors of an older one are void
    uint8_t authority;
    uint8_t flags;
};

struct rollcall_private; // opaque, read-only mapping; strings live until close

// PATH, and PATH.delta where people changed since PATH was written.
#define ROLLCALL_DELTA_SUFFIX ".delta"
int rollcall_private_open(const char *path, struct rollcall_private **ret);
struct rollcall_private *rollcall_private_close(struct rollcall_private *p); // returns NULL
// As rollcall_board_current; false in doubt.
bool rollcall_private_current(const struct rollcall_private *p, const char *path);
int rollcall_private_generation(const struct rollcall_private *p, uint64_t *ret_generation,
                                uint8_t ret_ledger_id[16]);
// 0, -ENOENT (no such person), -EBADMSG.
int rollcall_private_by_name(const struct rollcall_private *p, const char *name,
                             struct rollcall_person *ret);
int rollcall_private_by_uid(const struct rollcall_private *p, uid_t uid,
                            struct rollcall_person *ret);
int rollcall_private_by_slot(const struct rollcall_private *p, uint32_t slot,
                             struct rollcall_person *ret);
// Every person once; *cursor starts at 0. 0, -ENOENT at the end.
int rollcall_private_next(const struct rollcall_private *p, uint32_t *cursor,
                          struct rollcall_person *ret);
// The instant of the nearest not_before or not_after later than `after`, over everybody,
// or ROLLCALL_TIME_UNSET; a date that was taken back since may be among them. Kept sorted
// in the file: O(log n).
int64_t rollcall_private_next_date(const struct rollcall_private *p, int64_t after);
// Who has a date later than `after` and not later than `until`: 0 and the next of them, by
// *cursor from 0, or -ENOENT. Somebody with two such dates comes twice.
int rollcall_private_dated(const struct rollcall_private *p, int64_t after, int64_t until,
                           uint32_t *cursor, struct rollcall_person *ret);

// ---- Keys: SSH keys, for sshd's AuthorizedKeysCommand ------------------------

struct rollcall_keys;

int rollcall_keys_open(const char *path, struct rollcall_keys **ret);
struct rollcall_keys *rollcall_keys_close(struct rollcall_keys *k); // returns NULL
// Slots mean the same in a board of the same ledger id alone.
void rollcall_keys_ledger_id(const struct rollcall_keys *k, uint8_t ret_ledger_id[16]);
// Calls `line` for each key ("ssh-ed25519 AAAA... comment", no newline, not
// NUL-terminated); stops when it returns non-zero and returns that.
int rollcall_keys_by_name(const struct rollcall_keys *k, const char *name, uint32_t *ret_slot,
                          uid_t *ret_uid, int (*line)(void *ctx, const char *key, size_t len),
                          void *ctx);

#endif
