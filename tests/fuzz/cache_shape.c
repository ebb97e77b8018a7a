// SPDX-License-Identifier: BSD-2-Clause
#define XXH_INLINE_ALL
#include "tests/fuzz/cache_shape.h"

#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

#include "rollcall/account.h"
#include "rollcall/cache_map.h"
#include "tests/fuzz/memory_files.h"

#define HEAD sizeof(struct rc_header)

static const char *const magics[] = {ROLLCALL_MAGIC_ACCOUNTS, ROLLCALL_MAGIC_PRIVATE,
                                     ROLLCALL_MAGIC_KEYS};
static const size_t record_size[] = {sizeof(struct rc_account_record),
                                     sizeof(struct rc_person_record),
                                     sizeof(struct rc_keys_record)};

static size_t unit(enum shape kind, unsigned section)
{
    static const size_t units[RC_SECTIONS] = {[RC_NAMES] = sizeof(struct rc_bucket),
                                              [RC_IDS] = sizeof(struct rc_bucket),
                                              [RC_GNAMES] = sizeof(struct rc_bucket),
                                              [RC_GIDS] = sizeof(struct rc_bucket),
                                              [RC_FNAMES] = sizeof(struct rc_bucket),
                                              [RC_ORDER] = 4,
                                              [RC_MSHIPS] = 4,
                                              [RC_SHELLS] = sizeof(struct rc_span),
                                              [RC_GROUPS] = sizeof(struct rc_group_record),
                                              [RC_DATES] = sizeof(struct rc_date),
                                              [RC_FORMER] = sizeof(struct rc_former_record)};

    return section == RC_RECORDS ? record_size[kind] : units[section] ? units[section] : 1;
}

struct file {
    unsigned char *at;
    size_t len;
    enum shape kind;
    struct rc_header h;
};

// Where number `i` of a section stands, or NULL.
static unsigned char *item(const struct file *f, unsigned section, uint64_t i)
{
    const struct rc_span *s = &f->h.section[section];
    size_t size = unit(f->kind, section);

    if (s->off > f->len || s->len > f->len - s->off || i >= s->len / size)
        return NULL;
    return f->at + s->off + i * size;
}

static const unsigned char *pool(const struct file *f, uint64_t off, uint64_t len)
{
    const struct rc_span *s = &f->h.section[RC_POOL];

    if (s->off > f->len || s->len > f->len - s->off || off > s->len || len > s->len - off)
        return NULL;
    return f->at + s->off + off;
}

// ---- repair ----

static void fit_sections(struct file *f)
{
    for (unsigned i = 0; i < RC_SECTIONS; i++) {
        struct rc_span *s = &f->h.section[i];
        s->off &= ~63ull;
        if (s->off < HEAD)
            s->off = HEAD;
        if (s->off > f->len)
            s->off = f->len & ~(size_t)63;
        if (s->len > f->len - s->off)
            s->len = f->len - s->off;
        s->len -= s->len % unit(f->kind, i);
    }
    f->h.slots = (uint32_t)(f->h.section[RC_RECORDS].len / unit(f->kind, RC_RECORDS));
    f->h.groups = (uint32_t)(f->h.section[RC_GROUPS].len / sizeof(struct rc_group_record));
    if (f->h.id_min > f->h.id_max || !rollcall_id_in_compiled_limits(f->h.id_min) ||
        !rollcall_id_in_compiled_limits(f->h.id_max)) {
        f->h.id_min = ROLLCALL_ID_DEFAULT_MIN;
        f->h.id_max = ROLLCALL_ID_DEFAULT_MAX;
    }
}

static void fit_check(unsigned char *at, size_t size, size_t check_at, uint32_t number)
{
    _Alignas(8) unsigned char copy[8 * RC_CHECK_WORDS];
    uint16_t check = 0;

    memcpy(copy, at, size);
    memcpy(copy + check_at, &check, 2);
    check = rc_check16(copy, size, number);
    memcpy(at + check_at, &check, 2);
}

