// SPDX-License-Identifier: BSD-2-Clause
// What the parts of rollcall-source-scim share: the state of one process, and the rows of a
// listing.
#ifndef ROLLCALL_SOURCES_SCIM_H
#define ROLLCALL_SOURCES_SCIM_H

#include "syncd/sources/listed.h"
#include "syncd/sources/scim_groups.h"
#include "syncd/sources/scim_list.h"
#include "syncd/sources/scim_map.h"

// Can the server say who changed since?
enum scim_changes { SCIM_CHANGES_UNTRIED, SCIM_CHANGES_KNOWN, SCIM_CHANGES_UNKNOWN };

struct scim {
    struct web *w;
    struct scim_server server;
    struct scim_rules rules;
    const json_t *assigned; // assigned_groups, or NULL
    uint64_t full_every;    // seconds
    struct values *said;    // the room of the person in work

    // What was said, and committed, by this process.
    struct listed *people, *groups;
    struct scim_groups *in; // who is in the assigned groups
    bool in_known;          // it was read whole by this process
    bool in_unknown; // it cannot be read now, and never was: whoever is not in stays as known
    struct scim_groups *persons; // ids that were said as people
    char *cursor;                // of the last commit: what a difference is said to
    unsigned wholes;             // whole passes that were committed
    int64_t whole_at;            // when the last began, on the monotonic clock
    int64_t total;               // people, as the server says in the last one; or -1
    int64_t changed;             // the latest meta.lastModified seen, or UNSET
    enum scim_changes changes;
    bool absences;       // the last whole pass had new ones: the next has to agree
    bool shows_inactive; // in the list that no filter is asked for
    bool no_active_filter;
    char *tag[3]; // of lists of one page: people, inactive, groups

    // The listing in work.
    bool full, begun, again, absent_now;
    bool saw_inactive, no_filter;
    bool later_pass;    // whoever was met already is no sign of pages that go in a circle
    bool only_inactive; // asked for these alone
    int64_t as_of;
    char *since;
    int64_t latest; // meta.lastModified
    int64_t asked;  // filtered by that: entries before it show that there is no filter
    uint64_t rows, met;
};

// A listing begins; `since`: as a difference. Nothing is said before there is something to say,
// but for a whole listing, which is one even where nothing changed.
void scim_begin(struct scim *s, bool full, int64_t as_of);
// A User of a list, or one that was asked for: says it where it has to be said. A scim_take.
int scim_take_user(void *s, const struct value *row);
int scim_take_group(void *s, const struct value *row);
// The group and its members, a line holding so many of them.
void scim_say_group(json_t *group, const struct value *members);
// Whom the pass did not meet is asked for by id, or where they are many, by a second pass; who is
// really not there is said to be absent.
int scim_confirm(struct scim *s, const char *path);
// Everything is said: commits, or says that all is as it was.
void scim_commit(struct scim *s);

// Inside of a listing: the assigned groups that are gone, by name; that nobody is in those that are
// there.
void scim_say_gone(struct scim *s);
void scim_say_empty(struct scim *s, const char *why);

void scim_test(struct web *w); // what `rollcall source test` hears

#endif
