// SPDX-License-Identifier: BSD-2-Clause
// Which processes a lock ends, which it only names, and which are nobody's business.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/enforcer/process.h"

#define ALICE   1879050000u
#define BOB     1879050001u
#define SESSION "/user.slice/user-1879050000.slice/session-4.scope"
#define SSHD    "/system.slice/ssh.service"

static const struct target alice = {.uid = ALICE,
                                    .sub_start = 100000,
                                    .sub_count = 65536,
                                    .id_min = 1879048192,
                                    .id_max = 2147483646};

static struct process process(uint32_t uid, uint32_t loginuid, bool tty, const char *cgroup)
{
    struct process p = {
        .pid = 4711, .parent = 4000, .start = 1, .loginuid = loginuid, .has_tty = tty};

    for (int i = 0; i < 4; i++)
        p.uid[i] = uid;
    snprintf(p.cgroup, sizeof(p.cgroup), "%s", cgroup);
    return p;
}

static enum fate fate(const struct process *p)
{
    const char *why = NULL;
    enum fate f = process_fate(p, &alice, false, &why);

    assert_true(f == FATE_OTHER || why);
    return f;
}

static enum fate fate_of(uint32_t uid, uint32_t loginuid, bool tty, const char *cgroup)
{
    struct process p = process(uid, loginuid, tty, cgroup);

    return fate(&p);
}

static void her_shell_ends_with_and_without_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(fate_of(ALICE, ALICE, true, SESSION), FATE_ENDS);
    assert_int_equal(fate_of(ALICE, ALICE, false, SESSION), FATE_ENDS);
    assert_int_equal(fate_of(ALICE, NO_LOGINUID, false, "/"), FATE_ENDS);
}

static void any_of_the_four_uids_makes_a_process_hers(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct process p = process(0, NO_LOGINUID, false, "/");
        p.uid[i] = ALICE;
        assert_int_equal(fate(&p), FATE_ENDS);
    }
}

static void a_container_of_hers_ends_with_her(void **state)
{
    (void)state;
    assert_int_equal(fate_of(100000, ALICE, false, SESSION), FATE_ENDS);
    assert_int_equal(fate_of(165535, NO_LOGINUID, false, "/"), FATE_ENDS);
    assert_int_equal(fate_of(165536, NO_LOGINUID, false, "/"), FATE_OTHER);
    assert_int_equal(fate_of(99999, NO_LOGINUID, false, "/"), FATE_OTHER);
}

static void a_subordinate_range_over_other_peoples_ids_makes_nobody_hers(void **state)
{
    struct target wide = alice;
    struct process p = process(BOB, BOB, true, "/");
    const char *why;

    (void)state;
    wide.sub_start = 65536;
    wide.sub_count = UINT32_MAX - 65536;
    assert_int_equal(process_fate(&p, &wide, false, &why), FATE_OTHER);
}

static void her_root_shell_ends_in_a_session_or_on_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(fate_of(0, ALICE, true, SESSION), FATE_ENDS);
    assert_int_equal(fate_of(0, ALICE, false, SESSION), FATE_ENDS);
    assert_int_equal(fate_of(0, ALICE, true, "/"), FATE_ENDS);
}

static void her_root_shell_ends_where_nothing_keeps_sessions_apart(void **state)
{
    (void)state;
    assert_int_equal(fate_of(0, ALICE, true, SSHD), FATE_ENDS);
    assert_int_equal(fate_of(ALICE, ALICE, false, SSHD), FATE_ENDS);
}

static void what_she_became_ends_too(void **state)
{
    (void)state;
    assert_int_equal(fate_of(BOB, ALICE, true, SESSION), FATE_ENDS);
    assert_int_equal(fate_of(1000, ALICE, true, SESSION), FATE_ENDS);
}

static void a_service_she_restarted_is_named_and_stays(void **state)
{
    (void)state;
    assert_int_equal(fate_of(0, ALICE, false, "/system.slice/apache2.service"), FATE_STAYS);
    assert_int_equal(fate_of(0, ALICE, true, "/machine.slice/machine-web.scope"), FATE_STAYS);
    assert_int_equal(fate_of(ALICE, NO_LOGINUID, false, "/system.slice/job.service"), FATE_STAYS);
    assert_int_equal(fate_of(0, ALICE, false, "/"), FATE_STAYS);
}

static void an_upgrade_in_the_midst_stays(void **state)
{
    struct process p = process(0, ALICE, true, SESSION);

    (void)state;
    p.holds_package_lock = true;
    assert_int_equal(fate(&p), FATE_STAYS);
}

static void kill_services_spares_nothing_of_hers(void **state)
{
    struct process dpkg = process(0, ALICE, true, SESSION),
                   service = process(0, ALICE, false, "/system.slice/apache2.service"),
                   other = process(0, NO_LOGINUID, false, "/system.slice/apache2.service");
    const char *why;

    (void)state;
    dpkg.holds_package_lock = true;
    assert_int_equal(process_fate(&dpkg, &alice, true, &why), FATE_ENDS);
    assert_int_equal(process_fate(&service, &alice, true, &why), FATE_ENDS);
    assert_int_equal(process_fate(&other, &alice, true, &why), FATE_OTHER);
}

static void others_are_nobodys_business(void **state)
{
    (void)state;
    assert_int_equal(fate_of(BOB, BOB, true, "/user.slice/user-1879050001.slice/session-5.scope"),
                     FATE_OTHER);
    assert_int_equal(fate_of(0, NO_LOGINUID, true, "/"), FATE_OTHER);
    assert_int_equal(fate_of(0, NO_LOGINUID, false, SSHD), FATE_OTHER);
    assert_int_equal(fate_of(0, BOB, true, SESSION), FATE_OTHER);
}

static void the_first_process_and_the_dead_are_nobodys(void **state)
{
    struct process first = process(ALICE, ALICE, true, SESSION), dead = first;

    (void)state;
    first.pid = 1;
    dead.zombie = true;
    assert_int_equal(fate(&first), FATE_OTHER);
    assert_int_equal(fate(&dead), FATE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(her_shell_ends_with_and_without_a_terminal),
        cmocka_unit_test(any_of_the_four_uids_makes_a_process_hers),
        cmocka_unit_test(a_container_of_hers_ends_with_her),
        cmocka_unit_test(a_subordinate_range_over_other_peoples_ids_makes_nobody_hers),
        cmocka_unit_test(her_root_shell_ends_in_a_session_or_on_a_terminal),
        cmocka_unit_test(her_root_shell_ends_where_nothing_keeps_sessions_apart),
        cmocka_unit_test(what_she_became_ends_too),
        cmocka_unit_test(a_service_she_restarted_is_named_and_stays),
        cmocka_unit_test(an_upgrade_in_the_midst_stays),
        cmocka_unit_test(kill_services_spares_nothing_of_hers),
        cmocka_unit_test(others_are_nobodys_business),
        cmocka_unit_test(the_first_process_and_the_dead_are_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
