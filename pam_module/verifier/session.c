// SPDX-License-Identifier: BSD-2-Clause
// One login's conversation. Known, unknown, locked and un-enrolled names see the same
// prompts and cause the same work, until a factor was right.
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

#define TRIES      2
#define HELPS      3
#define HUMAN_MS   (10 * 60 * 1000)
#define GRACE_SUDO 300

struct login {
    struct verifier *v;
    char user[256], service[64], rhost[256], tty[64];
    int64_t session;
    struct rollcall_admission admission;
    struct rollcall_person person;
    char person_buf[ROLLCALL_ADMISSION_BUF];
    struct prompt_facts facts;
    char reference[12];
    int64_t lease_seconds;
};

int say_result(struct verifier *v, enum rollcall_result code, const char *text,
               const char *reference)
{
    _cleanup_packet_ struct rollcall_packet p = {0};

    rollcall_packet_start(&p, ROLLCALL_PACKET_RESULT);
    if (rollcall_packet_put_number(&p, ROLLCALL_FIELD_CODE, code) < 0 ||
        rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text) < 0 ||
        rollcall_packet_put_text(&p, ROLLCALL_FIELD_REFERENCE, reference) < 0)
        return -EMSGSIZE;
    return rollcall_packet_send(v->peer, &p, 5000);
}

// Crockford's base 32: no letter that is read for another.
static void make_reference(char ret[12])
{
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char r[6] = {0};

    RAND_bytes(r, sizeof(r));
    snprintf(ret, 12, "R-");
    for (int i = 0; i < 6; i++)
        ret[2 + i] = letters[r[i] & 31];
    ret[8] = 0;
}

static void audit(const struct login *l, const char *event, const char *cause, bool referenced)
{
    char uid[16];

    snprintf(uid, sizeof(uid), "%u", l->person.uid);
    rollcall_audit(ROLLCALL_AUDIT_SOCK, event, "user", l->user, "uid", l->person.uid ? uid : NULL,
                   "service", l->service, "rhost", *l->rhost ? l->rhost : NULL, "tty",
                   *l->tty ? l->tty : NULL, "cause", cause, "state",
                   rollcall_state_name(l->admission.state), "reason",
                   l->person.uid ? rollcall_reason_name(l->admission.reason) : NULL, "ref",
                   referenced ? l->reference : NULL, NULL);
}

// ---- prompts ----

static int ask(struct login *l, const char *text, struct rollcall_secret *ret)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int type, r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_PROMPT);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text);
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_ECHO, 1);
    if (r == 0)
        r = rollcall_packet_send(l->v->peer, &p, 5000);
    if (r == 0)
        r = rollcall_packet_receive(l->v->peer, &p, HUMAN_MS, &type);
    if (r < 0)
        return r;
    if (type != ROLLCALL_PACKET_ANSWER)
        return -EPROTO;
    r = rollcall_packet_get_text(&p, ROLLCALL_FIELD_TEXT, ret->bytes, sizeof(ret->bytes));
    ret->len = r == 0 ? strlen(ret->bytes) : 0;
    return r == -ENOENT ? 0 : r;
}

// Codes are often typed with a space in the middle.
static void strip(struct rollcall_secret *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->len; i++)
        if (s->bytes[i] != ' ' && s->bytes[i] != '\r')
            s->bytes[n++] = s->bytes[i];
    s->bytes[n] = 0;
    s->len = n;
}

// ---- one code ----

enum outcome { OUTCOME_WRONG, OUTCOME_RIGHT, OUTCOME_THROTTLED, OUTCOME_NOT_NOW };

