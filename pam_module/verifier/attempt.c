// SPDX-License-Identifier: BSD-2-Clause
// One code: charged before it is looked at, burnt before it is accepted.
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "pam_module/verifier/password.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"

bool factor_on(const struct verifier *v, unsigned factor)
{
    unsigned on = v->config ? v->config->usable_factors : ROLLCALL_FACTOR_TOTP;

    return on & factor;
}

bool access_codes_on(const struct verifier *v)
{
    return v->config && v->config->enrol && strcmp(v->config->enrol, "access-code") == 0;
}

bool password_on(const struct verifier *v)
{
    return v->config && v->config->first;
}

bool password_of_directory(const struct verifier *v)
{
    return password_on(v) && strcmp(v->config->first, "ldap-password") == 0;
}

bool code_of_directory(const struct verifier *v)
{
    return password_of_directory(v) && v->config->append;
}

bool password_of_host(const struct verifier *v)
{
    return password_on(v) && !password_of_directory(v);
}

struct attempt {
    struct verifier *v;
    const struct rollcall_person *person;
    enum side side;
    struct credential c;
    bool ours;     // the credential is of this employment
    bool enrolled; // and has an app
    bool cache_fits, cache_wiped;
    int64_t now;
};

static void attempt_erase(struct attempt *a)
{
    explicit_bzero(&a->c, sizeof(a->c));
}

// What is right is marked used in a->c; nothing is written yet.
static enum outcome by_totp(struct attempt *a, const struct rollcall_secret *code)
{
    // The same work for somebody without a secret.
    static const struct totp_factor nobodys = {.digits = 6, .secret_len = 20};
    struct totp_factor *t = &a->c.totp;
    int8_t drift = 0;
    uint64_t step = totp_check(a->enrolled ? t : &nobodys, code->bytes, a->now, &drift);

    if (!a->enrolled || step == 0 || !factor_on(a->v, ROLLCALL_FACTOR_TOTP))
        return OUTCOME_WRONG;
    t->last_step = step;
    t->drift = drift;
    return OUTCOME_RIGHT;
}

static enum outcome by_recovery(struct attempt *a, const struct rollcall_secret *code)
{
    int at = recovery_find(&a->c, code);

    if (!a->enrolled || at < 0 || !factor_on(a->v, ROLLCALL_FACTOR_RECOVERY))
        return OUTCOME_WRONG;
    memset(a->c.recovery[at], 0, sizeof(a->c.recovery[at]));
    return OUTCOME_RIGHT;
}

static enum outcome by_access(struct attempt *a, const struct rollcall_secret *code)
{
    bool fits = access_fits(&a->c, code, a->now);

    if (!fits || !access_codes_on(a->v) || a->person->uid == 0 ||
        a->c.incarnation != a->person->incarnation)
        return OUTCOME_WRONG;
    // What is missing is set up with it.
    if (!a->enrolled || (password_of_host(a->v) && a->c.password.kind == PASSWORD_NONE))
        return OUTCOME_WELCOME;
    memset(a->c.access, 0, sizeof(a->c.access)); // once
    return OUTCOME_RIGHT;
}

static enum outcome look(struct attempt *a, const struct rollcall_secret *typed, const char **how)
{
    _cleanup_secret_ struct rollcall_secret code = {0};

    switch (code_read(typed, &code)) {
    case CODE_EITHER:
        *how = "recovery";
        if (by_recovery(a, &code) == OUTCOME_RIGHT)
            return OUTCOME_RIGHT;
        break;
    case CODE_RECOVERY:
        *how = "recovery";
        return by_recovery(a, &code);
    case CODE_ACCESS:
        *how = "access-code";
        return by_access(a, &code);
    case CODE_TOTP:
    case CODE_NONE: // as long as a wrong one
        break;
    }
    *how = "totp";
    return by_totp(a, &code);
}

