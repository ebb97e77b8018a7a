// SPDX-License-Identifier: BSD-2-Clause
// The relay: prompts of the verifier to the application, its answers back. Understands
// neither.
#include <errno.h>
#include <security/pam_ext.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/module.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/protocol.h"

// A conversation. The deadline is the verifier's, for its next word; it begins anew when a
// person has answered, whose time is the application's.
struct talk {
    const struct pam_call *call;
    const char *program; // to be started in the verifier's place, or NULL
    struct rollcall_verifier_link link;
    int64_t deadline;
    int64_t patience; // for how long the verifier may put that off, while a person is busy
};

static int dial(struct talk *t)
{
    if (t->program)
        return rollcall_verifier_dial(NULL, t->program, t->deadline, &t->link);
    if (geteuid() == 0)
        return rollcall_verifier_dial(ROLLCALL_VERIFIER_SOCK, ROLLCALL_VERIFIER, t->deadline,
                                      &t->link);
    return rollcall_verifier_dial(ROLLCALL_VERIFIER_SELF_SOCK, NULL, t->deadline, &t->link);
}

static int send_packet(const struct talk *t, const struct rollcall_packet *p)
{
    return rollcall_packet_send(t->link.fd, p, rollcall_deadline_left(t->deadline));
}

// In sshd's own auth phase this names the keys that were shown. Any other application's
// would be a word of its environment's.
static const char *auth_info(const struct pam_call *call)
{
    const char *info =
        strcmp(call->service, "sshd") == 0 ? pam_getenv(call->pamh, "SSH_AUTH_INFO_0") : NULL;

    return info && strlen(info) <= ROLLCALL_AUTH_INFO_MAX ? info : NULL;
}

static int send_request(const struct talk *t, enum rollcall_packet_type type)
{
    const struct pam_call *call = t->call;
    _cleanup_packet_ struct rollcall_packet p = {0};
    int r;

    rollcall_packet_start(&p, type);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, call->user);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_SERVICE, call->service);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_RHOST, call->rhost);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TTY, call->tty);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_RUSER, call->ruser);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_AUTH_INFO, auth_info(call));
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_CALLER, getuid());
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_SESSION, getsid(0));
    return r == 0 ? send_packet(t, &p) : r;
}

static void erase_answer(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

// One prompt shown, one answer sent. A conversation that fails ends the login.
static int relay_prompt(struct talk *t, const struct rollcall_packet *prompt)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    char text[ROLLCALL_PACKET_TEXT_MAX + 1];
    char *answer = NULL;
    int64_t echo = 0;
    int r = rollcall_packet_get_text(prompt, ROLLCALL_FIELD_TEXT, text, sizeof(text));

    if (r < 0)
        return r;
    rollcall_packet_get_number(prompt, ROLLCALL_FIELD_ECHO, &echo);
    r = pam_prompt(t->call->pamh, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, &answer, "%s",
                   text);
    if (r != PAM_SUCCESS || !answer || strlen(answer) > 512) {
        erase_answer(answer);
        return -ECANCELED;
    }
    rollcall_packet_start(&p, ROLLCALL_PACKET_ANSWER);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, answer);
    erase_answer(answer);
    t->deadline = rollcall_deadline_in(ROLLCALL_VERIFIER_SILENCE_MS);
    t->patience = rollcall_deadline_in(ROLLCALL_VERIFIER_WAIT_MS);
    return r == 0 ? send_packet(t, &p) : r;
}

static void show(const struct pam_call *call, const struct rollcall_packet *packet)
{
    char text[ROLLCALL_PACKET_TEXT_MAX + 1];

    if (!call->silent &&
        rollcall_packet_get_text(packet, ROLLCALL_FIELD_TEXT, text, sizeof(text)) == 0 && *text)
        pam_info(call->pamh, "%s", text);
}

// Somebody is to touch a key, say: the verifier is there, and must not be timed out.
static int bear_with(struct talk *t, const struct rollcall_packet *wait)
{
    int left = rollcall_deadline_left(t->patience);

    show(t->call, wait);
    if (left == 0)
        return -ETIMEDOUT;
    t->deadline = rollcall_deadline_in(
        left < ROLLCALL_VERIFIER_SILENCE_MS ? left : ROLLCALL_VERIFIER_SILENCE_MS);
    return 0;
}

static bool converses(enum rollcall_packet_type request)
{
    return request == ROLLCALL_PACKET_LOGIN || request == ROLLCALL_PACKET_PASSWD;
}

// 0 for the verifier's yes, -EACCES for its no, another negative errno otherwise.
static int converse(struct talk *t, enum rollcall_packet_type request)
{
    int r = send_request(t, request);

    while (r == 0) {
        _cleanup_packet_ struct rollcall_packet p = {0};
        int64_t code = -1;
        int type;
        r = rollcall_packet_receive(t->link.fd, &p, rollcall_deadline_left(t->deadline), &type);
        if (r < 0)
            break;
        if (type == ROLLCALL_PACKET_PROMPT && converses(request)) {
            r = relay_prompt(t, &p);
        } else if (type == ROLLCALL_PACKET_WAIT && converses(request)) {
            r = bear_with(t, &p);
        } else if (type == ROLLCALL_PACKET_RESULT &&
                   rollcall_packet_get_number(&p, ROLLCALL_FIELD_CODE, &code) == 0) {
            // Why a sign-in was refused stands in a prompt, after a proof, or nowhere.
            if (code == ROLLCALL_RESULT_YES || request == ROLLCALL_PACKET_PASSWD || t->program)
                show(t->call, &p);
            return code == ROLLCALL_RESULT_YES ? 0 : -EACCES;
        } else {
            r = -EPROTO;
        }
    }
    return r;
}

static int relay(const struct pam_call *call, const char *program,
                 enum rollcall_packet_type request)
{
    struct talk t = {.call = call,
                     .program = program,
                     .link = ROLLCALL_VERIFIER_LINK_NONE,
                     .deadline = rollcall_deadline_in(ROLLCALL_VERIFIER_FIRST_WORD_MS),
                     .patience = rollcall_deadline_in(ROLLCALL_VERIFIER_WAIT_MS)};
    int r = dial(&t);

    if (r == 0)
        r = converse(&t, request);
    rollcall_verifier_hang_up(&t.link);
    if (r == 0)
        return PAM_SUCCESS;
    if (r == -EACCES)
        return PAM_AUTH_ERR;
    if (r == -ECANCELED)
        return PAM_CONV_ERR;
    pam_syslog(call->pamh, LOG_ERR, "%s cannot be asked: %s; refused",
               program ? program : "the verifier", strerror(-r));
    if (request == ROLLCALL_PACKET_PASSWD)
        return PAM_AUTHINFO_UNAVAIL;
    rollcall_audit(ROLLCALL_AUDIT_SOCK, "login-refused", "user", call->user, "service",
                   call->service, "rhost", call->rhost, "cause", "verifier-unreachable", "hint",
                   strerror(-r), NULL);
    return PAM_AUTHINFO_UNAVAIL;
}

int relay_login(const struct pam_call *call)
{
    return relay(call, NULL, ROLLCALL_PACKET_LOGIN);
}

int relay_passwd(const struct pam_call *call)
{
    return relay(call, NULL, ROLLCALL_PACKET_PASSWD);
}

int relay_ticket(const struct pam_call *call)
{
    return relay(call, NULL, ROLLCALL_PACKET_TICKET);
}

int relay_breakglass(const struct pam_call *call)
{
    return relay(call, ROLLCALL_BREAKGLASS, ROLLCALL_PACKET_LOGIN);
}
