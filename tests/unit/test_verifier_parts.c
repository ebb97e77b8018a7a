// SPDX-License-Identifier: BSD-2-Clause
// What the verifier decides and keeps: codes, throttling, credential files, tickets.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/verifier.h"
#include "tests/unit/scratch.h"

static const uint8_t key[HOST_KEY_LEN] = "0123456789abcdef0123456789abcdef";
static const uint8_t rfc_secret[] = "12345678901234567890";

// RFC 6238 appendix B gives eight digits; six are their tail.
static void the_vectors_of_rfc_6238_are_accepted(void **state)
{
    static const struct {
        int64_t at;
        const char *code;
    } vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        assert_int_equal(totp_check(rfc_secret, 20, vectors[i].code, vectors[i].at, 0),
                         vectors[i].at / 30);
}

static void a_code_of_one_step_earlier_or_later_is_accepted_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(totp_check(rfc_secret, 20, "005924", 1234567890 + 30, 0), 1234567890 / 30);
    assert_int_equal(totp_check(rfc_secret, 20, "005924", 1234567890 - 30, 0), 1234567890 / 30);
    assert_int_equal(totp_check(rfc_secret, 20, "005924", 1234567890 + 90, 0), 0);
    assert_int_equal(totp_check(rfc_secret, 20, "005924", 1234567890 - 90, 0), 0);
}

static void a_burnt_step_is_never_accepted_again(void **state)
{
    (void)state;
    assert_int_equal(totp_check(rfc_secret, 20, "005924", 1234567890, 1234567890 / 30), 0);
    assert_int_equal(totp_check(rfc_secret, 20, "005924", 1234567890, 1234567890 / 30 + 1), 0);
}

static void what_is_no_code_is_refused(void **state)
{
    static const char *const codes[] = {"",       "00592", "0059244",
                                        "005925", "help",  "\b\n\r\177INCORRECT"};
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(totp_check(rfc_secret, 20, codes[i], 1234567890, 0), 0);
}

static void pauses_grow_then_lock_softly_then_for_good(void **state)
{
    (void)state;
    assert_int_equal(throttle_until(2, 1000), 0);
    assert_int_equal(throttle_until(3, 1000), 1005);
    assert_int_equal(throttle_until(9, 1000), 1320);
    assert_int_equal(throttle_until(10, 1000), 1900);
    assert_int_equal(throttle_until(99, 1000), 1900);
    assert_int_equal(throttle_until(100, 1000), INT64_MAX);
    assert_int_equal(throttle_until(UINT32_MAX, 1000), INT64_MAX);
}

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

static struct credential_file open_file(uint32_t uid)
{
    struct credential_file f;
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(credential_open(folder, key, uid, &f), 0);
    close(folder);
    return f;
}

static void write_failures(uint32_t uid, uint32_t failures)
{
    struct credential_file f = open_file(uid);
    struct credential c;

    assert_int_equal(credential_read(&f, &c), 0);
    c.failures = failures;
    assert_int_equal(credential_write(&f, &c), 0);
    credential_close(&f);
}

static int read_failures(uint32_t uid, uint32_t *ret)
{
    struct credential_file f = open_file(uid);
    struct credential c;
    int r = credential_read(&f, &c);

    credential_close(&f);
    if (r == 0)
        *ret = c.failures;
    return r;
}

static void what_was_written_is_read_back(void **state)
{
    uint32_t n = 99;

    (void)state;
    assert_int_equal(read_failures(7001, &n), 0);
    assert_int_equal(n, 0);
    for (uint32_t i = 1; i < 5; i++) {
        write_failures(7001, i);
        assert_int_equal(read_failures(7001, &n), 0);
        assert_int_equal(n, i);
    }
}

static void a_file_of_another_account_does_not_open(void **state)
{
    uint32_t n = 0;

    (void)state;
    write_failures(7002, 3);
    assert_int_equal(rename("7002", "7003"), 0);
    assert_int_equal(read_failures(7003, &n), -EBADMSG);
}

static void a_file_of_another_host_does_not_open(void **state)
{
    static const uint8_t other[HOST_KEY_LEN] = "another host's key, 32 bytes....";
    struct credential_file f;
    struct credential c;
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    write_failures(7004, 3);
    assert_int_equal(credential_open(folder, other, 7004, &f), 0);
    assert_int_equal(credential_read(&f, &c), -EBADMSG);
    credential_close(&f);
    close(folder);
}

