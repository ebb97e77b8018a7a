// SPDX-License-Identifier: BSD-2-Clause
// What the processes do that the NSS module is loaded into: close what they did not open,
// run short of memory, change their root, end a thread in the middle.
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <shadow.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/child.h"
#include "tests/unit/nss_company.h"
#include "tests/unit/scratch.h"

static enum nss_status look_up(const char *name)
{
    struct passwd pw;
    char buf[1024];
    int err;

    return getpwnam_of(name, &pw, buf, sizeof(buf), &err);
}

// ---- descriptors ----

static int close_all_and_look_up(void)
{
    if (look_up("p1") != NSS_STATUS_SUCCESS)
        return 1;
    for (int i = 0; i < 50; i++) {
        int fd;
        closefrom(3);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        move_on();
        if (fd != 3 || look_up("p1") != NSS_STATUS_SUCCESS || fcntl(3, F_GETFD) < 0 ||
            fcntl(4, F_GETFD) >= 0)
            return 2;
    }
    return 0;
}

static void closefrom_closes_nothing_of_ours_and_we_nothing_of_the_hosts(void **state)
{
    (void)state;
    in_a_child(close_all_and_look_up);
    publish();
}

static atomic_bool stop;

static void *close_always(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
        close_range(3, ~0u, 0);
    return NULL;
}

static int look_up_while_another_closes(void)
{
    pthread_t t;
    int bad = 0;

    if (look_up("p1") != NSS_STATUS_SUCCESS || pthread_create(&t, NULL, close_always, NULL) != 0)
        return 1;
    for (int i = 0; i < 20000; i++) {
        move_on();
        bad += look_up("p1") != NSS_STATUS_SUCCESS;
    }
    atomic_store(&stop, true);
    pthread_join(t, NULL);
    return bad ? 2 : 0;
}

static void who_closes_our_descriptor_inside_a_lookup_is_answered_from_what_stands(void **state)
{
    (void)state;
    in_a_child(look_up_while_another_closes);
    publish();
}

static int look_up_without_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    for (int i = 0; i < 50; i++) {
        move_on();
        if (look_up("p1") != NSS_STATUS_SUCCESS)
            return 1;
        for (int fd = 0; fd < 3; fd++)
            if (fcntl(fd, F_GETFD) >= 0)
                return 2;
    }
    return 0;
}

static void a_process_without_descriptors_0_to_2_gets_none_of_ours_there(void **state)
{
    (void)state;
    in_a_child(look_up_without_standard_descriptors);
    publish();
}

static int enumerate_without_descriptors(void)
{
    struct rlimit none = {0};
    struct passwd pw;
    struct group gr;
    char buf[1024];
    int err = 0;

    if (look_up("p1") != NSS_STATUS_SUCCESS)
        return 1;
    setrlimit(RLIMIT_NOFILE, &none);
    errno = 4711;
    if (getpwent_of(&pw, buf, sizeof(buf), &err) != NSS_STATUS_TRYAGAIN || err != EAGAIN)
        return 2;
    err = 0;
    if (getgrent_of(&gr, buf, sizeof(buf), &err) != NSS_STATUS_TRYAGAIN || err != EAGAIN)
        return 3;
    return errno == 4711 ? 0 : 4;
}

static void an_enumeration_that_cannot_be_opened_is_to_be_tried_again(void **state)
{
    (void)state;
    in_a_child(enumerate_without_descriptors);
}

// ---- errno and statuses, in every entry ----

struct lookup {
    enum nss_status status;
    int err;
};

static struct lookup ask(int entry, const char *name, uint32_t id, char *buf, size_t len)
{
    gid_t *gids = NULL;
    long start = 0, size = 0;
    struct lookup l = {.err = 42};
    struct passwd pw;
    struct group gr;
    struct spwd sp;

    switch (entry) {
    case 0:
        l.status = getpwnam_of(name, &pw, buf, len, &l.err);
        break;
    case 1:
        l.status = getpwuid_of(id, &pw, buf, len, &l.err);
        break;
    case 2:
        l.status = getgrnam_of(name, &gr, buf, len, &l.err);
        break;
    case 3:
        l.status = getgrgid_of(id, &gr, buf, len, &l.err);
        break;
    case 4:
        l.status = getspnam_of(name, &sp, buf, len, &l.err);
        break;
    case 5:
        l.status = getpwent_of(&pw, buf, len, &l.err);
        break;
    case 6:
        l.status = getgrent_of(&gr, buf, len, &l.err);
        break;
    default:
        l.status = initgroups_of(name, id, &start, &size, &gids, 0, &l.err);
        free(gids);
        break;
    }
    return l;
}
#define ENTRIES    8
#define PWENT      5
#define GRENT      6
#define INITGROUPS 7

