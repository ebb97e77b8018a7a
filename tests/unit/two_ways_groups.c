// SPDX-License-Identifier: BSD-2-Clause
// The groups of a random history: lists of members, groups in groups, names of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/two_ways.h"

static const char *const ids[FILE_GROUPS] = {"linux-users", "team", "g2", "Domain Users"};
static const char *const names[FILE_GROUPS] = {"cn=linux-users", "cn=team", "cn=g2", "cn=domain"};

void history_change_groups(struct history *h, struct file *f)
{
    struct file_group *g = &f->group[history_random(h, FILE_GROUPS)];

    if (!g->listed) {
        *g = (struct file_group){.listed = true,
                                 .named = true,
                                 .people = (uint32_t)history_random(h, 1u << HISTORY_PEOPLE),
                                 .in = (uint32_t)history_random(h, 1u << FILE_GROUPS),
                                 .parents = (int)history_random(h, 1 + (1u << FILE_GROUPS)) - 1};
        return;
    }
    switch (history_random(h, 12)) {
    case 0:
        g->listed = false;
        break;
    case 1: // emptied
        g->people = g->in = 0;
        break;
    case 2:
        g->people = (uint32_t)history_random(h, 1u << HISTORY_PEOPLE);
        break;
    case 3:
        g->parents = (int)history_random(h, 1 + (1u << FILE_GROUPS)) - 1;
        break;
    case 4:
        g->in = (uint32_t)history_random(h, 1u << FILE_GROUPS);
        break;
    case 5:
        g->named = !g->named;
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        g->people ^= 1u << history_random(h, HISTORY_PEOPLE);
        break;
    default:
        break;
    }
}

static void say_one(struct engine *e, unsigned source, size_t i, const struct file_group *g)
{
    static char text[HISTORY_PEOPLE][16];
    const char *list[HISTORY_PEOPLE + FILE_GROUPS], *parents[FILE_GROUPS];
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_GROUP,
                                 .group_id = ids[i],
                                 .group_name = ids[i],
                                 .parents_present = g->parents >= 0,
                                 .aliases = {&names[i], g->named}};
    size_t n = 0;

    for (size_t k = 0; g->parents > 0 && k < FILE_GROUPS; k++)
        if (g->parents & 1 << k)
            parents[n++] = ids[k];
    m.parents = (struct rollcall_strings){parents, n};
    assert_int_equal(history_send(e, source, &m), 0);
    n = 0;
    for (size_t k = 0; k < HISTORY_PEOPLE; k++) {
        if (!(g->people & 1u << k))
            continue;
        // Half of them by their id, and half by another name.
        snprintf(text[k], sizeof(text[k]), "%s%zu", k % 2 ? "cn=" : "", 100 + k);
        list[n++] = text[k];
    }
    for (size_t k = 0; k < FILE_GROUPS; k++)
        if (g->in & 1u << k)
            list[n++] = k % 2 ? names[k] : ids[k];
    m = (struct rollcall_message){.kind = ROLLCALL_MESSAGE_MEMBERS,
                                  .group_id = ids[i],
                                  .values_present = true,
                                  .values = {list, n}};
    assert_int_equal(history_send(e, source, &m), 0);
}

static bool same_group(const struct file_group *a, const struct file_group *b)
{
    return a->listed == b->listed && a->named == b->named && a->people == b->people &&
           a->in == b->in && a->parents == b->parents;
}

void history_say_groups(struct engine *e, unsigned source, const struct file *f,
                        const struct file *last)
{
    for (size_t i = 0; i < FILE_GROUPS; i++) {
        const struct file_group *g = &f->group[i], *was = last ? &last->group[i] : NULL;
        const struct rollcall_message gone = {.kind = ROLLCALL_MESSAGE_ABSENT, .id = ids[i]};
        if (g->listed && (!was || !same_group(g, was)))
            say_one(e, source, i, g);
        else if (!g->listed && was && was->listed)
            assert_int_equal(history_send(e, source, &gone), 0);
    }
}
