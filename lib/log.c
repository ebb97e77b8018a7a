// SPDX-License-Identifier: BSD-2-Clause
// Log lines of daemons and commands.
#include "rollcall/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *log_program = "rollcall";
static bool log_journal;

void rollcall_log_open(const char *program)
{
    log_program = program;
    log_journal = secure_getenv("JOURNAL_STREAM") != NULL;
}

// Control characters, those of U+0080..U+009F too (two bytes in UTF-8, or a stray one):
// U+009B begins a terminal's sequences as ESC [ does.
static bool control(const char *text, const unsigned char *p)
{
    bool first = p == (const unsigned char *)text;

    if (*p < ' ' || *p == 0x7f)
        return true;
    if (*p == 0xc2)
        return p[1] >= 0x80 && p[1] <= 0x9f;
    return *p >= 0x80 && *p <= 0x9f && (first || p[-1] < 0x80 || p[-1] == 0xc2);
}

static bool plain(const char *text)
{
    if (!*text)
        return false;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (control(text, p) || strchr(" \"\\=", *p))
            return false;
    return true;
}

size_t rollcall_log_escape(const char *text, char *buf, size_t len)
{
    size_t n = 0;

    if (len == 0)
        return 0;
    if (plain(text))
        return (size_t)snprintf(buf, len, "%s", text) < len ? strlen(buf) : len - 1;
    if (len < 8) {
        buf[0] = 0;
        return 0;
    }
    buf[n++] = '"';
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 6 < len; p++) {
        if (control(text, p))
            n += (size_t)snprintf(buf + n, len - n, "\\x%02x", *p);
        else {
            if (*p == '"' || *p == '\\')
                buf[n++] = '\\';
            buf[n++] = (char)*p;
        }
    }
    buf[n++] = '"';
    buf[n] = 0;
    return n;
}

void rollcall_log(int priority, const char *event, ...)
{
    char line[4096];
    size_t n;
    va_list ap;
    const char *key;

    if (log_journal)
        n = (size_t)snprintf(line, sizeof(line) - 1, "<%d>%s", priority, event);
    else
        n = (size_t)snprintf(line, sizeof(line) - 1, "%s: %s", log_program, event);
    va_start(ap, event);
    while ((key = va_arg(ap, const char *)) && n < sizeof(line) - 16) {
        const char *value = va_arg(ap, const char *);
        int w;
        if (!value)
            continue;
        w = snprintf(line + n, sizeof(line) - 1 - n, " %s=", key);
        if (w < 0 || (size_t)w >= sizeof(line) - 1 - n)
            break;
        n += (size_t)w;
        n += rollcall_log_escape(value, line + n, sizeof(line) - 1 - n);
    }
    va_end(ap);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; // nobody listens; a log line is not worth dying for
}
