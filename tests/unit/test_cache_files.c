// SPDX-License-Identifier: BSD-2-Clause
// Accounts, private, keys and board: what writers wrote, readers find; what is cut,
// turned over or foreign, they call absent.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rollcall/cache_map.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

#define FEW  7u
#define MANY 3000u

static void every_name_and_id_is_found_again(void **state)
{
    (void)state;
    assert_int_equal(fixture_accounts("./accounts", MANY, 1, false), 0);
    assert_int_equal(fixture_walk_accounts("./accounts"), 2 * MANY + 2);
    assert_int_equal(fixture_private("./private", MANY), 0);
    assert_int_equal(fixture_walk_private("./private"), 2 * MANY);
    assert_int_equal(fixture_keys("./keys", 6), 0);
    assert_int_equal(fixture_walk_keys("./keys"), 0 + 1 + 2 + 0 + 1 + 2);
    assert_int_equal(fixture_board("./board", MANY, 1, NULL), 0);
    assert_int_equal(fixture_walk_board("./board"), MANY);
}

static void an_empty_company_is_a_file_that_finds_nobody(void **state)
{
    (void)state;
    assert_int_equal(fixture_accounts("./accounts", 0, 1, false), 0);
    assert_int_equal(fixture_walk_accounts("./accounts"), 2);
    assert_int_equal(fixture_private("./private", 0), 0);
    assert_int_equal(fixture_walk_private("./private"), 0);
}

static void a_file_cut_at_any_byte_is_absent(void **state)
{
    static int (*const walks[])(const char *) = {fixture_walk_accounts, fixture_walk_private,
                                                 fixture_walk_keys, fixture_walk_board};
    static const char *const paths[] = {"./accounts", "./private", "./keys", "./board"};

    (void)state;
    fixture_accounts(paths[0], FEW, 1, false);
    fixture_private(paths[1], FEW);
    fixture_keys(paths[2], FEW);
    fixture_board(paths[3], FEW, 1, NULL);
    for (int i = 0; i < 4; i++) {
        size_t len;
        unsigned char *data = scratch_read(paths[i], &len);
        assert_true(walks[i](paths[i]) > 0);
        for (size_t cut = 0; cut < len; cut++) {
            scratch_write(paths[i], data, cut);
            assert_int_equal(walks[i](paths[i]), -EBADMSG);
        }
        scratch_write(paths[i], data, len);
        assert_true(walks[i](paths[i]) > 0);
        free(data);
    }
}

// The header's check is put right again, so that the mutation reaches what lies behind it.
static void repair(unsigned char *data, size_t len)
{
    struct rc_header h;

    memcpy(&h, data, sizeof(h));
    h.file_size = len;
    h.head_check = XXH3_64bits(&h, offsetof(struct rc_header, head_check));
    memcpy(data, &h, sizeof(h));
}

static void no_byte_that_is_turned_over_crashes_a_reader(void **state)
{
    static int (*const walks[])(const char *) = {fixture_walk_accounts, fixture_walk_private,
                                                 fixture_walk_keys};
    static const char *const paths[] = {"./accounts", "./private", "./keys"};

    (void)state;
    fixture_accounts(paths[0], FEW, 1, false);
    fixture_private(paths[1], FEW);
    fixture_keys(paths[2], FEW);
    for (int i = 0; i < 3; i++) {
        size_t len;
        unsigned char *data = scratch_read(paths[i], &len);
        int whole = walks[i](paths[i]);
        for (size_t at = 0; at < len; at++) {
            for (int how = 0; how < 3; how++) {
                unsigned char was = data[at];
                data[at] = how == 0 ? (unsigned char)(was ^ 0x80) : how == 1 ? 0xff : 0;
                if (at < sizeof(struct rc_header) - 8)
                    repair(data, len);
                scratch_write(paths[i], data, len);
                assert_true(walks[i](paths[i]) <= whole);
                data[at] = was;
                repair(data, len);
            }
        }
        free(data);
    }
}

static void mutations_at_random_never_crash_a_reader(void **state)
{
    size_t len;
    unsigned char *data, *copy;

    (void)state;
    srandom(20261124);
    fixture_accounts("./accounts", 60, 1, false);
    data = scratch_read("./accounts", &len);
    copy = malloc(len);
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, data, len);
        for (int n = 1 + (int)(random() % 8); n > 0; n--)
            copy[(size_t)random() % len] = (unsigned char)random();
        repair(copy, len);
        scratch_write("./accounts", copy, len);
        (void)fixture_walk_accounts("./accounts");
    }
    free(copy);
    free(data);
}

