// SPDX-License-Identifier: BSD-2-Clause
// PAM: every service that the host has. Is our line reached before anything else says yes?
#include <dirent.h>
#include <errno.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/pam_stack.h"
#include "rollcall/cleanup.h"

// Where PAM's account phase is the only gate: no auth phase of ours need have been.
static const char *const by_account[] = {
    "sshd", "login", "su",           "su-l",         "sudo",          "sudo-i",  "cron", "crond",
    "atd",  "other", "systemd-user", "gdm-password", "gdm-autologin", "lightdm", "sddm"};

static bool account_is_the_gate(const char *service)
{
    for (size_t i = 0; i < sizeof(by_account) / sizeof(by_account[0]); i++)
        if (strcmp(service, by_account[i]) == 0)
            return true;
    return false;
}

static const char *place(const struct pam_stack_line *line, const char *service, char *buf,
                         size_t len)
{
    if (line)
        snprintf(buf, len, "%s:%u", line->file, line->number);
    else
        snprintf(buf, len, "/etc/pam.d/%s", service);
    return buf;
}

static bool judge(const struct doctor *d, const char *service, const char *type,
                  struct pam_stack *stack, struct pam_verdict *ret)
{
    if (pam_stack_read(pam_stack_folders, service, type, stack) < 0)
        return false;
    pam_stack_judge(stack, type, d->id_min, ret);
    return true;
}

bool doctor_account_around(const struct doctor *d, const char *service)
{
    _cleanup_free_ struct pam_stack *stack = calloc(1, sizeof(*stack));
    struct pam_verdict v;

    return stack && judge(d, service, "account", stack, &v) && v.around;
}

static void judge_account(struct doctor *d, const char *service, const struct pam_verdict *account,
                          const struct pam_verdict *auth)
{
    char where[300];
    // What asks us in auth, and cannot do without auth, refuses there.
    bool held = auth->ours && !auth->around && !account_is_the_gate(service);

    place(account->escape, service, where, sizeof(where));
    if (account->around)
        doctor_find(d, held ? DOCTOR_RISK : DOCTOR_HOLE, "pam-account", where,
                    "@include common-account",
                    "%s: PAM's account phase says yes to a leaver without asking rollcall%s",
                    service, account->escape ? " beyond this line" : "");
    else if (!account->ours)
        doctor_find(d, DOCTOR_RISK, "pam-absent", where, "@include common-account",
                    "%s: rollcall is not asked, and the stack refuses every employee", service);
}

static bool only_for_root(const struct pam_stack *auth)
{
    for (size_t i = 0; i < auth->n; i++)
        if (strcmp(auth->line[i].module, "pam_rootok.so") != 0)
            return false;
    return auth->n > 0;
}

static void judge_service(struct doctor *d, const char *service)
{
    _cleanup_free_ struct pam_stack *stack = calloc(1, sizeof(*stack));
    struct pam_verdict account, auth;
    char where[300];

    if (!stack || !judge(d, service, "auth", stack, &auth) || only_for_root(stack))
        return;
    if (auth.around && auth.ours)
        doctor_find(d, DOCTOR_RISK, "pam-auth", place(auth.escape, service, where, sizeof(where)),
                    NULL,
                    "%s: the auth phase can say yes before rollcall has asked for a code; the "
                    "account phase then refuses employees",
                    service);
    if (!judge(d, service, "account", stack, &account))
        return;
    if (stack->cut)
        doctor_find(d, DOCTOR_RISK, "pam-too-long", place(NULL, service, where, sizeof(where)),
                    NULL, "%s: its includes go round, or it has more lines than can be judged",
                    service);
    judge_account(d, service, &account, &auth);
}

// Parts of services, and what editors and packages leave behind.
static bool is_service(const char *name)
{
    static const char *const no[] = {".dpkg-", ".pam-", ".new", ".rpm", ".bak", ".orig", "~"};

    if (*name == '.' || strncmp(name, "common-", 7) == 0)
        return false;
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (strstr(name, no[i]))
            return false;
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void doctor_pam(struct doctor *d)
{
    char first[300];

    for (size_t i = 0; pam_stack_folders[i]; i++) {
        struct dirent **list = NULL;
        int n = scandir(pam_stack_folders[i], &list, NULL, by_name);
        for (int k = 0; k < n; k++) {
            snprintf(first, sizeof(first), "%s/%s", pam_stack_folders[0], list[k]->d_name);
            // A file in the first folder hides one of the second.
            if (is_service(list[k]->d_name) && (i == 0 || access(first, F_OK) < 0))
                judge_service(d, list[k]->d_name);
            free(list[k]);
        }
        free(list);
    }
}
