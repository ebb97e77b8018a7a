// SPDX-License-Identifier: BSD-2-Clause
// The processes that look up, through the built module.
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <shadow.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nss_module/exports.h"
#include "tests/torture/engine.h"
#include "tests/torture/torture_answers.h"

#define NICE        19            // far below the writer, which has its rate to keep
#define MAPPED_MOST (THREADS + 6) // a pair each, two pinned, one current, three on their way
#ifdef ROLLCALL_SANITIZE
#define MEMORY_GROWS (64 * 1024) // the sanitizer keeps what was freed
#else
#define MEMORY_GROWS (4 * 1024) // KiB at most, after the first quarter
#endif
#define FORK_EVERY   4000 // lookups of a thread
#define CHILD_LOOKS  30
#define STILL_ONE_IN 100 // enumerations

static __typeof__(&_nss_rollcall_getpwnam_r) getpwnam_of;
static __typeof__(&_nss_rollcall_getpwuid_r) getpwuid_of;
static __typeof__(&_nss_rollcall_setpwent) setpwent_of;
static __typeof__(&_nss_rollcall_getpwent_r) getpwent_of;
static __typeof__(&_nss_rollcall_endpwent) endpwent_of;
static __typeof__(&_nss_rollcall_getgrnam_r) getgrnam_of;
static __typeof__(&_nss_rollcall_getgrgid_r) getgrgid_of;
static __typeof__(&_nss_rollcall_setgrent) setgrent_of;
static __typeof__(&_nss_rollcall_getgrent_r) getgrent_of;
static __typeof__(&_nss_rollcall_endgrent) endgrent_of;
static __typeof__(&_nss_rollcall_initgroups_dyn) initgroups_of;
static __typeof__(&_nss_rollcall_getspnam_r) getspnam_of;

static void *symbol(void *so, const char *name)
{
    void *p = dlsym(so, name);

    if (p)
        return p;
    fprintf(stderr, "torture: no %s\n", name);
    exit(2);
}

void torture_load(const char *module)
{
    void *so = dlopen(module, RTLD_NOW);

    if (!so) {
        fprintf(stderr, "torture: %s\n", dlerror());
        exit(2);
    }
    getpwnam_of = symbol(so, "_nss_rollcall_getpwnam_r");
    getpwuid_of = symbol(so, "_nss_rollcall_getpwuid_r");
    setpwent_of = symbol(so, "_nss_rollcall_setpwent");
    getpwent_of = symbol(so, "_nss_rollcall_getpwent_r");
    endpwent_of = symbol(so, "_nss_rollcall_endpwent");
    getgrnam_of = symbol(so, "_nss_rollcall_getgrnam_r");
    getgrgid_of = symbol(so, "_nss_rollcall_getgrgid_r");
    setgrent_of = symbol(so, "_nss_rollcall_setgrent");
    getgrent_of = symbol(so, "_nss_rollcall_getgrent_r");
    endgrent_of = symbol(so, "_nss_rollcall_endgrent");
    initgroups_of = symbol(so, "_nss_rollcall_initgroups_dyn");
    getspnam_of = symbol(so, "_nss_rollcall_getspnam_r");
}

// ---- one lookup ----

static bool found(struct looker *l, enum nss_status s, int err, bool always_there, const char *what)
{
    if (s == NSS_STATUS_SUCCESS)
        return true;
    if (s != NSS_STATUS_NOTFOUND || always_there)
        torture_fault("%s of slot %u: status %d, %s", what, l->slot, (int)s, strerror(err));
    return false;
}

static void look_name(struct looker *l, uint32_t slot)
{
    struct passwd pw;
    struct told t;
    int err = 0;
    enum nss_status s;

    // Who is renamed may have another name by now, and then nobody has this one.
    t = told_person(atomic_load(&shared->newest), slot);
    looker_begin(l, slot);
    s = getpwnam_of(t.name, &pw, l->buf, sizeof(l->buf), &err);
    if (found(l, s, err, !told_renamed(slot) && slot < PEOPLE - VISITORS, "getpwnam"))
        answer_person(l, &pw);
}

