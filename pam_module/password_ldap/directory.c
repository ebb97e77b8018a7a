// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/password_ldap/directory.h"

#include <errno.h>
#include <ldap.h>
#include <syslog.h>

#include "pam_module/password_ldap/said.h"
#include "rollcall/cleanup.h"
#include "rollcall/ldap_session.h"

#define UNICODE_MAX (2 * ROLLCALL_SECRET_MAX + 4)

struct question {
    const struct rollcall_check_request *q;
    int64_t deadline;
    struct rollcall_ldap *server;
    LDAP *ld;
};

static unsigned seconds_left(const struct question *s)
{
    return (unsigned)(rollcall_deadline_left(s->deadline) + 999) / 1000;
}

// ---- one operation ----

static void take_policy(LDAP *ld, LDAPControl *const *controls, struct said *said)
{
    for (int i = 0; controls && controls[i]; i++) {
        LDAPPasswordPolicyError error = PP_noError;
        ber_int_t expires = -1, grace = -1;
        if (strcmp(controls[i]->ldctl_oid, LDAP_CONTROL_PASSWORDPOLICYRESPONSE) != 0 ||
            ldap_parse_passwordpolicy_control(ld, controls[i], &expires, &grace, &error) !=
                LDAP_SUCCESS)
            continue;
        said->policy = true;
        said->error = (int)error;
        said->expires_in = expires;
        said->grace = grace;
    }
}

// What came of it; `text` is the caller's to free.
static void hear(struct question *s, int msgid, struct said *said, char **text)
{
    LDAPControl **controls = NULL;
    LDAPMessage *m = NULL;
    char why[600] = "no answer in time";

    *said =
        (struct said){.code = LDAP_TIMEOUT, .error = POLICY_NONE, .expires_in = -1, .grace = -1};
    if (rollcall_ldap_wait(s->server, msgid, LDAP_MSG_ALL, seconds_left(s), &m, why, sizeof(why)) !=
        1) {
        said->code = LDAP_SERVER_DOWN;
        syslog(LOG_WARNING, "%s: %s", rollcall_ldap_uri(s->server), why);
        return;
    }
    if (ldap_parse_result(s->ld, m, &said->code, NULL, text, NULL, &controls, 1) != LDAP_SUCCESS) {
        said->code = LDAP_PROTOCOL_ERROR;
        return;
    }
    said->text = *text;
    take_policy(s->ld, controls, said);
    ldap_controls_free(controls);
}

// A code is for the log; what a server says in words may hold anything.
static void note(const struct question *s, const char *what, const struct said *said,
                 enum rollcall_check_status status)
{
    if (status == ROLLCALL_CHECK_FAILED || status == ROLLCALL_CHECK_NO_CHANGE)
        syslog(LOG_ERR, "%s: %s: result %d (%s)", rollcall_ldap_uri(s->server), what, said->code,
               ldap_err2string(said->code));
    else if (status != ROLLCALL_CHECK_TAKEN)
        syslog(LOG_INFO, "%s: %s: result %d, sub-code %x, policy %d", rollcall_ldap_uri(s->server),
               what, said->code, said_sub_code(said->text), said->policy ? said->error : -1);
}

static void text_free(char **text)
{
    ldap_memfree(*text);
}
#define _cleanup_text_ __attribute__((cleanup(text_free)))

static void control_free(LDAPControl **c)
{
    if (*c)
        ldap_control_free(*c);
}
#define _cleanup_control_ __attribute__((cleanup(control_free)))

// libldap reads what it sends, whatever its types say.
static struct berval lent(const struct rollcall_secret *secret)
{
    return (struct berval){.bv_len = secret->len, .bv_val = (char *)(uintptr_t)secret->bytes};
}

// ---- bind and change ----

static void bind_as_person(struct question *s, struct rollcall_check_answer *ret)
{
    _cleanup_control_ LDAPControl *policy = NULL;
    _cleanup_text_ char *text = NULL;
    struct berval cred = lent(&s->q->password);
    LDAPControl *controls[2] = {NULL, NULL};
    struct said said;
    int msgid = -1, code = ldap_create_passwordpolicy_control(s->ld, &policy);

    controls[0] = policy;
    if (code == LDAP_SUCCESS)
        code = ldap_sasl_bind(s->ld, s->q->dn, LDAP_SASL_SIMPLE, &cred, controls, NULL, &msgid);
    if (code == LDAP_SUCCESS)
        hear(s, msgid, &said, &text);
    else
        said = (struct said){.code = code, .error = POLICY_NONE};
    said_of_bind(&said, ret);
    note(s, "bind", &said, ret->status);
}

