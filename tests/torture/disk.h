// SPDX-License-Identifier: BSD-2-Clause
// What a disk may hold after power was lost at some point of a recording.
//
// What was synced is there. Of what was not, each write may be there or not, by sectors of
// 512 bytes (a store into a mapping by its eight bytes), zeros where a file grew without its data;
// each name given or taken may be or not, whatever order they came in, unless its folder
// was synced. No file system loses more than that, and most lose less.
#ifndef TESTS_TORTURE_DISK_H
#define TESTS_TORTURE_DISK_H

#include "tests/torture/recorder.h"

struct disk; // after the first n operations of a recording

enum disk_luck {
    DISK_LOST, // nothing that was not synced
    DISK_KEPT, // all of it
    DISK_SOME, // by chance
};

struct disk *disk_new(const struct recording *r);
void disk_free(struct disk *d);
// One operation more. NULL at the end.
const struct op *disk_step(struct disk *d);
// Is the next a sync? Then what waits for it is all that there will be.
bool disk_syncs_next(const struct disk *d);
// Makes the files below `root`, but for those whose names begin with `without` (or NULL);
// the folders are empty. A board knows the number of its
// inode, which is another one here: it is told, as if this were the same disk. False where
// the state is one that was made before, with the same `with`: then there are no files.
bool disk_make(struct disk *d, enum disk_luck luck, const char *without, uint64_t with,
               const char *root);

#endif
