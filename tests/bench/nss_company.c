// SPDX-License-Identifier: BSD-2-Clause
// nss_company PEOPLE DIR [CACHE]: one population in two forms, the same each time. DIR/passwd
// and DIR/group are text, for the floor and for peers; CACHE/accounts and CACHE/board are
// rollcall's, written by its own writers. Each person is in 10 groups of 200 members. From
// 10,000 people on there are heavy ones too: p[0] is in 500 groups more, p[1] in 10,000,
// and "most-people" has 50,000 members, or everybody.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cache_writer.h"

#define FIRST_GID (ROLLCALL_ID_DEFAULT_MIN + 1000)
#define FIRST_UID (ROLLCALL_ID_DEFAULT_MIN + 1000000)
#define PER_USER  10u
#define MEMBERS   200u
#define HEAVY     10000u // groups of one or two members, for those with many groups

static uint32_t people, ordinary, heavy, groups;
static const uint32_t stride[PER_USER] = {1,        7919,     104729,   15485863, 32452843,
                                          49979687, 67867967, 86028121, 7368787,  5015399};

static void name_of(uint32_t i, char *ret, size_t len)
{
    static const char *const first[] = {"anna",  "ben",  "carla", "dmitri", "eva",  "farid",
                                        "greta", "hugo", "ines",  "jan",    "kofi", "laura",
                                        "mei",   "nils", "olga",  "paul"};

    snprintf(ret, len, "%s.%c%u", first[i % 16], 'a' + (int)(i / 16 % 26), i);
}

static void gecos_of(uint32_t i, char *ret, size_t len)
{
    static const char *const last[] = {"Berg", "Costa", "Diaz",  "Eriksen",
                                       "Fall", "Gupta", "Hoang", "Ivanov"};

    snprintf(ret, len, "%s %u", last[i % 8], i);
}

// Group number of person i's membership j: each j deals everybody out to people/200 groups.
static uint32_t dealt(uint32_t i, uint32_t j)
{
    uint32_t each = people / MEMBERS;

    return j * each + (uint32_t)((uint64_t)i * stride[j] % people) % each;
}

static void group_name(uint32_t g, char *ret, size_t len)
{
    if (g < ordinary)
        snprintf(ret, len, "team-%u", g);
    else if (g < ordinary + heavy)
        snprintf(ret, len, "role-%u", g - ordinary);
    else
        snprintf(ret, len, "most-people");
}

static uint32_t *members; // ordinary groups' members, MEMBERS each
static uint32_t *filled;

static void deal(void)
{
    members = calloc((size_t)ordinary * MEMBERS + 1, sizeof(*members));
    filled = calloc(ordinary + 1, sizeof(*filled));
    if (!members || !filled)
        abort();
    for (uint32_t i = 0; i < people; i++)
        for (uint32_t j = 0; j < PER_USER; j++) {
            uint32_t g = dealt(i, j);
            if (filled[g] < MEMBERS)
                members[(size_t)g * MEMBERS + filled[g]++] = i;
        }
}

static uint32_t members_of(uint32_t g, uint32_t *ret)
{
    uint32_t n = 0;

    if (g < ordinary) {
        memcpy(ret, members + (size_t)g * MEMBERS, filled[g] * sizeof(*ret));
        return filled[g];
    }
    if (g < ordinary + heavy) {
        if (g - ordinary < 500)
            ret[n++] = 0;
        ret[n++] = 1;
        return n;
    }
    for (; n < 50000 && n < people; n++)
        ret[n] = n;
    return n;
}

static uint32_t gids_of(uint32_t i, gid_t *ret)
{
    uint32_t n = 0;

    for (uint32_t j = 0; j < PER_USER; j++)
        ret[n++] = FIRST_GID + dealt(i, j);
    for (uint32_t g = 0; g < heavy && (i == 1 || (i == 0 && g < 500)); g++)
        ret[n++] = FIRST_GID + ordinary + g;
    if (heavy && i < 50000)
        ret[n++] = FIRST_GID + ordinary + heavy;
    return n;
}

