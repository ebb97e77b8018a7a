// SPDX-License-Identifier: BSD-2-Clause
// Security keys at a login: asked in the background while the prompt stands, so that who
// touches and then presses Enter is in. What is said depends on the device alone, never on
// whose login it is: an account without keys asks for a credential that nobody has.
#include <errno.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "pam_module/verifier/key_talk.h"
#include "pam_module/verifier/rare.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/random.h"

#define PINS 2 // a key pauses after three

// Where nobody can say, it is as if by network: a code is asked for.
static bool remote(pid_t leader)
{
    const struct verifier_rare *r = rare();

    return !r || r->remote(leader);
}

// A key in this machine speaks for who stands before it, not for who comes by network.
static bool at_this_machine(const struct login *l)
{
    const char *from = l->rhost;

    if (strcmp(l->service, "sshd") == 0)
        return false;
    if (*from && strcmp(from, "localhost") != 0 && strcmp(from, "127.0.0.1") != 0 &&
        strcmp(from, "::1") != 0)
        return false;
    return !remote((pid_t)l->session);
}

void fido2_name(const struct verifier *v, char ret[ROLLCALL_KEY_RP_MAX])
{
    const char *name = v->config && v->config->fido2_rp ? v->config->fido2_rp : v->full_host;

    snprintf(ret, ROLLCALL_KEY_RP_MAX, "%s", name);
}

bool touch_possible(const struct login *l)
{
    return factor_on(l->v, ROLLCALL_FACTOR_FIDO2) && at_this_machine(l);
}

// ---- whose keys ----

static void know(struct rollcall_key_request *q, const struct fido_key *key)
{
    struct rollcall_known_key *k = &q->known[q->n_known++];

    memcpy(k->rp, key->rp, sizeof(k->rp));
    memcpy(k->id, key->id, key->id_len);
    k->id_len = key->id_len;
}

// A model that was taken off the list since counts as no key, as does one that a configuration that
// cannot be read might have taken off: there factors are the first one alone (factor_on).
static bool counts(const struct login *l, const struct fido_key *key)
{
    return l->v->config && fido2_model_counts(&l->v->config->fido2_aaguids, key);
}

// The same work for a name that nobody has.
static int read_keys(struct login *l, struct rollcall_key_request *q)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    struct fido_key nobodys = {.id_len = 64};
    int r = credential_open(l->v->credentials, l->v->key, l->person.uid, &f);

    if (r == 0)
        r = credential_read(&f, &c);
    for (int i = 0; r == 0 && i < FIDO_KEYS; i++)
        if (l->person.uid != 0 && c.incarnation == l->person.incarnation && c.fido[i].id_len > 0 &&
            counts(l, &c.fido[i]))
            know(q, &c.fido[i]);
    if (q->n_known > 0)
        return 0;
    // A damaged file is as one without keys, here and where a code is looked at.
    if (rollcall_random(nobodys.id, nobodys.id_len) < 0)
        return -EIO;
    fido2_name(l->v, nobodys.rp);
    know(q, &nobodys);
    return 0;
}

static int begin(struct login *l, int wait_s, const struct rollcall_secret *pin)
{
    __attribute__((cleanup(rollcall_key_request_erase))) struct rollcall_key_request q = {
        .wait_s = wait_s};
    int r = read_keys(l, &q);

    if (r < 0)
        return r;
    if (pin)
        q.has_pin = rollcall_secret_set(&q.pin, pin->bytes, pin->len);
    return key_talk_begin(&l->talk, &q);
}

void touch_offer(struct login *l)
{
    // Where the program is missing a code is as good; the log has said it.
    if (touch_possible(l))
        begin(l, 0, NULL);
}

// Enter; or the 44 letters and Enter that some keys type when they are touched.
bool touch_meant(const struct login *l, const struct rollcall_secret *typed)
{
    if (!touch_possible(l))
        return false;
    return typed->len == 0 ||
           (typed->len == 44 && strspn(typed->bytes, "cbdefghijklnrtuv") == typed->len);
}

// ---- what the key brought ----

static void alarm_clone(const struct login *l, const struct fido_key *key, uint32_t counter)
{
    char text[128];

    snprintf(text, sizeof(text), "the key \"%s\" counted %u after %u: somebody may have a copy",
             key->label, counter, key->sigcount);
    syslog(LOG_ALERT, "user=%.64s: %s", l->user, text);
    session_audit_hint(l, "key-possibly-cloned", text);
}

