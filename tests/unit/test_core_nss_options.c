// SPDX-License-Identifier: BSD-2-Clause
// [nss] and [access] publish: what the public file says, and to whom, is the host's to
// choose; who may log in is not changed by it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/cache_map.h"
#include "syncd/engine/core_internal.h"
#include "tests/unit/company.h"

static struct rc_map open_file(const struct company *c)
{
    struct rc_map m;

    assert_int_equal(rc_map_open(c->paths.accounts, ROLLCALL_MAGIC_ACCOUNTS,
                                 sizeof(struct rc_account_record), &m),
                     0);
    return m;
}

static uint32_t flags_of(const struct company *c)
{
    struct rc_map m = open_file(c);
    uint32_t flags = m.head->flags;

    rc_map_close(&m);
    return flags;
}

static bool is_public(const struct company *c, const char *name)
{
    struct rc_map m = open_file(c);
    struct rc_account_record r;
    uint32_t slot;
    bool found = rc_account_by_name(&m, name, strlen(name), &slot, &r);

    rc_map_close(&m);
    return found;
}

// The name of whom a former name leads to; "" where it leads to nobody.
static const char *present_name(const struct company *c, const char *former, char buf[40])
{
    struct rc_map m = open_file(c);
    struct rc_account_record r;
    uint32_t slot;

    buf[0] = 0;
    if (rc_account_by_former_name(&m, former, strlen(former), &slot, &r))
        snprintf(buf, 40, "%.*s", r.name_len, r.text);
    rc_map_close(&m);
    return buf;
}

static uint32_t members_of(const struct company *c, const char *group)
{
    struct rc_map m = open_file(c);
    struct rc_group_record g;

    assert_true(rc_group_by_name(&m, group, strlen(group), &g));
    rc_map_close(&m);
    return g.n_members;
}

static unsigned groups_of(const struct company *c, const char *name)
{
    struct rc_map m = open_file(c);
    struct rc_account_record r;
    uint32_t slot;

    assert_true(rc_account_by_name(&m, name, strlen(name), &slot, &r));
    rc_map_close(&m);
    return r.n_groups;
}

static void rename_to(struct company *c, size_t i, const char *name)
{
    snprintf(c->staff[i].name, sizeof(c->staff[i].name), "%s", name);
    assert_int_equal(company_listing(c), 0);
}

static void local_user(const struct company *c, const char *line)
{
    FILE *f = fopen(c->paths.passwd, "we");

    assert_non_null(f);
    fputs(line, f);
    fclose(f);
}

// ---- enumerate, locked ----

static void a_host_that_lists_nobody_says_so_in_its_file(void **state)
{
    struct company *c = *state;

    company_listing(c);
    assert_true(flags_of(c) & RC_FLAG_ENUMERATE);
    c->config.enumerate = false;
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_false(flags_of(c) & RC_FLAG_ENUMERATE);
    assert_true(is_public(c, "p3"));
}

static void whoever_is_locked_is_hidden_where_the_host_wants_it(void **state)
{
    struct company *c = *state;

    company_listing(c);
    assert_false(flags_of(c) & RC_FLAG_HIDE_LOCKED);
    c->config.locked = ROLLCALL_LOCKED_HIDDEN;
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_true(flags_of(c) & RC_FLAG_HIDE_LOCKED);
}

// ---- group_members ----

static void a_group_of_more_than_the_limit_lists_none_and_has_them_all(void **state)
{
    struct company *c = *state;

    c->config.group_members.limit = 10;
    company_listing(c);
    assert_int_equal(members_of(c, "linux-users"), 10);
    c->config.group_members.limit = 9;
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_int_equal(members_of(c, "linux-users"), 0);
    assert_int_equal(groups_of(c, "p3"), 1);
    assert_int_equal(company_ask(c, "p3").cause, ROLLCALL_ADMIT);
}

static void where_no_group_lists_anybody_people_are_in_their_groups(void **state)
{
    struct company *c = *state;

    c->config.group_members.none = true;
    company_listing(c);
    assert_int_equal(members_of(c, "linux-users"), 0);
    assert_int_equal(groups_of(c, "p3"), 1);
}

// ---- former_names ----

static void a_former_name_leads_to_its_person_only_where_the_host_wants_it(void **state)
{
    struct company *c = *state;
    char buf[40];

    company_listing(c);
    rename_to(c, 5, "married");
    assert_string_equal(present_name(c, "p5", buf), "");
    c->config.former_names = true;
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_string_equal(present_name(c, "p5", buf), "married");
    assert_false(is_public(c, "p5"));
    assert_int_not_equal(company_ask(c, "p5").cause, ROLLCALL_ADMIT);
    assert_int_equal(company_ask(c, "married").cause, ROLLCALL_ADMIT);
}

static void a_former_name_that_is_one_of_this_hosts_own_leads_nowhere(void **state)
{
    struct company *c = *state;
    char buf[40];

    c->config.former_names = true;
    company_listing(c);
    rename_to(c, 5, "married");
    assert_string_equal(present_name(c, "p5", buf), "married");
    local_user(c, "p5:x:1005:1005::/home/p5:/bin/sh\n");
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_string_equal(present_name(c, "p5", buf), "");
    assert_true(is_public(c, "married"));
}

