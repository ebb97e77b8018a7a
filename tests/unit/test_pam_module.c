// SPDX-License-Identifier: BSD-2-Clause
// pam_rollcall.so in a host program of our own, over a small cache and with no verifier
// to be had: under SANITIZE=1 this is where the module runs with ASan.
#include <limits.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/broken_files.h"
#include "tests/unit/built.h"
#include "tests/unit/four_people.h"
#include "tests/unit/scratch.h"

#define CACHE "state/cache"

static unsigned prompts;

static int converse(int n, const struct pam_message **m, struct pam_response **r, void *ctx)
{
    (void)m;
    (void)r;
    (void)ctx;
    prompts += (unsigned)n;
    return PAM_CONV_ERR;
}

// A stack of our module with the shipped answers, and a permit behind it: whoever the
// module ignores comes in, whoever it refuses does not.
static void write_service(const char *name, const char *module)
{
    static const char *const phases[] = {"auth", "account", "session"};
    char path[64], text[4096];
    size_t n = 0;

    for (int i = 0; i < 3; i++)
        n += (size_t)snprintf(
            text + n, sizeof(text) - n,
            "%s [success=done ignore=ignore default=die] %s\n%s required pam_permit.so\n",
            phases[i], module, phases[i]);
    snprintf(path, sizeof(path), "pam.d/%s", name);
    scratch_write(path, text, n);
}

static int prepare(void **state)
{
    char build[PATH_MAX], module[PATH_MAX + 32];

    (void)state;
    built_folder(build);
    snprintf(module, sizeof(module), "%s/tests/pam/pam_rollcall.so", build);
    scratch_enter_state();
    assert_int_equal(mkdir("pam.d", 0755), 0);
    write_service("sshd", module);
    write_service("cron", module);
    assert_int_equal(four_people_write(CACHE "/board", CACHE "/private", time(NULL)), 0);
    return 0;
}

static int ask(const char *service, const char *user, int (*phase)(pam_handle_t *pamh, int flags))
{
    static const struct pam_conv conv = {.conv = converse};
    pam_handle_t *pamh = NULL;
    int r = pam_start_confdir(service, user, &conv, "pam.d", &pamh);

    assert_int_equal(r, PAM_SUCCESS);
    r = phase(pamh, PAM_SILENT);
    pam_end(pamh, r);
    return r;
}

static void with_no_verifier_nobody_of_ours_authenticates(void **state)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave", "nobody-has-this-name"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_not_equal(ask("sshd", names[i], pam_authenticate), PAM_SUCCESS);
}

static void root_is_left_to_the_rest_of_the_stack_in_every_phase(void **state)
{
    (void)state;
    prompts = 0;
    assert_int_equal(ask("sshd", "root", pam_authenticate), PAM_SUCCESS);
    assert_int_equal(ask("sshd", "root", pam_acct_mgmt), PAM_SUCCESS);
    assert_int_equal(ask("sshd", "root", pam_open_session), PAM_SUCCESS);
    assert_int_equal(prompts, 0);
}

static unsigned asked; // of NSS
static bool all_known; // to another of its services

// libpam has the linker show this to modules too.
int getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len, struct passwd **ret)
{
    (void)buf;
    (void)len;
    asked++;
    *pw = (struct passwd){.pw_name = (char *)(uintptr_t)name, .pw_uid = 61000, .pw_gid = 61000};
    *ret = all_known ? pw : NULL;
    return 0;
}

static void nss_is_asked_about_nobody_whom_we_know_and_has_no_say_in_them(void **state)
{
    (void)state;
    asked = 0;
    all_known = true;
    assert_int_equal(ask("cron", "alice", pam_acct_mgmt), PAM_SUCCESS);
    assert_int_equal(ask("cron", "bob", pam_acct_mgmt), PAM_PERM_DENIED);
    assert_int_equal(ask("sshd", "alice", pam_acct_mgmt), PAM_PERM_DENIED);
    assert_int_equal(asked, 0);
    assert_int_equal(ask("sshd", "stranger", pam_acct_mgmt), PAM_SUCCESS);
    assert_int_equal(asked, 1);
    all_known = false;
}

