// SPDX-License-Identifier: BSD-2-Clause
// A password that a directory judges. Whoever it is, one question goes out under a DN below
// the same base, and the answer takes its time: only the directory knows whether the name is
// anybody's there.
#include "pam_module/verifier/directory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "pam_module/verifier/password.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/random.h"

#define ASK_S    5
#define FLOOR_MS 300
#define CHOICES  5

typedef struct rollcall_check_request question;
#define _cleanup_question_ __attribute__((cleanup(rollcall_check_request_erase)))

// ---- the question ----

static void random_letters(char *ret, size_t n)
{
    static const char letters[] = "abcdefghjkmnpqrstvwxyzABCDEFGHJK";
    unsigned char r[ROLLCALL_SECRET_MAX] = {0};

    rollcall_random(r, n);
    for (size_t i = 0; i < n; i++)
        ret[i] = letters[r[i] % 32];
    ret[n] = 0;
}

// A DN that nobody has, and no password of anybody's.
static int make_nobody(const struct rollcall_source_config *s, size_t length, question *q)
{
    char name[17];
    int n;

    random_letters(name, sizeof(name) - 1);
    n = snprintf(q->dn, sizeof(q->dn), "cn=%s,%s", name, s->ldap.base);
    random_letters(q->password.bytes, length);
    q->password.len = length;
    return n < 0 || (size_t)n >= sizeof(q->dn) ? -EMSGSIZE : 0;
}

static int make_question(const struct rollcall_source_config *s, const char *dn,
                         const struct rollcall_secret *password, question *q)
{
    int r = directory_address(s, q);

    q->seconds = ASK_S;
    if (r < 0)
        return r;
    if (!dn)
        return make_nobody(s, password->len, q);
    rollcall_secret_set(&q->password, password->bytes, password->len);
    return snprintf(q->dn, sizeof(q->dn), "%s", dn) >= (int)sizeof(q->dn) ? -EMSGSIZE : 0;
}

// 0 with l->directory, or -EPIPE.
static int ask(struct login *l, const question *q)
{
    struct rollcall_check_answer a = {
        .status = ROLLCALL_CHECK_FAILED, .expires_in = -1, .grace = -1};
    int r = network_child_ask(&l->v->network, q, l->v->peer, &a);

    if (r == -EPIPE)
        return r;
    if (r == -ETIMEDOUT)
        a.status = ROLLCALL_CHECK_UNREACHABLE;
    if (r < 0)
        syslog(LOG_ERR, "the directory could not be asked: %s", strerror(-r));
    l->directory = a;
    return 0;
}

// ---- its tries ----

static struct bind_budget budget_of(const struct verifier *v)
{
    return (struct bind_budget){.limit = (uint32_t)v->config->bind_failures,
                                .window = (int64_t)v->config->bind_window};
}

// Is this one let out to the directory? On the disk before it goes. The same work for
// everybody.
static bool take_try(struct login *l, bool real)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    struct bind_budget b = budget_of(l->v);
    bool taken = false;
    int r = credential_open(l->v->credentials, l->v->key, l->person.uid, &f);

    if (r == 0)
        r = credential_read(&f, &c);
    if (r == 0 && real)
        taken = budget_take(&c, l->side, &b, time(NULL));
    if (r == 0)
        r = credential_write(&f, &c);
    if (real && r == 0 && !taken) {
        syslog(
            LOG_NOTICE,
            "user=%.64s: as many wrong passwords as [mfa] bind_failures lets the directory hear; "
            "it is not asked",
            l->user);
        session_audit_hint(l, "password-held-back", "the directory was not asked");
    }
    return r == 0 && taken;
}

// ---- a check ----

static const char *dn_of(const struct login *l)
{
    return l->person.uid && l->person.dn ? l->person.dn : "";
}

static const struct rollcall_source_config *source_of(const struct login *l)
{
    const char *id = l->person.uid && l->person.immutable_id ? l->person.immutable_id : "";

    return directory_of(l->v->config, id, dn_of(l));
}

