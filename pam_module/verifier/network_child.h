// SPDX-License-Identifier: BSD-2-Clause
// The way to rollcall-password-ldap: a holder that is forked before root is given up, and
// starts one for each question. docs/doors/network-child.md
#ifndef ROLLCALL_VERIFIER_NETWORK_CHILD_H
#define ROLLCALL_VERIFIER_NETWORK_CHILD_H

#include <sys/types.h>

#include "rollcall/password_check.h"

struct verifier;
struct network_child {
    int fd; // -1: none
    pid_t pid;
};

// As root: v->network, where the configuration lets a directory judge passwords. A child of a
// parent that left the network is sent back to it.
void network_child_hold(struct verifier *v);
// Telling `peer` every two seconds that it takes a while. 0; -EPIPE (the peer is gone),
// -ETIMEDOUT (it hangs: nothing is asked any more), other negative errnos (it cannot be
// asked).
int network_child_ask(struct network_child *c, const struct rollcall_check_request *q, int peer,
                      struct rollcall_check_answer *ret);
void network_child_end(struct network_child *c);

#endif