static void every_entry_says_what_glibc_knows_and_leaves_errno_to_the_caller(void **state)
{
    const uint32_t id = FIXTURE_FIRST + 1;
    char buf[4096];

    (void)state;
    for (int i = 0; i < ENTRIES; i++) {
        struct lookup l;
        publish(); // the lookup opens files
        setpwent_of(0);
        setgrent_of(0);
        errno = 4711;
        l = ask(i, "p1", id, buf, sizeof(buf));
        assert_int_equal(l.status, NSS_STATUS_SUCCESS);
        assert_int_equal(l.err, 42);
        if (i != INITGROUPS) {
            l = ask(i, "p1", id, buf, 1);
            assert_int_equal(l.status, NSS_STATUS_TRYAGAIN);
            assert_int_equal(l.err, ERANGE);
        }
        if (i != PWENT && i != GRENT) {
            l = ask(i, "nobody-here", id + 1000000, buf, sizeof(buf));
            assert_int_equal(l.status, NSS_STATUS_NOTFOUND);
            assert_int_equal(l.err, ENOENT);
        }
        assert_int_equal(errno, 4711);
    }
}

static void where_the_cache_is_absent_every_entry_is_unavailable(void **state)
{
    char buf[4096];

    (void)state;
    publish();
    setpwent_of(0);
    setgrent_of(0);
    assert_int_equal(rename("state/cache", "state/away"), 0);
    move_on();
    errno = 4711;
    for (int i = 0; i < ENTRIES; i++) {
        struct lookup l = ask(i, "p1", FIXTURE_FIRST + 1, buf, sizeof(buf));
        assert_int_equal(l.status, NSS_STATUS_UNAVAIL);
        assert_int_equal(l.err, ENOENT);
        assert_int_equal(errno, 4711);
    }
    assert_int_equal(rename("state/away", "state/cache"), 0);
    // Absence is remembered for a second at most.
    for (int i = 0; i < 40 && look_up("p1") != NSS_STATUS_SUCCESS; i++)
        usleep(100000);
    assert_int_equal(look_up("p1"), NSS_STATUS_SUCCESS);
}

// ---- threads that end, processes that fork ----

#ifndef ROLLCALL_SANITIZE // its runtime does not know that a cancelled thread's frames are gone
static void *enumerate_cancelled(void *arg)
{
    enum nss_status *ret = arg;
    struct passwd pw;
    struct group gr;
    char buf[1024];
    int err;

    pthread_cancel(pthread_self());
    ret[0] = getpwent_of(&pw, buf, sizeof(buf), &err);
    ret[1] = getgrent_of(&gr, buf, sizeof(buf), &err);
    pthread_testcancel();
    ret[0] = NSS_STATUS_RETURN; // not reached
    return NULL;
}

static void a_thread_to_be_cancelled_ends_after_its_enumeration_and_not_in_it(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        enum nss_status s[2] = {NSS_STATUS_UNAVAIL, NSS_STATUS_UNAVAIL};
        pthread_t t;
        void *ret;
        setpwent_of(0); // the next call opens a pair of its own
        setgrent_of(0);
        assert_int_equal(pthread_create(&t, NULL, enumerate_cancelled, s), 0);
        pthread_join(t, &ret);
        assert_ptr_equal(ret, PTHREAD_CANCELED);
        assert_int_equal(s[0], NSS_STATUS_SUCCESS);
        assert_int_equal(s[1], NSS_STATUS_SUCCESS);
    }
    setpwent_of(0);
    setgrent_of(0);
}
#endif

