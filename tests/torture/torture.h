// SPDX-License-Identifier: BSD-2-Clause
// The torture of lookups: what its processes share, and what each generation of the company
// says. One process publishes (torture_writer.c) and is killed again and again; all others
// look up (torture_lookups.c) and know, from an answer alone, which generation it must be
// of and what else that generation says.
//
// Nothing here decides by how fast the machine is: what an answer is held to was true
// before its lookup began.
#ifndef TESTS_TORTURE_H
#define TESTS_TORTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/account.h"

#define FIRST_UID   (ROLLCALL_ID_DEFAULT_MIN + 200000000u) // of the person with slot 0
#define FIRST_TEAM  (ROLLCALL_ID_DEFAULT_MIN + 1000u)      // of team 0 in generation 0
#define PEOPLE      160u
#define VISITORS    8u // of them; the highest slots, not there in every generation
#define TEAMS       8u
#define GENERATIONS (1u << 20)
#define THREADS     16u
#define FORKERS     50u

_Static_assert(FIRST_UID + PEOPLE < ROLLCALL_ID_DEFAULT_MAX, "in the range");
_Static_assert(FIRST_TEAM + TEAMS * GENERATIONS < FIRST_UID, "teams and people have ids apart");

// What is known of somebody's state, for sure: the low bits; above them a number that moves
// with each change, so that a reader sees whether one came in between.
enum known { UNKNOWN, LOCKED, ACTIVE };
#define KNOWN(word) ((enum known)((word)&3))

struct shared {
    // By the writer: `announced` before a generation is written, `renamed_at` (of
    // torture_tick) once its file stands at the path, and `newest` then.
    _Atomic uint64_t announced, newest;
    _Atomic int64_t renamed_at[GENERATIONS];
    _Atomic uint32_t state[PEOPLE];
    _Atomic uint32_t boards; // odd while a board may be replaced
    _Atomic bool stop, ready;
    _Atomic int64_t due; // the writer's cycle, whichever writer it is
    _Atomic unsigned faults;
    // Counters.
    _Atomic uint64_t lookups, enumerations, forks, publications, locks, unlocks, locks_while_dead;
    _Atomic uint64_t kills, restarts, carried, locks_seen;
    _Atomic uint64_t cycles, cycling; // of the writer, and the ns that they took
    _Atomic int64_t oldest;           // of all answers, ns
    _Atomic unsigned mapped_at_most;
    _Atomic long memory_at_most; // KiB of the threads' process
};
extern struct shared *shared;

int64_t torture_now(void); // monotonic, ns
// The same as of the kernel's last tick, by which time() goes, and so the module: on a machine that
// stood still both are late together.
int64_t torture_tick(void);
// Counts a fault, says what it is, and ends the run.
void torture_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
void torture_most(_Atomic int64_t *at, int64_t value);

// ---- what a generation says ----

struct told {
    char name[33], gecos[128], home[64], shell[32];
};

// Every fourth person has another name in each generation.
static inline bool told_renamed(uint32_t slot)
{
    return slot % 4 == 3;
}

// A visitor comes and goes.
static inline bool told_there(uint64_t generation, uint32_t slot)
{
    return slot < PEOPLE - VISITORS || (generation >> (slot % VISITORS) & 1);
}

static inline bool told_member(uint64_t generation, uint32_t slot, uint32_t team)
{
    return ((slot * 2654435761u) ^ (team * 40503u) ^ (uint32_t)generation) % 3 == 0;
}

static inline gid_t told_gid(uint64_t generation, uint32_t team)
{
    return FIRST_TEAM + (gid_t)generation * TEAMS + team;
}

struct told told_person(uint64_t generation, uint32_t slot);
void told_team_name(uint64_t generation, uint32_t team, char ret[33]);
// The generation that a gecos, or a team's name, claims to be of; 0: none.
uint64_t told_generation(const char *text);
uint32_t told_people(uint64_t generation); // who is there

// ---- the processes ----

// Publishes until it is killed. `first`: nothing is there yet.
void torture_write(unsigned seed) __attribute__((noreturn));
// Threads that look up, in one process.
void torture_threads(unsigned seed) __attribute__((noreturn));
// Looks up, and forks children that do.
void torture_forks(unsigned seed, bool looks_up_itself) __attribute__((noreturn));
// Binds the module; before anybody forks.
void torture_load(const char *module);

#endif