static void look_uid(struct looker *l, uint32_t slot)
{
    struct passwd pw;
    int err = 0;
    enum nss_status s;

    looker_begin(l, slot);
    s = getpwuid_of(FIRST_UID + slot, &pw, l->buf, sizeof(l->buf), &err);
    if (found(l, s, err, slot < PEOPLE - VISITORS, "getpwuid"))
        answer_person(l, &pw);
}

static void look_team(struct looker *l, uint32_t team)
{
    uint64_t newest = atomic_load(&shared->newest);
    struct group gr;
    int err = 0;
    char name[33];
    enum nss_status s;

    told_team_name(newest, team, name);
    looker_begin(l, PEOPLE);
    if (looker_roll(l, 2))
        s = getgrgid_of(told_gid(newest, team), &gr, l->buf, sizeof(l->buf), &err);
    else
        s = getgrnam_of(name, &gr, l->buf, sizeof(l->buf), &err);
    if (found(l, s, err, false, "getgrgid"))
        answer_team(l, &gr);
}

static void look_private_group(struct looker *l, uint32_t slot)
{
    struct group gr;
    int err = 0;
    enum nss_status s;

    looker_begin(l, slot);
    s = getgrgid_of(FIRST_UID + slot, &gr, l->buf, sizeof(l->buf), &err);
    if (!found(l, s, err, slot < PEOPLE - VISITORS, "getgrgid"))
        return;
    if (gr.gr_gid != FIRST_UID + slot || gr.gr_mem[0] ||
        gr.gr_name[0] != (told_renamed(slot) ? 'r' : 'p'))
        torture_fault("a private group %s %u of slot %u", gr.gr_name, gr.gr_gid, slot);
}

static void look_memberships(struct looker *l, uint32_t slot)
{
    long start = 0, size = 4; // grows: the array is realloc'ed
    gid_t *gids = malloc((size_t)size * sizeof(*gids));
    struct told t;
    int err = 0;
    enum nss_status s;

    if (!gids)
        return;
    t = told_person(atomic_load(&shared->newest), slot);
    looker_begin(l, slot);
    s = initgroups_of(t.name, FIRST_UID + slot, &start, &size, &gids, -1, &err);
    if (found(l, s, err, !told_renamed(slot) && slot < PEOPLE - VISITORS, "initgroups"))
        answer_memberships(l, gids, start);
    free(gids);
}

static void look_shadow(struct looker *l, uint32_t slot)
{
    struct spwd sp;
    struct told t;
    int err = 0;
    enum nss_status s;

    t = told_person(atomic_load(&shared->newest), slot);
    looker_begin(l, slot);
    s = getspnam_of(t.name, &sp, l->buf, sizeof(l->buf), &err);
    if (found(l, s, err, !told_renamed(slot) && slot < PEOPLE - VISITORS, "getspnam") &&
        (strcmp(sp.sp_namp, t.name) != 0 || strcmp(sp.sp_pwdp, "*") != 0 || sp.sp_expire != 1))
        torture_fault("a shadow entry of %s for %s", sp.sp_namp, t.name);
}

static void look_for_nobody(struct looker *l)
{
    struct passwd pw;
    int err = 0;

    looker_begin(l, PEOPLE);
    if (found(l, getpwnam_of("nobody-of-ours", &pw, l->buf, sizeof(l->buf), &err), err, false,
              "getpwnam"))
        torture_fault("somebody who is not there: %s", pw.pw_name);
    looker_begin(l, PEOPLE);
    if (found(l, getpwuid_of(FIRST_UID + PEOPLE + 7, &pw, l->buf, sizeof(l->buf), &err), err, false,
              "getpwuid"))
        torture_fault("somebody who is not there: %u", pw.pw_uid);
}

