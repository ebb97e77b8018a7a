// SPDX-License-Identifier: BSD-2-Clause
// What the layer of sources over an API decides by itself: URLs, headers, how long to wait,
// and what is signed.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjose/cjose.h>
#include <cmocka.h>
#include <curl/curl.h>

#include "rollcall/erasing.h"
#include "syncd/sources/http.h"
#include "syncd/sources/http_text.h"
#include "syncd/sources/oauth_token.h"

// ---- URLs ----

static void a_url_of_parameters_is_escaped(void **state)
{
    char *url = http_url("https://h/users", "$select", "id,a b", "filter", "x eq \"y&z\"", NULL);
    char *more = http_url(url, "after", "é", NULL);

    (void)state;
    assert_string_equal(url, "https://h/users?%24select=id%2Ca%20b&filter=x%20eq%20%22y%26z%22");
    assert_string_equal(strrchr(more, '&'), "&after=%C3%A9");
    free(url);
    free(more);
    url = http_url("https://h/", NULL);
    assert_string_equal(url, "https://h/");
    free(url);
}

static void resolves(const char *base, const char *link, const char *expected)
{
    char *url = http_resolve(base, link);

    if (expected)
        assert_string_equal(url, expected);
    else
        assert_null(url);
    free(url);
}

static void a_link_is_resolved_and_an_absolute_one_kept_byte_for_byte(void **state)
{
    (void)state;
    resolves("https://h/a/b?c=d", "e?f=g", "https://h/a/e?f=g");
    resolves("https://h/a/b", "/e", "https://h/e");
    resolves("https://h/a/b", "?after=1", "https://h/a/b?after=1");
    resolves("https://h:8443/a", "//other/e", "https://other/e");
    resolves("https://h/a",
             "https://h/./x%2f?$skiptoken=a%2Bb==", "https://h/./x%2f?$skiptoken=a%2Bb==");
    resolves("https://h/a", "http://h/x", "http://h/x"); // and is of no origin then
    resolves("https://h/a", "https://h:99999/x", NULL);
    resolves("no address", "x", NULL);
}

static void a_url_is_of_an_origin_by_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(http_is_of("https://Example.com/x?y", "https://example.COM"));
    assert_true(http_is_of("https://example.com:443/x", "https://example.com"));
    assert_true(http_is_of("https://h:8443/", "https://h:8443"));
    assert_false(http_is_of("https://h:8443/", "https://h"));
    assert_false(http_is_of("http://h/", "https://h"));
    assert_false(http_is_of("http://h/", "http://h"));
    assert_false(http_is_of("https://h.evil.example/", "https://h"));
    assert_false(http_is_of("https://h@evil.example/", "https://h"));
    assert_false(http_is_of("https://me:pw@h/", "https://h"));
    assert_false(http_is_of("https://evil.example\\@h/", "https://h"));
    assert_false(http_is_of("https://evil.example#@h/", "https://h"));
    assert_false(http_is_of("https:///x", "https://h"));
    assert_false(http_is_of("", "https://h"));
    assert_false(http_is_of("https://h/", "h"));
}

static void shown(const char *url, const char *expected)
{
    char buf[200];

    assert_string_equal(http_shown(url, buf, sizeof(buf)), expected);
}

static void a_trace_shows_a_query_but_no_token_in_it(void **state)
{
    char small[24], url[600], buf[200];

    (void)state;
    shown("https://h/x?$select=id&after=200u1&limit=5#f",
          "https://h/x?$select=id&after=200u1&limit=5");
    shown("https://h/x?$skiptoken=abc&limit=5", "https://h/x?$skiptoken=...&limit=5");
    shown("https://h/x?a=1&ACCESS_TOKEN=abc", "https://h/x?a=1&ACCESS_TOKEN=...");
    shown("https://h/x?sig=abc&code=d&client_secret=e",
          "https://h/x?sig=...&code=...&client_secret=...");
    shown("https://h/x", "https://h/x");
    shown("https://h/x?", "https://h/x?");
    shown("https://h/x?token", "https://h/x?token");
    snprintf(url, sizeof(url), "https://h/x?q=%0500d", 7);
    assert_string_equal(http_shown(url, buf, sizeof(buf)), "https://h/x?q=...");
    http_shown("https://host.example/a?token=abcdefgh&b=c", small, sizeof(small));
    assert_null(strstr(small, "abc"));
    assert_string_equal(http_bare("https://h/x?y#z", buf, sizeof(buf)), "https://h/x");
}

