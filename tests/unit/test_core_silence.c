// SPDX-License-Identifier: BSD-2-Clause
// Sources that fall silent, leases that an administrator extends, and a clock that had been
// far ahead.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/company.h"

static enum rollcall_admission_cause cause(const struct company *c, const char *name)
{
    return company_ask(c, name).cause;
}

// Records of source-silent of this level since the last company_forget.
static unsigned silent(const struct company *c, const char *level)
{
    const json_t *record;
    unsigned n = 0;
    size_t i;

    json_array_foreach(c->audit, i, record)
    {
        const char *event = json_string_value(json_object_get(record, "event"));
        const char *said = json_string_value(json_object_get(record, "level"));
        n += event && said && strcmp(event, "source-silent") == 0 && strcmp(said, level) == 0;
    }
    return n;
}

static int extend(struct company *c, const char *source, int64_t until)
{
    json_t *answer = NULL;
    int r = engine_core_lease_extend(c->core, source, until, "anna", "export is broken", c->now,
                                     &answer);

    json_decref(answer);
    return r;
}

static int clock_recovered(struct company *c)
{
    json_t *answer = NULL;
    int r = engine_core_recover_clock(c->core, "anna", c->now, &answer);

    json_decref(answer);
    return r;
}

static void silence_is_on_record_once_at_each_level_and_its_end_too(void **state)
{
    struct company *c = *state;

    c->config.source[0].expect_every = COMPANY_DAY;
    c->synchronised = true;
    company_listing(c);
    company_wait(c, 60);
    company_forget(c);
    company_wait(c, COMPANY_DAY);
    assert_int_equal(silent(c, "late"), 1);
    company_wait(c, 60);
    company_wait(c, 3600);
    assert_int_equal(silent(c, "late"), 1);
    company_wait(c, 4 * COMPANY_DAY);
    assert_int_equal(silent(c, "lease-50"), 1);
    company_wait(c, 3 * COMPANY_DAY);
    assert_int_equal(silent(c, "lease-80"), 1);
    company_wait(c, 2 * COMPANY_DAY);
    assert_int_equal(silent(c, "lease-over"), 1);
    assert_int_equal(company_events(c, "source-heard"), 0);
    company_listing(c);
    company_wait(c, 60);
    assert_int_equal(company_events(c, "source-heard"), 1);
    assert_int_equal(company_events(c, "source-silent"), 4);
}

static void a_source_that_never_spoke_raises_no_alarm_about_silence(void **state)
{
    struct company *c = *state;

    c->config.source[0].expect_every = COMPANY_DAY;
    company_wait(c, 20 * COMPANY_DAY);
    assert_int_equal(company_events(c, "source-silent"), 0);
}

static void a_lease_that_is_extended_lets_people_in_and_leavers_not(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    c->staff[1].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    company_wait(c, 11 * COMPANY_DAY);
    assert_int_equal(cause(c, "p2"), ROLLCALL_REFUSE_LEASE);
    assert_int_equal(extend(c, "hr", c->now + 2 * COMPANY_DAY), 0);
    assert_int_equal(company_events(c, "lease-extended"), 1);
    assert_int_equal(cause(c, "p2"), ROLLCALL_ADMIT);
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_STATE);
    // Over restarts too, and to its end.
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    company_wait(c, 2 * COMPANY_DAY - 1);
    assert_int_equal(cause(c, "p2"), ROLLCALL_ADMIT);
    company_wait(c, 1);
    assert_int_equal(cause(c, "p2"), ROLLCALL_REFUSE_LEASE);
}

static void a_lease_is_extended_by_its_own_length_at_most(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    assert_int_equal(extend(c, "hr", c->now + 10 * COMPANY_DAY + 1), -EINVAL);
    assert_int_equal(extend(c, "hr", c->now), -EINVAL);
    assert_int_equal(extend(c, "nobody", c->now + 60), -ENOENT);
    assert_int_equal(company_events(c, "lease-extended"), 0);
    assert_int_equal(extend(c, "hr", c->now + 10 * COMPANY_DAY), 0);
}

static void a_shorter_extension_than_the_lease_itself_takes_nothing(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    assert_int_equal(extend(c, "hr", c->now + 60), 0);
    company_wait(c, 9 * COMPANY_DAY);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
}

static void who_is_warned_is_warned_of_the_extended_lease(void **state)
{
    struct company *c = *state;

    c->synchronised = true;
    company_listing(c);
    company_wait(c, 9 * COMPANY_DAY);
    assert_true(company_ask(c, "p1").lease_used_percent >= 80);
    assert_int_equal(extend(c, "hr", c->now + 10 * COMPANY_DAY), 0);
    assert_true(company_ask(c, "p1").lease_used_percent < 50);
}

static void a_clock_that_was_far_ahead_is_forgiven_by_an_administrator_alone(void **state)
{
    struct company *c = *state;
    int64_t now;

    c->synchronised = true;
    company_listing(c);
    company_wait(c, 60);
    now = c->now;
    company_wait(c, 5 * COMPANY_DAY);
    c->now = now;
    company_wait(c, 60);
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_CLOCK);
    // A clock that nobody keeps was perhaps set back by somebody whose time is over.
    c->synchronised = false;
    assert_int_equal(clock_recovered(c), -EPERM);
    assert_int_equal(cause(c, "p1"), ROLLCALL_REFUSE_CLOCK);
    c->synchronised = true;
    assert_int_equal(clock_recovered(c), 0);
    assert_int_equal(company_events(c, "clock-mark-lowered"), 1);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_int_equal(cause(c, "p1"), ROLLCALL_ADMIT);
    assert_int_equal(clock_recovered(c), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, company_setup, company_teardown)
        TEST(silence_is_on_record_once_at_each_level_and_its_end_too),
        TEST(a_source_that_never_spoke_raises_no_alarm_about_silence),
        TEST(a_lease_that_is_extended_lets_people_in_and_leavers_not),
        TEST(a_lease_is_extended_by_its_own_length_at_most),
        TEST(a_shorter_extension_than_the_lease_itself_takes_nothing),
        TEST(who_is_warned_is_warned_of_the_extended_lease),
        TEST(a_clock_that_was_far_ahead_is_forgiven_by_an_administrator_alone),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