// ---- enumerations: one whole set, of one generation ----
//
// An enumeration opens the files that stand at the paths when its first entry is asked for: that
// is when it begins, and nothing older will do, however late the entry comes that tells of which
// generation it is. Lookups learn of them when the board's generation moves, an instant after the
// rename; so the newest generation that an enumeration has seen is no measure for them.

static int64_t enumeration_begins(struct looker *l)
{
    l->enumerates = true;
    return torture_tick();
}

static void enumeration_ends(struct looker *l, uint64_t newest)
{
    l->enumerates = false;
    l->newest = newest;
    l->enumerations++;
}

// As if the machine had: the set is as old as it was.
static void stand_still(struct looker *l)
{
    if (looker_roll(l, STILL_ONE_IN) == 0)
        nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 200000000}, NULL);
}

static void all_people(struct looker *l)
{
    uint64_t generation = 0, newest = l->newest;
    uint32_t n = 0;
    struct passwd pw;
    int64_t began;
    int err = 0;

    setpwent_of(0);
    began = enumeration_begins(l);
    for (;; n++) {
        enum nss_status s;
        looker_begin(l, n < PEOPLE - VISITORS ? n : PEOPLE);
        s = getpwent_of(&pw, l->buf, sizeof(l->buf), &err);
        if (!found(l, s, err, false, "getpwent"))
            break;
        if (n > 0 && told_generation(pw.pw_gecos) != generation) {
            torture_fault("an enumeration of generations %llu and %llu",
                          (unsigned long long)generation,
                          (unsigned long long)told_generation(pw.pw_gecos));
            break;
        }
        l->began = began;
        generation = answer_person(l, &pw);
        if (n == 0)
            stand_still(l);
    }
    endpwent_of();
    enumeration_ends(l, newest);
    if (n != told_people(generation) && !atomic_load(&shared->stop))
        torture_fault("an enumeration of %u of the %u people of generation %llu", n,
                      told_people(generation), (unsigned long long)generation);
}

static void all_groups(struct looker *l)
{
    uint32_t teams = 0, private = 0;
    uint64_t generation = 0, newest = l->newest;
    struct group gr;
    int64_t began;
    int err = 0;

    setgrent_of(0);
    began = enumeration_begins(l);
    for (uint32_t n = 0;; n++) {
        enum nss_status s;
        looker_begin(l, PEOPLE);
        s = getgrent_of(&gr, l->buf, sizeof(l->buf), &err);
        if (!found(l, s, err, false, "getgrent"))
            break;
        if (n == 0)
            stand_still(l);
        if (gr.gr_gid >= FIRST_UID) {
            private++;
        } else if (gr.gr_gid >= FIRST_TEAM) {
            uint64_t g = told_generation(gr.gr_name);
            if (teams++ == 0)
                generation = g;
            l->began = began;
            if (g != generation)
                torture_fault("an enumeration of teams of generations %llu and %llu",
                              (unsigned long long)generation, (unsigned long long)g);
            answer_team(l, &gr);
        }
    }
    endgrent_of();
    enumeration_ends(l, newest);
    if ((teams != TEAMS || private != told_people(generation)) && !atomic_load(&shared->stop))
        torture_fault("an enumeration of %u teams and %u people of generation %llu", teams, private,
                      (unsigned long long)generation);
}

static void look(struct looker *l)
{
    uint32_t slot = looker_roll(l, PEOPLE);

    switch (looker_roll(l, 8)) {
    case 0:
    case 1:
        look_name(l, slot);
        break;
    case 2:
    case 3:
        look_uid(l, slot);
        break;
    case 4:
        look_team(l, slot % TEAMS);
        look_private_group(l, slot);
        break;
    case 5:
        look_memberships(l, slot);
        break;
    case 6:
        look_shadow(l, slot);
        break;
    default:
        look_for_nobody(l);
    }
}

// ---- what a process keeps ----

static unsigned mapped(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    char line[PATH_MAX + 128];
    unsigned n = 0;

    while (f && fgets(line, sizeof(line), f))
        n += strstr(line, "/" CACHE_DIR "/accounts") != NULL;
    if (f)
        fclose(f);
    return n;
}

