// SPDX-License-Identifier: BSD-2-Clause
// rollcall check-config: is the configuration right? Needs no daemon.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/paths.h"

static void free_config(struct rollcall_config **config)
{
    rollcall_config_free(*config);
}

static void print_finding(const struct cli *cli, const struct rollcall_finding *f)
{
    _cleanup_free_ char *file = cli_escape(f->file), *text = cli_escape(f->text);
    char line[16] = "";

    if (f->line)
        snprintf(line, sizeof(line), ":%d", f->line);
    printf("%s%s: %s%s%s: %s\n", file ? file : "?", line,
           cli_colour(cli->colour, f->warning ? CLI_YELLOW : CLI_RED),
           f->warning ? "warning" : "error", cli_colour(cli->colour, CLI_PLAIN), text ? text : "?");
}

static void print_json(const struct rollcall_findings *findings, bool ok)
{
    _cleanup_json_ json_t *answer = NULL;
    json_t *list = json_array();

    for (size_t i = 0; i < findings->n; i++) {
        const struct rollcall_finding *f = &findings->item[i];
        _cleanup_free_ char *file = cli_escape(f->file), *text = cli_escape(f->text);
        json_t *one = json_pack("{s:s, s:s*, s:s*}", "level", f->warning ? "warning" : "error",
                                "file", file, "text", text);
        if (one && f->line)
            json_object_set_new(one, "line", json_integer(f->line));
        if (one)
            json_array_append_new(list, one);
    }
    answer = json_pack("{s:b, s:o}", "ok", ok, "findings", list);
    if (answer)
        cli_print_json(answer);
}

int cli_check_config(struct cli *cli)
{
    _cleanup_(free_config) struct rollcall_config *config = NULL;
    _cleanup_(rollcall_findings_free) struct rollcall_findings findings = {0};
    const char *path = cli->args.config ? cli->args.config : ROLLCALL_CONF;
    int r = rollcall_config_load(path, &config, &findings);

    if (r < 0 && findings.errors == 0)
        return cli_fail(cli, r == -EACCES || r == -EPERM ? CLI_NOT_PERMITTED : CLI_PROBLEM,
                        "unreadable", "%s: %s", path,
                        r == -ENOENT ? "there is no configuration" : strerror(-r));
    if (cli->args.json) {
        print_json(&findings, r == 0);
        return r == 0 ? CLI_OK : CLI_PROBLEM;
    }
    for (size_t i = 0; i < findings.n; i++)
        print_finding(cli, &findings.item[i]);
    if (r == 0)
        printf("%s is right: %zu sources, mode %s%s\n", path, config->n_sources,
               config->mode == ROLLCALL_MODE_OBSERVE ? "observe" : "enforce",
               findings.n ? ", with warnings" : "");
    else
        printf("%zu errors; nothing of it would be taken\n", findings.errors);
    return r == 0 ? CLI_OK : CLI_PROBLEM;
}
