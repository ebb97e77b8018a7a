// SPDX-License-Identifier: BSD-2-Clause
// The mappings. No descriptor is kept, nothing is allocated by a lookup, no lock is held
// while one runs. A lookup says which pair it reads in a slot of its own (a hazard pointer);
// a pair that was replaced is unmapped as soon as no slot names it.
#include "nss_module/map.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rollcall/paths.h"

#define PLACES      3    // for pairs, before one is mapped
#define TURN_LASTS  5    // seconds; who has not ended by then was killed or left by longjmp
#define LOOKS       8    // of one lookup; each but the last lost to another thread's
#define FIRST_WAITS 2000 // of 50 us or more; the last resort is "absent"

struct nss_inside nss_inside;
struct nss_now nss_now = {.checked = -1};
// In the page of nss_now, zero or not: a first lookup touches as few pages as can be.
#define BESIDE __attribute__((section(".data")))
static _Atomic(struct nss_pair *) retired BESIDE; // a stack, linked by `next`
static _Atomic int absent_why BESIDE;             // -errno of the last open that failed
static _Atomic int wiped_on_fork BESIDE;
static struct nss_pair places[PLACES] BESIDE;

// ---- opening and closing ----

// Not malloc: we are in a stranger's process, whose allocator may be anything.
static struct nss_pair *take_place(void)
{
    struct nss_pair *pair;

    for (int i = 0; i < PLACES; i++)
        if (!atomic_exchange(&places[i].taken, 1))
            return &places[i];
    pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pair == MAP_FAILED ? NULL : pair;
}

static void free_pair(struct nss_pair *pair)
{
    if (!pair)
        return;
    rc_map_close(&pair->snapshot);
    rc_board_map_close(&pair->board);
    if (pair >= places && pair < places + PLACES)
        atomic_store(&pair->taken, 0);
    else
        munmap(pair, sizeof(*pair));
}

// A board can be replaced between its open and the look at its status; then the one that
// replaced it stands at the path already, for the rename comes before the mark.
static int open_board(struct rc_board_map *ret)
{
    for (int i = 0; i < 8; i++) {
        int r = rc_board_map_open(ROLLCALL_BOARD, false, ret);
        if (r < 0)
            return r;
        if (atomic_load(&ret->head->status) == RC_BOARD_LIVE)
            return 0;
        rc_board_map_close(ret);
    }
    return -ENOENT;
}

static void copy_shell(struct nss_shell *to, const char *text, uint64_t len)
{
    *to = (struct nss_shell){.len = 0};
    if (!text || len >= sizeof(to->text))
        return;
    memcpy(to->text, text, len);
    to->len = (uint8_t)len;
}

static void copy_shells(struct nss_pair *pair)
{
    const struct rc_map *m = &pair->snapshot;
    const struct rc_span *span = rc_section(m, RC_SHELLS);
    uint64_t n = m->head->section[RC_SHELLS].len / sizeof(*span);

    copy_shell(&pair->nologin, NSS_NOLOGIN, strlen(NSS_NOLOGIN));
    for (unsigned i = 0; i < NSS_SHELLS; i++) {
        struct rc_span at = {0};
        if (i < n)
            at = span[i];
        copy_shell(&pair->shell[i], i < n ? rc_pool(m, at.off, at.len) : NULL, at.len);
    }
}

static int open_pair(struct nss_pair **ret)
{
    struct nss_pair *pair = take_place();
    int r;

    if (!pair)
        return -ENOMEM;
    r = open_board(&pair->board);
    if (r == 0) {
        pair->generation = atomic_load(&pair->board.head->generation);
        r = rc_map_open_beside(ROLLCALL_ACCOUNTS, ROLLCALL_MAGIC_ACCOUNTS,
                               sizeof(struct rc_account_record), pair->board.owner,
                               &pair->snapshot);
    }
    if (r == 0 && memcmp(pair->snapshot.head->ledger_id, pair->board.head->ledger_id, 16) != 0)
        r = -EBADMSG;
    if (r < 0) {
        free_pair(pair);
        return r;
    }
    pair->live = pair->board.head;
    pair->words = rc_board_word_at(&pair->board, 0);
    pair->n_words = (pair->board.len - RC_BOARD_HEAD) / 8;
    pair->word_seed = rc_ledger_seed(pair->board.head->ledger_id);
    pair->snapshot.words = pair->words;
    copy_shells(pair);
    *ret = pair;
    return 0;
}

