// SPDX-License-Identifier: BSD-2-Clause
// rollcall enroll: a second factor. The secret is in the link and in the picture of it;
// both are written without stdio's buffers and erased.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/enroll.h"
#include "rollcall/qr.h"
#include "rollcall/account.h"
#include "rollcall/cache.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"
#include "rollcall/verifier_client.h"

struct link {
    char uri[ROLLCALL_ENROLL_URI_MAX];
};

static void erase_link(struct link *link)
{
    explicit_bzero(link, sizeof(*link));
}

int cli_no_verifier(const struct cli *cli)
{
    return cli_fail(cli, CLI_NOT_RUNNING, "not-running",
                    "rollcall-verifier does not answer and could not be started: journalctl -t "
                    "rollcall-verifier");
}

int cli_enroll_refused(const struct cli *cli, const char *user, int r)
{
    switch (r) {
    case -ENOENT:
        return cli_fail(cli, CLI_NOT_FOUND, "unknown-user", "there is no managed account '%s'",
                        user);
    case -EEXIST:
        return cli_fail(cli, CLI_PROBLEM, "enrolled",
                        "%s has a code already; --replace makes the old one worthless", user);
    case -EACCES:
    case -EPERM:
        return cli_fail(cli, CLI_PROBLEM, "refused",
                        "%s cannot be enrolled: rollcall user %s --why says why", user, user);
    case -ETIMEDOUT:
    case -ECONNREFUSED:
    case -EPIPE:
        return cli_no_verifier(cli);
    case -EAGAIN:
        return cli_fail(
            cli, CLI_PROBLEM, "not-now",
            "%s was not enrolled: the verifier cannot now; journalctl -t rollcall-verifier "
            "says why",
            user);
    default:
        return cli_fail(cli, CLI_PROBLEM, "internal", "%s was not enrolled: %s", user,
                        strerror(-r));
    }
}

// What is printed goes into JSON and onto a terminal as it is.
static bool clean_uri(const char *uri)
{
    if (strncmp(uri, "otpauth://", 10) != 0)
        return false;
    for (const char *p = uri; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
            return false;
    return true;
}

static int print_json(const char *user, const char *uri)
{
    char text[ROLLCALL_ENROLL_URI_MAX + 128];
    int n = snprintf(text, sizeof(text), "{\"user\": \"%s\", \"uri\": \"%s\"}\n", user, uri);
    int r = rollcall_write_all(STDOUT_FILENO, text, (size_t)n);

    explicit_bzero(text, sizeof(text));
    return r;
}

static int print_picture(const struct cli *cli, const char *user, const char *uri)
{
    _cleanup_(rollcall_qr_erase) struct rollcall_qr qr = {0};
    char head[256];
    int r = rollcall_qr_draw(uri, cli->colour, &qr);

    if (r < 0)
        cli_warn(cli, "the QR code could not be drawn: %s", strerror(-r));
    snprintf(head, sizeof(head), "A code for %s. Show it to nobody else; it is shown only now.\n\n",
             user);
    r = rollcall_write_all(STDOUT_FILENO, head, strlen(head));
    if (r == 0 && qr.text)
        r = rollcall_write_all(STDOUT_FILENO, qr.text, qr.len);
    if (r == 0)
        r = rollcall_write_all(STDOUT_FILENO, "\n", 1);
    if (r == 0)
        r = rollcall_write_all(STDOUT_FILENO, uri, strlen(uri));
    return r == 0 ? rollcall_write_all(STDOUT_FILENO, "\n", 1) : r;
}

int cli_enroll(struct cli *cli)
{
    __attribute__((cleanup(erase_link))) struct link link = {{0}};
    const char *user = cli->args.words[1];
    bool key = strcmp(cli->args.words[0], "fido2") == 0;
    int r;

    if (!key && strcmp(cli->args.words[0], "totp") != 0)
        return cli_complain(cli, CLI_USAGE,
                            "there is no factor '%s' to enroll; there are: totp, fido2",
                            cli->args.words[0]);
    if (key ? cli->args.replace : cli->args.label || cli->args.pin || cli->args.attested)
        return cli_complain(cli, CLI_USAGE,
                            key ? "--replace belongs to totp; a second key takes nothing away"
                                : "--label, --pin and --attested belong to fido2");
    if (rollcall_name_check(user, strlen(user)) != ROLLCALL_NAME_OK) // also keeps the JSON whole
        return cli_fail(cli, CLI_NOT_FOUND, "unknown-user", "there is no managed account '%s'",
                        user);
    if (key)
        return cli_enroll_key(cli);
    r = rollcall_verifier_enroll_totp(user, cli->args.replace, link.uri, sizeof(link.uri));
    if (r < 0)
        return cli_enroll_refused(cli, user, r);
    if (!clean_uri(link.uri))
        return cli_fail(cli, CLI_PROBLEM, "protocol", "rollcall-verifier gave no otpauth link");
    r = cli->args.json ? print_json(user, link.uri) : print_picture(cli, user, link.uri);
    if (r < 0)
        return cli_complain(cli, CLI_PROBLEM,
                            "the link could not be written (%s): enroll again with --replace",
                            strerror(-r));
    return CLI_OK;
}