static void a_board_word_with_one_bit_turned_over_is_no_word(void **state)
{
    struct rollcall_board *b = NULL;
    struct rollcall_word word;
    unsigned char *data;
    size_t len;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    data = scratch_read("./board", &len);
    for (int bit = 0; bit < 64; bit++) {
        data[RC_BOARD_HEAD + bit / 8] ^= (unsigned char)(1 << bit % 8);
        scratch_write("./board", data, len);
        assert_int_equal(rollcall_board_open("./board", &b), 0);
        assert_int_equal(rollcall_board_read(b, 0, FIXTURE_FIRST, &word), -EBADMSG);
        b = rollcall_board_close(b);
        data[RC_BOARD_HEAD + bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    // One slot's word in another's place is nobody's either.
    memcpy(data + RC_BOARD_HEAD + 8, data + RC_BOARD_HEAD, 8);
    scratch_write("./board", data, len);
    assert_int_equal(rollcall_board_open("./board", &b), 0);
    assert_int_equal(rollcall_board_read(b, 1, FIXTURE_FIRST, &word), -EBADMSG);
    assert_int_equal(rollcall_board_read(b, 1, FIXTURE_FIRST + 1, &word), -EBADMSG);
    assert_int_equal(rollcall_board_read(b, 1u << 30, FIXTURE_FIRST, &word), -ERANGE);
    rollcall_board_close(b);
    free(data);
}

static void a_board_restored_from_a_copy_is_not_trusted(void **state)
{
    struct rollcall_board *b = NULL;
    unsigned char *data;
    size_t len;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    data = scratch_read("./board", &len);
    scratch_write("./copy", data, len);
    assert_int_equal(rollcall_board_open("./copy", &b), -EBADMSG);
    free(data);
}

static void a_file_that_others_may_write_is_absent(void **state)
{
    struct rc_map m;

    (void)state;
    assert_int_equal(fixture_accounts("./accounts", FEW, 1, false), 0);
    chmod("./accounts", 0666);
    assert_int_equal(
        rc_map_open("./accounts", ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record), &m),
        -EBADMSG);
    chmod("./accounts", 0644);
    assert_int_equal(symlink("accounts", "./link"), 0);
    assert_int_equal(
        rc_map_open("./link", ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record), &m),
        -EBADMSG);
    mkfifo("./fifo", 0600);
    assert_int_equal(
        rc_map_open("./fifo", ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record), &m),
        -EBADMSG);
    assert_int_equal(
        rc_map_open(".", ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record), &m), -EBADMSG);
    assert_int_equal(
        rc_map_open("./none", ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record), &m),
        -ENOENT);
    assert_int_equal(
        rc_map_open("./accounts", ROLLCALL_MAGIC_KEYS, sizeof(struct rc_keys_record), &m),
        -EBADMSG);
}

static void the_old_board_learns_that_it_was_replaced(void **state)
{
    struct rollcall_board *old = NULL, *new = NULL;
    struct rollcall_board_facts a, b;
    struct rollcall_word word;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    assert_int_equal(rollcall_board_open("./board", &old), 0);
    assert_int_equal(fixture_board("./board", FEW, 2, NULL), 0);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), -ESTALE);
    assert_int_equal(rollcall_board_open("./board", &new), 0);
    rollcall_board_facts(old, &a);
    rollcall_board_facts(new, &b);
    assert_true(a.replaced);
    assert_false(b.replaced);
    assert_memory_not_equal(a.board_id, b.board_id, 16);
    assert_int_equal(access("./board.old", F_OK), -1);
    rollcall_board_close(old);
    rollcall_board_close(new);
}

static void a_board_whose_writer_died_before_the_mark_is_marked_at_the_next_start(void **state)
{
    struct rollcall_board *old = NULL;
    struct rollcall_word word;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    assert_int_equal(rollcall_board_open("./board", &old), 0);
    // Killed behind the rename: the old board has its second name, a new one the path.
    assert_int_equal(rename("./board", "./board.old"), 0);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), 0);
    assert_int_equal(fixture_board("./board", FEW, 2, NULL), 0);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), -ESTALE);
    assert_int_equal(access("./board.old", F_OK), -1);
    rollcall_board_close(old);
}

static void who_tightens_where_an_engine_died_before_the_mark_is_seen_by_all(void **state)
{
    struct rollcall_board *old = NULL, *new = NULL;
    struct rollcall_word word;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    assert_int_equal(rollcall_board_open("./board", &old), 0);
    // A new one at the path, the old one under its second name, and not marked.
    assert_int_equal(rename("./board", "./aside"), 0);
    assert_int_equal(fixture_board("./board", FEW, 2, NULL), 0);
    assert_int_equal(rename("./aside", "./board.old"), 0);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), 0);
    assert_int_equal(rollcall_board_open_tighten("./board", &new), 0);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), -ESTALE);
    rollcall_board_close(new);
    rollcall_board_close(old);
    unlink("./board.old");
}

