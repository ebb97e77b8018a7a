// SPDX-License-Identifier: BSD-2-Clause
// Defaults, and what must hold together.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/config_parse.h"
#include "lib/config_table.h"
#include "rollcall/account.h"
#include "rollcall/lifecycle.h"

#define DAY           86400u

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)
#define WARN(s, ...)  config_complain_of(s, true, __VA_ARGS__)

bool config_was_set(const struct config_state *s, const char *section, const char *name)
{
    char key[200];

    snprintf(key, sizeof(key), "%s\n%s", section, name);
    for (size_t i = 0; i < s->n_seen; i++)
        if (strcmp(s->seen[i].key, key) == 0)
            return s->seen[i].in_file != s->in_file; // the last "file" is the table's defaults
    return false;
}

static void apply_named(struct config_state *s, const struct option_definition *d,
                        const struct rollcall_source_config *list, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        char section[100];
        snprintf(section, sizeof(section), "%s %s", d->section, list[k].name);
        if (config_option_of_type(d, list[k].type) && !config_was_set(s, section, d->name))
            config_take(s, section, d->name, d->standard);
    }
}

// The table's defaults go through the same parser as what sysadmins write.
static void apply_defaults(struct config_state *s)
{
    static const char *const plain[] = {"rollcall",  "access", "nss",      "mfa",
                                        "lifecycle", "ids",    "enforcer", "breakglass"};
    const struct option_definition *d;

    s->in_file++;
    s->line = 0;
    for (size_t i = 0; (d = config_option(i)); i++) {
        if (!d->standard)
            continue;
        for (size_t k = 0; k < sizeof(plain) / sizeof(plain[0]); k++)
            if (strcmp(plain[k], d->section) == 0 && !config_was_set(s, d->section, d->name))
                config_take(s, d->section, d->name, d->standard);
        if (strcmp(d->section, "source") == 0)
            apply_named(s, d, s->config->source, s->config->n_sources);
        if (strcmp(d->section, "sink") == 0)
            apply_named(s, d, s->config->sink, s->config->n_sinks);
    }
}

static void check_csv(struct config_state *s, const struct rollcall_source_config *src)
{
    if ((src->role & ROLLCALL_ROLE_SIGNAL) && (src->role & ROLLCALL_ROLE_AUTHORITY))
        WARN(s, "[source %s] is authority and signal at once; authority alone says the same",
             src->name);
    if (!src->path)
        ERROR(
            s,
            "[source %s] has no path; say where HR's file is: path = /var/lib/hr-export/people.csv",
            src->name);
}

static void check_exec(struct config_state *s, const struct rollcall_source_config *src)
{
    if (!src->command)
        ERROR(s,
              "[source %s] has no command; name the program: command = /usr/local/libexec/people",
              src->name);
    if (src->user && strcmp(src->user, "root") == 0)
        ERROR(s, "[source %s] must not run as root; name a local user of its own", src->name);
    if (src->user && strlen(src->user) > 32)
        ERROR(s, "[source %s] user is longer than a local user's name may be", src->name);
}

static const struct {
    const char *type;
    void (*check)(struct config_state *s, const struct rollcall_source_config *src);
} kinds[] = {{"csv", check_csv},          {"exec", check_exec},
             {"ldap", config_check_ldap}, {"graph", config_check_graph},
             {"okta", config_check_okta}, {"json", config_check_json},
             {"scim", config_check_scim}, {"pingone", config_check_pingone}};

static void check_kind(struct config_state *s, const struct rollcall_source_config *src)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, src->type) == 0)
            kinds[i].check(s, src);
    config_check_types(s, src);
    if (rollcall_source_is_web(src))
        config_check_web(s, src);
}

static void check_source(struct config_state *s, struct rollcall_source_config *src)
{
    bool file = src->path;

    if (!src->type)
        ERROR(s,
              "[source %s] has no type; write type = csv, type = ldap, type = exec or the name of "
              "an API: graph, okta, json, scim, pingone",
              src->name);
    else
        check_kind(s, src);
    if (!src->role)
        ERROR(s, "[source %s] has no role; an HR export is role = authority, directory", src->name);
    if (!src->poll)
        src->poll = src->type && rollcall_source_is_web(src) && !file ? 300 : 60;
    if (!src->lease)
        src->lease = s->config->lease ? s->config->lease : file ? 10 * DAY : 3 * DAY;
    if (src->expect_every && src->expect_every >= src->lease)
        WARN(s,
             "[source %s] expect_every is not shorter than the lease: logins would stop before the "
             "alarm",
             src->name);
}

