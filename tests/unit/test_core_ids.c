// SPDX-License-Identifier: BSD-2-Clause
// uids and gids: given once, by the directory or by a hash that every host comes to, moved
// by nothing, and never two people's.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "syncd/engine/core_internal.h"
#include "tests/unit/company.h"

#define MIN ROLLCALL_ID_DEFAULT_MIN

static struct colleague *hire_with(struct company *c, const char *number, const char *name,
                                   uint64_t uid)
{
    struct colleague *p = company_hire(c, number, name);

    p->row.has_uid = true;
    p->row.uid = uid;
    return p;
}

static void write_map(const struct company *c, const char *text)
{
    FILE *f = fopen(c->paths.uid_map, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static bool known(const struct company *c, const char *name)
{
    return company_ask(c, name).cause != ROLLCALL_REFUSE_UNKNOWN;
}

static void a_hashed_uid_is_the_same_on_every_host_and_inside_the_range(void **state)
{
    struct company *c = *state, *other = company_open(10);

    c->staff[3].listed = false; // the other host meets people in another order
    company_listing(c);
    c->staff[3].listed = true;
    company_listing(c);
    company_listing(other);
    for (size_t i = 0; i < c->n; i++) {
        uid_t uid = company_uid(c, c->staff[i].name);
        assert_int_equal(uid, ids_hash(&c->config, "hr", c->staff[i].number));
        assert_int_equal(uid, company_uid(other, c->staff[i].name));
        assert_in_range(uid, MIN + 1, ROLLCALL_ID_DEFAULT_MAX);
    }
    company_close(other);
}

static void the_first_id_of_the_range_is_never_hashed_to(void **state)
{
    struct rollcall_config config = {.id_min = MIN, .id_max = MIN + 3};
    bool seen[4] = {0};
    char id[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t n;
        snprintf(id, sizeof(id), "%d", i);
        n = ids_hash(&config, "hr", id);
        assert_in_range(n, MIN + 1, MIN + 3);
        seen[n - MIN] = true;
    }
    assert_true(seen[1] && seen[2] && seen[3]);
}

static void a_directorys_uid_is_used_where_it_may_be(void **state)
{
    struct company *c = *state;
    static const uint64_t never[] = {0,
                                     1000,
                                     65534,
                                     MIN, // rollcall-people
                                     (uint64_t)ROLLCALL_ID_DEFAULT_MAX + 1,
                                     UINT32_MAX,
                                     ((uint64_t)1 << 32) + MIN + 7,
                                     UINT64_MAX};
    char number[16], name[16];

    hire_with(c, "2000", "good", MIN + 7);
    hire_with(c, "2001", "last", ROLLCALL_ID_DEFAULT_MAX);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        snprintf(number, sizeof(number), "30%02zu", i);
        snprintf(name, sizeof(name), "bad%zu", i);
        hire_with(c, number, name, never[i]);
    }
    assert_int_equal(company_listing(c), 0);
    assert_int_equal(company_uid(c, "good"), MIN + 7);
    assert_int_equal(company_uid(c, "last"), ROLLCALL_ID_DEFAULT_MAX);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        snprintf(name, sizeof(name), "bad%zu", i);
        assert_false(known(c, name));
    }
    assert_int_equal(company_events(c, "row-refused"), sizeof(never) / sizeof(never[0]));
}

static void a_uid_that_is_somebodys_is_refused_to_the_later_claim(void **state)
{
    struct company *c = *state;

    hire_with(c, "2000", "first", MIN + 7);
    company_listing(c);
    hire_with(c, "2001", "second", MIN + 7);
    company_listing(c);
    assert_int_equal(company_uid(c, "first"), MIN + 7);
    assert_false(known(c, "second"));
    assert_true(known(c, "p1"));
}

static void one_uid_in_two_new_rows_is_neithers(void **state)
{
    struct company *c = *state;

    company_listing(c);
    hire_with(c, "2000", "first", MIN + 7);
    hire_with(c, "2001", "second", MIN + 7);
    company_listing(c);
    assert_false(known(c, "first"));
    assert_false(known(c, "second"));
}

// A number whose hash meets that of "1000", in a range small enough to have one.
static void find_collision(const struct company *c, char number[16])
{
    uint32_t want = ids_hash(&c->config, "hr", "1000");

    for (int i = 2000; i < 10000000; i++) {
        snprintf(number, 16, "%d", i);
        if (ids_hash(&c->config, "hr", number) == want)
            return;
    }
    fail();
}

static void a_collision_refuses_the_later_claim_until_the_uid_map_settles_it(void **state)
{
    struct company *c = *state;
    char number[16], map[128];
    uid_t uid;

    c->config.id_max = MIN + 100000;
    company_listing(c);
    uid = company_uid(c, "p0");
    find_collision(c, number);
    company_hire(c, number, "unlucky");
    company_forget(c);
    company_listing(c);
    assert_false(known(c, "unlucky"));
    assert_int_equal(company_events(c, "row-refused"), 1);
    assert_int_equal(company_uid(c, "p0"), uid);
    // A line that would take somebody else's uid, or one out of range, settles nothing.
    snprintf(map, sizeof(map), "# why\n%s %u\n", number, uid);
    write_map(c, map);
    company_listing(c);
    assert_false(known(c, "unlucky"));
    snprintf(map, sizeof(map), "%s 1000\n", number);
    write_map(c, map);
    company_listing(c);
    assert_false(known(c, "unlucky"));
    snprintf(map, sizeof(map), "unlucky\t%u # settled\n", MIN + 99);
    write_map(c, map);
    company_listing(c);
    assert_int_equal(company_uid(c, "unlucky"), MIN + 99);
}

