// SPDX-License-Identifier: BSD-2-Clause
// Names and ids: who is asked for them in which order, which local ones stand before an
// employee's, which ranges meet ours.
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"
#include "rollcall/parse.h"
#include "rollcall/safeio.h"

#define NSSWITCH    "/etc/nsswitch.conf"
#define NSCD_CONF   "/etc/nscd.conf"
#define ASKED_MAX   500 // people whom other services are asked about
#define LASTLOG_BIG (100ll * 1024 * 1024 * 1024)

// ---- nsswitch.conf ----

// The services of a database, from behind its colon to the comment; NULL where there is no
// such line.
static const char *services_of(const char *text, const char *database, unsigned *ret_line,
                               char *buf, size_t len)
{
    unsigned number = 0;
    size_t n = strlen(database);

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *p = line + strspn(line, " \t");
        number++;
        if (strncmp(p, database, n) != 0 || p[n + strspn(p + n, " \t")] != ':')
            continue;
        p += n + strspn(p + n, " \t") + 1;
        snprintf(buf, len, " %.*s ", (int)strcspn(p, "#\n"), p);
        *ret_line = number;
        return buf;
    }
    return NULL;
}

static void judge_database(struct doctor *d, const char *text, const char *database)
{
    char buf[512], where[64];
    unsigned number = 0;
    const char *services = services_of(text, database, &number, buf, sizeof(buf)), *ours, *rest;
    bool optional = strcmp(database, "initgroups") == 0;

    snprintf(where, sizeof(where), NSSWITCH ":%u", number);
    for (char *tab = buf; services && (tab = strchr(tab, '\t'));)
        *tab = ' ';
    ours = services ? strstr(services, " rollcall ") : NULL;
    if (!ours && !(optional && !services)) {
        doctor_find(d, DOCTOR_RISK, "nss-absent", number ? where : NSSWITCH, "rollcall setup",
                    strcmp(database, "shadow") == 0
                        ? "rollcall is not asked for %s entries: a stack that lost our PAM line "
                          "would not be stopped by an expired entry"
                        : "rollcall is not asked for %s entries: employees have no name or no "
                          "groups here",
                    database);
        return;
    }
    if (!ours)
        return;
    if (memmem(services, (size_t)(ours - services), "return]", 7))
        doctor_find(d, DOCTOR_RISK, "nss-return", where, NULL,
                    "an action on the line for %s may end the search before rollcall is asked",
                    database);
    rest = ours + 10;
    rest += strspn(rest, " ");
    if (*rest && *rest != '[')
        doctor_find(d, DOCTOR_RISK, "nss-order", where, "rollcall stands last",
                    "another service is asked for %s entries behind rollcall: a local name would "
                    "be hidden by an employee's",
                    database);
}

static void judge_nsswitch(struct doctor *d)
{
    static const char *const databases[] = {"passwd", "group", "shadow", "initgroups"};
    _cleanup_free_ char *text = NULL;
    size_t len;

    if (rollcall_read_file(NSSWITCH, 1024 * 1024, &text, &len) < 0) {
        doctor_find(d, DOCTOR_RISK, "nss-unread", NSSWITCH, NULL, "it cannot be read");
        return;
    }
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
        judge_database(d, text, databases[i]);
}

// ---- a cache in front of nsswitch.conf ----

static bool nscd_answers(void)
{
    const struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/run/nscd/socket"};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

// "enable-cache DATABASE yes" of nscd.conf(5); what is not named is not kept. The line, or 0.
static unsigned nscd_keeps(const char *text, const char *database)
{
    char name[16], word[8];
    unsigned number = 0;

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        number++;
        if (sscanf(line, " enable-cache %15s %7s", name, word) == 2 && strcmp(word, "yes") == 0 &&
            strcmp(name, database) == 0)
            return number;
    }
    return 0;
}

static void judge_nscd(struct doctor *d)
{
    static const char *const databases[] = {"passwd", "group"};
    _cleanup_free_ char *text = NULL;
    char where[64];
    size_t len;

    if (!nscd_answers() || rollcall_read_file(NSCD_CONF, 1024 * 1024, &text, &len) < 0)
        return;
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
        unsigned number = nscd_keeps(text, databases[i]);
        snprintf(where, sizeof(where), NSCD_CONF ":%u", number);
        if (number)
            doctor_find(d, DOCTOR_RISK, "nscd-keeps", where, "write no for yes, and restart nscd",
                        "nscd keeps %s entries: somebody who was locked or left a group keeps "
                        "shell and groups, sudo's among them, for up to an hour",
                        databases[i]);
    }
}

// ---- local names ----

struct locals {
    char (*name)[64];
    size_t n, room, asked;
    struct doctor *d;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool may_log_in(const struct passwd *pw)
{
    return !strstr(pw->pw_shell, "nologin") && !strstr(pw->pw_shell, "/false");
}

static void keep_local(struct locals *l, const struct passwd *pw)
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        void *more = realloc(l->name, room * sizeof(*l->name));
        if (!more)
            return;
        l->name = more;
        l->room = room;
    }
    snprintf(l->name[l->n++], sizeof(*l->name), "%.63s", pw->pw_name);
}

