// SPDX-License-Identifier: BSD-2-Clause
// rollcall source: one source by its name; and what is shown of it.
#include "cli/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/control.h"
#include "cli/suggest.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/paths.h"

void source_config_freep(struct rollcall_config **config)
{
    rollcall_config_free(*config);
}

int source_section(struct cli *cli, const char *name, struct rollcall_config **ret,
                   const struct rollcall_source_config **ret_source)
{
    _cleanup_(source_config_freep) struct rollcall_config *config = NULL;
    _cleanup_(rollcall_findings_free) struct rollcall_findings findings = {0};
    struct cli_suggest near = {.wanted = name};
    int r = rollcall_config_load(ROLLCALL_CONF, &config, &findings);

    if (r < 0) {
        rollcall_findings_print(&findings, stderr);
        return cli_fail(cli, r == -EACCES ? CLI_NOT_PERMITTED : CLI_PROBLEM, "unreadable", "%s: %s",
                        ROLLCALL_CONF,
                        r == -ENOENT ? "there is no configuration" : "it has errors, see above");
    }
    *ret_source = rollcall_config_source(config, name);
    if (*ret_source) {
        *ret = config;
        config = NULL;
        return CLI_OK;
    }
    for (size_t i = 0; i < config->n_sources; i++)
        cli_suggest_offer(&near, config->source[i].name);
    return cli_fail(cli, CLI_NOT_FOUND, "unknown-source", "there is no [source %s]%s%s%s", name,
                    near.n ? "; did you mean " : "", near.n ? near.name[0] : "", near.n ? "?" : "");
}

int source_failed(struct cli *cli, const char *name, int error)
{
    if (error == -ETIMEDOUT)
        return cli_fail(cli, CLI_PROBLEM, "refused",
                        "source %s said nothing for longer than its timeout, and was ended", name);
    if (error == -EMSGSIZE)
        return cli_fail(cli, CLI_PROBLEM, "refused", "source %s printed a line longer than 256 KiB",
                        name);
    if (error == -ENOENT)
        return cli_fail(cli, CLI_PROBLEM, "refused",
                        "the users rollcall and rollcall-source are not in /etc/passwd; see "
                        "sysusers.d/rollcall.conf");
    return cli_fail(cli, CLI_PROBLEM, "refused", "source %s cannot be started: %s", name,
                    strerror(-error));
}

// ---- show ----

static void line(const struct cli *cli, const char *label, const char *value,
                 enum cli_colour colour)
{
    _cleanup_free_ char *safe = cli_escape(value);

    if (safe && *safe)
        printf("%-12s%s%s%s\n", label, cli_colour(cli->colour, colour), safe,
               cli_colour(cli->colour, CLI_PLAIN));
}

static void time_line(const struct cli *cli, const json_t *o, const char *label, const char *key)
{
    int64_t t = cli_int_of(o, key, ROLLCALL_TIME_UNSET);
    char when[80];

    if (t != ROLLCALL_TIME_UNSET)
        line(cli, label, cli_when(t, cli->now, when, sizeof(when)), CLI_PLAIN);
}

// "active 12, locked 1"
static void counts(const json_t *object, char *buf, size_t len)
{
    void *at;
    size_t n = 0;

    *buf = 0;
    for (at = json_object_iter((json_t *)(uintptr_t)object); at;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at))
        if (n < len)
            n += (size_t)snprintf(buf + n, len - n, "%s%s %lld", n ? ", " : "",
                                  json_object_iter_key(at),
                                  (long long)json_integer_value(json_object_iter_value(at)));
}

static const char *word_of(const json_t *device, const char *key, const char *yes, const char *no)
{
    const json_t *v = json_object_get(device, key);

    return json_is_true(v) ? yes : json_is_false(v) ? no : "";
}

static void print_device(const struct cli *cli, const json_t *device)
{
    char text[300];

    if (!json_is_object(device))
        return;
    snprintf(text, sizeof(text), "%s%s%s",
             word_of(device, "compliant", "compliant", "NOT compliant"),
             *word_of(device, "managed", "managed", "not managed") ? " " : "",
             word_of(device, "managed", "managed", "not managed"));
    line(cli, "machine", *text ? text : "not known there",
         json_is_false(json_object_get(device, "compliant")) ? CLI_RED : CLI_PLAIN);
}

