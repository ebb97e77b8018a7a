// SPDX-License-Identifier: BSD-2-Clause
// What a batch costs, counted in SQLite's instructions: no time decides.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "tests/unit/engine_fixture.h"

static int64_t steps_of(struct engine *e)
{
    int64_t n = 0;

    for (unsigned i = 0; i < e->core->store.n; i++)
        n += sqlite3_stmt_status(e->core->store.kept[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    return n;
}

static void say_people(struct engine *e, unsigned n)
{
    assert_int_equal(begin(e, "hr", true, ++e->now), 0);
    for (unsigned i = 0; i < n; i++) {
        char number[24], name[24];
        struct rollcall_user_record r = row(number, name);
        snprintf(number, sizeof(number), "%u", i);
        snprintf(name, sizeof(name), "p%u", i);
        r.has_uid = true; // hashed ones meet now and then
        r.uid = ROLLCALL_ID_DEFAULT_MIN + 1 + i;
        say_row(e, "hr", &r);
    }
    assert_int_equal(commit(e, "hr", n), 0);
}

// A delta that says of `n` people that their records are no more.
static int64_t cost_of_gone(struct engine *e, unsigned from, unsigned n)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .as_of = ++e->now, .version = "v"};

    steps_of(e);
    assert_int_equal(engine_core_message(e->core, "hr", &m, e->now), 0);
    for (unsigned i = from; i < from + n; i++) {
        char number[24];
        snprintf(number, sizeof(number), "%u", i);
        say_gone(e, "hr", number);
    }
    assert_int_equal(commit(e, "hr", 0), 0);
    return steps_of(e);
}

static void ten_times_as_many_who_went_cost_ten_times_as_much(void **state)
{
    struct engine *e = *state;
    int64_t few, many;

    e->config.breaker_explicit_share = 10000;
    say_people(e, 1200);
    cost_of_gone(e, 0, 20); // prepares the statements
    few = cost_of_gone(e, 100, 100);
    many = cost_of_gone(e, 200, 1000);
    print_message("%lld instructions for 100, %lld for 1000\n", (long long)few, (long long)many);
    assert_int_equal(store_number(&e->core->store, 0,
                                  "SELECT count(*) FROM record WHERE gone AND slot >= 0", ""),
                     1120);
    assert_true(many < 10 * few + few);
}

static void assert_same(const char *read, const char *said)
{
    assert_int_equal(read == NULL, said == NULL);
    if (said)
        assert_string_equal(read, said);
}

// What was written is what is read; `broken`: its texts are none.
static void assert_read_as(const char *text, const struct rollcall_user_record *u, bool broken)
{
    struct body b;

    assert_int_equal(body_parse(text, &b), 0);
    assert_same(b.user_name, broken ? NULL : u->user_name);
    assert_same(b.worker_type, broken ? NULL : u->worker_type);
    assert_same(b.dn, broken ? NULL : u->dn);
    assert_same(b.email, broken ? NULL : u->email);
    assert_same(b.department, u->department);
    assert_same(b.manager, u->manager);
    assert_same(b.login_shell, u->login_shell);
    assert_same(b.home_directory, u->home_directory);
    assert_same(b.employee_number, u->employee_number);
    assert_int_equal(b.status, u->status);
    assert_true(b.start == u->start && b.end == u->end && b.terminated_at == u->terminated_at);
    assert_true(b.has_uid && b.uid == u->uid && b.has_gid == u->has_gid && b.gid == 0);
    assert_true(b.groups_present && json_array_size(b.groups) == u->n_groups - (u->n_groups > 5));
    assert_int_equal(json_array_size(b.keys), u->keys_present ? 6 : 0);
    assert_int_equal(json_array_size(b.aliases), u->aliases.n - (u->aliases.n > 5));
    assert_true(b.password_blocked == u->password_blocked && b.rehire_conflict);
    assert_int_equal(b.incarnation, u->incarnation);
    assert_int_equal(b.risk, u->risk);
    if (u->n_groups > 4)
        assert_string_equal(json_string_value(json_array_get(b.groups, 4)), u->groups[4]);
    body_done(&b);
}

