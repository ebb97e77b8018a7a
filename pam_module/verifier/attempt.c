// SPDX-License-Identifier: BSD-2-Clause
// One code: charged before it is looked at, burnt before it is accepted.
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

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

struct attempt {
    struct verifier *v;
    const struct rollcall_person *person;
    struct credential c;
    bool enrolled; // in this employment
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

    if (!a->enrolled || step == 0)
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
    if (!a->enrolled)
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

// The failure is on the disk before the answer is looked at.
static int charge(struct attempt *a, struct credential_file *f, int64_t *ret_until)
{
    struct failures *failed = &a->c.outside.in_all;
    int r;

    // A failure of a time to come is one of a clock that was set back since.
    if (failed->last > a->now)
        failed->last = a->now;
    *ret_until = throttle_until(failed->count, failed->last);
    failed->count += failed->count < UINT32_MAX;
    failed->last = a->now;
    r = credential_write(f, &a->c);
    if (r < 0)
        syslog(LOG_ERR, "a failure could not be charged to uid %u: %s", a->person->uid,
               strerror(-r));
    return r;
}

enum outcome attempt_code(struct verifier *v, const struct rollcall_person *person,
                          const struct rollcall_secret *typed, const char **how, int64_t *until)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_(attempt_erase) struct attempt a = {.v = v, .person = person, .now = time(NULL)};
    enum outcome outcome;
    int r = credential_open(v->credentials, v->key, person->uid, &f);

    *how = "totp";
    if (r == 0)
        r = credential_read(&f, &a.c);
    if (r < 0)
        return unusable(&a, &f, r);
    if (charge(&a, &f, until) < 0)
        return OUTCOME_NOT_NOW;
    a.enrolled = person->uid != 0 && a.c.totp.enrolled && a.c.incarnation == person->incarnation;
    outcome = look(&a, typed, how);
    if (outcome == OUTCOME_WRONG)
        return outcome;
    if (*until <= a.now)
        a.c.outside.in_all = (struct failures){0};
    r = credential_write(&f, &a.c);
    // The older slot still holds a recovery code as unused: gone with this write.
    if (r == 0 && strcmp(*how, "totp") != 0)
        r = credential_write(&f, &a.c);
    if (r < 0)
        return OUTCOME_NOT_NOW; // not burnt, so not accepted
    return *until > a.now ? OUTCOME_THROTTLED : outcome;
}
