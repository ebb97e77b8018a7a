// SPDX-License-Identifier: BSD-2-Clause
// rollcall user: one person.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cache_view.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/verifier_client.h"

static void line(const struct cli *cli, const char *label, const char *value,
                 enum cli_colour colour)
{
    _cleanup_free_ char *safe = cli_escape(value);

    if (!safe || !*safe)
        return;
    printf("%-12s%s%s%s\n", label, colour ? cli_colour(cli->colour, colour) : "", safe,
           colour ? cli_colour(cli->colour, CLI_PLAIN) : "");
}

static void time_line(const struct cli *cli, const char *label, const json_t *o, const char *key)
{
    int64_t t = cli_int_of(o, key, ROLLCALL_TIME_UNSET);
    char when[80];

    if (t != ROLLCALL_TIME_UNSET)
        line(cli, label, cli_when(t, cli->now, when, sizeof(when)), CLI_PLAIN);
}

static void join(const json_t *list, char *buf, size_t len)
{
    const json_t *item;
    size_t i, n = 0;

    buf[0] = 0;
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (text && n + strlen(text) + 3 < len)
            n += (size_t)snprintf(buf + n, len - n, "%s%s", n ? ", " : "", text);
    }
}

// What an identity provider thinks of the account, and which source says so.
static void print_risk(const struct cli *cli, const json_t *user)
{
    const char *risk = cli_text_of(user, "risk");
    const json_t *s;
    char text[200];
    size_t i;

    json_array_foreach(json_object_get(user, "sources"), i, s)
    {
        if (!*risk || strcmp(cli_text_of(s, "risk"), risk) != 0)
            continue;
        snprintf(text, sizeof(text), "%s, says %s", risk, cli_text_of(s, "source"));
        line(cli, "risk", text,
             strcmp(risk, "compromised") == 0 ? CLI_RED
             : strcmp(risk, "none") == 0      ? CLI_PLAIN
                                              : CLI_YELLOW);
        return;
    }
}

static void print_person(const struct cli *cli, const json_t *user)
{
    const char *state = cli_text_of(user, "state");
    char text[1024];

    line(cli, "user", cli_text_of(user, "user"), CLI_BOLD);
    line(cli, "name", cli_text_of(user, "display_name"), CLI_PLAIN);
    line(cli, "was called", cli_text_of(user, "former_name"), CLI_PLAIN);
    line(cli, "employee", cli_text_of(user, "employee_number"), CLI_PLAIN);
    snprintf(text, sizeof(text), "uid %lld, gid %lld, %s, %s",
             (long long)cli_int_of(user, "uid", -1), (long long)cli_int_of(user, "gid", -1),
             cli_text_of(user, "home"), cli_text_of(user, "shell"));
    line(cli, "account", text, CLI_PLAIN);
    join(json_object_get(user, "groups"), text, sizeof(text));
    line(cli, "groups", text, CLI_PLAIN);
    snprintf(text, sizeof(text), "%s (%s)", state, cli_text_of(user, "reason"));
    line(cli, "state", text, cli_state_colour(state));
    time_line(cli, "since", user, "since");
    print_risk(cli, user);
    time_line(cli, "first day", user, "not_before");
    time_line(cli, "ends", user, "not_after");
}

static void print_admission(const struct cli *cli, const json_t *admission)
{
    int64_t percent = cli_int_of(admission, "lease_used_percent", 0);
    bool in = json_is_true(json_object_get(admission, "admitted"));
    char text[512];

    snprintf(text, sizeof(text), "%s: %s", in ? "yes" : "no", cli_text_of(admission, "sentence"));
    line(cli, "login here", text, in ? CLI_GREEN : CLI_RED);
    if (percent >= 50) {
        snprintf(text, sizeof(text), "%lld %% used", (long long)percent);
        line(cli, "lease", text, percent >= 80 ? CLI_RED : CLI_YELLOW);
    }
}

static void print_off(const struct cli *cli, const json_t *enrolment)
{
    char text[192], names[96];

    join(json_object_get(enrolment, "off"), names, sizeof(names));
    if (!*names)
        return;
    snprintf(text, sizeof(text), "%s: failed 100 times in a row; rollcall reset-factor", names);
    line(cli, "switched off", text, CLI_RED);
}

