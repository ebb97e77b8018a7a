// SPDX-License-Identifier: BSD-2-Clause
// Enrolment, destruction and the state of factors: root's requests.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pam_module/verifier/fido2.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/paths.h"

int enrol_person(const struct rollcall_packet *request, char user[256], struct rollcall_person *ret,
                 char *buf, size_t len)
{
    struct rollcall_admission a;

    if (rollcall_packet_get_text(request, ROLLCALL_FIELD_USER, user, 256) < 0)
        return -EBADMSG;
    rollcall_admission_look_up(ROLLCALL_BOARD, ROLLCALL_PRIVATE, user, 0, time(NULL), &a, ret, buf,
                               len);
    if (a.cause == ROLLCALL_REFUSE_NO_CACHE)
        return -EIO;
    // Somebody who left is not enrolled again; somebody whose first day is to come may be.
    return ret->uid == 0 || strcmp(ret->name, user) != 0 || a.state >= ROLLCALL_STATE_TERMINATED
               ? -ENOENT
               : 0;
}

enum rollcall_result enrol_result(int r)
{
    return r == -ENOENT    ? ROLLCALL_RESULT_UNKNOWN
           : r == -EEXIST  ? ROLLCALL_RESULT_ENROLLED
           : r == -EBADMSG ? ROLLCALL_RESULT_NOT_UNDERSTOOD
                           : ROLLCALL_RESULT_NOT_NOW;
}

static int enrol(struct verifier *v, const struct rollcall_packet *request, char *uri, size_t len)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF], uid[16], key[TOTP_KEY_MAX] = "";
    struct rollcall_person p;
    int64_t replace = 0;
    int r = enrol_person(request, user, &p, buf, sizeof(buf));

    rollcall_packet_get_number(request, ROLLCALL_FIELD_REPLACE, &replace);
    if (r == 0)
        r = credential_open(v->credentials, v->key, p.uid, &f);
    if (r == 0)
        r = credential_read(&f, &c);
    if (r == -EBADMSG && replace) {
        r = credential_destroy(&f); // sealed under a key that is no more
        credential_blank(&c, p.uid, 0, NULL);
    }
    if (r < 0)
        return r == -EBADMSG ? -EIO : r;
    if (c.totp.enrolled && c.incarnation == p.incarnation && !replace)
        return -EEXIST;
    // The other factors stay; codes that were shown beside the old secret go with it.
    credential_renew(&c, p.uid, p.incarnation);
    r = totp_make(v->config, &c.totp);
    c.totp.enrolled_at = time(NULL);
    if (r == 0)
        r = totp_uri(v->host, user, &c.totp, uri, len, key, sizeof(key));
    explicit_bzero(key, sizeof(key));
    if (r == 0)
        r = credential_write_twice(&f, &c); // an older secret is gone
    if (r == 0)
        tickets_destroy(v->tickets, p.uid); // and what it let in
    snprintf(uid, sizeof(uid), "%u", p.uid);
    if (r == 0)
        rollcall_audit(ROLLCALL_AUDIT_SOCK, "enrolled", "user", user, "uid", uid, "factor", "totp",
                       NULL);
    return r;
}

int enrol_totp(struct verifier *v, const struct rollcall_packet *request)
{
    char uri[512] = "";
    int r = enrol(v, request, uri, sizeof(uri)), e;

    e = say_result(v, r == 0 ? ROLLCALL_RESULT_YES : enrol_result(r), r == 0 ? uri : NULL, NULL);
    explicit_bzero(uri, sizeof(uri));
    return e;
}

int enrol_destroy(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    int64_t uid = 0;
    char text[24];
    int r = rollcall_packet_get_number(request, ROLLCALL_FIELD_UID, &uid);

    if (r < 0 || uid <= 0 || uid > UINT32_MAX)
        return say_result(v, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL, NULL);
    r = credential_open(v->credentials, v->key, (uint32_t)uid, &f);
    if (r == 0)
        r = credential_destroy(&f);
    tickets_destroy(v->tickets, (uint32_t)uid);
    snprintf(text, sizeof(text), "%lld", (long long)uid);
    if (r == 0)
        rollcall_audit(ROLLCALL_AUDIT_SOCK, "factors-destroyed", "uid", text, NULL);
    return say_result(v, r == 0 ? ROLLCALL_RESULT_YES : ROLLCALL_RESULT_NOT_NOW, NULL, NULL);
}

