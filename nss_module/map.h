// SPDX-License-Identifier: BSD-2-Clause
// The module's one pair of mappings, snapshot and board, shared by all threads of the
// process we are loaded into.
#ifndef ROLLCALL_NSS_MAP_H
#define ROLLCALL_NSS_MAP_H

#include <nss.h>

#include "rollcall/cache_map.h"

struct nss_pair {
    struct rc_map snapshot;
    struct rc_board_map board;
    uint64_t generation; // that the board told before the snapshot was opened
};

// Enters a lookup. NULL: the cache is absent; the answer is UNAVAIL. Between enter and
// leave the mappings stay, and cancellation is off. Always call leave.
struct nss_guard {
    int cancel_state, stripe, saved_errno;
};
const struct nss_pair *nss_enter(struct nss_guard *guard);
void nss_leave(struct nss_guard *guard);

// An enumeration goes over many calls and must show one whole set, so it holds a pair of
// its own in `*at` from its first call to its end. Take gives that pair, or opens one, with
// a view: its snapshot beside the board of `now`, whose words are never old. NULL: the cache
// is absent. Give puts the pair back. Both between enter and leave.
typedef _Atomic(struct nss_pair *) nss_pin;
struct nss_pair *nss_pin_take(nss_pin *at, const struct nss_pair *now, struct nss_pair *ret_view);
void nss_pin_give(nss_pin *at, struct nss_pair *pair);
void nss_pin_drop(nss_pin *at);

// The state that the board gives to an account; NONE where there is no valid word.
enum rollcall_state nss_state(const struct nss_pair *pair, uint32_t slot, uint32_t uid);

// Room in the caller's buffer. NULL when it does not fit.
struct nss_room {
    char *at;
    size_t left;
};
char *nss_take(struct nss_room *room, const void *data, size_t len); // adds a NUL
void *nss_take_aligned(struct nss_room *room, size_t size, size_t align);

#define NSS_EXPORT __attribute__((visibility("default")))

#endif