// The failure is charged and on the disk before the answer is looked at; a right code
// takes the charge back and is burnt in one write. Names that nobody has work on a file
// of their own.
static enum outcome check_code(struct login *l, const struct rollcall_secret *code)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c;
    int64_t now = time(NULL), until;
    uint64_t step;
    bool enrolled;
    int r = credential_open(l->v->credentials, l->v->key, l->person.uid, &f);

    if (r == 0)
        r = credential_read(&f, &c);
    if (r == -EBADMSG) {
        // Sealed by another host key, or damaged: nobody's code is right, after the same
        // prompts as everybody's. The file of unknown names starts over.
        if (l->person.uid == 0)
            credential_destroy(&f);
        syslog(LOG_ERR, "the credential file of uid %u does not open: enrol again with --replace",
               l->person.uid);
        return OUTCOME_WRONG;
    }
    if (r < 0) {
        syslog(LOG_ERR, "the credential file of uid %u cannot be used: %s", l->person.uid,
               strerror(-r));
        return OUTCOME_NOT_NOW;
    }
    // A failure of a time to come is one of a clock that was set back since.
    if (c.last_failure > now)
        c.last_failure = now;
    until = throttle_until(c.failures, c.last_failure);
    l->facts.until = until;
    c.failures += c.failures < UINT32_MAX;
    c.last_failure = now;
    r = credential_write(&f, &c);
    if (r < 0) {
        syslog(LOG_ERR, "a failure could not be charged to uid %u: %s", l->person.uid,
               strerror(-r));
        return OUTCOME_NOT_NOW;
    }
    enrolled = l->person.uid != 0 && c.totp && c.incarnation == l->person.incarnation;
    // The same work for somebody without a secret.
    step =
        totp_check(c.secret, enrolled ? c.secret_len : TOTP_KEY_LEN, code->bytes, now, c.last_step);
    if (!enrolled || step == 0)
        return OUTCOME_WRONG;
    c.last_step = step;
    if (until <= now) {
        c.failures = 0;
        c.last_failure = 0;
    }
    r = credential_write(&f, &c);
    if (r < 0)
        return OUTCOME_NOT_NOW; // not burnt, so not accepted
    return until > now ? OUTCOME_THROTTLED : OUTCOME_RIGHT;
}

// ---- after the proof ----

static int close_with(struct login *l, void (*words)(const struct prompt_facts *, char *, size_t),
                      enum rollcall_result code)
{
    _cleanup_secret_ struct rollcall_secret ignored = {0};
    char text[1024];

    words(&l->facts, text, sizeof(text));
    ask(l, text, &ignored);
    return say_result(l->v, code, NULL, l->reference);
}

static uint64_t grace_of(const struct login *l)
{
    const struct rollcall_service_config *s =
        l->v->config ? rollcall_config_service(l->v->config, l->service) : NULL;

    if (strcmp(l->service, "sudo") != 0 && strcmp(l->service, "sudo-i") != 0)
        return 0; // tickets are sudo's alone
    return s && s->has_grace ? s->grace : GRACE_SUDO;
}

static struct ticket_scope scope_of(const struct login *l)
{
    return (struct ticket_scope){.uid = l->person.uid,
                                 .incarnation = l->person.incarnation,
                                 .session = (pid_t)l->session,
                                 .service = "sudo",
                                 .tty = l->tty};
}

static int admit(struct login *l, const char *how)
{
    struct ticket_scope scope = scope_of(l);
    char text[300] = "";

    if (grace_of(l) > 0 && l->v->peer_uid == 0)
        ticket_write(l->v->tickets, &scope);
    audit(l, "login-allowed", how, false);
    if (l->admission.lease_ends != ROLLCALL_TIME_UNSET && l->admission.lease_used_percent >= 50)
        text_lease_warning(&l->facts, l->admission.lease_ends, text, sizeof(text));
    return say_result(l->v, ROLLCALL_RESULT_YES, *text ? text : NULL, NULL);
}

static int after_proof(struct login *l)
{
    // Looked at again: minutes may have passed while somebody typed.
    rollcall_admission_look_up(ROLLCALL_BOARD, ROLLCALL_PRIVATE, l->user, 0, time(NULL),
                               &l->admission, &l->person, l->person_buf, sizeof(l->person_buf));
    if (l->admission.cause == ROLLCALL_ADMIT)
        return admit(l, "totp");
    make_reference(l->reference);
    l->facts.as_of = l->admission.as_of;
    audit(l, "login-refused", rollcall_admission_cause_name(l->admission.cause), true);
    return close_with(l,
                      l->admission.cause == ROLLCALL_REFUSE_LEASE ? prompt_lease : prompt_refused,
                      ROLLCALL_RESULT_REFUSED);
}

static int after_throttle(struct login *l)
{
    make_reference(l->reference);
    audit(l, "login-refused", "throttled", true);
    return close_with(l, prompt_throttled, ROLLCALL_RESULT_THROTTLED);
}

