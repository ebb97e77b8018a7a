// SPDX-License-Identifier: BSD-2-Clause
// Security keys of an account: enrolled, listed, taken away. Root's requests; a PIN is asked
// of whoever holds the key, through the same prompts as a login's.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pam_module/verifier/rare.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/random.h"

#define PINS 2

struct enrolment {
    struct verifier *v;
    char user[256], buf[ROLLCALL_ADMISSION_BUF];
    struct rollcall_person person;
    char label[32];
    bool uv, attested;
    struct key_talk talk;
    struct fido_key key;
};

static void enrolment_free(struct enrolment **e)
{
    if (*e)
        key_talk_end(&(*e)->talk);
    free(*e);
}

// What is printed goes onto terminals and into JSON as it is.
static bool label_ok(const char *label)
{
    for (const char *p = label; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
            return false;
    return *label && *label != ' ' && strlen(label) < sizeof(((struct fido_key *)0)->label);
}

static int find_label(const struct credential *c, const char *label)
{
    for (int i = 0; i < FIDO_KEYS; i++)
        if (c->fido[i].id_len > 0 && strcmp(c->fido[i].label, label) == 0)
            return i;
    return -1;
}

static int free_place(const struct credential *c)
{
    for (int i = 0; i < FIDO_KEYS; i++)
        if (c->fido[i].id_len == 0)
            return i;
    return -1;
}

// ---- the talk with the key ----

// "key 1", "key 2": the first that is free.
static void choose_label(const struct credential *c, char ret[32])
{
    for (int i = 1; i <= FIDO_KEYS; i++) {
        snprintf(ret, 32, "key %d", i);
        if (find_label(c, ret) < 0)
            return;
    }
}

static int prepare(struct enrolment *e, struct rollcall_key_request *q)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    int r = enrol_begin(e->v, &e->person, &f, &c);

    if (r < 0)
        return r;
    if (free_place(&c) < 0)
        return -ENOSPC;
    if (!*e->label)
        choose_label(&c, e->label);
    if (find_label(&c, e->label) >= 0)
        return -EEXIST;
    *q = (struct rollcall_key_request){.make = true, .wait_s = ROLLCALL_KEY_PLUG_S};
    for (int i = 0; i < FIDO_KEYS; i++) {
        struct rollcall_known_key *k = &q->known[q->n_known];
        if (c.fido[i].id_len == 0)
            continue;
        memcpy(k->rp, c.fido[i].rp, sizeof(k->rp));
        memcpy(k->id, c.fido[i].id, c.fido[i].id_len);
        k->id_len = c.fido[i].id_len;
        q->n_known++;
    }
    fido2_name(e->v, q->rp);
    snprintf(q->user, sizeof(q->user), "%s", e->user);
    return rollcall_random(q->handle, sizeof(q->handle));
}

// Until the key has made a credential, or has said why not. A PIN is asked for, and never
// used twice.
static int make(struct enrolment *e, struct rollcall_key_request *q)
{
    int r = key_talk_begin(&e->talk, q);

    if (r == 0)
        r = key_talk_wait(&e->talk, e->v->peer);
    for (int pins = 0; r == 0 && pins < PINS; pins++) {
        enum rollcall_key_status s = e->talk.reply.status;
        char text[256];
        if (s != ROLLCALL_KEY_PIN && s != ROLLCALL_KEY_PIN_WRONG)
            break;
        prompt_pin(s == ROLLCALL_KEY_PIN ? PIN_FIRST : e->talk.reply.tries, text, sizeof(text));
        r = verifier_ask(e->v, text, false, &q->pin);
        q->has_pin = true;
        if (r == 0 && (q->pin.len == 0 || q->pin.len > ROLLCALL_KEY_PIN_MAX))
            return -ECANCELED;
        if (r == 0)
            r = key_talk_begin(&e->talk, q);
        if (r == 0)
            r = key_talk_wait(&e->talk, e->v->peer);
    }
    return r;
}