static void check_sources(struct config_state *s)
{
    struct rollcall_config *c = s->config;
    bool authority = false;

    for (size_t i = 0; i < c->n_sources; i++) {
        check_source(s, &c->source[i]);
        authority = authority || (c->source[i].role & ROLLCALL_ROLE_AUTHORITY);
        for (size_t k = 0; k < i; k++)
            if (c->source[i].join_prefix && c->source[k].join_prefix &&
                strcmp(c->source[i].join_prefix, c->source[k].join_prefix) == 0)
                WARN(s,
                     "[source %s] and [source %s] share the join_prefix \"%s\": their numbers name "
                     "the same people",
                     c->source[k].name, c->source[i].name, c->source[i].join_prefix);
    }
    if (c->n_sources == 0)
        ERROR(s, "there is no [source NAME]: nobody would ever be known here");
    else if (!authority)
        ERROR(s, "no source has the role authority: nobody would be employed");
}

static void check_keys_alone(struct config_state *s)
{
    WARN(s, "[mfa] factors has fido2 and no totp: over ssh only hardware keys that are marked or "
            "vouched for let anybody in");
    if (s->config->enrol && strcmp(s->config->enrol, "access-code") == 0)
        ERROR(s, "[mfa] enrol = access-code sets up an app's codes; add totp to factors, or write "
                 "enrol = admin");
}

// A domain name's letters: WebAuthn knows no other names.
static void check_rp(struct config_state *s)
{
    const char *rp = s->config->fido2_rp;

    if (rp && (strspn(rp, "abcdefghijklmnopqrstuvwxyz0123456789-.") != strlen(rp) || *rp == '.' ||
               *rp == '-'))
        ERROR(s, "[mfa] fido2_rp = %s: write a domain name in small letters, such as example.com",
              rp);
}

// "cb69481e-8ff7-4039-93ec-0a2729a154a8" to 32 small digits, in place.
static bool normalize_aaguid(char *text)
{
    size_t n = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '-')
            continue;
        if (!isxdigit((unsigned char)*p) || n == 32)
            return false;
        text[n++] = (char)tolower((unsigned char)*p);
    }
    if (n != 32)
        return false;
    text[n] = 0;
    return true;
}

static void check_aaguids(struct config_state *s)
{
    struct rollcall_config *c = s->config;

    for (size_t i = 0; i < c->fido2_aaguids.n; i++)
        if (!normalize_aaguid(c->fido2_aaguids.item[i]))
            ERROR(s,
                  "[mfa] fido2_aaguids: %s is no AAGUID; one has 32 hexadecimal digits, such as "
                  "cb69481e-8ff7-4039-93ec-0a2729a154a8",
                  c->fido2_aaguids.item[i]);
    if (c->fido2_aaguids.n > 0 && !c->fido2_roots)
        ERROR(s, "[mfa] fido2_aaguids needs fido2_roots: without a maker's word the model that a "
                 "key names is a mere claim");
}

static void check_factors(struct config_state *s)
{
    struct rollcall_config *c = s->config;
    static const char *const later[] = {"okta-push", "push", "device-flow", "password",
                                        "local-password"};

    for (size_t i = 0; i < c->factors.n; i++) {
        const char *f = c->factors.item[i];
        bool known = false;
        if (strcmp(f, "totp") == 0) {
            c->usable_factors |= ROLLCALL_FACTOR_TOTP;
            continue;
        }
        if (strcmp(f, "recovery") == 0) {
            c->usable_factors |= ROLLCALL_FACTOR_RECOVERY;
            continue;
        }
        if (strcmp(f, "fido2") == 0) {
            c->usable_factors |= ROLLCALL_FACTOR_FIDO2;
            continue;
        }
        for (size_t k = 0; k < sizeof(later) / sizeof(later[0]); k++)
            known = known || strcmp(f, later[k]) == 0;
        if (known)
            WARN(s, "[mfa] factors: this build does not have \"%s\"; it does not count", f);
        else
            ERROR(s,
                  "[mfa] factors: there is no factor \"%s\"; this build has totp, recovery and "
                  "fido2",
                  f);
    }
    // Recovery codes stand in for a factor that was lost; they are none to begin with.
    if (!(c->usable_factors & (ROLLCALL_FACTOR_TOTP | ROLLCALL_FACTOR_FIDO2)))
        ERROR(s,
              "[mfa] factors names none that this build has: nobody could log in; write factors = "
              "totp");
    else if (!(c->usable_factors & ROLLCALL_FACTOR_TOTP))
        check_keys_alone(s);
    check_rp(s);
    check_aaguids(s);
}

