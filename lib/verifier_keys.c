// SPDX-License-Identifier: BSD-2-Clause
// Security keys, for root's programs. An enrolment is a conversation: somebody may have to
// type a PIN, and has to touch.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/verifier_meaning.h"
#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/paths.h"
#include "rollcall/secret.h"
#include "rollcall/security_key.h"
#include "rollcall/verifier_client.h"

#define RESULT_MS 10000

static int answer(const struct rollcall_key_wish *wish, int fd,
                  const struct rollcall_packet *prompt)
{
    _cleanup_secret_ struct rollcall_secret typed = {0};
    _cleanup_packet_ struct rollcall_packet p = {0};
    char text[ROLLCALL_PACKET_TEXT_MAX + 1];
    int r = rollcall_packet_get_text(prompt, ROLLCALL_FIELD_TEXT, text, sizeof(text));

    if (r == 0)
        r = wish->ask(text, typed.bytes, sizeof(typed.bytes));
    if (r < 0)
        return r;
    rollcall_packet_start(&p, ROLLCALL_PACKET_ANSWER);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, typed.bytes);
    return r == 0 ? rollcall_packet_send(fd, &p, RESULT_MS) : r;
}

static int read_enrolled(const struct rollcall_packet *p, struct rollcall_key_facts *ret)
{
    struct rollcall_key_facts k = {0};
    int64_t uv, attested;

    if (rollcall_packet_get_text(p, ROLLCALL_FIELD_LABEL, k.label, sizeof(k.label)) < 0 ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_PIN_WANTED, &uv) < 0 ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_ATTESTED, &attested) < 0)
        return -EPROTO;
    k.verifies_user = uv != 0;
    k.attested = attested != 0;
    *ret = k;
    return 0;
}

static void show(const struct rollcall_key_wish *wish, const struct rollcall_packet *p)
{
    char text[ROLLCALL_PACKET_TEXT_MAX + 1];

    if (rollcall_packet_get_text(p, ROLLCALL_FIELD_TEXT, text, sizeof(text)) == 0 && *text)
        wish->show(text);
}

static int converse(const struct rollcall_key_wish *wish, int fd, struct rollcall_key_facts *ret,
                    char *why, size_t why_len)
{
    for (;;) {
        _cleanup_packet_ struct rollcall_packet p = {0};
        int64_t code = -1;
        int type = -1, r = rollcall_packet_receive(fd, &p, RESULT_MS, &type);
        if (r < 0)
            return r == -EBADMSG || r == -EPIPE ? -EPROTO : r;
        if (type == ROLLCALL_PACKET_PROMPT) {
            r = answer(wish, fd, &p);
            if (r < 0)
                return r;
            continue;
        }
        if (type == ROLLCALL_PACKET_WAIT) {
            show(wish, &p);
            continue;
        }
        if (type != ROLLCALL_PACKET_RESULT ||
            rollcall_packet_get_number(&p, ROLLCALL_FIELD_CODE, &code) < 0)
            return -EPROTO;
        if (code == ROLLCALL_RESULT_REFUSED &&
            rollcall_packet_get_text(&p, ROLLCALL_FIELD_TEXT, why, why_len) < 0)
            why[0] = 0;
        r = rollcall_verifier_meaning(code);
        return r == 0 ? read_enrolled(&p, ret) : r;
    }
}

int rollcall_verifier_enroll_key(const char *user, const struct rollcall_key_wish *wish,
                                 struct rollcall_key_facts *ret, char *why, size_t why_len)
{
    _cleanup_(rollcall_verifier_hang_up) struct rollcall_verifier_link link =
        ROLLCALL_VERIFIER_LINK_NONE;
    struct rollcall_packet p;
    int r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_ENROL_KEY);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_LABEL, wish->label);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_BY, wish->by);
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_PIN_WANTED, wish->pin);
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_ATTESTED, wish->attested);
    if (r == 0)
        r = rollcall_verifier_dial(ROLLCALL_VERIFIER_SOCK, ROLLCALL_VERIFIER,
                                   rollcall_deadline_in(RESULT_MS), &link);
    if (r == 0)
        r = rollcall_packet_send(link.fd, &p, RESULT_MS);
    why[0] = 0;
    return r == 0 ? converse(wish, link.fd, ret, why, why_len) : r;
}

