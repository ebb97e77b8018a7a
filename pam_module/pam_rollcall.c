// SPDX-License-Identifier: BSD-2-Clause
// pam_rollcall.so: decides nothing but this: whose name it is, what the mapped files say
// of it, and whether the verifier said yes. No error of ours ends in success or ignore
// for an account of ours; a local account never gets further than its first line.
#include <errno.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "pam_module/module.h"
#include "rollcall/audit.h"
#include "rollcall/paths.h"

#define EVIDENCE      "rollcall-evidence"
#define MODULE_EXPORT __attribute__((visibility("default")))

static const char *item(pam_handle_t *pamh, int which)
{
    const void *value = NULL;

    return pam_get_item(pamh, which, &value) == PAM_SUCCESS ? value : NULL;
}

// ---- evidence ----

// The handle's own user is the evidence: PAM_USER may be changed by an application between two
// phases, and then it stands for nobody. With it what the phase had open goes to the next one,
// which asks whether that is still what stands there.
struct evidence {
    struct rollcall_look look;
    char user[];
};

static void forget(pam_handle_t *pamh, void *data, int status)
{
    struct evidence *e = data;

    (void)pamh;
    (void)status;
    rollcall_look_end(&e->look);
    free(e);
}

int evidence_keep(const struct pam_call *call, struct rollcall_look *look)
{
    size_t n = strlen(call->user) + 1;
    struct evidence *e = malloc(sizeof(*e) + n);
    int r;

    if (!e)
        return PAM_BUF_ERR;
    e->look = (struct rollcall_look){0};
    memcpy(e->user, call->user, n);
    r = pam_set_data(call->pamh, EVIDENCE, e, forget);
    if (r != PAM_SUCCESS) {
        free(e);
        return r;
    }
    if (look) {
        e->look = *look;
        *look = (struct rollcall_look){0};
    }
    return PAM_SUCCESS;
}

static struct evidence *evidence_of(const struct pam_call *call)
{
    const void *data = NULL;
    struct evidence *e;

    if (pam_get_data(call->pamh, EVIDENCE, &data) != PAM_SUCCESS || !data)
        return NULL;
    e = (struct evidence *)(uintptr_t)data; // ours; libpam only keeps it
    return strcmp(e->user, call->user) == 0 ? e : NULL;
}

bool evidence_stands(const struct pam_call *call)
{
    return evidence_of(call) != NULL;
}

// ---- a call ----

int pam_call_take(pam_handle_t *pamh, int flags, struct pam_call *ret)
{
    struct pam_call c = {.pamh = pamh, .silent = flags & PAM_SILENT};
    int r = pam_get_user(pamh, &c.user, NULL);

    if (r != PAM_SUCCESS)
        return r == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_AUTH_ERR;
    if (!c.user || !*c.user || strlen(c.user) > 255)
        return PAM_AUTH_ERR;
    c.service = item(pamh, PAM_SERVICE);
    c.rhost = item(pamh, PAM_RHOST);
    c.tty = item(pamh, PAM_TTY);
    c.ruser = item(pamh, PAM_RUSER);
    c.service = c.service ? c.service : "unknown";
    *ret = c;
    return PAM_SUCCESS;
}

int pam_call_start(pam_handle_t *pamh, int flags, struct pam_call *ret)
{
    struct pam_call c;
    struct evidence *shown;
    int r = pam_call_take(pamh, flags, &c);

    if (r != PAM_SUCCESS)
        return r;
    shown = evidence_of(&c);
    if (shown) {
        c.look = shown->look;
        shown->look = (struct rollcall_look){0};
    }
    if (whose_name(c.user, shown != NULL, &c.look, &c.board) != WHOSE_OURS) {
        pam_call_end(&c);
        return PAM_IGNORE;
    }
    *ret = c;
    return PAM_SUCCESS;
}

void pam_call_end(struct pam_call *call)
{
    rollcall_look_end(&call->look);
}

// For the line of break-glass: no error of it is anybody's.
static int breakglass(pam_handle_t *pamh, int flags, int (*phase)(const struct pam_call *call))
{
    struct pam_call call;

    return pam_call_take(pamh, flags, &call) == PAM_SUCCESS ? phase(&call) : PAM_IGNORE;
}

static void look_up(struct pam_call *call, struct rollcall_admission *ret)
{
    rollcall_admission_look_again(&call->look, ROLLCALL_BOARD, ROLLCALL_PRIVATE, call->user, 0,
                                  time(NULL), ret, NULL, NULL, 0);
}

static void report(const struct pam_call *call, const char *event, const char *cause)
{
    pam_syslog(call->pamh, LOG_NOTICE, "%s user=%.64s service=%.32s cause=%s", event, call->user,
               call->service, cause);
    rollcall_audit(ROLLCALL_AUDIT_SOCK, event, "user", call->user, "service", call->service,
                   "rhost", call->rhost, "tty", call->tty, "cause", cause, NULL);
}

// ---- auth ----

