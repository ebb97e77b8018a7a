// SPDX-License-Identifier: BSD-2-Clause
// rollcall lock, unlock. Taking away works with syncd dead too; giving back does not.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/admission.h"
#include "rollcall/audit.h"
#include "rollcall/cache.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

#define REASON_MAX 200

static void close_board(struct rollcall_board **b)
{
    rollcall_board_close(*b);
}

static int ask_enforcer(const char *verb, int64_t uid, json_t **ret)
{
    _cleanup_json_ json_t *request = cli_request(verb);

    if (!request)
        return -ENOMEM;
    if (uid >= 0)
        json_object_set_new(request, "uid", json_integer(uid));
    return cli_control_ask(ROLLCALL_ENFORCER_SOCK, request, CLI_WAIT_MS, NULL, NULL, ret);
}

// The person in the cache; CLI_OK or an exit code, having complained.
static int find_cached(struct cli *cli, const char *name, struct rollcall_admission *ret_admission,
                       struct rollcall_person *ret, char *buf, size_t len)
{
    rollcall_admission_look_up(ROLLCALL_BOARD, ROLLCALL_PRIVATE, name, 0, cli->now, ret_admission,
                               ret, buf, len);
    if (ret_admission->cause == ROLLCALL_REFUSE_UNKNOWN)
        return cli_fail(cli, CLI_NOT_FOUND, "unknown-user", "there is no managed account '%s'",
                        name);
    if (!*ret->name)
        return cli_fail(cli, CLI_PROBLEM, "no-cache",
                        "the cache cannot be read, so nobody managed can log in; sessions that run "
                        "are not ended: start rollcall-syncd, then lock again");
    return CLI_OK;
}

