// SPDX-License-Identifier: BSD-2-Clause
// lookups_worker PASSWD GROUP SERVICE [extra]: times lookups of one NSS service, or with
// "-" of what nsswitch.conf names, through glibc's public calls. Every timed answer is
// compared. It lives as long as its standard input; a line is a command, and gets a line:
//
//   fill CELL KEYS SECONDS                          each key once
//   time CELL KEYS THREADS WARM_MS MEASURE_MS START the median batch's ns for a lookup; START
//                                                   is a CLOCK_MONOTONIC in ns, 0 is now
//   check N                                         everything about N people and groups
//
// Answers: "ok ..." with figures, "none" where the company has nobody for that cell, or
// "wrong ..." where a service answered otherwise than the files. KEYS 0 means all.
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/lookups_company.h"

int __nss_configure_lookup(const char *database, const char *services);

enum cell {
    PWNAM,
    PWUID,
    NO_NAME,
    NO_UID,
    GRNAM,
    GRGID,
    NO_GID,
    GROUPLIST,
    MANY,
    MOST,
    CROWD,
    PWENT,
    CELLS
};
static const char *const cell_names[CELLS] = {
    "getpwnam",    "getpwuid",     "unknown-name",  "unknown-uid",     "getgrnam", "getgrgid",
    "unknown-gid", "getgrouplist", "grouplist-500", "grouplist-10000", "crowd",    "getpwent"};

#define MAX_THREADS 2
#define MAX_BATCHES 64
#define BATCH_NS    2e6 // shorter than a scheduler's slice: most batches meet nobody
// One module does not look at groups with less than a MiB.
#define ROOM (4u << 20) // libnss-cache wants a MiB before it looks for a gid

static struct company company;

struct run {
    enum cell cell;
    uint32_t keys;
    unsigned threads, batches;
    uint32_t batch;
    double warm_ns, measure_ns;
    long long start;
    double ns[MAX_THREADS][MAX_BATCHES];
    _Atomic unsigned arrived;
    _Atomic unsigned long wrong;
};

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool groups_of(const struct key *k, uint32_t groups)
{
    static __thread gid_t gids[16384];
    int n = groups ? 16384 : 64;

    // The primary group and ten, or a crowd's too.
    if (getgrouplist(k->name, k->id, gids, &n) < 0)
        return false;
    return groups ? n == (int)(groups + 1 + company.extra) : n >= 11;
}

static bool person(const struct key *k, bool by_name, char *buf)
{
    struct passwd pw, *found = NULL;
    int r = by_name ? getpwnam_r(k->name, &pw, buf, ROOM, &found)
                    : getpwuid_r(k->id, &pw, buf, ROOM, &found);

    return r == 0 && found && found->pw_uid == k->id;
}

static bool nobody(const struct key *k, enum cell cell, char *buf)
{
    struct passwd pw, *found = NULL;
    struct group gr, *found_group = NULL;
    struct key no;

    int r;

    // Services differ in the error beside NULL; only a buffer that is too small is no answer.
    if (cell == NO_NAME) {
        memcpy(&no, k, sizeof(no));
        no.name[0] = 'x'; // no first name begins so
        r = getpwnam_r(no.name, &pw, buf, ROOM, &found);
    } else if (cell == NO_UID) {
        r = getpwuid_r(k->id + 100000000, &pw, buf, ROOM, &found);
    } else {
        r = getgrgid_r(k->id + 100000000, &gr, buf, ROOM, &found_group);
    }
    return !found && !found_group && r != ERANGE;
}

static bool team(const struct key *k, bool by_name, uint32_t members, char *buf)
{
    struct group gr, *found = NULL;
    int r = by_name ? getgrnam_r(k->name, &gr, buf, ROOM, &found)
                    : getgrgid_r(k->id, &gr, buf, ROOM, &found);

    return r == 0 && found && found->gr_gid == k->id && found->gr_mem[members - 1] &&
           !found->gr_mem[members];
}

