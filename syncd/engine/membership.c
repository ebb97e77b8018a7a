// SPDX-License-Identifier: BSD-2-Clause
// Who is in which groups: a person's groups stand in the person's row, so that a
// publication reads each row once, and a change of one person touches one row.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/engine/core_internal.h"

void membership_done(struct membership *m)
{
    free(m->number);
    *m = (struct membership){0};
}

int membership_add(struct membership *m, uint32_t number)
{
    size_t at = m->n;

    while (at > 0 && m->number[at - 1] >= number)
        if (m->number[--at] == number)
            return 0;
    if (m->n == m->room) {
        size_t want = m->room ? m->room * 2 : 16;
        uint32_t *p = reallocarray(m->number, want, sizeof(*p));
        if (!p)
            return -ENOMEM;
        m->number = p;
        m->room = want;
    }
    memmove(m->number + at + 1, m->number + at, (m->n - at) * sizeof(*m->number));
    m->number[at] = number;
    m->n++;
    return 0;
}

const uint32_t *membership_column(sqlite3_stmt *stmt, int column, size_t *ret_n)
{
    const void *blob = sqlite3_column_blob(stmt, column);

    *ret_n = blob ? (size_t)sqlite3_column_bytes(stmt, column) / sizeof(uint32_t) : 0;
    return blob;
}

int membership_read(struct engine_core *core, uint32_t slot, struct membership *ret)
{
    sqlite3_stmt *q =
        store_bind(&core->store, "SELECT groups FROM person WHERE slot = ?", "i", (int64_t)slot);
    const uint32_t *number;
    int error = 0, r = 0;
    size_t n;

    *ret = (struct membership){0};
    if (!store_step(&core->store, q, &error))
        return error;
    number = membership_column(q, 0, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        uint32_t one;
        memcpy(&one, number + i, sizeof(one));
        r = membership_add(ret, one);
    }
    sqlite3_reset(q);
    if (r < 0)
        membership_done(ret);
    return r;
}

int membership_write(struct engine_core *core, uint32_t slot, const struct membership *m)
{
    return store_run(&core->store, "UPDATE person SET groups = ? WHERE slot = ?", "bi",
                     (const void *)m->number, m->n * sizeof(*m->number), (int64_t)slot);
}

bool membership_in(struct engine_core *core, const struct membership *m,
                   const struct rollcall_list *list)
{
    bool in = false;

    for (size_t i = 0; !in && list->n > 0 && i < m->n; i++) {
        sqlite3_stmt *q = store_bind(&core->store, "SELECT id FROM grp WHERE number = ?", "i",
                                     (int64_t)m->number[i]);
        int error = 0;
        if (!store_step(&core->store, q, &error))
            continue;
        for (size_t k = 0; !in && k < list->n; k++)
            in = strcmp(store_text(q, 0), list->item[k]) == 0;
        sqlite3_reset(q);
    }
    return in;
}