// By key or by name; what says no uid is no line.
static void of_two_lines_of_the_uid_map_the_first_counts(void **state)
{
    struct company *c = *state;

    company_hire(c, "3001", "zoe");
    company_hire(c, "3002", "ann");
    company_hire(c, "3003", "bob");
    write_map(c, "#3001 1879048200\nzoe none\n3002 1879049201\nann 1879049202\nzoe\t1879049203\r\n"
                 "3001 1879049204\nbob\nbob 1879049205 # and no newline");
    company_listing(c);
    assert_int_equal(company_uid(c, "zoe"), 1879049203);
    assert_int_equal(company_uid(c, "ann"), 1879049201);
    assert_int_equal(company_uid(c, "bob"), 1879049205);
}

static void a_uid_moves_with_nothing(void **state)
{
    struct company *c = *state;
    uid_t uid;
    char map[64];

    company_listing(c);
    uid = company_uid(c, "p4");
    snprintf(c->staff[4].name, sizeof(c->staff[4].name), "renamed");
    c->staff[4].row.has_uid = true;
    c->staff[4].row.uid = MIN + 8;
    snprintf(map, sizeof(map), "1004 %u\n", MIN + 9);
    write_map(c, map);
    company_listing(c);
    assert_int_equal(company_uid(c, "renamed"), uid);
    c->staff[4].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    assert_int_equal(company_restart(c), 0);
    c->staff[4].row.status = ROLLCALL_STATUS_ACTIVE;
    company_listing(c);
    assert_int_equal(company_uid(c, "renamed"), uid);
}

static void a_leavers_uid_is_nobodys_again(void **state)
{
    struct company *c = *state;

    hire_with(c, "2000", "leaver", MIN + 7);
    company_listing(c);
    c->staff[10].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    c->staff[10].listed = false;
    for (int i = 0; i < 3; i++)
        company_listing(c);
    hire_with(c, "2001", "next", MIN + 7);
    company_listing(c);
    assert_false(known(c, "next"));
}

static void a_named_group_never_takes_a_persons_private_gid(void **state)
{
    struct company *c = *state;
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_GROUP,
                                 .group_id = "linux-users",
                                 .group_name = "linux-users",
                                 .has_gid = true};
    json_t *o = NULL;

    company_listing(c);
    m.gid = company_uid(c, "p1");
    c->now += 60;
    c->as_of = c->now;
    assert_int_equal(company_begin(c, c->as_of), 0);
    m.group_id = m.group_name = "other";
    assert_int_equal(engine_core_message(c->core, "hr", &m, c->now), 0);
    for (size_t i = 0; i < c->n; i++)
        assert_int_equal(company_say(c, &c->staff[i]), 0);
    company_forget(c);
    assert_int_equal(company_commit(c, c->n), 0);
    assert_int_equal(company_events(c, "row-refused"), 1);
    // Nor does a person take a group's.
    hire_with(c, "2000", "late", 0);
    assert_int_equal(engine_core_status(c->core, c->now, &o), 0);
    assert_int_equal(json_integer_value(json_object_get(o, "groups")), 1);
    json_decref(o);
    c->staff[10].row.uid = ids_hash(&c->config, "hr", "linux-users");
    company_listing(c);
    assert_false(known(c, "late"));
}

static void a_batch_that_fails_gives_its_ids_to_nobody_else(void **state)
{
    struct company *c = *state;

    hire_with(c, "2000", "cut", MIN + 7);
    c->now += 60;
    assert_int_equal(company_begin(c, c->now), 0);
    for (size_t i = 0; i < c->n; i++)
        assert_int_equal(company_say(c, &c->staff[i]), 0);
    assert_int_equal(company_commit(c, c->n + 1), -EBADMSG); // the count does not fit
    c->staff[10].listed = false;
    company_listing(c);
    assert_false(known(c, "cut"));
    hire_with(c, "2001", "other", MIN + 7);
    company_listing(c);
    assert_int_equal(company_uid(c, "other"), MIN + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, company_setup, company_teardown)
        TEST(a_hashed_uid_is_the_same_on_every_host_and_inside_the_range),
        TEST(the_first_id_of_the_range_is_never_hashed_to),
        TEST(a_directorys_uid_is_used_where_it_may_be),
        TEST(a_uid_that_is_somebodys_is_refused_to_the_later_claim),
        TEST(one_uid_in_two_new_rows_is_neithers),
        TEST(a_collision_refuses_the_later_claim_until_the_uid_map_settles_it),
        TEST(of_two_lines_of_the_uid_map_the_first_counts),
        TEST(a_uid_moves_with_nothing),
        TEST(a_leavers_uid_is_nobodys_again),
        TEST(a_named_group_never_takes_a_persons_private_gid),
        TEST(a_batch_that_fails_gives_its_ids_to_nobody_else),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
