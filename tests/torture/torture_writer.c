// SPDX-License-Identifier: BSD-2-Clause
// The process that publishes: the engine's own core, with people of this test's own making.
// It is killed at random, from outside and at its own system calls, and started again over
// what it left.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cache_map.h"
#include "syncd/engine/core_internal.h"
#include "tests/torture/engine.h"
#include "tests/torture/torture.h"

#define CYCLE      INT64_C(20000000) // ns: 50 publications a second
#define OWED_MOST  (250 * CYCLE)     // what was missed while none ran is made up for
#define LIST_EVERY 250               // cycles between HR's files
#define ALL_EVERY  10                // publications between those of every file
#define BOARD_EACH 120               // cycles between boards that are replaced

static unsigned dice;
static unsigned dies_one_in; // of the system calls below
static uint32_t being_locked;
static bool writing; // in this process

static unsigned roll(unsigned n)
{
    dice = dice * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)dice * n >> 32);
}

// ---- killed at a system call, before it or after it ----

static void maybe_die(void)
{
    if (writing && dies_one_in && roll(2 * dies_one_in) == 0)
        raise(SIGKILL);
}

// The linker's --wrap brings the engine's calls here.
int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_msync(void *at, size_t len, int flags);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_msync(void *at, size_t len, int flags);

#define BETWEEN_DEATHS(call)                                                                       \
    int r;                                                                                         \
    maybe_die();                                                                                   \
    r = call;                                                                                      \
    maybe_die();                                                                                   \
    return r

// Between this and the rename the board has two names: rare, and so helped along.
int __wrap_link(const char *from, const char *to)
{
    int r = __real_link(from, to);

    if (writing && dies_one_in && roll(6) == 0)
        raise(SIGKILL);
    return r;
}

int __wrap_unlink(const char *path)
{
    BETWEEN_DEATHS(__real_unlink(path));
}

int __wrap_fsync(int fd)
{
    BETWEEN_DEATHS(__real_fsync(fd));
}

int __wrap_fdatasync(int fd)
{
    BETWEEN_DEATHS(__real_fdatasync(fd));
}

int __wrap_msync(void *at, size_t len, int flags)
{
    BETWEEN_DEATHS(__real_msync(at, len, flags));
}

// What stands at the path is live until the next stands there: else nobody is known between.
static void check_live(const char *path)
{
    struct rc_board_map board;

    if (rc_board_map_open(path, false, &board) < 0)
        return;
    if (atomic_load(&board.head->status) != RC_BOARD_LIVE)
        torture_fault("the board was marked as replaced before another stood at its path");
    rc_board_map_close(&board);
}

// A generation counts from its file's rename on.
int __wrap_rename(const char *from, const char *to)
{
    uint64_t generation = atomic_load(&shared->announced);
    int r;

    if (writing && strcmp(to, CACHE_DIR "/board") == 0)
        check_live(to);
    maybe_die();
    r = __real_rename(from, to);
    if (writing && r == 0 && strcmp(to, CACHE_DIR "/accounts") == 0) {
        if (generation <= atomic_load(&shared->newest) || generation >= GENERATIONS)
            torture_fault("generation %llu was published before", (unsigned long long)generation);
        atomic_store(&shared->renamed_at[generation % GENERATIONS], torture_tick());
        atomic_store(&shared->newest, generation);
    }
    maybe_die();
    return r;
}

// ---- the engine ----

static void know(uint32_t slot, enum known what)
{
    uint32_t word = atomic_load(&shared->state[slot]);

    atomic_store(&shared->state[slot], ((word >> 2) + 1) << 2 | (uint32_t)what);
}

// After the word's store, before its journal: from here on no lookup may miss it.
static void on_ring(void *ctx)
{
    (void)ctx;
    if (being_locked < PEOPLE)
        know(being_locked, LOCKED);
}

static void on_audit(void *ctx, const json_t *record)
{
    const char *event = json_string_value(json_object_get(record, "event"));

    (void)ctx;
    if (event && strcmp(event, "locks-carried-over") == 0)
        atomic_fetch_add(&shared->carried, 1);
    else if (event && (strcmp(event, "journal-damaged") == 0 || strcmp(event, "state-lost") == 0 ||
                       strcmp(event, "journal-failed") == 0 || strcmp(event, "commit-failed") == 0))
        torture_fault("the engine says %s", event);
}

static void must(int r, const char *what)
{
    if (r >= 0)
        return;
    torture_fault("the engine cannot %s: %s", what, strerror(-r));
    _exit(1);
}

