// SPDX-License-Identifier: BSD-2-Clause
// The emergency account: its file, its codes, its clock.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/wait.h>

#include "pam_module/breakglass/breakglass.h"
#include "tests/unit/scratch.h"

#define FILE_NAME "folder/state"
#define SLOT      8192

static struct rollcall_secret codes[ROLLCALL_BREAKGLASS_CODES];
static const struct breakglass_where where = {"login", "tty1", ""};

static void seal(unsigned n)
{
    struct rollcall_breakglass b = {.uid = 1000, .open_for = 3600};

    snprintf(b.account, sizeof(b.account), "glass");
    snprintf(b.services, sizeof(b.services), "login,su");
    unlink(FILE_NAME);
    assert_int_equal(sealed_codes_make(&b, n, codes), 0);
    assert_int_equal(rollcall_breakglass_create(FILE_NAME, &b), 0);
}

static struct rollcall_breakglass stored(void)
{
    struct rollcall_breakglass b;

    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), 0);
    return b;
}

static int use(const struct rollcall_secret *code)
{
    struct rollcall_breakglass b;
    int64_t pause = 0;

    return breakglass_use_code(FILE_NAME, code, &where, &pause, &b);
}

// ---- codes ----

static void read_as(const struct rollcall_secret *code, const char *typed, int expected)
{
    struct rollcall_secret t = {0}, got = {0};

    assert_true(rollcall_secret_set(&t, typed, strlen(typed)));
    assert_int_equal(sealed_code_read(&t, &got), expected);
    if (expected == 0)
        assert_string_equal(got.bytes, code->bytes);
}

static void a_code_is_read_as_people_type_it(void **state)
{
    struct rollcall_secret code;
    char text[SEALED_CODE_TEXT], loud[40];

    (void)state;
    assert_int_equal(sealed_code_make(&code), 0);
    sealed_code_group(&code, text);
    assert_int_equal(strlen(text), 24);
    read_as(&code, text, 0);
    snprintf(loud, sizeof(loud), " %.9s %s\r", text, text + 10);
    for (char *p = loud; *p; p++)
        *p = *p == '0' ? 'O' : *p == '1' ? 'l' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    read_as(&code, loud, 0);
    read_as(&code, "", -EINVAL);
    text[23] = 0;
    read_as(&code, text, -EINVAL);
    read_as(&code, "uuuu-uuuu-uuuu-uuuu-uuuu", -EINVAL);
    read_as(&code, "0000-0000-0000-0000-0000-0", -EINVAL);
}

static void a_slip_of_the_pen_shows(void **state)
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct rollcall_secret code, typed = {0}, got = {0};
    unsigned unseen = 0;

    (void)state;
    assert_int_equal(sealed_code_make(&code), 0);
    for (size_t i = 0; i < SEALED_CODE_LETTERS; i++)
        for (const char *l = letters; *l; l++) {
            typed = code;
            typed.bytes[i] = *l;
            if (*l == code.bytes[i])
                continue;
            // z counts as 0: the price of 32 letters and a prime.
            if ((*l == 'z' && code.bytes[i] == '0') || (*l == '0' && code.bytes[i] == 'z'))
                continue;
            unseen += sealed_code_read(&typed, &got) == 0;
        }
    assert_int_equal(unseen, 0);
}

// ---- burning ----

static void a_code_opens_once_and_is_gone_from_both_slots(void **state)
{
    struct rollcall_breakglass b;
    struct rollcall_breakglass_clock clock;
    unsigned char *file;
    uint8_t hash[ROLLCALL_BREAKGLASS_HASH];
    size_t len;

    (void)state;
    seal(3);
    assert_int_equal(sealed_code_hash(stored().salt, &codes[1], hash), 0);
    assert_int_equal(use(&codes[1]), 1);
    b = stored();
    assert_int_equal(rollcall_breakglass_left(&b), 2);
    assert_int_equal(b.unacknowledged, 1);
    assert_int_equal(b.event[0].code, 2);
    assert_int_equal(rollcall_breakglass_clock(&clock), 0);
    assert_true(rollcall_breakglass_is_open(&b, &clock));
    assert_int_equal(use(&codes[1]), 0);
    file = scratch_read(FILE_NAME, &len);
    assert_null(memmem(file, len, hash, sizeof(hash)));
    free(file);
    assert_int_equal(use(&codes[0]), 1);
}

