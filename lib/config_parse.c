// SPDX-License-Identifier: BSD-2-Clause
// One option of one section: found in the table, parsed, put into its place.
#include "lib/config_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_table.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/timeparse.h"

#define ERROR(state, ...)                                                                          \
    config_complain((state)->findings, false, (state)->file, (state)->line, __VA_ARGS__)

// Edits between two words, for "did you mean"; words beyond 31 letters do not compete.
static unsigned distance(const char *a, const char *b)
{
    unsigned row[32];
    size_t n = strlen(a), m = strlen(b);

    if (n > 31 || m > 31)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diag = row[0]++;
        for (size_t j = 1; j <= m; j++) {
            unsigned cost = diag + (a[i - 1] != b[j - 1]);
            diag = row[j];
            unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = cost < best ? cost : best;
        }
    }
    return row[m];
}

static const char *nearest_option(const char *kind, const char *name)
{
    const struct option_definition *o;
    const char *best = NULL;
    unsigned least = 4;

    for (size_t i = 0; (o = config_option(i)); i++) {
        unsigned d;
        if (strcmp(o->section, kind) != 0)
            continue;
        d = distance(name, o->name);
        if (d < least) {
            least = d;
            best = o->name;
        }
    }
    return best;
}

static const char *nearest_section(const char *kind)
{
    const char *best = NULL;
    unsigned least = 4;

    for (size_t i = 0; i < config_n_sections; i++) {
        unsigned d = distance(kind, config_sections[i].kind);
        if (d < least) {
            least = d;
            best = config_sections[i].kind;
        }
    }
    return best;
}

static const struct section_definition *find_section(const char *kind)
{
    for (size_t i = 0; i < config_n_sections; i++)
        if (strcmp(config_sections[i].kind, kind) == 0)
            return &config_sections[i];
    return NULL;
}

// ---- values ----

static bool add_item(struct rollcall_list *l, const char *from, size_t len)
{
    if (l->n == ROLLCALL_CONFIG_LIST_MAX)
        return false;
    l->item[l->n] = strndup(from, len);
    return l->item[l->n] && ++l->n;
}

static bool take_list(struct config_state *s, const char *name, const char *value,
                      struct rollcall_list *ret)
{
    struct rollcall_list l = {0};

    for (const char *p = value; *p;) {
        size_t len = strcspn(p, ","), start = strspn(p, " \t"), end = len;
        while (end > start && isspace((unsigned char)p[end - 1]))
            end--;
        if (end <= start) {
            ERROR(s, "\"%s\" has an empty entry; write it as: %s = one, two", name, name);
            goto fail;
        }
        if (!add_item(&l, p + start, end - start)) {
            ERROR(s, "\"%s\" has more than %d entries", name, ROLLCALL_CONFIG_LIST_MAX);
            goto fail;
        }
        p += len;
        if (*p == ',' && !*++p) {
            ERROR(s, "\"%s\" ends with a comma; take it away or add the last entry", name);
            goto fail;
        }
    }
    if (l.n == 0) {
        ERROR(s,
              "\"%s\" is empty, and an empty list never means everybody; leave the line out, or "
              "name someone",
              name);
        return false;
    }
    for (size_t i = 0; i < ret->n; i++)
        free(ret->item[i]);
    *ret = l;
    return true;
fail:
    for (size_t i = 0; i < l.n; i++)
        free(l.item[i]);
    return false;
}

static bool take_words(struct config_state *s, const struct option_definition *d, const char *value,
                       unsigned *ret)
{
    struct rollcall_list l = {0};
    unsigned bits = 0;
    bool ok = take_list(s, d->name, value, &l);

    for (size_t i = 0; ok && i < l.n; i++) {
        int w = config_word_index(d->words, l.item[i], strlen(l.item[i]));
        if (w < 0) {
            ERROR(s, "\"%s\" does not know \"%s\"; it takes a list of %s", d->name, l.item[i],
                  d->words);
            ok = false;
        } else {
            bits |= 1u << w;
        }
    }
    for (size_t i = 0; i < l.n; i++)
        free(l.item[i]);
    if (ok)
        *ret = bits;
    return ok;
}

static void set_text(struct config_state *s, char **at, const char *value)
{
    char *copy = strdup(value);

    if (!copy) {
        ERROR(s, "cannot be read: out of memory");
        return;
    }
    free(*at);
    *at = copy;
}

static bool control_free(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 0x7f)
            return false;
    return true;
}