// A pair for one lookup's own use. There are cancellation points in it, a thread that ended
// at one would never leave its slot, and errno is the caller's.
static int open_own(struct nss_pair **ret)
{
    int saved = errno, cancel, ignored, r;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    r = open_pair(ret);
    pthread_setcancelstate(cancel, &ignored);
    errno = saved;
    if (r < 0)
        atomic_store(&absent_why, r);
    return r;
}

// ---- who reads what ----

// More lookups at once than there are slots: slower, and as right.
static struct nss_guard protect_own(void)
{
    struct nss_pair *own;

    return open_own(&own) < 0 ? (struct nss_guard){0} : (struct nss_guard){.pair = own};
}

// Why this is right, however long a reader is stopped between any two of its steps:
//
//   reader                              who replaces
//   r1  pair = current                  w1  current = new
//   r2  slot = pair                     w2  look at all slots
//   r3  current == pair, or again       w3  unmap old, unless a slot names it
//
// r2, r3, w1 and w2 are sequentially consistent, so there is one order of them all that
// everybody sees. If r3 still finds the old pair, it is before w1 in that order; r2 is
// before r3, and w2 after w1: so w2 finds the slot filled, and the pair stays. If r3 comes
// after w1 it finds another pair, and the reader has used nothing of the old one. Should
// the old pair's place be used again for a new one in between, r3 finds it current: then it
// is the new one, whole, and no less protected.
// A reader leaves with a release store, which w2's load sees: its reads are over by then.
// nss_say does r2 and r3 once, in the slot where it begins; here they are done to the end.
// NULL in a slot is an empty slot: a reader that finds nothing is current needs none.
struct nss_guard nss_protect(void)
{
    const struct nss_pair *pair = atomic_load_explicit(&nss_now.current, memory_order_acquire);
    unsigned home = nss_home_slot();

    for (unsigned i = 0; pair && i < NSS_SLOTS; i++) {
        nss_slot *slot = &nss_inside.slot[home + i < NSS_SLOTS ? home + i : home + i - NSS_SLOTS];
        const struct nss_pair *none = NULL, *again;
        if (atomic_load_explicit(slot, memory_order_relaxed) ||
            !atomic_compare_exchange_strong(slot, &none, pair))
            continue;
        while ((again = atomic_load(&nss_now.current)) != pair) {
            pair = again;
            atomic_store(slot, pair);
            if (!pair) // the slot is anybody's from here on
                return (struct nss_guard){0};
        }
        return (struct nss_guard){pair, slot};
    }
    return pair ? protect_own() : (struct nss_guard){0};
}

static bool named(const struct nss_pair *pair)
{
    for (unsigned i = 0; i < NSS_SLOTS; i++)
        if (atomic_load(&nss_inside.slot[i]) == pair)
            return true;
    return false;
}

// By whoever replaced it, once: `current` names it no more.
static void retire(struct nss_pair *pair)
{
    pair->next = atomic_load(&retired);
    while (!atomic_compare_exchange_weak(&retired, &pair->next, pair))
        ;
}

// What is on the stack is taken off as a whole, so that two who sweep at once have nothing
// in common. At most as many pairs stay as there are slots: none is ever left behind. A fork
// in the middle costs the child a mapping, and frees none twice.
static void sweep(void)
{
    struct nss_pair *pair = atomic_exchange(&retired, NULL), *next;

    for (; pair; pair = next) {
        next = pair->next;
        if (named(pair))
            retire(pair);
        else
            free_pair(pair);
    }
}

// ---- looking at the disk ----

static bool same_file(const char *path, dev_t dev, ino_t ino)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

// EBADF: another thread closes whatever is open, ours too, before it is mapped.
static bool for_want_of_room(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EBADF;
}

// `pair`, which the caller protects, or nothing, is replaced by what stands at the paths.
// Where this process cannot open it for want of a descriptor or of memory, what it has
// stays: its board still tells every lock. False: another has replaced it meanwhile, perhaps by
// what it opened long ago and was stopped with.
static bool look(struct nss_pair *pair, int64_t second)
{
    struct nss_pair *opened = NULL, *expected = pair;
    int r;

    // The board's path as well: a board that was put back by hand marked nothing as replaced.
    if (!pair || !nss_up_to_date(pair) ||
        !same_file(ROLLCALL_ACCOUNTS, pair->snapshot.dev, pair->snapshot.ino) ||
        !same_file(ROLLCALL_BOARD, pair->board.dev, pair->board.ino)) {
        r = open_pair(&opened);
        atomic_store(&absent_why, r);
        if (pair && for_want_of_room(r))
            ;
        else if (!atomic_compare_exchange_strong(&nss_now.current, &expected, opened)) {
            free_pair(opened);
            return false;
        } else if (pair)
            retire(pair);
    }
    // Only now: before, a missing pair is not one that was looked for in vain.
    atomic_store(&nss_now.checked, second);
    return true;
}

