// SPDX-License-Identifier: BSD-2-Clause
// Which files a change writes: none that its content does not stand in.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/cache.h"
#include "syncd/engine/core_internal.h"
#include "tests/unit/company.h"

struct files {
    ino_t accounts, private_, keys;
};

static ino_t inode(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static struct files files_of(const struct company *c)
{
    return (struct files){inode(c->paths.accounts), inode(c->paths.private_), inode(c->paths.keys)};
}

static bool has_delta(const struct company *c)
{
    char path[200];

    snprintf(path, sizeof(path), "%s" ROLLCALL_DELTA_SUFFIX, c->paths.private_);
    return inode(path) != 0;
}

static void a_lock_is_a_word_and_a_row_of_the_delta(void **state)
{
    struct company *c = *state;
    struct files was, is;

    company_listing(c);
    was = files_of(c);
    assert_false(has_delta(c));
    c->staff[3].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    is = files_of(c);
    assert_int_equal(is.accounts, was.accounts);
    assert_int_equal(is.private_, was.private_);
    assert_int_equal(is.keys, was.keys);
    assert_true(has_delta(c));
    assert_int_equal(company_state(c, "p3"), ROLLCALL_STATE_TERMINATED);
    assert_int_equal(company_ask(c, "p4").cause, ROLLCALL_ADMIT);
}

// HR's file says when p3 leaves, in two hours, and said nothing of it before.
static int64_t leave_in_two_hours(struct company *c)
{
    int64_t end;

    company_listing(c);
    end = c->now + 7200;
    c->staff[3].row.terminated_at = end;
    company_listing(c);
    return end;
}

static void a_leave_date_that_is_new_is_known_without_the_engine(void **state)
{
    struct company *c = *state;
    int64_t end = leave_in_two_hours(c);

    assert_true(has_delta(c));
    company_kill(c);
    c->now = end - 1;
    assert_int_equal(company_ask(c, "p3").cause, ROLLCALL_ADMIT);
    c->now = end;
    assert_int_not_equal(company_ask(c, "p3").cause, ROLLCALL_ADMIT);
}

static void a_date_that_is_taken_back_counts_no_more(void **state)
{
    struct company *c = *state;
    int64_t end = leave_in_two_hours(c);

    c->staff[3].row.terminated_at = ROLLCALL_TIME_UNSET;
    company_listing(c);
    company_kill(c);
    c->now = end;
    assert_int_equal(company_ask(c, "p3").cause, ROLLCALL_ADMIT);
}

static void who_joins_writes_the_public_file_and_no_other_persons_row(void **state)
{
    struct company *c = *state;
    struct files was, is;

    c->staff[9].listed = false;
    company_listing(c);
    was = files_of(c);
    assert_int_equal(company_uid(c, "p9"), 0);
    c->staff[9].listed = true;
    company_listing(c);
    is = files_of(c);
    assert_int_not_equal(is.accounts, was.accounts);
    assert_int_equal(is.private_, was.private_);
    assert_true(has_delta(c));
    assert_int_not_equal(company_uid(c, "p9"), 0);
    assert_int_equal(company_ask(c, "p9").cause, ROLLCALL_ADMIT);
}

static void a_listing_that_says_the_same_writes_nothing(void **state)
{
    struct company *c = *state;
    struct files was, is;

    company_listing(c);
    was = files_of(c);
    company_listing(c);
    is = files_of(c);
    assert_memory_equal(&was, &is, sizeof(was));
    assert_false(has_delta(c));
}

static void a_key_alone_writes_the_keys_alone(void **state)
{
    static const char *const keys[] = {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJu5lDjXnbKEzVDcQ9kVxYfUyUc7bJqG8l8Y3mZ0hH2R"};
    struct company *c = *state;
    struct files was, is;

    company_listing(c);
    was = files_of(c);
    c->staff[2].row.keys_present = true;
    c->staff[2].row.ssh_keys = keys;
    c->staff[2].row.n_ssh_keys = 1;
    company_listing(c);
    is = files_of(c);
    assert_int_equal(is.accounts, was.accounts);
    assert_int_equal(is.private_, was.private_);
    assert_int_not_equal(is.keys, was.keys);
}

static int take_line(void *ctx, const char *line, size_t len)
{
    snprintf(ctx, 200, "%.*s", (int)len, line);
    return 0;
}

static void line_of(const struct company *c, const char *name, char ret[200])
{
    struct rollcall_keys *keys;
    uint32_t slot;
    uid_t uid;

    ret[0] = 0;
    assert_int_equal(rollcall_keys_open(c->paths.keys, &keys), 0);
    assert_int_equal(rollcall_keys_by_name(keys, name, &slot, &uid, take_line, ret), 0);
    rollcall_keys_close(keys);
}

static void marks_of_keys_are_taken_from_where_people_cannot_write_them(void **state)
{
    static const char *const keys[] = {"vouched sk-ssh-ed25519@openssh.com "
                                       "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIE7slW39spQ5"};
    struct company *c = *state;
    char line[200];

    c->staff[2].row.keys_present = true;
    c->staff[2].row.ssh_keys = keys;
    c->staff[2].row.n_ssh_keys = 1;
    company_listing(c);
    line_of(c, c->staff[2].name, line);
    assert_string_equal(line, keys[0] + strlen("vouched "));
    c->config.source[0].key_marks = true;
    c->staff[2].row.display_name = "Somebody Else"; // a row that changed is looked at anew
    company_listing(c);
    line_of(c, c->staff[2].name, line);
    assert_string_equal(line, keys[0]);
}

static void a_new_name_is_in_every_file_and_the_old_one_leads_to_nobody_elses(void **state)
{
    struct company *c = *state;
    struct files was, is;

    company_listing(c);
    was = files_of(c);
    c->staff[5].row.user_name = "newname";
    company_listing(c);
    is = files_of(c);
    assert_int_not_equal(is.accounts, was.accounts);
    assert_int_equal(company_ask(c, "newname").cause, ROLLCALL_ADMIT);
    assert_int_not_equal(company_ask(c, "p5").cause, ROLLCALL_ADMIT);
    assert_int_equal(company_ask(c, "p6").cause, ROLLCALL_ADMIT);
}

static void more_people_than_a_delta_holds_are_written_whole(void **state)
{
    struct company *c = company_open(COMPANY_STAFF);
    struct files was, is;

    (void)state;
    company_listing(c);
    was = files_of(c);
    for (size_t i = 0; i < COMPANY_STAFF; i++)
        c->staff[i].row.terminated_at = c->now + 100000;
    company_listing(c);
    is = files_of(c);
    assert_int_not_equal(is.private_, was.private_);
    assert_false(has_delta(c));
    assert_int_equal(is.accounts, was.accounts);
    c->now += 100000;
    assert_int_not_equal(company_ask(c, "p1199").cause, ROLLCALL_ADMIT);
    company_close(c);
}

static void a_restart_starts_with_whole_files(void **state)
{
    struct company *c = *state;

    company_listing(c);
    c->staff[3].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    assert_true(has_delta(c));
    assert_int_equal(company_restart(c), 0);
    company_publish(c);
    assert_false(has_delta(c));
    assert_int_equal(company_state(c, "p3"), ROLLCALL_STATE_TERMINATED);
}

// Whoever sees a delta of another time takes neither it nor less than was known.
static void an_old_delta_beside_a_new_file_counts_for_nothing(void **state)
{
    struct company *c = *state;
    char delta[200], kept[210];

    company_listing(c);
    c->staff[3].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    snprintf(delta, sizeof(delta), "%s" ROLLCALL_DELTA_SUFFIX, c->paths.private_);
    snprintf(kept, sizeof(kept), "%s.kept", delta);
    assert_int_equal(rename(delta, kept), 0);
    c->staff[3].row.status = ROLLCALL_STATUS_ACTIVE;
    assert_int_equal(company_restart(c), 0);
    company_listing(c);
    company_listing(c);
    assert_int_equal(rename(kept, delta), 0);
    assert_int_equal(company_ask(c, "p3").cause, ROLLCALL_ADMIT);
}

static void a_delta_that_cannot_be_read_lets_nobody_in(void **state)
{
    struct company *c = *state;
    char delta[200];

    company_listing(c);
    c->staff[3].row.status = ROLLCALL_STATUS_TERMINATED;
    company_listing(c);
    snprintf(delta, sizeof(delta), "%s" ROLLCALL_DELTA_SUFFIX, c->paths.private_);
    assert_int_equal(truncate(delta, 100), 0);
    assert_int_equal(company_ask(c, "p4").cause, ROLLCALL_REFUSE_NO_CACHE);
}

static void everybody_comes_once_and_dates_find_their_people(void **state)
{
    struct company *c = *state;
    struct rollcall_private *p = NULL;
    struct rollcall_person who;
    uint32_t cursor = 0, seen = 0;

    c->staff[1].row.terminated_at = c->now + 5000;
    company_listing(c);
    c->staff[2].row.terminated_at = c->now + 6000;
    company_listing(c);
    assert_int_equal(rollcall_private_open(c->paths.private_, &p), 0);
    while (rollcall_private_next(p, &cursor, &who) == 0) {
        assert_false(seen & 1u << who.slot);
        seen |= 1u << who.slot;
    }
    assert_int_equal(__builtin_popcount(seen), 10);
    cursor = 0;
    assert_int_equal(rollcall_private_dated(p, c->now, c->now + 5500, &cursor, &who), 0);
    assert_string_equal(who.name, "p1");
    assert_int_equal(rollcall_private_dated(p, c->now, c->now + 5500, &cursor, &who), -ENOENT);
    cursor = 0;
    assert_int_equal(rollcall_private_dated(p, c->now + 5500, c->now + 9000, &cursor, &who), 0);
    assert_string_equal(who.name, "p2");
    assert_int_equal(rollcall_private_by_slot(p, who.slot, &who), 0);
    assert_string_equal(who.name, "p2");
    rollcall_private_close(p);
}

static struct rollcall_person person(const struct company *c, const char *name,
                                     char buf[ROLLCALL_ADMISSION_BUF],
                                     struct rollcall_admission *ret_admission)
{
    struct rollcall_person p;

    rollcall_admission_look_up(c->paths.board, c->paths.private_, name, 0, c->now, ret_admission,
                               &p, buf, ROLLCALL_ADMISSION_BUF);
    return p;
}

// The verifier binds as that name; the two say together what it needs of a directory.
static void the_dn_and_a_blocked_password_reach_the_verifier(void **state)
{
    struct company *c = *state;
    char buf[ROLLCALL_ADMISSION_BUF], longest[ROLLCALL_DN_MAX + 1], longer[ROLLCALL_DN_MAX + 2];
    struct rollcall_admission a;
    struct files was;

    memset(longest, 'x', sizeof(longest));
    longest[ROLLCALL_DN_MAX] = 0;
    memset(longer, 'x', sizeof(longer));
    longer[ROLLCALL_DN_MAX + 1] = 0;
    c->staff[1].row.dn = "uid=p1,ou=people,dc=example,dc=com";
    c->staff[2].row.dn = longest;
    c->staff[3].row.dn = longer;
    company_listing(c);
    assert_string_equal(person(c, "p0", buf, &a).dn, "");
    assert_string_equal(person(c, "p1", buf, &a).dn, "uid=p1,ou=people,dc=example,dc=com");
    assert_string_equal(person(c, "p1", buf, &a).immutable_id, "hr:1001");
    assert_int_equal(a.flags & ROLLCALL_FLAG_PASSWORD_BLOCKED, 0);
    assert_string_equal(person(c, "p2", buf, &a).dn, longest);
    assert_string_equal(person(c, "p3", buf, &a).dn, ""); // refused, never cut
    assert_int_equal(company_events(c, "row-refused"), 1);
    was = files_of(c);
    c->staff[1].row.dn = "uid=p1,ou=leavers,dc=example,dc=com";
    c->staff[2].row.dn = NULL;
    c->staff[2].row.password_blocked = true;
    company_listing(c);
    assert_string_equal(person(c, "p1", buf, &a).dn, "uid=p1,ou=leavers,dc=example,dc=com");
    assert_string_equal(person(c, "p2", buf, &a).dn, "");
    assert_int_equal(a.flags & ROLLCALL_FLAG_PASSWORD_BLOCKED, ROLLCALL_FLAG_PASSWORD_BLOCKED);
    assert_int_equal(a.cause, ROLLCALL_ADMIT); // ends nothing
    assert_int_equal(files_of(c).accounts, was.accounts);
    assert_int_equal(files_of(c).private_, was.private_);
}

// ---- a seed that puts too many names in one place ----

static unsigned unlucky;

// libc's, but for the seed of a file where a test wants that of all there are.
ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    const uint64_t seed = 0x456ccde5ea6c49b8; // of p0 to p99

    if (unlucky == 0 || len != sizeof(seed))
        return syscall(SYS_getrandom, buf, len, flags);
    unlucky--;
    memcpy(buf, &seed, sizeof(seed));
    return sizeof(seed);
}

static void a_seed_by_which_no_index_can_be_made_is_not_the_last(void **state)
{
    struct company *c = company_open(100);

    (void)state;
    for (unsigned n = 1; n < 4; n++) {
        unlucky = n;
        c->staff[n].row.display_name = "Another";
        c->core->dirty = DIRTY_ALL;
        assert_int_equal(company_listing(c), 0); // and publishes
        assert_int_equal(unlucky, 0);
        assert_int_equal(company_state(c, "p99"), ROLLCALL_STATE_ACTIVE);
    }
    company_close(c);
}

int main(void)
{
#define IN_A_COMPANY(t) cmocka_unit_test_setup_teardown(t, company_setup, company_teardown)
    const struct CMUnitTest tests[] = {
        IN_A_COMPANY(a_lock_is_a_word_and_a_row_of_the_delta),
        IN_A_COMPANY(a_leave_date_that_is_new_is_known_without_the_engine),
        IN_A_COMPANY(a_date_that_is_taken_back_counts_no_more),
        IN_A_COMPANY(who_joins_writes_the_public_file_and_no_other_persons_row),
        IN_A_COMPANY(a_listing_that_says_the_same_writes_nothing),
        IN_A_COMPANY(a_key_alone_writes_the_keys_alone),
        IN_A_COMPANY(marks_of_keys_are_taken_from_where_people_cannot_write_them),
        IN_A_COMPANY(a_new_name_is_in_every_file_and_the_old_one_leads_to_nobody_elses),
        cmocka_unit_test(more_people_than_a_delta_holds_are_written_whole),
        cmocka_unit_test(a_seed_by_which_no_index_can_be_made_is_not_the_last),
        IN_A_COMPANY(a_restart_starts_with_whole_files),
        IN_A_COMPANY(an_old_delta_beside_a_new_file_counts_for_nothing),
        IN_A_COMPANY(a_delta_that_cannot_be_read_lets_nobody_in),
        IN_A_COMPANY(everybody_comes_once_and_dates_find_their_people),
        IN_A_COMPANY(the_dn_and_a_blocked_password_reach_the_verifier),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
