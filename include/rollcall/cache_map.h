// SPDX-License-Identifier: BSD-2-Clause
// A mapped cache file and the ways into it. libc only; shared by the NSS module, the
// handles of rollcall/cache.h, and the writers, which check their work with it.
#ifndef ROLLCALL_CACHE_MAP_H
#define ROLLCALL_CACHE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "rollcall/cache_format.h"
#include "rollcall/lifecycle.h"

struct rc_map {
    const unsigned char *base;
    size_t len;
    // A copy: what was checked at open stays what is used, whoever writes the file later.
    struct rc_header head[1];
    bool plain_ids; // every id between the bounds is within the compiled limits
    // What a lookup needs first, worked out at open. The uids that the bounds alone decide on,
    // none where the compiled limits have a say; the records, and three indexes' buckets, an
    // empty one where there is none.
    uint32_t first_uid, n_uids, n_ids, n_names, n_gids;
    const struct rc_bucket *ids, *names, *gids;
    const void *records;
    // The words of a board of the same ledger, or NULL: a lookup has the processor fetch an
    // account's word together with its record. Never followed.
    const void *words;
    dev_t dev;
    ino_t ino;
    uid_t owner;
};

// Maps and checks the header: magic, version, byte order, sizes, sections, owner and
// mode. -ENOENT, -EACCES, or -EBADMSG for whatever is not such a file.
int rc_map_open(const char *path, const char *magic, size_t record_size, struct rc_map *ret);
void rc_map_close(struct rc_map *map);
// Does it still stand at PATH, as it was found? Such a file is never written again, and while
// it is mapped nothing else has its inode: who gets a yes has what opening it again would give.
bool rc_map_current(const struct rc_map *map, const char *path);
bool rc_map_body_intact(const struct rc_map *map); // reads all of it

static inline const void *rc_section(const struct rc_map *m, enum rc_section s)
{
    return m->base + m->head->section[s].off;
}

// `len` bytes at `off` in the pool, or NULL when they are not all inside.
const char *rc_pool(const struct rc_map *m, uint64_t off, uint64_t len);

uint64_t rc_hash_bytes(const struct rc_map *m, const void *key, size_t len);
uint64_t rc_hash_uid(const struct rc_map *m, uint32_t uid);
uint64_t rc_hash_gid(const struct rc_map *m, uint32_t gid);
// The same for a file that is being made: its header's seed.
uint64_t rc_hash_bytes_seeded(uint64_t seed, const void *key, size_t len);
// Of `len` bytes, a multiple of 8 and at most 80, with a slot mixed in; the check member
// must be zero in the copy. Writers and readers have this one: 16 bits of a hash of two
// sums, of numbers of 16 bits each times its own. It finds decay; it is no guard against
// forgery.
#define RC_CHECK_WORDS 10
uint16_t rc_check16(const void *record, size_t len, uint32_t slot);

// Candidates of a hash in an index, one after the other; bounded by RC_PROBES buckets
// whatever the file says. RC_EMPTY at the end. A candidate is a number below `limit`,
// not an answer: compare the key in the record.
struct rc_probe {
    const struct rc_bucket *buckets;
    uint32_t n, at, tag, limit;
    unsigned bits; // of the bucket at `at`: what is left of it
    unsigned left; // buckets that may still be looked into
};
void rc_probe_start(const struct rc_map *m, enum rc_section s, uint64_t hash, uint32_t limit,
                    struct rc_probe *ret);
uint32_t rc_probe_next(struct rc_probe *p);

// An account record, copied out and checked; false when the slot is empty or damaged. *ret
// is overwritten either way: it is where the copy is checked.
bool rc_account_at(const struct rc_map *m, uint32_t slot, struct rc_account_record *ret);
bool rc_account_by_name(const struct rc_map *m, const char *name, size_t len, uint32_t *ret_slot,
                        struct rc_account_record *ret);
bool rc_account_by_uid(const struct rc_map *m, uint32_t uid, uint32_t *ret_slot,
                       struct rc_account_record *ret);
// By a name that the account had before; for when nobody has it now. *ret is the account,
// with its present name. Always false unless the snapshot resolves former names.
bool rc_account_by_former_name(const struct rc_map *m, const char *name, size_t len,
                               uint32_t *ret_slot, struct rc_account_record *ret);
bool rc_group_at(const struct rc_map *m, uint32_t number, struct rc_group_record *ret);
// What stands in the pool of a group that was found there: its name, and behind that its list.
static inline const char *rc_group_name(const struct rc_map *m, const struct rc_group_record *g)
{
    return (const char *)rc_section(m, RC_POOL) + g->pool;
}
static inline const unsigned char *rc_group_list(const struct rc_map *m,
                                                 const struct rc_group_record *g)
{
    return (const unsigned char *)rc_group_name(m, g) + g->name_len + 1;
}
// A group's name stands in the pool and not in its record: whether this copy of it, with
// its NUL, may be served for that gid.
bool rc_group_name_ok(const struct rc_map *m, const char *name, const struct rc_group_record *g);
bool rc_group_by_name(const struct rc_map *m, const char *name, size_t len,
                      struct rc_group_record *ret);
bool rc_group_by_gid(const struct rc_map *m, uint32_t gid, struct rc_group_record *ret);

// ---- board ----
struct rc_board_map {
    unsigned char *base;
    size_t len;
    struct rc_board_header *head;
    dev_t dev;
    ino_t ino;
    uid_t owner;
};
// rc_map_open for a file of the same folder as one that is mapped: its owner, found right when
// it was opened, is believed, and the folder is not looked at again.
int rc_map_open_beside(const char *path, const char *magic, size_t record_size, uid_t owner,
                       struct rc_map *ret);
int rc_board_map_open(const char *path, bool writable, struct rc_board_map *ret);
void rc_board_map_close(struct rc_board_map *b);
// Does it live, and still stand at PATH, as it was found? As rc_map_current.
bool rc_board_map_current(const struct rc_board_map *b, const char *path);
// What tells a board from its copy: the inode, and the birth of the file in nanoseconds. A
// file system that knows no births says NEVER; a process that may not ask has UNKNOWN, and
// looks at the inode alone.
#define RC_BORN_NEVER   INT64_C(0)
#define RC_BORN_UNKNOWN INT64_C(-1)
int rc_file_stat(int fd, struct stat *ret, int64_t *ret_born); // fills mode, uid, size, ino, dev
bool rc_board_is_original(const struct rc_board_header *h, ino_t ino, int64_t born);
// Tells whoever has PATH.old mapped that another board stands at PATH, if one does.
void rc_board_mark_old(const char *path);
_Atomic uint64_t *rc_board_word_at(const struct rc_board_map *b, uint32_t slot);
// Of a word that was already loaded: 0, or -EBADMSG.
int rc_board_word_unpack(const struct rc_board_map *b, uint32_t slot, uint32_t uid, uint64_t word,
                         enum rollcall_state *ret_state, uint8_t *ret_flags,
                         uint8_t *ret_authority);
uint64_t rc_board_word_pack(const uint8_t ledger_id[16], uint32_t slot, uint32_t uid,
                            unsigned state, unsigned authority, unsigned flags);
// 0, -EBADMSG, -ERANGE, -ESTALE (replaced).
int rc_board_word_get(const struct rc_board_map *b, uint32_t slot, uint32_t uid,
                      enum rollcall_state *ret_state, uint8_t *ret_flags, uint8_t *ret_authority);

#endif
