// SPDX-License-Identifier: BSD-2-Clause
// sshd: what it says it would do for somebody of ours, for a name that nobody has, for a
// local person and for root. Its files only say where that stands.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/control.h"
#include "cli/doctor.h"
#include "cli/sshd.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

#define NOBODY    "rollcall-nobody"
#define MY_KEYS   ROLLCALL_LIBEXECDIR "/rollcall-authorized-keys"
#define NOWHERE   "192.0.2.1" // documentation's own addresses, RFC 5737
#define DROPIN_IS "rollcall setup --mode enforce"

static bool is(const json_t *answer, const char *key, const char *value)
{
    return strcmp(cli_text_of(answer, key), value) == 0;
}

// Is `method`, with or without a device, one of the words of a list "a,b:c"?
static bool has_method(const char *list, size_t len, const char *method)
{
    size_t n = strlen(method);

    for (size_t at = 0; at < len;) {
        size_t word = 0;
        while (at + word < len && list[at + word] != ',')
            word++;
        if (word >= n && strncmp(list + at, method, n) == 0 && (word == n || list[at + n] == ':'))
            return true;
        at += word + 1;
    }
    return false;
}

static void judge_methods(struct doctor *d, const json_t *a)
{
    char where[300];
    const char *methods = cli_text_of(a, "authenticationmethods");

    sshd_where("AuthenticationMethods", true, where, sizeof(where));
    if (!*methods || strcmp(methods, "any") == 0) {
        doctor_find(d, DOCTOR_HOLE, "sshd-methods", where, DROPIN_IS,
                    "sshd asks employees for any one method: a code alone lets them in");
        return;
    }
    for (const char *p = methods; *p;) {
        size_t len = strcspn(p, " ");
        bool key = has_method(p, len, "publickey") || has_method(p, len, "hostbased") ||
                   has_method(p, len, "gssapi-with-mic");
        bool code = has_method(p, len, "keyboard-interactive") || has_method(p, len, "password");
        if (code && !key)
            doctor_find(d, DOCTOR_HOLE, "sshd-methods", where, DROPIN_IS,
                        "sshd takes \"%.*s\" from employees: a code alone lets them in", (int)len,
                        p);
        if (!code)
            doctor_find(d, DOCTOR_RISK, "sshd-no-code", where, DROPIN_IS,
                        "sshd takes \"%.*s\" from employees: no code is asked, so only PAM's "
                        "account phase stands in the way",
                        (int)len, p);
        p += len + strspn(p + len, " ");
    }
}

// A word whose value should be another one.
struct wish {
    const char *key, *keyword, *wanted;
    enum doctor_severity severity;
    const char *sentence;
};

static void judge_wishes(struct doctor *d, const json_t *a)
{
    static const struct wish wishes[] = {
        {"usepam", "UsePAM", "yes", DOCTOR_HOLE,
         "sshd does not ask PAM: nobody's state is looked at, and no code is asked"},
        {"kbdinteractiveauthentication", "KbdInteractiveAuthentication", "yes", DOCTOR_RISK,
         "sshd cannot ask for a code: no employee gets in"},
        {"permitemptypasswords", "PermitEmptyPasswords", "no", DOCTOR_RISK,
         "sshd would take an empty password"},
        {"authorizedkeysfile", "AuthorizedKeysFile", "none", DOCTOR_RISK,
         "keys in home directories count for employees beside those that HR knows"},
        {"trustedusercakeys", "TrustedUserCAKeys", "none", DOCTOR_RISK,
         "a certificate of this authority counts in the place of a key that HR knows"},
        {"authorizedprincipalscommand", "AuthorizedPrincipalsCommand", "none", DOCTOR_RISK,
         "certificates are accepted by the word of a command"},
        {"permituserenvironment", "PermitUserEnvironment", "no", DOCTOR_RISK,
         "people's own files set the environment of what sshd starts for them"},
        {"hostbasedauthentication", "HostbasedAuthentication", "no", DOCTOR_RISK,
         "another host's word counts in the place of a key"},
        {"gssapiauthentication", "GSSAPIAuthentication", "no", DOCTOR_NOTE,
         "a Kerberos ticket may stand in the place of a key where AuthenticationMethods says so"},
        {"authorizedkeyscommanduser", "AuthorizedKeysCommandUser", ROLLCALL_USER_KEYS, DOCTOR_RISK,
         "rollcall's keys are read by another user than theirs"},
        {"pubkeyauthoptions", "PubkeyAuthOptions", "verify-required", DOCTOR_RISK,
         "a hardware key counts although nobody but whoever holds it was there: no PIN, no finger"},
        {"forcecommand", "ForceCommand", "none", DOCTOR_NOTE,
         "sshd starts one command in the place of what employees ask for"},
    };
    char where[300];

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        const struct wish *w = &wishes[i];
        char id[64] = "sshd-", fix[200];
        const char *value = cli_text_of(a, w->key);
        if (!*value || strcmp(value, w->wanted) == 0 || strstr(value, " verify-required"))
            continue;
        snprintf(id + 5, sizeof(id) - 5, "%s", w->key);
        snprintf(fix, sizeof(fix), "%s %s", w->keyword, w->wanted);
        doctor_find(d, w->severity, id, sshd_where(w->keyword, true, where, sizeof(where)), fix,
                    "%s (%s %s)", w->sentence, w->keyword, value);
    }
}

