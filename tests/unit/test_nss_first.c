// SPDX-License-Identifier: BSD-2-Clause
// The first lookup of a process, made by several threads at once.
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nss_module/exports.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

static __typeof__(&_nss_rollcall_getpwnam_r) getpwnam_of;

static int prepare(void **state)
{
    char folder[PATH_MAX], path[PATH_MAX + 64];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    struct rollcall_board_writer *board = NULL;
    void *so;

    (void)state;
    assert_true(n > 0);
    folder[n] = 0;
    snprintf(path, sizeof(path), "%s/nss/libnss_rollcall.so.2", dirname(folder));
    so = dlopen(path, RTLD_NOW);
    if (!so)
        fail_msg("%s", dlerror());
    getpwnam_of = (__typeof__(getpwnam_of))(uintptr_t)dlsym(so, "_nss_rollcall_getpwnam_r");
    assert_non_null(getpwnam_of);
    scratch_enter();
    assert_int_equal(mkdir("state", 0755), 0);
    assert_int_equal(mkdir("state/cache", 0755), 0);
    assert_int_equal(fixture_accounts("state/cache/accounts", 40, 1, false), 0);
    assert_int_equal(fixture_board("state/cache/board", 40, 1, &board), 0);
    rollcall_board_writer_close(board);
    return 0;
}

static pthread_barrier_t together;

static void *look_up_first(void *arg)
{
    char buf[1024];
    struct passwd pw;
    int err;

    pthread_barrier_wait(&together);
    if (getpwnam_of("p1", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
        return NULL;
    return arg; // missed
}

// Alone in its program: the module has not opened anything yet.
static void threads_that_look_up_first_and_together_all_find(void **state)
{
    pthread_t threads[16];
    unsigned missed = 0;

    (void)state;
    pthread_barrier_init(&together, NULL, 16);
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_first, &missed), 0);
    for (int i = 0; i < 16; i++) {
        void *ret;
        pthread_join(threads[i], &ret);
        missed += ret != NULL;
    }
    pthread_barrier_destroy(&together);
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_look_up_first_and_together_all_find),
    };

    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
