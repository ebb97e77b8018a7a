// SPDX-License-Identifier: BSD-2-Clause
// A full listing that is said as a difference to the last one is judged as if it had been
// said whole, and costs what it says.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "tests/unit/scratch.h"
#include "tests/unit/two_ways.h"

#define SEEDS 60
#define STEPS 40

// ---- the same history, two ways ----

static void admin(struct history *h, struct engine *a, struct engine *b)
{
    static const char *const what[] = {"=rehire", "=another"};
    struct engine *const both[] = {a, b};
    char name[16], word[64];
    bool lock = history_random(h, 2);
    unsigned kind = (unsigned)history_random(h, 3);

    snprintf(name, sizeof(name), "n%u", (unsigned)history_random(h, 26));
    snprintf(word, sizeof(word), "%u%s", (unsigned)(500 + history_random(h, 20)),
             what[history_random(h, 2)]);
    for (int i = 0; i < 2; i++) {
        struct engine *e = both[i];
        json_t *answer = NULL;
        int64_t hold = store_number(&e->core->store, -1, "SELECT max(id) FROM hold", "");
        char id[24];
        snprintf(id, sizeof(id), "%lld", (long long)hold);
        if (kind == 0)
            engine_core_approve(e->core, hold >= 0 ? id : name, "root", e->now, &answer);
        else if (kind == 1)
            engine_core_approve(e->core, word, "root", e->now, &answer);
        else if (lock)
            engine_core_lock(e->core, name, "root", "test", e->now, &answer);
        else
            engine_core_unlock(e->core, name, "root", e->now, &answer);
        json_decref(answer);
    }
}

static void time_passes(struct history *h, struct engine *a, struct engine *b)
{
    static const int64_t spans[] = {1, 60, 3600, 20000, DAY, 3 * DAY};
    int64_t by = spans[history_random(h, 6)];

    if (history_random(h, 12) == 0) { // a clock that ran ahead for a while
        tick(a, a->now + 2 * DAY);
        tick(b, b->now + 2 * DAY);
        a->now -= 2 * DAY;
        b->now -= 2 * DAY;
    }
    tick(a, a->now + by);
    tick(b, b->now + by);
}

// Not always a later time of its own than the last one, and sometimes an earlier one.
static int64_t time_of(struct history *h, unsigned source, int64_t now)
{
    uint64_t n = history_random(h, 20);

    if (n == 0 && h->as_of[source])
        return h->as_of[source] - 5;
    if (n < 3 && h->as_of[source])
        return h->as_of[source];
    return h->as_of[source] = now;
}

static void play(uint64_t seed, unsigned *differences, unsigned *stale)
{
    struct history *h = calloc(1, sizeof(*h));
    void *first = NULL, *second = NULL;
    struct engine *a, *b;
    unsigned sources = 1 + seed % 2;

    assert_non_null(h);
    h->random = seed * 0x9e3779b97f4a7c15u + 1;
    h->nested = seed % 3 == 1;
    assert_int_equal(engine_setup(&first), 0);
    assert_int_equal(engine_setup(&second), 0);
    a = first;
    b = second;
    for (int i = 0; i < 2; i++) {
        struct engine *e = i ? b : a;
        if (sources == 2)
            engine_add_source(e, "ad", ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY);
        e->config.source[0].when_missing = seed % 5 ? ROLLCALL_MISSING_LOCK : ROLLCALL_MISSING_KEEP;
        e->config.former_names = seed % 3;
        e->core->paths.uid_map = e->paths.uid_map = "/dev/null"; // one name of it in sentences
    }
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned source = (unsigned)history_random(h, sources);
        history_change(h, source, a->now);
        history_say(h, a, b, source, time_of(h, source, a->now));
        history_compare(h, a, b);
        if (history_random(h, 6) == 0)
            admin(h, a, b);
        if (history_random(h, 15) == 0) {
            engine_reopen(a);
            engine_reopen(b);
        }
        if (history_random(h, 60) == 0) {
            engine_lose_state(a);
            engine_lose_state(b);
        }
        time_passes(h, a, b);
        history_compare(h, a, b);
    }
    *differences += h->differences;
    *stale += h->stale;
    assert_int_equal(engine_teardown(&first), 0);
    assert_int_equal(engine_teardown(&second), 0);
    free(h);
}

// SEED=7 plays that one alone.
static void a_listing_said_as_a_difference_is_judged_as_a_whole_one(void **state)
{
    const char *one = getenv("SEED");
    uint64_t seed = one ? strtoull(one, NULL, 10) : 1, last = one ? seed : SEEDS;
    unsigned differences = 0, stale = 0;

    (void)state;
    for (; seed <= last; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        play(seed, &differences, &stale);
    }
    assert_true(one || differences > SEEDS * STEPS / 2); // else it shows little
    assert_true(one || stale > 0);
}

