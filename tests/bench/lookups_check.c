// SPDX-License-Identifier: BSD-2-Clause
// Is what a service answers what the files say?
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/lookups_company.h"

#define WATCHED 64u // people whose group lists are compared

struct check {
    const struct company *c;
    uint32_t right;
    char *wrong;
    size_t len;
    char *buf;
    size_t buf_len;
    struct watched {
        char name[36];
        gid_t gid;
        uint32_t n, room;
        gid_t *gids;
    } watched[WATCHED];
    uint32_t n_watched;
};

__attribute__((format(printf, 3, 4))) static void note(struct check *k, bool right,
                                                       const char *format, ...)
{
    va_list ap;

    if (right) {
        k->right++;
        return;
    }
    if (k->wrong[0])
        return; // the first is enough
    va_start(ap, format);
    vsnprintf(k->wrong, k->len, format, ap);
    va_end(ap);
}

// The password field is not compared: services differ in what stands for "not here".
static bool same_person(const struct passwd *a, const struct passwd *b)
{
    return a && strcmp(a->pw_name, b->pw_name) == 0 && a->pw_uid == b->pw_uid &&
           a->pw_gid == b->pw_gid && strcmp(a->pw_gecos, b->pw_gecos) == 0 &&
           strcmp(a->pw_dir, b->pw_dir) == 0 && strcmp(a->pw_shell, b->pw_shell) == 0;
}

static void check_person(struct check *k, const struct passwd *want)
{
    struct passwd pw, *found = NULL;

    (void)getpwnam_r(want->pw_name, &pw, k->buf, k->buf_len, &found);
    note(k, same_person(found, want), "getpwnam %s", want->pw_name);
    found = NULL;
    (void)getpwuid_r(want->pw_uid, &pw, k->buf, k->buf_len, &found);
    note(k, same_person(found, want), "getpwuid %u", want->pw_uid);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same_group(struct group *a, struct group *b)
{
    size_t n = 0, m = 0;

    if (!a || strcmp(a->gr_name, b->gr_name) != 0 || a->gr_gid != b->gr_gid)
        return false;
    while (a->gr_mem[n])
        n++;
    while (b->gr_mem[m])
        m++;
    if (n != m)
        return false;
    qsort(a->gr_mem, n, sizeof(char *), by_name); // an order is nobody's promise
    qsort(b->gr_mem, m, sizeof(char *), by_name);
    while (n > 0 && strcmp(a->gr_mem[n - 1], b->gr_mem[n - 1]) == 0)
        n--;
    return n == 0;
}

static void check_group(struct check *k, struct group *want)
{
    struct group gr, *found = NULL;

    (void)getgrgid_r(want->gr_gid, &gr, k->buf, k->buf_len, &found);
    note(k, same_group(found, want), "getgrgid %u", want->gr_gid);
    found = NULL;
    (void)getgrnam_r(want->gr_name, &gr, k->buf, k->buf_len, &found);
    note(k, same_group(found, want), "getgrnam %s", want->gr_name);
}

static void watch(struct check *k, const struct passwd *pw)
{
    struct watched *w = &k->watched[k->n_watched++];

    snprintf(w->name, sizeof(w->name), "%s", pw->pw_name);
    w->gid = pw->pw_gid;
}

static void see_members(struct check *k, const struct group *gr)
{
    for (size_t i = 0; gr->gr_mem[i]; i++)
        for (uint32_t j = 0; j < k->n_watched; j++) {
            struct watched *w = &k->watched[j];
            if (strcmp(gr->gr_mem[i], w->name) != 0)
                continue;
            if (w->n == w->room) {
                w->room = w->room ? w->room * 2 : 16;
                w->gids = realloc(w->gids, w->room * sizeof(*w->gids));
                if (!w->gids)
                    abort();
            }
            w->gids[w->n++] = gr->gr_gid;
        }
}

static bool among(const gid_t *gids, int n, gid_t gid)
{
    for (int i = 0; i < n; i++)
        if (gids[i] == gid)
            return true;
    return false;
}

static void check_groups_of(struct check *k, const struct watched *w)
{
    int n = 64;
    gid_t gids[64];
    bool right = getgrouplist(w->name, w->gid, gids, &n) >= 0 && n == (int)w->n + 1 + k->c->extra &&
                 among(gids, n, w->gid);

    for (uint32_t i = 0; right && i < w->n; i++)
        right = among(gids, n, w->gids[i]);
    note(k, right, "getgrouplist %s: %d groups", w->name, n);
}

static void check_people(struct check *k, uint32_t each)
{
    FILE *f = fopen(k->c->passwd, "re");
    const struct passwd *pw;

    // cppcheck-suppress fgetpwentCalled ; one thread reads
    for (uint32_t i = 0; f && (pw = fgetpwent(f)); i++) {
        if (i % each != each / 2)
            continue;
        check_person(k, pw);
        if (k->n_watched < WATCHED && i >= 2) // the first two have many groups
            watch(k, pw);
    }
    if (f)
        fclose(f);
}

static void check_all_groups(struct check *k, uint32_t each)
{
    FILE *f = fopen(k->c->group, "re");
    struct group *gr;

    // cppcheck-suppress fgetgrentCalled ; one thread reads
    for (uint32_t i = 0; f && (gr = fgetgrent(f)); i++) {
        see_members(k, gr);
        if (i % each == each / 2)
            check_group(k, gr);
    }
    if (f)
        fclose(f);
}

uint32_t company_check(const struct company *c, uint32_t n, char *ret_wrong, size_t len)
{
    struct check k = {.c = c, .wrong = ret_wrong, .len = len, .buf_len = 4u << 20};
    uint32_t people = c->all / n, groups = c->n_teams / n;

    k.buf = malloc(k.buf_len);
    if (!k.buf)
        abort();
    ret_wrong[0] = 0;
    check_people(&k, people ? people : 1);
    check_all_groups(&k, groups ? groups : 1);
    for (uint32_t i = 0; i < k.n_watched && i < n; i++) {
        check_groups_of(&k, &k.watched[i]);
        free(k.watched[i].gids);
    }
    free(k.buf);
    return k.right;
}
