// SPDX-License-Identifier: BSD-2-Clause
// test_torture [SECONDS]: 16 threads and 50 forking processes look up while the engine
// publishes, locks and unlocks, is killed and started again. What an answer is held to
// stands in torture_answers.c. Prints what was done; all of it in a folder of its own, in
// memory where the machine has room for that.
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/cache_writer.h"
#include "rollcall/parse.h"
#include "tests/torture/engine.h"
#include "tests/torture/torture.h"
#include "tests/unit/built.h"
#include "tests/unit/scratch.h"

#define MS INT64_C(1000000) // in ns

static uint64_t seconds = 30;
static char module[PATH_MAX + 64];

static uint32_t roll(uint32_t n)
{
    return (uint32_t)((uint64_t)(uint32_t)random() * n >> 31);
}

static void rest(int64_t ns)
{
    nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

static void enter(void)
{
    setenv("TMPDIR", scratch_memory(), 0);
    scratch_enter();
    engine_folders();
}

static pid_t start(void (*run)(unsigned seed))
{
    unsigned seed = (unsigned)random();
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL); // cmocka's own would hide what it was
        signal(SIGBUS, SIG_DFL);
        run(seed);
    }
    return pid;
}

static void forks_only(unsigned seed)
{
    torture_forks(seed, false);
}

static void looks_and_forks(unsigned seed)
{
    torture_forks(seed, true);
}

// As the enforcer does, and `rollcall lock` without an engine: a lock that no journal knows.
static void lock_while_dead(void)
{
    uint32_t slot = roll(PEOPLE), word = atomic_load(&shared->state[slot]);
    struct rollcall_board *board;

    if (KNOWN(word) != ACTIVE || rollcall_board_open_tighten(CACHE_DIR "/board", &board) < 0)
        return;
    atomic_store(&shared->state[slot], ((word >> 2) + 1) << 2 | UNKNOWN);
    if (rollcall_board_tighten(board, slot, FIRST_UID + slot, ROLLCALL_STATE_LOCKED) == 0) {
        atomic_store(&shared->state[slot], ((word >> 2) + 2) << 2 | LOCKED);
        atomic_fetch_add(&shared->locks_while_dead, 1);
    }
    rollcall_board_close(board);
}

// The writer has been killed, by us or by itself. Anything else that ends it is a fault.
static pid_t start_again(int status)
{
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        if (status != 0 || !atomic_load(&shared->stop))
            torture_fault("the writer ended with status %x", (unsigned)status);
        return -1;
    }
    atomic_fetch_add(&shared->kills, 1);
    if (roll(2))
        lock_while_dead();
    if (roll(3) == 0)
        rest(roll(300) * MS);
    atomic_fetch_add(&shared->restarts, 1);
    return start(torture_write);
}

// Each of what is to meet has been there.
static bool was_a_torture(void)
{
    return shared->forks > 0 && shared->kills > 0 && shared->enumerations > 0 &&
           shared->locks > 0 && shared->unlocks > 0 && shared->locks_seen > 0;
}

// A machine that is too busy for it gets some minutes more.
static void kill_again_and_again(pid_t writer, int64_t until)
{
    int64_t at_last = until + 240000 * MS;
    int64_t next = torture_now() + 2000 * MS;
    int status;

    while (writer > 0 && torture_now() < (was_a_torture() ? until : at_last) &&
           !atomic_load(&shared->stop)) {
        rest(5 * MS);
        if (torture_now() > next) {
            kill(writer, SIGKILL);
            next = torture_now() + (300 + roll(4000)) * MS;
        }
        if (waitpid(writer, &status, WNOHANG) == writer)
            writer = start_again(status);
    }
    atomic_store(&shared->stop, true);
    if (writer <= 0)
        return;
    kill(writer, SIGKILL);
    waitpid(writer, &status, 0);
}

// Until there is something to look up. A writer that never comes so far is a fault with a
// place, not a test without an end.
static void wait_for_the_writer(pid_t writer)
{
    int64_t until = torture_now() + 60000 * MS;
    char path[64], where[64] = "";
    int status, fd;

    while (!atomic_load(&shared->ready) && !atomic_load(&shared->stop) && torture_now() < until) {
        if (waitpid(writer, &status, WNOHANG) == writer)
            fail_msg("the writer ended with status %x before its first publication",
                     (unsigned)status);
        rest(MS);
    }
    if (atomic_load(&shared->ready) || atomic_load(&shared->stop))
        return;
    snprintf(path, sizeof(path), "/proc/%d/wchan", (int)writer);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, where, sizeof(where) - 1) < 0)
        where[0] = 0;
    kill(writer, SIGKILL);
    fail_msg("the writer published nothing within a minute; it waits in \"%s\"", where);
}

// Whoever looks up ends by itself, and well.
static void wait_for_all(unsigned n)
{
    int64_t until = torture_now() + 60000 * MS;
    int status;

    while (n > 0 && torture_now() < until) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0) {
            rest(5 * MS);
            continue;
        }
        n--;
        if (pid < 0 || status != 0)
            torture_fault("a process ended with status %x", (unsigned)status);
    }
    if (n > 0)
        torture_fault("%u processes do not come to an end", n);
}

static void tell_counters(void)
{
    printf("%llu lookups, %llu enumerations, %llu forks\n", (unsigned long long)shared->lookups,
           (unsigned long long)shared->enumerations, (unsigned long long)shared->forks);
    printf("%llu publications (%.1f a second, each with a lock or a lift in %.1f ms), %llu kills, "
           "%llu restarts\n",
           (unsigned long long)shared->publications, (double)shared->publications / (double)seconds,
           (double)shared->cycling / 1e6 / (double)(shared->cycles ? shared->cycles : 1),
           (unsigned long long)shared->kills, (unsigned long long)shared->restarts);
    printf("%llu locks, %llu unlocks, %llu locks while no engine ran (starts that carried some "
           "over: %llu); %llu answers about somebody locked\n",
           (unsigned long long)shared->locks, (unsigned long long)shared->unlocks,
           (unsigned long long)shared->locks_while_dead, (unsigned long long)shared->carried,
           (unsigned long long)shared->locks_seen);
    printf("oldest answer %lld ms; %u mappings of a process at most, %ld KiB of private memory\n",
           (long long)(shared->oldest / MS), shared->mapped_at_most, shared->memory_at_most);
    fflush(stdout);
}

static void
every_answer_is_of_one_generation_and_fresh_and_no_lock_is_missed_whoever_is_killed(void **state)
{
    pid_t writer;

    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    torture_load(module);
    enter();
    srandom((unsigned)time(NULL));
    writer = start(torture_write);
    wait_for_the_writer(writer);
    start(torture_threads);
    for (unsigned i = 0; i < FORKERS; i++)
        start(i % 2 ? forks_only : looks_and_forks);
    kill_again_and_again(writer, torture_now() + (int64_t)seconds * 1000 * MS);
    wait_for_all(1 + FORKERS);
    tell_counters();
    assert_int_equal(scratch_leave(NULL), 0);
    assert_int_equal(shared->faults, 0);
    assert_true(was_a_torture());
    munmap(shared, sizeof(*shared));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_answer_is_of_one_generation_and_fresh_and_no_lock_is_missed_whoever_is_killed),
    };
    char build[PATH_MAX];

    if (argc > 1 && rollcall_parse_u64(argv[1], 1, 86400, &seconds) < 0) {
        fprintf(stderr, "test_torture [SECONDS]\n");
        return 2;
    }
    built_folder(build);
    snprintf(module, sizeof(module), "%s/tests/nss/libnss_rollcall.so.2", build);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
