// SPDX-License-Identifier: BSD-2-Clause
// The bytes of the cache files. docs/doors/cache.md says the same in words; a change
// here is a new version of the file. Host byte order, told by `endian`.
#ifndef ROLLCALL_CACHE_FORMAT_H
#define ROLLCALL_CACHE_FORMAT_H

#include <stdatomic.h>
#include <stdint.h>

#define ROLLCALL_CACHE_VERSION  4u // of accounts, private and keys
#define ROLLCALL_BOARD_VERSION  3u // apart: its words outlive an upgrade of the others
#define ROLLCALL_CACHE_ENDIAN   0x01020304u
#define ROLLCALL_MAGIC_ACCOUNTS "RCACCTS"
#define ROLLCALL_MAGIC_PRIVATE  "RCPRIVT"
#define ROLLCALL_MAGIC_KEYS     "RCKEYS_"
#define ROLLCALL_MAGIC_BOARD    "RCBOARD"

// ---- accounts, private, keys: header, then sections ---------------------------

enum rc_section {
    RC_RECORDS, // fixed-size records; accounts and keys: record number = slot
    RC_NAMES,   // buckets: name -> record number
    RC_IDS,     // buckets: uid -> record number
    RC_POOL,    // strings and blobs, reached by offset and length
    RC_ORDER,   // u32 slots in enumeration order
    RC_GROUPS,  // accounts: struct rc_group_record
    RC_GNAMES,  // accounts: buckets: group name -> group number
    RC_GIDS,    // accounts: buckets: gid -> group number
    RC_MSHIPS,  // accounts: u32 gids, a run for each account
    RC_SHELLS,  // accounts: struct rc_span into the pool
    RC_DATES,   // private: struct rc_date, sorted
    RC_FORMER,  // accounts: struct rc_former_record; empty unless former names resolve
    RC_FNAMES,  // accounts: buckets: former name -> number in RC_FORMER
    RC_SECTIONS = 13,
};

struct rc_span {
    uint64_t off, len; // bytes from the start of the file
};

#define RC_FLAG_OBSERVE     1u // show real shells: mode = observe
#define RC_FLAG_ENUMERATE   2u // getpwent and getgrent answer
#define RC_FLAG_HIDE_LOCKED 4u // whoever the board calls locked or stricter is not found

struct rc_header {
    char magic[8];
    uint32_t endian, version;
    uint64_t generation;
    uint8_t ledger_id[16];
    uint64_t file_size;
    uint64_t seed;  // of every hash of names in this file
    uint32_t slots; // records
    uint32_t count; // records in use
    uint32_t id_min, id_max;
    uint32_t flags, groups;
    uint64_t id_factor, gid_factor; // of the hashes in RC_IDS and in RC_GIDS
    struct rc_span section[RC_SECTIONS];
    uint64_t body_check; // XXH3 of all bytes behind the header; for syncd, doctor and tests
    uint64_t head_check; // XXH3 of all bytes before this member
};

// An index bucket is one cache line: eight tags, eight record numbers. A full bucket
// overflows into the next; the writer keeps chains under RC_PROBES.
#define RC_BUCKET_SLOTS 8
#define RC_PROBES       8
#define RC_EMPTY        0xffffffffu
struct rc_bucket {
    uint32_t tag[RC_BUCKET_SLOTS];
    uint32_t ref[RC_BUCKET_SLOTS];
};

// One account, one cache line. `text` holds the name and, where it fits, the gecos, each
// with its NUL: the first 32 bytes are a name of any length, or a name and its end, and one
// copy of `text` into the caller's buffer is two strings. What is behind them is zero.
#define RC_ACCOUNT_TEXT       36
#define RC_MSHIP_RUN          16u // gids in a line
#define RC_ACCOUNT_GECOS_POOL 1u
#define RC_ACCOUNT_HOME_RULE  2u // home is "/home/" and the name
struct rc_account_record {
    char text[RC_ACCOUNT_TEXT];
    uint32_t uid, gid;
    uint32_t mship;    // index of the first gid in RC_MSHIPS; up to RC_MSHIP_RUN: slot times that
    uint16_t n_groups; // named groups of ours
    uint16_t n_local;  // gids of local groups that follow them
    uint16_t check;    // of the record with this member zero, and its slot
    uint8_t name_len, gecos_len;
    uint32_t pool; // offset in RC_POOL of gecos (if pooled), then home (if no rule)
    uint16_t home_len;
    uint8_t shell, flags;
};

struct rc_group_record {
    uint32_t gid;
    uint32_t n_members;
    uint64_t pool;        // offset in RC_POOL: name, NUL, n length bytes, NUL-ended names
    uint32_t members_len; // of the members' names, NULs included
    uint16_t check;
    uint8_t name_len, unused;
    uint64_t unused2;
};

// A name that somebody had before. It finds the account, whose present name is the answer.
struct rc_former_record {
    uint32_t slot;
    uint16_t check; // of the record with this member zero, and its number
    uint8_t name_len, unused;
    char name[32];
};

// A person, for root and the verifier, in slot order without gaps; the gid is the uid.
// Strings stand in the pool, NUL-ended, one after the other in the order of struct
// rollcall_person.
#define RC_PERSON_STRINGS 8
struct rc_person_record {
    uint32_t uid, slot;
    int64_t since, not_before, not_after, hr_time, received;
    uint32_t incarnation;
    uint32_t pool;
    uint16_t len[RC_PERSON_STRINGS]; // without NUL
    uint8_t state, reason, authority, flags;
    uint16_t check, unused;
};

// A first day, or a first instant without access: when somebody has to be looked at.
struct rc_date {
    int64_t at;
    uint32_t slot, unused;
};

struct rc_keys_record {
    uint32_t uid;
    uint32_t pool; // name, NUL; then the keys, each ended by a newline
    uint32_t keys_len;
    uint16_t check;
    uint8_t name_len, used;
};

// ---- board ---------------------------------------------------------------------

#define RC_BOARD_HEAD        4096u
#define RC_BOARD_LIVE        1u
#define RC_BOARD_REPLACED    2u
#define RC_BOARD_AUTHORITIES 14

struct rc_board_lease {
    _Atomic int64_t as_of, length, extended;
    char source[32];
};

struct rc_board_header {
    char magic[8];
    uint32_t endian, version;
    uint8_t board_id[16], ledger_id[16];
    uint64_t inode; // of the file it was made in: a copy is not trusted
    uint32_t slots;
    uint32_t id_min, id_max, flags;
    int64_t born;        // of that file, in ns; what overlayfs copies up keeps its inode
    uint64_t head_check; // XXH3 of all bytes before this member
    _Atomic uint32_t status;
    uint32_t unused;
    _Atomic uint64_t generation;
    _Atomic int64_t clock_mark;
    struct rc_board_lease lease[RC_BOARD_AUTHORITIES];
};

_Static_assert(sizeof(struct rc_account_record) == 64, "one cache line");
_Static_assert(sizeof(struct rc_bucket) == 64, "one cache line");
_Static_assert(sizeof(struct rc_group_record) == 32, "half a cache line");
_Static_assert(sizeof(struct rc_former_record) == 40, "no padding");
_Static_assert(sizeof(struct rc_person_record) % 8 == 0, "aligned records");
_Static_assert(sizeof(struct rc_header) % 8 == 0, "aligned sections");
_Static_assert(sizeof(struct rc_board_header) <= RC_BOARD_HEAD, "a page");

#endif
