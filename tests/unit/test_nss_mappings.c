// SPDX-License-Identifier: BSD-2-Clause
// Which mappings the module keeps, and for how long. The file itself is in here, for what
// happens between two steps of a lookup cannot be seen from outside.
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

// What happens while a thread that looks up is stopped, just when it has asked for the time.
static void (*meanwhile)(void);

static time_t time_and_a_stop(time_t *ret)
{
    void (*others)(void) = meanwhile;
    time_t now = time(ret);

    meanwhile = NULL;
    if (others)
        others();
    return now;
}
#define time(ret) time_and_a_stop(ret)

#undef ROLLCALL_STATEDIR
#define ROLLCALL_STATEDIR "state"
#include "nss_module/map.c" // NOLINT(bugprone-suspicious-include): its statics are looked at
#include "tests/unit/published.h"
#include "tests/unit/scratch.h"

#define PEOPLE_HERE 5u

static void publish(void)
{
    publish_people(PEOPLE_HERE, false);
}

static int prepare(void **state)
{
    (void)state;
    scratch_enter_state();
    publish();
    return 0;
}

// Mappings of files named accounts in this process, replaced ones included.
static unsigned mapped(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    char line[PATH_MAX + 128];
    unsigned n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n += strstr(line, "/" ACCOUNTS) != NULL;
    fclose(f);
    return n;
}

static unsigned slots_in_use(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < NSS_SLOTS; i++)
        n += atomic_load(&nss_inside.slot[i]) != NULL;
    return n;
}

static uint64_t generation_seen(void)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    uint64_t seen = p ? p->snapshot.head->generation : 0;

    nss_leave(&g);
    return seen;
}

static void what_is_replaced_is_unmapped_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        publish();
        assert_int_equal(generation_seen(), generation);
        assert_int_equal(mapped(), 1);
    }
    assert_int_equal(slots_in_use(), 0);
}

// The old board was put back from a backup, and syncd, which trusts it no more than we do,
// made a new one: nobody marked what we have mapped.
static void a_board_that_was_replaced_without_a_mark_is_left_within_a_second(void **state)
{
    struct rollcall_board_writer *old;
    unsigned char *data;
    struct nss_guard g;
    const struct nss_pair *p;
    struct stat st;
    size_t len;

    (void)state;
    publish();
    assert_int_equal(generation_seen(), generation);
    data = scratch_read(BOARD, &len);
    scratch_write(BOARD ".restored", data, len);
    assert_int_equal(rename(BOARD ".restored", BOARD), 0);
    free(data);
    atomic_store(&nss_now.checked, -1); // a second goes by
    assert_int_equal(generation_seen(), 0);
    old = board;
    assert_int_equal(fixture_board(BOARD, PEOPLE_HERE, generation, &board), 0);
    rollcall_board_writer_close(old);
    atomic_store(&nss_now.checked, -1);
    p = nss_enter(&g);
    assert_non_null(p);
    assert_int_equal(stat(BOARD, &st), 0);
    assert_int_equal(p->board.ino, st.st_ino);
    nss_leave(&g);
}

static void what_a_reader_holds_stays_until_it_leaves_and_no_more_than_that(void **state)
{
    struct nss_guard held;
    const struct nss_pair *pair;
    uint64_t was;

    (void)state;
    publish();
    pair = nss_enter(&held);
    was = generation;
    assert_non_null(pair);
    // However many publications pass by one reader that stands still.
    for (int i = 0; i < 100; i++) {
        publish();
        assert_int_equal(generation_seen(), generation);
        assert_int_equal(mapped(), 2);
        assert_int_equal(pair->snapshot.head->generation, was);
        assert_true(rc_map_body_intact(&pair->snapshot));
    }
    nss_leave(&held);
    publish();
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(mapped(), 1);
    assert_null(atomic_load(&retired));
}

