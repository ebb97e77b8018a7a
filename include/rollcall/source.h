// SPDX-License-Identifier: BSD-2-Clause
// What a source says, one JSON object a line, turned into typed messages. The
// protocol for authors of sources is docs/source-protocol.md; shapes follow SCIM
// 2.0 (RFC 7643) with the enterprise extension and our own extension
// "urn:rollcall:1.0:User".
#ifndef ROLLCALL_SOURCE_H
#define ROLLCALL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rollcall/lifecycle.h"

#define ROLLCALL_SOURCE_LINE_MAX  (256 * 1024) // bytes of one line
#define ROLLCALL_SOURCE_LISTS_MAX 1024         // groups or keys of one person, entries of a line
#define ROLLCALL_SOURCE_ALIASES   8            // of one person or group
#define ROLLCALL_SOURCE_ENTRY_MAX 1024         // bytes of an alias, of an entry of a list

enum rollcall_message_kind {
    ROLLCALL_MESSAGE_BEGIN = 1,
    ROLLCALL_MESSAGE_USER,
    ROLLCALL_MESSAGE_GROUP,
    ROLLCALL_MESSAGE_GONE,
    ROLLCALL_MESSAGE_AS_OF,
    ROLLCALL_MESSAGE_PROGRESS,
    ROLLCALL_MESSAGE_COMMIT,
    ROLLCALL_MESSAGE_PROBLEM,
    ROLLCALL_MESSAGE_ABSENT,
    ROLLCALL_MESSAGE_MEMBERS,
    ROLLCALL_MESSAGE_DROPPED,
    ROLLCALL_MESSAGE_DEVICE,
    ROLLCALL_MESSAGE_FINDING,
};

// What an identity provider thinks of an account.
enum rollcall_risk {
    ROLLCALL_RISK_UNSAID = 0,
    ROLLCALL_RISK_NONE,
    ROLLCALL_RISK_LOW,
    ROLLCALL_RISK_MEDIUM,
    ROLLCALL_RISK_HIGH,
    ROLLCALL_RISK_COMPROMISED, // counts as locked
};
const char *rollcall_risk_name(enum rollcall_risk risk); // "none", ...; NULL where it is not said

// device: true, false, or not known.
enum rollcall_tristate { ROLLCALL_UNKNOWN = -1, ROLLCALL_NO = 0, ROLLCALL_YES = 1 };

// Strings that were said; NULL and 0 also for an empty list.
struct rollcall_strings {
    const char *const *item;
    size_t n;
};

// A user. Strings are NULL where the member is absent, "" where it is present and
// empty: rule 1 tells the two apart. The mapper only checked shapes and UTF-8;
// what may be a name, uid or shell is for the engine (rollcall/account.h).
struct rollcall_user_record {
    const char *id;              // immutable within the source; mandatory
    const char *employee_number; // join key, without the join_prefix
    const char *user_name;
    const char *display_name, *email, *department, *manager, *worker_type;
    enum rollcall_status status;
    const char *status_text;           // as the source wrote it, for messages
    int64_t start, end, terminated_at; // instants (end exclusive) or UNSET
    bool has_uid, has_gid;
    uint64_t uid, gid; // 64 bits: 2^32 + n must be seen, not wrapped
    const char *login_shell, *home_directory;
    const char *dn;            // by which a directory checks the person's password
    bool groups_present;       // false: column or cell missing: inferred loss
    const char *const *groups; // immutable ids of groups within the source
    size_t n_groups;
    bool keys_present;
    const char *const *ssh_keys;
    size_t n_ssh_keys;
    struct rollcall_strings aliases; // under which a group's members list this person
    bool password_blocked;
    bool rehire_conflict; // rule 12
    uint64_t incarnation; // 0: not said
    enum rollcall_risk risk;
    const char *where; // "people.csv:17", for messages
};

struct rollcall_message {
    enum rollcall_message_kind kind;
    // begin
    bool full;           // false: delta
    int64_t as_of;       // begin, as_of: the listing's own time, seconds
    const char *version; // begin: identifies the listing (mtime ns, ETag); same = same reading
    int64_t seen_at;     // begin: when the source first noticed it, or 0
    const char *since;   // begin, full: the cursor of the listing that this one is said as a
                         // difference to; NULL: it is said whole
    // user
    struct rollcall_user_record user;
    // group
    const char *group_id, *group_name; // members: group_id
    bool has_gid;
    uint64_t gid;
    bool parents_present;            // false: not said in which groups this one is
    struct rollcall_strings parents; // ids of those
    struct rollcall_strings aliases; // under which other groups' members list this one
    // members: the list anew (or its next part), or as it stood but for these
    bool values_present, more; // more: the next `members` of this group goes on
    struct rollcall_strings values, add, remove;
    // gone, absent
    const char *id;                   // gone, absent; problem: whose row, or NULL
    enum rollcall_status gone_status; // gone: LOCKED or TERMINATED; dropped: those or DISABLED; or
                                      // UNKNOWN: not said
    // problem
    const char *text, *where; // plain sentence; "file:line:column"
    bool whole;               // the listing is refused, not one row
    bool says_terminated;     // rule 3: number and status were readable
    bool warning;             // the row was taken all the same
    // commit
    const char *cursor; // opaque, at most 64 KiB
    uint64_t rows;      // commit: rows said, checked against what came
    bool has_generation;
    uint64_t generation; // commit: of the source's own, for its acknowledgement
    // dropped: `id`, and
    const char *reason, *name; // one of docs/source-protocol.md; name: for people's eyes, or NULL
    // device: `id` (or NULL), and
    enum rollcall_tristate compliant, managed;
    // finding: `text`, and
    const char *level, *what; // "ok", "warning", "error"; a word such as "clock"
    // progress
    uint64_t done, total;
    void *owner; // what the pointers above live in
};

// Parses one line (no newline). -EBADMSG with a sentence in `why` for anything that
// is not a message of the protocol; unknown members are ignored.
int rollcall_message_parse(const char *line, size_t len, struct rollcall_message *ret, char *why,
                           size_t why_len);
void rollcall_message_done(struct rollcall_message *m); // frees, zeroes; accepts zeroed

#endif
