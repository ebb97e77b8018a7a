// SPDX-License-Identifier: BSD-2-Clause
// rollcall source run: what a source says, said once to the sysadmin and to nobody else.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/control.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "cli/source_child.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/source.h"

struct heard {
    struct cli *cli;
    uint64_t people, groups, dropped, problems, done;
    bool committed, refused, wrong, drawn;
    int64_t started_ms, drawn_ms;
    char wrong_why[300];
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wipe(struct heard *h)
{
    if (h->drawn)
        fputs("\r\033[K", stdout);
    h->drawn = false;
}

static void draw(struct heard *h, uint64_t done, uint64_t total)
{
    struct cli_progress p = {.what = h->cli->args.words[1], .done = done, .total = total};
    char text[300];

    if (!h->cli->terminal || h->cli->args.json || now_ms() - h->drawn_ms < 100)
        return;
    h->drawn_ms = now_ms();
    p.elapsed_ms = h->drawn_ms - h->started_ms;
    cli_progress_line(&p, 79, text, sizeof(text));
    printf("\r\033[K%s", text);
    fflush(stdout);
    h->drawn = true;
}

static void on_problem(struct heard *h, const struct rollcall_message *m)
{
    _cleanup_free_ char *where = cli_escape(m->where ? m->where
                                            : m->id  ? m->id
                                                     : ""),
                        *text = cli_escape(m->text);

    h->problems++;
    h->refused |= m->whole;
    wipe(h);
    if (where && text)
        printf("%s%s%s%s: %s\n", cli_colour(h->cli->colour, m->warning ? CLI_YELLOW : CLI_RED),
               where, *where ? ": " : "",
               m->whole     ? "the listing is refused"
               : m->warning ? "warning"
                            : "left out",
               text);
    fputs(cli_colour(h->cli->colour, CLI_PLAIN), stdout);
}

static void on_message(struct heard *h, const struct rollcall_message *m)
{
    switch (m->kind) {
    case ROLLCALL_MESSAGE_USER:
        draw(h, ++h->people, 0);
        break;
    case ROLLCALL_MESSAGE_GROUP:
        h->groups++;
        break;
    case ROLLCALL_MESSAGE_DROPPED:
        h->dropped++;
        break;
    case ROLLCALL_MESSAGE_PROGRESS:
        draw(h, m->done, m->total);
        break;
    case ROLLCALL_MESSAGE_PROBLEM:
        on_problem(h, m);
        break;
    case ROLLCALL_MESSAGE_COMMIT:
        h->committed = true;
        break;
    case ROLLCALL_MESSAGE_AS_OF:
        h->done++;
        break;
    default:
        break;
    }
}

// As it came, but in ASCII: no character in it can steer a terminal.
static void print_line(const char *text, size_t len)
{
    _cleanup_json_ json_t *o = json_loadb(text, len, 0, NULL);

    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
}

static void on_line(void *ctx, const char *text, size_t len)
{
    struct heard *h = ctx;
    struct rollcall_message m;

    if (len == 0)
        return;
    if (rollcall_message_parse(text, len, &m, h->wrong_why, sizeof(h->wrong_why)) < 0) {
        h->wrong = true;
        return;
    }
    if (h->cli->args.json)
        print_line(text, len);
    else
        on_message(h, &m);
    h->refused |= m.kind == ROLLCALL_MESSAGE_PROBLEM && m.whole;
    rollcall_message_done(&m);
}

// Its own words, and with --trace its requests: beside the result, never in it.
static void on_text(void *ctx, const char *text)
{
    struct heard *h = ctx;
    _cleanup_free_ char *safe = cli_escape(text);

    wipe(h);
    fflush(stdout);
    if (safe)
        fprintf(stderr, "%s\n", safe);
}

static void print_sum(const struct heard *h)
{
    char n[4][32];

    printf("%s people, %s groups, %s left out on purpose, %s problems: %s\n",
           cli_count(h->people, n[0], sizeof(n[0])), cli_count(h->groups, n[1], sizeof(n[1])),
           cli_count(h->dropped, n[2], sizeof(n[2])), cli_count(h->problems, n[3], sizeof(n[3])),
           h->refused     ? "the listing is refused"
           : h->committed ? "a whole listing"
           : h->done      ? "nothing new"
                          : "no whole listing");
}

int cli_source_run(struct cli *cli, const char *name)
{
    _cleanup_(source_config_freep) struct rollcall_config *config = NULL;
    const struct rollcall_source_config *source;
    _cleanup_json_ json_t *request = NULL;
    struct heard h = {.cli = cli, .started_ms = now_ms()};
    const struct source_ear ear = {on_line, on_text, &h};
    char fate[60];
    int status = 0, r = source_section(cli, name, &config, &source);

    if (r != CLI_OK)
        return r;
    request = rollcall_config_request(config, source, NULL, true);
    if (request && cli->args.trace)
        json_object_set_new(request, "trace", json_true());
    r = source_child_run(source, request, &ear, SOURCE_ROOT_LEFT, &status);
    wipe(&h);
    if (r < 0)
        return source_failed(cli, name, r);
    if (!cli->args.json)
        print_sum(&h);
    if (h.wrong)
        return cli_complain(cli, CLI_PROBLEM, "source %s does not speak the source protocol: %s",
                            name, h.wrong_why);
    if (status != 0)
        return cli_complain(cli, CLI_PROBLEM, "source %s failed: %s", name,
                            source_child_fate(status, fate, sizeof(fate)));
    return h.refused ? CLI_PROBLEM : CLI_OK;
}