static void read_locals(struct locals *l)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    char buf[4096], where[300], start[80];
    struct passwd pw;

    while (f && rollcall_local_user_next(f, &pw, buf, sizeof(buf))) {
        snprintf(start, sizeof(start), "%.63s:", pw.pw_name);
        doctor_line_of("/etc/passwd", start, where, sizeof(where));
        if (pw.pw_uid >= l->d->id_min && pw.pw_uid <= l->d->id_max)
            doctor_find(l->d, DOCTOR_RISK, "local-id-in-range", where, "usermod -u",
                        "%s is local, and its uid %u lies in rollcall's id_range", pw.pw_name,
                        (unsigned)pw.pw_uid);
        if (pw.pw_uid == 0 && strcmp(pw.pw_name, "root") != 0)
            doctor_find(l->d, DOCTOR_RISK, "local-second-root", where, NULL,
                        "%s is local and has uid 0: another root, of whom HR knows nothing",
                        pw.pw_name);
        if (!*l->d->local && pw.pw_uid >= 1000 && pw.pw_uid < 60000 && may_log_in(&pw))
            snprintf(l->d->local, sizeof(l->d->local), "%.63s", pw.pw_name);
        keep_local(l, &pw);
    }
    if (l->n)
        qsort(l->name, l->n, sizeof(*l->name), by_text);
}

// Another NSS service may name people whom HR knows; then its uid has to be ours.
static void judge_uid(struct doctor *d, const struct rollcall_person *person)
{
    struct passwd pw, *found = NULL;
    char buf[8192];

    if (getpwnam_r(person->name, &pw, buf, sizeof(buf), &found) != 0 || !found ||
        pw.pw_uid == person->uid)
        return;
    doctor_find(d, DOCTOR_HOLE, "other-service-uid", NULL, "rollcall adopt --from SERVICE",
                "another NSS service says that %s is uid %u, HR's listing has uid %u here: when HR "
                "ends them, the sessions of uid %u go on",
                person->name, (unsigned)pw.pw_uid, (unsigned)person->uid, (unsigned)pw.pw_uid);
}

static void judge_person(void *ctx, const struct rollcall_person *person)
{
    struct locals *l = ctx;
    const char *name = person->name;
    char key[64], where[300], start[80];

    snprintf(key, sizeof(key), "%.63s", name);
    if (!l->n || !bsearch(key, l->name, l->n, sizeof(*l->name), by_text)) {
        // Each may be a question to a server.
        if (l->asked++ < ASKED_MAX)
            judge_uid(l->d, person);
        return;
    }
    snprintf(start, sizeof(start), "%.63s:", name);
    doctor_find(l->d, DOCTOR_HOLE, "local-hides-employee",
                doctor_line_of("/etc/passwd", start, where, sizeof(where)), "rollcall adopt",
                "%s is an employee, but the local account of that name counts: no second factor is "
                "asked, and it stays when HR ends them",
                name);
}

// A password of a name that no local account has.
static void judge_shadow(const struct locals *l)
{
    _cleanup_free_ char *text = NULL;
    unsigned number = 0;
    size_t len;

    if (rollcall_read_file("/etc/shadow", 16 * 1024 * 1024, &text, &len) < 0)
        return;
    for (char *line, *next = text; (line = next) && *line;) {
        size_t end = strcspn(line, "\n"), name = strcspn(line, ":");
        char key[64], where[64];
        number++;
        next = line + end + (line[end] == '\n');
        if (name >= end || name >= sizeof(key) || line[name + 1] == '*' || line[name + 1] == '!')
            continue;
        snprintf(key, sizeof(key), "%.*s", (int)name, line);
        if (l->n && bsearch(key, l->name, l->n, sizeof(*l->name), by_text))
            continue;
        snprintf(where, sizeof(where), "/etc/shadow:%u", number);
        doctor_find(l->d, DOCTOR_RISK, "local-shadow-alone", where, "pwck",
                    "%s has a local password and no local account", key);
    }
    explicit_bzero(text, len);
}

// ---- ranges ----

static void judge_subids(struct doctor *d, const char *path)
{
    _cleanup_free_ char *text = NULL;
    unsigned number = 0;
    size_t len;

    if (rollcall_read_file(path, 16 * 1024 * 1024, &text, &len) < 0)
        return;
    for (char *line, *next = text; (line = next) && *line;) {
        size_t end = strcspn(line, "\n");
        char *first = memchr(line, ':', end), *count = NULL, where[64];
        uint64_t from, n;
        number++;
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        if (first)
            count = strchr(++first, ':');
        if (!count)
            continue;
        *count++ = 0;
        if (rollcall_parse_u64(first, 0, UINT32_MAX, &from) < 0 ||
            rollcall_parse_u64(count, 1, UINT32_MAX, &n) < 0)
            continue;
        snprintf(where, sizeof(where), "%s:%u", path, number);
        if (from <= d->id_max && from + n > d->id_min)
            doctor_find(d, DOCTOR_RISK, "subid-overlap", where, NULL,
                        "subordinate ids %llu to %llu meet rollcall's id_range: a container would "
                        "act as an employee",
                        (unsigned long long)from, (unsigned long long)(from + n - 1));
    }
}

static void judge_lastlog(struct doctor *d)
{
    struct stat st;

    if (stat("/var/log/lastlog", &st) == 0 && st.st_size > LASTLOG_BIG)
        doctor_find(d, DOCTOR_NOTE, "lastlog-sparse", "/var/log/lastlog",
                    "LASTLOG_UID_MAX 65535 in /etc/login.defs",
                    "it looks like %lld GB, for it has a place for every uid; it occupies %lld kB. "
                    "Backups that do not know holes fill up",
                    (long long)st.st_size / 1000000000, (long long)st.st_blocks / 2);
}

void doctor_names(struct doctor *d)
{
    struct locals l = {.d = d};

    judge_nsswitch(d);
    judge_nscd(d);
    read_locals(&l);
    doctor_each_person(judge_person, &l);
    judge_shadow(&l);
    free(l.name);
    judge_subids(d, "/etc/subuid");
    judge_subids(d, "/etc/subgid");
    judge_lastlog(d);
}
