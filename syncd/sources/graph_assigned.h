// SPDX-License-Identifier: BSD-2-Clause
// Who is in one of assigned_groups, through any number of groups in groups. It keeps the members
// of those groups alone: 16 bytes and a number for each id, and a bit for each that is in a group.
// It takes changes one at a time: a member that came or went costs a look at these groups, and no
// request. Pure, but for the key of its table, which is random.
#ifndef ROLLCALL_SOURCES_GRAPH_ASSIGNED_H
#define ROLLCALL_SOURCES_GRAPH_ASSIGNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncd/sources/graph_map.h"

#define GRAPH_MEMBERS_MAX 8000000 // of all of these groups together

struct graph_assigned;

struct graph_assigned *graph_assigned_new(void);    // NULL: no memory
void graph_assigned_free(struct graph_assigned *a); // NULL
// A group of assigned_groups.
int graph_assigned_root(struct graph_assigned *a, const unsigned char group[GRAPH_ID]);
// Nothing is known of any members any more.
void graph_assigned_forget(struct graph_assigned *a);

// Is the group one of assigned_groups itself?
bool graph_assigned_root_is(const struct graph_assigned *a, const unsigned char group[GRAPH_ID]);
// A member came (`present`) or went; the last word counts. Of other groups it is not kept.
// -ENOMEM; -EFBIG beyond GRAPH_MEMBERS_MAX.
int graph_assigned_member(struct graph_assigned *a, const unsigned char group[GRAPH_ID],
                          const unsigned char member[GRAPH_ID], bool is_group, bool present);
// The tenant's word that the group was deleted: nobody is in it.
void graph_assigned_empty(struct graph_assigned *a, const unsigned char group[GRAPH_ID]);
// The feed has the group: one that was missing is read.
void graph_assigned_seen(struct graph_assigned *a, const unsigned char group[GRAPH_ID]);
// Its address has nothing (404), in place of graph_assigned_read. True: it is one of
// assigned_groups, and nobody said that it was deleted. Who is in it cannot be known.
bool graph_assigned_missing(struct graph_assigned *a, const unsigned char group[GRAPH_ID]);
// Goes through those: false behind the last. `at` begins at 0.
bool graph_assigned_next_missing(const struct graph_assigned *a, size_t *at,
                                 unsigned char ret_group[GRAPH_ID]);
bool graph_assigned_unknown(const struct graph_assigned *a); // there is such a one
bool graph_assigned_none(const struct graph_assigned *a);    // and no other

// Follows groups in groups. 1: the members of `ret_group` are not known: read them, say each with
// graph_assigned_member, then graph_assigned_read, and settle again. 0: done, and who is in is
// known. -ENOMEM.
int graph_assigned_settle(struct graph_assigned *a, unsigned char ret_group[GRAPH_ID]);
void graph_assigned_read(struct graph_assigned *a, const unsigned char group[GRAPH_ID]);

// As of the last settling. `changed`: who came in or fell out by it.
bool graph_assigned_has(const struct graph_assigned *a, const unsigned char user[GRAPH_ID]);
size_t graph_assigned_changed(const struct graph_assigned *a, const unsigned char **ret_ids);
size_t graph_assigned_count(const struct graph_assigned *a);
// A hash of who is in: to know after a restart whether it is as it was.
uint64_t graph_assigned_hash(const struct graph_assigned *a);

#endif