static bool ask(enum cell cell, uint32_t i, char *buf)
{
    const struct company *c = &company;
    const struct key *p = &c->people[i % c->n_people], *t = &c->teams[i % c->n_teams];

    switch (cell) {
    case PWNAM:
    case PWUID:
        return person(p, cell == PWNAM, buf);
    case NO_NAME:
    case NO_UID:
    case NO_GID:
        return nobody(p, cell, buf);
    case GRNAM:
    case GRGID:
        return team(t, cell == GRNAM, LOOKUPS_TEAM, buf);
    case GROUPLIST:
        return groups_of(p, 0);
    case MANY:
    case MOST:
        return groups_of(&c->heavy[cell == MOST], c->heavy_groups[cell == MOST]);
    case CROWD:
        return team(&c->crowd, false, c->crowd_members, buf);
    default:
        return false;
    }
}

// How many different keys a cell has; 0: nobody there.
static uint32_t keys_of(enum cell cell)
{
    const struct company *c = &company;

    if (cell == GRNAM || cell == GRGID)
        return c->n_teams;
    if (cell == CROWD)
        return c->crowd_members > 0;
    if (cell == MANY || cell == MOST) // both are in ten like all others
        return c->heavy_groups[cell == MOST] > 100;
    return c->n_people;
}

// ---- timing ----

static void meet(struct run *r, unsigned *turn)
{
    unsigned spins = 0;

    *turn += r->threads;
    atomic_fetch_add(&r->arrived, 1);
    while (atomic_load(&r->arrived) < *turn)
        if (++spins % 100000 == 0)
            sched_yield();
}

static double ask_batch(struct run *r, uint32_t *at, uint32_t n, char *buf)
{
    unsigned long wrong = 0;
    double t = now_ns();

    for (uint32_t i = 0; i < n; i++) {
        wrong += !ask(r->cell, *at, buf);
        *at = *at + 1 == r->keys ? 0 : *at + 1;
    }
    if (wrong)
        atomic_fetch_add(&r->wrong, wrong);
    return (now_ns() - t) / n;
}

// What the service before pushed out of the processor's caches comes back; and how long
// a lookup takes is learned.
static double warm(struct run *r, uint32_t *at, char *buf)
{
    double began = now_ns(), ns = 0;
    uint32_t n = 1;

    do {
        ns = ask_batch(r, at, n, buf);
        if (n < 4096)
            n *= 2;
    } while (now_ns() - began + ns * n < r->warm_ns);
    return ns;
}

static void plan(struct run *r, double ns)
{
    double batch = BATCH_NS / ns, batches;

    r->batch = batch < 1 ? 1 : batch > 1e6 ? 1000000 : (uint32_t)batch;
    batches = r->measure_ns / (ns * r->batch);
    r->batches = batches > MAX_BATCHES ? MAX_BATCHES : (unsigned)batches;
    if (r->batches < 3)
        r->batches = ns > 2e8 ? 1 : 3;
}

static void work(struct run *r, unsigned thread)
{
    uint32_t at = (uint32_t)((uint64_t)r->keys * thread / r->threads);
    unsigned turn = 0;
    char *buf = malloc(ROOM);
    double ns;

    if (!buf)
        abort();
    ns = warm(r, &at, buf);
    if (thread == 0)
        plan(r, ns);
    while (r->start && now_ns() < (double)r->start)
        ;
    meet(r, &turn);
    for (unsigned b = 0; b < r->batches; b++) {
        meet(r, &turn);
        r->ns[thread][b] = ask_batch(r, &at, r->batch, buf);
    }
    free(buf);
}

static void *second_thread(void *run)
{
    work(run, 1);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof(*v), compare);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void time_cell(struct run *r)
{
    pthread_t second;

    if (r->threads == 2 && pthread_create(&second, NULL, second_thread, r) != 0)
        abort();
    work(r, 0);
    if (r->threads == 2) {
        pthread_join(second, NULL);
        for (unsigned b = 0; b < r->batches; b++)
            r->ns[0][b] = (r->ns[0][b] + r->ns[1][b]) / 2;
    }
    if (r->wrong)
        printf("wrong %s: %lu answers\n", cell_names[r->cell], r->wrong);
    else
        printf("ok %.2f %u %u\n", median(r->ns[0], r->batches), r->batches, r->batch);
}

