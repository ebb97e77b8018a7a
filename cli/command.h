// SPDX-License-Identifier: BSD-2-Clause
// What the verbs of `rollcall` share: how a verb is described and called, exit codes,
// what is on the command line, how answers and complaints are printed.
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

// Fixed, and documented in rollcall(8).
enum cli_exit {
    CLI_OK = 0,
    CLI_PROBLEM = 1,       // refused, or something is wrong; the message says what
    CLI_USAGE = 2,         // the command line makes no sense
    CLI_NOT_RUNNING = 3,   // the daemon that would have to answer is not reachable
    CLI_NOT_PERMITTED = 4, // only root may
    CLI_NOT_FOUND = 5,     // no such user, reference, source or held change
};

#define CLI_SETS_MAX 64

// Everything a command line can say. A verb lists the long options it takes; any other
// is a usage error, so no verb sees a value it did not ask for.
struct cli_args {
    bool json, why, dry_run, replace, clock, yes, undo, no_start, apply, new_ids, pin, attested,
        withdraw, dropped, trace;
    const char *reason, *config, *until, *for_, *label; // NULL where not given
    const char *mode, *hr, *allow, *admins, *contact, *since, *from, *codes;
    const char *type, *set[CLI_SETS_MAX]; // --set stands as often as it is wanted
    unsigned n_set;
    const char *words[4]; // what is no option
    unsigned n_words;
};

struct cli {
    const struct cli_verb *verb;
    struct cli_args args;
    bool colour;   // standard output is a terminal that wants colour
    bool terminal; // standard output is a terminal
    int64_t now;
};

struct cli_verb {
    const char *name;
    const char *synopsis; // what stands behind the name
    const char *summary;  // one line for `rollcall help`
    const char *text;     // what --help says below synopsis and summary
    const char *options;  // ",json,why,": long options besides --help
    unsigned min_words, max_words;
    bool root;
    int (*run)(struct cli *cli);
};

int cli_status(struct cli *cli);
int cli_user(struct cli *cli);
int cli_sync(struct cli *cli);
int cli_enroll(struct cli *cli);
int cli_code(struct cli *cli);
int cli_reset_factor(struct cli *cli);
int cli_forget(struct cli *cli);
int cli_vouch(struct cli *cli);
int cli_lock(struct cli *cli);
int cli_unlock(struct cli *cli);
int cli_approve(struct cli *cli);
int cli_expect(struct cli *cli);
int cli_recover(struct cli *cli);
int cli_lease(struct cli *cli);
int cli_check_config(struct cli *cli);
int cli_explain(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_audit(struct cli *cli);
int cli_setup(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_adopt(struct cli *cli);
int cli_report(struct cli *cli);
int cli_fleet(struct cli *cli);
int cli_breakglass(struct cli *cli);
int cli_source(struct cli *cli);

// "rollcall VERB: …" on standard error, one line, escaped as a whole. Returns `code`.
int cli_complain(const struct cli *cli, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same, and with --json {"ok": false, "error": error, "hint": …} on standard output.
int cli_fail(const struct cli *cli, int code, const char *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// "rollcall VERB: warning: …" on standard error.
void cli_warn(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Is there somebody to ask, and has nobody said --yes?
bool cli_interactive(const struct cli *cli);
bool cli_ask_yes(const char *question); // "... [y/N] "

// One JSON document on standard output, ASCII, indented.
void cli_print_json(const json_t *value);

#endif
