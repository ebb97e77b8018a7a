// SPDX-License-Identifier: BSD-2-Clause
// Time alone: first days and last instants on their second, leases, the clock's mark, and
// the day after which factors are destroyed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/cache.h"
#include "syncd/engine/core_internal.h"
#include "tests/unit/company.h"

static enum rollcall_admission_cause cause(const struct company *c, const char *name)
{
    return company_ask(c, name).cause;
}

// What the board alone says: what a reader without the private file acts on.
static enum rollcall_state word_of(const struct company *c, const char *name)
{
    struct rollcall_board *board = NULL;
    struct rollcall_private *private_ = NULL;
    struct rollcall_person p;
    struct rollcall_word w = {0};

    assert_int_equal(rollcall_private_open(c->paths.private_, &private_), 0);
    assert_int_equal(rollcall_private_by_name(private_, name, &p), 0);
    assert_int_equal(rollcall_board_open(c->paths.board, &board), 0);
    assert_int_equal(rollcall_board_read(board, p.slot, p.uid, &w), 0);
    rollcall_board_close(board);
    rollcall_private_close(private_);
    return w.state;
}

// Does this text stand anywhere in the public file?
static bool is_public(const struct company *c, const char *text)
{
    FILE *f = fopen(c->paths.accounts, "re");
    static char data[1 << 20];
    size_t len;

    assert_non_null(f);
    len = fread(data, 1, sizeof(data), f);
    fclose(f);
    assert_true(len > 0 && len < sizeof(data));
    return memmem(data, len, text, strlen(text));
}

static void till(struct company *c, int64_t when)
{
    company_wait(c, when - c->now);
}

static void a_last_instant_flips_the_word_on_its_second(void **state)
{
    struct company *c = *state;
    int64_t end;

    company_listing(c);
    end = c->now + 500;
    c->staff[1].row.terminated_at = end;
    c->staff[2].row.end = end + 1;
    company_listing(c);
    assert_int_equal(engine_core_deadline(c->core), end);
    till(c, end - 1);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    company_forget(c);
    till(c, end);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(word_of(c, "p2"), ROLLCALL_STATE_ACTIVE);
    assert_true(company_ends_sessions(c, "p1"));
    assert_int_equal(c->rings, 1);
    assert_int_equal(engine_core_deadline(c->core), end + 1);
    till(c, end + 1);
    assert_int_equal(word_of(c, "p2"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(engine_core_deadline(c->core), ROLLCALL_TIME_UNSET);
}

static void a_date_that_was_published_bites_with_the_engine_dead(void **state)
{
    struct company *c = *state;

    company_listing(c);
    c->staff[1].row.terminated_at = c->now + 500;
    c->staff[2].row.start = c->now + 500;
    company_listing(c);
    company_kill(c);
    c->now += 439;
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    c->now++;
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_ENDED);
    assert_true(company_ends_sessions(c, "p1"));
    // Giving is the engine's: a first day does not come by itself.
    assert_int_not_equal(cause(c, "p2"), ROLLCALL_ADMIT);
    assert_int_equal(company_restart(c), 0);
    company_wait(c, 0);
    assert_int_equal(cause(c, "p2"), ROLLCALL_ADMIT);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
}

static void nobody_whose_first_day_is_to_come_is_in_the_public_file(void **state)
{
    struct company *c = *state;
    int64_t first = c->now + COMPANY_DAY;

    snprintf(c->staff[3].name, sizeof(c->staff[3].name), "newcomer");
    snprintf(c->staff[3].title, sizeof(c->staff[3].title), "Nora Secret");
    c->staff[3].row.start = first;
    company_listing(c);
    assert_true(is_public(c, "p2"));
    assert_false(is_public(c, "newcomer"));
    assert_false(is_public(c, "Nora"));
    till(c, first - 1);
    assert_false(is_public(c, "newcomer"));
    assert_int_equal(word_of(c, "newcomer"), ROLLCALL_STATE_PENDING);
    till(c, first);
    assert_true(is_public(c, "newcomer"));
    assert_int_equal(word_of(c, "newcomer"), ROLLCALL_STATE_ACTIVE);
}

static void a_date_that_is_moved_or_taken_back_in_time_counts_as_it_stands(void **state)
{
    struct company *c = *state;
    int64_t end;

    company_listing(c);
    end = c->now + 500;
    c->staff[1].row.terminated_at = end;
    c->staff[2].row.terminated_at = end;
    company_listing(c);
    c->staff[1].row.terminated_at = end + 500;
    c->staff[2].row.terminated_at = ROLLCALL_TIME_UNSET;
    company_listing(c);
    till(c, end + 1);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    assert_int_equal(cause(c, "p2"), ROLLCALL_ADMIT);
    till(c, end + 500);
    assert_int_not_equal(cause(c, "p1"), ROLLCALL_ADMIT);
}

static void what_a_clock_that_ran_ahead_took_comes_back_with_the_next_listing(void **state)
{
    struct company *c = *state;
    int64_t now;

    company_listing(c);
    company_wait(c, 60);
    c->staff[1].row.terminated_at = c->now + 30 * COMPANY_DAY;
    company_listing(c);
    now = c->now;
    company_wait(c, 60 * COMPANY_DAY);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
    c->now = now; // and the clock is mended
    company_wait(c, 1);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
    company_listing(c);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    assert_int_equal(engine_core_deadline(c->core), c->staff[1].row.terminated_at);
}

// ---- the lease ----

static void past_its_lease_an_authority_lets_nobody_in_and_ends_nothing(void **state)
{
    struct company *c = *state;
    int64_t ends;

    c->synchronised = true;
    company_listing(c);
    ends = c->as_of + 10 * COMPANY_DAY;
    till(c, ends - 1);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    company_forget(c);
    till(c, ends);
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_LEASE);
    assert_false(company_ends_sessions(c, "p1"));
    assert_int_equal(c->rings, 0);
    company_listing(c);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
}

