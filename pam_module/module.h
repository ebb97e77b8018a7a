// SPDX-License-Identifier: BSD-2-Clause
// pam_rollcall.so's own parts.
#ifndef ROLLCALL_PAM_MODULE_H
#define ROLLCALL_PAM_MODULE_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdint.h>

#include "rollcall/admission.h"

// What every call has to know of the board. One that cannot be read says enforce, and our
// default range.
struct board_says {
    bool observe; // mode = observe
    uint32_t id_min, id_max;
};
// Whose name is it? docs/architecture.md. What was opened stays in `look`, for the call's own. A
// name that nobody knows is ours. `shown`: it was ours when it showed a factor to this handle, and
// nobody is asked again. The board is not looked at for a local name, and *ret not set.
enum whose { WHOSE_LOCAL, WHOSE_OTHER, WHOSE_OURS };
enum whose whose_name(const char *name, bool shown, struct rollcall_look *look,
                      struct board_says *ret);

// What the services of the table want to know of this call.
struct pam_call {
    pam_handle_t *pamh;
    const char *user, *service, *rhost, *tty, *ruser;
    bool silent;
    struct board_says board;
    struct rollcall_look look;
};
void pam_call_end(struct pam_call *call);
#define _cleanup_call_ __attribute__((cleanup(pam_call_end)))
// The application's words, whosever name it is. PAM_SUCCESS, or what to return at once.
int pam_call_take(pam_handle_t *pamh, int flags, struct pam_call *ret);
// The same; PAM_IGNORE for a name that is not ours.
int pam_call_start(pam_handle_t *pamh, int flags, struct pam_call *ret);

// The verifier's conversation, relayed. PAM_SUCCESS only for its yes.
int relay_login(const struct pam_call *call);
// Is there a ticket for this session? PAM_SUCCESS only for its yes.
int relay_ticket(const struct pam_call *call);
// The same conversation with rollcall-breakglass, which is started for it.
int relay_breakglass(const struct pam_call *call);
// The person changes a password that a directory has.
int relay_passwd(const struct pam_call *call);

// A second factor was shown in this handle, by this user.
// What is in `look` (may be NULL) is handed on to the next phase.
int evidence_keep(const struct pam_call *call, struct rollcall_look *look);
bool evidence_stands(const struct pam_call *call);
// Services that run for somebody who is not there: lifecycle and policy only.
bool asks_no_factor(const struct pam_call *call);

// ---- breakglass.c: the line with that argument ----
bool breakglass_meant(int argc, const char **argv);
int breakglass_authenticate(const struct pam_call *call);
int breakglass_setcred(const struct pam_call *call);
int breakglass_account(const struct pam_call *call);

#endif
