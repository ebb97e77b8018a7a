// SPDX-License-Identifier: BSD-2-Clause
// What a source or a sink prints on its standard error, however it comes.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "syncd/engine/loop_internal.h"

struct child {
    int epoll, fd[2];
    struct child_errors errors;
    char problem[CHILD_PROBLEM];
};

static void begin_child(struct child *c)
{
    *c = (struct child){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    assert_int_equal(pipe2(c->fd, O_CLOEXEC | O_NONBLOCK), 0);
}

static void print(struct child *c, const char *text)
{
    assert_int_equal(write(c->fd[1], text, strlen(text)), (ssize_t)strlen(text));
    while (child_errors_read(c->epoll, c->fd[0], &c->errors, "source", "hr", c->problem))
        ;
}

static void end_child(struct child *c)
{
    for (int i = 0; i < 2; i++)
        close(c->fd[i]);
    close(c->epoll);
}

static void the_last_line_is_what_it_died_of(void **state)
{
    struct child c;

    (void)state;
    begin_child(&c);
    print(&c, "first\nsec");
    assert_string_equal(c.problem, "first");
    print(&c, "ond\n");
    assert_string_equal(c.problem, "second");
    print(&c, "unended");
    assert_string_equal(c.problem, "second");
    end_child(&c);
}

static void a_line_without_an_end_is_cut_and_takes_no_more_room(void **state)
{
    struct child c;
    char text[3000];

    (void)state;
    begin_child(&c);
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    print(&c, text);
    assert_int_equal(strlen(c.problem), 250);
    assert_true(c.errors.len < sizeof(c.errors.text) - 1);
    print(&c, "\nand another\n");
    assert_string_equal(c.problem, "and another");
    assert_int_equal(c.errors.len, 0);
    end_child(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_is_what_it_died_of),
        cmocka_unit_test(a_line_without_an_end_is_cut_and_takes_no_more_room),
    };

    return cmocka_run_group_tests_name("what a child prints", tests, NULL, NULL);
}