// Until what is current was found at the paths by this look or a later one.
static struct nss_guard look_at_disk(struct nss_guard held, int64_t second)
{
    for (int i = 0; i < LOOKS; i++) {
        bool looked = look((struct nss_pair *)(uintptr_t)held.pair, second);
        nss_leave(&held);
        held = nss_protect();
        if (looked || (held.pair && !held.slot)) // its own, opened a moment ago
            break;
    }
    sweep();
    return held;
}

// One thread at a time, and nobody waits for it. Two would do no harm.
static bool take_turn(int64_t second)
{
    int64_t since = 0;

    // Written to at once: a page that is read first is faulted in twice.
    if (atomic_compare_exchange_strong(&nss_inside.turn, &since, second + 1))
        return true;
    if (second + 1 >= since && second + 1 - since < TURN_LASTS)
        return false;
    return atomic_compare_exchange_strong(&nss_inside.turn, &since, second + 1);
}

static void end_turn(int64_t second)
{
    int64_t mine = second + 1;

    atomic_compare_exchange_strong(&nss_inside.turn, &mine, 0);
}

// The first lookups of several threads at once: one opens, the others wait for it.
static void wait_for_the_first(void)
{
    for (int i = 0;
         i < FIRST_WAITS && !atomic_load(&nss_now.current) && atomic_load(&nss_inside.turn); i++)
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

// Another thread looks at the disk, and is perhaps stopped in the middle. What is current
// serves meanwhile if it was looked at in this second or the last; after a longer rest, it
// could be hours old, and whoever comes then opens a pair of its own, as long as it can.
static struct nss_guard go_on(struct nss_guard held, int64_t second)
{
    int64_t looked = atomic_load(&nss_now.checked); // first: what is current is no older

    nss_leave(&held);
    held = nss_protect();
    if (!held.slot || looked >= second - 1) // nothing, or a pair of its own
        return held;
    nss_leave(&held);
    held = protect_own();
    return held.pair ? held : nss_protect();
}

struct nss_guard nss_enter_late(struct nss_guard held, int64_t second)
{
    int saved = errno, cancel, ignored;

    if (held.pair && !held.slot) // its own, opened a moment ago
        return held;
    // A missing file is remembered for its second too.
    if (!held.pair && atomic_load(&nss_now.checked) == second && !atomic_load(&nss_inside.turn))
        return held;
    // From here on there are cancellation points, and a thread that ended at one would
    // never leave its slot.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    if (!NSS_SINGLE_THREADED && !atomic_exchange(&wiped_on_fork, 1))
        madvise(&nss_inside, sizeof(nss_inside), MADV_WIPEONFORK);
    if (take_turn(second)) {
        held = look_at_disk(held, second);
        end_turn(second);
    } else if (!held.pair) {
        wait_for_the_first();
        held = nss_protect();
    } else {
        held = go_on(held, second);
    }
    pthread_setcancelstate(cancel, &ignored);
    errno = saved;
    return held;
}

void nss_leave_own(struct nss_guard held)
{
    free_pair((struct nss_pair *)(uintptr_t)held.pair);
}

enum nss_status nss_leave_absent(struct nss_guard held, int *errnop)
{
    bool room = for_want_of_room(atomic_load(&absent_why));

    nss_leave(&held);
    *errnop = room ? EAGAIN : ENOENT;
    return room ? NSS_STATUS_TRYAGAIN : NSS_STATUS_UNAVAIL;
}

// Taken out while it is used: a second thread that enumerates at the same time, which
// glibc does not let happen, opens one more rather than reads a mapping that goes away.
struct nss_pair *nss_pin_take(nss_pin *at, const struct nss_pair *with)
{
    struct nss_pair *pair = with ? atomic_exchange(at, NULL) : NULL;

    if (with && !pair && open_own(&pair) < 0)
        return NULL;
    if (!pair)
        return NULL;
    pair->live = with->live;
    pair->words = with->words;
    pair->n_words = with->n_words;
    pair->word_seed = with->word_seed;
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
