// SPDX-License-Identifier: BSD-2-Clause
// rollcall-verifier-rare.so: what it holds.
#ifdef HAVE_SYSTEMD
#include <systemd/sd-login.h>
#endif

#include "pam_module/verifier/rare.h"
#include "rollcall/cleanup.h"

static bool remote_by_logind(pid_t leader)
{
#ifdef HAVE_SYSTEMD
    _cleanup_free_ char *session = NULL;

    return leader > 0 && sd_pid_get_session(leader, &session) >= 0 &&
           sd_session_is_remote(session) > 0;
#else
    (void)leader;
    return false;
#endif
}

__attribute__((visibility("default"))) const struct verifier_rare rollcall_verifier_rare = {
    .judge = fido2_judge,
    .accept = fido2_accept,
    .draw = rollcall_qr_draw,
    .remote = remote_by_logind,
};