static void fit_checks(const struct file *f)
{
    static const size_t check_at[] = {offsetof(struct rc_account_record, check),
                                      offsetof(struct rc_person_record, check),
                                      offsetof(struct rc_keys_record, check)};
    unsigned char *at;

    for (uint32_t i = 0; (at = item(f, RC_RECORDS, i)); i++) {
        struct rc_account_record a;
        memcpy(&a, at, f->kind == SHAPE_ACCOUNTS ? sizeof(a) : 0);
        // A slot that nobody has is all zeros, and has no check.
        if (f->kind != SHAPE_ACCOUNTS || a.name_len)
            fit_check(at, record_size[f->kind], check_at[f->kind], i);
    }
    if (f->kind != SHAPE_ACCOUNTS)
        return;
    for (uint32_t i = 0; (at = item(f, RC_GROUPS, i)); i++)
        fit_check(at, sizeof(struct rc_group_record), offsetof(struct rc_group_record, check), i);
    for (uint32_t i = 0; (at = item(f, RC_FORMER, i)); i++)
        fit_check(at, sizeof(struct rc_former_record), offsetof(struct rc_former_record, check), i);
}

static bool hash_of(const struct file *f, const void *name, size_t len, uint32_t *ret)
{
    if (!name)
        return false;
    *ret = (uint32_t)rc_hash_bytes_seeded(f->h.seed, name, len);
    return true;
}

static bool tag_of_record(const struct file *f, unsigned index, uint32_t ref, uint32_t *ret)
{
    const unsigned char *at = item(f, RC_RECORDS, ref);
    struct rc_account_record a;
    struct rc_person_record p;
    struct rc_keys_record k;
    uint32_t uid;

    if (!at)
        return false;
    memcpy(&a, at, f->kind == SHAPE_ACCOUNTS ? sizeof(a) : 0);
    memcpy(&p, at, f->kind == SHAPE_PRIVATE ? sizeof(p) : 0);
    memcpy(&k, at, f->kind == SHAPE_KEYS ? sizeof(k) : 0);
    uid = f->kind == SHAPE_ACCOUNTS ? a.uid : f->kind == SHAPE_PRIVATE ? p.uid : k.uid;
    if (index == RC_IDS) {
        *ret = uid;
        return true;
    }
    if (f->kind == SHAPE_ACCOUNTS)
        return hash_of(f, a.text, a.name_len <= RC_ACCOUNT_TEXT ? a.name_len : RC_ACCOUNT_TEXT,
                       ret);
    if (f->kind == SHAPE_KEYS)
        return hash_of(f, pool(f, k.pool, k.name_len), k.name_len, ret);
    return hash_of(f, pool(f, p.pool, p.len[0]), p.len[0], ret);
}

static bool tag_of(const struct file *f, unsigned index, uint32_t ref, uint32_t *ret)
{
    const unsigned char *at;
    struct rc_former_record former;
    struct rc_group_record g;

    if (index == RC_NAMES || index == RC_IDS)
        return tag_of_record(f, index, ref, ret);
    at = item(f, index == RC_FNAMES ? RC_FORMER : RC_GROUPS, ref);
    if (!at)
        return false;
    if (index == RC_FNAMES) {
        memcpy(&former, at, sizeof(former));
        return hash_of(f, former.name, former.name_len <= 32 ? former.name_len : 32, ret);
    }
    memcpy(&g, at, sizeof(g));
    if (index == RC_GNAMES)
        return hash_of(f, pool(f, g.pool, g.name_len), g.name_len, ret);
    *ret = g.gid;
    return true;
}