static void write_text(const char *dir)
{
    static uint32_t list[50000];
    char path[PATH_MAX], name[33], gecos[64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/passwd", dir);
    f = fopen(path, "we");
    if (!f)
        abort();
    for (uint32_t i = 0; i < people; i++) {
        name_of(i, name, sizeof(name));
        gecos_of(i, gecos, sizeof(gecos));
        fprintf(f, "%s:x:%u:%u:%s:/home/%s:/bin/bash\n", name, FIRST_UID + i, FIRST_UID + i, gecos,
                name);
    }
    fclose(f);
    snprintf(path, sizeof(path), "%s/group", dir);
    f = fopen(path, "we");
    if (!f)
        abort();
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t n = members_of(g, list);
        group_name(g, name, sizeof(name));
        fprintf(f, "%s:x:%u:", name, FIRST_GID + g);
        for (uint32_t i = 0; i < n; i++) {
            name_of(list[i], name, sizeof(name));
            fprintf(f, "%s%s", i ? "," : "", name);
        }
        fputc('\n', f);
    }
    fclose(f);
}

struct feeding {
    uint32_t account, group;
    char name[33], gecos[64], home[64], group_name[33];
    uint32_t groups[PER_USER + HEAVY + 1];
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

// Groups are fed in the order of their gids.
static uint32_t positions_of(uint32_t i, uint32_t *ret)
{
    uint32_t n = gids_of(i, ret);

    for (uint32_t k = 0; k < n; k++)
        ret[k] -= FIRST_GID;
    qsort(ret, n, sizeof(*ret), by_number);
    return n;
}

static int next_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct feeding *f = ctx;
    uint32_t i = f->account;

    if (i == people)
        return 0;
    name_of(i, f->name, sizeof(f->name));
    gecos_of(i, f->gecos, sizeof(f->gecos));
    snprintf(f->home, sizeof(f->home), "/home/%s", f->name);
    *ret = (struct rollcall_snapshot_account){.slot = i,
                                              .uid = FIRST_UID + i,
                                              .gid = FIRST_UID + i,
                                              .name = f->name,
                                              .gecos = f->gecos,
                                              .home = f->home,
                                              .shell = "/bin/bash",
                                              .groups = f->groups,
                                              .n_groups = positions_of(i, f->groups)};
    f->account++;
    return 1;
}

static int next_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    struct feeding *f = ctx;

    if (f->group == groups)
        return 0;
    group_name(f->group, f->group_name, sizeof(f->group_name));
    *ret = (struct rollcall_snapshot_group){.gid = FIRST_GID + f->group, .name = f->group_name};
    f->group++;
    return 1;
}

static int fill(void *ctx, struct rollcall_board_writer *w)
{
    (void)ctx;
    for (uint32_t i = 0; i < people; i++) {
        struct rollcall_word word = {.state = ROLLCALL_STATE_ACTIVE,
                                     .flags = ROLLCALL_FLAG_ALLOWED_HERE,
                                     .authority = ROLLCALL_AUTHORITY_NONE,
                                     .uid = FIRST_UID + i};
        int r = rollcall_board_store(w, i, &word);
        if (r < 0)
            return r;
    }
    return rollcall_board_set_generation(w, 1);
}

static int write_cache(const char *dir)
{
    static struct feeding feeding;
    struct rollcall_snapshot_feed feed = {.next_account = next_account,
                                          .next_group = next_group,
                                          .ctx = &feeding,
                                          .slots = people,
                                          .generation = 1,
                                          .ledger_id = "a bench's ledger",
                                          .id_min = ROLLCALL_ID_DEFAULT_MIN,
                                          .id_max = ROLLCALL_ID_DEFAULT_MAX};
    struct rollcall_board_writer *w = NULL;
    char path[PATH_MAX];
    int r;

    snprintf(path, sizeof(path), "%s/accounts", dir);
    r = rollcall_snapshot_write(path, &feed);
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "%s/board", dir);
    r = rollcall_board_create(path, people, feed.ledger_id, feed.id_min, feed.id_max, false, fill,
                              NULL, &w);
    if (r == 0)
        rollcall_board_writer_close(w);
    return r;
}

int main(int argc, char **argv)
{
    unsigned long n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    int r;

    // Primes above are odd and not 5: people of these sizes are dealt out evenly.
    if (n < 1000 || n > 2000000 || n % 1000) {
        fprintf(stderr,
                "usage: nss_company PEOPLE DIR [CACHE]; people: thousands, 2000000 at most\n");
        return 2;
    }
    people = (uint32_t)n;
    ordinary = people / MEMBERS * PER_USER;
    heavy = people >= 10000 ? HEAVY : 0;
    groups = ordinary + heavy + (heavy ? 1 : 0);
    deal();
    write_text(argv[2]);
    r = argc > 3 ? write_cache(argv[3]) : 0;
    if (r < 0)
        fprintf(stderr, "nss_company: %s: %s\n", argv[3], strerror(-r));
    return r < 0;
}
