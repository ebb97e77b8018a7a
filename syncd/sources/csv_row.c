// SPDX-License-Identifier: BSD-2-Clause
// From the cells of one row to a user.
#include "syncd/sources/csv_row.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS       "urn:rollcall:1.0:User"

const char *const csv_column_names[CSV_COLUMNS] = {
    "employeeNumber", "userName",   "displayName",   "email",   "department",   "manager",
    "workerType",     "status",     "startDate",     "endDate", "terminatedAt", "uidNumber",
    "gidNumber",      "loginShell", "homeDirectory", "groups",  "sshPublicKeys"};

// Why is this no header? The likeliest first: a spreadsheet that separates by something else,
// and names that are ours but for their capitals.
static void explain_header(const char *const *cells, size_t n, const char *lacks, char *why,
                           size_t why_len)
{
    const char *other = n == 1 ? strpbrk(cells[0], ";\t|") : NULL;

    for (size_t i = 0; i < n; i++)
        if (strcasecmp(cells[i], lacks) == 0) {
            snprintf(why, why_len, "the header has \"%s\"; write it \"%s\"", cells[i], lacks);
            return;
        }
    if (other)
        snprintf(why, why_len,
                 "the first line has no comma: export it with commas between the columns, and not "
                 "%s",
                 *other == ';'    ? "semicolons"
                 : *other == '\t' ? "tabs"
                                  : "bars");
    else
        snprintf(
            why, why_len,
            "there is no header, or it lacks the column \"%s\"; the first line names the columns",
            lacks);
}

int csv_header_take(const char *const *cells, size_t n, struct csv_header *ret, char *why,
                    size_t why_len)
{
    static const enum csv_column mandatory[] = {CSV_EMPLOYEE_NUMBER, CSV_USER_NAME, CSV_STATUS};
    struct csv_header h = {.n_cells = n};

    for (int c = 0; c < CSV_COLUMNS; c++)
        h.at[c] = -1;
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < CSV_COLUMNS; c++) {
            if (strcmp(cells[i], csv_column_names[c]) != 0)
                continue;
            if (h.at[c] >= 0) {
                snprintf(why, why_len, "the header names the column \"%s\" twice", cells[i]);
                return -EBADMSG;
            }
            h.at[c] = (int)i;
        }
    }
    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
        if (h.at[mandatory[i]] >= 0)
            continue;
        explain_header(cells, n, csv_column_names[mandatory[i]], why, why_len);
        return -EBADMSG;
    }
    *ret = h;
    return 0;
}

struct row {
    const struct csv_header *header;
    const char *const *cells;
    size_t n;
    struct csv_row_fault *fault;
    char *warning;
    size_t warning_len;
};

// "" where the column is missing or the row too short.
static const char *cell(const struct row *r, enum csv_column c)
{
    int at = r->header->at[c];

    return at >= 0 && (size_t)at < r->n ? r->cells[at] : "";
}

__attribute__((format(printf, 3, 4))) static int wrong(struct row *r, enum csv_column c,
                                                       const char *format, ...)
{
    va_list ap;

    r->fault->column = r->header->at[c] + 1;
    va_start(ap, format);
    vsnprintf(r->fault->text, sizeof(r->fault->text), format, ap);
    va_end(ap);
    return -EBADMSG;
}

static void put(json_t *o, const char *key, const char *value)
{
    if (*value)
        json_object_set_new(o, key, json_string(value));
}

static void put_instant(json_t *o, const char *key, int64_t t)
{
    char text[ROLLCALL_TIME_TEXT];

    json_object_set_new(o, key, json_string(rollcall_time_format(t, -1, text, sizeof(text))));
}

