// SPDX-License-Identifier: BSD-2-Clause
// One file into one listing. libcsv reads the cells (RFC 4180, strict); lines are fed
// to it one by one, so that every message can name its line.
#include "syncd/sources/csv_file.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/safeio.h"
#include "rollcall/source.h"
#include "syncd/sources/csv_row.h"
#include "syncd/sources/emit.h"

struct reading {
    const char *name; // of the file, for messages
    struct csv_parser parser;
    struct csv_header header;
    bool have_header, refused, ended; // ended: the trailer came
    char *cells[CSV_CELLS_MAX];
    size_t n_cells, too_many;
    uint64_t line, row_line; // where the row in work began
    uint64_t rows;           // data rows, broken ones too
    uint64_t users;          // that were said
    struct csv_listed *listed;
    bool silent;  // it only learns
    bool another; // the header is another than the last listing's
    char why[300];
};

// Between two rows: libcsv's ROW_NOT_BEGUN. A cell in quotes may hold a line that looks
// like a row.
static bool between_rows(const struct reading *r)
{
    return r->parser.pstate == 0;
}

static void refuse(struct reading *r, const char *text)
{
    char where[300];

    if (r->refused)
        return;
    r->refused = true;
    snprintf(where, sizeof(where), "%s:%llu", r->name, (unsigned long long)r->line);
    if (!r->silent)
        emit_refusal(where, text);
}

static void drop_cells(struct reading *r)
{
    for (size_t i = 0; i < r->n_cells; i++)
        free(r->cells[i]);
    r->n_cells = 0;
    r->too_many = 0;
}

static void on_cell(void *data, size_t len, void *ctx)
{
    struct reading *r = ctx;

    if (r->n_cells == CSV_CELLS_MAX) {
        r->too_many++;
        return;
    }
    r->cells[r->n_cells] = strndup(data ? data : "", len);
    if (r->cells[r->n_cells])
        r->n_cells++;
}

static void say_problem(const struct reading *r, const char *where, const char *id, bool terminated,
                        const char *text)
{
    if (id)
        csv_listed_row(r->listed, id, false);
    if (!r->silent)
        emit_problem(where, id, terminated, text);
}

static void say_user(struct reading *r, json_t *user, const char *id, const char *where,
                     const char *warning)
{
    if (!csv_listed_row(r->listed, id, true) || r->silent) {
        json_decref(user);
        return;
    }
    if (*warning)
        emit_warning(where, id, warning);
    emit_user(user, where);
    r->users++;
}

static void take_row(struct reading *r)
{
    const char *const *cells = (const char *const *)r->cells;
    struct csv_row_fault fault = {0};
    char where[320], warning[300];
    json_t *user;
    bool taken;

    r->rows++;
    snprintf(where, sizeof(where), "%s:%llu", r->name, (unsigned long long)r->row_line);
    taken = csv_row_take(&r->header, cells, r->n_cells + r->too_many, &user, &fault, warning,
                         sizeof(warning)) == 0;
    // The engine would take a longer line for a broken source, and nobody would be read.
    if (taken && json_dumpb(user, NULL, 0, JSON_COMPACT) > ROLLCALL_SOURCE_LINE_MAX - 1024) {
        json_decref(user);
        taken = false;
        snprintf(fault.text, sizeof(fault.text), "the row is longer than 255 KiB");
    }
    if (taken) {
        say_user(r, user, cells[r->header.at[CSV_EMPLOYEE_NUMBER]], where, warning);
        return;
    }
    if (fault.column > 0)
        snprintf(where, sizeof(where), "%s:%llu:%d", r->name, (unsigned long long)r->row_line,
                 fault.column);
    say_problem(r, where, fault.has_number ? cells[r->header.at[CSV_EMPLOYEE_NUMBER]] : NULL,
                fault.terminated, fault.text);
}

static void on_row(int c, void *ctx)
{
    struct reading *r = ctx;

    (void)c;
    if (r->refused || r->n_cells == 0) {
        drop_cells(r);
        return;
    }
    if (r->have_header) {
        take_row(r);
    } else if (r->too_many > 0) {
        refuse(r, "the header names more than 128 columns");
    } else if (csv_header_take((const char *const *)r->cells, r->n_cells, &r->header, r->why,
                               sizeof(r->why)) < 0) {
        refuse(r, r->why);
    } else {
        r->have_header = true;
        r->another = !csv_listed_header(r->listed);
    }
    drop_cells(r);
}

