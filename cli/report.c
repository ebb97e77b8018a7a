// SPDX-License-Identifier: BSD-2-Clause
// rollcall report: who was refused or would have been, by service and cause; who has no
// factor yet; is it time to enforce?
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit_log.h"
#include "cli/cache_view.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/admission.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/timeparse.h"
#include "rollcall/verifier_client.h"

#define WEEK      (7 * 86400)
#define NAMES_MAX 20   // of a list that is printed
#define ASKED_MAX 2000 // people whose factors the verifier is asked for

struct report {
    struct cli *cli;
    int64_t since, first; // first: the oldest record that is kept, or UNSET
    json_t *rows; // {"service\tcause": {service, cause, count, users: {name: n}, last, would}}
    json_t *unenrolled; // [name]
    json_t *unexpected; // [name]: active and allowed by HR, and yet refused
    size_t people, asked, refused;
    bool verifier_silent;
};

// ---- the log ----

static const char *const events[] = {"would-refuse", "account-refused", "session-refused",
                                     "login-refused"};

static bool is_refusal(const char *event)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (strcmp(event, events[i]) == 0)
            return true;
    return false;
}

static void count_user(json_t *row, const char *user)
{
    json_t *users = json_object_get(row, "users");

    json_object_set_new(users, user, json_integer(cli_int_of(users, user, 0) + 1));
}

static void count_refusal(struct report *r, const json_t *record, int64_t at)
{
    const char *service = cli_text_of(record, "service"), *cause = cli_text_of(record, "cause");
    bool would = strcmp(cli_text_of(record, "event"), "would-refuse") == 0;
    char key[200];
    json_t *row;

    snprintf(key, sizeof(key), "%.64s\t%.64s\t%d", service, cause, would);
    row = json_object_get(r->rows, key);
    if (!row) {
        row = json_pack("{s:s, s:s, s:b, s:{}}", "service", *service ? service : "-", "cause",
                        *cause ? cause : "-", "would", would, "users");
        if (!row || json_object_set_new(r->rows, key, row) < 0)
            return;
    }
    json_object_set_new(row, "count", json_integer(cli_int_of(row, "count", 0) + 1));
    json_object_set_new(row, "last", json_integer(at));
    count_user(row, cli_text_of(record, "user"));
    r->refused++;
}

static int take_line(void *ctx, const char *text, size_t len, unsigned long number, int whole)
{
    struct report *r = ctx;
    enum rollcall_time_kind kind;
    json_t *record;
    int64_t at;

    (void)number;
    record = whole ? json_loadb(text, len, 0, NULL) : NULL;
    if (rollcall_time_parse(cli_text_of(record, "at"), &kind, &at) == 0) {
        if (r->first == ROLLCALL_TIME_UNSET)
            r->first = at;
        if (at >= r->since && is_refusal(cli_text_of(record, "event")))
            count_refusal(r, record, at);
    }
    json_decref(record);
    return 0;
}

// ---- people ----

static void look_at_person(struct report *r, const struct rollcall_person *person)
{
    _cleanup_json_ json_t *a = cli_cache_admission(&cli_cache_default, person->name, r->cli->now);
    struct rollcall_factor_facts facts = {0};
    const char *key;
    json_t *row;

    if (!json_is_true(json_object_get(a, "admitted")))
        return;
    r->people++;
    json_object_foreach(r->rows, key, row)
    {
        if (json_is_true(json_object_get(row, "would")) &&
            json_object_get(json_object_get(row, "users"), person->name)) {
            json_array_append_new(r->unexpected, json_string(person->name));
            break;
        }
    }
    if (r->asked >= ASKED_MAX || r->verifier_silent)
        return;
    r->asked++;
    if (rollcall_verifier_factors(person->name, &facts) < 0)
        r->verifier_silent = true;
    else if (!facts.totp)
        json_array_append_new(r->unenrolled, json_string(person->name));
}

