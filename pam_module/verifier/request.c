// SPDX-License-Identifier: BSD-2-Clause
// Who asks, for whom, and what is known of both before a word was typed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

bool login_is_sudo(const struct login *l)
{
    return strcmp(l->service, "sudo") == 0 || strcmp(l->service, "sudo-i") == 0;
}

static void take_text(const struct rollcall_packet *p, enum rollcall_field field, char *buf,
                      size_t len)
{
    if (rollcall_packet_get_text(p, field, buf, len) < 0)
        buf[0] = 0;
}

// A screen locker runs as the person, and sudo asks for who called it (unless it is told to
// ask for its target: then anybody could fail in that one's name).
static enum side side_of(const struct login *l, const struct rollcall_packet *request)
{
    char ruser[256];

    take_text(request, ROLLCALL_FIELD_RUSER, ruser, sizeof(ruser));
    return l->v->peer_uid != 0 || (login_is_sudo(l) && strcmp(ruser, l->user) == 0) ? SIDE_INSIDE
                                                                                    : SIDE_OUTSIDE;
}

// What an application says of keys counts where it is sshd.
static void take_evidence(struct login *l, const struct rollcall_packet *request)
{
    char info[ROLLCALL_AUTH_INFO_MAX + 1];

    if (strcmp(l->service, "sshd") != 0)
        return;
    take_text(request, ROLLCALL_FIELD_AUTH_INFO, info, sizeof(info));
    ssh_evidence_read(info, l->rhost, &l->ssh);
    l->proof |= l->ssh.n > 0 ? PROOF_KEY : 0;
}

void login_look(struct login *l)
{
    rollcall_admission_look_again(&l->look, ROLLCALL_BOARD, ROLLCALL_PRIVATE, l->user, 0,
                                  time(NULL), &l->admission, &l->person, l->person_buf,
                                  sizeof(l->person_buf));
}

static int read_request(struct verifier *v, const struct rollcall_packet *request, struct login *l)
{
    *l = (struct login){.v = v, .talk = {.fd = -1}, .directory = {ROLLCALL_CHECK_FAILED, -1, -1}};
    take_text(request, ROLLCALL_FIELD_USER, l->user, sizeof(l->user));
    take_text(request, ROLLCALL_FIELD_SERVICE, l->service, sizeof(l->service));
    take_text(request, ROLLCALL_FIELD_RHOST, l->rhost, sizeof(l->rhost));
    take_text(request, ROLLCALL_FIELD_TTY, l->tty, sizeof(l->tty));
    if (rollcall_packet_get_number(request, ROLLCALL_FIELD_SESSION, &l->session) < 0)
        l->session = 0;
    l->side = side_of(l, request);
    // What somebody says of himself is no record of where he came from.
    if (v->peer_uid != 0) {
        snprintf(l->service, sizeof(l->service), "self");
        *l->rhost = *l->tty = 0;
    }
    take_evidence(l, request);
    if (!*l->user)
        return -EBADMSG;
    login_look(l);
    if (l->ssh.hardware && ssh_key_counts(v, &l->person, l->ssh.fingerprint))
        l->proof |= PROOF_HARDWARE_KEY;
    l->facts = (struct prompt_facts){
        .host = v->host,
        .user = l->user,
        .reference = l->reference,
        .contact = v->config ? v->config->contact : "your IT service desk",
        .display_name = l->person.uid ? l->person.display_name : "",
        .totp_only = !factor_on(v, ROLLCALL_FACTOR_RECOVERY) && !access_codes_on(v),
        .eight_digits = v->config && v->config->totp_digits == ROLLCALL_TOTP_8_DIGITS,
        .as_of = l->admission.as_of};
    l->facts.keys = touch_possible(l);
    return 0;
}

void login_free(struct login **l)
{
    if (*l) {
        key_talk_end(&(*l)->talk);
        rollcall_look_end(&(*l)->look);
        explicit_bzero(*l, sizeof(**l));
    }
    free(*l);
}
int login_begin(struct verifier *v, const struct rollcall_packet *request, struct login **ret)
{
    _cleanup_login_ struct login *l = calloc(1, sizeof(*l));
    int r = -ENOMEM;

    if (l) {
        l->talk.fd = -1;
        r = read_request(v, request, l);
    }
    if (r == 0)
        *ret = ROLLCALL_TAKE(l);
    return r;
}