static void without_evidence_the_account_phase_refuses(void **state)
{
    (void)state;
    assert_int_equal(ask("sshd", "alice", pam_acct_mgmt), PAM_PERM_DENIED);
}

static void a_service_without_a_person_asks_for_the_lifecycle_alone(void **state)
{
    (void)state;
    assert_int_equal(ask("cron", "alice", pam_acct_mgmt), PAM_SUCCESS);
    assert_int_equal(ask("cron", "bob", pam_acct_mgmt), PAM_PERM_DENIED);
    assert_int_equal(ask("cron", "carol", pam_acct_mgmt), PAM_PERM_DENIED);
    assert_int_equal(ask("cron", "dave", pam_acct_mgmt), PAM_PERM_DENIED);
    assert_int_equal(ask("cron", "nobody-has-this-name", pam_acct_mgmt), PAM_PERM_DENIED);
}

static void a_session_opens_for_the_employed_alone(void **state)
{
    (void)state;
    assert_int_equal(ask("sshd", "alice", pam_open_session), PAM_SUCCESS);
    assert_int_not_equal(ask("sshd", "bob", pam_open_session), PAM_SUCCESS);
    assert_int_not_equal(ask("sshd", "dave", pam_open_session), PAM_SUCCESS);
}

static void without_a_cache_everybody_of_ours_is_refused_and_root_is_not(void **state)
{
    (void)state;
    assert_int_equal(rename(CACHE, "state/away"), 0);
    assert_int_equal(ask("cron", "alice", pam_acct_mgmt), PAM_PERM_DENIED);
    assert_int_not_equal(ask("sshd", "alice", pam_open_session), PAM_SUCCESS);
    assert_int_equal(ask("sshd", "root", pam_acct_mgmt), PAM_SUCCESS);
    assert_int_equal(rename("state/away", CACHE), 0);
}

static void a_board_or_private_file_broken_in_any_way_refuses_everybody_of_ours(void **state)
{
    static const char *const paths[] = {CACHE "/board", CACHE "/private"};

    (void)state;
    for (int i = 0; i < 2 * BROKEN_FILES; i++) {
        const struct broken_file *b = &broken_files[i / 2];
        if (b->root_only && geteuid() != 0)
            continue;
        scratch_clear(CACHE);
        assert_int_equal(four_people_write(paths[0], paths[1], time(NULL)), 0);
        assert_int_equal(ask("cron", "alice", pam_acct_mgmt), PAM_SUCCESS);
        b->make(paths[i % 2], paths[!(i % 2)]);
        if (ask("cron", "alice", pam_acct_mgmt) != PAM_PERM_DENIED)
            fail_msg("%s: %s", paths[i % 2], b->test);
        assert_int_not_equal(ask("sshd", "alice", pam_open_session), PAM_SUCCESS);
        assert_int_equal(ask("sshd", "root", pam_acct_mgmt), PAM_SUCCESS);
    }
    scratch_clear(CACHE);
    assert_int_equal(four_people_write(paths[0], paths[1], time(NULL)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_no_verifier_nobody_of_ours_authenticates),
        cmocka_unit_test(root_is_left_to_the_rest_of_the_stack_in_every_phase),
        cmocka_unit_test(nss_is_asked_about_nobody_whom_we_know_and_has_no_say_in_them),
        cmocka_unit_test(without_evidence_the_account_phase_refuses),
        cmocka_unit_test(a_service_without_a_person_asks_for_the_lifecycle_alone),
        cmocka_unit_test(a_session_opens_for_the_employed_alone),
        cmocka_unit_test(without_a_cache_everybody_of_ours_is_refused_and_root_is_not),
        cmocka_unit_test(a_board_or_private_file_broken_in_any_way_refuses_everybody_of_ours),
    };

    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
