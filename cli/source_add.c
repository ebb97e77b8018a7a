// SPDX-License-Identifier: BSD-2-Clause
// rollcall source add: a section by asking, or from --set; checked before it is there.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/control.h"
#include "cli/source.h"
#include "cli/source_secret.h"
#include "cli/text.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

// What is asked for, in this order, with what is usual; the rest stands in rollcall.conf(5). What
// the type cannot do without is among them: a section that lacks it is not written.
static const struct questions {
    const char *type, *role, *options[10];
} all_questions[] = {
    {"csv", "authority, directory", {"path", "expect_every"}},
    {"exec", "authority, directory", {"command", "poll"}},
    {"ldap",
     "authority, directory",
     {"schema", "uri", "base", "bind", "bind_dn", "password_file", "ca_file"}},
    {"graph",
     "authority, directory, signal",
     {"tenant", "client_id", "credential", "secret_file", "domain", "assigned_groups",
      "require_attributes"}},
    {"okta",
     "directory, signal",
     {"org", "org_id", "client_id", "key_file", "key_id", "secret_file", "domain",
      "assigned_groups"}},
    {"json", "authority", {"preset", "url", "path", "user", "password_file", "secret_file", "map"}},
    {"scim",
     "directory",
     {"url", "user", "password_file", "secret_file", "domain", "require_attributes", "user_types",
      "assigned_groups"}},
    {"pingone",
     "directory, signal",
     {"region", "environment", "client_id", "secret_file", "populations", "domain",
      "assigned_groups", "member_groups"}},
};

struct draft {
    struct cli *cli;
    char name[64], path[300];
    char text[16384]; // the section
    size_t len;
};

static int wrong(const struct draft *d, const char *what, const char *value)
{
    return cli_fail(d->cli, CLI_USAGE, "bad-request", "%s: \"%s\"", what, value);
}

// What stands behind " #" would be a comment, and a line break another option.
static bool value_acceptable(const char *value)
{
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f ||
            ((*p == '#' || *p == ';') && (p == value || p[-1] == ' ')))
            return false;
    return *value && strlen(value) < 4096;
}

static bool put(struct draft *d, const char *option, const char *value)
{
    int n = snprintf(d->text + d->len, sizeof(d->text) - d->len, "%s = %s\n", option, value);

    if (n < 0 || (size_t)n >= sizeof(d->text) - d->len)
        return false;
    d->len += (size_t)n;
    return true;
}