static void what_is_no_body_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "\"a\"",
                                        "7",
                                        "{}x",
                                        "{\"name\":",
                                        "{\"name\":{}}",
                                        "{}{}",
                                        "{\"a\":1,}",
                                        "{\"name\":\"\xff\"}",
                                        "{\"name\":\"\xed\xa0\x80\"}",
                                        "{\"name\":\"\\u0000\"}"};
    struct body b;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(body_parse(wrong[i], &b), -EBADMSG);
    assert_int_equal(body_parse(" {\"odd\": [\"x\"], \"name\": \"n\", \"uid\": -1}", &b), 0);
    assert_string_equal(b.user_name, "n");
    assert_true(b.has_uid && b.uid == UINT64_MAX && !b.has_gid && !b.groups_present);
    body_done(&b);
}

// A body that is written another way is taken for another one, of everybody at once.
static void what_is_kept_of_a_row_is_written_as_jansson_writes_it(void **state)
{
    static char long_text[9000];
    const char *odd[] = {"plain",    "",         "a\"b\\c", "\x01\n\t\x1f\x7f",
                         "Zo\u00eb", "\xff\xfe", long_text};

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct rollcall_user_record u = {.user_name = odd[i],
                                         .display_name = odd[(i + 1) % 7],
                                         .email = i % 2 ? odd[i] : NULL,
                                         .department = "d",
                                         .manager = "m",
                                         .worker_type = odd[i],
                                         .login_shell = "/bin/sh",
                                         .home_directory = "/home/x",
                                         .dn = odd[i],
                                         .employee_number = "1",
                                         .status = ROLLCALL_STATUS_ACTIVE,
                                         .start = -5,
                                         .end = i % 2 ? INT64_MAX : ROLLCALL_TIME_UNSET,
                                         .terminated_at = 7,
                                         .has_uid = true,
                                         .uid = UINT64_MAX >> (i % 2),
                                         .has_gid = i % 2,
                                         .groups_present = true,
                                         .groups = odd,
                                         .n_groups = i,
                                         .keys_present = i % 2,
                                         .ssh_keys = odd,
                                         .n_ssh_keys = 7,
                                         .aliases = {odd, i},
                                         .password_blocked = i % 2,
                                         .rehire_conflict = true,
                                         .incarnation = i,
                                         .risk = ROLLCALL_RISK_LOW};
        char *text = body_from_record(&u), *again;
        json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(o);
        again = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(text, again);
        assert_int_equal(json_array_size(json_object_get(o, "groups")), i - (i > 5));
        assert_int_equal(json_object_get(o, "name") == NULL, i == 5); // no text at all
        assert_read_as(text, &u, i == 5);
        json_decref(o);
        free(text);
        free(again);
    }
}

static int64_t statements_of(struct engine *e)
{
    int64_t n = 0;

    for (unsigned i = 0; i < e->core->store.n; i++)
        n += sqlite3_stmt_status(e->core->store.kept[i].stmt, SQLITE_STMTSTATUS_RUN, 1);
    return n;
}

// It has no absences to look for, and no claims that could be given up.
static void the_first_listing_of_a_source_is_known_as_such(void **state)
{
    struct engine *e = *state;

    say_people(e, 3);
    assert_true(e->core->facts.first);
    say_people(e, 4);
    assert_false(e->core->facts.first);
}

static void a_person_whom_nobody_knew_takes_few_statements(void **state)
{
    struct engine *e = *state;
    int64_t steps, statements;

    say_people(e, 20); // makes the group, and prepares the statements
    steps_of(e);
    statements_of(e);
    say_people(e, 520);
    steps = steps_of(e) / 500;
    statements = statements_of(e) / 500;
    print_message("%lld statements, %lld instructions a person\n", (long long)statements,
                  (long long)steps);
    assert_int_equal(store_number(&e->core->store, 0, "SELECT count(*) FROM person", ""), 520);
    assert_true(statements < 17 && steps < 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
        TEST(what_is_kept_of_a_row_is_written_as_jansson_writes_it),
        TEST(what_is_no_body_is_refused),
        TEST(the_first_listing_of_a_source_is_known_as_such),
        TEST(a_person_whom_nobody_knew_takes_few_statements),
        TEST(ten_times_as_many_who_went_cost_ten_times_as_much),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
