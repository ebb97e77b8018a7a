// SPDX-License-Identifier: BSD-2-Clause
// nss_lookups --passwd FILE --group FILE [options] SERVICE...: times lookups through
// glibc's public calls. In each round every service gets one batch of every kind, so that
// what disturbs the machine disturbs all. Every answer is compared. Prints JSON: medians
// over the rounds, and the median of each round's ratio to the first service; by the wall
// clock, and by the threads' own processor time, which a busy machine disturbs less but
// which does not show what a service waits for.
//
//   --ops LIST       of getpwnam getpwuid unknown-name unknown-uid getgrgid getgrnam
//                    getgrouplist; all of them without it
//   --threads N      threads of one process, or
//   --processes N    processes, that look up at once (1)
//   --rounds N       (9), --batch N lookups of a thread in a round (100000)
//   --nsswitch       through /etc/nsswitch.conf: one SERVICE, named for the table alone
//
// An operation that a service does not have, or answers wrongly, prints null.
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int __nss_configure_lookup(const char *database, const char *services);

enum op { PWNAM, PWUID, NO_NAME, NO_UID, GRGID, GRNAM, GROUPLIST, OPS };
static const char *const op_names[OPS] = {"getpwnam", "getpwuid", "unknown-name", "unknown-uid",
                                          "getgrgid", "getgrnam", "getgrouplist"};

#define MAX_ROUNDS   99
#define MAX_SERVICES 8
#define MAX_WORKERS  16

struct key {
    char name[36];
    uint32_t id;
    uint32_t members;
};

static struct key *people, *teams;
static uint32_t n_people, n_teams;
static unsigned workers = 1, rounds = 9, batch = 100000;
static bool by_process, via_nsswitch;

// Shared by processes: who is ready, who may go, what each took.
struct meeting {
    pthread_barrier_t start, end;
    double ns[MAX_WORKERS], cpu[MAX_WORKERS];
    uint64_t wrong[MAX_WORKERS];
};
static struct meeting *meeting;

static void *must(void *p)
{
    if (!p) {
        perror("nss_lookups");
        exit(1);
    }
    return p;
}

static uint64_t random_state = 88172645463325252ull;
static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

// In random order, each once, so that a walk over the array jumps all over the service.
static void shuffle(struct key *keys, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = random_below(i);
        struct key t = keys[i - 1];
        keys[i - 1] = keys[k];
        keys[k] = t;
    }
}

static struct key *add(struct key **keys, uint32_t *n, const char *name, uint32_t id)
{
    struct key *k;

    if ((*n & (*n + 1)) == 0)
        *keys = must(realloc(*keys, sizeof(**keys) * 2 * ((size_t)*n + 1)));
    k = &(*keys)[(*n)++];
    *k = (struct key){.id = id};
    if (strlen(name) >= sizeof(k->name))
        exit(1);
    memcpy(k->name, name, strlen(name) + 1);
    return k;
}

static void load(const char *passwd, const char *group)
{
    FILE *f = must(fopen(passwd, "re"));
    struct passwd *pw;
    struct group *gr;

    // cppcheck-suppress fgetpwentCalled ; one thread reads
    while ((pw = fgetpwent(f)))
        add(&people, &n_people, pw->pw_name, pw->pw_uid);
    fclose(f);
    f = must(fopen(group, "re"));
    // cppcheck-suppress fgetgrentCalled ; one thread reads
    while ((gr = fgetgrent(f))) {
        uint32_t n = 0;
        while (gr->gr_mem[n])
            n++;
        if (n == 200) // the heavy ones are timed by themselves
            add(&teams, &n_teams, gr->gr_name, gr->gr_gid)->members = n;
    }
    fclose(f);
    shuffle(people, n_people);
    shuffle(teams, n_teams);
}