static int begin(struct draft *d, const char *name)
{
    for (const char *p = name; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", *p))
            return wrong(d, "a source's name is made of letters, digits, '_', '-' and '.'", name);
    if (!*name || *name == '.' || strlen(name) > 31)
        return wrong(d, "a source's name has 1 to 31 letters, and no dot in front", name);
    snprintf(d->name, sizeof(d->name), "%s", name);
    snprintf(d->path, sizeof(d->path), ROLLCALL_CONF_DIR "/%s.conf", name);
    if (access(d->path, F_OK) == 0)
        return cli_fail(d->cli, CLI_PROBLEM, "refused",
                        "%s is there already; edit it, it is not written over", d->path);
    d->len = (size_t)snprintf(d->text, sizeof(d->text), "[source %s]\n", name);
    return CLI_OK;
}

// ---- by asking ----

// "" where nothing was typed and nothing is usual. False at the end of the input.
static bool ask(const char *question, const char *usual, char *ret, size_t len)
{
    printf("%s%s%s%s: ", question, usual ? " [" : "", usual ? usual : "", usual ? "]" : "");
    fflush(stdout);
    if (!fgets(ret, (int)len, stdin))
        return false;
    ret[strcspn(ret, "\n")] = 0;
    if (!*ret && usual)
        snprintf(ret, len, "%s", usual);
    return true;
}

static void explain(const struct cli *cli, const struct rollcall_option *o)
{
    printf("\n%s%s%s\n", cli_colour(cli->colour, CLI_DIM), o->sentence,
           cli_colour(cli->colour, CLI_PLAIN));
    if (o->words)
        printf("%s\n", o->words);
}

// A file that holds a secret: root makes it, or types the secret now.
static int ask_secret(const struct draft *d, const char *option, const char *path)
{
    bool text = strcmp(option, "password_file") == 0 || strcmp(option, "secret_file") == 0;
    int r;

    if (access(path, F_OK) == 0)
        return CLI_OK;
    if (!text) {
        printf("%s is not there yet: install -m 600 -o root FILE %s\n", path, path);
        return CLI_OK;
    }
    printf("%s is not there yet.\n", path);
    fflush(stdout);
    r = source_secret_ask("The secret, not shown (Enter: you make the file, root's and 0600): ",
                          path);
    if (r == -ECANCELED)
        printf("Then: install -m 600 -o root /dev/null %s, and write it there\n", path);
    else if (r < 0)
        return cli_fail(d->cli, CLI_PROBLEM, "refused", "%s: %s", path, strerror(-r));
    return CLI_OK;
}

static bool names_a_secret(const char *option)
{
    return strcmp(option, "password_file") == 0 || strcmp(option, "secret_file") == 0 ||
           strcmp(option, "key_file") == 0;
}

static int ask_option(struct draft *d, const char *type, const char *option)
{
    struct rollcall_option o;
    char value[4096];
    int r = CLI_OK;

    if (!rollcall_config_source_option(type, option, &o))
        return wrong(d, "the type has no such option", option);
    explain(d->cli, &o);
    if (names_a_secret(option))
        printf("for example " ROLLCALL_SECRETS_DIR "/%s\n", d->name);
    do {
        if (!ask(option, o.standard, value, sizeof(value)))
            return cli_complain(d->cli, CLI_PROBLEM, "nothing was written");
        if (!*value || (o.standard && strcmp(value, o.standard) == 0))
            return CLI_OK;
        if (!value_acceptable(value))
            printf("that is not one line without \" #\"\n");
    } while (!value_acceptable(value));
    if (names_a_secret(option))
        r = ask_secret(d, option, value);
    if (r == CLI_OK && !put(d, option, value))
        r = wrong(d, "it is too long", option);
    return r;
}

static const struct questions *questions_of(const char *type)
{
    for (size_t i = 0; i < sizeof(all_questions) / sizeof(all_questions[0]); i++)
        if (strcmp(all_questions[i].type, type) == 0)
            return &all_questions[i];
    return NULL;
}

static int ask_all(struct draft *d, const char *name)
{
    char type[64] = "", own[64] = "", role[64];
    const struct questions *q;
    struct rollcall_option o;
    int r;

    if (!name && !ask("Name of the source, for messages", "hr", own, sizeof(own)))
        return cli_complain(d->cli, CLI_PROBLEM, "nothing was written");
    r = begin(d, name ? name : own);
    if (r != CLI_OK)
        return r;
    if (rollcall_config_source_option("csv", "type", &o))
        explain(d->cli, &o);
    if (!ask("type", "csv", type, sizeof(type)) || !(q = questions_of(type)))
        return wrong(d, "there is no such type", type);
    put(d, "type", type);
    if (rollcall_config_source_option(type, "role", &o))
        explain(d->cli, &o);
    if (!ask("role", q->role, role, sizeof(role)) || !value_acceptable(role))
        return wrong(d, "that is no list of roles", role);
    put(d, "role", role);
    for (size_t i = 0; r == CLI_OK && i < sizeof(q->options) / sizeof(q->options[0]); i++)
        if (q->options[i])
            r = ask_option(d, type, q->options[i]);
    return r;
}

// ---- from the command line ----

static int take_sets(struct draft *d, const char *name)
{
    const struct cli_args *a = &d->cli->args;
    const struct questions *q = questions_of(a->type);
    bool role = false;
    int r;

    if (!name)
        return cli_complain(d->cli, CLI_USAGE, "--type needs the source's name too");
    if (!q)
        return wrong(d, "there is no such type", a->type);
    r = begin(d, name);
    if (r != CLI_OK)
        return r;
    put(d, "type", a->type);
    for (unsigned i = 0; i < a->n_set; i++) {
        const char *equals = strchr(a->set[i], '=');
        char option[64];
        if (!equals || equals == a->set[i] || (size_t)(equals - a->set[i]) >= sizeof(option))
            return wrong(d, "--set takes OPTION=VALUE", a->set[i]);
        snprintf(option, sizeof(option), "%.*s", (int)(equals - a->set[i]), a->set[i]);
        if (strspn(option, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(option) ||
            !value_acceptable(equals + 1))
            return wrong(d, "that is no option, or its value is not one line without \" #\"",
                         a->set[i]);
        role |= strcmp(option, "role") == 0;
        if (!put(d, option, equals + 1))
            return wrong(d, "it is too long", option);
    }
    if (!role)
        put(d, "role", q->role);
    return CLI_OK;
}

// ---- checking and writing ----

static int check(const struct draft *d)
{
    _cleanup_(source_config_freep) struct rollcall_config *config = NULL;
    _cleanup_(rollcall_findings_free) struct rollcall_findings findings = {0};
    _cleanup_(source_config_freep) struct rollcall_config *before = NULL;
    _cleanup_(rollcall_findings_free) struct rollcall_findings ignored = {0};
    int r;

    if (rollcall_config_load(ROLLCALL_CONF, &before, &ignored) == 0 &&
        rollcall_config_source(before, d->name))
        return cli_fail(d->cli, CLI_PROBLEM, "refused",
                        "there is a [source %s] already; it is not changed from here", d->name);
    r = rollcall_config_load_with(ROLLCALL_CONF, d->path, d->text, &config, &findings);
    if (r == -ENOENT)
        return cli_fail(d->cli, CLI_PROBLEM, "refused",
                        "there is no %s yet; rollcall setup makes one", ROLLCALL_CONF);
    rollcall_findings_print(&findings, stderr);
    return r < 0 ? cli_fail(d->cli, CLI_PROBLEM, "refused",
                            "this would not be taken, and nothing was written")
                 : CLI_OK;
}

static int write_whole(const struct draft *d)
{
    char fresh[340];
    _cleanup_close_ int fd = -1;
    int r;

    if (mkdir(ROLLCALL_CONF_DIR, 0755) < 0 && errno != EEXIST)
        return -errno;
    // The dot keeps it from being read as a drop-in before it is whole.
    snprintf(fresh, sizeof(fresh), ROLLCALL_CONF_DIR "/.%s.new", d->name);
    unlink(fresh);
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    r = rollcall_write_all(fd, d->text, d->len);
    if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
        r = -errno;
    if (r == 0 && renameat2(AT_FDCWD, fresh, AT_FDCWD, d->path, RENAME_NOREPLACE) < 0)
        r = -errno;
    if (r < 0) {
        unlink(fresh);
        return r;
    }
    return rollcall_sync_folder(d->path);
}

static int finish(const struct draft *d)
{
    int r;

    if (!d->cli->args.json)
        printf("\n%s:\n\n%s\n", d->path, d->text);
    r = check(d);
    if (r != CLI_OK)
        return r;
    if (!d->cli->args.type && !cli_ask_yes("Write it?"))
        return cli_complain(d->cli, CLI_PROBLEM, "nothing was written");
    r = write_whole(d);
    if (r < 0)
        return cli_fail(d->cli, r == -EACCES ? CLI_NOT_PERMITTED : CLI_PROBLEM, "refused", "%s: %s",
                        d->path, strerror(-r));
    if (d->cli->args.json) {
        _cleanup_json_ json_t *o =
            json_pack("{s:b, s:s, s:s}", "ok", 1, "source", d->name, "path", d->path);
        cli_print_json(o);
    } else {
        printf("Written. Next: rollcall source test %s, then rollcall reload\n", d->name);
    }
    return CLI_OK;
}

int cli_source_add(struct cli *cli, const char *name)
{
    struct draft *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return cli_complain(cli, CLI_PROBLEM, "out of memory");
    d->cli = cli;
    setvbuf(stdin, NULL, _IONBF, 0); // a secret is read beside it
    if (cli->args.type)
        r = take_sets(d, name);
    else if (cli_interactive(cli))
        r = ask_all(d, name);
    else
        r = cli_complain(cli, CLI_USAGE, "there is nobody to ask: give --type and --set");
    if (r == CLI_OK)
        r = finish(d);
    free(d);
    return r;
}
