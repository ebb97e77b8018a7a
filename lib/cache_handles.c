// SPDX-License-Identifier: BSD-2-Clause
// Handles on board and keys for programs that are not in strangers'
// processes. libc only: the PAM module uses them too.
#include "rollcall/cache.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/account.h"
#include "rollcall/cache_map.h"
#include "rollcall/cleanup.h"

// ---- board ----

struct rollcall_board {
    struct rc_board_map map;
    bool writable;
};

static int board_open(const char *path, bool writable, struct rollcall_board **ret)
{
    struct rollcall_board *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return -ENOMEM;
    b->writable = writable;
    r = rc_board_map_open(path, writable, &b->map);
    if (r < 0) {
        free(b);
        return r;
    }
    *ret = b;
    return 0;
}

int rollcall_board_open(const char *path, struct rollcall_board **ret)
{
    return board_open(path, false, ret);
}

bool rollcall_board_current(const struct rollcall_board *board, const char *path)
{
    return rc_board_map_current(&board->map, path);
}

enum rollcall_state rollcall_board_glance(const struct rollcall_board *b, uint32_t slot)
{
    const _Atomic uint64_t *at = rc_board_word_at(&b->map, slot);
    unsigned state = at ? atomic_load_explicit(at, memory_order_relaxed) & 15 : 0;

    return state <= ROLLCALL_STATE_PURGED ? (enum rollcall_state)state : ROLLCALL_STATE_NONE;
}

static bool one_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

void rc_board_mark_old(const char *path)
{
    struct rc_board_map old = {0};
    char name[PATH_MAX];

    if (snprintf(name, sizeof(name), "%s.old", path) >= (int)sizeof(name) || one_file(name, path) ||
        rc_board_map_open(name, true, &old) < 0)
        return; // none, the board itself, or one that nobody trusts
    atomic_store(&old.head->status, RC_BOARD_REPLACED);
    rc_board_map_close(&old);
}

// An engine that was killed before it marked the old board left readers with it, and they
// would not see what is stored in the new one.
int rollcall_board_open_tighten(const char *path, struct rollcall_board **ret)
{
    rc_board_mark_old(path);
    return board_open(path, true, ret);
}

struct rollcall_board *rollcall_board_close(struct rollcall_board *board)
{
    if (board)
        rc_board_map_close(&board->map);
    free(board);
    return NULL;
}

// Leases have no check of their own: what cannot be a time is never, so that no sum of
// two overflows and a flipped high bit refuses rather than leases for ever.
#define LAST_INSTANT ((int64_t)1 << 40)
static int64_t instant(int64_t t)
{
    return t < 0 || t > LAST_INSTANT ? 0 : t;
}

int rollcall_board_facts(const struct rollcall_board *board, struct rollcall_board_facts *ret)
{
    const struct rc_board_header *h = board->map.head;
    int64_t mark = atomic_load(&h->clock_mark);

    *ret = (struct rollcall_board_facts){
        .generation = atomic_load(&h->generation),
        .slots = h->slots,
        .clock_mark = mark < 0 || mark > LAST_INSTANT ? LAST_INSTANT : mark,
        .id_min = h->id_min,
        .id_max = h->id_max,
        .observe = h->flags & RC_FLAG_OBSERVE,
        .replaced = atomic_load(&h->status) != RC_BOARD_LIVE,
    };
    memcpy(ret->board_id, h->board_id, 16);
    memcpy(ret->ledger_id, h->ledger_id, 16);
    for (int i = 0; i < ROLLCALL_AUTHORITIES_MAX; i++) {
        struct rollcall_lease *l = &ret->leases[i];
        l->as_of = instant(atomic_load(&h->lease[i].as_of));
        l->length = instant(atomic_load(&h->lease[i].length));
        l->extended = instant(atomic_load(&h->lease[i].extended));
        memcpy(l->source, h->lease[i].source, sizeof(l->source));
        l->source[sizeof(l->source) - 1] = 0;
    }
    return 0;
}