// ---- by name ----

static int begin_since(struct engine *e, const char *since)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = true, .as_of = ++e->now, .since = since};

    return engine_core_message(e->core, "hr", &m, e->now);
}

static int commit_as(struct engine *e, const char *cursor, uint64_t rows)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_COMMIT, .cursor = cursor, .rows = rows};

    return engine_core_message(e->core, "hr", &m, e->now);
}

static int say_absent(struct engine *e, const char *id)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_ABSENT, .id = id};

    return engine_core_message(e->core, "hr", &m, e->now);
}

// The fixture's listings have the cursor "c".
static void difference(struct engine *e, const struct rollcall_user_record *rows, size_t n,
                       const char *absent)
{
    assert_int_equal(begin_since(e, "c"), 0);
    for (size_t i = 0; i < n; i++)
        say_row(e, "hr", &rows[i]);
    if (absent)
        assert_int_equal(say_absent(e, absent), 0);
    assert_int_equal(commit_as(e, "c", n), 0);
}

static void a_difference_to_another_listing_is_not_taken(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    assert_int_equal(begin_since(e, "c"), -ESTALE); // there is none yet
    listing(e, rows, 3);
    assert_int_equal(begin_since(e, "b"), -ESTALE);
    rows[0].status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(engine_core_message(
                         e->core, "hr",
                         &(struct rollcall_message){.kind = ROLLCALL_MESSAGE_USER, .user = rows[0]},
                         e->now),
                     -EBADMSG);
    assert_int_equal(commit_as(e, "d", 1), -EBADMSG);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "listing-refused", NULL), 0);
    assert_string_equal(engine_core_cursor(e->core, "hr"), "c");
    difference(e, rows, 1, NULL);
    assert_int_equal(state_of(e, "p0"), ROLLCALL_STATE_TERMINATED);
}

static void who_stays_absent_is_absent_in_the_second_listing_though_nothing_is_said(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    listing(e, rows, 3);
    difference(e, NULL, 0, "1001");
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "missing", "1001"), 1);
    engine_reopen(e);
    difference(e, NULL, 0, NULL);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_LOCKED);
    assert_string_equal(reason_of(e, "p1"), "missing");
    difference(e, &rows[1], 1, NULL);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(state_of(e, "p2"), ROLLCALL_STATE_ACTIVE);
}

static void who_left_and_came_back_is_absent_like_anybody(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];

    crowd(rows, 3);
    listing(e, rows, 3);
    rows[1].status = ROLLCALL_STATUS_TERMINATED;
    difference(e, &rows[1], 1, NULL);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_TERMINATED);
    difference(e, NULL, 0, "1001"); // HR drops the row of a leaver: nothing to count
    assert_int_equal(audited(e, "missing", NULL), 0);
    rows[1].status = ROLLCALL_STATUS_ACTIVE;
    difference(e, &rows[1], 1, NULL);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    difference(e, NULL, 0, "1001");
    assert_int_equal(audited(e, "missing", "1001"), 1);
    difference(e, NULL, 0, NULL);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_LOCKED);
}

static void a_row_that_takes_an_unchanged_ones_name_waits_until_that_one_goes(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[4];

    crowd(rows, 4);
    rows[2].user_name = rows[3].user_name; // rule 4: neither is taken
    listing(e, rows, 4);
    assert_int_equal(state_of(e, "p3"), 0);
    difference(e, &rows[0], 1, NULL);
    assert_int_equal(state_of(e, "p3"), 0);
    difference(e, NULL, 0, "1002");
    assert_int_equal(state_of(e, "p3"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "missing", NULL), 0);
}

static void a_broken_row_that_is_not_said_again_is_no_absence(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    crowd(rows, 2);
    listing(e, rows, 2);
    assert_int_equal(begin_since(e, "c"), 0);
    say_broken(e, "hr", "1001", false);
    assert_int_equal(commit_as(e, "c", 0), 0);
    for (int i = 0; i < 3; i++)
        difference(e, NULL, 0, NULL);
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "missing", NULL), 0);
}