static int look_at_people(struct report *r)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person person;
    uint32_t cursor = 0;
    int e = rollcall_private_open(ROLLCALL_PRIVATE, &p);

    if (e < 0)
        return e;
    while (rollcall_private_next(p, &cursor, &person) == 0)
        look_at_person(r, &person);
    rollcall_private_close(p);
    return 0;
}

// ---- what is said ----

static int by_count(const void *a, const void *b)
{
    int64_t x = cli_int_of(*(json_t *const *)a, "count", 0),
            y = cli_int_of(*(json_t *const *)b, "count", 0);

    return x < y ? 1 : x > y ? -1 : 0;
}

// The rows, most first. New reference.
static json_t *sorted(const json_t *rows)
{
    size_t n = json_object_size(rows), i = 0;
    json_t **list = calloc(n ? n : 1, sizeof(json_t *)), *ret = json_array(), *row;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)rows, key, row) if (list) list[i++] = row;
    if (i)
        qsort(list, i, sizeof(json_t *), by_count);
    for (size_t k = 0; k < i; k++)
        json_array_append(ret, list[k]);
    free(list);
    return ret;
}

// "alice, bob, and 3 more", escaped.
static char *names_of(const json_t *list)
{
    size_t size, i, n = json_is_object(list) ? json_object_size(list) : json_array_size(list);
    char *buf = NULL;
    FILE *out = open_memstream(&buf, &size);
    const char *key;
    json_t *one;

    if (!out)
        return NULL;
    i = 0;
    if (json_is_object(list)) {
        json_object_foreach((json_t *)(uintptr_t)list, key, one)
        {
            _cleanup_free_ char *safe = cli_escape(key);
            if (i++ < NAMES_MAX)
                fprintf(out, "%s%s", i > 1 ? ", " : "", safe ? safe : "?");
        }
    } else
        json_array_foreach(list, i, one)
        {
            _cleanup_free_ char *safe = cli_escape(json_string_value(one));
            if (i < NAMES_MAX)
                fprintf(out, "%s%s", i ? ", " : "", safe ? safe : "?");
        }
    if (n > NAMES_MAX)
        fprintf(out, ", and %zu more", n - NAMES_MAX);
    if (fclose(out) != 0) {
        free(buf);
        return NULL;
    }
    return buf;
}

