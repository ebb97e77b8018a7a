// SPDX-License-Identifier: BSD-2-Clause
// sudo: its own parser says what its files mean (cvtsudoers), we only say where.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/control.h"
#include "cli/doctor.h"
#include "cli/run.h"
#include "rollcall/cleanup.h"

#define SUDOERS    "/etc/sudoers"
#define SUDOERS_D  "/etc/sudoers.d"
#define CVTSUDOERS "/usr/bin/cvtsudoers"

struct sudo_facts {
    bool no_account, other_password, no_authenticate, exempt;
    bool timestamp_is_off; // for rollcall-people
    bool nopasswd;         // a rule that may be an employee's asks nothing
    char service[64];
};

static const char *where(const char *word, char *buf, size_t len)
{
    _cleanup_closedir_ DIR *dir = opendir(SUDOERS_D);
    const struct dirent *e;

    if (*doctor_line_of(SUDOERS, word, buf, len))
        return buf;
    while (dir && (e = readdir(dir))) {
        char path[300];
        // As sudo does: no names with a dot, none of an editor's.
        if (strchr(e->d_name, '.') || strchr(e->d_name, '~'))
            continue;
        snprintf(path, sizeof(path), SUDOERS_D "/%s", e->d_name);
        if (*doctor_line_of(path, word, buf, len))
            return buf;
    }
    return buf;
}

// Whom a Defaults line is for: everybody, or our group.
static bool is_for_us(const struct doctor *d, const json_t *defaults, bool *ret_group)
{
    const json_t *bindings = json_object_get(defaults, "Binding"), *b;
    size_t i;

    *ret_group = false;
    if (json_array_size(bindings) == 0)
        return true;
    json_array_foreach(bindings, i, b)
    {
        if (strcmp(cli_text_of(b, "usergroup"), "rollcall-people") == 0) {
            *ret_group = true;
            return true;
        }
        if (*d->managed && strcmp(cli_text_of(b, "username"), d->managed) == 0)
            return true;
    }
    return false;
}

static bool is_bool(const json_t *option, const char *name, bool value)
{
    const json_t *o = json_object_get(option, name);

    return json_is_boolean(o) && json_is_true(o) == value;
}

static void take_option(struct sudo_facts *f, const json_t *option, bool group)
{
    const char *timeout = cli_text_of(option, "timestamp_timeout");

    f->no_account |= is_bool(option, "pam_acct_mgmt", false);
    f->no_authenticate |= is_bool(option, "authenticate", false);
    f->exempt |= *cli_text_of(option, "exempt_group") != 0;
    f->other_password |= is_bool(option, "rootpw", true) || is_bool(option, "targetpw", true) ||
                         is_bool(option, "runaspw", true);
    if (*cli_text_of(option, "pam_service"))
        snprintf(f->service, sizeof(f->service), "%s", cli_text_of(option, "pam_service"));
    if (group && *timeout)
        f->timestamp_is_off = strcmp(timeout, "0") == 0 || strcmp(timeout, "0.0") == 0;
}

static void take_defaults(const struct doctor *d, const json_t *sudoers, struct sudo_facts *f)
{
    const json_t *defaults, *option;
    size_t i, k;
    bool group;

    json_array_foreach(json_object_get(sudoers, "Defaults"), i, defaults)
    {
        if (!is_for_us(d, defaults, &group))
            continue;
        json_array_foreach(json_object_get(defaults, "Options"), k, option)
            take_option(f, option, group);
    }
}

static bool is_local_user(const char *name)
{
    char line[300];
    char start[80];

    snprintf(start, sizeof(start), "%.64s:", name);
    return *doctor_line_of("/etc/passwd", start, line, sizeof(line)) != 0;
}

// Only names of local people? Groups, ALL and all else may be an employee's.
static bool may_be_ours(const json_t *rule)
{
    const json_t *user;
    size_t i;

    json_array_foreach(json_object_get(rule, "User_List"), i, user)
    {
        const char *name = cli_text_of(user, "username");
        if (!*name || strcmp(name, "ALL") == 0 || !is_local_user(name))
            return true;
    }
    return false;
}

