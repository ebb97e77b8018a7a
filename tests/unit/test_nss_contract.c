// SPDX-License-Identifier: BSD-2-Clause
// glibc's contract with an NSS module (manual, "NSS Modules Interface"), to the last byte,
// and what the processes that we are loaded into do around us.
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <shadow.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/child.h"
#include "tests/unit/nss_company.h"
#include "tests/unit/scratch.h"

// ---- buffers ----

#define ROOM 8192
static char *edge; // behind it nothing may be touched

static char *buffer(size_t len)
{
    if (!edge) {
        char *p = mmap(NULL, 2 * (size_t)ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
        assert_true(p != MAP_FAILED);
        edge = p + ROOM;
        assert_int_equal(mprotect(edge, ROOM, PROT_NONE), 0);
    }
    return edge - len;
}

static void inside(const void *p, const char *buf, size_t len)
{
    assert_in_range((uintptr_t)p, (uintptr_t)buf, (uintptr_t)buf + len - 1);
}

static size_t passwd_needs(const struct passwd *pw)
{
    return strlen(pw->pw_name) + strlen(pw->pw_passwd) + strlen(pw->pw_gecos) + strlen(pw->pw_dir) +
           strlen(pw->pw_shell) + 5;
}

static void same_passwd(const struct passwd *a, const struct passwd *b)
{
    assert_string_equal(a->pw_name, b->pw_name);
    assert_string_equal(a->pw_passwd, b->pw_passwd);
    assert_string_equal(a->pw_gecos, b->pw_gecos);
    assert_string_equal(a->pw_dir, b->pw_dir);
    assert_string_equal(a->pw_shell, b->pw_shell);
    assert_int_equal(a->pw_uid, b->pw_uid);
    assert_int_equal(a->pw_gid, b->pw_gid);
}

// By rule and from the pool, short and long: p1 p2 p3 p5 p15 differ in what stands where.
static void passwd_fits_exactly_and_not_a_byte_sooner(void **state)
{
    static const char *const names[] = {"p1", "p2", "p3", "p5", "p15", "p39"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct passwd whole, pw;
        char roomy[1024];
        size_t needs;
        int err = 0;
        assert_int_equal(getpwnam_of(names[i], &whole, roomy, sizeof(roomy), &err),
                         NSS_STATUS_SUCCESS);
        needs = passwd_needs(&whole);
        for (size_t len = 0; len < 400; len++) {
            char *buf = buffer(len);
            err = 0;
            if (len < needs) {
                assert_int_equal(getpwnam_of(names[i], &pw, buf, len, &err), NSS_STATUS_TRYAGAIN);
                assert_int_equal(err, ERANGE);
                continue;
            }
            assert_int_equal(getpwnam_of(names[i], &pw, buf, len, &err), NSS_STATUS_SUCCESS);
            assert_int_equal(err, 0);
            same_passwd(&pw, &whole);
            inside(pw.pw_name, buf, len);
            inside(pw.pw_passwd, buf, len);
            inside(pw.pw_gecos, buf, len);
            inside(pw.pw_dir, buf, len);
            inside(pw.pw_shell, buf, len);
            assert_int_equal(getpwuid_of(whole.pw_uid, &pw, buf, len, &err), NSS_STATUS_SUCCESS);
            same_passwd(&pw, &whole);
        }
    }
}

static void shadow_fits_exactly(void **state)
{
    struct spwd sp;
    int err;

    (void)state;
    for (size_t len = 0; len < 16; len++) {
        enum nss_status s = getspnam_of("p39", &sp, buffer(len), len, &err);
        assert_int_equal(s, len < 6 ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS);
    }
}

static void groups_fit_exactly_at_every_alignment(void **state)
{
    static const char *const names[] = {"engineers", "p3", "rollcall-people"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct group whole, gr;
        char roomy[4096];
        size_t strings, n = 0;
        int err = 0;
        assert_int_equal(getgrnam_of(names[i], &whole, roomy, sizeof(roomy), &err),
                         NSS_STATUS_SUCCESS);
        strings = strlen(whole.gr_name) + strlen(whole.gr_passwd) + 2;
        for (size_t k = 0; whole.gr_mem[k]; k++)
            n += strlen(whole.gr_mem[k]) + 1;
        for (size_t len = 0; len < 1200; len++) {
            char *buf = buffer(len);
            size_t k = 0, skip = -(uintptr_t)(buf + strings) % sizeof(char *);
            while (whole.gr_mem[k])
                k++;
            if (len < strings + skip + (k + 1) * sizeof(char *) + n) {
                assert_int_equal(getgrnam_of(names[i], &gr, buf, len, &err), NSS_STATUS_TRYAGAIN);
                assert_int_equal(err, ERANGE);
                continue;
            }
            assert_int_equal(getgrnam_of(names[i], &gr, buf, len, &err), NSS_STATUS_SUCCESS);
            assert_int_equal((uintptr_t)gr.gr_mem % sizeof(char *), 0);
            for (k = 0; whole.gr_mem[k]; k++) {
                assert_string_equal(gr.gr_mem[k], whole.gr_mem[k]);
                inside(gr.gr_mem[k], buf, len);
            }
            assert_null(gr.gr_mem[k]);
            inside(&gr.gr_mem[k], buf, len);
        }
    }
}

static void no_buffer_at_all_asks_for_one(void **state)
{
    struct passwd pw;
    struct group gr;
    struct spwd sp;
    int err = 0;

    (void)state;
    assert_int_equal(getpwnam_of("p1", &pw, NULL, 0, &err), NSS_STATUS_TRYAGAIN);
    assert_int_equal(err, ERANGE);
    assert_int_equal(getgrnam_of("engineers", &gr, NULL, 0, &err), NSS_STATUS_TRYAGAIN);
    assert_int_equal(getgrgid_of(FIXTURE_FIRST, &gr, NULL, 0, &err), NSS_STATUS_TRYAGAIN);
    assert_int_equal(getspnam_of("p1", &sp, NULL, 0, &err), NSS_STATUS_TRYAGAIN);
    // Nobody needs no room to be not there.
    assert_int_equal(getpwnam_of("nobody-here", &pw, NULL, 0, &err), NSS_STATUS_NOTFOUND);
    assert_int_equal(err, ENOENT);
}

static void errno_is_nobodys_but_the_callers(void **state)
{
    struct passwd pw;
    char buf[1024];
    int err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        publish(); // the lookup opens files
        errno = 4711;
        err = 42;
        assert_int_equal(getpwnam_of("p1", &pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
        assert_int_equal(err, 42);
        assert_int_equal(getpwnam_of("nobody-here", &pw, buf, sizeof(buf), &err),
                         NSS_STATUS_NOTFOUND);
        assert_int_equal(getpwnam_of("p1", &pw, buf, 3, &err), NSS_STATUS_TRYAGAIN);
        assert_int_equal(errno, 4711);
    }
}

// ---- initgroups ----

static void initgroups_fills_to_the_limit_and_no_further(void **state)
{
    (void)state;
    // p2 has three: everybody's, engineers, and a local one.
    for (long limit = 1; limit < 8; limit++)
        for (long before = 0; before <= limit; before++) {
            long start = before, size = before ? before : 1;
            gid_t *gids = malloc((size_t)size * sizeof(*gids));
            int err = 0;
            assert_non_null(gids);
            for (long i = 0; i < before; i++)
                gids[i] = 1 + (gid_t)i;
            assert_int_equal(
                initgroups_of("p2", FIXTURE_FIRST + 2, &start, &size, &gids, limit, &err),
                NSS_STATUS_SUCCESS);
            assert_int_equal(start, before + 3 < limit ? before + 3 : limit);
            assert_true(start <= size && size <= limit);
            for (long i = 0; i < before; i++)
                assert_int_equal(gids[i], 1 + i);
            free(gids);
        }
}

#ifndef ROLLCALL_SANITIZE
// As much address space as there is now, and no more.
static void no_more_memory(void)
{
    struct rlimit as = {0};
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f || fscanf(f, "%lu", &pages) != 1)
        _exit(99);
    fclose(f);
    as.rlim_cur = as.rlim_max = pages * (unsigned long)sysconf(_SC_PAGESIZE);
    setrlimit(RLIMIT_AS, &as);
}

static int ask_for_more_gids_than_there_is_memory(void)
{
    long start = 1000000, size = 1000000;
    gid_t *gids = malloc((size_t)size * sizeof(*gids)), *was = gids;
    int err = 0;

    no_more_memory();
    if (initgroups_of("p2", 1, &start, &size, &gids, 0, &err) != NSS_STATUS_TRYAGAIN)
        return 1;
    return err != ENOMEM || start != 1000000 || size != 1000000 || gids != was ? 2 : 0;
}

static int look_up_where_nothing_can_be_mapped(void)
{
    struct rollcall_word word = {.state = ROLLCALL_STATE_LOCKED, .uid = FIXTURE_FIRST + 1};
    struct passwd pw;
    char buf[1024];
    int err;

    if (getpwnam_of("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS)
        return 5;
    no_more_memory();
    rollcall_board_set_generation(board, generation + 1000); // a reason to open it again
    if (getpwnam_of("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS ||
        strcmp(pw.pw_shell, "/bin/bash") != 0)
        return 3;
    // What stays still tells every lock.
    rollcall_board_store(board, 1, &word);
    if (getpwnam_of("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS ||
        strcmp(pw.pw_shell, "/usr/sbin/nologin") != 0)
        return 4;
    return 0;
}

static void without_memory_nothing_is_lost_and_nothing_invented(void **state)
{
    (void)state;
    publish();
    in_a_child(ask_for_more_gids_than_there_is_memory);
    in_a_child(look_up_where_nothing_can_be_mapped);
    publish();
}
#endif

// ---- host processes ----

#ifndef ROLLCALL_SANITIZE // its runtime does not know that a cancelled thread's frames are gone
static void *look_up_cancelled(void *arg)
{
    enum nss_status *ret = arg;
    struct passwd pw;
    char buf[1024];
    int err;

    pthread_cancel(pthread_self());
    *ret = getpwnam_of("p1", &pw, buf, sizeof(buf), &err);
    pthread_testcancel();
    *ret = NSS_STATUS_RETURN; // not reached
    return NULL;
}

static void a_thread_to_be_cancelled_ends_after_its_lookup_and_not_in_it(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        enum nss_status s = NSS_STATUS_UNAVAIL;
        pthread_t t;
        void *ret;
        publish(); // the lookup passes open and close
        assert_int_equal(pthread_create(&t, NULL, look_up_cancelled, &s), 0);
        pthread_join(t, &ret);
        assert_ptr_equal(ret, PTHREAD_CANCELED);
        assert_int_equal(s, NSS_STATUS_SUCCESS);
    }
}
#endif

static void who_closes_all_descriptors_closes_none_of_ours(void **state)
{
    pid_t child;
    int status;

    (void)state;
    child = fork();
    if (child == 0) {
        struct passwd pw;
        char buf[1024];
        int err;
        for (int i = 0; i < 100; i++) {
            int fd;
            for (fd = 3; fd < 256; fd++)
                close(fd);
            // Somebody else's file under a number that might have been ours.
            fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
            rollcall_board_set_generation(board, generation + 1 + (uint64_t)i);
            if (getpwnam_of("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS ||
                fcntl(fd, F_GETFD) < 0 || fcntl(fd + 1, F_GETFD) >= 0)
                _exit(1);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    publish();
}

static unsigned lines_of_maps(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    unsigned n = 0;

    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        n += c == '\n';
    fclose(f);
    return n;
}

static unsigned descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void loading_and_unloading_leaves_nothing_behind(void **state)
{
    char path[PATH_MAX + 64];
    unsigned before, open_before = descriptors();

    (void)state;
    snprintf(path, sizeof(path), "%s/tests/nss/libnss_rollcall.so.2", build_folder);
    before = lines_of_maps();
    for (int i = 0; i < 10000; i++) {
        __typeof__(&_nss_rollcall_getpwnam_r) look_up;
        void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        struct passwd pw;
        char buf[1024];
        int err;
        assert_non_null(so);
        look_up = symbol(so, "_nss_rollcall_getpwnam_r");
        assert_int_equal(look_up("p1", &pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
        assert_int_equal(dlclose(so), 0);
    }
    assert_in_range(lines_of_maps(), 1, before + 4); // the heap's and the stack's own
    assert_int_equal(descriptors(), open_before);
}

static atomic_uint handled, wrong;

static void look_up_in_a_handler(int sig)
{
    struct passwd pw;
    char buf[1024];
    int err;

    (void)sig;
    if (getpwnam_of("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS)
        atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&handled, 1);
}

// It is not allowed, and programs do it.
static void a_handler_that_looks_up_inside_a_lookup_neither_hangs_nor_crashes(void **state)
{
    struct sigaction act = {.sa_handler = look_up_in_a_handler}, old;
    struct itimerval often = {{0, 200}, {0, 200}}, never = {0};

    (void)state;
    sigaction(SIGALRM, &act, &old);
    setitimer(ITIMER_REAL, &often, NULL);
    while (atomic_load(&handled) < 300) {
        struct passwd pw;
        char buf[1024];
        int err;
        move_on();
        if (getpwnam_of("p2", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS)
            atomic_fetch_add(&wrong, 1);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    publish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwd_fits_exactly_and_not_a_byte_sooner),
        cmocka_unit_test(shadow_fits_exactly),
        cmocka_unit_test(groups_fit_exactly_at_every_alignment),
        cmocka_unit_test(no_buffer_at_all_asks_for_one),
        cmocka_unit_test(errno_is_nobodys_but_the_callers),
        cmocka_unit_test(initgroups_fills_to_the_limit_and_no_further),
#ifndef ROLLCALL_SANITIZE
        cmocka_unit_test(without_memory_nothing_is_lost_and_nothing_invented),
#endif
        cmocka_unit_test(who_closes_all_descriptors_closes_none_of_ours),
        cmocka_unit_test(a_handler_that_looks_up_inside_a_lookup_neither_hangs_nor_crashes),
        cmocka_unit_test(loading_and_unloading_leaves_nothing_behind),
#ifndef ROLLCALL_SANITIZE
        cmocka_unit_test(a_thread_to_be_cancelled_ends_after_its_lookup_and_not_in_it),
#endif
    };

    return cmocka_run_group_tests(tests, nss_setup, scratch_leave);
}
