// SPDX-License-Identifier: BSD-2-Clause
// Links to next pages that lead nowhere: a chain that comes back to where it was, or never ends.
#ifndef ROLLCALL_SOURCES_PAGES_H
#define ROLLCALL_SOURCES_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGES_MAX 100000

struct pages {
    uint64_t n, power; // Brent's way to find a circle: one link kept, at powers of two
    char *kept;
};

// Another page at `link`. False: it was there before, or there were more than PAGES_MAX. A circle
// is found before it has been walked three times.
bool pages_go_on(struct pages *p, const char *link);
void pages_done(struct pages *p);

#endif
