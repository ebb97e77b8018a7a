// SPDX-License-Identifier: BSD-2-Clause
// Audit records: one JSON object each, sent as one datagram to audit.sock. The
// enforcer stamps sequence, time of receipt and the sender's uid and pid, and
// writes audit.jsonl alone. Sending never blocks and never fails a login: a record
// that cannot be sent goes to syslog (LOG_AUTHPRIV) instead.
#ifndef ROLLCALL_AUDIT_H
#define ROLLCALL_AUDIT_H

#include <stdarg.h>
#include <stddef.h>

#define ROLLCALL_AUDIT_MAX 8192 // bytes of a datagram

// Builds {"event":EVENT, key:value, ...} with JSON escaping into a fixed buffer and
// sends it. libc only: the PAM module uses it. Arguments are pairs of const char *,
// ended by NULL; a NULL value is left out. Never pass a secret.
void rollcall_audit(const char *socket_path, const char *event, ...) __attribute__((sentinel));
// The same without sending; length or -ENOSPC. For tests and for syslog.
int rollcall_audit_format(char *buf, size_t len, const char *event, va_list pairs);

#endif