static void more_lookups_at_once_than_slots_are_answered(void **state)
{
    static struct nss_guard guards[NSS_SLOTS + 20];

    (void)state;
    publish();
    for (unsigned i = 0; i < NSS_SLOTS + 20; i++) {
        const struct nss_pair *pair = nss_enter(&guards[i]);
        assert_non_null(pair);
        assert_int_equal(pair->snapshot.head->generation, generation);
    }
    assert_int_equal(slots_in_use(), NSS_SLOTS);
    assert_int_equal(mapped(), 21);
    for (unsigned i = 0; i < NSS_SLOTS + 20; i++)
        nss_leave(&guards[i]);
    assert_int_equal(slots_in_use(), 0);
    assert_int_equal(mapped(), 1);
}

static void who_looks_at_the_disk_and_never_ends_is_replaced(void **state)
{
    (void)state;
    publish();
    assert_int_equal(generation_seen(), generation);
    atomic_store(&nss_inside.turn, time(NULL) + 1); // somebody has just begun
    publish();
    assert_int_equal(generation_seen(), generation - 1);
    atomic_store(&nss_inside.turn, time(NULL) + 1 - TURN_LASTS - 1);
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(atomic_load(&nss_inside.turn), 0);
}

static void after_a_rest_nobody_is_served_what_was_current_before_it(void **state)
{
    (void)state;
    publish();
    assert_int_equal(generation_seen(), generation);
    publish();
    // Another thread looks at the disk, for the first time in a minute.
    atomic_store(&nss_inside.turn, time(NULL) + 1);
    atomic_store(&nss_now.checked, time(NULL) - 60);
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(slots_in_use(), 0);
    assert_int_equal(mapped(), 1); // its own was unmapped with the lookup
    atomic_store(&nss_inside.turn, 0);
    assert_int_equal(generation_seen(), generation);
}

static void another_looks_at_the_disk(void)
{
    atomic_store(&nss_now.checked, -1);
    (void)generation_seen();
}

// An engine that was killed behind its rename has told the board nothing.
static void who_is_stopped_in_the_midst_serves_what_another_found_meanwhile(void **state)
{
    (void)state;
    publish();
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(fixture_accounts(ACCOUNTS, PEOPLE_HERE, ++generation, false), 0);
    meanwhile = another_looks_at_the_disk;
    assert_int_equal(generation_seen(), generation);
    publish();
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(mapped(), 1);
}

// One that was stopped, with a pair that it had opened, until its turn was over: it goes on in the
// midst of the next one's look.
static void who_looks_while_another_replaces_by_what_is_older_looks_again(void **state)
{
    struct nss_pair *late = NULL, *was;

    (void)state;
    publish();
    assert_int_equal(generation_seen(), generation);
    was = atomic_load(&nss_now.current);
    assert_int_equal(open_pair(&late), 0);
    assert_int_equal(fixture_accounts(ACCOUNTS, PEOPLE_HERE, ++generation, false), 0);
    atomic_store(&nss_now.checked, -1);
    atomic_store(&nss_now.current, late);
    assert_false(look(was, time(NULL)));
    retire(was);
    assert_int_equal(generation_seen(), generation);
    publish();
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(mapped(), 1);
}

static void a_lookup_inside_a_lookup_has_a_slot_of_its_own(void **state)
{
    struct nss_guard outer, inner;
    const struct nss_pair *pair = nss_enter(&outer);

    (void)state;
    assert_non_null(pair);
    assert_ptr_equal(nss_enter(&inner), pair);
    assert_ptr_not_equal(outer.slot, inner.slot);
    nss_leave(&inner);
    assert_ptr_equal(atomic_load(outer.slot), pair);
    nss_leave(&outer);
    assert_int_equal(slots_in_use(), 0);
}

