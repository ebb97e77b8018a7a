// SPDX-License-Identifier: BSD-2-Clause
// Reading rollcall.conf: files and drop-ins into one configuration.
#include "rollcall/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/config_parse.h"
#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

#define FILE_MAX    (1024 * 1024)
#define DROPINS_MAX 100

void config_complain(struct rollcall_findings *f, bool warning, const char *file, int line,
                     const char *format, ...)
{
    struct rollcall_finding *item;
    va_list ap;

    f->errors += !warning; // counted even where there is no room for its words
    if (f->n >= 200)
        return; // a binary file in the wrong place: two hundred lines say enough
    item = realloc(f->item, (f->n + 1) * sizeof(*item));
    if (!item)
        return;
    f->item = item;
    item = &f->item[f->n++];
    *item = (struct rollcall_finding){.warning = warning, .line = line};
    snprintf(item->file, sizeof(item->file), "%s", file);
    va_start(ap, format);
    vsnprintf(item->text, sizeof(item->text), format, ap);
    va_end(ap);
}

void rollcall_findings_free(struct rollcall_findings *findings)
{
    free(findings->item);
    *findings = (struct rollcall_findings){0};
}

const char *rollcall_findings_first(const struct rollcall_findings *findings, char *buf, size_t len)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct rollcall_finding *f = &findings->item[i];
        char line[16] = "";
        if (f->warning)
            continue;
        if (f->line)
            snprintf(line, sizeof(line), ":%d", f->line);
        snprintf(buf, len, "%s%s: %s", f->file, line, f->text);
        return buf;
    }
    return NULL;
}

void rollcall_findings_print(const struct rollcall_findings *findings, FILE *to)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct rollcall_finding *f = &findings->item[i];
        if (f->line)
            fprintf(to, "%s:%d: %s%s\n", f->file, f->line, f->warning ? "warning: " : "", f->text);
        else
            fprintf(to, "%s: %s%s\n", f->file, f->warning ? "warning: " : "", f->text);
    }
}

// ---- one file ----

struct reader {
    struct config_state *state;
    char *text;             // rest of the file; lines are cut off it
    int line;               // of the line that inih works on
    const char *long_value; // of that line, where it is longer than inih holds
};

// Ends a line where its comment starts (a '#' or ';' at its start or behind a space),
// and takes the space from its end.
static void strip(char *line)
{
    size_t n;

    for (char *p = strpbrk(line, "#;"); p; p = strpbrk(p + 1, "#;"))
        if (p == line || p[-1] == ' ' || p[-1] == '\t') {
            *p = 0;
            break;
        }
    n = strlen(line);
    while (n > 0 && strchr(" \t\r", line[n - 1]))
        n--;
    line[n] = 0;
}

// inih takes a section's line for granted and drops what stands behind the bracket.
static void look_at_section(struct config_state *s, char *line)
{
    char *end = strchr(line, ']');

    if (!end)
        return; // inih complains of it
    if (end[1]) {
        config_complain(s->findings, false, s->file, s->line,
                        "\"%.60s\" stands behind the bracket; give it a line of its own", end + 1);
        return;
    }
    *end = 0;
    config_enter(s, line + 1);
    *end = ']';
}

// A line that inih (200 bytes) cannot hold: it gets the name, and on_option() the rest.
static void shorten(struct reader *r, const char *line, char *str, int num)
{
    size_t name = strcspn(line, "=");

    if (line[name] == '=' && name + 4 < (size_t)num && *line != '[') {
        snprintf(str, (size_t)num, "%.*s=x\n", (int)name, line);
        r->long_value = line + name + 1 + strspn(line + name + 1, " \t");
        return;
    }
    config_complain(r->state->findings, false, r->state->file, r->line,
                    "is longer than a name or a section may be");
    snprintf(str, (size_t)num, "\n");
}