// The file that was to take the board's place goes away under the writer's hands.
static int fill_and_lose(void *ctx, struct rollcall_board_writer *w)
{
    (void)ctx;
    (void)w;
    return unlink("./board.new") < 0 ? -errno : 0;
}

static void a_board_whose_writer_died_before_the_rename_is_live_until_another_is_there(void **state)
{
    struct rollcall_board_writer *w = NULL;
    struct rollcall_board *old = NULL;
    struct rollcall_word word;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    assert_int_equal(rollcall_board_open("./board", &old), 0);
    // Killed before the rename: the board has both names.
    assert_int_equal(link("./board", "./board.old"), 0);
    assert_int_equal(rollcall_board_create("./board", FEW, fixture_ledger, ROLLCALL_ID_DEFAULT_MIN,
                                           ROLLCALL_ID_DEFAULT_MAX, false, fill_and_lose, NULL, &w),
                     -ENOENT);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), 0);
    assert_int_equal(fixture_board("./board", FEW, 2, NULL), 0);
    assert_int_equal(rollcall_board_read(old, 0, FIXTURE_FIRST, &word), -ESTALE);
    assert_int_equal(access("./board.old", F_OK), -1);
    rollcall_board_close(old);
}

static void the_enforcer_may_only_tighten(void **state)
{
    struct rollcall_board *b = NULL, *plain = NULL;
    struct rollcall_word word;
    uid_t uid = FIXTURE_FIRST;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, NULL), 0);
    assert_int_equal(rollcall_board_open_tighten("./board", &b), 0);
    assert_int_equal(rollcall_board_tighten(b, 0, uid, ROLLCALL_STATE_LOCKED), 0);
    assert_int_equal(rollcall_board_tighten(b, 0, uid, ROLLCALL_STATE_ACTIVE), -EPERM);
    assert_int_equal(rollcall_board_tighten(b, 0, uid + 1, ROLLCALL_STATE_LOCKED), -EBADMSG);
    assert_int_equal(rollcall_board_tighten(b, 0, uid, (enum rollcall_state)9), -EINVAL);
    assert_int_equal(rollcall_board_open("./board", &plain), 0);
    assert_int_equal(rollcall_board_read(plain, 0, uid, &word), 0);
    assert_int_equal(word.state, ROLLCALL_STATE_LOCKED);
    assert_int_equal(rollcall_board_tighten(plain, 0, uid, ROLLCALL_STATE_TERMINATED), -EPERM);
    rollcall_board_close(plain);
    rollcall_board_close(b);
}

static void a_lease_that_is_no_time_is_over(void **state)
{
    struct rollcall_lease lease = {.as_of = INT64_MAX, .length = INT64_MAX, .extended = -5};
    struct rollcall_board_writer *w = NULL;
    struct rollcall_board_facts facts;
    struct rollcall_board *b = NULL;

    (void)state;
    assert_int_equal(fixture_board("./board", FEW, 1, &w), 0);
    rollcall_board_set_lease(w, 0, &lease);
    rollcall_board_set_clock_mark(w, -1);
    assert_int_equal(rollcall_board_open("./board", &b), 0);
    rollcall_board_facts(b, &facts);
    assert_int_equal(facts.leases[0].as_of, 0);
    assert_int_equal(facts.leases[0].length, 0);
    assert_int_equal(facts.leases[0].extended, 0);
    assert_true(facts.clock_mark > 1000000000000);
    rollcall_board_close(b);
    rollcall_board_writer_close(w);
}

static void a_name_given_up_belongs_to_who_has_it_now(void **state)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person who;

    (void)state;
    assert_int_equal(fixture_private("./private", FEW), 0);
    assert_int_equal(rollcall_private_open("./private", &p), 0);
    assert_int_equal(rollcall_private_by_name(p, "p2", &who), 0);
    assert_int_equal(who.slot, 2);
    assert_int_equal(rollcall_private_by_name(p, "old", &who), 0);
    assert_string_equal(who.name, "p3");
    assert_int_equal(rollcall_private_by_name(p, "p99", &who), -ENOENT);
    assert_int_equal(rollcall_private_by_name(p, "", &who), -ENOENT);
    rollcall_private_close(p);
}

static void the_next_date_is_the_nearest_later_one(void **state)
{
    struct rollcall_private *p = NULL;

    (void)state;
    assert_int_equal(fixture_private("./private", FEW), 0); // 999, 997, 995
    assert_int_equal(rollcall_private_open("./private", &p), 0);
    assert_int_equal(rollcall_private_next_date(p, 0), 995);
    assert_int_equal(rollcall_private_next_date(p, 995), 997);
    assert_int_equal(rollcall_private_next_date(p, 998), 999);
    assert_true(rollcall_private_next_date(p, 999) == ROLLCALL_TIME_UNSET);
    rollcall_private_close(p);
}

