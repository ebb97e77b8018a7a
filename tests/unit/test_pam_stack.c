// SPDX-License-Identifier: BSD-2-Clause
// A PAM stack as libpam would run it for somebody who is to be refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cli/pam_stack.h"

#define OURS "account [success=end default=die] pam_rollcall.so\n"

static char folder[] = "/tmp/pam-stack-XXXXXX";
static const char *folders[] = {folder, NULL};

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct pam_verdict judge_service(const char *service, struct pam_stack *stack)
{
    struct pam_verdict v;

    assert_int_equal(pam_stack_read(folders, service, "account", stack), 0);
    pam_stack_judge(stack, "account", 1879048192u, &v);
    return v;
}

static struct pam_stack stack;

static void expect(const char *text, bool ours, bool around, unsigned escape)
{
    struct pam_verdict v;

    put("x", text);
    v = judge_service("x", &stack);
    assert_int_equal(v.ours, ours);
    assert_int_equal(v.around, around);
    assert_int_equal(v.escape ? v.escape->number : 0, escape);
}

static void the_shipped_stack_cannot_be_gone_around(void **state)
{
    (void)state;
    expect("account [success=1 default=ignore] pam_localuser.so\n"
           "account [success=2 new_authtok_reqd=done ignore=ignore default=die] pam_rollcall.so\n"
           "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
           "account requisite pam_deny.so\naccount required pam_permit.so\n",
           true, false, 0);
}

#define GLASS "account [success=ignore perm_denied=die default=ignore] pam_rollcall.so breakglass\n"

static void the_line_of_break_glass_is_not_the_one_that_asks_about_employees(void **state)
{
    (void)state;
    expect(GLASS "account required pam_permit.so\n", false, true, 0);
    expect(GLASS "account sufficient pam_permit.so\n" OURS, true, true, 2);
    expect(GLASS "account [success=1 default=ignore] pam_localuser.so\n" OURS
                 "account requisite pam_deny.so\n",
           true, false, 0);
    expect("account [success=ignore default=die] pam_rollcall.so notbreakglass\n", true, false, 0);
}

static void what_says_yes_before_us_is_named(void **state)
{
    (void)state;
    expect("account sufficient pam_permit.so\n" OURS, true, true, 1);
    expect("# x\naccount sufficient pam_sss.so\n" OURS, true, true, 2);
    expect("account [success=done default=ignore] pam_ldap.so\n" OURS, true, true, 1);
    expect("account [default=1] pam_permit.so\n" OURS "account required pam_permit.so\n", true,
           true, 0);
    expect("account required pam_permit.so\n", false, true, 0);
    expect("account required pam_nologin.so\naccount optional \\\n pam_permit.so\n", false, true,
           0);
}

static void what_never_says_yes_to_us_is_no_way_around(void **state)
{
    (void)state;
    expect("account sufficient pam_localuser.so\n" OURS, true, false, 0);
    expect("account sufficient pam_succeed_if.so uid < 1000 quiet\n" OURS, true, false, 0);
    expect("account sufficient pam_succeed_if.so uid < 2000000000 quiet\n" OURS, true, true, 1);
    expect("account sufficient pam_rootok.so\n" OURS, true, false, 0);
    expect("account required pam_nologin.so\naccount optional pam_faildelay.so\n" OURS, true, false,
           0);
    // Without us, an expired shadow entry refuses.
    expect("account required pam_unix.so\n", false, false, 0);
    expect("account sufficient pam_unix.so\naccount requisite pam_deny.so\n", false, false, 0);
    // A refusal is not healed by a yes behind it.
    expect("account required pam_unix.so\naccount sufficient pam_permit.so\n", false, false, 0);
}

static void substacks_end_for_themselves(void **state)
{
    (void)state;
    put("sub", "account sufficient pam_permit.so\n");
    expect("account substack sub\n" OURS, true, false, 0);
    expect("account include sub\n" OURS, true, true, 1);
    expect("@include sub\n" OURS, true, true, 1);
    // A jump counts a substack as one.
    put("sub", "account optional pam_permit.so\naccount optional pam_permit.so\n");
    expect("account [default=1] pam_permit.so\naccount substack sub\n" OURS, true, false, 0);
}

static void a_service_without_a_type_has_others(void **state)
{
    struct pam_verdict v;

    (void)state;
    put("other", OURS);
    put("x", "auth required pam_permit.so\n");
    v = judge_service("x", &stack);
    assert_true(v.ours);
    assert_false(v.around);
    assert_int_equal(pam_stack_read(folders, "nowhere", "account", &stack), -2);
}

static void an_include_that_goes_round_ends(void **state)
{
    (void)state;
    put("x", "@include x\n" OURS);
    judge_service("x", &stack);
    assert_true(stack.cut);
}

static int clean(void **state)
{
    static const char *const names[] = {"x", "sub", "other"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    return remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_stack_cannot_be_gone_around),
        cmocka_unit_test(the_line_of_break_glass_is_not_the_one_that_asks_about_employees),
        cmocka_unit_test(what_says_yes_before_us_is_named),
        cmocka_unit_test(what_never_says_yes_to_us_is_no_way_around),
        cmocka_unit_test(substacks_end_for_themselves),
        cmocka_unit_test(a_service_without_a_type_has_others),
        cmocka_unit_test(an_include_that_goes_round_ends),
    };

    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests(tests, NULL, clean);
}
