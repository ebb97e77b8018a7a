// SPDX-License-Identifier: BSD-2-Clause
// What people see. A prompt starts with a newline: sshd puts "(alice@web1) " before it.
// "Terminated" is never said: locks come before the talk with HR.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"

#define CODE          "Code from your app (or \"help\"): "
#define CODE_OR_TOUCH "Code (or touch your key and press Enter): "

void prompt_sign_in(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(buf, len, "\nSign in to %s as %s.\n%s", f->host, f->user,
             f->keys ? CODE_OR_TOUCH : CODE);
}

void prompt_code(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(buf, len, "\n%s", f->keys ? CODE_OR_TOUCH : CODE);
}

void prompt_password(const struct prompt_facts *f, bool again, char *buf, size_t len)
{
    if (again)
        snprintf(buf, len, "\nThat was not accepted. Password: ");
    else
        snprintf(buf, len, "\nSign in to %s as %s.\nPassword: ", f->host, f->user);
}

void prompt_both(const struct prompt_facts *f, bool again, char *buf, size_t len)
{
    if (again)
        snprintf(buf, len, "\nThat was not accepted. Password, a space, and the next code: ");
    else
        snprintf(buf, len,
                 "\nSign in to %s as %s.\nPassword, a space, and the code from your app: ", f->host,
                 f->user);
}

void prompt_choose(const struct prompt_facts *f, const char *problem, bool may_wait, char *buf,
                   size_t len)
{
    snprintf(buf, len,
             "\n%s%sChoose a password for %s, of 8 characters or more%s: ", problem ? problem : "",
             problem ? " " : "", f->host, may_wait ? " (Enter: another time)" : "");
}

// What the host has, never what the person has.
void prompt_help(const struct prompt_facts *f, char *buf, size_t len)
{
    // Whoever was enrolled before eight were asked for has six.
    const char *digits = f->eight_digits ? "6 or 8" : "6",
               *keys = f->keys ? " Security key: touch it and press Enter." : "";

    if (f->totp_only)
        snprintf(buf, len, "\nApp code: %s digits.%s New here? Contact %s. Code: ", digits, keys,
                 f->contact);
    else
        snprintf(buf, len,
                 "\nApp code: %s digits. Recovery code: xxxx-xxxx. Access code from the service "
                 "desk: 12 "
                 "characters.%s New here? Ask your manager for an access code. Code: ",
                 digits, keys);
}

// "Alice" of "Alice Example"; the login name where there is none.
static void first_name(const struct prompt_facts *f, char ret[65])
{
    const char *name = f->display_name && *f->display_name ? f->display_name : f->user;
    size_t n = strcspn(name, " ");

    snprintf(ret, 65, "%.*s", n > 64 ? 64 : (int)n, name);
}

void prompt_welcome(const struct prompt_facts *f, const char *picture, const char *key, char *buf,
                    size_t len)
{
    char name[65], spaced[TOTP_KEY_MAX * 5 / 4];
    size_t n = 0;

    // In fours, to be typed by hand.
    for (size_t i = 0; key[i] && n + 2 < sizeof(spaced); i++) {
        if (i > 0 && i % 4 == 0)
            spaced[n++] = ' ';
        spaced[n++] = key[i];
    }
    spaced[n] = 0;
    first_name(f, name);
    snprintf(buf, len,
             "\nWelcome, %s. Set up your second step now; it takes a minute.\n"
             "1. Open your authenticator app and scan this:\n%s"
             "   No camera? Enter this key:  %s\n"
             "2. Type the %d-digit code it shows: ",
             name, picture ? picture : "", spaced, f->eight_digits ? 8 : 6);
    explicit_bzero(spaced, sizeof(spaced));
}

void prompt_keep(const char codes[RECOVERY_CODES][CODE_TEXT_LEN], bool again, char *buf, size_t len)
{
    size_t n;

    snprintf(buf, len, "%s",
             again ? "\nNothing is set up until you type \"saved\". Your recovery codes:\n"
                   : "\nDone. These recovery codes work once each and are shown only now:\n");
    for (int i = 0; i < RECOVERY_CODES; i++) {
        n = strlen(buf);
        snprintf(buf + n, len - n, "   %s%s", codes[i], i % 2 ? "\n" : "");
    }
    n = strlen(buf);
    snprintf(buf + n, len - n, "Keep them away from this computer, then type \"saved\": ");
}

void prompt_wrong(char *buf, size_t len)
{
    snprintf(buf, len, "\nThat code was not accepted. Wait for the next one. Code: ");
}

void prompt_key_wrong(enum rollcall_key_status status, char *buf, size_t len)
{
    static const char *const words[ROLLCALL_KEY_STATUSES] = {
        [ROLLCALL_KEY_NONE] = "No security key was found.",
        [ROLLCALL_KEY_PIN_WRONG] = "That PIN was not accepted.",
        [ROLLCALL_KEY_PIN_PAUSED] = "Take the key out and put it in again; it takes no PIN before.",
        [ROLLCALL_KEY_PIN_LOCKED] = "This key has locked itself after too many wrong PINs.",
        [ROLLCALL_KEY_TIMEOUT] = "The key was not touched in time.",
        [ROLLCALL_KEY_UNSUPPORTED] = "This key cannot be used: it does not speak FIDO2.",
        [ROLLCALL_KEY_FAILED] = "The key could not be asked.",
        [ROLLCALL_KEY_DENIED] = "The key did not agree.",
    };
    const char *w = words[status] ? words[status] : "That key was not accepted.";

    snprintf(buf, len, "\n%s %s", w, CODE_OR_TOUCH);
}

void prompt_pin(int tries, char *buf, size_t len)
{
    if (tries == PIN_FIRST)
        snprintf(buf, len, "\nPIN of your security key: ");
    else if (tries < 0)
        snprintf(buf, len, "\nThat PIN was not accepted. PIN of your security key: ");
    else
        snprintf(buf, len,
                 "\nThat PIN was not accepted. %d %s left, then the key locks itself. PIN: ", tries,
                 tries == 1 ? "try is" : "tries are");
}

void prompt_change(const char *problem, const int *grace, char *buf, size_t len)
{
    char why[80] = "";

    if (problem)
        snprintf(why, sizeof(why), "\n%s", problem);
    else if (grace)
        snprintf(why, sizeof(why), "\nYour password has expired; it is good for %d more sign-in%s.",
                 *grace, *grace == 1 ? "" : "s");
    snprintf(buf, len, "%s\nNew password%s: ", why, grace ? " (Enter: another time)" : "");
}

void prompt_expired(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(
        buf, len,
        "\nYou are who you say, but your password has expired.\nChange it where you usually do, "
        "or contact %s, and quote  %s.\nPress Enter to close: ",
        f->contact, f->reference);
}

void prompt_refused(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(buf, len,
             "\nYou are who you say, but this account cannot sign in to %s.\nContact %s, and quote "
             " %s.\n"
             "Press Enter to close: ",
             f->host, f->contact, f->reference);
}

void prompt_weak(const struct prompt_facts *f, char *buf, size_t len)
{
    snprintf(buf, len,
             "\nYou are who you say, but %s asks for more than you showed.\nContact %s, and quote "
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

void text_password_expires(int64_t seconds, char *buf, size_t len)
{
    char when[32];

    span_of(seconds, when, sizeof(when));
    snprintf(buf, len, "Your password expires in %s.", when);
}
