// SPDX-License-Identifier: BSD-2-Clause
// rollcall breakglass: the emergency account. docs/doors/breakglass.md. Codes are secrets: written
// without stdio's buffers and erased.
#include "cli/breakglass.h"

#include <errno.h>
#include <shadow.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/control.h"
#include "cli/enroll.h"
#include "cli/run.h"
#include "cli/text.h"
#include "pam_module/breakglass/breakglass.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

#define LOCK_MS 5000
#define CODES   10

static const char *const kinds[] = {"?", "sealed", "opened", "closed", "acknowledged"};

enum cli_shadow cli_shadow_of(const char *name)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/shadow", "re");
    struct spwd sp, *found;
    char buf[4096];
    enum cli_shadow state = CLI_SHADOW_ABSENT;

    while (f && fgetspent_r(f, &sp, buf, sizeof(buf), &found) == 0)
        if (strcmp(sp.sp_namp, name) == 0)
            state = *sp.sp_pwdp == '!' || *sp.sp_pwdp == '*' ? CLI_SHADOW_LOCKED : CLI_SHADOW_OPEN;
    explicit_bzero(buf, sizeof(buf));
    return state;
}

static int64_t open_left(const struct rollcall_breakglass *b)
{
    struct rollcall_breakglass_clock clock;

    return rollcall_breakglass_clock(&clock) == 0 && rollcall_breakglass_is_open(b, &clock)
               ? b->open_until - clock.since_boot
               : 0;
}

static int failed(const struct cli *cli, int r)
{
    if (r == -ENOENT)
        return cli_fail(cli, CLI_NOT_FOUND, "not-sealed",
                        "no codes were ever sealed: rollcall breakglass seal");
    if (r == -EBUSY)
        return cli_fail(cli, CLI_PROBLEM, "not-now", "somebody uses the file; try again");
    if (r == -EBADMSG || r == -EPERM)
        return cli_fail(cli, CLI_PROBLEM, "damaged",
                        "%s is damaged or not root's alone, and opens nothing: rollcall breakglass "
                        "seal makes another",
                        ROLLCALL_BREAKGLASS_STATE);
    return cli_fail(cli, CLI_PROBLEM, "internal", "%s", strerror(-r));
}

// ---- seal ----

// Names of services, with commas.
static int join(const struct rollcall_list *l, char *buf, size_t len)
{
    size_t n = 0;

    *buf = 0;
    for (size_t i = 0; i < l->n; i++) {
        int w = snprintf(buf + n, len - n, "%s%s", i ? "," : "", l->item[i]);
        if (w < 0 || (size_t)w >= len - n)
            return -E2BIG;
        n += (size_t)w;
    }
    return 0;
}

// What stands in the configuration and on the host, into `b`. CLI_OK or an exit code.
static int describe(const struct cli *cli, const struct rollcall_config *c,
                    struct rollcall_breakglass *b)
{
    const char *account = c->breakglass_account;
    uint32_t uid = 0;

    if (!account)
        return cli_fail(cli, CLI_PROBLEM, "no-account",
                        "name a local account: account = breakglass in [breakglass]");
    if (rollcall_breakglass_local_uid(account, &uid) < 0 || uid == 0)
        return cli_fail(cli, CLI_PROBLEM, "no-account",
                        "%s must be in /etc/passwd, and not be root: useradd -m -s /bin/bash %s",
                        account, account);
    if (cli_shadow_of(account) != CLI_SHADOW_LOCKED)
        return cli_fail(cli, CLI_PROBLEM, "password-not-locked",
                        "%s has a password, which would let it in without a code: usermod -L %s",
                        account, account);
    memset(b->account, 0, sizeof(b->account));
    snprintf(b->account, sizeof(b->account), "%s", account);
    b->uid = uid;
    b->open_for = c->breakglass_open_for;
    memset(b->services, 0, sizeof(b->services));
    if (join(&c->breakglass_services, b->services, sizeof(b->services)) < 0)
        return cli_fail(cli, CLI_PROBLEM, "too-many", "[breakglass] services: that is too many");
    return CLI_OK;
}

