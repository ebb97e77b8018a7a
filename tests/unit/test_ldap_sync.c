// SPDX-License-Identifier: BSD-2-Clause
// The controls of RFC 4533, cookies that say which server is behind, and what is known of
// the last listing.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldap.h>

#include "syncd/sources/ldap_control.h"
#include "syncd/sources/ldap_known.h"

#define UUID "0123456789abcdef"

// A value with the byte of room that libldap's have.
static struct berval value_of(const char *bytes, size_t len)
{
    struct berval v = {len, test_malloc(len + 1)};

    memcpy(v.bv_val, bytes, len);
    v.bv_val[len] = 0;
    return v;
}
#define VALUE(text) value_of(text, sizeof(text) - 1)

static void cookie_is(struct dir_cookie *c, const char *text)
{
    struct berval v = {strlen(text), (char *)(uintptr_t)text};

    assert_int_equal(dir_cookie_set(c, &v), 0);
}

static void a_request_is_what_the_rfc_writes(void **state)
{
    struct dir_cookie c;
    struct berval *v = dir_sync_request(true, NULL);

    (void)state;
    assert_int_equal(v->bv_len, 5);
    assert_memory_equal(v->bv_val, "\x30\x03\x0a\x01\x03", 5);
    ber_bvfree(v);
    cookie_is(&c, "xyz");
    v = dir_sync_request(false, &c);
    assert_int_equal(v->bv_len, 10);
    assert_memory_equal(v->bv_val, "\x30\x08\x0a\x01\x01\x04\x03xyz", 10);
    ber_bvfree(v);
}

static void an_entrys_state_is_read(void **state)
{
    struct berval v = VALUE("\x30\x18\x0a\x01\x03\x04\x10" UUID "\x04\x01"
                            "c"),
                  none = VALUE("\x30\x15\x0a\x01\x01\x04\x10" UUID);
    struct dir_sync_state s;

    (void)state;
    assert_int_equal(dir_sync_state_parse(&v, &s), 0);
    assert_int_equal(s.state, LDAP_SYNC_DELETE);
    assert_memory_equal(s.uuid, UUID, DIR_UUID);
    assert_int_equal(s.cookie.bv_len, 1);
    assert_int_equal(dir_sync_state_parse(&none, &s), 0);
    assert_int_equal(s.cookie.bv_len, 0);
    test_free(v.bv_val);
    test_free(none.bv_val);
}

static void rubbish_is_refused_and_touches_nothing(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
#define BAD(text) {text, sizeof(text) - 1}
        BAD(""),
        BAD("\x30"),
        BAD("\x30\x18\x0a\x01\x03\x04\x10" UUID), // shorter than it says
        BAD("\x30\x15\x0a\x01\x07\x04\x10" UUID), // a state that there is not
        BAD("\x30\x14\x0a\x01\x01\x04\x0f"
            "0123456789abcde"),                                   // 15 bytes of a UUID
        BAD("\x30\x84\xff\xff\xff\xff\x0a\x01\x01\x04\x10" UUID), // 4 GiB
        BAD("\x30\x80\x0a\x01\x01\x04\x10" UUID "\x00\x00"),      // indefinite: BER, not LDAP's
        BAD("\xa3\x05\x31\x03\x04\x01x"),
        BAD("\xa4\x00"),
    };
    struct dir_sync_state s = {.state = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct berval v = value_of(bad[i].bytes, bad[i].len);
        assert_int_equal(dir_sync_state_parse(&v, &s), -EBADMSG);
        assert_int_equal(s.state, 77);
        test_free(v.bv_val);
    }
}

static int count(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx)
{
    (void)uuid;
    ((int *)ctx)[deleted]++;
    return 0;
}

static void phases_are_read_with_their_defaults(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum dir_info_kind kind;
        bool done;
        size_t cookie;
    } rows[] = {
#define ROW(text, ...) {text, sizeof(text) - 1, __VA_ARGS__}
        ROW("\x80\x03xyz", DIR_INFO_COOKIE, false, 3),
        ROW("\xa1\x00", DIR_INFO_DELETE, true, 0),
        ROW("\xa1\x06\x04\x01"
            "c"
            "\x01\x01\x00",
            DIR_INFO_DELETE, false, 1),
        ROW("\xa2\x00", DIR_INFO_PRESENT, true, 0),
        ROW("\xa2\x03\x01\x01\x00", DIR_INFO_PRESENT, false, 0),
    };
    struct berval ids = VALUE("\xa3\x29\x01\x01\xff\x31\x24\x04\x10" UUID "\x04\x10" UUID),
                  odd = VALUE("\xa3\x17\x31\x15\x04\x10" UUID "\x04\x01x");
    struct dir_sync_info i;
    int n[2] = {0};

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct berval v = value_of(rows[k].bytes, rows[k].len);
        assert_int_equal(dir_sync_info_parse(&v, &i, count, n), 0);
        assert_int_equal(i.kind, rows[k].kind);
        assert_int_equal(i.refresh_done, rows[k].done);
        assert_int_equal(i.cookie.bv_len, rows[k].cookie);
        test_free(v.bv_val);
    }
    assert_int_equal(dir_sync_info_parse(&ids, &i, count, n), 0);
    assert_int_equal(i.kind, DIR_INFO_IDS);
    assert_int_equal(n[1], 2);
    assert_int_equal(n[0], 0);
    assert_int_equal(dir_sync_info_parse(&odd, &i, count, n), -EBADMSG);
    test_free(ids.bv_val);
    test_free(odd.bv_val);
}