// inih asks for lines through this; counting here is what gives every message its line.
// Leading space is taken away (inih would read a continuation), and so is a comment
// that starts with " #" (inih knows ';' alone).
static char *read_line(char *str, int num, void *stream)
{
    struct reader *r = stream;
    char *line = r->text;
    size_t n = strcspn(line, "\n");

    if (!*line)
        return NULL;
    r->text += n + (line[n] == '\n');
    line[n] = 0;
    r->state->line = ++r->line;
    r->long_value = NULL;
    line += strspn(line, " \t\r");
    strip(line);
    if (*line == '[')
        look_at_section(r->state, line);
    if (strlen(line) + 2 > (size_t)num)
        shorten(r, line, str, num);
    else
        snprintf(str, (size_t)num, "%s\n", line);
    return str;
}

static int on_option(void *user, const char *section, const char *name, const char *value)
{
    const struct reader *r = user;

    config_take(r->state, section, name, r->long_value ? r->long_value : value);
    return 1;
}

static void check_owner(struct config_state *state, const char *path)
{
    struct stat st;

    // stat: conf.d itself may be a link; a file was not, or it had not been opened
    if (stat(path, &st) < 0 || geteuid() != 0)
        return;
    if (st.st_uid != 0 || (st.st_mode & 022))
        config_complain(
            state->findings, false, path, 0,
            "must belong to root and be writable by root alone; chown root, chmod go-w");
}

// What was seen in a file keeps its name until all is judged.
static const char *keep_name(struct config_state *state, const char *path)
{
    char **more = realloc(state->files, (state->n_files + 1) * sizeof(*more));
    char *name = strdup(path);

    if (more)
        state->files = more;
    if (more && name)
        return more[state->n_files++] = name;
    free(name);
    config_complain(state->findings, false, path, 0, "cannot be read: out of memory");
    return NULL;
}

static void read_text(struct config_state *state, const char *path, char *text)
{
    struct reader reader = {.state = state, .text = text};
    int r;

    state->file = keep_name(state, path);
    if (!state->file)
        return;
    state->in_file++;
    // A byte order mark would hide a section from look_at_section().
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        reader.text += 3;
    r = ini_parse_stream(read_line, &reader, on_option, &reader);
    if (r < 0)
        config_complain(state->findings, false, path, 0, "cannot be read: out of memory");
    if (r > 0)
        config_complain(state->findings, false, path, r,
                        "is neither a [section], an option = value, nor a comment");
}