// What the source protocol would not carry is one bad row, not a broken source.
static int check_sizes(struct row *r)
{
    for (int c = 0; c < CSV_COLUMNS; c++) {
        bool list = c == CSV_GROUPS || c == CSV_SSH_PUBLIC_KEYS;
        const char *s = cell(r, (enum csv_column)c);
        size_t entries = 1;
        if (!list && strlen(s) > CSV_CELL_MAX)
            return wrong(r, (enum csv_column)c, "%s is longer than %d bytes", csv_column_names[c],
                         CSV_CELL_MAX);
        for (; list && *s; s += strcspn(s, ";"), s += *s == ';', entries++)
            if (strcspn(s, ";") > CSV_CELL_MAX || entries > ROLLCALL_SOURCE_LISTS_MAX)
                return wrong(r, (enum csv_column)c,
                             "%s has more than %d entries, or one longer than %d bytes",
                             csv_column_names[c], ROLLCALL_SOURCE_LISTS_MAX, CSV_CELL_MAX);
    }
    return 0;
}

static int take_status(struct row *r, json_t *ours)
{
    const char *s = cell(r, CSV_STATUS);

    if (strcmp(s, "active") != 0 && strcmp(s, "leave") != 0 && strcmp(s, "terminated") != 0)
        return wrong(r, CSV_STATUS, "status must be active, leave or terminated; it is \"%.60s\"",
                     s);
    put(ours, "status", s);
    return 0;
}

// startDate and endDate are dates; an instant is taken at its word.
static int take_date(struct row *r, enum csv_column c, bool end, int64_t *ret)
{
    enum rollcall_time_kind kind;
    const char *s = cell(r, c);

    *ret = ROLLCALL_TIME_UNSET;
    if (!*s)
        return 0;
    if (rollcall_time_parse(s, &kind, ret) < 0)
        return wrong(r, c, "%s must be a date such as 2026-11-30; it is \"%.60s\"",
                     csv_column_names[c], s);
    if (kind == ROLLCALL_TIME_DATE && end)
        return rollcall_date_end(s, ret);
    return 0;
}

static int take_terminated_at(struct row *r, int64_t *ret)
{
    enum rollcall_time_kind kind;
    const char *s = cell(r, CSV_TERMINATED_AT);

    *ret = ROLLCALL_TIME_UNSET;
    if (!*s)
        return 0;
    if (rollcall_time_parse(s, &kind, ret) < 0)
        return wrong(
            r, CSV_TERMINATED_AT,
            "terminatedAt must be an instant such as 2026-11-30T14:05:00+01:00; it is \"%.60s\"",
            s);
    if (kind == ROLLCALL_TIME_WALL)
        snprintf(r->warning, r->warning_len,
                 "terminatedAt \"%.40s\" has no offset and is read as wall time; add one, such as "
                 "+01:00",
                 s);
    if (kind == ROLLCALL_TIME_DATE)
        snprintf(r->warning, r->warning_len,
                 "terminatedAt \"%.40s\" is a bare date and is read as its first instant; write an "
                 "instant with offset",
                 s);
    return 0;
}

static int take_dates(struct row *r, json_t *ours)
{
    int64_t start, end, terminated;
    int e = take_date(r, CSV_START_DATE, false, &start);

    if (e == 0)
        e = take_date(r, CSV_END_DATE, true, &end);
    if (e == 0)
        e = take_terminated_at(r, &terminated);
    if (e < 0)
        return e;
    if (start != ROLLCALL_TIME_UNSET)
        put_instant(ours, "start", start);
    if (end != ROLLCALL_TIME_UNSET)
        put_instant(ours, "end", end);
    if (terminated != ROLLCALL_TIME_UNSET)
        put_instant(ours, "terminatedAt", terminated);
    if (start != ROLLCALL_TIME_UNSET && end != ROLLCALL_TIME_UNSET && end <= start) {
        json_object_set_new(ours, "rehireConflict", json_true());
        snprintf(
            r->warning, r->warning_len,
            "endDate \"%.20s\" lies before startDate \"%.20s\": the person stays terminated until "
            "one of the two is mended",
            cell(r, CSV_END_DATE), cell(r, CSV_START_DATE));
    }
    return 0;
}

static int take_id(struct row *r, enum csv_column c, json_t *ours)
{
    const char *s = cell(r, c);
    uint64_t n;

    if (!*s)
        return 0;
    // What fits an id_range is the engine's to say; here it only has to be a number.
    if (rollcall_parse_u64(s, 0, INT64_MAX, &n) < 0)
        return wrong(r, c, "%s must be a whole number, not negative; it is \"%.40s\"",
                     csv_column_names[c], s);
    json_object_set_new(ours, csv_column_names[c], json_integer((json_int_t)n));
    return 0;
}