// The new counter is on the disk before anybody hears yes.
static enum outcome judge(struct login *l)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    const struct rollcall_known_key *asked = &l->talk.request.known[l->talk.reply.index];
    struct fido2_proof proof = {0};
    enum fido2_verdict verdict = FIDO2_WRONG;
    int r = credential_open(l->v->credentials, l->v->key, l->person.uid, &f), i;

    if (r == 0)
        r = credential_read(&f, &c);
    if (r < 0)
        return r == -EBADMSG ? OUTCOME_WRONG : OUTCOME_NOT_NOW;
    if (l->person.uid == 0 || c.incarnation != l->person.incarnation)
        return OUTCOME_WRONG;
    for (i = 0; i < FIDO_KEYS; i++)
        if (c.fido[i].id_len > 0 && c.fido[i].id_len == asked->id_len &&
            memcmp(c.fido[i].id, asked->id, asked->id_len) == 0)
            break;
    if (i == FIDO_KEYS || !counts(l, &c.fido[i]))
        return OUTCOME_WRONG; // taken away meanwhile
    if (rare())
        verdict = rare()->judge(&c.fido[i], l->talk.request.challenge, &l->talk.reply, &proof);
    if (verdict == FIDO2_CLONED)
        alarm_clone(l, &c.fido[i], proof.sigcount);
    if (verdict != FIDO2_RIGHT)
        return OUTCOME_WRONG;
    c.fido[i].sigcount = proof.sigcount;
    l->user_verified = proof.verified_user;
    return credential_write(&f, &c) == 0 ? OUTCOME_RIGHT : OUTCOME_NOT_NOW;
}

// ---- the talk with the person ----

// What the background brought before the person was there says nothing of now.
static bool stale(struct login *l)
{
    enum rollcall_key_status s;

    if (!key_talk_replied(&l->talk))
        return l->talk.fd < 0;
    s = l->talk.reply.status;
    return s == ROLLCALL_KEY_NONE || s == ROLLCALL_KEY_TIMEOUT || s == ROLLCALL_KEY_UNSUPPORTED ||
           s == ROLLCALL_KEY_FAILED;
}

static int wait_reply(struct login *l)
{
    int r = key_talk_wait(&l->talk, l->v->peer);

    // A program that ended without a word: as a key that failed.
    if (r == -EPROTO || r == -ETIMEDOUT) {
        l->talk.reply = (struct rollcall_key_reply){.status = ROLLCALL_KEY_FAILED, .tries = -1};
        r = 0;
    }
    return r;
}

// A new talk, with a device that may still be plugged in, or with a PIN.
static int again(struct login *l, const struct rollcall_secret *pin)
{
    int r = begin(l, ROLLCALL_KEY_PLUG_S, pin);

    if (r < 0) {
        l->talk.reply = (struct rollcall_key_reply){.status = ROLLCALL_KEY_FAILED, .tries = -1};
        return 0;
    }
    return wait_reply(l);
}

static int ask_pin(struct login *l, int tries)
{
    _cleanup_secret_ struct rollcall_secret pin = {0};
    char text[256];
    int r;

    prompt_pin(tries, text, sizeof(text));
    r = session_ask_hidden(l, text, &pin);
    if (r < 0)
        return r;
    if (pin.len == 0 || pin.len > ROLLCALL_KEY_PIN_MAX) {
        l->talk.reply.status = ROLLCALL_KEY_DENIED; // no PIN goes to the key
        return 0;
    }
    return again(l, &pin);
}

enum outcome touch(struct login *l, const char **how)
{
    bool anew = stale(l);
    int r = anew ? again(l, NULL) : wait_reply(l);

    // The one in the background did not wait for a key to be plugged in.
    if (r == 0 && !anew && l->talk.reply.status == ROLLCALL_KEY_NONE)
        r = again(l, NULL);
    *how = "fido2";
    for (int pins = 0; r == 0; pins++) {
        enum rollcall_key_status s = l->talk.reply.status;
        bool asks = s == ROLLCALL_KEY_PIN || s == ROLLCALL_KEY_PIN_WRONG;
        if (!asks || pins == PINS)
            break;
        r = ask_pin(l, s == ROLLCALL_KEY_PIN ? PIN_FIRST : l->talk.reply.tries);
    }
    l->key_status = l->talk.reply.status;
    if (r < 0) {
        key_talk_end(&l->talk);
        return OUTCOME_GONE;
    }
    if (l->key_status == ROLLCALL_KEY_DONE) {
        enum outcome outcome = judge(l);
        if (outcome == OUTCOME_RIGHT && !l->user_verified)
            *how = "fido2-touch"; // who holds the key, and no more
        key_talk_end(&l->talk);
        return outcome;
    }
    key_talk_end(&l->talk);
    return OUTCOME_WRONG;
}