static int store(struct rollcall_breakglass *b, int fd, int64_t now)
{
    struct rollcall_breakglass_event *e =
        rollcall_breakglass_note(b, ROLLCALL_BREAKGLASS_SEALED, now);

    snprintf(e->by, sizeof(e->by), "%s", cli_asked_by());
    e->code = b->n_codes;
    b->sealed_at = now;
    b->failures = 0;
    return fd >= 0 ? rollcall_breakglass_write(fd, b)
                   : rollcall_breakglass_create(ROLLCALL_BREAKGLASS_STATE, b);
}

// Past stdio: nothing of it stays in a buffer.
__attribute__((format(printf, 1, 2))) static int put(const char *format, ...)
{
    char text[400];
    va_list ap;
    int r;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    r = rollcall_write_all(STDOUT_FILENO, text, strlen(text));
    explicit_bzero(text, sizeof(text));
    return r;
}

static int print_codes(const struct cli *cli, const struct rollcall_breakglass *b,
                       const struct rollcall_secret codes[])
{
    char code[SEALED_CODE_TEXT];
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < b->n_codes; i++) {
        sealed_code_group(&codes[i], code);
        r = cli->args.json ? put("%s\"%s\"", i ? ", " : "", code)
                           : put("  %2u   %s\n", i + 1, code);
    }
    explicit_bzero(code, sizeof(code));
    return r;
}

static int print_sheet(const struct cli *cli, const struct rollcall_breakglass *b,
                       const struct rollcall_secret codes[])
{
    char host[65] = "this host", span[40];
    int r;

    if (gethostname(host, sizeof(host) - 1) < 0)
        snprintf(host, sizeof(host), "this host");
    cli_span((int64_t)b->open_for, span, sizeof(span));
    r = cli->args.json
            ? put("{\"ok\": true, \"account\": \"%s\", \"codes\": [", b->account)
            : put("Sealed codes of %s on %s. Each opens it once, for %s, and everybody "
                  "is told.\nPrint this, seal it, lock it up: it is not shown again.\n\n",
                  b->account, host, span);
    if (r == 0)
        r = print_codes(cli, b, codes);
    if (r == 0)
        r = cli->args.json ? put("]}\n")
                           : put("\nLog in as %s by %s, and type one where it asks for it.\n",
                                 b->account, b->services);
    return r;
}

static int seal_into(const struct cli *cli, struct rollcall_breakglass *b, int fd, unsigned n)
{
    struct rollcall_secret codes[ROLLCALL_BREAKGLASS_CODES] = {0};
    int r = sealed_codes_make(b, n, codes);

    if (r == 0)
        r = store(b, fd, cli->now);
    if (r == 0)
        r = print_sheet(cli, b, codes);
    for (size_t i = 0; i < ROLLCALL_BREAKGLASS_CODES; i++)
        rollcall_secret_erase(&codes[i]);
    return r;
}

// Older codes go for good: somebody has them in an envelope.
static bool may_replace(const struct cli *cli, const struct rollcall_breakglass *b)
{
    char question[160];

    if (rollcall_breakglass_left(b) == 0 || cli->args.yes)
        return true;
    snprintf(question, sizeof(question), "%u sealed codes of %s become worthless. Go on?",
             rollcall_breakglass_left(b), b->account);
    return cli_interactive(cli) && cli_ask_yes(question);
}

static int seal_with(const struct cli *cli, const struct rollcall_config *config, unsigned n)
{
    _cleanup_close_ int fd = -1;
    struct rollcall_breakglass b = {0};
    int r = rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b);

    if (r == 0 && !may_replace(cli, &b))
        return cli_fail(cli, CLI_PROBLEM, "sealed-already",
                        "sealed codes are left; --yes makes them worthless");
    if (r == 0)
        r = rollcall_breakglass_lock(ROLLCALL_BREAKGLASS_STATE, LOCK_MS, &fd, &b);
    if (r == 0 && b.open)
        return cli_fail(cli, CLI_PROBLEM, "open",
                        "%s is open: rollcall breakglass close comes first", b.account);
    // One that is damaged, or not root's alone, is replaced.
    if (r < 0 && r != -ENOENT && r != -EBADMSG && r != -EPERM)
        return failed(cli, r);
    if (r < 0)
        memset(&b, 0, sizeof(b));
    r = describe(cli, config, &b);
    if (r != CLI_OK)
        return r;
    r = seal_into(cli, &b, fd, n);
    return r < 0 ? failed(cli, r) : CLI_OK;
}

