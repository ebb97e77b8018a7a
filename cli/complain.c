// SPDX-License-Identifier: BSD-2-Clause
// Complaints on standard error, and JSON on standard output.
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"

__attribute__((format(printf, 3, 0))) static void complain(const struct cli *cli, const char *kind,
                                                           const char *format, va_list ap)
{
    char line[1024];
    _cleanup_free_ char *safe = NULL;

    vsnprintf(line, sizeof(line), format, ap);
    safe = cli_escape(line);
    fflush(stdout); // keeps the order on a terminal
    fprintf(stderr, "rollcall%s%s: %s%s\n", cli->verb ? " " : "", cli->verb ? cli->verb->name : "",
            kind, safe ? safe : "out of memory");
}

__attribute__((format(printf, 3, 0))) static void
answer_json(const struct cli *cli, const char *error, const char *format, va_list ap)
{
    json_t *answer = NULL;
    char line[1024];

    if (!cli->args.json)
        return;
    vsnprintf(line, sizeof(line), format, ap);
    answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", error, "hint", line);
    if (answer)
        cli_print_json(answer);
    json_decref(answer);
}

int cli_complain(const struct cli *cli, int code, const char *format, ...)
{
    va_list ap;

    // A script that asked for JSON reads it, whatever was wrong with its words.
    va_start(ap, format);
    if (code == CLI_USAGE)
        answer_json(cli, "usage", format, ap);
    va_end(ap);
    va_start(ap, format);
    complain(cli, "", format, ap);
    va_end(ap);
    return code;
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    complain(cli, "warning: ", format, ap);
    va_end(ap);
}

int cli_fail(const struct cli *cli, int code, const char *error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    answer_json(cli, error, format, ap);
    va_end(ap);
    va_start(ap, format);
    complain(cli, "", format, ap);
    va_end(ap);
    return code;
}

void cli_print_json(const json_t *value)
{
    // ASCII: no character in it can steer a terminal or trip a reader.
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    putchar('\n');
}

bool cli_interactive(const struct cli *cli)
{
    return !cli->args.yes && !cli->args.json && isatty(STDIN_FILENO) && cli->terminal;
}

bool cli_ask_yes(const char *question)
{
    char line[16] = "";

    printf("%s [y/N] ", question);
    fflush(stdout);
    return fgets(line, sizeof(line), stdin) && (*line == 'y' || *line == 'Y');
}
