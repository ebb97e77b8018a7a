// SPDX-License-Identifier: BSD-2-Clause
// Is what a process has read still what stands on the disk?
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <utime.h>

#include <cmocka.h>

#include "pam_module/verifier/stamp.h"
#include "tests/unit/scratch.h"

static const char *const paths[] = {"file", "folder", "missing", NULL};
static const struct timespec a_while = {.tv_nsec = 40000000}; // longer than any kernel's tick

static void fill(void)
{
    unlink("missing");
    scratch_write("file", "1", 1);
    mkdir("folder", 0755);
    unlink("folder/c.conf");
    scratch_write("folder/b.conf", "1", 1);
}

static struct stamp *taken(void)
{
    struct stamp *s;

    fill();
    nanosleep(&a_while, NULL);
    s = stamp_take(paths);
    assert_true(stamp_fresh(s));
    return s;
}

static void no_longer_fresh(struct stamp *s)
{
    assert_false(stamp_fresh(s));
    stamp_free(s);
}

static void what_was_not_touched_is_fresh(void **state)
{
    struct stamp *s = taken();

    (void)state;
    nanosleep(&a_while, NULL);
    assert_true(stamp_fresh(s));
    stamp_free(s);
}

static void a_byte_that_was_changed_in_place_is_seen(void **state)
{
    struct stamp *s = taken();
    const struct utimbuf then = {1, 1};

    (void)state;
    scratch_write("file", "2", 1);
    assert_int_equal(utime("file", &then), 0); // nobody sets the kernel's own time back
    no_longer_fresh(s);
    s = taken();
    scratch_write("folder/b.conf", "2", 1);
    no_longer_fresh(s);
}

static void another_file_in_its_place_is_seen(void **state)
{
    struct stamp *s = taken();

    (void)state;
    scratch_write("new", "1", 1);
    assert_int_equal(rename("new", "file"), 0);
    no_longer_fresh(s);
}

static void what_came_or_went_is_seen(void **state)
{
    struct stamp *s = taken();

    (void)state;
    scratch_write("missing", "1", 1);
    no_longer_fresh(s);
    s = taken();
    assert_int_equal(unlink("file"), 0);
    no_longer_fresh(s);
    s = taken();
    scratch_write("folder/c.conf", "1", 1);
    no_longer_fresh(s);
    s = taken();
    assert_int_equal(unlink("folder/b.conf"), 0);
    no_longer_fresh(s);
}

static void another_owner_or_mode_is_seen(void **state)
{
    struct stamp *s = taken();

    (void)state;
    assert_int_equal(chmod("folder/b.conf", 0666), 0);
    no_longer_fresh(s);
}

// A second change in the same tick of the kernel's clock would have left the same time.
static void what_was_changed_just_now_is_never_fresh(void **state)
{
    struct stamp *s;

    (void)state;
    fill();
    s = stamp_take(paths);
    no_longer_fresh(s);
}

static void without_a_stamp_nothing_is_fresh(void **state)
{
    (void)state;
    assert_false(stamp_fresh(NULL));
    stamp_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_touched_is_fresh),
        cmocka_unit_test(a_byte_that_was_changed_in_place_is_seen),
        cmocka_unit_test(another_file_in_its_place_is_seen),
        cmocka_unit_test(what_came_or_went_is_seen),
        cmocka_unit_test(another_owner_or_mode_is_seen),
        cmocka_unit_test(what_was_changed_just_now_is_never_fresh),
        cmocka_unit_test(without_a_stamp_nothing_is_fresh),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_leave);
}
