// SPDX-License-Identifier: BSD-2-Clause
// libnss_floor.so.2: what a lookup costs at least. A hash table in the process, filled once
// from the text files named in FLOOR_PASSWD and FLOOR_GROUP; answers are copied to the
// caller. No locks, no checks, nothing that can change: not a service, a yardstick.
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT enum nss_status _nss_floor_getpwnam_r(const char *, struct passwd *, char *, size_t, int *);
EXPORT enum nss_status _nss_floor_getpwuid_r(uid_t, struct passwd *, char *, size_t, int *);
EXPORT enum nss_status _nss_floor_getgrgid_r(gid_t, struct group *, char *, size_t, int *);
EXPORT enum nss_status _nss_floor_getgrnam_r(const char *, struct group *, char *, size_t, int *);
EXPORT enum nss_status _nss_floor_setpwent(int);
EXPORT enum nss_status _nss_floor_endpwent(void);
EXPORT enum nss_status _nss_floor_getpwent_r(struct passwd *, char *, size_t, int *);
EXPORT enum nss_status _nss_floor_initgroups_dyn(const char *, gid_t, long *, long *, gid_t **,
                                                 long, int *);

// The five strings, each with its NUL, in one block: one copy answers.
struct person {
    uint32_t uid, gid, size, n_gids;
    uint16_t len, at[5]; // where each string begins
    gid_t *gids;
    char text[];
};

struct company_group {
    uint32_t gid, n;
    uint32_t *at; // where each member begins
    size_t len;
    char *text; // name, "x", members, each with its NUL
};

// Two dependent reads for an answer, the slot and the person.
struct slot {
    uint32_t hash, ref; // 0: empty; else where it stands, in units of 8 bytes
};
struct table {
    struct slot *slots;
    uint32_t mask;
};

