// SPDX-License-Identifier: BSD-2-Clause
// The first lookup of a process, made by several threads at once.
#include <limits.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/nss_symbols.h"
#include "tests/unit/published.h"

static int prepare(void **state)
{
    char build[PATH_MAX];

    (void)state;
    load_module(build);
    scratch_enter_state();
    publish_people(40, false);
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
