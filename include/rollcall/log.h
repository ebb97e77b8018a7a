// SPDX-License-Identifier: BSD-2-Clause
// Log lines of daemons and commands: an event and its fields, `lock user=alice
// reason=terminated-at`. Values are escaped, so that outside text can neither break
// a line nor steer a terminal. Never a secret. Library code does not log.
#ifndef ROLLCALL_LOG_H
#define ROLLCALL_LOG_H

#include <stddef.h>
#include <syslog.h>

// Where lines go: stderr with "<N>" priority prefixes when the journal reads it,
// plain on a terminal. Call once.
void rollcall_log_open(const char *program);
// Pairs of key and value, ended by NULL; a NULL value leaves its pair out.
void rollcall_log(int priority, const char *event, ...) __attribute__((sentinel));
// Escapes for one line: quotes where needed, \xNN for control characters. Returns the
// length written, cut to fit.
size_t rollcall_log_escape(const char *text, char *buf, size_t len);

#endif