static char *people; // one behind the other; the first unit is nobody's
static size_t people_len = 8, people_room;
static struct company_group *groups;
static uint32_t n_people, n_groups;
static struct table by_name, by_uid, by_gid, by_group;
static size_t position = 8; // of the one enumeration
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t hash_name(const char *s)
{
    uint32_t h = 2166136261u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t hash_id(uint32_t id)
{
    return (uint32_t)((id * 0x9e3779b97f4a7c15ull) >> 32);
}

static void make(struct table *t, uint32_t n)
{
    uint32_t size = 16;

    while (size < n * 2)
        size *= 2;
    t->slots = calloc(size, sizeof(*t->slots));
    if (!t->slots)
        abort();
    t->mask = size - 1;
}

static void put(struct table *t, uint32_t hash, uint32_t ref)
{
    uint32_t i = hash & t->mask;

    while (t->slots[i].ref)
        i = (i + 1) & t->mask;
    t->slots[i] = (struct slot){hash, ref};
}

static struct person *person_at(uint32_t ref)
{
    return (struct person *)(void *)(people + (size_t)ref * 8);
}

static struct person *person_named(const char *name)
{
    uint32_t hash = hash_name(name);

    for (uint32_t i = hash & by_name.mask; by_name.slots[i].ref; i = (i + 1) & by_name.mask) {
        struct person *p;
        if (by_name.slots[i].hash != hash)
            continue;
        p = person_at(by_name.slots[i].ref);
        if (strcmp(p->text, name) == 0)
            return p;
    }
    return NULL;
}

static void add_person(const struct passwd *pw)
{
    const char *s[5] = {pw->pw_name, pw->pw_passwd, pw->pw_gecos, pw->pw_dir, pw->pw_shell};
    struct person *p;
    size_t size = sizeof(*p);

    for (int i = 0; i < 5; i++)
        size += strlen(s[i]) + 1;
    size = (size + 7) & ~(size_t)7;
    if (people_len + size > people_room) {
        people_room = people_room * 2 + 65536;
        people = realloc(people, people_room);
        if (!people)
            abort();
    }
    p = (struct person *)(void *)(people + people_len);
    *p = (struct person){.uid = pw->pw_uid, .gid = pw->pw_gid, .size = (uint32_t)size};
    for (int i = 0; i < 5; i++) {
        p->at[i] = p->len;
        memcpy(p->text + p->len, s[i], strlen(s[i]) + 1);
        p->len = (uint16_t)(p->len + strlen(s[i]) + 1);
    }
    people_len += size;
    n_people++;
}

static void add_member(struct person *p, gid_t gid)
{
    if ((p->n_gids & (p->n_gids - 1)) == 0) {
        p->gids = realloc(p->gids, sizeof(*p->gids) * (p->n_gids ? 2 * (size_t)p->n_gids : 1));
        if (!p->gids)
            abort();
    }
    p->gids[p->n_gids++] = gid;
}

static void add_group(const struct group *gr)
{
    struct company_group g = {.gid = gr->gr_gid, .len = strlen(gr->gr_name) + 3};
    size_t at = g.len;

    while (gr->gr_mem[g.n])
        g.len += strlen(gr->gr_mem[g.n++]) + 1;
    g.text = malloc(g.len);
    g.at = malloc(sizeof(*g.at) * (g.n + 1));
    if (!g.text || !g.at)
        abort();
    if ((n_groups & (n_groups + 1)) == 0) {
        groups = realloc(groups, sizeof(*groups) * 2 * ((size_t)n_groups + 1));
        if (!groups)
            abort();
    }
    memcpy(g.text, gr->gr_name, at - 3);
    memcpy(g.text + at - 3, "\0x", 3);
    for (uint32_t i = 0; i < g.n; i++) {
        struct person *p = person_named(gr->gr_mem[i]);
        size_t len = strlen(gr->gr_mem[i]) + 1;
        g.at[i] = (uint32_t)at;
        memcpy(g.text + at, gr->gr_mem[i], len);
        at += len;
        if (p)
            add_member(p, gr->gr_gid);
    }
    groups[n_groups++] = g;
}

static void load(void)
{
    const char *passwd = getenv("FLOOR_PASSWD"), *group = getenv("FLOOR_GROUP");
    FILE *f = fopen(passwd ? passwd : "/etc/passwd", "re");
    struct passwd *pw;
    struct group *gr;

    // cppcheck-suppress fgetpwentCalled ; one thread reads
    while (f && (pw = fgetpwent(f)))
        add_person(pw);
    if (f)
        fclose(f);
    make(&by_name, n_people);
    make(&by_uid, n_people);
    for (size_t at = 8; at < people_len; at += person_at((uint32_t)(at / 8))->size) {
        const struct person *p = person_at((uint32_t)(at / 8));
        put(&by_name, hash_name(p->text), (uint32_t)(at / 8));
        put(&by_uid, hash_id(p->uid), (uint32_t)(at / 8));
    }
    f = fopen(group ? group : "/etc/group", "re");
    // cppcheck-suppress fgetgrentCalled ; one thread reads
    while (f && (gr = fgetgrent(f)))
        add_group(gr);
    if (f)
        fclose(f);
    make(&by_gid, n_groups);
    make(&by_group, n_groups);
    for (uint32_t i = 0; i < n_groups; i++) {
        put(&by_gid, hash_id(groups[i].gid), i + 1);
        put(&by_group, hash_name(groups[i].text), i + 1);
    }
}

static enum nss_status give(const struct person *p, struct passwd *pw, char *buf, size_t len,
                            int *errnop)
{
    if (!p) {
        *errnop = ENOENT;
        return NSS_STATUS_NOTFOUND;
    }
    if (len < p->len) {
        *errnop = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    memcpy(buf, p->text, p->len);
    *pw = (struct passwd){.pw_name = buf,
                          .pw_passwd = buf + p->at[1],
                          .pw_uid = p->uid,
                          .pw_gid = p->gid,
                          .pw_gecos = buf + p->at[2],
                          .pw_dir = buf + p->at[3],
                          .pw_shell = buf + p->at[4]};
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len,
                                      int *errnop)
{
    pthread_once(&once, load);
    return give(person_named(name), pw, buf, len, errnop);
}

enum nss_status _nss_floor_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len,
                                      int *errnop)
{
    uint32_t hash = hash_id(uid);

    pthread_once(&once, load);
    for (uint32_t i = hash & by_uid.mask; by_uid.slots[i].ref; i = (i + 1) & by_uid.mask) {
        const struct person *p;
        if (by_uid.slots[i].hash != hash)
            continue;
        p = person_at(by_uid.slots[i].ref);
        if (p->uid == uid)
            return give(p, pw, buf, len, errnop);
    }
    return give(NULL, pw, buf, len, errnop);
}

static enum nss_status give_group(const struct company_group *g, struct group *gr, char *buf,
                                  size_t len, int *errnop)
{
    size_t skip = -(uintptr_t)buf % sizeof(char *);
    char **list, *text;

    if (!g) {
        *errnop = ENOENT;
        return NSS_STATUS_NOTFOUND;
    }
    if (len < skip + (g->n + 1) * sizeof(char *) + g->len) {
        *errnop = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    list = (char **)(void *)(buf + skip);
    text = memcpy(list + g->n + 1, g->text, g->len);
    for (uint32_t k = 0; k < g->n; k++)
        list[k] = text + g->at[k];
    list[g->n] = NULL;
    *gr = (struct group){text, strchr(text, 0) + 1, g->gid, list};
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t len,
                                      int *errnop)
{
    uint32_t hash = hash_id(gid);

    pthread_once(&once, load);
    for (uint32_t i = hash & by_gid.mask; by_gid.slots[i].ref; i = (i + 1) & by_gid.mask) {
        const struct company_group *g = &groups[by_gid.slots[i].ref - 1];
        if (g->gid == gid)
            return give_group(g, gr, buf, len, errnop);
    }
    return give_group(NULL, gr, buf, len, errnop);
}

enum nss_status _nss_floor_getgrnam_r(const char *name, struct group *gr, char *buf, size_t len,
                                      int *errnop)
{
    uint32_t hash = hash_name(name);

    pthread_once(&once, load);
    for (uint32_t i = hash & by_group.mask; by_group.slots[i].ref; i = (i + 1) & by_group.mask) {
        const struct company_group *g = &groups[by_group.slots[i].ref - 1];
        if (by_group.slots[i].hash == hash && strcmp(g->text, name) == 0)
            return give_group(g, gr, buf, len, errnop);
    }
    return give_group(NULL, gr, buf, len, errnop);
}

enum nss_status _nss_floor_setpwent(int stayopen)
{
    (void)stayopen;
    position = 8;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_endpwent(void)
{
    position = 8;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getpwent_r(struct passwd *pw, char *buf, size_t len, int *errnop)
{
    const struct person *p;
    enum nss_status status;

    pthread_once(&once, load);
    if (position >= people_len) {
        *errnop = ENOENT;
        return NSS_STATUS_NOTFOUND;
    }
    p = person_at((uint32_t)(position / 8));
    status = give(p, pw, buf, len, errnop);
    if (status == NSS_STATUS_SUCCESS)
        position += p->size;
    return status;
}

enum nss_status _nss_floor_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
                                          gid_t **groupsp, long limit, int *errnop)
{
    const struct person *p;

    pthread_once(&once, load);
    p = person_named(user);
    if (!p) {
        *errnop = ENOENT;
        return NSS_STATUS_NOTFOUND;
    }
    for (uint32_t i = 0; i < p->n_gids && (limit <= 0 || *start < limit); i++) {
        if (p->gids[i] == group)
            continue;
        if (*start == *size) {
            gid_t *more = realloc(*groupsp, 2 * (size_t)*size * sizeof(*more));
            if (!more)
                return NSS_STATUS_TRYAGAIN;
            *groupsp = more;
            *size *= 2;
        }
        (*groupsp)[(*start)++] = p->gids[i];
    }
    return NSS_STATUS_SUCCESS;
}
