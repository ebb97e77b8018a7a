// SPDX-License-Identifier: BSD-2-Clause
// The tables of options as one.
#include <string.h>

#include "lib/config_table.h"

static const struct option_table *const tables[] = {&config_table_other, &config_table_source,
                                                    &config_table_web};

const struct option_definition *config_option(size_t i)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        if (i < tables[t]->n)
            return &tables[t]->option[i];
        i -= tables[t]->n;
    }
    return NULL;
}

const struct option_definition *config_option_find(const char *section, const char *name)
{
    const struct option_definition *d;

    for (size_t i = 0; (d = config_option(i)); i++)
        if (strcmp(d->section, section) == 0 && strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

int config_word_index(const char *words, const char *word, size_t len)
{
    int i = 0;

    for (const char *p = words; *p; i++) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, word, n) == 0)
            return i;
        p += n + (p[n] == '|');
    }
    return -1;
}

bool config_option_of_type(const struct option_definition *option, const char *type)
{
    return !option->types || (type && config_word_index(option->types, type, strlen(type)) >= 0);
}