// Enumeration: ns for an entry. What takes long is left before its end, and then the
// number of entries is not compared.
static void time_enumeration(const struct run *r)
{
    struct passwd pw, *found;
    static char buf[65536];
    double passes[MAX_BATCHES], began = now_ns();
    unsigned n = 0;
    uint32_t entries = 0;
    bool ended = false;

    while (n < MAX_BATCHES && (n == 0 || now_ns() - began < r->measure_ns)) {
        double t = now_ns();
        setpwent();
        for (entries = 0; !(ended = getpwent_r(&pw, buf, sizeof(buf), &found) != 0); entries++)
            if (entries % 256 == 255 && now_ns() - t > 40 * r->measure_ns)
                break;
        endpwent();
        if (entries == 0 || (ended && entries < company.all)) {
            printf("wrong getpwent: %u of %u\n", entries, company.all);
            return;
        }
        passes[n++] = (now_ns() - t) / entries;
    }
    printf("ok %.2f %u %u\n", median(passes, n), n, entries);
}

static void fill(struct run *r, double seconds)
{
    char *buf = malloc(ROOM);
    double began = now_ns();
    unsigned long wrong = 0;
    uint32_t n = 0;

    if (!buf)
        abort();
    for (; n < r->keys && now_ns() - began < seconds * 1e9; n++)
        wrong += !ask(r->cell, n, buf);
    free(buf);
    if (wrong)
        printf("wrong %s: %lu of %u answers\n", cell_names[r->cell], wrong, n);
    else
        printf("ok %.0f %u\n", (now_ns() - began) / n, n);
}

// ---- commands ----

// False where the company has nobody for the cell, or the cell's name is none.
static bool find_cell(struct run *r, const char *name, unsigned long keys)
{
    for (r->cell = 0; r->cell < CELLS && strcmp(cell_names[r->cell], name) != 0;)
        r->cell++;
    r->keys = r->cell < CELLS ? keys_of(r->cell) : 0;
    if (keys && keys < r->keys)
        r->keys = (uint32_t)keys;
    return r->keys > 0;
}

static void check(unsigned long n)
{
    char wrong[256];
    uint32_t right = company_check(&company, n ? (uint32_t)n : 1, wrong, sizeof(wrong));

    if (wrong[0])
        printf("wrong %s\n", wrong);
    else
        printf("ok %u\n", right);
}

static void obey(const char *line)
{
    struct run r = {.threads = 1};
    unsigned long keys = 0;
    double warm_ms, measure_ms, seconds;
    char name[32];

    if (sscanf(line, "check %lu", &keys) == 1) {
        check(keys);
    } else if (sscanf(line, "fill %31s %lu %lf", name, &keys, &seconds) == 3) {
        if (find_cell(&r, name, keys))
            fill(&r, seconds);
        else
            puts("none");
    } else if (sscanf(line, "time %31s %lu %u %lf %lf %lld", name, &keys, &r.threads, &warm_ms,
                      &measure_ms, &r.start) == 6 &&
               r.threads >= 1 && r.threads <= MAX_THREADS) {
        r.warm_ns = warm_ms * 1e6;
        r.measure_ns = measure_ms * 1e6;
        if (!find_cell(&r, name, keys))
            puts("none");
        else if (r.cell == PWENT)
            time_enumeration(&r);
        else
            time_cell(&r);
    } else {
        printf("wrong command: %s", line);
    }
}

int main(int argc, char **argv)
{
    char line[256];

    if (argc < 4) {
        fprintf(stderr, "usage: lookups_worker PASSWD GROUP SERVICE [extra]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    company_load(&company, argv[1], argv[2]);
    company.extra = argc > 4;
    if (strcmp(argv[3], "-") != 0 &&
        (__nss_configure_lookup("passwd", argv[3]) || __nss_configure_lookup("group", argv[3]) ||
         __nss_configure_lookup("initgroups", argv[3])))
        return 1;
    printf("ok %u %u\n", company.all, company.n_teams);
    while (fgets(line, sizeof(line), stdin))
        obey(line);
    return 0;
}