static void the_same_file_read_again_extends_no_lease(void **state)
{
    struct company *c = *state;
    int64_t ends;

    c->synchronised = true;
    company_listing(c);
    ends = c->as_of + 10 * COMPANY_DAY;
    till(c, ends - 1);
    assert_int_equal(company_same_listing(c), 0);
    till(c, ends);
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_LEASE);
}

static void an_authority_ahead_of_the_clock_leases_no_more_than_it_has(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    company_wait(c, 60);
    c->as_of = c->now + COMPANY_DAY / 2;
    assert_int_equal(company_same_listing(c), 0);
    assert_true(company_ask(c, "p1").lease_ends <= c->now + 10 * COMPANY_DAY);
}

static void who_is_in_the_exempt_group_has_no_lease(void **state)
{
    struct company *c = *state;
    static char exempt[] = "ops";
    static const char *const both[] = {"linux-users", "ops"};

    c->config.lease_exempt_group.item[c->config.lease_exempt_group.n++] = exempt;
    c->staff[1].row.groups = both;
    c->staff[1].row.n_groups = 2;
    c->synchronised = true;
    company_listing(c);
    company_wait(c, 11 * COMPANY_DAY);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    assert_int_equal(cause(c, "p2"), ROLLCALL_REFUSE_LEASE);
}

// ---- the clock's mark ----

static void a_clock_below_its_mark_lets_nobody_in_over_restarts_too(void **state)
{
    struct company *c = *state;

    company_listing(c);
    company_wait(c, 3600);
    c->now -= 300;
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    c->now--;
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_CLOCK);
    company_wait(c, 0); // the engine's own tick lowers nothing
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_CLOCK);
    c->now -= 60; // the stored mark is a minute coarse
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_CLOCK);
    assert_false(company_ends_sessions(c, "p1"));
}

static void a_jump_of_days_is_marked_only_when_somebody_keeps_the_clock(void **state)
{
    struct company *c = *state;
    int64_t now;

    company_listing(c);
    company_wait(c, 60);
    now = c->now;
    company_wait(c, 5 * COMPANY_DAY);
    c->now = now;
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    c->synchronised = true;
    company_wait(c, 5 * COMPANY_DAY);
    c->now = now;
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_CLOCK);
}

// ---- destruction ----

static void factors_are_destroyed_after_a_day_of_a_continued_end(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    c->staff[2].row.status = ROLLCALL_STATUS_LEAVE;
    c->staff[3].listed = false;
    company_listing(c);
    company_listing(c);
    company_wait(c, COMPANY_DAY - 120);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
    company_wait(c, 120);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_PURGED);
    company_wait(c, 5 * COMPANY_DAY);
    assert_int_equal(word_of(c, "p2"), ROLLCALL_STATE_SUSPENDED); // a leave destroys nothing
    assert_int_equal(word_of(c, "p3"), ROLLCALL_STATE_LOCKED);    // nor does an absence
}

static void nothing_is_destroyed_by_a_clock_that_nobody_keeps(void **state)
{
    struct company *c = *state;

    company_listing(c);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    for (int i = 0; i < 5; i++)
        company_wait(c, COMPANY_DAY);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
    c->synchronised = true;
    company_wait(c, 60);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_PURGED);
}

static void an_end_that_was_taken_back_starts_its_day_anew(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    company_wait(c, COMPANY_DAY / 2);
    c->staff[1].row.status = ROLLCALL_STATUS_ACTIVE;
    company_listing(c);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    company_wait(c, COMPANY_DAY - 60);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_TERMINATED);
    company_wait(c, 60);
    assert_int_equal(word_of(c, "p1"), ROLLCALL_STATE_PURGED);
}

static void a_held_end_destroys_nothing(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    c->config.breaker_explicit_count = 2;
    c->config.breaker_explicit_share = 0;
    company_listing(c);
    for (size_t i = 0; i < 5; i++)
        c->staff[i].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    company_wait(c, 3 * COMPANY_DAY);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(word_of(c, c->staff[i].name), ROLLCALL_STATE_TERMINATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, company_setup, company_teardown)
        TEST(a_last_instant_flips_the_word_on_its_second),
        TEST(a_date_that_was_published_bites_with_the_engine_dead),
        TEST(nobody_whose_first_day_is_to_come_is_in_the_public_file),
        TEST(a_date_that_is_moved_or_taken_back_in_time_counts_as_it_stands),
        TEST(what_a_clock_that_ran_ahead_took_comes_back_with_the_next_listing),
        TEST(past_its_lease_an_authority_lets_nobody_in_and_ends_nothing),
        TEST(the_same_file_read_again_extends_no_lease),
        TEST(an_authority_ahead_of_the_clock_leases_no_more_than_it_has),
        TEST(who_is_in_the_exempt_group_has_no_lease),
        TEST(a_clock_below_its_mark_lets_nobody_in_over_restarts_too),
        TEST(a_jump_of_days_is_marked_only_when_somebody_keeps_the_clock),
        TEST(factors_are_destroyed_after_a_day_of_a_continued_end),
        TEST(nothing_is_destroyed_by_a_clock_that_nobody_keeps),
        TEST(an_end_that_was_taken_back_starts_its_day_anew),
        TEST(a_held_end_destroys_nothing),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
