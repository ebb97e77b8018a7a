// SPDX-License-Identifier: BSD-2-Clause
// rollcall doctor: what is open, what is weak, what is worth knowing, and how to mend it.
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/control.h"
#include "cli/text.h"
#include "rollcall/account.h"
#include "rollcall/cache.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

static const char *const severities[] = {"note", "risk", "hole"};

void doctor_find(struct doctor *d, enum doctor_severity severity, const char *id, const char *where,
                 const char *fix, const char *format, ...)
{
    char sentence[1024];
    json_t *one;
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof(sentence), format, ap);
    va_end(ap);
    one = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "severity", severities[severity], "id", id,
                    "where", where && *where ? where : NULL, "text", sentence, "fix", fix);
    if (!one) // something in it is no UTF-8
        one = json_pack("{s:s, s:s, s:s}", "severity", severities[severity], "id", id, "text",
                        "(a name here is no UTF-8)");
    if (one)
        json_array_append_new(d->findings, one);
}

const char *doctor_line_of(const char *path, const char *word, char *buf, size_t len)
{
    _cleanup_free_ char *text = NULL;
    unsigned number = 0;
    size_t size;

    *buf = 0;
    if (rollcall_read_file(path, 16 * 1024 * 1024, &text, &size) < 0)
        return buf;
    for (char *line, *next = text; (line = next) && *line;) {
        size_t end = strcspn(line, "\n");
        const char *at;
        number++;
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        at = strstr(line, word);
        // "name:" is meant from the line's beginning.
        if (!at || (word[strlen(word) - 1] == ':' ? at != line
                                                  : memchr(line, '#', (size_t)(at - line)) != NULL))
            continue;
        snprintf(buf, len, "%s:%u", path, number);
        return buf;
    }
    return buf;
}

bool doctor_each_person(void (*look)(void *ctx, const struct rollcall_person *person), void *ctx)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person person;
    uint32_t cursor = 0;

    if (rollcall_private_open(ROLLCALL_PRIVATE, &p) < 0)
        return false;
    while (rollcall_private_next(p, &cursor, &person) == 0)
        look(ctx, &person);
    rollcall_private_close(p);
    return true;
}

static void first_of_ours(void *ctx, const struct rollcall_person *person)
{
    struct doctor *d = ctx;

    if (!*d->managed && person->state == ROLLCALL_STATE_ACTIVE)
        snprintf(d->managed, sizeof(d->managed), "%.63s", person->name);
}

static size_t count(const json_t *findings, const char *severity)
{
    const json_t *f;
    size_t i, n = 0;

    json_array_foreach(findings, i, f) n += strcmp(cli_text_of(f, "severity"), severity) == 0;
    return n;
}

static void print_one(const struct cli *cli, const json_t *f)
{
    _cleanup_free_ char *text = cli_escape(cli_text_of(f, "text")),
                        *where = cli_escape(cli_text_of(f, "where")),
                        *fix = cli_escape(cli_text_of(f, "fix"));
    const char *severity = cli_text_of(f, "severity");
    enum cli_colour colour = strcmp(severity, "hole") == 0   ? CLI_RED
                             : strcmp(severity, "risk") == 0 ? CLI_YELLOW
                                                             : CLI_DIM;

    printf("%s%s%s  %s%s%s\n", cli_colour(cli->colour, colour), severity,
           cli_colour(cli->colour, CLI_PLAIN), where && *where ? where : "",
           where && *where ? ": " : "", text ? text : "?");
    if (fix && *fix)
        printf("      mend it: %s\n", fix);
}

// Worst first.
static void print_all(const struct cli *cli, const json_t *findings)
{
    const json_t *f;
    size_t i;

    for (size_t s = 3; s-- > 0;)
        json_array_foreach(findings, i, f)
        {
            if (strcmp(cli_text_of(f, "severity"), severities[s]) == 0)
                print_one(cli, f);
        }
    printf("%zu holes, %zu risks, %zu notes\n", count(findings, "hole"), count(findings, "risk"),
           count(findings, "note"));
}

static void look_at_all(struct doctor *d)
{
    doctor_each_person(first_of_ours, d);
    doctor_names(d); // finds a local person, too
    doctor_sshd(d);
    doctor_pam(d);
    doctor_sudo(d);
    doctor_files(d);
    doctor_house(d);
    doctor_people(d);
    doctor_breakglass(d);
}

static void free_config(struct rollcall_config **config)
{
    rollcall_config_free(*config);
}

int cli_doctor(struct cli *cli)
{
    _cleanup_(free_config) struct rollcall_config *config = NULL;
    _cleanup_(rollcall_findings_free) struct rollcall_findings findings = {0};
    _cleanup_json_ json_t *found = json_array(), *answer = NULL;
    struct doctor d = {.cli = cli,
                       .findings = found,
                       .id_min = ROLLCALL_ID_DEFAULT_MIN,
                       .id_max = ROLLCALL_ID_DEFAULT_MAX};
    size_t holes, risks;

    if (!found)
        return cli_fail(cli, CLI_PROBLEM, "internal", "out of memory");
    if (rollcall_config_load(ROLLCALL_CONF, &config, &findings) == 0) {
        d.config = config;
        d.observe = config->mode == ROLLCALL_MODE_OBSERVE;
        d.id_min = config->id_min;
        d.id_max = config->id_max;
    } else
        doctor_find(&d, DOCTOR_RISK, "config-broken", ROLLCALL_CONF, "rollcall check-config",
                    "the configuration is not right, or there is none");
    look_at_all(&d);
    holes = count(found, "hole");
    risks = count(found, "risk");
    if (cli->args.json) {
        answer = json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok", holes == 0 && risks == 0, "holes",
                           (json_int_t)holes, "risks", (json_int_t)risks, "notes",
                           (json_int_t)count(found, "note"), "findings", found);
        if (answer)
            cli_print_json(answer);
    } else
        print_all(cli, found);
    return holes ? 2 : risks ? 1 : 0; // doctor's own: rollcall(8)
}
