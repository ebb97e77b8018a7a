// SPDX-License-Identifier: BSD-2-Clause
// One question to a daemon: a JSON object on a line in, JSON objects on lines out. The
// doors are docs/doors/syncd-control.md and docs/doors/enforcer.md.
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include <jansson.h>

#include "cli/command.h"

#define CLI_ANSWER_MAX (4u * 1024 * 1024)
#define CLI_WAIT_MS    10000

// Sends `request` (borrowed) and reads lines until the one that has "ok"; each line
// before it goes to `progress` (may be NULL). 0 with the last line as a new reference;
// -ENOENT (nobody listens there), -ETIMEDOUT (no line within `wait_ms`, or no room in
// the daemon's queue), -EPROTO (no such answer), -EACCES.
int cli_control_ask(const char *path, const json_t *request, int wait_ms,
                    void (*progress)(void *ctx, const json_t *line), void *ctx, json_t **ret);

// A request to syncd: {"do": verb, "by": …}. New reference, NULL when memory is out.
json_t *cli_request(const char *verb);

// Whole for a verb: asks syncd; when the answer is there and ok, returns CLI_OK and the
// answer. Otherwise has complained (and with --json printed the answer) and returns the
// exit code. `request` is stolen. An absent daemon is CLI_NOT_RUNNING without a word
// when `quiet_absence`, so that the caller can answer from the cache.
int cli_ask_syncd(const struct cli *cli, json_t *request, bool quiet_absence, json_t **ret);

// Members of an answer; what is missing or of another type is "" / the given value.
const char *cli_text_of(const json_t *object, const char *key);
int64_t cli_int_of(const json_t *object, const char *key, int64_t otherwise);
// {"ok": false}: its hint on standard error; returns the exit code of its error.
int cli_refused(const struct cli *cli, const json_t *answer);

static inline void cli_json_decrefp(json_t **value)
{
    json_decref(*value);
}
#define _cleanup_json_ __attribute__((cleanup(cli_json_decrefp)))

#endif
