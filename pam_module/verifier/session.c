// SPDX-License-Identifier: BSD-2-Clause
// One login's conversation. Known, unknown, locked and un-enrolled names see the same
// prompts and cause the same work, until a factor was right.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/random.h"

#define TRIES      2
#define HELPS      3
#define HUMAN_MS   (10 * 60 * 1000)
#define GRACE_SUDO 300

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

    rollcall_random(r, sizeof(r));
    snprintf(ret, 12, "R-");
    for (int i = 0; i < 6; i++)
        ret[2 + i] = letters[r[i] & 31];
    ret[8] = 0;
}

void session_audit(const struct login *l, const char *event, const char *cause, bool referenced)
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

void session_audit_hint(const struct login *l, const char *event, const char *hint)
{
    char uid[16];

    snprintf(uid, sizeof(uid), "%u", l->person.uid);
    rollcall_audit(ROLLCALL_AUDIT_SOCK, event, "user", l->user, "uid", l->person.uid ? uid : NULL,
                   "service", l->service, "tty", *l->tty ? l->tty : NULL, "hint", hint, NULL);
}

// ---- prompts ----

int verifier_ask(struct verifier *v, const char *text, bool echo, struct rollcall_secret *ret)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int type, r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_PROMPT);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text);
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_ECHO, echo);
    if (r == 0)
        r = rollcall_packet_send(v->peer, &p, 5000);
    if (r == 0)
        r = rollcall_packet_receive(v->peer, &p, HUMAN_MS, &type);
    if (r < 0)
        return r;
    if (type != ROLLCALL_PACKET_ANSWER)
        return -EPROTO;
    r = rollcall_packet_get_text(&p, ROLLCALL_FIELD_TEXT, ret->bytes, sizeof(ret->bytes));
    ret->len = r == 0 ? strlen(ret->bytes) : 0;
    return r == -ENOENT ? 0 : r;
}

int session_ask(struct login *l, const char *text, struct rollcall_secret *ret)
{
    return verifier_ask(l->v, text, true, ret);
}

int session_ask_hidden(struct login *l, const char *text, struct rollcall_secret *ret)
{
    return verifier_ask(l->v, text, false, ret);
}

// ---- after the proof ----

static int close_with(struct login *l, void (*words)(const struct prompt_facts *, char *, size_t),
                      enum rollcall_result code)
{
    _cleanup_secret_ struct rollcall_secret ignored = {0};
    char text[1024];

    words(&l->facts, text, sizeof(text));
    session_ask(l, text, &ignored);
    return say_result(l->v, code, NULL, l->reference);
}

static uint64_t grace_of(const struct login *l)
{
    const struct rollcall_service_config *s =
        l->v->config ? rollcall_config_service(l->v->config, l->service) : NULL;

    if (l->v->peer_uid != 0 || (!login_is_sudo(l) && l->ssh.n == 0))
        return 0;
    return s && s->has_grace ? s->grace : login_is_sudo(l) ? GRACE_SUDO : 0;
}

static struct ticket_scope scope_of(const struct login *l)
{
    return (struct ticket_scope){.uid = l->person.uid,
                                 .incarnation = l->person.incarnation,
                                 .session = (pid_t)l->session,
                                 .service = l->ssh.n > 0 ? "sshd" : "sudo",
                                 .tty = l->tty,
                                 .binding = l->ssh.n > 0 ? l->ssh.binding : NULL};
}

static enum strength required_of(const struct login *l)
{
    enum strength need = strength_required(l->v->config, l->service);

    if ((l->admission.flags & ROLLCALL_FLAG_NEEDS_MULTI) && need < STRENGTH_MULTI)
        need = STRENGTH_MULTI;
    return l->admission.flags & ROLLCALL_FLAG_NEEDS_RESISTANT ? STRENGTH_PHISHING_RESISTANT : need;
}

static bool has_ticket(const struct login *l)
{
    struct ticket_scope scope = scope_of(l);
    uint64_t grace = grace_of(l);

    return grace > 0 && l->admission.cause == ROLLCALL_ADMIT &&
           ticket_check(l->v->tickets, &scope, grace, required_of(l)) == 0;
}

#define EXPIRY_NEAR ((int64_t)14 * 86400)

