// SPDX-License-Identifier: BSD-2-Clause
// What http.c decides by text alone.
#include "syncd/sources/http_text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "syncd/sources/http.h"

#define WAIT_MAX  (7 * 86400) // what a server asks for beyond is no answer but a mistake
#define VALUE_MAX 120         // of a query's parameter that is shown

// ---- URLs ----

static void url_done(CURLU **u)
{
    curl_url_cleanup(*u);
}

static char *part(const CURLU *u, CURLUPart what, unsigned flags)
{
    char *text = NULL;

    return curl_url_get((CURLU *)(uintptr_t)u, what, &text, flags) == CURLUE_OK ? text : NULL;
}

static CURLU *parse(const char *url)
{
    CURLU *u = curl_url();

    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

static bool same(char *a, char *b)
{
    bool r = a && b && strcasecmp(a, b) == 0;

    curl_free(a);
    curl_free(b);
    return r;
}

bool http_is_of(const char *url, const char *origin)
{
    __attribute__((cleanup(url_done))) CURLU *a = parse(url), *b = parse(origin);
    char *scheme = a ? part(a, CURLUPART_SCHEME, 0) : NULL;
    bool https = scheme && strcasecmp(scheme, "https") == 0;
    char *user = a ? part(a, CURLUPART_USER, 0) : NULL;

    curl_free(scheme);
    curl_free(user);
    return a && b && https && !user &&
           same(part(a, CURLUPART_SCHEME, 0), part(b, CURLUPART_SCHEME, 0)) &&
           same(part(a, CURLUPART_HOST, 0), part(b, CURLUPART_HOST, 0)) &&
           same(part(a, CURLUPART_PORT, CURLU_DEFAULT_PORT),
                part(b, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

const char *http_bare(const char *url, char *buf, size_t len)
{
    snprintf(buf, len, "%.*s", (int)strcspn(url, "?#"), url);
    return buf;
}

// `skiptoken` and `after` are tokens to go on with; `sig`, `code` and the like let somebody in.
static bool is_telling(const char *name, size_t len)
{
    static const char *const words[] = {"token", "secret", "key",       "password", "passwd",
                                        "code",  "auth",   "assertion", "sig",      "cursor"};
    char lower[64];

    if (len >= sizeof(lower))
        return true;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    lower[len] = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(lower, words[i]))
            return true;
    return false;
}

const char *http_shown(const char *url, char *buf, size_t len)
{
    const char *p = url + strcspn(url, "?#");
    size_t n;

    http_bare(url, buf, len);
    n = strlen(buf);
    while (*p && *p != '#' && n + 4 < len) {
        size_t pair = strcspn(p + 1, "&#"), name = strcspn(p + 1, "=&#");
        bool hide = name < pair && (pair - name > VALUE_MAX || is_telling(p + 1, name));
        snprintf(buf + n, len - n, "%.*s%s", (int)(hide ? name + 2 : pair + 1), p,
                 hide ? "..." : "");
        n = strlen(buf);
        p += pair + 1;
    }
    return buf;
}

char *http_resolve(const char *url, const char *link)
{
    __attribute__((cleanup(url_done))) CURLU *u = parse(url);
    char *whole, *ret;

    if (!u || curl_url_set(u, CURLUPART_URL, link, 0) != CURLUE_OK)
        return NULL;
    // An absolute one is used as it came: servers sign them, and compare byte for byte.
    if (strncasecmp(link, "https://", 8) == 0)
        return strdup(link);
    whole = part(u, CURLUPART_URL, 0);
    ret = whole ? strdup(whole) : NULL;
    curl_free(whole);
    return ret;
}

static bool put_escaped(FILE *to, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));

    if (escaped)
        fputs(escaped, to);
    curl_free(escaped);
    return escaped;
}

char *http_url(const char *base, ...)
{
    char *url = NULL, separator = strchr(base, '?') ? '&' : '?';
    const char *name, *value;
    bool whole = true;
    size_t len;
    va_list ap;
    FILE *f = open_memstream(&url, &len);

    if (!f)
        return NULL;
    fputs(base, f);
    va_start(ap, base);
    while (whole && (name = va_arg(ap, const char *)) && (value = va_arg(ap, const char *))) {
        fputc(separator, f);
        whole = put_escaped(f, name);
        fputc('=', f);
        whole = whole && put_escaped(f, value);
        separator = '&';
    }
    va_end(ap);
    if (fclose(f) != 0 || !whole) {
        free(url);
        return NULL;
    }
    return url;
}

// ---- headers ----

static const char *blank(const char *p)
{
    return p + strspn(p, " \t");
}

// One value of a parameter, a token or in quotes; says whether `word` is one of its words.
static const char *read_value(const char *p, const char *word, bool *ret_has)
{
    bool quoted = *p == '"';
    const char *start = p + quoted;
    size_t len = quoted ? 0 : strcspn(p, ",; \t"), n;

    if (quoted)
        while (start[len] && start[len] != '"')
            len += start[len] == '\\' && start[len + 1] ? 2 : 1;
    if (quoted && start[len] != '"')
        return NULL;
    *ret_has = false;
    for (const char *q = start; q < start + len; q += n ? n : 1) {
        n = strcspn(q, " \t\"");
        n = q + n > start + len ? (size_t)(start + len - q) : n;
        if (n == strlen(word) && strncasecmp(q, word, n) == 0)
            *ret_has = true;
    }
    return start + len + quoted;
}

// The parameters behind a link; NULL where they are none. Of several `rel` the first counts.
static const char *read_parameters(const char *p, bool *ret_next)
{
    bool seen = false;

    *ret_next = false;
    for (p = blank(p); *p == ';'; p = blank(p)) {
        const char *name = p = blank(p + 1);
        size_t len = strcspn(p, "=,; \t");
        bool has = false;
        p = blank(p + len);
        if (*p == '=') {
            p = read_value(blank(p + 1), "next", &has);
            if (!p)
                return NULL;
        }
        if (len == 3 && strncasecmp(name, "rel", 3) == 0 && !seen) {
            seen = true;
            *ret_next = has;
        }
    }
    return *p == ',' || !*p ? p : NULL;
}

char *http_link_next(const char *value)
{
    const char *p = value;

    while (p && *(p += strspn(p, " \t,"))) {
        const char *end = *p == '<' ? strchr(p, '>') : NULL, *link = p + 1;
        bool next;
        p = end ? read_parameters(end + 1, &next) : NULL;
        if (p && next)
            return strndup(link, (size_t)(end - link));
    }
    return NULL;
}

int64_t http_number(const char *value)
{
    uint64_t n;

    return rollcall_parse_u64(value, 0, INT64_MAX, &n) == 0 ? (int64_t)n : -1;
}

static int64_t bounded(int64_t seconds)
{
    return seconds < 0 ? 0 : seconds > WAIT_MAX ? WAIT_MAX : seconds;
}

int64_t http_retry_after(const char *value, int64_t date, int64_t now)
{
    int64_t n;

    if (!value || !*value)
        return -1;
    if (value[strspn(value, "0123456789")] == 0)
        return (n = http_number(value)) < 0 ? WAIT_MAX : bounded(n);
    n = (int64_t)curl_getdate(value, NULL);
    return n < 0 ? -1 : bounded(n - (date > 0 ? date : now));
}

int64_t http_rate_wait(int64_t limit, int64_t remaining, int64_t reset, int64_t date, int64_t now)
{
    if (reset <= 0 || remaining != 0 || limit == 0)
        return -1;
    // The instant itself is still of the old minute.
    return bounded(reset - (date > 0 ? date : now)) + 1;
}

bool http_is_json(const char *content_type)
{
    static const char json[] = "application/json", suffix[] = "+json";
    size_t len = content_type ? strcspn(content_type, "; \t") : 0;

    return (len == sizeof(json) - 1 && strncasecmp(content_type, json, len) == 0) ||
           (len > sizeof(suffix) && strncasecmp(content_type + len - 5, suffix, 5) == 0);
}
