// SPDX-License-Identifier: BSD-2-Clause
// rollcall-syncd: arguments, then the launcher.
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "rollcall/config.h"
#include "rollcall/log.h"
#include "rollcall/paths.h"
#include "syncd/launcher.h"

static int usage(FILE *to, int code)
{
    fprintf(to, "usage: rollcall-syncd [--foreground] [--once] [--check-config] [--config PATH]\n"
                "See rollcall-syncd(8).\n");
    return code;
}

// Installed, and not yet configured: idle and green, so that no boot waits for us.
static int stay_idle(const char *path)
{
    rollcall_log(LOG_NOTICE, "unconfigured", "path", path, "why",
                 "there is no configuration yet; waiting", NULL);
#ifdef HAVE_SYSTEMD
    sd_notify(0, "READY=1\nSTATUS=Not configured.");
#endif
    while (access(path, F_OK) < 0)
        poll(NULL, 0, 5000);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"foreground", no_argument, NULL, 'f'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"check-config", no_argument, NULL, 'k'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct launcher_options o = {.config_path = ROLLCALL_CONF};
    struct rollcall_findings findings;
    struct rollcall_config *config = NULL;
    bool check = false;
    int r, c;

    rollcall_log_open("rollcall-syncd");
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'f': // it never leaves the foreground; systemd and a terminal want the same
            break;
        case 'o':
            o.once = true;
            break;
        case 'k':
            check = true;
            break;
        case 'c':
            o.config_path = optarg;
            break;
        case 'v':
            printf("rollcall-syncd %s\n", ROLLCALL_VERSION);
            return 0;
        case 'h':
            return usage(stdout, 0);
        default:
            return usage(stderr, 2);
        }
    }
    if (optind != argc)
        return usage(stderr, 2);
    r = rollcall_config_load(o.config_path, &config, &findings);
    while (r == -ENOENT && !check && !o.once) {
        stay_idle(o.config_path);
        r = rollcall_config_load(o.config_path, &config, &findings);
    }
    rollcall_findings_print(&findings, stderr);
    rollcall_findings_free(&findings);
    if (r == -ENOENT)
        fprintf(stderr, "%s: there is no such file; an example is in rollcall.conf(5)\n",
                o.config_path);
    if (r < 0)
        return 1;
    if (check) {
        rollcall_config_free(config);
        return 0;
    }
    if (geteuid() != 0) {
        fprintf(stderr, "rollcall-syncd: must be started by root; it gives that up where it can\n");
        return 1;
    }
    return launcher_run(&o, config);
}