// A write that was cut anywhere leaves what stood before, or the whole new state.
static void a_torn_write_leaves_the_state_before_it(void **state)
{
    unsigned char *before, *after;
    size_t len, same = 0;
    uint32_t n = 0;

    (void)state;
    write_failures(7005, 1);
    write_failures(7005, 2);
    before = scratch_read("7005", &len);
    write_failures(7005, 3);
    after = scratch_read("7005", &same);
    assert_int_equal(len, same);
    for (size_t cut = 0; cut <= len; cut++) {
        unsigned char *torn = malloc(len);
        memcpy(torn, after, cut);
        memcpy(torn + cut, before + cut, len - cut);
        scratch_write("7005", torn, len);
        assert_int_equal(read_failures(7005, &n), 0);
        assert_true(n == 2 || n == 3);
        free(torn);
    }
    free(before);
    free(after);
}

static void no_byte_that_is_turned_over_gives_another_state(void **state)
{
    unsigned char *data;
    size_t len;

    (void)state;
    write_failures(7006, 41);
    data = scratch_read("7006", &len);
    for (size_t at = 0; at < len; at++) {
        uint32_t n = 41;
        data[at] ^= 0x10;
        scratch_write("7006", data, len);
        assert_true(read_failures(7006, &n) < 0 || n == 41);
        data[at] ^= 0x10;
    }
    free(data);
}

static void the_secret_does_not_stand_in_the_file(void **state)
{
    struct credential_file f = open_file(7007);
    struct credential c;
    unsigned char *data;
    size_t len;

    (void)state;
    assert_int_equal(credential_read(&f, &c), 0);
    c.totp = 1;
    c.secret_len = 20;
    memcpy(c.secret, rfc_secret, 20);
    assert_int_equal(credential_write(&f, &c), 0);
    credential_close(&f);
    data = scratch_read("7007", &len);
    assert_null(memmem(data, len, rfc_secret, 8));
    free(data);
}

static void destroyed_is_blank(void **state)
{
    struct credential_file f;
    unsigned char *data;
    uint32_t n = 9;
    size_t len;

    (void)state;
    write_failures(7008, 5);
    f = open_file(7008);
    assert_int_equal(credential_destroy(&f), 0);
    credential_close(&f);
    data = scratch_read("7008", &len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(data[i], 0);
    free(data);
    assert_int_equal(read_failures(7008, &n), 0);
    assert_int_equal(n, 0);
}

// Twenty processes charge one account at once: every charge counts.
static void parallel_charges_all_count(void **state)
{
    uint32_t n = 0;
    pid_t pid[20];

    (void)state;
    for (int i = 0; i < 20; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            struct credential_file f = open_file(7009);
            struct credential c;
            int r = credential_read(&f, &c);
            c.failures++;
            if (r == 0)
                r = credential_write(&f, &c);
            credential_close(&f);
            _exit(r == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < 20; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(read_failures(7009, &n), 0);
    assert_int_equal(n, 20);
}

static void a_ticket_is_good_for_its_session_service_and_time_alone(void **state)
{
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ticket_scope mine = {
        .uid = 7010, .incarnation = 1, .session = getpid(), .service = "sudo", .tty = "pts/1"};
    struct ticket_scope other = mine;

    (void)state;
    assert_int_equal(ticket_write(folder, &mine), 0);
    assert_int_equal(ticket_check(folder, &mine, 300), 0);
    assert_true(ticket_check(folder, &mine, 0) < 0);
    other.tty = "pts/2";
    assert_true(ticket_check(folder, &other, 300) < 0);
    other = mine;
    other.session = getppid();
    assert_true(ticket_check(folder, &other, 300) < 0);
    other = mine;
    other.incarnation = 2;
    assert_true(ticket_check(folder, &other, 300) < 0);
    other = mine;
    other.uid = 7011;
    assert_true(ticket_check(folder, &other, 300) < 0);
    tickets_destroy(folder, 7010);
    assert_true(ticket_check(folder, &mine, 300) < 0);
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_6238_are_accepted),
        cmocka_unit_test(a_code_of_one_step_earlier_or_later_is_accepted_and_no_more),
        cmocka_unit_test(a_burnt_step_is_never_accepted_again),
        cmocka_unit_test(what_is_no_code_is_refused),
        cmocka_unit_test(pauses_grow_then_lock_softly_then_for_good),
        cmocka_unit_test(a_limit_is_told_in_the_unit_that_a_person_would_use),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_file_of_another_account_does_not_open),
        cmocka_unit_test(a_file_of_another_host_does_not_open),
        cmocka_unit_test(a_torn_write_leaves_the_state_before_it),
        cmocka_unit_test(no_byte_that_is_turned_over_gives_another_state),
        cmocka_unit_test(the_secret_does_not_stand_in_the_file),
        cmocka_unit_test(destroyed_is_blank),
        cmocka_unit_test(parallel_charges_all_count),
        cmocka_unit_test(a_ticket_is_good_for_its_session_service_and_time_alone),
    };

    scratch_enter();
    return cmocka_run_group_tests(tests, NULL, scratch_leave);
}
