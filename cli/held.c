// SPDX-License-Identifier: BSD-2-Clause
// rollcall approve, expect, recover, reload: an admin's words to the engine.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/paths.h"
#include "rollcall/timeparse.h"

static void print_one_held(const struct cli *cli, const json_t *held)
{
    _cleanup_free_ char *id = cli_escape(cli_text_of(held, "id"));
    _cleanup_free_ char *kind = cli_escape(cli_text_of(held, "kind"));
    _cleanup_free_ char *source = cli_escape(cli_text_of(held, "source"));
    _cleanup_free_ char *why = cli_escape(cli_text_of(held, "why"));
    const json_t *names = json_object_get(held, "names"), *name;
    int64_t people = cli_int_of(held, "people", 0);
    char count[32], when[80];
    size_t i;

    printf("%s%s%s  %s from %s, %s people, since %s\n", cli_colour(cli->colour, CLI_BOLD),
           id ? id : "?", cli_colour(cli->colour, CLI_PLAIN), kind ? kind : "?",
           source ? source : "?",
           cli_count(people > 0 ? (uint64_t)people : 0, count, sizeof(count)),
           cli_when(cli_int_of(held, "since", ROLLCALL_TIME_UNSET), cli->now, when, sizeof(when)));
    if (why && *why)
        printf("    %s\n", why);
    json_array_foreach(names, i, name)
    {
        _cleanup_free_ char *text = cli_escape(json_string_value(name));
        printf("%s%s", i ? ", " : "    ", text ? text : "?");
    }
    if (json_array_size(names) > 0)
        printf("%s\n", people > (int64_t)json_array_size(names) ? ", ..." : "");
}

static int list_held(struct cli *cli)
{
    _cleanup_json_ json_t *status = NULL, *answer = NULL;
    json_t *held, *one;
    size_t i;
    int r = cli_ask_syncd(cli, cli_request("status"), false, &status);

    if (r != CLI_OK)
        return r;
    held = json_object_get(status, "held");
    if (cli->args.json) {
        answer = json_pack("{s:b, s:o}", "ok", 1, "held", held ? json_incref(held) : json_array());
        if (answer)
            cli_print_json(answer);
        return CLI_OK;
    }
    if (json_array_size(held) == 0)
        puts("nothing is held");
    json_array_foreach(held, i, one)
    {
        print_one_held(cli, one);
    }
    return CLI_OK;
}

// Sends a verb and prints its answer: as JSON, or by `say`.
static int tell(struct cli *cli, json_t *request, void (*say)(const json_t *answer))
{
    _cleanup_json_ json_t *answer = NULL;
    int r = cli_ask_syncd(cli, request, false, &answer);

    if (r != CLI_OK)
        return r;
    if (cli->args.json)
        cli_print_json(answer);
    else
        say(answer);
    return CLI_OK;
}

static void say_approved(const json_t *answer)
{
    _cleanup_free_ char *id = cli_escape(cli_text_of(answer, "id"));

    printf("approved %s: %lld people; it takes effect now\n", id ? id : "?",
           (long long)cli_int_of(answer, "people", 0));
}

int cli_approve(struct cli *cli)
{
    json_t *request;

    if (cli->args.n_words == 0)
        return list_held(cli);
    request = cli_request("approve");
    if (request)
        json_object_set_new(request, "id", json_string(cli->args.words[0]));
    return tell(cli, request, say_approved);
}

static void say_expected(const json_t *answer)
{
    int64_t until = cli_int_of(answer, "until", ROLLCALL_TIME_UNSET);
    char when[80];

    printf("up to %lld leavers are expected until %s\n", (long long)cli_int_of(answer, "n", 0),
           cli_when(until, (int64_t)time(NULL), when, sizeof(when)));
}

static void free_config(struct rollcall_config **config)
{
    rollcall_config_free(*config);
}

// Bare times mean what a bare endDate means: the company's time zone, not the host's.
static void use_company_zone(const struct cli *cli)
{
    _cleanup_(free_config) struct rollcall_config *config = NULL;
    _cleanup_(rollcall_findings_free) struct rollcall_findings findings = {0};

    if (rollcall_config_load(ROLLCALL_CONF, &config, &findings) < 0 || !config->timezone ||
        rollcall_timezone_use(config->timezone) < 0)
        cli_warn(cli, "the configuration cannot be read, so the time is read in this host's zone");
}

int cli_expect(struct cli *cli)
{
    json_t *request;
    uint64_t n;
    int64_t until;
    int r;

    if (strcmp(cli->args.words[0], "leavers") != 0)
        return cli_complain(cli, CLI_USAGE,
                            "only leavers can be expected: rollcall expect leavers N --until TIME");
    if (rollcall_parse_u64(cli->args.words[1], 1, 1000000, &n) < 0)
        return cli_complain(cli, CLI_USAGE, "'%s' is no number from 1 to 1000000",
                            cli->args.words[1]);
    if (!cli->args.until)
        return cli_complain(cli, CLI_USAGE,
                            "--until is missing: 2d, 2026-12-01 or 2026-12-01T18:00");
    use_company_zone(cli);
    r = cli_until(cli->args.until, cli->now, &until);
    if (r < 0)
        return cli_complain(cli, CLI_USAGE, "--until %s: %s", cli->args.until,
                            r == -ERANGE ? "lies in the past, or more than a year ahead"
                                         : "write 2d, 8h, 2026-12-01 or 2026-12-01T18:00");
    request = cli_request("expect-leavers");
    if (request) {
        json_object_set_new(request, "n", json_integer((json_int_t)n));
        json_object_set_new(request, "until", json_integer(until));
    }
    return tell(cli, request, say_expected);
}

static void say_recovered(const json_t *answer)
{
    printf("recovery is over; %lld people wait until a source lists them again\n",
           (long long)cli_int_of(answer, "people", 0));
}

static void say_clock(const json_t *answer)
{
    char when[80];

    printf("the clock's mark is %s; who is employed gets in again\n",
           cli_when(cli_int_of(answer, "to", ROLLCALL_TIME_UNSET), (int64_t)time(NULL), when,
                    sizeof(when)));
}

int cli_recover(struct cli *cli)
{
    json_t *request = cli_request("recover");

    if (request && cli->args.clock)
        json_object_set_new(request, "clock", json_true());
    return tell(cli, request, cli->args.clock ? say_clock : say_recovered);
}

static void say_reloaded(const json_t *answer)
{
    puts(json_is_true(json_object_get(answer, "changed"))
             ? "the new configuration is in force"
             : "nothing in the configuration has changed");
}

int cli_reload(struct cli *cli)
{
    return tell(cli, cli_request("reload"), say_reloaded);
}