int rollcall_board_read(const struct rollcall_board *board, uint32_t slot, uid_t uid,
                        struct rollcall_word *ret)
{
    struct rollcall_word w = {.uid = uid};
    int r = rc_board_word_get(&board->map, slot, uid, &w.state, &w.flags, &w.authority);

    if (r == 0)
        *ret = w;
    return r;
}

int rollcall_board_tighten(struct rollcall_board *board, uint32_t slot, uid_t uid,
                           enum rollcall_state state)
{
    _Atomic uint64_t *at = rc_board_word_at(&board->map, slot);
    uint64_t old, new;

    if (!board->writable)
        return -EPERM;
    if (!at)
        return -ERANGE;
    if ((unsigned)state > ROLLCALL_STATE_PURGED)
        return -EINVAL;
    old = atomic_load(at);
    do {
        enum rollcall_state was;
        uint8_t flags, authority;
        int r = 0;
        if (atomic_load(&board->map.head->status) != RC_BOARD_LIVE)
            return -ESTALE;
        r = rc_board_word_unpack(&board->map, slot, uid, old, &was, &flags, &authority);
        if (r < 0)
            return r;
        if (state < was)
            return -EPERM;
        // What is tightened from here is a positive word: it may end sessions.
        flags &= (uint8_t) ~(ROLLCALL_FLAG_REFUSE_ONLY | ROLLCALL_FLAG_INFERRED);
        new = rc_board_word_pack(board->map.head->ledger_id, slot, uid, state, authority, flags);
    } while (!atomic_compare_exchange_weak(at, &old, new));
    return 0;
}

// ---- keys ----

struct rollcall_keys {
    struct rc_map map;
};

int rollcall_keys_open(const char *path, struct rollcall_keys **ret)
{
    struct rollcall_keys *k = calloc(1, sizeof(*k));
    int r;

    if (!k)
        return -ENOMEM;
    r = rc_map_open(path, ROLLCALL_MAGIC_KEYS, sizeof(struct rc_keys_record), &k->map);
    if (r < 0) {
        free(k);
        return r;
    }
    *ret = k;
    return 0;
}

struct rollcall_keys *rollcall_keys_close(struct rollcall_keys *k)
{
    if (k)
        rc_map_close(&k->map);
    free(k);
    return NULL;
}

void rollcall_keys_ledger_id(const struct rollcall_keys *k, uint8_t ret_ledger_id[16])
{
    memcpy(ret_ledger_id, k->map.head->ledger_id, 16);
}

int rollcall_keys_by_name(const struct rollcall_keys *k, const char *name, uint32_t *ret_slot,
                          uid_t *ret_uid, int (*line)(void *ctx, const char *key, size_t len),
                          void *ctx)
{
    size_t len = strnlen(name, ROLLCALL_NAME_MAX + 1);
    struct rc_probe p;
    uint32_t slot;

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return -ENOENT;
    rc_probe_start(&k->map, RC_NAMES, rc_hash_bytes(&k->map, name, len), k->map.head->slots, &p);
    while ((slot = rc_probe_next(&p)) != RC_EMPTY) {
        struct rc_keys_record r =
            ((const struct rc_keys_record *)rc_section(&k->map, RC_RECORDS))[slot];
        uint16_t check = r.check;
        const char *text;
        r.check = 0;
        if (!r.used || rc_check16(&r, sizeof(r), slot) != check || r.name_len != len)
            continue;
        text = rc_pool(&k->map, r.pool, (uint64_t)len + 1 + r.keys_len);
        if (!text || memcmp(text, name, len) != 0 || text[len])
            continue;
        *ret_slot = slot;
        *ret_uid = r.uid;
        for (const char *at = text + len + 1, *end = at + r.keys_len; at < end;) {
            const char *nl = memchr(at, '\n', (size_t)(end - at));
            int stop = nl ? line(ctx, at, (size_t)(nl - at)) : -EBADMSG;
            if (stop != 0)
                return stop;
            at = nl + 1;
        }
        return 0;
    }
    return -ENOENT;
}
