// SPDX-License-Identifier: BSD-2-Clause
// The module's one pair of mappings, snapshot and board, shared by all threads of the
// process we are loaded into, and what every entry does around its lookup.
#ifndef ROLLCALL_NSS_MAP_H
#define ROLLCALL_NSS_MAP_H

#include <errno.h>
#include <features.h>
#include <nss.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "lib/cache_find.h"

#if __GLIBC_PREREQ(2, 32)
#include <sys/single_threaded.h>
#define NSS_SINGLE_THREADED __libc_single_threaded
#else
#define NSS_SINGLE_THREADED 0
#endif

#define NSS_NOLOGIN "/usr/sbin/nologin"

// A shell of the table, copied when the snapshot was opened.
struct nss_shell {
    char text[31]; // zeros behind it, one at least
    uint8_t len;   // 0: too long for here, or not there
};
#define NSS_SHELLS 15 // a company has few; what is beyond is read where it stands

struct nss_pair {
    struct rc_map snapshot;
    struct rc_board_map board;
    // The board that words are read from: this one, or for an enumeration the newest.
    const struct rc_board_header *live;
    const _Atomic uint64_t *words;
    uint64_t n_words, word_seed;
    struct nss_shell shell[NSS_SHELLS + 1], nologin; // the last one is none
    uint64_t generation;   // that the board told before the snapshot was opened
    struct nss_pair *next; // while it waits for its last reader
    _Atomic int taken;     // of the places that are there from the start
};

typedef _Atomic(const struct nss_pair *) nss_slot;

// What is current, and where readers say what they read; map.c explains.
struct nss_now {
    _Alignas(64) _Atomic(struct nss_pair *) current;
    _Atomic int64_t checked; // second of the last look at the disk
};
extern struct nss_now nss_now __attribute__((visibility("hidden")));

// A page by itself: a child of fork gets it zeroed, for the lookups and the refresh of its
// parent's other threads do not run in the child, and would never end there.
#define NSS_LINES 63 // of 8 slots; the 64th line is the turn's
#define NSS_SLOTS (NSS_LINES * 8)
#ifdef __x86_64__
#define NSS_PAGE 4096
#else
#define NSS_PAGE 65536
#endif
struct nss_inside {
    _Alignas(NSS_PAGE) nss_slot slot[NSS_SLOTS]; // the first is that of a process with one thread
    _Atomic int64_t turn; // who looks at the disk: the second it began, and one; 0: nobody
    char pad[NSS_PAGE - NSS_SLOTS * sizeof(nss_slot) - sizeof(int64_t)];
};
extern struct nss_inside nss_inside __attribute__((visibility("hidden")));

// What a lookup holds: a pair, and the slot that says so; without a slot, a pair of its own.
// Handed about in two registers, never by way of memory.
struct nss_guard {
    const struct nss_pair *pair;
    nss_slot *slot;
};

// What few lookups come to: the compiler keeps it out of the others' way.
#define NSS_RARE __attribute__((cold))
NSS_RARE struct nss_guard nss_protect(void);
NSS_RARE struct nss_guard nss_enter_late(struct nss_guard held, int64_t second);
NSS_RARE void nss_leave_own(struct nss_guard held);

static inline void nss_leave(struct nss_guard *guard)
{
    if (RC_MOSTLY(guard->slot))
        atomic_store_explicit(guard->slot, NULL, memory_order_release);
    else if (guard->pair)
        nss_leave_own(*guard);
}

// Against what the board told when we opened, not against the snapshot's own generation:
// where the engine died between the two, the pair serves, and is not opened at each lookup.
static inline bool nss_up_to_date(const struct nss_pair *pair)
{
    const struct rc_board_header *h = pair->board.head;

    return RC_MOSTLY(atomic_load_explicit(&h->status, memory_order_acquire) == RC_BOARD_LIVE) &&
           RC_MOSTLY(atomic_load_explicit(&h->generation, memory_order_acquire) ==
                     pair->generation);
}