// ---- headers ----

static void next_is(const char *value, const char *expected)
{
    char *link = http_link_next(value);

    if (expected)
        assert_string_equal(link, expected);
    else
        assert_null(link);
    free(link);
}

static void the_next_page_is_found_in_a_link_header(void **state)
{
    (void)state;
    next_is("<https://h/x?a=1&b=2>; rel=\"next\"", "https://h/x?a=1&b=2");
    next_is("<s>; rel=\"self\", <n>; rel=\"next\"", "n");
    next_is("<s>; rel=self,<n>;rel=next", "n");
    next_is("<n>; title=\"a, <x>; rel=next\"; rel=\"prev NEXT\"", "n");
    next_is("<n;a,b>; rel=next", "n;a,b");
    next_is("<n>; REL = next", "n");
    next_is("<n>; flag; rel=next", "n");
    next_is(", ,<n>; rel=next", "n");
    next_is("<>; rel=next", "");
    next_is("<n>; rel=self; rel=next", NULL); // RFC 8288, 3.3: the first one counts
    next_is("<n>; rel=\"nextish\"", NULL);
    next_is("<n>; rel=\"next", NULL);
    next_is("<n; rel=next", NULL);
    next_is("<n> rel=next", NULL);
    next_is("n; rel=next", NULL);
    next_is("<n>; xrel=next", NULL);
    next_is("<n>", NULL);
    next_is("", NULL);
}

#define NOW 1795521600 // 2026-11-24T12:00:00Z

static void a_server_says_how_long_to_stay_away(void **state)
{
    (void)state;
    assert_int_equal(http_retry_after("120", 0, NOW), 120);
    assert_int_equal(http_retry_after("0", 0, NOW), 0);
    assert_int_equal(http_retry_after("99999999999999999999999", 0, NOW), 7 * 86400);
    assert_int_equal(http_retry_after("-1", 0, NOW), -1);
    assert_int_equal(http_retry_after("soon", 0, NOW), -1);
    assert_int_equal(http_retry_after("", 0, NOW), -1);
    assert_int_equal(http_retry_after(NULL, 0, NOW), -1);
    assert_int_equal(http_retry_after("Tue, 24 Nov 2026 12:01:00 GMT", NOW, 5), 60);
    assert_int_equal(http_retry_after("Tue, 24 Nov 2026 12:01:00 GMT", 0, NOW), 60);
    // Its clock is an hour ahead of ours, and the instant is one of its clock.
    assert_int_equal(http_retry_after("Tue, 24 Nov 2026 13:00:30 GMT", NOW + 3600, NOW), 30);
    assert_int_equal(http_retry_after("Tue, 24 Nov 2026 11:00:00 GMT", NOW, NOW), 0);
}

static void a_limit_ends_at_an_instant_of_the_servers_clock(void **state)
{
    (void)state;
    assert_int_equal(http_rate_wait(600, 0, NOW + 40, NOW, 5), 41);
    assert_int_equal(http_rate_wait(600, 0, NOW + 40, 0, NOW), 41);
    assert_int_equal(http_rate_wait(600, 0, NOW - 40, NOW, NOW), 1);
    assert_int_equal(http_rate_wait(600, 0, INT64_MAX, NOW, NOW), 7 * 86400 + 1);
    assert_int_equal(http_rate_wait(600, 5, NOW + 40, NOW, NOW), -1);
    assert_int_equal(http_rate_wait(0, 0, NOW + 40, NOW, NOW), -1); // concurrent: a guess
    assert_int_equal(http_rate_wait(-1, -1, -1, NOW, NOW), -1);
    assert_int_equal(http_number("17"), 17);
    assert_int_equal(http_number("17x"), -1);
    assert_int_equal(http_number("-1"), -1);
}

