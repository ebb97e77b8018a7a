// SPDX-License-Identifier: BSD-2-Clause
// What the service desk asks for: access codes, and factors taken back.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/random.h"

#define CODE_SECONDS_MAX (30 * 86400)

void desk_audit(const struct rollcall_packet *request, const char *event, const char *user,
                uint32_t uid, const char *hint)
{
    char by[65], number[16];

    if (rollcall_packet_get_text(request, ROLLCALL_FIELD_BY, by, sizeof(by)) < 0)
        snprintf(by, sizeof(by), "root");
    snprintf(number, sizeof(number), "%u", uid);
    rollcall_audit(ROLLCALL_AUDIT_SOCK, event, "user", user, "uid", number, "by", by, "hint", hint,
                   NULL);
}

int enrol_begin(struct verifier *v, const struct rollcall_person *p, struct credential_file *f,
                struct credential *c)
{
    int r = credential_open(v->credentials, v->key, p->uid, f);

    if (r == 0)
        r = credential_read(f, c);
    if (r == 0 && c->incarnation != p->incarnation)
        credential_blank(c, p->uid, p->incarnation, c);
    return r;
}

static int issue(struct verifier *v, const struct rollcall_person *p, int64_t seconds,
                 struct rollcall_secret *ret_code, int64_t *ret_until)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    static const uint8_t none[CODE_SALT_LEN];
    int r = enrol_begin(v, p, &f, &c);

    // Recovery codes stand under the same salt.
    if (r == 0 && memcmp(c.salt, none, sizeof(none)) == 0 &&
        rollcall_random(c.salt, sizeof(c.salt)) < 0)
        r = -EIO;
    if (r == 0)
        r = code_make(CODE_ACCESS, ret_code);
    if (r == 0)
        r = code_hash(c.salt, CODE_ACCESS, ret_code, c.access);
    c.access_until = *ret_until = time(NULL) + seconds;
    return r == 0 ? credential_write(&f, &c) : r;
}

static int say_code(struct verifier *v, const struct rollcall_secret *code, int64_t until)
{
    _cleanup_packet_ struct rollcall_packet out = {0};
    char text[CODE_TEXT_LEN];

    code_group(code, text);
    rollcall_packet_start(&out, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_CODE, ROLLCALL_RESULT_YES);
    rollcall_packet_put_text(&out, ROLLCALL_FIELD_TEXT, text);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_UNTIL, until);
    explicit_bzero(text, sizeof(text));
    return rollcall_packet_send(v->peer, &out, 5000);
}

int desk_code(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_secret_ struct rollcall_secret code = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF], hint[48];
    struct rollcall_person p;
    int64_t seconds = 0, until = 0;
    int r = enrol_person(request, user, &p, buf, sizeof(buf));

    if (rollcall_packet_get_number(request, ROLLCALL_FIELD_SECONDS, &seconds) < 0 || seconds < 60 ||
        seconds > CODE_SECONDS_MAX)
        return say_result(v, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL, NULL);
    if (r == 0 && !access_codes_on(v))
        return say_result(v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
    if (r == 0)
        r = issue(v, &p, seconds, &code, &until);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    snprintf(hint, sizeof(hint), "for %lld s", (long long)seconds);
    desk_audit(request, "access-code-issued", user, p.uid, hint);
    return say_code(v, &code, until);
}

// What was kept so that the person is asked less, or can sign in without a server: the
// password and every ticket. The second factor stays.
int desk_forget(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF];
    struct rollcall_person p;
    bool had = false;
    int r = enrol_person(request, user, &p, buf, sizeof(buf));

    if (r == 0)
        r = credential_open(v->credentials, v->key, p.uid, &f);
    if (r == 0)
        r = credential_read(&f, &c);
    if (r == 0) {
        had = c.password.kind != PASSWORD_NONE;
        explicit_bzero(&c.password, sizeof(c.password));
        r = credential_write_twice(&f, &c);
    }
    if (r < 0)
        return say_result(v, enrol_result(r == -EBADMSG ? -EIO : r), NULL, NULL);
    tickets_destroy(v->tickets, p.uid);
    desk_audit(request, "secrets-forgotten", user, p.uid,
               had ? "the password and the tickets are gone" : "the tickets are gone");
    return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
}

// Somebody was locked: what the directory took before is not to let them in again, should they
// come back. A password of this host's own stays.
int desk_drop_cache(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    int64_t uid = 0;
    int r = rollcall_packet_get_number(request, ROLLCALL_FIELD_UID, &uid);

    if (r < 0 || uid <= 0 || uid > UINT32_MAX)
        return say_result(v, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL, NULL);
    r = credential_open(v->credentials, v->key, (uint32_t)uid, &f);
    if (r == 0)
        r = credential_read(&f, &c);
    if (r == -EBADMSG)
        r = 0; // it opens for nobody
    else if (r == 0 && c.password.kind == PASSWORD_CACHED) {
        explicit_bzero(&c.password, sizeof(c.password));
        r = credential_write_twice(&f, &c);
    }
    return say_result(v, r == 0 ? ROLLCALL_RESULT_YES : ROLLCALL_RESULT_NOT_NOW, NULL, NULL);
}

int desk_reset(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    char user[256], buf[ROLLCALL_ADMISSION_BUF];
    struct rollcall_person p;
    int r = enrol_person(request, user, &p, buf, sizeof(buf));

    if (r == 0)
        r = credential_open(v->credentials, v->key, p.uid, &f);
    if (r == 0)
        r = credential_destroy(&f);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    tickets_destroy(v->tickets, p.uid);
    desk_audit(request, "factors-reset", user, p.uid, "factors, codes and tickets are gone");
    return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
}