static struct engine_core *open_engine(void)
{
    const struct engine_hooks hooks = {.audit = on_audit, .ring = on_ring};
    struct engine_core *core;

    must(engine_start(&hooks, time(NULL), &core), "open");
    return core;
}

// HR's file, with everybody employed: what stands after a crash is in force again.
static void list(struct engine_core *core)
{
    static const char *groups[TEAMS + 1] = {"linux-users"};
    static char team[TEAMS][16];
    int64_t now = time(NULL);

    must(engine_list_begin(core, now), "begin a listing");
    for (uint32_t i = 0; i < TEAMS; i++) {
        snprintf(team[i], sizeof(team[i]), "team%u", i);
        groups[i + 1] = team[i];
    }
    for (uint32_t slot = 0; slot < PEOPLE; slot++) {
        char number[16], name[16];
        struct engine_row row = {.number = number,
                                 .name = name,
                                 .status = ROLLCALL_STATUS_ACTIVE,
                                 .uid = FIRST_UID + slot,
                                 .groups = groups,
                                 .n_groups = TEAMS + 1};
        snprintf(number, sizeof(number), "%06u", slot);
        snprintf(name, sizeof(name), told_renamed(slot) ? "r%u" : "p%u", slot);
        must(engine_list_row(core, &row, now), "take a row");
    }
    must(engine_list_commit(core, PEOPLE, now), "commit a listing");
}

// ---- a generation ----

static void tell_person(struct store *s, uint64_t generation, uint32_t slot,
                        const uint32_t team_number[TEAMS + 1])
{
    uint32_t member[TEAMS + 1] = {team_number[0]};
    size_t n = 1;
    struct told t;

    for (uint32_t team = 0; team < TEAMS; team++)
        if (told_member(generation, slot, team))
            member[n++] = team_number[team + 1];
    t = told_person(generation, slot);
    must(store_run(
             s,
             "UPDATE person SET name = ?, gecos = ?, home = ?, shell = ?, groups = ?,"
             " not_before = ? WHERE slot = ?",
             "ssssbii", t.name, t.gecos, t.home, t.shell, (const void *)member, n * sizeof(*member),
             told_there(generation, slot) ? ROLLCALL_TIME_UNSET : INT64_C(1) << 39, (int64_t)slot),
         "tell a person");
}

static void tell(struct engine_core *core, uint64_t generation)
{
    struct store *s = &core->store;
    uint32_t number[TEAMS + 1];

    number[0] = (uint32_t)store_number(s, 0, "SELECT number FROM grp WHERE id = 'linux-users'", "");
    must(store_exec(s, "BEGIN IMMEDIATE"), "begin");
    must(store_run(s, "UPDATE grp SET gid = ? WHERE number = ?", "ii", (int64_t)(FIRST_TEAM - 1),
                   (int64_t)number[0]),
         "tell a group");
    for (uint32_t team = 0; team < TEAMS; team++) {
        char id[16], name[33];
        snprintf(id, sizeof(id), "team%u", team);
        told_team_name(generation, team, name);
        number[team + 1] =
            (uint32_t)store_number(s, 0, "SELECT number FROM grp WHERE id = ?", "s", id);
        if (number[team + 1] <= number[team])
            torture_fault("the groups are not in order");
        must(store_run(s, "UPDATE grp SET name = ?, gid = ? WHERE number = ?", "sii", name,
                       (int64_t)told_gid(generation, team), (int64_t)number[team + 1]),
             "tell a team");
    }
    for (uint32_t slot = 0; slot < PEOPLE; slot++)
        tell_person(s, generation, slot, number);
    must(store_exec(s, "COMMIT"), "commit");
}

static void publish(struct engine_core *core)
{
    uint64_t generation = core->generation + 1;

    tell(core, generation);
    core->dirty |= DIRTY_ACCOUNTS;
    if (generation % ALL_EVERY == 0)
        core->dirty |= DIRTY_ALL;
    atomic_store(&shared->announced, generation);
    must(engine_core_publish(core, time(NULL)), "publish");
    atomic_fetch_add(&shared->publications, 1);
}

// ---- locks ----

static enum rollcall_state on_board(struct engine_core *core, uint32_t slot)
{
    struct rollcall_word word;

    return rollcall_board_get(core->board, slot, &word) < 0 ? ROLLCALL_STATE_NONE : word.state;
}

