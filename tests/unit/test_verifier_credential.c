// SPDX-License-Identifier: BSD-2-Clause
// Credential files: sealed, torn, turned over, of an earlier and of a later version.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/verifier.h"
#include "tests/unit/credential_v2_file.h"
#include "tests/unit/scratch.h"

#define SLOT 4096

static const uint8_t key[HOST_KEY_LEN] = "0123456789abcdef0123456789abcdef";
static const uint8_t rfc_secret[] = "12345678901234567890";

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
    c.outside.in_all.count = failures;
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
        *ret = c.outside.in_all.count;
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

static void a_key_that_is_prepared_seals_and_opens_what_it_does_when_it_is_not(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        if (i % 2)
            assert_int_equal(credential_prepare(key), 0);
        assert_int_equal(read_failures(7060, &n), 0);
        assert_int_equal(n, i);
        write_failures(7060, i + 1);
        if (i % 2)
            credential_forget();
    }
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
    for (size_t cut = 0; cut <= len; cut += cut % SLOT < 64 ? 1 : 29) {
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
    for (size_t at = 0; at < len; at += at % SLOT < 64 ? 1 : 13) {
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
    c.totp.secret_len = 20;
    memcpy(c.totp.secret, rfc_secret, 20);
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
            c.outside.in_all.count++;
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

// ---- versions ----

static void write_version_2(void)
{
    unsigned char file[2 * CREDENTIAL_V2_SLOT] = {0};

    for (int i = 0; i < 2; i++)
        memcpy(file + (size_t)i * CREDENTIAL_V2_SLOT, credential_v2_slots[i],
               sizeof(credential_v2_slots[i]));
    unlink("7020");
    scratch_write("7020", file, sizeof(file));
}

static void assert_enrolment_of_version_2(const struct credential *c)
{
    struct rollcall_secret code = {0};

    assert_int_equal(c->version, CREDENTIAL_VERSION);
    assert_int_equal(c->uid, 7020);
    assert_int_equal(c->incarnation, 2);
    assert_int_equal(c->totp.enrolled, 1);
    assert_int_equal(c->totp.algorithm, TOTP_SHA1);
    assert_int_equal(c->totp.digits, 6);
    assert_int_equal(c->totp.drift, 0);
    assert_int_equal(c->totp.secret_len, 20);
    assert_memory_equal(c->totp.secret, rfc_secret, 20);
    assert_int_equal(c->totp.last_step, 41152263);
    assert_int_equal(c->totp.enrolled_at, 1700000000);
    rollcall_secret_set(&code, "7kq2m9fx", 8);
    assert_int_equal(recovery_find(c, &code), 4);
    assert_int_equal(recovery_left(c), 1);
    rollcall_secret_set(&code, "7kq2m9fxp3wd", 12);
    assert_true(access_fits(c, &code, 1700000000));
    assert_int_equal(c->password.kind, PASSWORD_NONE);
    assert_int_equal(c->fido[0].id_len, 0);
}

static void a_file_of_version_2_keeps_its_enrolment_and_its_failures(void **state)
{
    struct credential_file f;
    struct credential c;

    (void)state;
    write_version_2();
    f = open_file(7020);
    assert_int_equal(credential_read(&f, &c), 0);
    assert_enrolment_of_version_2(&c);
    assert_int_equal(c.outside.in_all.count, 5);
    assert_int_equal(c.outside.in_all.last, 1700000300);
    assert_int_equal(c.outside.of[FACTOR_TOTP].count, 5);
    credential_close(&f);
}

// The first write of version 3 may be cut anywhere, the second too: the enrolment stands.
static void turning_a_file_into_version_3_may_be_cut_anywhere(void **state)
{
    struct credential_file f;
    struct credential c;
    unsigned char *before, *after;
    size_t len, same;

    (void)state;
    for (int writes = 1; writes <= 3; writes++) {
        write_version_2();
        f = open_file(7020);
        assert_int_equal(credential_read(&f, &c), 0);
        for (int i = 1; i < writes; i++)
            assert_int_equal(credential_write(&f, &c), 0);
        before = scratch_read("7020", &len);
        c.outside.in_all.count = 6;
        assert_int_equal(credential_write(&f, &c), 0);
        after = scratch_read("7020", &same);
        assert_int_equal(len, same);
        credential_close(&f);
        for (size_t cut = 0; cut <= len; cut += 128) {
            unsigned char *torn = malloc(len);
            memcpy(torn, after, cut);
            memcpy(torn + cut, before + cut, len - cut);
            scratch_write("7020", torn, len);
            free(torn);
            f = open_file(7020);
            assert_int_equal(credential_read(&f, &c), 0);
            assert_enrolment_of_version_2(&c);
            assert_in_range(c.outside.in_all.count, 5, 6);
            credential_close(&f);
        }
        free(before);
        free(after);
    }
}

static void after_two_writes_nothing_of_version_2_is_left(void **state)
{
    struct credential_file f;
    struct credential c;
    unsigned char *data;
    size_t len;

    (void)state;
    write_version_2();
    f = open_file(7020);
    assert_int_equal(credential_read(&f, &c), 0);
    assert_int_equal(credential_write_twice(&f, &c), 0);
    credential_close(&f);
    data = scratch_read("7020", &len);
    assert_int_equal(len, 2 * SLOT);
    assert_null(memmem(data, len, "RCCRED2", 7));
    free(data);
}

static void a_file_of_version_2_of_another_account_does_not_open(void **state)
{
    struct credential_file f;
    struct credential c;

    (void)state;
    write_version_2();
    assert_int_equal(rename("7020", "7021"), 0);
    f = open_file(7021);
    assert_int_equal(credential_read(&f, &c), -EBADMSG);
    credential_close(&f);
}

// Wherever a later version puts its slots, and beside whole slots of ours.
static void a_later_version_is_no_blank_file_and_not_written_over(void **state)
{
    unsigned char *data;
    size_t len;

    (void)state;
    for (size_t at = 0; at < 2 * SLOT; at += 1024) {
        struct credential_file f;
        struct credential c = {.uid = 1};
        write_failures(7022, 1);
        data = scratch_read("7022", &len);
        memcpy(data + at, "RCCRED4", 8);
        scratch_write("7022", data, len);
        free(data);
        f = open_file(7022);
        assert_int_equal(credential_read(&f, &c), -EPROTONOSUPPORT);
        assert_int_equal(c.uid, 1); // untouched
        // Only a reset makes it ours.
        assert_int_equal(credential_destroy(&f), 0);
        assert_int_equal(credential_read(&f, &c), 0);
        credential_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_file_of_another_account_does_not_open),
        cmocka_unit_test(a_file_of_another_host_does_not_open),
        cmocka_unit_test(a_torn_write_leaves_the_state_before_it),
        cmocka_unit_test(no_byte_that_is_turned_over_gives_another_state),
        cmocka_unit_test(the_secret_does_not_stand_in_the_file),
        cmocka_unit_test(destroyed_is_blank),
        cmocka_unit_test(parallel_charges_all_count),
        cmocka_unit_test(a_file_of_version_2_keeps_its_enrolment_and_its_failures),
        cmocka_unit_test(turning_a_file_into_version_3_may_be_cut_anywhere),
        cmocka_unit_test(after_two_writes_nothing_of_version_2_is_left),
        cmocka_unit_test(a_file_of_version_2_of_another_account_does_not_open),
        cmocka_unit_test(a_later_version_is_no_blank_file_and_not_written_over),
        cmocka_unit_test(a_key_that_is_prepared_seals_and_opens_what_it_does_when_it_is_not),
    };

    int bad;

    scratch_enter();
    bad = cmocka_run_group_tests(tests, NULL, scratch_leave);
    // As in a verifier, whose key is prepared.
    scratch_enter();
    if (credential_prepare(key) < 0)
        return 1;
    return bad + cmocka_run_group_tests(tests, NULL, scratch_leave);
}
