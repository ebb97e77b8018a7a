// SPDX-License-Identifier: BSD-2-Clause
// The house itself: daemons, leases, the clock, the cache; and the people beside HR's.
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "cli/cache_view.h"
#include "cli/control.h"
#include "cli/doctor.h"
#include "cli/run.h"
#include "cli/text.h"
#include "rollcall/cache.h"
#include "rollcall/cache_format.h"
#include "rollcall/cache_map.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"
#include "rollcall/paths.h"

// ---- daemons ----

static void judge_daemon(struct doctor *d, const char *name, const char *socket,
                         const char *without)
{
    _cleanup_json_ json_t *request = cli_request("status"), *answer = NULL;
    char fix[64];

    snprintf(fix, sizeof(fix), "systemctl start %s", name);
    if (!request || cli_control_ask(socket, request, CLI_WAIT_MS, NULL, NULL, &answer) < 0)
        doctor_find(d, DOCTOR_RISK, "daemon-dead", socket, fix, "%s does not answer: %s", name,
                    without);
}

static void judge_units(struct doctor *d)
{
    static const char *const units[] = {"rollcall-syncd.service", "rollcall-enforcer.service",
                                        "rollcall-verifier.socket",
                                        "rollcall-verifier-self.socket"};

    if (access("/run/systemd/system", F_OK) < 0)
        return;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const char *const argv[] = {"/usr/bin/systemctl", "is-enabled", units[i], NULL};
        _cleanup_ran_ struct cli_ran ran = {0};
        char fix[80];
        if (cli_run(argv, NULL, &ran) < 0 || strncmp(ran.out, "enabled", 7) == 0)
            continue;
        snprintf(fix, sizeof(fix), "systemctl enable --now %s", units[i]);
        doctor_find(d, DOCTOR_RISK, "unit-off", units[i], fix,
                    "it does not start with the machine (%s)", cli_ran_complaint(&ran));
    }
}

// ---- leases, clock ----

static void judge_leases(struct doctor *d)
{
    _cleanup_json_ json_t *status = NULL;
    const char *path = NULL;
    const json_t *s;
    size_t i;
    int64_t now = d->cli->now;
    int r = cli_cache_status(&cli_cache_default, now, &status, &path);

    if (r < 0) {
        doctor_find(d, DOCTOR_RISK, "cache-unread", path, "systemctl restart rollcall-syncd",
                    "it cannot be read (%s): no employee gets in", strerror(-r));
        return;
    }
    json_array_foreach(json_object_get(status, "sources"), i, s)
    {
        int64_t ends = cli_int_of(s, "lease_ends", ROLLCALL_TIME_UNSET);
        int64_t as_of = cli_int_of(s, "as_of", ROLLCALL_TIME_UNSET);
        char when[80];
        if (ends == ROLLCALL_TIME_UNSET || as_of == ROLLCALL_TIME_UNSET)
            continue;
        if (now >= ends)
            doctor_find(d, DOCTOR_RISK, "lease-over", NULL, "rollcall sync",
                        "source %s has been silent for longer than its lease: its people are "
                        "refused",
                        cli_text_of(s, "name"));
        else if (now - as_of > (ends - as_of) / 2)
            doctor_find(d, DOCTOR_NOTE, "lease-half", NULL, "rollcall sync",
                        "source %s has been silent for more than half of its lease, which ends %s",
                        cli_text_of(s, "name"), cli_when(ends, now, when, sizeof(when)));
    }
    if (cli_int_of(status, "clock_mark", 0) > now + ROLLCALL_CLOCK_TOLERANCE)
        doctor_find(d, DOCTOR_RISK, "clock-behind", NULL, "timedatectl",
                    "the clock stands behind the latest time that rollcall has seen: employees are "
                    "refused");
}

static void judge_clock(struct doctor *d)
{
    struct timex t = {0};

    if (adjtimex(&t) >= 0 && (t.status & STA_UNSYNC))
        doctor_find(d, DOCTOR_RISK, "clock-unsynchronised", NULL, "timedatectl set-ntp true",
                    "nothing keeps the clock right: codes of apps are about to differ, and leave "
                    "dates fall at another time");
}

// ---- the cache's bytes ----

static void judge_bytes(struct doctor *d, const char *path, const char *magic, size_t record)
{
    struct rc_map map = {0};
    int r = rc_map_open(path, magic, record, &map);

    if (r == 0 && rc_map_body_intact(&map)) {
        rc_map_close(&map);
        return;
    }
    if (r == 0)
        rc_map_close(&map);
    doctor_find(d, DOCTOR_RISK, "cache-damaged", path, "systemctl restart rollcall-syncd",
                r == 0 ? "its bytes are not those that were written%s"
                       : "it is missing or damaged: %s",
                r == 0 ? "" : strerror(-r));
}

