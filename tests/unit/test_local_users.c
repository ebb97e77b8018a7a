// SPDX-License-Identifier: BSD-2-Clause
// Users of the local file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/local_users.h"

static void a_line_that_has_no_room_hides_nobody_behind_it(void **state)
{
    char text[1200], buf[256];
    struct passwd pw;
    FILE *f;
    int n;

    (void)state;
    n = snprintf(text, sizeof(text),
                 "root:x:0:0::/root:/bin/sh\nlong:x:1:1:%0900d:/:/bin/sh\nbob:x:2:2::/:/bin/sh\n",
                 0);
    f = fmemopen(text, (size_t)n, "r");
    assert_non_null(f);
    assert_true(rollcall_local_user_next(f, &pw, buf, sizeof(buf)));
    assert_string_equal(pw.pw_name, "root");
    assert_true(rollcall_local_user_next(f, &pw, buf, sizeof(buf)));
    assert_string_equal(pw.pw_name, "bob");
    assert_false(rollcall_local_user_next(f, &pw, buf, sizeof(buf)));
    fclose(f);
}

static void a_long_last_line_without_an_end_is_the_end(void **state)
{
    char text[1200], buf[64];
    struct passwd pw;
    FILE *f;
    int n = snprintf(text, sizeof(text), "long:x:1:1:%0900d:/:/bin/sh", 0);

    (void)state;
    f = fmemopen(text, (size_t)n, "r");
    assert_non_null(f);
    assert_false(rollcall_local_user_next(f, &pw, buf, sizeof(buf)));
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_has_no_room_hides_nobody_behind_it),
        cmocka_unit_test(a_long_last_line_without_an_end_is_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