static void take_rules(const json_t *sudoers, struct sudo_facts *f)
{
    const json_t *rule, *commands, *option;
    size_t i, k, n;

    json_array_foreach(json_object_get(sudoers, "User_Specs"), i, rule)
    {
        if (!may_be_ours(rule))
            continue;
        json_array_foreach(json_object_get(rule, "Cmnd_Specs"), k, commands)
        {
            json_array_foreach(json_object_get(commands, "Options"), n, option) f->nopasswd |=
                is_bool(option, "authenticate", false);
        }
    }
}

static void judge_account(struct doctor *d, const struct sudo_facts *f)
{
    char at[300];
    bool open = f->nopasswd || f->no_authenticate || f->exempt || !f->timestamp_is_off;

    if (!f->no_account)
        return;
    doctor_find(d, open ? DOCTOR_HOLE : DOCTOR_RISK, "sudo-account",
                where("pam_acct_mgmt", at, sizeof(at)), "Defaults pam_acct_mgmt",
                "sudo does not ask PAM's account phase%s",
                open ? ", and does not always ask for a code: an employee becomes root without a "
                       "second factor, a leaver too"
                     : "");
}

static void judge(struct doctor *d, const struct sudo_facts *f)
{
    char at[300];

    judge_account(d, f);
    if (f->other_password && !*where("rootpw", at, sizeof(at)) &&
        !*where("targetpw", at, sizeof(at)))
        where("runaspw", at, sizeof(at));
    if (f->other_password)
        doctor_find(d, DOCTOR_HOLE, "sudo-other-password", at, NULL,
                    "sudo asks for the password of another account (rootpw, targetpw, runaspw) in "
                    "the place of the employee's code");
    if (*f->service && doctor_account_around(d, f->service))
        doctor_find(d, DOCTOR_HOLE, "sudo-service", where("pam_service", at, sizeof(at)), NULL,
                    "sudo uses PAM's service \"%s\", which does not ask rollcall", f->service);
    if (!f->timestamp_is_off && !f->no_account)
        doctor_find(d, DOCTOR_RISK, "sudo-timestamp", where("timestamp_timeout", at, sizeof(at)),
                    "install -m 440 /usr/share/rollcall/sudoers/rollcall /etc/sudoers.d/rollcall",
                    "sudo's own timestamp counts for employees: it skips the code, and rollcall "
                    "refuses whoever has no ticket");
    if (f->nopasswd || f->no_authenticate || f->exempt)
        doctor_find(d, DOCTOR_NOTE, "sudo-nopasswd",
                    where(f->exempt     ? "exempt_group"
                          : f->nopasswd ? "NOPASSWD"
                                        : "authenticate",
                          at, sizeof(at)),
                    NULL,
                    "sudo asks for no password here; employees need a ticket of rollcall's all the "
                    "same, local people need nothing");
}

void doctor_sudo(struct doctor *d)
{
    static const char *const visudo[] = {"/usr/sbin/visudo", "-c", NULL};
    static const char *const convert[] = {CVTSUDOERS, "-e", "-f", "json", SUDOERS, NULL};
    _cleanup_ran_ struct cli_ran checked = {0}, ran = {0};
    _cleanup_json_ json_t *sudoers = NULL;
    struct sudo_facts facts = {0};

    if (access(SUDOERS, F_OK) < 0)
        return;
    if (cli_run(visudo, NULL, &checked) == 0 && checked.status != 0)
        doctor_find(d, DOCTOR_RISK, "sudo-broken", SUDOERS, "visudo -c",
                    "sudo does not take its files as they are: %s", cli_ran_complaint(&checked));
    if (cli_run(convert, NULL, &ran) == 0 && ran.status == 0)
        sudoers = json_loadb(ran.out, ran.out_len, 0, NULL);
    if (!sudoers) {
        doctor_find(d, DOCTOR_RISK, "sudo-unread", SUDOERS, NULL,
                    "sudo's rules cannot be looked at: %s", cli_ran_complaint(&ran));
        return;
    }
    take_defaults(d, sudoers, &facts);
    take_rules(sudoers, &facts);
    judge(d, &facts);
}