void doctor_house(struct doctor *d)
{
    if (d->observe)
        doctor_find(d, DOCTOR_RISK, "observing", ROLLCALL_CONF, "rollcall setup --mode enforce",
                    "mode = observe: rollcall refuses nobody, leavers included");
    if (d->config && !d->config->has_allow_groups)
        doctor_find(d, DOCTOR_NOTE, "access-nobody", ROLLCALL_CONF, "[access] allow_groups",
                    "no group may log in here, so nobody of HR's does");
    judge_daemon(d, "rollcall-syncd", ROLLCALL_SYNCD_SOCK, "no news from HR");
    judge_daemon(d, "rollcall-enforcer", ROLLCALL_ENFORCER_SOCK,
                 "sessions of leavers go on, and nothing is written to the audit log");
    judge_units(d);
    judge_leases(d);
    judge_clock(d);
    judge_bytes(d, ROLLCALL_ACCOUNTS, ROLLCALL_MAGIC_ACCOUNTS, sizeof(struct rc_account_record));
    judge_bytes(d, ROLLCALL_PRIVATE, ROLLCALL_MAGIC_PRIVATE, sizeof(struct rc_person_record));
    judge_bytes(d, ROLLCALL_KEYS, ROLLCALL_MAGIC_KEYS, sizeof(struct rc_keys_record));
}

// ---- people ----

struct crowd {
    char names[400];
    size_t n;
};

static void add_name(struct crowd *c, const char *name)
{
    size_t used = strlen(c->names);

    if (c->n++ < 8 && used < sizeof(c->names))
        snprintf(c->names + used, sizeof(c->names) - used, "%s%s", used ? ", " : "", name);
    else if (c->n == 9)
        snprintf(c->names + used, sizeof(c->names) - used, ", ...");
}

struct people {
    struct crowd lingering, crontabs, hardware;
    struct rollcall_keys *keys;
};

static int is_hardware(void *ctx, const char *key, size_t len)
{
    (void)ctx;
    return len > 3 && strncmp(key, "sk-", 3) == 0;
}

static void look_at_person(void *ctx, const struct rollcall_person *person)
{
    const char *name = person->name, *state = rollcall_state_name(person->state);
    struct people *p = ctx;
    char path[160], text[160];
    uint32_t slot;
    uid_t uid;

    snprintf(text, sizeof(text), "%.64s%s%s%s", name, strcmp(state, "active") ? " (" : "",
             strcmp(state, "active") ? state : "", strcmp(state, "active") ? ")" : "");
    snprintf(path, sizeof(path), "/var/lib/systemd/linger/%.64s", name);
    if (access(path, F_OK) == 0)
        add_name(&p->lingering, text);
    snprintf(path, sizeof(path), "/var/spool/cron/crontabs/%.64s", name);
    if (access(path, F_OK) == 0)
        add_name(&p->crontabs, text);
    if (p->keys && rollcall_keys_by_name(p->keys, name, &slot, &uid, is_hardware, NULL) == 1)
        add_name(&p->hardware, text);
}

static bool has_shell(const struct passwd *pw)
{
    return !strstr(pw->pw_shell, "nologin") && !strstr(pw->pw_shell, "/false") &&
           !strstr(pw->pw_shell, "/sync");
}

static bool has_keys(const struct passwd *pw)
{
    char path[4300];
    struct stat st;

    snprintf(path, sizeof(path), "%s/.ssh/authorized_keys", pw->pw_dir);
    return stat(path, &st) == 0 && st.st_size > 0;
}

static void judge_locals(struct doctor *d)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    struct crowd people = {0}, machines = {0};
    char buf[4096];
    struct passwd pw;

    while (f && rollcall_local_user_next(f, &pw, buf, sizeof(buf))) {
        if ((pw.pw_uid == 0 || pw.pw_uid >= 1000) && pw.pw_uid != 65534 && has_shell(&pw))
            add_name(&people, pw.pw_name);
        else if (has_shell(&pw) && has_keys(&pw))
            add_name(&machines, pw.pw_name);
    }
    if (people.n)
        doctor_find(d, DOCTOR_NOTE, "local-people", "/etc/passwd", NULL,
                    "%zu local accounts log in as this host lets them, without a second factor and "
                    "without HR: %s",
                    people.n, people.names);
    if (machines.n)
        doctor_find(d, DOCTOR_NOTE, "service-accounts", "/etc/passwd", NULL,
                    "%zu service accounts have SSH keys of their own: %s", machines.n,
                    machines.names);
}

void doctor_people(struct doctor *d)
{
    struct people p = {0};

    judge_locals(d);
    if (rollcall_keys_open(ROLLCALL_KEYS, &p.keys) < 0)
        p.keys = NULL;
    doctor_each_person(look_at_person, &p);
    rollcall_keys_close(p.keys);
    if (p.lingering.n)
        doctor_find(d, DOCTOR_NOTE, "lingering", "/var/lib/systemd/linger",
                    "loginctl disable-linger",
                    "%zu employees' programs start without a login, while HR employs them: %s",
                    p.lingering.n, p.lingering.names);
    if (p.crontabs.n)
        doctor_find(d, DOCTOR_NOTE, "crontabs", "/var/spool/cron/crontabs", NULL,
                    "%zu employees have jobs of cron, which run while HR employs them: %s",
                    p.crontabs.n, p.crontabs.names);
    if (p.hardware.n)
        doctor_find(d, DOCTOR_NOTE, "hardware-keys", NULL, "PubkeyAuthOptions verify-required",
                    "%zu employees have hardware keys; a key that cannot ask for PIN or finger is "
                    "refused: %s",
                    p.hardware.n, p.hardware.names);
}