static void a_type_is_json_or_not(void **state)
{
    (void)state;
    assert_true(http_is_json("application/json"));
    assert_true(http_is_json("application/json;odata.metadata=minimal; charset=utf-8"));
    assert_true(http_is_json("application/scim+json"));
    assert_true(http_is_json("APPLICATION/Problem+JSON ; x"));
    assert_false(http_is_json("text/json5"));
    assert_false(http_is_json("application/jsonp"));
    assert_false(http_is_json("+json"));
    assert_false(http_is_json("text/html; a=application/json"));
    assert_false(http_is_json(NULL));
}

static void wrong_is(const char *bytes, size_t len, const char *expected)
{
    const char *wrong = NULL;
    json_t *json = json_value(bytes, len, &wrong);

    if (expected && !strstr(wrong ?: "", expected))
        fail_msg("%.*s: %s", (int)len, bytes, wrong);
    assert_int_equal(json == NULL, expected != NULL);
    json_decref(json);
}

#define WRONG(text, expected) wrong_is(text, sizeof(text) - 1, expected)

static void a_body_is_strict_json_of_bounded_depth(void **state)
{
    char deep[2 * HTTP_DEPTH_MAX + 2];

    (void)state;
    WRONG("{\"a\":[1,2,{\"b\":null}]}", NULL);
    WRONG("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]", NULL);
    WRONG("{\"a\":1,\"a\":2}", "it has a member twice");
    WRONG("[\"a\\u0000b\"]", "it has a NUL in a string");
    WRONG("[\"\xff\"]", "it is not UTF-8");
    WRONG("[1,", "it is cut short");
    WRONG("{\"a\":1,\"\":1,\"\":2}", "it has a member twice");
    WRONG("[1]x", "it is no JSON");
    WRONG("[1]\0", "it is no JSON");
    WRONG("[1e999]", "it has a number out of range");
    WRONG("[9223372036854775808]", "it has a number out of range");
    WRONG("[\"\\ud83d\\ude00\"]", NULL);
    WRONG("[\"\\\\ud83d\"]", NULL); // a backslash, and letters
    WRONG("[\"\\ud83d\"]", "half of a surrogate pair");
    WRONG("[\"\\ude00\"]", "half of a surrogate pair");
    WRONG("[\"\\ud83d\\u0041\"]", "half of a surrogate pair");
    WRONG("[\"\xc0\x80\"]", "it is not UTF-8");
    WRONG("{\"\xed\xa0\x80\":1}", "it is not UTF-8");
    WRONG("{\"a\\u0000\":1}", "it has a NUL in a string");
    WRONG("\"a\"", "it is no JSON");
    WRONG("[1] [2]", "it is no JSON");
    WRONG("[1 /* */]", "it is no JSON");
    memset(deep, '[', HTTP_DEPTH_MAX + 1);
    wrong_is(deep, HTTP_DEPTH_MAX + 1, "it is nested too deeply");
    memset(deep, '[', HTTP_DEPTH_MAX);
    memset(deep + HTTP_DEPTH_MAX, ']', HTTP_DEPTH_MAX);
    wrong_is(deep, (size_t)HTTP_DEPTH_MAX * 2, NULL);
}

// ---- what is signed ----

static json_t *payload_of(const char *compact, const struct jose_key *k, const char *alg)
{
    cjose_jws_t *jws = cjose_jws_import(compact, strlen(compact), NULL);
    json_t *public_key = jose_public(k);
    char *public_text = json_dumps(public_key, 0);
    cjose_jwk_t *jwk = cjose_jwk_import(public_text, strlen(public_text), NULL);
    uint8_t *text;
    size_t len;
    json_t *ret;

    assert_non_null(strstr(public_text, "\"kty\""));
    assert_null(strstr(public_text, "\"d\""));
    assert_string_equal(cjose_header_get(cjose_jws_get_protected(jws), "alg", NULL), alg);
    assert_true(cjose_jws_verify(jws, jwk, NULL));
    assert_true(cjose_jws_get_plaintext(jws, &text, &len, NULL));
    ret = json_loadb((const char *)text, len, 0, NULL);
    cjose_jws_release(jws);
    cjose_jwk_release(jwk);
    free(public_text);
    json_decref(public_key);
    return ret;
}

