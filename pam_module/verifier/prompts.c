// SPDX-License-Identifier: BSD-2-Clause
// What people see. A prompt starts with a newline: sshd puts "(alice@web1) " before it.
// "Terminated" is never said: locks come before the talk with HR.
#include <stdio.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"

void prompt_sign_in(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(buf, len, "\nSign in to %s as %s.\nCode from your app (or \"help\"): ", f->host,
             f->user);
}

void prompt_help(char *buf, size_t len)
{
    snprintf(
        buf, len,
        "\nApp code: 6 digits. Recovery code: xxxx-xxxx. Access code from the service desk: 12 "
        "characters. New here? Ask your manager for an access code. Code: ");
}

void prompt_wrong(char *buf, size_t len)
{
    snprintf(buf, len, "\nThat code was not accepted. Wait for the next one. Code: ");
}

void prompt_refused(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(buf, len,
             "\nYou are who you say, but this account cannot sign in to %s.\nContact %s, and quote "
             " %s.\n"
             "Press Enter to close: ",
             f->host, f->contact, f->reference);
}

enum clock { CLOCK_TIME, CLOCK_DAY, CLOCK_WEEKDAY };

static void clock_of(int64_t t, enum clock how, char *buf, size_t len)
{
    time_t s = t;
    struct tm tm;
    size_t n = 0;

    if (localtime_r(&s, &tm))
        n = how == CLOCK_TIME  ? strftime(buf, len, "%H:%M", &tm)
            : how == CLOCK_DAY ? strftime(buf, len, "%d %b %H:%M", &tm)
                               : strftime(buf, len, "%a %d %b %H:%M", &tm);
    if (n == 0)
        snprintf(buf, len, "later");
}

void prompt_throttled(const struct prompt_facts *f, char *buf, size_t len)
{
    char when[32];

    if (f->until == INT64_MAX) {
        snprintf(
            buf, len,
            "\nToo many failed tries. This factor is switched off.\nContact %s, and quote  %s.\n"
            "Press Enter to close: ",
            f->contact, f->reference);
        return;
    }
    clock_of(f->until + 59, CLOCK_TIME, when, sizeof(when));
    snprintf(buf, len, "\nToo many failed tries. Try again after %s. Press Enter to close: ", when);
}

// "14 days", "1 hour": in the unit that a person would use.
static void span_of(int64_t seconds, char *buf, size_t len)
{
    static const struct {
        int64_t seconds;
        const char *one, *many;
    } units[] = {{86400, "day", "days"}, {3600, "hour", "hours"}, {60, "minute", "minutes"}};
    size_t i = 0;
    int64_t n;

    // Two of a unit and more, or exactly one of it: 26 hours say more than 1 day does.
    while (i < 2 && seconds != units[i].seconds && seconds < 2 * units[i].seconds)
        i++;
    n = seconds < 60 ? 1 : seconds / units[i].seconds;
    snprintf(buf, len, "%lld %s", (long long)n, n == 1 ? units[i].one : units[i].many);
}

void prompt_lease(const struct prompt_facts *f, char *buf, size_t len)
{
    char when[32], limit[32];

    clock_of(f->as_of, CLOCK_DAY, when, sizeof(when));
    span_of(f->lease_seconds, limit, sizeof(limit));
    snprintf(buf, len,
             "\n%s last heard from the company on %s; the limit is %s.\n"
             "Connect it to a network and try again in a minute.\n"
             "No network? Call %s, quote %s.\nPress Enter to close: ",
             f->host, when, limit, f->contact, f->reference);
}

void text_lease_warning(const struct prompt_facts *f, int64_t lease_ends, char *buf, size_t len)
{
    char when[32], silent[32];

    clock_of(lease_ends, CLOCK_WEEKDAY, when, sizeof(when));
    span_of(time(NULL) - f->as_of, silent, sizeof(silent));
    snprintf(buf, len, "Offline for %s. Connect before %s or sign-in will stop.", silent, when);
}
