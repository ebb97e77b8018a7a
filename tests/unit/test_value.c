// SPDX-License-Identifier: BSD-2-Clause
// Values of rows beside jansson's: what both read of a text, and what both make of it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "rollcall/json_scan.h"
#include "syncd/sources/value.h"

#define MOST ((size_t)64 * 1024 * 1024)

static struct values *in;

static int set_up(void **state)
{
    (void)state;
    in = values_new(MOST);
    return in ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    values_free(in);
    return 0;
}

// What jansson says of the text, or "" where it is none.
static void by_jansson(const char *text, size_t len, char *ret, size_t room)
{
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    char *said = v ? json_dumps(v, JSON_COMPACT) : NULL;

    snprintf(ret, room, "%s", said ?: "");
    free(said);
    json_decref(v);
}

static void by_us(const char *text, size_t len, char *ret, size_t room)
{
    const char *wrong = NULL, *said = NULL;
    const struct value *v;
    size_t n = 0;

    values_empty(in);
    v = values_read(in, text, len, NULL, &wrong);
    assert_int_equal(v == NULL, wrong != NULL);
    said = v ? value_json(in, v, &n) : NULL;
    assert_true(!v || (said && strlen(said) == n));
    snprintf(ret, room, "%s", said ?: "");
}

static void same(const char *text, size_t len)
{
    char ours[2000], theirs[2000];

    by_us(text, len, ours, sizeof(ours));
    by_jansson(text, len, theirs, sizeof(theirs));
    if (strcmp(ours, theirs) != 0)
        fail_msg("%.*s\nours:   %s\ntheirs: %s", (int)len, text, ours, theirs);
}

static const char *const texts[] = {
    "{}",
    "[]",
    " [ ] ",
    "[[[]],{}]",
    "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
    "[0,-0,1,-1,9223372036854775807,-9223372036854775808,0.5,-1.5e3,1E+2,2e-3,123456.789]",
    "[9223372036854775808]",
    "[-9223372036854775809]",
    "[1e999]",
    "[01]",
    "[-]",
    "[1.]",
    "[.5]",
    "[1e]",
    "[+1]",
    "[0x1]",
    "[NaN]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1]",
    "[1}",
    "[1",
    "{\"a\":1",
    "[\"",
    "[\"a",
    "[\"a\\",
    "[tru]",
    "[true1]",
    "[nul",
    "truely",
    "[1]]",
    "[1] x",
    "[1]\n\t\r ",
    "[1]\v",
    "\f[1]",
    "[\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    "[\"\\ud83d\"]",
    "[\"\\ude00\"]",
    "[\"\\ud83dx\"]",
    "[\"\\ud83d\\n\"]",
    "[\"\\ud83d\\u0041\"]",
    "[\"\\ud83d\\ud83d\\ude00\"]",
    "[\"\\u00\"]",
    "[\"\\u00zz\"]",
    "[\"\\x\"]",
    "[\"\\\n\"]",
    "[\"\\u0000\"]",
    "[\"a\tb\"]",
    "[\"a\nb\"]",
    "[\"\x7f\"]",
    "[\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"]",
    "[\"\xc3\"]",
    "[\"\xc3(\"]",
    "[\"\xe2\x82\"]",
    "[\"\x80\"]",
    "[\"\xc0\xaf\"]",
    "[\"\xe0\x80\xaf\"]",
    "[\"\xf0\x80\x80\xaf\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xf4\x90\x80\x80\"]",
    "[\"\xf8\x88\x80\x80\x80\"]",
    "[\"\xff\"]",
    "\xef\xbb\xbf[]",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"\":1}",
    "{\"\":1,\"\":2}",
    "{\"a\":1,\"\":1,\"\":2}",
    "{\"a\":1,\"\":1}",
    "{\"a\":{\"b\":1,\"b\":1}}",
    "{\"ab\":1,\"ba\":2,\"bb\":3,\"aab\":4}",
    "[\"0123456\\\"\",\"01234567\\\\\",\"012345678\\u0001\",\"\\u001f0123456789abcdef\"]",
    "",
    " ",
    "1",
    "\"a\"",
    "null",
};

static void a_text_is_read_and_said_as_by_jansson(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        same(texts[i], strlen(texts[i]));
}

static void a_text_that_is_cut_short_or_changed_is_read_as_by_jansson(void **state)
{
    static const char odd[] = "\"\\{}[]:,0-.eu \n\x01\x7f\x80\xc3\xed\xf4";

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[300];
        size_t len = strlen(texts[i]);
        assert_true(len < sizeof(text));
        for (size_t k = 0; k < len; k++) {
            same(texts[i], k);
            for (size_t o = 0; o + 1 < sizeof(odd); o++) {
                memcpy(text, texts[i], len);
                text[k] = odd[o];
                same(text, len);
            }
        }
    }
}

