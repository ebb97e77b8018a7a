// SPDX-License-Identifier: BSD-2-Clause
// Listings over time: what is refused, vanishes, comes back or is approved leaves nothing
// behind that a later listing could trip over.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "lib/record_log.h"
#include "rollcall/cache.h"
#include "syncd/engine/core_internal.h"
#include "tests/unit/company.h"

static json_t *about(struct company *c, const char *name)
{
    json_t *o = NULL;

    assert_int_equal(engine_core_user(c->core, name, c->now, &o), 0);
    return o;
}

static int64_t number_about(struct company *c, const char *name, const char *member)
{
    json_t *o = about(c, name);
    int64_t n = json_integer_value(json_object_get(o, member));

    json_decref(o);
    return n;
}

static bool admitted(const struct company *c, const char *name)
{
    return company_ask(c, name).cause == ROLLCALL_ADMIT;
}

static int64_t skipped(struct company *c)
{
    json_t *o = NULL;
    int64_t n;

    assert_int_equal(engine_core_status(c->core, c->now, &o), 0);
    n = json_integer_value(
        json_object_get(json_array_get(json_object_get(o, "sources"), 0), "skipped"));
    json_decref(o);
    return n;
}

static void gone(struct company *c, size_t from, size_t to)
{
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_BEGIN, .as_of = ++c->now};

    assert_int_equal(engine_core_message(c->core, "hr", &m, c->now), 0);
    for (size_t i = from; i < to; i++) {
        m = (struct rollcall_message){.kind = ROLLCALL_MESSAGE_GONE, .id = c->staff[i].number};
        assert_int_equal(engine_core_message(c->core, "hr", &m, c->now), 0);
    }
    m = (struct rollcall_message){.kind = ROLLCALL_MESSAGE_COMMIT, .cursor = "next"};
    assert_int_equal(engine_core_message(c->core, "hr", &m, c->now), 0);
    company_publish(c);
}

// ---- refusals and records of nobody ----

static void a_refusal_ends_with_the_row_that_earned_it(void **state)
{
    struct company *c = *state;
    struct colleague *again;

    company_listing(c);
    again = company_hire(c, "9001", "p1");
    company_listing(c);
    assert_int_equal(skipped(c), 1);
    again->listed = false;
    company_listing(c);
    assert_int_equal(skipped(c), 0);
}

static void a_number_that_stands_once_again_is_an_alarm_no_more(void **state)
{
    struct company *c = *state;
    struct colleague *twice;

    company_listing(c);
    twice = company_hire(c, "1003", "p3");
    c->now += 60;
    c->as_of = c->now;
    assert_int_equal(company_begin(c, c->as_of), 0);
    for (size_t i = 0; i < c->n; i++)
        assert_int_equal(company_say(c, &c->staff[i]), 0);
    assert_int_equal(company_commit(c, c->n), 0);
    assert_int_equal(skipped(c), 1);
    twice->listed = false;
    company_listing(c);
    assert_int_equal(skipped(c), 0);
    assert_true(admitted(c, "p3"));
}

static void refused_rows_that_go_are_no_absences(void **state)
{
    struct company *c = *state;
    char number[16], held[32];

    company_listing(c);
    for (int i = 0; i < 9; i++) {
        snprintf(number, sizeof(number), "90%02d", i);
        company_hire(c, number, "p1");
    }
    company_listing(c);
    for (size_t i = 10; i < c->n; i++)
        c->staff[i].listed = false;
    company_forget(c);
    company_listing(c);
    company_listing(c);
    assert_string_equal(company_held(c, held), "");
    assert_int_equal(company_events(c, "missing"), 0);
}

// ---- groups ----

static void lose_groups(struct company *c, size_t from, size_t to, bool lose)
{
    for (size_t i = from; i < to; i++)
        c->staff[i].row.groups_present = !lose;
}

static void a_column_of_groups_that_vanishes_for_everybody_is_held(void **state)
{
    struct company *c = *state;
    char held[32];

    company_listing(c);
    lose_groups(c, 0, 10, true);
    for (int i = 0; i < 4; i++) {
        company_listing(c);
        for (size_t k = 0; k < 10; k++)
            assert_true(admitted(c, c->staff[k].name));
    }
    assert_string_not_equal(company_held(c, held), "");
    assert_int_equal(company_approve(c, held), 0);
    for (size_t k = 0; k < 10; k++)
        assert_false(admitted(c, c->staff[k].name));
    assert_string_equal(company_held(c, held), "");
    company_listing(c);
    assert_false(admitted(c, "p4"));
    assert_string_equal(company_held(c, held), "");
}

