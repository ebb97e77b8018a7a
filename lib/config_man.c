// SPDX-License-Identifier: BSD-2-Clause
// The options part of rollcall.conf(5).
#include <stdio.h>
#include <string.h>

#include "lib/config_table.h"
#include "rollcall/config.h"

static void man_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static const char *man_type(const struct option_definition *d)
{
    static const char *const names[] = {"text",     "absolute path", "time zone", NULL,
                                        NULL,       "list",          "time",      "number",
                                        "per cent", "yes or no",     "MIN-MAX",   NULL};
    return names[d->type];
}

// "json, scim: ", before what belongs to some types alone.
static void man_types(FILE *to, const char *types)
{
    for (; *types; types++) {
        if (*types == '|')
            fputs(", ", to);
        else
            fputc(*types, to);
    }
    fputs(": ", to);
}

static void man_option(FILE *to, const struct option_definition *d)
{
    fprintf(to, ".TP\n\\fB");
    man_text(to, d->name);
    fprintf(to, "\\fR = \\fI");
    man_text(to, d->type == OPTION_WORDS ? "list of " : "");
    man_text(to, d->words ? d->words : man_type(d));
    fprintf(to, "\\fR\n");
    if (d->types)
        man_types(to, d->types);
    man_text(to, d->sentence);
    if (d->standard) {
        fprintf(to, " Default: ");
        man_text(to, d->standard);
        fputc('.', to);
    }
    fputc('\n', to);
}

void rollcall_config_man_options(FILE *to)
{
    const struct option_definition *d;

    for (size_t i = 0; i < config_n_sections; i++) {
        const struct section_definition *s = &config_sections[i];
        fprintf(to, ".SH \"[%s%s]\"\n", s->kind, s->named ? " NAME" : "");
        man_text(to, s->sentence);
        fputc('\n', to);
        for (size_t k = 0; (d = config_option(k)); k++)
            if (strcmp(d->section, s->kind) == 0)
                man_option(to, d);
    }
}