static int count_word(void *ctx, char first)
{
    *(uint64_t *)ctx = *(uint64_t *)ctx * 31 + (unsigned char)first;
    return 0;
}

static int count_bytes(void *ctx, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *(uint64_t *)ctx = *(uint64_t *)ctx * 31 + (unsigned char)bytes[i];
    *(uint64_t *)ctx += 7 + len;
    return 0;
}

static int count_text(void *ctx, const char *bytes, size_t len, unsigned has)
{
    count_bytes(ctx, bytes, len);
    *(uint64_t *)ctx += 13 * has;
    return 0;
}

static int count_open(void *ctx, bool list)
{
    *(uint64_t *)ctx = *(uint64_t *)ctx * 31 + 3 + list;
    return 0;
}

static int count_close(void *ctx)
{
    *(uint64_t *)ctx = *(uint64_t *)ctx * 31 + 5;
    return 0;
}

static const struct json_take counting = {.word = count_word,
                                          .number = count_bytes,
                                          .text = count_text,
                                          .name = count_text,
                                          .opens = count_open,
                                          .closes = count_close};

static int by_pieces(const char *text, size_t len, size_t step, uint64_t *ret_sum)
{
    struct json_scan *s = json_scan_new(&counting, ret_sum);
    int r = 0;

    assert_non_null(s);
    *ret_sum = 1;
    for (size_t i = 0; i < len && r == 0; i += step)
        r = json_scan_feed(s, text + i, len - i < step ? len - i : step);
    if (r == 0)
        r = json_scan_end(s);
    assert_int_equal(json_scan_end(s), r);
    assert_true(json_scan_feed(s, "[", 1) < 0);
    json_scan_free(s);
    return r;
}

static void pieces_of_any_size_say_the_same(void **state)
{
    const size_t room = 40000;
    char *text = malloc(room);
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    len += (size_t)snprintf(text, room, "[\"");
    memset(text + len, 'x', 9000); // longer than what is held in one part
    len += 9000;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        len += (size_t)snprintf(text + len, 300, "%s%.10s", i ? "" : "\",", i < 6 ? texts[i] : "");
    len += (size_t)snprintf(text + len, 10, "]");
    for (size_t i = 0; i <= sizeof(texts) / sizeof(texts[0]); i++) {
        const char *t = i ? texts[i - 1] : text;
        size_t n = i ? strlen(t) : len;
        uint64_t whole, sum;
        int r = by_pieces(t, n, n + 1, &whole);
        for (size_t step = 1; step < 20; step++) {
            assert_int_equal(by_pieces(t, n, step, &sum), r);
            if (r == 0)
                assert_true(sum == whole);
        }
    }
    free(text);
}

static void a_text_without_end_is_not_held_for_ever(void **state)
{
    static char part[32 * 1024];
    struct json_scan *s;
    uint64_t sum = 0;
    size_t n = 0;
    int r;

    (void)state;
    memset(part, 'x', sizeof(part));
    s = json_scan_new(&counting, &sum);
    assert_non_null(s);
    r = json_scan_feed(s, "[\"", 2);
    for (; r == 0 && n < 4 * JSON_SCAN_TEXT_MAX; n += sizeof(part))
        r = json_scan_feed(s, part, sizeof(part));
    assert_int_equal(r, -EBADMSG);
    assert_true(n <= 2 * JSON_SCAN_TEXT_MAX);
    assert_non_null(strstr(json_scan_why(s), "longer than 1 MiB"));
    json_scan_free(s);
}

static void what_nobody_wants_is_read_and_not_kept(void **state)
{
    static const char *const wanted[] = {"a", "list", NULL};
    const char *wrong = NULL, *said;
    const struct value *v;
    size_t len;

    (void)state;
    static const char text[] = "{\"b\":1,\"value\":[{\"a\":{\"b\":2},\"b\":{\"a\":[{\"a\":1}],"
                               "\"x\":3},\"list\":[{\"b\":4}]},{}],"
                               "\"c\":{\"d\":[{\"x\":1,\"a\":2}]}}";
    v = values_read(in, text, strlen(text), wanted, &wrong);
    said = value_json(in, v, &len);
    assert_string_equal(said, "{\"b\":1,\"value\":[{\"a\":{\"b\":2},\"list\":[{\"b\":4}]},{}],"
                              "\"c\":{\"d\":[{\"a\":2}]}}");
    values_empty(in);
    assert_null(values_read(in, "[{\"x\":[1,}]", 11, wanted, &wrong));
    assert_null(values_read(in, "[{\"x\":\"\\u0000\"}]", 16, wanted, &wrong));
    assert_non_null(strstr(wrong, "NUL"));
    assert_non_null(values_read(in, "[{\"x\":{\"y\":1,\"y\":2}}]", 21, wanted, &wrong));
    assert_null(values_read(in, "[{\"a\":{\"y\":1,\"y\":2}}]", 21, wanted, &wrong));
}

