// SPDX-License-Identifier: BSD-2-Clause
// Chains of pages.
#include "syncd/sources/pages.h"

#include <stdlib.h>
#include <string.h>

bool pages_go_on(struct pages *p, const char *link)
{
    if (++p->n > PAGES_MAX || (p->kept && strcmp(p->kept, link) == 0))
        return false;
    if (p->n > p->power) {
        p->power = p->power ? p->power * 2 : 1;
        free(p->kept);
        p->kept = strdup(link);
    }
    return true;
}

void pages_done(struct pages *p)
{
    free(p->kept);
    *p = (struct pages){0};
}