MODULE_EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct rollcall_admission a;
    _cleanup_call_ struct pam_call call = {0};
    int r;

    if (breakglass_meant(argc, argv))
        return breakglass(pamh, flags, breakglass_authenticate);
    r = pam_call_start(pamh, flags, &call);
    if (r != PAM_SUCCESS)
        return r;
    if (call.board.observe)
        return PAM_IGNORE; // asks nothing; account evaluates and logs
    r = relay_login(&call);
    if (r != PAM_SUCCESS)
        return r;
    // The verifier looked too; somebody may have been locked while they typed. A screen
    // locker runs as its user and cannot read the dates: there the verifier's look counts.
    if (geteuid() == 0) {
        look_up(&call, &a);
        if (a.cause != ROLLCALL_ADMIT) {
            report(&call, "login-refused", rollcall_admission_cause_name(a.cause));
            return PAM_AUTH_ERR;
        }
    }
    return evidence_keep(&call, &call.look) == PAM_SUCCESS ? PAM_SUCCESS : PAM_AUTH_ERR;
}

MODULE_EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    _cleanup_call_ struct pam_call call = {0};
    int r;

    if (breakglass_meant(argc, argv))
        return breakglass(pamh, flags, breakglass_setcred);
    r = pam_call_start(pamh, flags, &call);
    // There is nothing to establish; a name that is not ours is not ours here either.
    return r == PAM_IGNORE ? PAM_IGNORE : PAM_SUCCESS;
}

// ---- account ----

bool asks_no_factor(const struct pam_call *call)
{
    static const char *const names[] = {"cron", "crond", "atd", "systemd-user"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(call->service, names[i]) == 0)
            return true;
    return getuid() == 0 &&
           (strcmp(call->service, "su") == 0 || strcmp(call->service, "su-l") == 0);
}

static bool has_evidence(const struct pam_call *call)
{
    if (evidence_stands(call))
        return true;
    if (strcmp(call->service, "sudo") == 0 || strcmp(call->service, "sudo-i") == 0)
        return relay_ticket(call) == PAM_SUCCESS;
    return false;
}

MODULE_EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct rollcall_admission a;
    _cleanup_call_ struct pam_call call = {0};
    const char *cause;
    int r;

    if (breakglass_meant(argc, argv))
        return breakglass(pamh, flags, breakglass_account);
    r = pam_call_start(pamh, flags, &call);
    if (r != PAM_SUCCESS)
        return r;
    if (geteuid() != 0 && evidence_stands(&call))
        return PAM_SUCCESS; // a screen locker; the verifier judged
    look_up(&call, &a);
    cause = a.cause != ROLLCALL_ADMIT ? rollcall_admission_cause_name(a.cause) : NULL;
    // Where observe asked nothing, nobody can have shown a factor.
    if (!cause && !call.board.observe && !asks_no_factor(&call) && !has_evidence(&call))
        cause = "no-factor";
    if (!cause)
        return PAM_SUCCESS;
    if (call.board.observe) {
        report(&call, "would-refuse", cause);
        return PAM_SUCCESS;
    }
    report(&call, "account-refused", cause);
    return PAM_PERM_DENIED;
}

// ---- session ----

MODULE_EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct rollcall_admission a;
    _cleanup_call_ struct pam_call call = {0};
    int r;

    if (breakglass_meant(argc, argv))
        return PAM_IGNORE;
    r = pam_call_start(pamh, flags, &call);
    if (r != PAM_SUCCESS)
        return r;
    look_up(&call, &a);
    if (a.cause == ROLLCALL_ADMIT)
        return PAM_SUCCESS;
    report(&call, call.board.observe ? "would-refuse" : "session-refused",
           rollcall_admission_cause_name(a.cause));
    return call.board.observe ? PAM_SUCCESS : PAM_SESSION_ERR;
}

MODULE_EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    _cleanup_call_ struct pam_call call = {0};
    int r;

    if (breakglass_meant(argc, argv))
        return PAM_IGNORE;
    r = pam_call_start(pamh, flags, &call);
    return r == PAM_IGNORE ? PAM_IGNORE : PAM_SUCCESS; // a session that ends is never held up
}

// ---- password ----

MODULE_EXPORT int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    _cleanup_call_ struct pam_call call = {0};
    int r;

    if (breakglass_meant(argc, argv))
        return PAM_IGNORE;
    r = pam_call_start(pamh, flags, &call);
    if (r != PAM_SUCCESS)
        return r;
    // None of ours is ever said to have expired, so it is passwd alone that changes one. Whether
    // there is one to change is the verifier's word; its reason for a no is shown.
    if (strcmp(call.service, "passwd") != 0)
        return PAM_AUTHTOK_ERR;
    if (flags & PAM_PRELIM_CHECK)
        return PAM_SUCCESS;
    return relay_passwd(&call) == PAM_SUCCESS ? PAM_SUCCESS : PAM_AUTHTOK_ERR;
}
