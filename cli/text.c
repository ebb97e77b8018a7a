// SPDX-License-Identifier: BSD-2-Clause
// Escaping, widths, numbers and times for people.
#include "cli/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/timeparse.h"

// The code point at `p` and its length; 0 when these bytes are no UTF-8 (overlong forms,
// surrogates and what is above U+10FFFF included).
static size_t utf8_at(const unsigned char *p, uint32_t *ret)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    uint32_t c;

    if (n <= 1) {
        *ret = p[0];
        return n;
    }
    c = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) // also the NUL of a text that is cut
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return n;
}

// C1 holds CSI as one character; the direction marks make a name read as another.
static bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

char *cli_escape(const char *text)
{
    const unsigned char *p = (const unsigned char *)(text ? text : "");
    char *out = malloc(strlen((const char *)p) * 4 + 1);
    char *o = out;

    if (!out)
        return NULL;
    while (*p) {
        uint32_t c;
        size_t n = utf8_at(p, &c);
        if (n && !steers(c)) {
            memcpy(o, p, n);
            o += n;
            p += n;
            continue;
        }
        if (n == 1 && (c == '\n' || c == '\t')) {
            *o++ = '\\';
            *o++ = c == '\n' ? 'n' : 't';
            p++;
            continue;
        }
        for (size_t i = 0; i < (n ? n : 1); i++) {
            static const char hex[] = "0123456789abcdef";
            *o++ = '\\';
            *o++ = 'x';
            *o++ = hex[p[i] >> 4];
            *o++ = hex[p[i] & 15];
        }
        p += n ? n : 1;
    }
    *o = 0;
    return out;
}

size_t cli_columns(const char *text)
{
    size_t columns = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t c;
        size_t n = utf8_at(p, &c);
        int w = n ? wcwidth((wchar_t)c) : 1;
        columns += w < 0 ? 1 : (size_t)w;
        p += n ? n : 1;
    }
    return columns;
}

const char *cli_count(uint64_t n, char *buf, size_t len)
{
    char digits[24];
    int d = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    size_t o = 0;

    if (len == 0)
        return "";
    for (int i = 0; i < d && o + 2 < len; i++) {
        if (i > 0 && (d - i) % 3 == 0)
            buf[o++] = ',';
        buf[o++] = digits[i];
    }
    buf[o] = 0;
    return buf;
}

const char *cli_span(int64_t seconds, char *buf, size_t len)
{
    int64_t s = seconds < 0 ? 0 : seconds;
    int64_t minutes = s / 60, hours = s / 3600, days = s / 86400;

    if (s < 90)
        snprintf(buf, len, "%" PRId64 " s", s);
    else if (minutes < 90)
        snprintf(buf, len, "%" PRId64 " min", minutes);
    else if (hours < 48 && minutes % 60)
        snprintf(buf, len, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
    else if (hours < 48)
        snprintf(buf, len, "%" PRId64 " h", hours);
    else
        snprintf(buf, len, "%" PRId64 " days", days);
    return buf;
}

const char *cli_when(int64_t t, int64_t now, char *buf, size_t len)
{
    char wall[48], span[32];
    time_t at = (time_t)t;
    struct tm tm;

    if (t == ROLLCALL_TIME_UNSET) {
        snprintf(buf, len, "-");
        return buf;
    }
    if (!localtime_r(&at, &tm) || strftime(wall, sizeof(wall), "%Y-%m-%d %H:%M:%S %Z", &tm) == 0) {
        snprintf(buf, len, "@%" PRId64, t); // a year beyond what the C library writes
        return buf;
    }
    cli_span(t > now ? t - now : now - t, span, sizeof(span));
    if (t > now)
        snprintf(buf, len, "%s (in %s)", wall, span);
    else
        snprintf(buf, len, "%s (%s ago)", wall, span);
    return buf;
}

int cli_until(const char *text, int64_t now, int64_t *ret)
{
    enum rollcall_time_kind kind;
    uint64_t span;
    int64_t t;
    int r = rollcall_parse_duration(text, 1, UINT64_C(366) * 86400, &span);

    if (r == 0) {
        *ret = now + (int64_t)span;
        return 0;
    }
    if (r == -ERANGE)
        return -ERANGE;
    r = rollcall_time_parse(text, &kind, &t);
    if (r == 0 && kind == ROLLCALL_TIME_DATE)
        r = rollcall_date_end(text, &t);
    if (r < 0)
        return -EINVAL;
    if (t <= now)
        return -ERANGE;
    *ret = t;
    return 0;
}

int cli_since(const char *text, int64_t now, int64_t *ret)
{
    enum rollcall_time_kind kind;
    uint64_t span;
    int64_t t;
    int r = rollcall_parse_duration(text, 1, UINT64_C(3660) * 86400, &span);

    if (r == 0)
        t = now - (int64_t)span;
    else if (r == -ERANGE || rollcall_time_parse(text, &kind, &t) < 0)
        return -EINVAL;
    if (t > now)
        return -ERANGE;
    *ret = t;
    return 0;
}

const char *cli_colour(bool on, enum cli_colour colour)
{
    static const char *const codes[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                        "\033[32m", "\033[33m", "\033[31m"};

    return on ? codes[colour] : "";
}

enum cli_colour cli_state_colour(const char *state)
{
    if (strcmp(state, "active") == 0)
        return CLI_GREEN;
    if (strcmp(state, "pending") == 0 || strcmp(state, "suspended") == 0)
        return CLI_YELLOW;
    return CLI_RED;
}

void cli_table_add(struct cli_table *table, const char *text, enum cli_colour colour)
{
    if (table->n == table->room) {
        size_t room = table->room ? table->room * 2 : 64;
        struct cli_cell *cells = reallocarray(table->cells, room, sizeof(*cells));
        if (!cells) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->room = room;
    }
    table->cells[table->n].text = cli_escape(text);
    table->cells[table->n].colour = colour;
    if (!table->cells[table->n].text) {
        table->failed = true;
        return;
    }
    table->n++;
}

static void pad(FILE *out, size_t n)
{
    while (n-- > 0)
        fputc(' ', out);
}

void cli_table_print(const struct cli_table *table, FILE *out, bool colour)
{
    size_t width[CLI_TABLE_COLUMNS] = {0};

    for (size_t i = 0; i < table->n; i++) {
        size_t w = cli_columns(table->cells[i].text);
        if (w > width[i % table->columns])
            width[i % table->columns] = w;
    }
    for (size_t i = 0; i < table->n; i++) {
        const struct cli_cell *cell = &table->cells[i];
        unsigned column = (unsigned)(i % table->columns);
        size_t missing = width[column] - cli_columns(cell->text);
        bool last = column + 1 == table->columns || i + 1 == table->n;
        enum cli_colour shade = i < table->columns ? CLI_DIM : cell->colour;

        if (table->right & 1u << column)
            pad(out, missing);
        fprintf(out, "%s%s%s", shade ? cli_colour(colour, shade) : "", cell->text,
                shade ? cli_colour(colour, CLI_PLAIN) : "");
        if (last) {
            fputc('\n', out);
            continue;
        }
        pad(out, 2 + (table->right & 1u << column ? 0 : missing));
    }
    if (table->failed)
        fputs("(memory ran out: rows are missing)\n", out);
}

void cli_table_free(struct cli_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct cli_table){0};
}
