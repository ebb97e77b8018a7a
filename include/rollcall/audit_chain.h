// SPDX-License-Identifier: BSD-2-Clause
// The chain of the audit log (docs/doors/audit.md): each line's SHA-256 over the value
// before and its own bytes. The enforcer makes it, `rollcall audit verify` checks it.
#ifndef ROLLCALL_AUDIT_CHAIN_H
#define ROLLCALL_AUDIT_CHAIN_H

#include <stddef.h>

#define ROLLCALL_CHAIN_HEX 64

// `text` is the line up to, not including, its ",\"chain\":". 0 or -EIO.
int rollcall_audit_chain(const char before[ROLLCALL_CHAIN_HEX + 1], const char *text, size_t len,
                         char ret[ROLLCALL_CHAIN_HEX + 1]);
// Takes a whole line (no newline) apart: the length of that text, and the value. -EBADMSG.
int rollcall_audit_split(const char *text, size_t len, size_t *ret_len,
                         char ret[ROLLCALL_CHAIN_HEX + 1]);

#endif
