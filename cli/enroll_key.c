// SPDX-License-Identifier: BSD-2-Clause
// rollcall enroll fido2: the key that is plugged in becomes one of somebody's.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/enroll.h"
#include "cli/silent.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/verifier_client.h"

static void show(const char *text)
{
    _cleanup_free_ char *safe = cli_escape(text);

    fprintf(stderr, "%s\n", safe ? safe : "");
}

static int print(const struct cli *cli, const char *user, const struct rollcall_key_facts *k)
{
    _cleanup_json_ json_t *o = NULL;

    if (cli->args.json) {
        o = json_pack("{s:s, s:s, s:b, s:b}", "user", user, "label", k->label, "verifies_user",
                      k->verifies_user, "attested", k->attested);
        cli_print_json(o);
        return CLI_OK;
    }
    printf("%s has the security key \"%s\" now%s.\n", user, k->label,
           k->attested ? ", and its maker vouches for it" : "");
    if (!k->verifies_user)
        printf("It has no PIN: whoever holds it can use it, so it is one factor and no more.\n");
    return CLI_OK;
}

int cli_enroll_key(struct cli *cli)
{
    const char *user = cli->args.words[1];
    struct rollcall_key_wish wish = {.label = cli->args.label,
                                     .pin = cli->args.pin,
                                     .attested = cli->args.attested,
                                     .by = cli_asked_by(),
                                     .ask = cli_ask_silently,
                                     .show = show};
    struct rollcall_key_facts key = {0};
    char why[256];
    int r;

    if (wish.label && (!*wish.label || strlen(wish.label) >= ROLLCALL_KEY_LABEL_MAX))
        return cli_complain(cli, CLI_USAGE, "--label: between 1 and %d characters",
                            ROLLCALL_KEY_LABEL_MAX - 1);
    r = rollcall_verifier_enroll_key(user, &wish, &key, why, sizeof(why));
    if (r == -EACCES && *why)
        return cli_fail(cli, CLI_PROBLEM, "refused", "%s was not enrolled: %s", user, why);
    if (r < 0)
        return cli_enroll_refused(cli, user, r);
    return print(cli, user, &key);
}
