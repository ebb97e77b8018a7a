// SPDX-License-Identifier: BSD-2-Clause
// `pam_rollcall.so breakglass`: the line that answers for one local account. Every other name,
// root, and every error of ours is PAM_IGNORE: local people are never hurt.
#include <errno.h>
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/module.h"
#include "rollcall/audit.h"
#include "rollcall/breakglass.h"
#include "rollcall/paths.h"

bool breakglass_meant(int argc, const char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "breakglass") == 0)
            return true;
    return false;
}

// Is it the account of the file, and of /etc/passwd? A name that was taken away there may be an
// employee's by now. Nothing of it is read for root, nor by anybody but root.
static bool is_the_account(const struct pam_call *call, struct rollcall_breakglass *ret)
{
    uint32_t uid = 0;

    return geteuid() == 0 && strcmp(call->user, "root") != 0 &&
           rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, ret) == 0 &&
           strcmp(ret->account, call->user) == 0 &&
           rollcall_breakglass_local_uid(call->user, &uid) == 0 && uid == ret->uid;
}

static bool is_open(const struct rollcall_breakglass *b)
{
    struct rollcall_breakglass_clock clock;

    return rollcall_breakglass_clock(&clock) == 0 && rollcall_breakglass_is_open(b, &clock);
}

static bool is_sudo(const struct pam_call *call)
{
    return strcmp(call->service, "sudo") == 0 || strcmp(call->service, "sudo-i") == 0;
}

int breakglass_authenticate(const struct pam_call *call)
{
    struct rollcall_breakglass b;

    if (!is_the_account(call, &b))
        return PAM_IGNORE;
    // sudo by the account itself: a code was typed for the session that it runs in.
    if (is_sudo(call) && call->ruser && strcmp(call->ruser, call->user) == 0 && is_open(&b))
        return evidence_keep(call, NULL) == PAM_SUCCESS ? PAM_SUCCESS : PAM_IGNORE;
    if (!rollcall_breakglass_serves(&b, call->service))
        return PAM_IGNORE;
    if (relay_breakglass(call) != PAM_SUCCESS)
        return PAM_AUTH_ERR;
    return evidence_keep(call, NULL) == PAM_SUCCESS ? PAM_SUCCESS : PAM_AUTH_ERR;
}

int breakglass_setcred(const struct pam_call *call)
{
    struct rollcall_breakglass b;

    return is_the_account(call, &b) ? PAM_SUCCESS : PAM_IGNORE;
}

int breakglass_account(const struct pam_call *call)
{
    struct rollcall_breakglass b;
    const char *cause = NULL;

    if (!is_the_account(call, &b))
        return PAM_IGNORE;
    if (!is_open(&b))
        cause = "breakglass-closed";
    else if (!evidence_stands(call) && !is_sudo(call) && !asks_no_factor(call))
        cause = "no-factor";
    if (!cause)
        return PAM_IGNORE; // the stack's other lines decide
    pam_syslog(call->pamh, LOG_NOTICE, "account-refused user=%.64s service=%.32s cause=%s",
               call->user, call->service, cause);
    rollcall_audit(ROLLCALL_AUDIT_SOCK, "account-refused", "user", call->user, "service",
                   call->service, "rhost", call->rhost, "tty", call->tty, "cause", cause, NULL);
    return PAM_PERM_DENIED;
}