static void take_range(struct config_state *s, const char *value, uint32_t *ret)
{
    char first[32];
    const char *dash = strchr(value, '-');
    uint64_t lo, hi;

    if (!dash || (size_t)(dash - value) >= sizeof(first))
        goto wrong;
    memcpy(first, value, (size_t)(dash - value));
    first[dash - value] = 0;
    if (rollcall_parse_u64(first, 1, UINT32_MAX, &lo) < 0 ||
        rollcall_parse_u64(dash + 1, 1, UINT32_MAX, &hi) < 0 || hi < lo + 100)
        goto wrong;
    if (!rollcall_id_in_compiled_limits((uint32_t)lo) ||
        !rollcall_id_in_compiled_limits((uint32_t)hi) || (lo < 524288 && hi >= 1879048192u) ||
        (lo < 61184 && hi > 65535)) {
        ERROR(s, "\"id_range\" must keep clear of system ids (below 1000), dynamic ids "
                 "(61184-65535) and "
                 "container ids (524288-1879048191); the default is 1879048192-2147483646");
        return;
    }
    ret[0] = (uint32_t)lo;
    ret[1] = (uint32_t)hi;
    return;
wrong:
    ERROR(s, "\"id_range\" is written as 1879048192-2147483646, at least 100 ids wide");
}

static void take_members(struct config_state *s, const struct option_definition *d,
                         const char *value, struct rollcall_members_config *ret)
{
    struct rollcall_members_config m = {.none = strcmp(value, "none") == 0};
    size_t word = strcspn(value, " \t");
    uint64_t n;

    if (word == 5 && memcmp(value, "limit", word) == 0 && value[word]) {
        if (rollcall_parse_u64(value + word + strspn(value + word, " \t"), 1, UINT32_MAX, &n) < 0)
            goto wrong;
        m.limit = (uint32_t)n;
    } else if (!m.none && strcmp(value, "full") != 0) {
        goto wrong;
    }
    *ret = m;
    return;
wrong:
    ERROR(s, "\"%s\" takes full, none, or a number from 1 as in limit 200; it is \"%s\"", d->name,
          value);
}

static void take_value(struct config_state *s, const struct option_definition *d, void *base,
                       const char *value)
{
    char *at = (char *)base + d->offset;
    uint64_t n;
    int w;

    switch (d->type) {
    case OPTION_TEXT:
        if (!*value || !control_free(value) || (d->max && strlen(value) > d->max))
            ERROR(s, "\"%s\" must be one line of 1 to %llu bytes", d->name,
                  (unsigned long long)d->max);
        else
            set_text(s, (char **)(void *)at, value);
        return;
    case OPTION_PATH:
        if (!rollcall_path_acceptable(value))
            ERROR(s, "\"%s\" must be an absolute path without spaces, \"..\" or ':'; it is \"%s\"",
                  d->name, value);
        else
            set_text(s, (char **)(void *)at, value);
        return;
    case OPTION_TIMEZONE:
        if (rollcall_timezone_check(value) < 0)
            ERROR(
                s,
                "\"%s\" is no time zone of this machine; write an IANA name such as Europe/Berlin, "
                "see /usr/share/zoneinfo",
                value);
        else
            set_text(s, (char **)(void *)at, value);
        return;
    case OPTION_WORD:
        w = config_word_index(d->words, value, strlen(value));
        if (w < 0)
            ERROR(s, "\"%s\" takes one of %s; it is \"%s\"", d->name, d->words, value);
        else if (d->words_text)
            set_text(s, (char **)(void *)at, value);
        else
            *(int *)(void *)at = w;
        return;
    case OPTION_WORDS:
        take_words(s, d, value, (unsigned *)(void *)at);
        return;
    case OPTION_LIST:
        take_list(s, d->name, value, (struct rollcall_list *)(void *)at);
        return;
    case OPTION_DURATION:
        if (rollcall_parse_duration(value, d->min, d->max, &n) < 0)
            ERROR(s,
                  "\"%s\" takes a time such as 90s, 15m, 8h or 14d, from %llus to %llud; it is "
                  "\"%s\"",
                  d->name, (unsigned long long)d->min, (unsigned long long)(d->max / 86400), value);
        else
            *(uint64_t *)(void *)at = n;
        return;
    case OPTION_COUNT:
        if (rollcall_parse_u64(value, d->min, d->max, &n) < 0)
            ERROR(s, "\"%s\" takes a number from %llu to %llu; it is \"%s\"", d->name,
                  (unsigned long long)d->min, (unsigned long long)d->max, value);
        else
            *(uint64_t *)(void *)at = n;
        return;
    case OPTION_PERCENT:
        if (rollcall_parse_percent(value, (uint32_t *)(void *)at) < 0)
            ERROR(s, "\"%s\" takes a share such as 2%%; it is \"%s\"", d->name, value);
        return;
    case OPTION_BOOL:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            ERROR(s, "\"%s\" takes yes or no; it is \"%s\"", d->name, value);
        else
            *(bool *)(void *)at = *value == 'y';
        return;
    case OPTION_IDS:
        take_range(s, value, (uint32_t *)(void *)at);
        return;
    case OPTION_MEMBERS:
        take_members(s, d, value, (struct rollcall_members_config *)(void *)at);
        return;
    }
}

