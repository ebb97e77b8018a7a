// SPDX-License-Identifier: BSD-2-Clause
// What a server over HTTPS says, read by code of ours: Link, Retry-After, numbers, addresses, a
// body's JSON, a token's answer. The first byte chooses which. No wait is longer than a week, no
// JSON deeper or stricter than promised, no token breaks a header, no address passes for ours
// that libcurl would take elsewhere, and no trace shows the value of a token.
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/erasing.h"
#include "syncd/sources/http.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/oauth_token.h"
#include "syncd/sources/value.h"

#define WEEK (7 * 86400)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void headers(const char *text)
{
    char *link = http_link_next(text);
    int64_t n = http_retry_after(text, 0, 1795521600), m = http_number(text);

    if (link && !strstr(text, link))
        abort();
    if (n < -1 || n > WEEK || m < -1)
        abort();
    n = http_rate_wait(1, 0, m, 0, 1795521600);
    if (n < -1 || n > WEEK + 1)
        abort();
    http_is_json(text);
    free(link);
}

static void addresses(const char *text)
{
    char buf[300], *url = http_resolve("https://host.example/v1/users?after=1", text);

    if (url && http_is_of(url, "https://host.example")) {
        CURLU *u = curl_url();
        char *host = NULL;
        if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
            curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
            strcasecmp(host, "host.example") != 0)
            abort();
        curl_free(host);
        curl_url_cleanup(u);
    }
    free(url);
    http_is_of(text, "https://host.example");
    http_bare(text, buf, sizeof(buf));
    http_shown(text, buf, sizeof(buf));
}

// "a=1&token=" and the input: whatever it is, up to its end by & or # it is not shown.
static void traces(const char *text)
{
    char url[8300], buf[9000];

    snprintf(url, sizeof(url), "https://h/x?a=1&token=SECRET%.*s", (int)strcspn(text, "&#"), text);
    http_shown(url, buf, sizeof(buf));
    if (strstr(buf, "SECRET"))
        abort();
}

static bool is_within(const json_t *v, int depth)
{
    bool ok = depth <= HTTP_DEPTH_MAX || (!json_is_object(v) && !json_is_array(v));
    const char *name;
    json_t *in;
    size_t i;

    if (!ok)
        return false;
    json_object_foreach((json_t *)(uintptr_t)v, name, in) ok =
        ok && strlen(name) < 1024 && is_within(in, depth + 1);
    json_array_foreach(v, i, in) ok = ok && is_within(in, depth + 1);
    return ok;
}

// As jansson, which was there first, reads it; but for the depth, the length of names, and a byte
// of zero behind a number: jansson skips that ("[9\0]" is [9] to it), and ours refuses it.
static void body(const uint8_t *bytes, size_t len)
{
    const char *wrong = NULL;
    json_t *json = json_value((const char *)bytes, len, &wrong),
           *other = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);

    if (!json == !wrong)
        abort();
    if (json ? !json_equal(json, other) : other && !memchr(bytes, 0, len) && is_within(other, 1))
        abort();
    json_decref(json);
    json_decref(other);
}

// What is read for rows is what is read for all else, and is said as jansson says it.
static void values(const uint8_t *bytes, size_t len)
{
    struct values *in = values_new((size_t)1 << 24);
    const char *wrong = NULL, *none = NULL, *said;
    const struct value *v = in ? values_read(in, (const char *)bytes, len, NULL, &wrong) : NULL;
    json_t *json = json_value((const char *)bytes, len, &none);
    char *theirs = json ? json_dumps(json, JSON_COMPACT) : NULL;
    size_t n;

    if (!in || !v != !json || !v == !wrong)
        abort();
    said = v ? value_json(in, v, &n) : NULL;
    if (v && (!said || !theirs || strlen(said) != n || strcmp(said, theirs) != 0))
        abort();
    free(theirs);
    json_decref(json);
    values_free(in);
}

static void token(const uint8_t *bytes, size_t len)
{
    struct auth a = {.set = {.token_url = "https://h/t"}, .secret = (char *)(uintptr_t) "sec"};
    const char *wrong;
    char why[300], text[300];
    json_t *json = json_value((const char *)bytes, len, &wrong);

    for (int proves = 0; json && proves < 2; proves++) {
        a.proves = proves;
        if (oauth_take(&a, json, why, sizeof(why)) == 0 &&
            (!*a.token || strpbrk(a.token, " \r\n\t") || (a.bound && !proves)))
            abort();
        auth_said(&a, json, text, sizeof(text));
        if (strstr(text, "sec") && !strstr(text, "the secret"))
            abort();
    }
    erasing_free_text(a.token);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[8193];

    if (len < 1 || len > sizeof(text) - 1)
        return 0;
    memcpy(text, bytes + 1, len - 1);
    text[len - 1] = 0;
    switch (bytes[0] % 5) {
    case 0:
        headers(text);
        break;
    case 1:
        addresses(text);
        break;
    case 2:
        traces(text);
        break;
    case 3:
        body(bytes + 1, len - 1);
        values(bytes + 1, len - 1);
        break;
    default:
        token(bytes + 1, len - 1);
    }
    return 0;
}
