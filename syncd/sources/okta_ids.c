// SPDX-License-Identifier: BSD-2-Clause
// Sets of ids.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/okta.h"

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, OKTA_SHORT);
}

bool okta_ids_has(const struct okta_ids *ids, const char *id)
{
    char key[OKTA_SHORT] = "";

    if (strlen(id) >= sizeof(key))
        return false;
    memcpy(key, id, strlen(id));
    return ids->n > 0 && bsearch(key, ids->id, ids->n, OKTA_SHORT, compare);
}

int okta_ids_add(struct okta_ids *ids, const char *id)
{
    if (strlen(id) >= OKTA_SHORT)
        return -EBADMSG;
    if (ids->n == ids->room) {
        size_t room = ids->room ? ids->room * 2 : 256;
        void *p = realloc(ids->id, room * OKTA_SHORT);
        if (!p)
            return -ENOMEM;
        ids->id = p;
        ids->room = room;
    }
    memset(ids->id[ids->n], 0, OKTA_SHORT);
    memcpy(ids->id[ids->n++], id, strlen(id));
    return 0;
}

// Ids that come in their order are not sorted again.
static bool is_sorted(const struct okta_ids *ids)
{
    for (size_t i = 1; i < ids->n; i++)
        if (compare(ids->id[i - 1], ids->id[i]) > 0)
            return false;
    return true;
}

void okta_ids_sort(struct okta_ids *ids)
{
    if (!is_sorted(ids))
        qsort(ids->id, ids->n, OKTA_SHORT, compare);
}

void okta_ids_done(struct okta_ids *ids)
{
    free(ids->id);
    *ids = (struct okta_ids){0};
}

void okta_ids_remove(struct okta_ids *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (strcmp(ids->id[i], id) == 0) {
            memmove(ids->id[i], ids->id[i + 1], (ids->n - i - 1) * OKTA_SHORT);
            ids->n--;
            return;
        }
}