static unsigned people_left(void)
{
    struct passwd pw;
    char buf[1024];
    unsigned n = 0;
    int err;

    while (getpwent_of(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
        n++;
    return n;
}

static int go_on_from_where_the_parent_was(void)
{
    return people_left() == PEOPLE - 3 ? 0 : 1;
}

static void a_child_enumerates_on_and_its_parent_sees_nothing_of_it(void **state)
{
    struct passwd pw;
    char buf[1024];
    int err;

    (void)state;
    publish();
    setpwent_of(0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(getpwent_of(&pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    in_a_child(go_on_from_where_the_parent_was);
    assert_int_equal(people_left(), PEOPLE - 3);
}

// ---- another root ----

static int maps; // of this process; in its new root there is no /proc

static unsigned shared_objects(void)
{
    static char text[1 << 18];
    size_t len = 0;
    ssize_t got;
    unsigned n = 0;

    lseek(maps, 0, SEEK_SET);
    while ((got = read(maps, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = 0;
    for (const char *at = text; (at = strstr(at, ".so")); at++)
        n++;
    return n;
}

static int look_up_in_an_empty_root(void)
{
    __typeof__(&_nss_rollcall_getpwnam_r) first = load_fresh_module(build_folder);
    unsigned before;
    struct passwd pw;
    char buf[1024];
    int err = 42;

    maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    before = shared_objects();
    if (before == 0 || mkdir("empty", 0755) < 0 || chroot("empty") < 0 || chdir("/") < 0)
        return 1;
    errno = 4711;
    for (int i = 0; i < 1000; i++)
        if (first("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_UNAVAIL || err != ENOENT)
            return 2;
    if (errno != 4711)
        return 3;
    return shared_objects() == before ? 0 : 4; // and no helper was loaded
}

static void after_chroot_the_first_lookup_is_unavailable_and_loads_nothing(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    in_a_child(look_up_in_an_empty_root);
}

// ---- little memory ----

#ifndef ROLLCALL_SANITIZE // its shadow takes terabytes
#define LARGE 100000u

static void limit_address_space(rlim_t bytes)
{
    struct rlimit as = {.rlim_cur = bytes, .rlim_max = bytes};

    setrlimit(RLIMIT_AS, &as);
}

static int look_up_within_100_megabytes(void)
{
    __typeof__(&_nss_rollcall_getpwnam_r) first = load_fresh_module(build_folder);
    char name[16], buf[1024];
    struct passwd pw;
    int err;

    limit_address_space(100u << 20);
    for (unsigned i = 0; i < LARGE; i += 7) {
        snprintf(name, sizeof(name), "p%u", i);
        if (first(name, &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS ||
            pw.pw_uid != FIXTURE_FIRST + i)
            return 1;
    }
    move_on(); // the new mapping stands beside the old one for a moment
    return first("p1", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS ? 0 : 2;
}

static int look_up_where_the_company_does_not_fit(void)
{
    __typeof__(&_nss_rollcall_getpwnam_r) first = load_fresh_module(build_folder);
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    struct passwd pw;
    char buf[1024];
    int err = 0;

    if (!f || fscanf(f, "%lu", &pages) != 1)
        return 1;
    fclose(f);
    limit_address_space(pages * (unsigned long)sysconf(_SC_PAGESIZE) + (2u << 20));
    errno = 4711;
    if (first("p1", &pw, buf, sizeof(buf), &err) != NSS_STATUS_TRYAGAIN || err != EAGAIN)
        return 2;
    return errno == 4711 ? 0 : 3;
}

static void a_large_company_fits_into_100_megabytes_or_is_to_be_tried_again(void **state)
{
    (void)state;
    publish_people(LARGE, false);
    in_a_child(look_up_within_100_megabytes);
    in_a_child(look_up_where_the_company_does_not_fit);
    publish();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closefrom_closes_nothing_of_ours_and_we_nothing_of_the_hosts),
        cmocka_unit_test(who_closes_our_descriptor_inside_a_lookup_is_answered_from_what_stands),
        cmocka_unit_test(a_process_without_descriptors_0_to_2_gets_none_of_ours_there),
        cmocka_unit_test(an_enumeration_that_cannot_be_opened_is_to_be_tried_again),
        cmocka_unit_test(every_entry_says_what_glibc_knows_and_leaves_errno_to_the_caller),
        cmocka_unit_test(where_the_cache_is_absent_every_entry_is_unavailable),
        cmocka_unit_test(a_child_enumerates_on_and_its_parent_sees_nothing_of_it),
        cmocka_unit_test(after_chroot_the_first_lookup_is_unavailable_and_loads_nothing),
#ifndef ROLLCALL_SANITIZE
        cmocka_unit_test(a_large_company_fits_into_100_megabytes_or_is_to_be_tried_again),
        cmocka_unit_test(a_thread_to_be_cancelled_ends_after_its_enumeration_and_not_in_it),
#endif
    };

    return cmocka_run_group_tests(tests, nss_setup, scratch_leave);
}