static int send_modify(struct question *s, LDAPControl **controls, int *ret_msgid)
{
    unsigned char was[UNICODE_MAX], is[UNICODE_MAX];
    struct berval old = {.bv_val = (char *)was}, new = {.bv_val = (char *)is};
    struct berval *olds[] = {&old, NULL}, *news[] = {&new, NULL};
    char attribute[] = "unicodePwd";
    LDAPMod take = {.mod_op = LDAP_MOD_DELETE | LDAP_MOD_BVALUES,
                    .mod_type = attribute,
                    .mod_vals.modv_bvals = olds},
            give = {.mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES,
                    .mod_type = attribute,
                    .mod_vals.modv_bvals = news};
    LDAPMod *mods[] = {&take, &give, NULL};
    size_t n = 0, m = 0;
    int code = LDAP_CONSTRAINT_VIOLATION; // no UTF-8: no directory takes it

    if (said_unicode_password(&s->q->password, was, sizeof(was), &n) == 0 &&
        said_unicode_password(&s->q->fresh, is, sizeof(is), &m) == 0) {
        old.bv_len = n;
        new.bv_len = m;
        code = ldap_modify_ext(s->ld, s->q->dn, mods, controls, NULL, ret_msgid);
    }
    explicit_bzero(was, sizeof(was));
    explicit_bzero(is, sizeof(is));
    return code;
}

static int send_passwd(struct question *s, LDAPControl **controls, int *ret_msgid)
{
    struct berval old = lent(&s->q->password), new = lent(&s->q->fresh);

    // Whose: of who is bound. A directory may want to see the old one again.
    return ldap_passwd(s->ld, NULL, &old, &new, controls, NULL, ret_msgid);
}

static void change(struct question *s, struct rollcall_check_answer *ret)
{
    _cleanup_control_ LDAPControl *policy = NULL;
    _cleanup_text_ char *text = NULL;
    LDAPControl *controls[2] = {NULL, NULL};
    struct said said;
    int msgid = -1, code = LDAP_SUCCESS;

    if (!s->q->active_directory)
        code = ldap_create_passwordpolicy_control(s->ld, &policy);
    controls[0] = policy;
    if (code == LDAP_SUCCESS)
        code = s->q->active_directory ? send_modify(s, controls, &msgid)
                                      : send_passwd(s, controls, &msgid);
    if (code == LDAP_SUCCESS)
        hear(s, msgid, &said, &text);
    else
        said = (struct said){.code = code, .error = POLICY_NONE};
    said_of_change(&said, ret);
    note(s, "change", &said, ret->status);
}

// ---- the servers ----

static int connect_to(struct question *s, const char *uri)
{
    struct rollcall_ldap_options o = {.uris = &uri,
                                      .n_uris = 1,
                                      .ca_file = *s->q->ca ? s->q->ca : NULL,
                                      .bind = ROLLCALL_LDAP_BIND_NONE,
                                      .message_max = 65536};
    unsigned left = seconds_left(s);
    char why[700];
    int r;

    o.timeout = left < ROLLCALL_CHECK_CONNECT_S ? left : ROLLCALL_CHECK_CONNECT_S;
    r = rollcall_ldap_connect(&o, 0, &s->server, why, sizeof(why));
    if (r < 0)
        syslog(LOG_WARNING, "%s", why);
    else
        s->ld = rollcall_ldap_handle(s->server);
    return r;
}

static void ask_one(struct question *s, struct rollcall_check_answer *ret)
{
    bind_as_person(s, ret);
    if (s->q->change &&
        (ret->status == ROLLCALL_CHECK_TAKEN || ret->status == ROLLCALL_CHECK_MUST_CHANGE))
        change(s, ret);
}

void directory_ask(const struct rollcall_check_request *q, struct rollcall_check_answer *ret)
{
    char uris[ROLLCALL_CHECK_URIS_MAX], *rest = uris, *uri;
    struct question s = {.q = q, .deadline = rollcall_deadline_in(q->seconds * 1000)};

    memcpy(uris, q->uris, sizeof(uris));
    *ret = (struct rollcall_check_answer){
        .status = ROLLCALL_CHECK_UNREACHABLE, .expires_in = -1, .grace = -1};
    // Whoever says no is asked once: another server would count it once more.
    while (ret->status == ROLLCALL_CHECK_UNREACHABLE && seconds_left(&s) > 0 &&
           (uri = strtok_r(rest, " ", &rest))) {
        int r = connect_to(&s, uri);
        if (r == 0)
            ask_one(&s, ret);
        else if (r == -EINVAL)
            ret->status = ROLLCALL_CHECK_FAILED;
        s.server = rollcall_ldap_close(s.server);
    }
}
