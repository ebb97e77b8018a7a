// SPDX-License-Identifier: BSD-2-Clause
// rollcall lease: how long each authority's silence is borne, and bearing it longer.
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"

#define REASON_MAX 200

static bool is_authority(const json_t *source)
{
    const json_t *roles = json_object_get(source, "roles"), *role;
    size_t i;

    json_array_foreach(roles, i, role)
    {
        if (json_is_string(role) && strcmp(json_string_value(role), "authority") == 0)
            return true;
    }
    return false;
}

static void add_row(struct cli_table *table, const struct cli *cli, const json_t *source)
{
    int64_t as_of = cli_int_of(source, "as_of", ROLLCALL_TIME_UNSET);
    int64_t ends = cli_int_of(source, "lease_ends", ROLLCALL_TIME_UNSET);
    bool over = ends != ROLLCALL_TIME_UNSET && cli->now >= ends;
    char when[80], used[16] = "-";

    if (ends != ROLLCALL_TIME_UNSET && ends > as_of)
        snprintf(used, sizeof(used), "%lld %%",
                 (long long)((cli->now - as_of) * 100 / (ends - as_of)));
    cli_table_add(table, cli_text_of(source, "name"), CLI_BOLD);
    cli_table_add(table, cli_when(as_of, cli->now, when, sizeof(when)), CLI_PLAIN);
    cli_table_add(table, cli_when(ends, cli->now, when, sizeof(when)), over ? CLI_RED : CLI_PLAIN);
    cli_table_add(table, used, over ? CLI_RED : CLI_PLAIN);
    cli_table_add(table, cli_int_of(source, "lease_extended", 0) ? "by an administrator" : "-",
                  CLI_PLAIN);
}

static int list(struct cli *cli)
{
    static const char *const heads[] = {"SOURCE", "SPOKE AS OF", "LEASE ENDS", "USED", "EXTENDED"};
    struct cli_table table = {.columns = 5, .right = 1u << 3};
    _cleanup_json_ json_t *status = NULL, *leases = json_array();
    json_t *source;
    size_t i;
    int r = cli_ask_syncd(cli, cli_request("status"), false, &status);

    if (r != CLI_OK)
        return r;
    for (i = 0; i < 5; i++)
        cli_table_add(&table, heads[i], CLI_DIM);
    json_array_foreach(json_object_get(status, "sources"), i, source)
    {
        if (!is_authority(source))
            continue;
        add_row(&table, cli, source);
        json_array_append(leases, source);
    }
    if (cli->args.json) {
        _cleanup_json_ json_t *o = json_pack("{s:b, s:O}", "ok", 1, "leases", leases);
        cli_print_json(o);
    } else {
        cli_table_print(&table, stdout, cli->colour);
    }
    cli_table_free(&table);
    return CLI_OK;
}

static int extend(struct cli *cli, const char *source)
{
    _cleanup_json_ json_t *answer = NULL;
    char when[80];
    json_t *request;
    int64_t until;
    int r;

    if (!cli->args.for_)
        return cli_complain(cli, CLI_USAGE, "--for is missing: 8h, 2d");
    if (cli->args.reason && strlen(cli->args.reason) > REASON_MAX)
        return cli_complain(cli, CLI_USAGE, "--reason is longer than %d bytes", REASON_MAX);
    if (cli_until(cli->args.for_, cli->now, &until) < 0)
        return cli_complain(cli, CLI_USAGE, "--for %s: write 8h or 2d", cli->args.for_);
    request = cli_request("lease-extend");
    if (request) {
        json_object_set_new(request, "source", json_string(source));
        json_object_set_new(request, "until", json_integer(until));
        if (cli->args.reason)
            json_object_set_new(request, "reason", json_string(cli->args.reason));
    }
    r = cli_ask_syncd(cli, request, false, &answer);
    if (r != CLI_OK)
        return r;
    if (cli->args.json)
        cli_print_json(answer);
    else
        printf("the lease of %s ends not before %s\n", source,
               cli_when(until, cli->now, when, sizeof(when)));
    return CLI_OK;
}

int cli_lease(struct cli *cli)
{
    const char *const *words = (const char *const *)cli->args.words;

    if (cli->args.n_words == 0)
        return list(cli);
    if (strcmp(words[0], "extend") != 0 || cli->args.n_words != 2)
        return cli_complain(cli, CLI_USAGE,
                            "write rollcall lease, or rollcall lease extend SOURCE --for TIME");
    return extend(cli, words[1]);
}