static bool one(enum op op, uint32_t i, char *buf, size_t len)
{
    const struct key *p = &people[i % n_people], *t = &teams[i % n_teams];
    struct passwd pw, *found;
    struct group gr, *found_group;
    char name[40];
    gid_t gids[64];
    int n = 64;

    switch (op) {
    case PWNAM:
        return getpwnam_r(p->name, &pw, buf, len, &found) == 0 && found && found->pw_uid == p->id;
    case PWUID:
        return getpwuid_r(p->id, &pw, buf, len, &found) == 0 && found && found->pw_uid == p->id;
    case NO_NAME:
        memcpy(name, p->name, sizeof(p->name));
        name[0] = 'Z';
        return getpwnam_r(name, &pw, buf, len, &found) == 0 && !found;
    case NO_UID: // of the same range, nobody's
        return getpwuid_r(p->id + 100000000, &pw, buf, len, &found) == 0 && !found;
    case GRGID:
        return getgrgid_r(t->id, &gr, buf, len, &found_group) == 0 && found_group &&
               found_group->gr_mem[t->members - 1] && !found_group->gr_mem[t->members];
    case GRNAM:
        return getgrnam_r(t->name, &gr, buf, len, &found_group) == 0 && found_group &&
               found_group->gr_gid == t->id;
    case GROUPLIST:
        // The primary group and ten; somebody with more does not fit, and is right too.
        return getgrouplist(p->name, p->id, gids, &n) >= 11 || n > 64;
    default:
        return false;
    }
}

static double now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void work(enum op op, unsigned worker, uint32_t from)
{
    static __thread char buf[65536];
    uint64_t wrong = 0;
    double t, cpu;

    // Warm: what the service before pushed out of the processor's caches comes back.
    for (uint32_t i = 0; i < batch; i++)
        wrong += !one(op, from + i, buf, sizeof(buf));
    pthread_barrier_wait(&meeting->start);
    cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
    t = now_ns(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < batch; i++)
        wrong += !one(op, from + batch + i, buf, sizeof(buf));
    meeting->ns[worker] = (now_ns(CLOCK_MONOTONIC) - t) / batch;
    meeting->cpu[worker] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / batch;
    meeting->wrong[worker] = wrong;
    pthread_barrier_wait(&meeting->end);
}

struct job {
    enum op op;
    unsigned worker;
    uint32_t from;
};
static void *thread(void *arg)
{
    const struct job *j = arg;

    work(j->op, j->worker, j->from);
    return NULL;
}

struct took {
    double ns, cpu; // for a lookup, as a worker saw it; negative where an answer was wrong
};

static struct took run(enum op op)
{
    struct job jobs[MAX_WORKERS];
    pthread_t threads[MAX_WORKERS];
    struct took sum = {0};

    for (unsigned i = 1; i < workers; i++) {
        jobs[i] = (struct job){op, i, random_below(n_people)};
        if (by_process) {
            pid_t child = fork();
            if (child == 0) {
                work(op, i, jobs[i].from);
                _exit(0);
            }
        } else if (pthread_create(&threads[i], NULL, thread, &jobs[i]) != 0) {
            exit(1);
        }
    }
    work(op, 0, random_below(n_people));
    for (unsigned i = 1; i < workers; i++) {
        if (by_process)
            wait(NULL);
        else
            pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < workers; i++) {
        if (meeting->wrong[i])
            return (struct took){-1, -1};
        sum.ns += meeting->ns[i] / workers;
        sum.cpu += meeting->cpu[i] / workers;
    }
    return sum;
}

