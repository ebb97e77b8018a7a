// SPDX-License-Identifier: BSD-2-Clause
// rollcall source test: would this source do, and who would come of it. Nothing is changed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/control.h"
#include "cli/source.h"
#include "cli/source_child.h"
#include "cli/source_people.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/source.h"

struct test {
    struct cli *cli;
    struct source_people people;
    json_t *findings, *dropped; // a list; counts by reason
    uint64_t problems;
    bool committed, says_findings, wrong;
    char last_text[300]; // of its standard error
};

// Words that were cut inside of a letter, or are none of UTF-8, are no reason to say nothing.
static void finding(struct test *t, const char *level, const char *what, const char *text)
{
    json_t *words = json_string(text);
    _cleanup_free_ char *safe = words ? NULL : cli_escape(text);

    if (!words)
        words = json_string(safe ? safe : "");
    json_array_append_new(
        t->findings, json_pack("{s:s, s:s, s:o}", "level", level, "what", what, "text", words));
}

static void count(json_t *object, const char *key)
{
    json_object_set_new(object, key,
                        json_integer(json_integer_value(json_object_get(object, key)) + 1));
}

static void on_problem(struct test *t, const struct rollcall_message *m)
{
    char text[700];

    snprintf(text, sizeof(text), "%.200s%s%.400s", m->where ? m->where : "", m->where ? ": " : "",
             m->text);
    if (m->whole)
        finding(t, "error", "listing", text);
    else if (t->problems++ < 10)
        finding(t, "warning", "row", text);
}

static void on_line(void *ctx, const char *line, size_t len)
{
    struct test *t = ctx;
    struct rollcall_message m;
    char why[300];

    if (len == 0 || t->wrong)
        return;
    if (rollcall_message_parse(line, len, &m, why, sizeof(why)) < 0) {
        t->wrong = true;
        finding(t, "error", "protocol", why);
        return;
    }
    if (m.kind == ROLLCALL_MESSAGE_FINDING) {
        t->says_findings = true;
        finding(t, m.level, m.what, m.text);
    } else if (m.kind == ROLLCALL_MESSAGE_PROBLEM) {
        on_problem(t, &m);
    } else if (m.kind == ROLLCALL_MESSAGE_DROPPED) {
        count(t->dropped, m.reason);
    } else {
        source_people_hear(&t->people, &m);
    }
    t->committed |= m.kind == ROLLCALL_MESSAGE_COMMIT;
    rollcall_message_done(&m);
}

static void on_text(void *ctx, const char *text)
{
    struct test *t = ctx;
    _cleanup_free_ char *safe = cli_escape(text);

    snprintf(t->last_text, sizeof(t->last_text), "%s", text);
    if (t->cli->args.trace && safe)
        fprintf(stderr, "%s\n", safe);
}

static bool any_error(const struct test *t)
{
    const json_t *f;
    size_t i;

    json_array_foreach(t->findings, i, f)
    {
        if (strcmp(cli_text_of(f, "level"), "error") == 0)
            return true;
    }
    return false;
}

// What this host finds, beside what the source found itself.
static void conclude(struct test *t, int status)
{
    char text[400], fate[60];

    if (status != 0 && !any_error(t)) {
        snprintf(text, sizeof(text), "%s: %.300s", source_child_fate(status, fate, sizeof(fate)),
                 *t->last_text ? t->last_text : "it said nothing");
        finding(t, "error", "source", text);
    }
    if (status == 0 && !t->says_findings && !t->committed && !any_error(t))
        finding(t, "error", "listing", "it ended without a whole listing");
    if (t->committed && t->people.n == 0)
        finding(t, "error", "people", "it names nobody");
    if (t->problems > 10) {
        snprintf(text, sizeof(text),
                 "%llu rows in all have a problem; rollcall source run shows them",
                 (unsigned long long)t->problems);
        finding(t, "warning", "rows", text);
    }
    if (t->people.refused > 0) {
        snprintf(text, sizeof(text), "%llu of %llu people would have no account here, see below",
                 (unsigned long long)t->people.refused, (unsigned long long)t->people.n);
        finding(t, "warning", "names", text);
    }
    if (t->committed && !any_error(t)) {
        snprintf(text, sizeof(text), "%llu people, %llu groups", (unsigned long long)t->people.n,
                 (unsigned long long)t->people.groups);
        finding(t, "ok", "listing", text);
    }
}

// ---- printing ----