static void judge_keys(struct doctor *d, const json_t *a)
{
    const char *command = cli_text_of(a, "authorizedkeyscommand");
    char where[300];

    if (strncmp(command, MY_KEYS " ", sizeof(MY_KEYS)) != 0)
        doctor_find(d, DOCTOR_RISK, "sshd-authorizedkeyscommand",
                    sshd_where("AuthorizedKeysCommand", true, where, sizeof(where)),
                    "AuthorizedKeysCommand " MY_KEYS " %u",
                    "sshd does not ask rollcall for employees' keys (%s)", command);
}

// The words by which somebody outside could tell an employee from nobody.
static void judge_difference(struct doctor *d, const json_t *managed, const json_t *nobody)
{
    static const char *const seen[] = {"authenticationmethods",        "passwordauthentication",
                                       "kbdinteractiveauthentication", "pubkeyauthentication",
                                       "gssapiauthentication",         "hostbasedauthentication"};

    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
        if (!is(nobody, seen[i], cli_text_of(managed, seen[i])))
            doctor_find(d, DOCTOR_RISK, "sshd-tells-names-apart", NULL, DROPIN_IS,
                        "sshd treats %s otherwise than a name that nobody has (%s): who is "
                        "employed can be seen from outside",
                        d->managed, seen[i]);
}

static void judge_local(struct doctor *d, const char *name, const json_t *a)
{
    if (strncmp(cli_text_of(a, "authorizedkeyscommand"), MY_KEYS, sizeof(MY_KEYS) - 1) == 0)
        doctor_find(d, DOCTOR_RISK, "sshd-local-keys", NULL, DROPIN_IS,
                    "sshd treats %s, who is local, like an employee: no local key or password "
                    "lets them in",
                    name);
    else if (strcmp(name, "root") == 0 && is(a, "permitrootlogin", "yes"))
        doctor_find(d, DOCTOR_NOTE, "sshd-root-password", NULL, "PermitRootLogin prohibit-password",
                    "root may come in by password over the network, and no second factor is asked");
}

// sshd writes its pid file whenever it reads its configuration.
struct newest {
    time_t at;
    char file[256];
};

static int look_at(void *ctx, const struct sshd_line *line)
{
    struct newest *n = ctx;
    struct stat st;

    if (stat(line->file, &st) == 0 && st.st_mtime > n->at) {
        n->at = st.st_mtime;
        snprintf(n->file, sizeof(n->file), "%s", line->file);
    }
    return 0;
}

static void judge_running(struct doctor *d)
{
    struct newest n = {0};
    struct stat st;

    if (stat("/run/sshd.pid", &st) < 0)
        return;
    sshd_lines(SSHD_CONFIG, look_at, &n);
    if (n.at > st.st_mtime)
        doctor_find(d, DOCTOR_RISK, "sshd-not-reloaded", n.file, "systemctl reload ssh",
                    "sshd has not read its configuration since this file changed");
}

static json_t *answer(struct doctor *d, const char *user)
{
    char why[300] = "";
    json_t *a = NULL;

    if (sshd_ask(user, NOWHERE, &a, why, sizeof(why)) < 0)
        doctor_find(d, DOCTOR_RISK, "sshd-broken", SSHD_CONFIG, "sshd -t",
                    "sshd cannot say what it does: %s", why);
    return a;
}

void doctor_sshd(struct doctor *d)
{
    _cleanup_json_ json_t *nobody = NULL, *managed = NULL, *local = NULL, *root = NULL;

    if (!sshd_there())
        return;
    nobody = answer(d, NOBODY);
    if (!nobody)
        return;
    if (*d->managed)
        managed = answer(d, d->managed);
    if (d->observe) {
        if (is(nobody, "usepam", "no"))
            judge_wishes(d, nobody);
    } else {
        const json_t *asked = managed ? managed : nobody;
        judge_methods(d, asked);
        judge_wishes(d, asked);
        judge_keys(d, asked);
        if (managed)
            judge_difference(d, managed, nobody);
    }
    root = answer(d, "root");
    if (root)
        judge_local(d, "root", root);
    if (*d->local && (local = answer(d, d->local)))
        judge_local(d, d->local, local);
    judge_running(d);
}