static int seal(const struct cli *cli)
{
    struct rollcall_config *config = NULL;
    struct rollcall_findings findings;
    uint64_t n = CODES;
    int r;

    if (cli->args.codes &&
        rollcall_parse_u64(cli->args.codes, 1, ROLLCALL_BREAKGLASS_CODES, &n) < 0)
        return cli_complain(cli, CLI_USAGE, "--codes %s: from 1 to %d", cli->args.codes,
                            ROLLCALL_BREAKGLASS_CODES);
    r = rollcall_config_load(ROLLCALL_CONF, &config, &findings);
    rollcall_findings_free(&findings);
    if (r < 0)
        return cli_fail(cli, CLI_PROBLEM, "config-broken",
                        "the configuration is not right: rollcall check-config");
    r = seal_with(cli, config, (unsigned)n);
    rollcall_config_free(config);
    return r;
}

// ---- status ----

static json_t *event_json(const struct rollcall_breakglass_event *e)
{
    return json_pack("{s:I, s:s, s:I, s:s, s:s, s:s, s:s, s:b}", "at", (json_int_t)e->at, "what",
                     kinds[e->kind <= 4 ? e->kind : 0], "code", (json_int_t)e->code, "service",
                     e->service, "tty", e->tty, "rhost", e->rhost, "by", e->by, "recorded",
                     e->recorded != 0);
}

static json_t *status_json(const struct rollcall_breakglass *b)
{
    json_t *events = json_array(),
           *o = json_pack("{s:b, s:s, s:I, s:s, s:I, s:I, s:I, s:b, s:I, s:I, s:I}", "ok", 1,
                          "account", b->account, "uid", (json_int_t)b->uid, "services", b->services,
                          "open_for", (json_int_t)b->open_for, "sealed_at",
                          (json_int_t)b->sealed_at, "codes_left",
                          (json_int_t)rollcall_breakglass_left(b), "open", open_left(b) > 0,
                          "open_seconds_left", (json_int_t)open_left(b), "unacknowledged",
                          (json_int_t)b->unacknowledged, "failures", (json_int_t)b->failures);

    for (int i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        if (b->event[i].kind != ROLLCALL_BREAKGLASS_NONE)
            json_array_append_new(events, event_json(&b->event[i]));
    json_object_set_new(o, "events", events);
    return o;
}

static void print_events(const struct cli *cli, const struct rollcall_breakglass *b)
{
    for (int i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++) {
        const struct rollcall_breakglass_event *e = &b->event[i];
        _cleanup_free_ char *from = cli_escape(*e->rhost ? e->rhost : e->tty),
                            *by = cli_escape(e->by);
        char when[80];
        if (e->kind == ROLLCALL_BREAKGLASS_NONE)
            continue;
        printf("  %s  %s", cli_when(e->at, cli->now, when, sizeof(when)),
               kinds[e->kind <= 4 ? e->kind : 0]);
        if (e->kind == ROLLCALL_BREAKGLASS_OPENED)
            printf(" with code %u by %s %s%s", e->code, e->service, from ? from : "?",
                   e->failures ? ", after wrong codes" : "");
        else if (*e->by)
            printf(" (%s)", by ? by : "?");
        printf("%s\n", e->recorded ? "" : ", not in the audit log yet");
    }
}

static int status(const struct cli *cli)
{
    struct rollcall_breakglass b;
    int r = rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b);
    char when[80], span[40];
    int64_t left;

    if (r < 0)
        return failed(cli, r);
    left = open_left(&b);
    if (cli->args.json) {
        _cleanup_json_ json_t *o = status_json(&b);
        cli_print_json(o);
    } else {
        printf("account  %s, asked for a code by %s\n", b.account, b.services);
        printf("sealed   %s; %u of %u codes are left\n",
               cli_when(b.sealed_at, cli->now, when, sizeof(when)), rollcall_breakglass_left(&b),
               b.n_codes);
        printf("now      %s%s%s\n", cli_colour(cli->colour, left ? CLI_RED : CLI_GREEN),
               left ? "OPEN for another " : "closed",
               left ? cli_span(left, span, sizeof(span)) : "");
        fputs(cli_colour(cli->colour, CLI_PLAIN), stdout);
        print_events(cli, &b);
        if (b.unacknowledged)
            printf("It was opened %u times that nobody has acknowledged: rollcall breakglass ack\n",
                   b.unacknowledged);
    }
    return left || b.unacknowledged ? CLI_PROBLEM : CLI_OK;
}