static void print_findings(const struct test *t)
{
    const json_t *f;
    size_t i;

    json_array_foreach(t->findings, i, f)
    {
        const char *level = cli_text_of(f, "level");
        enum cli_colour colour = strcmp(level, "ok") == 0        ? CLI_GREEN
                                 : strcmp(level, "warning") == 0 ? CLI_YELLOW
                                                                 : CLI_RED;
        _cleanup_free_ char *what = cli_escape(cli_text_of(f, "what")),
                            *text = cli_escape(cli_text_of(f, "text"));
        if (what && text)
            printf("%s%-8s%s %-12s %s\n", cli_colour(t->cli->colour, colour), level,
                   cli_colour(t->cli->colour, CLI_PLAIN), what, text);
    }
}

static void print_people(const struct test *t, const json_t *people, const char *title)
{
    static const char *const heads[] = {"NAME", "NUMBER", "STATE", "GROUPS", ""};
    static const char *const keys[] = {"name", "number", "state", "groups", "refused"};
    struct cli_table table = {.columns = 5};
    const json_t *p;
    size_t i;

    if (json_array_size(people) == 0)
        return;
    printf("\n%s\n", title);
    for (size_t k = 0; k < 5; k++)
        cli_table_add(&table, heads[k], CLI_DIM);
    json_array_foreach(people, i, p)
    {
        for (size_t k = 0; k < 5; k++)
            cli_table_add(&table, cli_text_of(p, keys[k]),
                          k == 2   ? cli_state_colour(cli_text_of(p, keys[k]))
                          : k == 4 ? CLI_RED
                                   : CLI_PLAIN);
    }
    cli_table_print(&table, stdout, t->cli->colour);
    cli_table_free(&table);
}

static void print_counts(const char *title, const json_t *object, uint64_t of)
{
    void *at = json_object_iter((json_t *)(uintptr_t)object);

    if (at)
        printf("\n%s\n", title);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        json_int_t n = json_integer_value(json_object_iter_value(at));
        printf("  %-16s %8lld", json_object_iter_key(at), (long long)n);
        if (of)
            printf("  %3llu %%", (unsigned long long)n * 100 / (unsigned long long)of);
        putchar('\n');
    }
}

static void print_all(const struct test *t)
{
    print_findings(t);
    print_people(t, t->people.first, "The first people, as they would look here:");
    print_people(t, t->people.without, "Without an account here, for example:");
    print_counts("Attributes, and how many of the people seen have them:", t->people.coverage,
                 t->people.n);
    print_counts("Left out on purpose:", t->dropped, 0);
}

static void print_json(const struct test *t, bool ok)
{
    _cleanup_json_ json_t *o = json_pack(
        "{s:b, s:O, s:O, s:O, s:O, s:O, s:I, s:I, s:I}", "ok", ok, "findings", t->findings,
        "people", t->people.first, "refused", t->people.without, "coverage", t->people.coverage,
        "dropped", t->dropped, "seen", (json_int_t)t->people.n, "groups",
        (json_int_t)t->people.groups, "without_account", (json_int_t)t->people.refused);

    if (o)
        cli_print_json(o);
}

static void test_done(struct test *t)
{
    source_people_done(&t->people);
    json_decref(t->findings);
    json_decref(t->dropped);
}

int cli_source_test(struct cli *cli, const char *name)
{
    _cleanup_(source_config_freep) struct rollcall_config *config = NULL;
    _cleanup_(test_done) struct test t = {
        .cli = cli, .findings = json_array(), .dropped = json_object()};
    const struct source_ear ear = {on_line, on_text, &t};
    const struct rollcall_source_config *source;
    _cleanup_json_ json_t *request = NULL;
    int status = 0, r = source_section(cli, name, &config, &source);

    if (r != CLI_OK)
        return r;
    source_people_init(&t.people, config, source);
    request = rollcall_config_request(config, source, NULL, true);
    json_object_set_new(request, "test", json_true());
    if (cli->args.trace)
        json_object_set_new(request, "trace", json_true());
    r = source_child_run(source, request, &ear, SOURCE_ROOT_LEFT, &status);
    if (r < 0)
        return source_failed(cli, name, r);
    source_people_finish(&t.people);
    conclude(&t, status);
    if (cli->args.json)
        print_json(&t, !any_error(&t));
    else
        print_all(&t);
    return any_error(&t) ? CLI_PROBLEM : CLI_OK;
}
