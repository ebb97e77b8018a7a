// SPDX-License-Identifier: BSD-2-Clause
// What the csv source says of a file that it read before: with what the last listing had,
// it makes the same listing as if it had been said whole.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "rollcall/timeparse.h"
#include "syncd/sources/csv_file.h"

#define SEEDS 60
#define STEPS 30
#define ROWS  48

struct folder {
    char dir[64], path[96];
    struct csv_listed *listed;
    json_t *last;      // what the listing had, by id: {"7": [messages]}
    unsigned readings; // numbers cursors
    char cursor[24];
    size_t said; // users and problems of the last reading
    bool whole;  // the last reading was said whole
};

// ---- a reading, and what it makes of the last listing ----

static int read_file(const char *path, struct csv_listed *listed, const char *cursor,
                     const char *since, char **text)
{
    FILE *terminal = stdout;
    struct stat st;
    char why[300];
    size_t len = 0;
    int fd = csv_open(path, &st, why, sizeof(why)), r;

    assert_true(fd >= 0);
    *text = NULL;
    stdout = open_memstream(text, &len);
    r = csv_read(fd, path, &st, 1, cursor, since, listed);
    fclose(stdout);
    stdout = terminal;
    return r;
}

static void take_message(struct folder *f, json_t *o, json_t *listing, json_t *replaced)
{
    const char *op = json_string_value(json_object_get(o, "op"));
    const char *id = json_string_value(json_object_get(o, "id"));
    json_t *rows;

    json_object_del(o, "where");
    if (strcmp(op, "absent") == 0) {
        assert_int_equal(json_object_del(listing, id), 0); // it was there
        return;
    }
    if (strcmp(op, "user") == 0)
        id = json_string_value(json_object_get(json_object_get(o, "user"), "id"));
    else if (strcmp(op, "problem") != 0 || json_is_true(json_object_get(o, "warning")))
        return;
    f->said++;
    if (!id)
        id = "nobody's";
    if (!json_object_get(replaced, id)) {
        json_object_set_new(replaced, id, json_true());
        json_object_set_new(listing, id, json_array());
    }
    rows = json_object_get(listing, id);
    json_array_append(rows, o);
}

// The listing that these lines make of `last`, or NULL where it is refused.
static json_t *listing_of(struct folder *f, char *text, const json_t *last, const char *cursor)
{
    json_t *listing = NULL, *replaced = NULL;
    bool committed = false;

    f->said = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_t *o = json_loadb(line, (size_t)(end - line), 0, NULL);
        const char *op = json_string_value(json_object_get(o, "op"));
        const char *since = json_string_value(json_object_get(o, "since"));
        assert_non_null(op);
        if (strcmp(op, "begin") == 0) {
            json_decref(listing);
            json_decref(replaced);
            f->said = 0;
            f->whole = !since;
            assert_true(!since || strcmp(since, cursor) == 0);
            listing = since ? json_deep_copy(last) : json_object();
            json_object_del(listing, "nobody's");
            replaced = json_object();
        }
        committed = committed || strcmp(op, "commit") == 0;
        take_message(f, o, listing, replaced);
        json_decref(o);
    }
    json_decref(replaced);
    if (committed)
        return listing;
    json_decref(listing);
    return NULL;
}

static int reading(struct folder *f)
{
    struct csv_listed *none = csv_listed_new();
    char *text, *whole, cursor[24];
    json_t *now, *expected;
    int r, s;

    snprintf(cursor, sizeof(cursor), "c%u", ++f->readings);
    r = read_file(f->path, f->listed, cursor, f->cursor, &text);
    s = read_file(f->path, none, cursor, NULL, &whole);
    assert_int_equal(r, s);
    expected = listing_of(f, whole, NULL, "");
    now = listing_of(f, text, f->last, f->cursor);
    if (!now != !expected || (now && !json_equal(now, expected))) {
        char *x = json_dumps(expected, JSON_INDENT(1)), *y = json_dumps(now, JSON_INDENT(1));
        fail_msg("whole:\n%s\ndifference:\n%s\nsaid:\n%s", x ? x : "", y ? y : "", text);
    }
    json_decref(expected);
    if (now) {
        json_decref(f->last);
        f->last = now;
        memcpy(f->cursor, cursor, sizeof(cursor));
    }
    free(text);
    free(whole);
    csv_listed_free(none);
    return r;
}

static void write_file(const struct folder *f, const char *text)
{
    FILE *out = fopen(f->path, "we");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    fclose(out);
}

static int read_text(struct folder *f, const char *text)
{
    write_file(f, text);
    return reading(f);
}

// ---- random files ----