static void absent_belongs_to_a_difference_and_a_row_that_is_said_is_there(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2];

    crowd(rows, 2);
    listing(e, rows, 2);
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    assert_int_equal(say_absent(e, "1001"), 0);
    assert_int_equal(audited(e, "listing-refused", NULL), 1);
    say_row(e, "hr", &rows[0]);
    assert_int_equal(commit_as(e, "d", 1), -EBADMSG);
    assert_string_equal(engine_core_cursor(e->core, "hr"), "c");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(begin_since(e, "c"), 0);
        assert_int_equal(say_absent(e, "1001"), 0);
        say_row(e, "hr", &rows[1]);
        assert_int_equal(say_absent(e, "1001"), 0);
        assert_int_equal(commit_as(e, "c", 1), 0);
    }
    assert_int_equal(state_of(e, "p1"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(audited(e, "missing", NULL), 0);
}

// ---- cost ----

struct cost {
    int64_t steps, scanned;
};

// What SQLite did since it was asked last: instructions, and rows of scans without an index.
static struct cost cost_of(struct engine *e)
{
    struct cost c = {0};

    for (unsigned i = 0; i < e->core->store.n; i++) {
        sqlite3_stmt *q = e->core->store.kept[i].stmt;
        c.steps += sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 1);
        c.scanned += sqlite3_stmt_status(q, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    }
    return c;
}

static void large_company(struct engine *e, unsigned n)
{
    static char number[24], name[24];

    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (unsigned i = 0; i < n; i++) {
        struct rollcall_user_record r = row(number, name);
        snprintf(number, sizeof(number), "%u", i);
        snprintf(name, sizeof(name), "p%u", i);
        r.has_uid = true; // hashed ones meet now and then
        r.uid = ROLLCALL_ID_DEFAULT_MIN + 1 + i;
        say_row(e, "hr", &r);
    }
    assert_int_equal(commit(e, "hr", n), 0);
    assert_int_equal(engine_core_publish(e->core, e->now), 0);
    // A tenth left long ago, and is in the file no more.
    for (int again = 0; again < 2; again++) {
        assert_int_equal(begin_since(e, "c"), 0);
        for (unsigned i = 0; i < n / 10; i++) {
            struct rollcall_user_record r = row(number, name);
            snprintf(number, sizeof(number), "%u", i);
            snprintf(name, sizeof(name), "p%u", i);
            r.status = ROLLCALL_STATUS_TERMINATED;
            if (again)
                assert_int_equal(say_absent(e, number), 0);
            else
                say_row(e, "hr", &r);
        }
        assert_int_equal(commit_as(e, "c", again ? 0 : n / 10), 0);
        assert_int_equal(engine_core_publish(e->core, e->now), 0);
    }
}

static struct cost cost_in_a_company_of(unsigned n)
{
    void *fresh = NULL;
    struct rollcall_user_record row_of_one = row("199", "p199");
    struct engine *e;
    struct cost c;

    assert_int_equal(engine_setup(&fresh), 0);
    e = fresh;
    e->config.breaker_explicit_share = 5000;
    large_company(e, n);
    // What happened today is another cost: the breaker's window and the delta of `private`.
    e->now += 2 * DAY;
    engine_reopen(e);
    assert_int_equal(engine_core_publish(e->core, e->now), 0);
    difference(e, NULL, 0, NULL);
    cost_of(e);
    row_of_one.status = ROLLCALL_STATUS_TERMINATED;
    difference(e, &row_of_one, 1, "198");
    assert_int_equal(engine_core_publish(e->core, e->now), 0);
    c = cost_of(e);
    assert_int_equal(state_of(e, "p199"), ROLLCALL_STATE_TERMINATED);
    difference(e, NULL, 0, NULL);
    assert_int_equal(state_of(e, "p198"), ROLLCALL_STATE_LOCKED);
    assert_int_equal(state_of(e, "p197"), ROLLCALL_STATE_ACTIVE);
    assert_int_equal(engine_teardown(&fresh), 0);
    return c;
}

static void a_termination_costs_no_more_in_a_larger_company(void **state)
{
    struct cost small = cost_in_a_company_of(200), large = cost_in_a_company_of(1900);

    (void)state;
    print_message("%lld instructions, %lld rows scanned; %lld and %lld in one 9 times as large\n",
                  (long long)small.steps, (long long)small.scanned, (long long)large.steps,
                  (long long)large.scanned);
    assert_int_equal(large.scanned, small.scanned);
    assert_true(large.steps < small.steps + small.steps / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_said_as_a_difference_is_judged_as_a_whole_one),
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
        TEST(a_difference_to_another_listing_is_not_taken),
        TEST(who_stays_absent_is_absent_in_the_second_listing_though_nothing_is_said),
        TEST(who_left_and_came_back_is_absent_like_anybody),
        TEST(a_row_that_takes_an_unchanged_ones_name_waits_until_that_one_goes),
        TEST(a_broken_row_that_is_not_said_again_is_no_absence),
        TEST(absent_belongs_to_a_difference_and_a_row_that_is_said_is_there),
#undef TEST
        cmocka_unit_test(a_termination_costs_no_more_in_a_larger_company),
    };

    setenv("TMPDIR", scratch_memory(), 0); // thousands of commits that need not wait for a disk
    return cmocka_run_group_tests(tests, NULL, NULL);
}
