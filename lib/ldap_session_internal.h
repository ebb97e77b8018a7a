// SPDX-License-Identifier: BSD-2-Clause
// What the files of lib/ldap_*.c share.
#ifndef ROLLCALL_LDAP_SESSION_INTERNAL_H
#define ROLLCALL_LDAP_SESSION_INTERNAL_H

#include <stdint.h>

#include "rollcall/ldap_session.h"

struct rollcall_ldap {
    LDAP *ld;
    struct ldap_conncb on_connect;
    char uri[512];
    size_t which;
    unsigned timeout;
    bool connected;   // TCP is there
    int64_t deadline; // of the step in work, ms of the monotonic clock; 0: each read's own
};

// A step may last the session's timeout, and `seconds` more where it waits for an answer.
void ldap_set_deadline(struct rollcall_ldap *s, unsigned seconds);
bool ldap_is_late(const struct rollcall_ldap *s); // false where there is no deadline
// Puts the layer that knows the deadline between TCP and TLS. 0, or -1.
int ldap_bound_io(struct rollcall_ldap *s, Sockbuf *sb);

#endif