static void the_end_of_a_refresh_is_read(void **state)
{
    struct berval v = VALUE("\x30\x06\x04\x01"
                            "c"
                            "\x01\x01\xff"),
                  none = VALUE("\x30\x00");
    struct dir_sync_done d;

    (void)state;
    assert_int_equal(dir_sync_done_parse(&v, &d), 0);
    assert_true(d.refresh_deletes);
    assert_int_equal(d.cookie.bv_len, 1);
    assert_int_equal(dir_sync_done_parse(&none, &d), 0);
    assert_false(d.refresh_deletes);
    test_free(v.bv_val);
    test_free(none.bv_val);
}

static void a_cookie_that_does_not_fit_is_refused(void **state)
{
    static char big[DIR_COOKIE_MAX + 1];
    struct berval v = {sizeof(big), big};
    struct dir_cookie c;

    (void)state;
    cookie_is(&c, "kept");
    assert_int_equal(dir_cookie_set(&c, &v), -EMSGSIZE);
    assert_int_equal(c.len, 4);
    v.bv_len--;
    assert_int_equal(dir_cookie_set(&c, &v), 0);
}

#define CSN(time, sid) time "Z#000000#" sid "#000000"

static void a_server_that_is_behind_is_known_by_its_cookie(void **state)
{
    static const struct {
        const char *a, *b;
        bool older;
    } rows[] = {
        {"rid=000,csn=" CSN("20261125210118.000001", "000"),
         "rid=000,csn=" CSN("20261125210118.000002", "000"), true},
        {"rid=000,csn=" CSN("20261125210118.000002", "000"),
         "rid=000,csn=" CSN("20261125210118.000001", "000"), false},
        {"rid=000,csn=" CSN("20261125210118.000002", "000"),
         "rid=000,csn=" CSN("20261125210118.000002", "000"), false},
        // another server id says nothing about this one
        {"rid=000,csn=" CSN("20250101000000.000000", "001"),
         "rid=000,csn=" CSN("20261125210118.000002", "002"), false},
        {"rid=000,csn=" CSN("20261125210118.000002", "001") ";" CSN("20261125210118.000001", "002"),
         "rid=000,csn=" CSN("20261125210118.000002", "001") ";" CSN("20261125210118.000002", "002"),
         true},
        {"localhost:389#cn=x:dc=x:(uid=*)#1", "localhost:389#cn=x:dc=x:(uid=*)#9", false},
        {"", "rid=000,csn=" CSN("20261125210118.000002", "000"), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dir_cookie a, b;
        cookie_is(&a, rows[i].a);
        cookie_is(&b, rows[i].b);
        if (dir_cookie_older(&a, &b) != rows[i].older)
            fail_msg("row %zu", i);
    }
}

// ---- what is known ----

static void uuid_of(uint32_t n, unsigned char uuid[DIR_UUID])
{
    memset(uuid, 0, DIR_UUID);
    memcpy(uuid, &n, sizeof(n)); // as alike as a server's are
}

static void count_seen(struct dir_known_entry *e, void *ctx)
{
    ((size_t *)ctx)[e->seen]++;
}

static void ten_thousand_entries_are_found_and_removed_again(void **state)
{
    struct dir_known *k = dir_known_new(10000);
    unsigned char uuid[DIR_UUID];
    size_t n[2] = {0};

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        uuid_of(i, uuid);
        assert_non_null(
            dir_known_put(k, uuid, i % 100 ? DIR_USER : DIR_GROUP, i % 100 ? NULL : "g"));
    }
    assert_int_equal(dir_known_count(k), 10000);
    uuid_of(10000, uuid);
    assert_null(dir_known_put(k, uuid, DIR_USER, NULL)); // one that never stops
    for (uint32_t i = 0; i < 10000; i += 3) {
        uuid_of(i, uuid);
        dir_known_remove(k, uuid);
        dir_known_remove(k, uuid);
    }
    for (uint32_t i = 0; i < 10000; i++) {
        uuid_of(i, uuid);
        assert_int_equal(dir_known_find(k, uuid) != NULL, i % 3 != 0);
    }
    dir_known_unsee(k);
    uuid_of(1, uuid);
    assert_non_null(dir_known_put(k, uuid, DIR_USER, NULL));
    dir_known_each(k, count_seen, n);
    assert_int_equal(n[1], 1);
    assert_int_equal(n[0], 10000 - 3334 - 1);
    dir_known_forget(k);
    assert_int_equal(dir_known_count(k), 0);
    assert_null(dir_known_find(k, uuid));
    assert_null(dir_known_free(k));
    assert_null(dir_known_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_the_rfc_writes),
        cmocka_unit_test(an_entrys_state_is_read),
        cmocka_unit_test(rubbish_is_refused_and_touches_nothing),
        cmocka_unit_test(phases_are_read_with_their_defaults),
        cmocka_unit_test(the_end_of_a_refresh_is_read),
        cmocka_unit_test(a_cookie_that_does_not_fit_is_refused),
        cmocka_unit_test(a_server_that_is_behind_is_known_by_its_cookie),
        cmocka_unit_test(ten_thousand_entries_are_found_and_removed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