static void without_a_descriptor_the_old_cache_serves_and_the_first_lookup_says_again(void **state)
{
    pid_t child;
    int status;

    (void)state;
    publish();
    assert_int_equal(generation_seen(), generation);
    publish();
    child = fork();
    if (child == 0) {
        struct rlimit none = {0};
        struct nss_guard g;
        int err = 0;
        setrlimit(RLIMIT_NOFILE, &none);
        if (generation_seen() != generation - 1)
            _exit(1);
        // As in a process that has nothing yet.
        atomic_store(&nss_now.current, NULL);
        atomic_store(&nss_now.checked, -1);
        errno = 5;
        if (nss_enter(&g) != NULL || errno != 5)
            _exit(2);
        if (nss_absent(&g, &err) != NSS_STATUS_TRYAGAIN || err != EAGAIN)
            _exit(3);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void absence_is_unavailable_and_leaves_errno_alone(void **state)
{
    struct nss_guard g;
    int err = 0;

    (void)state;
    assert_int_equal(rename("state/cache", "state/away"), 0);
    atomic_store(&nss_now.checked, -1); // a second goes by
    errno = 5;
    assert_null(nss_enter(&g));
    assert_int_equal(errno, 5);
    assert_int_equal(nss_absent(&g, &err), NSS_STATUS_UNAVAIL);
    assert_int_equal(err, ENOENT);
    assert_int_equal(rename("state/away", "state/cache"), 0);
    atomic_store(&nss_now.checked, -1);
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(errno, 5);
}

// ---- with threads; last, for a process has been single-threaded but once ----

static pthread_barrier_t both;

static void *stand_inside(void *arg)
{
    struct nss_guard g;

    (void)arg;
    (void)nss_enter(&g);
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    nss_leave(&g);
    return NULL;
}

static void a_child_of_fork_has_nobody_inside_and_the_refresh_free(void **state)
{
    pthread_t t;
    pid_t child;
    int status;

    (void)state;
    pthread_barrier_init(&both, NULL, 2);
    publish();
    assert_int_equal(pthread_create(&t, NULL, stand_inside, NULL), 0);
    pthread_barrier_wait(&both);
    assert_int_equal(slots_in_use(), 1);
    atomic_store(&nss_inside.turn, time(NULL) + 1); // a thread of ours looks at the disk
    publish();
    child = fork();
    if (child == 0) {
        if (slots_in_use() != 0)
            _exit(1);
        if (generation_seen() != generation || mapped() != 1)
            _exit(2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    atomic_store(&nss_inside.turn, 0);
    pthread_barrier_wait(&both);
    pthread_join(t, NULL);
    assert_int_equal(slots_in_use(), 0);
    pthread_barrier_destroy(&both);
}

static atomic_bool stop;

static void *look_on(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        struct nss_guard g;
        const struct nss_pair *p = nss_enter(&g);
        // Unmapped under our hands it would be a crash.
        if (!p || !rc_map_body_intact(&p->snapshot))
            return &stop;
        nss_leave(&g);
    }
    return NULL;
}

static void threads_that_never_rest_do_not_make_mappings_pile_up(void **state)
{
    pthread_t threads[6];
    void *bad;

    (void)state;
    atomic_store(&stop, false);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_on, NULL), 0);
    for (int i = 0; i < 200; i++) {
        publish();
        // One for each reader, the current one, one being opened, one on its way out.
        assert_true(mapped() <= 6 + 3);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    publish();
    assert_int_equal(generation_seen(), generation);
    assert_int_equal(mapped(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_replaced_is_unmapped_at_once),
        cmocka_unit_test(a_board_that_was_replaced_without_a_mark_is_left_within_a_second),
        cmocka_unit_test(what_a_reader_holds_stays_until_it_leaves_and_no_more_than_that),
        cmocka_unit_test(more_lookups_at_once_than_slots_are_answered),
        cmocka_unit_test(who_looks_at_the_disk_and_never_ends_is_replaced),
        cmocka_unit_test(after_a_rest_nobody_is_served_what_was_current_before_it),
        cmocka_unit_test(who_is_stopped_in_the_midst_serves_what_another_found_meanwhile),
        cmocka_unit_test(who_looks_while_another_replaces_by_what_is_older_looks_again),
        cmocka_unit_test(a_lookup_inside_a_lookup_has_a_slot_of_its_own),
        cmocka_unit_test(without_a_descriptor_the_old_cache_serves_and_the_first_lookup_says_again),
        cmocka_unit_test(absence_is_unavailable_and_leaves_errno_alone),
        cmocka_unit_test(a_child_of_fork_has_nobody_inside_and_the_refresh_free),
        cmocka_unit_test(threads_that_never_rest_do_not_make_mappings_pile_up),
    };

    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
