// SPDX-License-Identifier: BSD-2-Clause
// The mappings. No descriptor is kept, nothing is allocated by a lookup, no lock is
// held while one runs: a lookup counts itself in a stripe of its own cache line, and
// an old pair is unmapped when all stripes are seen empty.
#include "nss_module/map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/paths.h"

#define STRIPES     64
#define RETIRED     16
#define FIRST_WAITS 2000 // of 50 us or more; the last resort is "absent"

struct stripe {
    _Atomic long inside;
    // In the first stripe: taken by who refreshes. Here, because a fork gives the child
    // this page zeroed: a thread that refreshed in the parent holds nothing in the child.
    _Atomic int turn;
    char pad[64 - sizeof(long) - sizeof(int)];
};

static _Atomic(struct stripe *) stripes;
static _Atomic(struct nss_pair *) current;
static _Atomic int64_t checked; // CLOCK_MONOTONIC second of the last look at the disk
static _Atomic(struct nss_pair *) retired[RETIRED]; // changed under `turn`

static struct stripe *stripes_page(void)
{
    struct stripe *page = atomic_load(&stripes), *expected = NULL;

    if (page)
        return page;
    page = mmap(NULL, STRIPES * sizeof(*page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    // In a child of fork, lookups of the parent's other threads are not running:
    // without this their counts would keep old mappings for ever.
    madvise(page, STRIPES * sizeof(*page), MADV_WIPEONFORK);
    if (!atomic_compare_exchange_strong(&stripes, &expected, page)) {
        munmap(page, STRIPES * sizeof(*page));
        return expected;
    }
    return page;
}

static bool same_file(const char *path, dev_t dev, ino_t ino)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void free_pair(struct nss_pair *pair)
{
    if (!pair)
        return;
    rc_map_close(&pair->snapshot);
    rc_board_map_close(&pair->board);
    munmap(pair, sizeof(*pair));
}

// A board can be replaced between its open and the look at its status; then the one that
// replaced it stands at the path already, for the rename comes before the mark.
static bool open_board(struct rc_board_map *ret)
{
    for (int i = 0; i < 8; i++) {
        if (rc_board_map_open(ROLLCALL_BOARD, false, ret) < 0)
            return false;
        if (atomic_load(&ret->head->status) == RC_BOARD_LIVE)
            return true;
        rc_board_map_close(ret);
    }
    return false;
}

// Not malloc: we are in a stranger's process, whose allocator may be anything.
static struct nss_pair *open_pair(void)
{
    struct nss_pair *pair =
        mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pair == MAP_FAILED)
        return NULL;
    if (!open_board(&pair->board)) {
        free_pair(pair);
        return NULL;
    }
    pair->generation = atomic_load(&pair->board.head->generation);
    if (rc_map_open(ROLLCALL_ACCOUNTS, ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record),
                    &pair->snapshot) < 0 ||
        memcmp(pair->snapshot.head->ledger_id, pair->board.head->ledger_id, 16) != 0) {
        free_pair(pair);
        return NULL;
    }
    return pair;
}

// Nobody who came after the pointer changed can hold an old pair; nobody who came
// before is inside any more. Called with `turn` held.
static void sweep(struct stripe *page)
{
    for (int i = 0; i < STRIPES; i++)
        if (atomic_load(&page[i].inside) != 0)
            return;
    for (int i = 0; i < RETIRED; i++) {
        // Taken out first: a fork between the two leaks a mapping, and never frees one twice.
        free_pair(atomic_exchange(&retired[i], NULL));
    }
}

static void retire(struct nss_pair *old)
{
    if (!old)
        return;
    for (int i = 0; i < RETIRED; i++) {
        if (atomic_load(&retired[i]))
            continue;
        atomic_store(&retired[i], old);
        return;
    }
    // Sixteen old pairs still in use: this one stays mapped rather than pulled away.
}

// Against what the board told when we opened, not against the snapshot's own generation:
// where the engine died between the two, the pair serves, and is not opened at each lookup.
static bool up_to_date(const struct nss_pair *pair)
{
    if (!pair)
        return false;
    return atomic_load_explicit(&pair->board.head->status, memory_order_acquire) == RC_BOARD_LIVE &&
           atomic_load_explicit(&pair->board.head->generation, memory_order_acquire) ==
               pair->generation;
}

