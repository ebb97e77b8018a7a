// SPDX-License-Identifier: BSD-2-Clause
// What a process has read, by its files: is it still what stands on the disk?
#ifndef ROLLCALL_VERIFIER_STAMP_H
#define ROLLCALL_VERIFIER_STAMP_H

#include <stdbool.h>
#include <stddef.h>

struct stamp;

// Taken before the files are read. A path that is missing is remembered as missing; of a
// folder, everything in it is looked at as well. `paths` ends with NULL. NULL: no memory, or
// too many files, and then nothing is ever fresh.
struct stamp *stamp_take(const char *const *paths);
// Every file is the same, unchanged; and none had been changed so shortly before it was read
// that a second change could have left the same time.
bool stamp_fresh(const struct stamp *s);
void stamp_free(struct stamp *s); // NULL is fine

#endif
