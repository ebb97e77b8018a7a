// SPDX-License-Identifier: BSD-2-Clause
// One random history of files, played to two engines: to one every listing is said
// whole, to the other as a difference wherever that is possible. Only tests/unit/*.c
// include it.
#ifndef ROLLCALL_TESTS_TWO_WAYS_H
#define ROLLCALL_TESTS_TWO_WAYS_H

#include "tests/unit/engine_fixture.h"

#define FILE_ROWS 96

// A row of a file, by value.
struct file_row {
    char id[16], number[16], name[16], display[16];
    enum rollcall_status status;
    int64_t start, end, terminated_at;
    uint64_t uid; // 0: not said
    int groups;   // -1: not said; else a bit for each group
    bool broken, says_terminated;
    bool dropped;   // left out on purpose
    unsigned alias; // the number in "cn=100", a name of the person in groups; 0: none
};

#define FILE_GROUPS 4
// A group as its file has it; bits are of people and of groups.
struct file_group {
    bool listed, named;  // named: has the alias under which others list it
    uint32_t people, in; // whom its list names, and which groups
    int parents;         // in which it says to be; -1: it does not say
};

struct file {
    struct file_row row[FILE_ROWS];
    size_t n;
    unsigned nameless; // rows that cannot be read and name nobody
    struct file_group group[FILE_GROUPS];
};

struct history {
    uint64_t random;
    struct file now[2];  // of each source
    struct file last[2]; // as the second engine took it last
    int64_t as_of[2];
    char cursor[2][24]; // of `last`; "" where there is none
    unsigned step, differences, stale;
    bool nested; // groups name their members, and are in others
};

uint64_t history_random(struct history *h, uint64_t below);
// Changes the file of a source: somebody comes, goes, is renamed, ... or nothing at all.
void history_change(struct history *h, unsigned source, int64_t now);
// Says the file to both: whole to `a`, as a difference to `b`.
void history_say(struct history *h, struct engine *a, struct engine *b, unsigned source,
                 int64_t as_of);
// Says the file to one of them, whole; what its begin returned.
int history_say_whole(struct history *h, struct engine *e, unsigned source, int64_t as_of,
                      const char *cursor);
#define HISTORY_PEOPLE 26 // few numbers and names, so that they meet
int history_send(struct engine *e, unsigned source, const struct rollcall_message *m);
// Fails with the first thing that differs between the two.
void history_compare(const struct history *h, struct engine *a, struct engine *b);
// The same of people, their records, and the board alone.
void history_compare_people(const struct history *h, struct engine *a, struct engine *b);

// The part of groups (two_ways_groups.c).
void history_change_groups(struct history *h, struct file *f);
void history_say_groups(struct engine *e, unsigned source, const struct file *f,
                        const struct file *last);

extern const char *const history_sources[2];

#endif
