// SPDX-License-Identifier: BSD-2-Clause
// A password that a directory judges: when it is asked, with which name, how often, and what
// its answer is worth.
#ifndef ROLLCALL_VERIFIER_DIRECTORY_H
#define ROLLCALL_VERIFIER_DIRECTORY_H

#include "pam_module/verifier/throttle.h"
#include "rollcall/config.h"
#include "rollcall/password_check.h"

// ---- directory_place.c: pure ----
// The source of type ldap that `id` ("source:...") came from; else the one whose base holds
// `dn`, the longest of them; the first of type ldap for "". NULL: none.
const struct rollcall_source_config *directory_of(const struct rollcall_config *config,
                                                  const char *id, const char *dn);
// Fills uris, ca, active_directory. 0, -EMSGSIZE, -ENOENT (no URI over a network).
int directory_address(const struct rollcall_source_config *s, struct rollcall_check_request *ret);

// What one answer means, the cached verifier aside. What only hints that a password was right
// refuses, and is no yes.
bool directory_admits(enum rollcall_check_status status);

// ---- how many wrong passwords a directory hears from this host, about one account ----
// Of all, one is kept for sessions of the person's own: strangers never use the last one up.
struct bind_budget {
    uint32_t limit;
    int64_t window; // seconds
};
// Takes one, if one is left; the caller writes it down before it asks.
bool budget_take(struct credential *c, enum side side, const struct bind_budget *b, int64_t now);
// After the answer: what was right counts nothing any more, what was not heard neither.
void budget_settle(struct credential *c, enum side side, enum rollcall_check_status status);

#endif