static void a_former_name_that_somebody_has_now_is_theirs(void **state)
{
    struct company *c = *state;
    char buf[40];

    c->config.former_names = true;
    company_listing(c);
    rename_to(c, 5, "married");
    // As an administrator's hand or an older version could have left it.
    assert_int_equal(
        store_run(&c->core->store, "UPDATE person SET name = 'p5' WHERE name = 'p6'", ""), 0);
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_string_equal(present_name(c, "p5", buf), "");
    assert_true(is_public(c, "p5"));
}

static void a_former_name_of_two_people_leads_to_neither(void **state)
{
    struct company *c = *state;
    char buf[40];

    c->config.former_names = true;
    company_listing(c);
    rename_to(c, 5, "married");
    assert_int_equal(
        store_run(&c->core->store, "UPDATE person SET former_name = 'p5' WHERE name = 'p6'", ""),
        0);
    assert_int_equal(engine_core_local_files_changed(c->core, c->now), 0);
    assert_string_equal(present_name(c, "p5", buf), "");
}

// ---- publish ----

static void only_who_may_come_in_has_a_name_here_where_the_host_wants_it(void **state)
{
    static const char *const elsewhere[] = {"other-team"};
    static char allowed[] = "allowed";
    struct company *c = *state;

    c->config.publish = allowed;
    c->staff[2].row.groups = elsewhere;
    company_listing(c);
    assert_true(is_public(c, "p1"));
    assert_false(is_public(c, "p2"));
    assert_int_equal(members_of(c, "linux-users"), 9);
    assert_int_equal(members_of(c, "other-team"), 0);
    // Who joins an allowed group has a name from then on, and who leaves it has none.
    c->staff[2].row.groups = c->staff[1].row.groups;
    c->staff[1].row.groups = elsewhere;
    company_listing(c);
    assert_false(is_public(c, "p1"));
    assert_true(is_public(c, "p2"));
    assert_int_not_equal(company_ask(c, "p1").cause, ROLLCALL_ADMIT);
}

static void a_lock_takes_no_name_away_where_only_the_allowed_have_one(void **state)
{
    static char allowed[] = "allowed";
    struct company *c = *state;

    c->config.publish = allowed;
    company_listing(c);
    c->staff[4].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    assert_int_not_equal(company_ask(c, "p4").cause, ROLLCALL_ADMIT);
    assert_true(is_public(c, "p4"));
}

static void a_reload_publishes_what_its_options_say(void **state)
{
    static const char *const elsewhere[] = {"other-team"};
    static char allowed[] = "allowed";
    struct company *c = *state;
    struct rollcall_config other;
    char buf[40];

    c->staff[2].row.groups = elsewhere;
    company_listing(c);
    rename_to(c, 5, "married");
    assert_true(is_public(c, "p2"));
    other = c->config;
    other.enumerate = false;
    other.former_names = true;
    other.locked = ROLLCALL_LOCKED_HIDDEN;
    other.group_members.none = true;
    other.publish = allowed;
    assert_int_equal(engine_core_reconfigure(c->core, &other, c->now), 0);
    assert_true(engine_core_dirty(c->core));
    company_publish(c);
    assert_int_equal(flags_of(c), RC_FLAG_HIDE_LOCKED);
    assert_int_equal(members_of(c, "linux-users"), 0);
    assert_false(is_public(c, "p2"));
    assert_string_equal(present_name(c, "p5", buf), "married");
    // And back.
    assert_int_equal(engine_core_reconfigure(c->core, &c->config, c->now), 0);
    company_publish(c);
    assert_int_equal(flags_of(c), RC_FLAG_ENUMERATE);
    assert_int_equal(members_of(c, "linux-users"), 9);
    assert_true(is_public(c, "p2"));
    assert_string_equal(present_name(c, "p5", buf), "");
}

int main(void)
{
#define IN_A_COMPANY(t) cmocka_unit_test_setup_teardown(t, company_setup, company_teardown)
    const struct CMUnitTest tests[] = {
        IN_A_COMPANY(a_host_that_lists_nobody_says_so_in_its_file),
        IN_A_COMPANY(whoever_is_locked_is_hidden_where_the_host_wants_it),
        IN_A_COMPANY(a_group_of_more_than_the_limit_lists_none_and_has_them_all),
        IN_A_COMPANY(where_no_group_lists_anybody_people_are_in_their_groups),
        IN_A_COMPANY(a_former_name_leads_to_its_person_only_where_the_host_wants_it),
        IN_A_COMPANY(a_former_name_that_is_one_of_this_hosts_own_leads_nowhere),
        IN_A_COMPANY(a_former_name_that_somebody_has_now_is_theirs),
        IN_A_COMPANY(a_former_name_of_two_people_leads_to_neither),
        IN_A_COMPANY(only_who_may_come_in_has_a_name_here_where_the_host_wants_it),
        IN_A_COMPANY(a_lock_takes_no_name_away_where_only_the_allowed_have_one),
        IN_A_COMPANY(a_reload_publishes_what_its_options_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