static void use(const char *service)
{
    if (via_nsswitch)
        return;
    if (__nss_configure_lookup("passwd", service) || __nss_configure_lookup("group", service) ||
        __nss_configure_lookup("initgroups", service))
        exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(const double *v, unsigned n)
{
    double copy[MAX_ROUNDS];

    memcpy(copy, v, n * sizeof(*v));
    qsort(copy, n, sizeof(*copy), compare);
    return n % 2 ? copy[n / 2] : (copy[n / 2 - 1] + copy[n / 2]) / 2;
}

static void print(const double *v, const double *first, const char *name)
{
    double ratio[MAX_ROUNDS];

    printf(", \"%sns\": %.1f", name, median(v, rounds));
    if (!first || v == first)
        return;
    for (unsigned r = 0; r < rounds; r++)
        ratio[r] = v[r] / first[r];
    printf(", \"%sratio\": %.3f", name, median(ratio, rounds));
}

static void measure(enum op op, char **services, unsigned n_services, bool *first)
{
    static double ns[MAX_SERVICES][MAX_ROUNDS], cpu[MAX_SERVICES][MAX_ROUNDS];
    bool has[MAX_SERVICES];

    for (unsigned s = 0; s < n_services; s++)
        has[s] = true;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned s = 0; s < n_services; s++) {
            struct took took = {-1, -1};
            use(services[s]);
            if (has[s])
                took = run(op);
            ns[s][r] = took.ns;
            cpu[s][r] = took.cpu;
            has[s] = took.ns >= 0;
        }
    for (unsigned s = 0; s < n_services; s++) {
        printf("%s\n    {\"op\": \"%s\", \"service\": \"%s\"", *first ? "" : ",", op_names[op],
               services[s]);
        *first = false;
        if (has[s]) {
            print(ns[s], has[0] ? ns[0] : NULL, "");
            print(cpu[s], has[0] ? cpu[0] : NULL, "cpu_");
        } else {
            printf(", \"ns\": null");
        }
        printf("}");
    }
    fflush(stdout);
}

static void meet(void)
{
    pthread_barrierattr_t attr;

    meeting =
        mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (meeting == MAP_FAILED)
        exit(1);
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&meeting->start, &attr, workers);
    pthread_barrier_init(&meeting->end, &attr, workers);
}

static unsigned number(const char *text, unsigned max)
{
    unsigned long n = strtoul(text, NULL, 10);

    if (n < 1 || n > max) {
        fprintf(stderr, "nss_lookups: %s is not between 1 and %u\n", text, max);
        exit(2);
    }
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"passwd", 1, NULL, 'p'},  {"group", 1, NULL, 'g'},     {"ops", 1, NULL, 'o'},
        {"threads", 1, NULL, 't'}, {"processes", 1, NULL, 'P'}, {"rounds", 1, NULL, 'r'},
        {"batch", 1, NULL, 'b'},   {"nsswitch", 0, NULL, 'n'},  {NULL, 0, NULL, 0}};
    const char *passwd = NULL, *group = NULL, *ops = NULL;
    bool first = true;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (c) {
        case 'p':
            passwd = optarg;
            break;
        case 'g':
            group = optarg;
            break;
        case 'o':
            ops = optarg;
            break;
        case 't':
        case 'P':
            workers = number(optarg, MAX_WORKERS);
            by_process = c == 'P';
            break;
        case 'r':
            rounds = number(optarg, MAX_ROUNDS);
            break;
        case 'b':
            batch = number(optarg, 100000000);
            break;
        case 'n':
            via_nsswitch = true;
            break;
        default:
            return 2;
        }
    if (!passwd || !group || optind == argc || argc - optind > MAX_SERVICES) {
        fprintf(stderr, "usage: nss_lookups --passwd FILE --group FILE [options] SERVICE...\n");
        return 2;
    }
    load(passwd, group);
    meet();
    printf("{\"accounts\": %u, \"%s\": %u, \"rounds\": %u, \"path\": \"%s\", \"results\": [",
           n_people, by_process ? "processes" : "threads", workers, rounds,
           via_nsswitch ? "nsswitch.conf" : "configured");
    for (enum op op = 0; op < OPS; op++) {
        const char *at = ops ? strstr(ops, op_names[op]) : NULL;
        size_t len = strlen(op_names[op]);
        if (!ops || (at && (at == ops || at[-1] == ',') && (at[len] == 0 || at[len] == ',')))
            measure(op, argv + optind, (unsigned)(argc - optind), &first);
    }
    printf("\n]}\n");
    return 0;
}
