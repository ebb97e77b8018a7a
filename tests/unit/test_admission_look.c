// SPDX-License-Identifier: BSD-2-Clause
// Who keeps board and private from one look to the next sees what who opens them anew sees.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/admission.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

#define NOW 500
#define FEW 4

static struct rollcall_look kept;

// By what is kept and by a look of its own: the same.
static enum rollcall_admission_cause cause_of(const char *name)
{
    struct rollcall_admission a, b;

    rollcall_admission_look_again(&kept, "./board", "./private", name, 0, NOW, &a, NULL, NULL, 0);
    rollcall_admission_look_up("./board", "./private", name, 0, NOW, &b, NULL, NULL, 0);
    assert_int_equal(a.cause, b.cause);
    assert_int_equal(a.state, b.state);
    assert_int_equal(a.next, b.next);
    return a.cause;
}

struct one {
    int64_t not_after;
    bool told;
};

static int next_of_one(void *ctx, struct rollcall_person *ret)
{
    struct one *one = ctx;

    if (one->told)
        return 0;
    one->told = true;
    *ret = (struct rollcall_person){.slot = 1,
                                    .uid = FIXTURE_FIRST + 1,
                                    .gid = FIXTURE_FIRST + 1,
                                    .name = "p1",
                                    .former_name = "",
                                    .display_name = "",
                                    .employee_number = "1",
                                    .immutable_id = "hr:1",
                                    .home = "/home/p1",
                                    .shell = "/bin/sh",
                                    .dn = "",
                                    .state = ROLLCALL_STATE_ACTIVE,
                                    .reason = ROLLCALL_REASON_EMPLOYED,
                                    .not_before = ROLLCALL_TIME_UNSET,
                                    .not_after = one->not_after,
                                    .hr_time = ROLLCALL_TIME_UNSET};
    return 1;
}

static void end_p1_at(int64_t not_after)
{
    struct one one = {.not_after = not_after};
    struct rollcall_private_feed feed = {.next_person = next_of_one, .ctx = &one, .generation = 1};

    memcpy(feed.ledger_id, fixture_ledger, 16);
    assert_int_equal(rollcall_private_write_delta("./private", &feed, getgid()), 0);
}

static void what_did_not_change_is_opened_once(void **state)
{
    const struct rollcall_board *board;
    const struct rollcall_private *private_;

    (void)state;
    assert_int_equal(cause_of("p1"), ROLLCALL_ADMIT);
    board = kept.board;
    private_ = kept.private_;
    assert_true(rollcall_board_current(board, "./board"));
    assert_true(rollcall_private_current(private_, "./private"));
    assert_int_equal(cause_of("nobody"), ROLLCALL_REFUSE_UNKNOWN);
    assert_ptr_equal(kept.board, board);
    assert_ptr_equal(kept.private_, private_);
}

static void a_delta_that_comes_changes_or_goes_is_seen(void **state)
{
    (void)state;
    assert_int_equal(cause_of("p1"), ROLLCALL_ADMIT);
    end_p1_at(NOW);
    assert_false(rollcall_private_current(kept.private_, "./private"));
    assert_int_equal(cause_of("p1"), ROLLCALL_REFUSE_ENDED);
    end_p1_at(NOW + 1);
    assert_false(rollcall_private_current(kept.private_, "./private"));
    assert_int_equal(cause_of("p1"), ROLLCALL_ADMIT);
    end_p1_at(NOW);
    assert_int_equal(cause_of("p1"), ROLLCALL_REFUSE_ENDED);
    assert_int_equal(unlink("./private.delta"), 0);
    assert_false(rollcall_private_current(kept.private_, "./private"));
    assert_int_equal(cause_of("p1"), ROLLCALL_ADMIT);
}

static void people_who_come_with_another_file_are_seen(void **state)
{
    (void)state;
    assert_int_equal(cause_of("p5"), ROLLCALL_REFUSE_UNKNOWN);
    assert_int_equal(fixture_private("./private", 2 * FEW), 0);
    assert_int_equal(cause_of("p5"), ROLLCALL_REFUSE_NO_CACHE); // no word on the board yet
    assert_int_equal(fixture_board("./board", 2 * FEW, 2, NULL), 0);
    assert_int_equal(cause_of("p5"), ROLLCALL_ADMIT);
}

static void a_board_that_took_the_place_of_one_that_was_never_marked_is_seen(void **state)
{
    struct rollcall_board_facts facts;

    (void)state;
    assert_int_equal(rollcall_look_at_board(&kept, "./board"), 0);
    assert_int_equal(rename("./board", "./aside"), 0);
    assert_int_equal(fixture_board("./board", FEW, 7, NULL), 0);
    rollcall_board_facts(kept.board, &facts);
    assert_false(facts.replaced);
    assert_false(rollcall_board_current(kept.board, "./board"));
    assert_int_equal(rollcall_look_at_board(&kept, "./board"), 0);
    rollcall_board_facts(kept.board, &facts);
    assert_int_equal(facts.generation, 7);
}

static void a_file_that_went_or_that_others_may_write_now_is_kept_by_nobody(void **state)
{
    static const char *const files[] = {"./board", "./private"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(cause_of("p1"), ROLLCALL_ADMIT);
        assert_int_equal(chmod(files[i], 0666), 0);
        assert_int_equal(cause_of("p1"), ROLLCALL_REFUSE_NO_CACHE);
        assert_int_equal(chmod(files[i], 0640), 0);
        assert_int_equal(cause_of("p1"), ROLLCALL_ADMIT);
        assert_int_equal(rename(files[i], "./aside"), 0);
        assert_int_equal(cause_of("p1"), ROLLCALL_REFUSE_NO_CACHE);
        assert_int_equal(rename("./aside", files[i]), 0);
    }
}

static int begin(void **state)
{
    (void)state;
    unlink("./private.delta");
    return fixture_private("./private", FEW) < 0 || fixture_board("./board", FEW, 1, NULL) < 0;
}

static int end(void **state)
{
    (void)state;
    rollcall_look_end(&kept);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    scratch_enter();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_did_not_change_is_opened_once),
        TEST(a_delta_that_comes_changes_or_goes_is_seen),
        TEST(people_who_come_with_another_file_are_seen),
        TEST(a_board_that_took_the_place_of_one_that_was_never_marked_is_seen),
        TEST(a_file_that_went_or_that_others_may_write_now_is_kept_by_nobody),
    };

    return cmocka_run_group_tests(tests, setup, scratch_leave);
}
