// SPDX-License-Identifier: BSD-2-Clause
// What `rollcall setup` makes on the host beside files: users, folders, the host key,
// units.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/control.h"
#include "cli/run.h"
#include "cli/setup.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"
#include "rollcall/secret.h"

#define SYSTEMCTL "/usr/bin/systemctl"
#define UNITS                                                                                      \
    "rollcall-syncd.service", "rollcall-enforcer.service", "rollcall-verifier.socket",             \
        "rollcall-verifier-self.socket"
#define N_UNITS 4

static int must_run(const char *const argv[], char *why, size_t len)
{
    _cleanup_ran_ struct cli_ran ran = {0};
    int r = cli_run(argv, NULL, &ran);

    if (r == 0 && ran.status != 0)
        r = -EIO;
    if (r < 0)
        snprintf(why, len, "%s: %s", argv[0], r == -EIO ? cli_ran_complaint(&ran) : strerror(-r));
    return r;
}

// Once: everybody's factors are sealed under it.
static int make_host_key(json_t *notes)
{
    unsigned char key[32];
    struct stat st;
    int r;

    if (lstat(ROLLCALL_HOST_KEY, &st) == 0)
        return 0;
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return -EIO;
    r = rollcall_replace_file(ROLLCALL_HOST_KEY, key, sizeof(key), 0600);
    explicit_bzero(key, sizeof(key));
    if (r == 0)
        setup_note(notes, "%s was made: back it up, nobody's factor can be read without it",
                   ROLLCALL_HOST_KEY);
    return r;
}

int setup_make_folders(json_t *notes, char *why, size_t len)
{
    static const char *const users[] = {"/usr/bin/systemd-sysusers", "rollcall.conf", NULL};
    static const char *const folders[] = {"/usr/bin/systemd-tmpfiles", "--create", "rollcall.conf",
                                          NULL};
    int r = must_run(users, why, len);

    if (r == 0)
        r = must_run(folders, why, len);
    if (r < 0)
        return r;
    r = make_host_key(notes);
    if (r < 0)
        snprintf(why, len, "%s: %s", ROLLCALL_HOST_KEY, strerror(-r));
    return r;
}

static bool systemd_runs(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

// One word a unit, in the order of UNITS; what is no such word counts as enabled, so that
// it is left alone.
static void not_enabled(bool ret[N_UNITS])
{
    static const char *const argv[] = {SYSTEMCTL, "is-enabled", UNITS, NULL};
    _cleanup_ran_ struct cli_ran ran = {0};
    const char *line;

    if (cli_run(argv, NULL, &ran) < 0)
        return;
    line = ran.out;
    for (size_t i = 0; i < N_UNITS && *line; i++) {
        ret[i] = strncmp(line, "disabled\n", 9) == 0;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

void setup_units_on(json_t *kept, bool changed, json_t *notes)
{
    static const char *const units[] = {UNITS};
    const char *argv[4 + N_UNITS] = {SYSTEMCTL, "-q", "enable"};
    static const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
    static const char *const start[] = {SYSTEMCTL, "restart", UNITS, NULL};
    bool off[N_UNITS] = {false}, runs = systemd_runs();
    char why[512];
    size_t n = 3;

    if (access(SYSTEMCTL, X_OK) < 0) {
        setup_note(notes, "there is no systemctl: start rollcall-syncd and rollcall-enforcer by "
                          "what starts things here");
        return;
    }
    if (runs)
        must_run(reload, why, sizeof(why));
    not_enabled(off);
    for (size_t i = 0; i < N_UNITS; i++)
        if (off[i]) {
            json_array_append_new(json_object_get(kept, "units"), json_string(units[i]));
            argv[n++] = units[i];
        }
    if (n > 3 && must_run(argv, why, sizeof(why)) < 0)
        setup_note(notes, "the units are not enabled: %s", why);
    if (!runs)
        setup_note(notes, "no systemd runs here (a container?): the units are enabled for its next "
                          "start, and nothing was started; until rollcall-syncd has run, employees "
                          "are refused; where it runs already: rollcall reload");
    else if ((changed || n > 3) && must_run(start, why, sizeof(why)) < 0)
        setup_note(notes, "the units did not start: %s", why);
}

void setup_units_off(const json_t *kept, json_t *notes)
{
    const json_t *units = json_object_get(kept, "units"), *unit;
    const char *argv[5 + N_UNITS] = {SYSTEMCTL, "-q", "disable"};
    size_t i, n = 3;
    char why[512];

    if (systemd_runs())
        argv[n++] = "--now";
    json_array_foreach(units, i, unit)
    {
        if (n < 4 + N_UNITS)
            argv[n++] = json_string_value(unit);
    }
    if (json_array_size(units) && must_run(argv, why, sizeof(why)) < 0)
        setup_note(notes, "the units are not disabled: %s", why);
}

void setup_reload_sshd(json_t *notes)
{
    static const char *const argv[] = {SYSTEMCTL, "try-reload-or-restart", "ssh.service", NULL};
    static const char *const other[] = {SYSTEMCTL, "try-reload-or-restart", "sshd.service", NULL};
    char why[512];

    if (!systemd_runs())
        setup_note(notes, "sshd reads its new configuration when it is started or told: "
                          "kill -HUP $(cat /run/sshd.pid)");
    else if (must_run(argv, why, sizeof(why)) < 0 && must_run(other, why, sizeof(why)) < 0)
        setup_note(notes, "sshd was not reloaded: %s", why);
}