static bool locked_by_admin(struct engine_core *core, uint32_t slot)
{
    return store_number(&core->store, 0, "SELECT admin_lock FROM person WHERE slot = ?", "i",
                        (int64_t)slot);
}

// What the engine found when it started must be no fewer locks than were ever seen.
static void take_stock(struct engine_core *core)
{
    for (uint32_t slot = 0; slot < PEOPLE; slot++) {
        enum known known = KNOWN(atomic_load(&shared->state[slot]));
        enum rollcall_state state = on_board(core, slot);
        if (store_number(&core->store, 0, "SELECT uid FROM person WHERE slot = ?", "i",
                         (int64_t)slot) != (int64_t)(FIRST_UID + slot))
            torture_fault("slot %u has another uid", slot);
        if (known == LOCKED && state < ROLLCALL_STATE_LOCKED)
            torture_fault("the lock of slot %u is gone after a restart", slot);
        if (known == ACTIVE && state != ROLLCALL_STATE_ACTIVE)
            torture_fault("slot %u, never locked, is %s", slot, rollcall_state_name(state));
        // What HR's next file takes away is not known to be locked.
        if (known == UNKNOWN && state == ROLLCALL_STATE_ACTIVE)
            know(slot, ACTIVE);
        else if (known == UNKNOWN && locked_by_admin(core, slot))
            know(slot, LOCKED);
    }
}

static void lock_or_unlock(struct engine_core *core)
{
    uint32_t slot = roll(PEOPLE);
    enum known known = KNOWN(atomic_load(&shared->state[slot]));
    bool lock = known == ACTIVE;
    json_t *answer = NULL;
    struct told t;

    if (known == UNKNOWN)
        return;
    t = told_person(core->generation, slot);
    know(slot, UNKNOWN);
    if (lock) {
        being_locked = slot;
        must(engine_core_lock(core, t.name, "root", "torture", time(NULL), &answer), "lock");
        being_locked = PEOPLE;
        atomic_fetch_add(&shared->locks, 1);
        if (KNOWN(atomic_load(&shared->state[slot])) != LOCKED)
            torture_fault("a lock rang no bell");
    } else {
        must(engine_core_unlock(core, t.name, "root", time(NULL), &answer), "unlock");
        atomic_fetch_add(&shared->unlocks, 1);
        // A lock that was replayed may stand until HR has spoken afresh.
        if (on_board(core, slot) == ROLLCALL_STATE_ACTIVE)
            know(slot, ACTIVE);
    }
    json_decref(answer);
}

static void board_may_change(bool may)
{
    if ((atomic_load(&shared->boards) & 1) != may)
        atomic_fetch_add(&shared->boards, 1);
}

static void cycle(struct engine_core *core, unsigned n)
{
    if (n % LIST_EVERY == LIST_EVERY - 1) {
        list(core);
        take_stock(core);
    }
    if (n % BOARD_EACH == BOARD_EACH - 1) {
        board_may_change(true);
        must(engine_core_reconfigure(core, engine_config(), time(NULL)), "reconfigure");
        board_may_change(false);
    }
    publish(core);
    lock_or_unlock(core);
    must(engine_core_tick(core, time(NULL)), "tick");
}

// Until the next cycle is due, deaths and restarts included: whoever starts late, or is held
// up, goes on without a rest until it has made up for it.
static void rest_until_due(int64_t began)
{
    int64_t now = torture_now(), due = atomic_load(&shared->due) + CYCLE;

    atomic_fetch_add(&shared->cycles, 1);
    atomic_fetch_add(&shared->cycling, (uint64_t)(now - began));
    if (due < now - OWED_MOST)
        due = now - OWED_MOST;
    atomic_store(&shared->due, due);
    if (due > now)
        nanosleep(&(struct timespec){.tv_nsec = due - now}, NULL);
}

void torture_write(unsigned seed)
{
    struct engine_core *core;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dice = seed;
    being_locked = PEOPLE;
    // Not before there is something to lose; a start is short, and dies more often.
    dies_one_in = atomic_load(&shared->ready) ? 60 : 0;
    writing = true;
    board_may_change(true);
    core = open_engine();
    if (dies_one_in)
        take_stock(core);
    board_may_change(false);
    list(core);
    publish(core);
    take_stock(core);
    if (!atomic_exchange(&shared->ready, true))
        atomic_store(&shared->due, torture_now());
    dies_one_in = 2500;
    for (unsigned n = 0; !atomic_load(&shared->stop); n++) {
        int64_t began = torture_now();
        cycle(core, n);
        rest_until_due(began);
    }
    _exit(0);
}
