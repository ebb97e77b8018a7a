// SPDX-License-Identifier: BSD-2-Clause
// Do root and local people still get in? Asked before and after, of PAM, sshd and sudo
// themselves.
#include <errno.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/run.h"
#include "cli/setup.h"
#include "cli/sshd.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"

#define PAM_SECONDS 20
#define PAM_SILENCE (-1) // it crashed, hung, or could not be asked
#define PAM_NONE    (-2) // there is no such service

static const char *const services[] = {"sshd", "login", "su", "sudo", "cron", "other"};

static int no_answer(int n, const struct pam_message **messages, struct pam_response **answers,
                     void *ctx)
{
    (void)n;
    (void)messages;
    (void)answers;
    (void)ctx;
    return PAM_CONV_ERR;
}

// In a process of its own: a module that crashes or hangs says no, and takes nobody along.
static int root_account(const char *service)
{
    char path[64];
    int status;
    pid_t pid;

    snprintf(path, sizeof(path), "/etc/pam.d/%s", service);
    if (access(path, F_OK) < 0)
        return PAM_NONE;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        const struct pam_conv conv = {.conv = no_answer};
        pam_handle_t *pamh = NULL;
        alarm(PAM_SECONDS);
        int r = pam_start(service, "root", &conv, &pamh);
        if (r == PAM_SUCCESS)
            r = pam_acct_mgmt(pamh, PAM_SILENT);
        pam_end(pamh, r);
        _exit(r);
    }
    if (pid < 0)
        return PAM_SILENCE;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : PAM_SILENCE;
}

// What it complains about is kept; an empty complaint is a yes.
static void ask(const char *const argv[], char *ret, size_t len)
{
    _cleanup_ran_ struct cli_ran ran = {0};
    int r = access(argv[0], X_OK) < 0 ? 0 : cli_run(argv, NULL, &ran);

    *ret = 0;
    if (r < 0 || ran.status != 0)
        snprintf(ret, len, "%s", r < 0 ? strerror(-r) : cli_ran_complaint(&ran));
    if (ran.status != 0 && !*ret)
        snprintf(ret, len, "exit status %d", ran.status);
}

static bool logs_in(const struct passwd *pw)
{
    return pw->pw_uid == 0 || (pw->pw_uid >= 1000 && pw->pw_uid < 60000 &&
                               !strstr(pw->pw_shell, "nologin") && !strstr(pw->pw_shell, "/false"));
}

// root and the first local people of the file: NSS is what is being changed.
static void name_them(struct setup_witness *w)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    char buf[4096];
    struct passwd pw;

    while (f && w->n < SETUP_WITNESSES && rollcall_local_user_next(f, &pw, buf, sizeof(buf)))
        if (logs_in(&pw))
            snprintf(w->name[w->n++], sizeof(w->name[0]), "%.63s", pw.pw_name);
}

void setup_witness_take(struct setup_witness *ret)
{
    static const char *const visudo[] = {"/usr/sbin/visudo", "-c", "-q", NULL};
    static const char *const sshd[] = {SSHD_PROGRAM, "-t", NULL};
    char why[512];

    *ret = (struct setup_witness){0};
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        ret->root[i] = root_account(services[i]);
    name_them(ret);
    ask(visudo, ret->sudoers, sizeof(ret->sudoers));
    ask(sshd, ret->sshd_complaint, sizeof(ret->sshd_complaint));
    for (size_t i = 0; sshd_there() && i < ret->n; i++)
        if (sshd_ask(ret->name[i], "127.0.0.1", &ret->sshd[i], why, sizeof(why)) < 0)
            ret->sshd[i] = NULL;
}

void setup_witness_free(struct setup_witness *w)
{
    for (size_t i = 0; i < w->n; i++)
        json_decref(w->sshd[i]);
    *w = (struct setup_witness){0};
}

// What may differ for a local person: it is one setting for everybody, or one that has no
// effect on them.
static bool may_differ(const char *key, const json_t *before, const json_t *after)
{
    char had[128], has[128];

    if (strcmp(key, "authenticationmethods") == 0)
        return strcmp(setup_edit_sshd_methods(before, had, sizeof(had)),
                      setup_edit_sshd_methods(after, has, sizeof(has))) == 0;
    if (strcmp(key, "usepam") == 0 || strcmp(key, "logingracetime") == 0)
        return true;
    return strcmp(key, "authorizedkeyscommanduser") == 0 &&
           strcmp(json_string_value(json_object_get(after, "authorizedkeyscommand")) ?: "none",
                  "none") == 0;
}

static bool sshd_agrees(const char *name, json_t *before, const json_t *after, char *why,
                        size_t len)
{
    const char *key;
    json_t *value;

    if (!before)
        return true; // sshd could not say it before either
    json_object_foreach(before, key, value)
    {
        const json_t *now = json_object_get(after, key);
        if (json_equal(value, now) || may_differ(key, before, after))
            continue;
        snprintf(why, len,
                 "sshd would treat %s otherwise than before: %s was \"%s\", would be \"%s\"", name,
                 key, json_string_value(value), now ? json_string_value(now) : "");
        return false;
    }
    return true;
}

bool setup_witness_agrees(const struct setup_witness *before, const struct setup_witness *after,
                          char *why, size_t len)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (before->root[i] != PAM_SUCCESS || after->root[i] == PAM_SUCCESS)
            continue;
        snprintf(why, len, "root would be refused by %s (PAM says %d)", services[i],
                 after->root[i]);
        return false;
    }
    if (!*before->sshd_complaint && *after->sshd_complaint) {
        snprintf(why, len, "sshd would not take its configuration: %s", after->sshd_complaint);
        return false;
    }
    if (!*before->sudoers && *after->sudoers) {
        snprintf(why, len, "sudo would not take its files: %s", after->sudoers);
        return false;
    }
    for (size_t i = 0; i < before->n && i < after->n; i++)
        if (!sshd_agrees(before->name[i], before->sshd[i], after->sshd[i], why, len))
            return false;
    return true;
}

bool setup_strict(char *why, size_t len)
{
    char where[300], complaint[512] = "";
    json_t *answer = NULL;
    const char *methods;
    bool strict;

    // A name that nobody has: the strict part holds for everybody but local people.
    if (sshd_ask("rollcall-nobody", "192.0.2.1", &answer, complaint, sizeof(complaint)) < 0) {
        snprintf(why, len, "sshd: %s", complaint);
        return false;
    }
    methods = json_string_value(json_object_get(answer, "authenticationmethods"));
    strict = methods && strcmp(methods, "publickey,keyboard-interactive") == 0;
    if (!strict)
        snprintf(why, len,
                 "sshd would ask employees for \"%s\": a line stands before the drop-in (%s)",
                 methods ? methods : "any",
                 sshd_where("AuthenticationMethods", true, where, sizeof(where)));
    json_decref(answer);
    return strict;
}
