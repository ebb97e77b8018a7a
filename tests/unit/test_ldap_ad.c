// SPDX-License-Identifier: BSD-2-Clause
// What Active Directory has of its own: DirSync's control, the place in a cursor, slices.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldap.h>

#include "syncd/sources/ldap_ad.h"

static struct berval value_of(const char *text)
{
    return (struct berval){strlen(text), (char *)(uintptr_t)text};
}

static struct dir_cookie cookie_of(const char *bytes, size_t len)
{
    struct berval v = {len, (char *)(uintptr_t)bytes};
    struct dir_cookie c = {0};

    assert_int_equal(dir_cookie_set(&c, &v), 0);
    return c;
}

static struct dir_ad_place place_of(bool dirsync, const char *host, const char *invocation,
                                    int64_t usn)
{
    struct dir_ad_place p = {.dirsync = dirsync, .usn = usn};

    strncpy(p.host, host, sizeof(p.host) - 1);
    strncpy(p.invocation, invocation, sizeof(p.invocation) - 1);
    if (dirsync)
        p.server = cookie_of("a\0\nb", 4);
    return p;
}

// ---- DirSync ----

static LDAP *offline(void)
{
    LDAP *ld = NULL;

    assert_int_equal(ldap_initialize(&ld, "ldapi://%2Fnowhere"), LDAP_SUCCESS);
    return ld;
}

static void a_request_is_critical_and_has_flags_bytes_and_cookie(void **state)
{
    struct dir_cookie none = {0}, some = cookie_of("xyz", 3);
    LDAP *ld = offline();
    LDAPControl *c;

    (void)state;
    assert_int_equal(dir_dirsync_request(ld, false, &none, &c), 0);
    assert_string_equal(c->ldctl_oid, "1.2.840.113556.1.4.841");
    assert_true(c->ldctl_iscritical);
    assert_int_equal(c->ldctl_value.bv_len, 12);
    assert_memory_equal(c->ldctl_value.bv_val, "\x30\x0a\x02\x01\x00\x02\x03\x10\x00\x00\x04\x00",
                        12);
    ldap_control_free(c);
    assert_int_equal(dir_dirsync_request(ld, true, &some, &c), 0);
    assert_int_equal(c->ldctl_value.bv_len, 15);
    assert_memory_equal(c->ldctl_value.bv_val,
                        "\x30\x0d\x02\x01\x01\x02\x03\x10\x00\x00\x04\x03xyz", 15);
    ldap_control_free(c);
    ldap_unbind_ext(ld, NULL, NULL);
}

static int answer(const char *oid, const char *value, size_t len, struct dir_cookie *cookie,
                  bool *more)
{
    LDAP *ld = offline();
    char *copy = test_malloc(len + 1); // libldap's have that byte
    LDAPControl c = {(char *)(uintptr_t)oid, {len, copy}, 0}, *controls[] = {&c, NULL};
    int r;

    memcpy(copy, value, len);
    copy[len] = 0;
    r = dir_dirsync_answer(ld, controls, cookie, more);
    test_free(copy);
    ldap_unbind_ext(ld, NULL, NULL);
    return r;
}
#define ANSWER(value, cookie, more)                                                                \
    answer(LDAP_CONTROL_X_DIRSYNC, value, sizeof(value) - 1, cookie, more)

static void an_answer_has_a_new_cookie_and_says_whether_there_is_more(void **state)
{
    struct dir_cookie c = {0};
    bool more = false;

    (void)state;
    assert_int_equal(ANSWER("\x30\x0b\x02\x01\x01\x02\x01\x00\x04\x03xyz", &c, &more), 0);
    assert_true(more);
    assert_int_equal(c.len, 3);
    assert_memory_equal(c.bytes, "xyz", 3);
    assert_int_equal(ANSWER("\x30\x09\x02\x01\x00\x02\x01\x00\x04\x01q", &c, &more), 0);
    assert_false(more);
    assert_int_equal(c.len, 1);
}

