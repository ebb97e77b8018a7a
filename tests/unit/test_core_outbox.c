// SPDX-License-Identifier: BSD-2-Clause
// What a hub's sink is told, in which order, and that nothing is lost between two steps.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/engine/outbox.h"
#include "tests/unit/engine_fixture.h"

static void add_sink(struct engine *e)
{
    static char name[] = "fleet", type[] = "ldap";

    e->config.sink[0] = (struct rollcall_source_config){.sink = true, .name = name, .type = type};
    e->config.n_sinks = 1;
    e->config.dates_ahead = 3 * DAY;
    engine_reopen(e);
}

static json_t *take(struct engine *e, struct outbox_batch *batch)
{
    json_t *users = NULL;

    assert_int_equal(engine_core_outbox_take(e->core, "fleet", e->now, batch, &users), 0);
    return users;
}

static void confirm_all(struct engine *e)
{
    struct outbox_batch batch;

    while (engine_core_outbox_waits(e->core, "fleet")) {
        json_decref(take(e, &batch));
        assert_int_equal(engine_core_outbox_done(e->core, "fleet", &batch), 0);
    }
}

static const char *member(const json_t *users, size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(users, i), key));

    return text ? text : "";
}

// Three people whom the fleet has not heard of yet.
static void three_people(struct engine *e, struct rollcall_user_record rows[3])
{
    rows[0] = row("1", "ada");
    rows[1] = row("2", "ben");
    rows[2] = row("3", "cleo");
    listing(e, rows, 3);
    add_sink(e);
}

static void everybody_is_said_once_and_then_only_who_changed(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];
    struct outbox_batch batch;
    json_t *users;

    three_people(e, rows);
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 3);
    json_decref(users);
    assert_int_equal(engine_core_outbox_done(e->core, "fleet", &batch), 0);
    assert_false(engine_core_outbox_waits(e->core, "fleet"));
    assert_int_equal(engine_core_outbox_confirmed(e->core, "fleet"), batch.generation);
    listing(e, rows, 3); // the same again: nothing to say
    assert_false(engine_core_outbox_waits(e->core, "fleet"));
    rows[1].display_name = "Ben Berger";
    listing(e, rows, 3);
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 1);
    assert_string_equal(member(users, 0, "display"), "Ben Berger");
    json_decref(users);
}

static void an_explicit_lock_goes_first(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[3];
    struct outbox_batch batch;
    json_t *users;

    three_people(e, rows);
    confirm_all(e);
    rows[0].display_name = "Ada A";
    listing(e, rows, 3);
    rows[2].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 3);
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 2);
    assert_string_equal(member(users, 0, "name"), "cleo");
    assert_string_equal(member(users, 0, "state"), "terminated");
    json_decref(users);
}

static void what_changed_again_before_it_was_confirmed_is_said_again(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[1] = {row("1", "ada")};
    struct outbox_batch batch;
    json_t *users;

    listing(e, rows, 1);
    add_sink(e);
    json_decref(take(e, &batch));
    rows[0].status = ROLLCALL_STATUS_LEAVE;
    listing(e, rows, 1);
    assert_int_equal(engine_core_outbox_done(e->core, "fleet", &batch), 0);
    engine_reopen(e); // and a crash loses none of it
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 1);
    assert_string_equal(member(users, 0, "state"), "suspended");
    json_decref(users);
}

static void the_generation_stays_behind_what_was_not_said(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record *rows = calloc(OUTBOX_BATCH + 50, sizeof(*rows));
    struct outbox_batch batch;
    int64_t first;

    crowd(rows, OUTBOX_BATCH + 50);
    add_sink(e);
    listing(e, rows, OUTBOX_BATCH + 50);
    json_decref(take(e, &batch));
    assert_int_equal(batch.n, OUTBOX_BATCH);
    first = batch.generation;
    assert_true(first < engine_core_outbox_last(e->core));
    assert_int_equal(engine_core_outbox_done(e->core, "fleet", &batch), 0);
    json_decref(take(e, &batch));
    assert_int_equal(batch.n, 50);
    assert_int_equal(batch.generation, engine_core_outbox_last(e->core));
    free(rows);
}

static void what_the_breaker_holds_is_refused_and_names_no_date(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[10];
    struct outbox_batch batch;
    json_t *users;
    char hold[24];

    crowd(rows, 10);
    listing(e, rows, 10);
    add_sink(e);
    confirm_all(e);
    for (int i = 0; i < 10; i++)
        rows[i].terminated_at = e->now;
    listing(e, rows, 10); // ten at once, where four may go
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 10);
    assert_string_equal(member(users, 0, "state"), "refused");
    assert_null(json_object_get(json_array_get(users, 0), "not_after"));
    json_decref(users);
    assert_int_equal(engine_core_outbox_done(e->core, "fleet", &batch), 0);
    {
        json_t *answer = NULL;
        assert_int_equal(engine_core_approve(e->core, the_hold(e, hold), "root", e->now, &answer),
                         0);
        json_decref(answer);
    }
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 10);
    assert_string_equal(member(users, 0, "state"), "terminated");
    json_decref(users);
}

