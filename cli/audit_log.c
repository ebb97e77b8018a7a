// SPDX-License-Identifier: BSD-2-Clause
// The audit log's lines and chain.
#include "cli/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "rollcall/audit_chain.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

static void file_of(const char *path, unsigned number, char *buf, size_t len)
{
    if (number)
        snprintf(buf, len, "%s.%u", path, number);
    else
        snprintf(buf, len, "%s", path);
}

// How many rotated files PATH.1, PATH.2, ... stand there without a gap.
static unsigned rotated_files(const char *path)
{
    char file[512];
    struct stat st;
    unsigned n = 0;

    while (n < CLI_AUDIT_FILES) {
        file_of(path, n + 1, file, sizeof(file));
        if (lstat(file, &st) < 0)
            break;
        n++;
    }
    return n;
}

static int each_line(const char *path,
                     int (*line)(void *ctx, const char *text, size_t len, unsigned long number,
                                 int whole),
                     void *ctx)
{
    _cleanup_fclose_ FILE *file = NULL;
    _cleanup_free_ char *text = NULL;
    size_t room = 0;
    ssize_t n;
    struct stat st;
    unsigned long number = 0;
    // O_NONBLOCK: a FIFO in the file's place is refused, not waited for.
    _cleanup_close_ int fd = rollcall_open(path, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -EINVAL;
    file = fdopen(fd, "re");
    if (!file)
        return -errno;
    (void)ROLLCALL_TAKE_FD(fd); // it is the stream's now
    while ((n = getline(&text, &room, file)) > 0) {
        int whole = text[n - 1] == '\n' && n <= CLI_AUDIT_LINE;
        int r;
        if (text[n - 1] == '\n')
            text[--n] = 0;
        r = line(ctx, text, (size_t)n, ++number, whole);
        if (r)
            return r;
    }
    return ferror(file) ? -EIO : 0;
}

int cli_audit_all(const char *path,
                  int (*line)(void *ctx, const char *text, size_t len, unsigned long number,
                              int whole),
                  void *ctx)
{
    unsigned rotated = rotated_files(path);
    char file[512];
    int r = 0;

    for (unsigned n = rotated + 1; r == 0 && n-- > 0;) {
        file_of(path, n, file, sizeof(file));
        r = each_line(file, line, ctx);
        if (r == -ENOENT && n == 0 && rotated)
            r = 0; // just rotated
    }
    return r;
}

struct verifying {
    struct cli_audit_report *report;
    char last[ROLLCALL_CHAIN_HEX + 1];
    int64_t next_seq; // 0: the first line that is kept
    const char *file;
};

static int fault(struct verifying *v, unsigned long number, const char *why)
{
    snprintf(v->report->bad_file, sizeof(v->report->bad_file), "%s", v->file);
    v->report->bad_line = number;
    v->report->bad_why = why;
    return 1;
}

static int verify_line(void *ctx, const char *text, size_t len, unsigned long number, int whole)
{
    struct verifying *v = ctx;
    char stands[ROLLCALL_CHAIN_HEX + 1], right[ROLLCALL_CHAIN_HEX + 1];
    json_t *record;
    int64_t seq;
    size_t part;

    if (!whole)
        return fault(v, number, "the line is cut off, or too long for a record");
    if (rollcall_audit_split(text, len, &part, stands) < 0)
        return fault(v, number, "the line does not end in a chain value");
    record = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    seq = json_integer_value(json_object_get(record, "seq"));
    json_decref(record);
    if (seq < 1)
        return fault(v, number, "the line is no record with a sequence number");
    if (v->next_seq && seq != v->next_seq)
        return fault(v, number,
                     "the sequence number does not follow the line before: records are missing");
    if (v->next_seq || seq == 1) { // older files are gone: the first kept line is taken as it is
        if (rollcall_audit_chain(v->last, text, part, right) < 0)
            return -EIO;
        if (strcmp(stands, right) != 0)
            return fault(v, number,
                         "the chain value does not fit: this line or the one before was changed");
    }
    if (!v->next_seq)
        v->report->first_seq = seq;
    memcpy(v->last, stands, sizeof(stands));
    v->report->last_seq = seq;
    v->next_seq = seq + 1;
    v->report->records++;
    return 0;
}

int cli_audit_verify(const char *path, struct cli_audit_report *ret)
{
    struct verifying v = {.report = ret};
    char file[512];

    *ret = (struct cli_audit_report){0};
    memset(v.last, '0', ROLLCALL_CHAIN_HEX);
    for (unsigned n = rotated_files(path) + 1; n-- > 0;) {
        int r;
        file_of(path, n, file, sizeof(file));
        v.file = file;
        r = each_line(file, verify_line, &v);
        if (r > 0)
            return 0; // a fault, in the report
        if (r < 0) {
            snprintf(ret->bad_file, sizeof(ret->bad_file), "%s", file);
            return r;
        }
        ret->files++;
    }
    return 0;
}

int cli_reference_read(const char *text, char ret[9])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char out[9] = "R-";

    if (strlen(text) == 8 && (text[0] == 'R' || text[0] == 'r') && text[1] == '-')
        text += 2;
    if (strlen(text) != 6) // people leave the prefix out
        return -EINVAL;
    for (size_t i = 0; i < 6; i++) {
        char c = text[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
        if (!c || !strchr(alphabet, c))
            return -EINVAL;
        out[2 + i] = c;
    }
    out[8] = 0;
    memcpy(ret, out, sizeof(out));
    return 0;
}

struct finding {
    const char *reference;
    json_t *record; // the last that fits
};

static int find_line(void *ctx, const char *text, size_t len, unsigned long number, int whole)
{
    struct finding *f = ctx;
    json_t *record;
    const char *ref;

    (void)number;
    if (!whole || !memmem(text, len, f->reference, strlen(f->reference)))
        return 0;
    record = json_loadb(text, len, 0, NULL);
    ref = json_string_value(json_object_get(record, "ref"));
    if (!ref || strcmp(ref, f->reference) != 0) {
        json_decref(record);
        return 0;
    }
    json_decref(f->record);
    f->record = record;
    return 0;
}

int cli_audit_find(const char *path, const char *reference, json_t **ret)
{
    struct finding f = {.reference = reference};
    unsigned rotated = rotated_files(path);
    char file[512];

    for (unsigned n = 0; n <= rotated; n++) {
        int r;
        file_of(path, n, file, sizeof(file));
        r = each_line(file, find_line, &f);
        if (f.record) {
            *ret = f.record;
            return 0;
        }
        if (r < 0 && !(r == -ENOENT && n == 0 && rotated))
            return r;
    }
    return -ENOENT;
}
