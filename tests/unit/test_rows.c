// SPDX-License-Identifier: BSD-2-Clause
// JSON pointers, and the elements of a list out of a document that comes in pieces.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syncd/sources/rows.h"

struct heard {
    char text[4000]; // elements as JSON, a line each; a fault as "! ..."
    int give_up;     // after so many
};

static const char *const *wanted; // of the next reading

static int hear(void *ctx, const struct value *row, uint64_t number, const char *fault)
{
    struct heard *h = ctx;
    size_t n = strlen(h->text), len;
    const char *json = row ? value_json(row->in, row, &len) : NULL;

    snprintf(h->text + n, sizeof(h->text) - n, "%s%s\n", fault ? "! " : "", fault ? fault : json);
    return h->give_up && (int)number == h->give_up ? -ECANCELED : 0;
}

// Reads `text` in pieces of `step` bytes; the answer of the reading, `why` for its sentence.
static int read_in(const char *at, const char *text, size_t step, struct heard *h, char *why,
                   char *beside)
{
    struct pointer list, next;
    struct rows_settings s = {
        .list = &list, .beside = {&next}, .wanted = wanted, .row = hear, .ctx = h};
    size_t len = strlen(text);
    struct rows *r;
    int e = 0;

    assert_int_equal(pointer_parse(at, &list), 0);
    assert_int_equal(pointer_parse("/d/next", &next), 0);
    r = rows_new(&s);
    assert_non_null(r);
    for (size_t i = 0; i < len && e == 0; i += step)
        e = rows_feed(r, text + i, len - i < step ? len - i : step);
    if (e == 0)
        e = rows_end(r);
    assert_int_equal(rows_end(r), e);
    snprintf(why, ROWS_WHY_MAX, "%s", rows_why(r));
    if (beside)
        snprintf(beside, 100, "%s", rows_beside(r, 0) ?: "(none)");
    rows_free(r);
    pointer_done(&list);
    pointer_done(&next);
    return e;
}

static void good(const char *at, const char *text, const char *elements)
{
    for (size_t step = 1; step <= strlen(text); step += step < 7 ? 1 : 100) {
        struct heard h = {0};
        char why[ROWS_WHY_MAX];
        if (read_in(at, text, step, &h, why, NULL) != 0)
            fail_msg("%s by %zu: %s", text, step, why);
        assert_string_equal(h.text, elements);
    }
}

static void bad(const char *at, const char *text, const char *word)
{
    for (size_t step = 1; step <= strlen(text) + 1; step += step < 7 ? 1 : 100) {
        struct heard h = {0};
        char why[ROWS_WHY_MAX];
        assert_int_equal(read_in(at, text, step, &h, why, NULL), -EBADMSG);
        if (!strstr(why, word))
            fail_msg("%s: \"%s\" does not say \"%s\"", text, why, word);
    }
}

static void the_elements_of_the_list_come_one_by_one(void **state)
{
    (void)state;
    good("/Report_Entry",
         "{\"Report_Entry\":[{\"a\":1},{\"b\":[true,null,{\"c\":\"x\"}],\"d\":1.5}]}",
         "{\"a\":1}\n{\"b\":[true,null,{\"c\":\"x\"}],\"d\":1.5}\n");
    good("", " [ {} , {\"a\":{}} ] ", "{}\n{\"a\":{}}\n");
    good("/d/results",
         "{\"x\":{\"results\":[{\"n\":0}]},\"d\":{\"next\":\"u\",\"results\":[{\"n\":1}]},"
         "\"y\":[[{\"results\":[1]}]]}",
         "{\"n\":1}\n");
    good("/0/w/1", "[{\"w\":[3,[{\"n\":1}],[{\"n\":2}]]},[]]", "{\"n\":1}\n");
    good("/a", "{\"a\":[]}", "");
}

static void what_stands_beside_the_list_is_kept(void **state)
{
    struct heard h = {0};
    char why[ROWS_WHY_MAX], beside[100];

    (void)state;
    assert_int_equal(read_in("/d/results",
                             "{\"d\":{\"results\":[{\"next\":\"no\"}],\"next\":\"u?a=1\"}}", 3, &h,
                             why, beside),
                     0);
    assert_string_equal(beside, "u?a=1");
    assert_int_equal(
        read_in("/d/results", "{\"d\":{\"next\":17,\"results\":[]}}", 1, &h, why, beside), 0);
    assert_string_equal(beside, "17");
    bad("/d/results", "{\"d\":{\"next\":\"a\",\"next\":\"b\",\"results\":[]}}", "twice");
}