#if defined(__has_builtin) && __has_builtin(__builtin_thread_pointer)
#define NSS_THREAD_POINTER (uintptr_t) __builtin_thread_pointer()
#else
#define NSS_THREAD_POINTER (uintptr_t) pthread_self()
#endif

// Threads rarely share a line: which one is theirs follows from their thread pointer, which
// needs no thread-local variable of ours.
static inline unsigned nss_home_slot(void)
{
    uint32_t mixed = (uint32_t)((uint64_t)(NSS_THREAD_POINTER >> 6) * 0x9e3779b1u);

    return (unsigned)((uint64_t)mixed * NSS_LINES >> 32) * 8;
}

// Says what is read here, where that takes no more than a step: in the first slot in a process
// of one thread, else in the thread's own slot. No slot: nss_protect finds one, if anything is
// current.
static inline __attribute__((always_inline)) struct nss_guard nss_say(void)
{
    const struct nss_pair *pair = atomic_load_explicit(&nss_now.current, memory_order_acquire);
    const struct nss_pair *none = NULL;
    nss_slot *slot = &nss_inside.slot[0];

    if (RC_RARELY(!pair))
        return (struct nss_guard){0};
    if (NSS_SINGLE_THREADED) {
        // One thread replaces nothing behind its own back, but a handler of a signal may look
        // up as well: hence the steps of map.c, in the order of the program.
        if (RC_RARELY(atomic_load_explicit(slot, memory_order_relaxed)))
            return nss_protect();
        atomic_store_explicit(slot, pair, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
    } else {
        slot = &nss_inside.slot[nss_home_slot()];
        if (RC_RARELY(!atomic_compare_exchange_strong(slot, &none, pair)))
            return nss_protect();
    }
    if (RC_MOSTLY(atomic_load(&nss_now.current) == pair))
        return (struct nss_guard){pair, slot};
    atomic_store_explicit(slot, NULL, memory_order_relaxed);
    return nss_protect();
}

// Enters a lookup. NULL: there is nothing to answer from; the answer is nss_absent's.
// Between enter and leave the mappings stay. Always call leave, which changes no errno.
// But for the look at the disk there is no system call and no cancellation point here. That
// comes once a second, or at once when the board says that there is something new.
static inline __attribute__((always_inline)) const struct nss_pair *
nss_enter(struct nss_guard *guard)
{
    // time() takes half as long as clock_gettime(). Who sets the clock makes a second come
    // early or late, and no more: what counts is that it is another one.
    int64_t second = time(NULL);
    // In this order: what is current is no older than the look that was made in this second,
    // even if this thread is stopped in between and another looks meanwhile.
    bool looked = atomic_load_explicit(&nss_now.checked, memory_order_acquire) == second;
    struct nss_guard g = nss_say();

    if (!(RC_MOSTLY(looked) && RC_MOSTLY(g.pair) && nss_up_to_date(g.pair)))
        g = nss_enter_late(g, second);
    *guard = g;
    return g.pair;
}

// Leaves, with the answer for a cache that is absent: UNAVAIL and ENOENT, or TRYAGAIN and
// EAGAIN where this process had no descriptor or memory to open it.
NSS_RARE enum nss_status nss_leave_absent(struct nss_guard held, int *errnop);

static inline enum nss_status nss_absent(const struct nss_guard *guard, int *errnop)
{
    return nss_leave_absent(*guard, errnop);
}

// Leaves, and says in *errnop what goes with the status. glibc passes the address of errno.
static inline enum nss_status nss_finish(struct nss_guard *guard, enum nss_status status,
                                         int *errnop)
{
    nss_leave(guard);
    if (status == NSS_STATUS_NOTFOUND)
        *errnop = ENOENT;
    if (status == NSS_STATUS_TRYAGAIN)
        *errnop = ERANGE;
    return status;
}

// An enumeration goes over many calls and must show one whole set, so it holds a pair of
// its own in `*at` from its first call to its end. Take gives that pair, or opens one; its
// words are those of the board of `now`, which are never old, until leave. NULL: the cache
// is absent. Give puts the pair back. Both between enter and leave.
typedef _Atomic(struct nss_pair *) nss_pin;
struct nss_pair *nss_pin_take(nss_pin *at, const struct nss_pair *now);
void nss_pin_give(nss_pin *at, struct nss_pair *pair);
void nss_pin_drop(nss_pin *at);

// How many accounts an enumeration goes over; none where the host switched it off.
static inline uint32_t nss_enumerable(const struct nss_pair *pair)
{
    const struct rc_header *h = pair->snapshot.head;

    return h->flags & RC_FLAG_ENUMERATE ? (uint32_t)(h->section[RC_ORDER].len / 4) : 0;
}

// The state that the board gives to an account; NONE where there is no valid word, or
// where the board was replaced a moment ago: the strict reading, until the next lookup.
static inline enum rollcall_state nss_state(const struct nss_pair *pair, uint32_t slot,
                                            uint32_t uid)
{
    uint64_t word;

    if (RC_RARELY(slot >= pair->n_words))
        return ROLLCALL_STATE_NONE;
    word = atomic_load_explicit(&pair->words[slot], memory_order_acquire);
    // The word first: a board that is marked replaced by now may say what is no more.
    if (RC_MOSTLY(rc_word_ok(pair->word_seed, slot, uid, word)) &&
        RC_MOSTLY(atomic_load_explicit(&pair->live->status, memory_order_acquire) == RC_BOARD_LIVE))
        return (enum rollcall_state)(word & 15);
    return ROLLCALL_STATE_NONE;
}

// Where the host hides who is locked, such a person is not there. mode = observe shows
// what is, here too.
static inline bool nss_hidden(const struct nss_pair *pair, enum rollcall_state state)
{
    uint32_t flags = pair->snapshot.head->flags;

    return flags & RC_FLAG_HIDE_LOCKED && !(flags & RC_FLAG_OBSERVE) &&
           state >= ROLLCALL_STATE_LOCKED;
}

static inline bool nss_hides(const struct nss_pair *pair, uint32_t slot, uint32_t uid)
{
    return pair->snapshot.head->flags & RC_FLAG_HIDE_LOCKED &&
           nss_hidden(pair, nss_state(pair, slot, uid));
}

// An account that is not hidden, by its present name or else by a former one.
static inline __attribute__((always_inline)) bool
nss_find_name(const struct nss_pair *pair, const char *name,
              void (*fetch)(const struct rc_map *m, uint32_t slot), uint32_t *ret_slot,
              struct rc_account_record *ret)
{
    size_t len = strnlen(name, ROLLCALL_NAME_MAX + 1);

    return rc_find_name(&pair->snapshot, name, len, fetch, ret_slot, ret) ||
           (pair->snapshot.head->section[RC_FORMER].len > 0 &&
            rc_account_by_former_name(&pair->snapshot, name, len, ret_slot, ret));
}

// Room in the caller's buffer. NULL when it does not fit.
struct nss_room {
    char *at;
    size_t left;
};

// Adds a NUL.
static inline char *nss_take(struct nss_room *room, const void *data, size_t len)
{
    char *at = room->at;

    if (!at || len >= room->left)
        return NULL;
    // Where gcc knows that a length is small it copies with `rep movs`, which takes five
    // times as long as the library's memcpy: it is not to know.
    __asm__("" : "+r"(len));
    memcpy(at, data, len);
    at[len] = 0;
    room->at += len + 1;
    room->left -= len + 1;
    return at;
}

static inline void *nss_take_aligned(struct nss_room *room, size_t size, size_t align)
{
    size_t skip = (align - (uintptr_t)room->at % align) % align;
    char *at = room->at;

    if (!at || skip > room->left || size > room->left - skip)
        return NULL;
    room->at += skip + size;
    room->left -= skip + size;
    return at + skip;
}

#define NSS_EXPORT __attribute__((visibility("default")))

#endif
