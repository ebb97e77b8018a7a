// SPDX-License-Identifier: BSD-2-Clause
// sshd's configuration: its own answer (`sshd -T`), and the lines of its files, which
// only say where something stands. What counts is the answer.
#ifndef CLI_SSHD_H
#define CLI_SSHD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SSHD_PROGRAM "/usr/sbin/sshd"
#define SSHD_CONFIG  "/etc/ssh/sshd_config"
#define SSHD_DROPIN  "/etc/ssh/sshd_config.d/10-rollcall.conf"

bool sshd_there(void);

// What sshd would do for `user` from `addr`; NULL, NULL: for a connection that no Match
// looks at. {"usepam": "yes", ...}, lower case, lines of the same word joined by a
// newline. 0 and a new reference; -EINVAL with sshd's complaint in `why`; other errno.
int sshd_ask(const char *user, const char *addr, json_t **ret, char *why, size_t len);
// Pure part of it.
json_t *sshd_parse_answer(char *text);

struct sshd_line {
    const char *file;
    unsigned number;
    const char *match;   // what the Match block asks for; "" outside of one
    const char *keyword; // as written
    const char *value;
};
// Every line that is no comment, Include'd files behind the line that asks for them, in the
// order in which sshd reads them. `line` may end it by a value other than 0, which is returned.
int sshd_lines(const char *path, int (*line)(void *ctx, const struct sshd_line *line), void *ctx);
// "/etc/ssh/sshd_config:12" of the first line of that keyword (outside of Match blocks
// unless `in_match`), or "" in `buf`.
const char *sshd_where(const char *keyword, bool in_match, char *buf, size_t len);

#endif