static enum outcome unusable(const struct attempt *a, struct credential_file *f, int r)
{
    if (r == -EBADMSG) {
        // Sealed by another host key, or damaged: nobody's code is right, after the same
        // prompts as everybody's. The file of unknown names starts over.
        if (a->person->uid == 0)
            credential_destroy(f);
        syslog(LOG_ERR, "the credential file of uid %u does not open: enrol again with --replace",
               a->person->uid);
        return OUTCOME_WRONG;
    }
    if (r == -EPROTONOSUPPORT)
        syslog(LOG_ERR,
               "the credential file of uid %u was written by a later version of rollcall, whose "
               "factors this one does not know: install that version again, or rollcall "
               "reset-factor",
               a->person->uid);
    else
        syslog(LOG_ERR, "the credential file of uid %u cannot be used: %s", a->person->uid,
               strerror(-r));
    return OUTCOME_NOT_NOW;
}

static enum factor_kind kind_of(const struct rollcall_secret *typed)
{
    _cleanup_secret_ struct rollcall_secret code = {0};

    switch (code_read(typed, &code)) {
    case CODE_RECOVERY:
        return FACTOR_RECOVERY;
    case CODE_ACCESS:
        return FACTOR_ACCESS;
    case CODE_TOTP:
    case CODE_EITHER:
    case CODE_NONE:
        break;
    }
    return FACTOR_TOTP;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// The failure is on the disk before the answer is looked at.
static int charge(struct attempt *a, struct credential_file *f,
                  const struct attempt_request *request, int64_t *ret_until)
{
    enum factor_kind kind = request->code ? kind_of(request->code) : FACTOR_PASSWORD;
    int r;

    *ret_until = throttle_until(&a->c, a->side, kind, a->now);
    if (request->password)
        *ret_until = later(*ret_until, throttle_until(&a->c, a->side, FACTOR_PASSWORD, a->now));
    // What is no try is written all the same: the same work.
    if ((request->code && !answer_is_no_try(request->code)) ||
        (request->password && !answer_is_no_try(request->password))) {
        throttle_charge(&a->c, a->side, kind, a->now);
        if (request->code && request->password)
            throttle_charge_also(&a->c, a->side, FACTOR_PASSWORD, a->now);
    }
    if (request->directory && request->charged)
        budget_settle(&a->c, a->side, request->directory->status);
    r = credential_write(f, &a->c);
    if (r < 0)
        syslog(LOG_ERR, "a failure could not be charged to uid %u: %s", a->person->uid,
               strerror(-r));
    return r;
}

// An older slot holds what was burnt as unused: gone with the second write.
static int burn(struct attempt *a, struct credential_file *f, const struct attempt_request *request,
                bool throttled)
{
    if (request->keep_failures)
        throttle_undo(&a->c, a->side, FACTOR_PASSWORD);
    else if (!throttled)
        throttle_succeeded(&a->c, a->side);
    return credential_write_twice(f, &a->c);
}

static bool is_no(const struct attempt_request *request)
{
    enum rollcall_check_status status = request->directory->status;

    return (status == ROLLCALL_CHECK_WRONG && !request->appended) ||
           status == ROLLCALL_CHECK_EXPIRED || status == ROLLCALL_CHECK_DISABLED;
}

// The cache is asked where no directory could be. What it holds is worked on in any case, and
// goes when the directory says no to it: it was changed there.
static bool password_right(struct attempt *a, const struct attempt_request *request)
{
    static const struct password_factor none;
    const struct password_factor *p = a->ours ? &a->c.password : &none;
    bool fits = password_fits(p, request->password);
    enum rollcall_check_status status;

    if (!request->directory)
        return fits && p->kind == PASSWORD_LOCAL;
    status = request->directory->status;
    a->cache_fits = fits && p->kind == PASSWORD_CACHED;
    if (status == ROLLCALL_CHECK_UNREACHABLE)
        return a->cache_fits && !request->password_blocked &&
               cache_good(a->v, &a->c.password, a->now);
    if (a->cache_fits && request->charged && is_no(request)) {
        explicit_bzero(&a->c.password, sizeof(a->c.password));
        a->cache_fits = false;
        a->cache_wiped = true;
    }
    return rollcall_check_proves(status);
}

// Both are looked at, whatever the other is; an access code that sets a password up needs
// none. Which of two was wrong shows in the counts alone, and they are written in any case.
static enum outcome look_at_both(struct attempt *a, struct credential_file *f,
                                 const struct attempt_request *request, const char **how)
{
    enum outcome by_code = request->code ? look(a, request->code, how) : OUTCOME_RIGHT;
    bool fits;

    if (!request->password)
        return by_code;
    fits = password_right(a, request);
    if (by_code == OUTCOME_WELCOME || (by_code == OUTCOME_RIGHT && fits))
        return by_code;
    if (fits)
        throttle_refund(&a->c, a->side, FACTOR_PASSWORD);
    if (by_code == OUTCOME_RIGHT && request->code)
        throttle_refund(&a->c, a->side, kind_of(request->code)); // burnt it is
    // What was wiped is in no older slot either.
    return (a->cache_wiped ? credential_write_twice(f, &a->c) : credential_write(f, &a->c)) < 0
               ? OUTCOME_NOT_NOW
               : OUTCOME_WRONG;
}

// What a proof of both is worth, and what is kept of it.
static enum outcome weigh(struct attempt *a, struct credential_file *f,
                          const struct attempt_request *request, enum outcome outcome,
                          struct attempt_result *ret)
{
    const struct rollcall_check_answer *d = request->password ? request->directory : NULL;
    // What is no sign-in has shown the password alone.
    bool keep = d && d->status == ROLLCALL_CHECK_TAKEN && outcome == OUTCOME_RIGHT &&
                !request->keep_failures;

