// SPDX-License-Identifier: BSD-2-Clause
// Asking a directory: at the first of its servers that answers.
#ifndef ROLLCALL_PASSWORD_LDAP_DIRECTORY_H
#define ROLLCALL_PASSWORD_LDAP_DIRECTORY_H

#include "rollcall/password_check.h"

// Always an answer, within the request's seconds and a second more.
void directory_ask(const struct rollcall_check_request *q, struct rollcall_check_answer *ret);
// Gives everything up but what a TLS connection needs, and these files for reading.
int confine(char *const files[], int n);

#endif
