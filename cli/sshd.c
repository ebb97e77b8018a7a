// SPDX-License-Identifier: BSD-2-Clause
// sshd's own answer, and the lines of its files.
#include "cli/sshd.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli/run.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define CONFIG_MAX   (1024 * 1024)
#define INCLUDE_DEEP 16 // sshd's own limit

bool sshd_there(void)
{
    return access(SSHD_PROGRAM, X_OK) == 0;
}

json_t *sshd_parse_answer(char *text)
{
    json_t *o = json_object();

    for (char *line, *next = text; o && (line = next) && *line;) {
        size_t end = strcspn(line, "\n"), word;
        const char *old;
        char joined[4096];
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        word = strcspn(line, " ");
        if (!word || line[word] != ' ')
            continue;
        line[word] = 0;
        old = json_string_value(json_object_get(o, line));
        snprintf(joined, sizeof(joined), "%s%s%s", old ? old : "", old ? "\n" : "",
                 line + word + 1);
        json_object_set_new(o, line, json_string(joined));
    }
    return o;
}

int sshd_ask(const char *user, const char *addr, json_t **ret, char *why, size_t len)
{
    _cleanup_ran_ struct cli_ran ran = {0};
    char connection[512];
    const char *argv[] = {SSHD_PROGRAM, "-T", NULL, NULL, NULL};
    int r;

    if (user) {
        snprintf(connection, sizeof(connection), "user=%s,host=%s,addr=%s,laddr=127.0.0.1,lport=22",
                 user, addr, addr);
        argv[2] = "-C";
        argv[3] = connection;
    }
    // sshd wants the folder of its unprivileged part even to say what it would do; its unit
    // makes it at each start.
    if (mkdir("/run/sshd", 0755) < 0 && errno != EEXIST)
        return -errno;
    r = cli_run(argv, NULL, &ran);
    if (r < 0)
        return r;
    if (ran.status != 0) {
        snprintf(why, len, "%s", cli_ran_complaint(&ran));
        return -EINVAL;
    }
    *ret = sshd_parse_answer(ran.out);
    return *ret ? 0 : -ENOMEM;
}

// ---- lines ----

struct reading {
    int (*line)(void *ctx, const struct sshd_line *line);
    void *ctx;
    char match[512];
};

static int read_one(struct reading *reading, const char *path, unsigned deep);

static int include(struct reading *reading, const char *patterns, unsigned deep)
{
    int r = 0;

    for (const char *p = patterns; r == 0 && *(p += strspn(p, " \t\""));) {
        int n = (int)strcspn(p, " \t\"");
        char full[512];
        glob_t found;
        snprintf(full, sizeof(full), "%s%.*s", *p == '/' ? "" : "/etc/ssh/", n, p);
        p += n;
        if (glob(full, 0, NULL, &found) != 0)
            continue;
        for (size_t i = 0; i < found.gl_pathc && r == 0; i++)
            r = read_one(reading, found.gl_pathv[i], deep + 1);
        globfree(&found);
    }
    return r;
}

static int one_line(struct reading *reading, const char *path, unsigned number, char *text,
                    unsigned deep)
{
    struct sshd_line line = {.file = path, .number = number};
    char *end;
    size_t word;

    text += strspn(text, " \t");
    for (end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
        *--end = 0;
    if (!*text || *text == '#')
        return 0;
    word = strcspn(text, " \t=");
    line.keyword = text;
    line.value = text + word;
    if (text[word]) {
        line.value = text + word + 1 + strspn(text + word + 1, " \t=");
        text[word] = 0;
    }
    if (strcasecmp(text, "include") == 0) {
        int r;
        line.match = reading->match;
        r = reading->line(reading->ctx, &line);
        return r ? r : include(reading, line.value, deep);
    }
    if (strcasecmp(text, "match") == 0)
        snprintf(reading->match, sizeof(reading->match), "%s",
                 strcasecmp(line.value, "all") == 0 ? "" : line.value);
    line.match = reading->match;
    return reading->line(reading->ctx, &line);
}

static int read_one(struct reading *reading, const char *path, unsigned deep)
{
    _cleanup_free_ char *text = NULL;
    char before[sizeof(reading->match)];
    unsigned number = 0;
    size_t len;
    int r = 0;

    if (deep > INCLUDE_DEEP)
        return -ELOOP;
    // An included file may be a link.
    _cleanup_free_ char *real = realpath(path, NULL);
    if (!real || rollcall_read_file(real, CONFIG_MAX, &text, &len) < 0)
        return deep ? 0 : -ENOENT;
    memcpy(before, reading->match, sizeof(before));
    for (char *line, *next = text; r == 0 && (line = next) && *line;) {
        size_t end = strcspn(line, "\n");
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        r = one_line(reading, path, ++number, line, deep);
    }
    memcpy(reading->match, before, sizeof(before)); // a Match ends with its file
    return r;
}

int sshd_lines(const char *path, int (*line)(void *ctx, const struct sshd_line *line), void *ctx)
{
    struct reading reading = {.line = line, .ctx = ctx};

    return read_one(&reading, path, 0);
}

struct where {
    const char *keyword;
    bool in_match;
    char *buf;
    size_t len;
};

static int is_it(void *ctx, const struct sshd_line *line)
{
    const struct where *w = ctx;

    if (strcasecmp(line->keyword, w->keyword) != 0 || (*line->match && !w->in_match))
        return 0;
    snprintf(w->buf, w->len, "%s:%u", line->file, line->number);
    return 1;
}

const char *sshd_where(const char *keyword, bool in_match, char *buf, size_t len)
{
    struct where w = {.keyword = keyword, .in_match = in_match, .buf = buf, .len = len};

    *buf = 0;
    sshd_lines(SSHD_CONFIG, is_it, &w);
    return buf;
}
