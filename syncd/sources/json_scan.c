// SPDX-License-Identifier: BSD-2-Clause
// A token that a piece cuts in two is held until the rest of it comes.
#include "syncd/sources/json_scan.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/erasing.h"

#define MORE 1   // the bytes end in the middle of the token
#define PART 256 // bytes that are put behind what is held

enum expect { VALUE, VALUE_OR_END, NAME, NAME_OR_END, COLON, COMMA, NOTHING };

struct json_scan {
    const struct json_take *take;
    void *ctx;
    enum expect expect;
    unsigned depth;
    uint64_t lists; // bit n: what was opened at depth n is a list
    char *held;     // the beginning of a token
    size_t n, room; // of it
    size_t again;   // it is not looked at before so much is there
    char *plain;    // a text without its escapes
    size_t plain_room;
    bool over; // no more bytes follow those in work
    int error;
    const char *why;
};

struct json_scan *json_scan_new(const struct json_take *take, void *ctx)
{
    struct json_scan *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->take = take;
    s->ctx = ctx;
    s->why = "";
    return s;
}

void json_scan_free(struct json_scan *s)
{
    if (!s)
        return;
    erasing_free(s->held);
    erasing_free(s->plain);
    free(s);
}

const char *json_scan_why(const struct json_scan *s)
{
    return s->why;
}

static int broken(struct json_scan *s, const char *why)
{
    s->why = why;
    return -EBADMSG;
}

static int too_long(struct json_scan *s)
{
    return broken(s, "one text in it is longer than 1 MiB");
}

static int cut(struct json_scan *s)
{
    return s->over ? broken(s, "it is no JSON: it is cut short") : MORE;
}

// ---- texts ----

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define TOP        EACH(0x80)

// How many of the bytes at `p` are plain: no quote, backslash, control character, nor above 0x7f.
static size_t plain_bytes(const char *p, const char *end)
{
    const char *from = p;
    uint64_t x, quote, slash, odd;

    for (; end - p >= 8; p += 8) {
        memcpy(&x, p, sizeof(x));
        x = le64toh(x);
        quote = x ^ EACH('"');
        slash = x ^ EACH('\\');
        // A byte's top bit is right here up to the first one that is set.
        odd = (x | (((x - EACH(0x20)) | (quote - EACH(1)) | (slash - EACH(1))) & ~x)) & TOP;
        if (odd)
            return (size_t)(p - from) + (size_t)__builtin_ctzll(odd) / 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return (size_t)(p - from);
}

// The bytes of the character at `p`: 0 where it is none, -1 where it goes on behind `end`.
static int character(const char *p, const char *end, unsigned *has)
{
    unsigned char c = (unsigned char)*p;
    int n = c >= 0xc0 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf8 ? 4 : 0;
    uint32_t value = c & (0xffu >> (n + 1));

    for (int i = 1; i < n; i++) {
        if (p + i == end)
            return -1;
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)p[i] & 0x3f);
    }
    if ((n == 2 && value < 0x80) || (n == 3 && value < 0x800) || (n == 4 && value < 0x10000) ||
        (value >= 0xd800 && value < 0xe000) || value > 0x10ffff)
        *has |= JSON_NOT_UTF8;
    return n;
}

// Up to the quote that ends the text, `*ret_len` bytes on. MORE; an error.
static int find_end(struct json_scan *s, const char *from, const char *end, size_t *ret_len,
                    bool *ret_escapes, unsigned *has)
{
    const char *p = from;
    int n;

    *ret_escapes = false;
    for (;;) {
        p += plain_bytes(p, end);
        if (p == end)
            return cut(s);
        if (*p == '"')
            break;
        if (*p == '\\') {
            *ret_escapes = true;
            if (end - p < 2)
                return cut(s);
            p += 2; // what stands behind it is looked at later
            continue;
        }
        if ((unsigned char)*p < 0x20)
            return broken(s, "it is no JSON: it has a control character in a text");
        n = character(p, end, has);
        if (n < 0)
            return cut(s);
        if (n == 0)
            return broken(s, "it is no JSON: it is not UTF-8");
        p += n;
    }
    *ret_len = (size_t)(p - from);
    return 0;
}

// The value of \uXXXX at `p`, or -1.
static long escaped_unit(const char *p, const char *end)
{
    long value = 0;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        char c = p[i], low = (char)(c | 0x20);
        int digit = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t put_character(char *to, unsigned long value)
{
    size_t n = value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n - 1; i > 0; i--, value >>= 6)
        to[i] = (char)(0x80 | (value & 0x3f));
    to[0] = (char)(lead[n] | value);
    return n;
}