// The section as it stands in force, options by name. Of files their paths: root may see them.
static void print_option(const struct cli *cli, const char *name, const json_t *value)
{
    _cleanup_free_ char *text = NULL;
    char all[1024] = "";
    const json_t *item;
    size_t i, n = 0;

    if (json_is_string(value))
        snprintf(all, sizeof(all), "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(all, sizeof(all), "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        snprintf(all, sizeof(all), "%s", json_is_true(value) ? "yes" : "no");
    json_array_foreach(value, i, item) if (n < sizeof(all)) n +=
        (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "", json_string_value(item));
    text = cli_escape(all);
    if (text)
        printf("  %s%-18s%s = %s\n", cli_colour(cli->colour, CLI_DIM), name,
               cli_colour(cli->colour, CLI_PLAIN), text);
}

static json_t *section_json(const struct rollcall_source_config *source)
{
    json_t *o = rollcall_config_source_json(source);

    json_object_del(o, "files");
    for (int i = 0; i < ROLLCALL_SOURCE_FILES; i++)
        if (source->file[i])
            json_object_set_new(o, rollcall_source_file_option(i), json_string(source->file[i]));
    return o;
}

static void print_section(const struct cli *cli, const json_t *section)
{
    void *at;

    printf("[source %s]\n", cli_text_of(section, "name"));
    for (at = json_object_iter((json_t *)(uintptr_t)section); at;
         at = json_object_iter_next((json_t *)(uintptr_t)section, at))
        if (strcmp(json_object_iter_key(at), "name") != 0)
            print_option(cli, json_object_iter_key(at), json_object_iter_value(at));
}

static void print_entry(const json_t *e, bool with_reason)
{
    _cleanup_free_ char *id = cli_escape(cli_text_of(e, "id")),
                        *name = cli_escape(cli_text_of(e, "name"));

    if (!id || !name)
        return;
    if (with_reason)
        printf("%s\t%s\t%s\n", id, cli_text_of(e, "reason"), name);
    else
        printf("    %s%s%s\n", id, *name ? "  " : "", name);
}

static void print_dropped(const struct cli *cli, const json_t *dropped)
{
    const json_t *reasons = json_object_get(dropped, "reasons"), *r, *e;
    char n[32];
    size_t i, k;

    if (json_array_size(reasons) == 0)
        return;
    printf("\n%s accounts are left out:\n",
           cli_count((uint64_t)cli_int_of(dropped, "total", 0), n, sizeof(n)));
    json_array_foreach(reasons, i, r)
    {
        printf("  %s%s%s  %s: %s\n", cli_colour(cli->colour, CLI_BOLD),
               cli_count((uint64_t)cli_int_of(r, "n", 0), n, sizeof(n)),
               cli_colour(cli->colour, CLI_PLAIN), cli_text_of(r, "reason"),
               cli_text_of(r, "sentence"));
        json_array_foreach(json_object_get(r, "examples"), k, e) print_entry(e, false);
    }
    printf("  all of them: rollcall source show NAME --dropped\n");
}

static void print_source(const struct cli *cli, const json_t *answer, const json_t *section)
{
    const char *state = cli_text_of(answer, "state");
    char text[600], n[32];

    print_section(cli, section);
    putchar('\n');
    line(cli, "state", state, strcmp(state, "failed") == 0 ? CLI_RED : CLI_GREEN);
    line(cli, "problem", cli_text_of(answer, "problem"), CLI_RED);
    time_line(cli, answer, "last commit", "last_commit");
    time_line(cli, answer, "as of", "as_of");
    time_line(cli, answer, "lease ends", "lease_ends");
    counts(json_object_get(answer, "people"), text, sizeof(text));
    line(cli, "people", text, CLI_PLAIN);
    line(cli, "groups", cli_count((uint64_t)cli_int_of(answer, "groups", 0), n, sizeof(n)),
         CLI_PLAIN);
    if (cli_int_of(answer, "skipped", 0) > 0)
        line(cli, "refused", cli_count((uint64_t)cli_int_of(answer, "skipped", 0), n, sizeof(n)),
             CLI_YELLOW);
    counts(json_object_get(answer, "risk"), text, sizeof(text));
    line(cli, "risk", text, CLI_PLAIN);
    print_device(cli, json_object_get(answer, "device"));
    print_dropped(cli, json_object_get(answer, "dropped"));
}

// One page of those left out, from behind `after` on.
static int ask_list(struct cli *cli, const char *name, const char *after, json_t **ret)
{
    json_t *request = cli_request("source");

    if (request) {
        json_object_set_new(request, "source", json_string(name));
        if (after)
            json_object_set_new(request, "after", json_string(after));
    }
    return cli_ask_syncd(cli, request, false, ret);
}

static int list_dropped(struct cli *cli, const char *name)
{
    char after[160] = "";

    for (;;) {
        _cleanup_json_ json_t *answer = NULL;
        const json_t *list, *e;
        size_t i;
        int r = ask_list(cli, name, after, &answer);
        if (r != CLI_OK)
            return r;
        list = json_object_get(answer, "list");
        if (json_array_size(list) == 0)
            return CLI_OK;
        json_array_foreach(list, i, e)
        {
            if (cli->args.json)
                json_dumpf(e, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
            else
                print_entry(e, true);
            if (cli->args.json)
                putchar('\n');
            snprintf(after, sizeof(after), "%s", cli_text_of(e, "id"));
        }
    }
}

int cli_source_show(struct cli *cli, const char *name)
{
    _cleanup_(source_config_freep) struct rollcall_config *config = NULL;
    const struct rollcall_source_config *source;
    _cleanup_json_ json_t *answer = NULL, *section = NULL;
    int r = source_section(cli, name, &config, &source);

    if (r != CLI_OK)
        return r;
    if (cli->args.dropped)
        return list_dropped(cli, name);
    r = ask_list(cli, name, NULL, &answer);
    if (r != CLI_OK)
        return r;
    section = section_json(source);
    if (cli->args.json) {
        json_object_set(answer, "section", section);
        cli_print_json(answer);
    } else {
        print_source(cli, answer, section);
    }
    return CLI_OK;
}

// ---- the verb ----

int cli_source(struct cli *cli)
{
    const char *what = cli->args.words[0], *name = cli->args.words[1];
    static const struct {
        const char *word;
        int (*run)(struct cli *cli, const char *name);
    } words[] = {{"show", cli_source_show},
                 {"run", cli_source_run},
                 {"test", cli_source_test},
                 {"add", cli_source_add}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, what) != 0)
            continue;
        if (!name && words[i].run != cli_source_add)
            return cli_complain(cli, CLI_USAGE, "which source? rollcall source %s NAME", what);
        return words[i].run(cli, name);
    }
    return cli_complain(cli, CLI_USAGE, "'%s' is none of show, run, test, add", what);
}