static int keep(struct enrolment *e)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    int r = enrol_begin(e->v, &e->person, &f, &c), at;

    if (r < 0)
        return r;
    at = free_place(&c); // another enrolment may have been faster
    if (at < 0)
        return -ENOSPC;
    if (find_label(&c, e->label) >= 0)
        return -EEXIST;
    c.fido[at] = e->key;
    return credential_write(&f, &c);
}

static void describe(const struct fido_key *k, char *buf, size_t len)
{
    snprintf(buf, len, "fido2: %s%s%s", k->label,
             k->flags & FIDO_FLAG_UV ? ", verifies its user" : "",
             k->flags & FIDO_FLAG_ATTESTED ? ", attested" : "");
}

// ---- why not ----

static const char *why_not(enum rollcall_key_status s)
{
    static const char *const words[ROLLCALL_KEY_STATUSES] = {
        [ROLLCALL_KEY_NONE] = "no security key was plugged in",
        [ROLLCALL_KEY_PIN] = "the key wants its PIN",
        [ROLLCALL_KEY_PIN_WRONG] = "the PIN was wrong",
        [ROLLCALL_KEY_PIN_PAUSED] = "the key takes no PIN now: take it out and put it in again",
        [ROLLCALL_KEY_PIN_LOCKED] =
            "the key has locked itself after too many wrong PINs, until it is reset",
        [ROLLCALL_KEY_TIMEOUT] = "nobody touched the key in time",
        [ROLLCALL_KEY_SEVERAL] = "several keys are plugged in: leave the one that is meant",
        [ROLLCALL_KEY_KNOWN] = "this key is enrolled already",
        [ROLLCALL_KEY_UNSUPPORTED] = "this key speaks no FIDO2, or neither ES256 nor EdDSA",
        [ROLLCALL_KEY_DENIED] = "the key did not agree",
    };

    return words[s] ? words[s] : "the key could not be asked";
}

static const char *why_refused(int r)
{
    switch (r) {
    case -ENOSPC:
        return "five keys are enrolled, which is the most: take one away first (rollcall "
               "reset-factor USER --label LABEL)";
    case -EEXIST:
        return "a key of that label is enrolled: choose another --label";
    case -ENOKEY:
        return "the key has neither a PIN nor a reader of fingers: set its PIN first, or leave out "
               "--pin";
    case -EKEYREJECTED:
        return "no maker that [mfa] fido2_roots trusts has signed for this key";
    case -EPERM:
        return "its model is none of [mfa] fido2_aaguids";
    case -ECANCELED:
        return "no PIN was given";
    case -EBADMSG:
        return "what the key answered is not what it was asked for";
    default:
        return NULL;
    }
}

static int refuse(struct enrolment *e, int r)
{
    const char *why = why_refused(r);

    if (r == -EPIPE)
        return r;
    return say_result(e->v, why ? ROLLCALL_RESULT_REFUSED : enrol_result(r), why, NULL);
}

static int say_enrolled(struct enrolment *e)
{
    struct rollcall_packet p;

    rollcall_packet_start(&p, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_CODE, ROLLCALL_RESULT_YES);
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_LABEL, e->key.label);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_PIN_WANTED, (e->key.flags & FIDO_FLAG_UV) != 0);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_ATTESTED,
                               (e->key.flags & FIDO_FLAG_ATTESTED) != 0);
    return rollcall_packet_send(e->v->peer, &p, 5000);
}

// ---- requests ----

static int read_request(const struct rollcall_packet *request, struct enrolment *e)
{
    int64_t uv = 0, attested = 0;
    int r = enrol_person(request, e->user, &e->person, e->buf, sizeof(e->buf));

    if (rollcall_packet_get_text(request, ROLLCALL_FIELD_LABEL, e->label, sizeof(e->label)) < 0)
        e->label[0] = 0;
    else if (!label_ok(e->label))
        return -EBADMSG;
    rollcall_packet_get_number(request, ROLLCALL_FIELD_PIN_WANTED, &uv);
    rollcall_packet_get_number(request, ROLLCALL_FIELD_ATTESTED, &attested);
    e->uv = uv != 0;
    e->attested = attested != 0;
    return r;
}