// "a;b": entries trimmed, empty ones skipped. NULL where the cell is empty.
static json_t *take_list(const char *s, bool objects)
{
    json_t *list = NULL;

    while (*s) {
        size_t len = strcspn(s, ";"), from = strspn(s, " \t"), to = len;
        while (to > from && (s[to - 1] == ' ' || s[to - 1] == '\t'))
            to--;
        if (to > from) {
            json_t *value = json_stringn(s + from, to - from);
            if (!list)
                list = json_array();
            json_array_append_new(list, objects ? json_pack("{s:o}", "value", value) : value);
        }
        s += len + (s[len] == ';');
    }
    return list;
}

static int take_names(struct row *r, json_t *user, json_t *ours)
{
    json_t *enterprise = json_object();
    json_t *groups = take_list(cell(r, CSV_GROUPS), true);
    json_t *keys = take_list(cell(r, CSV_SSH_PUBLIC_KEYS), false);

    put(user, "id", cell(r, CSV_EMPLOYEE_NUMBER));
    put(user, "userName", cell(r, CSV_USER_NAME));
    put(user, "displayName", cell(r, CSV_DISPLAY_NAME));
    put(user, "userType", cell(r, CSV_WORKER_TYPE));
    if (*cell(r, CSV_EMAIL))
        json_object_set_new(user, "emails", json_pack("[{s:s}]", "value", cell(r, CSV_EMAIL)));
    put(enterprise, "employeeNumber", cell(r, CSV_EMPLOYEE_NUMBER));
    put(enterprise, "department", cell(r, CSV_DEPARTMENT));
    if (*cell(r, CSV_MANAGER))
        json_object_set_new(enterprise, "manager",
                            json_pack("{s:s}", "value", cell(r, CSV_MANAGER)));
    json_object_set_new(user, ENTERPRISE, enterprise);
    put(ours, "loginShell", cell(r, CSV_LOGIN_SHELL));
    put(ours, "homeDirectory", cell(r, CSV_HOME_DIRECTORY));
    if (groups)
        json_object_set_new(user, "groups", groups);
    if (keys)
        json_object_set_new(ours, "sshPublicKeys", keys);
    return 0;
}

int csv_row_take(const struct csv_header *header, const char *const *cells, size_t n, json_t **ret,
                 struct csv_row_fault *fault, char *warning, size_t warning_len)
{
    struct row r = {header, cells, n, fault, warning, warning_len};
    json_t *user, *ours;
    int e;

    *fault = (struct csv_row_fault){0};
    *warning = 0;
    fault->has_number =
        *cell(&r, CSV_EMPLOYEE_NUMBER) && strlen(cell(&r, CSV_EMPLOYEE_NUMBER)) <= 64;
    if (n != header->n_cells && n > CSV_CELLS_MAX)
        r.n = CSV_CELLS_MAX; // no more of them are kept
    fault->terminated = fault->has_number && strcmp(cell(&r, CSV_STATUS), "terminated") == 0;
    if (n != header->n_cells) {
        snprintf(fault->text, sizeof(fault->text), "the row has %zu cells; the header has %zu", n,
                 header->n_cells);
        return -EBADMSG;
    }
    e = check_sizes(&r);
    if (e < 0)
        return e;
    if (!fault->has_number)
        return wrong(&r, CSV_EMPLOYEE_NUMBER, "employeeNumber is mandatory, 1 to 64 bytes");
    if (!*cell(&r, CSV_USER_NAME))
        return wrong(&r, CSV_USER_NAME, "userName is mandatory");
    user = json_object();
    ours = json_object();
    e = take_status(&r, ours);
    if (e == 0)
        e = take_dates(&r, ours);
    if (e == 0)
        e = take_id(&r, CSV_UID_NUMBER, ours);
    if (e == 0)
        e = take_id(&r, CSV_GID_NUMBER, ours);
    if (e == 0)
        e = take_names(&r, user, ours);
    json_object_set_new(user, OURS, ours);
    if (e < 0) {
        json_decref(user);
        return e;
    }
    *ret = user;
    return 0;
}