// "1764100000 3 00112233445566778899aabbccddeeff blue key"
static int read_key(char *text, struct rollcall_key_facts *ret)
{
    struct rollcall_key_facts k = {0};
    char *flags = strchr(text, ' '), *model = flags ? strchr(flags + 1, ' ') : NULL,
         *label = model ? strchr(model + 1, ' ') : NULL;
    uint64_t at, bits;

    if (!label)
        return -EPROTO;
    *flags++ = *model++ = *label++ = 0;
    if (rollcall_parse_u64(text, 0, INT64_MAX, &at) < 0 ||
        rollcall_parse_u64(flags, 0, 255, &bits) < 0 || strlen(model) >= sizeof(k.model) ||
        strlen(label) >= sizeof(k.label))
        return -EPROTO;
    memcpy(k.model, model, strlen(model) + 1);
    memcpy(k.label, label, strlen(label) + 1);
    k.enrolled_at = (int64_t)at;
    k.verifies_user = bits & 1;
    k.attested = bits & 2;
    k.not_counted = bits & ROLLCALL_KEY_NOT_COUNTED;
    *ret = k;
    return 0;
}

// Asks for the keys of `user`, and reads the texts of one kind: at `first` and the fields behind
// it, up to `max`. The number of them or negative errno.
static int read_list(const char *user, enum rollcall_field first, size_t max,
                     int (*read)(char *text, size_t at, void *ret), void *ret)
{
    struct rollcall_packet p;
    char text[160];
    size_t n = 0;
    int r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_KEYS);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_verifier_ask(&p);
    for (; r == 0 && n < max; n++) {
        r = rollcall_packet_get_text(&p, (enum rollcall_field)(first + n), text, sizeof(text));
        if (r == -ENOENT)
            return (int)n;
        if (r == 0)
            r = read(text, n, ret);
    }
    return r < 0 ? r : (int)n;
}

static int read_nth_key(char *text, size_t at, void *ret)
{
    return read_key(text, (struct rollcall_key_facts *)ret + at);
}

int rollcall_verifier_keys(const char *user, struct rollcall_key_facts *ret, size_t max)
{
    return read_list(user, ROLLCALL_FIELD_KEY_ID,
                     max < ROLLCALL_SECURITY_KEYS ? max : ROLLCALL_SECURITY_KEYS, read_nth_key,
                     ret);
}

int rollcall_verifier_forget_key(const char *user, const char *label, const char *by)
{
    struct rollcall_packet p;
    int r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_FORGET_KEY);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_LABEL, label);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_BY, by);
    return r == 0 ? rollcall_verifier_ask(&p) : r;
}

// ---- SSH hardware keys ----

int rollcall_verifier_vouch(const char *user, const char *fingerprint, bool withdraw,
                            const char *by, char *why, size_t why_len)
{
    struct rollcall_packet p;
    int r;

    why[0] = 0;
    rollcall_packet_start(&p, ROLLCALL_PACKET_VOUCH);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, fingerprint);
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_WITHDRAW, withdraw);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_BY, by);
    if (r == 0)
        r = rollcall_verifier_ask(&p);
    if (r == -EACCES && rollcall_packet_get_text(&p, ROLLCALL_FIELD_TEXT, why, why_len) < 0)
        why[0] = 0;
    return r;
}

// "1764100000 SHA256:..."
static int read_vouched(char *text, size_t at, void *ret)
{
    struct rollcall_vouched_facts *v = (struct rollcall_vouched_facts *)ret + at;
    char *fingerprint = strchr(text, ' ');
    uint64_t since;

    if (!fingerprint || strlen(fingerprint + 1) >= sizeof(v->fingerprint))
        return -EPROTO;
    *fingerprint++ = 0;
    if (rollcall_parse_u64(text, 0, INT64_MAX, &since) < 0)
        return -EPROTO;
    v->at = (int64_t)since;
    memcpy(v->fingerprint, fingerprint, strlen(fingerprint) + 1);
    return 0;
}

int rollcall_verifier_vouched(const char *user, struct rollcall_vouched_facts *ret, size_t max)
{
    return read_list(user, ROLLCALL_FIELD_VOUCHED,
                     max < ROLLCALL_VOUCHED_MAX ? max : ROLLCALL_VOUCHED_MAX, read_vouched, ret);
}
