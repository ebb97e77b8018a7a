// SPDX-License-Identifier: BSD-2-Clause
// passwd: a person changes the password that a directory has. Who knows the present one may,
// as everywhere else where that directory is used; it is no sign-in, and ends no count of
// failures.
#include <errno.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

static int refuse(struct login *l, const char *cause, const char *text)
{
    session_audit(l, "password-not-set", cause, false);
    return say_result(l->v, ROLLCALL_RESULT_REFUSED, text, NULL);
}

static int after_change(struct login *l, int r)
{
    if (r < 0)
        return r;
    if (r == 1)
        return say_result(l->v, ROLLCALL_RESULT_YES, "Your password is changed.", NULL);
    if (l->directory.status == ROLLCALL_CHECK_NO_CHANGE)
        return refuse(l, "directory-forbids", "The directory does not let you change it now.");
    return refuse(l, "not-taken", "The password was not changed.");
}

static int change(struct login *l, const struct rollcall_secret *old)
{
    if (l->admission.cause != ROLLCALL_ADMIT)
        return refuse(l, rollcall_admission_cause_name(l->admission.cause),
                      "That was not accepted.");
    if (!directory_admits(l->directory.status)) // the cached verifier knew it
        return refuse(l, "unreachable", "The directory cannot be reached now.");
    return after_change(l, directory_change(l, old, CHANGE_ASKED));
}

static int judge(struct login *l, const struct rollcall_secret *old)
{
    const struct attempt_request request = {.person = &l->person,
                                            .side = l->side,
                                            .rhost = l->rhost,
                                            .password = old,
                                            .password_blocked =
                                                l->admission.flags & ROLLCALL_FLAG_PASSWORD_BLOCKED,
                                            .directory = &l->directory,
                                            .charged = l->bind_charged,
                                            .keep_failures = true};
    struct attempt_result got = {0};

    switch (attempt_code(l->v, &request, &got)) {
    case OUTCOME_RIGHT:
        return change(l, old);
    case OUTCOME_REFUSED:
        return refuse(l, "directory-refuses",
                      "It cannot be changed here. Contact your IT service desk.");
    case OUTCOME_THROTTLED:
        return refuse(l, "throttled", "Too many failed tries. Try again later.");
    case OUTCOME_NOT_NOW:
        return say_result(l->v, ROLLCALL_RESULT_NOT_NOW, "Not now. Try again later.", NULL);
    case OUTCOME_GONE:
        return -EPIPE;
    case OUTCOME_WRONG:
    case OUTCOME_WELCOME:
        break;
    }
    return refuse(l, "wrong-password", "That was not accepted.");
}

int session_passwd(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_login_ struct login *l = NULL;
    _cleanup_secret_ struct rollcall_secret old = {0};
    int64_t caller = 0;
    int r = login_begin(v, request, &l);

    if (r < 0)
        return r;
    if (!password_of_directory(v) || code_of_directory(v))
        return say_result(v, ROLLCALL_RESULT_REFUSED,
                          "This account has no password that could be changed on this machine.",
                          NULL);
    rollcall_packet_get_number(request, ROLLCALL_FIELD_CALLER, &caller);
    if (caller == 0) // root knows nobody's password, and sets none at a directory
        return say_result(v, ROLLCALL_RESULT_REFUSED,
                          "This password is changed by its owner, or at the directory.", NULL);
    // In a session of the person's own; anybody else is a stranger.
    l->side = l->person.uid != 0 && caller == l->person.uid ? SIDE_INSIDE : SIDE_OUTSIDE;
    r = session_ask_hidden(l, "\nPresent password: ", &old);
    if (r == 0)
        r = directory_check(l, &old);
    return r < 0 ? r : judge(l, &old);
}
