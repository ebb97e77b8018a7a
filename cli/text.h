// SPDX-License-Identifier: BSD-2-Clause
// Text for people: escaping of what came from outside, width in columns, numbers,
// spans of time, tables. Nothing here prints but cli_table_print.
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// A copy in which nothing can steer a terminal: control characters (C0, DEL, C1),
// bytes that are no UTF-8, and the characters that turn the direction of writing become
// \n, \t or \xNN. The caller frees. NULL only when memory is out; NULL gives "".
char *cli_escape(const char *text);

// Columns on a terminal: wide characters count two, combining ones none.
size_t cli_columns(const char *text);

// "12,345"
const char *cli_count(uint64_t n, char *buf, size_t len);
// "45 s", "12 min", "3 h 20 min", "5 days"; negative counts as 0.
const char *cli_span(int64_t seconds, char *buf, size_t len);
// "2026-11-24 13:20:05 CET (12 min ago)", "... (in 3 days)"; "-" for ROLLCALL_TIME_UNSET.
const char *cli_when(int64_t t, int64_t now, char *buf, size_t len);

// What --until takes: a span from now (90s, 15m, 8h, 2d, 2w), an instant, wall time, or
// a date, which lasts to the end of its day. 0, -EINVAL (no such form), -ERANGE (past).
int cli_until(const char *text, int64_t now, int64_t *ret);

// What --since takes: a span back from now, or an instant, wall time or date (its first
// second). 0, -EINVAL, -ERANGE (to come).
int cli_since(const char *text, int64_t now, int64_t *ret);

enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GREEN, CLI_YELLOW, CLI_RED };
// The escape sequence that begins a colour; "" unless `on`. CLI_PLAIN ends one.
const char *cli_colour(bool on, enum cli_colour colour);
// Green lets in, yellow waits, red is locked out.
enum cli_colour cli_state_colour(const char *state);

#define CLI_TABLE_COLUMNS 8
struct cli_cell {
    char *text; // escaped
    enum cli_colour colour;
};
// Cells are added from left to right and row after row; the first row is the heading.
struct cli_table {
    unsigned columns;
    unsigned right; // bit N: column N stands to the right
    struct cli_cell *cells;
    size_t n, room;
    bool failed; // memory ran out; printing says so
};
void cli_table_add(struct cli_table *table, const char *text, enum cli_colour colour);
void cli_table_print(const struct cli_table *table, FILE *out, bool colour);
void cli_table_free(struct cli_table *table);

#endif