    ret->from_cache = d && d->status == ROLLCALL_CHECK_UNREACHABLE && outcome == OUTCOME_RIGHT;
    // Whoever has no other factor here has no file of this employment yet.
    if (keep && !a->ours)
        credential_blank(&a->c, a->person->uid, a->person->incarnation, &a->c);
    if (keep)
        cache_refresh(a->v, request->password, a->cache_fits, a->now, &a->c);
    if (burn(a, f, request, ret->until > a->now) < 0)
        return OUTCOME_NOT_NOW; // not burnt, so not accepted
    if (keep)
        cache_confirm(f, &a->c);
    if (ret->until > a->now)
        return OUTCOME_THROTTLED;
    return d && rollcall_check_proves(d->status) && !directory_admits(d->status) ? OUTCOME_REFUSED
                                                                                 : outcome;
}

static enum outcome judge(struct attempt *a, struct credential_file *f,
                          const struct attempt_request *request, struct attempt_result *ret)
{
    int64_t wait = a->side == SIDE_OUTSIDE ? addresses_wait(a->v, request->rhost) : 0;
    const struct rollcall_secret *typed = request->code ? request->code : request->password;
    enum outcome outcome;

    if (charge(a, f, request, &ret->until) < 0)
        return OUTCOME_NOT_NOW;
    if (wait > 0)
        ret->until = later(ret->until, a->now + wait);
    a->ours = a->person->uid != 0 && a->c.incarnation == a->person->incarnation;
    a->enrolled = a->ours && a->c.totp.enrolled;
    outcome = look_at_both(a, f, request, &ret->how);
    if (outcome == OUTCOME_WRONG && a->side == SIDE_OUTSIDE && !answer_is_no_try(typed))
        addresses_charge(a->v, request->rhost);
    if (outcome == OUTCOME_WRONG || outcome == OUTCOME_NOT_NOW)
        return outcome;
    ret->enrolled = a->enrolled;
    ret->has_password = a->c.password.kind != PASSWORD_NONE;
    ret->password_aged =
        password_of_host(a->v) && password_aged(&a->c.password, a->v->config->password_age, a->now);
    return weigh(a, f, request, outcome, ret);
}

enum outcome attempt_code(struct verifier *v, const struct attempt_request *request,
                          struct attempt_result *ret)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_(attempt_erase) struct attempt a = {
        .v = v, .person = request->person, .side = request->side, .now = time(NULL)};
    int r = credential_open(v->credentials, v->key, request->person->uid, &f);

    *ret = (struct attempt_result){.how = "totp"};
    if (r == 0)
        r = credential_read(&f, &a.c);
    return r < 0 ? unusable(&a, &f, r) : judge(&a, &f, request, ret);
}
