// SPDX-License-Identifier: BSD-2-Clause
// Choosing a password: at the first enrolment, after a login that was strong without it, and
// when it has grown old.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pam_module/verifier/password.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"

#define CHOICES 5

int password_choose(struct login *l, bool may_wait, struct password_factor *ret)
{
    const struct password_owner owner = {
        .user = l->user, .display_name = l->facts.display_name, .host = l->v->host};
    const char *problem = NULL;
    char text[512];

    for (int i = 0; i < CHOICES; i++) {
        _cleanup_secret_ struct rollcall_secret first = {0}, second = {0};
        int r;
        prompt_choose(&l->facts, problem, may_wait, text, sizeof(text));
        r = session_ask_hidden(l, text, &first);
        if (r < 0 || (may_wait && first.len == 0))
            return r < 0 ? r : 0;
        problem = password_objection(&first, &owner);
        if (problem)
            continue;
        r = session_ask_hidden(l, "\nThe same again: ", &second);
        if (r < 0)
            return r;
        if (rollcall_equal_ct(first.bytes, first.len, second.bytes, second.len)) {
            r = password_make(&first, PASSWORD_LOCAL, time(NULL), ret);
            return r < 0 ? r : 1;
        }
        problem = "The two were not the same.";
    }
    return 0;
}

int password_renew(struct login *l, bool may_wait)
{
    _cleanup_(credential_close) struct credential_file file = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    struct password_factor p;
    int r = password_choose(l, may_wait, &p);

    if (r != 1)
        return r;
    r = credential_open(l->v->credentials, l->v->key, l->person.uid, &file);
    if (r == 0)
        r = credential_read(&file, &c);
    // Meanwhile the service desk may have taken everything back.
    if (r == 0 && (!c.totp.enrolled || c.incarnation != l->person.incarnation))
        return 0;
    c.password = p;
    if (r == 0)
        r = credential_write_twice(&file, &c);
    explicit_bzero(&p, sizeof(p));
    if (r < 0)
        return r;
    session_audit(l, "password-set", "local", false);
    return 1;
}
