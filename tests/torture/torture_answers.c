// SPDX-License-Identifier: BSD-2-Clause
// What an answer is held to. All of it was true before the lookup began, so that no machine
// is too slow for it.
#include <stdio.h>
#include <string.h>

#include "tests/torture/torture_answers.h"

#define OLDEST        INT64_C(2000000000) // ns
#define NOLOGIN       "/usr/sbin/nologin"
#define EVERYBODY_GID ROLLCALL_ID_DEFAULT_MIN
#define LINUX_USERS   (FIRST_TEAM - 1)

uint32_t looker_roll(struct looker *l, uint32_t n)
{
    l->dice ^= l->dice << 13;
    l->dice ^= l->dice >> 7;
    l->dice ^= l->dice << 17;
    return (uint32_t)((l->dice >> 32) * n >> 32);
}

void looker_begin(struct looker *l, uint32_t slot)
{
    l->slot = slot;
    l->state = slot < PEOPLE ? atomic_load(&shared->state[slot]) : UNKNOWN;
    l->boards = atomic_load(&shared->boards);
    l->began = torture_tick();
    l->lookups++;
}

void looker_forked(struct looker *l)
{
    l->alone = true;
    l->lookups = l->enumerations = l->locks_seen = 0;
}

void looker_count(struct looker *l)
{
    atomic_fetch_add(&shared->lookups, l->lookups);
    atomic_fetch_add(&shared->enumerations, l->enumerations);
    atomic_fetch_add(&shared->locks_seen, l->locks_seen);
    l->lookups = l->enumerations = l->locks_seen = 0;
}

// ---- age ----

// When the next newer generation came to stand at the path, or 0.
static int64_t superseded(uint64_t generation)
{
    uint64_t newest = atomic_load(&shared->newest);

    for (uint64_t g = generation + 1; g <= newest && g < GENERATIONS; g++) {
        int64_t at = atomic_load(&shared->renamed_at[g]);
        if (at)
            return at;
    }
    return 0;
}

// The newest that a lookup which began when this one did must know, or a newer one.
static void answer_age(struct looker *l, uint64_t generation)
{
    int64_t newer, age;

    if (!generation || generation > atomic_load(&shared->announced))
        torture_fault("an answer of generation %llu, which nobody published",
                      (unsigned long long)generation);
    // A thread that has opened a pair for itself goes on with the one that all have, which may
    // be older by less than the age that is allowed.
    if (l->alone && generation < l->newest)
        torture_fault("an answer of generation %llu after one of %llu",
                      (unsigned long long)generation, (unsigned long long)l->newest);
    l->newest = generation;
    newer = superseded(generation);
    age = newer && newer < l->began ? l->began - newer : 0;
    torture_most(&shared->oldest, age);
    if (age > (l->enumerates ? 0 : OLDEST))
        torture_fault("an answer that was %lld ms old when its lookup began",
                      (long long)(age / 1000000));
}

// ---- people ----

// A lock that stood when the lookup began is seen, unless it was lifted meanwhile.
static void check_state(struct looker *l, bool nologin)
{
    uint32_t now = atomic_load(&shared->state[l->slot]);

    if (KNOWN(l->state) == LOCKED && l->state == now) {
        l->locks_seen++;
        if (!nologin)
            torture_fault("a lookup of slot %u that began after its lock did not see it", l->slot);
    }
    // A board that is replaced makes everybody look locked until the next lookup; in a
    // process of many threads, until one of them has opened the next.
    if (KNOWN(l->state) == ACTIVE && l->state == now && l->alone && !(l->boards & 1) &&
        l->boards == atomic_load(&shared->boards) && nologin)
        torture_fault("slot %u is active, and shown as locked", l->slot);
}

uint64_t answer_person(struct looker *l, const struct passwd *pw)
{
    uint64_t generation = told_generation(pw->pw_gecos);
    uint32_t slot = pw->pw_uid - FIRST_UID;
    bool nologin = strcmp(pw->pw_shell, NOLOGIN) == 0;
    struct told t;

    answer_age(l, generation);
    if (slot >= PEOPLE || (l->slot < PEOPLE && slot != l->slot)) {
        torture_fault("uid %u is not who was asked for", pw->pw_uid);
        return generation;
    }
    t = told_person(generation, slot);
    if (!told_there(generation, slot) || pw->pw_gid != pw->pw_uid ||
        strcmp(pw->pw_name, t.name) != 0 || strcmp(pw->pw_gecos, t.gecos) != 0 ||
        strcmp(pw->pw_dir, t.home) != 0 || strcmp(pw->pw_passwd, "x") != 0 ||
        (!nologin && strcmp(pw->pw_shell, t.shell) != 0))
        torture_fault("of two generations: %s %s %u %u %s %s", pw->pw_name, pw->pw_gecos,
                      pw->pw_uid, pw->pw_gid, pw->pw_dir, pw->pw_shell);
    if (l->slot == slot)
        check_state(l, nologin);
    return generation;
}

// ---- groups ----

uint64_t answer_team(struct looker *l, const struct group *gr)
{
    uint64_t generation = told_generation(gr->gr_name);
    uint32_t team = (gr->gr_gid - FIRST_TEAM) % TEAMS;
    char **member = gr->gr_mem, name[33];
    struct told t;

    answer_age(l, generation);
    told_team_name(generation, team, name);
    if (strcmp(gr->gr_name, name) != 0 || gr->gr_gid != told_gid(generation, team)) {
        torture_fault("of two generations: %s %u", gr->gr_name, gr->gr_gid);
        return generation;
    }
    for (uint32_t slot = 0; slot < PEOPLE; slot++) {
        if (!told_there(generation, slot) || !told_member(generation, slot, team))
            continue;
        t = told_person(generation, slot);
        if (!*member || strcmp(*member, t.name) != 0) {
            torture_fault("%s has the member %s, not %s", name, *member ? *member : "(none)",
                          t.name);
            return generation;
        }
        member++;
    }
    if (*member)
        torture_fault("%s has one member too many: %s", name, *member);
    return generation;
}

void answer_memberships(struct looker *l, const gid_t *gids, long n)
{
    uint64_t generation = 0;
    bool in[TEAMS] = {false};
    long others = 0;

    for (long i = 0; i < n; i++) {
        uint64_t g;
        others += gids[i] == EVERYBODY_GID || gids[i] == LINUX_USERS;
        if (gids[i] < FIRST_TEAM || gids[i] >= told_gid(GENERATIONS, 0))
            continue;
        g = (gids[i] - FIRST_TEAM) / TEAMS;
        if (generation && g != generation)
            torture_fault("groups of generations %llu and %llu", (unsigned long long)generation,
                          (unsigned long long)g);
        generation = g;
        in[(gids[i] - FIRST_TEAM) % TEAMS] = true;
        others++;
    }
    if (others != n)
        torture_fault("a group that nobody knows");
    if (!generation)
        return; // in no team at all: of which generation cannot be told
    answer_age(l, generation);
    for (uint32_t team = 0; team < TEAMS; team++)
        if (in[team] != told_member(generation, l->slot, team))
            torture_fault("slot %u and team %u do not agree in generation %llu", l->slot, team,
                          (unsigned long long)generation);
}