static void print_keys(const struct cli *cli, const json_t *keys)
{
    const json_t *k;
    char text[240], when[80];
    size_t i;

    json_array_foreach(keys, i, k)
    {
        snprintf(text, sizeof(text), "%s, since %s, model %s%s%s%s", cli_text_of(k, "label"),
                 cli_when(cli_int_of(k, "enrolled_at", 0), cli->now, when, sizeof(when)),
                 cli_text_of(k, "aaguid"),
                 // What it says of itself is no more than that.
                 json_is_true(json_object_get(k, "attested")) ? ", attested" : " by its own word",
                 json_is_true(json_object_get(k, "verifies_user")) ? "" : ", without PIN",
                 json_is_true(json_object_get(k, "counts"))
                     ? ""
                     : ": DOES NOT COUNT, see [mfa] fido2_aaguids");
        line(cli, "key", text, CLI_PLAIN);
    }
}

static void print_vouched(const struct cli *cli, const json_t *list)
{
    const json_t *k;
    char text[160], when[80];
    size_t i;

    json_array_foreach(list, i, k)
    {
        snprintf(text, sizeof(text), "%s, vouched for since %s", cli_text_of(k, "fingerprint"),
                 cli_when(cli_int_of(k, "at", 0), cli->now, when, sizeof(when)));
        line(cli, "ssh key", text, CLI_PLAIN);
    }
}

static void print_enrolment(const struct cli *cli, const json_t *enrolment)
{
    int64_t until = cli_int_of(enrolment, "throttled_until", 0),
            failures = cli_int_of(enrolment, "failures", 0);
    const char *error = cli_text_of(enrolment, "error");
    const json_t *keys;
    char text[128];

    if (*error) {
        line(cli, "factors", error, CLI_YELLOW);
        return;
    }
    keys = json_object_get(enrolment, "keys");
    print_off(cli, enrolment);
    line(cli, "password", cli_text_of(enrolment, "password"), CLI_PLAIN);
    if (json_is_true(json_object_get(enrolment, "totp"))) {
        snprintf(text, sizeof(text), "totp, %lld recovery codes",
                 (long long)cli_int_of(enrolment, "recovery_codes", 0));
        line(cli, "factors", text, CLI_PLAIN);
    } else if (json_array_size(keys) == 0) {
        line(cli, "factors",
             "none: no login with a second factor until rollcall code, or rollcall enroll totp",
             CLI_YELLOW);
    }
    print_keys(cli, keys);
    print_vouched(cli, json_object_get(enrolment, "vouched"));
    if (cli_int_of(enrolment, "access_code_until", 0) > cli->now)
        time_line(cli, "access code", enrolment, "access_code_until");
    if (failures > 0) {
        snprintf(text, sizeof(text), "%lld in a row", (long long)failures);
        line(cli, "wrong codes", text, CLI_YELLOW);
    }
    if (until > cli->now && until != INT64_MAX)
        time_line(cli, "throttled", enrolment, "throttled_until");
}