static void fit_tags(const struct file *f)
{
    static const unsigned indexes[] = {RC_NAMES, RC_IDS, RC_GNAMES, RC_GIDS, RC_FNAMES};
    unsigned char *at;

    for (unsigned k = 0; k < (f->kind == SHAPE_ACCOUNTS ? 5 : 2); k++)
        for (uint64_t i = 0; (at = item(f, indexes[k], i)); i++) {
            struct rc_bucket b;
            memcpy(&b, at, sizeof(b));
            for (int n = 0; n < RC_BUCKET_SLOTS; n++) {
                uint32_t tag;
                // A former name of a person has an entry of its own: it stays.
                if (b.ref[n] != RC_EMPTY && (f->kind != SHAPE_PRIVATE || b.tag[n] % 2) &&
                    tag_of(f, indexes[k], b.ref[n], &tag))
                    b.tag[n] = tag;
            }
            memcpy(at, &b, sizeof(b));
        }
}

void shape_repair(unsigned char *file, size_t len, enum shape kind, unsigned leave)
{
    struct file f = {.at = file, .len = len, .kind = kind};

    if (len < HEAD)
        return;
    memcpy(&f.h, file, HEAD);
    if (!(leave & LEAVE_SECTIONS))
        fit_sections(&f);
    if (!(leave & LEAVE_RECORDS))
        fit_checks(&f);
    if (!(leave & LEAVE_INDEX))
        fit_tags(&f);
    if (!(leave & LEAVE_HEADER)) {
        memcpy(f.h.magic, magics[kind], 8);
        f.h.endian = ROLLCALL_CACHE_ENDIAN;
        f.h.version = ROLLCALL_CACHE_VERSION;
        f.h.file_size = len;
        f.h.head_check = XXH3_64bits(&f.h, offsetof(struct rc_header, head_check));
    }
    memcpy(file, &f.h, HEAD);
}

void shape_repair_board(unsigned char *board, size_t len, const unsigned char *accounts,
                        size_t accounts_len, ino_t ino, unsigned leave)
{
    struct file f = {.at = (unsigned char *)(uintptr_t)accounts, .len = accounts_len};
    _Alignas(64) struct rc_board_header h;

    if (len < RC_BOARD_HEAD)
        return;
    memcpy(&h, board, sizeof(h));
    if (accounts && accounts_len >= HEAD)
        memcpy(&f.h, accounts, HEAD);
    if (accounts && !(leave & LEAVE_LEDGER))
        memcpy(h.ledger_id, f.h.ledger_id, 16);
    if (!(leave & LEAVE_BOARD)) {
        memcpy(h.magic, ROLLCALL_MAGIC_BOARD, 8);
        h.endian = ROLLCALL_CACHE_ENDIAN;
        h.version = ROLLCALL_BOARD_VERSION;
        h.slots = (uint32_t)((len - RC_BOARD_HEAD) / 8);
        h.inode = ino;
        h.born = MEMORY_FILES_BORN;
        if (!rollcall_id_in_compiled_limits(h.id_min) || !rollcall_id_in_compiled_limits(h.id_max))
            h.id_min = h.id_max = ROLLCALL_ID_DEFAULT_MIN;
        h.head_check = XXH3_64bits(&h, offsetof(struct rc_board_header, head_check));
    }
    memcpy(board, &h, sizeof(h));
    for (uint32_t i = 0; !(leave & LEAVE_WORDS) && i < (len - RC_BOARD_HEAD) / 8; i++) {
        const unsigned char *at = accounts ? item(&f, RC_RECORDS, i) : NULL;
        struct rc_account_record a = {0};
        uint64_t w;
        memcpy(&w, board + RC_BOARD_HEAD + 8 * (size_t)i, 8);
        if (at)
            memcpy(&a, at, sizeof(a));
        w = rc_board_word_pack(h.ledger_id, i, at ? a.uid : (uint32_t)(w >> 32), w & 15,
                               w >> 4 & 15, w >> 8 & 255);
        memcpy(board + RC_BOARD_HEAD + 8 * (size_t)i, &w, 8);
    }
}

// ---- folding ----