static void refresh(struct stripe *page, int64_t now)
{
    struct nss_pair *pair, *old;

    if (atomic_exchange(&page[0].turn, 1) != 0) {
        // Another thread is at it; what we have is at most that old. Where we have
        // nothing yet, several threads make the first lookup at once.
        for (int i = 0; i < FIRST_WAITS && !atomic_load(&current) && atomic_load(&page[0].turn);
             i++)
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        return;
    }
    old = atomic_load(&current);
    if (!old || !up_to_date(old) ||
        !same_file(ROLLCALL_ACCOUNTS, old->snapshot.dev, old->snapshot.ino)) {
        pair = open_pair();
        atomic_store(&current, pair);
        retire(old);
    }
    // Only now: before, a missing pair is not one that was looked for in vain.
    atomic_store(&checked, now);
    sweep(page);
    atomic_store(&page[0].turn, 0);
}

const struct nss_pair *nss_enter(struct nss_guard *guard)
{
    struct stripe *page;
    struct timespec ts;
    struct nss_pair *pair;

    guard->saved_errno = errno;
    guard->stripe = -1;
    // getpwnam is a cancellation point; a thread that ends inside would never leave.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel_state);
    page = stripes_page();
    if (!page)
        return NULL;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    guard->stripe = (int)(((uintptr_t)pthread_self() >> 6) * 0x9e3779b1u >> 16) & (STRIPES - 1);
    atomic_fetch_add(&page[guard->stripe].inside, 1);
    pair = atomic_load(&current);
    if (atomic_load_explicit(&checked, memory_order_relaxed) == (int64_t)ts.tv_sec &&
        up_to_date(pair))
        return pair;
    // The stat a second, or at once when the board says that there is something new. A
    // missing file is remembered for its second too.
    if (atomic_load_explicit(&checked, memory_order_relaxed) != (int64_t)ts.tv_sec || pair) {
        atomic_fetch_sub(&page[guard->stripe].inside, 1);
        refresh(page, ts.tv_sec);
        atomic_fetch_add(&page[guard->stripe].inside, 1);
    }
    return atomic_load(&current);
}

void nss_leave(struct nss_guard *guard)
{
    int ignored;

    if (guard->stripe >= 0)
        atomic_fetch_sub(&atomic_load(&stripes)[guard->stripe].inside, 1);
    pthread_setcancelstate(guard->cancel_state, &ignored);
    errno = guard->saved_errno;
}

// Taken out while it is used: a second thread that enumerates at the same time, which
// glibc does not let happen, opens one more rather than reads a mapping that goes away.
struct nss_pair *nss_pin_take(nss_pin *at, const struct nss_pair *now, struct nss_pair *ret_view)
{
    struct nss_pair *pair = now ? atomic_exchange(at, NULL) : NULL;

    if (now && !pair)
        pair = open_pair();
    if (!pair)
        return NULL;
    *ret_view = *now;
    ret_view->snapshot = pair->snapshot;
    return pair;
}

void nss_pin_give(nss_pin *at, struct nss_pair *pair)
{
    free_pair(atomic_exchange(at, pair));
}

void nss_pin_drop(nss_pin *at)
{
    free_pair(atomic_exchange(at, NULL));
}

enum rollcall_state nss_state(const struct nss_pair *pair, uint32_t slot, uint32_t uid)
{
    enum rollcall_state state;
    uint8_t flags, authority;
    int r = rc_board_word_get(&pair->board, slot, uid, &state, &flags, &authority);

    // A board that was replaced a moment ago: what it says now is not to be relied on,
    // and the strict reading is shown until the next lookup opens the new one.
    return r < 0 ? ROLLCALL_STATE_NONE : state;
}

char *nss_take(struct nss_room *room, const void *data, size_t len)
{
    char *at = room->at;

    if (!at || len >= room->left)
        return NULL;
    memcpy(at, data, len);
    at[len] = 0;
    room->at += len + 1;
    room->left -= len + 1;
    return at;
}

void *nss_take_aligned(struct nss_room *room, size_t size, size_t align)
{
    size_t skip = (align - (uintptr_t)room->at % align) % align;
    char *at = room->at;

    if (!at || skip > room->left || size > room->left - skip)
        return NULL;
    room->at += skip + size;
    room->left -= skip + size;
    return at + skip;
}
