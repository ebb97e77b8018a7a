// SPDX-License-Identifier: BSD-2-Clause
// The service desk's verbs: rollcall code, rollcall reset-factor, rollcall forget. The code is a
// secret: written without stdio's buffers and erased.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/control.h"
#include "cli/enroll.h"
#include "cli/text.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/safeio.h"
#include "rollcall/verifier_client.h"

#define HOUR 3600

const char *cli_asked_by(void)
{
    const char *by = secure_getenv("SUDO_USER");

    return by && *by && strlen(by) <= 64 ? by : "root";
}

static int failed(const struct cli *cli, const char *user, int r)
{
    switch (r) {
    case -ENOENT:
        return cli_fail(cli, CLI_NOT_FOUND, "unknown-user",
                        "there is no managed account '%s', or its person has left", user);
    case -EACCES:
        return cli_fail(cli, CLI_PROBLEM, "switched-off",
                        "this host takes no access codes: write enrol = access-code in [mfa]");
    case -ETIMEDOUT:
    case -ECONNREFUSED:
    case -EPIPE:
        return cli_no_verifier(cli);
    case -EAGAIN:
        return cli_fail(cli, CLI_PROBLEM, "not-now",
                        "the verifier cannot now; journalctl -t rollcall-verifier says why");
    default:
        return cli_fail(cli, CLI_PROBLEM, "internal", "%s", strerror(-r));
    }
}

static bool known_form(const char *user)
{
    return rollcall_name_check(user, strlen(user)) == ROLLCALL_NAME_OK; // keeps the JSON whole
}

static int print_code(const struct cli *cli, const char *user, const char *code, int64_t until)
{
    char text[512], when[64];
    int n, r;

    cli_when(until, cli->now, when, sizeof(when));
    if (cli->args.json)
        n = snprintf(text, sizeof(text), "{\"user\": \"%s\", \"code\": \"%s\", \"until\": %lld}\n",
                     user, code, (long long)until);
    else
        n = snprintf(
            text, sizeof(text),
            "%s\n\nGood once, until %s, on this host. Make sure that it is %s you talk to; "
            "it is typed where the login asks for a code.\n",
            code, when, user);
    r = rollcall_write_all(STDOUT_FILENO, text, (size_t)n);
    explicit_bzero(text, sizeof(text));
    return r;
}

int cli_code(struct cli *cli)
{
    const char *user = cli->args.words[0];
    char code[ROLLCALL_ACCESS_CODE_MAX];
    uint64_t seconds = HOUR;
    int64_t until = 0;
    int r;

    if (!known_form(user))
        return failed(cli, user, -ENOENT);
    if (cli->args.for_ && rollcall_parse_duration(cli->args.for_, 60, 30 * 86400, &seconds) < 0)
        return cli_complain(cli, CLI_USAGE, "--for %s: between 1m and 30d, such as 15m, 1h, 2d",
                            cli->args.for_);
    r = rollcall_verifier_access_code(user, (int64_t)seconds, cli_asked_by(), code, sizeof(code),
                                      &until);
    if (r < 0)
        return failed(cli, user, r);
    r = print_code(cli, user, code, until);
    explicit_bzero(code, sizeof(code));
    if (r < 0)
        return cli_complain(cli, CLI_PROBLEM, "the code could not be written (%s): ask for another",
                            strerror(-r));
    return CLI_OK;
}

static int forget_key(const struct cli *cli, const char *user, const char *label)
{
    _cleanup_json_ json_t *o = NULL;
    int r = rollcall_verifier_forget_key(user, label, cli_asked_by());

    if (r == -EACCES)
        return cli_fail(cli, CLI_NOT_FOUND, "unknown-key",
                        "%s has no key \"%s\"; rollcall user %s --why lists them", user, label,
                        user);
    if (r < 0)
        return failed(cli, user, r);
    o = json_pack("{s:b, s:s, s:s}", "ok", 1, "user", user, "label", label);
    if (cli->args.json)
        cli_print_json(o);
    else
        printf("The key is not %s's any more; other factors stand.\n", user);
    return CLI_OK;
}

int cli_reset_factor(struct cli *cli)
{
    const char *user = cli->args.words[0];
    int r;

    if (!known_form(user))
        return failed(cli, user, -ENOENT);
    if (cli->args.label)
        return forget_key(cli, user, cli->args.label);
    r = rollcall_verifier_reset(user, cli_asked_by());
    if (r < 0)
        return failed(cli, user, r);
    if (cli->args.json)
        printf("{\"ok\": true, \"user\": \"%s\"}\n", user);
    else
        printf("%s has no second factor any more: codes, security keys and sudo's tickets are "
               "gone.\nNext: rollcall code %s, or rollcall enroll totp %s\n",
               user, user, user);
    return CLI_OK;
}

int cli_forget(struct cli *cli)
{
    const char *user = cli->args.words[0];
    int r;

    if (!known_form(user))
        return failed(cli, user, -ENOENT);
    r = rollcall_verifier_forget(user, cli_asked_by());
    if (r < 0)
        return failed(cli, user, r);
    if (cli->args.json)
        printf("{\"ok\": true, \"user\": \"%s\"}\n", user);
    else
        printf("%s has no password on this host any more and is asked again everywhere; the second "
               "factor stays.\nA new password: rollcall code %s\n",
               user, user);
    return CLI_OK;
}

int cli_vouch(struct cli *cli)
{
    _cleanup_json_ json_t *o = NULL;
    const char *user = cli->args.words[0], *fingerprint = cli->args.words[1];
    char why[256];
    int r;

    if (!known_form(user))
        return failed(cli, user, -ENOENT);
    if (strncmp(fingerprint, "SHA256:", 7) != 0 || strlen(fingerprint) != 50)
        return cli_complain(cli, CLI_USAGE,
                            "%s is no fingerprint: ssh-keygen -lf KEY shows it, SHA256:...",
                            fingerprint);
    r = rollcall_verifier_vouch(user, fingerprint, cli->args.withdraw, cli_asked_by(), why,
                                sizeof(why));
    if (r == -EACCES && *why)
        return cli_fail(cli, CLI_PROBLEM, "refused", "%s: %s", user, why);
    if (r < 0)
        return failed(cli, user, r);
    o = json_pack("{s:b, s:s, s:s}", "ok", 1, "user", user, "fingerprint", fingerprint);
    if (cli->args.json)
        cli_print_json(o);
    else
        printf(cli->args.withdraw ? "The key is one factor of %s's again, as any other key.\n"
                                  : "The key is a second factor of %s's on this host.\n",
               user);
    return CLI_OK;
}
