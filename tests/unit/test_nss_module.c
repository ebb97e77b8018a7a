// SPDX-License-Identifier: BSD-2-Clause
// The NSS module through dlopen and through glibc, over a cache in the test's folder:
// what glibc's contract asks, what hostile files and busy processes do to it.
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <shadow.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "nss_module/exports.h"
#include "rollcall/cache_map.h"
#include "tests/unit/nss_company.h"
#include "tests/unit/scratch.h"

int __nss_configure_lookup(const char *database, const char *services);

// ---- answers ----

static enum nss_status by_name(const char *name, struct passwd *pw, char *buf, size_t len)
{
    int err = 0;
    enum nss_status s = getpwnam_of(name, pw, buf, len, &err);

    if (s == NSS_STATUS_NOTFOUND || s == NSS_STATUS_UNAVAIL)
        assert_int_equal(err, ENOENT);
    if (s == NSS_STATUS_TRYAGAIN)
        assert_int_equal(err, ERANGE);
    return s;
}

static const char *shell_of(const char *name)
{
    static char buf[1024];
    struct passwd pw;

    assert_int_equal(by_name(name, &pw, buf, sizeof(buf)), NSS_STATUS_SUCCESS);
    return pw.pw_shell;
}

static void a_person_is_served_by_name_and_by_uid(void **state)
{
    struct passwd pw, same;
    char buf[1024], other[1024];
    int err = 7;

    (void)state;
    assert_int_equal(by_name("p7", &pw, buf, sizeof(buf)), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "p7");
    assert_string_equal(pw.pw_passwd, "x");
    assert_int_equal(pw.pw_uid, FIXTURE_FIRST + 7);
    assert_int_equal(pw.pw_gid, FIXTURE_FIRST + 7);
    assert_string_equal(pw.pw_gecos, "Person 7");
    assert_string_equal(pw.pw_dir, "/home/p7");
    assert_string_equal(pw.pw_shell, "/bin/bash");
    assert_int_equal(getpwuid_of(FIXTURE_FIRST + 15, &same, other, sizeof(other), &err),
                     NSS_STATUS_SUCCESS);
    assert_string_equal(same.pw_name, "p15");
    assert_string_equal(same.pw_gecos, "Person 15 with a name that fills more than a record");
    assert_string_equal(same.pw_dir, "/srv/people/15");
    assert_int_equal(err, 7); // success leaves it alone
}

