// SPDX-License-Identifier: BSD-2-Clause
// First enrolment, at the ordinary prompt: a secret shown as a picture and a key, a code to
// prove that it arrived, recovery codes. All of it is committed together at the end; who
// hangs up before has changed nothing, and the access code stays good until it expires.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "pam_module/verifier/rare.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/random.h"

#define CONFIRM_TRIES 3
#define SAVED_TRIES   3
#define PICTURE_MAX   2600 // of a prompt of 3500 bytes

struct fresh {
    bool enrolled; // only the password is missing
    struct totp_factor totp;
    struct password_factor password;
    struct rollcall_secret recovery[RECOVERY_CODES];
    char shown[RECOVERY_CODES][CODE_TEXT_LEN];
    char text[3500];
};

static void fresh_erase(struct fresh **f)
{
    if (*f)
        explicit_bzero(*f, sizeof(**f));
    free(*f);
}

static int make(struct login *l, struct fresh *f)
{
    int r = totp_make(l->v->config, &f->totp);

    for (int i = 0; r == 0 && i < RECOVERY_CODES && factor_on(l->v, ROLLCALL_FACTOR_RECOVERY);
         i++) {
        r = code_make(CODE_RECOVERY, &f->recovery[i]);
        code_group(&f->recovery[i], f->shown[i]);
    }
    return r;
}

static int show_secret(struct login *l, struct fresh *f)
{
    _cleanup_(rollcall_qr_erase) struct rollcall_qr qr = {0};
    char uri[512], key[TOTP_KEY_MAX];
    int r = totp_uri(l->v->host, l->user, &f->totp, uri, sizeof(uri), key, sizeof(key));

    // Where it cannot be drawn the key is there.
    if (r == 0 && rare() && rare()->draw(uri, false, &qr) == 0 && qr.len > PICTURE_MAX)
        rollcall_qr_erase(&qr);
    if (r == 0)
        prompt_welcome(&l->facts, qr.text, key, f->text, sizeof(f->text));
    explicit_bzero(uri, sizeof(uri));
    explicit_bzero(key, sizeof(key));
    return r;
}

// 1: the code of the app is right.
static int confirm(struct login *l, struct fresh *f)
{
    for (int i = 0; i < CONFIRM_TRIES; i++) {
        _cleanup_secret_ struct rollcall_secret typed = {0}, code = {0};
        int r = session_ask(l, f->text, &typed);
        if (r < 0)
            return r;
        code_read(&typed, &code);
        f->totp.last_step = totp_check(&f->totp, code.bytes, time(NULL), &f->totp.drift);
        if (f->totp.last_step > 0)
            return 1;
        prompt_wrong(f->text, sizeof(f->text));
    }
    return 0;
}

// 1: the recovery codes were kept.
static int keep(struct login *l, struct fresh *f)
{
    if (f->enrolled || !factor_on(l->v, ROLLCALL_FACTOR_RECOVERY))
        return 1;
    for (int i = 0; i < SAVED_TRIES; i++) {
        _cleanup_secret_ struct rollcall_secret typed = {0};
        int r;
        prompt_keep(f->shown, i > 0, f->text, sizeof(f->text));
        r = session_ask(l, f->text, &typed);
        if (r < 0)
            return r;
        if (strcasecmp(typed.bytes, "saved") == 0)
            return 1;
    }
    return 0;
}

static int fill(const struct login *l, const struct fresh *f, struct credential *c)
{
    int r = 0;

    if (f->enrolled) {
        memset(c->access, 0, sizeof(c->access)); // once
        c->password = f->password;
        return 0;
    }
    credential_renew(c, l->person.uid, l->person.incarnation);
    c->password = f->password;
    c->totp = f->totp;
    c->totp.enrolled_at = time(NULL);
    if (rollcall_random(c->salt, sizeof(c->salt)) < 0)
        return -EIO;
    for (int i = 0; r == 0 && i < RECOVERY_CODES && f->recovery[i].len > 0; i++)
        r = code_hash(c->salt, CODE_RECOVERY, &f->recovery[i], c->recovery[i]);
    return r;
}

// The access code must still be good: another session may have used it meanwhile, or the
// service desk may have taken it back.
static int commit(struct login *l, const struct rollcall_secret *access_code, const struct fresh *f)
{
    _cleanup_(credential_close) struct credential_file file = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    _cleanup_secret_ struct rollcall_secret code = {0};
    int r = credential_open(l->v->credentials, l->v->key, l->person.uid, &file);

    if (r == 0)
        r = credential_read(&file, &c);
    if (r < 0)
        return r;
    code_read(access_code, &code);
    if (c.incarnation != l->person.incarnation || c.totp.enrolled != f->enrolled ||
        !access_fits(&c, &code, time(NULL)))
        return 0;
    r = fill(l, f, &c);
    if (r == 0)
        r = credential_write_twice(&file, &c); // the access code is gone
    return r < 0 ? r : 1;
}

static int set_up_app(struct login *l, struct fresh *f)
{
    int r = make(l, f);

    if (r == 0)
        r = show_secret(l, f);
    return r == 0 ? confirm(l, f) : r;
}

int welcome(struct login *l, const struct rollcall_secret *access_code, bool enrolled)
{
    _cleanup_(fresh_erase) struct fresh *f = calloc(1, sizeof(*f));
    int r = 1;

    if (!f)
        return -ENOMEM;
    f->enrolled = enrolled;
    if (!enrolled)
        r = set_up_app(l, f);
    if (r == 1 && password_of_host(l->v))
        r = password_choose(l, false, &f->password);
    if (r == 1)
        r = keep(l, f);
    if (r == 1)
        r = commit(l, access_code, f);
    session_audit(l, r == 1 ? "enrolled" : "enrolment-left", enrolled ? "password" : "totp", false);
    return r;
}