static void check_breakglass(struct config_state *s)
{
    const char *account = s->config->breakglass_account;

    if (account && (strcmp(account, "root") == 0 || !*account || strpbrk(account, ":/ \t,")))
        ERROR(s,
              "[breakglass] account = %s: name a local account that is not root, made for this "
              "alone: useradd -m -s /bin/bash breakglass",
              account);
    for (size_t i = 0; i < s->config->breakglass_services.n; i++)
        if (strlen(s->config->breakglass_services.item[i]) > 31)
            ERROR(s, "[breakglass] services: %s is no PAM service's name",
                  s->config->breakglass_services.item[i]);
}

// A directory that can be asked about passwords: over a network, for what asks has no other
// sockets.
static bool can_be_asked(const struct rollcall_source_config *src)
{
    for (size_t i = 0; src->type && strcmp(src->type, "ldap") == 0 && i < src->ldap.uri.n; i++)
        if (strncasecmp(src->ldap.uri.item[i], "ldapi://", 8) != 0)
            return true;
    return false;
}

static void check_first(struct config_state *s)
{
    const struct rollcall_config *c = s->config;
    bool any = false;

    for (size_t i = 0; i < c->n_sources; i++)
        any = any || can_be_asked(&c->source[i]);
    if (c->append && (!c->first || strcmp(c->first, "ldap-password") != 0))
        ERROR(s, "[mfa] append = %s belongs to first = ldap-password", c->append);
    if (c->first && strcmp(c->first, "ldap-password") == 0 && !any)
        ERROR(s, "[mfa] first = ldap-password: no source is of type ldap with a uri of ldaps:// or "
                 "ldap://, so nobody could judge a password");
}

static void check_rest(struct config_state *s)
{
    struct rollcall_config *c = s->config;

    check_first(s);

    if (!c->has_allow_groups)
        WARN(s, "[access] has no allow_groups: nobody may log in on this host");
    for (size_t i = 0; i < c->n_local_groups; i++) {
        if (c->local_group[i].from.n == 0)
            ERROR(s, "[local_group %s] has no \"from\": say whose members it gets",
                  c->local_group[i].name);
        if (strcmp(c->local_group[i].name, "root") == 0)
            ERROR(s, "[local_group root]: nobody is put into root's group");
    }
}

static bool is_one_of(const char *name, const char *one, const char *other, const char *third)
{
    return strcmp(name, one) == 0 || strcmp(name, other) == 0 || strcmp(name, third) == 0;
}

static void check_strength(struct config_state *s, const struct rollcall_service_config *v)
{
    bool ssh = strcmp(v->name, "sshd") == 0,
         keys = s->config->usable_factors & ROLLCALL_FACTOR_FIDO2;

    // sshd sees hardware keys of its own kind, which are no factor of this list.
    if (!v->require || ssh || keys)
        return;
    if (strcmp(v->require, "phishing-resistant") == 0)
        ERROR(s,
              "[service %s] require = phishing-resistant: only security keys are; add fido2 to "
              "factors in [mfa]",
              v->name);
    if (strcmp(v->require, "multi") == 0 && !s->config->first)
        WARN(s,
             "[service %s] require = multi: people show a code there and no second factor beside "
             "it, so nobody comes in; an SSH key and a code are multi, for sshd",
             v->name);
}

static void check_services(struct config_state *s)
{
    const struct rollcall_config *c = s->config;

    for (size_t i = 0; i < c->n_services; i++) {
        const struct rollcall_service_config *v = &c->service[i];
        check_strength(s, v);
        if (v->has_grace && !is_one_of(v->name, "sudo", "sudo-i", "sshd"))
            WARN(s, "[service %s] grace counts for sudo and sshd alone", v->name);
    }
    if (c->phishing_resistant_groups.n > 0 && !(c->usable_factors & ROLLCALL_FACTOR_FIDO2))
        WARN(s, "[mfa] phishing_resistant_groups without fido2 in factors: their members come in "
                "over ssh alone, with a hardware key that is marked or vouched for");
}

void config_finish(struct config_state *s)
{
    apply_defaults(s);
    check_sources(s);
    config_check_sinks(s);
    check_factors(s);
    check_rest(s);
    check_services(s);
    check_breakglass(s);
}
