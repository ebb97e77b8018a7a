// SPDX-License-Identifier: BSD-2-Clause
// What `rollcall setup` makes of the text of other people's files.
#include "cli/setup_edit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"

#define BLOCK_BEGIN "# rollcall setup: local people keep what this host gave them.\n"
#define BLOCK_END   "# rollcall setup: end\n"
#define OURS        "rollcall"

// A text that grows; done() gives it away.
struct text {
    FILE *out;
    char *buf;
    size_t len;
};

static bool begin(struct text *t)
{
    t->out = open_memstream(&t->buf, &t->len);
    return t->out != NULL;
}

static char *done(struct text *t)
{
    bool bad = ferror(t->out);

    if (fclose(t->out) != 0 || bad) {
        free(t->buf);
        return NULL;
    }
    return t->buf;
}

// Line after line, without and with its newline.
static const char *next_line(const char **text, size_t *ret_len, size_t *ret_whole)
{
    const char *line = *text;

    if (!*line)
        return NULL;
    *ret_len = strcspn(line, "\n");
    *ret_whole = *ret_len + (line[*ret_len] == '\n');
    *text = line + *ret_whole;
    return line;
}

// ---- nsswitch.conf ----

static const char *const databases[] = {"passwd", "group", "shadow", "initgroups"};
#define N_MUST 3 // initgroups is ours only where it is there

// Which of the databases a line is about, or -1.
static int database_of(const char *line, size_t len)
{
    size_t skip = strspn(line, " \t");

    for (int i = 0; i < 4; i++) {
        size_t n = strlen(databases[i]);
        if (skip + n < len && strncmp(line + skip, databases[i], n) == 0 &&
            line[skip + n + strspn(line + skip + n, " \t")] == ':')
            return i;
    }
    return -1;
}

// The services of a line: from behind its colon to the comment, blanks at the end left out.
static size_t services_end(const char *line, size_t len)
{
    const char *comment = memchr(line, '#', len);
    size_t end = comment ? (size_t)(comment - line) : len;

    while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t'))
        end--;
    return end;
}

// Where our word begins in a line, or 0.
static size_t our_word(const char *line, size_t end)
{
    const char *colon = memchr(line, ':', end);
    size_t n = strlen(OURS);

    for (size_t i = colon ? (size_t)(colon - line) + 1 : end; i + n <= end; i++)
        if (strncmp(line + i, OURS, n) == 0 && strchr(" \t:", line[i - 1]) &&
            (i + n == end || strchr(" \t", line[i + n])))
            return i;
    return 0;
}

char *setup_edit_nsswitch(const char *text, char *why, size_t len)
{
    bool seen[4] = {false};
    const char *line;
    size_t n, whole;
    struct text t;

    *why = 0;
    if (!begin(&t))
        return NULL;
    while ((line = next_line(&text, &n, &whole))) {
        int which = database_of(line, n);
        size_t end = services_end(line, n);
        if (which >= 0)
            seen[which] = true;
        if (which >= 0 && !our_word(line, end)) {
            // An action behind the last service may end the search before us.
            if (line[end - 1] == ']')
                snprintf(why, len, "the line \"%.*s\" ends the search before rollcall", (int)end,
                         line);
            else {
                fprintf(t.out, "%.*s %s%.*s", (int)end, line, OURS, (int)(whole - end), line + end);
                continue;
            }
        }
        fwrite(line, 1, whole, t.out);
    }
    for (int i = 0; i < N_MUST; i++)
        if (!seen[i])
            fprintf(t.out, "%s: files %s\n", databases[i], OURS);
    return done(&t);
}

char *setup_edit_nsswitch_without(const char *text)
{
    const char *line;
    size_t n, whole;
    struct text t;

    if (!begin(&t))
        return NULL;
    while ((line = next_line(&text, &n, &whole))) {
        size_t at = database_of(line, n) < 0 ? 0 : our_word(line, services_end(line, n));
        size_t from = at;
        while (from > 0 && at && (line[from - 1] == ' ' || line[from - 1] == '\t'))
            from--;
        if (at)
            fprintf(t.out, "%.*s%.*s", (int)from, line, (int)(whole - at - strlen(OURS)),
                    line + at + strlen(OURS));
        else
            fwrite(line, 1, whole, t.out);
    }
    return done(&t);
}

