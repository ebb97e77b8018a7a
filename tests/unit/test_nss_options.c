// SPDX-License-Identifier: BSD-2-Clause
// What a host can choose of what programs are told: whether people can be enumerated,
// whether the locked ones are there, whether a former name finds its person.
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <setjmp.h>
#include <shadow.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "rollcall/cache_map.h"
#include "rollcall/cache_writer.h"
#include "tests/unit/nss_symbols.h"
#include "tests/unit/scratch.h"

#define ACCOUNTS "state/cache/accounts"
#define BOARD    "state/cache/board"
#define FIRST    (ROLLCALL_ID_DEFAULT_MIN + 100)

static const uint8_t ledger[16] = "ledger of a test";
static const char *const names[] = {"alice", "bob", "carol", "dave"};
enum { ALICE, BOB, CAROL, DAVE, PEOPLE };
static const struct rollcall_snapshot_former formers[] = {{BOB, "robert"}, {DAVE, "davina"}};

static struct rollcall_board_writer *board;
static uint64_t generation;

struct feeding {
    uint32_t people, former;
    char home[64];
};

static int no_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    (void)ctx;
    (void)ret;
    return 0;
}

static int next_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct feeding *f = ctx;
    uint32_t i = f->people;

    if (i == PEOPLE)
        return 0;
    snprintf(f->home, sizeof(f->home), "/home/%s", names[i]);
    *ret = (struct rollcall_snapshot_account){.slot = i,
                                              .uid = FIRST + i,
                                              .gid = FIRST + i,
                                              .name = names[i],
                                              .gecos = "",
                                              .home = f->home,
                                              .shell = "/bin/bash"};
    f->people++;
    return 1;
}

static int next_former(void *ctx, struct rollcall_snapshot_former *ret)
{
    struct feeding *f = ctx;

    if (f->former == sizeof(formers) / sizeof(formers[0]))
        return 0;
    *ret = formers[f->former++];
    return 1;
}

static int fill(void *ctx, struct rollcall_board_writer *w)
{
    (void)ctx;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct rollcall_word word = {.state = ROLLCALL_STATE_ACTIVE, .uid = FIRST + i};
        int r = rollcall_board_store(w, i, &word);
        if (r < 0)
            return r;
    }
    return rollcall_board_set_generation(w, generation);
}

static void publish(struct rollcall_snapshot_feed options)
{
    struct rollcall_board_writer *old = board;
    struct feeding f = {0};

    options.next_account = next_account;
    options.next_group = no_group;
    options.ctx = &f;
    options.slots = PEOPLE;
    options.generation = ++generation;
    options.id_min = ROLLCALL_ID_DEFAULT_MIN;
    options.id_max = ROLLCALL_ID_DEFAULT_MAX;
    memcpy(options.ledger_id, ledger, 16);
    assert_int_equal(rollcall_snapshot_write(ACCOUNTS, &options), 0);
    assert_int_equal(rollcall_board_create(BOARD, PEOPLE, ledger, options.id_min, options.id_max,
                                           options.observe, fill, NULL, &board),
                     0);
    rollcall_board_writer_close(old);
}

static void put_state(uint32_t slot, enum rollcall_state state)
{
    struct rollcall_word word = {.state = state, .uid = FIRST + slot};

    assert_int_equal(rollcall_board_store(board, slot, &word), 0);
}

static int prepare(void **state)
{
    char build[PATH_MAX];

    (void)state;
    load_module(build);
    scratch_enter_state();
    return 0;
}

