// SPDX-License-Identifier: BSD-2-Clause
// What the last listing of a file had, in memory: a keyed 128-bit hash of each row's
// bytes, and its id. A reading asks of each line whether it stood there already, so that a
// row that did not change costs its bytes and a look-up, and is not said again. On listed.h.
#ifndef ROLLCALL_SOURCES_CSV_LISTED_H
#define ROLLCALL_SOURCES_CSV_LISTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv_listed;

struct csv_listed *csv_listed_new(void); // NULL: no memory, or no random bytes
void csv_listed_free(struct csv_listed *l);

// There is a last listing: the next one may be said as a difference.
bool csv_listed_known(const struct csv_listed *l);
void csv_listed_forget(struct csv_listed *l);

// A reading begins. What an earlier one left that was not kept is dropped.
void csv_listed_begin(struct csv_listed *l);
// A line, with its newline. `starts`: a row may begin with it, it goes on with none. True
// where it is all of a row of the last listing: it need not be looked at, nor said.
bool csv_listed_line(struct csv_listed *l, const char *line, size_t len, bool starts);
// The line just read ended the header: false where it is another than the last listing's,
// whose rows then mean something else.
bool csv_listed_header(struct csv_listed *l);
// The line just read ended a row of this id. `good`: it was read without a fault. True where
// it has to be said. What is not good, or stands twice, is said with every listing.
bool csv_listed_row(struct csv_listed *l, const char *id, bool good);
// Something stands twice whose first row was passed over: to be read once more, and then
// both are said.
bool csv_listed_again(const struct csv_listed *l);
// The ids of the last listing that this reading did not meet.
void csv_listed_absent(const struct csv_listed *l, void (*absent)(const char *id));
// The reading was committed: it is the last listing now.
void csv_listed_keep(struct csv_listed *l);

#endif