// ---- sections ----

static char *own_name(struct config_state *s, const char *name)
{
    char *own = strdup(name);

    if (!own)
        ERROR(s, "cannot be read: out of memory");
    return own;
}

static struct rollcall_source_config *sink_struct(struct config_state *s, const char *name)
{
    struct rollcall_config *c = s->config;

    for (size_t i = 0; i < c->n_sinks; i++)
        if (strcmp(c->sink[i].name, name) == 0)
            return &c->sink[i];
    if (c->n_sinks == ROLLCALL_SINKS_MAX) {
        ERROR(s, "there are more than %d sinks", ROLLCALL_SINKS_MAX);
        return NULL;
    }
    if (!(c->sink[c->n_sinks].name = own_name(s, name)))
        return NULL;
    c->sink[c->n_sinks].sink = true;
    return &c->sink[c->n_sinks++];
}

// The struct of a named section, made at its first mention; NULL with a complaint.
static void *section_struct(struct config_state *s, const char *kind, const char *name)
{
    struct rollcall_config *c = s->config;

    if (strcmp(kind, "source") == 0) {
        for (size_t i = 0; i < c->n_sources; i++)
            if (strcmp(c->source[i].name, name) == 0)
                return &c->source[i];
        if (c->n_sources == ROLLCALL_SOURCES_MAX) {
            ERROR(s, "there are more than %d sources", ROLLCALL_SOURCES_MAX);
            return NULL;
        }
        if (!(c->source[c->n_sources].name = own_name(s, name)))
            return NULL;
        return &c->source[c->n_sources++];
    }
    if (strcmp(kind, "sink") == 0)
        return sink_struct(s, name);
    if (strcmp(kind, "local_group") == 0) {
        for (size_t i = 0; i < c->n_local_groups; i++)
            if (strcmp(c->local_group[i].name, name) == 0)
                return &c->local_group[i];
        if (c->n_local_groups == 32) {
            ERROR(s, "there are more than 32 local groups");
            return NULL;
        }
        if (!(c->local_group[c->n_local_groups].name = own_name(s, name)))
            return NULL;
        return &c->local_group[c->n_local_groups++];
    }
    if (strcmp(kind, "service") == 0) {
        for (size_t i = 0; i < c->n_services; i++)
            if (strcmp(c->service[i].name, name) == 0)
                return &c->service[i];
        if (c->n_services == 32) {
            ERROR(s, "there are more than 32 services");
            return NULL;
        }
        if (!(c->service[c->n_services].name = own_name(s, name)))
            return NULL;
        return &c->service[c->n_services++];
    }
    return c;
}

static bool name_acceptable(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 31)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
            return false;
    return true;
}

// "[kind name]" apart; complains once a section.
static const struct section_definition *split_section(struct config_state *s, const char *section,
                                                      char *kind, size_t len, const char **ret_name)
{
    size_t n = strcspn(section, " \t");
    const struct section_definition *d;
    const char *near;

    if (strcmp(s->ignored, section) == 0)
        return NULL;
    snprintf(kind, len, "%.*s", (int)n, section);
    *ret_name = section + n + strspn(section + n, " \t");
    d = find_section(kind);
    if (d && d->named == (**ret_name != 0) && (!d->named || name_acceptable(*ret_name)))
        return d;
    near = nearest_section(kind);
    if (strcmp(kind, "rule") == 0)
        ERROR(s,
              "[%s]: this build has no conditional access rules; a rule that is not enforced must "
              "not "
              "stand here",
              section);
    else if (d && d->named)
        ERROR(s, "[%s] needs a name of letters, digits, '_', '-' and '.': [%s NAME]", section,
              kind);
    else if (d)
        ERROR(s, "[%s] has no name: write [%s]", section, kind);
    else if (near)
        ERROR(s, "there is no section [%s]; did you mean [%s]?", section, near);
    else
        ERROR(s, "there is no section [%s]; see rollcall.conf(5)", section);
    snprintf(s->ignored, sizeof(s->ignored), "%s", section);
    return NULL;
}

