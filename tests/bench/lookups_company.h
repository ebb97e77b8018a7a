// SPDX-License-Identifier: BSD-2-Clause
// The company that a service is asked about, read from the text files that every service
// was filled from.
#ifndef TESTS_LOOKUPS_COMPANY_H
#define TESTS_LOOKUPS_COMPANY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOOKUPS_TEAM 200u // members of an ordinary group

// What is asked, and what is right: one small thing, so that walking over the keys costs
// little beside the lookup.
struct key {
    char name[36];
    uint32_t id;
};

struct company {
    const char *passwd, *group; // the files
    struct key *people;         // shuffled, the heavy two left out
    uint32_t n_people;
    struct key *teams; // groups of LOOKUPS_TEAM members, shuffled
    uint32_t n_teams;
    // The first two of the file: one with 500 groups more than others, one with 10,000.
    struct key heavy[2];
    uint32_t heavy_groups[2]; // how many groups name them
    struct key crowd;         // the largest group, where it is larger than LOOKUPS_TEAM
    uint32_t crowd_members;
    uint32_t all; // lines of the passwd file
    bool extra;   // the service gives everybody one group that no file names
};

// Ends the program where a file cannot be read: there is nothing to measure then. The
// order is the same in every process.
void company_load(struct company *c, const char *passwd, const char *group);

// Asks for about `n` people and groups, evenly from the files, and compares all that is
// answered, groups of a person included. Returns how many answers were right; writes what
// was wrong first into `ret_wrong`, or an empty text.
uint32_t company_check(const struct company *c, uint32_t n, char *ret_wrong, size_t len);

#endif