// How many of the ways to a person find it: by name in passwd, shadow, initgroups and
// group, by id in passwd and group.
static unsigned ways_to(const char *name, uint32_t id)
{
    long start = 0, size = 0;
    gid_t *gids = NULL;
    struct passwd pw;
    struct group gr;
    struct spwd sp;
    char buf[1024];
    unsigned n = 0;
    int err;

    n += getpwnam_of(name, &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS;
    n += getspnam_of(name, &sp, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS;
    n += initgroups_of(name, id, &start, &size, &gids, 0, &err) == NSS_STATUS_SUCCESS;
    n += getgrnam_of(name, &gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS;
    n += getpwuid_of(id, &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS;
    n += getgrgid_of(id, &gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS;
    free(gids);
    return n;
}

static void enumerate(unsigned *ret_people, unsigned *ret_groups)
{
    struct passwd pw;
    struct group gr;
    char buf[1024];
    int err = 0;

    *ret_people = *ret_groups = 0;
    setpwent_of(0);
    while (getpwent_of(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
        ++*ret_people;
    assert_int_equal(err, ENOENT);
    setgrent_of(0);
    while (getgrent_of(&gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
        ++*ret_groups;
    assert_int_equal(err, ENOENT);
}

static void where_nobody_is_enumerated_everybody_is_found(void **state)
{
    unsigned people, groups;

    (void)state;
    publish((struct rollcall_snapshot_feed){0});
    enumerate(&people, &groups);
    assert_int_equal(people, PEOPLE);
    assert_int_equal(groups, PEOPLE + 1);
    publish((struct rollcall_snapshot_feed){.no_enumerate = true});
    enumerate(&people, &groups);
    assert_int_equal(people, 0);
    assert_int_equal(groups, 0);
    assert_int_equal(ways_to("alice", FIRST + ALICE), 6);
}

static void who_is_locked_is_hidden_from_the_next_lookup_on(void **state)
{
    static const enum rollcall_state strict[] = {ROLLCALL_STATE_LOCKED, ROLLCALL_STATE_TERMINATED,
                                                 ROLLCALL_STATE_PURGED};
    unsigned people, groups;

    (void)state;
    publish((struct rollcall_snapshot_feed){.hide_locked = true});
    for (unsigned i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
        put_state(BOB, ROLLCALL_STATE_ACTIVE);
        assert_int_equal(ways_to("bob", FIRST + BOB), 6);
        put_state(BOB, strict[i]);
        assert_int_equal(ways_to("bob", FIRST + BOB), 0);
        enumerate(&people, &groups);
        assert_int_equal(people, PEOPLE - 1);
        assert_int_equal(groups, PEOPLE);
        assert_int_equal(ways_to("alice", FIRST + ALICE), 6);
    }
}

static void who_is_only_suspended_or_to_come_is_not_hidden(void **state)
{
    struct passwd pw;
    char buf[1024];
    int err;

    (void)state;
    publish((struct rollcall_snapshot_feed){.hide_locked = true});
    put_state(ALICE, ROLLCALL_STATE_SUSPENDED);
    put_state(BOB, ROLLCALL_STATE_PENDING);
    assert_int_equal(ways_to("alice", FIRST + ALICE), 6);
    assert_int_equal(ways_to("bob", FIRST + BOB), 6);
    assert_int_equal(getpwnam_of("alice", &pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_shell, "/usr/sbin/nologin");
}

static void who_is_locked_is_visible_elsewhere_and_gets_no_shell(void **state)
{
    struct passwd pw;
    struct spwd sp;
    char buf[1024];
    int err;

    (void)state;
    publish((struct rollcall_snapshot_feed){0});
    put_state(BOB, ROLLCALL_STATE_TERMINATED);
    assert_int_equal(ways_to("bob", FIRST + BOB), 6);
    assert_int_equal(getpwnam_of("bob", &pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_shell, "/usr/sbin/nologin");
    assert_int_equal(getspnam_of("bob", &sp, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_int_equal(sp.sp_expire, 1);
}

static void observe_hides_nobody(void **state)
{
    (void)state;
    publish((struct rollcall_snapshot_feed){.hide_locked = true, .observe = true});
    put_state(BOB, ROLLCALL_STATE_LOCKED);
    assert_int_equal(ways_to("bob", FIRST + BOB), 6);
}

static void a_former_name_finds_the_person_under_the_present_one(void **state)
{
    long start = 0, size = 0;
    gid_t *gids = NULL;
    struct passwd pw;
    struct spwd sp;
    char buf[1024];
    int err;

    (void)state;
    publish((struct rollcall_snapshot_feed){.next_former = next_former});
    assert_int_equal(getpwnam_of("robert", &pw, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "bob");
    assert_int_equal(pw.pw_uid, FIRST + BOB);
    assert_string_equal(pw.pw_dir, "/home/bob");
    assert_int_equal(getspnam_of("robert", &sp, buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
    assert_string_equal(sp.sp_namp, "bob");
    assert_int_equal(initgroups_of("robert", FIRST + BOB, &start, &size, &gids, 0, &err),
                     NSS_STATUS_SUCCESS);
    assert_int_equal(start, 1);
    free(gids);
    assert_int_equal(ways_to("roberta", 1), 0);
    publish((struct rollcall_snapshot_feed){0});
    assert_int_equal(ways_to("robert", 1), 0);
}

static void a_former_name_hides_with_its_person(void **state)
{
    (void)state;
    publish((struct rollcall_snapshot_feed){.next_former = next_former, .hide_locked = true});
    assert_int_equal(ways_to("davina", 1), 3);
    put_state(DAVE, ROLLCALL_STATE_LOCKED);
    assert_int_equal(ways_to("davina", 1), 0);
}

// The record of a former name, changed by hand: seen before the writer's own check of it.
static void change_former(void (*change)(struct rc_former_record *r, uint32_t number))
{
    struct rc_header head;
    unsigned char *data;
    size_t len;

    publish((struct rollcall_snapshot_feed){.next_former = next_former});
    data = scratch_read(ACCOUNTS, &len);
    memcpy(&head, data, sizeof(head));
    for (uint32_t i = 0; i < sizeof(formers) / sizeof(formers[0]); i++) {
        struct rc_former_record r;
        unsigned char *at = data + head.section[RC_FORMER].off + i * sizeof(r);
        memcpy(&r, at, sizeof(r));
        change(&r, i);
        memcpy(at, &r, sizeof(r));
    }
    scratch_write(ACCOUNTS, data, len);
    free(data);
    rollcall_board_set_generation(board, ++generation);
}

static void flip_a_bit(struct rc_former_record *r, uint32_t number)
{
    (void)number;
    r->slot ^= 1;
}

static void name_root(struct rc_former_record *r, uint32_t number)
{
    memset(r->name, 0, sizeof(r->name));
    memcpy(r->name, "root", 4);
    r->name_len = 4;
    r->check = 0;
    r->check = rc_check16(r, sizeof(*r), number);
}

static void leave_the_file(struct rc_former_record *r, uint32_t number)
{
    r->slot = 0x7fffffff;
    r->check = 0;
    r->check = rc_check16(r, sizeof(*r), number);
}

static void a_former_name_that_does_not_hold_finds_nobody(void **state)
{
    (void)state;
    change_former(flip_a_bit);
    assert_int_equal(ways_to("robert", 1), 0);
    change_former(name_root);
    assert_int_equal(ways_to("root", 0), 0);
    change_former(leave_the_file);
    assert_int_equal(ways_to("robert", 1), 0);
    assert_int_equal(ways_to("bob", FIRST + BOB), 6);
}

// ---- the text of an account's record, changed by hand: its check holds ----

static void change_text(uint32_t slot, const char *text, size_t text_len, uint8_t name_len)
{
    struct rc_account_record r;
    struct rc_header head;
    unsigned char *data, *at;
    size_t len;

    publish((struct rollcall_snapshot_feed){0});
    data = scratch_read(ACCOUNTS, &len);
    memcpy(&head, data, sizeof(head));
    at = data + head.section[RC_RECORDS].off + slot * sizeof(r);
    memcpy(&r, at, sizeof(r));
    memset(r.text, 0, sizeof(r.text));
    memcpy(r.text, text, text_len);
    r.name_len = name_len;
    r.check = 0;
    r.check = rc_check16(&r, sizeof(r), slot);
    memcpy(at, &r, sizeof(r));
    scratch_write(ACCOUNTS, data, len);
    free(data);
    rollcall_board_set_generation(board, ++generation);
}

#define WITH(text) text, sizeof(text) - 1

static bool numbered(uint32_t slot, size_t len, struct passwd *ret, char *buf)
{
    int err = 0;
    enum nss_status s = getpwuid_of(FIRST + slot, ret, buf, len, &err);

    assert_true(s == NSS_STATUS_SUCCESS || (s == NSS_STATUS_NOTFOUND && err == ENOENT));
    return s == NSS_STATUS_SUCCESS;
}

static void a_name_that_does_not_end_where_it_says_is_nobodys(void **state)
{
    struct passwd pw;
    char buf[512];

    (void)state;
    change_text(BOB, WITH("bob"), 3);
    assert_true(numbered(BOB, sizeof(buf), &pw, buf));
    change_text(BOB, WITH("bobby"), 3); // no NUL behind it
    assert_false(numbered(BOB, sizeof(buf), &pw, buf));
    assert_int_equal(ways_to("bob", FIRST + BOB), 0);
    change_text(BOB, WITH("bob"), 5); // a NUL in it
    assert_false(numbered(BOB, sizeof(buf), &pw, buf));
    change_text(BOB, WITH("root\0xx"), 7);
    assert_false(numbered(BOB, sizeof(buf), &pw, buf));
    change_text(BOB, WITH(""), 0);
    assert_false(numbered(BOB, sizeof(buf), &pw, buf));
    change_text(BOB, WITH("a-name-that-is-exactly-32-bytes-"), 32);
    assert_true(numbered(BOB, sizeof(buf), &pw, buf));
    assert_string_equal(pw.pw_name, "a-name-that-is-exactly-32-bytes-");
    assert_string_equal(pw.pw_dir, "/home/a-name-that-is-exactly-32-bytes-");
    change_text(BOB, WITH("a-name-that-is-exactly-33-bytes-1"), 32);
    assert_false(numbered(BOB, sizeof(buf), &pw, buf));
    change_text(BOB, WITH("a-name-that-is-exactly-33-bytes-1"), 33);
    assert_false(numbered(BOB, sizeof(buf), &pw, buf));
}

static void a_gecos_without_an_end_ends_with_the_text(void **state)
{
    static const char text[] = "bob\0gecos of thirty-two bytes xxxxxx";
    struct passwd pw;
    char buf[512];

    (void)state;
    assert_int_equal(sizeof(text), RC_ACCOUNT_TEXT + 1);
    change_text(BOB, text, RC_ACCOUNT_TEXT, 3);
    for (size_t len = 100; len <= sizeof(buf); len += sizeof(buf) - 100) {
        assert_true(numbered(BOB, len, &pw, buf));
        assert_string_equal(pw.pw_name, "bob");
        assert_string_equal(pw.pw_gecos, text + 4);
    }
}

static void every_bit_of_a_record_moves_its_check(void **state)
{
    unsigned char record[80];
    unsigned same = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof(record); i++)
        record[i] = (unsigned char)(i * 37 + 11);
    for (unsigned i = 0; i < 8 * sizeof(record); i++) {
        uint16_t was = rc_check16(record, sizeof(record), 7);
        record[i / 8] ^= (unsigned char)(1u << i % 8);
        same += rc_check16(record, sizeof(record), 7) == was;
        record[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    assert_int_equal(same, 0);
    assert_int_not_equal(rc_check16(record, sizeof(record), 7),
                         rc_check16(record, sizeof(record), 8));
    memset(record, 0, sizeof(record));
    for (uint32_t number = 0; number < 3; number++)
        assert_int_not_equal(rc_check16(record, sizeof(record), number), 0);
}

static void every_reserved_name_is_seen_through_the_filter(void **state)
{
    static const char *const more[] = {"_x",       "_",        "sssd",
                                       "sssd-kcm", "systemd-", "systemd-a-name-that-is-32-bytes-"};
    const char *name;
    size_t n = 0;

    (void)state;
    for (; (name = rollcall_name_reserved_nth(n)); n++) {
        char longer[64];
        assert_true(rollcall_name_reserved(name, strlen(name)));
        snprintf(longer, sizeof(longer), "%sq", name);
        assert_int_equal(rollcall_name_reserved(longer, strlen(longer)), longer[0] == '_');
    }
    assert_true(n > 80);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        assert_true(rollcall_name_reserved(more[i], strlen(more[i])));
    for (size_t len = 8; len <= 32; len++)
        assert_true(rollcall_name_reserved("rollcall-and-whatever-follows-it", len));
    assert_false(rollcall_name_reserved("", 0));
    assert_false(rollcall_name_reserved("s", 1));
    assert_false(rollcall_name_reserved("alice", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nobody_is_enumerated_everybody_is_found),
        cmocka_unit_test(who_is_locked_is_hidden_from_the_next_lookup_on),
        cmocka_unit_test(who_is_only_suspended_or_to_come_is_not_hidden),
        cmocka_unit_test(who_is_locked_is_visible_elsewhere_and_gets_no_shell),
        cmocka_unit_test(observe_hides_nobody),
        cmocka_unit_test(a_former_name_finds_the_person_under_the_present_one),
        cmocka_unit_test(a_former_name_hides_with_its_person),
        cmocka_unit_test(a_former_name_that_does_not_hold_finds_nobody),
        cmocka_unit_test(a_name_that_does_not_end_where_it_says_is_nobodys),
        cmocka_unit_test(a_gecos_without_an_end_ends_with_the_text),
        cmocka_unit_test(every_bit_of_a_record_moves_its_check),
        cmocka_unit_test(every_reserved_name_is_seen_through_the_filter),
    };

    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