static int converse(struct login *l)
{
    char text[1024];
    int helps = 0;

    prompt_sign_in(&l->facts, text, sizeof(text));
    for (int tries = 0; tries < TRIES;) {
        _cleanup_secret_ struct rollcall_secret code = {0};
        int r = ask(l, text, &code);
        if (r < 0) {
            // Who tries one code a connection and hangs up leaves a record of each.
            if (tries > 0)
                audit(l, "login-refused", "wrong-code", false);
            return r;
        }
        strip(&code);
        if (strcmp(code.bytes, "help") == 0 && helps++ < HELPS) {
            prompt_help(text, sizeof(text));
            continue;
        }
        tries++;
        switch (check_code(l, &code)) {
        case OUTCOME_RIGHT:
            return after_proof(l);
        case OUTCOME_THROTTLED:
            return after_throttle(l);
        case OUTCOME_NOT_NOW:
            audit(l, "login-refused", "cache-unreadable", false);
            return say_result(l->v, ROLLCALL_RESULT_NOT_NOW, NULL, NULL);
        case OUTCOME_WRONG:
            break;
        }
        prompt_wrong(text, sizeof(text));
    }
    audit(l, "login-refused", "wrong-code", false);
    return say_result(l->v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
}

// ---- the request ----

static void take_text(const struct rollcall_packet *p, enum rollcall_field field, char *buf,
                      size_t len)
{
    if (rollcall_packet_get_text(p, field, buf, len) < 0)
        buf[0] = 0;
}

static void lease_of(struct login *l)
{
    struct rollcall_board *board = NULL;
    struct rollcall_board_facts facts;

    if (l->person.authority < ROLLCALL_AUTHORITIES_MAX &&
        rollcall_board_open(ROLLCALL_BOARD, &board) == 0 &&
        rollcall_board_facts(board, &facts) == 0)
        l->facts.lease_seconds = facts.leases[l->person.authority].length;
    rollcall_board_close(board);
}

static int read_request(struct verifier *v, const struct rollcall_packet *request, struct login *l)
{
    *l = (struct login){.v = v};
    take_text(request, ROLLCALL_FIELD_USER, l->user, sizeof(l->user));
    take_text(request, ROLLCALL_FIELD_SERVICE, l->service, sizeof(l->service));
    take_text(request, ROLLCALL_FIELD_RHOST, l->rhost, sizeof(l->rhost));
    take_text(request, ROLLCALL_FIELD_TTY, l->tty, sizeof(l->tty));
    if (rollcall_packet_get_number(request, ROLLCALL_FIELD_SESSION, &l->session) < 0)
        l->session = 0;
    // What somebody says of himself is no record of where he came from.
    if (v->peer_uid != 0) {
        snprintf(l->service, sizeof(l->service), "self");
        *l->rhost = *l->tty = 0;
    }
    if (!*l->user)
        return -EBADMSG;
    rollcall_admission_look_up(ROLLCALL_BOARD, ROLLCALL_PRIVATE, l->user, 0, time(NULL),
                               &l->admission, &l->person, l->person_buf, sizeof(l->person_buf));
    l->facts =
        (struct prompt_facts){.host = v->host,
                              .user = l->user,
                              .reference = l->reference,
                              .contact = v->config ? v->config->contact : "your IT service desk",
                              .as_of = l->admission.as_of};
    lease_of(l);
    return 0;
}

int session_login(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_free_ struct login *l = calloc(1, sizeof(*l));
    struct ticket_scope scope;
    int r = l ? read_request(v, request, l) : -ENOMEM;

    if (r < 0)
        return r;
    // A screen locker asks about its own user; anybody else's name is nobody's.
    if (v->peer_uid != 0 && v->peer_uid != l->person.uid)
        return say_result(v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
    scope = scope_of(l);
    if (v->peer_uid == 0 && grace_of(l) > 0 && l->admission.cause == ROLLCALL_ADMIT &&
        ticket_check(v->tickets, &scope, grace_of(l)) == 0) {
        audit(l, "login-allowed", "ticket", false);
        return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
    }
    return converse(l);
}

int session_ticket(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_free_ struct login *l = calloc(1, sizeof(*l));
    struct ticket_scope scope;
    int r = l ? read_request(v, request, l) : -ENOMEM;

    if (r < 0)
        return r;
    scope = scope_of(l);
    if (v->peer_uid == 0 && grace_of(l) > 0 && l->admission.cause == ROLLCALL_ADMIT &&
        ticket_check(v->tickets, &scope, grace_of(l)) == 0)
        return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
    return say_result(v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
}