static void no_code_fits_a_place_that_is_empty(void **state)
{
    struct rollcall_secret other;

    (void)state;
    seal(1);
    assert_int_equal(use(&codes[0]), 1);
    assert_int_equal(sealed_code_make(&other), 0);
    assert_int_equal(use(&other), 0);
    assert_int_equal(stored().failures, 1);
}

// Somebody types, and whatever it is dies `wait_us` later.
static void killed_after(const struct rollcall_secret *code, useconds_t wait_us)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(use(code));
    usleep(wait_us);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void killed_at_any_moment_a_code_is_good_or_burnt_and_said_to_be(void **state)
{
    (void)state;
    for (useconds_t us = 0; us < 120000; us += 4000) {
        struct rollcall_breakglass b;
        seal(1);
        killed_after(&codes[0], us);
        b = stored();
        assert_int_equal(b.open, rollcall_breakglass_left(&b) == 0);
        assert_int_equal(b.unacknowledged, rollcall_breakglass_left(&b) == 0);
        assert_int_equal(use(&codes[0]), rollcall_breakglass_left(&b));
    }
}

static void of_many_at_once_exactly_one_uses_it(void **state)
{
    int won = 0;

    (void)state;
    seal(2);
    for (int i = 0; i < 6; i++)
        if (fork() == 0)
            _exit(use(&codes[0]) == 1 ? 42 : 0);
    for (int i = 0; i < 6; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status));
        won += WEXITSTATUS(status) == 42;
    }
    assert_int_equal(won, 1);
    assert_int_equal(stored().openings, 1);
}

// ---- the file ----

static void a_damaged_slot_leaves_the_other_and_two_leave_nothing(void **state)
{
    struct rollcall_breakglass b;
    unsigned char *file, *copy;
    size_t len;

    (void)state;
    seal(4);
    file = scratch_read(FILE_NAME, &len);
    copy = malloc(len);
    assert_non_null(copy);
    assert_int_equal(len, 2 * SLOT);
    for (size_t at = 0; at < sizeof(b); at += 7) {
        memcpy(copy, file, len);
        copy[at] ^= 0x40;
        scratch_write(FILE_NAME, copy, len);
        assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), 0);
        assert_string_equal(b.account, "glass");
        copy[SLOT + at] ^= 0x01;
        scratch_write(FILE_NAME, copy, len);
        assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -EBADMSG);
    }
    for (size_t n = 0; n < len; n += 509) {
        scratch_write(FILE_NAME, file, n);
        assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), n < sizeof(b) ? -EBADMSG : 0);
    }
    free(copy);
    free(file);
}

static void a_file_that_others_may_use_or_that_is_a_link_is_none(void **state)
{
    struct rollcall_breakglass b;

    (void)state;
    seal(2);
    assert_int_equal(chmod(FILE_NAME, 0640), 0);
    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -EPERM);
    assert_int_equal(chmod(FILE_NAME, 0600), 0);
    assert_int_equal(rename(FILE_NAME, "folder/kept"), 0);
    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -ENOENT);
    assert_int_equal(symlink("kept", FILE_NAME), 0);
    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -ELOOP);
    assert_int_equal(unlink(FILE_NAME), 0);
    assert_int_equal(mkfifo(FILE_NAME, 0600), 0);
    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -EPERM);
}

static void a_file_for_root_is_none(void **state)
{
    struct rollcall_breakglass b;
    int fd;

    (void)state;
    seal(2);
    assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 0, &fd, &b), 0);
    snprintf(b.account, sizeof(b.account), "root");
    assert_int_equal(rollcall_breakglass_write(fd, &b), 0);
    close(fd);
    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -EBADMSG);
    seal(2);
    assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 0, &fd, &b), 0);
    b.uid = 0;
    assert_int_equal(rollcall_breakglass_write(fd, &b), 0);
    close(fd);
    assert_int_equal(rollcall_breakglass_read(FILE_NAME, &b), -EBADMSG);
}

static void one_who_holds_the_file_makes_others_wait(void **state)
{
    struct rollcall_breakglass b;
    int fd, other;

    (void)state;
    seal(2);
    assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 0, &fd, &b), 0);
    assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 30, &other, &b), -EBUSY);
    close(fd);
    assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 0, &other, &b), 0);
    close(other);
}

// ---- time ----

static const struct rollcall_breakglass_clock noon = {
    .boot = "0b6c1ae8-0000-4000-8000-000000000001", .since_boot = 10000, .wall = 1800000000};