size_t shape_unfold_board(const unsigned char *folded, size_t len, unsigned char *ret, size_t room)
{
    size_t words = len > SHAPE_BOARD_HEAD ? len - SHAPE_BOARD_HEAD : 0;

    if (len < SHAPE_BOARD_HEAD || RC_BOARD_HEAD + words > room) {
        memcpy(ret, folded, len < room ? len : room); // cut short
        return len < room ? len : room;
    }
    memcpy(ret, folded, SHAPE_BOARD_HEAD);
    memset(ret + SHAPE_BOARD_HEAD, 0, RC_BOARD_HEAD - SHAPE_BOARD_HEAD);
    memcpy(ret + RC_BOARD_HEAD, folded + SHAPE_BOARD_HEAD, words);
    return RC_BOARD_HEAD + words;
}

size_t shape_fold_board(const unsigned char *board, size_t len, unsigned char *ret)
{
    memcpy(ret, board, SHAPE_BOARD_HEAD);
    memcpy(ret + SHAPE_BOARD_HEAD, board + RC_BOARD_HEAD, len - RC_BOARD_HEAD);
    return SHAPE_BOARD_HEAD + len - RC_BOARD_HEAD;
}

// ---- change ----

#define WHOLE_HEADER 200 // no section: the header itself
#define MEMBER(kinds, section, type, member)                                                       \
    {                                                                                              \
        kinds, section, offsetof(type, member), sizeof(((type *)0)->member)                        \
    }
#define A 1u
#define P 2u
#define K 4u

static const struct member {
    uint8_t kinds, section;
    uint16_t at, size;
} members[] = {
    MEMBER(A, RC_RECORDS, struct rc_account_record, text),
    MEMBER(A, RC_RECORDS, struct rc_account_record, uid),
    MEMBER(A, RC_RECORDS, struct rc_account_record, gid),
    MEMBER(A, RC_RECORDS, struct rc_account_record, mship),
    MEMBER(A, RC_RECORDS, struct rc_account_record, n_groups),
    MEMBER(A, RC_RECORDS, struct rc_account_record, n_local),
    MEMBER(A, RC_RECORDS, struct rc_account_record, name_len),
    MEMBER(A, RC_RECORDS, struct rc_account_record, gecos_len),
    MEMBER(A, RC_RECORDS, struct rc_account_record, pool),
    MEMBER(A, RC_RECORDS, struct rc_account_record, home_len),
    MEMBER(A, RC_RECORDS, struct rc_account_record, shell),
    MEMBER(A, RC_RECORDS, struct rc_account_record, flags),
    MEMBER(A, RC_GROUPS, struct rc_group_record, gid),
    MEMBER(A, RC_GROUPS, struct rc_group_record, n_members),
    MEMBER(A, RC_GROUPS, struct rc_group_record, pool),
    MEMBER(A, RC_GROUPS, struct rc_group_record, members_len),
    MEMBER(A, RC_GROUPS, struct rc_group_record, name_len),
    MEMBER(A, RC_FORMER, struct rc_former_record, slot),
    MEMBER(A, RC_FORMER, struct rc_former_record, name_len),
    MEMBER(A, RC_FORMER, struct rc_former_record, name),
    MEMBER(A, RC_SHELLS, struct rc_span, off),
    MEMBER(A, RC_SHELLS, struct rc_span, len),
    {A, RC_ORDER, 0, 4},
    {A, RC_MSHIPS, 0, 4},
    {A | P | K, RC_POOL, 0, 1},
    {A | P | K, RC_NAMES, 0, 32},
    {A | P | K, RC_NAMES, 32, 32},
    {A | P, RC_IDS, 0, 32},
    {A | P, RC_IDS, 32, 32},
    {A, RC_GNAMES, 32, 32},
    {A, RC_GIDS, 32, 32},
    {A, RC_FNAMES, 32, 32},
    MEMBER(P, RC_RECORDS, struct rc_person_record, uid),
    MEMBER(P, RC_RECORDS, struct rc_person_record, not_after),
    MEMBER(P, RC_RECORDS, struct rc_person_record, pool),
    MEMBER(P, RC_RECORDS, struct rc_person_record, len),
    MEMBER(P, RC_RECORDS, struct rc_person_record, state),
    MEMBER(P, RC_RECORDS, struct rc_person_record, slot),
    MEMBER(P, RC_DATES, struct rc_date, at),
    MEMBER(K, RC_RECORDS, struct rc_keys_record, uid),
    MEMBER(K, RC_RECORDS, struct rc_keys_record, pool),
    MEMBER(K, RC_RECORDS, struct rc_keys_record, keys_len),
    MEMBER(K, RC_RECORDS, struct rc_keys_record, name_len),
    MEMBER(K, RC_RECORDS, struct rc_keys_record, used),
    MEMBER(A | P | K, WHOLE_HEADER, struct rc_header, section),
    MEMBER(A | P | K, WHOLE_HEADER, struct rc_header, generation),
    MEMBER(A | P | K, WHOLE_HEADER, struct rc_header, seed),
    MEMBER(A | P, WHOLE_HEADER, struct rc_header, id_factor),
    MEMBER(A, WHOLE_HEADER, struct rc_header, gid_factor),
    MEMBER(A, WHOLE_HEADER, struct rc_header, flags),
    MEMBER(A, WHOLE_HEADER, struct rc_header, id_min),
    MEMBER(A, WHOLE_HEADER, struct rc_header, id_max),
    MEMBER(A | P | K, WHOLE_HEADER, struct rc_header, slots),
    MEMBER(A, WHOLE_HEADER, struct rc_header, groups),
    MEMBER(P, WHOLE_HEADER, struct rc_header, ledger_id),
};