static int admit(struct login *l, const char *how)
{
    struct ticket_scope scope = scope_of(l);
    char text[300] = "";
    size_t n;

    if (grace_of(l) > 0)
        ticket_write(l->v->tickets, &scope, strength_of(l->proof));
    session_audit(l, "login-allowed", how, false);
    if (l->admission.lease_ends != ROLLCALL_TIME_UNSET && l->admission.lease_used_percent >= 50)
        text_lease_warning(&l->facts, l->admission.lease_ends, text, sizeof(text));
    n = strlen(text);
    if (l->directory.expires_in >= 0 && l->directory.expires_in < EXPIRY_NEAR) {
        snprintf(text + n, sizeof(text) - n, "%s", n > 0 ? "\n" : "");
        n = strlen(text);
        text_password_expires(l->directory.expires_in, text + n, sizeof(text) - n);
    }
    return say_result(l->v, ROLLCALL_RESULT_YES, *text ? text : NULL, NULL);
}

static void lease_of(struct login *l)
{
    struct rollcall_board_facts facts;

    if (l->person.authority < ROLLCALL_AUTHORITIES_MAX && l->look.board &&
        rollcall_board_facts(l->look.board, &facts) == 0)
        l->facts.lease_seconds = facts.leases[l->person.authority].length;
}

static int after_proof(struct login *l, const char *how)
{
    // Looked at again: minutes may have passed while somebody typed.
    login_look(l);
    if (l->admission.cause == ROLLCALL_ADMIT && strength_of(l->proof) >= required_of(l))
        return admit(l, how);
    make_reference(l->reference);
    if (l->admission.cause == ROLLCALL_ADMIT) {
        const char *cause = l->v->config ? "too-weak" : "configuration-unreadable";
        session_audit(l, "login-refused", cause, true);
        return close_with(l, l->v->config ? prompt_weak : prompt_refused, ROLLCALL_RESULT_REFUSED);
    }
    l->facts.as_of = l->admission.as_of;
    lease_of(l);
    session_audit(l, "login-refused", rollcall_admission_cause_name(l->admission.cause), true);
    return close_with(l,
                      l->admission.cause == ROLLCALL_REFUSE_LEASE ? prompt_lease : prompt_refused,
                      ROLLCALL_RESULT_REFUSED);
}

static int after_throttle(struct login *l)
{
    make_reference(l->reference);
    session_audit(l, "login-refused", "throttled", true);
    return close_with(l, prompt_throttled, ROLLCALL_RESULT_THROTTLED);
}