static void it_is_open_for_its_time_of_this_boot(void **state)
{
    struct rollcall_breakglass b = {.open_for = 3600, .n_codes = 1};
    struct rollcall_breakglass_clock c = noon;

    (void)state;
    assert_false(rollcall_breakglass_is_open(&b, &c));
    rollcall_breakglass_use(&b, 1, &c);
    assert_true(rollcall_breakglass_is_open(&b, &c));
    // The wall's clock may say what it wants.
    c.wall = 0;
    assert_true(rollcall_breakglass_is_open(&b, &c));
    c.wall = INT64_MAX;
    assert_true(rollcall_breakglass_is_open(&b, &c));
    c.since_boot = 13599;
    assert_true(rollcall_breakglass_is_open(&b, &c));
    c.since_boot = 13600;
    assert_false(rollcall_breakglass_is_open(&b, &c));
    c.since_boot = 9999;
    assert_false(rollcall_breakglass_is_open(&b, &c));
    c = noon;
    c.boot[0] = '1'; // after a boot the seconds come round again
    assert_false(rollcall_breakglass_is_open(&b, &c));
}

static void wrong_codes_pause_and_never_for_long(void **state)
{
    struct rollcall_breakglass b = {0};
    struct rollcall_breakglass_clock c = noon;
    static const int64_t pauses[] = {0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30};

    (void)state;
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        rollcall_breakglass_charge(&b, &c);
        assert_int_equal(rollcall_breakglass_pause(&b, &c), pauses[i]);
    }
    b.failures = UINT32_MAX;
    rollcall_breakglass_charge(&b, &c);
    assert_int_equal(b.failures, UINT32_MAX);
    c.since_boot += 29;
    assert_int_equal(rollcall_breakglass_pause(&b, &c), 1);
    c.since_boot += 1;
    assert_int_equal(rollcall_breakglass_pause(&b, &c), 0);
    c.since_boot = 0;
    assert_int_equal(rollcall_breakglass_pause(&b, &c), 30);
    c.boot[0] = '1';
    assert_int_equal(rollcall_breakglass_pause(&b, &c), 0);
}

static void within_a_pause_a_right_code_opens_and_a_wrong_one_is_not_charged(void **state)
{
    struct rollcall_secret other;

    (void)state;
    seal(1);
    assert_int_equal(sealed_code_make(&other), 0);
    for (int i = 0; i < 8; i++) {
        struct rollcall_breakglass b;
        int fd;
        assert_int_equal(use(&other), 0);
        // Time goes by.
        assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 0, &fd, &b), 0);
        b.failed_at -= 60;
        assert_int_equal(rollcall_breakglass_write(fd, &b), 0);
        close(fd);
    }
    assert_int_equal(use(&other), 0);
    assert_int_equal(use(&other), -EBUSY);
    assert_int_equal(stored().failures, 9);
    assert_int_equal(use(&codes[0]), 1);
    assert_true(stored().open);
}

static void events_that_were_recorded_make_room_first(void **state)
{
    struct rollcall_breakglass b = {0};

    (void)state;
    for (uint32_t i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_CLOSED, i)->recorded = i == 5 || i == 7;
    rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_OPENED, 100);
    assert_int_equal(b.event[4].at, 4);
    assert_int_equal(b.event[5].at, 6);
    assert_int_equal(b.event[ROLLCALL_BREAKGLASS_EVENTS - 1].at, 100);
    rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_OPENED, 101);
    rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_OPENED, 102);
    assert_int_equal(b.event[0].at, 1);
    assert_int_equal(b.event[ROLLCALL_BREAKGLASS_EVENTS - 1].at, 102);
    assert_int_equal(b.unacknowledged, 3); // whatever the ring has room for
}

struct log {
    int taken, refuses_from;          // records; that of this number and all behind it
    const struct rollcall_secret *by; // a code that somebody uses meanwhile
};

static int take(void *ctx, const struct rollcall_breakglass *b,
                const struct rollcall_breakglass_event *e)
{
    struct log *log = ctx;

    (void)b;
    assert_false(e->recorded);
    if (log->by)
        assert_int_equal(use(log->by), 1);
    log->by = NULL;
    if (log->taken == log->refuses_from)
        return -EIO;
    log->taken++;
    return 0;
}

static int record(int refuses_from, const struct rollcall_secret *by, int *ret_taken)
{
    struct log log = {.refuses_from = refuses_from, .by = by};
    int r = breakglass_record(FILE_NAME, take, &log);

    *ret_taken = log.taken;
    return r;
}

