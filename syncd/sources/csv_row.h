// SPDX-License-Identifier: BSD-2-Clause
// From the cells of one row to a user. Pure but for the time zone in use.
#ifndef ROLLCALL_SOURCES_CSV_ROW_H
#define ROLLCALL_SOURCES_CSV_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum csv_column {
    CSV_EMPLOYEE_NUMBER,
    CSV_USER_NAME,
    CSV_DISPLAY_NAME,
    CSV_EMAIL,
    CSV_DEPARTMENT,
    CSV_MANAGER,
    CSV_WORKER_TYPE,
    CSV_STATUS,
    CSV_START_DATE,
    CSV_END_DATE,
    CSV_TERMINATED_AT,
    CSV_UID_NUMBER,
    CSV_GID_NUMBER,
    CSV_LOGIN_SHELL,
    CSV_HOME_DIRECTORY,
    CSV_GROUPS,
    CSV_SSH_PUBLIC_KEYS,
    CSV_COLUMNS,
};
extern const char *const csv_column_names[CSV_COLUMNS];

#define CSV_CELLS_MAX 128
#define CSV_CELL_MAX  16384 // bytes of a cell, or of an entry of a list

struct csv_header {
    int at[CSV_COLUMNS]; // position of a column in the row, or -1
    size_t n_cells;      // cells a row must have
};

struct csv_row_fault {
    int column;      // 1 for the first, 0 for the row as a whole
    char text[300];  // what is wrong and what would be right
    bool terminated; // number and status can be read, and say terminated (rule 3)
    bool has_number;
};

// Column names in any order; unknown ones are ignored. -EBADMSG with a sentence.
int csv_header_take(const char *const *cells, size_t n, struct csv_header *ret, char *why,
                    size_t why_len);
// `n` counts all cells of the row; the first CSV_CELLS_MAX are in `cells`.
// 0 with *ret (a SCIM User), or -EBADMSG with *fault. `warning` holds a sentence, or "",
// about a cell that was taken but should be written otherwise.
int csv_row_take(const struct csv_header *header, const char *const *cells, size_t n, json_t **ret,
                 struct csv_row_fault *fault, char *warning, size_t warning_len);

#endif