static int start_parser(struct reading *r)
{
    if (csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
        return -ENOMEM;
    return 0;
}

// A row whose quotes make no sense: what was read of it may still name its person.
static void broken_row(struct reading *r)
{
    char where[320];
    int number = r->have_header ? r->header.at[CSV_EMPLOYEE_NUMBER] : -1;
    int status = r->have_header ? r->header.at[CSV_STATUS] : -1;
    bool has_number = number >= 0 && (size_t)number < r->n_cells && *r->cells[number] &&
                      strlen(r->cells[number]) <= 64;

    if (!r->have_header) {
        refuse(r, "the header is not valid CSV (RFC 4180): a quote stands where none may");
        return;
    }
    r->rows++;
    snprintf(where, sizeof(where), "%s:%llu:%zu", r->name, (unsigned long long)r->row_line,
             r->n_cells + 1);
    say_problem(
        r, where, has_number ? r->cells[number] : NULL,
        has_number && status >= 0 && (size_t)status < r->n_cells &&
            strcmp(r->cells[status], "terminated") == 0,
        "a quote stands where none may (RFC 4180): quote the whole cell and double the quotes "
        "in it");
}

static void take_trailer(struct reading *r, const char *text)
{
    uint64_t rows;

    if (rollcall_parse_u64(text, 0, UINT64_MAX, &rows) < 0) {
        refuse(r, "the trailer must be #rows=N with the number of rows");
        return;
    }
    if (rows != r->rows) {
        snprintf(r->why, sizeof(r->why),
                 "the trailer says %llu rows, and %llu came: the export is not whole",
                 (unsigned long long)rows, (unsigned long long)r->rows);
        refuse(r, r->why);
    }
    r->ended = true;
}

static bool is_utf8(const char *line, size_t len)
{
    json_t *s = json_stringn(line, len);

    json_decref(s);
    return s != NULL;
}

static void take_line(struct reading *r, char *line, size_t len)
{
    bool inside = !between_rows(r); // of a quoted cell that goes over lines
    size_t text = len;

    if (!inside)
        r->row_line = r->line;
    if (csv_listed_line(r->listed, line, len, !inside) && !r->ended) {
        r->rows++; // as it was in the last listing
        return;
    }
    if (memchr(line, 0, len)) {
        refuse(r, "holds NUL bytes: this is no text file");
        return;
    }
    if (!is_utf8(line, len)) {
        refuse(r, "is not valid UTF-8; export it as UTF-8");
        return;
    }
    while (text > 0 && (line[text - 1] == '\n' || line[text - 1] == '\r'))
        text--;
    if (!inside && r->ended && text > 0) {
        refuse(r, "something stands behind the #rows= trailer");
        return;
    }
    if (!inside && text > 6 && memcmp(line, "#rows=", 6) == 0) {
        line[text] = 0;
        take_trailer(r, line + 6);
        return;
    }
    if (csv_parse(&r->parser, line, len, on_cell, on_row, r) == len)
        return;
    broken_row(r);
    drop_cells(r);
    csv_free(&r->parser);
    if (start_parser(r) < 0)
        refuse(r, "there is no memory");
}

void csv_version(const struct stat *st, char *buf, size_t len)
{
    snprintf(buf, len, "%lld.%09ld.%lld.%llu", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
             (long long)st->st_size, (unsigned long long)st->st_ino);
}

int csv_open(const char *path, struct stat *ret_st, char *why, size_t why_len)
{
    int fd = rollcall_open(path, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0) {
        snprintf(why, why_len, "cannot be read: %s",
                 fd == -EACCES  ? "the user rollcall-source may not; chmod it, or its folder"
                 : fd == -ELOOP ? "it is a symbolic link; name the file itself"
                                : strerror(-fd));
        return fd;
    }
    if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode)) {
        snprintf(why, why_len, "is not a regular file");
        close(fd);
        return -EINVAL;
    }
    if ((uint64_t)ret_st->st_size > CSV_FILE_MAX) {
        snprintf(why, why_len, "is larger than 4 GiB");
        close(fd);
        return -EFBIG;
    }
    if (ret_st->st_size == 0) {
        snprintf(why, why_len, "is empty; an empty file is never an empty company");
        close(fd);
        return -ENODATA;
    }
    return fd;
}

