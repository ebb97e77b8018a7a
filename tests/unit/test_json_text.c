// SPDX-License-Identifier: BSD-2-Clause
// What is said is byte for byte what jansson would have written.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/json_writer.h"
#include "syncd/sources/json_text.h"

// Takes the reference.
static void assert_alike(json_t *value)
{
    char *expected = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), *got, *buf;
    size_t len = 0, n = strlen(expected);

    got = json_text_new(value, &len);
    assert_non_null(got);
    assert_string_equal(got, expected);
    assert_int_equal(len, n);
    // In just the room that it needs; in less of it, the length alone, and nothing behind the room.
    for (size_t room = 0; room <= n; room++) {
        buf = malloc(room + 1);
        memset(buf, 0x5a, room + 1);
        assert_int_equal(json_text(value, buf, room), n);
        assert_int_equal(buf[room], 0x5a);
        free(buf);
    }
    assert_int_equal(json_text(value, NULL, 0), n);
    json_decref(value);
    free(got);
    free(expected);
}

static void test_every_character(void **state)
{
    char one[4] = {'a', 0, 'z', 0};

    (void)state;
    for (int c = 0; c < 128; c++) {
        one[1] = (char)c;
        assert_alike(json_pack("{s#:s#}", one, 3, one, 3));
    }
    assert_alike(json_string("Łódź 東京 \xf0\x9f\x98\x80 \xc2\x80 </script>"));
    assert_alike(json_string(""));
}

static void test_every_kind(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", "[[],{}]", "{\"\":null,\"b\":[true,false,null],\"a\":{\"c\":[1,-2,0]}}",
        "[9223372036854775807,-9223372036854775808,1.5,-0.0,1e300,5e-324,0.1,100000.0]"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_alike(json_loads(texts[i], 0, NULL));
}

static void test_larger_than_usual(void **state)
{
    json_t *list = json_array();

    (void)state;
    for (int i = 0; i < 1500; i++)
        json_array_append_new(list, json_pack("s", i % 2 ? "a\"b" : "c"));
    assert_alike(list);
}

// What this does not write is written all the same.
static void test_depth(void **state)
{
    (void)state;
    for (int depth = 62; depth < 70; depth++) {
        json_t *value = json_array();
        for (int i = 0; i < depth; i++)
            value = i % 2 ? json_pack("{s:o}", "in", value) : json_pack("[o]", value);
        assert_alike(value);
    }
}

static void test_circle(void **state)
{
    json_t *a = json_array(), *b = json_array();
    char buf[100];
    size_t len = 7;

    (void)state;
    json_array_append(a, b);
    json_array_append(b, a);
    assert_int_equal(json_text(a, buf, sizeof(buf)), 0);
    assert_null(json_text_new(a, &len));
    assert_int_equal(json_text(NULL, buf, sizeof(buf)), 0);
    json_array_clear(b);
    json_decref(a);
    json_decref(b);
}

static void test_ascii(void **state)
{
    char text[40];

    (void)state;
    for (size_t len = 0; len < sizeof(text); len++) {
        memset(text, 0x7f, sizeof(text));
        assert_true(json_text_ascii(text, len));
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)0x80;
            assert_false(json_text_ascii(text, len));
            text[i] = 0x7f;
        }
    }
}

static void a_text_is(struct json_writer *w, const char *expected)
{
    json_write_open(w, NULL, '{');
    json_write_name(w, "a\"b", 3);
    json_write_open(w, NULL, '[');
    json_write_raw(w, NULL, "{\"c\":1}", 7);
    json_write_text(w, NULL, NULL);
    json_write_text(w, NULL, "\\\x01");
    json_write_close(w, ']');
    json_write_text(w, "none", NULL);
    json_write_true(w, "d");
    json_write_close(w, '}');
    assert_int_equal(w->len, strlen(expected));
    if (w->len <= w->room)
        assert_memory_equal(w->buf, expected, w->len);
}

// What was begun and left, what is too deep and what does not fit spoil nothing that comes behind.
static void test_a_writer_is_used_again(void **state)
{
    static const char expected[] = "{\"a\\\"b\":[{\"c\":1},\"\\\\\\u0001\"],\"d\":true}";
    char buf[sizeof(expected)];
    struct json_writer w = {.buf = buf, .room = sizeof(buf)};

    (void)state;
    a_text_is(&w, expected);
    json_writer_again(&w);
    json_write_open(&w, NULL, '[');
    json_write_open(&w, NULL, '{');
    json_write_text(&w, "half", "way");
    json_writer_again(&w);
    a_text_is(&w, expected);
    json_write_true(&w, NULL); // behind the end
    assert_int_equal(w.len, SIZE_MAX);
    json_writer_again(&w);
    for (int i = 0; i < 200; i++)
        json_write_open(&w, NULL, '[');
    assert_int_equal(w.len, SIZE_MAX);
    json_write_text(&w, NULL, "x");
    json_write_close(&w, ']');
    assert_int_equal(w.len, SIZE_MAX);
    json_writer_again(&w);
    json_write_open(&w, NULL, '{');
    json_write_integer(&w, NULL, 1); // where a name has to stand
    assert_int_equal(w.len, SIZE_MAX);
    for (size_t room = 0; room < sizeof(buf); room++) {
        json_writer_again(&w);
        w.room = room;
        memset(buf, 0x5a, sizeof(buf));
        a_text_is(&w, expected);
        for (size_t i = room; i < sizeof(buf); i++)
            assert_int_equal(buf[i], 0x5a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_larger_than_usual),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_circle),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_a_writer_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