static unsigned descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static long memory(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[200];
    long kib = 0;

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

static void check_mapped(unsigned most)
{
    unsigned n = mapped(), seen = atomic_load(&shared->mapped_at_most);

    while (seen < n && !atomic_compare_exchange_weak(&shared->mapped_at_most, &seen, n))
        ;
    if (n > most)
        torture_fault("%u mappings of `accounts` where %u would do", n, most);
}

// ---- children ----

static void child(struct looker *l, unsigned mapped_most)
{
    unsigned before = descriptors();

    looker_forked(l);
    l->dice ^= (uint64_t)getpid() << 32;
    for (unsigned i = 0; i < CHILD_LOOKS; i++)
        look(l);
    if (looker_roll(l, 4) == 0)
        all_people(l);
    if (looker_roll(l, 4) == 0)
        all_groups(l);
    looker_count(l);
    if (descriptors() != before)
        torture_fault("a lookup kept a descriptor");
    check_mapped(mapped_most);
    _exit(0);
}

static void fork_and_look(struct looker *l, unsigned mapped_most)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        child(l, mapped_most);
    if (pid < 0)
        return; // the machine is full: the others go on
    atomic_fetch_add(&shared->forks, 1);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        torture_fault("a child ended with status %x", (unsigned)status);
}

// ---- processes ----

static void settle_in(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nice(NICE) < 0 && errno)
        torture_fault("nice: %s", strerror(errno));
}

void torture_forks(unsigned seed, bool looks_up_itself)
{
    static struct looker l = {.alone = true};
    unsigned before = descriptors();

    settle_in();
    l.dice = seed * 0x9e3779b97f4a7c15u + 1;
    while (!atomic_load(&shared->stop)) {
        for (unsigned i = 0; looks_up_itself && i < 200; i++)
            look(&l);
        if (looks_up_itself && looker_roll(&l, 8) == 0)
            all_people(&l);
        looker_count(&l);
        fork_and_look(&l, 1);
        check_mapped(1);
    }
    if (descriptors() != before)
        torture_fault("a process kept a descriptor");
    _exit(0);
}

// glibc lets one thread at a time enumerate.
static pthread_mutex_t enumerating = PTHREAD_MUTEX_INITIALIZER;

static void *look_on(void *arg)
{
    struct looker *l = arg;

    for (unsigned n = 1; !atomic_load(&shared->stop); n++) {
        look(l);
        if (n % 500 == 0) {
            pthread_mutex_lock(&enumerating);
            if (n % 1000)
                all_people(l);
            else
                all_groups(l);
            pthread_mutex_unlock(&enumerating);
            looker_count(l);
        }
        if (n % FORK_EVERY == 0)
            fork_and_look(l, MAPPED_MOST);
    }
    looker_count(l);
    return NULL;
}

// Looks at the process from inside, now and then.
static void watch(void)
{
    long early = 0;

    for (unsigned n = 0; !atomic_load(&shared->stop); n++) {
        long kib = memory(), most = atomic_load(&shared->memory_at_most);
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        check_mapped(MAPPED_MOST);
        if (kib > most)
            atomic_store(&shared->memory_at_most, kib);
        if (n == 25)
            early = kib;
        if (early && kib > early + MEMORY_GROWS)
            torture_fault("%ld KiB of memory, %ld of it since the first seconds", kib, kib - early);
    }
}

void torture_threads(unsigned seed)
{
    static struct looker l[THREADS];
    pthread_t thread[THREADS];
    unsigned before = descriptors();

    settle_in();
    for (unsigned i = 0; i < THREADS; i++) {
        l[i].dice = (seed + i) * 0x9e3779b97f4a7c15u + 1;
        if (pthread_create(&thread[i], NULL, look_on, &l[i]) != 0)
            torture_fault("no thread");
    }
    watch();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    if (descriptors() != before)
        torture_fault("a process of threads kept a descriptor");
    _exit(0);
}
