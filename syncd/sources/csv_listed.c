// SPDX-License-Identifier: BSD-2-Clause
// What the last listing of a file had.
#include "syncd/sources/csv_listed.h"

#include <stdlib.h>

#include "syncd/sources/listed.h"

struct csv_listed {
    struct listed *rows;
    struct listed_hash header, base_header;
};

struct csv_listed *csv_listed_new(void)
{
    struct csv_listed *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->rows = listed_new(true);
    if (!l->rows) {
        free(l);
        return NULL;
    }
    return l;
}

void csv_listed_free(struct csv_listed *l)
{
    if (!l)
        return;
    listed_free(l->rows);
    free(l);
}

bool csv_listed_known(const struct csv_listed *l)
{
    return listed_known(l->rows);
}

void csv_listed_forget(struct csv_listed *l)
{
    listed_forget(l->rows);
}

void csv_listed_begin(struct csv_listed *l)
{
    listed_begin(l->rows);
    listed_bytes_begin(l->rows);
}

bool csv_listed_line(struct csv_listed *l, const char *line, size_t len, bool starts)
{
    if (starts) {
        listed_bytes_begin(l->rows);
        listed_bytes(l->rows, line, len);
        return listed_found(l->rows, listed_bytes_end(l->rows));
    }
    listed_bytes(l->rows, line, len);
    return false;
}

bool csv_listed_header(struct csv_listed *l)
{
    l->header = listed_bytes_end(l->rows);
    return !listed_known(l->rows) ||
           (l->header.low == l->base_header.low && l->header.high == l->base_header.high);
}

bool csv_listed_row(struct csv_listed *l, const char *id, bool good)
{
    switch (listed_record(l->rows, id, listed_bytes_end(l->rows), good)) {
    case LISTED_SAME:
        return false;
    case LISTED_REPEATED:
    case LISTED_TWICE:
        listed_rows(l->rows, id);
        return true;
    case LISTED_NEW:
    default:
        return true;
    }
}

bool csv_listed_again(const struct csv_listed *l)
{
    return listed_again(l->rows);
}

void csv_listed_absent(const struct csv_listed *l, void (*absent)(const char *id))
{
    listed_absent(l->rows, absent);
}

void csv_listed_keep(struct csv_listed *l)
{
    listed_keep(l->rows, true);
    l->base_header = l->header;
}