static void print_sources(const struct cli *cli, const json_t *user)
{
    struct cli_table table = {.columns = 6};
    const json_t *sources = json_object_get(user, "sources"), *s;
    size_t i;

    if (json_array_size(sources) == 0)
        return;
    for (size_t h = 0; h < 6; h++) {
        static const char *const heads[] = {"SOURCE", "ROLE", "SAYS", "END", "WHERE", "AS OF"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    json_array_foreach(sources, i, s)
    {
        int64_t end = cli_int_of(s, "terminated_at", ROLLCALL_TIME_UNSET);
        char when[80];
        if (end == ROLLCALL_TIME_UNSET)
            end = cli_int_of(s, "end", ROLLCALL_TIME_UNSET);
        cli_table_add(&table, cli_text_of(s, "source"), CLI_BOLD);
        cli_table_add(&table, cli_text_of(s, "role"), CLI_PLAIN);
        cli_table_add(&table,
                      json_is_true(json_object_get(s, "missing")) ? "missing"
                                                                  : cli_text_of(s, "status"),
                      CLI_PLAIN);
        cli_table_add(&table, cli_when(end, cli->now, when, sizeof(when)), CLI_PLAIN);
        cli_table_add(&table, cli_text_of(s, "where"), CLI_PLAIN);
        cli_table_add(
            &table,
            cli_when(cli_int_of(s, "as_of", ROLLCALL_TIME_UNSET), cli->now, when, sizeof(when)),
            CLI_PLAIN);
    }
    putchar('\n');
    cli_table_print(&table, stdout, cli->colour);
    cli_table_free(&table);
}

static void print_changes(const struct cli *cli, const json_t *user)
{
    struct cli_table table = {.columns = 5};
    const json_t *changes = json_object_get(user, "changes"), *c;
    size_t i;

    if (json_array_size(changes) == 0)
        return;
    for (size_t h = 0; h < 5; h++) {
        static const char *const heads[] = {"CHANGED", "FROM", "TO", "REASON", "SOURCE"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    json_array_foreach(changes, i, c)
    {
        char when[80];
        cli_table_add(
            &table,
            cli_when(cli_int_of(c, "at", ROLLCALL_TIME_UNSET), cli->now, when, sizeof(when)),
            CLI_PLAIN);
        cli_table_add(&table, cli_text_of(c, "from"), CLI_PLAIN);
        cli_table_add(&table, cli_text_of(c, "to"), cli_state_colour(cli_text_of(c, "to")));
        cli_table_add(&table, cli_text_of(c, "reason"), CLI_PLAIN);
        cli_table_add(&table, cli_text_of(c, "source"), CLI_PLAIN);
    }
    putchar('\n');
    cli_table_print(&table, stdout, cli->colour);
    cli_table_free(&table);
}

static void print_refused(const struct cli *cli, const json_t *user)
{
    const json_t *refused = json_object_get(user, "refused"), *text;
    size_t i;

    json_array_foreach(refused, i, text)
    {
        _cleanup_free_ char *shown = cli_escape(json_string_value(text));
        if (shown)
            line(cli, "refused", shown, CLI_YELLOW);
    }
}

// "linux-admins through platform-team".
static void print_through(const struct cli *cli, const json_t *user)
{
    const json_t *list = json_object_get(user, "through"), *o;
    char text[1024], path[800];
    size_t i;

    json_array_foreach(list, i, o)
    {
        join(json_object_get(o, "path"), path, sizeof(path));
        snprintf(text, sizeof(text), "%s through %s", cli_text_of(o, "group"), path);
        line(cli, i ? " " : "memberships", text, CLI_PLAIN);
    }
}

static void print_dropped(const struct cli *cli, const json_t *user)
{
    const json_t *s;
    size_t i;

    json_array_foreach(json_object_get(user, "sources"), i, s)
        line(cli, "left out", cli_text_of(s, "dropped"), CLI_RED);
}

static void print_why(const struct cli *cli, const json_t *user)
{
    const json_t *lock = json_object_get(user, "admin_lock");
    char text[512];

    line(cli, "why", cli_text_of(user, "sentence"), CLI_PLAIN);
    print_dropped(cli, user);
    time_line(cli, "HR's time", user, "hr_time");
    time_line(cli, "received", user, "received");
    if (json_is_object(lock)) {
        snprintf(text, sizeof(text), "by %s: %s", cli_text_of(lock, "by"),
                 cli_text_of(lock, "reason"));
        line(cli, "admin lock", text, CLI_RED);
    }
    if (*cli_text_of(user, "held")) {
        snprintf(text, sizeof(text), "%s; rollcall approve %s", cli_text_of(user, "held"),
                 cli_text_of(user, "held"));
        line(cli, "held", text, CLI_YELLOW);
    }
    join(json_object_get(user, "flags"), text, sizeof(text));
    line(cli, "flags", text, CLI_PLAIN);
    print_through(cli, user);
    print_enrolment(cli, json_object_get(user, "enrolment"));
    print_refused(cli, user);
    print_sources(cli, user);
    print_changes(cli, user);
}

static json_t *names_of(unsigned off)
{
    static const char *const names[] = {"totp", "recovery", "access-code", "password", "fido2"};
    json_t *list = json_array();

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (off & 1u << i)
            json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *list_keys(const char *name)
{
    struct rollcall_key_facts keys[8];
    json_t *list = json_array();
    int n = rollcall_verifier_keys(name, keys, 8);

    for (int i = 0; list && i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:b, s:I}", "label",
                                              keys[i].label, "aaguid", keys[i].model,
                                              "verifies_user", keys[i].verifies_user, "attested",
                                              keys[i].attested, "counts", !keys[i].not_counted,
                                              "enrolled_at", (json_int_t)keys[i].enrolled_at));
    return list;
}

static bool any_counts(const json_t *keys)
{
    const json_t *k;
    size_t i;

    json_array_foreach(keys, i, k)
    {
        if (json_is_true(json_object_get(k, "counts")))
            return true;
    }
    return false;
}

static json_t *list_vouched(const char *name)
{
    struct rollcall_vouched_facts keys[ROLLCALL_VOUCHED_MAX];
    json_t *list = json_array();
    int n = rollcall_verifier_vouched(name, keys, ROLLCALL_VOUCHED_MAX);

    for (int i = 0; list && i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "fingerprint", keys[i].fingerprint,
                                              "at", (json_int_t)keys[i].at));
    return list;
}

static json_t *enrolment(const char *name, bool *ret_usable)
{
    struct rollcall_factor_facts facts = {0};
    const char *password;
    json_t *keys;
    char text[160];
    int r = rollcall_verifier_factors(name, &facts);

    *ret_usable = false;
    if (r < 0) {
        snprintf(text, sizeof(text), "rollcall-verifier could not be asked: %s", strerror(-r));
        return json_pack("{s:s}", "error", text);
    }
    keys = list_keys(name);
    // A key counts at the console, which needs no cable.
    *ret_usable = (facts.totp && !(facts.off & ROLLCALL_OFF_TOTP)) || any_counts(keys);
    password = facts.password == ROLLCALL_PASSWORD_LOCAL    ? "local"
               : facts.password == ROLLCALL_PASSWORD_CACHED ? "cached"
                                                            : NULL;
    return json_pack("{s:b, s:o, s:o, s:i, s:s?, s:I, s:i, s:i, s:o, s:I}", "totp", facts.totp,
                     "keys", keys, "vouched", list_vouched(name), "recovery_codes",
                     (int)facts.recovery, "password", password, "access_code_until",
                     (json_int_t)facts.access_until, "failures", (int)facts.failures,
                     "failures_inside", (int)facts.inside, "off", names_of(facts.off),
                     "throttled_until", (json_int_t)facts.throttled_until);
}

// Would this host let the person in with what it has, with no cable plugged in?
static void add_offline(struct cli *cli, json_t *user)
{
    json_t *admission = json_object_get(user, "admission");
    bool usable = false;
    json_t *factors = enrolment(cli_text_of(user, "user"), &usable);

    json_object_set_new(
        user, "offline_ready",
        json_boolean(usable && json_is_true(json_object_get(admission, "admitted"))));
    if (cli->args.why)
        json_object_set_new(user, "enrolment", factors);
    else
        json_decref(factors);
}

static void print_offline(const struct cli *cli, const json_t *user)
{
    int64_t until =
        cli_int_of(json_object_get(user, "admission"), "lease_ends", ROLLCALL_TIME_UNSET);
    char when[80], text[128];

    if (!json_is_true(json_object_get(user, "offline_ready"))) {
        line(cli, "offline", "no", CLI_YELLOW);
        return;
    }
    if (until == ROLLCALL_TIME_UNSET)
        snprintf(text, sizeof(text), "yes");
    else
        snprintf(text, sizeof(text), "yes, until %s",
                 cli_when(until, cli->now, when, sizeof(when)));
    line(cli, "offline", text, CLI_GREEN);
}

// The person from syncd, else from the cache. CLI_OK with *ret, or an exit code.
static int find_person(struct cli *cli, const char *name, json_t **ret, bool *ret_running)
{
    _cleanup_json_ json_t *user = NULL;
    json_t *request = cli_request("user");
    int r;

    if (request)
        json_object_set_new(request, "user", json_string(name));
    r = cli_ask_syncd(cli, request, true, &user);
    *ret_running = r != CLI_NOT_RUNNING;
    if (r == CLI_NOT_RUNNING) {
        r = cli_cache_user(&cli_cache_default, name, cli->now, &user);
        if (r == -ENOENT) {
            json_object_set_new(user, "ok", json_false());
            json_object_set_new(user, "error", json_string("unknown-user"));
            json_object_set_new(user, "hint",
                                json_string("there is no such person in the cache; "
                                            "rollcall-syncd is not running"));
            return cli_refused(cli, user);
        }
        if (r < 0)
            return cli_fail(cli, CLI_NOT_RUNNING, "not-running",
                            "rollcall-syncd is not running and the cache cannot be read");
        json_object_set_new(user, "ok", json_true());
    }
    if (r == CLI_OK)
        *ret = ROLLCALL_TAKE(user);
    return r;
}

int cli_user(struct cli *cli)
{
    _cleanup_json_ json_t *user = NULL;
    const char *name = cli->args.words[0];
    bool running;
    int r = find_person(cli, name, &user, &running);

    if (r != CLI_OK)
        return r;
    json_object_set_new(user, "syncd", json_string(running ? "running" : "not-running"));
    json_object_set_new(user, "admission", cli_cache_admission(&cli_cache_default, name, cli->now));
    add_offline(cli, user);
    if (cli->args.json) {
        cli_print_json(user);
    } else {
        print_person(cli, user);
        print_admission(cli, json_object_get(user, "admission"));
        print_offline(cli, user);
        if (cli->args.why)
            print_why(cli, user);
    }
    if (!running)
        cli_warn(cli, "rollcall-syncd is not running: this is what the cache holds");
    return CLI_OK;
}