static const char *member(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static void a_proof_is_for_one_request_and_one_token(void **state)
{
    struct jose_key *k = jose_key_new();
    char *a = jose_sign(k, "ES256", json_pack("{s:s}", "typ", "dpop+jwt"),
                        jose_proof("GET", "https://h/x?after=1#f", "n1", "at-1", NOW));
    json_t *claims = payload_of(a, k, "ES256"),
           *other = jose_proof("POST", "https://h/t", NULL, NULL, NOW);

    (void)state;
    assert_string_equal(member(claims, "htm"), "GET");
    assert_string_equal(member(claims, "htu"), "https://h/x");
    assert_string_equal(member(claims, "nonce"), "n1");
    // base64url of the SHA-256 of at-1.
    assert_string_equal(member(claims, "ath"), "R8PYaIQdcYEdkSc9TeGyiUqSAedmCQuOQImPRh1E3HI");
    assert_int_equal(json_integer_value(json_object_get(claims, "iat")), NOW);
    assert_null(json_object_get(other, "nonce"));
    assert_null(json_object_get(other, "ath"));
    assert_string_not_equal(member(claims, "jti"), member(other, "jti"));
    json_decref(claims);
    json_decref(other);
    free(a);
    jose_key_free(k);
}

static void an_assertion_says_who_to_whom_and_for_how_long(void **state)
{
    json_t *a = jose_assertion("me", "https://h/token", NOW, 1),
           *b = jose_assertion("me", "you", NOW, 0);

    (void)state;
    assert_string_equal(member(a, "iss"), "me");
    assert_string_equal(member(a, "sub"), "me");
    assert_string_equal(member(a, "aud"), "https://h/token");
    assert_int_equal(json_integer_value(json_object_get(a, "iat")), NOW);
    assert_int_equal(json_integer_value(json_object_get(a, "nbf")), NOW);
    assert_int_equal(json_integer_value(json_object_get(a, "exp")), NOW + 300);
    assert_null(json_object_get(b, "nbf"));
    assert_int_equal(strlen(member(a, "jti")), JOSE_UUID - 1);
    assert_string_not_equal(member(a, "jti"), member(b, "jti"));
    json_decref(a);
    json_decref(b);
}

static void a_key_that_cannot_be_used_is_told(void **state)
{
    static const char *const wrong[] = {
        "", "rubbish", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    struct jose_key *k = NULL;
    char why[300] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(jose_key_read(wrong[i], &k, why, sizeof(why)), -EINVAL);
        assert_non_null(strstr(why, "no private key in PEM"));
    }
}

// ---- tokens ----

static int take(struct auth *a, const char *text)
{
    json_t *body = json_loads(text, 0, NULL);
    char why[300] = "";
    int r = oauth_take(a, body, why, sizeof(why));

    json_decref(body);
    return r;
}

static void a_token_is_one_word_of_a_kind_that_we_asked_for(void **state)
{
    struct auth a = {.set = {.token_url = "https://h/t"}};

    (void)state;
    assert_int_equal(
        take(&a, "{\"access_token\":\"a.b\",\"token_type\":\"bearer\",\"expires_in\":60}"), 0);
    assert_string_equal(a.token, "a.b");
    assert_false(a.bound);
    assert_int_equal(take(&a, "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}"), -EBADMSG);
    assert_int_equal(take(&a, "{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}"),
                     -EBADMSG);
    assert_int_equal(take(&a, "{\"access_token\":\"\",\"token_type\":\"Bearer\"}"), -EBADMSG);
    assert_int_equal(take(&a, "{\"access_token\":\"t\"}"), -EBADMSG);
    assert_int_equal(take(&a, "{\"access_token\":\"t\",\"token_type\":\"mac\"}"), -EBADMSG);
    assert_int_equal(take(&a, "{\"access_token\":\"t\",\"token_type\":\"DPoP\"}"), -EBADMSG);
    assert_int_equal(take(&a, "[]"), -EBADMSG);
    assert_string_equal(a.token, "a.b");
    a.proves = true;
    assert_int_equal(take(&a, "{\"access_token\":\"t\",\"token_type\":\"DPoP\",\"expires_in\":-5}"),
                     0);
    assert_true(a.bound);
    erasing_free_text(a.token);
}

// What is said of an error that an API answers with these words.
static const char *said_of(const struct auth *a, const char *words)
{
    json_t *body = json_pack("{s:{s:s, s:s}}", "error", "code", "Denied", "message", words);
    static char text[300];

    auth_said(a, body, text, sizeof(text));
    json_decref(body);
    return text;
}

static void what_a_server_says_of_an_error_never_holds_the_secret(void **state)
{
    struct auth a = {.set = {.kind = AUTH_BASIC, .user = "Aladdin"},
                     .secret = (char *)(uintptr_t) "open sesame",
                     .token = (char *)(uintptr_t) "a.b.c"};
    json_t *body =
        json_pack("{s:s, s:s}", "error", "invalid_client", "error_description", "open sesame!");
    char text[300];

    (void)state;
    auth_said(&a, body, text, sizeof(text));
    assert_null(strstr(text, "sesame"));
    json_object_set_new(body, "error_description", json_string("expired"));
    auth_said(&a, body, text, sizeof(text));
    assert_string_equal(text, ": invalid_client: expired");
    json_decref(body);
    assert_string_equal(said_of(&a, "no such user"), ": Denied: no such user");
    assert_null(strstr(said_of(&a, "Authorization: Bearer a.b.c"), "a.b.c"));
    assert_null(strstr(said_of(&a, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "QWxh"));
    a.set = (struct auth_settings){.kind = AUTH_SECRET, .client_id = "Aladdin"};
    assert_null(strstr(said_of(&a, "Basic QWxhZGRpbjpvcGVuJTIwc2VzYW1l"), "QWxh"));
}

static void a_name_and_a_password_go_in_base64(void **state)
{
    static const char *const pairs[][2] = {{"", "Basic Og=="},
                                           {"a", "Basic OmE="},
                                           {"ab", "Basic OmFi"},
                                           {"\xff\xfe\xfd", "Basic Ov/+/Q=="}};

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char *line = oauth_basic("", pairs[i][0]);
        assert_string_equal(line, pairs[i][1]);
        free(line);
    }
}

static void memory_that_grows_is_kept_and_what_it_left_is_erased(void **state)
{
    char *p = erasing_realloc(NULL, 16);

    (void)state;
    memcpy(p, "secret", 7);
    p = erasing_realloc(p, 100000);
    assert_string_equal(p, "secret");
    p = erasing_realloc(p, 8);
    assert_string_equal(p, "secret");
    erasing_free(p);
    erasing_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_of_parameters_is_escaped),
        cmocka_unit_test(a_link_is_resolved_and_an_absolute_one_kept_byte_for_byte),
        cmocka_unit_test(a_url_is_of_an_origin_by_scheme_host_and_port),
        cmocka_unit_test(a_trace_shows_a_query_but_no_token_in_it),
        cmocka_unit_test(the_next_page_is_found_in_a_link_header),
        cmocka_unit_test(a_server_says_how_long_to_stay_away),
        cmocka_unit_test(a_limit_ends_at_an_instant_of_the_servers_clock),
        cmocka_unit_test(a_type_is_json_or_not),
        cmocka_unit_test(a_body_is_strict_json_of_bounded_depth),
        cmocka_unit_test(a_proof_is_for_one_request_and_one_token),
        cmocka_unit_test(an_assertion_says_who_to_whom_and_for_how_long),
        cmocka_unit_test(a_key_that_cannot_be_used_is_told),
        cmocka_unit_test(a_token_is_one_word_of_a_kind_that_we_asked_for),
        cmocka_unit_test(what_a_server_says_of_an_error_never_holds_the_secret),
        cmocka_unit_test(a_name_and_a_password_go_in_base64),
        cmocka_unit_test(memory_that_grows_is_kept_and_what_it_left_is_erased),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
