// SPDX-License-Identifier: BSD-2-Clause
// Tokens: what a token endpoint is asked, and what it gives (RFC 6749, 7523, 9449).
#include "syncd/sources/oauth_token.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "rollcall/erasing.h"
#include "syncd/sources/wait.h"

#define TOKEN_MAX    (16 * 1024)
#define LIFE_MAX     86400 // seconds
#define LIFE_UNSAID  300
#define ATTEMPTS_MAX 3 // two of DPoP's refusals may come before a token is given
#define SAID_MAX     300

// ---- what is asked ----

// RFC 6749, 2.3.1: both are escaped as in a form before they are joined.
static char *basic_of_client(const struct auth *a)
{
    char *id = curl_easy_escape(NULL, a->set.client_id, 0);
    char *secret = curl_easy_escape(NULL, a->secret, 0);
    char *line = id && secret ? oauth_basic(id, secret) : NULL;

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

static int put_assertion(const struct auth *a, FILE *f)
{
    const struct auth_settings *s = &a->set;
    bool by_certificate = s->kind == AUTH_CERTIFICATE;
    json_t *header =
        json_pack("{s:s, s:s*, s:s*}", "typ", "JWT", "kid", by_certificate ? NULL : s->key_id,
                  "x5t#S256", by_certificate ? a->thumb : NULL);
    _cleanup_erase_ char *signed_claims =
        jose_sign(a->key, a->algorithm, header,
                  jose_assertion(s->client_id, s->audience ?: s->token_url, (int64_t)time(NULL),
                                 by_certificate));
    int r = signed_claims ? 0 : -EIO;

    if (r == 0)
        r = put(f, "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    if (r == 0)
        r = put(f, "client_assertion", signed_claims);
    return r;
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
    if (r == 0 && a->key)
        r = put_assertion(a, f);
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
static bool tells(const struct auth *a, const char *text)
{
    _cleanup_erase_ char *pair = NULL;

    if (!text || (!a->secret && !a->token))
        return false;
    if ((a->secret && strstr(text, a->secret)) || (a->token && strstr(text, a->token)))
        return true;
    if (a->set.kind == AUTH_BASIC)
        pair = oauth_basic(a->set.user, a->secret);
    else if (a->set.kind == AUTH_SECRET)
        pair = basic_of_client(a);
    return pair && strstr(text, strchr(pair, ' ') + 1);
}

static const char *member(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

// Of Graph, Okta, SCIM, PingOne, OAuth.
void auth_said(const struct auth *a, const json_t *body, char *buf, size_t len)
{
    const json_t *in = json_object_get(body, "error");
    const char *code, *text;

    if (!json_is_object(in))
        in = body;
    code = member(in, "code") ?: member(in, "errorCode") ?: member(in, "scimType");
    code = code ?: member(in, "error");
    text = member(in, "message") ?: member(in, "errorSummary") ?: member(in, "detail");
    text = text ?: member(in, "error_description");
    if (tells(a, code) || tells(a, text))
        snprintf(buf, len, ", with words that hold the secret");
    else
        snprintf(buf, len, "%s%.60s%s%.200s", code || text ? ": " : "", code ?: "",
                 code && text ? ": " : "", text ?: "");
}

static int refused(const struct auth *a, const struct http *h, const struct http_answer *answer,
                   char *why, size_t why_len)
{
    bool later = answer->status == 429 || answer->status >= 500;
    char text[SAID_MAX], clock[120] = "";
    int64_t skew;

    auth_said(a, answer->json, text, sizeof(text));
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

int oauth_take(struct auth *a, json_t *body, char *why, size_t why_len)
{
    const char *type = json_string_value(json_object_get(body, "token_type"));
    const char *token = json_string_value(json_object_get(body, "access_token"));
    const json_t *n = json_object_get(body, "expires_in");
    int64_t life = LIFE_UNSAID;
    bool bound = type && a->proves && strcasecmp(type, "DPoP") == 0;

    if (json_is_integer(n) && json_integer_value(n) >= 0)
        life = json_integer_value(n) > LIFE_MAX ? LIFE_MAX : json_integer_value(n);
    if (!is_token(token) || !type || (!bound && strcasecmp(type, "Bearer") != 0)) {
        snprintf(why, why_len, "%.200s answered with no token that can be used", a->set.token_url);
        return -EBADMSG;
    }
    erasing_free_text(a->token);
    a->token = strdup(token);
    a->bound = bound;
    // Before its end, and not by everybody at the same second.
    a->renew_at = source_now_ms() + life * 800 + source_jitter(life * 100);
    return a->token ? 0 : -ENOMEM;
}

// One request to the token endpoint, as it is made anew each time that it is sent.
struct asking {
    const struct auth *a;
    char *form, *basic, *proof;
};

static void asking_done(struct asking *q)
{
    erasing_free_text(q->form);
    erasing_free_text(q->basic);
    free(q->proof);
    q->form = q->basic = q->proof = NULL;
}

static int prepare(void *ctx, struct http_request *copy)
{
    struct asking *q = ctx;
    const struct auth *a = q->a;
    int r;

    asking_done(q);
    r = make_form(a, &q->form);
    if (r < 0)
        return r;
    copy->body = q->form;
    if (a->set.kind == AUTH_SECRET && !a->set.secret_in_body) {
        q->basic = basic_of_client(a);
        if (!q->basic)
            return -ENOMEM;
        copy->header[copy->n_headers++] = (struct http_header){"Authorization", q->basic};
    }
    if (!a->proves)
        return 0;
    q->proof = oauth_proof(a, "POST", a->set.token_url, a->token_nonce, NULL);
    copy->header[copy->n_headers++] = (struct http_header){"DPoP", q->proof};
    return q->proof ? 0 : -EIO;
}

static int ask_once(struct auth *a, struct http *h, struct http_answer *ret, char *why,
                    size_t why_len)
{
    struct asking asking = {.a = a};
    struct http_request q = {.method = "POST",
                             .url = a->set.token_url,
                             .content_type = "application/x-www-form-urlencoded",
                             .prepare = prepare,
                             .prepare_ctx = &asking};
    int r = http_send(h, NULL, &q, ret, why, why_len);

    asking_done(&asking);
    return r;
}

// DPoP begins where it is asked for, and goes on with the nonce that was given. True: ask again.
static bool heed_dpop(struct auth *a, const struct http_answer *answer)
{
    const char *error = json_string_value(json_object_get(answer->json, "error"));
    bool began = a->proves, nonce = answer->nonce;

    if (nonce)
        oauth_keep_nonce(&a->token_nonce, answer->nonce);
    if (answer->status == 200 || !error)
        return false;
    if (strcmp(error, "use_dpop_nonce") != 0 && strcmp(error, "invalid_dpop_proof") != 0)
        return false;
    if (!a->proofs)
        a->proofs = jose_key_new();
    a->proves = a->proofs;
    return a->proves && (!began || nonce);
}

int oauth_fetch(struct auth *a, struct http *h, char *why, size_t why_len)
{
    struct http_answer answer = {0};
    bool again = true;
    int r = 0;

    // The answer holds the token: what jansson frees of it is erased.
    json_set_alloc_funcs(malloc, erasing_free);
    for (int n = 0; again && n < ATTEMPTS_MAX; n++) {
        http_answer_done(&answer);
        r = ask_once(a, h, &answer, why, why_len);
        again = r == 0 && heed_dpop(a, &answer);
    }
    if (r == 0 && answer.status == 200)
        r = oauth_take(a, answer.json, why, why_len);
    else if (r == 0)
        r = refused(a, h, &answer, why, why_len);
    http_answer_done(&answer);
    json_set_alloc_funcs(malloc, free);
    return r;
}
