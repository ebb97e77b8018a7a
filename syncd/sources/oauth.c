// SPDX-License-Identifier: BSD-2-Clause
// Who we are at an API.
#include "syncd/sources/oauth.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/erasing.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/wait.h"

#define FILE_MAX     (64 * 1024)
#define TOKEN_MAX    (16 * 1024)
#define LIFE_MAX     86400 // seconds
#define LIFE_UNSAID  300
#define ATTEMPTS_MAX 3 // of a token's request: two of DPoP's refusals may come before it is given
#define SAID_MAX     300

struct auth {
    struct auth_settings set;
    char *secret;
    char *token;
    int64_t renew_at; // of the monotonic clock
};

// ---- files ----

// By a path into /proc, which is a link: without O_NOFOLLOW, as the launcher placed it.
static int read_file(const char *path, char **ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *bytes = fd < 0 ? NULL : calloc(1, FILE_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;

    while (bytes && len < FILE_MAX && n > 0) {
        n = read(fd, bytes + len, FILE_MAX - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (!bytes || n < 0 || len == 0 || len == FILE_MAX || memchr(bytes, 0, len)) {
        erasing_free(bytes);
        return -EINVAL;
    }
    *ret = bytes;
    return 0;
}

static int read_secret(const char *path, char **ret, char *why, size_t why_len)
{
    char *text = NULL;

    if (!path || read_file(path, &text) < 0) {
        snprintf(why, why_len, "%s",
                 path ? "the file of the secret is empty or too long, or holds a NUL"
                      : "there is no secret: write secret_file");
        return -EINVAL;
    }
    text[strcspn(text, "\r\n")] = 0;
    for (const char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            *text = 0;
    if (!*text) {
        erasing_free(text);
        snprintf(why, why_len, "the first line of the file of the secret is no secret");
        return -EINVAL;
    }
    *ret = text;
    return 0;
}

// ---- opening ----

static bool is_oauth(const struct auth *a)
{
    return a->set.kind == AUTH_SECRET || a->set.kind == AUTH_CERTIFICATE || a->set.kind == AUTH_KEY;
}

static int check_settings(const struct auth *a, char *why, size_t why_len)
{
    const struct auth_settings *s = &a->set;
    const char *missing = NULL;

    if (s->kind == AUTH_BASIC && (!s->user || strchr(s->user, ':')))
        missing = "user, without a colon";
    if (is_oauth(a) && !s->client_id)
        missing = "client_id";
    if (is_oauth(a) && !s->token_url)
        missing = "token_url";
    if (!missing)
        return 0;
    snprintf(why, why_len, "nobody can sign in without %s", missing);
    return -EINVAL;
}

int auth_open(const struct auth_settings *settings, struct auth **ret, char *why, size_t why_len)
{
    struct auth *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return -ENOMEM;
    a->set = *settings;
    r = check_settings(a, why, why_len);
    if (r == 0 && (a->set.kind == AUTH_CERTIFICATE || a->set.kind == AUTH_KEY)) {
        snprintf(why, why_len, "keys are not there yet");
        r = -EINVAL;
    } else if (r == 0 && a->set.kind != AUTH_NONE) {
        r = read_secret(a->set.secret_file, &a->secret, why, why_len);
    }
    if (r < 0) {
        auth_close(a);
        return r;
    }
    *ret = a;
    return 0;
}

struct auth *auth_close(struct auth *a)
{
    if (!a)
        return NULL;
    erasing_free(a->secret);
    erasing_free_text(a->token);
    free(a);
    return NULL;
}

// ---- what is written ----

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64(const char *text)
{
    size_t len = strlen(text), n = 0;
    char *out = malloc((len + 2) / 3 * 4 + 1);

    for (size_t i = 0; out && i < len; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)text[i] << 16;
        v |= i + 1 < len ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
        v |= i + 2 < len ? (uint32_t)(unsigned char)text[i + 2] : 0;
        out[n++] = base64_letters[v >> 18];
        out[n++] = base64_letters[v >> 12 & 63];
        out[n++] = i + 1 < len ? base64_letters[v >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? base64_letters[v & 63] : '=';
    }
    if (out)
        out[n] = 0;
    return out;
}

static char *basic(const char *user, const char *secret)
{
    _cleanup_erase_ char *pair = NULL, *coded = NULL;
    char *line;

    if (asprintf(&pair, "%s:%s", user, secret) < 0) {
        pair = NULL;
        return NULL;
    }
    coded = base64(pair);
    return coded && asprintf(&line, "Basic %s", coded) >= 0 ? line : NULL;
}

// RFC 6749, 2.3.1: both are escaped as in a form before they are joined.
static char *basic_of_client(const struct auth *a)
{
    char *id = curl_easy_escape(NULL, a->set.client_id, 0);
    char *secret = curl_easy_escape(NULL, a->secret, 0);
    char *line = id && secret ? basic(id, secret) : NULL;

    curl_free(id);
    curl_free(secret); // which erases, see http_open
    return line;
}

static int put(FILE *f, const char *name, const char *value)
{
    char *escaped = value ? curl_easy_escape(NULL, value, 0) : NULL;

    if (value && !escaped)
        return -ENOMEM;
    if (escaped)
        fprintf(f, "&%s=%s", name, escaped);
    curl_free(escaped);
    return 0;
}

static int make_form(const struct auth *a, char **ret)
{
    char *form = NULL;
    size_t len;
    FILE *f = open_memstream(&form, &len);
    int r = f ? put(f, "scope", a->set.scope) : -ENOMEM;

    if (!f)
        return r;
    // A form begins with "&" then: a pair that is empty, which says nothing.
    if (r == 0)
        r = put(f, "grant_type", "client_credentials");
    if (r == 0 && (a->set.kind != AUTH_SECRET || a->set.secret_in_body))
        r = put(f, "client_id", a->set.client_id);
    if (r == 0 && a->set.kind == AUTH_SECRET && a->set.secret_in_body)
        r = put(f, "client_secret", a->secret);
    if (fclose(f) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0) {
        erasing_free_text(form);
        return r;
    }
    memmove(form, form + 1, len);
    *ret = form;
    return 0;
}

// ---- the token ----

// What a server says goes to logs: it is no place for a secret, though it echo one.
static void said(const struct auth *a, const json_t *body, char *buf, size_t len)
{
    const char *error = json_string_value(json_object_get(body, "error"));
    const char *more = json_string_value(json_object_get(body, "error_description"));

    if (!more)
        more = json_string_value(json_object_get(body, "errorSummary"));
    if ((a->secret && ((error && strstr(error, a->secret)) || (more && strstr(more, a->secret)))))
        snprintf(buf, len, ", with words that hold the secret");
    else
        snprintf(buf, len, "%s%.60s%s%.200s", error || more ? ": " : "", error ?: "",
                 error && more ? ": " : "", more ?: "");
}

static int refused(const struct auth *a, const struct http *h, const struct http_answer *answer,
                   char *why, size_t why_len)
{
    bool later = answer->status == 429 || answer->status >= 500;
    char text[SAID_MAX], clock[120] = "";
    int64_t skew;

    said(a, answer->json, text, sizeof(text));
    if (!later && http_skew(h, &skew) && (skew > 60 || skew < -60))
        snprintf(clock, sizeof(clock), " (the server's clock is %lld s from ours)",
                 (long long)skew);
    snprintf(why, why_len, "%.200s gave no token (%d)%s%s", a->set.token_url, answer->status, text,
             clock);
    return later ? -EAGAIN : -EACCES;
}

static bool is_token(const char *t)
{
    size_t len = t ? strlen(t) : 0;

    for (size_t i = 0; i < len; i++)
        if (t[i] < 0x21 || t[i] > 0x7e)
            return false;
    return len > 0 && len <= TOKEN_MAX;
}

static int take_token(struct auth *a, json_t *body, char *why, size_t why_len)
{
    const char *type = json_string_value(json_object_get(body, "token_type"));
    const char *token = json_string_value(json_object_get(body, "access_token"));
    int64_t life = LIFE_UNSAID;
    const json_t *n = json_object_get(body, "expires_in");

    if (json_is_integer(n) && json_integer_value(n) >= 0)
        life = json_integer_value(n) > LIFE_MAX ? LIFE_MAX : json_integer_value(n);
    if (!is_token(token) || !type || strcasecmp(type, "Bearer") != 0) {
        snprintf(why, why_len, "%.200s answered with no token that can be used", a->set.token_url);
        return -EBADMSG;
    }
    erasing_free_text(a->token);
    a->token = strdup(token);
    // Before its end, and not by everybody at the same second.
    a->renew_at = source_now_ms() + life * 800 + source_jitter(life * 100);
    return a->token ? 0 : -ENOMEM;
}

static int ask_once(struct auth *a, struct http *h, struct http_answer *ret, char *why,
                    size_t why_len)
{
    _cleanup_erase_ char *form = NULL, *line = NULL;
    struct http_request q = {.method = "POST",
                             .url = a->set.token_url,
                             .content_type = "application/x-www-form-urlencoded"};
    int r = make_form(a, &form);

    if (r < 0)
        return r;
    q.body = form;
    if (a->set.kind == AUTH_SECRET && !a->set.secret_in_body) {
        line = basic_of_client(a);
        if (!line)
            return -ENOMEM;
        q.header[q.n_headers++] = (struct http_header){"Authorization", line};
    }
    return http_send(h, NULL, &q, ret, why, why_len);
}

static int fetch(struct auth *a, struct http *h, char *why, size_t why_len)
{
    struct http_answer answer = {0};
    int r;

    // The answer holds the token: what jansson frees of it is erased.
    json_set_alloc_funcs(malloc, erasing_free);
    r = ask_once(a, h, &answer, why, why_len);
    if (r == 0 && answer.status == 200)
        r = take_token(a, answer.json, why, why_len);
    else if (r == 0)
        r = refused(a, h, &answer, why, why_len);
    http_answer_done(&answer);
    json_set_alloc_funcs(malloc, free);
    return r;
}

// ---- what goes with a request ----

static int with_token(struct auth *a, struct http *h, struct auth_headers *ret, char *why,
                      size_t why_len)
{
    int r = 0;

    if (!a->token || source_now_ms() >= a->renew_at)
        r = fetch(a, h, why, why_len);
    if (r < 0)
        return r;
    return asprintf(&ret->authorization, "Bearer %s", a->token) < 0 ? -ENOMEM : 0;
}

int auth_headers(struct auth *a, struct http *h, const char *method, const char *url,
                 struct auth_headers *ret, char *why, size_t why_len)
{
    struct auth_headers out = {0};
    int r = 0;

    (void)method;
    (void)url;
    switch (a->set.kind) {
    case AUTH_NONE:
        break;
    case AUTH_BASIC:
        out.authorization = basic(a->set.user, a->secret);
        r = out.authorization ? 0 : -ENOMEM;
        break;
    case AUTH_BEARER:
    case AUTH_SSWS:
        r = asprintf(&out.authorization, "%s %s", a->set.kind == AUTH_SSWS ? "SSWS" : "Bearer",
                     a->secret) < 0
                ? -ENOMEM
                : 0;
        break;
    case AUTH_SECRET:
    case AUTH_CERTIFICATE:
    case AUTH_KEY:
        r = with_token(a, h, &out, why, why_len);
        break;
    }
    if (r == 0)
        *ret = out;
    return r;
}

void auth_headers_done(struct auth_headers *headers)
{
    erasing_free_text(headers->authorization);
    erasing_free_text(headers->dpop);
    *headers = (struct auth_headers){0};
}

bool auth_refused(struct auth *a)
{
    a->renew_at = 0;
    return is_oauth(a);
}

void auth_nonce(struct auth *a, const char *url, const char *nonce)
{
    (void)a;
    (void)url;
    (void)nonce;
}