static void an_answer_that_cannot_be_used_changes_nothing(void **state)
{
    struct dir_cookie c = cookie_of("old", 3);
    bool more = true;
    char *huge = test_calloc(1, 7000);

    (void)state;
    assert_int_equal(ANSWER("\x30\x08\x02\x01\x00\x02\x01\x00\x04\x00", &c, &more), -EBADMSG);
    assert_int_equal(ANSWER("\x30\x0b\x02\x01\x01\x02\x01\x00\x04\x09xyz", &c, &more), -EBADMSG);
    assert_int_equal(ANSWER("rubbish", &c, &more), -EBADMSG);
    assert_int_equal(answer("1.2.3", "\x30\x09\x02\x01\x00\x02\x01\x00\x04\x01q", 11, &c, &more),
                     -EBADMSG);
    // A cookie of 6001 bytes.
    memcpy(huge, "\x30\x82\x17\x7b\x02\x01\x01\x02\x01\x00\x04\x82\x17\x71", 14);
    assert_int_equal(answer(LDAP_CONTROL_X_DIRSYNC, huge, 14 + 6001, &c, &more), -EBADMSG);
    test_free(huge);
    assert_int_equal(c.len, 3);
    assert_memory_equal(c.bytes, "old", 3);
    assert_true(more);
}

// ---- places ----

static void a_place_is_read_as_it_was_written(void **state)
{
    for (int dirsync = 0; dirsync < 2; dirsync++) {
        struct dir_ad_place p = place_of(dirsync, "dc1.example.org", "0011-22", 123456789012), q;
        struct dir_cookie c;

        (void)state;
        assert_int_equal(dir_ad_place_write(&p, &c), 0);
        assert_int_equal(dir_ad_place_read(&c, &q), 0);
        assert_int_equal(q.dirsync, dirsync);
        assert_string_equal(q.host, p.host);
        assert_string_equal(q.invocation, p.invocation);
        assert_int_equal(q.usn, p.usn);
        assert_int_equal(q.server.len, p.server.len);
        assert_memory_equal(q.server.bytes, p.server.bytes, p.server.len);
    }
}

static void other_cookies_are_no_place(void **state)
{
    static const char *const texts[] = {
        "",
        "rid=000,csn=20260101000000.000000Z#000000#000#000000",
        "ad1 usn h i 5",
        "ad2 usn h i 5\n",
        "ad1 other h i 5\n",
        "ad1 usn h i\n",
        "ad1 usn h  5\n",
        "ad1 usn h i -5\n",
        "ad1 usn h i 5x\n",
        "ad1 usn h i 99999999999999999999\n",
        "ad1 usn h i 5 6\n",
        "ad1 usn h i 5\ncookie",
        "ad1 dirsync h i 5\n",
        "ad1 usn h 0123456789012345678901234567890123456789 5\n",
    };
    struct dir_ad_place p = {.usn = 7};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct dir_cookie c = cookie_of(texts[i], strlen(texts[i]));
        assert_int_equal(dir_ad_place_read(&c, &p), -EBADMSG);
    }
    assert_int_equal(p.usn, 7);
}

static void a_place_that_does_not_fit_is_none(void **state)
{
    struct dir_ad_place p = place_of(true, "dc1", "i", 1);
    struct dir_cookie c = cookie_of("old", 3);

    (void)state;
    p.server.len = sizeof(p.server.bytes);
    assert_int_equal(dir_ad_place_write(&p, &c), -EMSGSIZE);
    assert_int_equal(c.len, 3);
}

static void a_usn_is_one_controllers_and_one_historys(void **state)
{
    struct dir_ad_place at = place_of(false, "dc1", "i", 5), now = place_of(false, "DC1", "i", 6),
                        older = place_of(false, "dc1", "i", 4),
                        other = place_of(false, "dc2", "i", 6),
                        restored = place_of(false, "dc1", "k", 6),
                        dirsync = place_of(true, "dc1", "i", 6);

    (void)state;
    assert_true(dir_ad_goes_on(&at, &now));
    assert_true(dir_ad_goes_on(&at, &at));
    assert_false(dir_ad_goes_on(&at, &older));
    assert_false(dir_ad_goes_on(&at, &other));
    assert_false(dir_ad_goes_on(&at, &restored));
    assert_false(dir_ad_goes_on(&at, &dirsync));
}