static void held_groups_stand_when_most_of_the_batch_returns(void **state)
{
    struct company *c = *state;
    char held[32];

    company_listing(c);
    lose_groups(c, 0, 10, true);
    company_listing(c);
    company_listing(c);
    lose_groups(c, 0, 8, false);
    company_listing(c);
    company_listing(c);
    assert_true(admitted(c, "p9"));
    assert_string_not_equal(company_held(c, held), "");
    lose_groups(c, 8, 10, false);
    company_listing(c);
    assert_true(admitted(c, "p9"));
    assert_string_equal(company_held(c, held), "");
}

static void groups_that_vanish_for_a_few_are_gone_with_the_second_listing(void **state)
{
    struct company *c = *state;
    char held[32];

    company_listing(c);
    lose_groups(c, 0, 5, true);
    company_listing(c);
    assert_true(admitted(c, "p0"));
    company_listing(c);
    assert_false(admitted(c, "p0"));
    assert_true(admitted(c, "p5"));
    // They count in the window: one more today is held.
    lose_groups(c, 5, 6, true);
    company_listing(c);
    company_listing(c);
    assert_true(admitted(c, "p5"));
    assert_string_not_equal(company_held(c, held), "");
}

static int64_t people_held(struct company *c)
{
    json_t *status = NULL, *held;
    int64_t n;

    assert_int_equal(engine_core_status(c->core, c->now, &status), 0);
    held = json_object_get(status, "held");
    assert_int_equal(json_array_size(held), 1);
    n = json_integer_value(json_object_get(json_array_get(held, 0), "people"));
    json_decref(status);
    return n;
}

static void a_hold_of_groups_says_how_many_it_holds(void **state)
{
    struct company *c = *state;

    company_listing(c);
    lose_groups(c, 0, 10, true);
    company_listing(c);
    company_listing(c);
    assert_int_equal(people_held(c), 10);
    company_listing(c); // nobody is counted twice
    assert_int_equal(people_held(c), 10);
    lose_groups(c, 0, 8, false);
    company_listing(c);
    assert_int_equal(people_held(c), 2);
}

static void options_that_changed_while_no_engine_ran_bite_when_one_starts(void **state)
{
    struct company *c = *state;
    char other[] = "somebody-elses";
    char *was = c->config.allow_groups.item[0];

    company_listing(c);
    assert_true(admitted(c, "p1"));
    company_kill(c);
    c->config.allow_groups.item[0] = other;
    assert_int_equal(company_restart(c), 0);
    assert_false(admitted(c, "p1")); // by the board, before anything is published or listed
    company_kill(c);
    c->config.allow_groups.item[0] = was;
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_true(admitted(c, "p1"));
    company_forget(c);
    company_kill(c);
    assert_int_equal(company_restart(c), 0); // unchanged: nobody is looked at
    assert_int_equal(json_array_size(c->audit), 0);
}

static void a_refused_rename_is_tried_again_though_its_row_does_not_change(void **state)
{
    struct company *c = *state;
    uid_t uid;

    company_listing(c);
    uid = company_uid(c, "p1");
    c->staff[1].row.user_name = "p2"; // somebody has it
    company_listing(c);
    assert_int_equal(company_uid(c, "p1"), uid);
    assert_int_equal(company_events(c, "row-refused"), 1);
    company_listing(c);
    assert_int_equal(company_events(c, "row-refused"), 1); // said once
    c->staff[2].row.user_name = "carla";
    company_listing(c); // a former name is still theirs
    assert_int_not_equal(company_uid(c, "p2"), uid);
    c->staff[2].row.user_name = "caroline";
    company_listing(c);
    company_listing(c);
    assert_int_equal(company_uid(c, "p2"), uid);
}

// ---- rehires ----

static void a_rehire_whose_first_day_is_to_come_has_fresh_factors(void **state)
{
    struct company *c = *state;
    uid_t uid;

    company_listing(c);
    uid = company_uid(c, "p2");
    c->staff[2].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    assert_int_equal(number_about(c, "p2", "incarnation"), 1);
    c->staff[2].row.status = ROLLCALL_STATUS_ACTIVE;
    c->staff[2].row.start = c->now + 7 * COMPANY_DAY;
    company_listing(c);
    assert_int_equal(company_state(c, "p2"), ROLLCALL_STATE_PENDING);
    company_wait(c, 7 * COMPANY_DAY);
    assert_true(admitted(c, "p2"));
    assert_int_equal(number_about(c, "p2", "incarnation"), 2);
    assert_int_equal(company_uid(c, "p2"), uid);
}

