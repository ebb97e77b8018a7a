// SPDX-License-Identifier: BSD-2-Clause
// Reading the company's files.
#include "tests/bench/lookups_company.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_or_end(const char *path)
{
    FILE *f = fopen(path, "re");

    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

static void key_set(struct key *k, const char *name, uint32_t id)
{
    size_t len = strlen(name);

    if (len >= sizeof(k->name)) {
        fprintf(stderr, "lookups: a name is too long: %s\n", name);
        exit(1);
    }
    *k = (struct key){.id = id};
    memcpy(k->name, name, len);
}

static struct key *key_add(struct key **keys, uint32_t *n)
{
    if ((*n & (*n + 1)) == 0) {
        *keys = realloc(*keys, sizeof(**keys) * 2 * ((size_t)*n + 1));
        if (!*keys)
            abort();
    }
    return &(*keys)[(*n)++];
}

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static void shuffle(struct key *keys, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = random_below(i);
        struct key t = keys[i - 1];
        keys[i - 1] = keys[k];
        keys[k] = t;
    }
}

static void load_people(struct company *c)
{
    FILE *f = open_or_end(c->passwd);
    const struct passwd *pw;

    // cppcheck-suppress fgetpwentCalled ; one thread reads
    for (; (pw = fgetpwent(f)); c->all++)
        key_set(c->all < 2 ? &c->heavy[c->all] : key_add(&c->people, &c->n_people), pw->pw_name,
                pw->pw_uid);
    fclose(f);
}

static void load_groups(struct company *c)
{
    FILE *f = open_or_end(c->group);
    const struct group *gr;

    // cppcheck-suppress fgetgrentCalled ; one thread reads
    while ((gr = fgetgrent(f))) {
        uint32_t n = 0;
        for (; gr->gr_mem[n]; n++)
            for (int i = 0; i < 2; i++)
                c->heavy_groups[i] += strcmp(gr->gr_mem[n], c->heavy[i].name) == 0;
        if (n == LOOKUPS_TEAM)
            key_set(key_add(&c->teams, &c->n_teams), gr->gr_name, gr->gr_gid);
        if (n > LOOKUPS_TEAM && n > c->crowd_members) {
            key_set(&c->crowd, gr->gr_name, gr->gr_gid);
            c->crowd_members = n;
        }
    }
    fclose(f);
}

void company_load(struct company *c, const char *passwd, const char *group)
{
    *c = (struct company){.passwd = passwd, .group = group};
    load_people(c);
    load_groups(c);
    if (c->n_people == 0 || c->n_teams == 0) {
        fprintf(stderr, "lookups: %s or %s is empty\n", passwd, group);
        exit(1);
    }
    shuffle(c->people, c->n_people);
    shuffle(c->teams, c->n_teams);
}
