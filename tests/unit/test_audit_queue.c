// SPDX-License-Identifier: BSD-2-Clause
// The engine's audit records on their way to the enforcer: none is lost to a burst.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "syncd/engine/audit_queue.h"

#define BURST 5000

static char folder[] = "/tmp/audit-queue-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/audit.sock", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int listen_at_path(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    unlink(path);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

static void put(struct audit_queue *q, int i)
{
    char *record;

    assert_true(asprintf(&record, "{\"event\":\"lock\",\"n\":%d}", i) > 0);
    audit_queue_put(q, record);
}

// Reads what is there; returns the number of the record that is expected next.
static int take_all(int fd, int next)
{
    char got[256], want[64];
    ssize_t n;

    while ((n = recv(fd, got, sizeof(got) - 1, 0)) > 0) {
        got[n] = 0;
        snprintf(want, sizeof(want), "{\"event\":\"lock\",\"n\":%d}", next++);
        assert_string_equal(got, want);
    }
    return next;
}

static void a_burst_arrives_whole_and_in_order(void **state)
{
    struct audit_queue q;
    int fd = listen_at_path(), next = 0;

    (void)state;
    assert_int_equal(audit_queue_open(&q, path), 0);
    for (int i = 0; i < BURST; i++)
        put(&q, i);
    assert_true(q.n > 0); // or the socket held them all and nothing was tried
    assert_int_equal(audit_queue_flush(&q), 20);
    while (next < BURST) {
        int before = next;
        next = take_all(fd, next);
        assert_true(next > before);
        audit_queue_flush(&q);
    }
    assert_int_equal(audit_queue_flush(&q), -1);
    audit_queue_close(&q);
    close(fd);
}

static void records_wait_for_an_enforcer_that_starts_again(void **state)
{
    struct audit_queue q;
    int fd, next = 0;

    (void)state;
    unlink(path);
    assert_int_equal(audit_queue_open(&q, path), 0);
    for (int i = 0; i < 5; i++)
        put(&q, i);
    assert_int_equal(audit_queue_flush(&q), 1000);
    fd = listen_at_path();
    assert_int_equal(audit_queue_flush(&q), -1);
    assert_int_equal(take_all(fd, next), 5);
    audit_queue_close(&q);
    close(fd);
}

static void a_queue_that_is_full_gives_up_the_oldest(void **state)
{
    struct audit_queue q;

    (void)state;
    unlink(path);
    assert_int_equal(audit_queue_open(&q, path), 0);
    for (int i = 0; i < AUDIT_QUEUE_MAX + 3; i++)
        put(&q, i);
    assert_int_equal(q.n, AUDIT_QUEUE_MAX);
    assert_int_equal(q.lost, 3);
    assert_string_equal(q.record[q.first], "{\"event\":\"lock\",\"n\":3}");
    audit_queue_close(&q);
}

static void a_record_that_no_socket_takes_does_not_hold_up_the_next(void **state)
{
    struct audit_queue q;
    int fd = listen_at_path();
    char *huge = malloc(4 << 20);

    (void)state;
    assert_non_null(huge);
    memset(huge, 'x', (4 << 20) - 1);
    huge[(4 << 20) - 1] = 0;
    assert_int_equal(audit_queue_open(&q, path), 0);
    audit_queue_put(&q, huge);
    put(&q, 0);
    assert_int_equal(take_all(fd, 0), 1);
    audit_queue_close(&q);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_arrives_whole_and_in_order),
        cmocka_unit_test(records_wait_for_an_enforcer_that_starts_again),
        cmocka_unit_test(a_queue_that_is_full_gives_up_the_oldest),
        cmocka_unit_test(a_record_that_no_socket_takes_does_not_hold_up_the_next),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