static void change(unsigned char *at, size_t size, uint64_t *random)
{
    static const uint64_t telling[] = {0,          1,          2,
                                       3,          7,          8,
                                       31,         32,         33,
                                       36,         37,         64,
                                       127,        128,        255,
                                       256,        320,        999,
                                       1000,       4095,       4096,
                                       61184,      65534,      65535,
                                       65536,      524288,     ROLLCALL_ID_DEFAULT_MIN,
                                       0x7fffffff, 0x80000000, 0xfffffffe,
                                       0xffffffff, 1ull << 32, 1ull << 63,
                                       ~0ull};
    uint64_t v = 0, how = shape_random(random);
    size_t width = size > 8 ? 1u << how % 4 : size, where = how / 8 % (size / width) * width;

    memcpy(&v, at + where, width);
    switch (how / 1024 % 4) {
    case 0:
        v = telling[shape_random(random) % (sizeof(telling) / sizeof(telling[0]))];
        break;
    case 1:
        v += shape_random(random) % 17 - 8;
        break;
    case 2:
        v ^= 1ull << shape_random(random) % (8 * width);
        break;
    default:
        v = shape_random(random);
        break;
    }
    memcpy(at + where, &v, width);
}

static void mutate_board(unsigned char *board, size_t len, uint64_t *random)
{
    size_t words = len > RC_BOARD_HEAD ? (len - RC_BOARD_HEAD) / 8 : 0;

    if (words > 0 && shape_random(random) % 4)
        change(board + RC_BOARD_HEAD + shape_random(random) % words * 8, 8, random);
    else if (len >= SHAPE_BOARD_HEAD)
        change(board, SHAPE_BOARD_HEAD / 8 * 8, random);
}

void shape_mutate(unsigned char *file, size_t len, enum shape kind, uint64_t *random)
{
    struct file f = {.at = file, .len = len, .kind = kind};

    if (kind == SHAPE_BOARD) {
        mutate_board(file, len, random);
        return;
    }
    if (len < HEAD)
        return;
    memcpy(&f.h, file, HEAD);
    for (int tries = 0; tries < 16; tries++) {
        const struct member *m =
            &members[shape_random(random) % (sizeof(members) / sizeof(members[0]))];
        unsigned char *at = file;
        uint64_t n;
        if (!(m->kinds & 1u << kind))
            continue;
        if (m->section != WHOLE_HEADER) {
            n = f.h.section[m->section].len / unit(kind, m->section);
            at = n ? item(&f, m->section, shape_random(random) % n) : NULL;
        }
        if (!at)
            continue;
        change(at + m->at, m->size, random);
        return;
    }
}
