// SPDX-License-Identifier: BSD-2-Clause
// DNs as names that can be compared byte for byte: one form for an entry's own DN and for
// a group's word on its members. Pure.
#ifndef ROLLCALL_SOURCES_LDAP_DN_H
#define ROLLCALL_SOURCES_LDAP_DN_H

#include <lber.h>
#include <stdbool.h>

// Lower case, spaces within values collapsed and around them gone, values of one RDN in order,
// escaped as RFC 4514 says. A new string that the caller frees with ldap_memfree, or NULL where it
// is no DN.
char *dir_dn(const struct berval *dn);
// Both normalised: whether the first is the second or below it.
bool dir_dn_below(const char *dn, const char *base);

#endif
