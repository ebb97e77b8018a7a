// SPDX-License-Identifier: BSD-2-Clause
// What the verifier says and keeps: prompts, tickets.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/verifier.h"
#include "tests/unit/scratch.h"

static void a_limit_is_told_in_the_unit_that_a_person_would_use(void **state)
{
    static const struct {
        int64_t seconds;
        const char *words;
    } limits[] = {{60, "the limit is 1 minute."},     {3600, "the limit is 1 hour."},
                  {93600, "the limit is 26 hours."},  {86400, "the limit is 1 day."},
                  {259200, "the limit is 3 days."},   {5400, "the limit is 90 minutes."},
                  {1209600, "the limit is 14 days."}, {0, "the limit is 1 minute."}};
    struct prompt_facts f = {.host = "web1", .contact = "the desk", .reference = "R-ABC234"};
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        f.lease_seconds = limits[i].seconds;
        prompt_lease(&f, text, sizeof(text));
        assert_non_null(strstr(text, limits[i].words));
    }
}

static void a_ticket_is_good_for_its_session_service_and_time_alone(void **state)
{
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ticket_scope mine = {
        .uid = 7010, .incarnation = 1, .session = getpid(), .service = "sudo", .tty = "pts/1"};
    struct ticket_scope other = mine;

    (void)state;
    assert_int_equal(ticket_write(folder, &mine, STRENGTH_SINGLE), 0);
    assert_int_equal(ticket_check(folder, &mine, 300, STRENGTH_SINGLE), 0);
    assert_true(ticket_check(folder, &mine, 0, STRENGTH_SINGLE) < 0);
    other.tty = "pts/2";
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    other = mine;
    other.session = getppid();
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    other = mine;
    other.incarnation = 2;
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    other = mine;
    assert_true(ticket_check(folder, &mine, 300, STRENGTH_MULTI) < 0);
    other.uid = 7011;
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    tickets_destroy(folder, 7010);
    assert_true(ticket_check(folder, &mine, 300, STRENGTH_SINGLE) < 0);
    close(folder);
}

static void a_ticket_of_sshd_is_good_for_its_keys_and_address_alone(void **state)
{
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint8_t keys[SSH_BINDING_LEN] = "the same keys and address", others[SSH_BINDING_LEN] = "no";
    struct ticket_scope mine = {
        .uid = 7020, .incarnation = 1, .service = "sshd", .tty = "ssh", .binding = keys};
    struct ticket_scope other = mine;

    (void)state;
    assert_int_equal(ticket_write(folder, &mine, STRENGTH_MULTI), 0);
    other.session = getpid(); // whatever process of sshd asks
    assert_int_equal(ticket_check(folder, &other, 300, STRENGTH_MULTI), 0);
    assert_true(ticket_check(folder, &mine, 300, STRENGTH_PHISHING_RESISTANT) < 0);
    assert_true(ticket_check(folder, &mine, 0, STRENGTH_SINGLE) < 0);
    other.binding = others;
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    // The same eight bytes make the same file, and not the same ticket.
    memcpy(others, keys, 8);
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    other = mine;
    other.uid = 7021;
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    other = mine;
    other.incarnation = 2;
    assert_true(ticket_check(folder, &other, 300, STRENGTH_SINGLE) < 0);
    tickets_destroy(folder, 7020);
    assert_true(ticket_check(folder, &mine, 300, STRENGTH_SINGLE) < 0);
    close(folder);
}

static void tickets_of_sshd_do_not_pile_up(void **state)
{
    uint8_t keys[SSH_BINDING_LEN] = {0};
    struct ticket_scope mine = {
        .uid = 7030, .incarnation = 1, .service = "sshd", .tty = "ssh", .binding = keys};
    unsigned n = 0;
    int folder;

    (void)state;
    assert_int_equal(mkdir("tickets", 0700), 0);
    folder = open("tickets", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 200; i++) {
        DIR *d;
        keys[0] = (uint8_t)i;
        assert_int_equal(ticket_write(folder, &mine, STRENGTH_MULTI), 0);
        assert_int_equal(ticket_check(folder, &mine, 300, STRENGTH_MULTI), 0);
        d = opendir("tickets");
        for (n = 0; readdir(d);)
            n++;
        closedir(d);
        assert_in_range(n, 3, 2 + 33);
    }
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_told_in_the_unit_that_a_person_would_use),
        cmocka_unit_test(a_ticket_is_good_for_its_session_service_and_time_alone),
        cmocka_unit_test(a_ticket_of_sshd_is_good_for_its_keys_and_address_alone),
        cmocka_unit_test(tickets_of_sshd_do_not_pile_up),
    };

    scratch_enter();
    return cmocka_run_group_tests(tests, NULL, scratch_leave);
}
