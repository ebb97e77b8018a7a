// SPDX-License-Identifier: BSD-2-Clause
// rollcall explain and rollcall audit: what the audit log says.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/audit_log.h"
#include "cli/cache_view.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/paths.h"

static const char *reason_sentence(const char *reason)
{
    for (int r = 1; r <= ROLLCALL_REASON_MAX; r++)
        if (strcmp(rollcall_reason_name((enum rollcall_reason)r), reason) == 0)
            return rollcall_reason_sentence((enum rollcall_reason)r);
    return "";
}

static void line(const char *label, const char *value)
{
    _cleanup_free_ char *safe = cli_escape(value);

    if (safe && *safe)
        printf("%-10s %s\n", label, safe);
}

static void print_record(const json_t *record, const char *sentence)
{
    char where[256];

    line("reference", cli_text_of(record, "ref"));
    line("when", cli_text_of(record, "at"));
    line("user", cli_text_of(record, "user"));
    snprintf(where, sizeof(where), "%s%s%s", cli_text_of(record, "service"),
             *cli_text_of(record, "rhost") ? " from " : "", cli_text_of(record, "rhost"));
    line("where", where);
    line("cause", sentence);
    line("state", cli_text_of(record, "state"));
    line("reason", reason_sentence(cli_text_of(record, "reason")));
    line("HR's time", cli_text_of(record, "hr_time"));
    line("note", cli_text_of(record, "hint"));
    line("now", "rollcall user NAME --why says how things stand today");
}

int cli_explain(struct cli *cli)
{
    _cleanup_json_ json_t *record = NULL;
    char reference[9];
    const char *sentence;
    int r;

    if (cli_reference_read(cli->args.words[0], reference) < 0)
        return cli_complain(cli, CLI_USAGE, "'%s' is no reference; one looks like R-7F3K92",
                            cli->args.words[0]);
    r = cli_audit_find(ROLLCALL_AUDIT_LOG, reference, &record);
    if (r == -EACCES || r == -EPERM)
        return cli_fail(cli, CLI_NOT_PERMITTED, "not-permitted",
                        "%s may be read by root and group adm only", ROLLCALL_AUDIT_LOG);
    if (r == -ENOENT)
        return cli_fail(
            cli, CLI_NOT_FOUND, "unknown-reference",
            "%s is in no audit log of this host that is kept; was it another host? While "
            "rollcall-enforcer is down, records stand in the journal: journalctl -g %s",
            reference, reference);
    if (r < 0)
        return cli_fail(cli, CLI_PROBLEM, "unreadable", "%s: %s", ROLLCALL_AUDIT_LOG, strerror(-r));
    sentence =
        *cli_text_of(record, "cause") ? cli_cause_sentence(cli_text_of(record, "cause")) : "";
    if (cli->args.json) {
        json_object_set_new(record, "sentence", json_string(sentence));
        json_object_set_new(record, "ok", json_true());
        cli_print_json(record);
    } else {
        print_record(record, sentence);
    }
    return CLI_OK;
}

int cli_audit(struct cli *cli)
{
    struct cli_audit_report report;
    _cleanup_json_ json_t *answer = NULL;
    int r;

    if (strcmp(cli->args.words[0], "verify") != 0)
        return cli_complain(cli, CLI_USAGE, "the only thing to do is: rollcall audit verify");
    r = cli_audit_verify(ROLLCALL_AUDIT_LOG, &report);
    if (r < 0)
        return cli_fail(cli, r == -EACCES || r == -EPERM ? CLI_NOT_PERMITTED : CLI_PROBLEM,
                        "unreadable", "%s: %s", report.bad_file, strerror(-r));
    if (*report.bad_file)
        return cli_fail(cli, CLI_PROBLEM, "broken", "%s:%lu: %s", report.bad_file, report.bad_line,
                        report.bad_why);
    answer = json_pack("{s:b, s:I, s:I, s:I, s:I}", "ok", 1, "records", (json_int_t)report.records,
                       "files", (json_int_t)report.files, "first_seq", (json_int_t)report.first_seq,
                       "last_seq", (json_int_t)report.last_seq);
    if (cli->args.json && answer)
        cli_print_json(answer);
    else if (report.records == 0)
        puts("the audit log is empty");
    else
        printf("the chain holds: %llu records in %llu files, %lld to %lld\n",
               (unsigned long long)report.records, (unsigned long long)report.files,
               (long long)report.first_seq, (long long)report.last_seq);
    return CLI_OK;
}