static void a_member_that_stands_twice_among_many_is_found(void **state)
{
    const size_t room = 200000;
    char *text = malloc(room);
    const char *wrong = NULL;
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    for (int twice = 0; twice < 2; twice++) {
        len = (size_t)snprintf(text, room, "{");
        for (int i = 0; i < 5000; i++)
            len += (size_t)snprintf(text + len, room - len, "\"m%d\":%d,", i, i);
        len += (size_t)snprintf(text + len, room - len, "\"m%d\":0}", twice ? 63 : 5000);
        assert_true(len < room);
        values_empty(in);
        assert_int_equal(values_read(in, text, len, NULL, &wrong) == NULL, twice);
    }
    assert_string_equal(wrong, "it has a member twice");
    free(text);
}

static void depth_and_names_and_memory_are_bounded(void **state)
{
    struct values *few = values_new(70000);
    const char *wrong = NULL;
    char text[3000];

    (void)state;
    for (int depth = VALUES_DEPTH_MAX; depth <= VALUES_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        values_empty(in);
        assert_int_equal(values_read(in, text, 2 * (size_t)depth, NULL, &wrong) == NULL,
                         depth > VALUES_DEPTH_MAX);
    }
    assert_non_null(strstr(wrong, "deeply"));
    snprintf(text, sizeof(text), "{\"%01024d\":1}", 0);
    assert_null(values_read(in, text, strlen(text), NULL, &wrong));
    assert_non_null(strstr(wrong, "1 KiB"));
    assert_non_null(few);
    memcpy(text, "[0", 2);
    for (size_t i = 2; i < sizeof(text) - 2; i++)
        text[i] = i % 2 ? '0' : ',';
    text[sizeof(text) - 2] = ']';
    assert_null(values_read(few, text, sizeof(text) - 1, NULL, &wrong));
    assert_true(values_failed(few));
    values_empty(few);
    assert_false(values_failed(few));
    assert_non_null(values_read(few, "[1]", 3, NULL, &wrong));
    values_free(few);
}

static void what_is_made_is_said(void **state)
{
    struct value *o = value_object(in), *list, *inner;
    const char *said;
    size_t len;

    (void)state;
    value_put_text(o, "id", "a\"b\\c\x01");
    value_put_textn(o, "cut", "abcdef", 3);
    value_put_integer(o, "n", -7);
    value_put_bool(o, "yes", true);
    list = value_put_list(o, "list");
    value_add_text(list, "x");
    inner = value_add_object(list);
    value_put_text(inner, "value", "y");
    value_put(o, "again", list);
    value_put_text(o, "cut", "other");
    value_put_text(o, "gone", "z");
    value_remove(o, "gone");
    value_put_bool(value_put_object(o, "last"), "no", false);
    said = value_json(in, o, &len);
    assert_string_equal(said,
                        "{\"id\":\"a\\\"b\\\\c\\u0001\",\"cut\":\"other\",\"n\":-7,\"yes\":true,"
                        "\"list\":[\"x\",{\"value\":\"y\"}],\"again\":[\"x\",{\"value\":\"y\"}],"
                        "\"last\":{\"no\":false}}");
    assert_true(value_equal(value_get(o, "list"), value_get(o, "again")));
    assert_false(value_equal(value_get(o, "list"), value_get(o, "last")));
    assert_int_equal(value_size(o), 7);
    assert_int_equal(value_integer(value_get(o, "n")), -7);
    assert_null(value_text(value_get(o, "n")));
    assert_string_equal(value_text(value_at(value_get(o, "list"), 0)), "x");
    assert_null(value_at(value_get(o, "list"), 2));
    assert_null(value_get(NULL, "a"));
    value_put_text(NULL, "a", "b");
    assert_null(value_put_object(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_is_read_and_said_as_by_jansson, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_that_is_cut_short_or_changed_is_read_as_by_jansson,
                                        set_up, tear_down),
        cmocka_unit_test(pieces_of_any_size_say_the_same),
        cmocka_unit_test(a_text_without_end_is_not_held_for_ever),
        cmocka_unit_test_setup_teardown(what_nobody_wants_is_read_and_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_member_that_stands_twice_among_many_is_found, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(depth_and_names_and_memory_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_made_is_said, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