int enrol_key(struct verifier *v, const struct rollcall_packet *request)
{
    __attribute__((cleanup(enrolment_free))) struct enrolment *e = calloc(1, sizeof(*e));
    __attribute__((cleanup(rollcall_key_request_erase))) struct rollcall_key_request q = {0};
    struct fido2_wish wish;
    char hint[96];
    int r;

    if (!e)
        return -ENOMEM;
    e->v = v;
    e->talk.fd = -1;
    r = read_request(request, e);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    if (!factor_on(v, ROLLCALL_FACTOR_FIDO2))
        return say_result(v, ROLLCALL_RESULT_REFUSED,
                          "security keys are no factor of this host: add fido2 to factors in [mfa]",
                          NULL);
    if (e->attested && !v->config->fido2_roots)
        return say_result(v, ROLLCALL_RESULT_REFUSED,
                          "this host trusts no maker of keys: name a file of their certificates as "
                          "fido2_roots in [mfa]",
                          NULL);
    r = prepare(e, &q);
    if (r == 0)
        r = make(e, &q);
    if (r < 0)
        return refuse(e, r);
    if (e->talk.reply.status != ROLLCALL_KEY_DONE)
        return say_result(v, ROLLCALL_RESULT_REFUSED, why_not(e->talk.reply.status), NULL);
    wish = (struct fido2_wish){.uv = e->uv,
                               .attested = e->attested,
                               .roots = v->config->fido2_roots,
                               .models = &v->config->fido2_aaguids,
                               .label = e->label,
                               .now = time(NULL)};
    r = rare() ? rare()->accept(&e->talk.request, &e->talk.reply, &wish, &e->key) : -ELIBACC;
    if (r == 0)
        r = keep(e);
    if (r < 0)
        return refuse(e, r);
    describe(&e->key, hint, sizeof(hint));
    desk_audit(request, "enrolled", e->user, e->person.uid, hint);
    return say_enrolled(e);
}

// One text a key: when it was enrolled, its flags, its model, its label.
int list_keys(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF], text[160], model[FIDO2_MODEL_TEXT];
    struct rollcall_packet out;
    struct rollcall_person p;
    int r = enrol_person(request, user, &p, buf, sizeof(buf)), n = 0;

    if (r == 0)
        r = enrol_begin(v, &p, &f, &c);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    rollcall_packet_start(&out, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_CODE, ROLLCALL_RESULT_YES);
    for (int i = 0; i < FIDO_KEYS; i++) {
        const struct fido_key *k = &c.fido[i];
        if (k->id_len == 0)
            continue;
        fido2_model_text(k->aaguid, model);
        snprintf(text, sizeof(text), "%lld %u %s %s", (long long)k->enrolled_at,
                 k->flags | (v->config && !fido2_model_counts(&v->config->fido2_aaguids, k)
                                 ? ROLLCALL_KEY_NOT_COUNTED
                                 : 0),
                 model, k->label);
        rollcall_packet_put_text(&out, (enum rollcall_field)(ROLLCALL_FIELD_KEY_ID + n++), text);
    }
    r = put_vouched(&c, &out);
    return r < 0 ? r : rollcall_packet_send(v->peer, &out, 5000);
}

int forget_key(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF], label[32];
    struct rollcall_person p;
    int r = enrol_person(request, user, &p, buf, sizeof(buf)), at;

    if (rollcall_packet_get_text(request, ROLLCALL_FIELD_LABEL, label, sizeof(label)) < 0)
        return say_result(v, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL, NULL);
    if (r == 0)
        r = enrol_begin(v, &p, &f, &c);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    at = find_label(&c, label);
    if (at < 0)
        return say_result(v, ROLLCALL_RESULT_REFUSED, "no key of that label is enrolled", NULL);
    explicit_bzero(&c.fido[at], sizeof(c.fido[at]));
    r = credential_write_twice(&f, &c);
    if (r < 0)
        return say_result(v, ROLLCALL_RESULT_NOT_NOW, NULL, NULL);
    tickets_destroy(v->tickets, p.uid);
    desk_audit(request, "key-removed", user, p.uid, label);
    return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
}
