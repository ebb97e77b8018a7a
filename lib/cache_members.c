// SPDX-License-Identifier: BSD-2-Clause
// Groups and who is in them. Names are put into the lists account by account: records are
// then read in their order, and only the ends of the lists are jumped between.
#include "lib/cache_members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cache.h"
#include "rollcall/cleanup.h"

#define LISTS_AT_ONCE ((size_t)32 << 20) // bytes of lists in memory

void rc_members_free(struct rc_members *m)
{
    free(m->group);
    free(m->run);
    *m = (struct rc_members){0};
}

int rc_members_group(struct rc_members *m, const char *name, uint32_t gid)
{
    size_t len = strlen(name);

    if (len == 0 || len > ROLLCALL_NAME_MAX)
        return -EINVAL;
    if (m->n == m->room) {
        uint32_t want = m->room ? m->room * 2 : 256;
        struct group *p = reallocarray(m->group, want, sizeof(*p));
        if (!p)
            return -ENOMEM;
        m->group = p;
        m->room = want;
    }
    m->group[m->n] = (struct group){.record = {.gid = gid, .name_len = (uint8_t)len}};
    memcpy(m->group[m->n].name, name, len);
    m->n++;
    return 0;
}

int rc_members_join(struct rc_members *m, uint8_t name_len, const uint32_t *groups, size_t n_groups,
                    const uint32_t *local, size_t n_local, uint32_t *ret_run)
{
    uint64_t want = (uint64_t)m->run_len + n_groups + n_local;

    if (want > UINT32_MAX)
        return -EOVERFLOW;
    if (want > m->run_room) {
        uint64_t room = m->run_room ? m->run_room + m->run_room / 2 : 4096;
        uint32_t *p;
        if (room < want)
            room = want;
        p = reallocarray(m->run, room, sizeof(*p));
        if (!p)
            return -ENOMEM;
        m->run = p;
        m->run_room = room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
    }
    *ret_run = m->run_len;
    for (size_t i = 0; i < n_groups; i++) {
        struct rc_group_record *g;
        if (groups[i] >= m->n - 1 || (i > 0 && groups[i] <= groups[i - 1]))
            return -EINVAL;
        g = &m->group[groups[i] + 1].record;
        g->n_members++;
        if (g->members_len > UINT32_MAX - name_len - 1u)
            return -EOVERFLOW;
        g->members_len += name_len + 1u;
        m->run[m->run_len++] = groups[i] + 1;
    }
    if (n_local > 0)
        memcpy(m->run + m->run_len, local, n_local * sizeof(*local));
    m->run_len += (uint32_t)n_local;
    return 0;
}

// Of all that a group has in the pool.
static uint64_t block_len(const struct rc_group_record *g)
{
    return g->name_len + 1u + (uint64_t)g->n_members + g->members_len;
}

// Where the next member of a group goes.
struct ends {
    uint32_t len, name; // from the start of the group's block
};

// Names and lists of the groups [from, to), made in `out`.
static void make_blocks(const struct rc_members *m, const struct rc_account_record *records,
                        uint32_t slots, uint32_t from, uint32_t to, struct ends *end,
                        unsigned char *out)
{
    uint64_t base = m->group[from].record.pool;

    for (uint32_t g = from; g < to; g++) {
        const struct rc_group_record *r = &m->group[g].record;
        memcpy(out + (r->pool - base), m->group[g].name, r->name_len + 1u);
        end[g] = (struct ends){.len = r->name_len + 1u, .name = r->name_len + 1u + r->n_members};
    }
    for (uint32_t slot = 0; slot < slots; slot++) {
        const struct rc_account_record *r = &records[slot];
        for (uint32_t i = 0; i < r->n_groups; i++) {
            uint32_t g = m->run[r->mship + i];
            unsigned char *list;
            if (g < from || g >= to || m->group[g].record.n_members == 0)
                continue;
            list = out + (m->group[g].record.pool - base);
            list[end[g].len++] = r->name_len;
            memcpy(list + end[g].name, r->text, r->name_len);
            list[end[g].name + r->name_len] = 0;
            end[g].name += r->name_len + 1u;
        }
    }
}

int rc_members_write(struct rc_members *m, struct rc_build *b,
                     const struct rc_account_record *records, uint32_t members_max)
{
    uint32_t slots = b->self.head->slots;
    _cleanup_free_ struct ends *end = calloc(m->n, sizeof(*end));
    uint64_t at = rc_build_len(b);

    if (!end)
        return -ENOMEM;
    for (uint32_t g = 0; g < m->n; g++) {
        struct rc_group_record *r = &m->group[g].record;
        if (r->n_members > members_max)
            r->n_members = r->members_len = 0;
        if (r->members_len > UINT32_MAX - r->n_members - r->name_len - 1u)
            return -EOVERFLOW;
        r->pool = at;
        at += block_len(r);
    }
    for (uint32_t from = 0, to; from < m->n; from = to) {
        _cleanup_free_ unsigned char *out = NULL;
        size_t size = block_len(&m->group[from].record);
        for (to = from + 1; to < m->n && size + block_len(&m->group[to].record) <= LISTS_AT_ONCE;
             to++)
            size += block_len(&m->group[to].record);
        out = malloc(size);
        if (!out)
            return -ENOMEM;
        make_blocks(m, records, slots, from, to, end, out);
        rc_build_write(b, out, size);
    }
    return 0;
}

// Short runs in a line of their own each, at their account's slot, then the long ones.
static int write_runs(struct rc_members *m, struct rc_build *b, struct rc_account_record *records,
                      uint32_t slots)
{
    uint64_t behind = (uint64_t)slots * RC_MSHIP_RUN;

    rc_build_begin(b, RC_MSHIPS);
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint32_t line[RC_MSHIP_RUN] = {0}, n = records[slot].n_groups + records[slot].n_local;
        if (n > 0 && n <= RC_MSHIP_RUN)
            memcpy(line, m->run + records[slot].mship, n * sizeof(*line));
        rc_build_write(b, line, sizeof(line));
    }
    for (uint32_t slot = 0; slot < slots; slot++) {
        struct rc_account_record *r = &records[slot];
        uint32_t n = r->n_groups + r->n_local, from = r->mship;
        if (n > RC_MSHIP_RUN) {
            if (behind + n > UINT32_MAX)
                return -EOVERFLOW;
            r->mship = (uint32_t)behind;
            behind += n;
            rc_build_write(b, m->run + from, n * sizeof(*m->run));
        } else if (r->name_len) {
            r->mship = slot * RC_MSHIP_RUN;
        }
        if (r->name_len)
            r->check = rc_check16(r, sizeof(*r), slot);
    }
    rc_build_end(b);
    return 0;
}

int rc_members_write_sections(struct rc_members *m, struct rc_build *b,
                              struct rc_account_record *records, uint32_t slots)
{
    int r;

    if ((uint64_t)slots * RC_MSHIP_RUN > UINT32_MAX)
        return -EOVERFLOW;
    for (uint32_t slot = 0; slot < slots; slot++)
        for (uint32_t i = 0; i < records[slot].n_groups; i++) {
            uint32_t *at = &m->run[records[slot].mship + i];
            *at = m->group[*at].record.gid;
        }
    r = write_runs(m, b, records, slots);
    if (r < 0)
        return r;
    rc_build_begin(b, RC_GROUPS);
    for (uint32_t g = 0; g < m->n; g++) {
        struct rc_group_record *record = &m->group[g].record;
        record->check = rc_check16(record, sizeof(*record), g);
        rc_build_write(b, record, sizeof(*record));
    }
    rc_build_end(b);
    return 0;
}