// ---- sshd ----

// What the drop-in sets for everybody and local people get back.
static const struct {
    const char *keyword, *answer, *otherwise;
} given_back[] = {
    {"AuthenticationMethods", "authenticationmethods", "any"},
    {"PasswordAuthentication", "passwordauthentication", "yes"},
    {"KbdInteractiveAuthentication", "kbdinteractiveauthentication", "no"},
    {"PermitEmptyPasswords", "permitemptypasswords", "no"},
    {"AuthorizedKeysFile", "authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2"},
    {"AuthorizedKeysCommand", "authorizedkeyscommand", "none"},
    {"PubkeyAuthOptions", "pubkeyauthoptions", "none"},
};
#define N_GIVEN_BACK (sizeof(given_back) / sizeof(given_back[0]))

bool setup_edit_sshd_is_ours(const char *keyword)
{
    for (size_t i = 0; i < N_GIVEN_BACK; i++)
        if (strcasecmp(keyword, given_back[i].keyword) == 0)
            return true;
    return strcasecmp(keyword, "AuthorizedKeysCommandUser") == 0;
}

static const char *answered(const json_t *before, const char *key, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(before, key));

    return value && *value ? value : otherwise;
}

// "any" cannot be given back behind another value: what it stands for can.
const char *setup_edit_sshd_methods(const json_t *before, char *buf, size_t len)
{
    const char *methods = answered(before, "authenticationmethods", "any");
    bool hostbased = strcmp(answered(before, "hostbasedauthentication", "no"), "yes") == 0;
    bool gssapi = strcmp(answered(before, "gssapiauthentication", "no"), "yes") == 0;

    if (strcmp(methods, "any") != 0)
        return methods;
    snprintf(buf, len, "publickey password keyboard-interactive%s%s", hostbased ? " hostbased" : "",
             gssapi ? " gssapi-with-mic" : "");
    return buf;
}

char *setup_edit_sshd_local(const json_t *before)
{
    char methods[128];
    const char *command = answered(before, "authorizedkeyscommand", "none");
    struct text t;

    if (!begin(&t))
        return NULL;
    fputs("Match Group *,!rollcall-people\n", t.out);
    for (size_t i = 0; i < N_GIVEN_BACK; i++)
        fprintf(t.out, "    %s %s\n", given_back[i].keyword,
                i == 0 ? setup_edit_sshd_methods(before, methods, sizeof(methods))
                       : answered(before, given_back[i].answer, given_back[i].otherwise));
    if (strcmp(command, "none") != 0)
        fprintf(t.out, "    AuthorizedKeysCommandUser %s\n",
                answered(before, "authorizedkeyscommanduser", "nobody"));
    fputs("Match all\n", t.out);
    return done(&t);
}

char *setup_edit_sshd_dropin(const char *shipped, const char *block)
{
    const char *line;
    size_t n, whole;
    bool inside = false;
    struct text t;

    if (!begin(&t))
        return NULL;
    while ((line = next_line(&shipped, &n, &whole))) {
        if (strncmp(line, "Match Group *,!rollcall-people", 30) == 0) {
            inside = true;
            fputs(block, t.out);
        }
        if (!inside)
            fwrite(line, 1, whole, t.out);
        if (strncmp(line, "Match all", 9) == 0)
            inside = false;
    }
    return done(&t);
}

char *setup_edit_sshd_without(const char *text)
{
    const char *from = strstr(text, BLOCK_BEGIN), *to = from ? strstr(from, BLOCK_END) : NULL;
    struct text t;

    if (!begin(&t))
        return NULL;
    if (to)
        fprintf(t.out, "%.*s%s", (int)(from - text), text, to + strlen(BLOCK_END));
    else
        fputs(text, t.out);
    return done(&t);
}