static void a_document_that_ends_early_is_refused(void **state)
{
    static const char whole[] = "{\"Report_Entry\":[{\"a\":\"b\"},{\"c\":[1]}]}";

    (void)state;
    for (size_t n = 0; n < strlen(whole); n++) {
        char text[sizeof(whole)] = "";
        struct heard h = {0};
        char why[ROWS_WHY_MAX];
        memcpy(text, whole, n);
        assert_int_equal(read_in("/Report_Entry", text, 5, &h, why, NULL), -EBADMSG);
    }
    bad("/Report_Entry", "{\"Report_Entry\":[]}{", "no JSON");
    bad("/Report_Entry", "{\"Report_Entry\":[]}]", "no JSON");
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    bad("/a", "{}", "there is no list at \"/a\"");
    bad("/a", "{\"a\":{}}", "is none");
    bad("/a", "{\"a\":null}", "is none");
    bad("/a", "{\"a\":\"[]\"}", "is none");
    bad("", "{\"a\":[]}", "is none");
    bad("/a", "{\"a\":[],\"a\":[]}", "twice");
    bad("/a", "<html></html>", "no JSON");
    bad("/a", "{\"a\":[{\"b\":\"\xff\"}]}", "no JSON");
    bad("/a", "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1", "deeper");
}

static void a_fault_inside_an_element_is_that_elements_alone(void **state)
{
    (void)state;
    good("/a", "{\"a\":[{\"x\":1,\"x\":2},{\"y\":1}]}", "! names a member twice\n{\"y\":1}\n");
    good("/a", "{\"a\":[{\"x\":{\"z\":[{\"q\":1,\"q\":2}]}},{}]}", "! names a member twice\n{}\n");
    good("/a", "{\"a\":[{\"x\":\"a\\u0000b\"},{}]}", "! holds a NUL in a text\n{}\n");
    good("/a", "{\"a\":[{\"a\\u0000b\":1},{}]}",
         "! has a name that is too long, or holds a NUL or half a character\n{}\n");
    good("/a", "{\"a\":[{\"x\":9223372036854775808},{\"x\":9223372036854775807}]}",
         "! holds a number that is out of range\n{\"x\":9223372036854775807}\n");
    good("/a", "{\"a\":[9223372036854775808,{}]}", "! holds a number that is out of range\n{}\n");
    good("/a", "{\"a\":[{\"x\":1e999},{}]}", "! holds a number that is out of range\n{}\n");
    good("/a", "{\"a\":[{\"x\":\"\\udc00\"},{}]}", "! holds half of a character in a text\n{}\n");
    good("/a", "{\"a\":[1,\"b\",null,[],{}]}",
         "! is no object\n! is no object\n! is no object\n! is no object\n{}\n");
}

static void half_of_a_character_is_no_question_mark(void **state)
{
    static const char *const names[] = {"id", NULL};
    static const char fault[] = "! holds half of a character in a text\n{}\n";

    (void)state;
    good("/a", "{\"a\":[{\"id\":\"x\\ud83d\"},{}]}", fault);
    good("/a", "{\"a\":[{\"id\":\"\\ude00\"},{}]}", fault);
    good("/a", "{\"a\":[{\"id\":\"\\uD83D\\u0041\"},{}]}", fault);
    good("/a", "{\"a\":[{\"id\":\"\\ud83d\\n\"},{}]}", fault);
    good("/a", "{\"a\":[{\"id\":\"\\ud83d\\ud83d\\ude00\"},{}]}", fault);
    good("/a", "{\"a\":[{\"i\\ud83d\":1},{}]}",
         "! has a name that is too long, or holds a NUL or half a character\n{}\n");
    good("/a", "{\"a\":[{\"id\":\"\\ud83d\\ude00\"},{\"id\":\"\\\\ud83d\"}]}",
         "{\"id\":\"\xf0\x9f\x98\x80\"}\n{\"id\":\"\\\\ud83d\"}\n");
    bad("/d/r", "{\"d\":{\"next\":\"u\\ud83d\",\"r\":[]}}", "half a character");
    good("/a", "{\"b\":\"\\ud83d\",\"a\":[{\"c\":\"d\"}]}", "{\"c\":\"d\"}\n");
    wanted = names;
    good("/a", "{\"a\":[{\"b\":\"\\ud83d\",\"\\ud83d\":1,\"id\":\"c\"}]}", "{\"id\":\"c\"}\n");
    wanted = NULL;
}

static void what_stands_behind_the_end_and_odd_blanks_are_refused(void **state)
{
    (void)state;
    bad("/a", "{\"a\":[]}\"", "no JSON");
    bad("/a", "{\"a\":[]} \n\"x", "no JSON");
    bad("/a", "{\"a\":[]}tru", "no JSON");
    bad("/a", "{\"a\":[]} 1", "no JSON");
    bad("/a", "{\"a\":[\v{}]}", "no JSON");
    bad("/a", "{\"a\":[]}\f", "no JSON");
    good("/a", "{\"a\":[{}]} \t\r\n", "{}\n");
}