static void a_new_id_with_the_same_number_is_the_same_person_and_loses_nobody(void **state)
{
    struct company *c = *state;
    uid_t uid;

    company_listing(c);
    uid = company_uid(c, "p2");
    // Deleted there, locked here, and made anew there.
    c->staff[2].listed = false;
    company_listing(c);
    company_listing(c);
    assert_int_equal(company_state(c, "p2"), ROLLCALL_STATE_LOCKED);
    c->staff[2].listed = true;
    c->staff[2].row.id = "another-id";
    company_listing(c);
    assert_true(admitted(c, "p2"));
    assert_int_equal(company_uid(c, "p2"), uid);
    // In one go: that the old id is absent is no loss, in the second listing either.
    c->staff[2].row.id = "a-third-id";
    for (int i = 0; i < 3; i++) {
        company_listing(c);
        assert_true(admitted(c, "p2"));
    }
    // Absent under each of them, it is one.
    c->staff[2].listed = false;
    company_listing(c);
    assert_true(admitted(c, "p2"));
    company_listing(c);
    assert_int_equal(company_state(c, "p2"), ROLLCALL_STATE_LOCKED);
}

static void a_leave_does_not_void_factors(void **state)
{
    struct company *c = *state;

    company_listing(c);
    c->staff[2].row.status = ROLLCALL_STATUS_LEAVE;
    company_listing(c);
    c->staff[2].row.status = ROLLCALL_STATUS_ACTIVE;
    company_listing(c);
    assert_true(admitted(c, "p2"));
    assert_int_equal(number_about(c, "p2", "incarnation"), 1);
}

static void a_rehire_is_approved_by_the_number_that_is_shown_also_with_a_prefix(void **state)
{
    struct company *c = *state;
    static char prefix[] = "acme-";
    char held[32];
    uid_t uid;

    c->config.source[0].join_prefix = prefix;
    company_listing(c);
    uid = company_uid(c, "p2");
    c->staff[2].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    c->staff[2].listed = false;
    company_hire(c, "9002", "p2");
    company_listing(c);
    assert_string_equal(company_held(c, held), "acme-9002=rehire");
    assert_int_equal(company_approve(c, "9002=rehire"), -ENOENT);
    assert_int_equal(company_approve(c, held), 0);
    company_listing(c);
    assert_true(admitted(c, "p2"));
    assert_int_equal(company_uid(c, "p2"), uid);
}

// ---- homes ----

static void a_new_name_moves_no_home(void **state)
{
    struct company *c = *state;
    json_t *o;

    company_listing(c);
    snprintf(c->staff[2].name, sizeof(c->staff[2].name), "married");
    company_listing(c);
    o = about(c, "married");
    assert_string_equal(json_string_value(json_object_get(o, "home")), "/home/p2");
    json_decref(o);
}

// ---- approval of one person ----

static void an_inferred_lock_ends_sessions_when_its_person_is_approved(void **state)
{
    struct company *c = *state;

    company_listing(c);
    c->staff[2].listed = false;
    company_listing(c);
    assert_int_equal(company_approve(c, "p2"), -EINVAL); // not locked yet
    company_listing(c);
    assert_false(admitted(c, "p2"));
    assert_false(company_ends_sessions(c, "p2"));
    company_forget(c);
    assert_int_equal(company_approve(c, "p2"), 0);
    assert_true(company_ends_sessions(c, "p2"));
    assert_int_equal(c->rings, 1);
    // The word stands over listings, reloads and restarts.
    company_listing(c);
    assert_int_equal(engine_core_reconfigure(c->core, &c->config, c->now), 0);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_true(company_ends_sessions(c, "p2"));
    c->staff[2].listed = true;
    company_listing(c);
    assert_true(admitted(c, "p2"));
    assert_int_equal(company_approve(c, "p2"), -EINVAL);
    assert_int_equal(company_approve(c, "nobody"), -ENOENT);
}

// ---- records that their source takes back ----

static void records_taken_back_by_the_thousand_are_loud_and_end_nothing(void **state)
{
    struct company *c = *state;
    char held[32];

    c->config.breaker_explicit_count = 5;
    c->config.breaker_explicit_share = 0;
    company_listing(c);
    company_forget(c);
    gone(c, 0, 8);
    assert_int_equal(company_events(c, "hold"), 1);
    for (size_t i = 0; i < 8; i++) {
        assert_false(admitted(c, c->staff[i].name));
        assert_false(company_ends_sessions(c, c->staff[i].name));
    }
    assert_int_equal(c->rings, 0);
    assert_int_equal(company_approve(c, company_held(c, held)), 0);
    for (size_t i = 0; i < 8; i++)
        assert_true(company_ends_sessions(c, c->staff[i].name));
    assert_true(admitted(c, "p8"));
}

// ---- sources that never stop ----

