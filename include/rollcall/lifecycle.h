// SPDX-License-Identifier: BSD-2-Clause
// Lifecycle: from the records joined to one person, and the time, to one state.
// Pure: nothing here reads a clock, a file or a global.
#ifndef ROLLCALL_LIFECYCLE_H
#define ROLLCALL_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In order of strictness; of two, the larger wins. 0 is "no statement" and lets
// nobody in: it is what a zeroed board word says.
enum rollcall_state {
    ROLLCALL_STATE_NONE = 0,
    ROLLCALL_STATE_ACTIVE = 1,
    ROLLCALL_STATE_PENDING = 2,    // first day is to come, or never yet listed
    ROLLCALL_STATE_SUSPENDED = 3,  // leave, disabled by an admin of the directory
    ROLLCALL_STATE_LOCKED = 4,     // locked here: admin, inferred loss
    ROLLCALL_STATE_TERMINATED = 5, // employment ended, by word or by date
    ROLLCALL_STATE_PURGED = 6,     // factors, tickets and keys are destroyed
};

// Why the state is what it is. Codes are stable: they stand in files, the audit
// log and --json. rollcall_reason_name() gives the word, e.g. "terminated-at".
enum rollcall_reason {
    ROLLCALL_REASON_NONE = 0,
    ROLLCALL_REASON_EMPLOYED = 1,          // an authority lists the person as active
    ROLLCALL_REASON_NOT_STARTED = 2,       // startDate is to come
    ROLLCALL_REASON_ON_LEAVE = 3,          // status leave
    ROLLCALL_REASON_STATUS_TERMINATED = 4, // status terminated
    ROLLCALL_REASON_TERMINATED_AT = 5,     // the instant terminatedAt is reached
    ROLLCALL_REASON_END_DATE = 6,          // the last working day is over
    ROLLCALL_REASON_MISSING = 7,           // absent from two full listings (inferred)
    ROLLCALL_REASON_ADMIN_LOCK = 8,        // rollcall lock
    ROLLCALL_REASON_ORPHAN = 9,            // no authority vouches
    ROLLCALL_REASON_SIGNAL = 10,           // a signal source took access away
    ROLLCALL_REASON_DISABLED = 11,         // active=false without a termination
    ROLLCALL_REASON_REHIRE_DATES = 12,     // rule 12: endDate before startDate
    ROLLCALL_REASON_NEEDS_APPROVAL = 13,   // rule 11: name or number waits for an admin
    ROLLCALL_REASON_RECOVERY = 14,         // state lost; everybody waits for `rollcall recover`
    ROLLCALL_REASON_REPLAYED = 15,         // lock known from the journal alone
    ROLLCALL_REASON_GROUP_MISSING = 16,    // reserved for inferred loss of a group
    ROLLCALL_REASON_HUB = 17,              // the hub locked or refuses; why is known there
    ROLLCALL_REASON_DROPPED = 18,          // a source leaves the account out on purpose
    ROLLCALL_REASON_MAX = 18,
};

// Board flags, 8 bits, beside the state.
#define ROLLCALL_FLAG_ALLOWED_HERE     0x01 // in one of [access] allow_groups
#define ROLLCALL_FLAG_PASSWORD_BLOCKED 0x02 // refuses the password factor, ends nothing
#define ROLLCALL_FLAG_LEASE_EXEMPT     0x04 // member of lease_exempt_group
#define ROLLCALL_FLAG_REFUSE_ONLY      0x08 // inferred or held: refuse logins, end no session
#define ROLLCALL_FLAG_INFERRED         0x10 // the state follows from an absence
#define ROLLCALL_FLAG_NEEDS_MULTI      0x20 // member of [mfa] multi_groups
#define ROLLCALL_FLAG_NEEDS_RESISTANT  0x40 // member of [mfa] phishing_resistant_groups

const char *rollcall_state_name(enum rollcall_state state);    // "active", ... never NULL
const char *rollcall_reason_name(enum rollcall_reason reason); // "employed", ... never NULL
// One plain sentence for `rollcall user --why`; names the rule where there is one.
const char *rollcall_reason_sentence(enum rollcall_reason reason);

enum rollcall_role {
    ROLLCALL_ROLE_AUTHORITY = 1, // says who is employed
    ROLLCALL_ROLE_DIRECTORY = 2, // says what the account is on Unix
    ROLLCALL_ROLE_SIGNAL = 4,    // only takes away
};

enum rollcall_status {           // what a record itself says
    ROLLCALL_STATUS_UNKNOWN = 0, // absent or a value nobody knows: no login
    ROLLCALL_STATUS_ACTIVE,
    ROLLCALL_STATUS_LEAVE,
    ROLLCALL_STATUS_DISABLED,
    ROLLCALL_STATUS_TERMINATED,
    ROLLCALL_STATUS_LOCKED,  // by a hub: no login, sessions end
    ROLLCALL_STATUS_REFUSED, // by a hub, or dropped: no login, no session ends
};

#define ROLLCALL_TIME_UNSET INT64_MIN // "no such date"

// What one source says about one person. Times are seconds since the epoch;
// bare dates were turned into instants by the source's mapper (a bare endDate is
// the first instant after that day in `timezone`).
struct rollcall_vouch {
    unsigned role; // ROLLCALL_ROLE_* bits
    enum rollcall_status status;
    int64_t start;          // may log in from here, or UNSET
    int64_t end;            // may not from here (exclusive), or UNSET
    int64_t terminated_at;  // instant, or UNSET
    bool rehire_conflict;   // rule 12
    bool missing;           // two full listings without the row agree
    bool missing_approved;  // an admin said that the absence is an end: it ends sessions
    bool missing_keep;      // source has when_missing = keep
    bool gone;              // explicit `gone` line: record was deleted; vouches for nobody, and
                            // what it took stays taken (rule 16)
    bool start_unconfirmed; // rule 10: absent since before its start, in one listing or more
    bool password_blocked;
    bool dropped;     // left out on purpose; the status is `refused` or stricter
    bool compromised; // an identity provider's word on the account: counts as locked
    uint16_t source;  // index into the caller's table of sources
};

// What stands here, whatever sources say.
struct rollcall_local_word {
    bool admin_lock;     // rollcall lock; only `rollcall unlock` lifts it
    bool needs_approval; // rule 11
    bool recovery;       // ids known, state lost
    bool journal_lock;   // the lock journal knows a lock that state.db lost
    bool held;           // breaker: refuse at once, end no session
};

struct rollcall_verdict {
    enum rollcall_state state;
    enum rollcall_reason reason;
    int64_t not_before; // first instant of access, or UNSET
    int64_t not_after;  // first instant without access, or UNSET
    uint8_t flags;      // ROLLCALL_FLAG_PASSWORD_BLOCKED | REFUSE_ONLY | INFERRED
    int source;         // index of the record that decided, -1: local word or none
    int64_t next;       // when this verdict next changes by time alone, or UNSET
};

// One pure function from everything known of a person, and the time, to a verdict.
// Strictest wins; no authority among `vouches` means orphan. Never fails: what it
// does not understand is strict.
void rollcall_lifecycle_merge(const struct rollcall_vouch *vouches, size_t n,
                              const struct rollcall_local_word *local, int64_t now,
                              struct rollcall_verdict *ret);

#endif