static void
an_element_that_is_too_large_is_left_out_and_a_text_without_end_ends_it_all(void **state)
{
    const size_t photo = ROWS_ROW_MAX + 10, endless = ROWS_ROW_MAX * 5;
    char *text = malloc(endless + 100), why[ROWS_WHY_MAX];
    struct heard h = {0};
    int n;

    (void)state;
    assert_non_null(text);
    n = snprintf(text, 100, "{\"a\":[{\"photo\":\"");
    memset(text + n, 'A', photo);
    snprintf(text + n + photo, 50, "\",\"b\":[{}]},{\"c\":1}]}");
    assert_int_equal(read_in("/a", text, 10000, &h, why, NULL), 0);
    assert_string_equal(h.text, "! is larger than 256 KiB\n{\"c\":1}\n");
    memset(text + n, 'A', endless);
    text[(size_t)n + endless] = 0;
    assert_int_equal(read_in("/a", text, 10000, &h, why, NULL), -EBADMSG);
    assert_non_null(strstr(why, "longer than 1 MiB"));
    free(text);
}

static void who_takes_the_elements_may_end_it(void **state)
{
    struct heard h = {.give_up = 2};
    char why[ROWS_WHY_MAX];

    (void)state;
    assert_int_equal(read_in("", "[{},{},{}]", 4, &h, why, NULL), -ECANCELED);
    assert_string_equal(h.text, "{}\n{}\n");
}

static void check_pointer(const char *text, const char *document, const char *expected)
{
    struct pointer p;
    struct values *in = values_new((size_t)1 << 20);
    const char *wrong, *got;
    const struct value *d = values_read(in, document, strlen(document), NULL, &wrong);
    size_t len;

    assert_non_null(d);
    assert_int_equal(pointer_parse(text, &p), 0);
    got = value_json(in, pointer_get(&p, d), &len);
    if (expected)
        assert_string_equal(got, expected);
    else
        assert_null(got);
    pointer_done(&p);
    values_free(in);
}

static void pointers_are_read_as_rfc_6901_says(void **state)
{
    static const char doc[] =
        "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"m~n\":8,\" \":7,"
        "\"n\":null,\"~1\":9,\"deep\":{\"0\":{\"x\":[[5]]}}}";
    static const char *const wrong[] = {"foo", "/a~", "/a~2b", "0",
                                        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"};
    struct pointer p;

    (void)state;
    check_pointer("/foo", doc, "[\"bar\",\"baz\"]");
    check_pointer("/foo/0", doc, "\"bar\"");
    check_pointer("/", doc, "0");
    check_pointer("/a~1b", doc, "1");
    check_pointer("/c%d", doc, "2");
    check_pointer("/m~0n", doc, "8");
    check_pointer("/ ", doc, "7");
    check_pointer("/~01", doc, "9");
    check_pointer("/deep/0/x/0/0", doc, "5");
    check_pointer("/n", doc, NULL);
    check_pointer("/foo/00", doc, NULL);
    check_pointer("/foo/2", doc, NULL);
    check_pointer("/foo/-", doc, NULL);
    check_pointer("/foo/0/x", doc, NULL);
    check_pointer("/foo/18446744073709551616", doc, NULL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(pointer_parse(wrong[i], &p), -EINVAL);
}

static void what_nobody_wants_of_an_element_is_read_and_not_kept(void **state)
{
    static const char *const names[] = {"a", "c", NULL};

    (void)state;
    wanted = names;
    good("/l", "{\"l\":[{\"a\":{\"b\":1},\"b\":{\"a\":[1,{\"c\":2}]},\"c\":3},{\"b\":1},{}]}",
         "{\"a\":{\"b\":1},\"c\":3}\n{}\n{}\n");
    good("/l", "{\"l\":[{\"b\":\"\\u0000\",\"bb\":1e999,\"a\":null},7,{\"a\":1,\"b\":[],\"a\":2}]}",
         "{\"a\":null}\n! is no object\n! names a member twice\n");
    bad("/l", "{\"l\":[{\"b\":[1,}]}", "no JSON");
    wanted = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_elements_of_the_list_come_one_by_one),
        cmocka_unit_test(what_stands_beside_the_list_is_kept),
        cmocka_unit_test(a_document_that_ends_early_is_refused),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(a_fault_inside_an_element_is_that_elements_alone),
        cmocka_unit_test(half_of_a_character_is_no_question_mark),
        cmocka_unit_test(what_stands_behind_the_end_and_odd_blanks_are_refused),
        cmocka_unit_test(
            an_element_that_is_too_large_is_left_out_and_a_text_without_end_ends_it_all),
        cmocka_unit_test(who_takes_the_elements_may_end_it),
        cmocka_unit_test(what_nobody_wants_of_an_element_is_read_and_not_kept),
        cmocka_unit_test(pointers_are_read_as_rfc_6901_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
