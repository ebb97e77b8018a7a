// SPDX-License-Identifier: BSD-2-Clause
// The small layer under our own sources: the request that the engine writes on stdin,
// and the lines that a source prints. docs/source-protocol.md.
#ifndef ROLLCALL_SOURCES_EMIT_H
#define ROLLCALL_SOURCES_EMIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct source_request {
    json_t *json;     // owns the strings
    const char *name; // of the section
    const char *path;
    const char *cursor; // last committed, or NULL
    bool once, test, trace;
    uint64_t poll;
};

// Reads the request (one line, at most 256 KiB) and sets the time zone.
int source_request_read(int fd, struct source_request *ret);
void source_request_done(struct source_request *request);

// Each prints one line; a reader that went away ends the program.
// `version` or NULL; `since`: the cursor that the listing is said as a difference to, or NULL.
void emit_begin(bool full, int64_t as_of, const char *version, int64_t seen_at, const char *since);
void emit_user(json_t *user, const char *where); // takes the reference
// The same of a user whose JSON text is there already.
void emit_user_text(const char *json, size_t len, const char *where);
// A row that could not be taken; `id` where it could be read.
void emit_problem(const char *where, const char *id, bool terminated, const char *text);
void emit_warning(const char *where, const char *id, const char *text); // row taken all the same
void emit_refusal(const char *where, const char *text);                 // the whole listing
void emit_absent(const char *id);
void emit_group(json_t *group); // takes the reference
// A list of members anew; `more`: it goes on in the next one. Takes the reference.
void emit_members(const char *group, json_t *values, bool more);
// The same of a list that is text already.
void emit_members_text(const char *group, const char *list, size_t len, bool more);
// As it stood, but for these. Takes the reference.
void emit_members_changed(const char *group, bool add, json_t *ids);
void emit_members_changed_text(const char *group, bool add, const char *list, size_t len);
// `gone`, of a group (status NULL) or of an account that was deleted on purpose.
void emit_deleted(const char *id, const char *status);
void emit_as_of(int64_t as_of);
void emit_progress(uint64_t done, uint64_t total);
void emit_commit(const char *cursor, uint64_t rows);
// With a generation, that is acknowledged on standard input.
void emit_commit_of(const char *cursor, uint64_t rows, uint64_t generation);
// Whom it leaves out on purpose: `reason` is one of docs/source-protocol.md; `name` or NULL.
void emit_dropped(const char *id, const char *reason, const char *name);
// The same, and `status` is what else is seen of the account: "disabled", "locked" or "terminated",
// or NULL. A source says it whenever it sees it: what the engine was told before it need not know.
void emit_dropped_as(const char *id, const char *reason, const char *status, const char *name);
// What the identity provider says of this machine: 1, 0, or -1: not known; `id` or NULL.
void emit_device(int compliant, int managed, const char *id);
// With `test` alone. `level`: "ok", "warning", "error".
void emit_finding(const char *level, const char *what, const char *text);
void emit_flush(void);

#endif
