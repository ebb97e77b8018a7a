// SPDX-License-Identifier: BSD-2-Clause
// nss_races SECONDS: the module's sources and a host of threads, under ThreadSanitizer; a
// writer publishes meanwhile, in the same process. `nss_races planted` races on purpose, to
// show that the sanitizer is awake.
//
// The sanitizer knows memory by its address. What the module shares among threads is its
// own (current pair, slots, turn, retired pairs, pins), and the board, which is stored into
// while it is read. A writer has a mapping of its own, which the sanitizer would take for
// other memory; so here the module opens boards writable, and the writer stores into the very
// mapping that the others read. The snapshot needs no such thing: from its rename on nobody
// stores into it, here or anywhere, and it is read by plain loads; before, it is written by
// write(2) to a file that no reader has mapped.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"
#include "rollcall/parse.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

#define PEOPLE  50u
#define THREADS 8

static atomic_bool stop;
static _Atomic unsigned long lookups, publications, stores, faults;

int __real_rc_board_map_open(const char *path, bool writable, struct rc_board_map *ret);
int __wrap_rc_board_map_open(const char *path, bool writable, struct rc_board_map *ret);

int __wrap_rc_board_map_open(const char *path, bool writable, struct rc_board_map *ret)
{
    (void)writable;
    return __real_rc_board_map_open(path, true, ret);
}

static void publish(uint64_t generation)
{
    if (fixture_accounts("state/cache/accounts", PEOPLE, generation, false) < 0 ||
        fixture_board("state/cache/board", PEOPLE, generation, NULL) < 0)
        abort();
    atomic_fetch_add(&publications, 1);
}

// As rollcall_board_store and rollcall_board_set_generation do, where readers look.
static void store(unsigned n)
{
    struct nss_guard guard;
    const struct nss_pair *pair = nss_enter(&guard);
    uint32_t slot = n % PEOPLE;

    if (pair) {
        struct rc_board_header *head = pair->board.head;
        atomic_store_explicit(
            (_Atomic uint64_t *)(uintptr_t)&pair->words[slot],
            rc_board_word_pack(head->ledger_id, slot, FIXTURE_FIRST + slot,
                               n / PEOPLE % 2 ? ROLLCALL_STATE_LOCKED : ROLLCALL_STATE_ACTIVE, 0,
                               0),
            memory_order_release);
        if (n % 64 == 0)
            atomic_store(&head->generation, atomic_load(&head->generation) + 1);
        atomic_fetch_add(&stores, 1);
    }
    nss_leave(&guard);
}

static void *write_on(void *arg)
{
    (void)arg;
    for (unsigned n = 1; !atomic_load(&stop); n++) {
        if (n % 512 == 0)
            publish(n);
        store(n);
    }
    return NULL;
}

static void enumerate(char *buf, size_t len)
{
    struct passwd pw;
    struct group gr;
    int err;

    // glibc has a lock around these; the module is to hold without.
    (void)_nss_rollcall_setpwent(0);
    for (unsigned i = 0; i < PEOPLE; i++)
        if (_nss_rollcall_getpwent_r(&pw, buf, len, &err) != NSS_STATUS_SUCCESS)
            break;
    (void)_nss_rollcall_endpwent();
    (void)_nss_rollcall_setgrent(0);
    while (_nss_rollcall_getgrent_r(&gr, buf, len, &err) == NSS_STATUS_SUCCESS)
        ;
    (void)_nss_rollcall_endgrent();
}

static bool look(uint32_t i, char *buf, size_t len)
{
    long start = 0, size = 8;
    gid_t *gids = malloc((size_t)size * sizeof(*gids));
    enum nss_status s[5];
    struct passwd pw;
    struct group gr;
    struct spwd sp;
    char name[16];
    int err;

    if (!gids)
        abort();
    snprintf(name, sizeof(name), "p%u", i);
    s[0] = _nss_rollcall_getpwnam_r(name, &pw, buf, len, &err);
    s[1] = _nss_rollcall_getpwuid_r(FIXTURE_FIRST + i, &pw, buf, len, &err);
    s[2] = _nss_rollcall_getgrgid_r(FIXTURE_STAFF, &gr, buf, len, &err);
    s[3] = _nss_rollcall_getspnam_r(name, &sp, buf, len, &err);
    s[4] = _nss_rollcall_initgroups_dyn(name, FIXTURE_FIRST + i, &start, &size, &gids, -1, &err);
    free(gids);
    for (int k = 0; k < 5; k++)
        if (s[k] != NSS_STATUS_SUCCESS)
            return false;
    atomic_fetch_add(&lookups, 5);
    return true;
}

static void *look_on(void *arg)
{
    char *buf = malloc(65536);
    unsigned n = (unsigned)(uintptr_t)arg;

    if (!buf)
        abort();
    for (; !atomic_load(&stop); n++) {
        if (!look(n * 7 % PEOPLE, buf, 65536))
            atomic_fetch_add(&faults, 1);
        if (n % 50 == 0)
            enumerate(buf, 65536);
    }
    free(buf);
    return NULL;
}

static unsigned planted;

static void *race(void *arg)
{
    planted++;
    return arg;
}

static int race_on_purpose(void)
{
    pthread_t t;

    if (pthread_create(&t, NULL, race, NULL) != 0)
        return 1;
    planted++;
    pthread_join(t, NULL);
    return 0;
}

static int run(uint64_t seconds)
{
    pthread_t thread[THREADS + 1];

    scratch_enter();
    if (mkdir("state", 0755) < 0 || mkdir("state/cache", 0755) < 0)
        return 1;
    publish(1);
    for (uintptr_t i = 0; i <= THREADS; i++)
        if (pthread_create(&thread[i], NULL, i == THREADS ? write_on : look_on, (void *)i) != 0)
            return 1;
    nanosleep(&(struct timespec){.tv_sec = (time_t)seconds}, NULL);
    atomic_store(&stop, true);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(thread[i], NULL);
    scratch_leave(NULL);
    printf("%lu lookups, %lu publications, %lu stores into the board, %lu without an answer\n",
           lookups, publications, stores, faults);
    return faults || publications < 2 ? 1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t seconds;

    if (argc == 2 && strcmp(argv[1], "planted") == 0)
        return race_on_purpose();
    if (argc == 2 && rollcall_parse_u64(argv[1], 1, 86400, &seconds) == 0)
        return run(seconds);
    fprintf(stderr, "nss_races SECONDS | planted\n");
    return 2;
}
