// SPDX-License-Identifier: BSD-2-Clause
// What the last listing had, in memory: of each record its id and a keyed hash (128 bits) of its
// content. With it, the next whole listing can be said as a difference (`since` in
// docs/source-protocol.md): what is as it was is not said, and whoever is in it no more is
// `absent`.
//
// The ids are kept as text, for `absent` needs them, and a source has no disk to keep them on:
// about 80 bytes a record beside the id, so some 10 MB for 100,000 people with UUIDs. A process
// that was just started knows nothing and says its listing whole.
//
// csv_listed.c stands on this: it asks of a file's line, before anything is parsed, whether it is
// a record of the last listing. Sources over an API ask of each record by its id.
#ifndef ROLLCALL_SOURCES_LISTED_H
#define ROLLCALL_SOURCES_LISTED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Beyond so many records nothing is kept, and each listing is said whole.
#define LISTED_MAX 4000000

struct listed;

struct listed_hash {
    uint64_t low, high;
};

enum listed_word {
    LISTED_NEW,      // not in the last listing, or with another content: to be said
    LISTED_SAME,     // as it was: not to be said
    LISTED_REPEATED, // this pass met the id already, with this content: pages overlap
    LISTED_TWICE,    // this pass met the id already, with another content
};

// `by_hash`: a record can also be found by its content alone, for 16 bytes more each. NULL: no
// memory, or no random bytes.
struct listed *listed_new(bool by_hash);
void listed_free(struct listed *l); // NULL

// There is a last listing: the next one may be said as a difference.
bool listed_known(const struct listed *l);
void listed_forget(struct listed *l);

// A pass begins. What an earlier one left that was not kept is dropped.
void listed_begin(struct listed *l);

// The hash of bytes that come in pieces, and of what a JSON text would be, its members sorted.
// Say as content what the record was made into, not what the server sent: a `lastSignOn` that
// moves each day is no change.
void listed_bytes_begin(struct listed *l);
void listed_bytes(struct listed *l, const void *bytes, size_t len);
struct listed_hash listed_bytes_end(struct listed *l);
// The same of bytes that are all there.
struct listed_hash listed_bytes_hash(const struct listed *l, const void *bytes, size_t len);
struct listed_hash listed_json_hash(struct listed *l, const json_t *json);

// A record of this pass. Where not `good` (a problem, which has to be said with every listing) it
// is LISTED_NEW the next time too.
enum listed_word listed_record(struct listed *l, const char *id, struct listed_hash hash,
                               bool good);
// The same for a record with this content, where `by_hash`: true where the last listing had it.
bool listed_found(struct listed *l, struct listed_hash hash);
// Before listed_record: whether the last listing had this record with another content, and this
// pass did not meet it yet. For who wants to look twice at what changed.
bool listed_changed(const struct listed *l, const char *id, struct listed_hash hash);
// The record of this id that was just met stands in several rows of the server's, a mistake of
// HR's: all of its rows are said, in this listing and the next.
void listed_rows(struct listed *l, const char *id);
// Where listed_rows came too late, for an earlier row of the id was passed over as LISTED_SAME:
// read all of it once more, and then all of the rows are said.
bool listed_again(const struct listed *l);
// The ids of the last listing that this pass did not meet.
void listed_absent(const struct listed *l, void (*absent)(const char *id));
// The record is no more: what a `gone` between two listings said.
void listed_gone(struct listed *l, const char *id);

// The pass was committed. `whole`: it is the last listing now, and what it did not meet is no
// more; else what it met goes into the last listing, as after a `delta`.
void listed_keep(struct listed *l, bool whole);

#endif