static int after_welcome(struct login *l, const struct rollcall_secret *code, bool enrolled)
{
    int r = welcome(l, code, enrolled);

    if (r == 1) {
        // One that was chosen now, or that the directory took; one that must be changed there
        // first has not been.
        l->proof |=
            PROOF_CODE |
            (password_of_host(l->v) || l->directory.status == ROLLCALL_CHECK_TAKEN ? PROOF_PASSWORD
                                                                                   : 0);
        return after_proof(l, "access-code");
    }
    // A conversation that ended has nobody to tell.
    return r == -EPIPE || r == -ETIMEDOUT ? r
           : r < 0                        ? say_result(l->v, ROLLCALL_RESULT_NOT_NOW, NULL, NULL)
                                          : say_result(l->v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
}

struct answers {
    bool both; // a password was asked for
    struct rollcall_secret password, code;
};

static void answers_erase(struct answers *a)
{
    explicit_bzero(a, sizeof(*a));
}

// The directory knows the password, and lets nobody in with it.
static int after_no(struct login *l)
{
    bool expired = l->directory.status == ROLLCALL_CHECK_EXPIRED;

    make_reference(l->reference);
    session_audit(l, "login-refused",
                  expired                                          ? "password-expired"
                  : l->directory.status == ROLLCALL_CHECK_DISABLED ? "disabled-at-directory"
                                                                   : "not-now-at-directory",
                  true);
    return close_with(l, expired ? prompt_expired : prompt_refused, ROLLCALL_RESULT_REFUSED);
}

// 1: nothing stands in the way.
static int renew_at_directory(struct login *l, const struct rollcall_secret *old)
{
    bool must = l->directory.status == ROLLCALL_CHECK_MUST_CHANGE;
    int r = code_of_directory(l->v)   ? !must // it would take another code
            : must                    ? directory_change(l, old, CHANGE_MUST)
            : l->directory.grace >= 0 ? directory_change(l, old, CHANGE_GRACE)
                                      : 1;

    if (r != 0 || !must)
        return r < 0 ? r : 1;
    l->directory.status = ROLLCALL_CHECK_EXPIRED;
    return 0;
}

// A password that is missing is asked for where more than one factor was shown without it;
// one that is old must be changed where it was shown.
static int after_right(struct login *l, const struct answers *a, unsigned shown,
                       const struct attempt_result *got)
{
    bool missing = password_of_host(l->v) && !got->has_password && l->v->peer_uid == 0 &&
                   strength_of(l->proof | shown) >= STRENGTH_MULTI;
    int r = 1;

    l->proof |= shown;
    if (got->from_cache)
        session_audit_hint(l, "password-from-cache", "no directory could be reached");
    if (missing || ((shown & PROOF_PASSWORD) && got->password_aged))
        r = password_renew(l, missing);
    else if ((shown & PROOF_PASSWORD) && password_of_directory(l->v)) {
        r = renew_at_directory(l, &a->password);
        if (r == 0)
            return after_no(l);
    }
    if (r < 0)
        return r;
    if (r == 0 && !missing)
        return say_result(l->v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
    return after_proof(l, got->how);
}

// The password, and behind it the app's code where the directory is to check that one.
// True: there is one.
static bool append_code(const struct login *l, const struct attempt_request *request,
                        struct rollcall_secret *ret)
{
    _cleanup_secret_ struct rollcall_secret code = {0};
    enum code_shape shape = request->code ? code_read(request->code, &code) : CODE_NONE;
    size_t n = request->password->len;

    rollcall_secret_set(ret, request->password->bytes, n);
    if (!code_of_directory(l->v) || (shape != CODE_TOTP && shape != CODE_EITHER) || n == 0 ||
        n + code.len > ROLLCALL_SECRET_MAX)
        return false;
    memcpy(ret->bytes + n, code.bytes, code.len + 1);
    ret->len = n + code.len;
    return true;
}

static enum outcome attempt(struct login *l, struct attempt_request *request,
                            struct attempt_result *got)
{
    _cleanup_secret_ struct rollcall_secret sent = {0};

    if (!request->password || !password_of_directory(l->v))
        return attempt_code(l->v, request, got);
    request->appended = append_code(l, request, &sent);
    if (directory_check(l, &sent) < 0)
        return OUTCOME_GONE;
    request->directory = &l->directory;
    request->charged = l->bind_charged;
    // Without a directory the code is looked at here, as the password is.
    if (request->appended && l->directory.status != ROLLCALL_CHECK_UNREACHABLE)
        request->code = NULL;
    return attempt_code(l->v, request, got);
}

// What was answered, and with *ret_shown what is proved when that is right.
static enum outcome look(struct login *l, const struct answers *a, unsigned *ret_shown,
                         struct attempt_result *got)
{
    bool key = touch_meant(l, &a->code);
    struct attempt_request request = {.person = &l->person,
                                      .side = l->side,
                                      .rhost = l->rhost,
                                      .code = key ? NULL : &a->code,
                                      .password = a->both ? &a->password : NULL,
                                      .password_blocked =
                                          l->admission.flags & ROLLCALL_FLAG_PASSWORD_BLOCKED};
    enum outcome outcome;
    const char *how;

    l->wrong = key ? "wrong-key" : "wrong-code";
    *ret_shown = PROOF_CODE | (a->both ? PROOF_PASSWORD : 0);
    if (!key) {
        key_talk_end(&l->talk); // it stops blinking
        return attempt(l, &request, got);
    }
    outcome = touch(l, &how);
    *ret_shown = l->user_verified ? PROOF_FIDO2_UV : PROOF_FIDO2;
    *got = (struct attempt_result){.how = how, .has_password = true}; // or not: nobody looked
    // Beside a key that knows its user no password is needed; one that was typed must be right.
    if (outcome != OUTCOME_RIGHT || !a->both || (l->user_verified && a->password.len == 0))
        return outcome;
    l->wrong = "wrong-code";
    *ret_shown |= PROOF_PASSWORD;
    outcome = attempt(l, &request, got);
    got->how = how;
    return outcome;
}

// One try: the end of the conversation, or 1 when another is left to it.
static int judge(struct login *l, const struct answers *a)
{
    struct attempt_result got = {0};
    unsigned shown = 0;
    enum outcome outcome = look(l, a, &shown, &got);

    l->facts.until = got.until;
    switch (outcome) {
    case OUTCOME_RIGHT:
        return after_right(l, a, shown, &got);
    case OUTCOME_REFUSED:
        return after_no(l);
    case OUTCOME_WELCOME:
        return after_welcome(l, &a->code, got.enrolled);
    case OUTCOME_THROTTLED:
        return after_throttle(l);
    case OUTCOME_NOT_NOW:
        session_audit(l, "login-refused", "cache-unreadable", false);
        return say_result(l->v, ROLLCALL_RESULT_NOT_NOW, NULL, NULL);
    case OUTCOME_GONE:
        return -EPIPE;
    case OUTCOME_WRONG:
        break;
    }
    return 1;
}

// Where a code would not be enough, whoever it is. Only in a session of their own is it seen
// that somebody is of a group that needs more.
static bool asks_password(const struct login *l)
{
    enum strength need =
        l->side == SIDE_INSIDE ? required_of(l) : strength_required(l->v->config, l->service);

    // A code that this host does not know is checked with the password, or not at all.
    return code_of_directory(l->v) ||
           (password_on(l->v) && strength_of(l->proof | PROOF_CODE) < need);
}

// "password code" of a program that gives one answer: the code stands behind the last space.
static void split(const struct rollcall_secret *typed, struct answers *ret)
{
    const char *space = memrchr(typed->bytes, ' ', typed->len);
    size_t at = space ? (size_t)(space - typed->bytes) : typed->len;

    rollcall_secret_set(&ret->password, typed->bytes, at);
    if (space)
        rollcall_secret_set(&ret->code, space + 1, typed->len - at - 1);
}

static int ask_code(struct login *l, char *text, size_t len, int *helps,
                    struct rollcall_secret *ret)
{
    for (;;) {
        int r = session_ask(l, text, ret);
        if (r < 0 || strcasecmp(ret->bytes, "help") != 0 || (*helps)++ >= HELPS)
            return r;
        prompt_help(&l->facts, text, len);
    }
}

// Beside a password nothing tells which of two was wrong; what a device did is no secret.
static bool key_to_blame(const struct login *l, bool both)
{
    return strcmp(l->wrong, "wrong-key") == 0 && !(both && l->key_status == ROLLCALL_KEY_DONE);
}

static int ask_answers(struct login *l, bool again, int *helps, struct answers *ret)
{
    char text[1024];
    int r;

    ret->both = asks_password(l);
    if (ret->both && l->v->peer_uid != 0) {
        _cleanup_secret_ struct rollcall_secret typed = {0};
        prompt_both(&l->facts, again, text, sizeof(text));
        r = session_ask_hidden(l, text, &typed);
        if (r == 0)
            split(&typed, ret);
        return r;
    }
    if (ret->both) {
        prompt_password(&l->facts, again, text, sizeof(text));
        r = session_ask_hidden(l, text, &ret->password);
        if (r < 0)
            return r;
    }
    if (again && key_to_blame(l, ret->both))
        prompt_key_wrong(l->key_status, text, sizeof(text));
    else if (ret->both)
        prompt_code(&l->facts, text, sizeof(text));
    else if (again)
        prompt_wrong(text, sizeof(text));
    else
        prompt_sign_in(&l->facts, text, sizeof(text));
    return ask_code(l, text, sizeof(text), helps, &ret->code);
}

static int converse(struct login *l)
{
    int helps = 0;

    touch_offer(l);
    for (int tries = 0; tries < TRIES; tries++) {
        _cleanup_(answers_erase) struct answers a = {0};
        int r = ask_answers(l, tries > 0, &helps, &a);
        if (r < 0) {
            // Who tries one code a connection and hangs up leaves a record of each.
            if (tries > 0)
                session_audit(l, "login-refused", l->wrong, false);
            return r;
        }
        r = judge(l, &a);
        if (r != 1)
            return r;
        if (tries + 1 < TRIES)
            touch_offer(l);
    }
    session_audit(l, "login-refused", l->wrong, false);
    return say_result(l->v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
}

int session_login(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_login_ struct login *l = NULL;
    int r = login_begin(v, request, &l);

    if (r < 0)
        return r;
    // A screen locker asks about its own user; anybody else's name is nobody's.
    if (v->peer_uid != 0 && v->peer_uid != l->person.uid)
        return say_result(v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
    if (has_ticket(l)) {
        session_audit(l, "login-allowed", "ticket", false);
        return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
    }
    // sshd has seen it, and that it verified its user: nothing more is asked.
    if (l->proof & PROOF_HARDWARE_KEY)
        return after_proof(l, "ssh-key");
    return converse(l);
}

int session_ticket(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_login_ struct login *l = NULL;
    int r = login_begin(v, request, &l);

    if (r < 0)
        return r;
    return say_result(v, has_ticket(l) ? ROLLCALL_RESULT_YES : ROLLCALL_RESULT_REFUSED, NULL, NULL);
}