static void a_listing_beyond_all_measure_is_refused_and_changes_nothing(void **state)
{
    struct company *c = *state;
    static char long_title[250001];
    struct colleague *p;

    company_listing(c);
    c->core->stage_bytes_max = 256u * 1024 * 1024; // not the gigabyte that it is
    memset(long_title, 'x', sizeof(long_title) - 1);
    p = company_hire(c, "9000", "endless");
    p->row.display_name = long_title;
    company_forget(c);
    c->now += 60;
    assert_int_equal(company_begin(c, c->now), 0);
    for (int i = 0; i < 1100; i++) {
        snprintf(p->number, sizeof(p->number), "9%05d", i);
        assert_int_equal(company_say(c, p), 0);
    }
    assert_int_equal(company_events(c, "listing-refused"), 1);
    assert_int_equal(company_commit(c, 1100), -EBADMSG);
    assert_int_equal(company_events(c, "listing-accepted"), 0);
    p->listed = false;
    company_listing(c);
    assert_true(admitted(c, "p1"));
}

// ---- giving back on a disk that refuses ----

static void what_could_not_be_given_for_a_full_disk_is_given_at_a_later_tick(void **state)
{
    struct company *c = *state;
    struct record_log *log;
    int fd;

    company_listing(c);
    c->staff[2].row.status = ROLLCALL_STATUS_LEAVE;
    company_listing(c);
    c->staff[2].row.status = ROLLCALL_STATUS_ACTIVE;
    // The journal begins with its log.
    log = (struct record_log *)c->core->journal;
    fd = log->fd;
    log->fd = -1;
    company_listing(c);
    assert_false(admitted(c, "p2")); // what is not durable is not given
    c->now += 60;
    assert_int_not_equal(engine_core_tick(c->core, c->now), 0);
    company_publish(c);
    assert_false(admitted(c, "p2"));
    log->fd = fd;
    company_wait(c, 60);
    assert_true(admitted(c, "p2"));
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_true(admitted(c, "p2"));
}

// Files may not grow: SQLite cannot commit, but the board and the journal have their room.
static void a_lock_falls_on_a_full_disk_and_stays(void **state)
{
    struct company *c = *state;
    struct rlimit was, full;

    company_listing(c);
    c->staff[2].row.status = ROLLCALL_STATUS_TERMINATED;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    full = (struct rlimit){.rlim_cur = 16384, .rlim_max = was.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    c->now += 60;
    c->as_of = c->now;
    assert_int_equal(company_begin(c, c->as_of), 0);
    for (size_t i = 0; i < c->n; i++)
        assert_int_equal(company_say(c, &c->staff[i]), 0);
    assert_true(company_commit(c, c->n) < 0);
    assert_false(admitted(c, "p2"));
    assert_true(company_ends_sessions(c, "p2"));
    assert_true(admitted(c, "p1"));
    company_kill(c);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(company_restart(c), 0);
    assert_false(admitted(c, "p2"));
    company_publish(c);
    assert_false(admitted(c, "p2"));
    assert_true(admitted(c, "p1"));
    company_listing(c);
    assert_int_equal(company_state(c, "p2"), ROLLCALL_STATE_TERMINATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, company_setup, company_teardown)
        TEST(a_refusal_ends_with_the_row_that_earned_it),
        TEST(a_number_that_stands_once_again_is_an_alarm_no_more),
        TEST(refused_rows_that_go_are_no_absences),
        TEST(a_column_of_groups_that_vanishes_for_everybody_is_held),
        TEST(held_groups_stand_when_most_of_the_batch_returns),
        TEST(groups_that_vanish_for_a_few_are_gone_with_the_second_listing),
        TEST(a_hold_of_groups_says_how_many_it_holds),
        TEST(options_that_changed_while_no_engine_ran_bite_when_one_starts),
        TEST(a_refused_rename_is_tried_again_though_its_row_does_not_change),
        TEST(a_rehire_whose_first_day_is_to_come_has_fresh_factors),
        TEST(a_new_id_with_the_same_number_is_the_same_person_and_loses_nobody),
        TEST(a_leave_does_not_void_factors),
        TEST(a_rehire_is_approved_by_the_number_that_is_shown_also_with_a_prefix),
        TEST(a_new_name_moves_no_home),
        TEST(an_inferred_lock_ends_sessions_when_its_person_is_approved),
        TEST(records_taken_back_by_the_thousand_are_loud_and_end_nothing),
        TEST(a_listing_beyond_all_measure_is_refused_and_changes_nothing),
        TEST(a_lock_falls_on_a_full_disk_and_stays),
        TEST(what_could_not_be_given_for_a_full_disk_is_given_at_a_later_tick),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
