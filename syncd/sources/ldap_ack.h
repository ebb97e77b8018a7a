// SPDX-License-Identifier: BSD-2-Clause
// schema = rollcall: what the engine says came of it is written to this host's own entry. By
// a process of its own: a directory that cannot be written to must not hold up a lock that
// is to be read.
#ifndef ROLLCALL_SOURCES_LDAP_ACK_H
#define ROLLCALL_SOURCES_LDAP_ACK_H

#include "syncd/sources/ldap_settings.h"

void dir_ack_start(const struct dir_settings *set);
// What came on standard input after the request.
void dir_ack_input(const char *bytes, size_t n);
// Somebody's entry is to be looked at before `poll` is over. Once for each time.
bool dir_is_asked(void);

#endif
