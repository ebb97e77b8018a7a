// SPDX-License-Identifier: BSD-2-Clause
// The resident parent: behind systemd's listening socket it keeps ready what is the same for
// every login, and forks one verifier for each connection. docs/doors/verifier.md.
#ifndef ROLLCALL_VERIFIER_RESIDENT_H
#define ROLLCALL_VERIFIER_RESIDENT_H

#include <stdbool.h>

#include "pam_module/verifier/verifier.h"

// Is descriptor 0 a socket that listens?
bool resident_wanted(void);
// Returns in a child alone, with 0: the connection is descriptor 0, nothing else of the parent's
// is open, and nothing of the peer has been read. In the parent it ends with a negative errno:
// -EINTR when it was told to end.
int resident_serve(struct verifier *v, char **argv);

#endif