static struct config_seen *find_seen(const struct config_state *s, const char *section,
                                     const char *name, size_t name_len)
{
    char key[200];

    snprintf(key, sizeof(key), "%s\n%.*s", section, (int)name_len, name);
    for (size_t i = 0; i < s->n_seen; i++)
        if (strcmp(s->seen[i].key, key) == 0)
            return &s->seen[i];
    return NULL;
}

// The table's defaults have no line, and take nobody's place.
static void keep_place(const struct config_state *s, struct config_seen *seen)
{
    seen->in_file = s->in_file;
    if (s->line > 0) {
        seen->file = s->file;
        seen->line = s->line;
    }
}

// True the first time in this file.
static bool first_time(struct config_state *s, const char *section, const char *name)
{
    struct config_seen *seen = find_seen(s, section, name, strlen(name));

    if (seen && seen->in_file == s->in_file)
        return false;
    if (seen) {
        keep_place(s, seen);
        return true;
    }
    seen = realloc(s->seen, (s->n_seen + 1) * sizeof(*seen));
    if (!seen) {
        ERROR(s, "cannot be read: out of memory");
        return true;
    }
    s->seen = seen;
    seen = &s->seen[s->n_seen++];
    *seen = (struct config_seen){0};
    snprintf(seen->key, sizeof(seen->key), "%s\n%s", section, name);
    keep_place(s, seen);
    return true;
}

// "[source hr] path ..." and "[source hr] has no path": where hr's path, or hr, was written.
static const struct config_seen *place_of(const struct config_state *s, const char *text)
{
    const char *end = *text == '[' ? strchr(text, ']') : NULL;
    const struct config_seen *seen = NULL;
    char section[100];
    const char *word;

    if (!end)
        return NULL;
    snprintf(section, sizeof(section), "%.*s", (int)(end - text - 1), text + 1);
    word = end + 1 + strspn(end + 1, " ");
    if (*word)
        seen = find_seen(s, section, word, strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"));
    return seen && seen->line > 0 ? seen : find_seen(s, section, "", 0);
}

void config_complain_of(struct config_state *s, bool warning, const char *format, ...)
{
    const struct config_seen *place;
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    place = place_of(s, text);
    config_complain(s->findings, warning, place && place->file ? place->file : s->file,
                    place ? place->line : 0, "%s", text);
}

// [source  hr] is [source hr]: one spelling, so that a default never takes the place of what
// was written.
static void one_spelling(const char *kind, const char *name, char *ret, size_t len)
{
    snprintf(ret, len, "%s%s%s", kind, *name ? " " : "", name);
}

void config_enter(struct config_state *s, const char *section)
{
    char kind[64], whole[100];
    const char *name;

    if (!split_section(s, section, kind, sizeof(kind), &name))
        return;
    section_struct(s, kind, name);
    one_spelling(kind, name, whole, sizeof(whole));
    first_time(s, whole, "");
}

void config_take(struct config_state *s, const char *section, const char *name, const char *value)
{
    const struct option_definition *d;
    char kind[64], whole[100];
    const char *section_name, *near;
    void *base;

    if (!*section) {
        ERROR(s, "\"%s\" stands before any section; put it below [rollcall]", name);
        return;
    }
    if (!split_section(s, section, kind, sizeof(kind), &section_name))
        return;
    one_spelling(kind, section_name, whole, sizeof(whole));
    section = whole;
    d = config_option_find(kind, name);
    if (!d) {
        near = nearest_option(kind, name);
        if (near)
            ERROR(s, "[%s] has no option \"%s\"; did you mean \"%s\"?", section, name, near);
        else
            ERROR(s, "[%s] has no option \"%s\"; see rollcall.conf(5)", section, name);
        return;
    }
    if (!first_time(s, section, name)) {
        ERROR(s, "\"%s\" of [%s] stands twice in this file; keep one of them", name, section);
        return;
    }
    base = section_struct(s, kind, section_name);
    if (!base)
        return;
    take_value(s, d, base, value);
    if (strcmp(name, "allow_groups") == 0)
        s->config->has_allow_groups = true;
    if (strcmp(name, "grace") == 0)
        ((struct rollcall_service_config *)base)->has_grace = true;
}

void config_state_done(struct config_state *state)
{
    for (size_t i = 0; i < state->n_files; i++)
        free(state->files[i]);
    free(state->files);
    state->files = NULL;
    free(state->seen);
    state->seen = NULL;
}