char *setup_edit_sshd_append(const char *text, const char *block)
{
    size_t len = strlen(text);
    struct text t;

    if (!begin(&t))
        return NULL;
    fprintf(t.out, "%s%s" BLOCK_BEGIN "%s" BLOCK_END, text,
            len && text[len - 1] != '\n' ? "\n" : "", block);
    return done(&t);
}

char *setup_edit_sshd_include(const char *text)
{
    struct text t;

    if (!begin(&t))
        return NULL;
    fprintf(t.out, "Include /etc/ssh/sshd_config.d/*.conf\n%s", text);
    return done(&t);
}

// ---- rollcall.conf ----

bool setup_edit_value_acceptable(const char *value)
{
    size_t len = strlen(value);

    if (!len || len > 500 || value[0] == ' ' || value[len - 1] == ' ')
        return false;
    for (const char *p = value; *p; p++)
        if (iscntrl((unsigned char)*p) || *p == '#' || *p == ';' || *p == '"')
            return false;
    return true;
}

char *setup_edit_config(const struct setup_answers *a)
{
    struct text t;

    if (!begin(&t))
        return NULL;
    fprintf(t.out, "# Written by `rollcall setup`. All options: rollcall.conf(5).\n[rollcall]\n");
    fprintf(t.out, "mode     = %s\n", a->mode);
    if (a->timezone)
        fprintf(t.out, "timezone = %s\n", a->timezone);
    if (a->contact)
        fprintf(t.out, "contact  = %s\n", a->contact);
    fprintf(t.out,
            "\n[source hr]\ntype         = csv\nrole         = authority, directory\n"
            "path         = %s\nexpect_every = 26h\n",
            a->hr);
    if (a->allow)
        fprintf(t.out, "\n[access]\nallow_groups = %s\n", a->allow);
    if (a->admins)
        fprintf(t.out, "\n[local_group sudo]\nfrom = %s\n", a->admins);
    fputs("\n[mfa]\nfactors = totp, recovery\nenrol   = access-code\n", t.out);
    return done(&t);
}

// A line "mode = ..." of the section [rollcall]?
static bool is_mode(const char *line, size_t len)
{
    size_t skip = strspn(line, " \t");

    return skip + 4 < len && strncmp(line + skip, "mode", 4) == 0 &&
           line[skip + 4 + strspn(line + skip + 4, " \t")] == '=';
}

static bool is_ours(const char *line)
{
    return strncmp(line, "[rollcall]", 10) == 0;
}

// Where the section [rollcall] says its mode, or NULL.
static const char *mode_line(const char *text)
{
    bool inside = false;
    const char *line;
    size_t n, whole;

    while ((line = next_line(&text, &n, &whole))) {
        if (*line == '[')
            inside = is_ours(line);
        if (inside && is_mode(line, n))
            return line;
    }
    return NULL;
}

char *setup_edit_config_mode(const char *text, const char *mode)
{
    const char *at = mode_line(text), *line;
    bool written = false;
    size_t n, whole;
    struct text t;

    if (!begin(&t))
        return NULL;
    while ((line = next_line(&text, &n, &whole))) {
        if (line == at) {
            size_t value = (size_t)(strchr(line, '=') - line) + 1;
            value += strspn(line + value, " \t");
            size_t old = strcspn(line + value, " \t#;\n");
            fprintf(t.out, "%.*s%s%.*s", (int)value, line, mode, (int)(whole - value - old),
                    line + value + old);
            written = true;
            continue;
        }
        fwrite(line, 1, whole, t.out);
        if (!at && !written && is_ours(line)) {
            fprintf(t.out, "mode = %s\n", mode);
            written = true;
        }
    }
    if (!written)
        fprintf(t.out, "\n[rollcall]\nmode = %s\n", mode);
    return done(&t);
}