static int64_t access_good_until(const struct credential *c, const struct rollcall_person *p)
{
    static const uint8_t none[CODE_HASH_LEN];
    bool good = c->incarnation == p->incarnation && memcmp(c->access, none, sizeof(none)) != 0 &&
                c->access_until > time(NULL);

    return good ? c->access_until : 0;
}

// Factors that are switched off at a login: a bit for each kind.
static int64_t off_of(const struct credential *c)
{
    int64_t off = 0;

    for (int i = 0; i < FACTOR_KINDS; i++)
        off |= c->outside.of[i].count >= THROTTLE_DISABLED ? 1ll << i : 0;
    return off;
}

int enrol_factors(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    _cleanup_packet_ struct rollcall_packet out = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF];
    struct rollcall_person p;
    int64_t until;
    int r = enrol_person(request, user, &p, buf, sizeof(buf));

    if (r == 0)
        r = credential_open(v->credentials, v->key, p.uid, &f);
    if (r == 0)
        r = credential_read(&f, &c);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    if (c.incarnation != p.incarnation)
        credential_blank(&c, p.uid, p.incarnation, &c);
    until = throttle_until(&c, SIDE_OUTSIDE, FACTOR_TOTP, time(NULL));
    rollcall_packet_start(&out, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_CODE, ROLLCALL_RESULT_YES);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_TOTP, c.totp.enrolled);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_RECOVERY, recovery_left(&c));
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_PASSWORD, c.password.kind);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_INSIDE, c.inside.in_all.count);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_OFF, off_of(&c));
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_ACCESS, access_good_until(&c, &p));
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_FAILURES, c.outside.in_all.count);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_UNTIL, until > time(NULL) ? until : 0);
    return rollcall_packet_send(v->peer, &out, 5000);
}

// ---- offline: is there anybody whom this host could let in with what it has? ----
#define READY_SECONDS 5

static bool has_usable(const struct verifier *v, const struct credential *c, int64_t now)
{
    bool keys = false;

    for (int i = 0; i < FIDO_KEYS; i++)
        keys = keys || (c->fido[i].id_len > 0 && v->config &&
                        fido2_model_counts(&v->config->fido2_aaguids, &c->fido[i]));
    return (keys && factor_on(v, ROLLCALL_FACTOR_FIDO2)) ||
           (c->totp.enrolled && factor_on(v, ROLLCALL_FACTOR_TOTP) &&
            throttle_until(c, SIDE_OUTSIDE, FACTOR_TOTP, now) != INT64_MAX);
}

static bool can_come_in(const struct verifier *v, uint32_t uid, int64_t *ret_until)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    struct rollcall_admission a;
    struct rollcall_person p;
    char buf[ROLLCALL_ADMISSION_BUF];
    int64_t now = time(NULL);

    rollcall_admission_look_up(ROLLCALL_BOARD, ROLLCALL_PRIVATE, NULL, uid, now, &a, &p, buf,
                               sizeof(buf));
    if (a.cause != ROLLCALL_ADMIT || credential_open(v->credentials, v->key, uid, &f) < 0 ||
        credential_read(&f, &c) < 0 || c.incarnation != p.incarnation || !has_usable(v, &c, now))
        return false;
    *ret_until = a.lease_ends;
    return true;
}

int enrol_ready(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_packet_ struct rollcall_packet out = {0};
    int copy = openat(v->credentials, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
    int64_t until = ROLLCALL_TIME_UNSET, stop = time(NULL) + READY_SECONDS;
    bool ready = false;
    const struct dirent *e;
    uint64_t uid;

    (void)request;
    while (d && !ready && time(NULL) <= stop && (e = readdir(d)))
        ready = rollcall_parse_u64(e->d_name, 1, UINT32_MAX, &uid) == 0 &&
                can_come_in(v, (uint32_t)uid, &until);
    rollcall_packet_start(&out, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_CODE,
                               ready ? ROLLCALL_RESULT_YES : ROLLCALL_RESULT_REFUSED);
    rollcall_packet_put_number(&out, ROLLCALL_FIELD_UNTIL, until);
    return rollcall_packet_send(v->peer, &out, 5000);
}
