// SPDX-License-Identifier: BSD-2-Clause
// rollcall sync: read sources now, watch, and say what came of it.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/paths.h"

struct watch {
    const struct cli *cli;
    struct cli_reading reading[ROLLCALL_SOURCES_MAX];
    size_t n;
    int64_t drawn_ms;
    bool drawn;
};

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
        return 79;
    return size.ws_col - 1u; // the last column would wrap on some terminals
}

static void wipe(struct watch *watch)
{
    if (!watch->drawn)
        return;
    fputs("\r\033[K", stdout);
    fflush(stdout);
    watch->drawn = false;
}

static struct cli_reading *reading_of(struct watch *watch, const char *name)
{
    for (size_t i = 0; i < watch->n; i++)
        if (strcmp(watch->reading[i].name, name) == 0)
            return &watch->reading[i];
    if (watch->n == ROLLCALL_SOURCES_MAX)
        return NULL;
    snprintf(watch->reading[watch->n].name, sizeof(watch->reading[0].name), "%s", name);
    return &watch->reading[watch->n++];
}

static void on_progress(void *ctx, const json_t *message)
{
    struct watch *watch = ctx;
    const json_t *p = json_object_get(message, "progress");
    struct cli_progress progress = {0};
    char what[512] = "", name[41], phase[61], text[512];
    _cleanup_free_ char *safe = NULL;
    int64_t now = monotonic_ms();
    struct cli_reading *r;

    if (!watch->cli->terminal || watch->cli->args.json || !json_is_object(p))
        return;
    snprintf(name, sizeof(name), "%.40s", cli_text_of(p, "source"));
    snprintf(phase, sizeof(phase), "%.60s", cli_text_of(p, "phase"));
    r = reading_of(watch, name);
    if (!r || cli_int_of(p, "done", 0) < 0 || cli_int_of(p, "total", 0) < 0)
        return;
    if (strcmp(phase, r->phase) != 0) { // another phase counts other things: a new rate
        memcpy(r->phase, phase, sizeof(phase));
        r->started_ms = now;
    }
    r->heard_ms = now;
    r->done = (uint64_t)cli_int_of(p, "done", 0);
    r->total = (uint64_t)cli_int_of(p, "total", 0);
    if (watch->drawn_ms && now - watch->drawn_ms < 100)
        return;
    cli_progress_add_up(watch->reading, watch->n, now, what, sizeof(what), &progress);
    safe = cli_escape(what);
    if (!safe)
        return;
    progress.what = safe;
    cli_progress_line(&progress, terminal_columns(), text, sizeof(text));
    printf("\r\033[K%s", text);
    fflush(stdout);
    watch->drawn = true;
    watch->drawn_ms = now;
}

static void print_results(const struct cli *cli, const json_t *answer)
{
    static const char *const keys[] = {"rows", "skipped", "added", "changed", "gone"};
    struct cli_table table = {.columns = 7, .right = 0x7c};
    const json_t *sources = json_object_get(answer, "sources"), *s;
    size_t i;

    for (size_t h = 0; h < 7; h++) {
        static const char *const heads[] = {"SOURCE", "RESULT",  "ROWS", "SKIPPED",
                                            "ADDED",  "CHANGED", "GONE"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    json_array_foreach(sources, i, s)
    {
        const char *result = cli_text_of(s, "result");
        cli_table_add(&table, cli_text_of(s, "source"), CLI_BOLD);
        cli_table_add(&table, result, strcmp(result, "failed") == 0 ? CLI_RED : CLI_GREEN);
        for (size_t k = 0; k < 5; k++) {
            char text[32];
            int64_t n = cli_int_of(s, keys[k], -1);
            cli_table_add(&table, n < 0 ? "-" : cli_count((uint64_t)n, text, sizeof(text)),
                          k == 1 && n > 0 ? CLI_YELLOW : CLI_PLAIN);
        }
    }
    if (json_array_size(sources))
        cli_table_print(&table, stdout, cli->colour);
    cli_table_free(&table);
    json_array_foreach(sources, i, s)
    {
        if (*cli_text_of(s, "problem"))
            cli_complain(cli, 0, "%s: %s", cli_text_of(s, "source"), cli_text_of(s, "problem"));
    }
}

int cli_sync(struct cli *cli)
{
    _cleanup_json_ json_t *request = cli_request("sync"), *answer = NULL;
    struct watch watch = {.cli = cli};
    int r;

    // A name that cannot be said must not become "all sources".
    if (!request || (cli->args.n_words &&
                     json_object_set_new(request, "source", json_string(cli->args.words[0])) < 0))
        return cli_complain(cli, CLI_USAGE, "that is no name of a source");
    r = cli_control_ask(ROLLCALL_SYNCD_SOCK, request, CLI_WAIT_MS, on_progress, &watch, &answer);
    wipe(&watch);
    if (r == -ENOENT || r == -ETIMEDOUT)
        return cli_fail(
            cli, CLI_NOT_RUNNING, "not-running", "%s",
            r == -ENOENT
                ? "rollcall-syncd is not running: systemctl status rollcall-syncd"
                : "rollcall-syncd has said nothing for 10 s: journalctl -u rollcall-syncd");
    if (r < 0)
        return cli_fail(cli, r == -EACCES ? CLI_NOT_PERMITTED : CLI_PROBLEM, "protocol",
                        "rollcall-syncd broke off: %s", strerror(-r));
    if (!cli->args.json)
        print_results(cli, answer);
    if (!json_is_true(json_object_get(answer, "ok")))
        return cli_refused(cli, answer);
    if (cli->args.json)
        cli_print_json(answer);
    return CLI_OK;
}