struct random_row {
    unsigned id, name, title, kind;
};

struct random_file {
    uint64_t random;
    struct random_row row[ROWS];
    size_t n;
    unsigned order, ending, trailer;
};

static uint64_t draw(struct random_file *r, uint64_t below)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (r->random >> 11) % below;
}

// Cells that are plain, quoted, over two lines, the text of another row, not allowed.
static void put_row(FILE *out, const struct random_file *r, const struct random_row *row)
{
    const char *end = r->ending ? "\r\n" : "\n";
    char title[80], status[16] = "active", id[16];

    snprintf(id, sizeof(id), "%u", row->id);
    snprintf(title, sizeof(title), "T%u", row->title);
    switch (row->kind) {
    case 1:
        snprintf(title, sizeof(title), "\"T, %u \"\"x\"\"\"", row->title);
        break;
    case 2:
        snprintf(title, sizeof(title), "\"T%u%s%u,n%u,T1,active%s\"", row->title, end, row->id + 1,
                 row->name, end);
        break;
    case 3:
        snprintf(status, sizeof(status), "unknown");
        break;
    case 4:
        snprintf(title, sizeof(title), "T\"%u", row->title);
        break;
    case 5:
        *id = 0;
        break;
    case 6:
        snprintf(status, sizeof(status), "active,9");
        break;
    case 7:
        snprintf(status, sizeof(status), "terminated");
        break;
    default:
        break;
    }
    if (r->order == 0)
        fprintf(out, "%s,n%u,%s,%s%s", id, row->name, title, status, end);
    else
        fprintf(out, "%s,%s,n%u,%s%s", title, id, row->name, status, end);
}

static void put_file(const struct folder *f, struct random_file *r)
{
    FILE *out = fopen(f->path, "we");

    assert_non_null(out);
    fputs(r->order == 0 ? "employeeNumber,userName,displayName,status\n"
                        : "displayName,employeeNumber,userName,status\n",
          out);
    for (size_t i = 0; i < r->n; i++) {
        put_row(out, r, &r->row[i]);
        if (draw(r, 40) == 0)
            fputs("\n", out);
    }
    if (draw(r, 4) == 0)
        fprintf(out, "#rows=%zu\n", r->n + (draw(r, 4) == 0));
    fclose(out);
}

static void change_file(struct random_file *r)
{
    size_t times = draw(r, 4);

    if (draw(r, 15) == 0)
        r->order = !r->order;
    if (draw(r, 30) == 0)
        r->ending = !r->ending;
    for (size_t i = 0; i < times || r->n < 4; i++) {
        struct random_row *row = &r->row[r->n ? draw(r, r->n) : 0];
        switch (draw(r, 6)) {
        case 0:
        case 1:
            if (r->n < ROWS)
                r->row[r->n++] = (struct random_row){.id = 1 + (unsigned)draw(r, 30),
                                                     .name = (unsigned)draw(r, 30)};
            break;
        case 2:
            if (r->n > 4)
                *row = r->row[--r->n];
            break;
        case 3:
            row->title++;
            break;
        case 4: // the same row twice
            if (r->n > 0 && r->n < ROWS)
                r->row[r->n++] = *row;
            break;
        default:
            row->kind = (unsigned)draw(r, 8);
        }
    }
}

static void any_file_said_as_a_difference_makes_the_same_listing(void **state)
{
    struct folder *f = *state;
    unsigned differences = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random_file r = {.random = seed * 0x9e3779b97f4a7c15u + 1};
        for (int i = 0; i < STEPS; i++) {
            change_file(&r);
            put_file(f, &r);
            differences += reading(f) == 0 && !f->whole;
        }
    }
    assert_true(differences > SEEDS * STEPS / 3);
}

// ---- by name ----

#define HEADER "employeeNumber,userName,displayName,status\n"

static void a_row_that_did_not_change_is_not_said_again(void **state)
{
    struct folder *f = *state;

    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n3,c,C,active\n"), 0);
    assert_int_equal(f->said, 3);
    assert_true(f->whole);
    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,terminated\n3,c,C,active\n"), 0);
    assert_int_equal(f->said, 1);
    assert_int_equal(read_text(f, HEADER "3,c,C,active\n1,a,A,active\n"), 0);
    assert_int_equal(f->said, 0); // one is absent
    assert_false(f->whole);
}

static void a_broken_row_is_said_with_every_listing(void **state)
{
    struct folder *f = *state;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,on fire\n,c,C,active\n"), 0);
        assert_int_equal(f->said, i == 0 ? 3 : 2);
    }
    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n"), 0);
    assert_int_equal(f->said, 1);
}

