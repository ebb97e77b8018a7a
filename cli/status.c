// SPDX-License-Identifier: BSD-2-Clause
// rollcall status: is everything well?
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/breakglass.h"
#include "cli/cache_view.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cache_fault.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/lifecycle.h"
#include "rollcall/paths.h"
#include "rollcall/verifier_client.h"

static void print_people(const struct cli *cli, const json_t *status)
{
    json_t *people = json_object_get(status, "people"), *n;
    const char *state;
    char text[32];

    printf("people      %s",
           cli_count((uint64_t)cli_int_of(people, "total", 0), text, sizeof(text)));
    json_object_foreach(people, state, n)
    {
        _cleanup_free_ char *safe = cli_escape(state);
        if (strcmp(state, "total") == 0 || json_integer_value(n) == 0)
            continue;
        printf("   %s%s %s%s", cli_colour(cli->colour, cli_state_colour(state)), safe ? safe : "?",
               cli_count((uint64_t)json_integer_value(n), text, sizeof(text)),
               cli_colour(cli->colour, CLI_PLAIN));
    }
    putchar('\n');
}

// A source's word in the table, and whether it is a trouble.
static const char *source_state(const json_t *source, int64_t now, bool *ret_trouble)
{
    int64_t ends = cli_int_of(source, "lease_ends", ROLLCALL_TIME_UNSET);
    const char *state = cli_text_of(source, "state");

    *ret_trouble = true;
    if (ends != ROLLCALL_TIME_UNSET && now >= ends)
        return "LEASE OVER";
    if (json_is_true(json_object_get(source, "late")))
        return "late";
    if (strcmp(state, "failed") == 0 || strcmp(state, "backoff") == 0)
        return state;
    *ret_trouble = false;
    return *state ? state : "-";
}