static int read_one(struct config_state *state, const char *path)
{
    _cleanup_free_ char *text = NULL;
    size_t len;
    int r = rollcall_read_file(path, FILE_MAX, &text, &len);

    if (r < 0) {
        if (r != -ENOENT || !state->first_file)
            config_complain(state->findings, false, path, 0, "cannot be read: %s",
                            r == -EFBIG    ? "it is larger than 1 MiB"
                            : r == -EINVAL ? "it is not a regular file"
                            : r == -EISDIR ? "it is a folder"
                                           : strerror(-r));
        return r;
    }
    check_owner(state, path);
    if (strlen(text) != len) {
        config_complain(state->findings, false, path, 0, "holds a NUL byte; it is not a text file");
        return -EINVAL;
    }
    read_text(state, path, text);
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int wanted(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

static void read_dropins(struct config_state *state, const char *path)
{
    char folder[PATH_MAX], file[PATH_MAX + 300];
    const char *slash = strrchr(path, '/');
    struct dirent **list;
    int n;

    snprintf(folder, sizeof(folder), "%.*s/conf.d", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    n = scandir(folder, &list, wanted, by_name);
    if (n < 0 && errno != ENOENT)
        config_complain(state->findings, false, folder, 0, "cannot be read: %s", strerror(errno));
    if (n > 0)
        check_owner(state, folder);
    for (int i = 0; i < n; i++) {
        if (i < DROPINS_MAX) {
            snprintf(file, sizeof(file), "%s/%s", folder, list[i]->d_name);
            read_one(state, file);
        } else if (i == DROPINS_MAX) {
            config_complain(state->findings, false, folder, 0, "holds more than %d files",
                            DROPINS_MAX);
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

int rollcall_config_load(const char *path, struct rollcall_config **ret,
                         struct rollcall_findings *findings)
{
    return rollcall_config_load_with(path, NULL, NULL, ret, findings);
}

int rollcall_config_load_with(const char *path, const char *name, const char *text,
                              struct rollcall_config **ret, struct rollcall_findings *findings)
{
    _cleanup_free_ char *more = text ? strdup(text) : NULL;
    struct config_state state = {.findings = findings, .first_file = true};
    int r;

    *findings = (struct rollcall_findings){0};
    state.config = calloc(1, sizeof(*state.config));
    if (!state.config)
        return -ENOMEM;
    r = read_one(&state, path);
    state.first_file = false;
    if (r == -ENOENT) {
        rollcall_config_free(state.config);
        config_state_done(&state);
        return r;
    }
    read_dropins(&state, path);
    if (more)
        read_text(&state, name, more);
    state.file = path;
    config_finish(&state);
    config_state_done(&state);
    if (findings->errors) {
        rollcall_config_free(state.config);
        return -EINVAL;
    }
    *ret = state.config;
    return 0;
}

static void free_list(struct rollcall_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->item[i]);
}

struct rollcall_config *rollcall_config_free(struct rollcall_config *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < c->n_sources; i++)
        config_source_done(&c->source[i]);
    for (size_t i = 0; i < c->n_sinks; i++)
        config_source_done(&c->sink[i]);
    for (size_t i = 0; i < c->n_local_groups; i++) {
        free(c->local_group[i].name);
        free_list(&c->local_group[i].from);
    }
    for (size_t i = 0; i < c->n_services; i++) {
        free(c->service[i].name);
        free(c->service[i].require);
    }
    free(c->timezone);
    free(c->contact);
    free(c->publish);
    free(c->enrol);
    free(c->first);
    free(c->fido2_rp);
    free(c->fido2_roots);
    free_list(&c->fido2_aaguids);
    free(c->breakglass_account);
    free_list(&c->breakglass_services);
    free(c->append);
    free_list(&c->labels);
    free_list(&c->allow_groups);
    free_list(&c->factors);
    free_list(&c->lease_exempt_group);
    free_list(&c->multi_groups);
    free_list(&c->phishing_resistant_groups);
    free(c);
    return NULL;
}

const struct rollcall_source_config *rollcall_config_source(const struct rollcall_config *config,
                                                            const char *name)
{
    for (size_t i = 0; i < config->n_sources; i++)
        if (strcmp(config->source[i].name, name) == 0)
            return &config->source[i];
    return NULL;
}

const struct rollcall_source_config *rollcall_config_process(const struct rollcall_config *config,
                                                             const char *name)
{
    if (*name != '@')
        return rollcall_config_source(config, name);
    for (size_t i = 0; i < config->n_sinks; i++)
        if (strcmp(config->sink[i].name, name + 1) == 0)
            return &config->sink[i];
    return NULL;
}

bool rollcall_source_is_hub(const struct rollcall_source_config *source)
{
    return source->ldap.schema && strcmp(source->ldap.schema, "rollcall") == 0;
}

static const struct rollcall_service_config *service_section(const struct rollcall_config *config,
                                                             const char *service)
{
    for (size_t i = 0; i < config->n_services; i++)
        if (strcmp(config->service[i].name, service) == 0)
            return &config->service[i];
    return NULL;
}

const struct rollcall_service_config *rollcall_config_service(const struct rollcall_config *config,
                                                              const char *service)
{
    // The same programs, called for a login shell.
    static const char *const also[][2] = {{"sudo-i", "sudo"}, {"su-l", "su"}};
    const struct rollcall_service_config *s = service_section(config, service);

    for (size_t i = 0; !s && i < sizeof(also) / sizeof(also[0]); i++)
        if (strcmp(also[i][0], service) == 0)
            s = service_section(config, also[i][1]);
    return s;
}