static void a_row_that_stands_twice_is_said_twice_although_neither_changed(void **state)
{
    struct folder *f = *state;

    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n1,a,A,active\n"), 0);
        assert_int_equal(f->said, 2);
        assert_false(f->whole);
    }
    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n"), 0);
    assert_int_equal(f->said, 1);
    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n"), 0);
    assert_int_equal(f->said, 0);
}

// Whoever may write a cell could else vouch for somebody whom the file has no more.
static void a_row_inside_a_quoted_cell_is_no_row(void **state)
{
    struct folder *f = *state;

    assert_int_equal(read_text(f, "displayName,employeeNumber,userName,status\n"
                                  "A,1,a,active\nB,2,b,active\n"),
                     0);
    assert_int_equal(read_text(f, "displayName,employeeNumber,userName,status\n"
                                  "\"A\nB,2,b,active\n\",1,a,active\n"),
                     0);
    assert_null(json_object_get(f->last, "2"));
    assert_int_equal(f->said, 1);
}

static void a_file_cut_inside_a_quoted_first_cell_is_refused(void **state)
{
    struct folder *f = *state;

    assert_int_equal(read_text(f, "displayName,employeeNumber,userName,status\n"
                                  "A,1,a,active\n\"B,2,b,active\n"),
                     -EBADMSG);
}

static void another_header_makes_the_listing_a_whole_one(void **state)
{
    struct folder *f = *state;

    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n"), 0);
    assert_int_equal(read_text(f, "employeeNumber,userName,email,status\n"
                                  "1,a,A,active\n2,b,B,active\n"),
                     0);
    assert_true(f->whole);
    assert_int_equal(f->said, 2);
}

static void what_was_refused_is_no_last_listing(void **state)
{
    struct folder *f = *state;

    assert_int_equal(read_text(f, HEADER "1,a,A,active\n2,b,B,active\n"), 0);
    assert_int_equal(read_text(f, HEADER "1,a,X,active\n#rows=2\n"), -EBADMSG);
    assert_int_equal(read_text(f, HEADER "1,a,X,active\n2,b,B,active\n"), 0);
    assert_int_equal(f->said, 1);
    assert_false(f->whole);
}

static void a_file_that_was_taken_before_is_learnt_in_silence(void **state)
{
    struct folder *f = *state;
    char *text;

    write_file(f, HEADER "1,a,A,active\n2,b,B,active\n");
    assert_int_equal(read_file(f->path, f->listed, NULL, NULL, &text), 0);
    assert_string_equal(text, "");
    free(text);
    assert_true(csv_listed_known(f->listed));
    write_file(f, HEADER "1,a,A,active\n2,b,B,terminated\n");
    assert_int_equal(read_file(f->path, f->listed, "c2", "c1", &text), 0);
    assert_non_null(strstr(text, "\"since\":\"c1\""));
    assert_non_null(strstr(text, "\"rows\":1"));
    free(text);
}

// Ten thousand rows over many readings: whoever comes and goes leaves nothing behind.
static void rows_that_come_and_go_are_told_apart_for_ever(void **state)
{
    struct folder *f = *state;

    for (unsigned round = 0; round < 12; round++) {
        FILE *out = fopen(f->path, "we");
        assert_non_null(out);
        fputs(HEADER, out);
        for (unsigned i = 0; i < 3000; i++)
            if ((i + round) % 3)
                fprintf(out, "%u,n%u,T%u,active\n", i, i, i % 10 == round % 10 ? round : 0);
        fclose(out);
        assert_int_equal(reading(f), 0);
        assert_true(round == 0 || !f->whole);
    }
}

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_int_equal(rollcall_timezone_use("UTC"), 0);
    snprintf(f->dir, sizeof(f->dir), "/tmp/rollcall-csv-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/people.csv", f->dir);
    f->listed = csv_listed_new();
    assert_non_null(f->listed);
    f->last = json_object();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct folder *f = *state;

    csv_listed_free(f->listed);
    json_decref(f->last);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(any_file_said_as_a_difference_makes_the_same_listing),
        TEST(a_row_that_did_not_change_is_not_said_again),
        TEST(a_broken_row_is_said_with_every_listing),
        TEST(a_row_that_stands_twice_is_said_twice_although_neither_changed),
        TEST(a_row_inside_a_quoted_cell_is_no_row),
        TEST(a_file_cut_inside_a_quoted_first_cell_is_refused),
        TEST(another_header_makes_the_listing_a_whole_one),
        TEST(what_was_refused_is_no_last_listing),
        TEST(a_file_that_was_taken_before_is_learnt_in_silence),
        TEST(rows_that_come_and_go_are_told_apart_for_ever),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