static void print_sources(const struct cli *cli, const json_t *status)
{
    struct cli_table table = {.columns = 5, .right = 1u << 4};
    const json_t *sources = json_object_get(status, "sources"), *s;
    size_t i;

    if (json_array_size(sources) == 0)
        return;
    for (size_t h = 0; h < 5; h++) {
        static const char *const heads[] = {"SOURCE", "STATE", "SPOKE AS OF", "LEASE ENDS", "ROWS"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    json_array_foreach(sources, i, s)
    {
        char when[80];
        bool trouble;
        const char *word = source_state(s, cli->now, &trouble);
        int64_t rows = cli_int_of(s, "rows", -1);
        cli_table_add(&table, cli_text_of(s, "name"), CLI_BOLD);
        cli_table_add(&table, word, trouble ? CLI_RED : CLI_GREEN);
        cli_table_add(
            &table,
            cli_when(cli_int_of(s, "as_of", ROLLCALL_TIME_UNSET), cli->now, when, sizeof(when)),
            CLI_PLAIN);
        cli_table_add(&table,
                      cli_when(cli_int_of(s, "lease_ends", ROLLCALL_TIME_UNSET), cli->now, when,
                               sizeof(when)),
                      CLI_PLAIN);
        cli_table_add(&table, rows < 0 ? "-" : cli_count((uint64_t)rows, when, sizeof(when)),
                      CLI_PLAIN);
    }
    putchar('\n');
    cli_table_print(&table, stdout, cli->colour);
    cli_table_free(&table);
    json_array_foreach(sources, i, s)
    {
        _cleanup_free_ char *name = cli_escape(cli_text_of(s, "name"));
        _cleanup_free_ char *problem = cli_escape(cli_text_of(s, "problem"));
        if (name && problem && *problem)
            printf("  %s: %s\n", name, problem);
    }
}

// What an identity provider says of this machine.
static void print_devices(const struct cli *cli, const json_t *status)
{
    const json_t *s;
    size_t i;

    json_array_foreach(json_object_get(status, "sources"), i, s)
    {
        const json_t *device = json_object_get(s, "device"),
                     *compliant = json_object_get(device, "compliant"),
                     *managed = json_object_get(device, "managed");
        _cleanup_free_ char *name = cli_escape(cli_text_of(s, "name"));
        if (!json_is_object(device) || !name)
            continue;
        printf("machine     %s%s%s%s says %s\n",
               cli_colour(cli->colour, json_is_false(compliant) ? CLI_RED : CLI_PLAIN),
               json_is_true(compliant)    ? "compliant"
               : json_is_false(compliant) ? "NOT compliant"
                                          : "compliance not known",
               json_is_true(managed)    ? ", managed,"
               : json_is_false(managed) ? ", not managed,"
                                        : ",",
               cli_colour(cli->colour, CLI_PLAIN), name);
    }
}

// What happened to how many, of the first few: who reads on has `rollcall approve`.
static void print_held(const struct cli *cli, const json_t *held)
{
    const json_t *o;
    size_t i;

    json_array_foreach(held, i, o)
    {
        _cleanup_free_ char *source = cli_escape(cli_text_of(o, "source"));
        _cleanup_free_ char *why = cli_escape(cli_text_of(o, "why"));
        int64_t people = cli_int_of(o, "people", 0);
        char count[32];
        if (i == 3)
            break;
        printf("%s! %s %s of %s held: %s%s\n", cli_colour(cli->colour, CLI_YELLOW),
               cli_count(people > 0 ? (uint64_t)people : 0, count, sizeof(count)),
               people == 1 ? "person" : "people", source ? source : "?", why ? why : "?",
               cli_colour(cli->colour, CLI_PLAIN));
    }
    if (json_array_size(held) > 0)
        printf("%s! %zu held: rollcall approve lists what waits for you%s\n",
               cli_colour(cli->colour, CLI_YELLOW), json_array_size(held),
               cli_colour(cli->colour, CLI_PLAIN));
}

static void print_alarms(const struct cli *cli, const json_t *status)
{
    const json_t *alarms = json_object_get(status, "alarms"), *a;
    const json_t *held = json_object_get(status, "held");
    size_t i;
    bool recovery = json_is_true(json_object_get(status, "recovery"));

    if (json_array_size(alarms) || json_array_size(held) || recovery)
        putchar('\n');
    json_array_foreach(alarms, i, a)
    {
        _cleanup_free_ char *text = cli_escape(json_string_value(a));
        printf("%s! %s%s\n", cli_colour(cli->colour, CLI_RED), text ? text : "?",
               cli_colour(cli->colour, CLI_PLAIN));
    }
    print_held(cli, held);
    if (recovery)
        printf("%s! state was lost and everybody waits: rollcall recover%s\n",
               cli_colour(cli->colour, CLI_RED), cli_colour(cli->colour, CLI_PLAIN));
}

// With no cable plugged in: is the cache readable, the lease running, and does somebody who
// may log in here have a factor that this host can check? The verifier looks at all of it.
static void add_offline(const struct cli *cli, json_t *status)
{
    int64_t until = ROLLCALL_TIME_UNSET;
    int r = rollcall_verifier_ready(&until);
    const char *why = r == -EACCES
                          ? "nobody who may log in here now has a second factor on this host"
                          : "rollcall-verifier could not be asked: journalctl -t rollcall-verifier";

    (void)cli;
    json_object_set_new(status, "offline_ready", json_boolean(r == 0));
    if (r == 0 && until != ROLLCALL_TIME_UNSET)
        json_object_set_new(status, "offline_until", json_integer(until));
    if (r < 0)
        json_object_set_new(status, "offline_why", json_string(why));
}

static void print_offline(const struct cli *cli, const json_t *status)
{
    bool ready = json_is_true(json_object_get(status, "offline_ready"));
    int64_t until = cli_int_of(status, "offline_until", ROLLCALL_TIME_UNSET);
    char when[80];

    printf("offline     %s%s%s", cli_colour(cli->colour, ready ? CLI_GREEN : CLI_YELLOW),
           ready ? "ready" : "not ready: ", ready ? "" : cli_text_of(status, "offline_why"));
    if (ready && until != ROLLCALL_TIME_UNSET)
        printf(" until %s", cli_when(until, cli->now, when, sizeof(when)));
    printf("%s\n", cli_colour(cli->colour, CLI_PLAIN));
}

static int offline(struct cli *cli, json_t **ret)
{
    char why[ROLLCALL_CACHE_FAULT_MAX] = "";
    const char *path = NULL;
    int r = cli_cache_status(&cli_cache_default, cli->now, ret, &path);

    if (r < 0) {
        for (int i = 0; i < ROLLCALL_CACHE_FILES && path; i++)
            if (strcmp(rollcall_cache_paths[i].path, path) == 0)
                rollcall_cache_fault(path, rollcall_cache_paths[i].kind, why, sizeof(why));
        return cli_fail(
            cli, CLI_NOT_RUNNING, "not-running",
            "rollcall-syncd is not running, and the cache cannot be read: %s %s; managed "
            "people cannot log in until syncd has run",
            path ? path : "", why[0] ? why : strerror(-r));
    }
    json_object_set_new(*ret, "ok", json_false());
    json_object_set_new(*ret, "error", json_string("not-running"));
    json_object_set_new(*ret, "version", json_string(ROLLCALL_VERSION));
    json_object_set_new(*ret, "now", json_integer(cli->now));
    return CLI_OK;
}

static void add_alarms(json_t *status, json_t *more)
{
    json_t *alarms = json_object_get(status, "alarms");

    if (json_array_size(more) == 0)
        return;
    if (!alarms) {
        alarms = json_array();
        json_object_set_new(status, "alarms", alarms);
    }
    json_array_extend(alarms, more);
}

static void add_breakglass(json_t *status)
{
    json_t *alarms = json_array();

    cli_breakglass_alarms(alarms);
    add_alarms(status, alarms);
    json_decref(alarms);
}

// Files that no reader takes, and why. Who may not read a file is told nothing of it, and
// where there is none at all nothing has been published yet.
static void add_cache_faults(json_t *status)
{
    json_t *faults = json_array();
    char why[ROLLCALL_CACHE_FAULT_MAX], sentence[2 * ROLLCALL_CACHE_FAULT_MAX];
    bool any = false;

    for (int i = 0; i < ROLLCALL_CACHE_FILES; i++) {
        const struct rollcall_cache_path *file = &rollcall_cache_paths[i];
        int r = rollcall_cache_fault(file->path, file->kind, why, sizeof(why));
        any = any || r != -ENOENT;
        if (r == 0 || r == -EACCES || (r == -ENOENT && file->optional))
            continue;
        snprintf(sentence, sizeof(sentence),
                 "%s %s; systemctl restart rollcall-syncd writes it anew", file->path, why);
        json_array_append_new(faults, json_string(sentence));
    }
    if (any)
        add_alarms(status, faults);
    json_decref(faults);
}

// What runs goes on with the configuration before, until it is started anew.
static void add_config_faults(json_t *status)
{
    _cleanup_json_ json_t *alarms = json_array();
    struct rollcall_config *config = NULL;
    struct rollcall_findings findings = {0};
    char sentence[1024], first[800];

    if (rollcall_config_load(ROLLCALL_CONF, &config, &findings) < 0 &&
        rollcall_findings_first(&findings, first, sizeof(first))) {
        snprintf(sentence, sizeof(sentence),
                 "the configuration is wrong, and after the next start no employee gets in: %s; "
                 "rollcall check-config",
                 first);
        json_array_append_new(alarms, json_string(sentence));
    }
    add_alarms(status, alarms);
    rollcall_findings_free(&findings);
    rollcall_config_free(config);
}

static bool in_trouble(const json_t *status, int64_t now)
{
    const json_t *s;
    size_t i;

    json_array_foreach(json_object_get(status, "sources"), i, s)
    {
        bool trouble;
        source_state(s, now, &trouble);
        if (trouble)
            return true;
    }
    return json_array_size(json_object_get(status, "alarms")) ||
           json_array_size(json_object_get(status, "held")) ||
           json_is_true(json_object_get(status, "recovery"));
}

static void print_status(const struct cli *cli, const json_t *status, bool running)
{
    _cleanup_free_ char *mode = cli_escape(cli_text_of(status, "mode"));
    char when[80];

    printf("syncd       %s%s%s\n", cli_colour(cli->colour, running ? CLI_GREEN : CLI_RED),
           running ? "running" : "NOT RUNNING: these answers are from the cache",
           cli_colour(cli->colour, CLI_PLAIN));
    printf("mode        %s%s\n", mode ? mode : "?",
           mode && strcmp(mode, "observe") == 0 ? " (refuses nobody, only logs)" : "");
    printf("generation  %lld\n", (long long)cli_int_of(status, "generation", 0));
    if (running)
        printf("published   %s\n", cli_when(cli_int_of(status, "published", ROLLCALL_TIME_UNSET),
                                            cli->now, when, sizeof(when)));
    print_offline(cli, status);
    print_devices(cli, status);
    print_people(cli, status);
    print_sources(cli, status);
    print_alarms(cli, status);
}

int cli_status(struct cli *cli)
{
    _cleanup_json_ json_t *status = NULL;
    bool running;
    int r = cli_ask_syncd(cli, cli_request("status"), true, &status);

    if (r != CLI_OK && r != CLI_NOT_RUNNING)
        return r;
    running = r == CLI_OK;
    if (!running && (r = offline(cli, &status)) != CLI_OK)
        return r;
    add_cache_faults(status);
    add_breakglass(status);
    add_config_faults(status);
    json_object_set_new(status, "syncd", json_string(running ? "running" : "not-running"));
    add_offline(cli, status);
    if (cli->args.json)
        cli_print_json(status);
    else
        print_status(cli, status, running);
    if (!running)
        return cli_complain(
            cli, CLI_NOT_RUNNING,
            "rollcall-syncd is not running: nothing new is taken in; leavers stay out");
    return in_trouble(status, cli->now) ? CLI_PROBLEM : CLI_OK;
}