// A line with its newline into a buffer of CSV_LINE_MAX + 1: getline() would grow its
// own to the size of whatever file this is.
static size_t read_line(FILE *f, char *buf)
{
    size_t n = 0;
    int c;

    while (n <= CSV_LINE_MAX && (c = getc_unlocked(f)) != EOF) {
        buf[n++] = (char)c;
        if (c == '\n')
            break;
    }
    return n;
}

// Lines up to the end, a refusal, or a line without its newline.
static void read_lines(struct reading *r, FILE *f, uint64_t total)
{
    _cleanup_free_ char *line = malloc(CSV_LINE_MAX + 2);
    uint64_t done = 0;
    size_t n;

    if (!line) {
        refuse(r, "there is no memory");
        return;
    }
    while (!r->refused && !r->another && (n = read_line(f, line)) > 0) {
        char *text = line;
        r->line++;
        done += n;
        if (n > CSV_LINE_MAX) {
            refuse(r, memchr(text, 0, n)
                          ? "holds NUL bytes: this is no text file"
                          : "has a line longer than 1 MiB: this is no export of people");
            return;
        }
        if (r->line == 1 && n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
            text += 3; // byte order mark
            n -= 3;
        }
        if (n == 0 || text[n - 1] != '\n') {
            refuse(r, memchr(text, 0, n)
                          ? "holds NUL bytes: this is no text file"
                          : "the last line has no newline: the file was cut, or is still being "
                            "written");
            return;
        }
        take_line(r, text, n);
        if (r->line % 10000 == 0 && !r->silent)
            emit_progress(done, total);
    }
    // What could be read before the disk failed would look like a shorter company.
    if (ferror(f))
        refuse(r, "cannot be read to its end");
    if (!r->refused && !r->another && !between_rows(r))
        refuse(r, "ends inside a quoted cell: the file was cut");
}

// One time through the file.
static int read_once(struct reading *r, FILE *f, const struct stat *st)
{
    if (start_parser(r) < 0)
        return -ENOMEM;
    csv_listed_begin(r->listed);
    read_lines(r, f, (uint64_t)st->st_size);
    if (!r->refused && !r->have_header)
        refuse(r, "there is no header; the first line names the columns");
    if (!r->refused && !r->another && r->rows == 0)
        refuse(r, "has a header and nobody below it; that is never an empty company");
    drop_cells(r);
    csv_free(&r->parser);
    return r->refused ? -EBADMSG : 0;
}

// What was passed over and should not have been is known after the first time through. The
// second finds no more, unless somebody writes the file meanwhile: then all of it is said.
static bool is_wrong_difference(struct reading *r, unsigned times)
{
    if (r->refused || (!r->another && !csv_listed_again(r->listed)))
        return false;
    if (r->another || times > 1)
        csv_listed_forget(r->listed);
    return true;
}

static int finish(struct reading *r, FILE *f, const char *version, const char *cursor)
{
    struct stat after;
    char now[100];

    if (fstat(fileno(f), &after) < 0)
        return -errno;
    csv_version(&after, now, sizeof(now));
    if (strcmp(version, now) != 0) {
        if (!r->refused && !r->silent)
            emit_refusal(r->name, "changed while it was read; it is read again");
        return -EAGAIN;
    }
    if (r->refused)
        return -EBADMSG;
    if (!r->silent) {
        csv_listed_absent(r->listed, emit_absent);
        emit_commit(cursor, r->users);
    }
    csv_listed_keep(r->listed);
    return 0;
}

int csv_read(int fd, const char *path, const struct stat *st, int64_t seen_at, const char *cursor,
             const char *since, struct csv_listed *listed)
{
    const char *slash = strrchr(path, '/');
    _cleanup_fclose_ FILE *f = fdopen(fd, "r");
    struct reading r;
    char version[100];
    unsigned times = 0;
    int e;

    if (!f) {
        close(fd);
        return -ENOMEM;
    }
    csv_version(st, version, sizeof(version));
    do {
        rewind(f);
        r = (struct reading){.name = slash ? slash + 1 : path, .listed = listed, .silent = !cursor};
        if (!r.silent)
            emit_begin(true, st->st_mtim.tv_sec, version, seen_at,
                       csv_listed_known(listed) ? since : NULL);
        e = read_once(&r, f, st);
    } while (e == 0 && is_wrong_difference(&r, ++times));
    if (e == 0 || e == -EBADMSG)
        e = finish(&r, f, version, cursor);
    emit_flush();
    return e;
}
