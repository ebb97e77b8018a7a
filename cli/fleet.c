// SPDX-License-Identifier: BSD-2-Clause
// rollcall fleet: on a hub, which host has what the hub said, worst first.
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"

static bool is_silent(const json_t *host)
{
    return json_is_true(json_object_get(host, "silent"));
}

static bool is_bad(const json_t *host)
{
    return is_silent(host) || cli_int_of(host, "open_locks", 0) > 0;
}

static void add_number(struct cli_table *table, int64_t n, bool bad)
{
    char text[32];

    cli_table_add(table, n > 0 ? cli_count((uint64_t)n, text, sizeof(text)) : "-",
                  n > 0 && bad ? CLI_RED : CLI_PLAIN);
}

static void add_host(struct cli_table *table, const struct cli *cli, const json_t *host)
{
    int64_t at = cli_int_of(host, "time", 0);
    char when[80];

    cli_table_add(table, cli_text_of(host, "host"), CLI_BOLD);
    add_number(table, cli_int_of(host, "open_locks", 0), true);
    add_number(table, cli_int_of(host, "open_sessions", 0), true);
    add_number(table, cli_int_of(host, "behind", 0), false);
    cli_table_add(table, cli_when(at ? at : ROLLCALL_TIME_UNSET, cli->now, when, sizeof(when)),
                  is_silent(host) ? CLI_RED : CLI_PLAIN);
    cli_table_add(table, cli_text_of(host, "version"), CLI_PLAIN);
}

static void print_hosts(const struct cli *cli, const json_t *hosts)
{
    static const char *const heads[] = {"HOST",   "LOCKS",        "SESSIONS",
                                        "BEHIND", "ACKNOWLEDGED", "VERSION"};
    struct cli_table table = {.columns = 6, .right = 7u << 1};
    json_t *host;
    size_t i;

    for (i = 0; i < 6; i++)
        cli_table_add(&table, heads[i], CLI_DIM);
    json_array_foreach(hosts, i, host) add_host(&table, cli, host);
    cli_table_print(&table, stdout, cli->colour);
    cli_table_free(&table);
}

static void print_open(const struct cli *cli, const json_t *open)
{
    json_t *lock;
    size_t i;

    json_array_foreach(open, i, lock)
    {
        _cleanup_free_ char *user = cli_escape(cli_text_of(lock, "user"));
        _cleanup_free_ char *first = cli_escape(cli_text_of(lock, "first"));
        char when[80];
        printf(
            "%s%s%s is locked here since %s: %lld hosts have not said so, %lld not that the last "
            "process is gone (%s first)\n",
            cli_colour(cli->colour, CLI_BOLD), user, cli_colour(cli->colour, CLI_PLAIN),
            cli_when(cli_int_of(lock, "since", 0), cli->now, when, sizeof(when)),
            (long long)cli_int_of(lock, "not_locked", 0),
            (long long)cli_int_of(lock, "not_gone", 0), first);
    }
}

static int print_sinks(const struct cli *cli, const json_t *answer)
{
    json_t *sink;
    size_t i;
    int r = CLI_OK;

    json_array_foreach(json_object_get(answer, "sinks"), i, sink)
    {
        const char *problem = cli_text_of(sink, "problem");
        _cleanup_free_ char *name = cli_escape(cli_text_of(sink, "sink"));
        _cleanup_free_ char *why = cli_escape(problem);
        if (strcmp(cli_text_of(sink, "state"), "connected") != 0)
            r = CLI_PROBLEM;
        if (cli->args.json || (r == CLI_OK && !*problem))
            continue;
        printf("sink %s: %s%s%s\n", name, cli_text_of(sink, "state"), *problem ? ": " : "", why);
    }
    return r;
}

int cli_fleet(struct cli *cli)
{
    _cleanup_json_ json_t *answer = NULL;
    json_t *hosts, *host;
    size_t i;
    int r = cli_ask_syncd(cli, cli_request("fleet"), false, &answer);

    if (r != CLI_OK)
        return r;
    hosts = json_object_get(answer, "hosts");
    r = print_sinks(cli, answer);
    json_array_foreach(hosts, i, host) if (is_bad(host)) r = CLI_PROBLEM;
    if (cli->args.json) {
        cli_print_json(answer);
        return r;
    }
    print_open(cli, json_object_get(answer, "open"));
    if (json_array_size(hosts) == 0)
        puts("no host has an entry in the directory");
    else
        print_hosts(cli, hosts);
    return r;
}