static int unrecorded(void)
{
    struct rollcall_breakglass b = stored();
    int n = 0;

    for (int i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        n += b.event[i].kind != ROLLCALL_BREAKGLASS_NONE && !b.event[i].recorded;
    return n;
}

// However long the log takes.
static void a_code_opens_while_events_are_put_into_the_log(void **state)
{
    int taken;

    (void)state;
    seal(3);
    assert_int_equal(use(&codes[0]), 1);
    assert_int_equal(record(99, &codes[1], &taken), 1);
    assert_int_equal(taken, 1);
    assert_true(stored().event[0].recorded);
    assert_int_equal(stored().event[1].code, 2);
    assert_int_equal(unrecorded(), 1);
    assert_int_equal(record(99, NULL, &taken), 1);
    assert_int_equal(unrecorded(), 0);
    assert_int_equal(record(99, NULL, &taken), 0);
    assert_int_equal(taken, 0);
}

static void what_the_log_did_not_take_is_not_marked(void **state)
{
    int taken;

    (void)state;
    seal(3);
    assert_int_equal(use(&codes[0]), 1);
    assert_int_equal(use(&codes[1]), 1);
    assert_int_equal(record(0, NULL, &taken), -EIO);
    assert_int_equal(unrecorded(), 2);
    assert_int_equal(record(1, NULL, &taken), 1);
    assert_true(stored().event[0].recorded);
    assert_int_equal(unrecorded(), 1);
}

// A full ring moves while its events are recorded: none is marked in the place of another.
static void events_that_moved_meanwhile_are_the_ones_that_are_marked(void **state)
{
    struct rollcall_breakglass b;
    int fd, taken;

    (void)state;
    seal(3);
    assert_int_equal(rollcall_breakglass_lock(FILE_NAME, 0, &fd, &b), 0);
    for (int i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_CLOSED, 7); // all alike
    assert_int_equal(rollcall_breakglass_write(fd, &b), 0);
    close(fd);
    assert_int_equal(record(99, &codes[0], &taken), ROLLCALL_BREAKGLASS_EVENTS - 1);
    assert_int_equal(taken, ROLLCALL_BREAKGLASS_EVENTS);
    assert_int_equal(unrecorded(), 1);
    assert_int_equal(stored().event[ROLLCALL_BREAKGLASS_EVENTS - 1].code, 1);
    assert_false(stored().event[ROLLCALL_BREAKGLASS_EVENTS - 1].recorded);
}

static void it_serves_the_services_of_its_list_by_their_whole_names(void **state)
{
    struct rollcall_breakglass b = {.services = "login,su,su-l"};

    (void)state;
    assert_true(rollcall_breakglass_serves(&b, "login"));
    assert_true(rollcall_breakglass_serves(&b, "su-l"));
    assert_false(rollcall_breakglass_serves(&b, "su-"));
    assert_false(rollcall_breakglass_serves(&b, "sshd"));
    assert_false(rollcall_breakglass_serves(&b, ""));
    assert_false(rollcall_breakglass_serves(&b, "login,su"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_read_as_people_type_it),
        cmocka_unit_test(a_slip_of_the_pen_shows),
        cmocka_unit_test(a_code_opens_once_and_is_gone_from_both_slots),
        cmocka_unit_test(no_code_fits_a_place_that_is_empty),
        cmocka_unit_test(killed_at_any_moment_a_code_is_good_or_burnt_and_said_to_be),
        cmocka_unit_test(of_many_at_once_exactly_one_uses_it),
        cmocka_unit_test(a_damaged_slot_leaves_the_other_and_two_leave_nothing),
        cmocka_unit_test(a_file_that_others_may_use_or_that_is_a_link_is_none),
        cmocka_unit_test(a_file_for_root_is_none),
        cmocka_unit_test(one_who_holds_the_file_makes_others_wait),
        cmocka_unit_test(it_is_open_for_its_time_of_this_boot),
        cmocka_unit_test(wrong_codes_pause_and_never_for_long),
        cmocka_unit_test(within_a_pause_a_right_code_opens_and_a_wrong_one_is_not_charged),
        cmocka_unit_test(events_that_were_recorded_make_room_first),
        cmocka_unit_test(a_code_opens_while_events_are_put_into_the_log),
        cmocka_unit_test(what_the_log_did_not_take_is_not_marked),
        cmocka_unit_test(events_that_moved_meanwhile_are_the_ones_that_are_marked),
        cmocka_unit_test(it_serves_the_services_of_its_list_by_their_whole_names),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_leave);
}