void cli_breakglass_alarms(json_t *alarms)
{
    struct rollcall_breakglass b;
    char sentence[200];

    if (rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b) < 0)
        return;
    if (open_left(&b) > 0) {
        snprintf(sentence, sizeof(sentence),
                 "the emergency account %s is OPEN: rollcall breakglass status", b.account);
        json_array_append_new(alarms, json_string(sentence));
    }
    if (b.unacknowledged) {
        snprintf(sentence, sizeof(sentence),
                 "the emergency account %s was opened by a sealed code: rollcall breakglass "
                 "status, then ack",
                 b.account);
        json_array_append_new(alarms, json_string(sentence));
    }
}

// ---- close, ack ----

static int said(const struct cli *cli, const struct rollcall_breakglass *b, const char *sentence)
{
    if (cli->args.json)
        printf("{\"ok\": true, \"account\": \"%s\"}\n", b->account);
    else
        printf("%s %s\n", b->account, sentence);
    return CLI_OK;
}

static int close_now(const struct cli *cli)
{
    const char *const argv[] = {ROLLCALL_BREAKGLASS, "--end", cli_asked_by(), NULL};
    _cleanup_ran_ struct cli_ran ran = {0};
    struct rollcall_breakglass b;
    int r = rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b);

    if (r < 0)
        return failed(cli, r);
    if (!b.open)
        return said(cli, &b, "is not open.");
    r = cli_run(argv, NULL, &ran);
    if (r < 0)
        return failed(cli, r);
    if (ran.status != 0)
        return cli_fail(cli, CLI_PROBLEM, "sessions-left",
                        "%s lets nobody in any more, but not all of its sessions have ended yet",
                        b.account);
    return said(cli, &b, "is closed, and its sessions have ended.");
}

static int acknowledge(const struct cli *cli)
{
    _cleanup_close_ int fd = -1;
    struct rollcall_breakglass_event *e;
    struct rollcall_breakglass b;
    int r = rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b);

    if (r < 0)
        return failed(cli, r);
    if (b.unacknowledged == 0)
        return said(cli, &b, "has nothing to acknowledge.");
    if (strcmp(cli_asked_by(), b.account) == 0)
        return cli_fail(cli, CLI_PROBLEM, "own-use", "somebody else than %s must say it",
                        b.account);
    if (!cli->args.json)
        print_events(cli, &b);
    if (!cli->args.yes && !(cli_interactive(cli) && cli_ask_yes("Do you know who, and why?")))
        return cli_fail(cli, CLI_PROBLEM, "not-asked", "nothing is acknowledged; --yes says it");
    r = rollcall_breakglass_lock(ROLLCALL_BREAKGLASS_STATE, LOCK_MS, &fd, &b);
    if (r < 0)
        return failed(cli, r);
    b.unacknowledged = 0;
    e = rollcall_breakglass_note(&b, ROLLCALL_BREAKGLASS_ACKNOWLEDGED, cli->now);
    snprintf(e->by, sizeof(e->by), "%s", cli_asked_by());
    r = rollcall_breakglass_write(fd, &b);
    return r < 0 ? failed(cli, r) : said(cli, &b, "is acknowledged.");
}

int cli_breakglass(struct cli *cli)
{
    static const struct {
        const char *word;
        int (*run)(const struct cli *cli);
    } words[] = {{"seal", seal}, {"status", status}, {"close", close_now}, {"ack", acknowledge}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(cli->args.words[0], words[i].word) == 0)
            return words[i].run(cli);
    return cli_complain(cli, CLI_USAGE, "it is seal, status, close or ack, not %s",
                        cli->args.words[0]);
}