static int check(struct login *l, const struct rollcall_secret *password)
{
    const char *dn = dn_of(l);
    const struct rollcall_source_config *s = source_of(l);
    bool real = *dn && s && !(l->admission.flags & ROLLCALL_FLAG_PASSWORD_BLOCKED);
    _cleanup_question_ question q = {0};
    int r;

    l->bind_charged = take_try(l, real);
    s = s ? s : directory_of(l->v->config, "", "");
    r = s ? make_question(s, l->bind_charged ? dn : NULL, password, &q) : -ENOENT;
    if (r < 0) {
        syslog(LOG_ERR, "no directory can be asked: %s", strerror(-r));
        return 0;
    }
    r = ask(l, &q);
    // What was said of nobody is no news of this person; that nobody said anything is.
    if (!l->bind_charged && (l->directory.status != ROLLCALL_CHECK_UNREACHABLE || !*dn))
        l->directory =
            (struct rollcall_check_answer){ROLLCALL_CHECK_WRONG, .expires_in = -1, .grace = -1};
    return r;
}

int directory_check(struct login *l, const struct rollcall_secret *password)
{
    int64_t floor = rollcall_deadline_in(FLOOR_MS);
    int r = 0;

    l->bind_charged = false;
    l->directory =
        (struct rollcall_check_answer){ROLLCALL_CHECK_FAILED, .expires_in = -1, .grace = -1};
    // Nobody's try, and nothing that a directory should hear: it takes an empty one for
    // nobody's, and says yes.
    if (answer_is_no_try(password))
        l->directory.status = ROLLCALL_CHECK_WRONG;
    else
        r = check(l, password);
    poll(NULL, 0, rollcall_deadline_left(floor));
    return r;
}

// ---- a change ----

static void keep_new(struct login *l, const struct rollcall_secret *fresh)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    int r = credential_open(l->v->credentials, l->v->key, l->person.uid, &f);

    if (r == 0)
        r = credential_read(&f, &c);
    if (r < 0 || c.incarnation != l->person.incarnation)
        return;
    cache_refresh(l->v, fresh, false, time(NULL), &c);
    if (credential_write_twice(&f, &c) == 0)
        cache_confirm(&f, &c);
}

// 1: it stands. 0 with *ret_problem, or NULL where there is no use in another.
static int send_new(struct login *l, const struct rollcall_secret *old,
                    const struct rollcall_secret *fresh, const char **ret_problem)
{
    const struct rollcall_source_config *s = source_of(l);
    _cleanup_question_ question q = {0};
    int r = s ? make_question(s, dn_of(l), old, &q) : -ENOENT;

    *ret_problem = NULL;
    if (r < 0)
        return 0;
    q.change = true;
    rollcall_secret_set(&q.fresh, fresh->bytes, fresh->len);
    r = ask(l, &q);
    if (r < 0)
        return r;
    if (l->directory.status == ROLLCALL_CHECK_TAKEN) {
        keep_new(l, fresh);
        session_audit(l, "password-set", "directory", false);
        return 1;
    }
    if (l->directory.status == ROLLCALL_CHECK_REJECTED)
        *ret_problem = "The directory's rules do not take that one.";
    return 0;
}

int directory_change(struct login *l, const struct rollcall_secret *old, enum change_why why)
{
    const struct password_owner owner = {
        .user = l->user, .display_name = l->facts.display_name, .host = l->v->host};
    const char *problem = why == CHANGE_MUST ? "Your password has to be changed." : NULL;
    int left = l->directory.grace, r;
    char text[512];

    for (int i = 0; i < CHOICES; i++) {
        _cleanup_secret_ struct rollcall_secret first = {0}, second = {0};
        prompt_change(problem, why == CHANGE_GRACE ? &left : NULL, text, sizeof(text));
        r = session_ask_hidden(l, text, &first);
        if (r < 0 || (why == CHANGE_GRACE && first.len == 0))
            return r;
        problem = password_objection(&first, &owner);
        if (problem)
            continue;
        r = session_ask_hidden(l, "\nThe same again: ", &second);
        if (r < 0)
            return r;
        if (!rollcall_equal_ct(first.bytes, first.len, second.bytes, second.len)) {
            problem = "The two were not the same.";
            continue;
        }
        r = send_new(l, old, &first, &problem);
        if (r != 0 || !problem)
            return r;
    }
    return 0;
}