static void print_rows(const struct report *r)
{
    _cleanup_json_ json_t *rows = sorted(r->rows);
    struct cli_table table = {.columns = 6, .right = 1u << 3};
    const json_t *row;
    size_t i;

    for (size_t h = 0; h < 6; h++) {
        static const char *const heads[] = {"SERVICE", "", "CAUSE", "TIMES", "LAST", "WHO"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    json_array_foreach(rows, i, row)
    {
        _cleanup_free_ char *who = names_of(json_object_get(row, "users"));
        bool would = json_is_true(json_object_get(row, "would"));
        char text[80];
        cli_table_add(&table, cli_text_of(row, "service"), CLI_BOLD);
        cli_table_add(&table, would ? "would refuse" : "refused", would ? CLI_YELLOW : CLI_RED);
        cli_table_add(&table, cli_text_of(row, "cause"), CLI_PLAIN);
        cli_table_add(&table, cli_count((uint64_t)cli_int_of(row, "count", 0), text, sizeof(text)),
                      CLI_PLAIN);
        cli_table_add(&table, cli_when(cli_int_of(row, "last", 0), r->cli->now, text, sizeof(text)),
                      CLI_PLAIN);
        cli_table_add(&table, who ? who : "?", CLI_PLAIN);
    }
    cli_table_print(&table, stdout, r->cli->colour);
    cli_table_free(&table);
}

// Why not yet; new reference, empty when it is time.
static json_t *obstacles(const struct report *r)
{
    json_t *list = json_array();
    char text[160], count[32];

    if (r->verifier_silent)
        json_array_append_new(
            list, json_string("rollcall-verifier does not say who has a second factor"));
    if (json_array_size(r->unenrolled)) {
        snprintf(text, sizeof(text), "%s of %zu people who may come in have no second factor",
                 cli_count(json_array_size(r->unenrolled), count, sizeof(count)), r->asked);
        json_array_append_new(list, json_string(text));
    }
    if (json_array_size(r->unexpected)) {
        snprintf(text, sizeof(text), "%zu people who may come in now would have been refused",
                 json_array_size(r->unexpected));
        json_array_append_new(list, json_string(text));
    }
    if (r->first == ROLLCALL_TIME_UNSET || r->first > r->since)
        json_array_append_new(list, json_string("the audit log does not reach back that far"));
    if (r->people == 0)
        json_array_append_new(list, json_string("nobody may come in here as things stand"));
    else if (r->people > r->asked && !r->verifier_silent)
        json_array_append_new(list, json_string("there are more people than were asked about"));
    return list;
}

static int print(const struct report *r, const json_t *why_not)
{
    _cleanup_free_ char *unenrolled = names_of(r->unenrolled),
                        *unexpected = names_of(r->unexpected);
    char text[80];
    const json_t *one;
    size_t i;

    printf("since       %s\n", cli_when(r->since, r->cli->now, text, sizeof(text)));
    printf("may come in %s\n", cli_count(r->people, text, sizeof(text)));
    if (r->refused) {
        putchar('\n');
        print_rows(r);
        putchar('\n');
    } else
        printf("refused     nobody\n");
    if (unenrolled && *unenrolled)
        printf("no factor   %s\n", unenrolled);
    if (unexpected && *unexpected)
        printf("look at     %s: rollcall user NAME --why\n", unexpected);
    json_array_foreach(why_not, i, one)
        printf("%s! %s%s\n", cli_colour(r->cli->colour, CLI_YELLOW), json_string_value(one),
               cli_colour(r->cli->colour, CLI_PLAIN));
    puts(json_array_size(why_not) ? "It is too early to enforce."
                                  : "Nothing stands against it: rollcall setup --mode enforce");
    return json_array_size(why_not) ? CLI_PROBLEM : CLI_OK;
}

static void report_free(struct report *r)
{
    json_decref(r->rows);
    json_decref(r->unenrolled);
    json_decref(r->unexpected);
}

int cli_report(struct cli *cli)
{
    _cleanup_(report_free) struct report r = {.cli = cli,
                                              .since = cli->now - WEEK,
                                              .first = ROLLCALL_TIME_UNSET,
                                              .rows = json_object(),
                                              .unenrolled = json_array(),
                                              .unexpected = json_array()};
    _cleanup_json_ json_t *why_not = NULL, *rows = NULL, *o = NULL;
    int e;

    if (cli->args.since && cli_since(cli->args.since, cli->now, &r.since) < 0)
        return cli_complain(cli, CLI_USAGE, "--since wants a span (7d) or a time that is over");
    e = cli_audit_all(ROLLCALL_AUDIT_LOG, take_line, &r);
    if (e < 0 && e != -ENOENT)
        return cli_fail(cli, CLI_PROBLEM, "unreadable", "%s: %s", ROLLCALL_AUDIT_LOG, strerror(-e));
    e = look_at_people(&r);
    if (e < 0)
        return cli_fail(cli, CLI_NOT_RUNNING, "not-running", "%s: %s: rollcall-syncd must have run",
                        ROLLCALL_PRIVATE, strerror(-e));
    why_not = obstacles(&r);
    if (!cli->args.json)
        return print(&r, why_not);
    rows = sorted(r.rows);
    o = json_pack("{s:b, s:I, s:I, s:I, s:O, s:O, s:O, s:O}", "ok", json_array_size(why_not) == 0,
                  "since", (json_int_t)r.since, "may_come_in", (json_int_t)r.people, "refusals",
                  (json_int_t)r.refused, "by_service", rows, "no_factor", r.unenrolled, "look_at",
                  r.unexpected, "too_early", why_not);
    if (o)
        cli_print_json(o);
    return json_array_size(why_not) ? CLI_PROBLEM : CLI_OK;
}