// A \u escape, with the second half of a pair: its bytes from `p`; 0 where it is none.
static size_t take_unit(const char *p, const char *end, char **to, unsigned *has)
{
    long value = escaped_unit(p, end), second;
    size_t n = 6;

    if (value < 0)
        return 0;
    if (value >= 0xd800 && value < 0xdc00) {
        second = escaped_unit(p + 6, end);
        if (second >= 0xdc00 && second < 0xe000) {
            value = 0x10000 + ((value - 0xd800) << 10) + (second - 0xdc00);
            n = 12;
        }
    }
    if (value >= 0xd800 && value < 0xe000) {
        value = 0xfffd;
        *has |= JSON_HAS_HALF;
    }
    if (value == 0)
        *has |= JSON_HAS_NUL;
    *to += put_character(*to, (unsigned long)value);
    return n;
}

// The text without its escapes, which is never longer.
static int unescape(struct json_scan *s, const char *p, size_t len, size_t *ret_len, unsigned *has)
{
    static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *end = p + len, *letter;
    char *to;

    if (s->plain_room < len) {
        char *more = erasing_realloc(s->plain, len);
        if (!more)
            return -ENOMEM;
        s->plain = more;
        s->plain_room = len;
    }
    for (to = s->plain; p < end;) {
        size_t n = 2;
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        letter = strchr(letters, p[1]);
        if (p[1] && letter)
            *to++ = means[letter - letters];
        else
            n = take_unit(p, end, &to, has);
        if (n == 0)
            return broken(s, "it is no JSON: it has an escape in a text that is none");
        p += n;
    }
    *ret_len = (size_t)(to - s->plain);
    return 0;
}

static int take_text(struct json_scan *s, const char **at, const char *end, bool name)
{
    const char *from = *at + 1;
    unsigned has = 0;
    bool escapes;
    size_t len;
    int r = find_end(s, from, end, &len, &escapes, &has);

    if (r != 0)
        return r;
    if (len > JSON_SCAN_TEXT_MAX)
        return too_long(s);
    *at = from + len + 1;
    if (escapes) {
        r = unescape(s, from, len, &len, &has);
        from = s->plain;
    }
    if (r < 0)
        return r;
    return (name ? s->take->name : s->take->text)(s->ctx, from, len, has);
}

// ---- numbers and words ----

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

// Behind the number at `p`, as far as it is one; `*ret_whole`: it could end there.
static const char *number_end(const char *p, const char *end, bool *ret_whole)
{
    const char *from;

    *ret_whole = false;
    p += p < end && *p == '-';
    from = p;
    p = p < end && *p == '0' ? p + 1 : digits(p, end);
    if (p == from)
        return p;
    if (p < end && *p == '.') {
        from = ++p;
        p = digits(p, end);
        if (p == from)
            return p;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        from = p;
        p = digits(p, end);
        if (p == from)
            return p;
    }
    *ret_whole = true;
    return p;
}

static int take_number(struct json_scan *s, const char **at, const char *end)
{
    const char *from = *at;
    bool whole;
    const char *p = number_end(from, end, &whole);

    if (p == end && !s->over)
        return MORE;
    if (!whole)
        return p == end ? cut(s) : broken(s, "it is no JSON");
    *at = p;
    return s->take->number(s->ctx, from, (size_t)(p - from));
}

static int take_word(struct json_scan *s, const char **at, const char *end)
{
    const char *word = **at == 't' ? "true" : **at == 'f' ? "false" : "null";
    size_t len = strlen(word), there = (size_t)(end - *at) < len ? (size_t)(end - *at) : len;

    if (memcmp(*at, word, there) != 0)
        return broken(s, "it is no JSON");
    if (there < len)
        return cut(s);
    *at += len;
    return s->take->word(s->ctx, *word);
}

// ---- the walk ----

static void behind_value(struct json_scan *s)
{
    s->expect = s->depth > 0 ? COMMA : NOTHING;
}

static int opens(struct json_scan *s, const char **at)
{
    bool list = **at == '[';
    uint64_t bit;

    if (s->depth == JSON_SCAN_DEPTH_MAX)
        return broken(s, "it is nested too deeply");
    bit = UINT64_C(1) << s->depth;
    s->lists = list ? s->lists | bit : s->lists & ~bit;
    s->depth++;
    s->expect = list ? VALUE_OR_END : NAME_OR_END;
    ++*at;
    return s->take->opens(s->ctx, list);
}

static bool in_list(const struct json_scan *s)
{
    return s->lists >> (s->depth - 1) & 1;
}

