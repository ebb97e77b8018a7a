// SPDX-License-Identifier: BSD-2-Clause
// The emergency account: are there codes, is its password locked, would it be asked for one, and
// did somebody use it?
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/breakglass.h"
#include "cli/control.h"
#include "cli/doctor.h"
#include "cli/pam_stack.h"
#include "rollcall/breakglass.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

#define SEAL "rollcall breakglass seal"

static void judge_file(struct doctor *d, int r)
{
    if (r == -EBADMSG || r == -EPERM)
        doctor_find(d, DOCTOR_RISK, "breakglass-damaged", ROLLCALL_BREAKGLASS_STATE, SEAL,
                    "it is damaged or not root's alone: no sealed code opens anything");
    else if (d->config && d->config->breakglass_account)
        doctor_find(d, DOCTOR_RISK, "breakglass-not-sealed", NULL, SEAL,
                    "[breakglass] names %s, and no codes have been sealed",
                    d->config->breakglass_account);
    else
        doctor_find(d, DOCTOR_NOTE, "breakglass-none", NULL, "docs/operations.md",
                    "there is no emergency account; root's own password is the last way in");
}

static void judge_account(struct doctor *d, const struct rollcall_breakglass *b)
{
    char fix[100];
    uint32_t uid = 0;

    snprintf(fix, sizeof(fix), "usermod -L %s", b->account);
    if (rollcall_breakglass_local_uid(b->account, &uid) < 0 || uid != b->uid || uid == 0)
        doctor_find(d, DOCTOR_RISK, "breakglass-account", "/etc/passwd", SEAL,
                    "the emergency account %s is not there, or not the one that codes were sealed "
                    "for",
                    b->account);
    else if (cli_shadow_of(b->account) != CLI_SHADOW_LOCKED)
        doctor_find(d, DOCTOR_RISK, "breakglass-password", "/etc/shadow", fix,
                    "the emergency account %s has a password of its own, which opens it where "
                    "rollcall's line is not asked",
                    b->account);
    if (d->config &&
        (!d->config->breakglass_account || strcmp(d->config->breakglass_account, b->account) != 0))
        doctor_find(d, DOCTOR_RISK, "breakglass-stale", ROLLCALL_CONF, SEAL,
                    "the sealed codes are %s's, and [breakglass] names another account or none",
                    b->account);
}

static bool is_asked(const char *type)
{
    _cleanup_free_ struct pam_stack *stack = calloc(1, sizeof(*stack));

    if (!stack || pam_stack_read(pam_stack_folders, "login", type, stack) < 0)
        return false;
    for (size_t i = 0; i < stack->n; i++)
        if (pam_stack_breakglass(&stack->line[i]))
            return true;
    return false;
}

static void judge_use(struct doctor *d, const struct rollcall_breakglass *b)
{
    _cleanup_json_ json_t *alarms = json_array();
    const json_t *a;
    size_t i;

    if (rollcall_breakglass_left(b) < 3)
        doctor_find(d, DOCTOR_RISK, "breakglass-codes", NULL, SEAL,
                    "%u sealed codes are left for %s", rollcall_breakglass_left(b), b->account);
    else
        doctor_find(d, DOCTOR_NOTE, "breakglass-codes", NULL, NULL,
                    "%u sealed codes are left for %s", rollcall_breakglass_left(b), b->account);
    cli_breakglass_alarms(alarms);
    json_array_foreach(alarms, i, a)
        doctor_find(d, DOCTOR_RISK, "breakglass-used", NULL, "rollcall breakglass ack", "%s",
                    json_string_value(a));
}

void doctor_breakglass(struct doctor *d)
{
    struct rollcall_breakglass b;
    int r = rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b);

    if (r < 0) {
        judge_file(d, r);
        return;
    }
    judge_account(d, &b);
    if (!is_asked("auth") || !is_asked("account"))
        doctor_find(d, DOCTOR_RISK, "breakglass-not-asked", "/etc/pam.d/common-auth",
                    "rollcall setup",
                    "login's PAM stack has no line `pam_rollcall.so breakglass`: no code is asked "
                    "for, and nothing but its locked password keeps %s out",
                    b.account);
    judge_use(d, &b);
}