static void a_dirsync_cookie_is_good_elsewhere_but_not_at_what_was_restored(void **state)
{
    struct dir_ad_place at = place_of(true, "dc1", "i", 5), other = place_of(true, "dc2", "k", 1),
                        restored = place_of(true, "dc1", "k", 6),
                        usn = place_of(false, "dc1", "i", 6);

    (void)state;
    assert_true(dir_ad_goes_on(&at, &at));
    assert_true(dir_ad_goes_on(&at, &other));
    assert_false(dir_ad_goes_on(&at, &restored));
    assert_false(dir_ad_goes_on(&at, &usn));
}

// ---- slices ----

static int slice(const char *name, struct dir_slice *ret)
{
    struct berval v = value_of(name);

    return dir_slice_parse(&v, "member", ret);
}

static void slices_are_read(void **state)
{
    struct dir_slice s;

    (void)state;
    assert_int_equal(slice("member;range=0-1499", &s), 1);
    assert_int_equal(s.low, 0);
    assert_int_equal(s.high, 1499);
    assert_false(s.last);
    assert_int_equal(slice("Member;Range=1500-*", &s), 1);
    assert_int_equal(s.low, 1500);
    assert_true(s.last);
}

static void other_names_are_no_slices_and_rubbish_is_refused(void **state)
{
    static const char *const none[] = {"",
                                       "member",
                                       "member;range",
                                       "member;lang-de",
                                       "memberOf;range=0-1",
                                       "uniqueMember;range=0-1"};
    static const char *const bad[] = {"member;range=",
                                      "member;range=0",
                                      "member;range=0-",
                                      "member;range=-1",
                                      "member;range=1-0",
                                      "member;range=0-1x",
                                      "member;range=0-**",
                                      "member;range=+0-1",
                                      "member;range=0-4294967296",
                                      "member;range=99999999999999999999-*"};
    struct dir_slice s = {.low = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(slice(none[i], &s), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(slice(bad[i], &s), -EBADMSG);
    assert_int_equal(s.low, 77);
}

static void a_guid_in_a_filter_is_its_bytes(void **state)
{
    static const unsigned char guid[DIR_UUID] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    struct berval v = {sizeof(guid), (char *)(uintptr_t)guid};
    unsigned char uuid[DIR_UUID];
    char text[DIR_UUID_TEXT], filter[DIR_GUID_FILTER];

    (void)state;
    assert_int_equal(dir_guid_parse(&v, uuid), 0);
    dir_uuid_text(uuid, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    dir_guid_filter(uuid, filter);
    assert_string_equal(filter, "\\33\\22\\11\\00\\55\\44\\77\\66\\88\\99\\aa\\bb\\cc\\dd\\ee\\ff");
    v.bv_len = 15;
    assert_int_equal(dir_guid_parse(&v, uuid), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_critical_and_has_flags_bytes_and_cookie),
        cmocka_unit_test(an_answer_has_a_new_cookie_and_says_whether_there_is_more),
        cmocka_unit_test(an_answer_that_cannot_be_used_changes_nothing),
        cmocka_unit_test(a_place_is_read_as_it_was_written),
        cmocka_unit_test(other_cookies_are_no_place),
        cmocka_unit_test(a_place_that_does_not_fit_is_none),
        cmocka_unit_test(a_usn_is_one_controllers_and_one_historys),
        cmocka_unit_test(a_dirsync_cookie_is_good_elsewhere_but_not_at_what_was_restored),
        cmocka_unit_test(slices_are_read),
        cmocka_unit_test(other_names_are_no_slices_and_rubbish_is_refused),
        cmocka_unit_test(a_guid_in_a_filter_is_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