static void print_processes(const struct cli *cli, const json_t *list, const char *heading)
{
    struct cli_table table = {.columns = 4, .right = 1u};
    const json_t *p;
    size_t i;

    printf("%s\n", heading);
    for (size_t h = 0; h < 4; h++) {
        static const char *const heads[] = {"PID", "COMMAND", "TTY", "WHY"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    json_array_foreach(list, i, p)
    {
        char pid[24];
        snprintf(pid, sizeof(pid), "%lld", (long long)cli_int_of(p, "pid", 0));
        cli_table_add(&table, pid, CLI_PLAIN);
        cli_table_add(&table, cli_text_of(p, "command"), CLI_BOLD);
        cli_table_add(&table, *cli_text_of(p, "tty") ? cli_text_of(p, "tty") : "-", CLI_PLAIN);
        cli_table_add(&table, cli_text_of(p, "why"), CLI_PLAIN);
    }
    cli_table_print(&table, stdout, cli->colour);
    cli_table_free(&table);
}

static int dry_run(struct cli *cli, const char *name)
{
    _cleanup_json_ json_t *answer = NULL;
    struct rollcall_admission admission;
    struct rollcall_person person;
    char buf[ROLLCALL_ADMISSION_BUF];
    const json_t *ends, *stays;
    int r = find_cached(cli, name, &admission, &person, buf, sizeof(buf));

    if (r != CLI_OK)
        return r;
    r = ask_enforcer("dry-run", person.uid, &answer);
    if (r < 0)
        return cli_fail(
            cli, CLI_NOT_RUNNING, "not-running",
            "rollcall-enforcer does not answer (%s), so nobody can say which processes would go",
            strerror(-r));
    if (!json_is_true(json_object_get(answer, "ok")))
        return cli_refused(cli, answer);
    json_object_set_new(answer, "user", json_string(person.name));
    if (cli->args.json) {
        cli_print_json(answer);
        return CLI_OK;
    }
    ends = json_object_get(answer, "ends");
    stays = json_object_get(answer, "stays");
    if (json_array_size(ends))
        print_processes(cli, ends, "would end:");
    else
        printf("nothing of %s runs here; logins would be refused\n", person.name);
    if (json_array_size(stays)) {
        putchar('\n');
        print_processes(cli, stays, "would stay, and be reported:");
    }
    return CLI_OK;
}

static void print_locked(struct cli *cli, json_t *answer, bool rung)
{
    _cleanup_free_ char *user = cli_escape(cli_text_of(answer, "user"));

    json_object_set_new(answer, "sessions", json_string(rung ? "ending" : "enforcer-not-running"));
    if (cli->args.json)
        cli_print_json(answer);
    else
        printf("%s is locked: logins are refused%s\n", user ? user : "?",
               rung ? ", sessions end now" : "");
    if (!rung)
        cli_warn(cli,
                 "rollcall-enforcer is not running: sessions that are open go on until it starts");
}

// The board's word is the lock: one store, seen by every process at its next lookup.
static int tighten(struct cli *cli, const struct rollcall_person *person, bool *ret_was)
{
    _cleanup_(close_board) struct rollcall_board *board = NULL;
    int r = rollcall_board_open_tighten(ROLLCALL_BOARD, &board);

    if (r == 0)
        r = rollcall_board_tighten(board, person->slot, person->uid, ROLLCALL_STATE_LOCKED);
    if (r == -EPERM) { // the word is stricter already
        *ret_was = true;
        return CLI_OK;
    }
    if (r < 0)
        return cli_fail(cli, CLI_PROBLEM, "not-locked", "%s is NOT locked: %s: %s", person->name,
                        ROLLCALL_BOARD, strerror(-r));
    *ret_was = false;
    return CLI_OK;
}

static int lock_without_syncd(struct cli *cli, const char *name)
{
    _cleanup_json_ json_t *answer = NULL, *bell = NULL;
    struct rollcall_admission admission;
    struct rollcall_person person;
    char buf[ROLLCALL_ADMISSION_BUF];
    const char *by;
    bool stricter = false;
    int r = find_cached(cli, name, &admission, &person, buf, sizeof(buf));

    if (r == CLI_OK)
        r = tighten(cli, &person, &stricter);
    if (r != CLI_OK)
        return r;
    by = secure_getenv("SUDO_USER");
    rollcall_audit(ROLLCALL_AUDIT_SOCK, "lock", "user", person.name, "by", by ? by : "root", "note",
                   cli->args.reason, "hint", "in the board alone: syncd was not running",
                   (char *)NULL);
    r = ask_enforcer("ring", -1, &bell);
    answer = json_pack("{s:b, s:s, s:I, s:s, s:s, s:b, s:I}", "ok", 1, "user", person.name, "uid",
                       (json_int_t)person.uid, "state",
                       stricter ? rollcall_state_name(admission.state) : "locked", "was",
                       rollcall_state_name(admission.state), "durable", 0, "locked_at",
                       (json_int_t)cli->now);
    if (answer)
        print_locked(cli, answer, r == 0);
    cli_warn(
        cli,
        "rollcall-syncd is not running, so this lock is in the board alone and does not outlive "
        "its next start: start syncd, then run rollcall lock again");
    return CLI_OK;
}

int cli_lock(struct cli *cli)
{
    _cleanup_json_ json_t *answer = NULL, *status = NULL;
    const char *name = cli->args.words[0];
    json_t *request;
    int r;

    if (cli->args.reason && strlen(cli->args.reason) > REASON_MAX)
        return cli_complain(cli, CLI_USAGE, "--reason is longer than %d bytes", REASON_MAX);
    if (cli->args.dry_run)
        return dry_run(cli, name);
    request = cli_request("lock");
    if (request) {
        json_object_set_new(request, "user", json_string(name));
        if (cli->args.reason)
            json_object_set_new(request, "reason", json_string(cli->args.reason));
    }
    r = cli_ask_syncd(cli, request, true, &answer);
    if (r == CLI_NOT_RUNNING)
        return lock_without_syncd(cli, name);
    if (r != CLI_OK)
        return r;
    json_object_set_new(answer, "durable", json_true());
    // syncd has rung the bell; this only asks whether anybody hears it.
    print_locked(cli, answer, ask_enforcer("status", -1, &status) == 0);
    return CLI_OK;
}

int cli_unlock(struct cli *cli)
{
    _cleanup_json_ json_t *answer = NULL;
    _cleanup_free_ char *user = NULL, *state = NULL, *source = NULL;
    json_t *request = cli_request("unlock");
    int r;

    if (request)
        json_object_set_new(request, "user", json_string(cli->args.words[0]));
    r = cli_ask_syncd(cli, request, false, &answer);
    if (r != CLI_OK)
        return r;
    if (cli->args.json) {
        cli_print_json(answer);
        return CLI_OK;
    }
    user = cli_escape(cli_text_of(answer, "user"));
    state = cli_escape(cli_text_of(answer, "state"));
    source = cli_escape(cli_text_of(answer, "waits_for"));
    printf("%s: the admin's lock is gone; the state is %s\n", user ? user : "?",
           state ? state : "?");
    if (source && *source)
        printf("access comes back when source %s has been read afresh: rollcall sync %s\n", source,
               source);
    return CLI_OK;
}