static void a_date_is_said_when_it_comes_near_enough(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2] = {row("1", "ada"), row("2", "ben")};
    struct outbox_batch batch;
    json_t *users;

    rows[0].end = e->now + 10 * DAY;
    rows[1].start = e->now + 10 * DAY;
    add_sink(e);
    listing(e, rows, 2);
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 2);
    for (size_t i = 0; i < 2; i++) { // ben is nobody's business yet, unless he stands there
        const json_t *user = json_array_get(users, i);
        bool ben = strcmp(member(users, i, "name"), "ben") == 0;
        assert_int_equal(json_is_true(json_object_get(user, "there")), ben);
        assert_null(json_object_get(user, ben ? "not_before" : "not_after"));
    }
    json_decref(users);
    confirm_all(e);
    assert_int_equal(engine_core_outbox_tick(e->core, e->now), 0);
    confirm_all(e);
    e->now += 8 * DAY;
    assert_int_equal(engine_core_outbox_tick(e->core, e->now), 0);
    users = take(e, &batch);
    assert_int_equal(json_array_size(users), 2);
    for (size_t i = 0; i < 2; i++) {
        bool ada = strcmp(member(users, i, "name"), "ada") == 0;
        assert_non_null(
            json_object_get(json_array_get(users, i), ada ? "not_after" : "not_before"));
        assert_string_equal(member(users, i, "state"), ada ? "active" : "pending");
        assert_false(json_is_true(json_object_get(json_array_get(users, i), "there")));
    }
    json_decref(users);
}

static void the_heartbeat_holds_for_an_authority_not_heard_since_the_state_was_lost(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[1] = {row("1", "ada")};
    json_t *beat;

    add_sink(e);
    listing(e, rows, 1);
    beat = engine_core_heartbeat(e->core, e->now);
    assert_true(json_integer_value(json_object_get(beat, e->config.source[0].name)) > 0);
    json_decref(beat);
    engine_lose_state(e);
    assert_int_equal(engine_core_outbox_raise(e->core, 5000), 0);
    assert_int_equal(engine_core_outbox_last(e->core), 5000);
    assert_int_equal(engine_core_outbox_raise(e->core, OUTBOX_GENERATION_MAX + 1), -ERANGE);
    beat = engine_core_heartbeat(e->core, e->now);
    assert_true(json_is_integer(json_object_get(beat, e->config.source[0].name)));
    assert_int_equal(json_integer_value(json_object_get(beat, e->config.source[0].name)), 0);
    json_decref(beat);
    e->now += 60;
    listing(e, rows, 1);
    beat = engine_core_heartbeat(e->core, e->now);
    assert_true(json_integer_value(json_object_get(beat, e->config.source[0].name)) > 0);
    json_decref(beat);
    assert_true(engine_core_outbox_last(e->core) >= 5000);
}

static void a_lock_is_open_until_each_host_has_said_that_the_last_process_is_gone(void **state)
{
    struct engine *e = *state;
    struct rollcall_user_record rows[2] = {row("1", "ada"), row("2", "ben")};
    json_t *fleet = NULL;
    int64_t last;

    listing(e, rows, 2);
    add_sink(e);
    confirm_all(e);
    rows[0].status = ROLLCALL_STATUS_TERMINATED;
    listing(e, rows, 2);
    confirm_all(e);
    last = engine_core_outbox_last(e->core);
    engine_core_fleet_host(e->core, "web1", last, last, 0, e->now, "1", e->now);
    engine_core_fleet_host(e->core, "web2", last - 1, last - 1, 0, e->now, "1", e->now);
    assert_int_equal(engine_core_fleet(e->core, e->now, &fleet), 0);
    assert_int_equal(json_array_size(json_object_get(fleet, "open")), 1);
    // Worst first.
    assert_string_equal(member(json_object_get(fleet, "hosts"), 0, "host"), "web2");
    json_decref(fleet);
    engine_core_fleet_host(e->core, "web2", last, last - 1, 1, e->now, "1", e->now);
    assert_int_equal(engine_core_fleet(e->core, e->now, &fleet), 0);
    assert_int_equal(json_array_size(json_object_get(fleet, "open")), 1);
    json_decref(fleet);
    engine_core_fleet_host(e->core, "web2", last, last, 0, e->now, "1", e->now);
    assert_int_equal(engine_core_fleet(e->core, e->now, &fleet), 0);
    assert_int_equal(json_array_size(json_object_get(fleet, "open")), 0);
    json_decref(fleet);
}

#define T(f) cmocka_unit_test_setup_teardown(f, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(everybody_is_said_once_and_then_only_who_changed),
        T(an_explicit_lock_goes_first),
        T(what_changed_again_before_it_was_confirmed_is_said_again),
        T(the_generation_stays_behind_what_was_not_said),
        T(what_the_breaker_holds_is_refused_and_names_no_date),
        T(a_date_is_said_when_it_comes_near_enough),
        T(the_heartbeat_holds_for_an_authority_not_heard_since_the_state_was_lost),
        T(a_lock_is_open_until_each_host_has_said_that_the_last_process_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
