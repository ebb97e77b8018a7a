// SPDX-License-Identifier: BSD-2-Clause
// One file, read from its first byte to its last, into one listing.
#ifndef ROLLCALL_SOURCES_CSV_FILE_H
#define ROLLCALL_SOURCES_CSV_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "syncd/sources/csv_listed.h"

#define CSV_FILE_MAX (4ull * 1024 * 1024 * 1024)
#define CSV_LINE_MAX (1024 * 1024)

// Identifies one writing of a file: mtime in ns, size, inode.
void csv_version(const struct stat *st, char *buf, size_t len);

// Opens without waiting (a FIFO) and without following a link. fd, or negative errno
// with a sentence in `why`.
int csv_open(const char *path, struct stat *ret_st, char *why, size_t why_len);

// Reads all of it, emitting begin, users, problems and commit; or a refusal of the whole.
// -EBADMSG where it was refused, which was said; -EAGAIN where it changed while it was read:
// nothing was committed, read again. What `listed` knows already is not said again: then it
// is a difference to the listing of the cursor `since`. Where `cursor` is NULL nothing is
// emitted at all, and `listed` learns what the file has. Takes `fd`.
int csv_read(int fd, const char *path, const struct stat *st, int64_t seen_at, const char *cursor,
             const char *since, struct csv_listed *listed);

#endif