// ---- what a writer is never to put into a file, and a reader never to serve ----

struct one {
    struct rollcall_snapshot_account account;
    struct rollcall_snapshot_group group;
    int left, groups_left;
};

static int one_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct one *o = ctx;

    *ret = o->account;
    return o->left-- > 0;
}

static int one_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    struct one *o = ctx;

    *ret = o->group;
    return o->groups_left-- > 0;
}

static int write_one(const char *name, uid_t uid, const char *group, gid_t gid, uint32_t id_min)
{
    struct one o = {.account = {.uid = uid,
                                .gid = uid,
                                .name = name,
                                .gecos = "",
                                .home = "/home/x",
                                .shell = "/bin/sh"},
                    .group = {.gid = gid, .name = group},
                    .left = name ? 1 : 0,
                    .groups_left = group ? 1 : 0};
    struct rollcall_snapshot_feed feed = {.next_account = one_account,
                                          .next_group = one_group,
                                          .ctx = &o,
                                          .slots = 1,
                                          .generation = 1,
                                          .id_min = id_min,
                                          .id_max = ROLLCALL_ID_DEFAULT_MAX};

    return rollcall_snapshot_write("./one", &feed);
}

static void reserved_names_and_ids_out_of_range_never_pass_the_reader(void **state)
{
    const uint32_t min = ROLLCALL_ID_DEFAULT_MIN;

    (void)state;
    assert_int_equal(write_one("zoe", min + 5, "crew", min + 6, min), 0);
    assert_true(write_one("root", min + 5, NULL, 0, min) < 0);
    assert_true(write_one("systemd-x", min + 5, NULL, 0, min) < 0);
    assert_true(write_one("zoe", 0, NULL, 0, min) < 0);
    assert_true(write_one("zoe", 999, NULL, 0, min) < 0);
    assert_true(write_one("zoe", min - 1, NULL, 0, min) < 0);
    assert_true(write_one("zoe", min, NULL, 0, min) < 0);
    assert_true(write_one("zoe", 65534, NULL, 0, 1000) < 0);
    assert_true(write_one("zoe", 600000, NULL, 0, 1000) < 0);
    assert_true(write_one(NULL, 0, "sudo", min + 7, min) < 0);
    assert_true(write_one(NULL, 0, "crew", 0, min) < 0);
    assert_true(write_one(NULL, 0, "crew", 65534, 1000) < 0);
    assert_true(write_one(NULL, 0, "crew", min, min) < 0);
    assert_true(write_one(NULL, 0, "sudo", min, min) < 0);
    assert_true(write_one(NULL, 0, "rollcall-people", min + 1, min) < 0);
    // A refusal leaves the file that stood.
    assert_int_equal(write_one("zoe", min + 5, "crew", min + 6, min), 0);
    assert_true(write_one("root", min + 5, NULL, 0, min) < 0);
    assert_int_equal(access("./one.new", F_OK), -1);
    assert_int_equal(access("./one", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_and_id_is_found_again),
        cmocka_unit_test(an_empty_company_is_a_file_that_finds_nobody),
        cmocka_unit_test(a_file_cut_at_any_byte_is_absent),
        cmocka_unit_test(no_byte_that_is_turned_over_crashes_a_reader),
        cmocka_unit_test(mutations_at_random_never_crash_a_reader),
        cmocka_unit_test(a_board_word_with_one_bit_turned_over_is_no_word),
        cmocka_unit_test(a_board_restored_from_a_copy_is_not_trusted),
        cmocka_unit_test(a_file_that_others_may_write_is_absent),
        cmocka_unit_test(the_old_board_learns_that_it_was_replaced),
        cmocka_unit_test(who_tightens_where_an_engine_died_before_the_mark_is_seen_by_all),
        cmocka_unit_test(a_board_whose_writer_died_before_the_mark_is_marked_at_the_next_start),
        cmocka_unit_test(
            a_board_whose_writer_died_before_the_rename_is_live_until_another_is_there),
        cmocka_unit_test(the_enforcer_may_only_tighten),
        cmocka_unit_test(a_lease_that_is_no_time_is_over),
        cmocka_unit_test(a_name_given_up_belongs_to_who_has_it_now),
        cmocka_unit_test(the_next_date_is_the_nearest_later_one),
        cmocka_unit_test(reserved_names_and_ids_out_of_range_never_pass_the_reader),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_leave);
}
