// SPDX-License-Identifier: BSD-2-Clause
// A hold of drops that is over, beside one that never was: at random, by two engines.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/dropped_hold.h"
#include "tests/unit/two_ways.h"

#define SEEDS 40

struct pair {
    struct history h;
    struct engine *a, *b;
    void *fixture[2];
};

static void tell(struct pair *p, struct engine *e)
{
    char cursor[24];

    snprintf(cursor, sizeof(cursor), "c%u", ++p->h.step);
    history_say_whole(&p->h, e, 0, e->now, cursor);
}

// A uid that two rows claim is given to neither, and one that is left out claims none; nor is it a
// second listing in which groups are missing.
static void plain(struct file *f)
{
    f->nameless = 0;
    for (size_t i = 0; i < f->n; i++) {
        f->row[i].uid = 0;
        f->row[i].groups = f->row[i].groups < 0 ? 1 : f->row[i].groups;
    }
}

// Both know the same random company.
static void setup(struct pair *p, uint64_t seed)
{
    *p = (struct pair){.h.random = seed * 0x9e3779b97f4a7c15u + 1};
    for (int i = 0; i < 2; i++)
        assert_int_equal(engine_setup(&p->fixture[i]), 0);
    p->a = p->fixture[0];
    p->b = p->fixture[1];
    p->a->core->paths.uid_map = p->b->core->paths.uid_map = "/dev/null";
    for (int i = 0; i < 12; i++) {
        history_change(&p->h, 0, p->a->now);
        plain(&p->h.now[0]);
        tick(p->a, p->a->now + 3600);
        tick(p->b, p->b->now + 3600);
        tell(p, p->a);
        p->h.step--;
        tell(p, p->b);
    }
    if (held_people(p->a) > 0) {
        approve(p->a);
        approve(p->b);
    }
    tick(p->a, p->a->now + 2 * DAY);
    tick(p->b, p->b->now + 2 * DAY);
}

static void teardown(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(engine_teardown(&p->fixture[i]), 0);
}

static bool stands_once(const struct file *f, size_t row)
{
    unsigned n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += strcmp(f->row[i].id, f->row[row].id) == 0;
    return n == 1;
}

// Accounts of people, about which nothing is in dispute, go: some, or all of them. Of two rows that
// claim one name the other would get it, held or not.
static void drop_many(struct pair *p)
{
    struct file *f = &p->h.now[0];
    uint64_t per_cent = 50 + history_random(&p->h, 51);

    for (size_t i = 0; i < f->n; i++)
        if (!f->row[i].broken && f->row[i].status != ROLLCALL_STATUS_TERMINATED &&
            stands_once(f, i) && history_random(&p->h, 100) < per_cent &&
            store_number(&p->a->core->store, 0,
                         "SELECT slot IS NOT NULL AND NOT dropped AND NOT missing AND NOT gone"
                         " AND NOT EXISTS(SELECT 1 FROM refused f WHERE f.source = 'hr' AND"
                         " (f.id = record.id OR f.name = record.name))"
                         " FROM record WHERE source = 'hr' AND id = ?",
                         "s", f->row[i].id))
            f->row[i].dropped = true;
}

// Alone: what another hold keeps as it is follows rules of its own.
static bool is_held(struct engine *e)
{
    return held_people(e) > 0 &&
           store_number(&e->core->store, 0, "SELECT count(*) FROM hold", "") == 1;
}

static void pass(struct pair *p)
{
    bool again = history_random(&p->h, 2);

    tick(p->a, p->a->now + 60);
    tick(p->b, p->b->now + 60);
    if (again)
        engine_reopen(p->a);
}

// It differs only in what was logged.
static bool refilled(uint64_t seed)
{
    struct pair *p = calloc(1, sizeof(*p));
    struct file *before = malloc(sizeof(*before)), *emptied = malloc(sizeof(*emptied));
    bool held;

    assert_true(p && before && emptied);
    setup(p, seed);
    *before = p->h.now[0];
    drop_many(p);
    *emptied = p->h.now[0];
    for (int i = 0; i < 2; i++) {
        pass(p);
        p->h.now[0] = *emptied;
        tell(p, p->a);
        p->h.now[0] = *before;
        p->h.step--;
        tell(p, p->b);
    }
    held = is_held(p->a);
    pass(p);
    p->h.now[0] = *before;
    tell(p, p->a);
    p->h.step--;
    tell(p, p->b);
    assert_int_equal(held_people(p->a), 0);
    if (held)
        history_compare_people(&p->h, p->a, p->b);
    teardown(p);
    free(before);
    free(emptied);
    free(p);
    return held;
}

static bool approved(uint64_t seed)
{
    struct pair *p = calloc(1, sizeof(*p));
    struct file *before = malloc(sizeof(*before)), *emptied = malloc(sizeof(*emptied));
    bool held;

    assert_true(p && before && emptied);
    setup(p, seed);
    *before = p->h.now[0];
    drop_many(p);
    *emptied = p->h.now[0];
    pass(p);
    tell(p, p->a);
    held = is_held(p->a);
    p->h.now[0] = *before;
    p->h.step--;
    tell(p, p->b);
    pass(p);
    p->b->config.breaker_inferred_count = 1000;
    p->h.now[0] = *emptied;
    tell(p, p->a);
    p->h.step--;
    tell(p, p->b);
    if (held) {
        approve(p->a);
        history_compare_people(&p->h, p->a, p->b);
    }
    teardown(p);
    free(before);
    free(emptied);
    free(p);
    return held;
}

static void play(bool (*history)(uint64_t seed))
{
    const char *one = getenv("SEED");
    uint64_t seed = one ? strtoull(one, NULL, 10) : 1, last = one ? seed : SEEDS;
    unsigned held = 0;

    for (; seed <= last; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        held += history(seed);
    }
    print_message("%u of %d were held\n", held, SEEDS);
    assert_true(one || held > SEEDS / 4); // else it shows little
}

static void a_held_drop_that_is_refilled_leaves_what_one_that_never_was_leaves(void **state)
{
    (void)state;
    play(refilled);
}

static void a_held_drop_that_is_approved_leaves_what_one_below_the_limit_leaves(void **state)
{
    (void)state;
    play(approved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_drop_that_is_refilled_leaves_what_one_that_never_was_leaves),
        cmocka_unit_test(a_held_drop_that_is_approved_leaves_what_one_below_the_limit_leaves),
    };

    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
