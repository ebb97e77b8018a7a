// SPDX-License-Identifier: BSD-2-Clause
// Reading the audit log: its files, its lines, its chain (docs/doors/audit.md).
#ifndef CLI_AUDIT_LOG_H
#define CLI_AUDIT_LOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_AUDIT_FILES 1000  // PATH, PATH.1 ... are looked for up to here
#define CLI_AUDIT_LINE  65536 // longer lines are no records

// Calls `line` for each line of every file that is kept, oldest first, without its newline;
// `number` counts from 1 in each file, `whole` is false for a last line that has no newline or
// one that is too long. Stops when it returns non-zero and returns that; negative errno when a
// file cannot be read, -ENOENT where there is none.
int cli_audit_all(const char *path,
                  int (*line)(void *ctx, const char *text, size_t len, unsigned long number,
                              int whole),
                  void *ctx);

// A reference as people type it ("r-7f3k9o") to what the log holds ("R-7F3K90"):
// upper case, O to 0, I and L to 1. 0 or -EINVAL.
int cli_reference_read(const char *text, char ret[9]);

struct cli_audit_report {
    uint64_t records, files;
    int64_t first_seq, last_seq;
    char bad_file[512]; // empty: the chain holds
    unsigned long bad_line;
    const char *bad_why;
};
// Verifies every file that is kept. 0 (see bad_file) or negative errno of a file that
// cannot be read, whose path is then in bad_file.
int cli_audit_verify(const char *path, struct cli_audit_report *ret);

// The record of a reference, newest file first. 0 and a new reference, or -ENOENT, or the
// errno of a file that cannot be read.
int cli_audit_find(const char *path, const char *reference, json_t **ret);

#endif