static void unknown_names_and_ids_are_not_found_and_root_is_not_ours(void **state)
{
    static const char *const names[] = {
        "",    "root",      "nobody",
        "p",   "p40",       "P7",
        "p7 ", "engineers", "a-name-that-is-longer-than-any-name-may-ever-be"};
    char buf[1024];
    struct passwd pw;
    int err;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(by_name(names[i], &pw, buf, sizeof(buf)), NSS_STATUS_NOTFOUND);
    assert_int_equal(getpwuid_of(0, &pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
    assert_int_equal(getpwuid_of((uid_t)-1, &pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
}

static void a_buffer_of_any_size_either_fits_or_asks_for_more(void **state)
{
    bool fitted = false;

    (void)state;
    for (size_t len = 0; len < 200; len++) {
        char *buf = len ? malloc(len) : NULL; // exact: one byte more is a crash under ASan
        struct passwd pw;
        enum nss_status s = by_name("p10", &pw, buf, len);
        assert_true(s == NSS_STATUS_SUCCESS || (!fitted && s == NSS_STATUS_TRYAGAIN));
        fitted = s == NSS_STATUS_SUCCESS;
        if (fitted)
            assert_in_range((uintptr_t)pw.pw_shell, (uintptr_t)buf, (uintptr_t)(buf + len - 1));
        free(buf);
    }
    assert_true(fitted);
    fitted = false;
    for (size_t len = 0; len < 1024; len++) {
        char *buf = len ? malloc(len) : NULL;
        struct group gr;
        int err = 0;
        enum nss_status s = getgrnam_of("engineers", &gr, buf, len, &err);
        assert_true(s == NSS_STATUS_SUCCESS || (s == NSS_STATUS_TRYAGAIN && err == ERANGE));
        fitted = s == NSS_STATUS_SUCCESS;
        free(buf);
    }
    assert_true(fitted);
}

static void errnop_may_be_errno_itself(void **state)
{
    struct passwd pw;
    char small[4];

    (void)state;
    errno = 0;
    assert_int_equal(getpwnam_of("p1", &pw, small, sizeof(small), &errno), NSS_STATUS_TRYAGAIN);
    assert_int_equal(errno, ERANGE);
    errno = 0;
    assert_int_equal(getpwnam_of("no-one", &pw, small, sizeof(small), &errno), NSS_STATUS_NOTFOUND);
    assert_int_equal(errno, ENOENT);
}

static void a_lock_takes_the_shell_at_the_next_lookup(void **state)
{
    struct rollcall_word word = {.state = ROLLCALL_STATE_TERMINATED, .uid = FIXTURE_FIRST + 1};

    (void)state;
    publish();
    assert_string_equal(shell_of("p1"), "/bin/bash");
    assert_int_equal(rollcall_board_store(board, 1, &word), 0);
    assert_string_equal(shell_of("p1"), "/usr/sbin/nologin");
    assert_string_equal(shell_of("p3"), "/bin/bash");
    word.state = ROLLCALL_STATE_ACTIVE;
    rollcall_board_store(board, 1, &word);
    assert_string_equal(shell_of("p1"), "/bin/bash");
}

static void observe_shows_the_real_shell(void **state)
{
    struct rollcall_word word = {.state = ROLLCALL_STATE_LOCKED, .uid = FIXTURE_FIRST + 1};

    (void)state;
    publish_people(PEOPLE, true);
    rollcall_board_store(board, 1, &word);
    assert_string_equal(shell_of("p1"), "/bin/bash");
    publish();
    rollcall_board_store(board, 1, &word);
    assert_string_equal(shell_of("p1"), "/usr/sbin/nologin");
    publish();
}

static void shadow_says_star_and_expired_for_everybody(void **state)
{
    struct spwd sp;
    char buf[256];
    int err;

    (void)state;
    assert_int_equal(getspnam_of("p7", &sp, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_string_equal(sp.sp_namp, "p7");
    assert_string_equal(sp.sp_pwdp, "*");
    assert_int_equal(sp.sp_expire, 1);
    assert_int_equal(getspnam_of("root", &sp, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
    assert_int_equal(getspnam_of("p7", &sp, buf, 3, &err), NSS_STATUS_TRYAGAIN);
    assert_int_equal(err, ERANGE);
}

static void groups_are_named_private_or_everybodys(void **state)
{
    struct group gr;
    char buf[4096];
    unsigned n = 0;
    int err;

    (void)state;
    assert_int_equal(getgrnam_of("engineers", &gr, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_int_equal(gr.gr_gid, FIXTURE_STAFF);
    while (gr.gr_mem[n])
        n++;
    assert_int_equal(n, PEOPLE);
    assert_string_equal(gr.gr_mem[12], "p12");
    assert_int_equal(getgrgid_of(FIXTURE_FIRST + 3, &gr, buf, sizeof(buf), &err),
                     NSS_STATUS_SUCCESS);
    assert_string_equal(gr.gr_name, "p3");
    assert_null(gr.gr_mem[0]);
    assert_int_equal(getgrgid_of(ROLLCALL_ID_DEFAULT_MIN, &gr, buf, sizeof(buf), &err),
                     NSS_STATUS_SUCCESS);
    assert_string_equal(gr.gr_name, "rollcall-people");
    assert_null(gr.gr_mem[0]);
    assert_int_equal(getgrgid_of(27, &gr, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
    assert_int_equal(getgrnam_of("sudo", &gr, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
}

static long gids_of(const char *name, gid_t group, long start, long limit, gid_t *out, long room)
{
    gid_t *list = malloc(sizeof(*list));
    long size = 1;
    int err;

    list[0] = 4711;
    assert_int_equal(initgroups_of(name, group, &start, &size, &list, limit, &err),
                     NSS_STATUS_SUCCESS);
    assert_true(start <= size && start <= room);
    memcpy(out, list, (size_t)start * sizeof(*list));
    free(list);
    return start;
}

static void initgroups_gives_ours_and_the_granted_local_ones(void **state)
{
    gid_t gids[8], *list = NULL;
    long start = 0, size = 0;
    int err;

    (void)state;
    // p2: everybody's group, engineers, and sudo's 27, granted by [local_group].
    assert_int_equal(gids_of("p2", FIXTURE_FIRST + 2, 1, 0, gids, 8), 4);
    assert_int_equal(gids[0], 4711);
    assert_int_equal(gids[1], ROLLCALL_ID_DEFAULT_MIN);
    assert_int_equal(gids[2], FIXTURE_STAFF);
    assert_int_equal(gids[3], 27);
    assert_int_equal(gids_of("p3", FIXTURE_FIRST + 3, 0, 0, gids, 8), 2);
    // The primary group is not repeated, a limit is kept.
    assert_int_equal(gids_of("p2", FIXTURE_STAFF, 0, 0, gids, 8), 2);
    assert_int_equal(gids_of("p2", FIXTURE_FIRST + 2, 1, 2, gids, 8), 2);
    assert_int_equal(initgroups_of("root", 0, &start, &size, &list, 0, &err), NSS_STATUS_NOTFOUND);
    assert_int_equal(start, 0);
}

static void enumeration_gives_everybody_once_whatever_the_buffer(void **state)
{
    char tiny[16], buf[2048];
    unsigned people = 0, groups = 0;
    struct passwd pw;
    struct group gr;
    int err;

    (void)state;
    setpwent_of(0);
    assert_int_equal(getpwent_of(&pw, tiny, sizeof(tiny), &err), NSS_STATUS_TRYAGAIN);
    assert_int_equal(err, ERANGE);
    while (getpwent_of(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
        assert_int_equal(pw.pw_uid, FIXTURE_FIRST + people++);
    assert_int_equal(people, PEOPLE);
    assert_int_equal(getpwent_of(&pw, buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
    setgrent_of(0);
    while (getgrent_of(&gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
        groups++;
    assert_int_equal(groups, PEOPLE + 2);
}

static void glibc_itself_takes_the_module(void **state)
{
    struct passwd pw, *found;
    struct group gr, *found_group;
    char buf[4096];
    gid_t gids[8];
    int n = 8;

    (void)state;
    assert_int_equal(__nss_configure_lookup("passwd", "rollcall"), 0);
    assert_int_equal(__nss_configure_lookup("group", "rollcall"), 0);
    assert_int_equal(__nss_configure_lookup("initgroups", "rollcall"), 0);
    // Too small a buffer first: what glibc hands on is the caller's errno.
    assert_int_equal(getpwnam_r("p30", &pw, buf, 4, &found), ERANGE);
    assert_int_equal(getpwnam_r("p30", &pw, buf, sizeof(buf), &found), 0);
    assert_ptr_equal(found, &pw);
    assert_int_equal(getpwnam_r("p4000", &pw, buf, sizeof(buf), &found), 0);
    assert_null(found);
    assert_int_equal(getgrnam_r("engineers", &gr, buf, sizeof(buf), &found_group), 0);
    assert_ptr_equal(found_group, &gr);
    assert_int_equal(getgrouplist("p2", FIXTURE_FIRST + 2, gids, &n), 4);
    assert_int_equal(gids[0], FIXTURE_FIRST + 2);
}

// ---- a busy process ----

static atomic_bool stop;
static atomic_uint wrong, looked_up;

static void *look_up_until_told(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;

    while (!atomic_load(&stop)) {
        char name[16], buf[1024];
        struct passwd pw;
        int err;
        snprintf(name, sizeof(name), "p%u", i++ % PEOPLE);
        if (getpwnam_of(name, &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS ||
            strcmp(pw.pw_name, name) != 0)
            atomic_fetch_add(&wrong, 1);
        atomic_fetch_add(&looked_up, 1);
    }
    return NULL;
}

static void threads_never_miss_while_files_are_replaced_and_children_forked(void **state)
{
    pthread_t threads[4];

    (void)state;
    atomic_store(&stop, false);
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_until_told, (void *)i), 0);
    for (int round = 0; round < 30; round++) {
        pid_t child;
        int status;
        publish();
        // Other threads are inside lookups and refreshes while we fork.
        child = fork();
        if (child == 0) {
            struct passwd pw;
            char buf[1024];
            int err;
            rollcall_board_set_generation(board, generation + 1000); // a reason to look again
            _exit(getpwnam_of("p5", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&looked_up) > 0);
    assert_int_equal(atomic_load(&wrong), 0);
}

static void no_descriptor_is_kept(void **state)
{
    int before, after;

    (void)state;
    before = dup(0);
    close(before);
    publish();
    (void)shell_of("p1");
    after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

static void a_thread_that_is_cancelled_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        atomic_store(&stop, false);
        assert_int_equal(pthread_create(&t, NULL, look_up_until_told, NULL), 0);
        publish();
        atomic_store(&stop, true);
        pthread_cancel(t);
        pthread_join(t, NULL);
    }
    publish();
    assert_string_equal(shell_of("p1"), "/bin/bash");
}

// ---- a wrong file ----

static void a_board_of_another_ledger_or_none_is_unavailable(void **state)
{
    char buf[1024];
    struct passwd pw;
    struct group gr;
    gid_t *list = NULL;
    long start = 0, size = 0;
    int err;

    (void)state;
    assert_int_equal(rename(BOARD, "state/cache/away"), 0);
    rollcall_board_set_generation(board, ++generation);
    assert_int_equal(by_name("p1", &pw, buf, sizeof(buf)), NSS_STATUS_UNAVAIL);
    assert_int_equal(by_name("nobody-here", &pw, buf, sizeof(buf)), NSS_STATUS_UNAVAIL);
    assert_int_equal(getgrnam_of("engineers", &gr, buf, sizeof(buf), &err), NSS_STATUS_UNAVAIL);
    assert_int_equal(initgroups_of("p1", 1, &start, &size, &list, 0, &err), NSS_STATUS_UNAVAIL);
    publish();
    unlink("state/cache/away");
    // Absence is remembered for a second at most.
    for (int i = 0; i < 40 && by_name("p1", &pw, buf, sizeof(buf)) != NSS_STATUS_SUCCESS; i++)
        usleep(100000);
    assert_string_equal(shell_of("p1"), "/bin/bash");
}

static void ask_everything(void)
{
    char buf[512];
    struct passwd pw;
    struct group gr;
    struct spwd sp;
    int err;

    for (unsigned i = 0; i < 8; i++) {
        char name[16];
        gid_t *list = NULL;
        long start = 0, size = 0;
        snprintf(name, sizeof(name), "p%u", i);
        (void)getpwnam_of(name, &pw, buf, sizeof(buf), &err);
        (void)getpwuid_of(FIXTURE_FIRST + i, &pw, buf, sizeof(buf), &err);
        (void)getspnam_of(name, &sp, buf, sizeof(buf), &err);
        (void)getgrgid_of(FIXTURE_FIRST + i, &gr, buf, sizeof(buf), &err);
        (void)initgroups_of(name, 1, &start, &size, &list, 0, &err);
        for (long k = 0; k < start; k++)
            assert_int_not_equal(list[k], 0);
        free(list);
    }
    (void)getgrnam_of("engineers", &gr, buf, sizeof(buf), &err);
    setpwent_of(0);
    for (int i = 0; i < 50 && getpwent_of(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS; i++)
        assert_true(pw.pw_uid >= ROLLCALL_ID_DEFAULT_MIN);
    setgrent_of(0);
    for (int i = 0; i < 50 && getgrent_of(&gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS; i++)
        assert_true(gr.gr_gid >= ROLLCALL_ID_DEFAULT_MIN);
}

static void bytes_at_random_neither_crash_it_nor_make_anybody_root(void **state)
{
    unsigned char *data, *copy;
    size_t len;

    (void)state;
    publish();
    data = scratch_read(ACCOUNTS, &len);
    copy = malloc(len);
    srandom(4);
    for (int round = 0; round < 2000; round++) {
        memcpy(copy, data, len);
        for (int n = 1 + (int)(random() % 4); n > 0; n--)
            copy[sizeof(struct rc_header) + (size_t)random() % (len - sizeof(struct rc_header))] =
                (unsigned char)random();
        scratch_write(ACCOUNTS, copy, len);
        move_on();
        ask_everything();
    }
    free(copy);
    free(data);
    publish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_served_by_name_and_by_uid),
        cmocka_unit_test(unknown_names_and_ids_are_not_found_and_root_is_not_ours),
        cmocka_unit_test(a_buffer_of_any_size_either_fits_or_asks_for_more),
        cmocka_unit_test(errnop_may_be_errno_itself),
        cmocka_unit_test(a_lock_takes_the_shell_at_the_next_lookup),
        cmocka_unit_test(observe_shows_the_real_shell),
        cmocka_unit_test(shadow_says_star_and_expired_for_everybody),
        cmocka_unit_test(groups_are_named_private_or_everybodys),
        cmocka_unit_test(initgroups_gives_ours_and_the_granted_local_ones),
        cmocka_unit_test(enumeration_gives_everybody_once_whatever_the_buffer),
        cmocka_unit_test(glibc_itself_takes_the_module),
        cmocka_unit_test(threads_never_miss_while_files_are_replaced_and_children_forked),
        cmocka_unit_test(no_descriptor_is_kept),
        cmocka_unit_test(a_thread_that_is_cancelled_leaves_nothing_behind),
        cmocka_unit_test(a_board_of_another_ledger_or_none_is_unavailable),
        cmocka_unit_test(bytes_at_random_neither_crash_it_nor_make_anybody_root),
    };

    return cmocka_run_group_tests(tests, nss_setup, scratch_leave);
}