static int closes(struct json_scan *s, const char **at)
{
    s->depth--;
    behind_value(s);
    ++*at;
    return s->take->closes(s->ctx);
}

static int take_value(struct json_scan *s, const char **at, const char *end)
{
    int r;

    switch (**at) {
    case '"':
        r = take_text(s, at, end, false);
        break;
    case '{':
    case '[':
        return opens(s, at);
    case 't':
    case 'f':
    case 'n':
        r = take_word(s, at, end);
        break;
    default:
        r = take_number(s, at, end);
    }
    if (r == 0)
        behind_value(s);
    return r;
}

static int take_comma(struct json_scan *s, const char **at)
{
    if (**at == (in_list(s) ? ']' : '}'))
        return closes(s, at);
    if (**at != ',')
        return broken(s, "it is no JSON");
    s->expect = in_list(s) ? VALUE : NAME;
    ++*at;
    return 0;
}

static int take_name(struct json_scan *s, const char **at, const char *end)
{
    int r;

    if (s->expect == NAME_OR_END && **at == '}')
        return closes(s, at);
    if (**at != '"')
        return broken(s, "it is no JSON");
    r = take_text(s, at, end, true);
    if (r == 0)
        s->expect = COLON;
    return r;
}

// One token. MORE: the bytes do not have all of it.
static int step(struct json_scan *s, const char **at, const char *end)
{
    switch (s->expect) {
    case VALUE_OR_END:
        if (**at == ']')
            return closes(s, at);
        return take_value(s, at, end);
    case VALUE:
        return take_value(s, at, end);
    case NAME:
    case NAME_OR_END:
        return take_name(s, at, end);
    case COLON:
        if (**at != ':')
            return broken(s, "it is no JSON");
        s->expect = VALUE;
        ++*at;
        return 0;
    case COMMA:
        return take_comma(s, at);
    case NOTHING:
    default:
        return broken(s, "it is no JSON: something stands behind its end");
    }
}

static const char *behind_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

// What is left behind `*at` is the beginning of a token.
static int walk(struct json_scan *s, const char **at, const char *end)
{
    int r = 0;

    while (r == 0 && (*at = behind_blanks(*at, end)) < end)
        r = step(s, at, end);
    return r == MORE ? 0 : r;
}

// ---- pieces ----

static int hold(struct json_scan *s, const char *bytes, size_t len)
{
    if (s->room - s->n < len) {
        size_t room = s->n + len < 8192 ? 16384 : (s->n + len) * 2;
        char *more = erasing_realloc(s->held, room);
        if (!more)
            return -ENOMEM;
        s->held = more;
        s->room = room;
    }
    memcpy(s->held + s->n, bytes, len);
    s->n += len;
    return 0;
}

// A token that is still not whole is looked at again when half as much more of it is there: the
// bytes may come one by one.
static int walk_held(struct json_scan *s)
{
    const char *at = s->held;
    int r;

    if (s->n < s->again && !s->over)
        return 0;
    r = walk(s, &at, s->held + s->n);
    s->n -= (size_t)(at - s->held);
    memmove(s->held, at, s->n);
    s->again = s->n + s->n / 2 < JSON_SCAN_TEXT_MAX ? s->n + s->n / 2 : JSON_SCAN_TEXT_MAX + 1;
    if (r == 0 && s->n > JSON_SCAN_TEXT_MAX)
        return too_long(s);
    return r;
}

int json_scan_feed(struct json_scan *s, const char *bytes, size_t len)
{
    const char *at = bytes, *end = bytes + len;

    while (s->error == 0 && s->n > 0 && at < end) {
        size_t n = end - at < PART ? (size_t)(end - at) : PART;
        s->error = hold(s, at, n);
        at += n;
        if (s->error == 0)
            s->error = walk_held(s);
        if (s->n <= n) { // what is left over began in these bytes, and is read where they are
            at -= s->n;
            s->n = 0;
        }
    }
    if (s->error == 0)
        s->error = walk(s, &at, end);
    if (s->error == 0 && end - at > JSON_SCAN_TEXT_MAX)
        s->error = too_long(s);
    if (s->error == 0 && at < end)
        s->error = hold(s, at, (size_t)(end - at));
    if (s->n == (size_t)(end - at))
        s->again = 0;
    return s->error;
}

int json_scan_end(struct json_scan *s)
{
    if (s->error == 0 && !s->over) {
        s->over = true;
        if (s->n > 0)
            s->error = walk_held(s);
        if (s->error == 0 && s->expect != NOTHING)
            s->error = broken(s, "it is no JSON: it is cut short");
    }
    return s->error;
}
